//! [`Member`]s of one pool that poll, wait, lend, borrow and end at random: no slot is lost or made, a job is polled
//! only while it has one and keeps it meanwhile, and the pool's counts are always those of its members.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Wake, Waker};

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::RngSeed;

use super::Member;
use crate::inner::effects::Effects;
use crate::inner::in_place::LOOKS;
use crate::inner::member_state::{MemberState, OwnSlot};
use crate::inner::queued::PoolJob;
use crate::inner::tracked::JobStatus;
use crate::inner::wait::{Ending, Lent, Readiness, ReadySource, WaitEdge};
use crate::inner::{ErasedJob, Inner};
use crate::sync::lock;
use crate::sync::slots::gates::Hold;
use crate::sync::slots::{Cancelled, Enqueued, Grant, Queue, Served, Ticket};
use crate::sync::wake::wake;

/// What one job does. A branch is a number; a verb, a ticket or a job that has begun is an index modulo their number.
#[derive(Clone, Debug)]
enum Op {
    /// A branch is polled, if the job has a slot or gets one. Otherwise it waits for one.
    BeginPoll(usize),
    EndPoll(usize),
    /// A verb is polled: perhaps in place, or certainly not.
    Register(usize, Target, bool),
    Update(usize, Target),
    /// A verb is polled as often within one poll as only in place.
    AwaitInPlace(usize),
    /// All verbs of a branch are polled as often.
    PollAll(usize, u32),
    /// A search wants to know whether the polls in progress block their threads.
    Probe,
    /// A search finds a verb ready.
    Look(usize),
    Clear(usize),
    /// A verb is pending in a poll, and all polls are over.
    Wait,
    /// A job of the pool is about to begin, and this job waits for it if it has to queue.
    Start,
    /// A job of the pool is queued. This job spawns it in a branch, or waits for its handle.
    Spawn(Option<usize>),
    /// The ticket of a spawn is polled.
    PollSpawn(usize),
    /// A spawn is dropped.
    CancelSpawn(usize),
    /// The ticket of a job that begins is polled.
    Collect(usize),
    /// A job that has begun is over.
    Finish(usize),
    /// A job that has begun becomes a member.
    Join(usize),
    /// A `lend` in a branch begins, or ends.
    BeginLend(usize),
    EndLend,
    /// The second branch is dropped, and there is a new one.
    ReplaceBranch,
    ReleaseSlot,
    /// A verb in a poll wants the slot.
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
        16 => (branch(), target(), any::<bool>()).prop_map(|(branch, target, task)| Op::Register(branch, target, task)),
        12 => (at(), target()).prop_map(|(at, target)| Op::Update(at, target)),
        4 => at().prop_map(Op::AwaitInPlace),
        8 => (branch(), 1..=LOOKS).prop_map(|(branch, times)| Op::PollAll(branch, times)),
        6 => Just(Op::Probe),
        4 => at().prop_map(Op::Look),
        8 => at().prop_map(Op::Clear),
        10 => Just(Op::Wait),
        14 => Just(Op::Start),
        14 => prop_oneof![3 => branch().prop_map(Some), 1 => Just(None)].prop_map(Op::Spawn),
        8 => at().prop_map(Op::PollSpawn),
        3 => at().prop_map(Op::CancelSpawn),
        14 => at().prop_map(Op::Collect),
        6 => at().prop_map(Op::Finish),
        8 => at().prop_map(Op::Join),
        5 => branch().prop_map(Op::BeginLend),
        3 => Just(Op::EndLend),
        3 => Just(Op::ReplaceBranch),
        3 => Just(Op::ReleaseSlot),
        12 => Just(Op::Reacquire),
        6 => Just(Op::LendToHead),
        4 => Just(Op::End),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(1000)
    })]

    #[test]
    fn no_slot_is_lost_and_every_member_is_counted(ops in vec((0..MAX_JOBS, op()), 1..150)) {
        let mut trial = Trial::new();
        for (job, op) in &ops {
            trial.try_step(job % trial.jobs.len(), op);
        }
        trial.finish();
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A pending verb.
struct Verb {
    key: usize,
    branch: usize,
    target: Target,
    /// How often it has been woken.
    wakes: Arc<Wakes>,
    /// How often it had been woken when it was last polled, and how many verbs had been polled by then.
    woken: usize,
    polled: usize,
}

struct Job {
    member: Arc<Member>,
    /// Which of its futures are being polled.
    polled: [bool; BRANCHES],
    verbs: Vec<Verb>,
    /// The member that it owes its slot to.
    lender: Option<Arc<Member>>,
    /// Set when it is about to release its slot.
    ended: Option<Arc<Ending>>,
    /// The tasks of the branches, which of them wait for a slot, and how often each had been woken before.
    tasks: [Arc<Wakes>; BRANCHES],
    waiting: [Option<usize>; BRANCHES],
    /// A task was woken to use the slot, and none has been polled since.
    due: [bool; BRANCHES],
    /// The number of its pending `lend`s.
    lends: Vec<u64>,
}

impl Job {
    fn new(inner: &Arc<Inner>, begun: Begun) -> Self {
        let Begun { lender, ended } = begun;
        let member = Member::new(inner.clone(), lender.clone(), resumed);
        (1..BRANCHES).for_each(|branch| assert_eq!(member.add_branch() as usize, branch));
        Job {
            member,
            polled: [true, false],
            verbs: Vec::new(),
            lender,
            ended,
            tasks: Default::default(),
            waiting: [None; BRANCHES],
            due: [false; BRANCHES],
            lends: Vec::new(),
        }
    }

    /// The verb of that branch that was polled last.
    fn latest(&self, branch: usize) -> Option<&Verb> {
        self.verbs.iter().filter(|verb| verb.branch == branch).max_by_key(|verb| verb.polled)
    }

    fn is_polled(&self) -> bool {
        self.polled.contains(&true)
    }

    fn holds(&self) -> bool {
        lock(&self.member.state).holds()
    }

    fn task_wakes(&self) -> [usize; BRANCHES] {
        self.tasks.each_ref().map(|task| task.0.load(Ordering::Relaxed))
    }

    fn is_due(&self) -> bool {
        self.due.contains(&true)
    }

    /// A verb is known to be awaited in place.
    fn is_in_place(&self) -> bool {
        lock(&self.member.state).verbs.iter().any(|wait| wait.maybe_in_place && wait.looks >= LOOKS)
    }
}

/// A job that has begun and is no member: who lent its slot, and the flag for its end.
#[derive(Default)]
struct Begun {
    lender: Option<Arc<Member>>,
    ended: Option<Arc<Ending>>,
}

/// A job in the queue. It notes that it has begun.
struct QueuedJob {
    number: usize,
    ended: Arc<Ending>,
    log: Arc<Mutex<Vec<(usize, Begun)>>>,
}

impl ErasedJob for QueuedJob {
    fn begin(self: Box<Self>, lender: Option<Arc<Member>>, _key: Option<Hold>) {
        if let Some(lender) = &lender {
            assert!(lender.state.try_lock().is_ok(), "a job begins with no lock held");
        }
        self.log
            .lock()
            .expect("no test panics with the lock")
            .push((self.number, Begun { lender, ended: Some(self.ended.clone()) }));
    }

    fn refuse(self: Box<Self>) {}

    fn is_of(&self, _group: u32) -> bool {
        true
    }
}

/// A spawn that waits for a job in the queue. The job is a number in the order in which they were queued.
struct Spawn {
    job: usize,
    ticket: Ticket,
}

/// What has become of a queued job.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Queued,
    Begun,
    Cancelled,
}

