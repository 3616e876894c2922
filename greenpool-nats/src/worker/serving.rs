//! What a worker knows: of itself, of each function that it serves, and of each job that it has.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_nats::datetime::DateTime;
use futures::StreamExt;
use greenpool::remote::Handler;
use greenpool::{AbortHandle, GreenPool};
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore, watch};

use crate::clock::Moment;
use crate::error::FarmError;
use crate::farm::Farm;
use crate::link::SharedLink;
use crate::names::JobKey;
use crate::streams::{Adapt, Consumer, Leader, Settings};
use crate::worker::acks::{self, Acks};
use crate::worker::job;
use crate::worker::lease::Lease;

/// From this delivery on, a job is suspected to take workers down, and runs alone.
const SUSPECT: u64 = 3;

/// What all functions of a worker share.
pub(crate) struct Shared {
    pub(crate) id: String,
    pub(crate) link: SharedLink,
    pub(crate) settings: Settings,
    /// Where jobs run.
    pub(crate) jobs: Handle,
    pub(crate) draining: watch::Receiver<bool>,
    /// Jobs that have been delivered more than twice run one at a time here.
    pub(crate) lane: Semaphore,
    pub(crate) counts: Counts,
    /// What it cannot work without.
    failed: watch::Sender<Option<FarmError>>,
}

/// What a worker has done.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) done: AtomicU64,
    pub(crate) failed: AtomicU64,
    pub(crate) handed_back: AtomicU64,
    pub(crate) lost: AtomicU64,
    pub(crate) given_up: AtomicU64,
    pub(crate) cancelled: AtomicU64,
}

pub(crate) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(farm: &Farm, draining: watch::Receiver<bool>) -> Arc<Self> {
        let link = farm.link().clone();
        let inbox = link.client.new_inbox();
        Arc::new(Shared {
            id: inbox.rsplit('.').next().unwrap_or(&inbox).to_owned(),
            link,
            settings: farm.settings().clone(),
            jobs: Handle::current(),
            draining,
            lane: Semaphore::new(1),
            counts: Counts::default(),
            failed: watch::Sender::new(None),
        })
    }

    /// The worker cannot go on.
    pub(crate) fn fail(&self, error: FarmError) {
        tracing::error!(target: "greenpool", worker = self.id, %error, "worker.failed");
        self.failed.send_if_modified(|failed| failed.is_none() && failed.replace(error).is_none());
    }

    /// Waits until the worker cannot go on.
    pub(crate) async fn failed(&self) -> FarmError {
        // The sender is its own.
        let _ = self.failed.subscribe().wait_for(Option::is_some).await;
        self.failed.send_replace(None).expect("only this takes it")
    }

    pub(crate) fn is_draining(&self) -> bool {
        *self.draining.borrow()
    }
}

/// A function that a worker serves.
pub(crate) struct Serving {
    pub(crate) shared: Arc<Shared>,
    pub(crate) handler: Handler,
    /// Its slots are the places.
    pub(crate) pool: GreenPool,
    /// How many places have a job.
    busy: AtomicUsize,
    /// How many messages the server has not confirmed.
    pending: AtomicUsize,
    pub(crate) freed: Notify,
    /// By their ids. One that comes once more may be here before the last one has gone.
    running: Mutex<HashMap<String, Vec<Arc<Running>>>>,
    pub(crate) done: AtomicU64,
    pub(crate) failed: AtomicU64,
    /// Of which connection it is known which stream is there.
    checked: Mutex<Checked>,
    pub(crate) acks: Acks,
    /// The server has sent what comes from now on after this moment. In a cluster, the leader was in touch with a
    /// majority of the servers then.
    fresh: watch::Sender<Moment>,
    /// The leader of the consumer, in a cluster.
    led: Mutex<Led>,
    cancelled: Mutex<Cancelled>,
}

/// The jobs that were cancelled of late, by their ids. One of them may still be on its way.
#[derive(Default)]
struct Cancelled {
    now: HashMap<String, Which>,
    before: HashMap<String, Which>,
}

