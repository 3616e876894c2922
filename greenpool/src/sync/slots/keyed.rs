//! Calls with a key: how they enter the queue, and how a key is released, lent and reclaimed.

use std::task::Waker;

use crate::sync::Ordering;
use crate::sync::key::Key;
use crate::sync::slots::gates::{Garbage, GateId, Gates, Hold, KeyUse};
use crate::sync::slots::{
    Collector, Enqueued, Grant, ONE, Queue, QueuedJob, Queues, Refusal, Served, Slots, Ticket, TicketState, Word,
};

/// A caller that has found the gate of its key, which stays until this is used or dropped.
pub(crate) struct Entry<'a, L, J: QueuedJob<L>> {
    slots: &'a Slots<L, J>,
    gate: GateId,
}

impl<L, J: QueuedJob<L>> Drop for Entry<'_, L, J> {
    fn drop(&mut self) {
        let mut queues = self.slots.lock();
        queues.leave(self.gate);
        let garbage = queues.take_garbage();
        drop(queues);
        drop(garbage);
    }
}

/// What a ticket or job with a key depends on.
pub(crate) enum Blocker<L> {
    /// A slot of the pool, or what cannot be told.
    Pool,
    /// These jobs: one of them must end. Those that have never waited for greenpool are `None`.
    Jobs(Vec<Option<L>>),
}

/// What follows the end of a job with a key.
pub(crate) struct KeyReleased<L> {
    /// Tickets that are in line again, and jobs that wait for them and may be able to lend them their slots.
    pub(crate) ready: Vec<(Ticket, L)>,
    /// The first parked ticket, if all jobs that it waits for have waited for greenpool.
    pub(crate) suspect: Option<Ticket>,
}

fn ticket((hold, key): (Hold, usize)) -> Ticket {
    Ticket { key, number: hold.number, gate: Some(hold.gate) }
}

fn take_ready<L>(gates: &mut Gates<L>) -> Vec<(Ticket, L)> {
    gates.take_ready().into_iter().map(|(place, job)| (ticket(place), job)).collect()
}

/// How [`Slots::lend_keyed`] may lend the slot of a job to a parked ticket.
#[derive(Clone, Copy)]
pub(crate) struct KeyLoan {
    /// What the lender has.
    pub(crate) own: Option<Hold>,
    /// Even if the key is not that of the lender: to resolve a deadlock.
    pub(crate) forced: bool,
    /// The gate will tell this lender already when the ticket is in the queue again.
    pub(crate) noted: bool,
}

/// Why [`Slots::lend_keyed`] did not lend.
pub(crate) enum NotLent {
    /// The ticket is not queued any longer.
    Gone,
    /// The ticket is parked. Its gate tells the job when it is in the queue again: see [`Slots::release_key`].
    Parked,
}

impl Ticket {
    /// What the job of this ticket has, if it has a key.
    pub(crate) fn hold(self) -> Option<Hold> {
        self.gate.map(|gate| Hold { gate, number: self.number })
    }

    /// A ticket for what began without one: it is never queued, and says which job it is.
    pub(crate) fn of(hold: Hold) -> Self {
        Ticket { key: usize::MAX, number: hold.number, gate: Some(hold.gate) }
    }
}

impl<L, J: QueuedJob<L>> Slots<L, J> {
    /// Whether there is a limit by key.
    #[inline]
    pub(crate) fn is_keyed(&self) -> bool {
        self.keyed
    }

    /// How many jobs of one key may run at once.
    pub(crate) fn per_key(&self) -> Option<usize> {
        if !self.keyed {
            return None;
        }
        self.lock().gates.as_ref().map(|gates| gates.limit())
    }

    /// Changes that number, if there is a limit by key. Jobs that run go on.
    pub(crate) fn set_per_key(&self, limit: usize) -> KeyReleased<L> {
        let mut queues = self.lock();
        let Some(gates) = &mut queues.gates else { return KeyReleased { ready: Vec::new(), suspect: None } };
        let aside = gates.set_limit(limit);
        let ready = take_ready(gates);
        for key in aside {
            queues.unlist(key);
        }
        self.serve_and_unlock(queues);
        KeyReleased { ready, suspect: None }
    }

