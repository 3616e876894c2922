//! A job that comes once more. It may have ended before: then its result is stored, and it is not run again.
//!
//! A job leaves its stream only after its result is stored, and only then can it be stored once more. So whoever gets
//! it then finds that result.

use async_nats::Message;
use async_nats::jetstream::message::StreamMessage;
use greenpool::__private::remote::End;
use tokio::time::timeout;

use crate::error::FarmError;
use crate::wire::{self, Backoff};
use crate::worker::PATIENCE;
use crate::worker::job::{Outcome, Wanted, wanted};
use crate::worker::serving::{Running, Serving};

/// Whether a job may have a result already: another worker has had it, or its submitter has asked the server to store
/// it only if it is not there.
fn may_have_ended(message: &Message, running: &Running) -> bool {
    let again = running.delivery > 1 || wire::header(message.headers.as_ref(), wire::EXPECTED).is_some();
    again && !matches!(wanted(message), Wanted::Nothing)
}

impl Serving {
    /// Looks for the result of a job that may have one, and tells it again to those who wait for it.
    pub(crate) async fn known_end(&self, message: &Message, running: &Running) -> Result<Option<End>, Outcome> {
        if !may_have_ended(message, running) {
            return Ok(None);
        }
        let Some(result) = Box::pin(self.result(running)).await? else { return Ok(None) };
        let end = wire::read_end(Some(&result.headers), &result.payload);
        let (function, job) = (self.handler.name(), running.key.id());
        tracing::debug!(target: "greenpool", function, job, "job.has_ended");
        self.tell_again(result).await;
        Ok(Some(end))
    }

    /// Whether another worker may still have a job that comes once more.
    ///
    /// A new leader of a cluster knows of a job when it was stored, and not when it was handed out, until it hears that
    /// the lease is extended. So it may take a job for overdue too early. It keeps such a job for the next worker that
    /// asks, even if the lease is extended meanwhile. So a job that comes once more is run only if it was sent after all
    /// of these had been handed out (`Serving::settled`).
    pub(crate) async fn early(&self, running: &Running) -> Result<(), Outcome> {
        let consumer = self.checked().consumer;
        if !consumer.replicated {
            return Ok(());
        }
        let (link, stream) = (&self.shared.link, &self.stream());
        // A question that no leader has got is not answered at all.
        let ask = || async move { timeout(PATIENCE, link.leader(stream)).await.ok() };
        let leader = self.answer(running, ask).await?;
        self.hear(leader, consumer.lease);
        let is_due = leader.since.is_none() || self.settled(leader).is_some_and(|since| running.sent >= since);
        if is_due { Ok(()) } else { Err(Outcome::Early) }
    }

    /// Whether a job is still in its stream. Whoever cancels it removes first the job, and then its arguments.
    pub(crate) async fn is_stored(&self, message: &Message, running: &Running) -> Result<(), Outcome> {
        let (link, stream) = (&self.shared.link, &self.stream());
        let last = self.answer(running, || async move { Some(link.last(stream, &message.subject).await) }).await?;
        if last.is_some_and(|last| Some(last.sequence) == running.sequence) { Ok(()) } else { Err(Outcome::Cancelled) }
    }

    /// The stored result of a job.
    async fn result(&self, running: &Running) -> Result<Option<StreamMessage>, Outcome> {
        let link = &self.shared.link;
        let (stream, subject) = (&link.names.results_stream(), &link.names.result(&running.key));
        self.answer(running, || async move { Some(link.last(stream, subject).await) }).await
    }

    /// The answer to a question about a job. It asks for as long as the job is this worker's.
    async fn answer<T, F>(&self, running: &Running, ask: impl Fn() -> F) -> Result<T, Outcome>
    where
        F: Future<Output = Option<Result<T, FarmError>>>,
    {
        let mut backoff = Backoff::new();
        while !running.lease.is_over() {
            match ask().await {
                Some(Ok(answer)) => return Ok(answer),
                Some(Err(error @ FarmError::Forbidden { .. })) => {
                    self.shared.fail(error);
                    break;
                }
                Some(Err(_)) | None => backoff.wait().await,
            }
        }
        Err(Outcome::NotOurs)
    }

    /// Sends a stored result to the submitters. The stream does not take it: if the result is removed at this moment,
    /// it stays so.
    async fn tell_again(&self, StreamMessage { subject, mut headers, payload, .. }: StreamMessage) {
        headers.insert(wire::EXPECTED_STREAM, "none");
        // A submitter that does not hear of it looks for the result itself.
        let _ = self.shared.link.client.publish_with_headers(subject, headers, payload).await;
    }
}