struct Trial {
    inner: Arc<Inner>,
    other: Arc<Inner>,
    jobs: Vec<Job>,
    /// How many verbs have been polled.
    polled: usize,
    /// Of the jobs that are about to begin.
    tickets: Vec<Ticket>,
    /// The jobs that have begun, and are no members.
    begun: Vec<Begun>,
    spawns: Vec<Spawn>,
    /// What has become of each queued job, and its place in the queue.
    fates: Vec<(Fate, Ticket)>,
    log: Arc<Mutex<Vec<(usize, Begun)>>>,
}

/// What the layer above does with it, except that it looks for no deadlock.
fn run(member: &Member, effects: Effects) {
    effects.served.into_iter().for_each(Served::run);
    wake(effects.told.map(|lender| lender.take_over()).unwrap_or_default());
    wake(effects.wakers);
    let mut lender = effects.forgotten;
    while let Some(member) = lender {
        lender = member.forget_loan().1;
    }
    if effects.releases {
        member.inner().slots.release();
    }
}

fn run_with(member: &Member, act: impl FnOnce(&mut Effects)) {
    let mut effects = Effects::default();
    act(&mut effects);
    run(member, effects);
}

fn resumed(member: &Arc<Member>) {
    let (effects, collected) = member.collect_granted();
    run(member, effects);
    if collected {
        member.inner().slots.end_absence();
    }
}

fn is_same(one: Option<&Arc<Member>>, other: Option<&Arc<Member>>) -> bool {
    one.map(Arc::as_ptr) == other.map(Arc::as_ptr)
}

/// No member owes its slot to itself, by way of others.
fn check_debts(job: &Job) {
    let lender_of = |member: &Arc<Member>| lock(&member.state).lender.clone();
    let chain = std::iter::successors(lender_of(&job.member), lender_of);
    assert!(chain.take(MAX_JOBS + 1).count() <= MAX_JOBS, "debts form a circle");
}

impl MemberState {
    /// How many of its spawns wait for a child in the slot of this job.
    fn in_own_slots(&self) -> usize {
        self.verbs.iter().filter(|wait| wait.lent == Lent::Yes).count()
    }
}

