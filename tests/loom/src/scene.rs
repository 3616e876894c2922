//! What the operations find: slots that are taken, owed or free, and who is queued.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize as Ghost;
use std::task::Waker;

use loom::sync::atomic::AtomicUsize;

use crate::op::Op;
use crate::sync::slots::{Queue, Slots};
use crate::world::{Bell, Left, Place, World};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scene {
    /// How many slots are free, or, if negative, owed.
    free: isize,
    bystander: Bystander,
}

/// A waiter that no operation owns, and that keeps the slot it gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bystander {
    Nobody,
    /// Queued before all others.
    First,
    /// Queued after all others.
    Last,
}

pub(crate) const FULL: Scene = Scene { free: 0, bystander: Bystander::Nobody };
pub(crate) const FULL_LAST: Scene = Scene { free: 0, bystander: Bystander::Last };
pub(crate) const FULL_FIRST: Scene = Scene { free: 0, bystander: Bystander::First };
pub(crate) const ROOM: Scene = Scene { free: 1, bystander: Bystander::Nobody };
pub(crate) const DEBT: Scene = Scene { free: -1, bystander: Bystander::Last };

/// A scene, with what the operations of one program need in it.
#[derive(Clone, Copy)]
pub(crate) struct Plan<'a> {
    ops: &'a [Op],
    bystander: Bystander,
    /// Slots that jobs of the operations hold.
    working: usize,
    /// Tickets that have been served already.
    served: usize,
    /// Slots that nobody gives back before the end.
    kept: usize,
    size: usize,
}

fn many(ops: &[Op], op: Op) -> usize {
    ops.iter().filter(|&&other| other == op).count()
}

/// Where the ticket of this operation is queued beforehand.
fn line_of(op: Op) -> Option<Queue> {
    match op {
        Op::Collect => Some(Queue::Start),
        Op::Cancel(line) => Some(line),
        _ => None,
    }
}

/// Queues and asks once. Only an idle pool, of which there may be one, has an answer at once.
fn place(slots: &Slots<&'static str>, line: Queue) -> (Place, bool) {
    let ticket = slots.enqueue(line, None).unwrap().expect("all slots are taken");
    let bell = Arc::new(Bell(Ghost::new(0)));
    let pending = slots.poll(ticket, &Waker::from(bell.clone())).is_pending();
    assert!(pending || line == Queue::Idle);
    (Place { ticket, line, bell, early: true }, pending)
}

impl Scene {
    /// Nothing if the scene says nothing new about these operations.
    pub(crate) fn plan(self, ops: &[Op]) -> Option<Plan<'_>> {
        let queued = ops.iter().filter_map(|op| line_of(*op)).filter(|line| *line != Queue::Idle).count();
        let needs_aim = many(ops, Op::Lend) + many(ops, Op::Refuse) > 0;
        let bystander = match self.bystander {
            Bystander::Nobody if needs_aim && queued == 0 => Bystander::Last,
            // It would be first and last.
            Bystander::First if queued == 0 => return None,
            bystander => bystander,
        };
        let queued = queued + usize::from(bystander != Bystander::Nobody);
        if self.free > 0 && queued > 0 {
            return None;
        }
        let working = many(ops, Op::Release) + many(ops, Op::Lend) + many(ops, Op::Part);
        let served = many(ops, Op::CancelServed);
        // Somebody must have the slot that others are queued for.
        let kept = usize::from(working + served == 0 && queued > 0 && self.free >= 0);
        let taken = working + served + kept;
        let size = taken.max(1).saturating_add_signed(self.free);
        Some(Plan { ops, bystander, working, served, kept, size })
    }
}

impl Plan<'_> {
    /// The slots as the plan says, the tickets of the operations, and what nobody owns.
    /// Nothing if there is nothing to cancel for an operation that cancels.
    pub(crate) fn build(self) -> Option<(World, Vec<Option<Place>>, Left)> {
        let Plan { ops, bystander, working, served, kept, size } = self;
        let taken = working + served + kept;
        let slots = Slots::new(taken);
        (0..taken).for_each(|_| slots.try_acquire().unwrap());

        let serve = |op: &Op| (*op == Op::CancelServed).then(|| place(&slots, Queue::Start).0);
        let mut places: Vec<Option<Place>> = ops.iter().map(serve).collect();
        (0..served).for_each(|_| slots.release());
        let mut left = Left { held: kept, ..Left::default() };
        if bystander == Bystander::First {
            left.places.push(place(&slots, Queue::Start).0);
        }
        for (op, owned) in ops.iter().zip(&mut places) {
            let Some(line) = line_of(*op) else { continue };
            let (place, pending) = place(&slots, line);
            if !pending {
                return None;
            }
            *owned = Some(place);
        }
        if bystander == Bystander::Last {
            left.places.push(place(&slots, Queue::Start).0);
        }
        slots.resize(size);

        let early: Vec<_> =
            places.iter().flatten().chain(&left.places).filter(|place| place.is_queued(&slots)).collect();
        let world = World {
            aim: early.first().map(|place| place.ticket),
            early: early.iter().map(|place| (place.rank(), place.ticket)).collect(),
            tickets: ops.len() + left.places.len(),
            size,
            limit: taken.max(size + usize::from(many(ops, Op::Grow) > 0)),
            inside: Ghost::new(working + kept),
            count: AtomicUsize::new(0),
            jobs: Ghost::new(0),
            absent: Ghost::new(many(ops, Op::Lend) + many(ops, Op::Part)),
            kept,
            before_idle: many(ops, Op::Release),
            never_empty: size > usize::from(many(ops, Op::Shrink) > 0),
            closes: many(ops, Op::Close) > 0,
            slots,
        };
        Some((world, places, left))
    }
}
