//! `queue`: calls that stand in line as their arguments, and that nothing waits for.
#![expect(clippy::unused_async, reason = "they are jobs")]

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{FutureExt, poll};
use greenpool::{GreenPool, green_pool};
use greenpool_tests::{Gate, Gauge, GaugeGuard, Log, paused, threads, until_idle};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::yield_now;

/// A full pool of one slot. Its job ends when the gate opens.
async fn full() -> (GreenPool, Gate) {
    let (pool, gate) = (GreenPool::new(1), Gate::new());
    pool.spawn_n(gate.clone().opened()).await;
    (pool, gate)
}

#[green_pool(size = 1)]
async fn note(log: Log<usize>, number: usize) {
    log.push(number);
}

/// Arguments whose end is seen.
#[green_pool(size = 1)]
async fn hold(_guard: GaugeGuard) {
    pending::<()>().await;
}

#[test]
fn a_job_that_queues_goes_on_and_lends_nothing() {
    paused(async {
        #[green_pool(size = 1)]
        async fn visit(log: Log<&'static str>, depth: u32) {
            log.push("begins");
            if depth > 0 {
                visit::queue(log.clone(), depth - 1);
                visit::queue(log.clone(), depth - 1);
                yield_now().await;
            }
            log.push("ends");
        }

        let log = Log::new();
        visit::queue(log.clone(), 2);
        visit::pool().waitall().await;
        assert_eq!(log.take(), ["begins", "ends"].repeat(7));
        assert_eq!(visit::pool().stats().overflowed, 0);
    });
}

#[test]
fn the_line_is_first_come_first_served_with_all_other_waiters() {
    paused(async {
        let (pool, gate) = full().await;
        let log = Log::new();
        let job = |n| {
            let log = log.clone();
            async move { log.push(n) }
        };
        pool.queue(job(0));
        note::on(&pool).queue(log.clone(), 1);
        note::on(&pool).queue(log.clone(), 2);
        let mut spawn = pool.spawn(job(3));
        assert!(poll!(&mut spawn).is_pending());
        note::on(&pool).queue(log.clone(), 4);
        let inside = log.clone();
        let map = pool.imap(move |n| note(inside.clone(), n), 5..6);
        until_idle().await;
        pool.queue(job(6));
        pool.queue(job(7));
        note::on(&pool).queue(log.clone(), 8);
        assert_eq!((pool.waiting(), pool.stats().queued, pool.running()), (9, 7, 1));
        gate.open();
        pool.waitall().await;
        assert_eq!(log.take(), (0..9).collect::<Vec<_>>());
        assert_eq!((pool.waiting(), pool.stats().queued, pool.stats().finished), (0, 0, 10));
        drop((spawn, map));
    });
}

#[test]
fn the_limit_is_exact_and_nothing_is_lost_on_several_threads() {
    #[green_pool(size = 3)]
    async fn visit(gauge: Gauge, page: usize) {
        let _inside = gauge.enter();
        yield_now().await;
        for found in [2 * page, 2 * page + 1] {
            if found < 4000 {
                visit::queue(gauge.clone(), found);
            }
        }
    }

    threads(2, async {
        let gauge = Gauge::default();
        visit::queue(gauge.clone(), 1);
        visit::pool().waitall().await;
        assert_eq!((gauge.total(), gauge.now()), (3999, 0));
        assert!(gauge.peak() <= 3);
        assert_eq!((visit::pool().waiting(), visit::pool().stats().queued), (0, 0));
    });
}

#[test]
fn a_call_begins_at_once_if_a_slot_is_free() {
    paused(async {
        let log = Log::new();
        note::queue(log.clone(), 1);
        assert_eq!((note::pool().waiting(), note::pool().running()), (0, 1));
        note::pool().waitall().await;
        assert_eq!(log.take(), [1]);
    });
}

#[test]
fn a_pool_of_size_0_keeps_calls_until_it_is_resized() {
    paused(async {
        let (pool, log) = (GreenPool::new(0), Log::new());
        for n in 0..100 {
            note::on(&pool).queue(log.clone(), n);
        }
        pool.waitall().await;
        assert_eq!((pool.waiting(), pool.stats().queued), (100, 100));
        pool.resize(1);
        pool.waitall().await;
        assert_eq!(log.take(), (0..100).collect::<Vec<_>>());
    });
}

