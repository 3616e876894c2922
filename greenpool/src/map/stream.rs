//! A map over an async source: one task reads it, and each job has a task of its own.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock, Weak};
use std::task::Poll;

use futures_core::Stream;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::inner::member::Member;
use crate::inner::wait::{Progress, WaitEdge};
use crate::inner::{AttachedMap, Inner};
use crate::job::error::JoinError;
use crate::lending::context::JobContext;
use crate::lending::deadlock;
use crate::map::buffer::Ring;
use crate::map::feed::total;
use crate::map::shared::{Flow, Foreman, Place, run};
use crate::sync::{Mutex, lock};
use crate::worker::idle::Wakeup;

type Hint = (usize, Option<usize>);

/// The one who reads the source, seen from the consumer.
struct Reader<T> {
    flow: Arc<Flow<T>>,
    /// Who reads.
    task: OnceLock<AbortHandle>,
    resized: Mutex<Option<usize>>,
    /// The reading task, as one who may wait for something in greenpool.
    outsider: Arc<Member>,
}

impl<T: Send + 'static> Progress for Reader<T> {
    fn will_progress(&self, found: &mut Vec<WaitEdge>) -> bool {
        // A source that waits for nothing in greenpool waits for something outside.
        self.flow.is_under_way() || self.flow.is_being_read() && self.outsider.outsider_moves(found)
    }
}

impl<T: Send + 'static> Foreman for Reader<T> {
    // The reader begins each task itself.
    fn hire(self: Arc<Self>, _key: u32) {}

    fn outlook(self: Arc<Self>) -> Arc<dyn Progress> {
        self
    }

    fn dismiss(&self) {
        self.flow.stop(None);
        // The source may be quiet for ever.
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl<T: Send + 'static> AttachedMap for Reader<T> {
    fn resized(self: Arc<Self>) {
        let wakeup = self.flow.state().notify(self.flow.inner.slots.size(), 0);
        if let Wakeup::Wake(reader) = wakeup {
            reader.wake();
        }
    }

    // Its jobs have tasks of their own, and are in the roster.
    fn wake_busy(&self) {}
}

impl<T> Drop for Reader<T> {
    fn drop(&mut self) {
        let key = lock(&self.resized).take();
        if let Some(key) = key {
            self.flow.inner.detach(key);
        }
    }
}

/// The end of a task of this map. One that is dropped before its time, as when the runtime is shut down, ends the map.
struct Leaving<T> {
    flow: Arc<Flow<T>>,
    key: u32,
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
    inner: &Arc<Inner>,
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
    let runtime = Handle::current();
    let signals = Arc::default();
    let ring = Ring::new(&signals, ordered, source.size_hint());
    let flow = Flow::new(inner, signals, ring, 0);
    let reader = Arc::new(Reader {
        flow: flow.clone(),
        task: OnceLock::new(),
        resized: Mutex::new(None),
        outsider: Member::outsider(inner.clone()),
    });
    let outsider = JobContext::outsider(&reader.outsider);
    let weak: Weak<Reader<Fut::Output>> = Arc::downgrade(&reader);
    *lock(&reader.resized) = Some(inner.attach(weak));
    flow.hire(flow.add(), |key| {
        let leaving = Leaving { flow: flow.clone(), key, over: false };
        let task = runtime.spawn(read(leaving, outsider, apply, source)).abort_handle();
        reader.task.get_or_init(|| task).clone()
    });
    (flow, reader)
}

async fn read<F, S, Fut>(mut leaving: Leaving<Fut::Output>, outsider: JobContext, mut apply: F, source: S)
where
    F: FnMut(S::Item) -> Fut + Send + 'static,
    S: Stream + Send + 'static,
    S::Item: Send,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    let flow = leaving.flow.clone();
    let mut outsider = Some(outsider);
    let mut source = pin!(Some(source));
    let mut read = 0;
    while let Some(mut place) = reserve(&flow).await {
        let (item, hint) = match next(source.as_mut(), &flow.inner, &mut outsider).await {
            Ok(Some(item)) => item,
            Ok(None) => {
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| source.set(None))) {
                    place.read(read);
                    place.put(Err(JoinError::panic(payload)));
                }
                break;
            }
            Err(panic) => {
                place.read(read);
                place.put(Err(panic));
                break;
            }
        };
        place.read(read);
        read += 1;
        flow.state().ring.set_total(total(read, hint));
        let Some(lender) = flow.acquire().await else {
            place.put(Err(JoinError::closed()));
            break;
        };
        let mut running = flow.running(lender);
        match catch_unwind(AssertUnwindSafe(|| apply(item))) {
            Ok(job) => flow.hire(flow.add(), |key| {
                let leaving = Leaving { flow: flow.clone(), key, over: false };
                let task = async move {
                    let mut leaving = leaving;
                    let result = run(&mut running, job).await;
                    leaving.flow.rise(leaving.key);
                    drop(running);
                    place.put(result);
                    leaving.over = true;
                };
                tokio::spawn(task).abort_handle()
            }),
            Err(payload) => {
                running.mark_panicked();
                drop(running);
                place.put(Err(JoinError::panic(payload)));
            }
        }
    }
    flow.stop(None);
    leaving.over = true;
}

/// Waits for room. `None`: nothing is read any more.
async fn reserve<T>(flow: &Arc<Flow<T>>) -> Option<Place<T>> {
    poll_fn(|cx| {
        let mut guard = flow.state();
        let state = &mut *guard;
        if !state.ring.is_reading() {
            return Poll::Ready(None);
        }
        if state.ring.reserve(flow.inner.slots.size()) {
            return Poll::Ready(Some(Place::reserved(flow)));
        }
        state.reader = Some(cx.waker().clone());
        drop(guard);
        deadlock::changed(&flow.inner);
        Poll::Pending
    })
    .await
}

/// The next item, and what the source says of those after it.
async fn next<S: Stream>(
    mut source: Pin<&mut Option<S>>,
    inner: &Arc<Inner>,
    outsider: &mut Option<JobContext>,
) -> Result<Option<(S::Item, Hint)>, JoinError> {
    poll_fn(|cx| {
        let read = JobContext::enter(outsider, || {
            catch_unwind(AssertUnwindSafe(|| {
                let Some(mut source) = source.as_mut().as_pin_mut() else {
                    return Poll::Ready(None);
                };
                source.as_mut().poll_next(cx).map(|item| item.map(|item| (item, source.size_hint())))
            }))
        });
        match read {
            Ok(Poll::Pending) => {
                deadlock::changed(inner);
                Poll::Pending
            }
            Ok(Poll::Ready(item)) => Poll::Ready(Ok(item)),
            Err(payload) => Poll::Ready(Err(JoinError::panic(payload))),
        }
    })
    .await
}
