//! Jobs that are nested deeply, and cut off: at any level, and in any order.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use greenpool::{AbortHandle, GreenPile, GreenPool, GreenThread, green_pool, inherit};
use greenpool_tests::{Gate, with_deadline};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

/// On this stack, a chain of destructors could take 131 bytes a level, and in a debug build one call takes more. So
/// these levels stand for 16,000 on a usual stack.
const LEVELS: usize = 1_000;
const STACK: usize = 128 << 10;

/// The levels of whose jobs some nests have handles.
const WITH_HANDLE: [usize; 3] = [1, LEVELS / 2, LEVELS];

/// Many jobs, each of which has spawned the next one and waits for it.
#[derive(Clone)]
struct Nest {
    pools: [GreenPool; 2],
    /// Spawns the job of a level, and waits for it.
    go_down: GoDown,
    handles: Arc<Mutex<BTreeMap<usize, AbortHandle>>>,
    /// The number of jobs that exist.
    alive: Arc<AtomicUsize>,
    /// The innermost job runs.
    is_deep: Gate,
    /// It may end.
    may_end: Gate,
}

type GoDown = fn(Nest, usize) -> BoxFuture<'static, ()>;

impl Nest {
    fn new(size: usize, go_down: GoDown) -> Self {
        Nest {
            pools: [GreenPool::new(size), GreenPool::new(size)],
            go_down,
            handles: Arc::default(),
            alive: Arc::default(),
            is_deep: Gate::new(),
            may_end: Gate::new(),
        }
    }

    /// The job of one level.
    fn job(self, level: usize) -> BoxFuture<'static, ()> {
        self.alive.fetch_add(1, Ordering::SeqCst);
        let counted = Counted(self.alive.clone());
        async move {
            let _counted = counted;
            if level == LEVELS {
                self.is_deep.open();
                return self.may_end.opened().await;
            }
            (self.go_down)(self, level + 1).await;
        }
        .boxed()
    }

    /// Aborts the jobs of these levels, one after the other.
    fn abort(&self, levels: &[usize]) {
        for level in levels {
            self.handles.lock().unwrap()[level].abort();
        }
    }

    fn alive(&self) -> usize {
        self.alive.load(Ordering::SeqCst)
    }
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A name, the size of the pools, how a job gets to the next level, and whether its end ends all jobs below it.
type Kind = (&'static str, usize, GoDown, bool);

const KINDS: &[Kind] = &[
    ("lends to a spawn", 1, await_spawn, true),
    ("lends to a spawn of the other pool", 1, await_spawn_in_turn, false),
    ("lends to a call", 1, await_call, true),
    ("lends to a map", 1, await_map, true),
    ("lends to a pile", 1, await_pile, false),
    ("inherits a slot", 1, await_task, false),
    ("waits for a map", LEVELS + 1, await_map, true),
    ("waits for a pile", LEVELS + 1, await_pile, false),
];

/// Those that have handles of the jobs at some levels.
const WITH_HANDLES: &[Kind] =
    &[("lends to a handle", 1, await_handle, false), ("waits for a handle", LEVELS + 1, await_handle, false)];

fn await_spawn(nest: Nest, level: usize) -> BoxFuture<'static, ()> {
    async move {
        let pool = nest.pools[0].clone();
        let _ = pool.spawn(nest.job(level)).await.await;
    }
    .boxed()
}

fn await_spawn_in_turn(nest: Nest, level: usize) -> BoxFuture<'static, ()> {
    async move {
        let pool = nest.pools[level % 2].clone();
        let _ = pool.spawn(nest.job(level)).await.await;
    }
    .boxed()
}

fn await_call(nest: Nest, level: usize) -> BoxFuture<'static, ()> {
    async move {
        let pool = nest.pools[0].clone();
        let _ = call::on(&pool).spawn(nest, level).await.await;
    }
    .boxed()
}

#[green_pool(size = 1)]
async fn call(nest: Nest, level: usize) {
    nest.job(level).await;
}

fn await_map(nest: Nest, level: usize) -> BoxFuture<'static, ()> {
    async move {
        let pool = nest.pools[0].clone();
        let _ = pool.imap(move |level| nest.clone().job(level), [level]).next().await;
    }
    .boxed()
}

fn await_pile(nest: Nest, level: usize) -> BoxFuture<'static, ()> {
    async move {
        let mut pile = GreenPile::on(&nest.pools[0]);
        pile.spawn(nest.job(level)).await;
        let _ = pile.next().await;
    }
    .boxed()
}

