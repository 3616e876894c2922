//! Jobs that take slots, and need slots of their own pools to give them back.

use core::sync::atomic::{AtomicBool, Ordering};
use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use tokio::runtime::Runtime;

use super::check::check;
use super::world::{Tally, finish, pause, random_below, random_bool, try_once};
use crate::{GreenPool, inherit, lend};

/// A pool of one slot, and whether a job has taken that.
#[derive(Clone)]
struct Single {
    pool: GreenPool,
    taken: Arc<AtomicBool>,
}

impl Single {
    fn new() -> Self {
        Single { pool: GreenPool::new(1), taken: Arc::default() }
    }

    async fn take(self) {
        for _ in 0..random_below(3) {
            // If it is not ready, it is given up, and its slot goes to whoever needs it.
            drop(try_once(self.pool.slot()).await);
            pause().await;
        }
        let slot = self.pool.slot().await.unwrap();
        assert!(!self.taken.swap(true, Ordering::SeqCst), "two jobs have one slot");
        pause().await;
        self.taken.store(false, Ordering::SeqCst);
        drop(slot);
    }

    /// A job of this pool, which is polled only while nothing else has its slot.
    fn job<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        let (taken, mut future) = (self.taken.clone(), Box::pin(future));
        poll_fn(move |cx| {
            assert!(!taken.load(Ordering::SeqCst), "a job is polled without a slot");
            future.as_mut().poll(cx)
        })
    }
}

/// Both futures, in one task.
async fn both(one: impl Future<Output = ()>, two: impl Future<Output = ()>) {
    let (mut one, mut two) = (Some(Box::pin(one)), Some(Box::pin(two)));
    poll_fn(|cx| {
        if one.as_mut().is_some_and(|one| one.as_mut().poll(cx).is_ready()) {
            one = None;
        }
        if two.as_mut().is_some_and(|two| two.as_mut().poll(cx).is_ready()) {
            two = None;
        }
        if one.is_none() && two.is_none() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[test]
fn jobs_that_take_each_others_slots_go_on() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pools = [Single::new(), Single::new()];
        let jobs = [0, 1].map(|at| {
            let (own, other) = (pools[at].clone(), pools[1 - at].clone());
            let handle = runtime.handle().clone();
            thread::spawn(move || {
                let lends = async {
                    for _ in 0..=random_below(2) {
                        lend(pause()).await;
                    }
                };
                let job = own.job(both(lends, other.take()));
                handle.block_on(async { own.pool.spawn(job).await.await.unwrap() });
            })
        });
        jobs.into_iter().for_each(|job| job.join().unwrap());
        finish(runtime, &[&pools[0].pool, &pools[1].pool], &tally);
        assert!(pools.iter().all(|single| single.pool.stats().held == 0));
    });
}

#[test]
fn a_job_goes_on_when_its_pool_has_been_shrunk_to_what_it_has_taken() {
    check(|| {
        let (runtime, tally) = (Runtime::new(2), Tally::default());
        let pool = GreenPool::new(3);
        let (taken, resized) = (pool.clone(), pool.clone());
        runtime.block_on(async {
            let job = pool.spawn(async move {
                let slot = taken.slot().await.unwrap();
                let branch = random_bool().then(|| tokio::spawn(inherit(lend(pause()))));
                lend(pause()).await;
                pause().await;
                drop(slot);
                if let Some(branch) = branch {
                    branch.await.unwrap();
                }
            });
            let job = job.await;
            pool.spawn_n(pause()).await;
            let resizes = thread::spawn(move || resized.resize(1));
            job.await.unwrap();
            resizes.join().unwrap();
        });
        finish(runtime, &[&pool], &tally);
        assert_eq!(pool.stats().held, 0);
    });
}
