//! What the macro says of a function that can run on another machine.

use std::future::Future;

use crate::remote::codec::{Codec, Codecs};

/// A function that can run on another machine.
pub trait RemoteFn: Sized + 'static {
    /// The tuple of its arguments.
    type Args: Send + 'static;
    /// What it returns.
    type Output: Send + 'static;
    /// What a worker gives to each job: the `#[shared]` argument, or `()`.
    type State: 'static;
    /// A codec for each argument, as a tuple.
    type Codecs: Codecs<Self::Args>;

    /// The name on the wire.
    const NAME: &'static str;
    /// Says which arguments and output the function has: only workers with the same one get its jobs.
    const SIGNATURE: &'static str;
    /// Where the function is defined.
    const PATH: &'static str;

    /// How many of its jobs run at once, over all machines.
    fn size() -> usize;
    /// Calls the function itself.
    fn call(state: Self::State, args: Self::Args) -> impl Future<Output = Self::Output> + Send + 'static;
    /// Returns what makes a clone of the state for each job.
    fn states(state: Self::State) -> States<Self::State>;
    /// The codecs of the arguments.
    fn arguments() -> Self::Codecs;
    /// The codec of the output.
    fn output() -> Codec<Self::Output>;
}

/// Makes the `#[shared]` argument of each job of a worker.
pub type States<T> = Box<dyn Fn() -> T + Send + Sync>;

/// The types of which a worker can have a value for all its jobs. They are `Clone` too, which `clone` shows.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the `#[shared]` argument of a `remote` function",
    label = "each job of a worker gets a clone of this value, on any of its threads",
    note = "it has to be `Clone`, `Send`, `Sync` and `'static`"
)]
pub trait WorkerState: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> WorkerState for T {}

/// Makes clones of a state.
pub fn states<T: WorkerState>(state: T, clone: fn(&T) -> T) -> States<T> {
    Box::new(move || clone(&state))
}

/// The states of a function without one.
#[must_use]
pub fn stateless() -> States<()> {
    Box::new(|| ())
}
