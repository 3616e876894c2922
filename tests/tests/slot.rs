//! `slot` and `try_slot`: a slot without a job.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use futures::future::{BoxFuture, join};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt, poll, stream};
use greenpool::{GreenPile, GreenPool, Slot, pile};
use greenpool_tests::{Gate, Gauge, Log, paused, threads, until_idle};
use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, timeout};

#[test]
fn a_held_slot_counts_as_running_until_it_is_dropped() {
    paused(async {
        let pool = GreenPool::new(2);
        let one = pool.slot().await.unwrap();
        let two = pool.try_slot().unwrap();
        assert_eq!((pool.running(), pool.free(), pool.stats().held, pool.stats().spawned), (2, 0, 2, 0));
        assert!(pool.try_slot().unwrap_err().is_full() && pool.try_spawn(async {}).unwrap_err().is_full());
        drop(one);
        assert_eq!((pool.running(), pool.stats().held), (1, 1));
        assert_eq!(pool.spawn(async { 7 }).await.await.unwrap(), 7);
        drop(two);
        assert_eq!((pool.running(), pool.stats().held, pool.stats().spawned), (0, 0, 1));
    });
}

#[test]
fn a_job_begins_in_a_slot_without_waiting() {
    paused(async {
        let pool = GreenPool::new(1);
        let slot = pool.slot().await.unwrap();
        let mut late = pool.spawn(async { 2 });
        assert!(poll!(&mut late).is_pending());
        let green = slot.spawn(async { 1 });
        assert_eq!((pool.running(), pool.waiting(), pool.stats().held, pool.stats().spawned), (1, 1, 0, 1));
        assert_eq!(green.await.unwrap(), 1);
        assert_eq!(late.await.await.unwrap(), 2);

        let gate = Gate::new();
        pool.try_slot().unwrap().spawn_n(gate.clone().opened());
        assert_eq!((pool.running(), pool.stats().held), (1, 0));
        gate.open();
        pool.waitall().await;
        pool.slot().await.unwrap().spawn_n(async { panic!("it is counted") });
        pool.waitall().await;
        assert_eq!((pool.stats().finished, pool.stats().panicked), (3, 1));
    });
}

#[test]
fn a_slot_is_first_come_first_served_with_all_other_waiters() {
    paused(async {
        let (pool, log) = (GreenPool::new(1), Log::new());
        let held = pool.slot().await.unwrap();
        let job = |n| {
            let log = log.clone();
            async move { log.push(n) }
        };
        pool.queue(job(0));
        let (second, slots) = (log.clone(), pool.clone());
        let task = tokio::spawn(async move {
            let _slot = slots.slot().await.unwrap();
            second.push(1);
            yield_now().await;
            second.push(2);
        });
        until_idle().await;
        pool.queue(job(3));
        assert_eq!(pool.waiting(), 3);
        drop(held);
        pool.waitall().await;
        task.await.unwrap();
        assert_eq!(log.take(), [0, 1, 2, 3]);
    });
}

/// Work that borrows, so it cannot be a job.
async fn in_place(pool: &GreenPool, gauge: &Gauge, word: &str) -> usize {
    let _slot = pool.slot().await.unwrap();
    let _inside = gauge.enter();
    yield_now().await;
    word.len()
}

#[test]
fn work_that_borrows_is_bounded_in_place() {
    threads(2, async {
        let (pool, gauge) = (GreenPool::new(3), Gauge::default());
        let words: Vec<String> = (0..200).map(|n| n.to_string()).collect();
        let mut jobs = pool.imap(
            |gauge: Gauge| async move {
                let _inside = gauge.enter();
                yield_now().await;
            },
            vec![gauge.clone(); 200],
        );
        let mut lengths: FuturesUnordered<_> = words.iter().map(|word| in_place(&pool, &gauge, word)).collect();
        let mut sum = 0;
        while let Some(length) = lengths.next().await {
            sum += length;
        }
        assert_eq!(sum, 10 + 180 + 300);
        while let Some(job) = jobs.next().await {
            job.unwrap();
        }
        assert!(gauge.peak() <= 3, "jobs and work in place share one limit");
        assert_eq!((pool.running(), pool.waiting()), (0, 0));
    });
}

