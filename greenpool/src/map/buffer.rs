//! The results of one map: what has begun, what is finished and not yet taken, and who waits for it.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;

use crate::job::error::JoinError;

/// Results in the order in which they are taken, with a gap for each that is not there yet.
pub(crate) type Results<T> = VecDeque<Option<Result<T, JoinError>>>;

/// What the consumer and the hands of a map tell each other without a lock.
pub(crate) struct Signals {
    /// How many results the consumer has taken.
    taken: AtomicU64,
    /// Somebody has found less room than it could use: who takes a result is to say so.
    starved: AtomicBool,
    /// How many results had been taken when there was no room left.
    full: AtomicU64,
    /// The consumer waits, or the source is not read any more: who has a result, or is about to read, is to look.
    urgent: AtomicBool,
}

impl Default for Signals {
    fn default() -> Self {
        Signals {
            taken: AtomicU64::new(0),
            starved: AtomicBool::new(false),
            full: AtomicU64::new(NEVER),
            urgent: AtomicBool::new(false),
        }
    }
}

/// Not so many results are ever taken.
const NEVER: u64 = u64::MAX;

impl Signals {
    /// The consumer has taken a result. True: somebody wants to know.
    #[inline]
    #[must_use]
    pub(crate) fn take(&self) -> bool {
        // Both are SeqCst: either this sees that somebody is starved, or whoever says so sees after it that there is room.
        self.taken.fetch_add(1, Ordering::SeqCst);
        self.starved.load(Ordering::SeqCst) && self.starved.swap(false, Ordering::SeqCst)
    }

    /// Whether there seems to be no room: nobody has taken a result since there was none. Only the ring can say for certain.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.taken.load(Ordering::Relaxed) == self.full.load(Ordering::Relaxed)
    }

    /// Whether a hand is to look at the ring before it goes on.
    #[inline]
    pub(crate) fn is_urgent(&self) -> bool {
        self.urgent.load(Ordering::Relaxed)
    }
}

/// # Implementation details
///
/// A place is reserved before an item is read and freed when its result is taken; `reserved - taken` is all that the map holds,
/// and never more than the window. A place has no number before its item has been read: items are numbered in the order in which they
/// come out of the source, whoever has reserved first. In an ordered ring a result goes where its number says; in an
/// unordered one results queue up as they come.
///
/// The consumer fetches all results that are ready at once, and takes them one by one; each place is held until then.
pub(crate) struct ReorderBuffer<T> {
    signals: Arc<Signals>,
    results: Results<T>,
    /// How many of them, from the first on, are ready.
    ready: usize,
    /// Memory that the consumer has given back.
    spare: Results<T>,
    ordered: bool,
    reserved: u64,
    fetched: u64,
    window: Option<usize>,
    /// How many results there will be in all, by what the source has said last.
    total: (u64, Option<u64>),
    reading: bool,
    /// There may be more to read. False also while a source that is at its end is being dropped.
    open: bool,
    /// An error that comes after all results.
    last: Option<JoinError>,
    consumer: Option<Waker>,
}

impl<T> ReorderBuffer<T> {
    pub(crate) fn new(signals: &Arc<Signals>, ordered: bool, hint: (usize, Option<usize>)) -> Self {
        ReorderBuffer {
            signals: signals.clone(),
            results: VecDeque::new(),
            ready: 0,
            spare: VecDeque::new(),
            ordered,
            reserved: 0,
            fetched: 0,
            window: None,
            total: (hint.0 as u64, hint.1.map(|upper| upper as u64)),
            reading: true,
            open: true,
            last: None,
            consumer: None,
        }
    }

    pub(crate) fn set_window(&mut self, window: usize) {
        self.window = Some(window.max(1));
        self.signals.full.store(NEVER, Ordering::Relaxed);
    }

    fn taken(&self) -> u64 {
        self.signals.taken.load(Ordering::SeqCst)
    }

    /// How many places are free in a pool of `size`; none once there is nothing more to read.
    #[inline]
    fn room_now(&self, size: usize) -> usize {
        // In a pool of size 0 one place lets a worker queue, and so wait for a `resize`.
        let window = self.window.unwrap_or(size.max(1)) as u64;
        if self.open { window.saturating_sub(self.reserved - self.taken()) as usize } else { 0 }
    }

    /// Likewise. If it is less than `wanted`, who takes the next result will say so.
    #[inline]
    pub(crate) fn room(&self, size: usize, wanted: usize) -> usize {
        let room = self.room_now(size);
        if room >= wanted || !self.open {
            return room;
        }
        self.signals.starved.store(true, Ordering::SeqCst);
        self.room_now(size)
    }

    pub(crate) fn is_reading(&self) -> bool {
        self.reading
    }

    /// A place for an item that is about to be read, if there is room.
    #[inline]
    pub(crate) fn reserve(&mut self, size: usize) -> bool {
        self.reserve_many(size, 1) == 1
    }

    /// So many places, or as many as there are.
    #[inline]
    pub(crate) fn reserve_many(&mut self, size: usize, places: usize) -> usize {
        let room = self.room(size, 1);
        let places = places.min(room);
        self.occupy(places, room);
        places
    }

    /// Takes so many places of those that are free.
    #[inline]
    pub(crate) fn occupy(&mut self, places: usize, room: usize) {
        self.reserved += places as u64;
        let full = if places == room { self.taken() } else { NEVER };
        self.signals.full.store(full, Ordering::Relaxed);
    }

