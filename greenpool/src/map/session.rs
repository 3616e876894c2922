//! What a worker of a map keeps during one poll: the lock of the source, reserved places, and finished results.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;

use crate::job::error::JoinError;
use crate::job::span::Origin;
use crate::lending::context;
use crate::map::buffer::{Results, Signals};
use crate::map::feed::{CountedSource, Driver, JobSource, Output, Returned, UserCode};
use crate::map::shared::LastItem;
use crate::sync::SourceGuard;
use crate::sync::quiet::drop_quietly;
use crate::sync::wake::wake;
use crate::worker::poll::POLL_BUDGET;

/// Why a worker that has a slot and a place has no item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoItem {
    /// The source is at its end, or has been dropped.
    End,
    /// The next item is not there yet. This worker will be woken for it.
    Awaited,
    /// Another worker is reading the source.
    Busy,
}

/// The access of one worker to the map during one poll.
///
/// On a current-thread runtime no other worker can run before this poll returns. There the session keeps the lock of
/// the source, and reserves places and stores results in batches, which grow while each job finishes in its first poll.
/// Apart from the speed this is invisible on that thread: a waiting consumer is woken at once, and the session gives
/// everything back before the poll ends. A consumer on another thread that begins to wait in between gets the results
/// when the next job has finished.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own, and they come in any combination")]
pub(crate) struct Session<'a, S: JobSource> {
    driver: &'a Arc<Driver<S>>,
    /// The key of the worker.
    key: u32,
    signals: &'a Signals,
    /// The size of the pool when it was last read.
    pub(crate) size: usize,
    source: Option<SourceGuard<'a, Option<CountedSource<S>>>>,
    /// The number of places in the last batch.
    batch: usize,
    /// The number of places that no item has been read into.
    reserved: usize,
    /// Results that are not in the buffer yet.
    results: Option<Results<Output<S>>>,
    /// The number of the first of them.
    first: u64,
    /// Whether a job has followed another one in this slot, and the next one does not count as begun yet.
    pub(crate) follows: bool,
    /// Whether the async source keeps an item that was read for this worker.
    pub(crate) is_reader: bool,
    /// The size hint says that the job which has begun is the last one.
    pub(crate) is_last: bool,
    /// Whether another job may follow in this slot: it is one of the pool's own, and the job is not the last one.
    pub(crate) keeps_slot: bool,
    /// Whether a task has been woken that can run only on this thread until this poll ends. Not set on a current-thread
    /// runtime.
    pub(crate) has_woken: bool,
    /// Whether the job has waited before. Then the next one is expected to wait too.
    pub(crate) has_waited: bool,
    /// Whether a worker has been notified for the time that the job waits.
    pub(crate) has_notified: bool,
}

impl<'a, S: JobSource> Session<'a, S> {
    #[inline]
    pub(crate) fn new(driver: &'a Arc<Driver<S>>, key: u32, has_waited: bool, has_notified: bool) -> Self {
        let shared = &driver.shared;
        Session {
            driver,
            key,
            signals: &shared.signals,
            size: shared.inner.slots.size(),
            source: None,
            batch: 0,
            reserved: 0,
            results: None,
            first: 0,
            follows: false,
            is_reader: false,
            is_last: false,
            keeps_slot: false,
            has_woken: false,
            has_waited,
            has_notified,
        }
    }