impl Trial {
    fn new() -> Self {
        let inner = Inner::new(JOBS, None);
        let job = |_| {
            inner.slots.try_acquire().expect("there is a slot for each job");
            Job::new(&inner, Begun::default())
        };
        let jobs = (0..JOBS).map(job).collect();
        Trial {
            polled: 0,
            inner,
            other: Inner::new(1, None),
            jobs,
            tickets: Vec::new(),
            begun: Vec::new(),
            spawns: Vec::new(),
            fates: Vec::new(),
            log: Arc::default(),
        }
    }

    fn edge(&self, branch: usize, target: Target, wakes: &Arc<Wakes>) -> WaitEdge {
        let (inner, ticket) = match target {
            Target::Own | Target::Slot => (&self.inner, None),
            Target::Head => (&self.inner, self.inner.slots.head()),
            Target::Other => (&self.other, None),
        };
        let resuming = matches!(target, Target::Slot);
        let waker = Waker::from(wakes.clone());
        WaitEdge { resuming, ..WaitEdge::new(inner, ticket, ReadySource::Begun, branch as u32, &waker) }
    }

    /// A step, and what must hold for the job that takes it. Then all that must always hold.
    fn try_step(&mut self, job: usize, op: &Op) {
        let before: Vec<_> = self.jobs.iter().map(|job| (job.holds(), job.is_due(), job.task_wakes())).collect();
        self.step(job, op);
        for (at, (held, was_due, wakes)) in before.into_iter().enumerate() {
            let now = &mut self.jobs[at];
            // A search does not keep the slot for the poll.
            for (branch, (before, after)) in wakes.into_iter().zip(now.task_wakes()).enumerate() {
                now.due[branch] |= after > before && now.holds() && !matches!(op, Op::Look(_));
            }
            let gives_away = at == job && matches!(op, Op::End | Op::ReleaseSlot);
            if held && !now.holds() && !gives_away {
                let between = !now.is_polled() || now.is_in_place();
                assert!(between, "job {at} lost its slot in a poll: {op:?}");
                assert!(!was_due || !now.is_due(), "job {at} was woken and lost its slot before it was polled: {op:?}");
                let state = lock(&now.member.state);
                // While another job has a slot of it, it gets that back. Otherwise it counts as without a slot.
                let is_away = state.loans > 0 || state.ticket.is_some();
                assert!(state.ended || (state.slot == OwnSlot::Away) == is_away, "job {at} gave its slot away: {op:?}");
            }
        }
        self.check();
    }

    fn step(&mut self, job: usize, op: &Op) {
        let pick = |at: usize, len: usize| at.checked_rem(len);
        let Job { member, polled, verbs, .. } = &mut self.jobs[job];
        match *op {
            Op::BeginPoll(branch) => self.begin_poll(job, branch),
            Op::EndPoll(branch) => {
                if std::mem::take(&mut polled[branch]) {
                    let resuming = verbs.iter_mut().filter(|verb| verb.branch == branch);
                    let resuming = resuming.filter(|verb| matches!(verb.target, Target::Slot));
                    resuming.for_each(|verb| verb.target = Target::Own);
                    run(member, member.end_poll(branch as u32));
                }
            }
            Op::Register(..)
            | Op::Update(..)
            | Op::AwaitInPlace(_)
            | Op::PollAll(..)
            | Op::Probe
            | Op::Look(_)
            | Op::Clear(_) => self.step_of_verb(job, op),
            Op::Wait => {
                self.step(job, &Op::BeginPoll(0));
                self.register(job, 0, Target::Own, true);
                (0..BRANCHES).for_each(|branch| self.step(job, &Op::EndPoll(branch)));
            }
            Op::Spawn(branch) => self.spawn(job, branch),
            Op::PollSpawn(at) => {
                if let Some(at) = pick(at, self.spawns.len()) {
                    self.poll_spawn(at);
                }
            }
            Op::CancelSpawn(at) => {
                if let Some(at) = pick(at, self.spawns.len()) {
                    self.cancel_spawn(at);
                }
            }
            Op::BeginLend(branch) => {
                if polled[branch] {
                    let id = member.begin_lend();
                    self.jobs[job].lends.push(id);
                }
            }
            Op::EndLend => {
                if let Some(id) = self.jobs[job].lends.pop() {
                    self.jobs[job].member.end_lend(id);
                }
            }
            Op::ReplaceBranch => self.replace_branch(job),
            Op::Start => match self.inner.slots.enqueue(Queue::Start, None).expect("the pool is open") {
                Some(ticket) => {
                    self.tickets.push(ticket);
                    run(member, member.offer_slot(ticket));
                }
                None => self.begun.push(Begun::default()),
            },
            Op::Collect(at) => {
                if let Some(at) = pick(at, self.tickets.len()) {
                    self.collect(at);
                }
            }
            Op::Finish(at) => {
                if let Some(at) = pick(at, self.begun.len()) {
                    let begun = self.begun.remove(at);
                    self.finish_job(begun);
                }
            }
            Op::Join(at) => {
                if let Some(at) = pick(at, self.begun.len()).filter(|_| self.jobs.len() < MAX_JOBS) {
                    let begun = self.begun.remove(at);
                    self.jobs.push(Job::new(&self.inner, begun));
                }
            }
            Op::ReleaseSlot => {
                if polled.contains(&true) && member.release_slot() {
                    self.inner.slots.release();
                    assert!(!self.jobs[job].is_due(), "a job that was woken for its slot keeps it");
                }
            }
            Op::Reacquire => {
                if let Some(branch) = polled.iter().position(|polled| *polled) {
                    self.reacquire(job, branch);
                }
            }
            Op::LendToHead => self.lend_to_head(job),
            Op::End => self.end(job),
        }
        self.note_begun();
        self.note_lenders();
    }

