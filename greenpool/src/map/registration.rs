//! A worker of a map as the map knows it: which slot, place and item it has.

use std::sync::Arc;

use crate::job::error::JoinError;
use crate::map::feed::{Driver, JobSource};

/// A worker as the map knows it. If it is dropped before the worker is done, as when its runtime shuts down, it ends
/// the map.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and they come in any combination")]
pub(crate) struct Registration<S: JobSource> {
    pub(crate) driver: Arc<Driver<S>>,
    pub(crate) key: u32,
    /// The number of the item whose job runs. If the source is async, also of the item that waits for a slot.
    pub(crate) number: Option<u64>,
    pub(crate) slot: SlotState,
    /// Whether a job has finished in the slot, and none has begun since.
    pub(crate) follows: bool,
    /// The size hint says that this job is the last one.
    pub(crate) is_last: bool,
    /// Whether a worker has been notified because the job waits, or is expected to wait as the last one did.
    pub(crate) waits: bool,
    /// Whether the map knows that the job waits without its slot.
    pub(crate) lends: bool,
    pub(crate) over: bool,
}

/// Which slot a worker has, as the map counts it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotState {
    /// None, and no place.
    None,
    /// None: the worker has a place, and reads the next item of an async source into it.
    Reading,
    /// None: the worker has a place, and is queued for a slot on behalf of the map. If the source is async, it also has
    /// an item. A map that has been stopped does not end before a worker that was granted a slot has given that back.
    Queued,
    /// One of the pool's own slots, and a place.
    Held,
    /// A slot that another job has lent, and a place.
    Borrowed,
}

impl<S: JobSource> Registration<S> {
    pub(crate) fn new(driver: Arc<Driver<S>>, key: u32) -> Self {
        Registration {
            driver,
            key,
            number: None,
            slot: SlotState::None,
            follows: false,
            is_last: false,
            waits: false,
            lends: false,
            over: false,
        }
    }

    pub(crate) fn has_slot(&self) -> bool {
        matches!(self.slot, SlotState::Held | SlotState::Borrowed)
    }
}

impl<S: JobSource> Drop for Registration<S> {
    fn drop(&mut self) {
        let shared = &self.driver.shared;
        let has_place = {
            let mut state = shared.state();
            state.holders -= usize::from(self.has_slot());
            state.away -= usize::from(self.lends);
            state.awaiting = state.awaiting.filter(|key| *key != self.key);
            match self.slot {
                SlotState::None => false,
                SlotState::Held | SlotState::Borrowed => true,
                SlotState::Reading => {
                    state.take_queued_place();
                    true
                }
                // Unless it has been given back.
                SlotState::Queued => state.take_queued_place(),
            }
        };
        match self.number.take() {
            Some(number) => shared.put(number, Err(JoinError::cancelled())),
            // It is dropped with its runtime, or a `tracing` subscriber panicked as the job began.
            None if has_place => shared.unreserve(),
            None => {}
        }
        shared.leave(self.key);
        if !self.over {
            shared.stop((!self.is_last).then(JoinError::cancelled));
        }
    }
}