#[test]
fn a_slot_that_is_given_up_leaves_the_queue_or_passes_its_slot_on() {
    paused(async {
        let pool = GreenPool::new(1);
        let held = pool.slot().await.unwrap();
        assert!(timeout(Duration::from_millis(1), pool.slot()).await.is_err());
        assert_eq!(pool.waiting(), 0);
        let mut kept = pool.slot();
        assert!(poll!(&mut kept).is_pending());
        let mut next = pool.spawn(async { 7 });
        assert!(poll!(&mut next).is_pending());
        drop(held);
        assert_eq!((pool.running(), pool.waiting(), pool.stats().held), (1, 1, 0), "the slot is that of `kept`");
        drop(kept);
        assert_eq!(next.await.await.unwrap(), 7);
        let mut kept = pool.slot();
        assert!(poll!(&mut kept).is_ready(), "and all slots are back");
    });
}

#[test]
fn a_panic_while_a_slot_is_held_releases_it() {
    paused(async {
        let pool = GreenPool::new(1);
        let slots = pool.clone();
        let task = tokio::spawn(async move {
            let _slot = slots.slot().await.unwrap();
            panic!("in the task that holds it");
        });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!((pool.running(), pool.stats().held), (0, 0));
    });
}

#[test]
fn close_refuses_new_slots_and_leaves_those_that_are_held_or_queued() {
    paused(async {
        let pool = GreenPool::new(1);
        let held = pool.slot().await.unwrap();
        let mut queued = pool.slot();
        assert!(poll!(&mut queued).is_pending());
        pool.close();
        assert!(pool.slot().await.unwrap_err().is_closed());
        assert!(pool.try_slot().unwrap_err().is_closed());
        let green = held.spawn(async { 1 });
        assert_eq!(green.await.unwrap(), 1);
        assert_eq!(queued.await.unwrap().spawn(async { 2 }).await.unwrap(), 2);
        assert_eq!((pool.running(), pool.stats().finished), (0, 2));
    });
}

#[test]
fn abort_all_does_not_touch_a_held_slot() {
    paused(async {
        let pool = GreenPool::new(2);
        let held = pool.slot().await.unwrap();
        pool.spawn_n(pending::<()>()).await;
        assert_eq!(pool.abort_all().await, 1);
        assert_eq!((pool.running(), pool.stats().held), (1, 1));
        assert_eq!(held.spawn(async { 7 }).await.unwrap(), 7);
    });
}

#[test]
fn waitall_waits_for_a_held_slot() {
    paused(async {
        let pool = GreenPool::new(2);
        let held = pool.slot().await.unwrap();
        let mut all = pool.waitall();
        assert!(poll!(&mut all).is_pending());
        drop(held);
        all.await;
    });
}

#[test]
fn shutdown_does_not_wait_for_a_slot_that_was_granted_and_never_collected() {
    paused(async {
        let pool = GreenPool::new(1);
        let first = pool.slot().await.unwrap();
        let mut kept = pool.slot();
        assert!(poll!(&mut kept).is_pending());
        drop(first);
        // The slot is granted, and `kept` is not polled, as after a `select!`.
        let report = pool.shutdown(Duration::from_secs(1)).await;
        assert_eq!((report.held, report.aborted, pool.running()), (1, 0, 1));
        drop(kept);
        assert_eq!(pool.running(), 0);
    });
}

#[test]
fn shutdown_waits_for_a_held_slot_during_its_grace_period_and_reports_it() {
    paused(async {
        let pool = GreenPool::new(3);
        let held = pool.slot().await.unwrap();
        pool.spawn_n(pending::<()>()).await;
        let mut queued = pool.slot();
        let other = pool.slot().await.unwrap();
        assert!(poll!(&mut queued).is_pending());
        let before = Instant::now();
        let report = pool.shutdown(Duration::from_secs(10)).await;
        assert_eq!((report.finished, report.aborted, report.held), (0, 1, 2));
        assert!(before.elapsed() < Duration::from_secs(11), "it does not wait for what nothing can take away");
        assert!(queued.await.unwrap_err().is_closed(), "a queued one is refused");
        assert_eq!((pool.running(), pool.stats().held), (2, 2));
        drop((held, other));
        assert_eq!(pool.free(), 3);

        pool.reopen();
        let held = pool.slot().await.unwrap();
        let shutdown = tokio::spawn(pool.shutdown(Duration::from_secs(10)));
        sleep(Duration::from_secs(1)).await;
        assert!(!shutdown.is_finished());
        drop(held);
        let report = shutdown.await.unwrap();
        assert_eq!((report.aborted, report.held), (0, 0));
    });
}

#[test]
fn a_resize_counts_held_slots() {
    paused(async {
        let pool = GreenPool::new(2);
        let (one, two) = (pool.slot().await.unwrap(), pool.slot().await.unwrap());
        pool.resize(1);
        assert_eq!(pool.free(), -1);
        drop(one);
        assert!(pool.try_slot().is_err());
        drop(two);
        let last = pool.try_slot().unwrap();
        pool.resize(0);
        drop(last);
        let mut waits = pool.slot();
        assert!(poll!(&mut waits).is_pending());
        pool.resize(1);
        assert!(waits.await.is_ok());
    });
}

