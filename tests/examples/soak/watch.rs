//! Watches for hangs and prints the progress.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::world::World;

/// Seconds without progress after which something counts as hung.
const MAX_STALL: u32 = 20;

/// Starts the watcher on a separate thread.
pub(crate) fn start(world: &Arc<World>) {
    let world = world.clone();
    let watch = move || {
        let (mut seen, mut stalled) = (0, 0);
        loop {
            thread::sleep(Duration::from_secs(1));
            let progress = world.progress();
            stalled = if progress == seen { stalled + 1 } else { 0 };
            seen = progress;
            if stalled == MAX_STALL {
                eprintln!("no progress for {MAX_STALL} seconds; {} futures and results are left", world.alive.now());
                world.pending_verbs().into_iter().for_each(|verb| eprintln!("pending: {verb}"));
                summary(&world);
                std::process::exit(1);
            }
        }
    };
    thread::Builder::new().name("watch".into()).spawn(watch).expect("a thread");
}

/// Prints one line of progress.
pub(crate) fn print_progress(elapsed: Duration, world: &World) {
    let jobs: u64 = world.stats().iter().map(|stats| stats.spawned).sum();
    let memory = memory().map_or(String::new(), |memory| format!(", {memory} MiB"));
    println!("{:4.0} s  {:9} verbs  {jobs:9} jobs{memory}", elapsed.as_secs_f64(), world.progress());
}

pub(crate) fn summary(world: &World) {
    for (at, stats) in world.stats().iter().enumerate() {
        println!("pool {at}: {stats:?}");
    }
    for (verb, times) in world.verbs() {
        println!("{times:9} {verb}");
    }
}

/// Resident memory of this process in MiB, if the system reports it.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}
