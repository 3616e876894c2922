//! What a [`MemberState`] publishes: a table of all states, and random transitions of several members of one pool.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::RngSeed;

use super::{MemberState, OwnSlot};
use crate::inner::effects::Effects;
use crate::inner::member::Member;
use crate::inner::queued::PoolJob;
use crate::inner::wait::{Ending, Lent, Readiness, ReadySource, Shared, WaitEdge};
use crate::inner::{ErasedJob, Inner};
use crate::sync::slots::gates::Hold;
use crate::sync::slots::{Enqueued, Grant, Queue, Ticket};

/// What a pool counts a member as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Counted {
    /// It is neither counted nor listed.
    Nothing,
    Slotless,
    Suspect,
    Holder,
    /// It is listed and not counted.
    Released,
}

use Counted::{Holder, Nothing, Released, Slotless, Suspect};

impl Counted {
    fn is_listed(self) -> bool {
        matches!(self, Suspect | Holder | Released)
    }

    /// Whether it waits, and no other job has its slot.
    fn is_idle(self) -> bool {
        matches!(self, Holder | Released)
    }
}

/// Checks the counts and the list of the pool of these members.
fn check_pool(inner: &Inner, members: &[(&Arc<Member>, Counted)], moves: u64) {
    let blocked = &inner.blocked_jobs;
    let count = |what| members.iter().filter(|(_, counted)| *counted == what).count();
    assert_eq!(blocked.holders.load(Ordering::SeqCst), count(Holder), "holders");
    assert_eq!(blocked.suspects.load(Ordering::SeqCst), count(Suspect), "suspects");
    assert_eq!(blocked.slotless.load(Ordering::SeqCst), count(Slotless), "slotless");
    let listed = blocked.members();
    assert_eq!(listed.len(), members.iter().filter(|(_, counted)| counted.is_listed()).count());
    for (member, counted) in members {
        assert_eq!(listed.iter().any(|other| Arc::ptr_eq(other, member)), counted.is_listed());
    }
    assert_eq!(inner.awaited_by.version(), moves, "how often a blocked job began to move");
}

fn member(inner: &Arc<Inner>) -> Arc<Member> {
    Member::new(inner.clone(), None, |_| {})
}

/// A verb that is pending in a branch. It may be awaited in place.
fn wait(inner: &Arc<Inner>, branch: u32) -> WaitEdge {
    let wait = WaitEdge::new(inner, None, ReadySource::Begun, branch, Waker::noop());
    assert!(wait.maybe_in_place, "it was not polled with the waker of a task");
    wait
}

fn number(state: &MemberState, branch: u32) -> u64 {
    state.verbs.poll(branch).expect("the branch exists").number
}

fn edit(state: &mut MemberState, key: usize, change: impl FnOnce(&mut WaitEdge)) {
    state.verbs.edit(key, change).expect("the verb is pending");
}

/// The poll of a branch that is in progress, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Poll {
    No,
    Yes,
    /// It is known to block its thread.
    Blocks,
}

/// The verb that is pending in a branch, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    No,
    /// It has not been polled in the latest poll of the branch.
    Unseen,
    Seen,
    /// It has been polled in the latest poll of the branch, with the waker of a task, so it is not awaited in place.
    InTask,
    /// It has been polled in the latest poll of the branch, and waited only for the slot then.
    Resuming,
}

use OwnSlot::{Away, Held, Released as GivenBack};

