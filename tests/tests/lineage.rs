//! Promise 4: no greenpool call deadlocks inside a job, whether on the job's own pool or in a cycle of pools.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::poll;
use greenpool::{GreenPile, GreenPool, GreenThread, green_pool, inherit, lend, pile};
use greenpool_tests::{Gate, paused, threads, until_idle};
use tokio::runtime::Handle;
use tokio::task::{block_in_place, yield_now};

/// Runs `test` on both kinds of runtime, and fails if it takes too long.
fn on_both_runtimes(test: impl AsyncFn() + Copy + Send + Sync + 'static) {
    for threads in [0, 2] {
        let (done, over) = std::sync::mpsc::channel();
        std::thread::Builder::new()
            .stack_size(1 << 20)
            .spawn(move || {
                let mut builder = match threads {
                    0 => tokio::runtime::Builder::new_current_thread(),
                    _ => tokio::runtime::Builder::new_multi_thread(),
                };
                let runtime = builder.worker_threads(threads.max(1)).enable_all().build().unwrap();
                runtime.block_on(test());
                done.send(()).unwrap();
            })
            .unwrap();
        over.recv_timeout(Duration::from_mins(3)).unwrap_or_else(|why| panic!("with {threads} threads: {why}"));
    }
}

fn dive(pool: GreenPool, depth: usize) -> std::pin::Pin<Box<dyn Future<Output = usize> + Send>> {
    Box::pin(async move {
        if depth == 0 {
            return 0;
        }
        let child = pool.spawn(dive(pool.clone(), depth - 1)).await;
        child.await.unwrap() + 1
    })
}

#[test]
fn a_job_can_spawn_itself_100_000_deep_in_a_pool_of_size_one() {
    on_both_runtimes(async || {
        let pool = GreenPool::new(1);
        let green = pool.spawn(dive(pool.clone(), 100_000)).await;
        assert_eq!(green.await.unwrap(), 100_000);
        assert_eq!((pool.free(), pool.waiting()), (1, 0));
    });
}

#[test]
fn a_job_can_spawn_100_children_and_await_them_all() {
    on_both_runtimes(async || {
        for size in [1, 2] {
            let pool = GreenPool::new(size);
            let inner = pool.clone();
            let sum = pool.spawn(async move {
                let mut children = vec![];
                for n in 0..100 {
                    children.push(
                        inner
                            .spawn(async move {
                                tokio::task::yield_now().await;
                                n
                            })
                            .await,
                    );
                }
                let mut sum = 0;
                for child in children {
                    sum += child.await.unwrap();
                }
                sum
            });
            assert_eq!(sum.await.await.unwrap(), 4950);
            assert_eq!(pool.free(), size as isize);
        }
    });
}

#[test]
fn one_job_can_join_several_spawns() {
    on_both_runtimes(async || {
        let pool = GreenPool::new(1);
        let inner = pool.clone();
        let job = pool.spawn(async move {
            let work = || async { tokio::task::yield_now().await };
            let (a, b) = tokio::join!(inner.spawn(work()), inner.spawn(work()));
            a.await.unwrap();
            b.await.unwrap();
            let all = (0..50).map(|_| inner.spawn(work()));
            for green in futures::future::join_all(all).await {
                green.await.unwrap();
            }
        });
        job.await.await.unwrap();
        assert_eq!(pool.free(), 1);
    });
}

fn nest(
    pool: GreenPool,
    level: usize,
    running: Arc<AtomicUsize>,
) -> std::pin::Pin<Box<dyn Future<Output = usize> + Send>> {
    Box::pin(async move {
        if level == 0 {
            let now = running.fetch_add(1, Ordering::SeqCst) + 1;
            assert!(now <= pool.size(), "{now} leaves run at once");
            tokio::task::yield_now().await;
            running.fetch_sub(1, Ordering::SeqCst);
            return 1;
        }
        let (inner, count) = (pool.clone(), running.clone());
        let mut map = pool.imap(move |_| nest(inner.clone(), level - 1, count.clone()), 0..4);
        let mut sum = 0;
        while let Some(n) = map.next().await {
            sum += n.unwrap();
        }
        let mut pile = GreenPile::on(&pool);
        for _ in 0..3 {
            pile.spawn(nest(pool.clone(), level - 1, running.clone())).await;
        }
        while let Some(n) = pile.next().await {
            sum += n.unwrap();
        }
        let one = nest(pool.clone(), level - 1, running.clone());
        let other = nest(pool.clone(), level - 1, running.clone());
        let (a, b) = pile![in pool; one, other].join().await;
        sum + a.unwrap() + b.unwrap()
    })
}

