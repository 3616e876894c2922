//! The errors of a job, and of a spawn that would have to wait.

use std::any::Any;
use std::{fmt, io};

use crate::job::id::JobId;
#[cfg(feature = "remote")]
use crate::job::lost::Lost;
use crate::sync::Exclusive;

type Payload = Box<dyn Any + Send + 'static>;

/// Says why a job has no result: it panicked, or it was cancelled.
///
/// The names are those of [`tokio::task::JoinError`]. A job that finishes never gives a `JoinError`, even if its own
/// output is an `Err`: then a [`GreenThread`](crate::GreenThread) returns `Ok(Err(..))`.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pool = greenpool::GreenPool::new(4);
/// let green = pool.spawn(async { if true { panic!("no such page") } }).await;
/// let error = green.await.unwrap_err();
/// assert!(error.is_panic());
/// assert_eq!(error.to_string(), "the job panicked: no such page");
/// # }
/// ```
pub struct JoinError(Box<Repr>);

/// In a `Box`, so that a `Result` is small: it is moved often, and rarely an error.
struct Repr {
    reason: Reason,
    id: Option<JobId>,
}

enum Reason {
    Panic(Panicked),
    Cancelled,
    Closed,
    #[cfg(feature = "remote")]
    Lost(Lost),
}

struct Panicked {
    message: Option<String>,
    /// The payload is only `Send`; the lock makes the error `Sync`.
    payload: Exclusive<Payload>,
}

impl JoinError {
    pub(crate) fn panic(payload: Payload) -> Self {
        let text = payload.downcast_ref::<&'static str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let message = text.map(str::to_owned);
        Self::new(Reason::Panic(Panicked { message, payload: Exclusive::new(payload) }))
    }

    pub(crate) fn cancelled() -> Self {
        Self::new(Reason::Cancelled)
    }

    pub(crate) fn closed() -> Self {
        Self::new(Reason::Closed)
    }

    #[cfg(feature = "remote")]
    pub(crate) fn of_lost(lost: Lost) -> Self {
        Self::new(Reason::Lost(lost))
    }

    fn new(reason: Reason) -> Self {
        JoinError(Box::new(Repr { reason, id: None }))
    }

    pub(crate) fn with_id(mut self, id: JobId) -> Self {
        self.0.id = Some(id);
        self
    }

    /// Returns whether the job panicked.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(async { panic!("a fault") }).await;
    /// assert!(green.await.map(|()| ()).unwrap_err().is_panic());
    /// # }
    /// ```
    pub fn is_panic(&self) -> bool {
        matches!(self.0.reason, Reason::Panic(_))
    }

    /// Returns whether the job was cancelled: it was aborted, its runtime was shut down, or its pool was closed before
    /// it began.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(std::future::pending::<()>()).await;
    /// green.abort();
    /// assert!(green.await.unwrap_err().is_cancelled());
    /// # }
    /// ```
    pub fn is_cancelled(&self) -> bool {
        matches!(self.0.reason, Reason::Cancelled | Reason::Closed)
    }

    /// Returns whether the job never began because its pool was closed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// pool.close();
    /// let error = pool.spawn(async {}).await.await.unwrap_err();
    /// assert!(error.is_closed() && error.is_cancelled());
    /// # }
    /// ```
    pub fn is_closed(&self) -> bool {
        matches!(self.0.reason, Reason::Closed)
    }

    /// Returns whether the job ran, or was to run, on another machine and its result is lost. Then it neither panicked
    /// nor was it cancelled.
    #[cfg(feature = "remote")]
    pub fn is_lost(&self) -> bool {
        self.lost().is_some()
    }

    /// Returns why the result of a job on another machine is lost.
    ///
    /// ```
    /// use greenpool::green_pool;
    /// use greenpool::remote::{Here, Lost};
    ///
    /// #[green_pool(size = 4, remote)]
    /// async fn double(n: u32) -> u32 { n * 2 }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let nobody = Here::new(); // serves no function
    /// let error = double::on(&nobody).spawn(2).await.await.unwrap_err();
    /// assert!(matches!(error.lost(), Some(Lost::Refused { .. })));
    /// # }
    /// ```
    #[cfg(feature = "remote")]
    pub fn lost(&self) -> Option<&Lost> {
        match &self.0.reason {
            Reason::Lost(lost) => Some(lost),
            _ => None,
        }
    }

    /// Returns the id of the job, if it ever had one.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(std::future::pending::<()>()).await;
    /// let id = green.id();
    /// green.abort();
    /// assert_eq!(green.await.unwrap_err().id(), Some(id));
    /// # }
    /// ```
    pub fn id(&self) -> Option<JobId> {
        self.0.id
    }

