//! Generates random programs. A failing case shrinks towards the first option of each choice.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::strategy::Union;

use crate::program::{
    Act, Block, End, Fan, Fault, Job, Map, Outer, Phase, Pile, Pool, Producer, Program, Taken, Then, Verb, Way,
};

pub(crate) fn program() -> impl Strategy<Value = Program> {
    (vec(1..=3usize, 1..=3), any::<bool>()).prop_flat_map(|(sizes, declared)| {
        let phases = vec(phase(sizes.len(), declared), 1..=2);
        let limits = (weighted(0.4, 1..=2usize), weighted(0.1, 0..3u64));
        (Just(sizes), phases, limits).prop_map(move |(sizes, phases, (per_key, grace))| Program {
            sizes,
            declared,
            per_key,
            phases,
            grace,
        })
    })
}

fn phase(pools: usize, declared: bool) -> impl Strategy<Value = Phase> {
    let outer = prop_oneof![
        20 => act(pools).prop_map(Outer::Act),
        2 => (0..pools).prop_map(Outer::WaitAll),
        2 => (0..pools, weighted(0.7, job(vec(act(pools), 0..=2)))).prop_map(|(pool, job)| Outer::Slot(pool, job)),
        // The declared pool is not closed, since later programs use it again.
        1 => (0..pools).prop_map(move |pool| {
            if declared && pool + 1 == pools { Outer::WaitAll(pool) } else { Outer::Close(pool) }
        }),
    ];
    (vec(outer, 1..=4), weighted(0.1, 0..30usize)).prop_map(|(main, cut)| Phase { main, cut })
}

fn act(pools: usize) -> impl Strategy<Value = Act> {
    let leaf = prop_oneof![
        24 => Just(Act::Yield),
        4 => Just(Act::Sleep),
        2 => Just(Act::Panic),
        4 => (0..pools, 0..=3usize).prop_map(|(pool, size)| Act::Resize(pool, size)),
        2 => (0..pools, 1..=2usize).prop_map(|(pool, limit)| Act::ResizePerKey(pool, limit)),
        2 => (0..pools).prop_map(Act::AbortAll),
        2 => (0..pools).prop_map(Act::WaitAll),
        1 => (0..pools).prop_map(Act::Reopen),
        2 => (1..=4usize).prop_map(|turns| Act::Lend(vec![Act::Yield; turns])),
    ];
    leaf.prop_recursive(5, 40, 3, move |inner| {
        let block = || vec(inner.clone(), 0..=3);
        Union::new_weighted(vec![
            (8, (0..pools, job(block()), then()).prop_map(|(pool, job, then)| Act::Spawn(pool, job, then)).boxed()),
            (2, (0..pools, job(block())).prop_map(|(pool, job)| Act::SpawnN(pool, job)).boxed()),
            (2, (0..pools, job(block())).prop_map(|(pool, job)| Act::KeepSpawn(pool, job)).boxed()),
            (2, (0..pools, job(block()), then()).prop_map(|(pool, job, then)| Act::TrySpawn(pool, job, then)).boxed()),
            (3, (0..pools, job(block())).prop_map(|(pool, job)| Act::Queue(pool, job)).boxed()),
            (6, map(pools, block().boxed()).boxed()),
            (4, pile(pools, block().boxed()).boxed()),
            (3, fan(pools, block().boxed()).boxed()),
            (3, vec(block(), 2..=3).prop_map(Act::Join).boxed()),
            (3, vec(block(), 2..=3).prop_map(Act::Select).boxed()),
            (3, (1..=4usize, block()).prop_map(|(polls, block)| Act::Polls(polls, block)).boxed()),
            (2, block().prop_map(Act::Inherit).boxed()),
            (2, block().prop_map(Act::Part).boxed()),
            (2, block().prop_map(Act::Detach).boxed()),
            (2, (0..8usize, block()).prop_map(|(turns, block)| Act::Abandon(turns, block)).boxed()),
            (1, (0..pools, weighted(0.7, job(block()))).prop_map(|(pool, job)| Act::Slot(pool, job)).boxed()),
            (2, hand_over(pools, &block().boxed()).boxed()),
            (2, (1..=3u64, block()).prop_map(|(ms, block)| Act::Timeout(ms, block)).boxed()),
            (2, block().prop_map(Act::InPlace).boxed()),
            (2, block().prop_map(Act::Lend).boxed()),
        ])
    })
}