    /// Finds or makes the gate of `key`. `None` if there is no limit by key. Runs the user's `Eq`, with no lock held.
    pub(crate) fn enter(&self, key: &Key) -> Option<Entry<'_, L, J>> {
        if !self.keyed {
            return None;
        }
        // Gates of other keys with the same hash. While they are here, no other gate gets their number.
        let mut others: Vec<Entry<'_, L, J>> = Vec::new();
        loop {
            let mut queues = self.lock();
            let gates = queues.gates.as_mut()?;
            let known: Vec<GateId> = others.iter().map(|entry| entry.gate).collect();
            let found = gates.candidates(key.hash, &known);
            if found.is_empty() {
                let gate = gates.insert(key.clone());
                return Some(Entry { slots: self, gate });
            }
            drop(queues);
            let (ids, keys): (Vec<_>, Vec<_>) = found.into_iter().unzip();
            let mut entries: Vec<_> = ids.into_iter().map(|gate| Entry { slots: self, gate }).collect();
            if let Some(at) = keys.iter().position(|other| key.equals(other)) {
                return Some(entries.swap_remove(at));
            }
            others.append(&mut entries);
        }
    }

    /// Takes a slot and the key, if both are free and nothing is queued.
    pub(crate) fn try_acquire_keyed(&self, entry: &Entry<'_, L, J>) -> Result<Hold, Refusal> {
        let mut queues = self.lock();
        if !queues.has_room(entry.gate) {
            return Err(if self.is_closed() { Refusal::Closed } else { Refusal::Full });
        }
        self.try_acquire()?;
        Ok(queues.begin_entered(entry.gate))
    }

    /// Queues a job, unless its key and a slot are free, and nothing is queued. Without a `waker`, nothing collects the
    /// ticket.
    pub(crate) fn enqueue_keyed(&self, entry: &Entry<'_, L, J>, job: J, waker: Option<Waker>) -> Enqueued<J> {
        let mut queues = self.lock();
        match self.acquire_or_mark(&mut queues, entry.gate) {
            Err(_) => Enqueued::Closed(job),
            Ok(Some(hold)) => Enqueued::Slot(job, Some(hold)),
            Ok(None) => {
                let collector = Collector::of(waker.as_ref());
                queues.calls += job.calls();
                let state = TicketState::Queued { waker, job: Some(job) };
                Enqueued::Queued(queues.push_keyed(entry.gate, state, collector))
            }
        }
    }

    /// Takes a slot and the key, if both are free. If only the key is, notes in the word that a ticket is about to be
    /// pushed.
    fn acquire_or_mark(&self, queues: &mut Queues<L, J>, gate: GateId) -> Result<Option<Hold>, Refusal> {
        if self.is_closed() {
            return Err(Refusal::Closed);
        }
        if !queues.has_room(gate) || self.mark_queued(Queue::Start)? {
            return Ok(None);
        }
        Ok(Some(queues.begin_entered(gate)))
    }

    /// A job has ended. With `lent`, it had lent its key.
    pub(crate) fn release_key(&self, hold: Hold, lent: bool) -> KeyReleased<L> {
        let mut queues = self.lock();
        let Some(gates) = &mut queues.gates else { return KeyReleased { ready: Vec::new(), suspect: None } };
        // A call that began over the limit leaves the gate full.
        gates.end(hold, lent);
        let ready = take_ready(gates);
        let suspect = gates.suspect(hold.gate).map(ticket);
        self.serve_and_unlock(queues);
        KeyReleased { ready, suspect }
    }

    /// Tickets that are in line again because another one has left the queue, and jobs that wait for them and may be
    /// able to lend them their slots.
    pub(crate) fn take_ready(&self) -> Vec<(Ticket, L)> {
        if !self.keyed {
            return Vec::new();
        }
        self.lock().gates.as_deref_mut().map(take_ready).unwrap_or_default()
    }

    /// A job that had lent its key runs again.
    pub(crate) fn reclaim_key(&self, hold: Hold) {
        let mut queues = self.lock();
        if let Some(gates) = &mut queues.gates {
            gates.reclaim(hold);
            queues.step_aside(hold.gate);
            self.unmark_queued(&queues);
        }
    }

    /// A job has waited for greenpool.
    pub(crate) fn introduce(&self, hold: Hold, job: L) {
        if let Some(gates) = &mut self.lock().gates {
            gates.introduce(hold, job);
        }
    }

    /// Serves a parked ticket with a free slot although its gate is full, to resolve a deadlock. `None` if it is not
    /// parked, or no slot is free. The caller must run what this returns once it holds no lock.
    pub(crate) fn admit(&self, ticket: Ticket) -> Option<Served<L, J>> {
        let mut queues = self.lock();
        if !queues.is_parked(ticket) {
            return None;
        }
        // Acquire as in `try_acquire`.
        let take = |word| Word(word).has_room().then_some(word + ONE);
        self.word.fetch_update(Ordering::AcqRel, Ordering::Relaxed, take).ok()?;
        Some(queues.grant(ticket.key, Grant::Slot(None), false))
    }

    /// Whether the ticket waits for a job of its key to end.
    pub(crate) fn is_parked(&self, ticket: Ticket) -> bool {
        ticket.gate.is_some() && self.lock().is_parked(ticket)
    }

    /// How many tickets wait for a job of their key to end.
    pub(crate) fn parked(&self) -> usize {
        if self.keyed { self.lock().count_parked() } else { 0 }
    }

    /// The first parked ticket of each key that is not free and whose jobs have all waited for greenpool.
    pub(crate) fn suspects(&self) -> Vec<Ticket> {
        if !self.keyed {
            return Vec::new();
        }
        let queues = self.lock();
        let suspects = queues.gates.as_ref().map(|gates| gates.suspects()).unwrap_or_default();
        suspects.into_iter().map(ticket).collect()
    }

    /// The keys in use.
    pub(crate) fn key_uses(&self) -> Vec<KeyUse> {
        if !self.keyed {
            return Vec::new();
        }
        self.lock().gates.as_ref().map(|gates| gates.uses()).unwrap_or_default()
    }
}

