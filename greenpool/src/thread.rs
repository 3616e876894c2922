//! The handle on one job.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::task::{JoinHandle, coop};

use crate::blocked::Blocked;
use crate::claim::Claim;
use crate::error::JoinError;
use crate::heart::Core;
use crate::reply::{Abort, Reply};
use crate::seat::Ended;
use crate::slots::Ticket;
use crate::trace;
use crate::wait::Outlook;

/// One job in a pool, and a future of its result. After eventlet's `GreenThread`.
///
/// Awaiting it gives the job's own output in `Ok`, or a [`JoinError`] if the job panicked or was aborted. By then the job's
/// future has been dropped and its slot is free.
///
/// **Dropping** it detaches the job, which runs on; [`abort`](Self::abort) ends it.
///
/// # Cancel safety
/// Awaiting `&mut green` in a `select!` loses nothing: the result stays until it is taken.
///
/// # Panics
/// Polling it again after it gave its result panics.
///
/// # Compared with `tokio::task::JoinHandle`
/// The same in shape. A `JoinHandle` is of a task that may be one of any number; a `GreenThread` is of a job that counts against the
/// size of its pool.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pool = greenpool::GreenPool::new(2);
/// let green = pool.spawn(async { 6 * 7 }).await;
/// assert_eq!(green.await.unwrap(), 42);
/// # }
/// ```
#[must_use = "await it for the job's result, or use `spawn_n` where none is wanted"]
pub struct GreenThread<T> {
    source: Source<T>,
    out: Option<Result<T, JoinError>>,
    /// The job stood in the queue when it was submitted.
    claim: Option<Claim>,
    blocked: Blocked,
}

enum Source<T> {
    /// The flag, if the handle is a job's, is set before the slot comes back.
    Task(JoinHandle<Result<T, Ended>>, Arc<Core>, Option<Arc<AtomicBool>>),
    /// A worker runs it.
    Reply(Arc<Reply<T>>, &'static Arc<Core>),
    /// There is no task, or never was.
    Over(JobId, Arc<Core>),
}

impl<T> Source<T> {
    fn pend(&self, ticket: Option<Ticket>, blocked: &mut Blocked, cx: &mut Context<'_>) {
        match self {
            Source::Task(_, core, Some(over)) => blocked.pend(core, ticket, || Outlook::Flag(over.clone()), cx),
            Source::Task(task, core, None) => blocked.pend(core, ticket, || Outlook::Task(task.abort_handle()), cx),
            Source::Reply(reply, core) => blocked.pend(core, ticket, || Outlook::Flag(reply.ending()), cx),
            Source::Over(..) => {}
        }
    }
}

// The output is never pinned.
impl<T> Unpin for GreenThread<T> {}

impl<T> GreenThread<T> {
    #[inline]
    pub(crate) fn of(
        task: JoinHandle<Result<T, Ended>>,
        core: Arc<Core>,
        claim: Option<Claim>,
        over: Option<Arc<AtomicBool>>,
    ) -> Self {
        GreenThread { source: Source::Task(task, core, over), out: None, claim, blocked: Blocked::default() }
    }

    /// A job of a declared function, which one of its workers runs.
    #[inline]
    pub(crate) fn from(reply: Arc<Reply<T>>, core: &'static Arc<Core>) -> Self {
        GreenThread { source: Source::Reply(reply, core), out: None, claim: None, blocked: Blocked::default() }
    }

    /// A job that is over already, or never was one.
    pub(crate) fn ended(core: Arc<Core>, result: Result<T, JoinError>) -> Self {
        let id = JobId::next();
        GreenThread {
            source: Source::Over(id, core),
            out: Some(result.map_err(|error| error.of(id))),
            claim: None,
            blocked: Blocked::default(),
        }
    }

    /// The job is over, and nobody gets this handle.
    pub(crate) fn lose(self) {
        if let Some(Err(error)) = &self.out {
            match &self.source {
                Source::Task(_, core, _) | Source::Over(_, core) => trace::lost(core, error),
                Source::Reply(_, core) => trace::lost(core, error),
            }
        }
    }

