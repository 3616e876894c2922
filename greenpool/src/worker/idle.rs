//! Which workers of a group or of a map are notified, busy, idle or retired.

use std::task::Waker;

use slab::Slab;

use crate::inner::in_place;

/// The workers of one group or of one map. `P` is what else is known of each worker.
pub(crate) struct WorkerSet<P> {
    entries: Slab<Entry<P>>,
    /// The keys of the idle workers. The last one to become idle is the first to be notified.
    idle: Vec<u32>,
    /// The number of notified workers.
    notified: usize,
    /// The number of retired workers that have not exited yet.
    retired: usize,
}

/// One worker.
struct Entry<P> {
    /// Known from its first poll on.
    waker: Option<Waker>,
    state: WorkerState,
    data: P,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkerState {
    /// It was woken or spawned, and has not been polled since.
    Notified,
    /// It has a job, or looks for one.
    Busy,
    /// It has nothing to do.
    Idle,
    /// It must exit when it is polled.
    Retired,
}

/// What the caller must do, with no lock held, to notify a worker.
#[must_use]
pub(crate) enum Wakeup {
    None,
    Wake(Waker),
    /// No worker is idle: spawn one with this key.
    Spawn(u32),
}

impl Wakeup {
    /// Wakes the worker, or spawns one with `spawn`. Returns whether there is one.
    #[inline]
    pub(crate) fn run(self, spawn: impl FnOnce(u32)) -> bool {
        match self {
            Wakeup::None => return false,
            Wakeup::Wake(waker) => waker.wake(),
            Wakeup::Spawn(key) => spawn(key),
        }
        true
    }
}

impl<P> Default for WorkerSet<P> {
    fn default() -> Self {
        WorkerSet { entries: Slab::new(), idle: Vec::new(), notified: 0, retired: 0 }
    }
}

impl<P> WorkerSet<P> {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The number of idle workers.
    pub(crate) fn idle(&self) -> usize {
        self.idle.len()
    }

    /// Whether all workers are idle or retired.
    pub(crate) fn is_idle(&self) -> bool {
        self.idle.len() + self.retired == self.entries.len()
    }

    /// The number of workers that were notified and have not been polled since.
    #[inline]
    pub(crate) fn notified(&self) -> usize {
        self.notified
    }

    /// Notifies an idle worker. If there is none, adds a new one, for which `data` makes what else is known of it.
    #[inline]
    pub(crate) fn notify_one(&mut self, data: impl FnOnce() -> P) -> Wakeup {
        self.notified += 1;
        let Some(key) = self.idle.pop() else {
            let entry = Entry { waker: None, state: WorkerState::Notified, data: data() };
            return Wakeup::Spawn(self.entries.insert(entry) as u32);
        };
        let entry = &mut self.entries[key as usize];
        entry.state = WorkerState::Notified;
        entry.waker.clone().map_or(Wakeup::None, Wakeup::Wake)
    }

    /// A worker without a job is being polled. If it was notified, it is busy from now on. Returns its state.
    #[inline]
    pub(crate) fn arrive(&mut self, key: u32, waker: &Waker) -> WorkerState {
        let entry = &mut self.entries[key as usize];
        if entry.state == WorkerState::Notified {
            in_place::note_task(waker);
            entry.waker.get_or_insert_with(|| waker.clone());
            entry.state = WorkerState::Busy;
            self.notified -= 1;
        }
        entry.state
    }

    /// A worker becomes idle.
    #[inline]
    pub(crate) fn park(&mut self, key: u32) {
        self.entries[key as usize].state = WorkerState::Idle;
        self.idle.push(key);
    }

    /// A worker exits.
    pub(crate) fn remove(&mut self, key: u32) -> Option<P> {
        let entry = self.entries.try_remove(key as usize)?;
        match entry.state {
            WorkerState::Idle => self.idle.retain(|idle| *idle != key),
            WorkerState::Retired => self.retired -= 1,
            WorkerState::Notified | WorkerState::Busy => {}
        }
        Some(entry.data)
    }

    /// Retires all idle workers. Returns their wakers.
    pub(crate) fn retire_all(&mut self) -> Vec<Waker> {
        self.retire(self.idle())
    }

    /// Retires the `count` workers that have been idle longest. Returns their wakers.
    pub(crate) fn retire(&mut self, count: usize) -> Vec<Waker> {
        let entries = &mut self.entries;
        self.retired += count;
        let wakers = self.idle.drain(..count).filter_map(|key| {
            let entry = &mut entries[key as usize];
            entry.state = WorkerState::Retired;
            entry.waker.clone()
        });
        wakers.collect()
    }

    fn busy(&self) -> impl Iterator<Item = &Entry<P>> {
        self.entries.iter().map(|(_, entry)| entry).filter(|entry| entry.state == WorkerState::Busy)
    }

    /// The number of busy workers.
    pub(crate) fn count_busy(&self) -> usize {
        self.busy().count()
    }

    /// The wakers of the busy workers.
    pub(crate) fn busy_wakers(&self) -> Vec<Waker> {
        self.busy().filter_map(|entry| entry.waker.clone()).collect()
    }

    /// The waker of one worker.
    pub(crate) fn waker(&self, key: u32) -> Option<Waker> {
        self.entries.get(key as usize)?.waker.clone()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &P> {
        self.entries.iter().map(|(_, entry)| &entry.data)
    }

    pub(crate) fn get_mut(&mut self, key: u32) -> Option<&mut P> {
        self.entries.get_mut(key as usize).map(|entry| &mut entry.data)
    }

    /// Frees memory when most workers have exited, except for `keep` of them. Returns whether it did.
    pub(crate) fn shrink(&mut self, keep: usize) -> bool {
        let shrinks = self.entries.capacity() > 4 * self.entries.len().max(keep);
        if shrinks {
            self.entries.shrink_to_fit();
            self.idle.shrink_to(keep);
        }
        shrinks
    }
}

#[cfg(all(test, not(loom), not(shuttle)))]
mod tests;