    fn step_of_verb(&mut self, job: usize, op: &Op) {
        let pick = |at: usize, len: usize| at.checked_rem(len);
        let Job { member, verbs, .. } = &mut self.jobs[job];
        match *op {
            Op::Register(branch, target, in_task) => self.register(job, branch, target, in_task),
            Op::Update(at, target) => {
                if let Some(at) = pick(at, verbs.len()) {
                    self.update(job, at, target);
                }
            }
            Op::AwaitInPlace(at) => {
                if let Some(at) = pick(at, verbs.len()) {
                    let target = verbs[at].target;
                    (0..=LOOKS).for_each(|_| self.update(job, at, target));
                }
            }
            Op::PollAll(branch, times) => self.poll_all(job, branch, times),
            Op::Probe => {
                if member.is_suspect() {
                    run_with(member, |effects| member.probe(effects));
                }
            }
            Op::Look(at) => {
                if let Some(at) = pick(at, verbs.len()) {
                    let key = verbs[at].key;
                    run_with(member, |effects| _ = member.will_look(key, Readiness::Yes, effects));
                }
            }
            Op::Clear(at) => {
                if let Some(at) = pick(at, verbs.len()) {
                    self.clear(job, at);
                }
            }
            _ => unreachable!("it is no step of a verb"),
        }
    }

    fn poll_all(&mut self, job: usize, branch: usize, times: u32) {
        for at in (0..times).flat_map(|_| 0..self.jobs[job].verbs.len()).collect::<Vec<_>>() {
            let Verb { target, branch: of, .. } = self.jobs[job].verbs[at];
            if of == branch {
                self.update(job, at, target);
            }
        }
    }

    /// Whether the job has a slot now, or has ended.
    fn poll_slot(&mut self, job: usize, branch: Option<usize>) -> bool {
        let due = self.jobs[job].is_due();
        self.jobs[job].due = [false; BRANCHES];
        let member = &self.jobs[job].member;
        let (ready, effects) = member.poll_slot(branch.map(|branch| branch as u32));
        run(member, effects);
        let state = lock(&member.state);
        assert_eq!(ready.is_ready(), state.holds() || state.ended);
        assert_eq!(ready.is_ready(), state.ticket.is_none(), "a job that wants its slot is in the queue");
        assert!(ready.is_ready() || !due, "a job that was woken for its slot has that when it is polled");
        ready.is_ready()
    }

    /// A verb was pending until it had its result, and now needs only a slot.
    fn reacquire(&mut self, job: usize, branch: usize) {
        self.register(job, branch, Target::Own, false);
        if self.poll_slot(job, None) {
            self.clear(job, self.jobs[job].verbs.len() - 1);
        } else {
            self.update(job, self.jobs[job].verbs.len() - 1, Target::Slot);
        }
    }

    fn begin_poll(&mut self, job: usize, branch: usize) {
        if self.jobs[job].polled[branch] {
            return;
        }
        let wakes = self.jobs[job].tasks[branch].clone();
        let before = wakes.0.load(Ordering::Relaxed);
        self.jobs[job].member.set_task(branch as u32, &Waker::from(wakes));
        if self.poll_slot(job, Some(branch)) {
            let Job { member, polled, waiting, .. } = &mut self.jobs[job];
            member.begin_poll(branch as u32);
            (polled[branch], waiting[branch]) = (true, None);
        } else {
            let waiting = &mut self.jobs[job].waiting[branch];
            *waiting = waiting.or(Some(before));
        }
    }

    /// The future drops its verbs, then itself.
    fn replace_branch(&mut self, job: usize) {
        const LAST: usize = BRANCHES - 1;
        if self.jobs[job].polled[LAST] {
            return;
        }
        while let Some(at) = self.jobs[job].verbs.iter().position(|verb| verb.branch == LAST) {
            self.clear(job, at);
        }
        let job = &mut self.jobs[job];
        // It was perhaps the one to be polled.
        job.due[LAST] = false;
        job.waiting[LAST] = None;
        run(&job.member, job.member.remove_branch(LAST as u32));
        assert_eq!(job.member.add_branch() as usize, LAST);
    }