/// The branches of a job, and what it is counted as while its slot is held, away, and given back.
#[rustfmt::skip]
const TABLE: [(&[(Poll, Verb)], [Counted; 3]); 30] = [
    (&[(Poll::No, Verb::No)], [Nothing, Nothing, Slotless]),
    (&[(Poll::No, Verb::Unseen)], [Holder, Nothing, Released]),
    (&[(Poll::No, Verb::Seen)], [Holder, Nothing, Released]),
    (&[(Poll::No, Verb::InTask)], [Holder, Nothing, Released]),
    (&[(Poll::No, Verb::Resuming)], [Holder, Nothing, Released]),
    (&[(Poll::Yes, Verb::No)], [Nothing, Slotless, Slotless]),
    (&[(Poll::Yes, Verb::Unseen)], [Suspect, Slotless, Slotless]),
    (&[(Poll::Yes, Verb::Seen)], [Suspect, Nothing, Released]),
    (&[(Poll::Yes, Verb::InTask)], [Nothing, Nothing, Released]),
    (&[(Poll::Yes, Verb::Resuming)], [Nothing, Nothing, Released]),
    (&[(Poll::Blocks, Verb::No)], [Nothing, Slotless, Slotless]),
    (&[(Poll::Blocks, Verb::Unseen)], [Holder, Nothing, Released]),
    (&[(Poll::Blocks, Verb::Seen)], [Holder, Nothing, Released]),
    (&[(Poll::Blocks, Verb::Resuming)], [Nothing, Nothing, Released]),
    // One branch waits, and the other moves or not.
    (&[(Poll::No, Verb::Seen), (Poll::No, Verb::No)], [Holder, Nothing, Released]),
    (&[(Poll::No, Verb::Seen), (Poll::Yes, Verb::No)], [Nothing, Slotless, Slotless]),
    (&[(Poll::Yes, Verb::Seen), (Poll::No, Verb::No)], [Suspect, Nothing, Released]),
    (&[(Poll::Yes, Verb::Seen), (Poll::Yes, Verb::No)], [Suspect, Slotless, Slotless]),
    (&[(Poll::Blocks, Verb::Seen), (Poll::Yes, Verb::No)], [Suspect, Slotless, Slotless]),
    (&[(Poll::Blocks, Verb::Seen), (Poll::Blocks, Verb::No)], [Holder, Nothing, Released]),
    (&[(Poll::Yes, Verb::InTask), (Poll::No, Verb::No)], [Nothing, Nothing, Released]),
    (&[(Poll::Blocks, Verb::Seen), (Poll::Yes, Verb::InTask)], [Suspect, Nothing, Released]),
    // Both branches wait.
    (&[(Poll::Yes, Verb::Seen), (Poll::Yes, Verb::Seen)], [Suspect, Nothing, Released]),
    (&[(Poll::Yes, Verb::Seen), (Poll::Yes, Verb::Unseen)], [Suspect, Slotless, Slotless]),
    (&[(Poll::Yes, Verb::Seen), (Poll::No, Verb::Unseen)], [Suspect, Nothing, Released]),
    (&[(Poll::Blocks, Verb::Seen), (Poll::Yes, Verb::Seen)], [Suspect, Nothing, Released]),
    (&[(Poll::Yes, Verb::InTask), (Poll::No, Verb::Seen)], [Nothing, Nothing, Released]),
    (&[(Poll::Yes, Verb::InTask), (Poll::Yes, Verb::Unseen)], [Suspect, Slotless, Slotless]),
    (&[(Poll::Yes, Verb::Unseen), (Poll::No, Verb::Resuming)], [Suspect, Slotless, Slotless]),
    (&[(Poll::Yes, Verb::Seen), (Poll::Yes, Verb::Resuming)], [Nothing, Nothing, Released]),
];

/// A job whose branches are in these states, which has published nothing.
fn state(inner: &Arc<Inner>, slot: OwnSlot, branches: &[(Poll, Verb)]) -> MemberState {
    let mut state = MemberState::new(None, true);
    for (branch, (poll, verb)) in (0..).zip(branches) {
        if branch > 0 {
            assert_eq!(state.verbs.add_branch(), branch);
            state.begin_poll(branch);
        }
        if *verb != Verb::No {
            let last_polled = number(&state, branch);
            let (resuming, maybe_in_place) = (*verb == Verb::Resuming, *verb != Verb::InTask);
            state.verbs.insert(WaitEdge { resuming, maybe_in_place, last_polled, ..wait(inner, branch) });
        }
        if *verb == Verb::Unseen {
            drop(state.verbs.end_poll(branch));
            state.begin_poll(branch);
        }
        match poll {
            Poll::No => assert_eq!(state.verbs.end_poll(branch).len(), usize::from(*verb == Verb::Resuming)),
            Poll::Yes => {}
            Poll::Blocks => _ = state.verbs.set_blocks_thread(branch, true),
        }
    }
    state.slot = slot;
    state
}

/// Each state, with what it is counted as.
fn states(inner: &Arc<Inner>) -> Vec<(String, MemberState, Counted)> {
    let mut states = Vec::new();
    for (branches, counted) in TABLE {
        for ((slot, name), counted) in
            [(Held, "held"), (Away, "away"), (GivenBack, "given back")].into_iter().zip(counted)
        {
            states.push((format!("{branches:?}, slot {name}"), state(inner, slot, branches), counted));
            let ended = MemberState { ended: true, ..state(inner, slot, branches) };
            states.push((format!("{branches:?}, slot {name}, ended"), ended, Nothing));
            // A job that was woken to use its slot moves, and no other use of the slot is found meanwhile.
            let will_be_polled = if slot == Held { Nothing } else { counted };
            let woken = MemberState { woken: [0].into(), ..state(inner, slot, branches) };
            states.push((format!("{branches:?}, slot {name}, woken"), woken, will_be_polled));
            // What it has lent, and whether it gives its slot back when it waits, changes nothing.
            let lends = MemberState { lends: 1, loans: 1, ..state(inner, slot, branches) };
            states.push((format!("{branches:?}, slot {name}, in `lend`"), lends, counted));
            // A job that will be polled again moves, if it is not being polled already.
            if branches.iter().all(|(poll, _)| *poll == Poll::No) {
                let counted = if slot == GivenBack { Slotless } else { Nothing };
                let recheck = MemberState { recheck: true, ..state(inner, slot, branches) };
                states.push((format!("{branches:?}, slot {name}, to be polled again"), recheck, counted));
            }
        }
    }
    states
}

