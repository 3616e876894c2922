//! Models of a pool's slots: every pair and every triple of what can be done to them at once, under loom.
//!
//! One program is one thread for each of two or three operations ([`Op`]) on slots that have been prepared for them as a [`Scene`] says.
//! loom runs it under every interleaving, or, where a bound is named, under every one with at most so many
//! preemptions. What has to hold at any time is checked by the operations; what has to hold when all of them are done
//! is checked by [`World::check`], again and again while the slots that are left are given back one by one.
//!
//! No thread waits for another: a wake-up that is missing is found at the end, as a ticket that was served and not woken or
//! could be served and is not. That keeps programs short enough to try them all.
//!
//! ```text
//! RUSTFLAGS="--cfg loom" CARGO_TARGET_DIR=target/loom cargo test -p greenpool-loom --release
//! ```
//!
//! `LOOM_MAX_PREEMPTIONS` replaces all bounds, for a longer run.
#![cfg(all(loom, test))]

// The sources themselves and not the crate: tokio under `--cfg loom` is a different thing.
#[allow(dead_code)]
#[path = "../../../greenpool/src/slots.rs"]
mod slots;
#[allow(dead_code)]
#[path = "../../../greenpool/src/sync.rs"]
mod sync;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize as Ghost, Ordering::SeqCst};
use std::task::{Poll, Wake, Waker};
use std::time::Instant;

use loom::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use slots::{Grant, Line, Refusal, Slots, Ticket};

/// What one thread does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    /// Takes a slot or queues for it; if it has one, runs a job and gives it back.
    Acquire,
    /// Likewise, as one who wants to go on.
    Resume,
    /// Asks for a ticket that was queued and polled elsewhere before.
    Collect,
    /// Ends a job that was running before.
    Release,
    /// A running job lends its slot to the first ticket that was queued; if that wants none, the job ends.
    Lend,
    /// Cancels a ticket that is queued, unless another thread serves it just now.
    Cancel(Line),
    /// Cancels a ticket that has been served and does not know it yet.
    CancelServed,
    /// One slot more than before.
    Grow,
    /// One slot less than before.
    Shrink,
    Close,
    /// Sends the first ticket that was queued home.
    Refuse,
    /// Sends all waiters home.
    RefuseAll,
    /// Waits for the pool to be idle.
    WaitAll,
    /// Only looks.
    Look,
}

const OPS: [Op; 16] = [
    Op::Acquire,
    Op::Resume,
    Op::Collect,
    Op::Release,
    Op::Lend,
    Op::Cancel(Line::Waiters),
    Op::Cancel(Line::Resumers),
    Op::Cancel(Line::Idlers),
    Op::CancelServed,
    Op::Grow,
    Op::Shrink,
    Op::Close,
    Op::Refuse,
    Op::RefuseAll,
    Op::WaitAll,
    Op::Look,
];

/// What the operations find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scene {
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

const FULL: Scene = Scene { free: 0, bystander: Bystander::Nobody };
const FULL_LAST: Scene = Scene { free: 0, bystander: Bystander::Last };
const FULL_FIRST: Scene = Scene { free: 0, bystander: Bystander::First };
const ROOM: Scene = Scene { free: 1, bystander: Bystander::Nobody };
const DEBT: Scene = Scene { free: -1, bystander: Bystander::Last };

/// Counts how often it was woken.
struct Bell(Ghost);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

/// A ticket and what is known about it.
struct Place {
    ticket: Ticket,
    line: Line,
    bell: Arc<Bell>,
    /// In the queue before the operations began.
    early: bool,
}

impl Place {
    /// Who is to be served sooner has less.
    fn rank(&self) -> (usize, u64) {
        (self.line as usize, number(self.ticket))
    }
}

/// When the ticket was drawn. Only `Debug` tells.
fn number(ticket: Ticket) -> u64 {
    let text = format!("{ticket:?}");
    text.rsplit(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty()).unwrap().parse().unwrap()
}

/// What a thread has not given back: slots, and tickets that nobody has come for.
#[derive(Default)]
struct Left {
    held: usize,
    places: Vec<Place>,
    /// The pool has been found idle.
    idle: bool,
}

struct World {
    slots: Slots<&'static str>,
    /// The ranks and tickets of all that were queued before the operations began.
    early: Vec<((usize, u64), Ticket)>,
    /// Where `Lend` and `Refuse` go.
    aim: Option<Ticket>,
    tickets: usize,
    size: usize,
    /// So many jobs can run at once.
    limit: usize,
    /// The jobs that run.
    inside: Ghost,
    /// The jobs that have been, counted by themselves: if only one runs at a time, each sees the count of the last one.
    count: AtomicUsize,
    /// The jobs that have been.
    jobs: Ghost,
    /// A slot that stays taken while the operations run.
    kept: usize,
    /// How many jobs have to be over before the pool can be idle.
    before_idle: usize,
    never_empty: bool,
    closes: bool,
}

