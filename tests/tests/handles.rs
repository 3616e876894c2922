//! Handles whose memory is reused from job to job, on several runtimes, and by functions that share a pool.
#![expect(clippy::unused_async, reason = "they are jobs")]

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use greenpool::{GreenPool, GreenThread, green_pool};
use greenpool_tests::{Gate, paused};
use tokio::runtime::{Builder, Runtime};

/// Enough turns to run everything that is ready.
const TURNS: usize = 64;

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

async fn turns() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

/// Awaits a job, and panics if it does not complete within `TURNS` turns.
async fn completes_soon<T>(green: GreenThread<T>) -> Result<T, greenpool::JoinError> {
    let mut green = pin!(green);
    for _ in 0..TURNS {
        if let Poll::Ready(result) = poll_fn(|cx| Poll::Ready(green.as_mut().poll(cx))).await {
            return result;
        }
        tokio::task::yield_now().await;
    }
    panic!("the job does not complete");
}

#[test]
fn a_handle_of_a_finished_job_does_not_affect_the_next_job() {
    #[green_pool(size = 1)]
    async fn work(n: u32) -> u32 {
        n
    }

    paused(async {
        for n in 0..10 {
            let mut green = work::spawn(n).await;
            assert_eq!((&mut green).await.unwrap(), n);
            assert!(green.is_finished());
            green.abort();
            let abort = green.abort_handle();
            assert!(abort.is_finished());
            if n % 2 == 0 {
                drop(green);
            }
            abort.abort();
        }
        for n in 0..10 {
            let mut green = work::spawn(n).await;
            assert_eq!((&mut green).await.unwrap(), n);
            green.abort();
        }
    });
}

#[test]
fn abort_reaches_a_job_that_reuses_the_memory_of_another() {
    #[green_pool(size = 1)]
    async fn wait(gate: Option<Gate>) {
        match gate {
            Some(gate) => gate.opened().await,
            None => pending().await,
        }
    }

    paused(async {
        for _ in 0..3 {
            let gate = Gate::new();
            let green = wait::spawn(Some(gate.clone())).await;
            turns().await;
            gate.open();
            green.await.unwrap();
            let green = wait::spawn(None).await;
            turns().await;
            green.abort();
            assert!(completes_soon(green).await.unwrap_err().is_cancelled());
        }
    });
}

#[test]
fn abort_reaches_jobs_of_every_runtime_and_every_function_of_a_pool() {
    static POOL: GreenPool = GreenPool::const_new(8);

    #[green_pool(pool = POOL)]
    async fn one() {
        pending::<()>().await;
    }

    #[green_pool(pool = POOL)]
    async fn two() {
        pending::<()>().await;
    }

    let runtimes = [runtime(), runtime()];
    let jobs = runtimes.each_ref().map(|runtime| {
        runtime.block_on(async {
            let jobs = [one::spawn().await, two::spawn().await, POOL.spawn(pending()).await];
            turns().await;
            jobs
        })
    });
    for (runtime, jobs) in runtimes.iter().zip(jobs) {
        for green in jobs {
            green.abort();
            assert!(runtime.block_on(completes_soon(green)).unwrap_err().is_cancelled());
        }
    }
}

#[test]
fn an_unwanted_value_is_dropped_while_its_job_still_has_its_slot() {
    static RUNNING: AtomicIsize = AtomicIsize::new(-1);

    struct Value;

    impl Drop for Value {
        fn drop(&mut self) {
            RUNNING.store(work::pool().running().cast_signed(), Ordering::SeqCst);
        }
    }

    #[green_pool(size = 2)]
    async fn work() -> Value {
        Value
    }

    paused(async {
        drop(work::spawn().await);
        turns().await;
        assert_eq!(RUNNING.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn a_job_whose_future_and_value_both_panic_on_drop_counts_as_panicked() {
    struct Fails(Value);

    struct Value;

    impl Drop for Value {
        fn drop(&mut self) {
            panic!("planned");
        }
    }

    impl Future for Fails {
        type Output = Value;

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Value> {
            Poll::Ready(Value)
        }
    }

    paused(async {
        let pool = GreenPool::new(1);
        pool.spawn_n(Fails(Value)).await;
        drop(pool.spawn(Fails(Value)).await);
        assert!(pool.spawn(Fails(Value)).await.await.is_err_and(|error| error.is_panic()));
        pool.waitall().await;
        assert_eq!((pool.stats().panicked, pool.running()), (3, 0));
    });
}

#[test]
fn a_dropped_handle_drops_its_waker() {
    struct NoopWake;

    impl Wake for NoopWake {
        fn wake(self: Arc<Self>) {}
    }

    paused(async {
        let pool = GreenPool::new(1);
        let mut green = pool.spawn(pending::<()>()).await;
        let target = Arc::new(NoopWake);
        let waker = Waker::from(target.clone());
        assert!(pin!(&mut green).poll(&mut Context::from_waker(&waker)).is_pending());
        drop((green, waker));
        assert_eq!(Arc::strong_count(&target), 1);
    });
}

/// Returns a full pool with a queued spawn, whose running job awaits `green`.
async fn full_pool_awaiting(green: GreenThread<()>) -> GreenPool {
    let pool = GreenPool::new(1);
    let awaits = async move { drop(green.await) };
    pool.spawn_n(awaits).await;
    let queued = pool.clone();
    tokio::spawn(async move { queued.spawn_n(async {}).await });
    turns().await;
    assert_eq!((pool.running(), pool.waiting()), (1, 1));
    pool
}

#[test]
fn awaiting_a_job_dropped_with_its_runtime_is_no_deadlock() {
    let (other, ending) = (runtime(), runtime());
    let jobs = GreenPool::new(1);
    let green = ending.block_on(jobs.spawn(pending()));
    ending.block_on(turns());
    let pool = other.block_on(full_pool_awaiting(green));
    drop(ending);
    other.block_on(pool.waitall());
    assert_eq!(pool.stats().overflowed, 0);
}

#[test]
fn awaiting_a_job_aborted_before_it_started_is_no_deadlock() {
    #[green_pool(size = 1)]
    async fn stay() {
        pending::<()>().await;
    }

    let (other, quiet) = (runtime(), runtime());
    let green = {
        let _inside = quiet.enter();
        stay::try_spawn().unwrap()
    };
    let pool = other.block_on(full_pool_awaiting(green));
    let aborted = stay::pool().abort_all();
    // The worker that the job was given to drops it.
    quiet.block_on(aborted);
    other.block_on(pool.waitall());
    assert_eq!(pool.stats().overflowed, 0);
}
