//! The reorder buffer of a map: how many items it holds, their results, and the consumer's waker.
//!
//! # Implementation details
//!
//! The window counts *places*: one is reserved before an item is read and freed when its result is taken. The map holds
//! `reserved - taken` items, which never exceeds the window. A place has no number until an item has been read into it:
//! items are numbered in the order in which they come out of the source, whichever worker reserved first. An ordered
//! buffer puts a result at the position of its number; an unordered one appends results as they arrive.
//!
//! The consumer fetches all ready results at once and takes them one by one. Each keeps its place until it is taken.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;

use crate::job::error::JoinError;
use crate::sync::wake::register;

/// Results in the order in which they are taken, with `None` for each that is not ready.
pub(crate) type Results<T> = VecDeque<Option<Result<T, JoinError>>>;

/// The numbers of the items of results, as runs of consecutive numbers: the first, and how many.
#[derive(Default)]
pub(crate) struct Numbers(VecDeque<(u64, u64)>);

impl Numbers {
    #[inline]
    fn push(&mut self, first: u64, more: u64) {
        match self.0.back_mut() {
            Some((start, len)) if *start + *len == first => *len += more,
            _ if more > 0 => self.0.push_back((first, more)),
            _ => {}
        }
    }

    /// Takes the first number.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<u64> {
        let (start, len) = self.0.front_mut()?;
        let number = *start;
        (*start, *len) = (number + 1, *len - 1);
        if *len == 0 {
            self.0.pop_front();
        }
        Some(number)
    }
}

/// What the consumer and the workers of a map signal to each other without taking the lock.
pub(crate) struct Signals {
    /// The number of results that the consumer has taken.
    taken: AtomicU64,
    /// A worker found less room than it wanted, so the consumer must notify a worker when it takes a result.
    starved: AtomicBool,
    /// The value of `taken` when the buffer was last found full, or [`NEVER`].
    full: AtomicU64,
    /// The consumer waits or the source has been stopped, so a worker must visit the buffer before it continues.
    urgent: AtomicBool,
    /// A worker has parked, or the map has been stopped, while another worker was reading the source.
    missed: AtomicBool,
}

impl Default for Signals {
    fn default() -> Self {
        Signals {
            taken: AtomicU64::new(0),
            starved: AtomicBool::new(false),
            full: AtomicU64::new(NEVER),
            urgent: AtomicBool::new(false),
            missed: AtomicBool::new(false),
        }
    }
}

/// More results than are ever taken.
const NEVER: u64 = u64::MAX;

impl Signals {
    /// The consumer has taken a result. Returns whether it must notify a worker.
    #[inline]
    #[must_use]
    pub(crate) fn take(&self) -> bool {
        // SeqCst pairs with the store of `starved` and the load of `taken` in `ReorderBuffer::room`: either this sees
        // `starved`, or the worker that sets it sees the new room.
        self.taken.fetch_add(1, Ordering::SeqCst);
        self.starved.load(Ordering::SeqCst) && self.starved.swap(false, Ordering::SeqCst)
    }

    /// The number of results that the consumer has taken.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    /// Whether the buffer seems full: no result has been taken since it was. Only [`ReorderBuffer::room`] is certain.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.taken.load(Ordering::Relaxed) == self.full.load(Ordering::Relaxed)
    }

    /// A worker parks because another one is reading the source, or the source cannot be dropped for that.
    /// `Driver::misses_source`, `Driver::discard_source` and `Driver::notify_missed` order this.
    pub(crate) fn set_missed(&self) {
        self.missed.store(true, Ordering::Relaxed);
    }

    /// Whether a worker has parked because the source was being read, or could not drop it.
    #[inline]
    pub(crate) fn take_missed(&self) -> bool {
        self.missed.load(Ordering::Relaxed) && self.missed.swap(false, Ordering::Relaxed)
    }

    /// Whether a worker must visit the buffer before it continues.
    #[inline]
    pub(crate) fn is_urgent(&self) -> bool {
        self.urgent.load(Ordering::Relaxed)
    }
}

