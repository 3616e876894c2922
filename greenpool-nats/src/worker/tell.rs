//! Telling the end of a job.

use std::sync::Arc;
use std::time::Duration;

use async_nats::{HeaderMap, Message, Request};
use bytes::Bytes;
use greenpool::__private::remote::{End, fingerprint};
use greenpool::remote::{Lost, Part};
use tokio::time::{Instant, sleep};

use crate::wire::{self, Backoff, Stored};
use crate::worker::job::{Wanted, wanted};
use crate::worker::serving::{Pending, Running, Serving};

/// For so long an answer of the server may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the headers of a result may take of the largest message.
const HEADERS: usize = 8 * 1024;

impl Serving {
    /// Stores the end of a job. Returns false if it is not this worker's any more.
    pub(crate) async fn tell(&self, message: &Message, running: &Running, end: &End) -> bool {
        let wanted = wanted(message);
        let failed = !matches!(end, End::Value(_));
        let told = match (&wanted, end) {
            (Wanted::Nothing, _) => true,
            (Wanted::Receipt, End::Value(_)) => self.tell_result(message, running, &End::Value(Vec::new())).await,
            (Wanted::Receipt | Wanted::Result, end) => self.tell_result(message, running, end).await,
        };
        let given_up = matches!(end, End::Lost(Lost::GaveUp { .. }));
        let nobody_hears = failed && !matches!(wanted, Wanted::Result);
        told && (!(given_up || nobody_hears) || self.bury(message, running, end).await)
    }

    async fn tell_result(&self, message: &Message, running: &Running, end: &End) -> bool {
        let (mut headers, mut body) = wire::write_end(end);
        let largest = self.shared.link.client.max_payload().saturating_sub(HEADERS);
        if body.len() > largest {
            let why = format!("it has {} bytes, and the server takes {largest}", body.len());
            (headers, body) = wire::write_end(&End::Lost(Lost::Unreadable { what: Part::Output, why }));
        }
        headers.insert(wire::WORKER, self.shared.id.as_str());
        headers.insert(wire::MILLISECONDS, running.since.elapsed().as_millis().to_string());
        headers.insert(wire::ARGS, fingerprint(&message.payload));
        // The first result of a job is its result.
        headers.insert(wire::EXPECTED, "0");
        self.store(self.shared.link.names.result(&running.key), headers, body, running).await
    }

    /// Puts a job into the dead list.
    async fn bury(&self, message: &Message, running: &Running, end: &End) -> bool {
        let (mut headers, why) = wire::write_end(end);
        let why = String::from_utf8_lossy(&why).replace(['\r', '\n'], " ");
        headers.insert(wire::WHY, why.chars().take(1024).collect::<String>());
        headers.insert(wire::SIGNATURE, self.handler.signature());
        self.store(self.shared.link.names.dead(&running.key), headers, message.payload.clone(), running).await
    }

    /// Stores a message, for as long as the job is this worker's.
    async fn store(&self, subject: String, headers: HeaderMap, body: Bytes, running: &Running) -> bool {
        let mut backoff = Backoff::new();
        loop {
            let client = &self.shared.link.client;
            match wire::store(client, subject.clone(), headers.clone(), body.clone(), PATIENCE).await {
                Stored::Yes | Stored::There => return true,
                Stored::NoStream => drop(self.shared.link.ensure_shared(&self.shared.settings).await),
                Stored::Refused(why) => {
                    tracing::error!(target: "greenpool", subject, why, "a result was refused");
                    return false;
                }
                Stored::Full | Stored::Unknown => {}
            }
            if running.lease.is_over() {
                return false;
            }
            backoff.wait().await;
        }
    }

    /// Tells the server that a job is over, until it says that it knows. No place waits for that.
    pub(crate) fn acknowledge(self: &Arc<Self>, running: &Arc<Running>, word: &'static str) {
        let (pending, running) = (Pending::new(self), running.clone());
        self.shared.link.io.spawn(async move {
            let serving = pending.serving();
            let end = Instant::now() + serving.shared.settings.lease;
            while Instant::now() < end {
                let checked = serving.checked();
                if checked.created != running.created {
                    return;
                }
                let link = &serving.shared.link;
                // A new connection may lead to a stream that was made anew.
                if link.is_connected() && checked.connection == link.connection() {
                    let request = Request::new().payload(word.into()).timeout(Some(PATIENCE));
                    if link.client.send_request(running.reply.clone(), request).await.is_ok() {
                        return;
                    }
                }
                sleep(Duration::from_millis(200)).await;
            }
        });
    }
}
