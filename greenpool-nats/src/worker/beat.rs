//! The heartbeats: whether the server is there, and the leases of the jobs that run.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{Request, RequestErrorKind};
use futures::StreamExt;
use tokio::time::{Instant, sleep, sleep_until};

use crate::clock::Moment;
use crate::worker::serving::{Running, Serving, Shared};

/// How many leases are extended at once.
const AT_ONCE: usize = 256;

/// Asks the server for a sign of life. All that comes after its answer was sent after the question, however long it lay
/// in a buffer.
pub(crate) async fn ask(shared: Arc<Shared>, serving: Vec<Arc<Serving>>) {
    let client = &shared.link.client;
    let nobody = client.new_inbox();
    loop {
        let shortest = serving.iter().map(|served| served.lease()).min();
        let lease = shortest.unwrap_or(Duration::from_secs(30));
        let next = Instant::now() + (lease / 10).min(Duration::from_secs(1));
        let asked = Moment::now();
        let answer = client.send_request(nobody.clone(), Request::new().timeout(Some(lease))).await;
        if answer.is_err_and(|error| error.kind() == RequestErrorKind::NoResponders) {
            shared.set_fresh(asked);
        }
        sleep_until(next).await;
    }
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
    let asked = Moment::now();
    let request = Request::new().payload("+WPI".into()).timeout(Some(lease / 4));
    if link.client.send_request(running.reply.clone(), request).await.is_ok() && !running.lease.is_over() {
        running.lease.renew(asked, lease);
    }
}
