//! [`Member`]s of one pool that poll, wait, lend, borrow and end at random: no slot is lost or made, and the pool's
//! counts are always those of its members.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Poll, Waker};

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::RngSeed;

use super::Member;
use crate::inner::Inner;
use crate::inner::effects::Effects;
use crate::inner::member_state::OwnSlot;
use crate::inner::wait::{ReadySource, WaitEdge};
use crate::sync::lock;
use crate::sync::slots::{Grant, Queue, Ticket};
use crate::sync::wake::wake;

/// What one job does. A branch is a number; a verb, a ticket or a job that has begun is an index modulo their number.
#[derive(Clone, Debug)]
enum Op {
    BeginPoll(usize),
    EndPoll(usize),
    Register(usize, Target),
    Update(usize, Target),
    Clear(usize),
    /// A verb is pending in a poll, and all polls are over.
    Wait,
    /// A job of the pool is about to begin, and this job waits for it if it has to queue.
    Start,
    /// The ticket of a job that begins is polled.
    Collect(usize),
    /// A job that has begun is over.
    Finish(usize),
    /// A job that has begun becomes a member.
    Join(usize),
    ReleaseSlot,
    Reacquire,
    /// To the head of the queue.
    LendToHead,
    End,
}

/// What a verb waits for.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// Something in the job's own pool.
    Own,
    /// The head of that pool's queue.
    Head,
    /// Something in another pool.
    Other,
    /// The slot of its own job.
    Slot,
}

/// The slots, and the jobs that hold them at the beginning.
const JOBS: usize = 3;
const MAX_JOBS: usize = 8;
const BRANCHES: usize = 2;

fn op() -> impl Strategy<Value = Op> {
    let branch = || 0..BRANCHES;
    let at = any::<usize>;
    let target = || prop_oneof![Just(Target::Own), Just(Target::Head), Just(Target::Other), Just(Target::Slot)];
    prop_oneof![
        16 => branch().prop_map(Op::BeginPoll),
        16 => branch().prop_map(Op::EndPoll),
        16 => (branch(), target()).prop_map(|(branch, target)| Op::Register(branch, target)),
        12 => (at(), target()).prop_map(|(at, target)| Op::Update(at, target)),
        8 => at().prop_map(Op::Clear),
        10 => Just(Op::Wait),
        14 => Just(Op::Start),
        14 => at().prop_map(Op::Collect),
        6 => at().prop_map(Op::Finish),
        8 => at().prop_map(Op::Join),
        6 => Just(Op::ReleaseSlot),
        12 => Just(Op::Reacquire),
        6 => Just(Op::LendToHead),
        4 => Just(Op::End),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(500)
    })]

    #[test]
    fn no_slot_is_lost_and_every_member_is_counted(ops in vec((0..MAX_JOBS, op()), 1..150)) {
        let mut trial = Trial::new();
        for (job, op) in &ops {
            trial.step(job % trial.jobs.len(), op);
            trial.check();
        }
        trial.finish();
    }
}

struct Job {
    member: Arc<Member>,
    /// Which of its futures are being polled.
    polled: [bool; BRANCHES],
    /// The pending verbs: key, future, and whether each waits for the other pool.
    waits: Vec<(usize, usize, bool)>,
    /// The member that it owes its slot to.
    lender: Option<Arc<Member>>,
}

impl Job {
    fn new(inner: &Arc<Inner>, lender: Option<Arc<Member>>) -> Self {
        let member = Member::new(inner.clone(), lender.clone(), resumed);
        (1..BRANCHES).for_each(|branch| assert_eq!(member.add_branch() as usize, branch));
        Job { member, polled: [true, false], waits: Vec::new(), lender }
    }
}

struct Trial {
    inner: Arc<Inner>,
    other: Arc<Inner>,
    jobs: Vec<Job>,
    /// Of the jobs that are about to begin.
    tickets: Vec<Ticket>,
    /// The jobs that have begun, with the lender of the slot.
    begun: Vec<Option<Arc<Member>>>,
}

