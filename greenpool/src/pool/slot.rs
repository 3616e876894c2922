//! `slot` and `try_slot`: a slot without a job.

use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use tokio::task::coop;

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::inner::wait::ReadySource;
use crate::job::cell::cell_of;
use crate::job::error::{JoinError, TrySpawnError};
use crate::job::handle::GreenThread;
use crate::job::permit::Permit;
use crate::lending::blocking::WaitGuard;
use crate::lending::taken::Taken;
use crate::lending::waiter::{Acquired, Waiter};
use crate::lending::{context, deadlock};
use crate::pool::GreenPool;
use crate::spawn::FutureJob;
use crate::spawn::begin;
use crate::sync::slots::{Collector, Refusal};

impl GreenPool {
    /// Waits for a slot, and holds it without a job, as a [`Slot`], until that is dropped or a job begins in it.
    ///
    /// An accept loop takes the slot first and the connection second, so it accepts nothing that it cannot serve:
    /// [`Slot::spawn_n`] then begins the job without waiting. And work that borrows, and so cannot be a job, can be
    /// done in place while the slot is held.
    ///
    /// It stands in line with all other callers. From its first poll on, the slot is its own when its turn comes,
    /// whether or not it is polled then, so do not keep it without polling it.
    ///
    /// # What a held slot is
    /// It counts as [running](Self::running), and [`PoolStats::held`](crate::PoolStats::held) shows it. So
    /// [`waitall`](Self::waitall) waits for it; do not await that in the code that holds it.
    /// [`close`](Self::close) and [`abort_all`](Self::abort_all) do not touch it, and a job can still begin in it.
    /// [`shutdown`](Self::shutdown) does not wait for it longer than its grace period, and reports it.
    ///
    /// It is not a job. It is never lent, and the promise that waiting for greenpool does not deadlock covers jobs
    /// only: code that holds the last slot of a pool, and waits for another one of it, waits for ever. But a job that
    /// has taken slots, of its own pool or of others, always gets a slot of its own pool again to go on with. If jobs
    /// hold all slots of that pool, since it has been shrunk, that is one slot more than its size.
    ///
    /// # In a job of the same pool
    /// If a slot is free, this takes it. Otherwise it does not wait, since all jobs could be waiting for each other: it
    /// is ready at once with a `Slot` that *shares* the slot of the job. That holds no slot of its own, so dropping it
    /// releases nothing, and it bounds nothing beyond the limit that the job is under anyway. What is done with it in
    /// place is part of the job. A job that is spawned in it stands in line, as an entry of [`pile!`](crate::pile)
    /// does: the limit stays exact.
    ///
    /// # Errors
    /// If the pool is closed. [`is_closed`](JoinError::is_closed) is true for the error.
    ///
    /// # Cancel safety
    /// If the returned future is dropped before it is ready, it leaves the queue, and a slot that it was given goes to
    /// the next in line.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), greenpool::JoinError> {
    /// use futures::StreamExt;
    /// use greenpool::GreenPool;
    ///
    /// let pool = GreenPool::new(2);
    /// let words = [String::from("one"), String::from("three"), String::from("five")];
    /// // These futures borrow, so they cannot be jobs. Two of them work at once.
    /// let lengths = futures::stream::iter(&words).map(async |word| {
    ///     let _slot = pool.slot().await?;
    ///     Ok::<_, greenpool::JoinError>(word.len())
    /// });
    /// let lengths: Vec<_> = lengths.buffer_unordered(10).collect().await;
    /// assert_eq!(lengths.into_iter().sum::<Result<usize, _>>()?, 12);
    /// # Ok(()) }
    /// ```
    pub fn slot(&self) -> TakeSlot {
        TakeSlot { guard: WaitGuard::default(), taken: None, stage: Stage::Start, inner: self.inner().clone() }
    }

    /// Takes a slot if one is free and nothing is queued, and holds it like [`slot`](Self::slot). It does not wait.
    ///
    /// # Errors
    /// If the pool is full or closed.
    ///
    /// ```
    /// let pool = greenpool::GreenPool::new(1);
    /// let slot = pool.try_slot().unwrap();
    /// assert!(pool.try_slot().unwrap_err().is_full());
    /// drop(slot);
    /// assert!(pool.try_slot().is_ok());
    /// ```
    pub fn try_slot(&self) -> Result<Slot, TrySpawnError<()>> {
        match self.inner().slots.try_acquire() {
            Ok(()) => Ok(Slot::new(self.inner(), None, Taken::by_current(self.inner(), None))),
            Err(Refusal::Full) => Err(TrySpawnError::Full(())),
            Err(Refusal::Closed) => Err(TrySpawnError::Closed(())),
        }
    }
}

