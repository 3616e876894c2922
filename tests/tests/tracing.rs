//! Events and spans that greenpool emits under the `tracing` feature.

use std::fmt::{Debug, Write};
use std::future::pending;
use std::sync::{Arc, Mutex};

use futures::poll;
use greenpool::{GreenPool, green_pool};
use greenpool_tests::{paused, until_idle};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Event, Metadata, Subscriber};

/// Records each event as a line, with the spans that it is in.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Records>>);

#[derive(Default)]
struct Records {
    lines: Vec<String>,
    spans: Vec<String>,
    entered: Vec<usize>,
}

/// The fields of a span or an event.
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl Subscriber for Recorder {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(span.metadata().name().to_owned());
        span.record(&mut fields);
        let mut records = self.0.lock().unwrap();
        records.spans.push(fields.0);
        Id::from_u64(records.spans.len() as u64)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let meta = event.metadata();
        let mut line = Fields(format!("{} {}:", meta.level(), meta.target()));
        event.record(&mut line);
        let mut records = self.0.lock().unwrap();
        for at in &records.entered {
            write!(line.0, " in {}", records.spans[*at]).unwrap();
        }
        records.lines.push(line.0);
    }

    fn enter(&self, span: &Id) {
        self.0.lock().unwrap().entered.push(span.into_u64() as usize - 1);
    }

    fn exit(&self, span: &Id) {
        let left = self.0.lock().unwrap().entered.pop();
        assert_eq!(left, Some(span.into_u64() as usize - 1), "spans are exited in reverse order");
    }
}

impl Recorder {
    /// Installs a recorder for this thread, which runs the whole test.
    fn install() -> (Self, DefaultGuard) {
        let recorder = Recorder::default();
        (recorder.clone(), set_default(recorder))
    }

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().lines)
    }
}

fn planned(message: &'static str) {
    std::panic::resume_unwind(Box::new(message));
}

#[green_pool(size = 1)]
async fn fails(message: &'static str) {
    tokio::task::yield_now().await;
    planned(message);
}

#[test]
fn a_panic_of_a_job_without_a_handle_is_one_event() {
    paused(async {
        let (recorder, _guard) = Recorder::install();
        fails::spawn_n("no such page").await;
        fails::pool().waitall().await;
        assert_eq!(recorder.lines(), [r#"ERROR greenpool: message=the job panicked: no such page pool="fails""#]);

        let pool = GreenPool::new(1);
        pool.spawn_n(async { planned("no such host") }).await;
        pool.waitall().await;
        assert_eq!(recorder.lines(), ["ERROR greenpool: message=the job panicked: no such host"]);
    });
}

#[test]
fn a_panic_of_a_child_in_its_parents_slot_is_also_an_event() {
    #[green_pool(size = 1)]
    async fn parent() {
        parent_pool().spawn_n(async { planned("at once") }).await;
        let later = async {
            tokio::task::yield_now().await;
            planned("later");
        };
        parent_pool().spawn_n(later).await;
    }

    fn parent_pool() -> &'static GreenPool {
        parent::pool()
    }

    paused(async {
        let (recorder, _guard) = Recorder::install();
        parent::spawn().await.await.unwrap();
        let lines = recorder.lines();
        assert_eq!(lines.len(), 2);
        assert!(
            lines[0].starts_with(r#"ERROR greenpool: message=the job panicked: at once pool="parent""#),
            "{lines:?}"
        );
        assert!(lines[1].starts_with(r#"ERROR greenpool: message=the job panicked: later pool="parent""#), "{lines:?}");
    });
}

#[test]
fn a_panic_that_a_handle_or_map_returns_is_no_event() {
    paused(async {
        let (recorder, _guard) = Recorder::install();
        let pool = GreenPool::new(2);
        pool.spawn(async { planned("taken") }).await.await.unwrap_err();
        fails::spawn("taken").await.await.unwrap_err();
        let mut map = pool.imap(|()| async { planned("taken") }, [()]);
        map.next().await.unwrap().unwrap_err();
        assert_eq!(recorder.lines(), [""; 0]);
    });
}

#[test]
fn finished_aborted_and_refused_jobs_emit_no_event() {
    #[green_pool(size = 2)]
    async fn hangs(hang: bool) {
        if hang {
            pending::<()>().await;
        }
    }

    paused(async {
        let (recorder, _guard) = Recorder::install();
        for pool in [hangs::pool().clone(), GreenPool::new(2)] {
            pool.spawn_n(async {}).await;
            pool.spawn_n(pending::<()>()).await;
            hangs::spawn_n(false).await;
            until_idle().await;
            hangs::spawn_n(true).await;
            until_idle().await;
            pool.abort_all().await;
            hangs::pool().abort_all().await;
        }
        hangs::pool().close();
        hangs::spawn_n(true).await;
        assert_eq!(recorder.lines(), [""; 0]);
    });
}

#[test]
fn each_poll_of_a_job_is_in_a_span_with_the_name_of_its_pool() {
    #[green_pool(size = 2, name = "talkers")]
    async fn talk(message: &'static str) {
        tracing::info!(target: "user", "{message}");
        tokio::task::yield_now().await;
        tracing::info!(target: "user", "{message} again");
    }

    paused(async {
        let (recorder, _guard) = Recorder::install();
        talk::spawn("one").await.await.unwrap();
        let again = "INFO user: message=one again in job pool=\"talkers\"";
        assert_eq!(recorder.lines(), ["INFO user: message=one in job pool=\"talkers\"", again]);

        let mut map = talk::imap(["two", "three"]);
        while let Some(result) = map.next().await {
            result.unwrap();
        }
        let lines = recorder.lines();
        assert!(lines.len() == 4 && lines.iter().all(|line| line.ends_with(" in job pool=\"talkers\"")), "{lines:?}");

        // Jobs that are polled in turn on one thread have separate spans.
        let pool = GreenPool::new(2);
        let mut green = pool.spawn(talk("plain")).await;
        assert!(poll!(&mut green).is_pending());
        talk::spawn_n("four").await;
        green.await.unwrap();
        talk::pool().waitall().await;
        let lines = recorder.lines();
        let plain = lines.iter().filter(|line| line.contains("message=plain"));
        assert!(plain.clone().count() == 2 && plain.into_iter().all(|line| line.ends_with(" in job")), "{lines:?}");
        tracing::info!(target: "user", "outside");
        assert_eq!(recorder.lines(), ["INFO user: message=outside"]);
    });
}
