//! The jobs, which do verbs themselves.

use std::future::ready;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use greenpool::{green_pool, inherit, lend};
use greenpool_tests::GaugeGuard;
use tokio::task::yield_now;
use tokio::time::sleep;

use crate::dice::Dice;
use crate::verb::one;
use crate::world::{AtWork, POOLS, World};

/// How deep jobs do verbs within jobs.
const DEEP: u32 = 3;

/// What a job gives: the number that it was made with, and something that has to be dropped.
pub(crate) type Gift = (u64, GaugeGuard);

type Job = BoxFuture<'static, Gift>;

/// A declared function, whose pool is the last.
#[green_pool(size = 2)]
pub(crate) async fn declared(world: Arc<World>, number: u64, seed: u64, depth: u32) -> Gift {
    job(world, POOLS - 1, number, seed, depth).await
}

/// A job of pool `at`.
pub(crate) fn job(world: Arc<World>, at: usize, number: u64, seed: u64, depth: u32) -> Job {
    let (future, mut dice) = (world.token(), Dice::new(seed));
    async move {
        let _future = future;
        let at_work = AtWork::begin(&world, at);
        match dice.below(20) {
            0 => {
                world.panicked(at);
                resume_unwind(Box::new("planned"));
            }
            1..=3 => sleep(Duration::from_micros(dice.below(2000) as u64)).await,
            4..=8 => {
                for _ in 0..=dice.below(3) {
                    yield_now().await;
                }
            }
            // While a verb is pending this job may have lent its slot, and if the verb is given up it goes on without
            // one until it next waits for greenpool: so it does.
            9..=13 if depth < DEEP => {
                drop(at_work);
                one(world.clone(), dice.next(), depth + 1).await;
                lend(ready(())).await;
                drop(AtWork::begin(&world, at));
            }
            14 if depth < DEEP => {
                drop(at_work);
                let (elsewhere, seed, task) = (world.clone(), dice.next(), world.token());
                let verb = async move {
                    one(elsewhere, seed, depth + 1).await;
                    drop(task);
                };
                tokio::spawn(inherit(verb)).await.expect("a verb does not fail");
                lend(ready(())).await;
                drop(AtWork::begin(&world, at));
            }
            15 => {
                drop(at_work);
                lend(sleep(Duration::from_micros(dice.below(500) as u64))).await;
                drop(AtWork::begin(&world, at));
            }
            _ => drop(at_work),
        }
        world.finished(at);
        (number, world.token())
    }
    .boxed()
}
