//! What may be done many times, or at once by many.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use futures::future::{BoxFuture, join_all};
use futures::stream::{FuturesUnordered, StreamExt as _};
use greenpool::{GreenPile, GreenPool, GreenThread, green_pool, inherit, lend};
use tokio::sync::Semaphore;
use tokio::task::yield_now;

/// Something that is done in an amount.
pub(crate) struct Case {
    /// Name on the command line.
    pub(crate) id: &'static str,
    /// Name in the table.
    pub(crate) title: &'static str,
    run: fn(usize) -> BoxFuture<'static, ()>,
}

impl Case {
    /// Does it `n` times, on a current-thread runtime.
    pub(crate) fn run(&self, n: usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
        runtime.block_on(async { tokio::spawn((self.run)(n)).await.expect("a case does not panic") });
    }
}

macro_rules! cases {
    ($($id:literal $title:literal $function:path;)*) => {
        pub(crate) const CASES: &[Case] = &[$(Case { id: $id, title: $title, run: |n| Box::pin($function(n)) }),*];
    };
}

cases! {
    "pending-spawns" "spawns of a job, pending in another pool" pending_spawns;
    "join-spawns" "`join_all` of spawns into another pool, in a job" join_spawns;
    "join-own" "`join_all` of spawns into the own pool, in a job" join_own;
    "join-handles" "`join_all` of handles, in a job" join_handles;
    "buffer-handles" "`buffer_unordered` of handles, in a job" buffer_handles;
    "select-handles" "`FuturesUnordered` of handles of jobs that spawn, in a job" select_handles;
    "cancelled" "waiters of a job, cancelled in any order" cancelled;
    "many-pools" "pools whose jobs wait for one pool" many_pools;
    "chain" "jobs that wait for a chain of 8 pools" chain;
    "inherited" "inherited tasks of one job" inherited;
    "after-handles" "spawns of a job that has awaited as many handles at once" after_handles;
    "next-unordered" "`next_unordered` of a pile, in a job" next_unordered;
    "next-unordered-own" "`next_unordered` of a pile in the own pool, in a job" next_unordered_own;
    "unordered-blocked" "`next_unordered` of a pile of jobs that spawn, in a job" unordered_blocked;
    "ignored" "spawns of a job that keeps as many finished handles, and has polled each" ignored;
    "pile-next" "`next` of a pile, in a job" pile_next;
    "map" "results of a map, in a job" map;
    "nested" "levels of nesting in a pool of 1" nested;
    "waitall" "tasks in `waitall`" waitall;
    "lends" "jobs in `lend`, each for its turn" lends;
    "aborted" "queued jobs, aborted in any order" aborted;
    "resized" "changes of the size of a pool with as many waiters" resized;
    "one-key" "queued calls of one key" one_key;
    "many-keys" "queued calls, each with a key of its own" many_keys;
    "key-map" "jobs of a job, each with a key, awaited together" keyed_children;
    "key-own" "jobs of a job of the same pool, all with one key, awaited together" keyed_own;
    "key-own-map" "results of a map whose jobs have keys, all in its window, in a job of its pool" keyed_own_map;
    "key-map-other" "results of such a map, in a job of another pool" keyed_map;
    "kept" "handles of finished jobs that are kept" kept;
    "slots" "waiters for `slot`" slots;
    "taken" "jobs that take slots of another pool, and as many that wait for these" taken;
}

/// A gate that lets everybody through once it is open.
#[derive(Clone)]
struct Gate(Arc<Semaphore>);

impl Gate {
    fn new() -> Self {
        Gate(Arc::new(Semaphore::new(0)))
    }

    fn open(&self) {
        self.0.add_permits(1);
    }

    async fn passed(self) {
        drop(self.0.acquire().await.expect("nobody closes it"));
    }
}

/// A pool that is full until the gate opens.
async fn full_pool(gate: &Gate) -> GreenPool {
    let pool = GreenPool::new(1);
    pool.spawn_n(gate.clone().passed()).await;
    pool
}

/// Runs a job in a pool of its own, and opens the gate when it waits.
async fn in_job(gate: Gate, job: impl Future<Output = ()> + Send + 'static) {
    let green = GreenPool::new(1).spawn(job).await;
    for _ in 0..10 {
        yield_now().await;
    }
    gate.open();
    green.await.expect("the job does not panic");
}

