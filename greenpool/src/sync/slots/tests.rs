//! [`Slots`] in one thread against a model that keeps a list of tickets. The models in `tests/loom` use several
//! threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Poll, Wake, Waker};

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::RngSeed;

use super::gates::Hold;
use super::{Cancelled, Enqueued, Grant, MAX_EMPTY_NODES, MAX_SIZE, Queue, QueuedJob, Refusal, Slots, Ticket};

/// An index is that of a ticket, modulo their number.
#[derive(Clone, Debug)]
enum Op {
    Acquire,
    Release,
    /// With a waker from the beginning, or only from the first poll on.
    Enqueue(Queue, bool),
    /// A job, whose ticket has an owner, and so a waker, or not.
    EnqueueJob(bool),
    /// With a new waker, or with the one of the last poll.
    Poll(usize, bool),
    Cancel(usize),
    CancelQueued(usize),
    /// The slot is that of the ticket's owner, or of another job.
    Lend(usize, bool),
    /// The slot that the first ticket was granted goes to the second one.
    Regrant(usize, usize),
    Exceed(usize),
    ReleaseAbsent,
    EndAbsence,
    Resize(usize),
    Close,
    Refuse(usize),
    RefuseWaiters,
    /// The tickets without a job, or not, and those of every second job: of the odd or of the even ones.
    RefuseSome(bool, usize),
}

fn op() -> impl Strategy<Value = Op> {
    let at = any::<usize>;
    let queue = prop_oneof![6 => Just(Queue::Start), 3 => Just(Queue::Resume), 1 => Just(Queue::Idle)];
    prop_oneof![
        20 => Just(Op::Acquire),
        40 => Just(Op::Release),
        80 => (queue, any::<bool>()).prop_map(|(queue, waker)| Op::Enqueue(queue, waker)),
        60 => any::<bool>().prop_map(Op::EnqueueJob),
        40 => (at(), any::<bool>()).prop_map(|(at, new_waker)| Op::Poll(at, new_waker)),
        15 => at().prop_map(Op::Cancel),
        8 => at().prop_map(Op::CancelQueued),
        15 => (at(), any::<bool>()).prop_map(|(at, own)| Op::Lend(at, own)),
        30 => (at(), at()).prop_map(|(from, to)| Op::Regrant(from, to)),
        8 => at().prop_map(Op::Exceed),
        10 => Just(Op::ReleaseAbsent),
        10 => Just(Op::EndAbsence),
        10 => (0..5usize).prop_map(Op::Resize),
        1 => Just(Op::Close),
        5 => at().prop_map(Op::Refuse),
        1 => Just(Op::RefuseWaiters),
        2 => (any::<bool>(), 0..2usize).prop_map(|(jobless, odd)| Op::RefuseSome(jobless, odd)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(500)
    })]

    #[test]
    fn slots_are_given_out_in_turn(size in 0..4usize, ops in vec(op(), 1..150)) {
        let mut trial = Trial::new(size);
        for op in &ops {
            trial.step(op);
            trial.check();
        }
        trial.finish();
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Queued,
    Slot,
    Loan(usize),
    /// Its job has begun, in the slot of the ticket's owner or in another.
    Begun(bool),
    Refused,
}

type JobSlots = Slots<usize, Job>;

fn assert_unlocked(slots: &Weak<JobSlots>) {
    let unlocked = slots.upgrade().is_none_or(|slots| slots.queues.try_lock().is_ok());
    assert!(unlocked, "no job begins or is dropped, and no waker is woken or dropped, under the lock");
}

/// What has become of the jobs, in the order in which it happened.
#[derive(Clone, Debug, Default, PartialEq)]
struct Fates {
    /// With the lender.
    begun: Vec<(usize, Option<usize>)>,
    refused: Vec<usize>,
    dropped: Vec<usize>,
}

/// A numbered job, which notes its fate.
struct Job {
    number: usize,
    slots: Weak<JobSlots>,
    fates: Arc<Mutex<Fates>>,
    settled: bool,
}

impl Job {
    fn new(number: usize, slots: &Arc<JobSlots>, fates: &Arc<Mutex<Fates>>) -> Self {
        Job { number, slots: Arc::downgrade(slots), fates: fates.clone(), settled: false }
    }

    fn settle(&mut self, note: impl FnOnce(&mut Fates, usize)) {
        assert_unlocked(&self.slots);
        self.settled = true;
        note(&mut self.fates.lock().expect("no test panics with the lock"), self.number);
    }
}