#[test]
fn a_queued_call_keeps_its_arguments_and_no_future() {
    /// A large future of a function with a small argument.
    #[green_pool(size = 1)]
    async fn large(n: u8) -> usize {
        let page = [n; 16 << 10];
        yield_now().await;
        page.len()
    }

    paused(async {
        let gate = Gate::new();
        large::pool().spawn_n(gate.clone().opened()).await;
        // As futures these would be 16 GiB.
        for _ in 0..1_000_000 {
            large::queue(1);
        }
        assert_eq!(large::pool().waiting(), 1_000_000);
        large::pool().abort_all().await;
        assert_eq!((large::pool().waiting(), large::pool().stats().refused), (0, 1_000_000));
    });
}

#[test]
fn generic_functions_and_all_kinds_of_arguments_can_be_queued() {
    #[green_pool(size = 1)]
    async fn generic<T: ToString + Send>(log: Log<String>, value: T) {
        log.push(value.to_string());
    }

    #[green_pool(size = 1)]
    async fn shared(#[shared] log: Log<String>, (a, b): (u8, u8), name: impl Into<String> + Send + 'static) {
        log.push(format!("{a} {b} {}", name.into()));
    }

    #[green_pool(size = 1)]
    async fn without() -> u8 {
        7
    }

    paused(async {
        let log = Log::new();
        for pool in [generic::pool(), shared::pool(), without::pool()] {
            pool.spawn_n(yield_now()).await;
        }
        generic::queue(log.clone(), 1);
        generic::queue(log.clone(), "two");
        generic::queue(log.clone(), 3);
        shared::queue(log.clone(), (4, 5), "six");
        without::queue();
        for pool in [generic::pool(), shared::pool(), without::pool()] {
            pool.waitall().await;
            assert_eq!(pool.stats().finished, pool.stats().spawned);
        }
        let mut all = log.take();
        all.sort();
        assert_eq!(all, ["1", "3", "4 5 six", "two"]);
        let pool = GreenPool::new(1);
        generic::on(&pool).queue(log.clone(), 1);
        shared::on(&pool).queue(log.clone(), (4, 5), "six");
        without::on(&pool).queue();
        pool.waitall().await;
        assert_eq!((log.take().len(), pool.stats().finished), (2, 3));
    });
}

#[test]
fn close_drops_queued_calls_and_leaves_queued_spawns() {
    paused(async {
        let (pool, gate) = full().await;
        let kept = Gauge::default();
        for _ in 0..3 {
            hold::on(&pool).queue(kept.enter());
            pool.queue(hold(kept.enter()));
        }
        let mut spawn = pool.spawn(async { 1 });
        assert!(poll!(&mut spawn).is_pending());
        hold::on(&pool).queue(kept.enter());
        assert_eq!((pool.waiting(), kept.now()), (8, 7));
        pool.close();
        assert_eq!((pool.waiting(), pool.stats().queued, kept.now()), (1, 0, 0));
        assert_eq!(pool.stats().refused, 7);
        pool.queue(hold(kept.enter()));
        hold::on(&pool).queue(kept.enter());
        assert_eq!((pool.stats().refused, kept.now()), (9, 0));
        gate.open();
        assert_eq!(spawn.await.await.unwrap(), 1);
        pool.reopen();
        pool.queue(async {});
        pool.waitall().await;
        assert_eq!(pool.stats().finished, 3);
    });
}

#[test]
fn abort_all_drops_queued_calls_and_none_of_them_begins() {
    paused(async {
        let (pool, alive) = (GreenPool::new(2), Gauge::default());
        for _ in 0..10 {
            hold::on(&pool).queue(alive.enter());
        }
        until_idle().await;
        assert_eq!((pool.running(), pool.waiting(), alive.now()), (2, 8, 10));
        assert_eq!(pool.abort_all().await, 2);
        let stats = pool.stats();
        assert_eq!((stats.running, stats.waiting, alive.now()), (0, 0, 0));
        assert_eq!((stats.spawned, stats.aborted, stats.refused), (2, 2, 8));
        hold::on(&pool).queue(alive.enter());
        assert_eq!(pool.running(), 1, "the pool can still be used");
        assert_eq!(pool.abort_all().await, 1);
    });
}

