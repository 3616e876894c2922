//! Executes piles.

use futures::future::join;
use greenpool::{GreenPile, PileSpawner, inherit};

use crate::job::{Actor, Body};
use crate::program::{Job, Pile, Pool, Producer, Taken};
use crate::world::{Task, Value};

pub(crate) async fn run(actor: &Actor, pile: Pile) {
    let Pile { pool, jobs, by, unordered, taken } = pile;
    let count = jobs.len();
    let mut results = GreenPile::on(actor.world.pool(pool));
    let done = match by {
        Producer::First => {
            for job in jobs {
                results.spawn(Body::new(&actor.world, pool, job).run()).await;
            }
            take(&mut results, unordered, taken).await
        }
        Producer::Concurrent => {
            let spawner = results.spawner();
            join(produce(actor.clone(), pool, jobs, spawner, None), take(&mut results, unordered, taken)).await.1
        }
        Producer::Inheriting => {
            let spawner = results.spawner();
            let part = actor.part(produce(actor.clone(), pool, jobs, spawner, Some(actor.world.task())));
            drop(tokio::spawn(inherit(part)));
            take(&mut results, unordered, taken).await
        }
        Producer::Unrelated => {
            let spawner = results.spawner();
            let task = actor.world.task();
            drop(tokio::spawn(produce(Actor::outside(&actor.world), pool, jobs, spawner, Some(task))));
            take(&mut results, unordered, taken).await
        }
    };
    match taken {
        Taken::All if done != count && !actor.world.is_cut_short() => {
            actor.world.report(format!("a pile of {count} jobs yielded {done} results"));
        }
        Taken::ThenDetached(_) => results.detach(),
        _ => {}
    }
}

async fn produce(actor: Actor, pool: Pool, jobs: Vec<Job>, spawner: PileSpawner<Value>, _task: Option<Task>) {
    for job in jobs {
        spawner.spawn(Body::new(&actor.world, pool, job).run()).await;
    }
}

/// Takes results as `taken` says, and returns how many.
async fn take(results: &mut GreenPile<Value>, unordered: bool, taken: Taken) -> usize {
    let mut count = 0;
    while count < taken.limit() && next(results, unordered).await {
        count += 1;
    }
    count
}

/// Takes a result. Returns whether there was one.
async fn next(results: &mut GreenPile<Value>, unordered: bool) -> bool {
    if unordered { results.next_unordered().await.is_some() } else { results.next().await.is_some() }
}