impl QueuedJob<usize> for Job {
    fn begin(mut self, lender: Option<usize>, _key: Option<Hold>) {
        self.settle(|fates, number| fates.begun.push((number, lender)));
    }

    fn refuse(mut self) {
        self.settle(|fates, number| fates.refused.push(number));
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.settled {
            self.settle(|fates, number| fates.dropped.push(number));
        }
    }
}

struct Wakes {
    count: AtomicUsize,
    slots: Weak<JobSlots>,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        assert_unlocked(&self.slots);
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        assert_unlocked(&self.slots);
    }
}

/// A ticket that has not been used up. They stand in the order in which they came.
struct Entry {
    ticket: Ticket,
    queue: Queue,
    place: Place,
    /// The number of the job that came with it.
    job: Option<usize>,
    /// Something collects its grant.
    owned: bool,
    wakes: Arc<Wakes>,
    /// Of wakers that have been replaced.
    stale: Vec<Arc<Wakes>>,
    has_waker: bool,
    woken: usize,
}

struct Trial {
    slots: Arc<JobSlots>,
    entries: Vec<Entry>,
    size: usize,
    running: usize,
    /// Slots that the test holds itself, for the jobs that have begun too; the others are in tickets.
    held: usize,
    absent: usize,
    closed: bool,
    loans: usize,
    /// The ticket that was used up last.
    used: Option<Ticket>,
    /// The number of jobs so far, and what has become of them.
    jobs: usize,
    fates: Arc<Mutex<Fates>>,
    /// What must have become of them.
    expected: Fates,
}

impl Trial {
    fn new(size: usize) -> Self {
        Trial {
            slots: Arc::new(Slots::new(size)),
            entries: Vec::new(),
            size,
            running: 0,
            held: 0,
            absent: 0,
            closed: false,
            loans: 0,
            used: None,
            jobs: 0,
            fates: Arc::default(),
            expected: Fates::default(),
        }
    }

    fn queued(&self, queue: Queue) -> Vec<usize> {
        let is_queued = |entry: &Entry| entry.queue == queue && entry.place == Place::Queued;
        (0..self.entries.len()).filter(|at| is_queued(&self.entries[*at])).collect()
    }

    /// Those that wait for a slot, the next one first.
    fn line(&self) -> Vec<usize> {
        [self.queued(Queue::Resume), self.queued(Queue::Start)].concat()
    }

    /// The queued ticket is served. If it has a job, that begins with a slot. Without an owner, the ticket is gone.
    fn grant(&mut self, at: usize, place: Place) {
        let entry = &mut self.entries[at];
        let lender = if let Place::Loan(loan) = place { Some(loan) } else { None };
        entry.place = match (entry.job, place) {
            (Some(job), Place::Slot | Place::Loan(_)) => {
                self.expected.begun.push((job, lender));
                self.held += 1;
                Place::Begun(false)
            }
            (_, place) => place,
        };
        entry.woken += usize::from(entry.has_waker);
        if !entry.owned {
            self.used = Some(entry.ticket);
        }
    }

    /// Forgets the tickets without an owner that have been served.
    fn sweep(&mut self) {
        self.entries.retain(|entry| entry.owned || entry.place == Place::Queued);
    }

    /// Refuses the queued tickets that `refuses` is true for. Returns their jobs.
    fn refuse(&mut self, queue: Queue, refuses: impl Fn(Option<usize>) -> bool) -> Vec<usize> {
        let mut queued = self.queued(queue);
        queued.retain(|at| refuses(self.entries[*at].job));
        let jobs = queued.iter().filter_map(|at| self.entries[*at].job).collect();
        for at in queued {
            self.grant(at, Place::Refused);
        }
        self.sweep();
        jobs
    }

    fn is_idle(&self) -> bool {
        self.running == 0 && self.absent == 0
    }

    fn serve(&mut self) {
        for at in self.line().into_iter().take(self.size.saturating_sub(self.running)) {
            self.running += 1;
            self.grant(at, Place::Slot);
        }
        self.sweep();
        if self.is_idle() {
            self.refuse(Queue::Idle, |_| true);
        }
    }

    /// The ticket is gone; if it had got a slot without a job, the test has that now.
    fn use_up(&mut self, at: usize) {
        let entry = self.entries.remove(at);
        self.held += usize::from(matches!(entry.place, Place::Slot | Place::Loan(_)));
        self.used = Some(entry.ticket);
    }