#[test]
fn each_state_is_published_as_the_table_says() {
    let inner = Inner::new(1, None);
    for (name, mut state, counted) in states(&inner) {
        let member = member(&inner);
        let before = inner.awaited_by.version();
        state.publish(&member);
        println!("{name}: {counted:?}");
        check_pool(&inner, &[(&member, counted)], before);
        assert_eq!(state.is_listed(), counted.is_listed());
        state.ended = true;
        state.publish(&member);
        check_pool(&inner, &[(&member, Nothing)], before + u64::from(counted.is_idle()));
    }
}

#[test]
fn each_transition_from_one_state_to_another_keeps_the_counts() {
    let inner = Inner::new(1, None);
    let member = member(&inner);
    let (mut published, mut last, mut moves) = (super::Published::Unlisted, Nothing, 0);
    let mut enter = |state: MemberState, counted: Counted| {
        let mut state = MemberState { published, ..state };
        state.publish(&member);
        published = state.published;
        moves += u64::from(last.is_idle() && !counted.is_idle());
        last = counted;
        check_pool(&inner, &[(&member, counted)], moves);
    };
    // One state for each slot and each count is enough: the transition depends on nothing else.
    let mut kinds: Vec<(OwnSlot, Counted)> = Vec::new();
    for (_, state, counted) in states(&inner) {
        if !kinds.contains(&(state.slot, counted)) {
            kinds.push((state.slot, counted));
        }
    }
    let find = |kind: &(OwnSlot, Counted)| {
        let mut states = states(&inner).into_iter();
        let found = states.find(|(_, state, counted)| (state.slot, *counted) == *kind);
        let (_, state, counted) = found.expect("it is in the table");
        (state, counted)
    };
    for from in &kinds {
        for to in &kinds {
            for kind in [from, to] {
                let (state, counted) = find(kind);
                enter(state, counted);
            }
        }
    }
}

#[test]
fn an_outsider_is_never_counted() {
    let inner = Inner::new(1, None);
    let member = Member::outsider(inner.clone());
    let mut state = MemberState::new(None, false);
    for step in 0..4 {
        match step {
            0 => {}
            1 => state.begin_poll(0),
            2 => drop(state.verbs.insert(wait(&inner, 0))),
            _ => drop(state.verbs.end_poll(0)),
        }
        state.publish(&member);
        check_pool(&inner, &[(&member, Nothing)], 0);
        assert!(!state.may_wait());
        assert_eq!(state.is_being_polled(), (1..3).contains(&step));
    }
}

/// How many wakers `act` adds to its effects.
fn count_wakers(act: impl FnOnce(&mut Effects)) -> usize {
    let mut effects = Effects::default();
    act(&mut effects);
    effects.wakers.len()
}

#[test]
fn a_verb_is_probed_once_in_every_other_poll_until_something_happens_in_its_branch() {
    let inner = Inner::new(1, None);
    let mut state = state(&inner, Held, &[(Poll::Yes, Verb::Seen), (Poll::Yes, Verb::Seen)]);
    let rows: [(&str, fn(&mut MemberState), usize); 10] = [
        ("both verbs are new", |_| {}, 2),
        ("nothing has happened", |_| {}, 0),
        ("branch 1 has done something", |state| state.verbs.unmark_blocking(1), 1),
        ("a poll that blocks its thread has been found out", |state| _ = state.verbs.set_blocks_thread(0, true), 0),
        ("and unmarked", |state| state.verbs.unmark_blocking(0), 1),
        (
            "a verb is unmarked, and its poll ends",
            |state| (state.verbs.unmark_blocking(0), drop(state.verbs.end_poll(0))).1,
            0,
        ),
        ("its next poll begins, and has not come to it", |state| state.begin_poll(0), 1),
        ("it is polled again", |state| assert!(!state.verbs.look(0)), 0),
        ("there is another poll, perhaps because of that", |state| state.begin_poll(0), 0),
        ("and another one", |state| state.begin_poll(0), 1),
    ];
    for (name, act, woken) in rows {
        act(&mut state);
        assert_eq!(count_wakers(|effects| state.verbs.probe(effects)), woken, "{name}");
    }
    state.verbs.unmark_blocking(0);
    state.verbs.set_blocks_thread(0, true);
    assert_eq!(count_wakers(|effects| state.verbs.probe(effects)), 0, "the poll is known to block its thread");
    state.verbs.unmark_blocking(0);
    edit(&mut state, 0, |wait| wait.maybe_in_place = false);
    assert_eq!(count_wakers(|effects| state.verbs.probe(effects)), 0, "the verb was polled with the waker of a task");
}