#[test]
fn a_slot_in_a_job_of_the_same_full_pool_shares_that_of_the_job() {
    paused(async {
        let pool = GreenPool::new(1);
        let inside = pool.clone();
        let job = async move {
            let shared = inside.slot().await.unwrap();
            let again = inside.slot().await.unwrap();
            assert_eq!((inside.running(), inside.stats().held), (1, 0));
            drop(again);
            assert_eq!(inside.running(), 1, "the job keeps its slot");
            // The job lends its slot while it waits for the handle.
            let seven = shared.spawn(async { 7 }).await.unwrap();
            inside.slot().await.unwrap().spawn_n(async {});
            assert_eq!((inside.waiting(), inside.stats().queued), (1, 1), "it stands in line");
            seven
        };
        assert_eq!(pool.spawn(job).await.await.unwrap(), 7);
        pool.waitall().await;
        assert_eq!((pool.stats().finished, pool.stats().overflowed, pool.running()), (3, 0, 0));

        pool.resize(2);
        let inside = pool.clone();
        let job = async move {
            let own = inside.slot().await.unwrap();
            assert_eq!((inside.running(), inside.stats().held), (2, 1), "a free slot is taken");
            own.spawn(async { 8 }).await.unwrap()
        };
        assert_eq!(pool.spawn(job).await.await.unwrap(), 8);
    });
}

#[test]
fn jobs_of_one_full_pool_that_all_take_slots_do_not_deadlock() {
    threads(2, async {
        fn nested(pool: GreenPool, depth: u32) -> BoxFuture<'static, u32> {
            let job = async move {
                let slot = pool.slot().await.unwrap();
                match depth {
                    0 => 1,
                    _ => 1 + slot.spawn(nested(pool, depth - 1)).await.unwrap(),
                }
            };
            job.boxed()
        }

        let pool = GreenPool::new(2);
        let inside = pool.clone();
        let sums: Vec<_> =
            pool.imap(move |depth| nested(inside.clone(), depth), [20; 10]).map(Result::unwrap).collect().await;
        assert_eq!(sums, [21; 10]);
        pool.waitall().await;
        assert_eq!((pool.running(), pool.stats().held), (0, 0));
    });
}

#[test]
fn jobs_that_wait_for_slots_of_each_others_pools_go_on() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(1));
        let job = |other: GreenPool| async move {
            yield_now().await;
            let slot = other.slot().await.unwrap();
            slot.spawn(async { 1 }).await.unwrap()
        };
        let (in_a, in_b) = (a.spawn(job(b.clone())).await, b.spawn(job(a.clone())).await);
        assert_eq!((in_a.await.unwrap(), in_b.await.unwrap()), (1, 1));
        a.waitall().await;
        b.waitall().await;
        assert_eq!((a.free(), b.free(), a.stats().held, b.stats().held), (1, 1, 0, 0));
    });
}

#[test]
fn a_slot_outside_of_a_runtime_is_held_and_given_back() {
    let pool = GreenPool::new(1);
    let slot = futures::executor::block_on(pool.slot()).unwrap();
    let payload = catch_unwind(AssertUnwindSafe(|| slot.spawn_n(async {}))).unwrap_err();
    assert!(payload.downcast_ref::<String>().is_some_and(|text| text.contains("Tokio")), "it needs a runtime");
    assert_eq!((pool.running(), pool.stats().held), (0, 0));
}

#[test]
fn the_slots_of_a_runtime_that_ends_come_back() {
    let pool = GreenPool::new(2);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (held, waits) = (pool.clone(), pool.clone());
    runtime.spawn(async move {
        let _slot = held.slot().await.unwrap();
        pending::<()>().await;
    });
    let other = pool.try_slot().unwrap();
    runtime.spawn(async move {
        yield_now().await;
        let _slot = waits.slot().await.unwrap();
        pending::<()>().await;
    });
    runtime.block_on(async {
        for _ in 0..10 {
            yield_now().await;
        }
    });
    assert_eq!((pool.running(), pool.waiting()), (2, 1));
    drop(runtime);
    assert_eq!((pool.running(), pool.waiting(), pool.stats().held), (1, 0, 1));
    drop(other);
    assert_eq!(pool.free(), 2);
}

type Verb = fn(GreenPool) -> BoxFuture<'static, ()>;

