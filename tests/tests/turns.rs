//! Turns: a caller for whom every verb is ready at once still lets other tasks run, and can be stopped.
#![expect(clippy::unused_async, reason = "they are jobs")]

use std::collections::VecDeque;
use std::future::ready;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::{BoxFuture, join_all};
use futures::{FutureExt, stream};
use greenpool::{GreenMap, GreenPile, GreenPool, GreenThread, green_pool, pile};
use greenpool_tests::{paused, threads, until_idle};
use tokio::task::yield_now;

/// How often each verb is called.
const CALLS: usize = 600;

/// The most calls of a verb between two turns of another task. tokio's budget is 128 operations for each turn, and a
/// worker runs as many jobs. A call is one operation or two.
const MOST: u64 = 2 * 128;

#[green_pool(size = 1000)]
async fn declared() {}

/// What the verbs are called on.
struct World {
    /// The pool of the caller, if that is a job. Nothing in it is free.
    own: GreenPool,
    free: GreenPool,
    closed: GreenPool,
    handles: Mutex<VecDeque<GreenThread<u32>>>,
    map: Cell<GreenMap<u32>>,
    stream: Cell<GreenMap<u32>>,
    pile: Cell<GreenPile<u32>>,
    unordered: Cell<GreenPile<u32>>,
}

/// Something that is taken out for a call. A lock of tokio would give others a turn.
struct Cell<T>(Mutex<Option<T>>);

impl<T> Cell<T> {
    fn new(value: T) -> Self {
        Cell(Mutex::new(Some(value)))
    }

    fn take(&self) -> T {
        self.0.lock().unwrap().take().expect("calls follow each other")
    }

    fn put(&self, value: T) {
        *self.0.lock().unwrap() = Some(value);
    }
}

impl World {
    /// Everything has finished before the first call.
    async fn new(own: GreenPool) -> Arc<Self> {
        let (free, closed) = (GreenPool::new(1000), GreenPool::new(1));
        closed.close();
        let handles = join_all((0..CALLS).map(|_| free.spawn(ready(7)))).await.into();
        let numbers = || 0..CALLS as u32;
        let map = free.imap(ready, numbers()).window(CALLS);
        let stream = free.imap_stream(ready, stream::iter(numbers())).window(CALLS);
        let (pile, unordered) = (GreenPile::on(&free), GreenPile::on(&free));
        for n in numbers() {
            pile.spawn(ready(n)).await;
            unordered.spawn(ready(n)).await;
        }
        until_finished(&free).await;
        let (map, stream) = (Cell::new(map), Cell::new(stream));
        let (pile, unordered) = (Cell::new(pile), Cell::new(unordered));
        Arc::new(World { own, free, closed, handles: Mutex::new(handles), map, stream, pile, unordered })
    }
}

async fn until_finished(pool: &GreenPool) {
    while pool.stats().finished < 5 * CALLS as u64 {
        yield_now().await;
    }
}

type Verb = fn(Arc<World>) -> BoxFuture<'static, ()>;

/// Verbs that are ready at once.
#[rustfmt::skip]
const VERBS: [(&str, Verb); 19] = [
    ("spawn into a free pool", |w| async move { drop(w.free.spawn(async {}).await) }.boxed()),
    ("spawn_n into a free pool", |w| async move { w.free.spawn_n(async {}).await }.boxed()),
    ("spawn into the own pool", |w| async move { drop(w.own.spawn(async {}).await) }.boxed()),
    ("spawn_n into the own pool", |w| async move { w.own.spawn_n(async {}).await }.boxed()),
    ("spawn into a closed pool", |w| async move { drop(w.closed.spawn(async {}).await) }.boxed()),
    ("spawn_n into a closed pool", |w| async move { w.closed.spawn_n(async {}).await }.boxed()),
    ("f::spawn", |_| async { drop(declared::spawn().await) }.boxed()),
    ("f::spawn_n", |_| async { declared::spawn_n().await }.boxed()),
    ("f::on(..).spawn", |w| async move { drop(declared::on(&w.free).spawn().await) }.boxed()),
    ("pile.spawn", |w| async move { let pile = GreenPile::on(&w.free); pile.spawn(async {}).await; pile.detach() }.boxed()),
    ("await a finished handle", |w| async move { let handle = w.handles.lock().unwrap().pop_front(); match handle { Some(handle) => drop(handle.await), None => yield_now().await } }.boxed()),
    ("next of a finished map", |w| async move { let mut it = w.map.take(); drop(it.next().await); w.map.put(it) }.boxed()),
    ("next of a finished map over a stream", |w| async move { let mut it = w.stream.take(); drop(it.next().await); w.stream.put(it) }.boxed()),
    ("next of a finished pile", |w| async move { let mut it = w.pile.take(); drop(it.next().await); w.pile.put(it) }.boxed()),
    ("next_unordered of a finished pile", |w| async move { let mut it = w.unordered.take(); drop(it.next_unordered().await); w.unordered.put(it) }.boxed()),
    ("join of an empty pile", |w| async move { let _ = w; drop(pile![declared()].join().await) }.boxed()),
    ("waitall of an idle pool", |w| async move { w.closed.waitall().await }.boxed()),
    ("abort_all of an idle pool", |w| async move { w.closed.abort_all().await; }.boxed()),
    ("slot", |w| async move { drop(w.free.slot().await) }.boxed()),
];