#[test]
fn a_verb_can_move_to_another_branch_and_keeps_nothing_of_its_first_one() {
    let inner = Inner::new(1, None);
    let mut state = state(&inner, Held, &[(Poll::No, Verb::No), (Poll::No, Verb::Seen)]);
    state.verbs.remove_branch(1);
    state.begin_poll(0);
    edit(&mut state, 0, |wait| wait.branch = 0);
    assert_eq!(state.verbs.add_branch(), 1, "the key of the first branch is free");
    assert!(state.verbs.remove(0).is_some() && state.verbs.is_empty());
}

#[test]
fn a_ready_verb_will_look_until_a_poll_that_it_was_woken_for_skips_it() {
    let inner = Inner::new(1, None);
    // What is known of the verb, and whether it is woken to find out.
    let rows = [
        (Verb::InTask, Readiness::Yes, false),
        (Verb::Seen, Readiness::Yes, true),
        (Verb::Seen, Readiness::Later, false),
        (Verb::Unseen, Readiness::Yes, true),
        (Verb::Unseen, Readiness::Later, true),
    ];
    for (verb, readiness, is_woken) in rows {
        let mut state = state(&inner, Held, &[(Poll::No, verb)]);
        let mut look = || will_look(&mut state, readiness);
        assert_eq!(look(), (true, usize::from(is_woken)), "{verb:?}, {readiness:?}");
        assert_eq!(look(), (true, 0), "{verb:?}, {readiness:?}: its branch has not been polled since");
        state.begin_poll(0);
        drop(state.verbs.end_poll(0));
        let looks_again = (!is_woken, usize::from(!is_woken));
        assert_eq!(will_look(&mut state, readiness), looks_again, "{verb:?}, {readiness:?}: its branch was polled");
        let is_aside = is_woken && readiness == Readiness::Yes;
        assert_eq!(state.verbs.is_aside(0), is_aside, "{verb:?}, {readiness:?}");
        assert_eq!(state.verbs.first().is_none(), is_aside, "{verb:?}, {readiness:?}");
        state.begin_poll(0);
        state.verbs.look(0);
        assert!(!state.verbs.is_aside(0), "{verb:?}, {readiness:?}: it is polled again");
    }
}

/// Whether the first verb will look, and how many verbs are woken to find out.
fn will_look(state: &mut MemberState, readiness: Readiness) -> (bool, usize) {
    let mut effects = Effects::default();
    (state.will_look(0, readiness, &mut effects), effects.wakers.len())
}

#[test]
fn a_ready_verb_is_found_out_in_a_poll_that_blocks_its_thread() {
    let inner = Inner::new(1, None);
    let other = |state: &mut MemberState| {
        state.verbs.insert(WaitEdge { last_polled: number(state, 0), looks: 20, ..wait(&inner, 0) });
    };
    let mut polled = state(&inner, Held, &[(Poll::Yes, Verb::InTask)]);
    other(&mut polled);
    assert_eq!(will_look(&mut polled, Readiness::Yes), (true, 1), "the other verb is probed");
    assert_eq!(will_look(&mut polled, Readiness::Yes), (true, 0), "once");
    polled.verbs.set_blocks_thread(0, true);
    assert_eq!(will_look(&mut polled, Readiness::Yes), (false, 0), "the poll never comes to a verb of the task");

    let mut in_place = state(&inner, Held, &[(Poll::Blocks, Verb::Seen)]);
    other(&mut in_place);
    assert_eq!(will_look(&mut in_place, Readiness::Yes), (true, 2), "it may be awaited in place, so both are woken");
    in_place.verbs.look(1);
    let looks = in_place.verbs.get(1).map(|wait| wait.looks);
    assert!(in_place.is_suspect() && looks == Some(1), "its polls are counted anew");
    assert_eq!(will_look(&mut in_place, Readiness::Yes), (true, 0), "the poll may be about to come to it");
    in_place.verbs.set_blocks_thread(0, true);
    assert_eq!(will_look(&mut in_place, Readiness::Yes), (false, 0), "it was not polled meanwhile");
}

#[test]
fn a_verb_whose_branch_is_gone_is_woken_once() {
    let inner = Inner::new(1, None);
    let mut state = state(&inner, Held, &[(Poll::No, Verb::Seen)]);
    state.verbs.remove_branch(0);
    assert_eq!([will_look(&mut state, Readiness::Yes), will_look(&mut state, Readiness::Yes)], [(true, 1), (false, 0)]);
    state.verbs.remove(0);
    assert_eq!(will_look(&mut state, Readiness::Yes), (true, 0), "the verb is gone");
}