/// The results of a map that have not been fetched, and the count of its places.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(crate) struct ReorderBuffer<T> {
    signals: Arc<Signals>,
    results: Results<T>,
    /// The number of results at the front that are ready.
    ready: usize,
    /// An empty queue, kept for its memory.
    spare: Results<T>,
    ordered: bool,
    /// The numbers of the results, unless they are ordered.
    numbers: Numbers,
    reserved: u64,
    fetched: u64,
    window: Option<usize>,
    /// Bounds on the total number of results, from the last size hint of the source.
    total: (u64, Option<u64>),
    /// False once the map has been stopped.
    reading: bool,
    /// False once the map has been dropped or detached: nobody takes results any longer.
    wanted: bool,
    /// Whether there may be more to read. Unlike `reading`, it is false already while an exhausted source is dropped.
    open: bool,
    /// An error that follows all results.
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
            numbers: Numbers::default(),
            reserved: 0,
            fetched: 0,
            window: None,
            total: (hint.0 as u64, hint.1.map(|upper| upper as u64)),
            reading: true,
            wanted: true,
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
        // SeqCst pairs with the update in `Signals::take`.
        self.signals.taken.load(Ordering::SeqCst)
    }

    /// The number of free places in a pool of `size` slots, or 0 if there is nothing more to read.
    #[inline]
    fn room_now(&self, size: usize) -> usize {
        if self.open { self.window(size).saturating_sub(self.reserved - self.taken()) as usize } else { 0 }
    }

    #[inline]
    fn window(&self, size: usize) -> u64 {
        // In a pool of size 0, one place lets a worker queue and so wait for a `resize`.
        self.window.unwrap_or(size.max(1)) as u64
    }

    /// Whether more places are reserved than there are.
    pub(crate) fn overflows(&self, size: usize) -> bool {
        self.reserved - self.taken() > self.window(size)
    }

    /// The number of free places. If it is less than `wanted`, the consumer notifies a worker at the next result it
    /// takes.
    #[inline]
    pub(crate) fn room(&self, size: usize, wanted: usize) -> usize {
        let room = self.room_now(size);
        if room >= wanted || !self.open {
            return room;
        }
        // SeqCst pairs with `Signals::take`: the room is read again after this store.
        self.signals.starved.store(true, Ordering::SeqCst);
        self.room_now(size)
    }

    pub(crate) fn is_reading(&self) -> bool {
        self.reading
    }

    /// Reserves up to `places` places, for items that are about to be read. Returns how many.
    #[inline]
    pub(crate) fn reserve_many(&mut self, size: usize, places: usize) -> usize {
        let room = self.room(size, 1);
        let places = places.min(room);
        self.occupy(places, room);
        places
    }

    /// Reserves `places` of the `room` free places.
    #[inline]
    pub(crate) fn occupy(&mut self, places: usize, room: usize) {
        self.reserved += places as u64;
        let full = if places == room { self.taken() } else { NEVER };
        self.signals.full.store(full, Ordering::Relaxed);
    }

    /// Gives back `places` places, for which there were no items.
    #[must_use = "wake it"]
    pub(crate) fn unreserve(&mut self, places: usize) -> Option<Waker> {
        self.reserved -= places as u64;
        self.signals.full.store(NEVER, Ordering::Relaxed);
        if !self.reading {
            self.total = (self.reserved, Some(self.reserved));
        }
        self.wake_consumer()
    }

    /// Sets the bounds on the total number of items, including those that have been read.
    pub(crate) fn set_total(&mut self, total: (u64, Option<u64>)) {
        if self.reading {
            self.total = total;
        }
    }

    /// The source is exhausted and about to be dropped, which may take a while. Until then, no worker needs to look for
    /// an item.
    pub(crate) fn mark_exhausted(&mut self) {
        self.open = false;
    }

    /// Stops reading. `last` follows all results. It stays there if reading had stopped before, and the caller drops it
    /// without the lock.
    #[must_use = "wake it"]
    pub(crate) fn stop(&mut self, last: &mut Option<JoinError>) -> Option<Waker> {
        if self.reading {
            (self.reading, self.open) = (false, false);
            self.signals.urgent.store(true, Ordering::Relaxed);
            self.total = (self.reserved, Some(self.reserved));
            self.last = last.take();
        }
        self.wake_consumer()
    }

    /// Stores the result of item number `number`. If nobody takes results any longer, it stays in `result`, and the
    /// caller drops it without the lock.
    #[inline]
    #[must_use = "wake it"]
    pub(crate) fn put(&mut self, number: u64, result: &mut Option<Result<T, JoinError>>) -> Option<Waker> {
        if !self.wanted {
            return None;
        }
        result.take().and_then(|result| self.put_wanted(number, result))
    }

    /// Stores the result of item number `number` of a map that still reads, so results are wanted.
    #[inline]
    #[must_use = "wake it"]
    pub(crate) fn put_wanted(&mut self, number: u64, result: Result<T, JoinError>) -> Option<Waker> {
        debug_assert!(self.wanted, "nobody takes the results of this map");
        let at = if self.ordered {
            (number - self.fetched) as usize
        } else {
            self.numbers.push(number, 1);
            self.results.len()
        };
        self.place(at, Some(result));
        if at == self.ready {
            self.count_ready();
        }
        self.wake_consumer()
    }

    /// Stores the results of the items from number `first` on. Leaves `results` empty, unless nobody takes results any
    /// longer: then all stay there, and the caller drops them without the lock.
    #[must_use = "wake it"]
    pub(crate) fn put_many(&mut self, first: u64, results: &mut Results<T>) -> Option<Waker> {
        if !self.wanted {
            return None;
        }
        let next = self.fetched + self.results.len() as u64;
        if self.ordered && first != next {
            for (result, number) in results.drain(..).zip(first..) {
                self.place((number - self.fetched) as usize, result);
            }
            self.count_ready();
            return self.wake_consumer();
        }
        if !self.ordered {
            self.numbers.push(first, results.len() as u64);
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

    /// Stores a result at position `at`, after gaps for results that are not ready.
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

    /// Counts the results that have become ready.
    #[inline]
    fn count_ready(&mut self) {
        self.ready += self.results.range(self.ready..).take_while(|result| result.is_some()).count();
    }

    /// Returns the consumer's waker, if it waits and there is now a result for it, or the end.
    #[inline]
    fn wake_consumer(&mut self) -> Option<Waker> {
        if self.consumer.is_none() || !self.is_ready() {
            return None;
        }
        self.signals.urgent.store(!self.reading, Ordering::Relaxed);
        self.consumer.take()
    }

    /// Whether the consumer can fetch a result, or has reached the end.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        self.ready > 0 || !self.reading && self.reserved == self.fetched
    }

    /// Moves all ready results to `to`, which is empty. If the buffer [is ready](Self::is_ready) but there are none,
    /// all results have been fetched, and only the [last error](Self::last) may follow.
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

    /// Moves the numbers of the results that [`fetch`](Self::fetch) moves to `to`, which is empty. There are none if
    /// the results are ordered: then they are numbered as they are taken.
    #[inline]
    pub(crate) fn fetch_numbers(&mut self, to: &mut Numbers) {
        if !self.ordered {
            std::mem::swap(&mut self.numbers, to);
        }
    }

    /// Takes the error that follows all results.
    pub(crate) fn last(&mut self) -> Option<JoinError> {
        self.last.take()
    }

    /// Takes an empty queue for results that will be [stored together](Self::put_many).
    pub(crate) fn take_spare(&mut self) -> Results<T> {
        std::mem::take(&mut self.spare)
    }

    /// Gives back such a queue, empty.
    pub(crate) fn put_spare(&mut self, spare: Results<T>) {
        if spare.capacity() > self.spare.capacity() {
            self.spare = spare;
        }
    }

    /// Takes all results and the last error, and stores no more. The caller drops them without the lock.
    pub(crate) fn clear(&mut self) -> Results<T> {
        self.wanted = false;
        self.ready = 0;
        let mut results = std::mem::take(&mut self.results);
        results.extend(self.last.take().map(|error| Some(Err(error))));
        results
    }

    /// The consumer waits for the next result. Returns false if a [clone](register) of its waker is needed first.
    pub(crate) fn set_consumer(&mut self, waker: &Waker, clone: &mut Option<Waker>) -> bool {
        self.signals.urgent.store(true, Ordering::Relaxed);
        register(&mut self.consumer, waker, clone)
    }

    /// Bounds on the number of results that have not been taken.
    pub(crate) fn size_hint(&self) -> (usize, Option<usize>) {
        let taken = self.taken();
        let rest = |total: u64| (total - taken.min(total)) as usize + usize::from(self.last.is_some());
        (rest(self.total.0), self.total.1.map(rest))
    }
}

#[cfg(all(test, not(loom), not(shuttle)))]
mod tests;