    /// Where the map was made.
    #[inline]
    pub(crate) fn origin(&self) -> &'a Origin {
        &self.driver.shared.origin
    }

    /// Whether the worker may keep its slot for another item, after `Slots::can_keep` has answered no.
    #[cold]
    pub(crate) fn may_keep_slot(&mut self) -> bool {
        let shared = &self.driver.shared;
        // The pool may have been resized, even by the job itself.
        self.size = shared.inner.slots.size();
        self.reserved == 0 && !shared.inner.slots.is_closed() && !shared.is_wanted_by_others()
    }

    /// Reads the next item into its place. Returns its number.
    #[inline]
    pub(crate) fn read(
        &mut self,
        job: Pin<&mut Option<S::Job>>,
        cx: &mut Context<'_>,
        user_code: &mut UserCode,
    ) -> Result<u64, NoItem> {
        if self.source.is_none() {
            let is_reader = std::mem::take(&mut self.is_reader);
            self.source = if is_reader { Some(self.driver.source()) } else { self.driver.try_source() };
        }
        let Some(guard) = &mut self.source else {
            return Err(NoItem::Busy);
        };
        let Some(source) = guard.as_mut() else {
            // Whoever has taken it ends the map.
            self.source = None;
            return Err(NoItem::End);
        };
        if S::IS_ASYNC {
            if let Err(no_item) = read_ready(self.driver, self.key, source, cx, user_code) {
                self.source = None;
                return Err(no_item);
            }
        }
        let Some((number, has_news)) = source.next(job, user_code) else {
            self.end(None);
            return Err(NoItem::End);
        };
        *user_code = UserCode::Job;
        if has_news {
            self.note_hint();
        }
        if !self.driver.single {
            self.source = None;
            self.has_woken |= self.driver.notify_missed();
        }
        Ok(number)
    }

    /// Stores a result and reserves the next place in one go. Returns the result as an error if there is no place,
    /// because then the slot must be released before the result is stored.
    #[inline]
    pub(crate) fn push(&mut self, number: u64, value: Returned<S>) -> Result<(), Returned<S>> {
        if self.reserved == 0 && self.signals.is_full() {
            return Err(value);
        }
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
        results.push_back(Some(S::result(value)));
        Ok(())
    }

    #[inline(never)]
    fn push_now(&mut self, number: u64, value: Returned<S>) -> Result<(), Returned<S>> {
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
        let consumer = state.buffer.put_wanted(number, S::result(value));
        if self.reserved > 0 && self.results.is_none() {
            self.results = Some(state.buffer.take_spare());
        }
        self.has_notified = std::mem::take(&mut self.has_waited);
        let wakeup = state.notify_ahead(self.size, &mut self.has_notified);
        drop(state);
        let wakes = first.is_some() || consumer.is_some();
        let notified = context::outside(|| {
            wake(first);
            wake(consumer);
            self.driver.wake(wakeup)
        });
        self.has_woken |= !self.driver.single && (wakes || notified);
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
        let unwanted = if results.is_empty() {
            state.buffer.put_spare(results);
            None
        } else {
            Some(results)
        };
        let wakeup = state.notify(self.size, 0);
        drop(state);
        wake(first);
        wake(consumer);
        self.driver.wake(wakeup);
        if let Some(unwanted) = unwanted {
            drop_all(unwanted);
        }
    }

    /// Notes what the size hint after an item says.
    #[cold]
    fn note_hint(&mut self) {
        let Some(source) = self.source.as_deref().and_then(Option::as_ref) else { return };
        self.is_last = source.seems_over();
        self.keeps_slot &= !self.is_last;
        let mut state = self.driver.shared.state();
        state.buffer.set_total(source.total());
        if self.is_last {
            state.last = LastItem::Read;
        }
    }

    /// There are no more items: drops the source. The error, or that of the source's destructor, follows all results.
    #[cold]
    fn end(&mut self, error: Option<JoinError>) {
        let source = self.source.take().and_then(|guard| self.driver.take_source(guard));
        self.flush();
        self.driver.end(source, error);
    }

    /// The source has panicked, so it is not read again.
    #[cold]
    pub(crate) fn source_panicked(&mut self, payload: Box<dyn Any + Send>) {
        if self.source.is_none() {
            self.source = self.driver.try_source();
        }
        self.end(Some(JoinError::panic(payload)));
    }

    /// The function has panicked. Returns the number of the item whose result is that panic.
    #[cold]
    pub(crate) fn function_panicked(&mut self) -> u64 {
        let mut guard = self.source.take();
        let source = guard.as_deref_mut().and_then(Option::as_mut);
        let number = source.map_or(self.first, |source| {
            source.read += 1;
            source.read - 1
        });
        drop(guard);
        self.driver.notify_missed();
        number
    }
}

/// Looks for the next item of an async source, which may have been read for this worker already. If it is not there
/// yet, this worker waits for it, unless another one reads for the map.
fn read_ready<S: JobSource>(
    driver: &Driver<S>,
    key: u32,
    source: &mut CountedSource<S>,
    cx: &mut Context<'_>,
    user_code: &mut UserCode,
) -> Result<(), NoItem> {
    match source.reader.take() {
        Some(reader) if reader == key => return Ok(()),
        Some(reader) => {
            source.reader = Some(reader);
            return Err(NoItem::Busy);
        }
        None => {}
    }
    *user_code = UserCode::Source;
    if source.poll_ready(cx).is_ready() {
        return Ok(());
    }
    let mut state = driver.shared.state();
    if state.queued || !state.buffer.is_reading() {
        return Err(NoItem::Busy);
    }
    state.queued = true;
    source.reader = Some(key);
    Err(NoItem::Awaited)
}

/// Not inlined: otherwise this would cost something each time there is nothing to drop.
#[cold]
fn drop_all<T>(results: Results<T>) {
    results.into_iter().for_each(drop_quietly);
}

impl<S: JobSource> Drop for Session<'_, S> {
    #[inline]
    fn drop(&mut self) {
        let has_read = self.source.take().is_some();
        self.flush();
        if has_read {
            // The map may have been stopped meanwhile, even by a job in this session.
            self.driver.notify_missed();
        }
    }
}
