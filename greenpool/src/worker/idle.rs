//! Those who work for a function or for a map: who has been called, who is busy, and who has nothing to do.

use std::task::Waker;

use slab::Slab;

/// The workers of one function on one runtime, or of one map. `P` is what else is known of each.
pub(crate) struct WorkerSet<P> {
    entries: Slab<Entry<P>>,
    /// The keys of those that have nothing to do. The last to come is the first to be called.
    idle: Vec<u32>,
    notified: usize,
    /// How many have been sent away, and have not gone.
    retired: usize,
}

/// One worker.
struct Entry<P> {
    /// There from its first poll on.
    waker: Option<Waker>,
    state: WorkerState,
    data: P,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum WorkerState {
    /// It is to come.
    Notified,
    Busy,
    Idle,
    /// It is to go.
    Retired,
}

/// What is to be done, with no lock held, to get one worker more.
#[must_use]
pub(crate) enum Wakeup {
    None,
    Wake(Waker),
    /// There is no idle one: a new one takes this place.
    Spawn(u32),
}

impl Wakeup {
    /// Gets that worker. A new one is begun by `spawn`.
    #[inline]
    pub(crate) fn run(self, spawn: impl FnOnce(u32)) {
        match self {
            Wakeup::None => {}
            Wakeup::Wake(waker) => waker.wake(),
            Wakeup::Spawn(key) => spawn(key),
        }
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

    /// How many have nothing to do.
    pub(crate) fn idle(&self) -> usize {
        self.idle.len()
    }

    /// Whether all have nothing to do, or are about to go.
    pub(crate) fn is_idle(&self) -> bool {
        self.idle.len() + self.retired == self.entries.len()
    }

    /// How many have been called and have not come.
    #[inline]
    pub(crate) fn notified(&self) -> usize {
        self.notified
    }

    /// Calls an idle worker, or else a new one.
    #[inline]
    pub(crate) fn notify_one(&mut self, new: impl FnOnce() -> P) -> Wakeup {
        self.notified += 1;
        let Some(key) = self.idle.pop() else {
            return Wakeup::Spawn(self.insert(new()));
        };
        let entry = &mut self.entries[key as usize];
        entry.state = WorkerState::Notified;
        entry.waker.clone().map_or(Wakeup::None, Wakeup::Wake)
    }

    /// One more, which is on its way without having been called.
    pub(crate) fn insert(&mut self, data: P) -> u32 {
        self.entries.insert(Entry { waker: None, state: WorkerState::Notified, data }) as u32
    }

    /// A worker is polled that has no job. If it has been called it is busy from now on.
    #[inline]
    pub(crate) fn arrive(&mut self, key: u32, waker: &Waker) -> WorkerState {
        let entry = &mut self.entries[key as usize];
        if entry.state == WorkerState::Notified {
            entry.waker.get_or_insert_with(|| waker.clone());
            entry.state = WorkerState::Busy;
            self.notified -= 1;
        }
        entry.state
    }

    /// Likewise one that was not called, whose job is over.
    pub(crate) fn mark_busy(&mut self, key: u32) {
        if let Some(entry) = self.entries.get_mut(key as usize) {
            entry.state = WorkerState::Busy;
        }
    }

    /// A worker has nothing to do.
    #[inline]
    pub(crate) fn park(&mut self, key: u32) {
        self.entries[key as usize].state = WorkerState::Idle;
        self.idle.push(key);
    }

    /// A worker goes.
    pub(crate) fn remove(&mut self, key: u32) -> Option<P> {
        let entry = self.entries.try_remove(key as usize)?;
        match entry.state {
            WorkerState::Idle => self.idle.retain(|idle| *idle != key),
            WorkerState::Retired => self.retired -= 1,
            WorkerState::Notified | WorkerState::Busy => {}
        }
        Some(entry.data)
    }

    /// Sends all away that have nothing to do.
    pub(crate) fn retire_all(&mut self) -> Vec<Waker> {
        self.retire(self.idle())
    }

    /// Sends those away that have been idle longest.
    pub(crate) fn retire(&mut self, many: usize) -> Vec<Waker> {
        let entries = &mut self.entries;
        self.retired += many;
        let leave = self.idle.drain(..many).filter_map(|key| {
            let entry = &mut entries[key as usize];
            entry.state = WorkerState::Retired;
            entry.waker.clone()
        });
        leave.collect()
    }

    fn busy(&self) -> impl Iterator<Item = &Entry<P>> {
        self.entries.iter().map(|(_, entry)| entry).filter(|entry| entry.state == WorkerState::Busy)
    }

    /// How many may have a job.
    pub(crate) fn count_busy(&self) -> usize {
        self.busy().count()
    }

    /// Their wakers.
    pub(crate) fn busy_wakers(&self) -> Vec<Waker> {
        self.busy().filter_map(|entry| entry.waker.clone()).collect()
    }

    pub(crate) fn waker(&self, key: u32) -> Option<Waker> {
        self.entries.get(key as usize)?.waker.clone()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &P> {
        self.entries.iter().map(|(_, entry)| &entry.data)
    }

    pub(crate) fn get_mut(&mut self, key: u32) -> Option<&mut P> {
        self.entries.get_mut(key as usize).map(|entry| &mut entry.data)
    }

    /// Gives memory back when most have gone, but for so many.
    pub(crate) fn shrink(&mut self, keep: usize) -> bool {
        let shrinks = self.entries.capacity() > 4 * self.entries.len().max(keep);
        if shrinks {
            self.entries.shrink_to_fit();
            self.idle.shrink_to(keep);
        }
        shrinks
    }
}
