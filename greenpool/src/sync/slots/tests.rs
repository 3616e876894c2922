//! [`Slots`] in one thread against a model that keeps a list of tickets. The models in `tests/loom` use several
//! threads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::RngSeed;

use super::{Grant, MAX_EMPTY_NODES, MAX_SIZE, Queue, Refusal, Slots, Ticket};

/// An index is that of a ticket, modulo their number.
#[derive(Clone, Debug)]
enum Op {
    Acquire,
    Release,
    /// With a waker from the beginning, or only from the first poll on.
    Enqueue(Queue, bool),
    /// With a new waker, or with the one of the last poll.
    Poll(usize, bool),
    Cancel(usize),
    Lend(usize),
    ReleaseAbsent,
    EndAbsence,
    Resize(usize),
    Close,
    Refuse(usize),
    RefuseWaiters,
}

fn op() -> impl Strategy<Value = Op> {
    let at = any::<usize>;
    let queue = prop_oneof![6 => Just(Queue::Start), 3 => Just(Queue::Resume), 1 => Just(Queue::Idle)];
    prop_oneof![
        20 => Just(Op::Acquire),
        40 => Just(Op::Release),
        80 => (queue, any::<bool>()).prop_map(|(queue, waker)| Op::Enqueue(queue, waker)),
        40 => (at(), any::<bool>()).prop_map(|(at, new_waker)| Op::Poll(at, new_waker)),
        15 => at().prop_map(Op::Cancel),
        10 => at().prop_map(Op::Lend),
        10 => Just(Op::ReleaseAbsent),
        10 => Just(Op::EndAbsence),
        10 => (0..5usize).prop_map(Op::Resize),
        1 => Just(Op::Close),
        5 => at().prop_map(Op::Refuse),
        1 => Just(Op::RefuseWaiters),
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
    Refused,
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A ticket that has not been used up. They stand in the order in which they came.
struct Entry {
    ticket: Ticket,
    queue: Queue,
    place: Place,
    wakes: Arc<Wakes>,
    /// Of wakers that have been replaced.
    stale: Vec<Arc<Wakes>>,
    has_waker: bool,
    woken: usize,
}

struct Trial {
    slots: Slots<usize>,
    entries: Vec<Entry>,
    size: usize,
    running: usize,
    /// Slots that the test holds itself; the others are in tickets.
    held: usize,
    absent: usize,
    closed: bool,
    loans: usize,
    /// The ticket that was used up last.
    used: Option<Ticket>,
}

impl Trial {
    fn new(size: usize) -> Self {
        let slots = Slots::new(size);
        Trial { slots, entries: Vec::new(), size, running: 0, held: 0, absent: 0, closed: false, loans: 0, used: None }
    }

    fn queued(&self, queue: Queue) -> Vec<usize> {
        let is_queued = |entry: &Entry| entry.queue == queue && entry.place == Place::Queued;
        (0..self.entries.len()).filter(|at| is_queued(&self.entries[*at])).collect()
    }

    /// Those that wait for a slot, the next one first.
    fn line(&self) -> Vec<usize> {
        [self.queued(Queue::Resume), self.queued(Queue::Start)].concat()
    }

    fn grant(&mut self, at: usize, place: Place) {
        let entry = &mut self.entries[at];
        entry.place = place;
        entry.woken += usize::from(entry.has_waker);
    }

    fn refuse(&mut self, queue: Queue) -> usize {
        let queued = self.queued(queue);
        for at in &queued {
            self.grant(*at, Place::Refused);
        }
        queued.len()
    }

    fn is_idle(&self) -> bool {
        self.running == 0 && self.absent == 0
    }

    fn serve(&mut self) {
        for at in self.line().into_iter().take(self.size.saturating_sub(self.running)) {
            self.running += 1;
            self.grant(at, Place::Slot);
        }
        if self.is_idle() {
            self.refuse(Queue::Idle);
        }
    }

    /// The ticket is gone; if it had got a slot, the test has that now.
    fn use_up(&mut self, at: usize) {
        let entry = self.entries.remove(at);
        self.held += usize::from(matches!(entry.place, Place::Slot | Place::Loan(_)));
        self.used = Some(entry.ticket);
    }

    fn check_grant(grant: Option<&Grant<usize>>, place: Place) {
        let expected = match grant {
            Some(Grant::Slot(None)) => Place::Slot,
            Some(Grant::Slot(Some(loan))) => Place::Loan(*loan),
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
            Op::ReleaseAbsent if self.held > 0 => {
                self.held -= 1;
                self.running -= 1;
                self.absent += 1;
                self.serve();
                self.slots.release_absent();
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
                let refused = self.refuse(Queue::Start);
                assert_eq!(self.slots.refuse_waiters(), refused);
            }
            Op::Poll(at, _) | Op::Cancel(at) | Op::Lend(at) | Op::Refuse(at) if !self.entries.is_empty() => {
                self.step_at(op, at % self.entries.len());
            }
            _ => {}
        }
    }

    fn step_at(&mut self, op: &Op, at: usize) {
        let Entry { ticket, queue, place, .. } = self.entries[at];
        match *op {
            Op::Poll(_, new_waker) => self.poll(at, new_waker),
            Op::Cancel(_) => {
                self.use_up(at);
                Self::check_grant(self.slots.cancel(ticket).as_ref(), place);
            }
            Op::Lend(_) if self.held > 0 && queue != Queue::Idle => self.lend(at),
            Op::Refuse(_) => {
                if place == Place::Queued {
                    self.grant(at, Place::Refused);
                }
                self.slots.refuse(ticket);
            }
            _ => {}
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

    fn enqueue(&mut self, queue: Queue, has_waker: bool) {
        let wakes = Arc::new(Wakes::default());
        let waker = Waker::from(wakes.clone());
        let enqueued = self.slots.enqueue(queue, has_waker.then_some(&waker));
        if queue == Queue::Start && self.closed {
            return assert_eq!(enqueued, Err(Refusal::Closed));
        }
        if queue != Queue::Idle && self.line().is_empty() && self.running < self.size {
            self.running += 1;
            self.held += 1;
            return assert_eq!(enqueued, Ok(None));
        }
        let Ok(Some(ticket)) = enqueued else { panic!("it has to wait: {enqueued:?}") };
        self.entries.push(Entry { ticket, queue, place: Place::Queued, wakes, stale: Vec::new(), has_waker, woken: 0 });
        self.serve();
    }

    fn poll(&mut self, at: usize, new_waker: bool) {
        let entry = &mut self.entries[at];
        let (ticket, place) = (entry.ticket, entry.place);
        if new_waker && place == Place::Queued {
            entry.stale.push(std::mem::take(&mut entry.wakes));
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

    fn lend(&mut self, at: usize) {
        self.loans += 1;
        let lent = self.slots.lend(self.entries[at].ticket, Some(self.loans));
        if self.entries[at].place != Place::Queued {
            assert_eq!(lent.map(|_| ()), Err(Some(self.loans)), "a ticket that has been served borrows nothing");
            return;
        }
        self.held -= 1;
        self.grant(at, Place::Loan(self.loans));
        self.absent += 1;
        let waker = lent.expect("a ticket that waits takes the loan");
        assert_eq!(waker.is_some(), self.entries[at].has_waker);
        waker.into_iter().for_each(Waker::wake);
    }

    fn check(&self) {
        let slots = &self.slots;
        let line = self.line();
        assert_eq!((slots.size(), slots.running()), (self.size, self.running));
        assert_eq!(slots.free(), self.size as isize - self.running as isize);
        assert_eq!(slots.waiting(), line.len());
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
            let woken = entry.wakes.0.load(Ordering::Relaxed);
            assert_eq!(woken, entry.woken, "a ticket is woken once, when it is served");
            let stale = entry.stale.iter().all(|wakes| wakes.0.load(Ordering::Relaxed) == 0);
            assert!(stale, "only the newest waker of a ticket is woken");
        }
        if let Some(used) = self.used {
            assert!(matches!(slots.poll(used, Waker::noop()), Poll::Ready(None)), "a ticket is used up once");
            assert!(slots.cancel(used).is_none() && !slots.is_queued(used) && !slots.is_resuming(used));
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
        assert!(slots.cancel(ticket).is_none());
    }
    assert_eq!(capacity(), 0);
    let again = enqueue();
    assert!(slots.cancel(again).is_none());
    assert!(capacity() > 0, "memory for a short queue is kept");
}