/// What the layer above does with it, except that it looks for no deadlock.
fn run(effects: Effects) {
    wake(effects.wakers);
}

fn resumed(member: &Arc<Member>) {
    let (effects, collected) = member.collect_granted();
    run(effects);
    if collected {
        member.inner().slots.end_absence();
    }
}

fn is_same(one: Option<&Arc<Member>>, other: Option<&Arc<Member>>) -> bool {
    one.map(Arc::as_ptr) == other.map(Arc::as_ptr)
}

impl Trial {
    fn new() -> Self {
        let inner = Inner::new(JOBS, None);
        let job = |_| {
            inner.slots.try_acquire().expect("there is a slot for each job");
            Job::new(&inner, None)
        };
        let jobs = (0..JOBS).map(job).collect();
        Trial { inner, other: Inner::new(1, None), jobs, tickets: Vec::new(), begun: Vec::new() }
    }

    fn edge(&self, branch: usize, target: Target) -> WaitEdge {
        let (inner, ticket) = match target {
            Target::Own | Target::Slot => (&self.inner, None),
            Target::Head => (&self.inner, self.inner.slots.head()),
            Target::Other => (&self.other, None),
        };
        let resuming = matches!(target, Target::Slot);
        WaitEdge { resuming, ..WaitEdge::new(inner, ticket, ReadySource::Ticket, branch as u32, Waker::noop()) }
    }

    fn step(&mut self, job: usize, op: &Op) {
        let pick = |at: usize, len: usize| at.checked_rem(len);
        let Job { member, polled, waits, .. } = &mut self.jobs[job];
        match *op {
            Op::BeginPoll(branch) => {
                if !std::mem::replace(&mut polled[branch], true) {
                    member.begin_poll(branch as u32);
                }
            }
            Op::EndPoll(branch) => {
                if std::mem::take(&mut polled[branch]) {
                    run(member.end_poll(branch as u32));
                }
            }
            Op::Register(branch, target) => self.register(job, branch, target),
            Op::Update(at, target) => {
                if let Some(at) = pick(at, waits.len()) {
                    self.update(job, at, target);
                }
            }
            Op::Clear(at) => {
                if let Some(at) = pick(at, waits.len()) {
                    self.clear(job, at);
                }
            }
            Op::Wait => {
                self.step(job, &Op::BeginPoll(0));
                self.register(job, 0, Target::Own);
                (0..BRANCHES).for_each(|branch| self.step(job, &Op::EndPoll(branch)));
            }
            Op::Start => match self.inner.slots.enqueue(Queue::Start, None).expect("the pool is open") {
                Some(ticket) => {
                    self.tickets.push(ticket);
                    run(member.offer_slot(ticket));
                }
                None => self.begun.push(None),
            },
            Op::Collect(at) => {
                if let Some(at) = pick(at, self.tickets.len()) {
                    self.collect(at);
                }
            }
            Op::Finish(at) => {
                if let Some(at) = pick(at, self.begun.len()) {
                    let lender = self.begun.remove(at);
                    self.give_back(lender);
                }
            }
            Op::Join(at) => {
                if let Some(at) = pick(at, self.begun.len()).filter(|_| self.jobs.len() < MAX_JOBS) {
                    let lender = self.begun.remove(at);
                    self.jobs.push(Job::new(&self.inner, lender));
                }
            }
            Op::ReleaseSlot => {
                if member.release_slot() {
                    self.inner.slots.release_absent();
                }
            }
            Op::Reacquire => {
                let ready = member.poll_reacquire(Waker::noop()).is_ready();
                let state = lock(&member.state);
                assert_eq!(ready, state.holds() || state.ended);
                assert_eq!(ready, state.ticket.is_none(), "a job that wants its slot is in the queue");
            }
            Op::LendToHead => self.lend_to_head(job),
            Op::End => self.end(job),
        }
        self.note_lenders();
    }