    fn check_grant(grant: Option<&Grant<usize>>, place: Place) {
        let expected = match grant {
            Some(Grant::Slot(None)) => Place::Slot,
            Some(Grant::Slot(Some(loan))) => Place::Loan(*loan),
            Some(Grant::Begun { in_own_slot }) => Place::Begun(*in_own_slot),
            Some(Grant::Refused) => Place::Refused,
            None => Place::Queued,
        };
        assert_eq!(expected, place);
    }

    fn step(&mut self, op: &Op) {
        match *op {
            Op::Acquire => self.acquire(),
            Op::Release if self.held > 0 => {
                self.held -= 1;
                self.running -= 1;
                self.serve();
                self.slots.release();
            }
            Op::Enqueue(queue, waker) => self.enqueue(queue, waker),
            Op::EnqueueJob(owned) => self.enqueue_job(owned),
            Op::ReleaseAbsent if self.held > 0 => {
                self.held -= 1;
                self.running -= 1;
                self.absent += 1;
                self.serve();
                self.slots.begin_absence();
                self.slots.release();
            }
            Op::EndAbsence if self.absent > 0 => {
                self.absent -= 1;
                self.serve();
                self.slots.end_absence();
            }
            Op::Resize(size) => {
                self.size = size;
                self.serve();
                self.slots.resize(size);
            }
            Op::Close => {
                self.closed = true;
                self.slots.close();
            }
            Op::RefuseWaiters => {
                let refused = self.refuse(Queue::Start, |_| true);
                self.expected.refused.extend(refused);
                self.slots.refuse_waiters();
            }
            Op::RefuseSome(jobless, odd) => {
                let refused = self.refuse(Queue::Start, |job| job.map_or(jobless, |job| job % 2 == odd));
                let jobs = self.slots.refuse_all(|job| job.map_or(jobless, |job| job.number % 2 == odd));
                assert!(jobs.iter().map(|job| job.number).eq(refused.iter().copied()), "their jobs are returned");
                self.expected.dropped.extend(refused);
            }
            Op::Poll(at, _)
            | Op::Cancel(at)
            | Op::CancelQueued(at)
            | Op::Lend(at, _)
            | Op::Regrant(at, _)
            | Op::Exceed(at)
            | Op::Refuse(at)
                if !self.entries.is_empty() =>
            {
                self.step_at(op, at % self.entries.len());
            }
            _ => {}
        }
    }

    fn step_at(&mut self, op: &Op, at: usize) {
        let Entry { ticket, queue, place, job, owned, .. } = self.entries[at];
        match *op {
            Op::Poll(_, new_waker) if owned => self.poll(at, new_waker),
            Op::Cancel(_) => self.cancel(at),
            Op::CancelQueued(_) => {
                let is_queued = place == Place::Queued;
                let taken = self.slots.cancel_queued(ticket).map(|job| job.number);
                assert_eq!(taken, job.filter(|_| is_queued), "a job that has not begun is returned");
                self.expected.dropped.extend(taken);
                if is_queued {
                    self.grant(at, Place::Refused);
                    self.sweep();
                }
            }
            Op::Lend(_, own) if self.held > 0 && queue != Queue::Idle => self.lend(at, own && job.is_some()),
            Op::Regrant(_, to) => self.regrant(at, to % self.entries.len()),
            Op::Exceed(_) if queue != Queue::Idle => {
                let served = self.slots.exceed(ticket);
                assert_eq!(served.is_some(), place == Place::Queued, "only a ticket that waits is served");
                if let Some(served) = served {
                    self.running += 1;
                    self.grant(at, Place::Slot);
                    self.sweep();
                    served.run();
                }
            }
            Op::Refuse(_) if job.is_none() => {
                if place == Place::Queued {
                    self.grant(at, Place::Refused);
                }
                self.slots.refuse(ticket);
            }
            _ => {}
        }
    }

    fn cancel(&mut self, at: usize) {
        let Entry { ticket, place, job, .. } = self.entries[at];
        self.use_up(at);
        match self.slots.cancel(ticket) {
            Cancelled::Queued(taken) => {
                assert_eq!(place, Place::Queued);
                assert_eq!(taken.map(|job| job.number), job, "a job that has not begun is returned");
                self.expected.dropped.extend(job);
            }
            Cancelled::Served(grant) => Self::check_grant(Some(&grant), place),
            Cancelled::Gone => panic!("the ticket was not used up"),
        }
    }

