//! `Handler`: what a worker needs to serve a function, with all types erased.

use std::fmt;
use std::sync::Arc;

use crate::remote::codec::Codecs;
use crate::remote::engine::BoxFuture;
use crate::remote::function::RemoteFn;
use crate::remote::info::{JobInfo, within};

/// A function that a worker serves: the value of `fetch::handler()`.
///
/// Its jobs run in a pool of their own, of [`places`](Self::places) slots; calls that the worker's process makes itself
/// do not count.
///
/// A function with a `#[shared]` parameter gets its value here, since it does not travel: each job of the worker gets a
/// clone of it.
///
/// ```
/// use std::sync::Arc;
///
/// use greenpool::green_pool;
/// use greenpool::remote::Here;
///
/// #[green_pool(size = 4, remote)]
/// async fn price(#[shared] prices: Arc<[u32]>, article: usize) -> u32 { prices[article] }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), greenpool::JoinError> {
/// let here = Here::new().serve(price::handler(Arc::from([10, 20])));
/// assert_eq!(price::on(&here).call(1).await?, 20);
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use = "a worker runs it only after `serve`"]
pub struct Handler {
    name: &'static str,
    signature: &'static str,
    path: &'static str,
    size: usize,
    places: usize,
    begin: Arc<Begin>,
}

type Begin = dyn Fn(&[u8], JobInfo) -> Result<BoxFuture<Result<Vec<u8>, String>>, String> + Send + Sync;

/// Makes the handler of a function, with what each of its jobs gets a clone of.
pub fn handler<P: RemoteFn>(state: P::State) -> Handler {
    let states = P::states(state);
    let begin = move |args: &[u8], info: JobInfo| {
        let args = P::arguments().read(args)?;
        let future = P::call(states(), args);
        let written = async move { P::output().write(&future.await) };
        Ok(Box::pin(within(info, written)) as BoxFuture<_>)
    };
    let size = P::size();
    assert!((1..=100_000).contains(&size), "the size of `{}` is from 1 to 100,000, and not {size}", P::PATH);
    Handler {
        name: P::NAME,
        signature: P::SIGNATURE,
        path: P::PATH,
        size,
        places: size.min(65_536),
        begin: Arc::new(begin),
    }
}

impl Handler {
    /// Sets how many jobs of the function this worker runs at once. The default is the function's size.
    ///
    /// # Panics
    /// If `places` is 0 or more than 65,536.
    ///
    /// ```
    /// use greenpool::green_pool;
    ///
    /// #[green_pool(size = 100, remote)]
    /// async fn double(n: u32) -> u32 { n * 2 }
    ///
    /// let handler = double::handler().places(4); // of the 100 that run on all machines
    /// assert_eq!(format!("{handler:?}"), "Handler { name: \"double\", places: 4 }");
    /// ```
    pub fn places(mut self, places: usize) -> Self {
        assert!((1..=65_536).contains(&places), "a worker has from 1 to 65,536 places, and not {places}");
        self.places = places;
        self
    }

    #[doc(hidden)]
    pub fn name(&self) -> &'static str {
        self.name
    }

    #[doc(hidden)]
    pub fn signature(&self) -> &'static str {
        self.signature
    }

    #[doc(hidden)]
    pub fn path(&self) -> &'static str {
        self.path
    }

    #[doc(hidden)]
    pub fn size(&self) -> usize {
        self.size
    }

    #[doc(hidden)]
    pub fn slots(&self) -> usize {
        self.places
    }

    /// Reads the arguments, and returns the future of the job. Its output is the function's, written.
    #[doc(hidden)]
    pub fn begin(&self, args: &[u8], info: JobInfo) -> Result<BoxFuture<Result<Vec<u8>, String>>, String> {
        (self.begin)(args, info)
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handler").field("name", &self.name).field("places", &self.places).finish()
    }
}
