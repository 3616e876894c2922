//! Executes the acts of a program.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use futures::future::{BoxFuture, join_all, select_all};
use futures::poll;
use greenpool::{GreenThread, inherit, lend};
use tokio::runtime::Handle;
use tokio::task::{JoinHandle, block_in_place, yield_now};
use tokio::time::{sleep, timeout};

use crate::declared::{keyed, left, right};
use crate::fan;
use crate::job::{Actor, Body, planned_panic};
use crate::map;
use crate::pile;
use crate::program::{Act, Block, Job, Pool, Then};
use crate::world::{Value, World};

/// Boxed, since acts contain blocks.
pub(crate) fn run(actor: Actor, block: Block) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        let (mut kept, mut queued) = (Vec::new(), Vec::new());
        for act in block {
            if let Act::KeepSpawn(pool, job) = act {
                keep_spawn(&actor, pool, job, &mut queued, &mut kept).await;
            } else {
                perform(&actor, act, &mut kept).await;
            }
        }
        kept.extend(join_all(queued).await);
        for green in kept {
            drop(green.await);
        }
    })
}

async fn perform(actor: &Actor, act: Act, kept: &mut Vec<GreenThread<Value>>) {
    match act {
        Act::Yield => yield_now().await,
        Act::Sleep => sleep(Duration::from_millis(1)).await,
        Act::Panic => planned_panic(),
        Act::Resize(pool, size) => actor.world.resize(pool, size),
        Act::AbortAll(pool) => drop(actor.world.pool(pool).abort_all()),
        Act::Spawn(pool, job, after) => {
            let green = spawn(actor, pool, job).await;
            then(green, after, kept).await;
        }
        Act::KeepSpawn(..) => unreachable!("a block performs it"),
        Act::SpawnN(pool, job) => spawn_n(actor, pool, job).await,
        Act::TrySpawn(pool, job, after) => {
            if let Some(green) = try_spawn(actor, pool, job) {
                then(green, after, kept).await;
            }
        }
        Act::Queue(pool, job) => queue(actor, pool, job),
        Act::Map(map) => map::run(actor, map).await,
        Act::Pile(pile) => pile::run(actor, pile).await,
        Act::Fan(fan) => fan::run(actor, fan).await,
        Act::Join(blocks) => drop(join_all(blocks.into_iter().map(|block| run(actor.concurrent(true), block))).await),
        Act::Select(blocks) => {
            if !blocks.is_empty() {
                select_all(blocks.into_iter().map(|block| run(actor.concurrent(true), block))).await;
            }
        }
        Act::Polls(polls, block) => poll_times(polls, run(actor.clone(), block)).await,
        Act::Lend(block) => lend(run(actor.clone(), block)).await,
        // A poll that blocks its thread until a branch is over may wait for ever.
        Act::Inherit(block) if actor.is_in_place() => inherit(run(actor.clone(), block)).await,
        Act::Inherit(block) => drop(branch(actor, block).await),
        Act::Part(block) => inherit(run(actor.clone(), block)).await,
        Act::Timeout(ms, block) => drop(timeout(Duration::from_millis(ms), run(actor.clone(), block)).await),
        Act::Reopen(pool) => reopen(actor, pool),
        Act::WaitAll(pool) if actor.is_inside(pool) => {}
        // A job of that pool may wait for this one.
        Act::WaitAll(pool) => drop(timeout(Duration::from_millis(2), actor.world.pool(pool).waitall()).await),
        Act::Slot(pool, job) => hold_slot(&actor.world, pool, job).await,
        Act::HandOver(pools, jobs) => hand_over(actor, pools, jobs, kept).await,
        Act::Detach(block) => drop(branch(actor, block)),
        Act::Abandon(turns, block) => {
            let task = branch(actor, block);
            yield_times(turns).await;
            task.abort();
        }
        Act::ResizePerKey(pool, limit) => actor.world.resize_per_key(pool, limit),
        Act::InPlace(block) if actor.may_block() => {
            actor.blocks_in_place();
            block_in_place(|| Handle::current().block_on(run(actor.in_place(), block)));
        }
        Act::InPlace(block) => run(actor.clone(), block).await,
    }
}

