//! Random operations on slots with a limit by key, beside a list that is searched from the front.

use std::sync::{Arc, Mutex};
use std::task::Waker;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::sync::key::Key;
use crate::sync::lock;
use crate::sync::slots::gates::Hold;
use crate::sync::slots::{Cancelled, Enqueued, QueuedJob, Slots, Ticket};

/// What has begun, with its number.
type Log = Arc<Mutex<Vec<(usize, Hold)>>>;

struct Job {
    number: usize,
    log: Log,
}

impl QueuedJob<usize> for Job {
    fn begin(self, _lender: Option<usize>, key: Option<Hold>) {
        lock(&self.log).push((self.number, key.expect("each job has a key")));
    }

    fn refuse(self) {}
}

#[derive(Clone, Copy, Debug)]
enum Op {
    Enqueue(u8),
    TryAcquire(u8),
    /// A running job ends.
    End(usize),
    /// A waiting call leaves.
    Cancel(usize),
    Resize(usize),
    SetPerKey(usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => (0..4_u8).prop_map(Op::Enqueue),
        1 => (0..4_u8).prop_map(Op::TryAcquire),
        5 => any::<usize>().prop_map(Op::End),
        1 => any::<usize>().prop_map(Op::Cancel),
        1 => (0..5_usize).prop_map(Op::Resize),
        1 => (1..4_usize).prop_map(Op::SetPerKey),
    ]
}

/// What should happen.
#[derive(Default)]
struct Model {
    size: usize,
    per_key: usize,
    running: Vec<(usize, u8)>,
    waiting: Vec<(usize, u8)>,
}

impl Model {
    fn is_free(&self, key: u8) -> bool {
        self.running.iter().filter(|(_, other)| *other == key).count() < self.per_key
    }

    /// Begins the first of those whose key is free, again and again.
    fn serve(&mut self) {
        while self.running.len() < self.size {
            let Some(at) = self.waiting.iter().position(|(_, key)| self.is_free(*key)) else { break };
            let next = self.waiting.remove(at);
            self.running.push(next);
        }
    }
}

struct Trial {
    slots: Slots<usize, Job>,
    model: Model,
    log: Log,
    holds: Vec<(usize, Hold)>,
    tickets: Vec<(usize, Ticket)>,
    last: usize,
}

impl Trial {
    fn perform(&mut self, op: Op) {
        let Trial { slots, model, .. } = self;
        match op {
            Op::Enqueue(key) => self.enqueue(key),
            Op::TryAcquire(key) => {
                let nothing_waits = model.waiting.iter().all(|(_, key)| !model.is_free(*key));
                let fits = model.running.len() < model.size && model.is_free(key) && nothing_waits;
                let entry = slots.enter(&Key::new(key)).expect("there is a limit by key");
                let acquired = slots.try_acquire_keyed(&entry);
                assert_eq!(acquired.is_ok(), fits);
                if let Ok(hold) = acquired {
                    self.last += 1;
                    model.running.push((self.last, key));
                    self.holds.push((self.last, hold));
                }
            }
            Op::End(at) if !model.running.is_empty() => {
                let (number, _) = model.running.remove(at % model.running.len());
                let at = self.holds.iter().position(|(other, _)| *other == number).expect("it runs");
                let (_, hold) = self.holds.remove(at);
                drop(slots.release_key(hold, false));
                slots.release();
            }
            Op::Cancel(at) if !model.waiting.is_empty() => {
                let (number, _) = model.waiting.remove(at % model.waiting.len());
                let (_, ticket) = self.tickets.iter().find(|(other, _)| *other == number).expect("it waits");
                assert!(matches!(slots.cancel(*ticket), Cancelled::Queued(Some(_))));
            }
            Op::Resize(size) => {
                model.size = size;
                slots.resize(size);
            }
            Op::SetPerKey(per_key) => {
                model.per_key = per_key;
                drop(slots.set_per_key(per_key));
            }
            Op::End(_) | Op::Cancel(_) => {}
        }
        self.check();
    }

    fn enqueue(&mut self, key: u8) {
        self.last += 1;
        let job = Job { number: self.last, log: self.log.clone() };
        let entry = self.slots.enter(&Key::new(key)).expect("there is a limit by key");
        match self.slots.enqueue_keyed(&entry, job, Some(Waker::noop().clone())) {
            Enqueued::Slot(job, key) => job.begin(None, key),
            Enqueued::Queued(ticket) => self.tickets.push((self.last, ticket)),
            Enqueued::Closed(_) => unreachable!("the pool is open"),
        }
        self.model.waiting.push((self.last, key));
    }

    fn check(&mut self) {
        let Trial { slots, model, holds, .. } = self;
        model.serve();
        holds.append(&mut lock(&self.log));
        let mut begun: Vec<usize> = holds.iter().map(|(number, _)| *number).collect();
        let mut expected: Vec<usize> = model.running.iter().map(|(number, _)| *number).collect();
        begun.sort_unstable();
        expected.sort_unstable();
        assert_eq!(begun, expected, "which jobs run");
        assert_eq!((slots.running(), slots.waiting()), (model.running.len(), model.waiting.len()));
        let blocked = model.waiting.iter().filter(|(_, key)| !model.is_free(*key)).count();
        assert!((blocked..=model.waiting.len()).contains(&slots.parked()), "{} are parked", slots.parked());
        let uses = slots.key_uses();
        assert_eq!(uses.iter().map(|used| used.running).sum::<usize>(), model.running.len());
        assert_eq!(uses.iter().map(|used| used.waiting).sum::<usize>(), model.waiting.len());
        assert!(uses.iter().all(|used| used.running + used.waiting > 0), "a key is left: {uses:?}");
    }
}

fn run(size: usize, per_key: usize, ops: Vec<Op>) {
    let mut trial = Trial {
        slots: Slots::with_keys(size, Some(per_key)),
        model: Model { size, per_key, ..Model::default() },
        log: Log::default(),
        holds: Vec::new(),
        tickets: Vec::new(),
        last: 0,
    };
    for op in ops {
        trial.perform(op);
    }
}

#[test]
fn a_new_call_does_not_overtake_one_that_stepped_aside() {
    use Op::{End, Enqueue, Resize, SetPerKey};

    // The calls of key 1 are more than its limit, and a new one comes while some of them are in line.
    let before = [0, 0, 1, 2, 1, 0].map(Enqueue);
    let between = [End(0), Enqueue(2), Enqueue(0), Enqueue(2), End(0), Enqueue(1), Resize(3), Enqueue(1)];
    for ends in (0..3_usize.pow(6)).map(|n| [n, n / 3, n / 9, n / 27, n / 81, n / 243]) {
        let mut ops = vec![SetPerKey(2)];
        ops.extend(before.iter().chain(&between).copied());
        for (at, end) in ends.into_iter().enumerate() {
            ops.push(End(end % 3));
            if at >= 3 {
                ops.push(Enqueue(1));
            }
        }
        run(1, 1, ops);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn the_first_call_whose_key_is_free_begins_next(
        size in 0..4_usize,
        per_key in 1..3_usize,
        ops in vec(op(), 0..60),
    ) {
        run(size, per_key, ops);
    }
}