impl<L: Clone, J: QueuedJob<L>> Slots<L, J> {
    /// Serves a queued ticket out of turn with a slot that `lender` lends: see `lend_to`. A parked ticket is served
    /// only if the lender has the same key, which it then lends, too, or if that is forced. Returns whether the key was
    /// lent.
    pub(crate) fn lend_keyed(
        &self,
        ticket: Ticket,
        lender: &L,
        in_own_slot: bool,
        loan: KeyLoan,
    ) -> Result<(Served<L, J>, bool), NotLent> {
        let mut queues = self.lock();
        if !queues.is_queued(ticket) {
            return Err(NotLent::Gone);
        }
        let mut lends_key = false;
        if let Some(hold) = ticket.hold().filter(|hold| !queues.has_room(hold.gate)) {
            lends_key = loan.own.is_some_and(|own| own.gate == hold.gate);
            if !lends_key && !loan.forced {
                if let Some(gates) = queues.gates.as_mut().filter(|_| !loan.noted) {
                    gates.note_offer(hold, lender.clone());
                }
                return Err(NotLent::Parked);
            }
        }
        Ok((self.lend_to(&mut queues, ticket, lender.clone(), in_own_slot, lends_key), lends_key))
    }

    /// What a ticket or the job that began with it depends on.
    pub(crate) fn blocker(&self, ticket: Ticket) -> Blocker<L> {
        let Some(hold) = ticket.hold() else { return Blocker::Pool };
        let mut queues = self.lock();
        let is_queued = queues.is_queued(ticket);
        let Some(gates) = &queues.gates else { return Blocker::Pool };
        if is_queued {
            return if gates.has_room(hold.gate) { Blocker::Pool } else { Blocker::Jobs(gates.jobs(hold.gate)) };
        }
        gates.job(hold).map_or(Blocker::Pool, |job| Blocker::Jobs(vec![job]))
    }
}

