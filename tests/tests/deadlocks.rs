//! A deadlock is detected whatever event completes it, and what only looks like a deadlock is left alone.

use std::task::{Context, Waker};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use futures::poll;
use greenpool::{GreenPile, GreenPool, GreenThread, lend};
use greenpool_tests::{Gate, paused, spawn_waiter_for, threads, until_idle};
use tokio::time::{sleep, timeout};

/// A job of `a` that waits for all jobs of `b`, one of which waits for a slot of `a`.
async fn spawn_deadlock(a: &GreenPool, b: &GreenPool) -> GreenThread<()> {
    let (a_in, b_in) = (a.clone(), b.clone());
    a.spawn(async move {
        b_in.spawn_n(async move { a_in.spawn(async {}).await.await.unwrap() }).await;
        b_in.waitall().await;
    })
    .await
}

/// The same with a job that waits for one job of `b`.
async fn spawn_circle(a: &GreenPool, b: &GreenPool) -> GreenThread<()> {
    let (a_in, b_in) = (a.clone(), b.clone());
    a.spawn(async move { b_in.spawn(async move { a_in.spawn(async {}).await.await.unwrap() }).await.await.unwrap() })
        .await
}

async fn assert_completes(job: GreenThread<()>) {
    timeout(Duration::from_hours(1), job).await.expect("the deadlock is resolved").unwrap();
}

/// A job that waits for the gate.
async fn spawn_waiter(pool: &GreenPool, gate: &Gate) -> GreenThread<()> {
    pool.spawn(gate.clone().opened()).await
}

#[test]
fn a_deadlock_is_resolved_at_once_and_counted() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        assert_completes(spawn_deadlock(&a, &b).await).await;
        assert_eq!(a.stats().overflowed + b.stats().overflowed, 1);
        assert_completes(spawn_circle(&a, &b).await).await;
        assert_eq!(a.stats().overflowed + b.stats().overflowed, 2);
    });
}

#[test]
fn nothing_is_resolved_while_any_job_of_the_pools_can_make_progress() {
    paused(async {
        let (a, b, gate) = (GreenPool::new(1), GreenPool::new(2), Gate::new());
        let moving = spawn_waiter(&b, &gate).await;
        let stuck = spawn_deadlock(&a, &b).await;
        until_idle().await;
        assert_eq!(a.stats().overflowed + b.stats().overflowed, 0);
        assert_eq!((a.waiting(), stuck.is_finished()), (1, false));
        gate.open();
        assert_completes(moving).await;
        assert_completes(stuck).await;
        assert_eq!(a.stats().overflowed + b.stats().overflowed, 1);
    });
}

#[test]
fn aborting_the_last_job_that_can_make_progress_resolves_the_deadlock() {
    paused(async {
        let (a, b, gate) = (GreenPool::new(1), GreenPool::new(2), Gate::new());
        let moving = spawn_waiter(&b, &gate).await;
        let stuck = spawn_deadlock(&a, &b).await;
        until_idle().await;
        moving.abort();
        assert_completes(stuck).await;
    });
}

#[test]
fn a_spawn_that_nobody_polls_again_does_not_hide_a_deadlock() {
    paused(async {
        let (a, b, gate) = (GreenPool::new(1), GreenPool::new(2), Gate::new());
        let moving = spawn_waiter(&b, &gate).await;
        let stuck = spawn_deadlock(&a, &b).await;
        until_idle().await;
        let mut spawn = Box::pin(b.spawn(async {}));
        assert!(poll!(&mut spawn).is_pending());
        gate.open();
        assert_completes(moving).await;
        // The job of the pending spawn gets the slot, runs and ends by itself.
        assert_completes(stuck).await;
        drop(spawn);
    });
}

#[test]
fn a_resize_resolves_a_deadlock() {
    paused(async {
        let (a, b, gate) = (GreenPool::new(1), GreenPool::new(1), Gate::new());
        let (a_in, b_in, closed) = (a.clone(), b.clone(), gate.clone());
        let stuck = a.spawn(async move {
            let inner = b_in.spawn(async move {
                closed.opened().await;
                a_in.spawn(async {}).await.await.unwrap();
            });
            inner.await.await.unwrap();
        });
        let stuck = stuck.await;
        a.resize(0);
        gate.open();
        until_idle().await;
        // A pool of size 0 starts nothing, not even above its limit.
        assert_eq!((stuck.is_finished(), a.waiting(), a.stats().overflowed), (false, 1, 0));
        a.resize(1);
        assert_completes(stuck).await;
    });
}