impl World {
    fn enter(&self) {
        assert!(self.inside.fetch_add(1, SeqCst) < self.limit, "more jobs than slots");
    }

    fn leave(&self) {
        self.inside.fetch_sub(1, SeqCst);
    }

    /// Has a slot, uses it and gives it back.
    fn end_job(&self) {
        if self.limit == 1 {
            let count = self.count.load(Relaxed);
            assert_eq!(count, self.jobs.fetch_add(1, SeqCst), "a job does not see what the last one in its slot did");
            self.count.store(count + 1, Relaxed);
        }
        self.leave();
        self.slots.release();
    }

    fn job(&self) {
        self.enter();
        self.end_job();
    }

    /// Somebody got a slot in turn: nobody may have been before it and still be queued.
    fn nobody_was_before(&self, rank: (usize, u64)) {
        if self.early.is_empty() {
            return;
        }
        if let Some(head) = self.slots.head() {
            let overtaken = self.early.iter().any(|(early, ticket)| *ticket == head && *early < rank);
            assert!(!overtaken, "somebody queued was overtaken");
        }
    }

    fn queue(&self, line: Line) -> Result<Option<Place>, Refusal> {
        let bell = Arc::new(Bell(Ghost::new(0)));
        Ok(self.slots.enqueue(line)?.map(|ticket| Place { ticket, line, bell, early: false }))
    }

    /// Runs a job if it is the turn of this ticket, and else leaves it.
    fn poll(&self, mut place: Place) -> Left {
        place.bell = Arc::new(Bell(Ghost::new(0)));
        match self.slots.poll(place.ticket, &Waker::from(place.bell.clone())) {
            Poll::Pending => return Left { places: vec![place], ..Left::default() },
            Poll::Ready(Some(Grant::Slot(loan))) => {
                assert!(place.line != Line::Idlers, "who waits for an idle pool wants no slot");
                if loan.is_none() {
                    self.nobody_was_before(place.rank());
                }
                self.job();
            }
            Poll::Ready(Some(Grant::Refused)) if place.line == Line::Idlers => {
                assert!(self.kept == 0, "the pool never was idle");
                if self.limit == 1 {
                    assert!(self.count.load(Relaxed) >= self.before_idle, "an idle pool hides what its jobs did");
                }
                return Left { idle: true, ..Left::default() };
            }
            Poll::Ready(Some(Grant::Refused)) => {}
            Poll::Ready(None) => panic!("a ticket is gone"),
        }
        Left::default()
    }

    fn acquire(&self, line: Line) -> Left {
        match self.queue(line) {
            Ok(Some(place)) => self.poll(place),
            Ok(None) => {
                self.nobody_was_before((usize::MAX, 0));
                self.job();
                Left::default()
            }
            Err(refusal) => {
                assert!(refusal == Refusal::Closed && line == Line::Waiters && self.closes);
                Left::default()
            }
        }
    }

    /// One operation, with the ticket that was queued for it if it needs one.
    fn run(&self, op: Op, place: Option<Place>) -> Left {
        let slots = &self.slots;
        match op {
            Op::Acquire => match slots.try_acquire() {
                Ok(()) => {
                    self.nobody_was_before((usize::MAX, 0));
                    self.job();
                }
                Err(Refusal::Full) => return self.acquire(Line::Waiters),
                Err(Refusal::Closed) => assert!(self.closes),
            },
            Op::Resume => return self.acquire(Line::Resumers),
            Op::Collect => return self.poll(place.unwrap()),
            Op::Release => self.end_job(),
            Op::Lend => {
                self.leave();
                match slots.lend(self.aim.unwrap(), Some("loan")) {
                    Ok(waker) => waker.into_iter().for_each(Waker::wake),
                    Err(loan) => {
                        assert_eq!(loan, Some("loan"));
                        self.job();
                    }
                }
            }
            Op::Cancel(_) | Op::CancelServed => match slots.cancel(place.unwrap().ticket) {
                Some(Grant::Slot(_)) => slots.release(),
                Some(Grant::Refused) => {}
                None => assert!(op != Op::CancelServed),
            },
            Op::Grow => slots.resize(self.size + 1),
            Op::Shrink => slots.resize(self.size.saturating_sub(1)),
            Op::Close => slots.close(),
            Op::Refuse => slots.refuse(self.aim.unwrap()),
            Op::RefuseAll => assert!(slots.refuse_waiters() <= self.tickets),
            Op::WaitAll => {
                let place = self.queue(Line::Idlers).unwrap().unwrap();
                return self.poll(place);
            }
            Op::Look => {
                assert!(slots.running() <= self.limit + self.kept, "more slots taken than there are");
                assert!(slots.waiting() <= self.tickets);
                let _ = self.aim.map(|ticket| slots.only_queued(ticket));
            }
        }
        Left::default()
    }

