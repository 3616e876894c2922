//! When `waitall`, `shutdown`, `abort_all`, `try_join` or an awaited handle returns, the futures have been dropped and
//! the slots released. A dropped map or pile reads and starts nothing more. Checked on both kinds of runtime.

use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::FutureExt;
use greenpool::{GreenPile, GreenPool, GreenThread, JoinError, green_pool, pile};
use greenpool_tests::{Gate, Gauge, paused, threads};
use tokio::task::{JoinHandle, yield_now};

/// Runs the test once on a current-thread runtime, and 50 times on a multi-thread runtime with two workers.
#[track_caller]
fn on_both_runtimes<F>(test: impl Fn() -> F + Send + 'static)
where
    F: Future<Output = ()> + Send + 'static,
{
    paused(test());
    threads(2, async move {
        for _ in 0..50 {
            tokio::spawn(test()).await.unwrap();
        }
    });
}

/// A job that completes when the gate opens. The gauge counts it as long as its future exists.
fn watched(gauge: &Gauge, gate: &Gate) -> impl Future<Output = ()> + Send + use<> {
    let (inside, gate) = (gauge.enter(), gate.clone());
    async move {
        let _inside = inside;
        gate.opened().await;
    }
}

/// A pool of two slots with one finished job, two running jobs and two queued spawns.
struct Busy {
    pool: GreenPool,
    gate: Gate,
    running: Gauge,
    queued: Gauge,
    handles: Vec<GreenThread<()>>,
    spawners: Vec<JoinHandle<Result<(), JoinError>>>,
}

async fn busy() -> Busy {
    let (pool, gate, running, queued) = (GreenPool::new(2), Gate::new(), Gauge::default(), Gauge::default());
    pool.spawn(ready(())).await.await.unwrap();
    let (first, second) = (watched(&running, &gate), watched(&running, &gate));
    let handles = vec![pool.spawn(first).await, pool.spawn(second).await];
    let spawners = [watched(&queued, &gate), watched(&queued, &gate)].map(|job| {
        let pool = pool.clone();
        tokio::spawn(async move { pool.spawn(job).await.await })
    });
    while pool.waiting() < 2 {
        yield_now().await;
    }
    Busy { pool, gate, running, queued, handles, spawners: spawners.into() }
}

impl Busy {
    /// Checks that no future is left and that every slot has been released.
    #[track_caller]
    fn assert_over(&self) {
        assert_eq!((self.running.now(), self.queued.now()), (0, 0), "a future is still alive");
        self.assert_idle();
    }

    #[track_caller]
    fn assert_idle(&self) {
        let stats = self.pool.stats();
        assert_eq!((stats.running, stats.waiting, self.pool.free()), (0, 0, 2), "a slot was not released");
        assert_eq!(stats.finished + stats.panicked + stats.aborted, stats.spawned, "a job was not counted as ended");
    }
}

#[test]
fn after_waitall_all_running_and_queued_jobs_are_over() {
    on_both_runtimes(async || {
        let busy = busy().await;
        busy.gate.open();
        busy.pool.waitall().await;
        busy.assert_over();
        assert_eq!(busy.pool.stats().finished, 5);
    });
}

#[test]
fn a_closed_pool_completes_its_running_and_queued_jobs() {
    on_both_runtimes(async || {
        let busy = busy().await;
        busy.pool.close();
        busy.gate.open();
        busy.pool.waitall().await;
        busy.assert_over();
        for spawner in busy.spawners {
            spawner.await.unwrap().unwrap();
        }
    });
}

#[test]
fn after_a_timely_shutdown_every_job_has_finished() {
    on_both_runtimes(async || {
        let busy = busy().await;
        let down = tokio::spawn(busy.pool.shutdown(Duration::from_secs(1000)));
        busy.gate.open();
        let report = down.await.unwrap();
        busy.assert_over();
        assert_eq!((report.finished, report.aborted), (4, 0));
    });
}

#[test]
fn after_shutdown_runs_out_of_grace_the_remaining_jobs_are_gone() {
    on_both_runtimes(async || {
        let busy = busy().await;
        let report = busy.pool.shutdown(Duration::ZERO).await;
        busy.assert_idle();
        assert_eq!(busy.running.now(), 0, "a future is still alive");
        assert_eq!((report.finished, report.aborted), (0, 2));
        for handle in busy.handles {
            assert!(handle.await.unwrap_err().is_cancelled());
        }
        for spawner in busy.spawners {
            assert!(spawner.await.unwrap().unwrap_err().is_closed(), "it never started");
        }
        assert_eq!(busy.queued.now(), 0, "a future is still alive");
    });
}

#[test]
fn after_abort_all_the_running_jobs_are_gone_and_the_queue_advances() {
    on_both_runtimes(async || {
        let mut busy = busy().await;
        assert_eq!(busy.pool.abort_all().await, 2);
        assert_eq!(busy.running.now(), 0, "a future is still alive");
        for handle in busy.handles.drain(..) {
            assert!(handle.is_finished());
            assert!(handle.await.unwrap_err().is_cancelled());
        }
        busy.gate.open();
        for spawner in busy.spawners.drain(..) {
            spawner.await.unwrap().unwrap();
        }
        busy.assert_over();
        let stats = busy.pool.stats();
        assert_eq!((stats.spawned, stats.finished, stats.aborted), (5, 3, 2));
    });
}

#[test]
fn after_awaiting_an_aborted_handle_the_next_waiter_has_the_slot() {
    on_both_runtimes(async || {
        let mut busy = busy().await;
        let mut handles = busy.handles.drain(..);
        let aborted = handles.next().unwrap();
        aborted.abort();
        assert!(aborted.await.unwrap_err().is_cancelled());
        assert_eq!((busy.running.now(), busy.pool.running(), busy.pool.waiting()), (1, 2, 1));
        busy.gate.open();
        handles.next().unwrap().await.unwrap();
        drop(handles);
        busy.pool.waitall().await;
        busy.assert_over();
    });
}

#[test]
fn after_awaiting_a_handle_its_slot_is_free() {
    #[green_pool(size = 1000)]
    async fn watch(alive: Gauge) {
        let _inside = alive.enter();
        yield_now().await;
    }

    on_both_runtimes(async || {
        let (pool, alive, gate) = (GreenPool::new(1), Gauge::default(), Gate::new());
        gate.open();
        for _ in 0..20 {
            pool.spawn(watched(&alive, &gate)).await.await.unwrap();
            assert_eq!((alive.now(), pool.running()), (0, 0));
            // All the runs share the declared function's pool.
            watch::spawn(alive.clone()).await.await.unwrap();
            assert_eq!((alive.now(), watch::pool().running()), (0, 0));
        }
    });
}

#[test]
fn after_waitall_of_a_declared_function_its_jobs_are_gone() {
    #[green_pool(size = 3)]
    async fn watch(gate: Gate, alive: Gauge) {
        let _inside = alive.enter();
        gate.opened().await;
    }

    on_both_runtimes(async || {
        let (alive, gate) = (Gauge::default(), Gate::new());
        for _ in 0..3 {
            watch::spawn_n(gate.clone(), alive.clone()).await;
        }
        let (open, inside) = (gate.clone(), alive.clone());
        let queued = tokio::spawn(async move { watch::spawn(open, inside).await.await });
        while watch::pool().waiting() == 0 {
            yield_now().await;
        }
        gate.open();
        watch::pool().waitall().await;
        assert_eq!((alive.now(), alive.total(), watch::pool().free()), (0, 4, 3));
        queued.await.unwrap().unwrap();
    });
}

#[test]
fn after_abort_all_of_a_declared_function_its_jobs_are_gone() {
    #[green_pool(size = 5)]
    async fn watch(alive: Gauge) {
        let _inside = alive.enter();
        pending::<()>().await;
    }

    on_both_runtimes(async || {
        let alive = Gauge::default();
        for _ in 0..5 {
            watch::spawn_n(alive.clone()).await;
        }
        assert_eq!(watch::pool().abort_all().await, 5);
        assert_eq!((alive.now(), watch::pool().running(), watch::pool().free()), (0, 0, 5));
    });
}

#[test]
fn after_shutdown_of_a_declared_function_its_jobs_are_gone() {
    #[green_pool(size = 3)]
    async fn watch(alive: Gauge) {
        let _inside = alive.enter();
        pending::<()>().await;
    }

    threads(2, async {
        let alive = Gauge::default();
        for _ in 0..3 {
            watch::spawn_n(alive.clone()).await;
        }
        let inside = alive.clone();
        let queued = tokio::spawn(async move { watch::spawn(inside).await.await });
        while watch::pool().waiting() == 0 {
            yield_now().await;
        }
        let report = watch::pool().shutdown(Duration::from_millis(1)).await;
        assert_eq!((report.finished, report.aborted), (0, 3));
        assert_eq!((alive.now(), watch::pool().running(), watch::pool().free()), (0, 0, 3));
        assert!(queued.await.unwrap().unwrap_err().is_closed());
    });
}

#[test]
fn a_dropped_map_reads_no_more_and_waitall_sees_its_jobs_end() {
    on_both_runtimes(async || {
        for ordered in [true, false] {
            let (pool, alive, read) = (GreenPool::new(3), Gauge::default(), Arc::new(AtomicUsize::new(0)));
            let (inside, counter) = (alive.clone(), read.clone());
            let source = (0..).inspect(move |_: &u64| _ = counter.fetch_add(1, Ordering::SeqCst));
            // Every third job completes at once.
            let job = move |n| {
                let inside = inside.enter();
                async move {
                    let _inside = inside;
                    if n % 3 != 0 {
                        pending::<()>().await;
                    }
                }
            };
            let mut map = if ordered { pool.imap(job, source) } else { pool.imap_unordered(job, source) };
            map.next().await.unwrap().unwrap();
            drop(map);
            let seen = read.load(Ordering::SeqCst);
            pool.waitall().await;
            assert_eq!((alive.now(), pool.running(), pool.free()), (0, 0, 3));
            assert_eq!(read.load(Ordering::SeqCst), seen, "the source was read after the map was dropped");
        }
    });
}

#[test]
fn a_dropped_pile_starts_no_more_and_waitall_sees_its_jobs_end() {
    on_both_runtimes(async || {
        let (pool, alive, gate) = (GreenPool::new(2), Gauge::default(), Gate::new());
        let pile = GreenPile::on(&pool);
        pile.spawn(watched(&alive, &gate)).await;
        pile.spawn(watched(&alive, &gate)).await;
        let (spawner, job) = (pile.spawner(), watched(&alive, &gate));
        let late = tokio::spawn(async move { spawner.spawn(job).await });
        while pool.waiting() == 0 {
            yield_now().await;
        }
        drop(pile);
        late.await.unwrap();
        pool.waitall().await;
        assert_eq!((alive.now(), pool.running(), pool.free()), (0, 0, 2));

        let pile = pile![in pool; watched(&alive, &gate), watched(&alive, &gate), watched(&alive, &gate)];
        drop(pile);
        pool.waitall().await;
        // The queued entry has left the queue. Its task drops it.
        while alive.now() > 0 {
            yield_now().await;
        }
        assert_eq!((pool.running(), pool.free()), (0, 2));
    });
}

#[test]
fn after_try_join_returns_an_error_the_other_jobs_are_gone() {
    #[green_pool(size = 4)]
    async fn hang(alive: Gauge) {
        let _inside = alive.enter();
        pending::<()>().await;
    }

    #[green_pool(size = 1)]
    async fn fail(alive: Gauge) -> u32 {
        while alive.now() < 3 {
            yield_now().await;
        }
        std::panic::resume_unwind(Box::new("planned"))
    }

    on_both_runtimes(async || {
        let alive = Gauge::default();
        let [a, b, c] = [(); 3].map(|()| alive.clone());
        let all = pile![hang(a), hang(b), fail(alive.clone()), hang(c)].try_join();
        assert!(all.await.unwrap_err().is_panic());
        assert_eq!((alive.now(), hang::pool().running(), fail::pool().running()), (0, 0, 0));
        assert_eq!((hang::pool().free(), fail::pool().free()), (4, 1));
    });
}

#[test]
fn after_join_returns_all_jobs_are_gone() {
    on_both_runtimes(async || {
        let (pool, alive, gate) = (GreenPool::new(2), Gauge::default(), Gate::new());
        let job = || watched(&alive, &gate);
        let all = pile![in pool; job(), job().map(|()| 2), job().map(|()| "three")].join();
        gate.open();
        let (first, second, third) = all.await;
        assert_eq!((first.unwrap(), second.unwrap(), third.unwrap()), ((), 2, "three"));
        assert_eq!((alive.now(), pool.running(), pool.free()), (0, 0, 2));
    });
}