#[test]
fn dropping_a_runtime_resolves_a_deadlock() {
    let (a, b, gate) = (GreenPool::new(1), GreenPool::new(2), Gate::new());
    let other = tokio::runtime::Builder::new_current_thread().build().unwrap();
    drop(other.block_on(spawn_waiter(&b, &gate)));
    paused(async move {
        let stuck = spawn_deadlock(&a, &b).await;
        until_idle().await;
        assert!(!stuck.is_finished());
        tokio::task::spawn_blocking(move || drop(other)).await.unwrap();
        assert_completes(stuck).await;
    });
}

#[test]
fn a_result_that_is_not_polled_does_not_hide_a_deadlock() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        let (a_in, b_in) = (a.clone(), b.clone());
        let job = a.spawn(async move {
            let mut held = b_in.spawn(tokio::task::yield_now()).await;
            // The job polls this result once, and waits for other jobs after it is ready.
            assert!(poll!(&mut held).is_pending());
            assert_completes(spawn_circle(&b_in, &a_in).await).await;
            held.await.unwrap();
        });
        assert_completes(job.await).await;
    });
}

#[test]
fn a_job_that_keeps_a_finished_handle_and_waits_for_something_else_keeps_its_slot() {
    paused(async {
        let (a, b, gate) = (GreenPool::new(1), GreenPool::new(1), Gate::new());
        let (b_in, closed) = (b.clone(), gate.clone());
        let job = a.spawn(async move {
            let mut held = b_in.spawn(tokio::task::yield_now()).await;
            assert!(poll!(&mut held).is_pending());
            closed.opened().await;
            held.await.unwrap();
        });
        let job = job.await;
        until_idle().await;
        let mut queued = Box::pin(a.spawn(async {}));
        assert!(poll!(&mut queued).is_pending());
        until_idle().await;
        // The job does not come to its handle, so it waits for the gate alone.
        assert!(poll!(&mut queued).is_pending());
        gate.open();
        assert_completes(job).await;
        assert_completes(queued.await).await;
        assert_eq!((a.stats().overflowed, b.stats().overflowed), (0, 0));
    });
}

#[test]
fn verbs_that_a_job_does_not_come_to_hide_no_deadlock() {
    paused(async {
        let (a, b, gate) = (GreenPool::new(1), GreenPool::new(1), Gate::new());
        let (a_in, b_in, closed) = (a.clone(), b.clone(), gate.clone());
        let job = a.spawn(async move {
            let mut handle = spawn_waiter(&b_in, &closed).await;
            let mut spawn = Box::pin(b_in.spawn(async {}));
            assert!(poll!(&mut handle).is_pending() && poll!(&mut spawn).is_pending());
            closed.opened().await;
            sleep(Duration::from_millis(1)).await;
            // Both are ready.
            assert_completes(spawn_circle(&b_in, &a_in).await).await;
            handle.await.unwrap();
            spawn.await.await.unwrap();
        });
        let job = job.await;
        until_idle().await;
        gate.open();
        assert_completes(job).await;
        // Each pool is part of it: one job of each begins in an idle slot.
        assert_eq!((a.stats().overflowed, b.stats().overflowed), (1, 1));
    });
}

#[test]
fn a_job_is_polled_again_when_a_verb_of_it_is_dropped_elsewhere() {
    /// Polls it with a waker that wakes nothing, as `now_or_never` does.
    fn poll_once(verb: &mut BoxFuture<'static, ()>) {
        assert!(verb.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    // Whether the job has been polled before it waits.
    for was_polled in [false, true] {
        paused(async move {
            let (a, b, gate) = (GreenPool::new(1), GreenPool::new(1), Gate::new());
            let other = spawn_waiter_for(&a, &b, &gate).await;
            let (give, take) = tokio::sync::oneshot::channel();
            let job = a.spawn(async move {
                let mut verbs = [0, 1].map(|_| {
                    let b = b.clone();
                    async move { b.spawn(async {}).await.await.unwrap() }.boxed()
                });
                verbs.iter_mut().for_each(poll_once);
                if was_polled {
                    tokio::task::yield_now().await;
                }
                let [_kept, dropped] = verbs;
                give.send(dropped).ok().unwrap();
                b.spawn(async {}).await.await.unwrap();
            });
            let job = job.await;
            let dropped = take.await.unwrap();
            until_idle().await;
            drop(dropped);
            until_idle().await;
            gate.open();
            assert_completes(job).await;
            assert_completes(other).await;
        });
    }
}

#[test]
fn a_pile_read_as_it_comes_can_be_part_of_many_deadlocks() {
    threads(4, async {
        for _ in 0..50 {
            let (a, b) = (GreenPool::new(1), GreenPool::new(1));
            let (a_in, b_in) = (a.clone(), b.clone());
            let job = a.spawn(async move {
                let mut pile = GreenPile::on(&b_in);
                let spawner = pile.spawner();
                let back = || {
                    let a_in = a_in.clone();
                    async move { a_in.spawn(tokio::task::yield_now()).await.await.unwrap() }
                };
                let spawns = join_all((0..20).map(|_| spawner.spawn(back())));
                let results = async {
                    for _ in 0..20 {
                        pile.next_unordered().await.unwrap().1.unwrap();
                    }
                };
                tokio::join!(spawns, results);
            });
            job.await.await.unwrap();
            assert_eq!((a.running(), b.running()), (0, 0));
        }
    });
}

#[test]
fn a_job_whose_awaited_result_is_ready_keeps_its_slot() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        // The job did not spawn what it awaits.
        let result = b.spawn(tokio::task::yield_now()).await;
        let job = a.spawn(async move { result.await.unwrap() }).await;
        let queued = a.spawn(async {});
        let ((), queued) = tokio::join!(assert_completes(job), queued);
        assert_completes(queued).await;
        assert_eq!((a.stats().overflowed, b.stats().overflowed), (0, 0));
    });
}

