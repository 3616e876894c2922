//! The structure of a random program.

/// Index of one of the program's pools.
pub(crate) type Pool = usize;

/// Acts in sequence.
pub(crate) type Block = Vec<Act>;

#[derive(Clone)]
pub(crate) struct Program {
    /// The sizes of the pools. If `declared`, the last pool is that of the functions in `declared.rs`.
    pub(crate) sizes: Vec<usize>,
    pub(crate) declared: bool,
    /// The limit by key of the pools that are not declared.
    pub(crate) per_key: Option<usize>,
    /// Each phase runs on its own runtime. The pools outlive it.
    pub(crate) phases: Vec<Phase>,
    /// The grace period to shut the pools down with after the last phase. `None` waits until they are idle.
    pub(crate) grace: Option<u64>,
}

#[derive(Clone)]
pub(crate) struct Phase {
    pub(crate) main: Vec<Outer>,
    /// The runtime is shut down after this number of turns.
    pub(crate) cut: Option<usize>,
}

/// An act of the main task, outside all jobs.
#[derive(Clone)]
pub(crate) enum Outer {
    Act(Act),
    WaitAll(Pool),
    /// Takes a slot, holds it for two turns, and spawns a job in it, if there is one.
    Slot(Pool, Option<Job>),
    Close(Pool),
}

#[derive(Clone)]
pub(crate) enum Act {
    Yield,
    Sleep,
    Panic,
    Resize(Pool, usize),
    AbortAll(Pool),
    Spawn(Pool, Job, Then),
    SpawnN(Pool, Job),
    /// Polls a spawn once, and goes on with it at the end of the block.
    KeepSpawn(Pool, Job),
    TrySpawn(Pool, Job, Then),
    Queue(Pool, Job),
    Map(Map),
    Pile(Pile),
    Fan(Fan),
    /// All blocks concurrently in one task.
    Join(Vec<Block>),
    /// All blocks concurrently in one task, until one of them completes.
    Select(Vec<Block>),
    /// Drops the block after this number of polls.
    Polls(usize, Block),
    /// Lends the slot whenever the block waits.
    Lend(Block),
    /// The block in a separate task, which counts as part of the job.
    Inherit(Block),
    /// The same in the job's own task.
    Part(Block),
    /// Drops the block after this number of milliseconds.
    Timeout(u64, Block),
    ResizePerKey(Pool, usize),
    /// Closes a pool, which refuses what is queued, and opens it again.
    Reopen(Pool),
    /// Waits for two milliseconds until a pool is idle, unless this is a job of it.
    WaitAll(Pool),
    /// Takes a slot, holds it for two turns, and spawns a job in it, if there is one.
    Slot(Pool, Option<Job>),
    /// Polls the spawn of the first job once. Then the second job awaits it, before it does anything else.
    HandOver([Pool; 2], [Job; 2]),
    /// The block in a separate task, which counts as part of the job, and which the job does not wait for.
    Detach(Block),
    /// The same, but the task is aborted after this number of turns.
    Abandon(usize, Block),
    /// The block in one poll, which blocks its thread. Runs as a plain block where blocking is not possible.
    InPlace(Block),
}

#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// What verbs with a key take for it, if its pool has a limit by key.
    pub(crate) key: u8,
    pub(crate) acts: Block,
    pub(crate) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Return,
    Panic,
    /// The future panics on drop.
    PanicInDrop,
}

/// What is done with a handle.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    Await,
    Drop,
    Abort,
    /// Awaited at the end of the block.
    Keep,
}

#[derive(Clone, Debug)]
pub(crate) struct Map {
    pub(crate) pool: Pool,
    pub(crate) verb: Verb,
    pub(crate) jobs: Vec<Job>,
    pub(crate) window: Option<usize>,
    pub(crate) fault: Option<Fault>,
    pub(crate) taken: Taken,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Imap,
    ImapUnordered,
    Starmap,
    StarmapUnordered,
    ImapStream,
    ImapStreamUnordered,
    /// Over a map on the given pool.
    Chained(Pool),
}

/// Which part of a map panics, and at which item.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Source(usize),
    Function(usize),
}

