//! Storing a job, however long that takes.

use std::sync::atomic::Ordering;

use async_nats::HeaderMap;
use async_nats::jetstream::message::StreamMessage;
use bytes::Bytes;
use greenpool::__private::remote::End;
use greenpool::remote::{Lost, Part};

use crate::blobs::Blob;
use crate::error::FarmError;
use crate::farm::Inner;
use crate::farm::out::Stored;
use crate::link::Link;
use crate::names::JobKey;
use crate::streams::Adapt;
use crate::wire::{self, Backoff};

/// The stored end of a job, and the fingerprint of the arguments that it belongs to.
pub(crate) struct StoredEnd {
    pub(crate) end: End,
    pub(crate) args: Option<String>,
    /// Whether its body is a blob.
    pub(crate) large: bool,
}

impl StoredEnd {
    pub(crate) fn new(headers: Option<&HeaderMap>, body: &Bytes) -> Self {
        StoredEnd {
            end: wire::read_end(headers, body),
            args: wire::header(headers, wire::ARGS).map(str::to_owned),
            large: wire::header(headers, wire::BLOB).is_some(),
        }
    }
}

impl Inner {
    /// Tells the callers of a job its end.
    pub(crate) async fn take(&self, key: &JobKey, stored: &StoredEnd) {
        self.out.end(key, &stored.end, stored.args.as_deref());
        if stored.large && key.run == self.session {
            self.link.purge_blobs(format!("{}.>", self.link.names.result_place(key))).await;
        }
    }

    /// Stores a job. It waits while the server is away, or full. Returns false if the job was there already.
    pub(crate) async fn publish(&self, job: &Stored) -> Result<bool, Lost> {
        let mut again = job.named;
        let mut backoff = Backoff::new();
        loop {
            if self.closed.load(Ordering::Relaxed) {
                return Err(Lost::Closed);
            }
            match self.store_once(job, again).await {
                wire::Stored::Yes => return Ok(true),
                wire::Stored::There => return Ok(false),
                wire::Stored::Refused(why) => return Err(Lost::Refused { why }),
                wire::Stored::Forbidden(right) => {
                    let error = FarmError::Forbidden { what: "store a job".to_owned(), right };
                    return Err(Lost::Refused { why: error.to_string() });
                }
                wire::Stored::NoStream => Box::pin(self.ensure(job.function, job.signature)).await?,
                wire::Stored::Full => {}
                wire::Stored::Unknown => again = true,
            }
            backoff.wait().await;
        }
    }

    /// `again`: it may be there already.
    pub(crate) async fn store_once(&self, job: &Stored, again: bool) -> wire::Stored {
        let blob = self.link.blob(&job.blob, &job.body);
        match blob {
            // It is large, and seldom needed.
            Some(blob) => Box::pin(self.store_large(job, &blob, again)).await,
            None => self.store_message(job, HeaderMap::new(), job.body.clone(), again).await,
        }
    }

    async fn store_message(&self, job: &Stored, mut headers: HeaderMap, body: Bytes, again: bool) -> wire::Stored {
        if let Some(id) = &job.message_id {
            headers.insert(wire::MESSAGE_ID, id.as_str());
        }
        if let Some(reply) = job.reply {
            headers.insert(wire::REPLY, reply);
        }
        if again {
            headers.insert(wire::EXPECTED, "0");
        }
        let subject = self.link.names.job(job.signature, &job.key);
        self.link.store(subject, headers, body, wire::PATIENCE).await
    }