/// A ticket in the queue of a pool without a free slot.
fn queued(inner: &Inner) -> Ticket {
    inner.slots.enqueue(Queue::Start, None).expect("the pool is open").expect("there is no free slot")
}

#[test]
fn the_verbs_of_polls_in_progress_are_woken_while_a_queued_ticket_is_offered_the_slot() {
    let inner = Inner::new(0, None);
    let ticket = queued(&inner);
    let branches = [(Poll::Yes, Verb::Seen), (Poll::Yes, Verb::Seen), (Poll::No, Verb::Seen)];
    let mut state = state(&inner, Held, &branches);
    let rows: [(&str, fn(&mut MemberState, Ticket, &Inner), Option<u32>, usize); 11] = [
        ("no ticket is offered the slot", |_, _, _| {}, None, 0),
        ("one is", |state, ticket, inner| state.offers.push(ticket, &inner.slots), None, 2),
        ("one branch is excepted", |_, _, _| {}, Some(0), 1),
        ("the slot is away", |state, _, _| state.slot = Away, None, 0),
        ("a verb is about to go on with the slot", |state, _, _| resume(state, true), None, 0),
        ("it has gone on", |state, _, _| resume(state, false), None, 2),
        ("the job has been woken to use the slot", |state, _, _| state.woken = [0].into(), None, 0),
        ("it was polled", |state, _, _| state.woken.clear(), None, 2),
        (
            "a verb was polled with the waker of a task",
            |state, _, _| edit(state, 0, |wait| wait.maybe_in_place = false),
            None,
            1,
        ),
        ("and the other is excepted", |_, _, _| {}, Some(1), 0),
        ("the ticket has left the queue", |_, ticket, inner| assert!(inner.slots.refuse(ticket)), None, 0),
    ];
    for (name, act, except, woken) in rows {
        act(&mut state, ticket, &inner);
        assert_eq!(state.recheck_wakers(&inner.slots, except).len(), woken, "{name}");
    }
    assert!(state.offers.iter().next().is_none(), "a ticket that has left the queue is forgotten");
}

/// The job has its slot, and a verb needs that or not.
fn resume(state: &mut MemberState, resuming: bool) {
    state.slot = Held;
    edit(state, 2, |wait| wait.resuming = resuming);
}

#[test]
fn tickets_that_have_left_the_queue_take_no_memory() {
    let inner = Inner::new(0, None);
    let mut state = state(&inner, Held, &[(Poll::No, Verb::No)]);
    let first = queued(&inner);
    state.offers.push(first, &inner.slots);
    for _ in 0..1000 {
        let ticket = queued(&inner);
        state.offers.push(ticket, &inner.slots);
        inner.slots.refuse(ticket);
    }
    let kept = state.offers.iter().count();
    assert!(kept < 16, "{kept} tickets are kept");
    assert_eq!(state.offers.iter().next(), Some(&first), "a queued ticket keeps its place");
}

/// A job that begins and does nothing.
struct TestJob(Arc<AtomicUsize>);

impl ErasedJob for TestJob {
    fn begin(self: Box<Self>, lender: Option<Arc<Member>>, _key: Option<Hold>) {
        assert!(lender.is_some(), "it runs in the slot of its parent");
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn refuse(self: Box<Self>) {}

    fn is_of(&self, _group: u32) -> bool {
        true
    }
}

/// Counts how often it is woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_slot_is_lent_once_and_a_spawn_knows_that_its_job_has_it() {
    let inner = Inner::new(0, None);
    let member = member(&inner);
    let begun = Arc::new(AtomicUsize::new(0));
    let wakes = Arc::new(Wakes::default());
    let queue = || {
        let job = Box::new(TestJob(begun.clone()));
        match inner.slots.enqueue_job(PoolJob::One(job), Some(Waker::from(wakes.clone()))) {
            Enqueued::Queued(ticket) => ticket,
            Enqueued::Slot(_, _) | Enqueued::Closed(_) => panic!("the pool is open, and has no slot"),
        }
    };
    let rows: [(&str, fn() -> ReadySource, bool, bool); 4] = [
        ("a spawn in this job", || ReadySource::Child(Arc::default()), true, true),
        ("a wait for a job that has begun", || ReadySource::Begun, true, false),
        ("a flag", || ReadySource::Flag(Arc::default()), true, false),
        ("a spawn of another job", || ReadySource::Child(Arc::default()), false, false),
    ];
    for (at, (name, source, same, in_own_slot)) in rows.into_iter().enumerate() {
        let ticket = queue();
        let mut state = state(&inner, Held, &[(Poll::No, Verb::Seen), (Poll::No, Verb::Seen)]);
        edit(&mut state, 1, |wait| (wait.ticket, wait.source) = (same.then_some(ticket), source()));
        let served = state.lend(&member, ticket, false).ok().expect("the ticket is queued");
        assert!(state.slot == Away && state.loans == 1, "{name}");
        let lent = [0, 1].map(|at| state.verbs.get(at).is_some_and(|wait| wait.lent == Lent::Yes));
        assert_eq!(lent, [false, in_own_slot], "{name}");
        assert_eq!(begun.load(Ordering::Relaxed), at, "{name}: a job begins with no lock held");
        let woken = wakes.0.load(Ordering::Relaxed);
        served.run();
        assert_eq!(begun.load(Ordering::Relaxed), at + 1, "{name}");
        let expected = woken + usize::from(!in_own_slot);
        assert_eq!(wakes.0.load(Ordering::Relaxed), expected, "{name}: a spawn cannot go on without the slot");
        let std::task::Poll::Ready(Some(Grant::Begun { in_own_slot: own })) = inner.slots.poll(ticket, Waker::noop())
        else {
            panic!("{name}: the job has begun");
        };
        assert_eq!(own, in_own_slot, "{name}");
        state.slot = Held;
        assert!(state.lend(&member, ticket, false).is_err(), "{name}: the ticket is not queued any longer");
        assert!(state.slot == Held && state.loans == 1, "{name}: then nothing is lent");
    }
}