    /// The job waits for a new one, which begins on its slot.
    fn lend_to_new(&mut self, job: usize) {
        self.step(job, &Op::Wait);
        self.step(job, &Op::Start);
        self.step(job, &Op::Collect(0));
        assert_eq!(self.begun.len(), 1, "the new job has begun");
        assert!(is_same(self.begun[0].as_ref(), Some(&self.jobs[job].member)));
    }

    /// A slot that a job has got in the queue may be a loan too.
    fn note_lenders(&mut self) {
        for job in &mut self.jobs {
            if let Some(lender) = &lock(&job.member.state).lender {
                job.lender = Some(lender.clone());
            }
        }
    }

    fn register(&mut self, job: usize, branch: usize, target: Target) {
        let edge = self.edge(branch, target);
        let Job { member, polled, waits, .. } = &mut self.jobs[job];
        if polled[branch] {
            let (key, effects) = member.register(edge);
            waits.push((key, branch, matches!(target, Target::Other)));
            run(effects);
        }
    }

    fn update(&mut self, job: usize, at: usize, target: Target) {
        let (key, branch, _) = self.jobs[job].waits[at];
        if self.jobs[job].polled[branch] {
            self.jobs[job].waits[at].2 = matches!(target, Target::Other);
            let effects = self.jobs[job].member.update(key, self.edge(branch, target));
            run(effects);
        }
    }

    fn clear(&mut self, job: usize, at: usize) {
        let (key, ..) = self.jobs[job].waits.remove(at);
        let Job { member, polled, waits, .. } = &self.jobs[job];
        let (effects, wait) = member.clear(key);
        if *polled == [false; BRANCHES] {
            let rechecks = !waits.is_empty();
            assert_eq!(lock(&member.state).recheck, rechecks, "a job with other verbs is polled again");
            assert!(!rechecks || !effects.wakers.is_empty(), "one of the other verbs is woken for that");
        }
        run(effects);
        wait.expect("the verb is pending").inner.awaited_by.remove(&self.inner);
    }

    fn collect(&mut self, at: usize) {
        if let Poll::Ready(grant) = self.inner.slots.poll(self.tickets[at], Waker::noop()) {
            let Some(Grant::Slot(lender)) = grant else { panic!("no ticket was refused") };
            self.tickets.remove(at);
            self.begun.push(lender);
        }
    }

    fn lend_to_head(&self, job: usize) {
        let member = &self.jobs[job].member;
        if let Some(head) = self.inner.slots.head() {
            let state = lock(&member.state);
            let may_lend = state.waits() && state.holds();
            drop(state);
            let mut effects = Effects::default();
            assert_eq!(member.lend_to(head, &mut effects), may_lend);
            run(effects);
        }
    }

    fn end(&mut self, job: usize) {
        let ended = self.jobs[job].member.end();
        run(ended.effects);
        self.leave_queue(ended.ticket);
        if ended.was_absent {
            self.inner.slots.end_absence();
        }
        if let Some(lender) = ended.held {
            let expected = self.jobs[job].lender.take();
            assert!(is_same(lender.as_ref(), expected.as_ref()), "a job that ends with its slot owes it to its lender");
            self.give_back(lender);
        }
    }

    /// Who gets a slot that is given back to this lender: the first in the chain of lenders that lacks one.
    fn receiver(&mut self, mut lender: Option<Arc<Member>>) -> Option<Arc<Member>> {
        while let Some(member) = lender {
            let state = lock(&member.state);
            let (ended, holds) = (state.ended, state.holds());
            drop(state);
            if !ended {
                return Some(member).filter(|_| !holds);
            }
            let job = self.jobs.iter_mut().find(|job| Arc::ptr_eq(&job.member, &member));
            lender = job.expect("each member is a job").lender.take();
        }
        None
    }

    fn give_back(&mut self, mut lender: Option<Arc<Member>>) {
        let receiver = self.receiver(lender.clone());
        while let Some(member) = lender {
            match member.take_back() {
                Ok((effects, ticket)) => {
                    assert!(
                        is_same(Some(&member), receiver.as_ref()),
                        "the slot comes back to the first that lacks one"
                    );
                    run(effects);
                    self.inner.slots.end_absence();
                    return self.leave_queue(ticket);
                }
                Err(next) => lender = next,
            }
        }
        assert!(receiver.is_none(), "a lender gets its slot back");
        self.inner.slots.release();
    }