/// One slot of a pool, held without a job; returned by [`GreenPool::slot`] and [`GreenPool::try_slot`].
///
/// **Dropping** it releases the slot to the next in line.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), greenpool::JoinError> {
/// let pool = greenpool::GreenPool::new(1);
/// let slot = pool.slot().await?;
/// assert_eq!((pool.running(), pool.stats().held), (1, 1));
/// drop(slot);
/// assert_eq!(pool.running(), 0);
/// # Ok(()) }
/// ```
#[must_use = "dropping it releases the slot"]
pub struct Slot {
    inner: Arc<Inner>,
    held: Held,
    /// The job that took it, if one did.
    taken: Option<Taken>,
}

/// What a [`Slot`] holds.
enum Held {
    /// A slot, which is a loan if it has a lender.
    Slot(Option<Arc<Member>>),
    /// Nothing: it stands for the slot of the job that it was taken in.
    Shared,
    /// Nothing any longer.
    Nothing,
}

impl Slot {
    /// Holds a slot that was just acquired, or that `lender` lent.
    fn new(inner: &Arc<Inner>, lender: Option<Arc<Member>>, taken: Option<Taken>) -> Self {
        inner.counters.held.fetch_add(1, Ordering::SeqCst);
        if let Some(taken) = &taken {
            taken.hold();
        }
        Slot { inner: inner.clone(), held: Held::Slot(lender), taken }
    }

    /// Begins `future` as a job in this slot, and returns its handle. It does not wait.
    ///
    /// It does so even if the pool was closed in the meantime. If the slot [shares](GreenPool::slot) that of a job, the
    /// new job is queued for a slot, and the job that awaits its handle may lend it its own.
    ///
    /// # Panics
    /// If called outside a tokio runtime. The slot is released then.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), greenpool::JoinError> {
    /// let pool = greenpool::GreenPool::new(1);
    /// let slot = pool.slot().await?;
    /// let green = slot.spawn(async { 7 });
    /// assert_eq!(green.await?, 7);
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> GreenThread<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (inner, job) = (self.inner.clone(), cell_of!(F, future));
        match self.into_permit() {
            Some((lender, runtime)) => begin::spawn(job, &inner, lender, &runtime),
            None => begin::submit(FutureJob::new(inner, job)),
        }
    }

    /// Begins `future` as a job in this slot like [`spawn`](Self::spawn), but returns no handle.
    ///
    /// A panic in the job is treated as in [`GreenPool::spawn_n`]. If the slot [shares](GreenPool::slot) that of a job,
    /// the new job is [queued](GreenPool::queue).
    ///
    /// # Panics
    /// If called outside a tokio runtime. The slot is released then.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use greenpool::green_pool;
    /// use tokio::net::{TcpListener, TcpStream};
    ///
    /// #[green_pool(size = 1000)]
    /// async fn serve(client: TcpStream) { drop(client) }
    ///
    /// async fn listen(listener: TcpListener) -> std::io::Result<()> {
    ///     // Ends when the pool is closed.
    ///     while let Ok(slot) = serve::pool().slot().await {
    ///         let (client, _) = listener.accept().await?;
    ///         slot.spawn_n(serve(client));
    ///     }
    ///     Ok(())
    /// }
    /// # let listener = TcpListener::bind("127.0.0.1:0").await?;
    /// # let address = listener.local_addr()?;
    /// # let server = tokio::spawn(listen(listener));
    /// # TcpStream::connect(address).await?;
    /// # while serve::pool().stats().finished == 0 { tokio::task::yield_now().await; }
    /// # server.abort();
    /// # Ok(()) }
    /// ```
    #[track_caller]
    pub fn spawn_n<F>(self, future: F)
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let (inner, job) = (self.inner.clone(), cell_of!(F, future));
        match self.into_permit() {
            Some((lender, runtime)) => {
                let _: Option<GreenThread<F::Output>> =
                    begin::begin(job, &inner, Permit::new(&inner, lender), false, &runtime);
            }
            None => begin::queue_job(&inner, job, None),
        }
    }

    /// Takes the slot out, for a job on the current runtime. `None` if it holds none.
    #[track_caller]
    fn into_permit(mut self) -> Option<(Option<Arc<Member>>, tokio::runtime::Handle)> {
        if let Held::Shared = self.held {
            return None;
        }
        // If this panics, dropping `self` releases the slot.
        let runtime = tokio::runtime::Handle::current();
        match std::mem::replace(&mut self.held, Held::Nothing) {
            Held::Slot(lender) => {
                self.taken = None;
                self.inner.counters.held.fetch_sub(1, Ordering::SeqCst);
                Some((lender, runtime))
            }
            Held::Shared | Held::Nothing => None,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if let Held::Slot(lender) = std::mem::replace(&mut self.held, Held::Nothing) {
            self.taken = None;
            self.inner.counters.held.fetch_sub(1, Ordering::SeqCst);
            deadlock::release(&self.inner, lender);
        }
    }
}

