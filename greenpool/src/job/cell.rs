//! The cell of one job: the memory in which its future lives, and what belongs to the job from `spawn` to its end.
//!
//! # Implementation details
//!
//! A cell does not move. A verb that takes a future puts it into a new cell at once ([`cell_of`]), and a declared
//! function makes its future when a cell is there ([`place`]). The future is polled and dropped in the cell, and only
//! the cell's address goes through the queues. A large future has a box of its own ([`is_large`]).
//!
//! When the job of a declared function has ended, its cell serves the next job. So does the
//! [`Reply`](crate::job::reply_ref) that delivered the last result, unless a handle still uses it.
//!
//! User code may wait for another job, so it must run before the worker takes one. That is why a value that no handle
//! wants is dropped as a part of its job.
//!
//! All cells have one type, `JobCell<dyn RawJob>`, so workers and queues are compiled once. Only [`JobOf`], the part of
//! a cell that depends on its future, is compiled for each declared function.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use pin_project_lite::pin_project;

use crate::inner::Inner;
use crate::inner::member::Member;
use crate::job::error::JoinError;
use crate::job::reply::{Completer, Receiver};
use crate::job::reply_page::{Page, ReplyAlloc, Stage};
use crate::job::reply_ref::{AnyStage, ReplyRef, ReplyState};
use crate::job::running::{JobState, Running};
use crate::job::span::Origin;
use crate::sync::lock;
use crate::sync::quiet::drop_quietly;
use crate::sync::wake::wake;

pin_project! {
    /// The cell of one job.
    pub(crate) struct JobCell<J: ?Sized>
    where
        J: RawJob,
    {
        state: JobState,
        origin: Origin,
        completer: Completer,
        #[pin]
        job: J,
    }

    impl<J: ?Sized> PinnedDrop for JobCell<J>
    where
        J: RawJob,
    {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            end(this.state, this.completer, this.job.erased());
        }
    }
}

/// A cell with a job that has a slot, or an empty one.
pub(crate) type JobBox = Pin<Box<JobCell<dyn RawJob>>>;

/// A cell is dropped. When the handle learns that the job has ended, the future has been dropped and the slot is free.
/// The future is dropped in the span of the job.
fn end(state: &mut JobState, completer: &mut Completer, mut job: Pin<&mut dyn RawJob>) {
    if let Some(reply) = completer.wanted().and_then(|at| job.reply(at)) {
        reply.note_ending();
    }
    let state = std::mem::take(state);
    let mut clear = || job.as_mut().clear();
    let cleared = catch_unwind(AssertUnwindSafe(|| match &state {
        JobState::Running(running) => running.in_scope(clear),
        JobState::None | JobState::Permit(_) => clear(),
    }));
    drop(state);
    if std::mem::take(&mut completer.wanted) {
        if let Some(reply) = job.reply(completer.at) {
            let _ = reply.fail(JoinError::cancelled());
        }
    }
    if let Err(payload) = cleared {
        resume_unwind(payload);
    }
}

