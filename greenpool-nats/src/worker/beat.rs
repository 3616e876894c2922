//! The heartbeats: whether the server is there, and the leases of the jobs that run.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Request, RequestErrorKind};
use futures::StreamExt;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::clock::Moment;
use crate::streams::Consumer;
use crate::worker::PATIENCE;
use crate::worker::serving::{Running, Serving};

/// How many leases are extended at once.
const AT_ONCE: usize = 256;

/// Asks the server for a sign of life. All that comes after its answer was sent after the question, however long it lay
/// in a buffer.
///
/// In a cluster it is the leader of the consumer that answers, and jobs come from there on the same way. What it says
/// counts from the time at which it was last in touch with a majority: a leader that has lost the others does not know
/// that for up to 20 s, and another one may be elected after 4 s.
pub(crate) async fn ask(serving: Arc<Serving>) {
    let nobody = serving.shared.link.client.new_inbox();
    loop {
        let Consumer { lease, replicated, .. } = serving.checked().consumer;
        let next = Instant::now() + (lease / 10).min(Duration::from_secs(1));
        let asked = Moment::now();
        let sign = async { if replicated { of_leader(&serving).await } else { of_server(&serving, &nobody).await } };
        // A question that no leader has got is not answered at all.
        if let Ok(Some(ago)) = timeout(lease.min(PATIENCE), sign).await {
            serving.set_fresh(asked.before(ago));
        }
        sleep_until(next).await;
    }
}

async fn of_server(serving: &Serving, nobody: &str) -> Option<Duration> {
    let answer = serving.shared.link.client.send_request(nobody.to_owned(), Request::new().timeout(None)).await;
    answer.is_err_and(|error| error.kind() == RequestErrorKind::NoResponders).then_some(Duration::ZERO)
}

async fn of_leader(serving: &Serving) -> Option<Duration> {
    let leader = serving.shared.link.leader(&serving.stream()).await;
    let leader = leader.ok()?;
    serving.hear(leader, serving.lease());
    Some(leader.contact)
}

/// Keeps the leases of the jobs that run, and aborts the jobs that have lost theirs.
pub(crate) async fn keep(serving: Arc<Serving>) {
    loop {
        let next = Instant::now() + serving.lease() / 3;
        let running = futures::stream::iter(serving.running());
        running.for_each_concurrent(AT_ONCE, |running| extend(&serving, running)).await;
        sleep_until(next).await;
    }
}

/// Follows a lease that another worker sets.
pub(crate) async fn follow(serving: Arc<Serving>) {
    loop {
        sleep(serving.lease() / 3).await;
        serving.learn_lease().await;
    }
}

async fn extend(serving: &Serving, running: Arc<Running>) {
    if running.lease.is_over() {
        running.lose();
        return;
    }
    if running.is_queued() {
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
