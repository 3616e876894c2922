//! The slots of jobs that wait in place: what a job does not need goes to others.

use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::future::{BoxFuture, join, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt, poll};
use greenpool::{GreenPool, inherit, lend};
use greenpool_tests::{Gate, block_on, paused, spawn_waiter_for, threads, until_idle};
use tokio::task::yield_now;

async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        yield_now().await;
    }
}

/// Lets the others come to rest. Nothing tells when a thread waits in place; if that takes longer, a test tests less.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(50)).await;
}

/// What is not polled again once it is given up.
struct Part<F> {
    future: Option<F>,
    polled: Arc<AtomicBool>,
    given_up: Arc<AtomicBool>,
}

impl<F: Future + Unpin> Part<F> {
    fn new(future: F) -> Self {
        Part { future: Some(future), polled: Arc::default(), given_up: Arc::default() }
    }

    async fn run(mut self) {
        poll_fn(|cx| {
            if self.given_up.load(SeqCst) {
                self.future = None;
                return Poll::Ready(());
            }
            let future = self.future.as_mut().expect("it is pending");
            let poll = future.poll_unpin(cx).map(drop);
            self.polled.store(true, SeqCst);
            poll
        })
        .await;
    }
}

/// A job of another pool, and what ends it.
async fn elsewhere() -> (greenpool::GreenThread<()>, Gate) {
    let gate = Gate::new();
    (GreenPool::new(1).spawn(gate.clone().opened()).await, gate)
}

/// A new job of the pool opens the gate that the job waits for.
async fn opens(pool: &GreenPool, gate: Gate) {
    pool.spawn(async move { gate.open() }).await.await.unwrap();
}

#[test]
fn a_woken_branch_that_is_dropped_keeps_no_slot() {
    threads(4, async {
        let (pool, ends, child, branch) = (GreenPool::new(2), Gate::new(), Gate::new(), Gate::new());
        pool.spawn_n(ends.clone().opened()).await;
        let (wakes, inside, child_ends) = (branch.clone(), pool.clone(), child.clone());
        let (give, take) = tokio::sync::oneshot::channel();
        let job = pool.spawn(async move {
            let part = Part::new(Box::pin(inherit(wakes.opened())));
            let polled = part.polled.clone();
            give.send(part.given_up.clone()).ok().unwrap();
            let task = tokio::spawn(part.run());
            until(|| polled.load(SeqCst)).await;
            block_on(async { inside.spawn(child_ends.opened()).await.await.unwrap() });
            task.await.unwrap();
        });
        let (job, given_up) = (job.await, take.await.unwrap());
        until(|| pool.stats().spawned == 3).await;
        settle().await;
        // The branch wants the slot, which the child has.
        branch.open();
        settle().await;
        given_up.store(true, SeqCst);
        // The job gets this slot, for the branch.
        ends.open();
        settle().await;
        opens(&pool, child).await;
        job.await.unwrap();
    });
}

/// A job gets a slot besides the one that its child has, for a verb that is ready or dropped then.
fn get_a_second_slot(in_place: bool, is_dropped: bool) {
    threads(4, async move {
        let (pool, ends, child) = (GreenPool::new(2), Gate::new(), Gate::new());
        let (handle, end) = elsewhere().await;
        pool.spawn_n(ends.clone().opened()).await;
        let part = Part::new(handle);
        let (given_up, inside, child_ends) = (part.given_up.clone(), pool.clone(), child.clone());
        let job = pool.spawn(async move {
            let both = join(async { inside.spawn(child_ends.opened()).await.await.unwrap() }, part.run());
            if in_place {
                block_on(both);
            } else {
                both.await;
            }
        });
        let job = job.await;
        until(|| pool.stats().spawned == 3).await;
        settle().await;
        end.open();
        settle().await;
        given_up.store(is_dropped, SeqCst);
        ends.open();
        settle().await;
        opens(&pool, child).await;
        job.await.unwrap();
    });
}

#[test]
fn a_job_keeps_no_slot_besides_the_one_that_its_child_has() {
    for in_place in [false, true] {
        for is_dropped in [false, true] {
            get_a_second_slot(in_place, is_dropped);
        }
    }
}

/// A job is in `lend`, and another verb in it gets a slot.
fn lend_beside_a_handle(in_place: bool, lends_first: bool, others: usize) {
    threads(4, async move {
        let (pool, lent) = (GreenPool::new(1), Gate::new());
        let (handle, end) = elsewhere().await;
        let got = Arc::new(AtomicBool::new(false));
        let (lent_until, has_got) = (lent.clone(), got.clone());
        let job = pool.spawn(async move {
            let other = async {
                handle.await.unwrap();
                has_got.store(true, SeqCst);
            };
            let lends = lend(lent_until.opened());
            let both: BoxFuture<'_, ()> =
                if lends_first { join(lends, other).map(drop).boxed() } else { join(other, lends).map(drop).boxed() };
            if in_place {
                block_on(both);
            } else {
                both.await;
            }
        });
        let job = job.await;
        pool.spawn(async {}).await.await.unwrap();
        // Those that want a slot at the same time do not keep the job from getting one.
        let holds = Gate::new();
        pool.spawn_n(holds.clone().opened()).await;
        let others: Vec<_> = (0..others).map(|_| tokio::spawn(pool.clone().spawn(yield_now()))).collect();
        end.open();
        settle().await;
        holds.open();
        until(|| got.load(SeqCst)).await;
        settle().await;
        opens(&pool, lent).await;
        job.await.unwrap();
        for other in others {
            other.await.unwrap().await.unwrap();
        }
    });
}

