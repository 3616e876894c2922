//! The results of one map: what has begun, what is finished and not yet taken, and who waits for it.

use std::collections::VecDeque;
use std::task::Waker;

use crate::error::JoinError;

/// # Implementation details
///
/// A place is reserved before an item is read and freed when its result is taken; `reserved - taken` is all that the map holds,
/// and never more than the window. A place has no number before its item has been read: items are numbered in the order in which they
/// come out of the source, whoever has reserved first. In an ordered ring a result goes where its number says; in an
/// unordered one results queue up as they come.
pub(crate) struct Ring<T> {
    results: VecDeque<Option<Result<T, JoinError>>>,
    ordered: bool,
    reserved: u64,
    taken: u64,
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

impl<T> Ring<T> {
    pub(crate) fn new(ordered: bool, hint: (usize, Option<usize>)) -> Self {
        Ring {
            results: VecDeque::new(),
            ordered,
            reserved: 0,
            taken: 0,
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
    }

    /// How many places are free in a pool of `size`; none once there is nothing more to read.
    #[inline]
    pub(crate) fn room(&self, size: usize) -> usize {
        // In a pool of size 0 one place lets a worker queue, and so wait for a `resize`.
        let window = self.window.unwrap_or(size.max(1)) as u64;
        if self.open { window.saturating_sub(self.reserved - self.taken) as usize } else { 0 }
    }

    pub(crate) fn is_reading(&self) -> bool {
        self.reading
    }

    /// A place for an item that is about to be read, if there is room.
    #[inline]
    pub(crate) fn reserve(&mut self, size: usize) -> bool {
        let room = self.room(size) > 0;
        self.reserved += u64::from(room);
        room
    }

    /// There was no item for a place.
    #[must_use = "wake it"]
    pub(crate) fn unreserve(&mut self) -> Option<Waker> {
        self.reserved -= 1;
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
            self.total = (self.reserved, Some(self.reserved));
            self.last = last;
        }
        self.wake_consumer()
    }

    /// The result of the item that was read as number `number`.
    #[inline]
    #[must_use = "wake it"]
    pub(crate) fn put(&mut self, number: u64, result: Result<T, JoinError>) -> Option<Waker> {
        let next = self.taken + self.results.len() as u64;
        if !self.ordered || number == next {
            self.results.push_back(Some(result));
        } else {
            for _ in next..=number {
                self.results.push_back(None);
            }
            self.results[(number - self.taken) as usize] = Some(result);
        }
        self.wake_consumer()
    }

    /// The consumer, if it waits and there is now something for it.
    #[inline]
    fn wake_consumer(&mut self) -> Option<Waker> {
        if self.consumer.is_some() && self.is_ready() { self.consumer.take() } else { None }
    }

    /// Whether there is a result to take, or the end.
    #[inline]
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.results.front(), Some(Some(_))) || !self.reading && self.reserved == self.taken
    }

    /// The next result, or `None` at the end; only if it [is ready](Self::is_ready).
    #[inline]
    pub(crate) fn take(&mut self) -> Option<Result<T, JoinError>> {
        match self.results.pop_front() {
            Some(result) => {
                self.taken += 1;
                result
            }
            None => self.last.take().map(Err),
        }
    }

    /// All results that are there, to be dropped by the caller.
    pub(crate) fn clear(&mut self) -> Vec<Result<T, JoinError>> {
        self.results.iter_mut().filter_map(Option::take).collect()
    }

    pub(crate) fn wait(&mut self, waker: &Waker) {
        match &mut self.consumer {
            Some(old) if old.will_wake(waker) => {}
            old => *old = Some(waker.clone()),
        }
    }

    /// How many results are still to come.
    pub(crate) fn size_hint(&self) -> (usize, Option<usize>) {
        let rest = |total: u64| (total - self.taken.min(total)) as usize + usize::from(self.last.is_some());
        (rest(self.total.0), self.total.1.map(rest))
    }
}