    fn spawn(&mut self, job: usize, branch: Option<usize>) {
        let branch = branch.filter(|branch| self.jobs[job].polled[*branch]);
        let number = self.fates.len();
        let ended = Ending::new(false);
        let queued = Box::new(QueuedJob { number, ended: ended.clone(), log: self.log.clone() });
        match self.inner.slots.enqueue_job(PoolJob::One(queued), branch.map(|_| Waker::noop().clone())) {
            Enqueued::Closed(_) => panic!("the pool is open"),
            Enqueued::Slot(_, _) => self.begun.push(Begun { lender: None, ended: Some(ended) }),
            Enqueued::Queued(ticket) => {
                self.fates.push((Fate::Queued, ticket));
                let member = self.jobs[job].member.clone();
                run(&member, member.offer_slot(ticket));
                if let Some(branch) = branch {
                    self.spawns.push(Spawn { job: number, ticket });
                    let wakes = Arc::new(Wakes::default());
                    let edge = self.edge(branch, Target::Own, &wakes);
                    let (ticket, source) = (Some(ticket), ReadySource::Child(ended));
                    self.add_verb(job, branch, Target::Own, &wakes, WaitEdge { ticket, source, ..edge });
                }
            }
        }
    }

    fn poll_spawn(&mut self, at: usize) {
        let Spawn { job, ticket } = self.spawns[at];
        match self.inner.slots.poll(ticket, Waker::noop()) {
            Poll::Pending => assert_eq!(self.fates[job].0, Fate::Queued),
            Poll::Ready(Some(Grant::Begun { .. })) => {
                assert_eq!(self.fates[job].0, Fate::Begun);
                self.spawns.remove(at);
            }
            Poll::Ready(_) => panic!("a job is never refused, and its ticket has one owner"),
        }
    }

    fn cancel_spawn(&mut self, at: usize) {
        let Spawn { job, ticket } = self.spawns.remove(at);
        match self.inner.slots.cancel(ticket) {
            Cancelled::Queued(Some(_)) => {
                assert_eq!(self.fates[job].0, Fate::Queued);
                self.fates[job].0 = Fate::Cancelled;
            }
            Cancelled::Served(Grant::Begun { .. }) => assert_eq!(self.fates[job].0, Fate::Begun),
            _ => panic!("a ticket with a job is served only by beginning it"),
        }
    }

    /// The jobs that have begun since have a slot each.
    fn note_begun(&mut self) {
        let begun = std::mem::take(&mut *self.log.lock().expect("no test panics with the lock"));
        for (number, begun) in begun {
            let was = std::mem::replace(&mut self.fates[number].0, Fate::Begun);
            assert_eq!(was, Fate::Queued, "a queued job begins once, unless it is cancelled");
            self.begun.push(begun);
        }
    }

    fn finish_job(&mut self, begun: Begun) {
        if let Some(ended) = begun.ended {
            ended.announce();
        }
        self.give_back(begun.lender);
    }

    /// The job waits for a new one, which begins on its slot.
    fn lend_to_new(&mut self, job: usize) {
        self.step(job, &Op::Wait);
        self.step(job, &Op::Start);
        self.step(job, &Op::Collect(0));
        assert_eq!(self.begun.len(), 1, "the new job has begun");
        assert!(is_same(self.begun[0].lender.as_ref(), Some(&self.jobs[job].member)));
    }

    /// A slot that a job has got in the queue may be a loan too.
    fn note_lenders(&mut self) {
        for job in &mut self.jobs {
            if let Some(lender) = &lock(&job.member.state).lender {
                job.lender = Some(lender.clone());
            }
        }
    }

    fn register(&mut self, job: usize, branch: usize, target: Target, in_task: bool) {
        if self.jobs[job].polled[branch] {
            let wakes = Arc::new(Wakes::default());
            let edge = self.edge(branch, target, &wakes);
            self.add_verb(job, branch, target, &wakes, WaitEdge { maybe_in_place: !in_task, ..edge });
        }
    }

    fn add_verb(&mut self, job: usize, branch: usize, target: Target, wakes: &Arc<Wakes>, edge: WaitEdge) {
        self.polled += 1;
        let Job { member, verbs, .. } = &mut self.jobs[job];
        let (key, effects) = member.register(edge);
        verbs.push(Verb { key, branch, target, wakes: wakes.clone(), woken: 0, polled: self.polled });
        run(member, effects);
    }

    fn update(&mut self, job: usize, at: usize, target: Target) {
        let Verb { key, branch, .. } = self.jobs[job].verbs[at];
        if self.jobs[job].polled[branch] {
            let state = lock(&self.jobs[job].member.state);
            let old = state.verbs.get(key).expect("the verb is pending");
            let (source, ticket, maybe_in_place) = (old.source.clone(), old.ticket, old.maybe_in_place);
            drop(state);
            // A spawn stays one.
            let is_spawn = matches!(source, ReadySource::Child(_));
            let target = if is_spawn { Target::Own } else { target };
            let wakes = self.jobs[job].verbs[at].wakes.clone();
            let edge = self.edge(branch, target, &wakes);
            let ticket = if is_spawn { ticket } else { edge.ticket };
            self.polled += 1;
            let verb = &mut self.jobs[job].verbs[at];
            (verb.target, verb.polled, verb.woken) = (target, self.polled, wakes.0.load(Ordering::Relaxed));
            let member = &self.jobs[job].member;
            run(member, member.update(key, WaitEdge { ticket, source, maybe_in_place, ..edge }));
        }
    }

