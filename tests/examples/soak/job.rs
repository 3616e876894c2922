//! The jobs, which call verbs themselves.

use std::future::ready;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use greenpool::{green_pool, inherit, lend};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::{block_in_place, yield_now};
use tokio::time::sleep;

use crate::hostile::Token;
use crate::rng::Rng;
use crate::verb::call_one;
use crate::world::{Active, POOLS, World};

/// How deep calls of verbs nest in jobs.
pub(crate) const MAX_DEPTH: u32 = 3;

/// The result of a job: the number it was created with, and a guard that counts live results.
pub(crate) type Output = (u64, Token);

type Job = BoxFuture<'static, Output>;

/// A declared function. Its pool is the last one.
#[green_pool(size = 2)]
pub(crate) async fn declared(world: Arc<World>, number: u64, seed: u64, depth: u32) -> Output {
    job(world, POOLS - 1, number, seed, depth).await
}

/// A function with a key, which runs in all pools. The key also says which pool.
#[green_pool(size = 1, key = key.1, per_key = 1)]
pub(crate) async fn keyed(world: Arc<World>, key: (usize, u64), number: u64, seed: u64, depth: u32) -> Output {
    job(world, key.0, number, seed, depth).await
}

/// Creates a job for pool `at`.
pub(crate) fn job(world: Arc<World>, at: usize, number: u64, seed: u64, depth: u32) -> Job {
    let (future, mut rng) = (world.token(), Rng::new(seed));
    async move {
        let _future = future;
        let active = Active::start(&world, at);
        match rng.below(20) {
            0 => {
                world.panicked(at);
                resume_unwind(Box::new("planned"));
            }
            1..=3 => sleep(Duration::from_micros(rng.below(2000) as u64)).await,
            4..=8 => {
                for _ in 0..=rng.below(3) {
                    yield_now().await;
                }
            }
            // While a verb is pending, this job may have lent its slot. If the verb is dropped, the job continues
            // without a slot until it next waits for greenpool. The `lend` gets it a slot again.
            9..=13 if depth < MAX_DEPTH => {
                drop(active);
                call_one(world.clone(), rng.next(), depth + 1).await;
                lend(ready(())).await;
                drop(Active::start(&world, at));
            }
            14 if depth < MAX_DEPTH => {
                drop(active);
                let (elsewhere, seed, task) = (world.clone(), rng.next(), world.token());
                let verb = async move {
                    call_one(elsewhere, seed, depth + 1).await;
                    drop(task);
                };
                tokio::spawn(inherit(verb)).await.expect("a verb does not panic");
                lend(ready(())).await;
                drop(Active::start(&world, at));
            }
            15 => {
                drop(active);
                lend(sleep(Duration::from_micros(rng.below(500) as u64))).await;
                drop(Active::start(&world, at));
            }
            16 if depth < MAX_DEPTH && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread => {
                drop(active);
                block_in_place(|| Handle::current().block_on(call_one(world.clone(), rng.next(), depth + 1)));
                lend(ready(())).await;
                drop(Active::start(&world, at));
            }
            _ => drop(active),
        }
        world.finished(at);
        (number, world.token())
    }
    .boxed()
}