#[test]
fn maps_and_piles_nest_three_levels_deep_in_a_full_pool() {
    on_both_runtimes(async || {
        for size in [1, 2, 3] {
            let pool = GreenPool::new(size);
            let green = pool.spawn(nest(pool.clone(), 3, Arc::default())).await;
            assert_eq!(green.await.unwrap(), 9 * 9 * 9);
            assert_eq!((pool.free(), pool.waiting()), (size as isize, 0));
        }
    });
}

#[green_pool(size = 1)]
async fn ping(n: u32) -> u32 {
    if n == 0 { 0 } else { pong::spawn(n - 1).await.await.unwrap() + 1 }
}

#[green_pool(size = 1)]
async fn pong(n: u32) -> u32 {
    if n == 0 {
        return 0;
    }
    let mut map = ping::imap([n - 1]);
    map.next().await.unwrap().unwrap() + 1
}

#[test]
fn two_pools_of_size_one_call_each_other() {
    on_both_runtimes(async || {
        let green = ping::spawn(1000).await;
        assert_eq!(green.await.unwrap(), 1000);
        assert_eq!((ping::pool().free(), pong::pool().free()), (1, 1));
    });
}

#[green_pool(size = 1)]
async fn a(n: u32) -> u32 {
    if n == 0 { 0 } else { pile![b(n - 1)].join().await.0.unwrap() + 1 }
}

#[green_pool(size = 1)]
async fn b(n: u32) -> u32 {
    if n == 0 { 0 } else { c::spawn(n - 1).await.await.unwrap() + 1 }
}

#[green_pool(size = 1)]
async fn c(n: u32) -> u32 {
    if n == 0 { 0 } else { a::starmap([(n - 1,)]).next().await.unwrap().unwrap() + 1 }
}

#[test]
fn three_pools_of_size_one_call_each_other_in_a_cycle() {
    on_both_runtimes(async || {
        let green = a::spawn(999).await;
        assert_eq!(green.await.unwrap(), 999);
        assert_eq!((a::pool().free(), b::pool().free(), c::pool().free()), (1, 1, 1));
    });
}

#[test]
fn an_inherited_task_that_waits_for_the_slot_of_an_aborted_job_resumes() {
    paused(async {
        let (pool, first, second) = (GreenPool::new(1), Gate::new(), Gate::new());
        let (inside, gates) = (pool.clone(), [first.clone(), second.clone()]);
        let (give, mut take) = tokio::sync::mpsc::unbounded_channel();
        let parent = pool.spawn(async move {
            for gate in gates {
                let pool = inside.clone();
                let child = inherit(async move { pool.spawn(gate.opened()).await.await });
                give.send(tokio::spawn(child)).unwrap();
            }
            std::future::pending::<()>().await;
        });
        let parent = parent.await;
        let (one, other) = (take.recv().await.unwrap(), take.recv().await.unwrap());
        until_idle().await;
        // The slot goes from the first child to the second, so the first cannot resume.
        first.open();
        until_idle().await;
        assert_eq!((one.is_finished(), other.is_finished(), pool.running()), (false, false, 1));
        parent.abort();
        assert!(parent.await.unwrap_err().is_cancelled());
        one.await.unwrap().unwrap();
        second.open();
        other.await.unwrap().unwrap();
        assert_eq!((pool.running(), pool.waiting(), pool.free()), (0, 0, 1));
    });
}

/// A job that spawns a job, to this depth. The innermost lends its slot for ever.
fn lend_below(pool: GreenPool, depth: usize) -> std::pin::Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        match depth {
            0 => lend(std::future::pending()).await,
            _ => pool.spawn_n(lend_below(pool.clone(), depth - 1)).await,
        }
    })
}

#[test]
fn a_spawn_is_woken_when_its_child_ends_without_a_slot() {
    // The child ran in the slot of its spawner, or lent it on. A job below it gave that slot to the pool with `lend`,
    // and all are aborted. So no slot comes home, and the spawner, which lives on in a task of its own, must learn of
    // the end all the same.
    paused(async {
        for depth in 0..5 {
            let pool = GreenPool::new(1);
            let (inner, done) = (pool.clone(), Gate::new());
            let over = done.clone();
            let parent = async move {
                let spawner = inherit(async move {
                    inner.spawn_n(lend_below(inner.clone(), depth)).await;
                    over.open();
                });
                tokio::spawn(spawner).await.unwrap();
            };
            pool.spawn_n(parent).await;
            until_idle().await;
            assert_eq!(pool.running(), 0, "the innermost job lends");
            pool.abort_all().await;
            done.opened().await;
            pool.waitall().await;
        }
    });
}

