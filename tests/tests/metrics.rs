//! `publish_metrics`, with the feature `metrics`.
#![expect(clippy::unused_async, reason = "they are jobs")]

use std::collections::BTreeMap;
use std::future::pending;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::{StreamExt, poll};
use greenpool::{GreenPool, green_pool, lend};
use greenpool_tests::{paused, until_idle};
use metrics::{
    Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit, with_local_recorder,
};
use tokio::time::sleep;

/// Keeps the values, by the name and the labels of their metric.
#[derive(Default)]
struct Kept {
    counters: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    gauges: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    histograms: Mutex<BTreeMap<String, Arc<Values>>>,
}

/// The values of a histogram.
#[derive(Default)]
struct Values(Mutex<Vec<f64>>);

impl HistogramFn for Values {
    fn record(&self, value: f64) {
        self.0.lock().unwrap().push(value);
    }
}

fn text(key: &Key) -> String {
    let labels = key.labels().map(|label| format!(" {}={}", label.key(), label.value()));
    labels.fold(key.name().to_owned(), |text, label| text + &label)
}

fn entry(values: &Mutex<BTreeMap<String, Arc<AtomicU64>>>, key: &Key) -> Arc<AtomicU64> {
    values.lock().unwrap().entry(text(key)).or_default().clone()
}

