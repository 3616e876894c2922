//! The gates of a pool with a limit by key: which jobs of each key run, and which calls wait for a job of it to end.
//!
//! # Implementation details
//!
//! There is one gate per key in use. It goes when no call of that key runs, is queued, or is on its way here.
//!
//! A call takes its key and its slot in one step, under the lock of the queues: it holds neither while it waits for
//! the other. While a gate is full, all its calls are *parked* there, and the queue has none of them. When a job of
//! that key ends, the first parked call goes back to the queue, to the place of its number among those that are in
//! line. So a gate with room has at least as many calls in line as it has room, or all that it has, and those in line
//! came before those that are parked.
//!
//! A job may lend its key together with its slot, to a call of the same key that it waits for. Then both have the key,
//! but only one of them runs.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use slab::Slab;

use crate::sync::key::Key;
use crate::sync::quiet::drop_quietly;

/// The number of a gate while its key is in use.
pub(crate) type GateId = u32;

/// What a job with a key has from its beginning to its end. The number is that of its ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    pub(crate) gate: GateId,
    pub(crate) number: u64,
}

/// The use of one key.
#[derive(Clone, Debug)]
pub(crate) struct KeyUse {
    pub(crate) key: Key,
    pub(crate) running: usize,
    pub(crate) waiting: usize,
}

/// An empty slab with more capacity than this is dropped.
const MAX_EMPTY_GATES: usize = 1024;

pub(super) struct Gates<L> {
    limit: usize,
    in_use: Slab<Gate<L>>,
    /// The first gate with each hash.
    by_hash: HashMap<u64, GateId>,
    /// Tickets that were parked and are in the queue again, by number, with their keys in the slab.
    pub(super) returned: BTreeMap<u64, usize>,
    /// All parked tickets.
    pub(super) parked: BTreeMap<u64, usize>,
    /// Jobs that wait for a parked ticket and could not lend it their slot, by its number.
    offers: BTreeMap<u64, Vec<L>>,
    /// Those of them whose ticket is in the queue again.
    ready: Vec<((Hold, usize), L)>,
    /// Gates with parked tickets whose jobs are all [known](Gate::known).
    suspects: BTreeSet<GateId>,
    /// Dropped with no lock held.
    garbage: Garbage<L>,
}

struct Gate<L> {
    key: Key,
    /// The next gate with the same hash.
    next: Option<GateId>,
    /// How many callers have found this gate and are not in the queue yet.
    entering: usize,
    /// The jobs that have the key. Those that have ever waited for greenpool are known.
    jobs: BTreeMap<u64, Option<L>>,
    known: usize,
    /// How many of these have lent it.
    lent: usize,
    /// The tickets in the queue.
    in_line: BTreeMap<u64, usize>,
    /// The tickets that wait for a job of the key to end.
    parked: BTreeMap<u64, usize>,
}

/// Keys and jobs that are not used any longer.
pub(super) struct Garbage<L> {
    keys: Vec<Key>,
    jobs: Vec<L>,
}

impl<L> Default for Garbage<L> {
    fn default() -> Self {
        Garbage { keys: Vec::new(), jobs: Vec::new() }
    }
}

impl<L> Drop for Garbage<L> {
    fn drop(&mut self) {
        // Not worth an unwinding of whatever ended the job.
        self.keys.drain(..).for_each(drop_quietly);
    }
}

impl<L> Gate<L> {
    fn is_unused(&self) -> bool {
        self.entering == 0 && self.jobs.is_empty() && self.in_line.is_empty() && self.parked.is_empty()
    }

    /// How many more jobs can begin.
    fn room(&self, limit: usize) -> usize {
        (limit + self.lent).saturating_sub(self.jobs.len())
    }
}