/// These do nothing, or answer no, if there is no limit by key.
impl<L, J: QueuedJob<L>> Queues<L, J> {
    fn leave(&mut self, gate: GateId) {
        if let Some(gates) = &mut self.gates {
            gates.leave(gate);
        }
    }

    fn has_room(&self, gate: GateId) -> bool {
        self.gates.as_ref().is_none_or(|gates| gates.has_room(gate))
    }

    /// Queues a ticket, or parks it if its key is not free.
    fn push_keyed(&mut self, gate: GateId, state: TicketState<L, J>, collector: Collector) -> Ticket {
        let ticket = self.push(Queue::Start, Some(gate), state, collector);
        let hold = Hold { gate, number: ticket.number };
        if self.gates.as_mut().is_some_and(|gates| !gates.enqueue(hold, ticket.key)) {
            self.unlist(ticket.key);
        }
        ticket
    }

    /// A job begins that was not queued.
    fn begin_entered(&mut self, gate: GateId) -> Hold {
        self.last_number += 1;
        let hold = Hold { gate, number: self.last_number };
        self.begin_hold(hold, false);
        hold
    }

    fn begin_hold(&mut self, hold: Hold, lent: bool) {
        if let Some(gates) = &mut self.gates {
            gates.begin(hold, lent);
            self.step_aside(hold.gate);
        }
    }

    /// Takes the tickets of a key out of the line, if the key is not free.
    fn step_aside(&mut self, gate: GateId) {
        let aside = self.gates.as_mut().map(|gates| gates.step_aside(gate)).unwrap_or_default();
        for key in aside {
            self.unlist(key);
        }
    }

    /// The first node in the queue to begin.
    #[cold]
    pub(super) fn first_of_line(&self) -> Option<usize> {
        let listed = self.lists[Queue::Start as usize].head.map(|key| (self.nodes[key].number, key));
        let returned = self.gates.as_ref()?.returned.first_key_value().map(|(&number, &key)| (number, key));
        match (listed, returned) {
            (Some(listed), Some(returned)) => Some(listed.min(returned).1),
            (listed, returned) => listed.or(returned).map(|(_, key)| key),
        }
    }

    pub(super) fn first_parked(&self) -> Option<usize> {
        self.gates.as_ref()?.parked.first_key_value().map(|(_, &key)| key)
    }

    fn is_parked(&self, ticket: Ticket) -> bool {
        self.gates.as_ref().is_some_and(|gates| gates.parked.contains_key(&ticket.number))
    }

    pub(super) fn count_parked(&self) -> usize {
        self.gates.as_ref().map_or(0, |gates| gates.parked.len())
    }

    pub(super) fn has_returned(&self) -> bool {
        self.gates.as_ref().is_some_and(|gates| !gates.returned.is_empty())
    }

    /// A node is about to be served with a slot. Returns what its job has from now on.
    pub(super) fn begin_key(&mut self, key: usize, lent: bool) -> Option<Hold> {
        let hold = self.ticket(key).hold()?;
        self.begin_hold(hold, lent);
        Some(hold)
    }

    /// A node is not queued any longer.
    pub(super) fn dequeue_key(&mut self, key: usize) {
        if let (Some(hold), Some(gates)) = (self.ticket(key).hold(), &mut self.gates) {
            gates.dequeue(hold);
        }
    }

    /// All nodes that are queued to begin, in order.
    pub(super) fn start_keys(&self) -> Vec<usize> {
        let mut keys = Vec::new();
        let mut next = self.lists[Queue::Start as usize].head;
        while let Some(key) = next {
            keys.push(key);
            next = self.nodes[key].next;
        }
        if let Some(gates) = &self.gates {
            keys.extend(gates.returned.values().chain(gates.parked.values()));
            keys.sort_by_key(|&key| self.nodes[key].number);
        }
        keys
    }

    pub(super) fn take_garbage(&mut self) -> Option<Garbage<L>> {
        self.gates.as_mut().map(|gates| gates.take_garbage())
    }
}

#[cfg(all(test, not(loom), not(shuttle)))]
mod tests;