impl Recorder for Kept {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(entry(&self.counters, key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(entry(&self.gauges, key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.histograms.lock().unwrap().entry(text(key)).or_default().clone())
    }
}

impl Kept {
    /// The values of a histogram so far.
    fn values(&self, key: &str) -> Vec<f64> {
        self.histograms.lock().unwrap().get(key).map_or_else(Vec::new, |values| values.0.lock().unwrap().clone())
    }

    /// What a pool publishes.
    fn of(publish: impl Fn()) -> Self {
        let kept = Kept::default();
        with_local_recorder(&kept, publish);
        kept
    }

    fn lines(&self) -> Vec<String> {
        let gauges = self.gauges.lock().unwrap();
        let gauges =
            gauges.iter().map(|(key, value)| format!("{key} {}", f64::from_bits(value.load(Ordering::SeqCst))));
        let counters = self.counters.lock().unwrap();
        let counters = counters.iter().map(|(key, value)| format!("{key} {}", value.load(Ordering::SeqCst)));
        gauges.chain(counters).collect()
    }
}

#[green_pool(size = 2, name = "a pool")]
async fn panics_if(panics: bool) {
    if panics {
        resume_unwind(Box::new("planned"));
    }
}

#[test]
fn a_named_pool_publishes_what_its_statistics_say() {
    paused(async {
        let pool = panics_if::pool();
        for n in 0..5 {
            panics_if::spawn_n(n == 0).await;
        }
        pool.waitall().await;
        let one = pool.spawn(pending::<()>()).await;
        pool.spawn_n(pending::<()>()).await;
        let mut queued = Box::pin(panics_if::spawn_n(false));
        assert!(poll!(&mut queued).is_pending());
        one.abort();
        drop(one.await);
        queued.await;
        pool.spawn_n(pending::<()>()).await;
        let mut queued = Box::pin(panics_if::spawn_n(false));
        assert!(poll!(&mut queued).is_pending());
        until_idle().await;
        pool.close();
        panics_if::spawn_n(false).await;

        let lines = [
            "greenpool_queued pool=a pool 0",
            "greenpool_running pool=a pool 2",
            "greenpool_size pool=a pool 2",
            "greenpool_suspended pool=a pool 0",
            "greenpool_waiting pool=a pool 1",
            "greenpool_aborted_total pool=a pool 1",
            "greenpool_begun_total pool=a pool 9",
            "greenpool_finished_total pool=a pool 5",
            "greenpool_panicked_total pool=a pool 1",
            "greenpool_refused_total pool=a pool 1",
        ];
        assert_eq!(Kept::of(|| pool.publish_metrics()).lines(), lines);
    });
}

#[test]
fn counters_are_absolute_and_gauges_follow() {
    paused(async {
        let (pool, kept) = (GreenPool::new(1), Kept::default());
        for n in 1..4_u64 {
            pool.resize(n as usize);
            pool.spawn(async {}).await.await.unwrap();
            for _ in 0..2 {
                with_local_recorder(&kept, || pool.publish_metrics_as("mine"));
            }
            let lines = kept.lines();
            assert!(lines.contains(&format!("greenpool_size pool=mine {n}")), "{lines:?}");
            assert!(lines.contains(&format!("greenpool_finished_total pool=mine {n}")), "{lines:?}");
        }
    });
}

#[test]
fn a_pool_without_a_name_publishes_under_a_given_name_only() {
    let pool = GreenPool::new(3);
    assert_eq!(Kept::of(|| pool.publish_metrics()).lines(), [""; 0]);
    let published = Kept::of(|| pool.publish_metrics_as("mine"));
    assert!(published.lines().iter().any(|line| line == "greenpool_size pool=mine 3"));
}

#[test]
fn the_times_of_jobs_that_begin_later_are_recorded() {
    #[green_pool(size = 1, name = "slow")]
    async fn slow(seconds: u64) {
        sleep(Duration::from_secs(seconds)).await;
    }

    paused(async {
        let (pool, kept) = (slow::pool(), Kept::default());
        let waits = || kept.values("greenpool_wait_seconds pool=slow");
        let runs = || kept.values("greenpool_run_seconds pool=slow");
        let unmeasured = slow::spawn(8).await;
        until_idle().await;
        with_local_recorder(&kept, || pool.publish_metrics());
        unmeasured.await.unwrap();
        assert_eq!((waits(), runs()), (vec![], vec![]));

        for seconds in [1, 2, 3] {
            slow::queue(seconds);
        }
        pool.waitall().await;
        assert_eq!((waits(), runs()), (vec![0.0, 1.0, 3.0], vec![1.0, 2.0, 3.0]));

        // Spawned, aborted, and from a map, which waits in no queue.
        let green = slow::spawn(4).await;
        sleep(Duration::from_secs(1)).await;
        green.abort();
        drop(green.await);
        drop(slow::imap([5]).next().await);
        assert_eq!((waits(), runs()), (vec![0.0, 1.0, 3.0, 0.0], vec![1.0, 2.0, 3.0, 1.0, 5.0]));
    });
}

#[test]
fn a_recorder_that_panics_harms_no_job() {
    struct Broken;
    impl HistogramFn for Broken {
        fn record(&self, _: f64) {
            resume_unwind(Box::new("planned"));
        }
    }

    struct Breaks;
    impl Recorder for Breaks {
        fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
        fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
            Counter::noop()
        }
        fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
            Gauge::noop()
        }
        fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
            Histogram::from_arc(Arc::new(Broken))
        }
    }

    paused(async {
        let pool = GreenPool::new(1);
        with_local_recorder(&Breaks, || pool.publish_metrics_as("mine"));
        for n in 0..3 {
            assert_eq!(pool.spawn(async move { n }).await.await.unwrap(), n);
        }
        let doubled: Vec<u32> = pool.imap(|n: u32| async move { 2 * n }, [1, 2]).values().collect().await;
        assert_eq!((doubled, pool.stats().finished, pool.running()), (vec![2, 4], 5, 0));
    });
}

#[test]
fn jobs_that_wait_for_greenpool_are_counted_as_suspended() {
    #[green_pool(size = 2)]
    async fn nested(depth: u32) {
        match depth {
            0 => pending().await,
            _ => nested::spawn(depth - 1).await.await.unwrap(),
        }
    }

    paused(async {
        nested::spawn_n(9).await;
        until_idle().await;
        let stats = nested::pool().stats();
        assert_eq!((stats.running, stats.suspended, stats.spawned), (2, 9, 10));
        nested::pool().abort_all().await;
        assert_eq!(nested::pool().stats().suspended, 0);
        // One that waits for something outside greenpool is not.
        nested::spawn_n(0).await;
        nested::pool().spawn_n(lend(pending::<()>())).await;
        until_idle().await;
        assert_eq!(nested::pool().stats().suspended, 0);
        nested::pool().abort_all().await;
    });
}