#[test]
fn a_job_that_gets_a_slot_keeps_it_only_if_something_waited_for_that() {
    let inner = Inner::new(0, None);
    let mut state = state(&inner, Held, &[(Poll::No, Verb::Seen), (Poll::No, Verb::Seen)]);
    let ended = Ending::new(false);
    edit(&mut state, 1, |wait| wait.source = ReadySource::Child(ended.clone()));
    let rows: [(&str, fn(&mut MemberState, &Ending), usize, bool); 7] = [
        ("nothing waits for it", |_, _| {}, 0, false),
        ("a child in another slot is over", |_, ended| ended.announce(), 0, false),
        ("a child in this slot is over", |state, _| edit(state, 1, |wait| wait.lent = Lent::Yes), 1, false),
        ("it is told once", |_, _| {}, 0, false),
        ("a branch waits for it", |state, _| want_slot(state), 1, true),
        ("that was woken", |_, _| {}, 0, true),
        ("the job was polled, and the child is not over", |state, _| poll(state), 0, false),
    ];
    for (name, act, woken, is_kept) in rows {
        act(&mut state, &ended);
        assert_eq!(state.take_wakers().len(), woken, "{name}");
        assert_eq!((!state.woken.is_empty(), state.can_lend(), state.waits()), (is_kept, !is_kept, !is_kept), "{name}");
        assert!(state.verbs.take_wanting().1.is_empty(), "{name}: each is woken once");
    }
}

/// The first branch may not be polled before the job has its slot.
fn want_slot(state: &mut MemberState) {
    state.verbs.set_task(0, Shared::new(Waker::noop()));
    state.verbs.want_slot(0);
}

/// The job is polled, and its child is not over.
fn poll(state: &mut MemberState) {
    edit(state, 1, |wait| wait.source = ReadySource::Child(Ending::new(false)));
    state.begin_poll(0);
    drop(state.verbs.end_poll(0));
}

const BRANCHES: u32 = 3;

/// A transition of one member. Branches are numbers below [`BRANCHES`], and a verb is an index modulo their number.
#[derive(Clone, Debug)]
enum Op {
    BeginPoll(u32),
    EndPoll(u32),
    SetBlocks(u32, bool),
    /// A verb is polled for the first time and is pending. It is perhaps awaited in place, or certainly not.
    Register(u32, bool),
    PollVerb(usize),
    SetResuming(usize, bool),
    Clear(usize),
    Slot(OwnSlot),
    Recheck,
    /// It gets a slot, which something may have waited for.
    Wake(bool),
    /// The number of pending `lend`s, and of jobs that have its slot.
    Lends(usize),
    Loans(usize),
    End,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0..BRANCHES).prop_map(Op::BeginPoll),
        6 => (0..BRANCHES).prop_map(Op::EndPoll),
        4 => (0..BRANCHES, any::<bool>()).prop_map(|(branch, blocks)| Op::SetBlocks(branch, blocks)),
        6 => (0..BRANCHES, any::<bool>()).prop_map(|(branch, in_place)| Op::Register(branch, in_place)),
        4 => any::<usize>().prop_map(Op::PollVerb),
        2 => (any::<usize>(), any::<bool>()).prop_map(|(verb, resuming)| Op::SetResuming(verb, resuming)),
        3 => any::<usize>().prop_map(Op::Clear),
        4 => prop_oneof![Just(Held), Just(Away), Just(GivenBack)].prop_map(Op::Slot),
        1 => Just(Op::Recheck),
        2 => any::<bool>().prop_map(Op::Wake),
        2 => (0..2_usize).prop_map(Op::Lends),
        2 => (0..2_usize).prop_map(Op::Loans),
        1 => Just(Op::End),
    ]
}