/// Which messages of a job are cancelled.
#[derive(Clone, Copy)]
enum Which {
    All,
    /// Those up to this sequence, of the stream that was made then. A job of a named run may be stored again later.
    Until {
        created: i128,
        sequence: u64,
    },
}

impl Which {
    fn has(self, running: &Running) -> bool {
        match self {
            Which::All => true,
            Which::Until { created, sequence } => {
                running.created == created && running.sequence.is_some_and(|of_job| of_job <= sequence)
            }
        }
    }
}

/// What a worker knows of the leader of a consumer.
#[derive(Clone, Copy, Debug, Default)]
struct Led {
    /// Since when it leads, which tells it from another one.
    since: Option<DateTime>,
    /// The same on the clock of leases, or somewhat later.
    began: Option<Moment>,
    /// When it was known that each lease which the last leader has given is over.
    old: Option<Moment>,
    /// When, after that, it was known that nothing overdue was left: what is overdue is handed out before any new job,
    /// and before a request waits.
    settled: Option<Moment>,
}

/// The consumer of the jobs, as it was found through a connection. A stream that was made anew has other numbers, so an
/// acknowledgement for the old one must not reach it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Checked {
    pub(crate) connection: u64,
    pub(crate) consumer: Consumer,
}

/// A job that a worker has.
pub(crate) struct Running {
    pub(crate) key: JobKey,
    /// Where acknowledgements go.
    pub(crate) reply: String,
    pub(crate) lease: Arc<Lease>,
    /// When the stream that it came from was made.
    pub(crate) created: i128,
    pub(crate) since: Instant,
    pub(crate) delivery: u64,
    /// Its number in that stream.
    pub(crate) sequence: Option<u64>,
    /// The server has sent it after this moment.
    pub(crate) sent: Moment,
    /// The id of its arguments, if they are a blob.
    pub(crate) blob: Option<String>,
    /// Whether it waits for the runtime of the jobs to begin it.
    queued: AtomicBool,
    state: Mutex<State>,
    /// Set when it is not to run here any more.
    stopped: Notify,
}

#[derive(Default)]
struct State {
    abort: Option<AbortHandle>,
    cancelled: bool,
}

impl Running {
    pub(crate) fn new(
        key: JobKey,
        reply: String,
        lease: Lease,
        created: i128,
        delivery: u64,
        sent: Moment,
        blob: Option<String>,
    ) -> Self {
        let (lease, since, sequence) = (Arc::new(lease), Instant::now(), job::sequence(&reply));
        let (queued, state, stopped) = (AtomicBool::new(false), Mutex::default(), Notify::new());
        Running { key, reply, lease, created, since, delivery, sequence, sent, blob, queued, state, stopped }
    }

    /// Waits until it is cancelled, or not this worker's any more.
    pub(crate) async fn stopped(&self) {
        self.stopped.notified().await;
    }

    /// Whether it was delivered so often that it runs alone.
    pub(crate) fn is_suspect(&self) -> bool {
        self.delivery >= SUSPECT
    }

    /// Whether it waits for the runtime of the jobs. Its lease is not extended then: if other jobs block that runtime,
    /// it is to begin elsewhere.
    pub(crate) fn is_queued(&self) -> bool {
        self.queued.load(Ordering::Relaxed)
    }

    pub(crate) fn set_queued(&self, queued: bool) {
        self.queued.store(queued, Ordering::Relaxed);
    }

    /// The job can be aborted from now on.
    pub(crate) fn begun(&self, abort: AbortHandle) {
        let mut state = lock(&self.state);
        if state.cancelled || self.lease.is_over() {
            abort.abort();
        }
        state.abort = Some(abort);
    }

    /// Nobody waits for it any more.
    pub(crate) fn cancel(&self) {
        lock(&self.state).cancelled = true;
        self.abort();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        lock(&self.state).cancelled
    }

    /// It is not this worker's any more.
    pub(crate) fn lose(&self) {
        self.lease.end();
        self.abort();
    }

    fn abort(&self) {
        self.stopped.notify_one();
        let abort = lock(&self.state).abort.clone();
        if let Some(abort) = abort {
            abort.abort();
        }
    }
}

