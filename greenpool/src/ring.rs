//! The results of one map: what has begun, what is finished and not yet taken, and who waits for it.

use std::collections::VecDeque;
use std::task::Waker;

use crate::error::JoinError;

/// # Implementation details
///
/// A place is reserved before an item is read and freed when its result is taken; `reserved - taken` is all that the map holds,
/// and never more than the window. In an ordered ring the place of a result is its number; in an unordered one results
/// queue up as they come.
pub(crate) struct Ring<T> {
    results: VecDeque<Option<Result<T, JoinError>>>,
    ordered: bool,
    reserved: u64,
    taken: u64,
    in_flight: usize,
    window: Option<usize>,
    /// What the source says of the items that are still in it.
    rest: (usize, Option<usize>),
    reading: bool,
    /// An error that comes after all results.
    last: Option<JoinError>,
    consumer: Option<Waker>,
}

/// What the consumer finds.
pub(crate) enum Head {
    Ready,
    Waiting,
    End,
}

impl<T> Ring<T> {
    pub(crate) fn new(ordered: bool, rest: (usize, Option<usize>)) -> Self {
        Ring {
            results: VecDeque::new(),
            ordered,
            reserved: 0,
            taken: 0,
            in_flight: 0,
            window: None,
            rest,
            reading: true,
            last: None,
            consumer: None,
        }
    }

    pub(crate) fn set_window(&mut self, window: usize) {
        self.window = Some(window.max(1));
    }

    /// How many places are free in a pool of `size`; none once the source is not read any more.
    pub(crate) fn room(&self, size: usize) -> usize {
        // In a pool of size 0 one place lets a worker queue, and so wait for a `resize`.
        let window = self.window.unwrap_or(size.max(1)) as u64;
        if self.reading { window.saturating_sub(self.reserved - self.taken) as usize } else { 0 }
    }

    /// Whether a worker may find an item to go on with.
    pub(crate) fn has_more(&self, size: usize) -> bool {
        self.rest.1 != Some(0) && self.room(size) > 0
    }

    pub(crate) fn is_reading(&self) -> bool {
        self.reading
    }

    /// A place for the item that is about to be read; gives its number.
    pub(crate) fn reserve(&mut self) -> u64 {
        let number = self.reserved;
        self.reserved += 1;
        self.in_flight += 1;
        if self.ordered {
            self.results.push_back(None);
        }
        number
    }

    /// There was no further item for the place that was reserved last.
    #[must_use = "wake it"]
    pub(crate) fn unreserve(&mut self) -> Option<Waker> {
        self.reserved -= 1;
        self.in_flight -= 1;
        if self.ordered {
            self.results.pop_back();
        }
        self.stop(None)
    }

    pub(crate) fn set_rest(&mut self, rest: (usize, Option<usize>)) {
        self.rest = rest;
    }

    /// Reads no more; `last` comes after all results.
    #[must_use = "wake it"]
    pub(crate) fn stop(&mut self, last: Option<JoinError>) -> Option<Waker> {
        if self.reading {
            self.reading = false;
            self.rest = (0, Some(0));
            self.last = last;
        }
        self.wake_consumer()
    }

    #[must_use = "wake it"]
    pub(crate) fn put(&mut self, number: u64, result: Result<T, JoinError>) -> Option<Waker> {
        self.in_flight -= 1;
        if self.ordered {
            let place = (number - self.taken) as usize;
            self.results[place] = Some(result);
        } else {
            self.results.push_back(Some(result));
        }
        self.wake_consumer()
    }

    /// The consumer, if it waits and there is now something for it.
    fn wake_consumer(&mut self) -> Option<Waker> {
        match self.head() {
            Head::Waiting => None,
            Head::Ready | Head::End => self.consumer.take(),
        }
    }

    pub(crate) fn head(&self) -> Head {
        match self.results.front() {
            Some(Some(_)) => Head::Ready,
            Some(None) => Head::Waiting,
            None if self.in_flight > 0 || self.reading => Head::Waiting,
            None if self.last.is_some() => Head::Ready,
            None => Head::End,
        }
    }

    pub(crate) fn take(&mut self) -> Option<Result<T, JoinError>> {
        match self.results.front_mut() {
            Some(place) => {
                let result = place.take()?;
                self.results.pop_front();
                self.taken += 1;
                Some(result)
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
        let held =
            self.results.len() + usize::from(self.last.is_some()) + if self.ordered { 0 } else { self.in_flight };
        (self.rest.0.saturating_add(held), self.rest.1.and_then(|upper| upper.checked_add(held)))
    }
}
