//! Two tasks that start jobs in one pool.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::ways::spawn::permitted;
use crate::ways::work::{Work, noop};

/// With `f::spawn_n`.
pub(crate) async fn declared(size: usize, jobs: u64) {
    let pool = noop::sized(size);
    let produce = move || async move {
        for number in 0..jobs / 2 {
            <noop as Work>::spawn_n(number).await;
        }
    };
    let both = [tokio::spawn(produce()), tokio::spawn(produce())];
    for producer in both {
        producer.await.expect("the producer does not panic");
    }
    pool.waitall().await;
}

/// With a semaphore and `tokio::spawn`.
pub(crate) async fn semaphore(size: usize, jobs: u64) {
    let semaphore = Arc::new(Semaphore::new(size));
    let produce = |semaphore: Arc<Semaphore>| async move {
        for number in 0..jobs / 2 {
            let permit = semaphore.clone().acquire_owned().await.expect("the semaphore is never closed");
            tokio::spawn(permitted::<noop>(permit, number));
        }
    };
    let both = [tokio::spawn(produce(semaphore.clone())), tokio::spawn(produce(semaphore.clone()))];
    for producer in both {
        producer.await.expect("the producer does not panic");
    }
    let all = u32::try_from(size).expect("a pool size fits in a u32");
    let _all = semaphore.acquire_many(all).await.expect("the semaphore is never closed");
}