impl Serving {
    pub(crate) fn new(shared: Arc<Shared>, handler: Handler) -> Self {
        let (acks, over) = Acks::new();
        shared.link.io.spawn(acks::run(over));
        Serving {
            shared,
            pool: GreenPool::new(handler.slots()),
            handler,
            busy: AtomicUsize::new(0),
            pending: AtomicUsize::new(0),
            freed: Notify::new(),
            running: Mutex::default(),
            done: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            checked: Mutex::default(),
            acks,
            fresh: watch::Sender::new(Moment::now()),
            led: Mutex::default(),
            cancelled: Mutex::default(),
        }
    }

    /// Nobody waits for a job any more: `RUN.N`, or only for messages up to a sequence, `RUN.N SEQUENCE`.
    pub(crate) fn cancel(&self, what: &str) {
        let (id, which) = match what.split_once(' ') {
            None => (what, Which::All),
            Some((id, sequence)) => {
                let (created, Ok(sequence)) = (self.checked().consumer.created, sequence.parse()) else { return };
                (id, Which::Until { created, sequence })
            }
        };
        lock(&self.cancelled).now.insert(id.to_owned(), which);
        let of_id = lock(&self.running).get(id).cloned().unwrap_or_default();
        of_id.iter().filter(|running| which.has(running)).for_each(|running| running.cancel());
    }

    /// Forgets those that were cancelled before the last call.
    pub(crate) fn forget_cancelled(&self) {
        let mut cancelled = lock(&self.cancelled);
        cancelled.before = std::mem::take(&mut cancelled.now);
    }

    pub(crate) fn was_cancelled(&self, running: &Running) -> bool {
        let cancelled = lock(&self.cancelled);
        if cancelled.now.is_empty() && cancelled.before.is_empty() {
            return false;
        }
        let id = running.key.id();
        [&cancelled.now, &cancelled.before].iter().any(|of| of.get(&id).is_some_and(|which| which.has(running)))
    }

    /// The moment after which the server has sent what comes from now on, and each later one.
    pub(crate) fn fresh(&self) -> watch::Receiver<Moment> {
        self.fresh.subscribe()
    }

    /// A leader of the consumer has said this of itself.
    pub(crate) fn hear(&self, leader: Leader, lease: Duration) {
        let mut led = lock(&self.led);
        let now = Moment::now();
        if led.since != leader.since {
            // An answer of the one before may come late.
            let began = leader.age.map(|age| now.before(age)).max(led.began);
            *led = Led { since: leader.since, began, ..Led::default() };
        }
        // It looks for what is overdue once a second or more often.
        if leader.age.is_some_and(|age| age >= lease + Duration::from_secs(1)) {
            led.old.get_or_insert(now);
            if leader.waiting > 0 {
                led.settled.get_or_insert(now);
            }
        }
    }

    /// A job has come for the first time, which the server has sent after this moment.
    pub(crate) fn hear_of_new_job(&self, sent: Moment) {
        let mut led = lock(&self.led);
        if led.old.is_some_and(|old| sent >= old) {
            led.settled.get_or_insert(Moment::now());
        }
    }

    /// Whether the leader may have changed since this moment.
    pub(crate) fn is_led_anew(&self, since: Moment) -> bool {
        lock(&self.led).began.is_some_and(|began| began >= since)
    }

    /// Since when that leader hands out no job any more that it took for overdue too early, if that is known.
    pub(crate) fn settled(&self, leader: Leader) -> Option<Moment> {
        let led = lock(&self.led);
        led.settled.filter(|_| led.since == leader.since)
    }

    pub(crate) fn set_fresh(&self, moment: Moment) {
        self.fresh.send_if_modified(|fresh| {
            let is_later = moment > *fresh;
            *fresh = moment.max(*fresh);
            is_later
        });
    }

    pub(crate) fn stream(&self) -> String {
        self.shared.link.names.jobs_stream(self.handler.name(), self.handler.signature())
    }