fn await_handle(nest: Nest, level: usize) -> BoxFuture<'static, ()> {
    async move {
        let slot = nest.pools[0].slot().await.unwrap();
        let handles = nest.handles.clone();
        let green = {
            // The innermost job may run before its handle is stored. Nobody looks for that before.
            let mut handles = handles.lock().unwrap();
            let green = slot.spawn(nest.job(level));
            if WITH_HANDLE.contains(&level) {
                handles.insert(level, green.abort_handle());
            }
            green
        };
        let _ = green.await;
    }
    .boxed()
}

fn await_task(nest: Nest, level: usize) -> BoxFuture<'static, ()> {
    async move {
        let pool = nest.pools[0].clone();
        let part = inherit(async move {
            let _ = pool.spawn(nest.job(level)).await.await;
        });
        let _ = tokio::spawn(part).await;
    }
    .boxed()
}

/// What ends after a nest was cut off.
#[derive(Clone, Copy, PartialEq)]
enum Ends {
    All,
    /// What is below the outermost job, if its end ends that.
    Below,
    /// Perhaps only some, before the runtime ends.
    Some,
}

type Cut = (&'static str, fn(&Runtime, &Nest, &GreenThread<()>), Ends);

const CUTS: &[Cut] = &[
    ("the innermost job ends", |_, nest, _| nest.may_end.open(), Ends::All),
    ("the outermost job is aborted", |_, _, outermost| outermost.abort(), Ends::Below),
    (
        "`abort_all`",
        |runtime, nest, _| nest.pools.iter().for_each(|pool| _ = runtime.block_on(pool.abort_all())),
        Ends::All,
    ),
    (
        "`shutdown`",
        |runtime, nest, _| nest.pools.iter().for_each(|pool| _ = runtime.block_on(pool.shutdown(Duration::ZERO))),
        Ends::All,
    ),
    ("the runtime ends", |_, _, _| {}, Ends::Some),
];

/// At levels of which there are handles.
const ABORTS: &[Cut] = &[
    ("the second job is aborted", |_, nest, _| nest.abort(&[1]), Ends::Some),
    ("the job in the middle is aborted", |_, nest, _| nest.abort(&[LEVELS / 2]), Ends::Some),
    ("the innermost job is aborted", |_, nest, _| nest.abort(&[LEVELS]), Ends::Some),
    ("jobs are aborted from the inside to the outside", |_, nest, _| nest.abort(&[LEVELS, LEVELS / 2, 1]), Ends::Some),
    ("jobs are aborted from the outside to the inside", |_, nest, _| nest.abort(&[1, LEVELS / 2, LEVELS]), Ends::Some),
];

fn on_both_runtimes(kinds: &'static [Kind], cuts: &'static [Cut]) {
    for threads in [0, 2] {
        for kind in kinds {
            with_deadline(move || {
                for cut in cuts {
                    // A stack overflow ends the process, and prints this name.
                    let name = format!("{}, {}", kind.0, cut.0);
                    let run = move || cut_off(kind, cut, threads);
                    thread::Builder::new().name(name).stack_size(STACK).spawn(run).unwrap().join().unwrap();
                }
            });
        }
    }
}

#[test]
fn a_deep_nest_can_be_cut_off() {
    on_both_runtimes(KINDS, CUTS);
    on_both_runtimes(WITH_HANDLES, CUTS);
}

#[test]
fn a_deep_nest_can_be_cut_off_at_any_level_and_in_any_order() {
    on_both_runtimes(WITH_HANDLES, ABORTS);
}

fn cut_off((kind, size, go_down, owns): &Kind, (name, cut, ends): &Cut, threads: usize) {
    let mut builder = if threads == 0 { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    let runtime = builder.worker_threads(threads.max(1)).thread_stack_size(STACK).enable_all().build().unwrap();
    let nest = Nest::new(*size, *go_down);
    let outermost = runtime.block_on(nest.pools[0].spawn(nest.clone().job(0)));
    runtime.block_on(nest.is_deep.clone().opened());
    assert_eq!(nest.alive(), LEVELS + 1, "{kind}");

    cut(&runtime, &nest, &outermost);
    while (*ends == Ends::All || *ends == Ends::Below && *owns) && nest.alive() > 0 {
        runtime.block_on(yield_now());
    }
    drop(runtime);
    assert_eq!(nest.alive(), 0, "{kind}, {name}");
}