    /// Ends the job at its next `.await`, or before it begins. Does nothing if it is over.
    ///
    /// The handle then gives a [`JoinError`] for which [`is_cancelled`](JoinError::is_cancelled) is true, once the job's future has been
    /// dropped; if the job came to its end first, it gives the result.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(std::future::pending::<()>()).await;
    /// green.abort();
    /// assert!(green.await.unwrap_err().is_cancelled());
    /// # }
    /// ```
    pub fn abort(&self) {
        match &self.source {
            Source::Task(task, ..) => task.abort(),
            Source::Reply(reply, _) => reply.abort(),
            Source::Over(..) => {}
        }
    }

    /// Whether the job is over: finished, panicked, or aborted and dropped.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(std::future::pending::<()>()).await;
    /// assert!(!green.is_finished());
    /// green.abort();
    /// pool.waitall().await;
    /// assert!(green.is_finished());
    /// # }
    /// ```
    pub fn is_finished(&self) -> bool {
        match &self.source {
            Source::Task(task, ..) => self.out.is_some() || task.is_finished(),
            Source::Reply(reply, _) => reply.is_over(),
            Source::Over(..) => true,
        }
    }

    /// The job's id.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let (one, two) = (pool.spawn(async {}).await, pool.spawn(async {}).await);
    /// assert_ne!(one.id(), two.id());
    /// # }
    /// ```
    pub fn id(&self) -> JobId {
        match &self.source {
            Source::Task(task, ..) => JobId::of_task(task.id()),
            Source::Reply(reply, _) => reply.id(),
            Source::Over(id, _) => *id,
        }
    }

    /// Waits until the job is over, and keeps its result. Says nothing to the job that it is polled in.
    #[inline]
    pub(crate) fn poll_over(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.out.is_some() {
            return Poll::Ready(());
        }
        self.out = Some(match &mut self.source {
            Source::Over(..) => return Poll::Ready(()),
            Source::Reply(reply, _) => {
                let turn = ready!(coop::poll_proceed(cx));
                let result = ready!(reply.poll(cx));
                turn.made_progress();
                result
            }
            Source::Task(task, ..) => match ready!(Pin::new(&mut *task).poll(cx)) {
                Ok(Ok(value)) => Ok(value),
                Ok(Err(Ended::Aborted)) => Err(JoinError::cancelled().of(JobId::of_task(task.id()))),
                Ok(Err(Ended::Closed)) => Err(JoinError::closed().of(JobId::of_task(task.id()))),
                Err(error) => {
                    let id = JobId::of_task(error.id());
                    let panic = error.try_into_panic().map(JoinError::panic);
                    Err(panic.unwrap_or_else(|_| JoinError::cancelled()).of(id))
                }
            },
        });
        Poll::Ready(())
    }

    /// Says to the job that this is polled in, through `blocked`, that it waits for this one.
    pub(crate) fn pend(&self, blocked: &mut Blocked, cx: &mut Context<'_>) {
        self.source.pend(None, blocked, cx);
    }

    /// Waits until the job is over and the job that it is polled in may go on; the result stays.
    #[inline]
    pub(crate) fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.poll_over(cx).is_pending() {
            if let Some(claim) = &self.claim {
                claim.want();
            }
            let ticket = self.claim.take().map(|claim| claim.ticket());
            self.source.pend(ticket, &mut self.blocked, cx);
            return Poll::Pending;
        }
        self.blocked.poll_resume(cx)
    }

    /// The result, once [`poll_ready`](Self::poll_ready) was ready.
    pub(crate) fn take(&mut self) -> Option<Result<T, JoinError>> {
        self.out.take()
    }

    /// The error, once it is ready with one.
    pub(crate) fn take_error(&mut self) -> Option<JoinError> {
        match self.out.take() {
            Some(Err(error)) => {
                self.out = Some(Err(JoinError::cancelled()));
                Some(error)
            }
            out => {
                self.out = out;
                None
            }
        }
    }

