use greenpool::{GreenPool, GreenThread};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::Gate;

/// Blocks on `future` in the middle of a poll.
pub fn block_on<F: Future>(future: F) -> F::Output {
    block_in_place(|| Handle::current().block_on(future))
}

/// A job of `pool` that waits for the gate, and then for a slot of `other`.
///
/// # Panics
/// The job panics if its own job in `other` has no result.
pub async fn spawn_waiter_for(other: &GreenPool, pool: &GreenPool, gate: &Gate) -> GreenThread<()> {
    let (other, opened) = (other.clone(), gate.clone().opened());
    let job = async move {
        opened.await;
        other.spawn(async {}).await.await.expect("it does nothing");
    };
    pool.spawn(job).await
}