/// A branch of the job in a task of its own.
fn branch(actor: &Actor, block: Block) -> JoinHandle<()> {
    let part = actor.part(run(actor.in_own_task(), block));
    let (task, future) = (actor.world.task(), inherit(part));
    tokio::spawn(async move {
        let _task = task;
        future.await;
    })
}

fn reopen(actor: &Actor, pool: Pool) {
    actor.world.close(pool);
    actor.world.pool(pool).reopen();
}

pub(crate) async fn hold_slot(world: &World, pool: Pool, job: Option<Job>) {
    let Ok(slot) = world.pool(pool).slot().await else { return };
    yield_times(2).await;
    if let Some(job) = job {
        slot.spawn_n(Body::new(world, pool, job).run());
    }
}

async fn hand_over(
    actor: &Actor,
    [pool, other]: [Pool; 2],
    [first, second]: [Job; 2],
    kept: &mut Vec<GreenThread<Value>>,
) {
    let mut queued = Vec::new();
    keep_spawn(actor, pool, first, &mut queued, kept).await;
    let body = Body::new(&actor.world, other, second);
    let green = spawn_body(actor, other, body.after(queued.pop())).await;
    kept.push(green);
}

async fn spawn(actor: &Actor, pool: Pool, job: Job) -> GreenThread<Value> {
    spawn_body(actor, pool, Body::new(&actor.world, pool, job)).await
}

async fn spawn_body(actor: &Actor, pool: Pool, body: Body) -> GreenThread<Value> {
    let own = actor.world.pool(pool);
    match (actor.world.is_declared(pool), own.per_key()) {
        (true, _) => left::spawn(body).await,
        (false, Some(_)) => own.spawn_keyed(body.key(), body.keyed().run()).await,
        (false, None) => own.spawn(body.run()).await,
    }
}

/// Polls a spawn once, and leaves it for the end of the block.
async fn keep_spawn(
    actor: &Actor,
    pool: Pool,
    job: Job,
    queued: &mut Vec<BoxFuture<'static, GreenThread<Value>>>,
    kept: &mut Vec<GreenThread<Value>>,
) {
    let body = Body::new(&actor.world, pool, job);
    let mut spawn: BoxFuture<'static, _> = if actor.world.is_declared(pool) {
        Box::pin(left::spawn(body))
    } else {
        Box::pin(actor.world.pool(pool).spawn_keyed(body.key(), body.keyed().run()))
    };
    match poll!(&mut spawn) {
        Poll::Ready(green) => kept.push(green),
        Poll::Pending => queued.push(spawn),
    }
}

async fn spawn_n(actor: &Actor, pool: Pool, job: Job) {
    let body = Body::new(&actor.world, pool, job);
    if actor.world.is_declared(pool) {
        right::spawn_n(body).await;
    } else {
        actor.world.pool(pool).spawn_n_keyed(body.key(), body.keyed().run()).await;
    }
}

fn try_spawn(actor: &Actor, pool: Pool, job: Job) -> Option<GreenThread<Value>> {
    let body = Body::new(&actor.world, pool, job);
    if actor.world.is_declared(pool) {
        right::try_spawn(body).ok()
    } else {
        actor.world.pool(pool).try_spawn_keyed(body.key(), body.keyed().run()).ok()
    }
}

fn queue(actor: &Actor, pool: Pool, job: Job) {
    let body = Body::new(&actor.world, pool, job);
    let own = actor.world.pool(pool);
    match (actor.world.is_declared(pool), body.is_even()) {
        (true, true) => left::queue(body),
        (true, false) => right::queue(body),
        (false, false) if !body.is_bomb() => keyed::on(own).queue(body.keyed()),
        (false, _) if own.per_key().is_some() => own.queue_keyed(body.key(), body.keyed().run()),
        (false, _) => own.queue(body.run()),
    }
}

async fn then(green: GreenThread<Value>, then: Then, kept: &mut Vec<GreenThread<Value>>) {
    match then {
        Then::Await => drop(green.await),
        Then::Drop => drop(green),
        Then::Abort => green.abort(),
        Then::Keep => kept.push(green),
    }
}

pub(crate) async fn yield_times(turns: usize) {
    for _ in 0..turns {
        yield_now().await;
    }
}

/// Drops `future` after `polls` polls at most.
pub(crate) async fn poll_times(polls: usize, mut future: BoxFuture<'static, ()>) {
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(());
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Pending if left > 0 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
    .await;
}
