//! What a worker of a map keeps during one poll: the lock of the source, reserved places, and finished results.

use std::pin::Pin;
use std::sync::Arc;

use crate::lending::context;
use crate::map::buffer::{Results, Signals};
use crate::map::feed::{CountedSource, Driver, JobSource, Output, SourceNews, UserCode, drop_source};
use crate::sync::wake::wake;
use crate::sync::{MutexGuard, lock};
use crate::worker::poll::POLL_BUDGET;

/// The access of one worker to the map during one poll.
///
/// On a current-thread runtime no other worker can run before this poll returns. There the session keeps the lock of
/// the source, and reserves places and stores results in batches, which grow while each job finishes in its first poll.
/// Apart from the speed this is invisible: a waiting consumer is woken at once, and the session gives everything back
/// before the poll ends.
pub(crate) struct Session<'a, S: JobSource> {
    driver: &'a Arc<Driver<S>>,
    signals: &'a Signals,
    /// The size of the pool when it was last read.
    pub(crate) size: usize,
    source: Option<MutexGuard<'a, Option<CountedSource<S>>>>,
    /// The number of places in the last batch.
    batch: usize,
    /// The number of places that no item has been read into.
    reserved: usize,
    /// Results that are not in the buffer yet.
    results: Option<Results<Output<S>>>,
    /// The number of the first of them.
    first: u64,
    /// Whether a job has followed another one in this slot.
    pub(crate) follows: bool,
    /// Whether the job has waited before. Then the next one is expected to wait too.
    pub(crate) has_waited: bool,
    /// Whether a worker has been notified for the time that the job waits.
    pub(crate) has_notified: bool,
}

impl<'a, S: JobSource> Session<'a, S> {
    #[inline]
    pub(crate) fn new(driver: &'a Arc<Driver<S>>, has_waited: bool, has_notified: bool) -> Self {
        let shared = &driver.shared;
        Session {
            driver,
            signals: &shared.signals,
            size: shared.inner.slots.size(),
            source: None,
            batch: 0,
            reserved: 0,
            results: None,
            first: 0,
            follows: false,
            has_waited,
            has_notified,
        }
    }

    /// Whether the worker may keep its slot for another item, after `Slots::can_keep` has answered no.
    #[cold]
    pub(crate) fn may_keep_slot(&mut self) -> bool {
        let shared = &self.driver.shared;
        // The pool may have been resized, even by the job itself.
        self.size = shared.inner.slots.size();
        self.reserved == 0 && !shared.inner.slots.is_closed() && !shared.is_wanted_by_others()
    }

    /// Reads the next item into its place. Returns its number, or `None` at the end.
    #[inline]
    pub(crate) fn read(&mut self, job: Pin<&mut Option<S::Job>>, user_code: &mut UserCode) -> Option<u64> {
        let source = self.source.get_or_insert_with(|| lock(&self.driver.source));
        let next = source.as_mut().and_then(|source| source.next(job, user_code));
        let Some((number, news)) = next else {
            self.end();
            return None;
        };
        *user_code = UserCode::Job;
        if news {
            self.note_news();
        }
        if !self.driver.single {
            self.source = None;
        }
        Some(number)
    }

    /// Stores a result and reserves the next place in one go. Returns the result as an error if there is no place,
    /// because then the slot must be released before the result is stored.
    #[inline]
    pub(crate) fn push(&mut self, number: u64, value: Output<S>) -> Result<(), Output<S>> {
        if self.reserved == 0 && self.signals.is_full() {
            return Err(value);
        }
        self.follows = true;
        if self.reserved == 0 || self.signals.is_urgent() {
            return self.push_now(number, value);
        }
        let Some(results) = &mut self.results else {
            return self.push_now(number, value);
        };
        self.reserved -= 1;
        if results.is_empty() {
            self.first = number;
        }
        results.push_back(Some(Ok(value)));
        Ok(())
    }

    #[inline(never)]
    fn push_now(&mut self, number: u64, value: Output<S>) -> Result<(), Output<S>> {
        let shared = &self.driver.shared;
        let mut state = shared.state();
        if self.reserved == 0 {
            self.batch = if self.driver.single { (8 * self.batch).clamp(1, POLL_BUDGET as usize) } else { 1 };
            self.reserved = state.buffer.reserve_many(self.size, self.batch);
        }
        if self.reserved == 0 || !state.buffer.is_reading() {
            return Err(value);
        }
        self.reserved -= 1;
        let first = match &mut self.results {
            Some(results) if !results.is_empty() => state.buffer.put_many(self.first, results),
            _ => None,
        };
        let consumer = state.buffer.put(number, Ok(value));
        if self.reserved > 0 && self.results.is_none() {
            self.results = Some(state.buffer.take_spare());
        }
        self.has_notified = std::mem::take(&mut self.has_waited);
        let wakeup = state.notify_ahead(self.size, &mut self.has_notified);
        drop(state);
        context::outside(|| {
            wake(first);
            wake(consumer);
            self.driver.wake(wakeup);
        });
        Ok(())
    }

    /// Stores all results, and gives the unused places back.
    #[inline]
    fn flush(&mut self) {
        if self.reserved > 0 || self.results.is_some() {
            self.flush_now();
        }
    }

    fn flush_now(&mut self) {
        let mut state = self.driver.shared.state();
        let mut results = self.results.take().unwrap_or_default();
        let first = if results.is_empty() { None } else { state.buffer.put_many(self.first, &mut results) };
        let consumer = state.buffer.unreserve(std::mem::take(&mut self.reserved));
        state.buffer.put_spare(results);
        let wakeup = state.notify(self.size, 0);
        drop(state);
        wake(first);
        wake(consumer);
        self.driver.wake(wakeup);
    }

    /// Acts on the news that came with an item.
    #[cold]
    fn note_news(&mut self) {
        let source = self.source.as_deref().and_then(Option::as_ref);
        let Some(news) = source.map(CountedSource::news) else { return };
        match news {
            SourceNews::Total(total) => self.driver.shared.state().buffer.set_total(total),
            SourceNews::Last => {
                let source = self.take_source();
                self.flush();
                self.driver.shared.stop(source.and_then(drop_source));
            }
        }
    }

    /// Takes the source, which is exhausted.
    fn take_source(&mut self) -> Option<CountedSource<S>> {
        let mut guard = self.source.take();
        let source = guard.as_deref_mut().and_then(Option::take);
        self.driver.shared.state().buffer.mark_exhausted();
        source
    }

    /// There are no more items.
    #[cold]
    fn end(&mut self) {
        let source = self.take_source();
        self.flush();
        if let Some(source) = source {
            self.first = source.read;
            // If its destructor panics, `panicked` reports that as the result of an item.
            drop(source);
        }
        self.driver.shared.unreserve();
        self.driver.shared.stop(None);
    }

    /// The source or the function has panicked. Returns the number of the item whose result is that panic.
    #[cold]
    pub(crate) fn panicked(&mut self, user_code: UserCode) -> u64 {
        let mut guard = self.source.take();
        let source = guard.as_deref_mut().and_then(Option::as_mut);
        let number = source.as_ref().map_or(self.first, |source| source.read);
        if let (UserCode::Function, Some(source)) = (user_code, source) {
            source.read += 1;
            return number;
        }
        // A source that panicked is not read again.
        let source = guard.as_deref_mut().and_then(Option::take);
        drop(guard);
        self.flush();
        self.driver.shared.stop(None);
        let _ = drop_source(source);
        number
    }
}

impl<S: JobSource> Drop for Session<'_, S> {
    #[inline]
    fn drop(&mut self) {
        self.source = None;
        self.flush();
    }
}