    fn leave_queue(&mut self, ticket: Option<Ticket>) {
        if let Some(Grant::Slot(lender)) = ticket.and_then(|ticket| self.inner.slots.cancel(ticket)) {
            self.give_back(lender);
        }
    }

    fn check(&self) {
        let mut counts = [0; 5];
        let mut held = 0;
        let mut absent = false;
        let members = self.inner.blocked_jobs.members();
        for job in &self.jobs {
            let state = lock(&job.member.state);
            let waits = state.waits() || state.needs_slot();
            let at = match state.slot {
                _ if state.is_suspect() => 0,
                OwnSlot::Held if waits => 1,
                OwnSlot::Released if waits => 2,
                OwnSlot::Away | OwnSlot::Released if !waits && !state.ended => 3,
                _ => 4,
            };
            counts[at] += 1;
            held += usize::from(state.holds());
            absent |= !state.holds() && !state.ended;
            let listed = members.iter().filter(|member| Arc::ptr_eq(member, &job.member)).count();
            assert_eq!(
                listed,
                usize::from(at < 3),
                "a member is listed once if it waits and no other job has its slot"
            );
            assert!(!state.ended || state.ticket.is_none() && !state.holds(), "a job that has ended has nothing");
            assert!(!state.holds() || state.ticket.is_none(), "a job with a slot is not in the queue");
        }
        let [suspects, holders, _, slotless, _] = counts;
        let blocked = &self.inner.blocked_jobs;
        assert_eq!(blocked.suspects.load(Ordering::SeqCst), suspects);
        assert_eq!(blocked.holders.load(Ordering::SeqCst), holders);
        assert_eq!(blocked.slotless.load(Ordering::SeqCst), slotless);
        let slots = &self.inner.slots;
        let granted = self.tickets.iter().filter(|ticket| !slots.is_queued(**ticket)).count();
        let running = held + self.begun.len() + granted;
        assert_eq!(slots.running(), running, "every slot is somewhere");
        assert_eq!(slots.is_idle(), running == 0 && !absent);
        let waits = || self.jobs.iter().flat_map(|job| &job.waits);
        assert_eq!(self.inner.awaited_by.any(), waits().any(|(.., other)| !other));
        assert_eq!(self.other.awaited_by.any(), waits().any(|(.., other)| *other));
    }

    /// Ends all jobs, and all that have begun.
    fn finish(mut self) {
        for job in 0..self.jobs.len() {
            self.step(job, &Op::End);
            self.check();
            while !self.jobs[job].waits.is_empty() {
                self.step(job, &Op::Clear(0));
            }
        }
        while !self.tickets.is_empty() || !self.begun.is_empty() {
            let left = self.tickets.len() + self.begun.len();
            (0..self.tickets.len()).rev().for_each(|at| self.collect(at));
            while !self.begun.is_empty() {
                self.step(0, &Op::Finish(0));
            }
            assert!(self.tickets.len() < left, "a ticket gets no slot");
        }
        self.check();
        assert!(self.inner.slots.is_idle(), "no slot is left behind");
        assert_eq!(self.inner.slots.waiting(), 0);
    }
}

#[test]
fn a_slot_comes_back_past_a_borrower_that_has_ended() {
    let mut trial = Trial::new();
    // Job 0 lends its slot to job 3, which lends it to a job that begins.
    trial.lend_to_new(0);
    trial.step(0, &Op::Join(0));
    trial.lend_to_new(JOBS);
    trial.step(JOBS, &Op::End);
    trial.check();
    assert!(!lock(&trial.jobs[0].member.state).holds());
    trial.step(0, &Op::Finish(0));
    trial.check();
    assert!(lock(&trial.jobs[0].member.state).holds(), "its lender has its slot again");
    trial.finish();
}