impl std::fmt::Debug for OwnSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Held => "Held",
            Away => "Away",
            GivenBack => "Released",
        })
    }
}

/// A pending verb, as the test knows it.
struct KnownVerb {
    key: usize,
    branch: u32,
    /// It has been polled since the latest poll of its branch began.
    seen: bool,
    resuming: bool,
    in_place: bool,
}

/// A member, and all that the test knows of it.
struct Case {
    member: Arc<Member>,
    state: MemberState,
    slot: OwnSlot,
    polls: [Poll; BRANCHES as usize],
    verbs: Vec<KnownVerb>,
    recheck: bool,
    woken: bool,
    lends: usize,
    loans: usize,
    ended: bool,
}

impl Case {
    fn new(inner: &Arc<Inner>) -> Self {
        let mut state = MemberState::new(None, true);
        for _ in 1..BRANCHES {
            state.verbs.add_branch();
        }
        let polls = [Poll::Yes, Poll::No, Poll::No];
        let (verbs, slot) = (Vec::new(), Held);
        let (recheck, woken, ended) = (false, false, false);
        Case { member: member(inner), state, slot, polls, verbs, recheck, woken, lends: 0, loans: 0, ended }
    }

    fn step(&mut self, inner: &Arc<Inner>, op: &Op) {
        let Case { state, polls, verbs, .. } = self;
        let is_polled = |branch: u32| polls[branch as usize] != Poll::No;
        match *op {
            Op::BeginPoll(branch) if !is_polled(branch) => {
                state.begin_poll(branch);
                polls[branch as usize] = Poll::Yes;
                verbs.iter_mut().filter(|verb| verb.branch == branch).for_each(|verb| verb.seen = false);
                (self.recheck, self.woken) = (false, false);
            }
            Op::EndPoll(branch) if is_polled(branch) => {
                let mut resuming = verbs.iter_mut().filter(|verb| verb.branch == branch && verb.resuming);
                let wakers = state.verbs.end_poll(branch);
                for _ in wakers {
                    resuming.next().expect("it waited for the slot").resuming = false;
                }
                assert!(resuming.next().is_none(), "a verb waits for the slot only in a poll");
                polls[branch as usize] = Poll::No;
            }
            Op::SetBlocks(branch, blocks) => {
                state.verbs.set_blocks_thread(branch, blocks);
                if is_polled(branch) {
                    polls[branch as usize] = if blocks { Poll::Blocks } else { Poll::Yes };
                }
            }
            Op::Register(branch, in_place) if is_polled(branch) => {
                state.verbs.unmark_blocking(branch);
                polls[branch as usize] = Poll::Yes;
                let last_polled = number(state, branch);
                let edge = WaitEdge { last_polled, maybe_in_place: in_place, ..wait(inner, branch) };
                let key = state.verbs.insert(edge);
                verbs.push(KnownVerb { key, branch, seen: true, resuming: false, in_place });
            }
            Op::PollVerb(pick) if !verbs.is_empty() => {
                let at = pick % verbs.len();
                let verb = &mut verbs[at];
                if is_polled(verb.branch) {
                    let last_polled = number(state, verb.branch);
                    edit(state, verb.key, |wait| wait.last_polled = last_polled);
                    verb.seen = true;
                }
            }
            Op::SetResuming(pick, resuming) if verbs.iter().any(|verb| is_polled(verb.branch)) => {
                let in_poll: Vec<_> = (0..verbs.len()).filter(|at| is_polled(verbs[*at].branch)).collect();
                let at = in_poll[pick % in_poll.len()];
                edit(state, verbs[at].key, |wait| wait.resuming = resuming);
                verbs[at].resuming = resuming;
            }
            Op::Clear(pick) if !verbs.is_empty() => {
                let verb = verbs.swap_remove(pick % verbs.len());
                state.verbs.remove(verb.key);
                state.verbs.unmark_blocking(verb.branch);
                if is_polled(verb.branch) {
                    polls[verb.branch as usize] = Poll::Yes;
                }
            }
            // The job gives its slot away, or gets one.
            Op::Slot(slot) if !self.ended => {
                if slot == Held {
                    state.slot = Held;
                    self.slot = Held;
                } else {
                    self.take(slot);
                }
            }
            Op::Recheck if polls.iter().all(|poll| *poll == Poll::No) => {
                state.recheck = true;
                self.recheck = true;
            }
            Op::Wake(waits) => {
                if waits {
                    want_slot(state);
                }
                let resuming = state.verbs.iter().filter(|wait| wait.resuming).count();
                assert_eq!(state.take_wakers().len(), usize::from(waits) + resuming);
                self.woken |= waits;
            }
            Op::Lends(lends) => (state.lends, self.lends) = (lends, lends),
            Op::Loans(loans) => (state.loans, self.loans) = (loans, loans),
            Op::End => {
                state.ended = true;
                self.take(Away);
                self.ended = true;
            }
            _ => {}
        }
        self.state.publish(&self.member);
    }