    /// What has to hold when nobody does anything. Takes what has been served out of `left`.
    fn check(&self, left: &mut Left) {
        let slots = &self.slots;
        let (queued, served): (Vec<_>, Vec<_>) =
            std::mem::take(&mut left.places).into_iter().partition(|place| slots.is_queued(place.ticket));
        for place in &queued {
            assert_eq!(place.bell.0.load(SeqCst), 0, "woken for nothing");
        }
        for place in served {
            assert_eq!(place.bell.0.load(SeqCst), 1, "served and not woken, or more than once");
            match slots.poll(place.ticket, Waker::noop()) {
                Poll::Ready(Some(Grant::Slot(loan))) => {
                    left.held += 1;
                    let before = |other: &Place| match (other.line, place.line) {
                        (Line::Idlers, _) => false,
                        // Who wants to go on may have come when this one had been served.
                        (Line::Resumers, Line::Waiters) => other.early,
                        _ => other.rank() < place.rank(),
                    };
                    assert!(loan.is_some() || !queued.iter().any(before), "somebody queued was overtaken");
                    // It waited from the beginning and still has its slot.
                    assert!(!(place.early && self.never_empty && left.idle), "the pool never was idle");
                }
                Poll::Ready(Some(Grant::Refused)) => left.idle |= place.line == Line::Idlers,
                Poll::Ready(None) | Poll::Pending => panic!("a ticket is gone"),
            }
        }
        let waiting = queued.iter().filter(|place| place.line != Line::Idlers).count();
        left.places = queued;
        assert_eq!(slots.running(), left.held, "a slot was lost or made");
        assert_eq!(slots.waiting(), waiting);
        assert_eq!(slots.head().is_some(), waiting > 0);
        assert_eq!(slots.is_wanted(), waiting > 0 || slots.free() < 0);
        assert!(waiting == 0 || slots.free() <= 0, "a slot is free and somebody waits for it");
        if slots.running() == 0 {
            assert_eq!(left.places.len(), waiting, "nothing runs, and somebody still waits for that");
        }
    }

    /// Gives everything back, and looks whether all is as it was at first.
    fn finish(&self, mut left: Left) {
        let slots = &self.slots;
        // Those who wait for an idle pool first, so that `idle` is known when the others are looked at.
        left.places.sort_by_key(|place| place.line != Line::Idlers);
        self.check(&mut left);
        loop {
            while left.held > 0 {
                left.held -= 1;
                slots.release();
                left.idle = false;
                self.check(&mut left);
            }
            if left.places.is_empty() {
                break;
            }
            assert_eq!(slots.size(), 0, "somebody is never served");
            slots.resize(1);
            self.check(&mut left);
        }
        slots.resize(1);
        assert_eq!((slots.free(), slots.running(), slots.is_closed()), (1, 0, self.closes));
        match slots.try_acquire() {
            Ok(()) => slots.release(),
            Err(refusal) => assert!(refusal == Refusal::Closed && self.closes),
        }
        // If something counts jobs, a job that this one comes after was the last to do so.
        if self.limit == 1 {
            assert_eq!(self.count.load(Relaxed), self.jobs.load(SeqCst));
        }
    }
}