#[test]
fn shutdown_lets_queued_calls_begin_during_the_grace_period_and_refuses_the_rest() {
    paused(async {
        let pool = GreenPool::new(1);
        let job = || async { tokio::time::sleep(Duration::from_secs(10)).await };
        for _ in 0..5 {
            pool.queue(job());
        }
        let report = pool.shutdown(Duration::from_secs(25)).await;
        assert_eq!((report.finished, report.aborted, report.refused), (2, 1, 2));
        assert_eq!((pool.running(), pool.waiting(), pool.stats().queued), (0, 0, 0));

        pool.reopen();
        for _ in 0..5 {
            pool.queue(job());
        }
        let all = pool.shutdown(Duration::from_mins(1)).await;
        assert_eq!((all.finished, all.aborted, all.refused), (5, 0, 0));

        pool.reopen();
        for _ in 0..5 {
            pool.queue(job());
        }
        pool.close();
        let report = pool.shutdown(Duration::from_mins(1)).await;
        assert_eq!(
            (report.finished, report.aborted, pool.stats().refused),
            (1, 0, 6),
            "closed first, it does not wait"
        );
    });
}

#[test]
fn a_panic_in_a_queued_job_is_counted_and_goes_no_further() {
    paused(async {
        #[green_pool(size = 1)]
        async fn fails(n: u32) {
            assert!(n != 1, "job {n}");
        }

        for n in 0..3 {
            fails::queue(n);
        }
        let panic = AssertUnwindSafe(fails::pool().waitall_or_panic()).catch_unwind().await.unwrap_err();
        assert_eq!(panic.downcast_ref::<String>().unwrap(), "job 1");
        let stats = fails::pool().stats();
        assert_eq!((stats.finished, stats.panicked), (2, 1));
    });
}

#[test]
fn a_destructor_that_panics_does_not_keep_other_calls_from_being_dropped() {
    struct Bomb(#[expect(dead_code, reason = "it counts until it is dropped")] GaugeGuard);

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("it was dropped");
        }
    }

    #[green_pool(size = 1)]
    async fn carry(bomb: Bomb) {
        drop(bomb);
    }

    paused(async {
        let (pool, gate) = full().await;
        let alive = Gauge::default();
        for _ in 0..3 {
            carry::on(&pool).queue(Bomb(alive.enter()));
        }
        pool.close();
        assert_eq!((alive.now(), pool.waiting(), pool.stats().refused), (0, 0, 3));
        // A call that is refused is dropped in its caller.
        let queue = carry::on(&pool);
        assert!(catch_unwind(AssertUnwindSafe(|| queue.queue(Bomb(alive.enter())))).is_err());
        gate.open();
        pool.waitall().await;
        assert_eq!((alive.now(), pool.running(), pool.stats().refused), (0, 0, 4));
    });
}