    /// The verb that was waiting for this has been dropped.
    pub(crate) fn unblock(&mut self) {
        self.blocked.clear();
    }
}

impl<T: Send + 'static> GreenThread<T> {
    /// A handle that can abort the job, without its result.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(std::future::pending::<()>()).await;
    /// let handle = green.abort_handle();
    /// tokio::spawn(async move { handle.abort() });
    /// assert!(green.await.unwrap_err().is_cancelled());
    /// # }
    /// ```
    pub fn abort_handle(&self) -> AbortHandle {
        let target = match &self.source {
            Source::Task(task, ..) => Target::Task(task.abort_handle()),
            Source::Reply(reply, _) => Target::Reply(reply.clone()),
            Source::Over(..) => Target::Over,
        };
        AbortHandle { id: self.id(), target }
    }
}

impl<T> Future for GreenThread<T> {
    type Output = Result<T, JoinError>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(self.poll_ready(cx));
        Poll::Ready(self.take().expect("a `GreenThread` was polled after it gave its result"))
    }
}

impl<T> fmt::Debug for GreenThread<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GreenThread").field("id", &self.id()).field("finished", &self.is_finished()).finish()
    }
}

/// Aborts a job from elsewhere; made by [`GreenThread::abort_handle`]. Dropping it does nothing.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{AbortHandle, GreenPool};
///
/// let pool = GreenPool::new(2);
/// let mut handles: Vec<AbortHandle> = Vec::new();
/// for _ in 0..2 {
///     let green = pool.spawn(std::future::pending::<()>()).await;
///     handles.push(green.abort_handle());
/// }
/// handles.iter().for_each(AbortHandle::abort);
/// pool.waitall().await;
/// # }
/// ```
#[derive(Clone)]
pub struct AbortHandle {
    id: JobId,
    target: Target,
}

#[derive(Clone)]
enum Target {
    Task(tokio::task::AbortHandle),
    Reply(Arc<dyn Abort>),
    Over,
}

impl AbortHandle {
    /// Ends the job at its next `.await`, or before it begins. Does nothing if it is over.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(std::future::pending::<()>()).await;
    /// green.abort_handle().abort();
    /// assert!(green.await.unwrap_err().is_cancelled());
    /// # }
    /// ```
    pub fn abort(&self) {
        match &self.target {
            Target::Task(task) => task.abort(),
            Target::Reply(reply) => reply.abort(),
            Target::Over => {}
        }
    }

    /// Whether the job is over.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(async {}).await;
    /// let handle = green.abort_handle();
    /// green.await.unwrap();
    /// assert!(handle.is_finished());
    /// # }
    /// ```
    pub fn is_finished(&self) -> bool {
        match &self.target {
            Target::Task(task) => task.is_finished(),
            Target::Reply(reply) => reply.is_over(),
            Target::Over => true,
        }
    }

    /// The job's id.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(async {}).await;
    /// assert_eq!(green.abort_handle().id(), green.id());
    /// # }
    /// ```
    pub fn id(&self) -> JobId {
        self.id
    }
}

impl fmt::Debug for AbortHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AbortHandle").field("id", &self.id).field("finished", &self.is_finished()).finish()
    }
}

/// Which job: no two jobs that live at the same time have the same.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::collections::HashMap;
/// # let pool = greenpool::GreenPool::new(2);
/// let mut begun = HashMap::new();
/// let green = pool.spawn(async {}).await;
/// begun.insert(green.id(), "the first one");
/// println!("job {} is {}", green.id(), begun[&green.id()]);
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(Id);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Id {
    Task(tokio::task::Id),
    Own(u64),
}

impl JobId {
    fn next() -> Self {
        Self::own(Self::next_number())
    }

    /// A number that is not 0 and that no other job has.
    pub(crate) fn next_number() -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        NEXT.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn own(number: u64) -> Self {
        JobId(Id::Own(number))
    }

    fn of_task(id: tokio::task::Id) -> Self {
        JobId(Id::Task(id))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Id::Task(id) => write!(f, "{id}"),
            Id::Own(id) => write!(f, "g{id}"),
        }
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}
