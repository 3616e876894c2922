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
    type State: Clone + Send + Sync + 'static;
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
    /// The codecs of the arguments.
    fn arguments() -> Self::Codecs;
    /// The codec of the output.
    fn output() -> Codec<Self::Output>;
}