/// Who calls the verbs.
#[derive(Clone, Copy, Debug)]
enum Caller {
    Task,
    /// A job of `own`, in its only slot.
    Job,
}

impl Caller {
    /// Runs `work` as this caller.
    async fn run(self, own: &GreenPool, work: impl Future<Output = ()> + Send + 'static) {
        match self {
            Caller::Task => tokio::spawn(work).await.unwrap(),
            Caller::Job => own.spawn(work).await.await.unwrap(),
        }
    }
}

/// Calls the verb again and again. A task beside it counts the calls between its turns. Returns the largest number.
async fn longest_wait(verb: Verb, caller: Caller) -> u64 {
    let own = GreenPool::new(1);
    let world = World::new(own.clone()).await;
    let (calls, longest) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let (seen, most) = (calls.clone(), longest.clone());
    let beside = tokio::spawn(async move {
        let mut last = 0;
        loop {
            let now = seen.load(SeqCst);
            most.fetch_max(now - last, SeqCst);
            last = now;
            yield_now().await;
        }
    });
    yield_now().await;
    let work = async move {
        for _ in 0..CALLS {
            verb(world.clone()).await;
            calls.fetch_add(1, SeqCst);
        }
    };
    caller.run(&own, work).await;
    beside.abort();
    let _ = beside.await;
    longest.load(SeqCst)
}

#[test]
fn a_task_beside_a_caller_that_never_waits_gets_its_turns() {
    paused(async {
        let mut late = Vec::new();
        for (name, verb) in VERBS {
            for caller in [Caller::Task, Caller::Job] {
                let longest = longest_wait(verb, caller).await;
                if longest > MOST {
                    late.push(format!("{name}, {caller:?}: {longest} calls without a turn"));
                }
            }
        }
        assert!(late.is_empty(), "{late:#?}");
    });
}

/// A job that calls the verb for ever.
async fn endless(verb: Verb, own: &GreenPool) -> GreenThread<()> {
    let world = World::new(own.clone()).await;
    own.spawn(async move {
        loop {
            verb(world.clone()).await;
        }
    })
    .await
}

#[test]
fn a_caller_that_never_waits_can_be_aborted() {
    paused(async {
        for (name, verb) in VERBS {
            let own = GreenPool::new(1);
            let job = endless(verb, &own).await;
            for _ in 0..3 {
                yield_now().await;
            }
            job.abort();
            assert!(job.await.unwrap_err().is_cancelled(), "{name}");
            own.waitall().await;
            declared::pool().waitall().await;
            until_idle().await;
        }
    });
}

#[test]
fn a_caller_that_never_waits_can_be_shut_down() {
    threads(1, async {
        for (name, verb) in VERBS {
            let own = GreenPool::new(1);
            let job = endless(verb, &own).await;
            let report = own.shutdown(Duration::from_millis(2)).await;
            // Its last child may be aborted with it.
            assert!((1..=2).contains(&report.aborted), "{name}: {report:?}");
            assert!(job.await.unwrap_err().is_cancelled(), "{name}");
        }
    });
}