#[test]
fn a_child_can_lend_the_slot_back_to_the_job_that_lent_it() {
    paused(async {
        let [a, b] = [1, 2].map(GreenPool::new);
        let [goes_on, ends, done] = [Gate::new(), Gate::new(), Gate::new()];
        let (a_in, b_in, over) = (a.clone(), b.clone(), done.clone());
        let waits = [goes_on.clone(), ends.clone()].map(Gate::opened);
        let (send, handle) = tokio::sync::oneshot::channel::<GreenThread<()>>();
        let parent = async move {
            // The child runs in the slot of this job, and waits for this job.
            let child = async move { handle.await.unwrap().await };
            tokio::spawn(inherit(async move {
                a_in.spawn_n(child).await;
                over.open();
            }));
            for wait in waits {
                b_in.spawn(wait).await.await.unwrap();
            }
        };
        assert!(send.send(a.spawn(parent).await).is_ok());
        until_idle().await;
        assert_eq!((a.running(), a.waiting(), b.running(), a.stats().spawned), (1, 0, 1, 2));
        // To resolve the deadlock, the child lends the slot to the parent. That waits again, and gives it to the pool.
        goes_on.open();
        until_idle().await;
        assert_eq!((a.running(), b.running(), b.stats().finished, a.stats().overflowed), (0, 1, 1, 0));
        a.abort_all().await;
        done.opened().await;
        ends.open();
        b.waitall().await;
        drop((a, b));
        until_idle().await;
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 0, "nothing keeps the workers");
    });
}

#[test]
fn a_part_of_a_job_can_move_to_another_task() {
    threads(2, async {
        for polls in (0..6).cycle().take(100) {
            let pool = GreenPool::new(1);
            let inside = pool.clone();
            let job = pool.spawn(async move {
                let mut part = Box::pin(inherit(async move {
                    for _ in 0..4 {
                        inside.spawn(yield_now()).await.await.unwrap();
                    }
                }));
                for _ in 0..polls {
                    if poll!(&mut part).is_ready() {
                        return;
                    }
                    yield_now().await;
                }
                tokio::spawn(part).await.unwrap();
            });
            job.await.await.unwrap();
            pool.waitall().await;
            assert_eq!((pool.running(), pool.free(), pool.stats().overflowed), (0, 1, 0));
        }
    });
}

/// Spawns a job in the full pool of the one that runs, whose slot it gets. Once there is another slot, gives what waits
/// for it away.
async fn give_away<F: Future + Unpin>(mut waiter: F, to: tokio::sync::oneshot::Sender<F>, resized: Gate) {
    assert!(poll!(&mut waiter).is_pending());
    resized.opened().await;
    assert!(to.send(waiter).is_ok());
}

