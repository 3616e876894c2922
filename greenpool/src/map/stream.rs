//! A map over an async source: one task reads the source, and each job runs in a separate task.

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
use crate::job::running::{Outcome, Running};
use crate::lending::context::JobContext;
use crate::lending::deadlock;
use crate::map::buffer::ReorderBuffer;
use crate::map::feed::total;
use crate::map::shared::{DynDriver, Reservation, Shared, run};
use crate::sync::{Mutex, lock};
use crate::worker::idle::Wakeup;

type Hint = (usize, Option<usize>);

/// The driver of a map over an async source.
struct StreamReader<T> {
    shared: Arc<Shared<T>>,
    /// The task that reads the source.
    task: OnceLock<AbortHandle>,
    /// The key of this map in its pool, which reports each resize to it.
    attached: Mutex<Option<usize>>,
    /// The reading task, which may wait for something in greenpool although it is no job.
    outsider: Arc<Member>,
}

impl<T: Send + 'static> Progress for StreamReader<T> {
    fn will_progress(&self, found: &mut Vec<WaitEdge>) -> bool {
        // A source that waits for nothing in greenpool waits for something outside, which may come at any time.
        self.shared.is_in_progress() || self.shared.is_being_read() && self.outsider.outsider_moves(found)
    }
}

impl<T: Send + 'static> DynDriver for StreamReader<T> {
    // The reader spawns each task itself.
    fn spawn_worker(self: Arc<Self>, _key: u32) {}

    fn progress(self: Arc<Self>) -> Arc<dyn Progress> {
        self
    }

    fn stop(&self) {
        self.shared.stop(None);
        // The reader may be waiting for an item that never comes.
        if let Some(task) = self.task.get() {
            task.abort();
        }
    }
}

impl<T: Send + 'static> AttachedMap for StreamReader<T> {
    fn resized(self: Arc<Self>) {
        let wakeup = self.shared.state().notify(self.shared.inner.slots.size(), 0);
        if let Wakeup::Wake(reader) = wakeup {
            reader.wake();
        }
    }

    // Each job registers its own abort waker.
    fn wake_busy(&self) {}
}

impl<T> Drop for StreamReader<T> {
    fn drop(&mut self) {
        let key = lock(&self.attached).take();
        if let Some(key) = key {
            self.shared.inner.detach(key);
        }
    }
}

/// Guards the exit of a task of this map. A task that is dropped before it is done, as when its runtime shuts down,
/// ends the map.
struct ExitGuard<T> {
    shared: Arc<Shared<T>>,
    key: u32,
    over: bool,
}

impl<T> Drop for ExitGuard<T> {
    fn drop(&mut self) {
        self.shared.leave(self.key);
        if !self.over {
            self.shared.stop(Some(JoinError::cancelled()));
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
) -> (Arc<Shared<Fut::Output>>, Arc<dyn DynDriver>)
where
    F: FnMut(S::Item) -> Fut + Send + 'static,
    S: Stream + Send + 'static,
    S::Item: Send,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    let runtime = Handle::current();
    let signals = Arc::default();
    let buffer = ReorderBuffer::new(&signals, ordered, source.size_hint());
    let shared = Shared::new(inner, signals, buffer, 0);
    let reader = Arc::new(StreamReader {
        shared: shared.clone(),
        task: OnceLock::new(),
        attached: Mutex::new(None),
        outsider: Member::outsider(inner.clone()),
    });
    let outsider = JobContext::outsider(&reader.outsider);
    let weak: Weak<StreamReader<Fut::Output>> = Arc::downgrade(&reader);
    *lock(&reader.attached) = Some(inner.attach(weak));
    shared.spawn_worker(shared.add(), |key| {
        let exit = ExitGuard { shared: shared.clone(), key, over: false };
        let task = runtime.spawn(read(exit, outsider, apply, source)).abort_handle();
        reader.task.get_or_init(|| task).clone()
    });
    (shared, reader)
}

/// The task that reads the source, until it ends or panics or the map is stopped.
async fn read<F, S, Fut>(mut exit: ExitGuard<Fut::Output>, outsider: JobContext, mut apply: F, source: S)
where
    F: FnMut(S::Item) -> Fut + Send + 'static,
    S: Stream + Send + 'static,
    S::Item: Send,
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    let shared = exit.shared.clone();
    let mut outsider = Some(outsider);
    let mut source = pin!(Some(source));
    let mut read = 0;
    while let Some(mut reservation) = reserve(&shared).await {
        let next = next(source.as_mut(), &shared.inner, &mut outsider).await;
        let last = match next {
            Ok(Some((item, hint))) => {
                reservation.read(read);
                read += 1;
                shared.state().buffer.set_total(total(read, hint));
                let Some(lender) = shared.acquire().await else {
                    reservation.put(Err(JoinError::closed()));
                    break;
                };
                begin(&shared, reservation, shared.begin_job(lender), || apply(item));
                continue;
            }
            Ok(None) => catch_unwind(AssertUnwindSafe(|| source.set(None))).map_err(JoinError::panic),
            Err(panic) => Err(panic),
        };
        if let Err(panic) = last {
            reservation.read(read);
            reservation.put(Err(panic));
        }
        break;
    }
    shared.stop(None);
    exit.over = true;
}

/// Begins the job that `make` returns, in a new task.
fn begin<Fut>(
    shared: &Arc<Shared<Fut::Output>>,
    reservation: Reservation<Fut::Output>,
    running: Running,
    make: impl FnOnce() -> Fut,
) where
    Fut: Future<Output: Send + 'static> + Send + 'static,
{
    let job = match catch_unwind(AssertUnwindSafe(make)) {
        Ok(job) => job,
        Err(payload) => {
            running.finish(Outcome::Panicked);
            return reservation.put(Err(JoinError::panic(payload)));
        }
    };
    shared.spawn_worker(shared.add(), |key| {
        let exit = ExitGuard { shared: shared.clone(), key, over: false };
        let task = async move {
            let (mut exit, mut running) = (exit, running);
            let result = run(&mut running, job).await;
            exit.shared.mark_busy(exit.key);
            running.finish(Outcome::of(&result));
            reservation.put(result);
            exit.over = true;
        };
        tokio::spawn(task).abort_handle()
    });
}

/// Waits for room and reserves a place. Returns `None` once the map has been stopped.
async fn reserve<T>(shared: &Arc<Shared<T>>) -> Option<Reservation<T>> {
    poll_fn(|cx| {
        let mut guard = shared.state();
        let state = &mut *guard;
        if !state.buffer.is_reading() {
            return Poll::Ready(None);
        }
        if state.buffer.reserve(shared.inner.slots.size()) {
            return Poll::Ready(Some(Reservation::reserved(shared)));
        }
        state.reader = Some(cx.waker().clone());
        drop(guard);
        deadlock::changed(&shared.inner);
        Poll::Pending
    })
    .await
}

/// Waits for the next item. Returns it with the size hint for the items after it.
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
