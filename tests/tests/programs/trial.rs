//! Runs a program and judges it.

use std::pin::pin;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::time::sleep;

use crate::act::{run, take_turns};
use crate::job::{Actor, Planned};
use crate::program::{Outer, Phase, Program};
use crate::world::World;

/// What kind of runtime the phases run in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One thread and a clock that moves only when nothing is ready: then a program that has not ended hangs.
    Paused,
    /// Two threads and a real clock.
    Threads,
}

impl Kind {
    fn runtime(self) -> Runtime {
        let mut builder = match self {
            Kind::Paused => Builder::new_current_thread(),
            Kind::Threads => Builder::new_multi_thread(),
        };
        builder.enable_all().worker_threads(2).start_paused(self == Kind::Paused).build().expect("a runtime")
    }

    /// After so long nothing moves any more.
    fn long(self) -> Duration {
        match self {
            Kind::Paused => Duration::from_hours(1),
            Kind::Threads => Duration::from_millis(1),
        }
    }

    /// So many times a program may not move for [`long`](Self::long).
    fn patience(self) -> usize {
        match self {
            Kind::Paused => 1,
            Kind::Threads => 2_000,
        }
    }
}

/// Runs the program; what is wrong with it.
pub(crate) fn attempt(program: &Program, kind: Kind) -> Result<(), String> {
    let world = World::new(program);
    for (number, phase) in program.phases.iter().enumerate() {
        let runtime = kind.runtime();
        let ended = runtime.block_on(perform(&world, phase, kind));
        if phase.cut.is_some() {
            world.cut_short();
        }
        let ended = ended && (phase.cut.is_some() || runtime.block_on(come_to_rest(&world, kind)));
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

/// One phase's main task. False: it hangs.
async fn perform(world: &World, phase: &Phase, kind: Kind) -> bool {
    // In a task of its own: the clock here must not poll it, since it counts its polls.
    let mut main = tokio::spawn(main(world.clone(), phase.main.clone()));
    let mut cut = pin!(async {
        match phase.cut {
            Some(turns) => take_turns(turns).await,
            None => std::future::pending().await,
        }
    });
    let mut patience = kind.patience();
    loop {
        tokio::select! {
            biased;
            over = &mut main => {
                if let Err(error) = over && !error.into_panic().is::<Planned>() {
                    world.fault("the main task panicked".to_owned());
                }
                return true;
            }
            () = &mut cut => return true,
            () = sleep(kind.long()) => {
                if !world.lift() {
                    patience -= 1;
                    if patience == 0 {
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
        }
    }
}

/// Waits for the jobs that nobody waits for. False: they hang.
async fn come_to_rest(world: &World, kind: Kind) -> bool {
    let mut patience = kind.patience() + 1;
    while patience > 0 {
        if world.is_at_rest() && kind == Kind::Threads {
            return true;
        }
        sleep(kind.long()).await;
        if world.is_at_rest() {
            return true;
        }
        if !world.lift() {
            patience -= 1;
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