/// A job waits for another one that runs in its slot, and gives what waits to a second job of its pool.
async fn move_to_another_job<F>(wait: impl FnOnce(GreenPool, Gate) -> F + Send + 'static)
where
    F: Future + Send + Unpin + 'static,
{
    let (pool, gate, resized) = (GreenPool::new(1), Gate::new(), Gate::new());
    let (to, from) = tokio::sync::oneshot::channel();
    let (inside, opened, after) = (pool.clone(), gate.clone(), resized.clone());
    let one = pool.spawn(async move { give_away(wait(inside, opened), to, after).await }).await;
    until_idle().await;
    assert_eq!((pool.running(), pool.stats().spawned), (1, 2), "the child has the slot of its parent");
    pool.resize(3);
    resized.open();
    let other = pool.spawn(async move { drop(from.await.unwrap().await) }).await;
    one.await.unwrap();
    until_idle().await;
    gate.open();
    other.await.unwrap();
    pool.waitall().await;
    assert_eq!((pool.running(), pool.free(), pool.stats().overflowed), (0, 3, 0));
}

#[test]
fn a_spawn_whose_child_has_the_slot_of_its_job_can_move_to_another_job() {
    paused(move_to_another_job(|pool, gate| Box::pin(async move { pool.spawn(gate.opened()).await.await })));
}

#[test]
fn a_part_of_a_job_that_has_ended_can_move_to_another_job() {
    paused(move_to_another_job(|pool, gate| Box::pin(inherit(async move { pool.spawn(gate.opened()).await.await }))));
}

#[test]
fn a_part_that_is_aborted_while_it_waits_for_the_slot_does_not_keep_it() {
    paused(async {
        let (x, y) = (GreenPool::new(1), GreenPool::new(1));
        let (own, other) = (x.clone(), y.clone());
        let (wakes, ends, calls) = (Gate::new(), Gate::new(), Gate::new());
        let (woken, ended, called) = (wakes.clone(), ends.clone(), calls.clone());
        let (give, take) = tokio::sync::oneshot::channel();
        let job = x.spawn(async move {
            give.send(tokio::spawn(inherit(woken.opened())).abort_handle()).unwrap();
            let _map = own.imap(Gate::opened, [ended]);
            // Each of the two pools waits for the other, in the end.
            let circle = async move {
                called.opened().await;
                own.spawn(async {}).await.await.unwrap();
            };
            other.spawn(circle).await.await.unwrap();
        });
        let (job, part) = (job.await, take.await.unwrap());
        until_idle().await;
        assert_eq!((x.running(), x.stats().suspended), (1, 1), "the map has the slot");
        wakes.open();
        until_idle().await;
        part.abort();
        until_idle().await;
        ends.open();
        until_idle().await;
        assert_eq!(x.stats().finished, 1, "the map has given the slot back");
        calls.open();
        job.await.unwrap();
        assert_eq!((x.running(), x.free(), x.stats().overflowed), (0, 1, 1));
    });
}

#[test]
fn a_lend_that_moves_to_another_job_lends_only_the_slot_of_that_job() {
    threads(3, async {
        let pool = GreenPool::new(2);
        let (give, take) = std::sync::mpsc::channel();
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel();
        let poll_once = |lend: &mut std::pin::Pin<Box<greenpool::Lend<std::future::Pending<()>>>>| {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(lend.as_mut().poll(&mut cx).is_pending());
        };
        let taker = async move {
            let mut lend = block_in_place(|| take.recv()).unwrap();
            // Once more, and this job would seem to wait in place.
            (0..15).for_each(|_| poll_once(&mut lend));
            tell.send(()).unwrap();
            block_in_place(|| ended.recv()).unwrap();
        };
        let taker = pool.spawn(taker).await;
        let inside = pool.clone();
        let giver = pool.spawn(async move {
            let mut lend = Box::pin(lend(std::future::pending::<()>()));
            poll_once(&mut lend);
            give.send(lend).unwrap();
            block_in_place(|| told.recv()).unwrap();
            let running = inside.running();
            end.send(()).unwrap();
            running
        });
        assert_eq!(giver.await.await.unwrap(), 2, "both jobs are being polled");
        taker.await.unwrap();
    });
}

#[test]
fn a_job_that_gets_its_own_slot_back_by_a_loan_learns_that_its_child_has_ended() {
    paused(async {
        let pool = GreenPool::new(1);
        let (inside, own) = (pool.clone(), pool.clone());
        // It ends before its part does, which waits for a spawn that had its slot.
        let child = async move {
            let mut results = GreenPile::on(&inside);
            let spawner = results.spawner();
            drop(tokio::spawn(inherit(async move { spawner.spawn(async {}).await })));
            assert!(results.next().await.is_some());
            results.detach();
        };
        let parent = async move {
            let mut results = GreenPile::on(&own);
            let spawner = results.spawner();
            // Another verb wakes the parent while its child runs, so it asks for its slot.
            let take = async { while results.next_unordered().await.is_some() {} };
            futures::future::join(async move { spawner.spawn(async {}).await }, take).await;
            own.spawn(child).await.await.unwrap();
        };
        pool.spawn_n(parent).await;
        until_idle().await;
        assert_eq!((pool.running(), pool.free(), pool.stats().finished), (0, 1, 4));
    });
}

#[test]
fn a_spawn_is_woken_when_its_child_ends_although_the_child_has_lent_the_slot_on() {
    paused(async {
        let (pool, other) = (GreenPool::new(1), GreenPool::new(2));
        let (mapped, goes_on, stays) = (Gate::new(), Gate::new(), Gate::new());
        let (inside, map_ends, wakes, waits) = (pool.clone(), mapped.clone(), goes_on.clone(), stays.clone());
        let (give, take) = tokio::sync::oneshot::channel();
        let child = {
            let pool = pool.clone();
            async move {
                assert!(give.send(pool.imap(Gate::opened, [map_ends])).is_ok());
                // The part still waits when the job ends.
                let (part_of, part_waits) = (other.clone(), waits);
                let part = inherit(async move { part_of.spawn(part_waits.opened()).await.await });
                drop(tokio::spawn(part));
                other.spawn(wakes.opened()).await.await.unwrap();
            }
        };
        let parent = pool.spawn(async move { inside.spawn(child).await.await.unwrap() }).await;
        until_idle().await;
        assert_eq!((pool.running(), pool.stats().spawned), (1, 3), "the map has the slot of the child");
        pool.resize(2);
        goes_on.open();
        until_idle().await;
        assert!(parent.is_finished(), "the child has ended, and there is a second slot");
        mapped.open();
        stays.open();
        assert!(take.await.unwrap().next().await.is_some());
        pool.waitall().await;
        assert_eq!((pool.running(), pool.free()), (0, 2));
    });
}