/// Polls each spawn once, so that it is in the queue.
async fn queued<F: Future>(spawns: impl Iterator<Item = F>) -> Vec<Pin<Box<F>>> {
    let mut spawns: Vec<_> = spawns.map(Box::pin).collect();
    for spawn in &mut spawns {
        poll_fn(|cx| Poll::Ready(spawn.as_mut().poll(cx).is_ready())).await;
    }
    spawns
}

/// The numbers below `n` in an order that jumps about.
fn shuffled(n: usize) -> impl Iterator<Item = usize> {
    // 7919 is a prime, and divides no amount that is measured.
    (0..n).map(move |at| at * 7919 % n)
}

async fn pending_spawns(n: usize) {
    let gate = Gate::new();
    let pool = full_pool(&gate).await;
    let job = async move {
        let mut spawns: FuturesUnordered<_> = (0..n).map(|_| pool.spawn(async {})).collect();
        while let Some(green) = spawns.next().await {
            green.await.expect("it ends");
        }
    };
    in_job(gate, job).await;
}

async fn join_spawns(n: usize) {
    let gate = Gate::new();
    let pool = full_pool(&gate).await;
    in_job(gate, async move { drop(join_all((0..n).map(|_| pool.spawn(async {}))).await) }).await;
}

async fn join_own(n: usize) {
    let pool = GreenPool::new(1);
    let own = pool.clone();
    let job = async move { join_all(join_all((0..n).map(|_| own.spawn(yield_now()))).await).await };
    drop(pool.spawn(job).await.await.expect("the job does not panic"));
}

/// Handles of jobs that wait for the gate.
async fn handles(n: usize, gate: &Gate) -> Vec<GreenThread<()>> {
    let pool = GreenPool::new(n.max(1));
    join_all((0..n).map(|_| pool.spawn(gate.clone().passed()))).await
}

async fn join_handles(n: usize) {
    let gate = Gate::new();
    let handles = handles(n, &gate).await;
    in_job(gate, async move { drop(join_all(handles).await) }).await;
}

async fn buffer_handles(n: usize) {
    let gate = Gate::new();
    let handles = handles(n, &gate).await;
    let job = async move {
        let all = futures::stream::iter(handles).buffer_unordered(n.max(1));
        assert_eq!(all.count().await, n);
    };
    in_job(gate, job).await;
}

async fn select_handles(n: usize) {
    let gate = Gate::new();
    let (pool, full) = (GreenPool::new(n.max(1)), full_pool(&gate).await);
    let spawn = |_| {
        let full = full.clone();
        pool.spawn(async move { full.spawn(async {}).await.await.expect("it ends") })
    };
    let handles = join_all((0..n).map(spawn)).await;
    let job = async move {
        let mut handles: FuturesUnordered<_> = handles.into_iter().collect();
        while let Some(result) = handles.next().await {
            result.expect("it ends");
        }
    };
    in_job(gate, job).await;
}

async fn cancelled(n: usize) {
    let gate = Gate::new();
    let pool = full_pool(&gate).await;
    let job = async move {
        let queued = queued((0..n).map(|_| pool.spawn(async {}))).await;
        let mut spawns: Vec<_> = queued.into_iter().map(Some).collect();
        yield_now().await;
        for at in shuffled(n) {
            spawns[at] = None;
            yield_now().await;
        }
    };
    in_job(gate, job).await;
}

async fn many_pools(n: usize) {
    let gate = Gate::new();
    let one = full_pool(&gate).await;
    let spawn = |_| {
        let one = one.clone();
        async move { GreenPool::new(1).spawn(async move { one.spawn(async {}).await.await }).await.await }
    };
    let all: Vec<_> = (0..n).map(|at| tokio::spawn(spawn(at))).collect();
    for _ in 0..10 {
        yield_now().await;
    }
    gate.open();
    for task in all {
        task.await.expect("it ends").expect("it ends").expect("it ends");
    }
}

/// A job that waits for a job of the next pool, and so on.
fn behind(pools: Arc<[GreenPool]>, at: usize, gate: Gate) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        match pools.get(at) {
            Some(pool) => pool.spawn(behind(pools.clone(), at + 1, gate)).await.await.expect("it ends"),
            None => gate.passed().await,
        }
    })
}