fn job(acts: impl Strategy<Value = Block>) -> impl Strategy<Value = Job> {
    let end = prop_oneof![30 => Just(End::Return), 1 => Just(End::Panic), 1 => Just(End::PanicInDrop)];
    (0..3u8, acts, end).prop_map(|(key, acts, end)| Job { key, acts, end })
}

fn hand_over(pools: usize, block: &proptest::strategy::BoxedStrategy<Block>) -> impl Strategy<Value = Act> + use<> {
    let job = || job(block.clone());
    ([0..pools, 0..pools], [job(), job()]).prop_map(|(pools, jobs)| Act::HandOver(pools, jobs))
}

fn then() -> impl Strategy<Value = Then> {
    prop_oneof![4 => Just(Then::Await), 2 => Just(Then::Keep), 1 => Just(Then::Drop), 1 => Just(Then::Abort)]
}

fn taken() -> impl Strategy<Value = Taken> {
    prop_oneof![
        4 => Just(Taken::All),
        2 => (0..3usize).prop_map(Taken::ThenDropped),
        1 => (0..3usize).prop_map(Taken::ThenDetached),
    ]
}

fn taken_of_map() -> impl Strategy<Value = Taken> {
    prop_oneof![6 => taken(), 1 => (0..3usize).prop_map(Taken::ThenStopped)]
}

fn verb(pools: Pool) -> impl Strategy<Value = Verb> {
    prop_oneof![
        4 => Just(Verb::Imap),
        3 => Just(Verb::ImapUnordered),
        1 => Just(Verb::Starmap),
        1 => Just(Verb::StarmapUnordered),
        2 => Just(Verb::ImapStream),
        1 => Just(Verb::ImapStreamUnordered),
        1 => (0..pools).prop_map(Verb::Chained),
    ]
}

fn map(pools: usize, block: proptest::strategy::BoxedStrategy<Block>) -> impl Strategy<Value = Act> {
    let fault = prop_oneof![(0..4usize).prop_map(Fault::Source), (0..4usize).prop_map(Fault::Function)];
    (0..pools, verb(pools), vec(job(block), 0..=4), weighted(0.2, 1..=4usize), weighted(0.1, fault), taken_of_map())
        .prop_map(|(pool, verb, jobs, window, fault, taken)| Act::Map(Map { pool, verb, jobs, window, fault, taken }))
}

fn pile(pools: usize, block: proptest::strategy::BoxedStrategy<Block>) -> impl Strategy<Value = Act> {
    let by = prop_oneof![
        4 => Just(Producer::First),
        2 => Just(Producer::Concurrent),
        1 => Just(Producer::Inheriting),
        1 => Just(Producer::Unrelated),
    ];
    (0..pools, vec(job(block), 0..=3), by, any::<bool>(), taken())
        .prop_map(|(pool, jobs, by, unordered, taken)| Act::Pile(Pile { pool, jobs, by, unordered, taken }))
}

fn fan(pools: usize, block: proptest::strategy::BoxedStrategy<Block>) -> impl Strategy<Value = Act> {
    let way =
        prop_oneof![Just(Way::Join), Just(Way::TryJoin), taken().prop_map(Way::Next), taken().prop_map(Way::Unordered)];
    (0..pools, vec(job(block), 1..=3), way).prop_map(|(pool, jobs, way)| Act::Fan(Fan { pool, jobs, way }))
}