/// The part of a cell that depends on the type of its future. Only [`poll`](Self::poll) and [`clear`](Self::clear) run
/// user code.
pub(crate) trait RawJob: Send {
    /// Polls the future. When it completes, this drops it, and the value too if no handle wants it. The cell has this
    /// reply, if the job was given a handle.
    fn poll(self: Pin<&mut Self>, reply: Option<u8>, cx: &mut Context<'_>) -> Poll<()>;

    /// Drops the future, or the value.
    fn clear(self: Pin<&mut Self>);

    /// Takes the job out of a [`Filling`] of its type. With `replies`, does what [`attach`](Self::attach) does.
    fn fill(self: Pin<&mut Self>, filling: &mut dyn Any, replies: Option<Replies<'_>>, at: &mut u8);

    /// Gives the job a reply, and writes to `at` which one it is. Puts the handle's end, which is a [`Receiver`] of its
    /// type, into this `Option`.
    fn attach(self: Pin<&mut Self>, receiver: &mut dyn Any, replies: Replies<'_>, at: &mut u8);

    /// The reply, if there is one.
    fn reply(&self, at: u8) -> Option<ReplyRef<'_>>;

    /// Whether the reply may tell that the job has been aborted, or has lost its handle.
    fn is_flagged(&self) -> bool;

    /// The job has ended and released its slot: moves the value to the reply. Runs no user code.
    fn deliver(self: Pin<&mut Self>, at: u8, quietly: bool) -> Delivered;

    fn erased(self: Pin<&mut Self>) -> Pin<&mut dyn RawJob>;
}

/// What makes the replies of a pool.
pub(crate) struct Replies<'a> {
    alloc: &'a mut ReplyAlloc,
    inner: &'a Arc<Inner>,
}

impl<'a> Replies<'a> {
    #[inline]
    pub(crate) fn new(alloc: &'a mut ReplyAlloc, inner: &'a Arc<Inner>) -> Self {
        Replies { alloc, inner }
    }

    /// The handle's end of a reply: of the one at this place in the page of a cell, unless that is in use, or of a new
    /// one.
    #[inline]
    fn reply<T>(self, page: &mut Option<Arc<Page<T>>>, at: &mut u8) -> Receiver<T>
    where
        T: Send + 'static,
    {
        let page = match page {
            Some(page) if page.head.try_claim(*at) => page.clone(),
            _ => {
                let (new, place) = self.alloc.alloc(self.inner);
                new.head.try_claim(place);
                *at = place;
                page.insert(new).clone()
            }
        };
        Receiver::new(page, *at)
    }
}

/// What has become of a value.
pub(crate) enum Delivered {
    /// There is none.
    Missing,
    /// The reply has it. This must be woken.
    Done(Option<Waker>),
    /// It is still here: no handle wants it any longer or, if it was to be delivered quietly, something must be woken.
    Refused,
}

/// What becomes of an `R` that the future of a job returns.
pub(crate) trait IntoResult<R>: 'static {
    /// What the handle of the job gives.
    type Value: Send + 'static;

    /// The result of the job.
    fn result(returned: R) -> Result<Self::Value, JoinError>;
}

/// What the future returns is the value of the job.
pub(crate) struct AsValue;

impl<T: Send + 'static> IntoResult<T> for AsValue {
    type Value = T;

    fn result(returned: T) -> Result<T, JoinError> {
        Ok(returned)
    }
}

/// What the future returns is the result of the job.
#[cfg(feature = "remote")]
pub(crate) struct AsResult;

#[cfg(feature = "remote")]
impl<T: Send + 'static> IntoResult<Result<T, JoinError>> for AsResult {
    type Value = T;

    fn result(returned: Result<T, JoinError>) -> Result<T, JoinError> {
        returned
    }
}

/// A job on its way into a cell, and the handle's end of its reply on the way out.
struct Filling<F: Future, R: IntoResult<F::Output>> {
    future: Option<F>,
    receiver: Option<Receiver<R::Value>>,
}

/// Whether a future lives in a box of its own, so that it is moved only once. A larger one would overflow the stack of
/// a debug build, where each move is one more copy. The limit is tokio's.
pub(crate) const fn is_large<F>() -> bool {
    size_of::<F>() > 16 << 10
}

/// A cell with this future, which is an `$F`, of a job that has not begun.
///
/// A macro, since a function that the future is moved through costs one more copy of it in a debug build.
macro_rules! cell_of {
    ($F:ty, $future:expr) => {
        cell_of!($F, $future, with)
    };
    ($F:ty, $future:expr, $with:ident) => {
        if const { $crate::job::cell::is_large::<$F>() } {
            $crate::job::cell::JobCell::$with(Box::pin($future))
        } else {
            $crate::job::cell::JobCell::$with($future)
        }
    };
}

pub(crate) use cell_of;

/// Lets `place` put a job of `future` into a cell, which may be one that was used before. Returns what it returns, and
/// the handle's end of the reply.
#[inline]
pub(crate) fn place<F, R>(
    future: F,
    has_handle: bool,
    place: impl FnOnce(NewJob<'_>) -> R,
) -> (R, Option<Receiver<F::Output>>)
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    if const { is_large::<F>() } {
        place_future(Box::pin(future), has_handle, place)
    } else {
        place_future(future, has_handle, place)
    }
}