    /// Returns the value that the job panicked with, for [`std::panic::resume_unwind`].
    ///
    /// # Panics
    /// Panics if the job did not panic; see [`is_panic`](Self::is_panic) and [`try_into_panic`](Self::try_into_panic).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(async { panic!("a fault") }).await;
    /// let error = green.await.map(|()| ()).unwrap_err();
    /// let payload = error.into_panic();
    /// assert_eq!(payload.downcast_ref(), Some(&"a fault"));
    /// # }
    /// ```
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        match self.try_into_panic() {
            Ok(payload) => payload,
            Err(error) => panic!("`into_panic` on a job that did not panic: {error}"),
        }
    }

    /// Returns the value that the job panicked with.
    ///
    /// # Errors
    /// Returns the error unchanged if the job did not panic.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// let green = pool.spawn(std::future::pending::<()>()).await;
    /// green.abort();
    /// let error = green.await.unwrap_err();
    /// assert!(error.try_into_panic().unwrap_err().is_cancelled());
    /// # }
    /// ```
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send + 'static>, JoinError> {
        match self.0.reason {
            Reason::Panic(panicked) => Ok(panicked.payload.into_inner()),
            reason => Err(JoinError(Box::new(Repr { reason, id: self.0.id }))),
        }
    }

    /// The message of the panic, if the payload is text.
    fn message(&self) -> Option<&str> {
        match &self.0.reason {
            Reason::Panic(panicked) => panicked.message.as_deref(),
            _ => None,
        }
    }
}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.reason, self.message()) {
            (Reason::Panic(_), Some(message)) => write!(f, "the job panicked: {message}"),
            (Reason::Panic(_), None) => f.write_str("the job panicked"),
            (Reason::Cancelled, _) => f.write_str("the job was cancelled"),
            (Reason::Closed, _) => f.write_str("the job never began because the pool is closed"),
            #[cfg(feature = "remote")]
            (Reason::Lost(lost), _) => lost.fmt(f),
        }
    }
}

impl fmt::Debug for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0.reason {
            Reason::Panic(_) => "Panic",
            Reason::Cancelled => "Cancelled",
            Reason::Closed => "Closed",
            #[cfg(feature = "remote")]
            Reason::Lost(_) => "Lost",
        };
        let mut tuple = f.debug_struct("JoinError");
        tuple.field("reason", &name);
        #[cfg(feature = "remote")]
        if let Reason::Lost(lost) = &self.0.reason {
            tuple.field("lost", lost);
        }
        if let Some(message) = self.message() {
            tuple.field("message", &message);
        }
        if let Some(id) = self.0.id {
            tuple.field("id", &id);
        }
        tuple.finish()
    }
}

impl std::error::Error for JoinError {}

impl From<JoinError> for io::Error {
    /// Makes an error of kind `Other`, whose inner error is the `JoinError`. tokio's error converts in the same way.
    fn from(error: JoinError) -> Self {
        io::Error::other(error)
    }
}

/// Says why [`try_spawn`](crate::GreenPool::try_spawn) started nothing, and returns what it was given.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use greenpool::{GreenPool, TrySpawnError};
///
/// # let pool = GreenPool::new(0);
/// match pool.try_spawn(async { 7 }) {
///     Ok(green) => drop(green.await),
///     Err(TrySpawnError::Full(future)) => assert_eq!(future.await, 7), // run it here instead
///     Err(TrySpawnError::Closed(_)) => unreachable!(),
/// }
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySpawnError<F> {
    /// All slots are taken, or a caller is queued for the next one.
    Full(F),
    /// The pool is closed.
    Closed(F),
}

impl<F> TrySpawnError<F> {
    /// Returns what `try_spawn` was given: the future, or the arguments of the function.
    ///
    /// ```
    /// use greenpool::green_pool;
    ///
    /// #[green_pool(size = 1)]
    /// async fn fetch(url: String) -> usize { url.len() }
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// fetch::pool().resize(0);
    /// let refused = fetch::try_spawn("/faq".to_string()).unwrap_err();
    /// let (url,) = refused.into_inner();
    /// assert_eq!(url, "/faq");
    /// # }
    /// ```
    pub fn into_inner(self) -> F {
        match self {
            TrySpawnError::Full(inner) | TrySpawnError::Closed(inner) => inner,
        }
    }

    /// Returns whether the pool had no free slot.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let none = greenpool::GreenPool::new(0);
    /// assert!(none.try_spawn(async {}).unwrap_err().is_full());
    /// # }
    /// ```
    pub fn is_full(&self) -> bool {
        matches!(self, TrySpawnError::Full(_))
    }

    /// Returns whether the pool is closed.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// # let pool = greenpool::GreenPool::new(2);
    /// pool.close();
    /// assert!(pool.try_spawn(async {}).unwrap_err().is_closed());
    /// # }
    /// ```
    pub fn is_closed(&self) -> bool {
        matches!(self, TrySpawnError::Closed(_))
    }
}

impl<F> fmt::Display for TrySpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySpawnError::Full(_) => "the pool has no free slot",
            TrySpawnError::Closed(_) => "the pool is closed",
        })
    }
}

impl<F> fmt::Debug for TrySpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySpawnError::Full(_) => "Full(..)",
            TrySpawnError::Closed(_) => "Closed(..)",
        })
    }
}

impl<F> std::error::Error for TrySpawnError<F> {}