impl<L> Gates<L> {
    pub(super) fn new(limit: usize) -> Self {
        Gates {
            limit,
            in_use: Slab::new(),
            by_hash: HashMap::new(),
            returned: BTreeMap::new(),
            parked: BTreeMap::new(),
            offers: BTreeMap::new(),
            ready: Vec::new(),
            suspects: BTreeSet::new(),
            garbage: Garbage::default(),
        }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Changes the limit. Returns the tickets that must leave the line.
    pub(super) fn set_limit(&mut self, limit: usize) -> Vec<usize> {
        self.limit = limit;
        let all: Vec<GateId> = self.in_use.iter().map(|(id, _)| id as GateId).collect();
        let mut aside = Vec::new();
        for id in all {
            self.refill(id);
            aside.append(&mut self.step_aside(id));
            self.note_suspect(id);
        }
        aside
    }

    fn gate(&mut self, gate: GateId) -> &mut Gate<L> {
        &mut self.in_use[gate as usize]
    }

    /// The gates with that hash, except those that are known. None of them goes before the caller has
    /// [left](Self::leave) it.
    pub(super) fn candidates(&mut self, hash: u64, known: &[GateId]) -> Vec<(GateId, Key)> {
        let mut found = Vec::new();
        let mut next = self.by_hash.get(&hash).copied();
        while let Some(id) = next {
            let gate = self.gate(id);
            next = gate.next;
            if !known.contains(&id) {
                gate.entering += 1;
                found.push((id, gate.key.clone()));
            }
        }
        found
    }

    /// Makes a gate for a caller that enters it.
    pub(super) fn insert(&mut self, key: Key) -> GateId {
        let hash = key.hash;
        let next = self.by_hash.get(&hash).copied();
        let gate = Gate {
            key,
            next,
            entering: 1,
            jobs: BTreeMap::new(),
            known: 0,
            lent: 0,
            in_line: BTreeMap::new(),
            parked: BTreeMap::new(),
        };
        let id = self.in_use.insert(gate) as GateId;
        self.by_hash.insert(hash, id);
        id
    }

    /// A caller that had found the gate is in the queue, or goes away.
    pub(super) fn leave(&mut self, id: GateId) {
        self.gate(id).entering -= 1;
        self.remove_unused(id);
    }

    fn remove_unused(&mut self, id: GateId) {
        if !self.gate(id).is_unused() {
            return;
        }
        self.suspects.remove(&id);
        let Gate { key, next, .. } = self.in_use.remove(id as usize);
        if self.by_hash.get(&key.hash) != Some(&id) {
            let mut before = self.by_hash[&key.hash];
            while self.in_use[before as usize].next != Some(id) {
                before = self.in_use[before as usize].next.expect("a gate is in the list of its hash");
            }
            self.in_use[before as usize].next = next;
        } else if let Some(next) = next {
            self.by_hash.insert(key.hash, next);
        } else {
            self.by_hash.remove(&key.hash);
        }
        self.garbage.keys.push(key);
        if self.in_use.is_empty() {
            self.trim();
        }
    }

    /// Gives back the memory that many keys needed.
    fn trim(&mut self) {
        if self.in_use.capacity() > MAX_EMPTY_GATES {
            self.in_use = Slab::new();
            self.by_hash = HashMap::new();
        }
    }

    pub(super) fn has_room(&self, id: GateId) -> bool {
        self.in_use[id as usize].room(self.limit) > 0
    }

    /// A ticket has been queued. Returns false, and parks it, if the gate is full, or others were parked before it.
    pub(super) fn enqueue(&mut self, hold: Hold, ticket: usize) -> bool {
        let has_room = self.has_room(hold.gate);
        let gate = self.gate(hold.gate);
        let is_in_line = has_room && gate.parked.is_empty();
        if is_in_line {
            gate.in_line.insert(hold.number, ticket);
        } else {
            self.park(hold, ticket);
        }
        is_in_line
    }

    fn park(&mut self, hold: Hold, ticket: usize) {
        self.gate(hold.gate).parked.insert(hold.number, ticket);
        self.parked.insert(hold.number, ticket);
        self.note_suspect(hold.gate);
    }

    /// Parks all tickets that are in line, if the gate is full. Returns them.
    pub(super) fn step_aside(&mut self, id: GateId) -> Vec<usize> {
        if self.has_room(id) {
            return Vec::new();
        }
        let in_line = std::mem::take(&mut self.gate(id).in_line);
        for (&number, &ticket) in &in_line {
            self.returned.remove(&number);
            self.park(Hold { gate: id, number }, ticket);
        }
        in_line.into_values().collect()
    }

    /// A ticket is neither in line nor parked any longer, because it was cancelled or refused, unless it has begun.
    pub(super) fn dequeue(&mut self, hold: Hold) {
        if self.remove_ticket(hold) {
            self.refill(hold.gate);
            self.remove_unused(hold.gate);
        }
    }

    fn remove_ticket(&mut self, hold: Hold) -> bool {
        let gate = self.gate(hold.gate);
        if gate.in_line.remove(&hold.number).is_some() {
            self.returned.remove(&hold.number);
            return true;
        }
        let was_parked = gate.parked.remove(&hold.number).is_some();
        if was_parked {
            self.parked.remove(&hold.number);
            self.garbage.jobs.extend(self.offers.remove(&hold.number).into_iter().flatten());
            self.note_suspect(hold.gate);
        }
        was_parked
    }

    /// A job begins, with a ticket or without. With `lent`, another job has lent it this key. Others may have to
    /// [step aside](Self::step_aside) now.
    pub(super) fn begin(&mut self, hold: Hold, lent: bool) {
        self.remove_ticket(hold);
        let gate = self.gate(hold.gate);
        gate.jobs.insert(hold.number, None);
        gate.lent += usize::from(lent);
        self.note_suspect(hold.gate);
    }

    /// A job has ended. With `lent`, it had lent its key.
    pub(super) fn end(&mut self, hold: Hold, lent: bool) {
        let gate = self.gate(hold.gate);
        let job = gate.jobs.remove(&hold.number);
        debug_assert!(job.is_some(), "a key was released twice");
        let job = job.flatten();
        gate.known -= usize::from(job.is_some());
        gate.lent -= usize::from(lent);
        self.garbage.jobs.extend(job);
        self.refill(hold.gate);
        self.note_suspect(hold.gate);
        self.remove_unused(hold.gate);
    }

    /// A job that had lent its key runs again. Others may have to [step aside](Self::step_aside) now.
    pub(super) fn reclaim(&mut self, hold: Hold) {
        self.gate(hold.gate).lent -= 1;
        self.note_suspect(hold.gate);
    }

    /// A job has waited for greenpool, and is known from now on.
    pub(super) fn introduce(&mut self, hold: Hold, job: L) {
        let gate = self.gate(hold.gate);
        let known = gate.jobs.get_mut(&hold.number).and_then(|known| known.replace(job));
        gate.known += usize::from(known.is_none());
        self.garbage.jobs.extend(known);
        self.note_suspect(hold.gate);
    }

    /// Sends parked tickets back to the queue, as many as can begin.
    fn refill(&mut self, id: GateId) {
        let limit = self.limit;
        loop {
            let gate = self.gate(id);
            if gate.in_line.len() >= gate.room(limit) {
                return;
            }
            let Some((number, ticket)) = gate.parked.pop_first() else { return };
            gate.in_line.insert(number, ticket);
            self.parked.remove(&number);
            self.returned.insert(number, ticket);
            let offers = self.offers.remove(&number).into_iter().flatten();
            self.ready.extend(offers.map(|job| ((Hold { gate: id, number }, ticket), job)));
            self.note_suspect(id);
        }
    }

    fn note_suspect(&mut self, id: GateId) {
        let limit = self.limit;
        let gate = self.gate(id);
        if !gate.parked.is_empty() && gate.known == gate.jobs.len() && gate.room(limit) == 0 {
            self.suspects.insert(id);
        } else {
            self.suspects.remove(&id);
        }
    }

    /// `job` waits for this parked ticket, and would lend it its slot. Once per job, until the job is told.
    pub(super) fn note_offer(&mut self, hold: Hold, job: L) {
        self.offers.entry(hold.number).or_default().push(job);
    }

    /// Whether a ticket with a larger number is parked, or was.
    pub(super) fn has_later(&self, number: u64) -> bool {
        let last = |tickets: &BTreeMap<u64, usize>| tickets.last_key_value().is_some_and(|(&last, _)| last > number);
        last(&self.parked) || last(&self.returned)
    }

    /// The jobs that wait for a ticket that is in the queue again, and may lend it their slot now.
    pub(super) fn take_ready(&mut self) -> Vec<((Hold, usize), L)> {
        std::mem::take(&mut self.ready)
    }

    pub(super) fn take_garbage(&mut self) -> Garbage<L> {
        std::mem::take(&mut self.garbage)
    }

    /// The first parked ticket of each full gate whose jobs are all known.
    pub(super) fn suspects(&self) -> Vec<(Hold, usize)> {
        self.suspects.iter().filter_map(|&gate| self.suspect(gate)).collect()
    }

    /// The first parked ticket of that gate, if it is full and its jobs are all known.
    pub(super) fn suspect(&self, gate: GateId) -> Option<(Hold, usize)> {
        if !self.suspects.contains(&gate) {
            return None;
        }
        let (&number, &ticket) = self.in_use[gate as usize].parked.first_key_value()?;
        Some((Hold { gate, number }, ticket))
    }

    pub(super) fn uses(&self) -> Vec<KeyUse> {
        let uses = self.in_use.iter().map(|(_, gate)| KeyUse {
            key: gate.key.clone(),
            running: gate.jobs.len(),
            waiting: gate.in_line.len() + gate.parked.len(),
        });
        uses.collect()
    }
}

impl<L: Clone> Gates<L> {
    /// All jobs that have that key, those that are known by name.
    pub(super) fn jobs(&self, id: GateId) -> Vec<Option<L>> {
        self.in_use[id as usize].jobs.values().cloned().collect()
    }

    /// The job that began with that ticket, if it has not ended.
    pub(super) fn job(&self, hold: Hold) -> Option<Option<L>> {
        self.in_use.get(hold.gate as usize)?.jobs.get(&hold.number).cloned()
    }
}
