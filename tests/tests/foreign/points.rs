//! Each public future, at each point of its life.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use futures::future::{BoxFuture, FusedFuture};
use futures::{FutureExt, StreamExt, stream};
use greenpool::{GreenPile, GreenPool, GreenThread, green_pool, inherit, lend, pile};
use greenpool_tests::{Gate, paused, threads};
use tokio::sync::Mutex;
use tokio::task::yield_now;

use crate::hostile::{Findings, Hostile};

/// What a future is made of: the pool, a job that waits for a gate, and a hostile value.
struct World {
    pool: GreenPool,
    gate: Gate,
    findings: Findings,
    bomb: bool,
}

impl World {
    fn value(&self) -> Hostile {
        // Its destructor must not use a pool that it would make busy for ever.
        Hostile { findings: self.findings.clone(), pool: self.pool.clone(), bomb: self.bomb }
    }

    /// A job with a hostile argument and a hostile output.
    fn job(&self) -> impl Future<Output = Hostile> + Send + use<> {
        let (argument, output, gate) = (self.value(), self.value(), self.gate.clone());
        async move {
            let _argument = argument;
            gate.opened().await;
            output
        }
    }
}

#[green_pool(size = 1)]
async fn declared(argument: Hostile, gate: Gate) -> Hostile {
    gate.opened().await;
    argument
}

