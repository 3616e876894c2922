//! What a hand of a map can reach while it is polled: the source, places, and the ring.

use std::pin::Pin;
use std::sync::Arc;

use crate::lending::context;
use crate::map::buffer::{Results, Signals};
use crate::map::feed::{Crew, Doing, Feed, Output, Said, Source, let_go};
use crate::sync::wake::wake;
use crate::sync::{MutexGuard, lock};
use crate::worker::run::POLL_BUDGET;

/// What a hand can reach while it is polled.
///
/// If no other thread could work for the map meanwhile, it keeps the source, and it takes places and hands results in by the dozen: more and more each time
/// that a job was over at once. Nobody can tell the difference but by the clock: a consumer that waits is told at once, and all comes back before
/// the hand has to wait.
pub(crate) struct Reach<'a, S: Feed> {
    crew: &'a Arc<Crew<S>>,
    signals: &'a Signals,
    /// The size of the pool when it last looked.
    pub(crate) size: usize,
    source: Option<MutexGuard<'a, Option<Source<S>>>>,
    /// How many places it took the last time.
    stride: usize,
    /// Places that no item has been read into.
    places: usize,
    /// Results that are not in the ring yet, and the number of the first.
    results: Option<Results<Output<S>>>,
    first: u64,
    /// Whether a job has been followed by another one.
    pub(crate) follows: bool,
    /// The job has waited before. Then the next one is thought to wait too.
    pub(crate) has_waited: bool,
    /// One more hand has been called for the time that the job waits.
    pub(crate) has_called: bool,
}

impl<'a, S: Feed> Reach<'a, S> {
    #[inline]
    pub(crate) fn new(crew: &'a Arc<Crew<S>>, has_waited: bool, has_called: bool) -> Self {
        let flow = &crew.flow;
        Reach {
            crew,
            signals: &flow.signals,
            size: flow.inner.slots.size(),
            source: None,
            stride: 0,
            places: 0,
            results: None,
            first: 0,
            follows: false,
            has_waited,
            has_called,
        }
    }

    /// Whether a hand may use its slot for one more item, though the pool is not calm.
    #[cold]
    pub(crate) fn may_keep_slot(&mut self) -> bool {
        let flow = &self.crew.flow;
        // It may have been resized, also by the job.
        self.size = flow.inner.slots.size();
        self.places == 0 && !flow.inner.slots.is_closed() && !flow.is_wanted_by_others()
    }

    /// Reads the next item into its place; gives its number.
    #[inline]
    pub(crate) fn read(&mut self, job: Pin<&mut Option<S::Job>>, doing: &mut Doing) -> Option<u64> {
        let source = self.source.get_or_insert_with(|| lock(&self.crew.source));
        let next = source.as_mut().and_then(|source| source.next(job, doing));
        let Some((number, news)) = next else {
            self.end();
            return None;
        };
        *doing = Doing::Job;
        if news {
            self.hear();
        }
        if !self.crew.single {
            self.source = None;
        }
        Some(number)
    }

    /// A result is to be handed in, and one more place to be taken, at once. Gives the result back if there is no place, since then the slot is to come
    /// back first.
    #[inline]
    pub(crate) fn pass(&mut self, number: u64, value: Output<S>) -> Result<(), Output<S>> {
        if self.places == 0 && self.signals.is_full() {
            return Err(value);
        }
        self.follows = true;
        if self.places == 0 || self.signals.is_urgent() {
            return self.pass_now(number, value);
        }
        let Some(results) = &mut self.results else {
            return self.pass_now(number, value);
        };
        self.places -= 1;
        if results.is_empty() {
            self.first = number;
        }
        results.push_back(Some(Ok(value)));
        Ok(())
    }

    #[inline(never)]
    fn pass_now(&mut self, number: u64, value: Output<S>) -> Result<(), Output<S>> {
        let flow = &self.crew.flow;
        let mut state = flow.state();
        if self.places == 0 {
            self.stride = if self.crew.single { (8 * self.stride).clamp(1, POLL_BUDGET as usize) } else { 1 };
            self.places = state.ring.reserve_many(self.size, self.stride);
        }
        if self.places == 0 || !state.ring.is_reading() {
            return Err(value);
        }
        self.places -= 1;
        let first = match &mut self.results {
            Some(results) if !results.is_empty() => state.ring.put_many(self.first, results),
            _ => None,
        };
        let consumer = state.ring.put(number, Ok(value));
        if self.places > 0 && self.results.is_none() {
            self.results = Some(state.ring.lend());
        }
        self.has_called = std::mem::take(&mut self.has_waited);
        let wakeup = state.notify_ahead(self.size, &mut self.has_called);
        drop(state);
        context::outside(|| {
            wake(first);
            wake(consumer);
            self.crew.wake(wakeup);
        });
        Ok(())
    }

    /// Hands all results in, and gives places back.
    #[inline]
    fn hand_in(&mut self) {
        if self.places > 0 || self.results.is_some() {
            self.hand_in_now();
        }
    }

    fn hand_in_now(&mut self) {
        let mut state = self.crew.flow.state();
        let mut results = self.results.take().unwrap_or_default();
        let first = if results.is_empty() { None } else { state.ring.put_many(self.first, &mut results) };
        let consumer = state.ring.unreserve(std::mem::take(&mut self.places));
        state.ring.give_back(results);
        let wakeup = state.notify(self.size, 0);
        drop(state);
        wake(first);
        wake(consumer);
        self.crew.wake(wakeup);
    }

    /// The source has said something with an item.
    #[cold]
    fn hear(&mut self) {
        let source = self.source.as_deref().and_then(Option::as_ref);
        let Some(said) = source.map(Source::said) else { return };
        match said {
            Said::Total(total) => self.crew.flow.state().ring.set_total(total),
            Said::Last => {
                let source = self.take_source();
                self.hand_in();
                self.crew.flow.stop(source.and_then(let_go));
            }
        }
    }

    /// The source, which is at its end. It may take its time to be dropped, and nobody is to look for an item meanwhile.
    fn take_source(&mut self) -> Option<Source<S>> {
        let mut guard = self.source.take();
        let source = guard.as_deref_mut().and_then(Option::take);
        self.crew.flow.state().ring.drain();
        source
    }

    /// There is no item.
    #[cold]
    fn end(&mut self) {
        let source = self.take_source();
        self.hand_in();
        if let Some(source) = source {
            self.first = source.read;
            // If its destructor panics, that stands in the place of an item.
            drop(source);
        }
        self.crew.flow.unreserve();
        self.crew.flow.stop(None);
    }

    /// The source, or the function, has panicked. The panic stands in the place of an item: gives its number.
    #[cold]
    pub(crate) fn lose(&mut self, doing: Doing) -> u64 {
        let mut guard = self.source.take();
        let source = guard.as_deref_mut().and_then(Option::as_mut);
        let number = source.as_ref().map_or(self.first, |source| source.read);
        if let (Doing::Function, Some(source)) = (doing, source) {
            source.read += 1;
            return number;
        }
        // A source that has panicked is not read again.
        let source = guard.as_deref_mut().and_then(Option::take);
        drop(guard);
        self.hand_in();
        self.crew.flow.stop(None);
        let _ = let_go(source);
        number
    }
}

impl<S: Feed> Drop for Reach<'_, S> {
    #[inline]
    fn drop(&mut self) {
        self.source = None;
        self.hand_in();
    }
}
