//! All verbs at random, for as long as you like, with the promises checked all along.
//!
//! ```text
//! cargo run --release -p greenpool-tests --example soak -- [SECONDS] [SEED]
//! ```
//!
//! Some drivers do one verb after the other on four pools, with jobs that do verbs themselves, three levels deep;
//! others resize, abort and shut down meanwhile. At any time no pool has more jobs at work than slots, and each result
//! is the right one. Every two seconds all are told to come to an end, and then each slot has to be back, each future
//! dropped, and each job counted as what it was.
//!
//! It ends with status 1 when something does not hold, or when nothing has moved for a while.

mod brief;
mod dice;
mod job;
mod verb;
mod watch;
mod world;

use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Builder;

use dice::Dice;
use world::{POOLS, RESIZED, World};

/// How long a round is before all has to come to its end.
const ROUND: Duration = Duration::from_secs(2);

/// How many do verbs at a time.
const DRIVERS: u64 = 8;

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let mut number = |default: u64| args.next().map_or(Ok(default), |arg| arg.parse());
    let (Ok(seconds), Ok(seed), None) = (number(60), number(1), args.next()) else {
        eprintln!("usage: soak [SECONDS] [SEED]");
        return ExitCode::from(2);
    };
    // A planned panic is no news; any other is.
    let print = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        print(info);
        std::process::exit(1);
    }));
    let world = World::new();
    watch::begin(&world);
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let start = Instant::now();
    let mut rounds = 0;
    while start.elapsed() < Duration::from_secs(seconds) {
        runtime.block_on(round(&world, seed.wrapping_add(rounds << 32)));
        rounds += 1;
        if rounds % 5 == 0 {
            watch::say(start.elapsed(), &world);
        }
    }
    drop(runtime);
    println!("{rounds} rounds in {:.0?}, seed {seed}: everything held", start.elapsed());
    watch::summary(&world);
    ExitCode::SUCCESS
}

/// Drives for a while, then has all come to an end, and looks at what is left.
async fn round(world: &Arc<World>, seed: u64) {
    world.go_on();
    let drivers: Vec<_> = (0..DRIVERS)
        .map(|driver| {
            let (world, mut dice) = (world.clone(), Dice::new(seed + driver));
            tokio::spawn(async move {
                while world.is_on() {
                    verb::one(world.clone(), dice.next(), 0).await;
                }
            })
        })
        .collect();
    let others = [
        tokio::spawn(resizer(world.clone(), Dice::new(seed + 100))),
        tokio::spawn(aborter(world.clone(), Dice::new(seed + 101))),
        tokio::spawn(closer(world.clone(), Dice::new(seed + 102))),
    ];
    tokio::time::sleep(ROUND).await;
    world.stop();
    // The pool that is resized is to have slots for what is left.
    for other in others {
        other.await.expect("a helper ends");
    }
    for driver in drivers {
        driver.await.expect("a driver ends");
    }
    world.comes_to_rest().await;
}

async fn resizer(world: Arc<World>, mut dice: Dice) {
    let pool = world.pool(RESIZED);
    while world.is_on() {
        let size = dice.below(world::SIZES[RESIZED] + 1);
        pool.resize(size);
        let pause = if size == 0 { 200 } else { 2000 };
        tokio::time::sleep(Duration::from_micros(dice.below(pause) as u64)).await;
    }
    pool.resize(world::SIZES[RESIZED]);
}

async fn aborter(world: Arc<World>, mut dice: Dice) {
    while world.is_on() {
        tokio::time::sleep(Duration::from_millis(dice.below(20) as u64)).await;
        let aborted = world.pool(dice.below(POOLS)).abort_all();
        if dice.below(2) == 0 {
            aborted.await;
        }
        world.did("abort_all");
    }
}

/// Pools of its own that are closed and shut down in mid-flight.
async fn closer(world: Arc<World>, mut dice: Dice) {
    while world.is_on() {
        let grace = Duration::from_micros(dice.below(3000) as u64);
        brief::life(&world, dice.next(), grace).await;
    }
}
