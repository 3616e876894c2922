//! `queue` of a declared function: a call that waits in line as its arguments.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use crate::declared::{PooledFn, key};
use crate::inner::Inner;
use crate::job::cell::{JobCell, place};
use crate::spawn::begin;
use crate::worker;

/// A call to be queued in the function's own pool. The macros' code makes one and calls [`queue`](Self::queue).
///
/// Arguments that are not `Send` are an error already, at the function. So that they are no second one, `queue` then is
/// the method of what this derefs to.
pub struct QueuedCall<P, A, O>(A, PhantomData<fn() -> (P, O)>);

/// A call whose arguments cannot be queued.
pub struct UnsendableCall(());

impl<P, A, O> QueuedCall<P, A, O> {
    /// Takes the arguments.
    pub fn new(args: A) -> Self {
        QueuedCall(args, PhantomData)
    }
}

impl<P, A, O> QueuedCall<P, A, O>
where
    P: PooledFn<A, O>,
    A: Send + 'static,
{
    /// Queues the call.
    #[track_caller]
    pub fn queue(self) {
        let inner = P::pool().inner();
        match P::workers() {
            None => queue_in::<P, A, O>(inner, self.0),
            Some(cell) => {
                let make = |args, cell| place(P::call(args), false, |job| job.put(cell)).0;
                let (args, key) = key::<P, A, O>(inner, self.0);
                begin::queue(inner, cell.of(inner), make, args, key.as_ref());
            }
        }
    }
}

impl UnsendableCall {
    /// Is never called.
    pub fn queue(&self) {}
}

impl<P, A, O> Deref for QueuedCall<P, A, O> {
    type Target = UnsendableCall;

    fn deref(&self) -> &UnsendableCall {
        &UnsendableCall(())
    }
}

/// The arguments of `P`, in the queue of a pool that runs futures of any type.
struct Arguments<P, A, O>(A, PhantomData<fn() -> (P, O)>);

/// Queues a call of `P` in a pool that is not its own, or for workers that are not its own.
#[track_caller]
pub(crate) fn queue_in<P, A, O>(inner: &Arc<Inner>, args: A)
where
    P: PooledFn<A, O>,
    A: Send + 'static,
{
    let make = |Arguments(args, _): Arguments<P, A, O>, _| JobCell::of(P::call(args));
    let (args, key) = key::<P, A, O>(inner, args);
    begin::queue(inner, worker::executor_of(inner), make, Arguments(args, PhantomData), key.as_ref());
}