#[test]
fn a_map_about_to_queue_is_not_taken_for_a_deadlock() {
    paused(async {
        let pool = GreenPool::new(1);
        let inner = pool.clone();
        let job = pool.spawn(async move {
            let mut map = inner.imap(|n| async move { n }, [1, 2]);
            while map.next().await.is_some() {}
        });
        let job = job.await;
        let mut pile = GreenPile::on(&pool);
        pile.spawn(async {}).await;
        assert_completes(job).await;
        pile.next().await.unwrap().unwrap();
        assert_eq!(pool.stats().overflowed, 0);
    });
}

#[test]
fn a_job_that_waits_for_an_async_source_keeps_its_slot() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        let (give, take) = futures::channel::mpsc::unbounded::<()>();
        let inner = b.clone();
        let job = a.spawn(async move {
            let mut map = inner.imap_stream(|()| async {}, take);
            while map.next().await.is_some() {}
        });
        let job = job.await;
        let mut queued = Box::pin(a.spawn(async {}));
        assert!(poll!(&mut queued).is_pending());
        until_idle().await;
        // The items come from outside the pools at any time, so this is not a deadlock.
        assert!(poll!(&mut queued).is_pending());
        give.unbounded_send(()).unwrap();
        drop(give);
        assert_completes(job).await;
        assert_completes(queued.await).await;
        assert_eq!((a.stats().overflowed, b.stats().overflowed), (0, 0));
    });
}

#[test]
fn a_map_used_as_a_source_can_be_part_of_a_deadlock() {
    paused(async {
        let (a, b, c) = (GreenPool::new(1), GreenPool::new(1), GreenPool::new(1));
        let (a_in, b_in, c_in) = (a.clone(), b.clone(), c.clone());
        let job = a.spawn(async move {
            let back = a_in.clone();
            let source = b_in.imap(
                move |()| {
                    let back = back.clone();
                    async move { back.spawn(async {}).await.await }
                },
                [()],
            );
            let mut map = c_in.imap_stream(|_| async {}, source);
            while map.next().await.is_some() {}
        });
        assert_completes(job.await).await;
    });
}

#[test]
fn a_job_that_waits_for_a_pool_of_size_0_keeps_its_slot() {
    paused(async {
        let (a, b, gate) = (GreenPool::new(1), GreenPool::new(1), Gate::new());
        let (b_in, wait_gate) = (b.clone(), gate.clone());
        let job = a.spawn(async move { b_in.spawn(lend(wait_gate.opened())).await.await.unwrap() }).await;
        let mut queued = Box::pin(a.spawn(async {}));
        assert!(poll!(&mut queued).is_pending());
        b.resize(0);
        gate.open();
        // The gate is open, so the inner job only needs a slot to resume. Only `resize` can give it one.
        until_idle().await;
        assert!(poll!(&mut queued).is_pending());
        b.resize(1);
        assert_completes(job).await;
        assert_completes(queued.await).await;
        assert_eq!((a.stats().overflowed, b.stats().overflowed), (0, 0));
    });
}

#[test]
fn waitall_on_an_idle_looking_pool_can_be_part_of_a_deadlock() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        let (a_in, b_in, gate) = (a.clone(), b.clone(), Gate::new());
        let wait_gate = gate.clone();
        let job = a.spawn(async move {
            wait_gate.opened().await;
            b_in.waitall().await;
        });
        let job = job.await;
        b.spawn_n(lend(async move { a_in.spawn(async {}).await.await.unwrap() })).await;
        until_idle().await;
        assert_eq!((b.running(), a.waiting()), (0, 1));
        gate.open();
        assert_completes(job).await;
        assert_eq!((a.stats().overflowed, b.stats().finished), (1, 1));
    });
}