/// A verb that panics if the pool is closed.
fn panics_if_closed(verb: impl Future<Output = ()> + Send + 'static) -> BoxFuture<'static, ()> {
    AssertUnwindSafe(verb).catch_unwind().map(drop).boxed()
}

type Make = fn(&World) -> BoxFuture<'static, ()>;

/// The public futures.
#[rustfmt::skip]
const FUTURES: [(&str, Make); 26] = [
    ("spawn", |w| { let (pool, job) = (w.pool.clone(), w.job()); async move { drop(pool.spawn(job).await) }.boxed() }),
    ("spawn_n", |w| { let (pool, job) = (w.pool.clone(), w.job()); async move { pool.spawn_n(job).await }.boxed() }),
    ("handle", |w| { let (pool, job) = (w.pool.clone(), w.job()); async move { drop(pool.spawn(job).await.await) }.boxed() }),
    ("value of a handle", |w| { let (pool, job) = (w.pool.clone(), w.job()); async move { drop(pool.spawn(async { Ok::<_, ()>(job.await) }).await.value().await) }.boxed() }),
    ("f::spawn", |w| { let (value, gate) = (w.value(), w.gate.clone()); async move { drop(declared::spawn(value, gate).await.await) }.boxed() }),
    ("f::spawn_n", |w| { let (value, gate) = (w.value(), w.gate.clone()); async move { declared::spawn_n(value, gate).await }.boxed() }),
    ("f::on", |w| { let (on, value, gate) = (declared::on(&w.pool), w.value(), w.gate.clone()); async move { drop(on.spawn(value, gate).await.await) }.boxed() }),
    ("f::imap", |w| { let (values, gate) = ([w.value(), w.value()], w.gate.clone()); async move { let mut map = declared::starmap(values.map(|value| (value, gate.clone()))); while map.next().await.is_some() {} }.boxed() }),
    ("queue", |w| { let (pool, job) = (w.pool.clone(), w.job()); async move { pool.queue(job); pool.waitall().await }.boxed() }),
    ("slot", |w| { let (pool, job) = (w.pool.clone(), w.job()); async move { if let Ok(slot) = pool.slot().await { drop(slot.spawn(job).await) } }.boxed() }),
    ("waitall", |w| { let (pool, job) = (w.pool.clone(), w.job()); async move { pool.spawn_n(job).await; pool.waitall().await }.boxed() }),
    ("abort_all", |w| { let (pool, job) = (w.pool.clone(), w.job()); async move { pool.spawn_n(job).await; pool.abort_all().await; }.boxed() }),
    ("imap", |w| { let (pool, value, gate) = (w.pool.clone(), w.value(), w.gate.clone()); let values = [w.value(), w.value()]; async move { let mut map = pool.imap(move |x| { let (x, y, gate): (Hostile, _, _) = (x, value.clone(), gate.clone()); async move { gate.opened().await; (x, y) } }, values); while map.next().await.is_some() {} }.boxed() }),
    ("imap_unordered", |w| { let (pool, gate) = (w.pool.clone(), w.gate.clone()); let values = [w.value(), w.value(), w.value()]; async move { let mut map = pool.imap_unordered(move |x| { let gate = gate.clone(); async move { gate.opened().await; x } }, values).window(1); while map.next().await.is_some() {} }.boxed() }),
    ("imap_stream", |w| { let (pool, gate) = (w.pool.clone(), w.gate.clone()); let values = [w.value(), w.value()]; let opened = w.gate.clone(); async move { let source = stream::iter(values).then(move |x| { let gate = opened.clone(); async move { gate.opened().await; x } }).boxed(); let mut map = pool.imap_stream(move |x| { let gate = gate.clone(); async move { gate.opened().await; x } }, source); while map.next().await.is_some() {} }.boxed() }),
    ("indexed", |w| { let (pool, gate) = (w.pool.clone(), w.gate.clone()); let values = [w.value(), w.value()]; async move { let mut map = pool.imap_unordered(move |x| { let gate = gate.clone(); async move { gate.opened().await; x } }, values).indexed(); while map.next().await.is_some() {} }.boxed() }),
    ("try_collect", |w| { let (pool, gate) = (w.pool.clone(), w.gate.clone()); let values = [w.value(), w.value()]; let all = async move { drop(pool.imap(move |x| { let gate = gate.clone(); async move { gate.opened().await; Err::<(), _>(x) } }, values).try_collect::<Vec<_>>().await) }; panics_if_closed(all) }),
    ("values", |w| { let (pool, job) = (w.pool.clone(), w.job()); let all = async move { let mut values = pool.imap(|job| job, [job]).values(); while values.next().await.is_some() {} }; panics_if_closed(all) }),
    ("pile next", |w| { let (mut pile, jobs) = (GreenPile::on(&w.pool), [w.job(), w.job()]); async move { for job in jobs { pile.spawn(job).await; } while pile.next().await.is_some() {} }.boxed() }),
    ("pile next_unordered", |w| { let (mut pile, jobs) = (GreenPile::on(&w.pool), [w.job(), w.job()]); async move { for job in jobs { pile.spawn(job).await; } while pile.next_unordered().await.is_some() {} }.boxed() }),
    ("pile spawner", |w| { let (mut pile, jobs) = (GreenPile::on(&w.pool), [w.job(), w.job()]); let spawner = pile.spawner(); async move { let spawns = async move { for job in jobs { spawner.spawn(job).await; } }; let takes = async { while pile.next().await.is_some() {} }; futures::join!(spawns, takes); }.boxed() }),
    ("pile! join", |w| { let (a, b, gate) = (w.value(), w.value(), w.gate.clone()); async move { drop(pile![declared(a, gate.clone()), declared(b, gate)].join().await) }.boxed() }),
    ("pile! next_unordered", |w| { let (a, b, gate) = (w.value(), w.value(), w.gate.clone()); async move { let mut pile = pile![declared(a, gate.clone()), declared(b, gate)]; while pile.next_unordered().await.is_some() {} }.boxed() }),
    ("nested", |w| { let (pool, inner, job) = (w.pool.clone(), w.pool.clone(), w.job()); async move { drop(pool.spawn(async move { inner.spawn(job).await.await }).await.await) }.boxed() }),
    ("lend", |w| { let (pool, job) = (w.pool.clone(), w.job()); async move { drop(pool.spawn(lend(job)).await.await) }.boxed() }),
    ("inherit", |w| { let (pool, job) = (w.pool.clone(), w.job()); async move { drop(pool.spawn(async move { inherit(job).await }).await.await) }.boxed() }),
];

/// When the future is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    /// After the first poll.
    Polled,
    /// When nothing more happens while the jobs wait.
    Blocked,
    /// When the jobs have ended, without another poll.
    Over,
    /// When it is ready.
    Ready,
}

