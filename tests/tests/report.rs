//! `report`: the table for people.

use std::future::pending;
use std::time::Duration;

use futures::poll;
use greenpool::{GreenPool, green_pool, lend};
use greenpool_tests::{paused, until_idle};
use tokio::time::sleep;

#[green_pool(size = 8)]
async fn never() {
    pending::<()>().await;
}

#[test]
fn a_report_says_what_runs_for_how_long_and_what_waits() {
    paused(async {
        let pool = GreenPool::new(3);
        pool.track(true);
        // Outside greenpool.
        pool.spawn_n(pending::<()>()).await;
        sleep(Duration::from_hours(25)).await;
        // For a job of another pool.
        pool.spawn_n(async {
            let _ = never::spawn().await.await;
        })
        .await;
        sleep(Duration::from_mins(121)).await;
        // Without its slot.
        pool.spawn_n(lend(pending::<()>())).await;
        until_idle().await;
        // Queued.
        pool.spawn_n(pending::<()>()).await;
        let mut queued = Box::pin(pool.spawn_n(pending::<()>()));
        assert!(poll!(&mut queued).is_pending());
        until_idle().await;
        pool.close();

        let report = pool.report();
        assert_eq!((report.stats.running, report.stats.waiting, report.jobs.len()), (3, 1, 4));
        let lines: Vec<String> = report.to_string().lines().map(str::to_owned).collect();
        let expected = [
            "a pool without a name: 3 of 3 slots in use, 1 queued, 1 suspended, closed",
            "4 jobs begun: 0 finished, 0 panicked, 0 aborted; 0 refused",
            "     job        age  state",
            "       0    1d 03h   waits for something outside greenpool",
            "       1    2h 01m   waits for greenpool",
            "       2     0.00s   goes on without a slot, which it has given back",
            "       3     0.00s   waits for something outside greenpool",
        ];
        assert_eq!(lines, expected);

        let lines: Vec<String> = never::pool().report().to_string().lines().map(str::to_owned).collect();
        let expected = [
            "pool `never`: 1 of 8 slots in use, nothing is queued",
            "1 jobs begun: 0 finished, 0 panicked, 0 aborted; 0 refused",
            "awaited by jobs of these pools: one without a name",
            "the jobs are not listed; call `track(true)` on the pool to list those that begin later",
        ];
        assert_eq!(lines, expected);
    });
}

#[test]
fn a_job_that_makes_a_report_sees_itself() {
    paused(async {
        let pool = GreenPool::new(1);
        pool.track(true);
        let inner = pool.clone();
        let report = pool.spawn(async move { inner.report().to_string() }).await.await.unwrap();
        assert!(report.ends_with("       0     0.00s   computes, or blocks its thread\n"), "{report}");
        assert!(pool.report().jobs.is_empty());
    });
}
