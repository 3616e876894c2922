use greenpool::{GreenPool, pile};
use std::time::Duration;
use tokio::task::yield_now;
use tokio::time::timeout;

/// Hangs: two pools that call each other, no aborts, no resize.
#[tokio::test(start_paused = true)]
async fn knot_through_a_pile_hangs() {
    let (a, b) = (GreenPool::new(1), GreenPool::new(2));
    let (a1, a2, b1) = (a.clone(), a.clone(), b.clone());
    let root = async move {
        let inner = async move {
            let two = async move {
                let g = a2.spawn(yield_now()).await;
                let h = a2.spawn(yield_now()).await;
                let _ = (g.await, h.await);
            };
            let _ = pile![in b1; two, async {}].join().await;
        };
        let g = a1.spawn(inner).await;
        let h = a1.spawn(async {}).await;
        let _ = (g.await, h.await);
    };
    let all = async { a.spawn(root).await.await };
    assert!(timeout(Duration::from_secs(3600), all).await.is_ok(), "{a:?} {b:?}");
}

/// `running` wraps to 2^30 - 1 (and the size is eaten by one).
#[tokio::test(start_paused = true)]
async fn cancelled_spawn_and_dropped_map_underflow() {
    let (x, y) = (GreenPool::new(2), GreenPool::new(2));
    async fn timed(f: impl Future) {
        tokio::select! { biased; _ = f => {}, _ = async { for _ in 0..3 { yield_now().await } } => {} }
    }
    type Job = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;
    async fn first_of(p: GreenPool, jobs: [Job; 2]) { p.imap_unordered(|job| job, jobs).next().await; }
    let (x1, x2, y1, y2) = (x.clone(), x.clone(), y.clone(), y.clone());
    let inner: Job = Box::pin(async move { timed(async { y2.spawn(first_of(x2, [Box::pin(yield_now()), Box::pin(async {})])).await.await }).await });
    let root = async move { timed(async { x1.spawn(first_of(y1, [inner, Box::pin(yield_now())])).await.await }).await };
    let (y3, x3) = (y.clone(), x.clone());
    let one = tokio::spawn(async move { let _ = y3.spawn(root).await.await; });
    let two = tokio::spawn(async move { let _ = x3.spawn(yield_now()).await.await; });
    let _ = tokio::join!(one, two);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((x.size(), x.running(), y.size(), y.running()), (2, 0, 2, 0));
}
