//! Runs an example as a user would.

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use serde_json::Value;
#[cfg(unix)]
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio::time;

/// Far longer than any run of an example in a test takes.
pub(crate) const DEADLINE: Duration = Duration::from_mins(2);

/// A built example.
pub(crate) struct Program(PathBuf);

impl Program {
    /// Builds the example: `cargo test --test NAME` alone would not.
    pub(crate) fn build(name: &str) -> Self {
        Self::build_with(name, &["--workspace"])
    }

    /// Builds the example with these packages and features.
    pub(crate) fn build_with(name: &str, args: &[&str]) -> Self {
        let mut cargo = std::process::Command::new(env!("CARGO"));
        cargo.args(["build", "--example", name, "--message-format", "json"]).args(args);
        // cargo sets these variables for the test. A build script that reads them would run again.
        for (name, _) in
            std::env::vars().filter(|(name, _)| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"))
        {
            cargo.env_remove(name);
        }
        if !cfg!(debug_assertions) {
            cargo.arg("--release");
        }
        let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).stderr(Stdio::inherit()).output().unwrap();
        assert!(output.status.success(), "{name} does not build");
        let messages = String::from_utf8(output.stdout).unwrap();
        let executable = |line| {
            let message: Value = serde_json::from_str(line).ok()?;
            message["executable"].as_str().map(PathBuf::from)
        };
        Self(messages.lines().find_map(executable).expect("cargo names the program it built"))
    }

    /// The command, for a test that talks to the program while it runs.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.0);
        command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Runs the program until it exits.
    pub(crate) async fn run(&self, args: &[&str]) -> Output {
        let output = time::timeout(DEADLINE, self.command(args).output()).await;
        output.unwrap_or_else(|_| panic!("{args:?} hangs")).unwrap()
    }

    /// Runs the program, which must exit with `status`, and returns its standard output.
    pub(crate) async fn prints(&self, args: &[&str], status: i32) -> String {
        let output = self.run(args).await;
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(status), "{args:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs the program, interrupts it once it has printed `sign` to standard error, and returns its standard output.
    #[cfg(unix)]
    pub(crate) async fn interrupted(&self, args: &[&str], sign: &str) -> String {
        let mut child = self.command(args).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let finish = async {
            while !lines.next_line().await.unwrap().expect("the sign comes").contains(sign) {}
            interrupt(&child).await;
            // Keep reading, so that the program never writes to a closed pipe.
            let rest = async { while lines.next_line().await.unwrap().is_some() {} };
            tokio::join!(child.wait_with_output(), rest).0.unwrap()
        };
        let output = time::timeout(DEADLINE, finish).await.expect("the interrupt is handled");
        assert_eq!(output.status.code(), Some(130));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Checks that the program exits with status 2, prints nothing to standard output, and gives this advice.
    pub(crate) async fn refuses(&self, args: &[&str], advice: &str) {
        let output = self.run(args).await;
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {message}");
        assert!(message.contains(advice), "{args:?}: {message}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

/// Sends the signal that Ctrl-C sends.
#[cfg(unix)]
pub(crate) async fn interrupt(child: &tokio::process::Child) {
    let id = child.id().expect("the program is running").to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status().await.unwrap();
    assert!(killed.success());
}