    /// Stores the arguments, and then the job. No two submitters, and no two calls, share a blob, so whoever has a blob
    /// that no job refers to can remove it.
    async fn store_large(&self, job: &Stored, blob: &Blob, again: bool) -> wire::Stored {
        if again {
            match self.queued_blob(job).await {
                Ok(Some(_)) => return wire::Stored::There,
                Ok(None) => {}
                Err(_) => return wire::Stored::Unknown,
            }
        }
        let place = self.link.names.arguments_place(&job.key);
        match self.link.put_blob(&place, blob, &job.body).await {
            wire::Stored::Yes => {}
            other => return other,
        }
        if self.closed.load(Ordering::Relaxed) {
            // What follows could overtake its removal.
            return wire::Stored::Unknown;
        }
        let mut headers = HeaderMap::new();
        headers.insert(wire::BLOB, blob.to_string());
        headers.insert(wire::ARGS, job.args.as_str());
        let stored = self.store_message(job, headers, Bytes::new(), again).await;
        if matches!(stored, wire::Stored::There)
            && self.queued_blob(job).await.is_ok_and(|queued| queued != Some(blob.to_string()))
        {
            self.link.purge_blobs(format!("{place}.{}.*", blob.id)).await;
        }
        stored
    }

    /// Where the arguments of a job lie that is queued or running. An empty text: in its message.
    async fn queued_blob(&self, job: &Stored) -> Result<Option<String>, FarmError> {
        let blob =
            |message: StreamMessage| wire::header(Some(&message.headers), wire::BLOB).unwrap_or_default().to_owned();
        Ok(self.queued(job).await?.map(blob))
    }

    /// The message of a job that is queued or running, whoever has stored it.
    pub(crate) async fn queued(&self, job: &Stored) -> Result<Option<StreamMessage>, FarmError> {
        let Link { names, .. } = &*self.link;
        let stream = names.jobs_stream(job.function, job.signature);
        self.link.last(&stream, &names.job(job.signature, &job.key)).await
    }

    /// The body of a result, wherever it lies. The inner error: it is lost.
    pub(crate) async fn body(
        &self,
        key: &JobKey,
        headers: Option<&HeaderMap>,
        payload: Bytes,
    ) -> Result<Result<Bytes, String>, FarmError> {
        let blob = match Blob::of(headers) {
            Ok(Some(blob)) => blob,
            Ok(None) => return Ok(Ok(payload)),
            Err(why) => return Ok(Err(why)),
        };
        let names = &self.link.names;
        let body = self.link.get_blob(&names.blobs_stream(), &names.result_place(key), &blob).await?;
        Ok(body.ok_or_else(|| "the server has only a part of it".to_owned()))
    }

    /// Makes the streams that a job needs. What is only not ready is tried again by the caller.
    async fn ensure(&self, function: &str, signature: &str) -> Result<(), Lost> {
        let made = async {
            self.link.ensure_shared(&self.settings, Adapt::No).await?;
            self.link.ensure_jobs(&self.settings, function, signature, Adapt::No).await
        };
        match made.await {
            Err(error @ (FarmError::Protocol { .. } | FarmError::Forbidden { .. })) => {
                Err(Lost::Refused { why: error.to_string() })
            }
            // Without a connection there is no answer; with one, the server has said no for 4 seconds.
            Err(error) if self.link.is_connected() => Err(Lost::Refused { why: error.to_string() }),
            _ => Ok(()),
        }
    }

    /// Makes the streams of all jobs that are out.
    pub(crate) async fn ensure_all(&self) -> Result<(), FarmError> {
        self.link.ensure_shared(&self.settings, Adapt::No).await?;
        for (function, signature) in self.out.functions() {
            self.link.ensure_jobs(&self.settings, function, signature, Adapt::No).await?;
        }
        Ok(())
    }

    /// Looks for the stored end of a job.
    pub(crate) async fn stored_end(&self, job: &Stored) -> Result<Option<StoredEnd>, FarmError> {
        let Link { names, .. } = &*self.link;
        let Some(message) = self.link.last(&names.results_stream(), &names.result(&job.key)).await? else {
            return Ok(None);
        };
        let headers = Some(&message.headers);
        let stored = match self.body(&job.key, headers, message.payload).await? {
            Ok(body) => StoredEnd::new(headers, &body),
            Err(why) => StoredEnd {
                end: End::Lost(Lost::Unreadable { what: Part::Output, why }),
                ..StoredEnd::new(headers, &Bytes::new())
            },
        };
        Ok(Some(stored))
    }
}