    fn acquire(&mut self) {
        let expected = if self.closed {
            Err(Refusal::Closed)
        } else if !self.line().is_empty() || self.running >= self.size {
            Err(Refusal::Full)
        } else {
            self.running += 1;
            self.held += 1;
            Ok(())
        };
        assert_eq!(self.slots.try_acquire(), expected);
    }

    fn wakes(&self) -> Arc<Wakes> {
        Arc::new(Wakes { slots: Arc::downgrade(&self.slots), count: AtomicUsize::default() })
    }

    fn enqueue(&mut self, queue: Queue, has_waker: bool) {
        let wakes = self.wakes();
        let enqueued = self.slots.enqueue(queue, has_waker.then(|| Waker::from(wakes.clone())));
        if queue == Queue::Start && self.closed {
            return assert_eq!(enqueued, Err(Refusal::Closed));
        }
        if queue != Queue::Idle && self.line().is_empty() && self.running < self.size {
            self.running += 1;
            self.held += 1;
            return assert_eq!(enqueued, Ok(None));
        }
        let Ok(Some(ticket)) = enqueued else { panic!("it has to wait: {enqueued:?}") };
        self.push(ticket, queue, None, true, wakes, has_waker);
        self.serve();
    }

    fn enqueue_job(&mut self, owned: bool) {
        self.jobs += 1;
        let number = self.jobs;
        let wakes = self.wakes();
        let job = Job::new(number, &self.slots, &self.fates);
        match self.slots.enqueue_job(job, owned.then(|| Waker::from(wakes.clone()))) {
            Enqueued::Closed(job) => {
                assert!(self.closed && job.number == number);
                self.expected.dropped.push(number);
            }
            Enqueued::Slot(job, _) => {
                assert!(!self.closed && self.line().is_empty() && self.running < self.size && job.number == number);
                self.running += 1;
                self.held += 1;
                self.expected.dropped.push(number);
            }
            Enqueued::Queued(ticket) => {
                assert!(!self.closed && (!self.line().is_empty() || self.running >= self.size));
                self.push(ticket, Queue::Start, Some(number), owned, wakes, owned);
            }
        }
    }

    fn push(
        &mut self,
        ticket: Ticket,
        queue: Queue,
        job: Option<usize>,
        owned: bool,
        wakes: Arc<Wakes>,
        has_waker: bool,
    ) {
        let (place, stale, woken) = (Place::Queued, Vec::new(), 0);
        self.entries.push(Entry { ticket, queue, place, job, owned, wakes, stale, has_waker, woken });
    }

    fn poll(&mut self, at: usize, new_waker: bool) {
        let wakes = self.wakes();
        let entry = &mut self.entries[at];
        let (ticket, place) = (entry.ticket, entry.place);
        if new_waker && place == Place::Queued {
            entry.stale.push(std::mem::replace(&mut entry.wakes, wakes));
        }
        let waker = Waker::from(entry.wakes.clone());
        let polled = self.slots.poll(ticket, &waker);
        if place == Place::Queued {
            entry.has_waker = true;
            return assert!(polled.is_pending(), "a ticket that has not been served waits");
        }
        self.use_up(at);
        let Poll::Ready(Some(grant)) = polled else { panic!("a ticket that has been served is ready") };
        Self::check_grant(Some(&grant), place);
    }

    fn lend(&mut self, at: usize, in_own_slot: bool) {
        self.loans += 1;
        let lent = self.slots.lend(self.entries[at].ticket, self.loans, in_own_slot);
        if self.entries[at].place != Place::Queued {
            let refused = lent.map(|_| ());
            assert_eq!(refused, Err(self.loans), "a ticket that has been served borrows nothing");
            return;
        }
        let Ok(served) = lent else { panic!("a ticket that waits takes the loan") };
        self.check_jobs();
        self.held -= 1;
        self.absent += 1;
        if in_own_slot {
            // Its owner lends it the slot, and does not go on before it has that back.
            self.entries[at].has_waker = false;
        }
        self.grant(at, Place::Loan(self.loans));
        if in_own_slot {
            self.entries[at].place = Place::Begun(true);
        }
        self.sweep();
        served.run();
    }

