//! A map over an async source: one task reads it, and each job has a task of its own.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, Weak};
use std::task::{Poll, Waker};

use futures_core::Stream;

use crate::error::JoinError;
use crate::flow::{Flow, Foreman, InFlight, run, wake};
use crate::heart::{Core, Resized};
use crate::ring::Ring;
use crate::sync::{Mutex, lock};

/// The one who reads the source, seen from the consumer.
struct Reader<T> {
    flow: Arc<Flow<T>>,
    /// The reading task, while it waits for room.
    waiting: Mutex<Option<Waker>>,
    resized: Mutex<Option<usize>>,
}

impl<T: Send + 'static> Foreman for Reader<T> {
    fn call(self: Arc<Self>) {
        let waker = lock(&self.waiting).take();
        wake(waker);
    }

    fn dismiss(&self) {
        self.flow.stop(None);
        let waker = lock(&self.waiting).take();
        wake(waker);
    }
}

impl<T: Send + 'static> Resized for Reader<T> {
    fn resized(self: Arc<Self>) {
        self.call();
    }
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        let key = lock(&self.resized).take();
        if let Some(key) = key {
            self.flow.core.off_resize(key);
        }
    }
}

/// The end of a task of this map. One that is dropped before its time, as when the runtime is shut down, ends the map.
struct Leaving<T> {
    flow: Arc<Flow<T>>,
    key: usize,
    over: bool,
}

impl<T> Drop for Leaving<T> {
    fn drop(&mut self) {
        self.flow.leave(self.key);
        if !self.over {
            self.flow.stop(Some(JoinError::cancelled()));
        }
    }
}

/// Starts a map.
#[track_caller]
pub(crate) fn start<F, S, Fut>(
    core: &Arc<Core>,
    apply: F,
    source: S,
    ordered: bool,
) -> (Arc<Flow<Fut::Output>>, Arc<dyn Foreman>)
where
    F: FnMut(S::Item) -> Fut + Send + 'static,
    S: Stream + Send + 'static,
    S::Item: Send,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    let flow = Flow::new(core, Ring::new(ordered, source.size_hint()));
    let reader = Arc::new(Reader { flow: flow.clone(), waiting: Mutex::new(None), resized: Mutex::new(None) });
    let weak: Weak<Reader<Fut::Output>> = Arc::downgrade(&reader);
    *lock(&reader.resized) = Some(core.on_resize(weak));
    let weak = Arc::downgrade(&reader);
    flow.hire(|key| {
        let leaving = Leaving { flow: flow.clone(), key, over: false };
        tokio::spawn(read(leaving, weak, apply, source)).abort_handle()
    });
    (flow, reader)
}

async fn read<F, S, Fut>(mut leaving: Leaving<Fut::Output>, reader: Weak<Reader<Fut::Output>>, mut apply: F, source: S)
where
    F: FnMut(S::Item) -> Fut + Send + 'static,
    S: Stream + Send + 'static,
    S::Item: Send,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    let flow = leaving.flow.clone();
    let mut source = pin!(source);
    while let Some(place) = reserve(&flow, &reader).await {
        let item = match next(source.as_mut(), &flow).await {
            Ok(Some(item)) => item,
            Ok(None) => {
                place.withdraw();
                break;
            }
            Err(panic) => {
                place.put(Err(panic));
                break;
            }
        };
        let Some(lender) = flow.acquire().await else {
            place.put(Err(JoinError::closed()));
            break;
        };
        let mut seat = flow.seat(lender);
        match catch_unwind(AssertUnwindSafe(|| apply(item))) {
            Ok(job) => flow.hire(|key| {
                let leaving = Leaving { flow: flow.clone(), key, over: false };
                let task = async move {
                    let mut leaving = leaving;
                    let result = run(&mut seat, job).await;
                    drop(seat);
                    place.put(result);
                    leaving.over = true;
                };
                tokio::spawn(task).abort_handle()
            }),
            Err(payload) => {
                seat.mark_panicked();
                drop(seat);
                place.put(Err(JoinError::panic(payload)));
            }
        }
    }
    flow.stop(None);
    leaving.over = true;
}

/// Waits for room. `None`: nothing is read any more.
async fn reserve<T>(flow: &Arc<Flow<T>>, reader: &Weak<Reader<T>>) -> Option<InFlight<T, Arc<Flow<T>>>> {
    poll_fn(|cx| {
        let Some(reader) = reader.upgrade() else {
            return Poll::Ready(None);
        };
        *lock(&reader.waiting) = Some(cx.waker().clone());
        if !lock(&flow.ring).is_reading() {
            return Poll::Ready(None);
        }
        match InFlight::reserve(flow.clone()) {
            Some(place) => Poll::Ready(Some(place)),
            None => Poll::Pending,
        }
    })
    .await
}

async fn next<S: Stream, T>(mut source: Pin<&mut S>, flow: &Flow<T>) -> Result<Option<S::Item>, JoinError> {
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| source.as_mut().poll_next(cx))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(item)) => {
            lock(&flow.ring).set_rest(source.size_hint());
            Poll::Ready(Ok(item))
        }
        Err(payload) => Poll::Ready(Err(JoinError::panic(payload))),
    })
    .await
}
