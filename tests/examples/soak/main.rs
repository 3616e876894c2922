//! Calls all verbs at random for as long as you like, and checks the promises throughout.
//!
//! ```text
//! cargo run -p greenpool-tests --example soak -- [SECONDS] [SEED] [THREADS]
//! ```
//!
//! Drivers call one verb after another on five pools. The jobs call verbs themselves, up to three levels deep. Other
//! tasks resize, abort and shut down pools in the meantime. Wakers and values use the pools when they are woken and
//! dropped. No pool may ever have more active jobs than slots, and each result must be the right one. Every two seconds
//! the drivers stop. Once all work has completed, every slot must be free, every future dropped, and every job counted
//! correctly. Each of these rounds has a runtime of its own; without THREADS, of 1, 2, 4 and 8 threads in turn. Other
//! runtimes are dropped all the time while they use the same pools.
//!
//! Exits with status 1 if a check fails, or if there is no progress for a while.

mod combined;
mod hostile;
mod job;
mod rng;
mod short_lived;
mod verb;
mod watch;
mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;

use rng::Rng;
use world::{POOLS, RESIZED, World};

/// How long a round lasts before all work must complete.
const ROUND: Duration = Duration::from_secs(2);

/// Number of tasks that call verbs concurrently.
const DRIVERS: u64 = 8;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let mut number = |default: u64| args.next().map_or(Ok(default), |arg| arg.parse());
    let (Ok(seconds), Ok(seed), Ok(threads), None) = (number(60), number(1), number(0), args.next()) else {
        eprintln!("usage: soak [SECONDS] [SEED] [THREADS]");
        return ExitCode::from(2);
    };
    // Planned panics do not run the hook. A verb of a set panics if a job is aborted. Any other panic is a failure.
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() != Some("the job was cancelled") {
            print(info);
            std::process::exit(1);
        }
    }));
    let world = World::new();
    watch::start(&world);
    let start = Instant::now();
    let mut rounds = 0;
    while start.elapsed() < Duration::from_secs(seconds) {
        let threads = if threads == 0 { 1 << (rounds % 4) } else { threads as usize };
        let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build().expect("a runtime");
        runtime.block_on(round(&world, seed.wrapping_add(rounds << 32)));
        drop(runtime);
        rounds += 1;
        if rounds % 5 == 0 {
            watch::print_progress(start.elapsed(), &world);
        }
    }
    println!("{rounds} rounds in {:.0?}, seed {seed}: all checks passed", start.elapsed());
    watch::summary(&world);
    ExitCode::SUCCESS
}

/// Calls verbs for a while, then stops, waits for all work to complete and checks what is left.
async fn round(world: &Arc<World>, seed: u64) {
    world.start();
    let drivers: Vec<_> = (0..DRIVERS)
        .map(|driver| {
            let (world, mut rng) = (world.clone(), Rng::new(seed + driver));
            tokio::spawn(async move {
                while world.is_running() {
                    verb::call_one(world.clone(), rng.next(), 0).await;
                }
            })
        })
        .collect();
    let others = [
        tokio::spawn(resizer(world.clone(), Rng::new(seed + 100))),
        tokio::spawn(aborter(world.clone(), Rng::new(seed + 101))),
        tokio::spawn(closer(world.clone(), Rng::new(seed + 102))),
    ];
    let visits = tokio::task::spawn_blocking({
        let (world, rng) = (world.clone(), Rng::new(seed + 103));
        move || visit(&world, rng)
    });
    tokio::time::sleep(ROUND).await;
    world.stop();
    // The resizer must finish first, so that its pool has slots for the remaining jobs.
    for other in others {
        other.await.expect("a background task completes");
    }
    visits.await.expect("no runtime panics");
    for driver in drivers {
        driver.await.expect("a driver completes");
    }
    world.check_idle().await;
}

async fn resizer(world: Arc<World>, mut rng: Rng) {
    let pool = world.pool(RESIZED);
    while world.is_running() {
        let size = rng.below(world::SIZES[RESIZED] + 1);
        pool.resize(size);
        let pause = if size == 0 { 200 } else { 2000 };
        tokio::time::sleep(Duration::from_micros(rng.below(pause) as u64)).await;
    }
    pool.resize(world::SIZES[RESIZED]);
}

async fn aborter(world: Arc<World>, mut rng: Rng) {
    while world.is_running() {
        tokio::time::sleep(Duration::from_millis(rng.below(20) as u64)).await;
        let aborted = world.pool(rng.below(POOLS)).abort_all();
        if rng.below(2) == 0 {
            aborted.await;
        }
        world.completed("abort_all");
    }
}

/// Uses the pools on runtimes of one thread, which are dropped while jobs run and wait.
fn visit(world: &Arc<World>, mut rng: Rng) {
    while world.is_running() {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let verbs = (0..4).map(|_| verb::call_one(world.clone(), rng.next(), 0));
        let all = futures::future::join_all(verbs);
        let time = Duration::from_micros(rng.below(5000) as u64);
        drop(runtime.block_on(async { tokio::time::timeout(time, all).await }));
        drop(runtime);
        world.completed("a runtime is dropped");
    }
}

/// Shuts down pools while they are in use.
async fn closer(world: Arc<World>, mut rng: Rng) {
    while world.is_running() {
        let grace = Duration::from_micros(rng.below(3000) as u64);
        short_lived::open_and_shut_down(&world, rng.next(), grace).await;
    }
}
