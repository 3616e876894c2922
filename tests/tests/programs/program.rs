//! What a random program is made of.

/// A number among the program's pools.
pub(crate) type Pool = usize;

/// Acts, one after the other.
pub(crate) type Block = Vec<Act>;

#[derive(Clone)]
pub(crate) struct Program {
    /// The sizes of the pools; if `declared`, the last one is that of the functions in `declared.rs`.
    pub(crate) sizes: Vec<usize>,
    pub(crate) declared: bool,
    /// Each has a runtime of its own; the pools outlive it.
    pub(crate) phases: Vec<Phase>,
    /// How the pools of the last phase are ended; `None`: they come to rest by themselves.
    pub(crate) grace: Option<u64>,
}

#[derive(Clone)]
pub(crate) struct Phase {
    pub(crate) main: Vec<Outer>,
    /// After so many turns the runtime is shut down.
    pub(crate) cut: Option<usize>,
}

/// What is done outside of all jobs.
#[derive(Clone)]
pub(crate) enum Outer {
    Act(Act),
    WaitAll(Pool),
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
    TrySpawn(Pool, Job, Then),
    Map(Map),
    Pile(Pile),
    Fan(Fan),
    /// All blocks at once, in one task.
    Join(Vec<Block>),
    /// All blocks at once, until one of them is over.
    Select(Vec<Block>),
    /// Drops the block when it has been polled so many times.
    Polls(usize, Block),
    /// Gives the slot away for so many turns.
    Lend(usize),
    /// The block in a task of its own, which counts as part of the job.
    Inherit(Block),
    /// The block in one poll, which blocks its thread; where no other thread would go on, as any other.
    InPlace(Block),
}

#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) acts: Block,
    pub(crate) end: End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Return,
    Panic,
    /// The drop of its future panics.
    PanicInDrop,
}

/// What is done with a handle.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Then {
    Await,
    Drop,
    Abort,
    /// Awaited when the block is over.
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
    /// Over a map of the given pool.
    Chained(Pool),
}

/// Where something of a map panics, at which item.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Source(usize),
    Function(usize),
}

/// What is taken of a map or a pile.
#[derive(Clone, Copy)]
pub(crate) enum Taken {
    All,
    ThenDropped(usize),
    ThenDetached(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Pile {
    pub(crate) pool: Pool,
    pub(crate) jobs: Vec<Job>,
    pub(crate) by: Producer,
    pub(crate) taken: Taken,
}

/// Who spawns into a pile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Producer {
    /// The consumer, before it takes anything.
    First,
    /// The consumer's own task, at the same time.
    Meanwhile,
    /// Another task that counts as part of the job.
    Inheriting,
    /// Another task that greenpool knows nothing of.
    Stranger,
}

/// What the `pile!` macro makes.
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
}

impl Program {
    /// No pool's jobs use an earlier pool, no stranger spawns for a job, and none asks for a slot while it has none to lend: there can be no knot.
    pub(crate) fn is_layered(&self) -> bool {
        let outer = |outer: &Outer| match outer {
            Outer::Act(act) => act.is_layered(0),
            Outer::WaitAll(_) | Outer::Close(_) => true,
        };
        // A runtime's jobs are dropped one after the other; those who wait for one that is gone already may be in a knot.
        let cut = self.phases.iter().any(|phase| phase.cut.is_some());
        !cut && self.outers().all(outer)
    }

    pub(crate) fn panics_in_drop(&self) -> bool {
        self.any(|act| act.jobs().iter().any(|job| job.end == End::PanicInDrop))
    }

    fn outers(&self) -> impl Iterator<Item = &Outer> {
        self.phases.iter().flat_map(|phase| &phase.main)
    }

    fn any(&self, mut is: impl FnMut(&Act) -> bool) -> bool {
        self.outers().any(|outer| matches!(outer, Outer::Act(act) if act.any(&mut is)))
    }
}

impl Act {
    fn any(&self, is: &mut impl FnMut(&Act) -> bool) -> bool {
        if is(self) {
            return true;
        }
        let within = match self {
            Act::Join(blocks) | Act::Select(blocks) => blocks.iter().any(|block| block.iter().any(|act| act.any(is))),
            Act::Polls(_, block) | Act::Inherit(block) | Act::InPlace(block) => block.iter().any(|act| act.any(is)),
            _ => false,
        };
        within || self.jobs().iter().any(|job| job.acts.iter().any(|act| act.any(is)))
    }

    /// The jobs that it spawns.
    fn jobs(&self) -> &[Job] {
        match self {
            Act::Spawn(_, job, _) | Act::SpawnN(_, job) | Act::TrySpawn(_, job, _) => std::slice::from_ref(job),
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
            // Jobs that are told to end are dropped one after the other, as with a runtime.
            // Of a producer in another task nobody knows whether it is about to spawn.
            Act::Map(Map { verb: Verb::Chained(_), .. })
            | Act::Pile(Pile { by: Producer::Stranger | Producer::Inheriting, .. })
            | Act::AbortAll(_) => return false,
            Act::Map(map) => map.pool,
            Act::Pile(pile) => pile.pool,
            Act::Fan(fan) => fan.pool,
            // A `lend` that is dropped, or goes on beside other things, leaves the job without a slot for its children.
            Act::Join(blocks) | Act::Select(blocks) => return blocks.iter().all(|block| all(block) && !lends(block)),
            Act::Polls(_, block) => return all(block) && !lends(block),
            Act::Inherit(block) | Act::InPlace(block) => return all(block),
            _ => return true,
        };
        pool >= least && self.jobs().iter().all(|job| job.acts.iter().all(|act| act.is_layered(pool)))
    }

    /// Whether the job that does this gives its slot back in it.
    fn lends(&self) -> bool {
        match self {
            Act::Lend(_) => true,
            Act::Join(blocks) | Act::Select(blocks) => blocks.iter().any(lends),
            Act::Polls(_, block) | Act::Inherit(block) | Act::InPlace(block) => lends(block),
            _ => false,
        }
    }
}

fn lends(block: &Block) -> bool {
    block.iter().any(Act::lends)
}
