//! The tickets that a job waits for and may lend its slot to.

use std::collections::{HashSet, VecDeque};

use crate::inner::PoolSlots;
use crate::sync::slots::Ticket;
use crate::sync::slots::gates::Hold;

#[derive(Default)]
pub(crate) struct Offers {
    /// Those that the slot may be lent to now, in order. Some have left the queue since, and are skipped.
    line: VecDeque<Ticket>,
    /// Those whose gate will tell when they are in line: their keys are not free. A job may have many of them, so none
    /// is looked at before that.
    parked: HashSet<Ticket>,
}

impl Offers {
    /// The slot may be lent to this ticket. It may have been offered before.
    pub(crate) fn push(&mut self, ticket: Ticket, slots: &PoolSlots) {
        if self.line.back() == Some(&ticket) || self.is_parked(ticket) {
            return;
        }
        if self.line.len() == self.line.capacity() {
            let mut known = HashSet::new();
            self.line.retain(|ticket| slots.is_queued(*ticket) && known.insert(*ticket));
        }
        self.line.push_back(ticket);
    }

    pub(crate) fn pop(&mut self) -> Option<Ticket> {
        self.line.pop_front()
    }

    /// Whether one is queued and not known to be parked.
    pub(crate) fn any(&mut self, slots: &PoolSlots) -> bool {
        while let Some(ticket) = self.line.front() {
            if slots.is_queued(*ticket) {
                return true;
            }
            self.line.pop_front();
        }
        false
    }

    /// Whether its gate will tell when the ticket is in line.
    pub(crate) fn is_parked(&self, ticket: Ticket) -> bool {
        !self.parked.is_empty() && self.parked.contains(&ticket)
    }

    /// The key of that ticket is not free.
    pub(crate) fn park(&mut self, ticket: Ticket, slots: &PoolSlots) {
        if self.parked.len() == self.parked.capacity() {
            self.parked.retain(|ticket| slots.is_queued(*ticket));
        }
        self.parked.insert(ticket);
    }

    /// The gate of that ticket tells that it is in line.
    pub(crate) fn unpark(&mut self, ticket: Ticket) {
        self.parked.remove(&ticket);
        self.line.push_front(ticket);
    }

    /// The job can lend its own key again: so also to those that wait for that key.
    pub(crate) fn retry(&mut self, key: Hold) {
        let parked = self.parked.iter().filter_map(|ticket| Some((ticket.hold()?, *ticket)));
        let mut own: Vec<_> = parked.filter(|(hold, _)| hold.gate == key.gate).collect();
        // First come, first served.
        own.sort_unstable_by_key(|(hold, _)| hold.number);
        self.line.extend(own.into_iter().map(|(_, ticket)| ticket));
    }

    /// Forgets all of them.
    pub(crate) fn clear(&mut self) {
        *self = Offers::default();
    }

    #[cfg(test)]
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Ticket> {
        self.line.iter().chain(&self.parked)
    }
}
