//! Storing a job, however long that takes.

use async_nats::HeaderMap;
use greenpool::__private::remote::End;
use greenpool::remote::Lost;

use crate::error::{FarmError, refused};
use crate::farm::Inner;
use crate::farm::out::Stored;
use crate::farm::runs::is_absent;
use crate::wire::{self, Backoff};

/// The stored end of a job, and the fingerprint of the arguments that it belongs to.
pub(crate) struct StoredEnd {
    pub(crate) end: End,
    pub(crate) args: Option<String>,
}

impl Inner {
    /// Stores a job. It waits while the server is away, or full.
    pub(crate) async fn publish(&self, job: &Stored) -> Result<(), Lost> {
        let mut again = job.named;
        let mut backoff = Backoff::new();
        loop {
            match self.store_once(job, again).await {
                wire::Stored::Yes | wire::Stored::There => return Ok(()),
                wire::Stored::Refused(why) => return Err(Lost::Refused { why }),
                wire::Stored::NoStream => self.ensure(job.function, job.signature).await?,
                wire::Stored::Full => {}
                wire::Stored::Unknown => again = true,
            }
            backoff.wait().await;
        }
    }

    /// `again`: it may be there already.
    pub(crate) async fn store_once(&self, job: &Stored, again: bool) -> wire::Stored {
        let mut headers = HeaderMap::new();
        headers.insert(wire::MESSAGE_ID, job.message_id.as_str());
        if let Some(reply) = job.reply {
            headers.insert(wire::REPLY, reply);
        }
        if again {
            headers.insert(wire::EXPECTED, "0");
        }
        let subject = self.link.names.job(job.signature, &job.key);
        wire::store(&self.link.client, subject, headers, job.body.clone(), wire::PATIENCE).await
    }

    /// Makes the streams that a job needs. What is only not ready is tried again by the caller.
    async fn ensure(&self, function: &str, signature: &str) -> Result<(), Lost> {
        let made = async {
            self.link.ensure_shared(&self.settings).await?;
            self.link.ensure_jobs(&self.settings, function, signature).await
        };
        match made.await {
            Err(error @ FarmError::Protocol { .. }) => Err(Lost::Refused { why: error.to_string() }),
            // Without a connection there is no answer; with one, the server has said no for 4 seconds.
            Err(error) if self.link.is_connected() => Err(Lost::Refused { why: error.to_string() }),
            _ => Ok(()),
        }
    }

    /// Makes the streams of all jobs that are out.
    pub(crate) async fn ensure_all(&self) -> Result<(), FarmError> {
        self.link.ensure_shared(&self.settings).await?;
        for (function, signature) in self.out.functions() {
            self.link.ensure_jobs(&self.settings, function, signature).await?;
        }
        Ok(())
    }

    /// Looks for the stored end of a job.
    pub(crate) async fn stored_end(&self, job: &Stored) -> Result<Option<StoredEnd>, FarmError> {
        let subject = self.link.names.result(&job.key);
        let what = || format!("look for {subject}");
        let stream = self.link.names.results_stream();
        let stream = self.link.jetstream.get_stream_no_info(stream).await.map_err(|error| refused(what(), error))?;
        match stream.get_last_raw_message_by_subject(&subject).await {
            Ok(message) => {
                let headers = Some(&message.headers);
                let args = wire::header(headers, wire::ARGS).map(str::to_owned);
                Ok(Some(StoredEnd { end: wire::read_end(headers, &message.payload), args }))
            }
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(refused(what(), error)),
        }
    }
}