async fn chain(n: usize) {
    let gate = Gate::new();
    let sizes = std::iter::once(n.max(1)).chain([1; 7]);
    let pools: Arc<[GreenPool]> = sizes.map(GreenPool::new).collect();
    let jobs: Vec<_> = (0..n).map(|_| tokio::spawn(behind(pools.clone(), 0, gate.clone()))).collect();
    for _ in 0..20 {
        yield_now().await;
    }
    gate.open();
    for job in jobs {
        job.await.expect("it ends");
    }
}

async fn inherited(n: usize) {
    let gate = Gate::new();
    let pool = full_pool(&gate).await;
    let job = async move {
        let spawn = |_| {
            let pool = pool.clone();
            tokio::spawn(inherit(async move { pool.spawn(async {}).await.await }))
        };
        for task in (0..n).map(spawn).collect::<Vec<_>>() {
            task.await.expect("it ends").expect("it ends");
        }
    };
    in_job(gate, job).await;
}

async fn after_handles(n: usize) {
    let gate = Gate::new();
    let handles = handles(n, &gate).await;
    let job = async move {
        drop(join_all(handles).await);
        let pool = GreenPool::new(1);
        for _ in 0..n {
            pool.spawn(async {}).await.await.expect("it ends");
        }
    };
    in_job(gate, job).await;
}

async fn next_unordered(n: usize) {
    let pool = GreenPool::new(4);
    let job = async move {
        let mut pile = GreenPile::on(&pool);
        let spawner = pile.spawner();
        let spawns: FuturesUnordered<_> = (0..n).map(|_| spawner.spawn(yield_now())).collect();
        drop(spawner);
        drop(spawns.collect::<Vec<_>>().await);
        while let Some((_, result)) = pile.next_unordered().await {
            result.expect("it ends");
        }
    };
    in_job(Gate::new(), job).await;
}

async fn next_unordered_own(n: usize) {
    let pool = GreenPool::new(2);
    let own = pool.clone();
    let job = async move {
        let mut pile = GreenPile::on(&own);
        for _ in 0..n {
            pile.spawn(yield_now()).await;
        }
        while let Some((_, result)) = pile.next_unordered().await {
            result.expect("it ends");
        }
    };
    pool.spawn(job).await.await.expect("the job does not panic");
}

async fn unordered_blocked(n: usize) {
    let gate = Gate::new();
    let (pool, full) = (GreenPool::new(n.max(1)), full_pool(&gate).await);
    let job = async move {
        let mut pile = GreenPile::on(&pool);
        for _ in 0..n {
            let full = full.clone();
            pile.spawn(async move { full.spawn(async {}).await.await }).await;
        }
        while let Some((_, result)) = pile.next_unordered().await {
            result.expect("it ends").expect("it ends");
        }
    };
    in_job(gate, job).await;
}

async fn ignored(n: usize) {
    let gate = Gate::new();
    let mut kept = handles(n, &gate).await;
    let job = async move {
        for handle in &mut kept {
            poll_fn(|cx| Poll::Ready(Pin::new(&mut *handle).poll(cx).is_ready())).await;
        }
        let pool = GreenPool::new(1);
        for _ in 0..n {
            pool.spawn(yield_now()).await.await.expect("it ends");
        }
        drop(kept);
    };
    in_job(gate, job).await;
}

async fn pile_next(n: usize) {
    let pool = GreenPool::new(4);
    let job = async move {
        let mut pile = GreenPile::on(&pool);
        for _ in 0..n {
            pile.spawn(yield_now()).await;
        }
        while let Some(result) = pile.next().await {
            result.expect("it ends");
        }
    };
    in_job(Gate::new(), job).await;
}

async fn map(n: usize) {
    let pool = GreenPool::new(4);
    let job = async move {
        let mut map = pool.imap(|_| yield_now(), 0..n);
        while let Some(result) = map.next().await {
            result.expect("it ends");
        }
    };
    in_job(Gate::new(), job).await;
}

fn nest(pool: GreenPool, levels: usize) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        if levels > 0 {
            pool.spawn(nest(pool.clone(), levels - 1)).await.await.expect("it ends");
        }
    })
}

async fn nested(n: usize) {
    let pool = GreenPool::new(1);
    pool.spawn(nest(pool.clone(), n)).await.await.expect("it ends");
}