    fn clear(&mut self, job: usize, at: usize) {
        let Verb { key, .. } = self.jobs[job].verbs.remove(at);
        let Job { member, polled, verbs, .. } = &self.jobs[job];
        let was_woken = lock(&member.state).recheck;
        let (effects, wait) = member.clear(key);
        if *polled == [false; BRANCHES] {
            let rechecks = !verbs.is_empty();
            assert_eq!(lock(&member.state).recheck, rechecks, "a job with other verbs is polled again");
            assert!(!rechecks || was_woken || !effects.wakers.is_empty(), "it is woken for that");
        }
        run(member, effects);
        let wait = wait.expect("the verb is pending");
        wait.inner.awaited_by.remove(&self.inner);
        // A spawn leaves the queue when it is dropped.
        let ticket = wait.ticket.filter(|_| matches!(wait.source, ReadySource::Child(_)));
        if let Some(at) = self.spawns.iter().position(|spawn| Some(spawn.ticket) == ticket) {
            self.note_begun();
            self.cancel_spawn(at);
        }
    }

    fn collect(&mut self, at: usize) {
        if let Poll::Ready(grant) = self.inner.slots.poll(self.tickets[at], Waker::noop()) {
            let Some(Grant::Slot(lender)) = grant else { panic!("no ticket was refused") };
            self.tickets.remove(at);
            self.begun.push(Begun { lender, ended: None });
        }
    }

    fn lend_to_head(&self, job: usize) {
        let member = &self.jobs[job].member;
        if let Some(head) = self.inner.slots.head() {
            let state = lock(&member.state);
            let resuming = self.jobs[job].verbs.iter().any(|verb| matches!(verb.target, Target::Slot));
            let may_lend = state.waits() && state.holds() && !resuming;
            drop(state);
            assert!(!may_lend || !self.jobs[job].is_due(), "a job that was woken for its slot does not lend it");
            let mut effects = Effects::default();
            assert_eq!(member.lend_to(head, &mut effects), may_lend);
            run(member, effects);
        }
    }

