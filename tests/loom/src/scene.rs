//! The initial state for the operations: which slots are taken, owed or free, and what is queued.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize as Ghost;
use std::task::Waker;

use crate::op::Op;
use crate::sync::slots::{Enqueued, Queue, Slots};
use crate::world::{Crew, Entry, Job, Left, Target, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scene {
    /// Number of free slots, or of owed slots if negative.
    free: isize,
    bystander: Bystander,
}

/// A waiter that belongs to no operation and keeps the slot it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bystander {
    None,
    /// Queued before all others.
    First,
    /// Queued after all others.
    Last,
}

pub(crate) const FULL: Scene = Scene { free: 0, bystander: Bystander::None };
pub(crate) const FULL_LAST: Scene = Scene { free: 0, bystander: Bystander::Last };
pub(crate) const FULL_FIRST: Scene = Scene { free: 0, bystander: Bystander::First };
pub(crate) const ROOM: Scene = Scene { free: 1, bystander: Bystander::None };
pub(crate) const DEBT: Scene = Scene { free: -1, bystander: Bystander::Last };

/// A scene with what the operations of one program need.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    ops: &'a [Op],
    bystander: Bystander,
    /// Slots held by jobs of the operations.
    working: usize,
    /// Tickets that have already been served.
    served: usize,
    /// Slots that are not released before the end.
    kept: usize,
    size: usize,
}

fn count(ops: &[Op], op: Op) -> usize {
    ops.iter().filter(|&&other| other == op).count()
}

/// The queue that this operation's ticket is placed in beforehand.
fn queue_of(op: Op) -> Option<Queue> {
    match op {
        Op::Collect | Op::CollectJob | Op::CancelJob => Some(Queue::Start),
        Op::Cancel(queue) => Some(queue),
        _ => None,
    }
}

/// Queues a ticket and polls it once. Only a waiter for an idle pool can be ready at once.
fn enqueue(slots: &Slots<&'static str, Job>, queue: Queue) -> (Entry, bool) {
    let ticket = slots.enqueue(queue, None).unwrap().expect("all slots are taken");
    let entry = Entry { early: true, ..Entry::new(ticket, queue) };
    let pending = slots.poll(ticket, &Waker::from(entry.wakes.clone())).is_pending();
    assert!(pending || queue == Queue::Idle);
    (entry, pending)
}

/// Queues a job. Its ticket has an owner or not.
fn enqueue_job(slots: &Slots<&'static str, Job>, crew: &Arc<Crew>, owned: bool) -> Entry {
    let wakes = Arc::default();
    let (record, job) = crew.new_job();
    let Enqueued::Queued(ticket) = slots.enqueue_job(job, owned.then(|| Waker::from(Arc::clone(&wakes)))) else {
        panic!("all slots are taken");
    };
    Entry { ticket, queue: Queue::Start, wakes, early: true, job: Some(record), owned }
}

impl Scene {
    /// Returns `None` if the scene adds nothing for these operations.
    pub(crate) fn plan(self, ops: &[Op]) -> Option<Plan<'_>> {
        let queued = ops.iter().filter_map(|op| queue_of(*op)).filter(|queue| *queue != Queue::Idle).count();
        let needs_aim = count(ops, Op::Lend) + count(ops, Op::Refuse) > 0;
        let bystander = match self.bystander {
            Bystander::None if needs_aim && queued == 0 => Bystander::Last,
            // The only waiter would be both first and last.
            Bystander::First if queued == 0 => return None,
            bystander => bystander,
        };
        let queued = queued + usize::from(bystander != Bystander::None);
        if self.free > 0 && queued > 0 {
            return None;
        }
        let working = count(ops, Op::Release) + count(ops, Op::Lend) + count(ops, Op::Part);
        let served = count(ops, Op::CancelServed);
        // Something must hold the slot that others are queued for.
        let kept = usize::from(working + served == 0 && queued > 0 && self.free >= 0);
        let taken = working + served + kept;
        let size = taken.max(1).saturating_add_signed(self.free);
        Some(Plan { ops, bystander, working, served, kept, size })
    }
}

impl Plan<'_> {
    /// Builds the slots, the tickets of the operations, and what belongs to no operation. Returns `None` if an
    /// operation that cancels has nothing to cancel.
    pub(crate) fn build(self) -> Option<(World, Vec<Option<Entry>>, Left)> {
        let Plan { ops, bystander, working, served, kept, size } = self;
        let taken = working + served + kept;
        let slots = Slots::new(taken);
        let crew = Arc::new(Crew {
            limit: taken.max(size + usize::from(count(ops, Op::Grow) > 0)),
            inside: Ghost::new(working + kept),
            ..Crew::default()
        });
        (0..taken).for_each(|_| slots.try_acquire().unwrap());

        let serve = |op: &Op| (*op == Op::CancelServed).then(|| enqueue(&slots, Queue::Start).0);
        let mut entries: Vec<Option<Entry>> = ops.iter().map(serve).collect();
        (0..served).for_each(|_| slots.release());
        let mut left = Left { held: kept, ..Left::default() };
        if bystander == Bystander::First {
            left.entries.push(enqueue(&slots, Queue::Start).0);
        }
        for (op, owned) in ops.iter().zip(&mut entries) {
            let Some(queue) = queue_of(*op) else { continue };
            *owned = Some(match op {
                Op::CollectJob | Op::CancelJob => enqueue_job(&slots, &crew, *op == Op::CollectJob),
                _ => match enqueue(&slots, queue) {
                    (entry, true) => entry,
                    (_, false) => return None,
                },
            });
        }
        if bystander == Bystander::Last {
            left.entries.push(enqueue(&slots, Queue::Start).0);
        }
        slots.resize(size);

        let early: Vec<_> =
            entries.iter().flatten().chain(&left.entries).filter(|entry| entry.is_queued(&slots)).collect();
        let world = World {
            target: early.first().map(|entry| Target { ticket: entry.ticket, job: entry.job.clone() }),
            early: early.iter().map(|entry| (entry.rank(), entry.ticket)).collect(),
            tickets: ops.len() + left.entries.len(),
            size,
            crew,
            absent: Ghost::new(count(ops, Op::Lend) + count(ops, Op::Part)),
            kept,
            before_idle: count(ops, Op::Release),
            never_empty: size > usize::from(count(ops, Op::Shrink) > 0),
            closes: count(ops, Op::Close) > 0,
            slots,
        };
        Some((world, entries, left))
    }
}
