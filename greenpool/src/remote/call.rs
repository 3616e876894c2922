//! One call of a function on an engine, as a future of its result.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use crate::job::error::JoinError;
use crate::job::lost::{Lost, Part};
use crate::remote::codec::Codecs;
use crate::remote::engine::{BoxFuture, End, Engine, Function, Job, Reply};
use crate::remote::function::RemoteFn;

/// A call on an engine, outside the window of its function: the future of `call` on a [`Far`](super::Far). It resolves
/// to the output of the function, or to a [`JoinError`] if the job panicked or its result is lost.
///
/// It is for `select!`, and for a `GreenPile` or a map whose jobs do more than the one call. Nothing is submitted until
/// it is polled. **Dropping** it afterwards cancels the job: if it is queued it is removed, and if it runs it is told
/// to stop.
///
/// # Panics
/// Panics if it is polled again after it returned its result.
///
/// ```
/// use greenpool::green_pool;
/// use greenpool::remote::Here;
///
/// #[green_pool(size = 4, remote)]
/// async fn double(n: u32) -> u32 { n * 2 }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), greenpool::JoinError> {
/// let here = Here::new().serve(double::handler());
/// assert_eq!(double::on(&here).call(21).await?, 42);
/// # Ok(()) }
/// ```
#[must_use = "nothing is submitted until it is awaited; write `.await`"]
pub struct Call<P: RemoteFn>(State<P>);

/// What a job on an engine gives.
pub(crate) type Outcome<T> = Result<T, JoinError>;

enum State<P: RemoteFn> {
    New { engine: Arc<dyn Engine>, number: Number, args: P::Args, in_a_job: bool },
    Out(BoxFuture<End>),
    Over,
}

/// How a job gets its number.
pub(crate) enum Number {
    Named(Arc<str>, u64),
    AtStart(Arc<Function>),
}

// The arguments are never pinned.
impl<P: RemoteFn> Unpin for Call<P> {}

impl<P: RemoteFn> Call<P> {
    pub(crate) fn new(engine: Arc<dyn Engine>, number: Number, args: P::Args, in_a_job: bool) -> Self {
        Call(State::New { engine, number, args, in_a_job })
    }

    /// What it was made of. It must not have been polled.
    pub(crate) fn into_parts(self) -> (Number, P::Args) {
        match self.0 {
            State::New { number, args, .. } => (number, args),
            State::Out(_) | State::Over => unreachable!("a call that was refused has not begun"),
        }
    }

    fn start(&mut self) -> Result<(), Lost> {
        let State::New { engine, number, args, in_a_job } = std::mem::replace(&mut self.0, State::Over) else {
            panic!("a call was polled after it returned its result");
        };
        if in_a_job {
            return Err(Lost::InAJob);
        }
        let args = P::arguments().write(&args).map_err(|why| Lost::Unreadable { what: Part::Arguments, why })?;
        let (run, n) = match number {
            Number::Named(run, n) => (Some(run), n),
            Number::AtStart(function) => (None, function.next()),
        };
        let job = Job { function: P::NAME, signature: P::SIGNATURE, run, n, args, reply: Reply::Wanted };
        self.0 = State::Out(engine.call(job));
        Ok(())
    }
}

impl<P: RemoteFn> Future for Call<P> {
    type Output = Result<P::Output, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !matches!(self.0, State::Out(_)) {
            if let Err(lost) = self.start() {
                return Poll::Ready(Err(JoinError::of_lost(lost)));
            }
        }
        let State::Out(end) = &mut self.0 else { unreachable!("it has just begun") };
        let end = ready!(end.as_mut().poll(cx));
        self.0 = State::Over;
        Poll::Ready(match end {
            End::Value(body) => {
                P::output().read(&body).map_err(|why| JoinError::of_lost(Lost::Unreadable { what: Part::Output, why }))
            }
            End::Panic(text) => Err(JoinError::panic(Box::new(text))),
            End::Lost(lost) => Err(JoinError::of_lost(lost)),
        })
    }
}

impl<P: RemoteFn> fmt::Debug for Call<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("function", &P::NAME).finish()
    }
}