    fn end(&mut self, job: usize) {
        self.jobs[job].due = [false; BRANCHES];
        if let Some(ending) = self.jobs[job].ended.take() {
            ending.announce();
        }
        let ended = self.jobs[job].member.end();
        run(&self.jobs[job].member, ended.effects);
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
                (effects, Ok(ticket)) => {
                    assert!(
                        is_same(Some(&member), receiver.as_ref()),
                        "the slot comes back to the first that lacks one"
                    );
                    run(&member, effects);
                    self.inner.slots.end_absence();
                    return self.leave_queue(ticket);
                }
                (effects, Err(next)) => {
                    run(&member, effects);
                    lender = next;
                }
            }
        }
        assert!(receiver.is_none(), "a lender gets its slot back");
        self.inner.slots.release();
    }

    fn leave_queue(&mut self, ticket: Option<Ticket>) {
        match ticket.map(|ticket| self.inner.slots.cancel(ticket)) {
            Some(Cancelled::Served(Grant::Slot(lender))) => self.give_back(lender),
            Some(Cancelled::Queued(Some(_)) | Cancelled::Served(_) | Cancelled::Gone) => {
                panic!("the ticket of a member is queued, or has got a slot");
            }
            Some(Cancelled::Queued(None)) | None => {}
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
                OwnSlot::Released if !waits && !state.ended => 3,
                OwnSlot::Away if !waits && !state.ended && job.is_polled() => 3,
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
            for (task, waiting) in job.tasks.iter().zip(job.waiting) {
                let is_woken = waiting.is_none_or(|before| task.0.load(Ordering::Relaxed) > before);
                assert!(is_woken || !state.holds() && !state.ended, "a task that waits for a slot is woken for it");
                assert!(is_woken || state.ticket.is_some(), "or it is in the queue for one");
            }
            let in_place = (0..BRANCHES).filter(|branch| job.polled[*branch] && state.is_suspect());
            for verb in in_place.filter_map(|branch| job.latest(branch)) {
                let wait = state.verbs.get(verb.key).expect("the verb is pending");
                let poll = state.verbs.poll_of(wait);
                if wait.maybe_in_place && !poll.blocks_thread {
                    let is_woken = verb.wakes.0.load(Ordering::Relaxed) > verb.woken;
                    let is_new = wait.looks == 1 || wait.last_polled < poll.number;
                    let can_be_woken = match state.verbs.last_probe(wait.branch) {
                        None => true,
                        // This poll may be the answer, unless it polls the verb again.
                        Some(probed) if probed + 1 == poll.number => is_new,
                        Some(probed) => probed < poll.number,
                    };
                    assert!(is_woken || can_be_woken, "a search can find out whether a poll blocks its thread");
                }
            }
            assert!(!job.is_due() || state.holds(), "a job that was woken for its slot keeps it until it is polled");
            let is_idle = !job.is_polled() && !job.is_due() && !state.ended && !state.recheck;
            let resuming = job.verbs.iter().any(|verb| matches!(verb.target, Target::Slot));
            let has_two = state.loans > 0 && !job.verbs.is_empty() && !resuming;
            assert!(
                !(is_idle && state.holds() && (!job.lends.is_empty() || has_two)),
                "a job that waits in `lend`, or has lent a slot, keeps none"
            );
            if is_idle && state.holds() && !job.verbs.is_empty() && !resuming {
                assert!(!state.offers.iter().any(|offer| self.inner.slots.is_queued(*offer)), "its slot is lent");
            }
        }
        self.jobs.iter().for_each(check_debts);
        for spawn in &self.spawns {
            assert_eq!(self.inner.slots.is_queued(spawn.ticket), self.fates[spawn.job].0 == Fate::Queued);
        }
        let queued = self.fates.iter().filter(|(fate, _)| *fate == Fate::Queued);
        assert!(queued.clone().all(|(_, ticket)| self.inner.slots.is_queued(*ticket)), "no queued job is lost");
        let tickets = self.tickets.iter().filter(|ticket| self.inner.slots.is_queued(**ticket)).count();
        assert_eq!(self.inner.slots.waiting(), tickets + queued.count());
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
        let other = |verb: &Verb| matches!(verb.target, Target::Other);
        let verbs = || self.jobs.iter().flat_map(|job| &job.verbs);
        assert_eq!(self.inner.awaited_by.any(), verbs().any(|verb| !other(verb)));
        assert_eq!(self.other.awaited_by.any(), verbs().any(other));
    }

    /// Ends all jobs, and all that have begun.
    fn finish(mut self) {
        for job in 0..self.jobs.len() {
            self.try_step(job, &Op::End);
            while !self.jobs[job].verbs.is_empty() {
                self.try_step(job, &Op::Clear(0));
            }
        }
        let queued = |trial: &Trial| trial.fates.iter().filter(|(fate, _)| *fate == Fate::Queued).count();
        while !self.tickets.is_empty() || !self.begun.is_empty() || queued(&self) > 0 {
            let left = self.tickets.len() + queued(&self) + self.begun.len();
            (0..self.tickets.len()).rev().for_each(|at| self.collect(at));
            while !self.begun.is_empty() {
                self.try_step(0, &Op::Finish(0));
            }
            assert!(self.tickets.len() + queued(&self) < left, "a ticket gets no slot");
        }
        while !self.spawns.is_empty() {
            self.poll_spawn(0);
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

/// A job that waits for a child in the queue, whose owner is woken by `wakes`. Returns the flag of the child.
fn parent_of_a_child(trial: &mut Trial, wakes: &Arc<Wakes>) -> Arc<Ending> {
    let ended = Ending::new(false);
    let child = Box::new(QueuedJob { number: 0, ended: ended.clone(), log: trial.log.clone() });
    let waker = Waker::from(wakes.clone());
    let Enqueued::Queued(ticket) = trial.inner.slots.enqueue_job(PoolJob::One(child), Some(waker.clone())) else {
        panic!("all slots are taken");
    };
    trial.fates.push((Fate::Queued, ticket));
    trial.spawns.push(Spawn { job: 0, ticket });
    let member = trial.jobs[0].member.clone();
    run(&member, member.offer_slot(ticket));
    let source = ReadySource::Child(ended.clone());
    let edge = WaitEdge::new(&trial.inner, Some(ticket), source, 0, &waker);
    trial.add_verb(0, 0, Target::Own, &Arc::default(), WaitEdge { maybe_in_place: false, ..edge });
    ended
}

#[test]
fn a_parent_lends_its_slot_between_polls_and_is_woken_when_its_child_gives_it_back() {
    let mut trial = Trial::new();
    let wakes = Arc::new(Wakes::default());
    let ended = parent_of_a_child(&mut trial, &wakes);
    assert_eq!(trial.fates[0].0, Fate::Queued, "nothing is lent in a poll");
    trial.try_step(0, &Op::EndPoll(0));
    let member = trial.jobs[0].member.clone();
    assert!(is_same(trial.begun[0].lender.as_ref(), Some(&member)), "the child runs in the slot of its parent");
    let counts = || {
        let state = lock(&member.state);
        (state.loans, state.in_own_slots())
    };
    assert_eq!(counts(), (1, 1));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 0, "the parent cannot go on without its slot");
    trial.try_step(0, &Op::PollSpawn(0));
    // Something else wakes the parent, which gets another slot and waits for the child again.
    trial.try_step(0, &Op::BeginPoll(0));
    assert!(JobStatus::waits(&*member) && JobStatus::lends(&*member), "it waits for a slot to be polled in");
    trial.try_step(1, &Op::End);
    trial.try_step(0, &Op::BeginPoll(0));
    let source = ReadySource::Child(ended.clone());
    let edge = WaitEdge::new(&trial.inner, None, source, 0, &Waker::from(wakes.clone()));
    run(&member, member.update(trial.jobs[0].verbs[0].key, WaitEdge { maybe_in_place: false, ..edge }));
    assert_eq!(counts(), (1, 1), "it is not forgotten");
    assert!(trial.jobs[0].holds());
    trial.try_step(0, &Op::EndPoll(0));
    assert!(!trial.jobs[0].holds() && trial.inner.slots.free() == 1, "a parent whose child has a slot keeps none");
    assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
    assert!(!ended.is_near());
    trial.try_step(0, &Op::Finish(0));
    assert!(trial.jobs[0].holds());
    assert_eq!(counts(), (0, 0));
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1, "the spawn is woken when the slot is there");
    trial.finish();
}

