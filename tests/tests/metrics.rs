//! `publish_metrics`, with the feature `metrics`.
#![expect(clippy::unused_async, reason = "they are jobs")]

use std::collections::BTreeMap;
use std::future::pending;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use futures::poll;
use greenpool::{GreenPool, green_pool};
use greenpool_tests::{paused, until_idle};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit, with_local_recorder};

/// Keeps the values, by the name and the labels of their metric.
#[derive(Default)]
struct Kept {
    counters: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    gauges: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
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
        panic!("a histogram: {}", text(key));
    }
}

impl Kept {
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