/// The slots as the scene and the operations want them, and the tickets of the operations and of the bystander.
/// Nothing if the scene says nothing new about these operations.
fn prepare(scene: Scene, ops: &[Op]) -> Option<(World, Vec<Option<Place>>, Left)> {
    let many = |op: Op| ops.iter().filter(|&&other| other == op).count();
    let line_of = |op: &Op| match op {
        Op::Collect => Some(Line::Waiters),
        Op::Cancel(line) => Some(*line),
        _ => None,
    };
    let needs_aim = many(Op::Lend) + many(Op::Refuse) > 0;
    let mut bystander = scene.bystander;
    let owned = ops.iter().filter_map(line_of).filter(|line| *line != Line::Idlers).count();
    if needs_aim && owned == 0 && bystander == Bystander::Nobody {
        bystander = Bystander::Last;
    }
    let queued = owned + usize::from(bystander != Bystander::Nobody);
    let needless_first = bystander == Bystander::First && owned == 0;
    if (scene.free > 0 && queued > 0) || needless_first {
        return None;
    }
    let working = many(Op::Release) + many(Op::Lend);
    let served = many(Op::CancelServed);
    // Somebody must have the slot that others are queued for.
    let kept = usize::from(working + served == 0 && queued > 0 && scene.free >= 0);
    let taken = working + served + kept;
    let size = (taken.max(1) as isize + scene.free).max(0) as usize;

    let slots = Slots::new(taken);
    (0..taken).for_each(|_| slots.try_acquire().unwrap());
    let place = |line: Line| {
        let ticket = slots.enqueue(line).unwrap().expect("all slots are taken");
        let bell = Arc::new(Bell(Ghost::new(0)));
        let pending = slots.poll(ticket, &Waker::from(bell.clone())).is_pending();
        // An idle pool says so at once.
        assert!(pending || line == Line::Idlers);
        (Place { ticket, line, bell, early: true }, pending)
    };
    let mut places: Vec<Option<Place>> =
        ops.iter().map(|op| (*op == Op::CancelServed).then(|| place(Line::Waiters).0)).collect();
    (0..served).for_each(|_| slots.release());
    let mut early = Vec::new();
    let mut left = Left { held: kept, ..Left::default() };
    if bystander == Bystander::First {
        left.places.push(place(Line::Waiters).0);
    }
    for (op, owned) in ops.iter().zip(&mut places) {
        let Some(line) = line_of(op) else { continue };
        let (place, pending) = place(line);
        if !pending {
            // There is nothing left to cancel.
            return None;
        }
        *owned = Some(place);
    }
    if bystander == Bystander::Last {
        left.places.push(place(Line::Waiters).0);
    }
    for place in places.iter().flatten().chain(&left.places) {
        if slots.is_queued(place.ticket) && place.line != Line::Idlers {
            early.push((place.rank(), place.ticket));
        }
    }
    let mut owned = ops.iter().zip(&places).filter(|(op, _)| **op != Op::CancelServed);
    let owned = owned.find_map(|(_, place)| place.as_ref().filter(|place| place.line != Line::Idlers));
    let aim = owned.or(left.places.first()).map(|place| place.ticket);
    slots.resize(size);

    let world = World {
        early,
        aim,
        tickets: ops.len() + left.places.len(),
        size,
        limit: taken.max(size + usize::from(many(Op::Grow) > 0)),
        inside: Ghost::new(working + kept),
        count: AtomicUsize::new(0),
        jobs: Ghost::new(0),
        kept,
        before_idle: many(Op::Release),
        never_empty: size > usize::from(many(Op::Shrink) > 0),
        closes: many(Op::Close) > 0,
        slots,
    };
    Some((world, places, left))
}

/// Says which program it was that failed.
struct Naming<'a>(Scene, &'a [Op]);

impl Drop for Naming<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("\n*** {:?} in {:?}", self.1, self.0);
        }
    }
}

/// Runs one program; gives the number of interleavings.
fn explore(scene: Scene, ops: &[Op], bound: Option<usize>) -> usize {
    let _naming = Naming(scene, ops);
    let runs = Arc::new(Ghost::new(0));
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = builder.preemption_bound.or(bound);
    builder.check({
        let (ops, runs) = (ops.to_vec(), runs.clone());
        move || {
            let Some((world, places, mut left)) = prepare(scene, &ops) else {
                return;
            };
            runs.fetch_add(1, SeqCst);
            let world = Arc::new(world);
            let mut tasks = ops.clone().into_iter().zip(places);
            let (op, place) = tasks.next().unwrap();
            let threads: Vec<_> = tasks
                .map(|(op, place)| {
                    let world = world.clone();
                    loom::thread::spawn(move || world.run(op, place))
                })
                .collect();
            // This thread does its part too: loom has one fewer to weigh.
            let mut parts = vec![world.run(op, place)];
            parts.extend(threads.into_iter().map(|thread| thread.join().unwrap()));
            for part in parts {
                left.held += part.held;
                left.idle |= part.idle;
                left.places.extend(part.places);
            }
            world.finish(left);
        }
    });
    runs.load(SeqCst)
}

/// All programs of so many operations, in these scenes.
fn explore_all(threads: usize, scenes: &[Scene], bound: Option<usize>) {
    let start = Instant::now();
    let (mut programs, mut runs, mut most) = (0, 0, (0, Vec::new()));
    let mut chosen = vec![0; threads];
    loop {
        let ops: Vec<Op> = chosen.iter().map(|&at| OPS[at]).collect();
        for &scene in scenes {
            let count = explore(scene, &ops, bound);
            programs += usize::from(count > 0);
            runs += count;
            if count > most.0 {
                most = (count, ops.clone());
            }
        }
        // The next choice in which no operation comes before the last one: the order of threads means nothing.
        let Some(at) = chosen.iter().rposition(|&at| at + 1 < OPS.len()) else {
            break;
        };
        let next = chosen[at] + 1;
        chosen[at..].fill(next);
    }
    assert!(programs > 0);
    println!("{programs} programs, {runs} interleavings, at most {most:?}, {:.1?}", start.elapsed());
}

#[test]
fn pairs() {
    explore_all(2, &[FULL, FULL_LAST, FULL_FIRST, ROOM, DEBT], None);
}

#[test]
fn triples_full() {
    explore_all(3, &[FULL], Some(2));
}
