//! Telling the server which jobs are over, until it says that it knows. No place waits for that.
//!
//! The server takes what comes through one connection in turn. So of the jobs that have ended at once, only the last
//! one is told as a question: its answer is the answer for all of them.

use std::sync::Arc;
use std::time::Duration;

use async_nats::Request;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep};

use crate::worker::PATIENCE;
use crate::worker::serving::{Pending, Running, Serving};

/// How long to wait before the server is told again.
const AGAIN: Duration = Duration::from_millis(200);

/// How many jobs the server is told of at once.
const AT_ONCE: usize = 256;

/// A job that is over.
pub(crate) struct Ack {
    pending: Pending,
    running: Arc<Running>,
    /// What the server is told of it.
    word: &'static str,
    /// When it is of no use any more.
    until: Instant,
}

/// Where the jobs of a function go when they are over.
pub(crate) struct Acks(UnboundedSender<Ack>);

impl Acks {
    pub(crate) fn new() -> (Self, UnboundedReceiver<Ack>) {
        let (sender, receiver) = unbounded_channel();
        (Acks(sender), receiver)
    }
}

impl Serving {
    /// Tells the server that a job is over.
    pub(crate) fn acknowledge(self: &Arc<Self>, running: &Arc<Running>, word: &'static str) {
        let until = Instant::now() + self.lease();
        let ack = Ack { pending: Pending::new(self), running: running.clone(), word, until };
        // It fails only when the thread of the connection has ended.
        let _ = self.acks.0.send(ack);
    }
}

/// Runs until nobody serves the function any more.
pub(crate) async fn run(mut acks: UnboundedReceiver<Ack>) {
    loop {
        let mut batch = Vec::new();
        if acks.recv_many(&mut batch, AT_ONCE).await == 0 {
            return;
        }
        // Each at once: until the server knows of it, a job counts against the limit of the cluster.
        tokio::spawn(async move {
            while !tell(&mut batch).await {
                sleep(AGAIN).await;
                let now = Instant::now();
                batch.retain(|ack| ack.until > now);
            }
        });
    }
}

/// Returns whether nothing is left to tell.
async fn tell(batch: &mut Vec<Ack>) -> bool {
    // A stream that was made anew has other jobs under these numbers.
    batch.retain(|ack| ack.pending.serving().checked().consumer.created == ack.running.created);
    let Some((last, others)) = batch.split_last() else { return true };
    let serving = last.pending.serving();
    let link = &serving.shared.link;
    // A new connection may lead to a stream that was made anew.
    if !link.is_connected() || serving.checked().connection != link.connection() {
        return false;
    }
    for ack in others {
        if link.client.publish(ack.running.reply.clone(), ack.word.into()).await.is_err() {
            return false;
        }
    }
    let request = Request::new().payload(last.word.into()).timeout(Some(PATIENCE));
    let answer = link.client.send_request(last.running.reply.clone(), request);
    match link.allowed("say that a job is over", &last.running.reply, answer).await {
        Ok(Ok(_)) => {}
        Ok(Err(_)) => return false,
        Err(error) => serving.shared.fail(error),
    }
    for ack in batch.drain(..) {
        remove_blob(&ack).await;
    }
    true
}

/// The arguments of a job that is over, if they are a blob.
async fn remove_blob(Ack { pending, running, .. }: &Ack) {
    if let Some(blob) = &running.blob {
        let link = &pending.serving().shared.link;
        link.purge_blobs(format!("{}.{blob}.*", link.names.arguments_place(&running.key))).await;
    }
}