    /// There were no items for so many places.
    #[must_use = "wake it"]
    pub(crate) fn unreserve(&mut self, places: usize) -> Option<Waker> {
        self.reserved -= places as u64;
        self.signals.full.store(NEVER, Ordering::Relaxed);
        if !self.reading {
            self.total = (self.reserved, Some(self.reserved));
        }
        self.wake_consumer()
    }

    /// The source has said how many items there are, with those that it has given already.
    pub(crate) fn set_total(&mut self, total: (u64, Option<u64>)) {
        if self.reading {
            self.total = total;
        }
    }

    /// The source is at its end, and is about to be dropped. That may take its time, and nobody need look for an item meanwhile.
    pub(crate) fn drain(&mut self) {
        self.open = false;
    }

    /// Reads no more; `last` comes after all results.
    #[must_use = "wake it"]
    pub(crate) fn stop(&mut self, last: Option<JoinError>) -> Option<Waker> {
        if self.reading {
            (self.reading, self.open) = (false, false);
            self.signals.urgent.store(true, Ordering::Relaxed);
            self.total = (self.reserved, Some(self.reserved));
            self.last = last;
        }
        self.wake_consumer()
    }

    /// The result of the item that was read as number `number`.
    #[inline]
    #[must_use = "wake it"]
    pub(crate) fn put(&mut self, number: u64, result: Result<T, JoinError>) -> Option<Waker> {
        let at = if self.ordered { (number - self.fetched) as usize } else { self.results.len() };
        self.place(at, Some(result));
        if at == self.ready {
            self.count();
        }
        self.wake_consumer()
    }

    /// The results of the items that were read from number `first` on. Leaves `results` empty.
    #[must_use = "wake it"]
    pub(crate) fn put_many(&mut self, first: u64, results: &mut Results<T>) -> Option<Waker> {
        let next = self.fetched + self.results.len() as u64;
        if self.ordered && first != next {
            for (result, number) in results.drain(..).zip(first..) {
                self.place((number - self.fetched) as usize, result);
            }
            self.count();
            return self.wake_consumer();
        }
        let all_ready = self.ready == self.results.len();
        if self.results.is_empty() {
            std::mem::swap(&mut self.results, results);
        } else {
            self.results.append(results);
        }
        if all_ready {
            self.ready = self.results.len();
        }
        self.wake_consumer()
    }

    /// Puts a result where it belongs, behind as many gaps as that takes.
    #[inline]
    fn place(&mut self, at: usize, result: Option<Result<T, JoinError>>) {
        if let Some(gap) = self.results.get_mut(at) {
            *gap = result;
            return;
        }
        if at > self.results.len() {
            self.results.resize_with(at, || None);
        }
        self.results.push_back(result);
    }

    /// Counts those that have become ready.
    #[inline]
    fn count(&mut self) {
        self.ready += self.results.range(self.ready..).take_while(|result| result.is_some()).count();
    }

    /// The consumer, if it waits and there is now something for it.
    #[inline]
    fn wake_consumer(&mut self) -> Option<Waker> {
        if self.consumer.is_none() || !self.is_ready() {
            return None;
        }
        self.signals.urgent.store(!self.reading, Ordering::Relaxed);
        self.consumer.take()
    }

    /// Whether there is a result to fetch, or the end.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        self.ready > 0 || !self.reading && self.reserved == self.fetched
    }

    /// Moves all results that are ready to `to`, which is empty. None are, though the ring [is ready](Self::is_ready): it is the end, or an error is the last.
    pub(crate) fn fetch(&mut self, to: &mut Results<T>) {
        self.fetched += self.ready as u64;
        if self.ready == self.results.len() {
            std::mem::swap(&mut self.results, to);
            if self.spare.capacity() > self.results.capacity() {
                std::mem::swap(&mut self.results, &mut self.spare);
            }
        } else {
            to.extend(self.results.drain(..self.ready));
        }
        self.ready = 0;
    }

    /// The error that comes after all results.
    pub(crate) fn last(&mut self) -> Option<JoinError> {
        self.last.take()
    }

    /// Memory for results that are to be [put](Self::put_many) together.
    pub(crate) fn lend(&mut self) -> Results<T> {
        std::mem::take(&mut self.spare)
    }

    /// That memory, empty, comes back.
    pub(crate) fn give_back(&mut self, spare: Results<T>) {
        if spare.capacity() > self.spare.capacity() {
            self.spare = spare;
        }
    }

    /// All results that are there, to be dropped by the caller.
    pub(crate) fn clear(&mut self) -> Vec<Result<T, JoinError>> {
        self.results.iter_mut().filter_map(Option::take).collect()
    }

    pub(crate) fn wait(&mut self, waker: &Waker) {
        self.signals.urgent.store(true, Ordering::Relaxed);
        match &mut self.consumer {
            Some(old) if old.will_wake(waker) => {}
            old => *old = Some(waker.clone()),
        }
    }

    /// How many results are still to come.
    pub(crate) fn size_hint(&self) -> (usize, Option<usize>) {
        let taken = self.taken();
        let rest = |total: u64| (total - taken.min(total)) as usize + usize::from(self.last.is_some());
        (rest(self.total.0), self.total.1.map(rest))
    }
}