#[inline]
fn place_future<F, R>(
    future: F,
    has_handle: bool,
    place: impl FnOnce(NewJob<'_>) -> R,
) -> (R, Option<Receiver<F::Output>>)
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    let mut filling = Filling::<F, AsValue> { future: Some(future), receiver: None };
    let placed = place(NewJob { place: Place::Outside(&mut filling, JobCell::empty::<F>), has_handle });
    (placed, filling.receiver)
}

/// A job that has not been given to a worker, whatever the type of its future.
pub(crate) struct NewJob<'a> {
    place: Place<'a>,
    pub(crate) has_handle: bool,
}

enum Place<'a> {
    /// It is in its cell, and this is where the handle's end of its reply goes.
    Cell(JobBox, &'a mut dyn Any),
    /// It is in a [`Filling`], and this makes an empty cell for it.
    Outside(&'a mut dyn Any, fn() -> JobBox),
}

impl<'a> NewJob<'a> {
    /// The job in this cell. If it is to have a handle, the handle's end of its reply goes to `receiver`.
    #[inline]
    pub(crate) fn in_cell<T>(cell: JobBox, receiver: &'a mut Option<Receiver<T>>, has_handle: bool) -> Self
    where
        T: 'static,
    {
        NewJob { place: Place::Cell(cell, receiver), has_handle }
    }

    /// An empty cell for it, if it needs one.
    pub(crate) fn new_cell(&self) -> Option<JobBox> {
        match &self.place {
            Place::Cell(..) => None,
            Place::Outside(_, empty) => Some(empty()),
        }
    }

    /// Puts it into a cell, unless it is in one, and tells the cell neither its state nor the call that it comes from.
    pub(crate) fn put(self, cell: Option<JobBox>) -> JobBox {
        self.fill(cell, JobState::None, Origin::none(), None)
    }

    /// Puts it into a cell, unless it is in one: into this one, if there is one. The cell must be empty.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "what is in registers stays there")]
    pub(crate) fn fill(
        self,
        cell: Option<JobBox>,
        state: JobState,
        origin: Origin,
        replies: Option<Replies<'_>>,
    ) -> JobBox {
        match self.place {
            Place::Cell(mut cell, receiver) => {
                let this = cell.as_mut().project();
                (*this.state, *this.origin) = (state, origin);
                this.completer.wanted = replies.is_some();
                if let Some(replies) = replies {
                    this.job.attach(receiver, replies, &mut this.completer.at);
                }
                cell
            }
            Place::Outside(filling, empty) => {
                let mut cell = cell.unwrap_or_else(empty);
                let this = cell.as_mut().project();
                // It is empty, so nothing needs to be dropped.
                std::mem::forget(std::mem::replace(this.state, state));
                *this.origin = origin;
                (this.completer.waits, this.completer.knows_job) = (false, false);
                this.completer.wanted = replies.is_some();
                this.job.fill(filling, replies, &mut this.completer.at);
                cell
            }
        }
    }
}

pin_project! {
    #[project = ContentProj]
    #[project_replace = ContentOwn]
    enum Content<F: Future> {
        Empty,
        Future { #[pin] future: F },
        // The job has ended, and a handle may want this.
        Value { value: F::Output },
    }
}

pin_project! {
    /// What a cell holds: a job and its reply.
    struct JobOf<F, R>
    where
        F: Future,
        R: IntoResult<F::Output>,
    {
        #[pin]
        content: Content<F>,
        // Kept from the last job, to use its reply again.
        page: Option<Arc<Page<R::Value>>>,
    }
}

impl<F, R> RawJob for JobOf<F, R>
where
    F: Future<Output: Send + 'static> + Send + 'static,
    R: IntoResult<F::Output>,
{
    fn poll(self: Pin<&mut Self>, reply: Option<u8>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let ContentProj::Future { future } = this.content.as_mut().project() else {
            return Poll::Ready(());
        };
        let value = ready!(future.poll(cx));
        // Two steps: if the future's destructor panics, the value's destructor must not run while that unwinds.
        this.content.set(Content::Value { value });
        match (reply, this.page) {
            (Some(at), Some(page)) if !page.head.is_flagged() || page.view(at).has_handle() => {}
            _ => this.content.set(Content::Empty),
        }
        Poll::Ready(())
    }

    fn clear(self: Pin<&mut Self>) {
        self.project().content.set(Content::Empty);
    }

    fn fill(self: Pin<&mut Self>, filling: &mut dyn Any, replies: Option<Replies<'_>>, at: &mut u8) {
        let Some(filling) = filling.downcast_mut::<Filling<F, R>>() else {
            unreachable!("the cells of an executor that uses them again have one type");
        };
        let mut this = self.project();
        if let Some(future) = filling.future.take() {
            this.content.set(Content::Future { future });
        }
        if let Some(replies) = replies {
            filling.receiver = Some(replies.reply(this.page, at));
        }
    }

    fn attach(self: Pin<&mut Self>, receiver: &mut dyn Any, replies: Replies<'_>, at: &mut u8) {
        let Some(receiver) = receiver.downcast_mut::<Option<Receiver<R::Value>>>() else {
            unreachable!("a job and its handle have one type of result");
        };
        *receiver = Some(replies.reply(self.project().page, at));
    }

    fn reply(&self, at: u8) -> Option<ReplyRef<'_>> {
        Some(self.page.as_ref()?.view(at))
    }

    fn is_flagged(&self) -> bool {
        self.page.as_ref().is_some_and(|page| page.head.is_flagged())
    }

    fn deliver(self: Pin<&mut Self>, at: u8, quietly: bool) -> Delivered {
        let mut this = self.project();
        let (Some(page), ContentProj::Value { .. }) = (this.page, this.content.as_mut().project()) else {
            return Delivered::Missing;
        };
        let mut state = lock(page.reply(at));
        let reader = match &state.stage {
            Stage::Pending(pending) if quietly && pending.is_quiet() => None,
            _ if quietly => return Delivered::Refused,
            _ => {
                let state: &mut ReplyState<dyn AnyStage> = &mut *state;
                let Ok(reader) = state.settle(&page.head, at) else { return Delivered::Refused };
                reader
            }
        };
        if let ContentOwn::Value { value } = this.content.project_replace(Content::Empty) {
            let result = R::result(value).map_err(|error| error.with_id(page.view(at).id_in(&mut *state)));
            // It is pending and has no waker any longer, so nothing needs to be dropped.
            std::mem::forget(std::mem::replace(&mut state.stage, Stage::Ready(result)));
        }
        Delivered::Done(reader)
    }

    fn erased(self: Pin<&mut Self>) -> Pin<&mut dyn RawJob> {
        self
    }
}

impl JobCell<dyn RawJob> {
    /// A cell with this future, of a job that has not begun. See also [`cell_of`].
    pub(crate) fn of<F>(future: F) -> JobBox
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        cell_of!(F, future)
    }

    /// The same, if the future is not large.
    pub(crate) fn with<F>(future: F) -> JobBox
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Self::holding::<F, AsValue>(Content::Future { future })
    }

    /// The same, for a future that returns the result of the job.
    #[cfg(feature = "remote")]
    pub(crate) fn with_result<F, T>(future: F) -> JobBox
    where
        F: Future<Output = Result<T, JoinError>> + Send + 'static,
        T: Send + 'static,
    {
        Self::holding::<F, AsResult>(Content::Future { future })
    }

    /// An empty cell.
    fn empty<F>() -> JobBox
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        Self::holding::<F, AsValue>(Content::Empty)
    }

    fn holding<F, R>(content: Content<F>) -> JobBox
    where
        F: Future<Output: Send + 'static> + Send + 'static,
        R: IntoResult<F::Output>,
    {
        let job = JobOf::<F, R> { content, page: None };
        Box::pin(JobCell { state: JobState::None, origin: Origin::none(), completer: Completer::none(), job })
    }

    /// Polls the future. When it completes, this drops it, and the value too if no handle wants it.
    #[inline]
    pub(crate) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        this.job.poll(this.completer.wanted(), cx)
    }

    /// Drops the future, or the value.
    pub(crate) fn drop_content(self: Pin<&mut Self>) {
        self.project().job.clear();
    }

    /// How far the job has come.
    #[inline]
    pub(crate) fn state(self: Pin<&mut Self>) -> &mut JobState {
        self.project().state
    }

    /// The call that the job comes from, until it begins.
    #[inline]
    pub(crate) fn origin(self: Pin<&mut Self>) -> &mut Origin {
        self.project().origin
    }

    /// Takes the job out of its state, to be polled. If it has not begun, it begins now.
    #[inline]
    pub(crate) fn running(self: Pin<&mut Self>) -> Option<Running> {
        let this = self.project();
        this.state.running(this.origin)
    }

    /// The reply, if the job was given a handle and its result has not been delivered yet.
    #[inline]
    fn reply(&self) -> Option<ReplyRef<'_>> {
        self.job.reply(self.completer.wanted()?)
    }

    /// Whether a panic of the job must be reported: it was given no handle, or one that was only to wait for its begin.
    pub(crate) fn reports_panic(&self) -> bool {
        self.reply().is_none_or(ReplyRef::reports_panic)
    }

    /// Whether its handle has aborted it.
    #[inline]
    pub(crate) fn is_aborted(&self) -> bool {
        self.completer.wanted && self.job.is_flagged() && self.reply().is_some_and(ReplyRef::is_aborted)
    }

    /// The job waits for something, and `worker` runs it. Returns whether it waits for the first time.
    pub(crate) fn mark_waiting(self: Pin<&mut Self>, worker: u32) -> bool {
        let completer = self.project().completer;
        completer.worker = worker;
        !std::mem::replace(&mut completer.waits, true)
    }

    /// Whether the job has ever waited.
    #[inline]
    pub(crate) fn has_waited(&self) -> bool {
        self.completer.waits
    }

    /// The worker that runs a job that waits.
    pub(crate) fn worker(&self) -> u32 {
        self.completer.worker
    }

    /// The job [waits](Self::mark_waiting), so `abort` must wake its worker. Returns false if it was aborted already.
    pub(crate) fn register_abort(&self) -> bool {
        self.reply().is_none_or(|reply| reply.register_abort(self.completer.worker))
    }

    /// The job waits for greenpool, and `job` is its record. Returns whether its handle has not known that before.
    pub(crate) fn note_job(self: Pin<&mut Self>, job: &Arc<Member>) -> bool {
        if self.completer.knows_job {
            return false;
        }
        let Some(reply) = self.reply() else { return false };
        reply.ending().set_job(job);
        self.project().completer.knows_job = true;
        true
    }

    /// The job is about to release its slot.
    pub(crate) fn note_ending(&self) {
        if let Some(reply) = self.reply() {
            reply.note_ending();
        }
    }

    /// Delivers the value, if that runs no user code. Returns whether it did.
    #[inline]
    pub(crate) fn complete_quietly(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        if !this.completer.wanted {
            return true;
        }
        let is_delivered = matches!(this.job.deliver(this.completer.at, true), Delivered::Done(_));
        this.completer.wanted = !is_delivered;
        is_delivered
    }
}