// As for `GreenPool`.
impl UnwindSafe for Slot {}
impl RefUnwindSafe for Slot {}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("pool", &self.inner.name())
            .field("shared", &matches!(self.held, Held::Shared))
            .finish()
    }
}

/// Waits for a slot: the future returned by [`GreenPool::slot`].
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::GreenPool;
/// use greenpool::futures::TakeSlot;
///
/// let slot: TakeSlot = GreenPool::new(1).slot();
/// assert!(slot.await.is_ok());
/// # }
/// ```
#[must_use = "it takes a slot only when it is awaited; write `.await`"]
pub struct TakeSlot {
    /// Dropped before `stage`: when dropping that releases a slot, the caller must not count as waiting any longer.
    guard: WaitGuard,
    /// The job that waits, if one does. Dropped before `stage`, too.
    taken: Option<Taken>,
    stage: Stage,
    inner: Arc<Inner>,
}

enum Stage {
    Start,
    Queued(Waiter),
    /// The caller may have to wait until the job that it is in has its own slot.
    Done(Option<Result<Slot, JoinError>>),
}

impl TakeSlot {
    /// Takes a slot, or queues for one.
    fn begin(&self) -> Stage {
        if context::is_inside(&self.inner) {
            let result = match self.inner.slots.try_acquire() {
                Ok(()) => Ok(self.slot(None)),
                Err(Refusal::Full) => Ok(self.share()),
                Err(Refusal::Closed) => Err(JoinError::closed()),
            };
            return Stage::Done(Some(result));
        }
        match Waiter::acquire(&self.inner, Collector::Caller) {
            Acquired::Now => Stage::Done(Some(Ok(self.slot(None)))),
            Acquired::Queued(waiter) => {
                deadlock::changed(&self.inner);
                Stage::Queued(waiter)
            }
            Acquired::Closed => Stage::Done(Some(Err(JoinError::closed()))),
        }
    }

    /// A slot that was just acquired.
    fn slot(&self, lender: Option<Arc<Member>>) -> Slot {
        Slot::new(&self.inner, lender, Taken::by_current(&self.inner, None))
    }

    /// A slot that shares that of the job that runs here.
    fn share(&self) -> Slot {
        Slot { inner: self.inner.clone(), held: Held::Shared, taken: None }
    }
}

impl Future for TakeSlot {
    type Output = Result<Slot, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        if let Stage::Start = this.stage {
            // A job that waits in place may have no slot. Another job may need the one that is taken here to go on.
            ready!(this.guard.poll_reacquire(cx));
            let coop = ready!(coop::poll_proceed(cx));
            this.stage = this.begin();
            coop.made_progress();
        }
        while let Stage::Queued(waiter) = &mut this.stage {
            let ticket = waiter.waiter_ref().ticket();
            if !this.taken.as_ref().is_some_and(Taken::is_of_current) {
                this.taken = Taken::by_current(&this.inner, Some(ticket));
            }
            let served = match &this.taken {
                Some(taken) => waiter.poll_served(&taken.waker(cx.waker())),
                None => waiter.poll_served(cx.waker()),
            };
            if served.is_pending() && context::is_inside(&this.inner) {
                // It was queued elsewhere.
                this.taken = None;
                this.stage = Stage::Done(Some(Ok(this.share())));
            } else if served.is_pending() {
                this.guard.register(&this.inner, Some(ticket), || ReadySource::Begun, cx);
                return Poll::Pending;
            } else {
                // Until the job has its own slot, another job may get this one to go on. Then it waits again.
                ready!(this.guard.poll_reacquire(cx));
                if let Poll::Ready(granted) = waiter.collect() {
                    let granted = granted.map(|lender| Slot::new(&this.inner, lender, this.taken.take()));
                    this.stage = Stage::Done(Some(granted.map_err(|_| JoinError::closed())));
                }
            }
        }
        ready!(this.guard.poll_reacquire(cx));
        match &mut this.stage {
            Stage::Done(result) => Poll::Ready(result.take().expect("`slot` was polled after it was ready")),
            Stage::Start | Stage::Queued(_) => unreachable!("it has a result"),
        }
    }
}