#[test]
fn a_job_in_lend_gives_its_slot_back_after_each_poll_until_that_is_over() {
    let mut trial = Trial::new();
    trial.try_step(0, &Op::BeginLend(0));
    for free in [1, 1, 0] {
        assert!(trial.jobs[0].holds(), "it has its slot in a poll");
        if free == 0 {
            trial.try_step(0, &Op::EndLend);
        }
        trial.try_step(0, &Op::EndPoll(0));
        assert_eq!(trial.inner.slots.free(), free);
        trial.try_step(0, &Op::BeginPoll(0));
    }
    trial.finish();
}

#[test]
fn a_verb_is_woken_until_it_is_known_to_be_awaited_in_place_and_the_slot_is_lent_then() {
    let mut trial = Trial::new();
    let wakes = Arc::new(Wakes::default());
    let edge = |trial: &Trial| {
        let waker = Waker::from(wakes.clone());
        WaitEdge::new(&trial.inner, None, ReadySource::Begun, 0, &waker)
    };
    let member = trial.jobs[0].member.clone();
    trial.step(0, &Op::Start);
    // Polled once in each poll, it is awaited in no poll.
    let (key, effects) = member.register(edge(&trial));
    run(&member, effects);
    for _ in 0..LOOKS {
        run(&member, member.end_poll(0));
        let (polled, effects) = member.poll_slot(Some(0));
        run(&member, effects);
        if polled.is_pending() {
            trial.step(1, &Op::End);
            assert!(member.poll_slot(Some(0)).0.is_ready());
        }
        member.begin_poll(0);
        run(&member, member.update(key, edge(&trial)));
        assert!(lock(&member.state).holds());
    }
    trial.step(0, &Op::Start);
    while trial.inner.slots.try_acquire().is_ok() {
        trial.begun.push(Begun::default());
    }
    trial.step(0, &Op::Start);
    for look in 2..=LOOKS {
        let before = wakes.0.load(Ordering::Relaxed);
        run(&member, member.update(key, edge(&trial)));
        assert_eq!(lock(&member.state).holds(), look < LOOKS, "look {look}");
        let woken = wakes.0.load(Ordering::Relaxed) - before;
        assert_eq!(woken, usize::from(look < LOOKS), "look {look}");
    }
    let (polled, effects) = member.poll_slot(None);
    run(&member, effects);
    assert!(polled.is_pending());
    let (effects, wait) = member.clear(key);
    run(&member, effects);
    wait.expect("the verb is pending").inner.awaited_by.remove(&trial.inner);
    trial.finish();
}

#[test]
fn only_a_job_that_has_ended_has_ended() {
    let inner = Inner::new(1, None);
    assert!(!Member::outsider(inner.clone()).has_ended());
    let member = Member::new(inner, None, |_| {});
    assert!(!member.has_ended());
    assert_eq!((member.poll_number(0), member.poll_number(7)), (1, 0));
    member.begin_poll(0);
    assert_eq!(member.poll_number(0), 2);
    let _ = member.end();
    assert!(member.has_ended());
}

#[test]
fn a_job_keeps_its_slot_from_the_moment_it_is_found_until_the_poll() {
    let mut trial = Trial::new();
    let member = trial.jobs[0].member.clone();
    let branch = member.add_branch();
    trial.step(0, &Op::Start);
    while trial.inner.slots.try_acquire().is_ok() {
        trial.begun.push(Begun::default());
    }
    trial.step(0, &Op::Start);
    let edge = WaitEdge::new(&trial.inner, None, ReadySource::Begun, branch, Waker::noop());
    member.begin_poll(branch);
    let (key, effects) = member.register(edge);
    run(&member, effects);
    run(&member, member.end_poll(0));
    // A task is about to poll the job while the last poll of the branch ends.
    let (polled, effects) = member.poll_slot(Some(0));
    run(&member, effects);
    assert!(polled.is_ready());
    run(&member, member.end_poll(branch));
    assert!(lock(&member.state).holds(), "the job is about to be polled");
    member.begin_poll(0);
    run(&member, member.end_poll(0));
    assert!(!lock(&member.state).holds(), "now it waits");
    let (effects, wait) = member.clear(key);
    run(&member, effects);
    wait.expect("the verb is pending").inner.awaited_by.remove(&trial.inner);
}