    fn regrant(&mut self, from: usize, to: usize) {
        let (Entry { ticket, place, .. }, to_entry) = (&self.entries[from], &self.entries[to]);
        if to_entry.queue == Queue::Idle {
            return;
        }
        let wakes = self.wakes();
        let served = self.slots.regrant(*ticket, to_entry.ticket, Waker::from(wakes.clone()));
        let has_slot = matches!(place, Place::Slot | Place::Loan(_));
        assert_eq!(served.is_some(), has_slot && to_entry.place == Place::Queued);
        if let Some(served) = served {
            self.check_jobs();
            let entry = &mut self.entries[from];
            (entry.wakes, entry.has_waker, entry.woken) = (wakes, true, 0);
            let place = std::mem::replace(&mut entry.place, Place::Queued);
            self.grant(to, place);
            self.sweep();
            served.run();
        }
    }

    /// Each job begins once, when its ticket is served, and not later. Nothing drops it.
    fn check_jobs(&self) {
        assert_eq!(*self.fates.lock().expect("no test panics with the lock"), self.expected);
    }

    fn check(&self) {
        let slots = &self.slots;
        let line = self.line();
        assert_eq!((slots.size(), slots.running()), (self.size, self.running));
        assert_eq!(slots.free(), self.size as isize - self.running as isize);
        assert_eq!(slots.waiting(), self.queued(Queue::Start).len());
        assert_eq!(slots.has_queued(), !line.is_empty());
        assert_eq!(slots.lock().nodes.len(), self.entries.len(), "a ticket without an owner is gone when it is served");
        self.check_jobs();
        assert_eq!(slots.is_idle(), self.is_idle());
        assert_eq!(slots.is_closed(), self.closed);
        let debt = self.running > self.size;
        assert_eq!(slots.is_contended(), !line.is_empty() || debt);
        assert_eq!(slots.can_keep(self.size), line.is_empty() && !self.closed && !debt);
        assert!(!slots.can_keep(self.size + 1), "the pool has another size");
        assert_eq!(slots.head(), line.first().map(|at| self.entries[*at].ticket));
        for (at, entry) in self.entries.iter().enumerate() {
            assert_eq!(slots.is_queued(entry.ticket), entry.place == Place::Queued);
            assert_eq!(slots.is_resuming(entry.ticket), entry.queue == Queue::Resume);
            if entry.queue != Queue::Idle {
                assert_eq!(slots.is_alone(entry.ticket), line.iter().all(|other| *other == at));
            }
            let woken = entry.wakes.count.load(Ordering::Relaxed);
            assert_eq!(woken, entry.woken, "a ticket is woken once, when it is served");
            let stale = entry.stale.iter().all(|wakes| wakes.count.load(Ordering::Relaxed) == 0);
            assert!(stale, "only the newest waker of a ticket is woken");
        }
        if let Some(used) = self.used {
            assert!(matches!(slots.poll(used, Waker::noop()), Poll::Ready(None)), "a ticket is used up once");
            assert!(matches!(slots.cancel(used), Cancelled::Gone) && slots.cancel_queued(used).is_none());
            assert!(!slots.is_queued(used) && !slots.is_resuming(used));
            assert_eq!(slots.lend(used, 0, false).map(|_| ()), Err(0));
        }
    }

    /// With one slot all that wait get it, each in turn.
    fn finish(mut self) {
        self.step(&Op::Resize(1));
        while !self.entries.is_empty() || self.held > 0 || self.absent > 0 {
            self.step(&Op::EndAbsence);
            self.step(&Op::Release);
            if let Some(at) = self.entries.iter().position(|entry| entry.place != Place::Queued) {
                self.step_at(&Op::Poll(at, false), at);
            }
            self.check();
        }
        assert!(self.slots.is_idle() && self.slots.waiting() == 0);
        let Fates { begun, refused, dropped } = &self.expected;
        assert_eq!(begun.len() + refused.len() + dropped.len(), self.jobs, "no job is forgotten");
    }
}

#[test]
fn a_size_that_does_not_fit_is_taken_as_the_largest() {
    assert_eq!(Slots::<()>::new(MAX_SIZE + 1).size(), MAX_SIZE);
    let slots: Slots<()> = Slots::new(usize::MAX);
    assert_eq!(slots.size(), MAX_SIZE);
    slots.resize(0);
    assert_eq!(slots.try_acquire(), Err(Refusal::Full));
    slots.resize(MAX_SIZE + 1);
    assert_eq!(slots.size(), MAX_SIZE);
    assert_eq!(slots.try_acquire(), Ok(()));
    assert_eq!(slots.free(), MAX_SIZE as isize - 1);
}

