//! Who looks on.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::world::World;

/// If nothing has moved for so long, something hangs.
const PATIENCE: u32 = 20;

/// Looks on from a thread of its own.
pub(crate) fn begin(world: &Arc<World>) {
    let world = world.clone();
    let watch = move || {
        let (mut seen, mut still) = (0, 0);
        loop {
            thread::sleep(Duration::from_secs(1));
            let moves = world.moves();
            still = if moves == seen { still + 1 } else { 0 };
            seen = moves;
            if still == PATIENCE {
                eprintln!(
                    "nothing has moved for {PATIENCE} seconds; {} futures and results are left",
                    world.alive.now()
                );
                world.open().into_iter().for_each(|verb| eprintln!("pending: {verb}"));
                summary(&world);
                std::process::exit(1);
            }
        }
    };
    thread::Builder::new().name("watch".into()).spawn(watch).expect("a thread");
}

/// One line on how far it is.
pub(crate) fn say(elapsed: Duration, world: &World) {
    let jobs: u64 = world.stats().iter().map(|stats| stats.spawned).sum();
    let memory = memory().map_or(String::new(), |memory| format!(", {memory} MiB"));
    println!("{:4.0} s  {:9} verbs  {jobs:9} jobs{memory}", elapsed.as_secs_f64(), world.moves());
}

pub(crate) fn summary(world: &World) {
    for (at, stats) in world.stats().iter().enumerate() {
        println!("pool {at}: {stats:?}");
    }
    for (verb, times) in world.verbs() {
        println!("{times:9} {verb}");
    }
}

/// The memory of this process, where the system tells.
fn memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    Some(line.split_whitespace().nth(1)?.parse::<u64>().ok()? / 1024)
}
