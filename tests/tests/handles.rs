//! Handles that are used for one job after the other, on several runtimes, and by functions that share a pool.
#![expect(clippy::unused_async, reason = "they are jobs")]

use std::future::{pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use greenpool::{GreenPool, GreenThread, green_pool};
use greenpool_tests::{Gate, paused};
use tokio::runtime::{Builder, Runtime};

/// Turns that are enough for whatever is ready.
const TURNS: usize = 64;

fn runtime() -> Runtime {
    Builder::new_current_thread().build().unwrap()
}

async fn turns() {
    for _ in 0..TURNS {
        tokio::task::yield_now().await;
    }
}

/// Ends within so many turns, or fails.
async fn soon<T>(green: GreenThread<T>) -> Result<T, greenpool::JoinError> {
    let mut green = pin!(green);
    for _ in 0..TURNS {
        if let Poll::Ready(result) = poll_fn(|cx| Poll::Ready(green.as_mut().poll(cx))).await {
            return result;
        }
        tokio::task::yield_now().await;
    }
    panic!("the job does not end");
}

#[test]
fn what_is_said_of_a_job_whose_result_has_been_taken_is_not_said_of_the_next() {
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
fn abort_ends_a_job_that_waits_where_another_has_waited() {
    #[green_pool(size = 1)]
    async fn wait(gate: Option<Gate>) {
        match gate {
            Some(gate) => gate.passed().await,
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
            assert!(soon(green).await.unwrap_err().is_cancelled());
        }
    });
}

#[test]
fn abort_finds_a_job_on_each_of_several_runtimes_and_of_each_function_of_a_pool() {
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
            assert!(runtime.block_on(soon(green)).unwrap_err().is_cancelled());
        }
    }
}

#[test]
fn a_value_that_nobody_wants_is_dropped_while_its_job_has_its_slot() {
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
fn a_job_whose_future_and_value_both_panic_when_they_are_dropped_is_one_that_panicked() {
    struct Fails(Value);

    struct Value;

    impl Drop for Value {
        fn drop(&mut self) {
            panic!("as told");
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
fn a_handle_that_is_dropped_lets_go_of_who_awaited_it() {
    struct Nobody;

    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    paused(async {
        let pool = GreenPool::new(1);
        let mut green = pool.spawn(pending::<()>()).await;
        let nobody = Arc::new(Nobody);
        let waker = Waker::from(nobody.clone());
        assert!(pin!(&mut green).poll(&mut Context::from_waker(&waker)).is_pending());
        drop((green, waker));
        assert_eq!(Arc::strong_count(&nobody), 1);
    });
}

/// A job of a full pool that others queue for, which awaits `green`. Gives that pool.
async fn awaited_in_a_full_pool(green: GreenThread<()>) -> GreenPool {
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
fn who_awaits_a_job_that_is_dropped_with_its_runtime_is_in_no_knot() {
    let (other, ending) = (runtime(), runtime());
    let jobs = GreenPool::new(1);
    let green = ending.block_on(jobs.spawn(pending()));
    ending.block_on(turns());
    let pool = other.block_on(awaited_in_a_full_pool(green));
    drop(ending);
    other.block_on(pool.waitall());
    assert_eq!(pool.stats().overflowed, 0);
}

#[test]
fn who_awaits_a_job_that_is_aborted_before_a_worker_comes_is_in_no_knot() {
    #[green_pool(size = 1)]
    async fn stay() {
        pending::<()>().await;
    }

    let (other, quiet) = (runtime(), runtime());
    let green = {
        let _inside = quiet.enter();
        stay::try_spawn().unwrap()
    };
    let pool = other.block_on(awaited_in_a_full_pool(green));
    other.block_on(async {
        stay::pool().abort_all().await;
        pool.waitall().await;
    });
    assert_eq!(pool.stats().overflowed, 0);
}