/// The job has ended and released its slot: delivers the value, or this error. Returns a panic that must be reported,
/// and the cell, which is empty.
#[must_use = "report the panic"]
pub(crate) fn complete(mut cell: JobBox, error: Option<JoinError>) -> (Option<JoinError>, Option<JobBox>) {
    let this = cell.as_mut().project();
    if !std::mem::take(&mut this.completer.wanted) {
        // If it panicked, that was reported before it released its slot.
        if let Some(error) = error {
            drop_quietly(error);
        }
        return (None, Some(cell));
    }
    let (at, mut job) = (this.completer.at, this.job);
    let error = match error {
        Some(error) => error,
        None => match job.as_mut().deliver(at, false) {
            Delivered::Missing => JoinError::cancelled(),
            Delivered::Done(reader) => {
                wake(reader);
                return (None, Some(cell));
            }
            Delivered::Refused => {
                // The handle has just been dropped. The value's destructor may wait for a job that only this worker can
                // run, so it gets a task of its own.
                drop(tokio::spawn(async move { drop(cell) }));
                return (None, None);
            }
        },
    };
    let unwanted = job.reply(at).and_then(|reply| reply.fail(error));
    let report = match unwanted {
        Some((error, true)) if error.is_panic() => Some(error),
        unwanted => {
            drop_quietly(unwanted);
            None
        }
    };
    (report, Some(cell))
}