#[test]
fn arguments_that_are_dropped_may_use_the_pool() {
    struct Reenters(GreenPool);

    impl Drop for Reenters {
        fn drop(&mut self) {
            let _ = (self.0.waiting(), self.0.stats());
            self.0.queue(async {});
        }
    }

    #[green_pool(size = 1)]
    async fn carry(argument: Reenters) {
        drop(argument);
    }

    paused(async {
        let (pool, gate) = full().await;
        for _ in 0..3 {
            carry::on(&pool).queue(Reenters(pool.clone()));
        }
        drop(pool.abort_all());
        assert_eq!(pool.stats().queued, 3);
        gate.open();
        pool.waitall().await;
        assert_eq!((pool.stats().finished, pool.stats().refused), (3, 3));
    });
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

#[test]
fn a_call_runs_on_the_runtime_of_its_caller() {
    #[green_pool(size = 1)]
    async fn report(log: Log<tokio::runtime::Id>) {
        log.push(Handle::current().id());
    }

    let (here, there) = (runtime(), runtime());
    let (log, gate) = (Log::new(), Gate::new());
    here.block_on(report::pool().spawn_n(gate.clone().opened()));
    for runtime in [&here, &here, &there, &here] {
        let _inside = runtime.enter();
        report::queue(log.clone());
    }
    gate.open();
    for _ in 0..100 {
        here.block_on(yield_now());
        there.block_on(yield_now());
    }
    let [here, there] = [&here, &there].map(|runtime| runtime.handle().id());
    assert_eq!(log.take(), [here, here, there, here]);
}

#[test]
fn the_calls_of_a_runtime_that_ends_leave_the_queue() {
    let (pool, alive) = (GreenPool::new(1), Gauge::default());
    let (ending, other) = (runtime(), runtime());
    other.block_on(pool.spawn_n(pending::<()>()));
    let queue = || {
        hold::on(&pool).queue(alive.enter());
        pool.queue(hold(alive.enter()));
    };
    ending.block_on(async { queue() });
    other.block_on(async { queue() });
    ending.block_on(async { queue() });
    assert_eq!((pool.waiting(), alive.now()), (6, 6));
    drop(ending);
    assert_eq!((pool.waiting(), alive.now(), pool.stats().refused), (2, 2, 4));
    other.block_on(async {
        assert_eq!(pool.abort_all().await, 1);
        assert_eq!(pool.spawn(async { 3 }).await.await.unwrap(), 3);
    });
    assert_eq!(alive.now(), 0);
}

#[test]
fn a_call_that_got_its_slot_on_a_runtime_that_has_ended_gives_it_back() {
    let (pool, alive, gate) = (GreenPool::new(1), Gauge::default(), Gate::new());
    let (ending, other) = (runtime(), runtime());
    other.block_on(pool.spawn_n(gate.clone().opened()));
    ending.block_on(async { hold::on(&pool).queue(alive.enter()) });
    gate.open();
    other.block_on(async {
        // The call has the slot, and its runtime does not run.
        while pool.waiting() > 0 {
            yield_now().await;
        }
    });
    assert_eq!((pool.running(), alive.now()), (1, 1));
    drop(ending);
    assert_eq!((pool.running(), alive.now(), pool.stats().aborted), (0, 0, 1));
}

#[test]
fn pools_that_wait_for_each_other_go_on_although_calls_are_first_in_line() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        let ran = std::sync::Arc::new(AtomicUsize::new(0));
        let count = |ran: &std::sync::Arc<AtomicUsize>| {
            let ran = ran.clone();
            async move {
                ran.fetch_add(1, Ordering::Relaxed);
            }
        };
        let job = {
            let (a, b, ran) = (a.clone(), b.clone(), ran.clone());
            async move {
                a.queue(count(&ran));
                b.queue(count(&ran));
                let (inside, also) = (a.clone(), ran.clone());
                let in_b = async move {
                    inside.queue(count(&also));
                    inside.spawn(async { 7 }).await.await.unwrap()
                };
                b.spawn(in_b).await.await.unwrap()
            }
        };
        assert_eq!(a.spawn(job).await.await.unwrap(), 7);
        a.waitall().await;
        b.waitall().await;
        assert_eq!(ran.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn the_last_handle_may_go_before_the_calls_begin() {
    paused(async {
        let (pool, gate) = full().await;
        let log = Log::new();
        for n in 0..3 {
            note::on(&pool).queue(log.clone(), n);
        }
        drop(pool);
        gate.open();
        until_idle().await;
        assert_eq!(log.take(), [0, 1, 2]);
    });
}

#[test]
fn memory_of_a_long_line_is_given_back() {
    paused(async {
        let pool = GreenPool::new(0);
        let log = Log::new();
        for n in 0..100_000 {
            note::on(&pool).queue(log.clone(), n);
        }
        pool.resize(1);
        pool.waitall().await;
        assert!(log.take().into_iter().eq(0..100_000), "also while the backlog shrinks");
    });
}