/// What has the only slot first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Nothing,
    Job,
    Aborted,
    Closed,
}

async fn live(make: Make, world: &World, until: Until, holder: Holder) {
    let World { pool, gate, .. } = world;
    let declared = declared::pool();
    let mut blocks = Vec::new();
    if holder != Holder::Nothing {
        for pool in [pool, declared] {
            blocks.push(pool.spawn(world.gate.clone().opened()).await);
        }
    }
    let hostile = Hostile { findings: world.findings.clone(), pool: pool.clone(), bomb: false };
    let mut future = make(world);
    let mut drive = Box::pin(poll_fn(|cx| {
        // The verb drops what it gets, and a bomb panics then.
        let polled = catch_unwind(AssertUnwindSafe(|| hostile.poll(future.as_mut(), cx.waker())));
        let is_over = polled.map_or(true, |polled| polled.is_ready());
        if until == Until::Polled || is_over { Poll::Ready(()) } else { Poll::Pending }
    }))
    .fuse();
    futures::select_biased! {
        () = &mut drive => {}
        () = settle().fuse() => {}
    }
    match holder {
        Holder::Aborted => blocks.iter().for_each(GreenThread::abort),
        Holder::Closed => pool.close(),
        Holder::Nothing | Holder::Job => {}
    }
    if until == Until::Blocked {
        futures::select_biased! {
            () = &mut drive => {}
            () = settle().fuse() => {}
        }
    }
    if matches!(until, Until::Over | Until::Ready) {
        gate.open();
        if until == Until::Ready && !drive.is_terminated() { (&mut drive).await } else { settle().await }
    }
    drop(drive);
    let _ = catch_unwind(AssertUnwindSafe(|| drop(future)));
    gate.open();
    drop(hostile);
    pool.waitall().await;
    declared.waitall().await;
    // Both work as before.
    pool.reopen();
    for pool in [pool, declared] {
        assert_eq!(pool.spawn(async { 7 }).await.await.unwrap(), 7);
        // What is dropped on another thread meanwhile may still use the pool. If a slot were lost, this would not end.
        while (pool.running(), pool.waiting()) != (0, 0) {
            pool.waitall().await;
            yield_now().await;
        }
    }
}

async fn settle() {
    for _ in 0..50 {
        yield_now().await;
    }
}

/// Crosses all futures with all points, on a runtime of one thread and on one of two.
async fn cross(bomb: bool) {
    // The tests share the pool of `declared`.
    static LOCK: Mutex<()> = Mutex::const_new(());
    let _lock = LOCK.lock().await;
    let mut found = BTreeMap::new();
    for (name, make) in FUTURES {
        for until in [Until::Polled, Until::Blocked, Until::Over, Until::Ready] {
            for holder in [Holder::Nothing, Holder::Job, Holder::Aborted, Holder::Closed] {
                let findings = Findings::default();
                let world = World { pool: GreenPool::new(1), gate: Gate::new(), findings: findings.clone(), bomb };
                world.pool.track(true);
                live(make, &world, until, holder).await;
                drop(world);
                settle().await;
                found.extend(findings.take().into_iter().map(|what| (what, (name, until, holder))));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn foreign_code_runs_without_a_lock_on_one_thread() {
    paused(cross(false));
}

#[test]
fn foreign_code_runs_without_a_lock_on_two_threads() {
    threads(2, cross(false));
}

#[test]
fn destructors_that_panic_harm_no_pool_on_one_thread() {
    paused(cross(true));
}

#[test]
fn destructors_that_panic_harm_no_pool_on_two_threads() {
    threads(2, cross(true));
}