#[test]
fn a_deadlocked_job_that_also_waits_for_a_resize_goes_idle() {
    paused(async {
        let [a, b, c] = [1, 1, 0].map(GreenPool::new);
        let (a_in, b_in, c_in) = (a.clone(), b.clone(), c.clone());
        let job = a.spawn(async move {
            let stuck =
                async { b_in.spawn(async move { a_in.spawn(async {}).await.await.unwrap() }).await.await.unwrap() };
            let turns = async {
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::join!(biased; stuck, async { c_in.spawn(async {}).await.await.unwrap() }, turns);
        });
        let job = job.await;
        until_idle().await;
        assert_eq!((a.waiting(), c.waiting(), a.stats().overflowed), (1, 1, 0));
        c.resize(1);
        assert_completes(job).await;
        assert_eq!(a.stats().overflowed, 1);
    });
}

/// How a job waits for a job of another pool.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Link {
    Handle,
    Spawn,
    Tuple,
    PileNext,
    PileUnordered,
    TryJoin,
    Inherited,
    Keyed,
}

impl Link {
    const ALL: [Link; 8] = [
        Link::Handle,
        Link::Spawn,
        Link::Tuple,
        Link::PileNext,
        Link::PileUnordered,
        Link::TryJoin,
        Link::Inherited,
        Link::Keyed,
    ];

    async fn wait(self, pool: &GreenPool, job: BoxFuture<'static, ()>) {
        let mut pile = GreenPile::on(pool);
        match self {
            Link::Handle => pool.spawn(job).await.await.unwrap(),
            Link::Spawn => pool.spawn(async move { pool_of_one(job).await }).await.await.unwrap(),
            Link::Tuple => {
                let (one, two) = greenpool::pile![in pool; job, async {}].join().await;
                one.unwrap();
                two.unwrap();
            }
            Link::PileNext => {
                pile.spawn(job).await;
                pile.next().await.unwrap().unwrap();
            }
            Link::PileUnordered => {
                pile.spawn(job).await;
                pile.next_unordered().await.unwrap().1.unwrap();
            }
            Link::TryJoin => {
                let ((), ()) = greenpool::pile![in pool; async {}, job].try_join().await.unwrap();
            }
            Link::Inherited => {
                let green = pool.spawn(job).await;
                tokio::spawn(greenpool::inherit(green)).await.unwrap().unwrap();
            }
            Link::Keyed => pool.spawn_keyed("another", job).await.await.unwrap(),
        }
    }
}

/// Lends the slot of its caller to the job.
async fn pool_of_one(job: BoxFuture<'static, ()>) {
    let pool = GreenPool::new(1);
    let inside = pool.clone();
    pool.spawn(async move { inside.spawn(job).await.await.unwrap() }).await.await.unwrap();
}

/// A job of `a`, which has one slot for it, waits through jobs of `between` for another job of `a`. In `between` a job
/// moves for ever.
async fn circle(a: GreenPool, link: Link, depth: u32) {
    let between = GreenPool::new(100);
    between.spawn_n(std::future::pending::<()>()).await;
    let inner = a.clone();
    let mut job: BoxFuture<'static, ()> =
        Box::pin(async move { inner.spawn_keyed("key", async {}).await.await.unwrap() });
    for _ in 0..depth {
        let (next, between) = (job, between.clone());
        job = Box::pin(async move {
            tokio::task::yield_now().await;
            link.wait(&between, next).await;
        });
    }
    a.spawn_keyed("key", job).await.await.unwrap();
}

#[test]
fn a_deadlock_of_a_few_jobs_is_found_while_others_of_their_pools_move() {
    for link in Link::ALL {
        for depth in [1, 2, 5] {
            paused(async move {
                let full = GreenPool::new(1);
                let job = tokio::spawn(circle(full.clone(), link, depth));
                timeout(Duration::from_hours(1), job).await.unwrap_or_else(|_| panic!("{link:?} {depth}")).unwrap();
                assert_eq!(full.stats().overflowed, 1, "{link:?} {depth}");
                // The key is not free, and a slot is.
                let keyed = GreenPool::builder(100).per_key(1).build();
                keyed.spawn_n(std::future::pending::<()>()).await;
                let job = tokio::spawn(circle(keyed.clone(), link, depth));
                timeout(Duration::from_hours(1), job).await.unwrap_or_else(|_| panic!("{link:?} {depth}")).unwrap();
                assert_eq!(keyed.stats().overflowed, 1, "{link:?} {depth}");
            });
        }
    }
}
