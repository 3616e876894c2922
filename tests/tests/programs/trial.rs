//! Runs a program and checks the outcome.

use std::pin::pin;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use crate::act::{hold_slot, run, yield_times};
use crate::job::{Actor, Planned};
use crate::program::{Outer, Phase, Program};
use crate::world::World;

/// The kind of runtime that the phases run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One thread and a paused clock. The clock advances only when nothing is ready, so a program that has not
    /// completed by then hangs.
    Paused,
    /// As many threads, and a real clock.
    Threads(usize),
}

impl Kind {
    fn runtime(self) -> Runtime {
        let mut builder = match self {
            Kind::Paused => Builder::new_current_thread(),
            Kind::Threads(_) => Builder::new_multi_thread(),
        };
        if let Kind::Threads(threads) = self {
            builder.worker_threads(threads);
        }
        builder.enable_all().start_paused(self == Kind::Paused).build().expect("a runtime")
    }

    /// How long to sleep before each check for progress.
    fn interval(self) -> Duration {
        match self {
            Kind::Paused => Duration::from_hours(1),
            Kind::Threads(_) => Duration::from_millis(1),
        }
    }

    /// How many times in a row a program may make no progress for [`interval`](Self::interval) before it counts as
    /// hung.
    fn max_checks(self) -> usize {
        match self {
            Kind::Paused => 1,
            Kind::Threads(_) => 2_000,
        }
    }
}

/// Runs the program, and returns what is wrong with it as an error.
pub(crate) fn attempt(program: &Program, kind: Kind) -> Result<(), String> {
    let world = World::new(program);
    for (number, phase) in program.phases.iter().enumerate() {
        let runtime = kind.runtime();
        let ended = runtime.block_on(perform(&world, phase, kind));
        if phase.cut.is_some() {
            world.cut_short();
        }
        let ended = ended && (phase.cut.is_some() || runtime.block_on(wait_until_idle(&world, kind)));
        if ended
            && number + 1 == program.phases.len()
            && let Some(grace) = program.grace
        {
            runtime.block_on(shut_down(&world, grace));
        }
        let state = world.state();
        drop(runtime);
        if !ended {
            return Err(format!("the program hangs\n{state}"));
        }
    }
    world.check_the_end(program);
    let faults = world.faults();
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}

/// Runs the main task of one phase. Returns false if it hangs.
async fn perform(world: &World, phase: &Phase, kind: Kind) -> bool {
    // A separate task, since the program counts its polls and the timers here must not cause any.
    let mut main = tokio::spawn(main(world.clone(), phase.main.clone()));
    let mut cut = pin!(async {
        match phase.cut {
            Some(turns) => yield_times(turns).await,
            None => std::future::pending().await,
        }
    });
    let mut checks_left = kind.max_checks();
    loop {
        tokio::select! {
            biased;
            over = &mut main => {
                if let Err(error) = over && !error.into_panic().is::<Planned>() {
                    world.report("the main task panicked".to_owned());
                }
                return true;
            }
            () = &mut cut => return true,
            () = sleep(kind.interval()) => {
                if !world.restore_sizes() {
                    checks_left -= 1;
                    if checks_left == 0 {
                        return false;
                    }
                }
            }
        }
    }
}

async fn main(world: World, acts: Vec<Outer>) {
    let actor = Actor::outside(&world);
    for act in acts {
        match act {
            Outer::Act(act) => run(actor.clone(), vec![act]).await,
            Outer::WaitAll(pool) => world.pool(pool).waitall().await,
            Outer::Close(pool) => world.close(pool),
            Outer::Slot(pool, job) => hold_slot(&world, pool, job).await,
        }
    }
}

/// Waits for the jobs that no handle waits for. Returns false if they hang.
async fn wait_until_idle(world: &World, kind: Kind) -> bool {
    let mut checks_left = kind.max_checks() + 1;
    while checks_left > 0 {
        if world.is_idle() && kind != Kind::Paused {
            return true;
        }
        sleep(kind.interval()).await;
        if world.is_idle() {
            return true;
        }
        if !world.restore_sizes() {
            checks_left -= 1;
        }
    }
    false
}

async fn shut_down(world: &World, grace: u64) {
    world.cut_short();
    for pool in world.own_pools() {
        pool.shutdown(Duration::from_millis(grace)).await;
    }
}