#[test]
fn a_job_in_lend_gives_back_each_slot_that_it_gets() {
    for in_place in [false, true] {
        for lends_first in [false, true] {
            for others in [0, 3] {
                lend_beside_a_handle(in_place, lends_first, others);
            }
        }
    }
}

#[test]
fn a_job_in_lend_gives_its_slot_back_beside_a_branch() {
    for in_place in [false, true] {
        threads(4, async move {
            let pool = GreenPool::new(1);
            let (handle, end) = elsewhere().await;
            let job = pool.spawn(async move {
                let branch = async move { if in_place { block_on(handle) } else { handle.await } };
                let task = tokio::spawn(inherit(branch));
                settle().await;
                lend(task).await.unwrap().unwrap();
            });
            let job = job.await;
            settle().await;
            opens(&pool, end).await;
            job.await.unwrap();
        });
    }
}

#[test]
fn one_of_two_branches_in_place_can_wait_for_its_own_full_pool() {
    for own_pool_last in [false, true] {
        threads(5, async move {
            let (pool, moves) = (GreenPool::new(2), Gate::new());
            pool.spawn_n(moves.clone().opened()).await;
            let (handle, end) = elsewhere().await;
            let inside = pool.clone();
            let job = pool.spawn(async move {
                let own = async move {
                    block_on(async { inside.spawn(async {}).await.await.unwrap() });
                    end.open();
                };
                let other = async move { block_on(handle).unwrap() };
                let (one, two) =
                    if own_pool_last { (other.boxed(), own.boxed()) } else { (own.boxed(), other.boxed()) };
                let branch = tokio::spawn(inherit(one));
                settle().await;
                two.await;
                branch.await.unwrap();
            });
            job.await.await.unwrap();
            moves.open();
        });
    }
}

#[test]
fn a_verb_with_a_waker_that_wakes_nothing_hides_no_job_that_waits_in_place() {
    for is_dead in [false, true] {
        threads(3, async move {
            let (a, b, go) = (GreenPool::new(1), GreenPool::new(1), Gate::new());
            let (other, b_in) = (spawn_waiter_for(&a, &b, &go).await, b.clone());
            let job = a.spawn(async move {
                let mut kept = Box::pin(b_in.spawn(async {}));
                let first = async { b_in.spawn(async {}).await.await.unwrap() };
                // It is polled after the other one.
                let second = async {
                    let poll = if is_dead {
                        kept.poll_unpin(&mut Context::from_waker(Waker::noop()))
                    } else {
                        poll!(&mut kept)
                    };
                    assert!(poll.is_pending());
                    pending::<()>().await;
                };
                drop(block_on(select(Box::pin(first), Box::pin(second))));
            });
            let job = job.await;
            until(|| b.waiting() == 2).await;
            settle().await;
            go.open();
            job.await.unwrap();
            other.await.unwrap();
        });
    }
}

#[test]
fn a_job_that_gives_its_slot_back_is_not_polled_again_and_again() {
    for is_lend in [false, true] {
        paused(async move {
            let pool = GreenPool::new(2);
            let (ends, child) = (Gate::new(), Gate::new());
            let (handle, end) = elsewhere().await;
            pool.spawn_n(ends.clone().opened()).await;
            let (inside, child_ends) = (pool.clone(), child.clone());
            let polls = Arc::new(AtomicUsize::new(0));
            let counted = polls.clone();
            let job = pool.spawn(async move {
                // Their wakers are not those of a task.
                let mut set = FuturesUnordered::new();
                if !is_lend {
                    let spawn = async move { inside.spawn(child_ends.opened()).await.await.unwrap() };
                    set.push(spawn.boxed());
                }
                set.push(async move { handle.await.unwrap() }.boxed());
                set.push(pending().boxed());
                let all = async move { while set.next().await.is_some() {} };
                let mut all = if is_lend { lend(all).boxed() } else { all.boxed() };
                poll_fn(move |cx| {
                    counted.fetch_add(1, SeqCst);
                    all.poll_unpin(cx)
                })
                .await;
            });
            let job = job.await;
            until_idle().await;
            end.open();
            until_idle().await;
            ends.open();
            until_idle().await;
            child.open();
            until_idle().await;
            assert!(polls.load(SeqCst) < 20, "{} polls", polls.load(SeqCst));
            assert_eq!((pool.running(), pool.waiting()), (usize::from(!is_lend), 0));
            job.abort();
        });
    }
}
