//! The heartbeats: whether the server is there, and the leases of the jobs that run.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Request, RequestErrorKind};
use futures::StreamExt;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::clock::Moment;
use crate::error::FarmError;
use crate::streams::Consumer;
use crate::worker::PATIENCE;
use crate::worker::serving::{Running, Serving, Shared};

/// How many leases are extended at once.
const AT_ONCE: usize = 256;

/// Asks the server for a sign of life. All that comes after its answer was sent after the question, however long it lay
/// in a buffer.
pub(crate) async fn ask(shared: Arc<Shared>, serving: Vec<Arc<Serving>>) {
    let client = &shared.link.client;
    let nobody = client.new_inbox();
    loop {
        let alone: Vec<_> = serving.iter().filter(|served| !served.checked().consumer.replicated).collect();
        let shortest = alone.iter().map(|served| served.lease()).min();
        let lease = shortest.unwrap_or(Duration::from_secs(30));
        let (asked, next) = (Moment::now(), next_sign(lease));
        if !alone.is_empty() {
            let question = Request::new().timeout(Some(lease.min(PATIENCE)));
            let answer = client.send_request(nobody.clone(), question).await;
            if answer.is_err_and(|error| error.kind() == RequestErrorKind::NoResponders) {
                for served in alone {
                    served.set_fresh(asked);
                }
            }
        }
        sleep_until(next).await;
    }
}

/// The same in a cluster. There it is the leader of the consumer that answers, and jobs come from there on the same way.
/// What it says counts from the time at which it was last in touch with a majority: a leader that has lost the others
/// does not know that for up to 20 s, and another one may be elected after 4 s.
pub(crate) async fn ask_leader(serving: Arc<Serving>) {
    loop {
        let Consumer { lease, replicated, .. } = serving.checked().consumer;
        let (asked, next) = (Moment::now(), next_sign(lease));
        if replicated {
            // A question that no leader has got is not answered at all.
            match timeout(lease.min(PATIENCE), serving.shared.link.leader(&serving.stream())).await {
                Ok(Ok(leader)) => {
                    serving.hear(leader, lease);
                    serving.set_fresh(asked.before(leader.contact));
                }
                Ok(Err(error @ FarmError::Forbidden { .. })) => serving.shared.fail(error),
                Ok(Err(_)) | Err(_) => {}
            }
        }
        sleep_until(next).await;
    }
}

/// When to ask for the next sign of life.
fn next_sign(lease: Duration) -> Instant {
    Instant::now() + (lease / 10).min(Duration::from_secs(1))
}

/// Extends the leases of the jobs that run.
pub(crate) async fn keep(serving: Arc<Serving>) {
    loop {
        let next = Instant::now() + serving.lease() / 3;
        let running = futures::stream::iter(serving.running());
        running.for_each_concurrent(AT_ONCE, |running| extend(&serving, running)).await;
        sleep_until(next).await;
    }
}

/// Aborts the jobs that have lost their leases, when these end. A job that is polled finds that out by itself.
pub(crate) async fn end_lost(serving: Arc<Serving>) {
    loop {
        let mut next = serving.lease() / 3;
        for running in serving.running() {
            match running.lease.left() {
                Duration::ZERO => running.lose(),
                left => next = next.min(left),
            }
        }
        sleep(next).await;
    }
}

/// Follows a lease that another worker sets, and a number of servers.
pub(crate) async fn follow(serving: Arc<Serving>) {
    loop {
        sleep(serving.lease() / 3).await;
        serving.look_again().await;
    }
}

async fn extend(serving: &Serving, running: Arc<Running>) {
    if running.lease.is_over() || running.is_queued() {
        return;
    }
    let link = &serving.shared.link;
    let checked = serving.checked();
    let lease = checked.consumer.lease;
    // A stream that was made anew has other jobs under these numbers.
    if checked.consumer.created != running.created || checked.connection != link.connection() || !link.is_connected() {
        return;
    }
    // In a cluster the answer does not say that the other servers know of it.
    let from = if checked.consumer.replicated { *serving.fresh().borrow() } else { Moment::now() };
    let request = Request::new().payload("+WPI".into()).timeout(Some(lease / 4));
    if link.client.send_request(running.reply.clone(), request).await.is_ok() && !running.lease.is_over() {
        running.lease.renew(from, lease);
    }
}
