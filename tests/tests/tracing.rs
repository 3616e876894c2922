//! Events and spans that greenpool emits under the `tracing` feature.

use std::fmt::{Debug, Write};
use std::future::pending;
use std::sync::{Arc, Mutex};

use futures::future::BoxFuture;
use futures::{FutureExt, poll, stream};
use greenpool::{GreenPile, GreenPool, GreenThread, green_pool, pile};
use greenpool_tests::{paused, until_idle};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::subscriber::{DefaultGuard, set_default};
use tracing::{Event, Instrument, Subscriber, info, info_span};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Records each event as a line, with the spans that it is in, from the innermost outwards.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<String>>>);

/// While it lives, a recorder is installed.
struct Installed {
    _subscriber: DefaultGuard,
    _lock: tokio::sync::MutexGuard<'static, ()>,
}

/// The name and the fields of a span, or the fields of an event.
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).unwrap();
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let mut fields = Fields(attributes.metadata().name().to_owned());
        attributes.record(&mut fields);
        cx.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let meta = event.metadata();
        let mut line = Fields(format!("{} {}:", meta.level(), meta.target()));
        event.record(&mut line);
        for span in cx.event_scope(event).into_iter().flatten() {
            write!(line.0, " in {}", span.extensions().get::<Fields>().unwrap().0).unwrap();
        }
        self.0.lock().unwrap().push(line.0);
    }
}

impl Recorder {
    /// Installs a recorder for this thread, which runs the whole test.
    async fn install() -> (Self, Installed) {
        Self::install_with(LevelFilter::TRACE).await
    }

    /// Installs a recorder of what is at least of that level.
    async fn install_with(level: LevelFilter) -> (Self, Installed) {
        // One test at a time, since `tracing` asks all subscribers of a process what they want to see.
        static LOCK: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
        let lock = LOCK.lock().await;
        let recorder = Recorder::default();
        let subscriber = tracing_subscriber::registry().with(recorder.clone().with_filter(level));
        (recorder, Installed { _subscriber: set_default(subscriber), _lock: lock })
    }

    fn lines(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
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
        let (recorder, _guard) = Recorder::install().await;
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
        let (recorder, _guard) = Recorder::install().await;
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
        let (recorder, _guard) = Recorder::install().await;
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
        let (recorder, _guard) = Recorder::install().await;
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
        let (recorder, _guard) = Recorder::install().await;
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

/// Logs when it is dropped.
struct Dropped;

impl Drop for Dropped {
    fn drop(&mut self) {
        info!("dropped");
    }
}

/// Logs when it is polled first, when it is polled last, and when it is dropped.
#[green_pool(size = 1)]
async fn logs() {
    let _dropped = Dropped;
    info!("begins");
    tokio::task::yield_now().await;
    info!("ends");
}

/// Makes jobs of `logs` in an own pool, and waits until they have begun or are queued.
type Verb = fn(GreenPool) -> BoxFuture<'static, ()>;

#[test]
fn a_job_runs_in_a_span_whose_parent_is_the_span_of_the_call() {
    #[rustfmt::skip]
    let verbs: [(&str, Verb); 14] = [
        ("spawn", |pool| async move { drop(pool.spawn(logs()).await) }.boxed()),
        ("spawn_n", |pool| async move { pool.spawn_n(logs()).await }.boxed()),
        ("try_spawn", |pool| async move { drop(pool.try_spawn(logs())) }.boxed()),
        ("queue", |pool| async move { pool.queue(logs()) }.boxed()),
        ("slot", |pool| async move { pool.slot().await.unwrap().spawn_n(logs()) }.boxed()),
        ("pile", |pool| async move { let pile = GreenPile::on(&pool); pile.spawn(logs()).await; pile.detach() }.boxed()),
        ("imap", |pool| async move { drop(pool.imap(|()| logs(), [()]).next().await) }.boxed()),
        ("imap_stream", |pool| async move { drop(pool.imap_stream(|()| logs(), stream::iter([()])).next().await) }.boxed()),
        ("on spawn", |pool| async move { drop(logs::on(&pool).spawn().await) }.boxed()),
        ("on queue", |pool| async move { logs::on(&pool).queue() }.boxed()),
        ("declared spawn", |_| async { drop(logs::spawn().await) }.boxed()),
        ("declared spawn_n", |_| async { logs::spawn_n().await }.boxed()),
        ("declared queue", |_| async { logs::queue() }.boxed()),
        ("pile!", |_| async { let _ = pile![logs()].join().await; }.boxed()),
    ];
    paused(async move {
        let (recorder, _guard) = Recorder::install().await;
        for (name, verb) in verbs {
            for full in [false, true] {
                let pool = GreenPool::new(1);
                let blocks = [pool.spawn(pending::<()>()).await, logs::pool().spawn(pending()).await];
                if !full {
                    let _ = blocks.each_ref().map(GreenThread::abort);
                    until_idle().await;
                }
                tokio::spawn(verb(pool.clone()).instrument(info_span!("caller", name, full)));
                until_idle().await;
                let _ = blocks.each_ref().map(GreenThread::abort);
                pool.waitall().await;
                logs::pool().waitall().await;
                let declared = name.contains("declared") || name == "pile!";
                let job = if declared { r#"job pool="logs""# } else { "job" };
                let caller = format!("caller name={name:?} full={full}");
                let line = |message| format!("INFO tracing: message={message} in {job} in {caller}");
                let refused = name == "try_spawn" && full;
                let messages: &[&str] = if refused { &[] } else { &["begins", "ends", "dropped"] };
                assert_eq!(recorder.lines(), messages.iter().map(line).collect::<Vec<_>>());
            }
        }
    });
}

#[test]
fn an_aborted_job_is_dropped_in_its_span() {
    paused(async {
        let (recorder, _guard) = Recorder::install().await;
        let pool = GreenPool::new(2);
        let hangs = || async {
            let _dropped = Dropped;
            pending::<()>().await;
        };
        let map = async { pool.imap(move |()| hangs(), [()]) }.instrument(info_span!("maker")).await;
        let green = pool.spawn(hangs()).instrument(info_span!("caller")).await;
        until_idle().await;
        green.abort();
        drop(map);
        pool.waitall().await;
        let mut lines = recorder.lines();
        lines.sort();
        assert_eq!(lines, ["caller", "maker"].map(|by| format!("INFO tracing: message=dropped in job in {by}")));
    });
}

#[test]
fn a_job_whose_own_span_is_disabled_runs_in_the_span_of_its_call() {
    paused(async {
        let (recorder, _guard) = Recorder::install_with(LevelFilter::INFO).await;
        let pool = GreenPool::new(1);
        let call = async { pool.spawn(async { pool_of_one().spawn(logs()).await.await }).await.await };
        call.instrument(info_span!("caller")).await.unwrap().unwrap();
        let expected = ["begins", "ends", "dropped"].map(|what| format!("INFO tracing: message={what} in caller"));
        assert_eq!(recorder.lines(), expected);
    });
}

fn pool_of_one() -> GreenPool {
    GreenPool::new(1)
}