    /// Makes what it needs on the server, if that is not there.
    pub(crate) async fn ensure(&self) -> Result<(), FarmError> {
        let Shared { link, settings, .. } = &*self.shared;
        let connection = link.connection();
        link.ensure_shared(settings, Adapt::Yes).await?;
        let (name, signature, size) = (self.handler.name(), self.handler.signature(), self.handler.size());
        let consumer = link.ensure_consumer(settings, name, signature, size, Adapt::Yes).await?;
        *lock(&self.checked) = Checked { connection, consumer };
        Ok(())
    }

    /// Looks whether another process has changed the consumer.
    pub(crate) async fn look_again(&self) {
        // A server that is away changes nothing.
        if let Ok((lease, replicated)) = self.shared.link.lease(&self.stream()).await {
            let consumer = &mut lock(&self.checked).consumer;
            consumer.lease = lease;
            consumer.replicated = replicated.unwrap_or(consumer.replicated);
        }
    }

    pub(crate) fn lease(&self) -> Duration {
        self.checked().consumer.lease
    }

    pub(crate) fn checked(&self) -> Checked {
        *lock(&self.checked)
    }

    /// How many more jobs can begin.
    pub(crate) fn free(&self) -> usize {
        self.handler.slots().saturating_sub(self.busy.load(Ordering::Acquire))
    }

    pub(crate) fn take_place(&self) {
        self.busy.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn free_place(&self) {
        self.busy.fetch_sub(1, Ordering::AcqRel);
        self.freed.notify_one();
    }

    pub(crate) fn add(&self, running: Arc<Running>) {
        lock(&self.running).entry(running.key.id()).or_default().push(running);
    }

    pub(crate) fn remove(&self, running: &Arc<Running>) {
        if let Entry::Occupied(mut of_id) = lock(&self.running).entry(running.key.id()) {
            of_id.get_mut().retain(|other| !Arc::ptr_eq(other, running));
            if of_id.get().is_empty() {
                of_id.remove();
            }
        }
    }

    pub(crate) fn running(&self) -> Vec<Arc<Running>> {
        lock(&self.running).values().flatten().cloned().collect()
    }

    /// Waits for the jobs that run, and hands back those that have not ended at the deadline.
    pub(crate) async fn finish(&self, deadline: Instant) {
        self.wait(deadline, &self.busy).await;
        let left = futures::stream::iter(self.running());
        left.for_each_concurrent(None, |running| self.hand_back(running)).await;
    }

    async fn hand_back(&self, running: Arc<Running>) {
        // Another worker may have it, and the server would hand it out beside that.
        if running.lease.is_over() {
            return running.lose();
        }
        running.lose();
        count(&self.shared.counts.handed_back);
        if running.is_suspect() {
            // The next worker is to see that this one has survived it.
            self.take_back(&running).await;
        }
        let _ = self.shared.link.client.publish(running.reply.clone(), "-NAK".into()).await;
    }

    /// Waits until the server knows of the jobs that have ended. Otherwise they would be run again.
    pub(crate) async fn finish_telling(&self) {
        self.wait(Instant::now() + Duration::from_secs(5), &self.pending).await;
    }

    /// Waits until a number is 0.
    async fn wait(&self, deadline: Instant, number: &AtomicUsize) {
        let deadline = tokio::time::Instant::from_std(deadline);
        while number.load(Ordering::Acquire) > 0 {
            if tokio::time::timeout_at(deadline, self.freed.notified()).await.is_err() {
                break;
            }
        }
    }

    /// The worker ends.
    pub(crate) fn give_up_all(&self) {
        self.running().iter().for_each(|running| running.lose());
    }
}

/// A message that the server has not confirmed. A worker that leaves waits for it.
pub(crate) struct Pending(Arc<Serving>);

impl Pending {
    pub(crate) fn new(serving: &Arc<Serving>) -> Self {
        serving.pending.fetch_add(1, Ordering::AcqRel);
        Pending(serving.clone())
    }

    pub(crate) fn serving(&self) -> &Arc<Serving> {
        &self.0
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.0.pending.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_one();
    }
}
