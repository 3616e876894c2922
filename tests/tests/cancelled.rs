//! Deadlocks combined with cancelled calls. These are cases that random programs found. Nothing hangs, and the number
//! of slots stays right.

use std::pin::Pin;
use std::time::Duration;

use greenpool::{GreenPool, pile};
use greenpool_tests::paused;
use tokio::task::yield_now;
use tokio::time::timeout;

type Job = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Spawns `first` and a job that yields once, then awaits both.
async fn spawn_two(pool: GreenPool, first: impl Future<Output = ()> + Send + 'static) {
    let first = pool.spawn(first).await;
    let second = pool.spawn(yield_now()).await;
    let _ = (first.await, second.await);
}

/// Maps over two jobs, and drops the map after the first result.
async fn first_result(pool: GreenPool, jobs: [Job; 2]) {
    pool.imap_unordered(|job| job, jobs).next().await;
}

/// Drops `future` if it has not completed after three turns.
async fn drop_after_three_turns(future: impl Future) {
    let turns = async {
        for _ in 0..3 {
            yield_now().await;
        }
    };
    tokio::select! { biased; _ = future => {}, () = turns => {} }
}

#[test]
fn a_deadlock_through_a_pile_is_resolved() {
    paused(async {
        let (a, b) = (GreenPool::new(1), GreenPool::new(2));
        let (inner_a, inner_b) = (a.clone(), b.clone());
        let innermost = spawn_two(a.clone(), yield_now());
        let middle = async move {
            let _ = pile![in inner_b; innermost, async {}].join().await;
        };
        let outer = a.spawn(spawn_two(inner_a, middle));
        let ended = timeout(Duration::from_hours(1), async { outer.await.await }).await;
        assert!(ended.is_ok(), "{a:?} {b:?}");
    });
}

#[test]
fn a_cancelled_spawn_and_a_dropped_map_release_each_slot_once() {
    paused(async {
        let (x, y) = (GreenPool::new(2), GreenPool::new(2));
        let (x_in, y_in) = (x.clone(), y.clone());
        let innermost = first_result(x.clone(), [Box::pin(yield_now()), Box::pin(async {})]);
        let inner = async move { drop_after_three_turns(async { y_in.spawn(innermost).await.await }).await };
        let middle = first_result(y.clone(), [Box::pin(inner), Box::pin(yield_now())]);
        let outer = async move { drop_after_three_turns(async { x_in.spawn(middle).await.await }).await };
        let one = async { y.spawn(outer).await.await };
        let two = async { x.spawn(yield_now()).await.await };
        let _ = tokio::join!(one, two);
        x.waitall().await;
        y.waitall().await;
        assert_eq!((x.size(), x.running(), y.size(), y.running()), (2, 0, 2, 0));
    });
}
