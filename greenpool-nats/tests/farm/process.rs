//! The processes that a test starts.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::deadline::until;
use crate::role::{Role, VARIABLE};

/// A process of this binary in a role. Dropping it kills it.
pub(crate) struct Process {
    child: Child,
    output: Lines<BufReader<ChildStdout>>,
}

impl Process {
    pub(crate) fn start(role: &Role) -> Self {
        let program = std::env::current_exe().expect("the tests are a program");
        let role = serde_json::to_string(role).expect("a role is plain data");
        let mut command = Command::new(program);
        command.env(VARIABLE, role);
        Self::spawn(command)
    }

    /// A process of another program.
    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("a process");
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe")).lines();
        Process { child, output }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().cast_signed()), signal).expect("the process is there");
    }

    /// Kills it, without a warning.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("the process is there");
        self.child.wait().expect("the process ends");
    }

    /// Reads the next line that it prints. Blocks the thread.
    pub(crate) fn line(&mut self) -> Option<String> {
        self.output.next().map(|line| line.expect("it prints text"))
    }

    /// How many bytes of memory it uses.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("the process is there");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("Linux says it");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    /// Waits until it has ended by itself. Returns whether it was content.
    pub(crate) async fn ended(&mut self) -> bool {
        let mut status = None;
        until("a process to end", async || {
            status = self.child.try_wait().expect("the process can be waited for");
            status.is_some()
        })
        .await;
        status.is_some_and(|status| status.success())
    }

    /// Whether it has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("the process can be waited for").is_some()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already. One that was stopped does not hear anything else.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The lease of the tests.
pub(crate) const LEASE: Duration = Duration::from_secs(2);