/// How many results are taken of a map or a pile, and what happens to it then.
#[derive(Clone, Copy)]
pub(crate) enum Taken {
    All,
    ThenDropped(usize),
    ThenDetached(usize),
    /// Only of a map: it reads no more, and the rest is taken.
    ThenStopped(usize),
}

impl Taken {
    /// How many results are taken before that.
    pub(crate) fn limit(self) -> usize {
        match self {
            Taken::All => usize::MAX,
            Taken::ThenDropped(limit) | Taken::ThenDetached(limit) | Taken::ThenStopped(limit) => limit,
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Pile {
    pub(crate) pool: Pool,
    pub(crate) jobs: Vec<Job>,
    pub(crate) by: Producer,
    /// Whether results are taken as they come.
    pub(crate) unordered: bool,
    pub(crate) taken: Taken,
}

/// Which task spawns into a pile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Producer {
    /// The consumer, before it takes anything.
    First,
    /// The consumer's own task, concurrently.
    Concurrent,
    /// Another task, which counts as part of the job.
    Inheriting,
    /// Another task, which has no relation to the job.
    Unrelated,
}

/// A fan-out with the `pile!` macro.
#[derive(Clone, Debug)]
pub(crate) struct Fan {
    pub(crate) pool: Pool,
    pub(crate) jobs: Vec<Job>,
    pub(crate) way: Way,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Join,
    TryJoin,
    Next(Taken),
    Unordered(Taken),
}

impl Program {
    /// Whether no deadlock is possible: no pool's jobs use an earlier pool, no unrelated task spawns for a job, and no
    /// job asks for a slot while it has none to lend.
    pub(crate) fn is_layered(&self) -> bool {
        let outer = |outer: &Outer| match outer {
            Outer::Act(act) => act.is_layered(0),
            Outer::WaitAll(_) | Outer::Close(_) | Outer::Slot(_, None) => true,
            Outer::Slot(pool, Some(job)) => job.acts.iter().all(|act| act.is_layered(*pool)),
        };
        // Keys have no layers.
        if self.per_key.is_some() {
            return false;
        }
        // A runtime drops its jobs one by one. A job that waits for one already dropped can look deadlocked.
        let cut = self.phases.iter().any(|phase| phase.cut.is_some());
        !cut && self.outers().all(outer)
    }

    /// Whether a job may wait for one of its own pool and key.
    pub(crate) fn may_lend_keys(&self) -> bool {
        let lends = |pool: Pool, job: &Job| {
            let is_own = |act: &Act| act.places().any(|(other, child)| (other, child.key) == (pool, job.key));
            job.acts.iter().any(|act| act.any(&mut { is_own }))
        };
        self.per_key.is_some() && self.any(|act| act.places().any(|(pool, job)| lends(pool, job)))
    }

    pub(crate) fn panics_in_drop(&self) -> bool {
        let in_slot = |outer: &Outer| matches!(outer, Outer::Slot(_, Some(job)) if job.end == End::PanicInDrop);
        self.outers().any(in_slot) || self.any(|act| act.jobs().iter().any(|job| job.end == End::PanicInDrop))
    }

    fn outers(&self) -> impl Iterator<Item = &Outer> {
        self.phases.iter().flat_map(|phase| &phase.main)
    }

    fn any(&self, mut is: impl FnMut(&Act) -> bool) -> bool {
        self.outers().any(|outer| match outer {
            Outer::Act(act) => act.any(&mut is),
            Outer::Slot(_, Some(job)) => job.acts.iter().any(|act| act.any(&mut is)),
            _ => false,
        })
    }
}

impl Act {
    /// The jobs of this act, with their pools.
    fn places(&self) -> impl Iterator<Item = (Pool, &Job)> {
        let pools = match self {
            Act::Spawn(pool, ..)
            | Act::SpawnN(pool, _)
            | Act::KeepSpawn(pool, _)
            | Act::TrySpawn(pool, ..)
            | Act::Queue(pool, _)
            | Act::Slot(pool, _)
            | Act::Map(Map { pool, .. })
            | Act::Pile(Pile { pool, .. })
            | Act::Fan(Fan { pool, .. }) => [*pool; 2],
            Act::HandOver(pools, _) => *pools,
            _ => [0; 2],
        };
        self.jobs().iter().enumerate().map(move |(at, job)| (pools[at.min(1)], job))
    }

    fn any(&self, is: &mut impl FnMut(&Act) -> bool) -> bool {
        if is(self) {
            return true;
        }
        let within = match self {
            Act::Join(blocks) | Act::Select(blocks) => blocks.iter().any(|block| block.iter().any(|act| act.any(is))),
            Act::Polls(_, block)
            | Act::Timeout(_, block)
            | Act::Inherit(block)
            | Act::Part(block)
            | Act::Detach(block)
            | Act::Abandon(_, block)
            | Act::InPlace(block)
            | Act::Lend(block) => block.iter().any(|act| act.any(is)),
            _ => false,
        };
        within || self.jobs().iter().any(|job| job.acts.iter().any(|act| act.any(is)))
    }

    /// The jobs that this act spawns.
    fn jobs(&self) -> &[Job] {
        match self {
            Act::Spawn(_, job, _)
            | Act::SpawnN(_, job)
            | Act::KeepSpawn(_, job)
            | Act::TrySpawn(_, job, _)
            | Act::Queue(_, job)
            | Act::Slot(_, Some(job)) => std::slice::from_ref(job),
            Act::HandOver(_, jobs) => jobs,
            Act::Map(map) => &map.jobs,
            Act::Pile(pile) => &pile.jobs,
            Act::Fan(fan) => &fan.jobs,
            _ => &[],
        }
    }

    fn is_layered(&self, least: Pool) -> bool {
        let all = |block: &Block| block.iter().all(|act| act.is_layered(least));
        let pool = match self {
            Act::Spawn(pool, ..) | Act::SpawnN(pool, _) | Act::TrySpawn(pool, ..) => *pool,
            // Nothing waits for it.
            Act::Queue(pool, job) => return job.acts.iter().all(|act| act.is_layered(*pool)),
            // Aborted jobs are dropped one by one, as with a runtime.
            // greenpool cannot know whether a producer in another task is about to spawn.
            Act::Map(Map { verb: Verb::Chained(_), .. })
            | Act::Pile(Pile { by: Producer::Unrelated | Producer::Inheriting, .. })
            | Act::AbortAll(_)
            // A job that keeps a pending spawn counts as waiting for it, although it may wait for something else.
            | Act::KeepSpawn(..)
            | Act::HandOver(..)
            // Each leads through a pool, or to a branch that goes on without its job.
            | Act::WaitAll(_)
            | Act::Slot(..)
            | Act::Detach(_)
            | Act::Abandon(..) => return false,
            Act::Map(map) => map.pool,
            Act::Pile(pile) => pile.pool,
            Act::Fan(fan) => fan.pool,
            // A `lend` that is dropped, or pending beside other work, leaves the job without a slot to lend to its
            // children.
            Act::Join(blocks) | Act::Select(blocks) => return blocks.iter().all(|block| all(block) && !lends(block)),
            Act::Polls(_, block) | Act::Timeout(_, block) => return all(block) && !lends(block),
            Act::Lend(block) => return block.iter().all(|act| matches!(act, Act::Yield | Act::Sleep)),
            Act::Inherit(block) | Act::Part(block) | Act::InPlace(block) => return all(block),
            _ => return true,
        };
        pool >= least && self.jobs().iter().all(|job| job.acts.iter().all(|act| act.is_layered(pool)))
    }

    /// Whether a job that performs this act lends its slot with `lend`.
    fn lends(&self) -> bool {
        match self {
            Act::Lend(_) => true,
            Act::Join(blocks) | Act::Select(blocks) => blocks.iter().any(lends),
            Act::Polls(_, block)
            | Act::Timeout(_, block)
            | Act::Inherit(block)
            | Act::Part(block)
            | Act::Detach(block)
            | Act::Abandon(_, block)
            | Act::InPlace(block) => lends(block),
            _ => false,
        }
    }
}

fn lends(block: &Block) -> bool {
    block.iter().any(Act::lends)
}