/// What a job may wait for in a full pool.
#[rustfmt::skip]
const WAITS: [(&str, Verb); 8] = [
    ("slot", |pool| async move { drop(pool.slot().await.unwrap()) }.boxed()),
    ("spawn", |pool| async move { drop(pool.spawn(async {}).await.await) }.boxed()),
    ("spawn_n", |pool| async move { pool.spawn_n(async {}).await }.boxed()),
    ("imap", |pool| async move { drop(pool.imap(|()| async {}, [()]).next().await) }.boxed()),
    ("imap_stream", |pool| async move { drop(pool.imap_stream(|()| async {}, stream::iter([()])).next().await) }.boxed()),
    ("a pile", |pool| async move { let mut pile = GreenPile::on(&pool); pile.spawn(async {}).await; drop(pile.next().await) }.boxed()),
    ("pile!", |pool| async move { drop(pile![in pool; async {}].join().await) }.boxed()),
    ("waitall", |pool| async move { pool.waitall().await }.boxed()),
];

/// How a job may hold a slot of another pool for a turn.
const TAKES: [(&str, Verb); 3] = [
    ("slot", |pool| hold(async move { pool.slot().await.unwrap() }).boxed()),
    ("try_slot", |pool| hold(async move { pool.try_slot().unwrap() }).boxed()),
    ("slot, given up", |pool| {
        let give_up = async move { drop(timeout(Duration::from_secs(1), pool.slot()).await) };
        give_up.boxed()
    }),
];

async fn hold(slot: impl Future<Output = Slot>) {
    let slot = slot.await;
    yield_now().await;
    drop(slot);
}

#[test]
fn a_job_that_has_taken_a_slot_of_another_pool_is_part_of_a_deadlock() {
    // A job takes a slot of `b` while its own is lent to a child, which waits for `b`. It must go on to give it back.
    paused(async {
        for (verb, wait) in WAITS {
            for (how, take) in TAKES {
                for is_granted_later in [false, true] {
                    if how == "slot" || !is_granted_later {
                        let [a, b] = [1, 1].map(GreenPool::new);
                        let held = if is_granted_later { Some(b.slot().await.unwrap()) } else { None };
                        let (a_in, b_in, b_child) = (a.clone(), b.clone(), b.clone());
                        let spawn = async move { a_in.spawn(wait(b_child)).await.await.unwrap() };
                        let job = a.spawn(async move { join(take(b_in), spawn).await }).await;
                        until_idle().await;
                        drop(held);
                        job.await.unwrap();
                        b.waitall().await;
                        assert_eq!((a.running(), b.running(), b.stats().overflowed), (0, 0, 0), "{verb}, {how}");
                    }
                }
            }
        }
    });
}

#[test]
fn a_job_that_has_taken_a_slot_and_moves_is_part_of_no_deadlock() {
    paused(async {
        let ([a, b], gate) = ([2, 1].map(GreenPool::new), Gate::new());
        let (b_in, opened) = (b.clone(), gate.clone().opened());
        let holder = a.spawn(async move {
            let slot = b_in.slot().await.unwrap();
            opened.await;
            drop(slot);
        });
        let holder = holder.await;
        let (a_in, b_in) = (a.clone(), b.clone());
        let back = async move { a_in.spawn(async {}).await.await.unwrap() };
        let waits = a.spawn(async move { b_in.spawn(back).await.await.unwrap() }).await;
        until_idle().await;
        assert_eq!((b.waiting(), a.stats().overflowed, b.stats().overflowed), (1, 0, 0));
        gate.open();
        holder.await.unwrap();
        waits.await.unwrap();
        assert_eq!((a.running(), b.running(), b.stats().overflowed), (0, 0, 0));

        // The slot is in a task of its own, and the job that took it has ended.
        let (gate, b_in) = (Gate::new(), b.clone());
        let opened = gate.clone().opened();
        let took = a.spawn(async move {
            let slot = b_in.slot().await.unwrap();
            let task = tokio::spawn(async move {
                opened.await;
                drop(slot);
            });
            [task]
        });
        let [task] = took.await.await.unwrap();
        let mut waits = [a.clone(), a.clone()].map(|a_in| {
            let b_in = b.clone();
            Box::pin(async move { a_in.spawn(async move { b_in.spawn(async {}).await.await }).await.await })
        });
        for wait in &mut waits {
            assert!(poll!(wait).is_pending());
        }
        until_idle().await;
        assert_eq!((b.running(), b.waiting(), b.stats().overflowed), (1, 2, 0));
        gate.open();
        task.await.unwrap();
        for wait in waits {
            wait.await.unwrap().unwrap();
        }
    });
}
