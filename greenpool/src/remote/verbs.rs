//! What the verbs of a `Far` and of a `Run` do. The macro writes the verbs, with the function's own parameters.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use crate::job::cell::cell_of;
use crate::job::error::TrySpawnError;
use crate::job::handle::GreenThread;
use crate::job::lost::{Lost, Part};
use crate::pool::GreenPool;
use crate::remote::call::{Call, Number};
use crate::remote::codec::Codecs;
use crate::remote::engine::{BoxFuture, Engine, Function, Job, Reply};
use crate::remote::function::RemoteFn;
use crate::remote::info::in_a_job;
use crate::remote::stats::FarStats;
use crate::spawn::begin;
use crate::spawn::{FutureJob, SpawnFuture};

/// A function with the verbs that the macro has written for it, which have the function's own parameters.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a `remote` function",
    label = "it does not run on other machines",
    note = "write `#[green_pool(size = .., remote)]` on the function"
)]
pub trait Remote: RemoteFn {
    /// The type that has the verbs.
    type Verbs;
    /// The function on an engine. As a type of this trait, since one that every function has would be a second error
    /// for a function that is not remote.
    type Far;

    /// Makes the verbs.
    fn verbs(pool: FarPool<Self>) -> Self::Verbs;
    /// Makes the function on an engine.
    fn far(pool: FarPool<Self>) -> Self::Far;
}

/// What the verbs of a function on an engine have in common.
pub struct FarPool<P> {
    pub(super) engine: Arc<dyn Engine>,
    function: Arc<Function>,
    pub(super) window: GreenPool,
    named: Option<Named>,
    of: PhantomData<fn() -> P>,
}

/// A run with a name.
#[derive(Clone)]
struct Named {
    name: Arc<str>,
    next: Arc<AtomicU64>,
}

impl<P> Clone for FarPool<P> {
    fn clone(&self) -> Self {
        FarPool {
            engine: self.engine.clone(),
            function: self.function.clone(),
            window: self.window.clone(),
            named: self.named.clone(),
            of: PhantomData,
        }
    }
}

impl<P: RemoteFn> FarPool<P> {
    /// The function on an engine, with the window that all its callers there share.
    #[must_use]
    pub fn new(engine: Arc<dyn Engine>) -> Self {
        let function = engine.function(P::NAME, P::SIGNATURE, P::size());
        let window = function.window.clone();
        FarPool { engine, function, window, named: None, of: PhantomData }
    }

    /// The same, with a window of its own.
    pub(crate) fn with_window(&self, jobs: usize) -> Self {
        FarPool { window: GreenPool::new(jobs), ..self.clone() }
    }

    /// The same, for the run of this name.
    pub(crate) fn named(&self, name: &str) -> Self {
        let named = Named { name: name.into(), next: Arc::new(AtomicU64::new(0)) };
        FarPool { named: Some(named), ..self.clone() }
    }

    pub(crate) fn window_size(&self) -> usize {
        self.window.size()
    }

    pub(crate) fn resize(&self, size: usize) -> BoxFuture<Result<(), Lost>> {
        self.engine.resize(P::NAME, P::SIGNATURE, P::size(), size)
    }

    pub(crate) fn stats(&self) -> BoxFuture<Result<FarStats, Lost>> {
        self.engine.stats(P::NAME, P::SIGNATURE, P::size())
    }

    pub(crate) fn forget(&self, name: &str) -> BoxFuture<Result<u64, Lost>> {
        self.engine.forget(P::NAME, name.into())
    }

    /// A job of a named run gets its number when its verb is called, so that the order of the calls decides. Another
    /// one gets it when it starts, so that a call that never starts leaves no gap.
    pub(super) fn number(&self) -> Number {
        match &self.named {
            Some(named) => Number::Named(named.name.clone(), named.next.fetch_add(1, Ordering::Relaxed)),
            None => Number::AtStart(self.function.clone()),
        }
    }

    /// The call as a future, outside the window.
    pub fn call(&self, args: P::Args) -> Call<P> {
        Call::new(self.engine.clone(), self.number(), args, in_a_job())
    }

    /// Submits a job once there is a place in the window.
    #[track_caller]
    pub fn spawn(&self, args: P::Args) -> FarSpawn<P> {
        FarSpawn(SpawnFuture::new(self.job(args)))
    }

    /// A job of the window that stands for one on the engine, and ends as that one ends.
    fn job(&self, args: P::Args) -> FutureJob<P::Output> {
        self.window.job(cell_of!(Call<P>, self.call(args), with_result))
    }

    /// Submits a job if there is a place in the window.
    #[track_caller]
    pub fn try_spawn(&self, args: P::Args) -> Result<GreenThread<P::Output>, TrySpawnError<P::Args>> {
        let make = |call| cell_of!(Call<P>, call, with_result);
        let refused = match self.window.try_spawn_with(self.call(args), make) {
            Ok(green) => return Ok(green),
            Err(refused) => refused,
        };
        let full = refused.is_full();
        let (number, args) = refused.into_inner().into_parts();
        if let (Some(named), Number::Named(_, n)) = (&self.named, number) {
            // Gives the number back, unless another verb has taken the next one meanwhile.
            let _ = named.next.compare_exchange(n + 1, n, Ordering::Relaxed, Ordering::Relaxed);
        }
        Err(if full { TrySpawnError::Full(args) } else { TrySpawnError::Closed(args) })
    }

    /// Submits an entry of `pile!`: at once, or when its turn for a place in the window comes.
    #[track_caller]
    pub fn submit(&self, args: P::Args) -> GreenThread<P::Output> {
        begin::submit(self.job(args))
    }

    /// Stores a job for which nobody waits.
    pub fn spawn_n(&self, args: &P::Args) -> SpawnFar {
        let (run, n, reply) = match self.number() {
            Number::Named(run, n) => (Some(run), n, Reply::Receipt),
            Number::AtStart(function) => (None, function.next(), Reply::Unwanted),
        };
        let stored = match P::arguments().write(args) {
            Ok(args) => {
                let job = Job { function: P::NAME, signature: P::SIGNATURE, run, n, args, reply };
                Ok(self.engine.enqueue(job))
            }
            Err(why) => Err(Lost::Unreadable { what: Part::Arguments, why }),
        };
        SpawnFar(stored.map_err(Some))
    }
}

/// Waits for a place in the window, and submits the job: the future of `spawn` on a [`Far`](super::Far).
///
/// # Cancel safety
/// If it is dropped before it has a place, nothing is submitted.
///
/// # Panics
/// If awaited outside a tokio runtime.
#[must_use = "nothing is spawned until it is awaited; write `.await`"]
pub struct FarSpawn<P: RemoteFn>(SpawnFuture<FutureJob<P::Output>, GreenThread<P::Output>, GreenThread<P::Output>>);

// The call does not move.
impl<P: RemoteFn> Unpin for FarSpawn<P> {}

impl<P: RemoteFn> Future for FarSpawn<P> {
    type Output = GreenThread<P::Output>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.poll(cx)
    }
}

/// Stores a job for which nobody waits: the future of `spawn_n` on a [`Far`](super::Far).
///
/// # Cancel safety
/// If it is dropped before it is ready, the job may or may not be stored.
#[must_use = "nothing is stored until it is awaited; write `.await`"]
pub struct SpawnFar(Result<BoxFuture<Result<(), Lost>>, Option<Lost>>);

impl Future for SpawnFar {
    type Output = Result<(), Lost>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            Ok(stored) => stored.as_mut().poll(cx),
            Err(lost) => Poll::Ready(Err(lost.take().expect("a `spawn_n` was polled after it was ready"))),
        }
    }
}