    fn take(&mut self, leave: OwnSlot) {
        let held = self.slot == Held;
        assert_eq!(self.state.take(leave), held);
        if held {
            // Whatever was woken to use the slot finds out that it is gone.
            (self.slot, self.woken) = (leave, false);
        }
    }

    /// A poll is in progress that may come to something else than the pending verbs.
    fn is_being_polled(&self) -> bool {
        self.polls.contains(&Poll::Yes)
    }

    /// The job was woken to use the slot that it has, and has not been polled since, or a verb is about to go on with
    /// it.
    fn will_use_slot(&self) -> bool {
        (self.woken || self.verbs.iter().any(|verb| verb.resuming)) && self.slot == Held
    }

    fn is_blocked(&self) -> bool {
        let will_be_polled = self.recheck || self.will_use_slot();
        !self.ended && !will_be_polled && !self.verbs.is_empty() && !self.is_being_polled()
    }

    fn can_lend(&self) -> bool {
        let has_idle_slot = self.slot == Held && !self.woken;
        has_idle_slot && !self.verbs.is_empty() && !self.verbs.iter().any(|verb| verb.resuming)
    }

    fn is_suspect(&self) -> bool {
        let in_place = |verb: &KnownVerb| verb.in_place && self.polls[verb.branch as usize] != Poll::No;
        !self.ended && self.is_being_polled() && self.can_lend() && self.verbs.iter().any(in_place)
    }

    /// The job should give its slot back: it is in `lend`, and each poll blocks its thread, or it waits and has lent
    /// another slot.
    fn has_spare_slot(&self) -> bool {
        let in_lend = self.lends > 0 && !self.is_being_polled() && !self.ended && self.slot == Held && !self.woken;
        let has_two = self.loans > 0 && self.is_blocked() && self.can_lend();
        in_lend || has_two
    }

    fn needs_slot(&self) -> bool {
        let mut polled = (0..).zip(self.polls).filter(|(_, poll)| *poll != Poll::No).peekable();
        let has_seen = |branch: u32| self.verbs.iter().any(|verb| verb.branch == branch && verb.seen);
        let is_polled = polled.peek().is_some();
        self.slot != Held && !self.ended && is_polled && polled.all(|(branch, _)| has_seen(branch))
    }

    fn counted(&self) -> Counted {
        let waits = self.is_blocked() || self.needs_slot();
        if self.is_suspect() {
            return Suspect;
        }
        match self.slot {
            _ if self.ended => Nothing,
            Held if waits => Holder,
            GivenBack if waits => Released,
            Away if waits => Nothing,
            Away if self.polls.iter().any(|poll| *poll != Poll::No) => Slotless,
            Held | Away => Nothing,
            GivenBack => Slotless,
        }
    }

    fn check(&self) {
        assert_eq!(self.state.waits(), self.is_blocked(), "waits");
        assert_eq!(self.state.is_suspect(), self.is_suspect(), "is_suspect");
        assert_eq!(self.state.needs_slot(), self.needs_slot(), "needs_slot");
        assert_eq!(self.state.may_wait(), self.is_blocked() || self.is_suspect() || self.needs_slot(), "may_wait");
        assert_eq!(self.state.is_being_polled(), self.is_being_polled(), "is_being_polled");
        assert_eq!(self.state.can_lend(), self.can_lend(), "can_lend");
        assert_eq!(self.state.has_spare_slot(), self.has_spare_slot(), "has_spare_slot");
        assert_eq!(!self.state.woken.is_empty(), self.woken, "woken");
        assert_eq!(self.state.is_listed(), self.counted().is_listed(), "is_listed");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(256)
    })]

    #[test]
    fn the_counts_of_the_pool_equal_a_recount_of_its_members(ops in vec((0..3_usize, op()), 0..80)) {
        let inner = Inner::new(1, None);
        let mut cases = [(); 3].map(|()| Case::new(&inner));
        let mut moves = 0;
        for (who, op) in &ops {
            let was_idle = cases[*who].counted().is_idle();
            cases[*who].step(&inner, op);
            moves += u64::from(was_idle && !cases[*who].counted().is_idle());
            cases[*who].check();
            let members = cases.each_ref().map(|case| (&case.member, case.counted()));
            check_pool(&inner, &members, moves);
        }
    }
}
