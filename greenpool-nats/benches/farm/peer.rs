//! What else runs jobs on other processes: Celery and `BullMQ`, both with Redis. They are measured if they are there.

use std::env;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::measure::Rate;
use crate::{PLACES, PROCESSES};

const HOW: &str = "`bash greenpool-nats/benches/farm/peers/install.sh` installs it";

/// A peer whose workers run.
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    submit: Command,
    _processes: Vec<Running>,
    _folder: TempDir,
}

/// A process that is killed when this is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Peer {
    /// Starts a Redis and the workers of each peer. An error says why a peer cannot be measured.
    pub(crate) async fn all() -> [Result<Self, (&'static str, String)>; 2] {
        let celery = Self::start("Celery", "bin/python", |program| {
            let mut work = Command::new(program);
            work.args(["-m", "celery", "-A", "celery_peer", "worker", "--pool", "threads", "--loglevel", "CRITICAL"]);
            work.args(["--concurrency", &PLACES.to_string(), "--without-gossip", "--without-mingle"]);
            let mut submit = Command::new(program);
            submit.arg("celery_peer.py");
            (work, submit)
        });
        let celery = celery.await.map_err(|why| ("Celery", why));
        let bullmq = Self::start("BullMQ", "node_modules/bullmq/package.json", |_| {
            let (mut work, mut submit) = (Command::new("node"), Command::new("node"));
            work.args(["bullmq_peer.cjs", "work", &PLACES.to_string()]);
            submit.args(["bullmq_peer.cjs", "submit"]);
            (work, submit)
        });
        [celery, bullmq.await.map_err(|why| ("BullMQ", why))]
    }

    async fn start(
        name: &'static str,
        needs: &str,
        commands: impl FnOnce(&Path) -> (Command, Command),
    ) -> Result<Self, String> {
        let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/peers");
        let program = installed.join(needs);
        if !program.exists() {
            return Err(HOW.to_owned());
        }
        let redis = redis().ok_or("there is no redis-server on the path, or in the variable REDIS_SERVER")?;
        let folder = TempDir::new().map_err(|error| error.to_string())?;
        let socket = TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
        let port = socket.local_addr().map_err(|error| error.to_string())?.port();
        drop(socket);
        let url = format!("redis://127.0.0.1:{port}/0");
        let run = |command: &mut Command| {
            let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/farm/peers");
            command.current_dir(peers).env("REDIS_URL", &url).env("PEER_MODULES", &installed);
            command.env("PYTHONDONTWRITEBYTECODE", "1").stdin(Stdio::null()).stderr(Stdio::null());
        };
        let mut server = Command::new(redis);
        run(&mut server);
        server.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--dir"]).arg(folder.path());
        let mut processes = vec![spawn(&mut server)?];
        until_it_listens(port).await?;
        let (mut work, mut submit) = commands(&program);
        run(&mut work);
        run(&mut submit);
        for _ in 0..PROCESSES {
            processes.push(spawn(&mut work)?);
        }
        let mut peer = Peer { name, submit, _processes: processes, _folder: folder };
        // All are there, and warm.
        peer.measure(200, 10)?;
        Ok(peer)
    }

    /// Returns how many jobs that do nothing are done in a second, and how long one job takes.
    pub(crate) fn measure(&mut self, jobs: u64, singles: u64) -> Result<(Rate, f64), String> {
        let mut submit = Command::new(self.submit.get_program());
        submit.args(self.submit.get_args()).args([jobs.to_string(), singles.to_string()]);
        submit.envs(self.submit.get_envs().filter_map(|(name, value)| Some((name, value?))));
        submit.current_dir(self.submit.get_current_dir().unwrap_or(Path::new("."))).stderr(Stdio::inherit());
        let output = submit.output().map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout);
        let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        match numbers[..] {
            [rate, single] => Ok((Rate(rate), single)),
            _ => Err(format!("it ended with {} and printed {text:?}", output.status)),
        }
    }
}

fn spawn(command: &mut Command) -> Result<Running, String> {
    let child = command.stdout(Stdio::null()).spawn();
    child.map(Running).map_err(|error| format!("{}: {error}", command.get_program().display()))
}

fn redis() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let on_path = env::split_paths(&path).map(|folder| folder.join("redis-server"));
    env::var_os("REDIS_SERVER").map(PathBuf::from).into_iter().chain(on_path).find(|program| program.exists())
}

async fn until_it_listens(port: u16) -> Result<(), String> {
    for _ in 0..500 {
        if TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
            return Ok(());
        }
        sleep(Duration::from_millis(20)).await;
    }
    Err("its redis-server does not listen".to_owned())
}