#[test]
fn a_long_queue_gives_its_memory_back_when_it_is_empty() {
    let slots: Slots<()> = Slots::new(0);
    let enqueue = || slots.enqueue(Queue::Start, None).expect("the pool is open").expect("there is no slot");
    let tickets: Vec<Ticket> = (0..=2 * MAX_EMPTY_NODES).map(|_| enqueue()).collect();
    let capacity = || slots.lock().nodes.capacity();
    assert!(capacity() > MAX_EMPTY_NODES);
    for ticket in tickets {
        assert!(matches!(slots.cancel(ticket), Cancelled::Queued(None)));
    }
    assert_eq!(capacity(), 0);
    let again = enqueue();
    assert!(matches!(slots.cancel(again), Cancelled::Queued(None)));
    assert!(capacity() > 0, "memory for a short queue is kept");
}

/// Full slots, and the fates of their jobs.
fn full() -> (Arc<JobSlots>, Arc<Mutex<Fates>>) {
    let slots: Arc<JobSlots> = Arc::new(Slots::new(1));
    assert_eq!(slots.try_acquire(), Ok(()));
    (slots, Arc::default())
}

fn queue_job(slots: &Arc<JobSlots>, fates: &Arc<Mutex<Fates>>, number: usize, waker: Option<Waker>) -> Ticket {
    match slots.enqueue_job(Job::new(number, slots, fates), waker) {
        Enqueued::Queued(ticket) => ticket,
        Enqueued::Slot(_, _) | Enqueued::Closed(_) => panic!("all slots are taken, and the pool is open"),
    }
}

#[test]
fn a_waker_is_dropped_with_no_lock_held() {
    let (slots, fates) = full();
    // The slots have the only reference.
    let waker = || Waker::from(Arc::new(Wakes { slots: Arc::downgrade(&slots), count: AtomicUsize::default() }));
    let replaced = queue_job(&slots, &fates, 1, Some(waker()));
    assert!(slots.poll(replaced, &waker()).is_pending());
    assert!(matches!(slots.cancel(replaced), Cancelled::Queued(Some(_))));
    let refused = queue_job(&slots, &fates, 2, Some(waker()));
    assert!(slots.cancel_queued(refused).is_some());
    let lent = queue_job(&slots, &fates, 3, Some(waker()));
    let Ok(served) = slots.lend(lent, 7, true) else { panic!("the ticket is queued") };
    served.run();
    assert!(matches!(slots.poll(lent, Waker::noop()), Poll::Ready(Some(Grant::Begun { in_own_slot: true }))));
    slots.end_absence();
    let begun = queue_job(&slots, &fates, 4, Some(waker()));
    slots.release();
    assert!(matches!(slots.cancel(begun), Cancelled::Served(Grant::Begun { in_own_slot: false })));
    let expected = Fates { begun: vec![(3, Some(7)), (4, None)], refused: vec![], dropped: vec![1, 2] };
    assert_eq!(*fates.lock().expect("nothing panics"), expected);
}

/// A job that ends when it begins.
struct Short(Arc<Slots<usize, Short>>, Arc<AtomicUsize>, usize);

impl QueuedJob<usize> for Short {
    fn begin(self, _lender: Option<usize>, _key: Option<Hold>) {
        assert_eq!(self.1.fetch_add(1, Ordering::Relaxed), self.2, "first in, first out");
        self.0.release();
    }

    fn refuse(self) {}
}

#[test]
fn a_job_that_ends_as_it_begins_lets_the_next_one_begin() {
    let slots = Arc::new(Slots::new(0));
    let begun = Arc::new(AtomicUsize::new(0));
    for number in 0..10 {
        let job = Short(slots.clone(), begun.clone(), number);
        assert!(matches!(slots.enqueue_job(job, None), Enqueued::Queued(_)));
    }
    slots.resize(1);
    assert_eq!((begun.load(Ordering::Relaxed), slots.waiting(), slots.running()), (10, 0, 0));
    assert!(slots.is_idle() && !slots.has_queued());
}

