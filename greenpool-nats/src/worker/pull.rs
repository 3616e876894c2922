//! Asking for jobs: never for more than there are free places, since what lies in a buffer counts against the limit of
//! the cluster.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Message, Subscriber};
use futures::{FutureExt, StreamExt};
use tokio::sync::watch;
use tokio::task::unconstrained;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::clock::Moment;
use crate::error::FarmError;
use crate::streams::CONSUMER;
use crate::worker::serving::{Serving, count};
use crate::worker::{AGAIN, job};

/// The server forgets a request after this time.
const EXPIRES: Duration = Duration::from_secs(20);
/// While it has one, it says so this often.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// After so much silence, the requests are taken for lost.
const SILENCE: Duration = Duration::from_secs(8);

/// How often it looks whether there was silence.
const TICK: Duration = Duration::from_millis(500);

/// Why a round of requests has ended.
enum End {
    /// The worker leaves.
    Drain,
    /// What was asked for is unknown: ask anew, through a new inbox.
    Anew,
}

/// Pulls until the worker drains.
pub(crate) async fn pull(serving: Arc<Serving>) {
    let mut draining = serving.shared.draining.clone();
    let mut connections = serving.shared.link.connections();
    while !*draining.borrow() {
        let connection = *connections.borrow_and_update();
        if serving.checked().connection != connection {
            ensure(&serving, &mut draining).await;
            continue;
        }
        let inbox = serving.shared.link.client.new_inbox();
        let Ok(jobs) = serving.shared.link.client.subscribe(format!("{inbox}.*")).await else {
            sleep(AGAIN).await;
            continue;
        };
        let (heard, begun) = (Instant::now(), Moment::now());
        let mut round = Round { serving: &serving, inbox, jobs, asked: 0, requests: 0, heard, begun, fresh: begun };
        match round.run(&mut draining, &mut connections).await {
            End::Drain => return round.hand_back().await,
            // The consumer may be gone.
            End::Anew => ensure(&serving, &mut draining).await,
        }
    }
}

/// Waits until the worker is told to leave.
async fn drained(draining: &mut watch::Receiver<bool>) {
    let _ = draining.wait_for(|draining| *draining).await;
}

/// Makes sure of the streams and the consumer, for as long as it takes.
async fn ensure(serving: &Serving, draining: &mut watch::Receiver<bool>) {
    while !*draining.borrow() {
        let Err(error) = serving.ensure().await else { return };
        tracing::debug!(target: "greenpool", %error, "could not prepare the streams");
        sleep(AGAIN).await;
    }
}

/// The requests through one inbox.
struct Round<'a> {
    serving: &'a Arc<Serving>,
    inbox: String,
    jobs: Subscriber,
    /// How many jobs were asked for and have not come.
    asked: usize,
    requests: u64,
    heard: Instant,
    begun: Moment,
    /// What comes next, the server has sent after this moment.
    fresh: Moment,
}

impl Round<'_> {
    async fn run(&mut self, draining: &mut watch::Receiver<bool>, connections: &mut watch::Receiver<u64>) -> End {
        let next = self.next();
        let mut forbidden = pin!(self.serving.shared.link.missing(&next));
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut signs = self.serving.fresh();
        loop {
            let fresh = *signs.borrow_and_update();
            // A sign of life says nothing of what another leader has sent, on another way. What it was asked for comes
            // soon or never.
            let is_led_anew = self.serving.is_led_anew(self.begun);
            if !is_led_anew {
                self.ask().await;
            }
            // A sign of life says nothing of what came before it and still lies here. Without `unconstrained`, tokio
            // would say that nothing does after some messages.
            let goes_on = !self.serving.shared.is_draining() && !connections.has_changed().unwrap_or(true);
            if goes_on && let Some(message) = unconstrained(self.jobs.next()).now_or_never() {
                if !message.is_some_and(|message| self.take(message)) {
                    return self.anew().await;
                }
                continue;
            }
            if !is_led_anew {
                self.fresh = fresh;
            }
            tokio::select! {
                biased;
                () = drained(draining) => return End::Drain,
                _ = connections.changed() => return End::Anew,
                message = self.jobs.next() => {
                    if !message.is_some_and(|message| self.take(message)) {
                        return self.anew().await;
                    }
                }
                () = self.serving.freed.notified() => {}
                _ = signs.changed() => {}
                right = &mut forbidden => {
                    self.serving.shared.fail(FarmError::Forbidden { what: "ask for jobs".to_owned(), right });
                    drained(draining).await;
                    return End::Drain;
                }
                _ = tick.tick() => {
                    let silence = if is_led_anew { TICK } else { SILENCE };
                    if (self.asked > 0 || is_led_anew) && self.heard.elapsed() > silence {
                        return End::Anew;
                    }
                }
            }
        }
    }

    /// What was asked for is not known any more.
    async fn anew(&self) -> End {
        sleep(Duration::from_millis(100)).await;
        End::Anew
    }

    /// Where jobs are asked for.
    fn next(&self) -> String {
        format!("$JS.API.CONSUMER.MSG.NEXT.{}.{CONSUMER}", self.serving.stream())
    }

    /// Asks for as many jobs as there are places, if that is worth a request.
    async fn ask(&mut self) {
        let free = self.serving.free().saturating_sub(self.asked);
        let worth = self.serving.handler.slots().div_ceil(4);
        if free == 0 || self.asked > 0 && free < worth {
            return;
        }
        if self.asked == 0 {
            self.heard = Instant::now();
        }
        self.requests += 1;
        self.asked += free;
        let next = self.next();
        let (expires, heartbeat) = (EXPIRES.as_nanos(), HEARTBEAT.as_nanos());
        let body = format!(r#"{{"batch":{free},"expires":{expires},"idle_heartbeat":{heartbeat}}}"#);
        let reply = format!("{}.{}", self.inbox, self.requests);
        // If it does not arrive, there will be silence.
        let _ = self.serving.shared.link.client.publish_with_reply(next, reply, body.into()).await;
    }

    /// Takes what has come. Returns false if what was asked for is not known any more.
    fn take(&mut self, message: Message) -> bool {
        self.heard = Instant::now();
        let Some(status) = message.status else {
            self.asked = self.asked.saturating_sub(1);
            job::begin(self.serving, message, self.fresh);
            return true;
        };
        // A heartbeat.
        if status.as_u16() == 100 {
            return true;
        }
        let pending = message.headers.as_ref().and_then(|headers| headers.get("Nats-Pending-Messages"));
        match pending.and_then(|pending| pending.as_str().parse::<usize>().ok()) {
            Some(pending) => {
                self.asked = self.asked.saturating_sub(pending);
                true
            }
            None => false,
        }
    }

    /// What is still on its way goes back to the others at once.
    async fn hand_back(&mut self) {
        if self.jobs.drain().await.is_err() {
            return;
        }
        // What has lain in a buffer for longer than a lease may be another worker's.
        let until = self.fresh.after(self.serving.lease());
        while let Ok(Some(message)) = timeout(Duration::from_secs(2), self.jobs.next()).await {
            let is_ours = Moment::now() < until;
            if let (None, Some(reply), true) = (message.status, message.reply, is_ours) {
                count(&self.serving.shared.counts.handed_back);
                let _ = self.serving.shared.link.client.publish(reply, "-NAK".into()).await;
            }
        }
    }
}