async fn waitall(n: usize) {
    let gate = Gate::new();
    let pool = full_pool(&gate).await;
    let wait = |_| {
        let pool = pool.clone();
        tokio::spawn(async move { pool.waitall().await })
    };
    let waiters: Vec<_> = (0..n).map(wait).collect();
    yield_now().await;
    gate.open();
    for waiter in waiters {
        waiter.await.expect("it ends");
    }
}

async fn lends(n: usize) {
    let pool = GreenPool::new(1);
    let turns = Arc::new(Semaphore::new(0));
    let turn = |_| {
        let turns = turns.clone();
        async move { drop(lend(async { turns.acquire().await.map(drop) }).await) }
    };
    for at in 0..n {
        pool.spawn_n(turn(at)).await;
    }
    turns.add_permits(1);
    pool.waitall().await;
}

async fn aborted(n: usize) {
    let gate = Gate::new();
    let pool = full_pool(&gate).await;
    let queued = queued((0..n).map(|_| pool.spawn(async {}))).await;
    let mut spawns: Vec<_> = queued.into_iter().map(Some).collect();
    for at in shuffled(n) {
        spawns[at] = None;
    }
    gate.open();
    pool.waitall().await;
}

async fn resized(n: usize) {
    let gate = Gate::new();
    let pool = full_pool(&gate).await;
    let spawns = queued((0..n).map(|_| pool.spawn_n(async {}))).await;
    for at in 0..n {
        pool.resize(at % 2);
    }
    pool.resize(1);
    gate.open();
    join_all(spawns).await;
    pool.waitall().await;
}

/// `n` calls with these keys, all queued before the first can begin.
async fn with_keys(n: usize, key: fn(usize) -> usize) {
    let gate = Gate::new();
    let pool = GreenPool::builder(100).per_key(4).build();
    for at in 0..n {
        let gate = gate.clone();
        pool.queue_keyed(key(at), async move { gate.passed().await });
    }
    yield_now().await;
    gate.open();
    pool.waitall().await;
}

async fn one_key(n: usize) {
    with_keys(n, |_| 0).await;
}

async fn many_keys(n: usize) {
    with_keys(n, |at| at).await;
}

async fn keyed_children(n: usize) {
    let pool = GreenPool::builder(10).per_key(1).build();
    let job = async move { drop(join_all((0..n).map(|at| pool.spawn_keyed(at % 20, yield_now()))).await) };
    in_job(Gate::new(), job).await;
}

async fn keyed_own(n: usize) {
    let pool = GreenPool::builder(10).per_key(1).build();
    let own = pool.clone();
    let job = async move { drop(join_all((0..n).map(|_| own.spawn_keyed("key", yield_now()))).await) };
    pool.spawn(job).await.await.expect("the job does not panic");
    pool.waitall().await;
}

#[green_pool(size = 10, key = at % 20, per_key = 1)]
async fn turn(at: usize) {
    let _ = at;
    yield_now().await;
}

async fn take_turns(n: usize) {
    let mut map = turn::imap_unordered(0..n).window(n.max(1));
    while let Some(result) = map.next().await {
        result.expect("it ends");
    }
}

async fn keyed_own_map(n: usize) {
    turn::pool().spawn(take_turns(n)).await.await.expect("the job does not panic");
}

async fn keyed_map(n: usize) {
    in_job(Gate::new(), take_turns(n)).await;
}

async fn kept(n: usize) {
    let pool = GreenPool::new(4);
    let mut handles = Vec::new();
    for _ in 0..n {
        handles.push(pool.spawn(async {}).await);
    }
    pool.waitall().await;
    drop(handles);
}

async fn slots(n: usize) {
    let pool = GreenPool::new(1);
    let take = |_| {
        let pool = pool.clone();
        tokio::spawn(async move {
            let slot = pool.slot().await.expect("the pool is open");
            yield_now().await;
            drop(slot);
        })
    };
    for task in (0..n).map(take).collect::<Vec<_>>() {
        task.await.expect("it ends");
    }
}

async fn taken(n: usize) {
    let (jobs, taken, gate) = (GreenPool::new(2 * n), GreenPool::new(n), Gate::new());
    let job = |gate: Gate| {
        let taken = taken.clone();
        async move {
            let slot = taken.slot().await.expect("the pool is open");
            gate.passed().await;
            drop(slot);
        }
    };
    for _ in 0..2 * n {
        jobs.spawn_n(job(gate.clone())).await;
    }
    while taken.waiting() < n {
        yield_now().await;
    }
    gate.open();
    jobs.waitall().await;
}