#[test]
fn a_long_queue_of_jobs_gives_its_memory_back_when_it_has_been_served() {
    let (slots, fates) = full();
    let jobs = 2 * MAX_EMPTY_NODES;
    let tickets: Vec<Ticket> = (0..jobs).map(|number| queue_job(&slots, &fates, number, None)).collect();
    slots.resize(jobs);
    assert_eq!(slots.waiting(), 1);
    slots.release();
    assert!(tickets.iter().all(|ticket| matches!(slots.cancel(*ticket), Cancelled::Gone)));
    assert_eq!(slots.lock().nodes.capacity(), 0);
    let begun = &fates.lock().expect("nothing panics").begun;
    assert!(begun.iter().copied().eq((0..jobs).map(|number| (number, None))));
}

/// Numbered calls of one kind, or a job.
struct Calls {
    /// `None` for a job.
    kind: Option<bool>,
    numbers: Vec<usize>,
    begun: Arc<Mutex<Vec<usize>>>,
}

impl QueuedJob<usize> for Calls {
    fn begin(self, _lender: Option<usize>, _key: Option<Hold>) {
        self.begun.lock().expect("nothing panics").extend(self.numbers);
    }

    fn refuse(self) {}

    fn calls(&self) -> usize {
        self.kind.map_or(0, |_| self.numbers.len())
    }

    fn split_first(&mut self) -> Option<Self> {
        let begun = self.begun.clone();
        let splits = self.calls() > 1;
        splits.then(|| Calls { kind: self.kind, numbers: vec![self.numbers.remove(0)], begun })
    }
}

#[derive(Clone, Debug)]
enum CallOp {
    Call(bool),
    Job,
    Release,
    Lend,
    RefuseCalls,
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::with_cases(500)
    })]

    #[test]
    fn calls_begin_one_by_one_in_turn_with_jobs(ops in vec(prop_oneof![
        4 => any::<bool>().prop_map(CallOp::Call),
        2 => Just(CallOp::Job),
        4 => Just(CallOp::Release),
        1 => Just(CallOp::Lend),
        1 => Just(CallOp::RefuseCalls),
    ], 1..100)) {
        let slots: Slots<usize, Calls> = Slots::new(1);
        assert_eq!(slots.try_acquire(), Ok(()));
        let begun = Arc::new(Mutex::new(Vec::new()));
        // What is queued, with the kind of a call, and what has begun.
        let (mut line, mut expected) = (std::collections::VecDeque::<(usize, Option<bool>)>::new(), Vec::new());
        let mut loans = 0;
        for (number, op) in ops.into_iter().enumerate() {
            match op {
                CallOp::Call(kind) => {
                    let join = |last: &mut Calls, number| {
                        if last.kind != Some(kind) {
                            return Err(number);
                        }
                        last.numbers.push(number);
                        Ok(())
                    };
                    let make = |number| Calls { kind: Some(kind), numbers: vec![number], begun: begun.clone() };
                    assert!(matches!(slots.enqueue_call(number, join, make), Enqueued::Queued(_)));
                    line.push_back((number, Some(kind)));
                }
                CallOp::Job => {
                    let job = Calls { kind: None, numbers: vec![number], begun: begun.clone() };
                    assert!(matches!(slots.enqueue_job(job, None), Enqueued::Queued(_)));
                    line.push_back((number, None));
                }
                CallOp::Release => {
                    slots.release();
                    match line.pop_front() {
                        Some((first, _)) => expected.push(first),
                        None => assert_eq!(slots.try_acquire(), Ok(())),
                    }
                }
                CallOp::Lend => if let Some(head) = slots.head() {
                    loans += 1;
                    slots.lend(head, number, false).unwrap_or_else(|_| panic!("it is queued")).run();
                    expected.extend(line.pop_front().map(|(first, _)| first));
                },
                CallOp::RefuseCalls => {
                    slots.refuse_calls();
                    line.retain(|(_, kind)| kind.is_none());
                }
            }
            assert_eq!(*begun.lock().expect("nothing panics"), expected);
            assert_eq!(slots.waiting(), line.len());
            assert_eq!(slots.calls(), line.iter().filter(|(_, kind)| kind.is_some()).count());
            assert_eq!(slots.has_queued(), !line.is_empty());
            // Calls of one kind that follow each other share a ticket.
            let kinds: Vec<_> = line.iter().map(|(_, kind)| *kind).collect();
            let tickets = kinds.chunk_by(|a, b| a.is_some() && a == b).count();
            assert_eq!(slots.lock().nodes.len(), tickets);
        }
        for _ in 0..loans {
            slots.end_absence();
        }
    }
}
