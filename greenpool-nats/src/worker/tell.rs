//! Telling the end of a job.

use async_nats::{HeaderMap, Message};
use bytes::Bytes;
use greenpool::__private::remote::{End, fingerprint};
use greenpool::remote::{Lost, Part};

use crate::blobs::{Blob, DEAD_BODY, LARGEST};
use crate::error::FarmError;
use crate::streams::Adapt;
use crate::wire::{self, Backoff, Stored};
use crate::worker::PATIENCE;
use crate::worker::job::{Wanted, unreadable, wanted};
use crate::worker::serving::{Running, Serving, Shared};

/// A message that is to be stored.
struct Letter {
    subject: String,
    headers: HeaderMap,
    body: Bytes,
}

/// What became of a message that was to be stored.
enum Told {
    Yes,
    /// The job is not this worker's any more.
    NotOurs,
    /// The server does not take it.
    Refused(String),
}

/// Why there are no arguments.
pub(crate) enum Missing {
    Lost(String),
    /// The job is not this worker's any more.
    NotOurs,
}

/// The fingerprint of a job's arguments. If they are a blob, it is in a header.
fn fingerprint_of(message: &Message) -> String {
    let stored = wire::header(message.headers.as_ref(), wire::ARGS);
    stored.map_or_else(|| fingerprint(&message.payload), str::to_owned)
}

impl Serving {
    /// Stores the end of a job. Returns false if it is not this worker's any more.
    pub(crate) async fn tell(&self, message: &Message, running: &Running, end: &End) -> bool {
        let told = match (wanted(message), end) {
            (Wanted::Nothing, _) => true,
            (Wanted::Receipt, End::Value(_)) => self.tell_result(message, running, &End::Value(Vec::new())).await,
            (Wanted::Receipt | Wanted::Result, end) => self.tell_result(message, running, end).await,
        };
        told && self.bury(message, running, end).await
    }

    /// Puts a job into the dead list if it was given up, or if it has failed and nobody hears of that. Returns false if
    /// it is not this worker's any more.
    pub(crate) async fn bury(&self, message: &Message, running: &Running, end: &End) -> bool {
        let given_up = matches!(end, End::Lost(Lost::GaveUp { .. }));
        let failed = !matches!(end, End::Value(_));
        let nobody_hears = failed && !matches!(wanted(message), Wanted::Result);
        !(given_up || nobody_hears) || Box::pin(self.store_dead(message, running, end)).await
    }

    /// Stores a result. If the server does not take it, as a result that cannot be had: the job would fail each time.
    async fn tell_result(&self, message: &Message, running: &Running, end: &End) -> bool {
        let told = match self.try_result(message, running, end).await {
            Told::Refused(why) => {
                let lost = unreadable(Part::Output, format!("the server refused it: {why}"));
                Box::pin(self.try_result(message, running, &lost)).await
            }
            told => told,
        };
        matches!(told, Told::Yes)
    }

    async fn try_result(&self, message: &Message, running: &Running, end: &End) -> Told {
        let (mut headers, mut body) = wire::write_end(end);
        if body.len() > LARGEST {
            let why = format!("it has {} bytes, and the most is {LARGEST}", body.len());
            (headers, body) = wire::write_end(&unreadable(Part::Output, why));
        }
        if wire::is_json(message.headers.as_ref()) {
            headers.insert(wire::CODEC, "json");
        }
        headers.insert(wire::WORKER, self.shared.id.as_str());
        headers.insert(wire::MILLISECONDS, running.since.elapsed().as_millis().to_string());
        headers.insert(wire::ARGS, fingerprint_of(message));
        // The first result of a job is its result.
        headers.insert(wire::EXPECTED, "0");
        let names = &self.shared.link.names;
        let (subject, place) = (names.result(&running.key), names.result_place(&running.key));
        let id = format!("{}-{}", self.shared.id, running.delivery);
        self.store(Letter { subject, headers, body }, &place, id, running).await
    }

    async fn store_dead(&self, message: &Message, running: &Running, end: &End) -> bool {
        let (mut headers, why) = wire::write_end(end);
        let why = String::from_utf8_lossy(&why).replace(['\r', '\n'], " ");
        headers.insert(wire::WHY, why.chars().take(1024).collect::<String>());
        headers.insert(wire::SIGNATURE, self.handler.signature());
        if wire::is_json(message.headers.as_ref()) {
            headers.insert(wire::CODEC, "json");
        }
        let body = match self.arguments(message, running).await {
            Ok(body) => body,
            // They are lost: running it again would fail.
            Err(Missing::Lost(_)) => Bytes::new(),
            Err(Missing::NotOurs) => return false,
        };
        let subject = self.shared.link.names.dead(&running.key);
        let place = subject.clone();
        let letter = Letter { subject, headers, body };
        matches!(self.store(letter, &place, DEAD_BODY.to_owned(), running).await, Told::Yes)
    }

    /// The arguments of a job, wherever they lie.
    pub(crate) async fn arguments(&self, message: &Message, running: &Running) -> Result<Bytes, Missing> {
        let Some(blob) = Blob::of(message.headers.as_ref()).map_err(Missing::Lost)? else {
            return Ok(message.payload.clone());
        };
        Box::pin(self.large_arguments(&blob, running)).await
    }

    async fn large_arguments(&self, blob: &Blob, running: &Running) -> Result<Bytes, Missing> {
        let link = &self.shared.link;
        let place = link.names.arguments_place(&running.key);
        let mut backoff = Backoff::new();
        while !running.lease.is_over() {
            match link.get_blob(&link.names.blobs_stream(), &place, blob).await {
                Ok(Some(body)) => return Ok(body),
                Ok(None) => return Err(Missing::Lost("the server has only a part of them".to_owned())),
                Err(_) => backoff.wait().await,
            }
        }
        Err(Missing::NotOurs)
    }

    /// Stores a message, with its body elsewhere if it is large.
    async fn store(&self, letter: Letter, place: &str, id: String, running: &Running) -> Told {
        let Letter { subject, mut headers, mut body } = letter;
        if let Some(blob) = self.shared.link.blob(id, &body) {
            let put = || self.shared.link.put_blob(place, &blob, &body);
            match Box::pin(self.until_stored(&subject, running, put)).await {
                Told::Yes => {}
                other => return other,
            }
            headers.insert(wire::BLOB, blob.to_string());
            body = Bytes::new();
        }
        let link = &self.shared.link;
        let attempt = || link.store(subject.clone(), headers.clone(), body.clone(), PATIENCE);
        self.until_stored(&subject, running, attempt).await
    }

    /// Stores something, for as long as the job is this worker's.
    async fn until_stored<F>(&self, subject: &str, running: &Running, attempt: impl Fn() -> F) -> Told
    where
        F: Future<Output = Stored>,
    {
        let mut backoff = Backoff::new();
        loop {
            match attempt().await {
                Stored::Yes | Stored::There => return Told::Yes,
                Stored::NoStream => {
                    let Shared { link, settings, .. } = &*self.shared;
                    drop(Box::pin(link.ensure_shared(settings, Adapt::No)).await);
                }
                Stored::Refused(why) => {
                    tracing::error!(target: "greenpool", subject, why, "a result was refused");
                    return Told::Refused(why);
                }
                Stored::Forbidden(right) => {
                    self.shared.fail(FarmError::Forbidden { what: "tell a result".to_owned(), right });
                    return Told::NotOurs;
                }
                Stored::Full | Stored::Unknown => {}
            }
            if running.lease.is_over() {
                return Told::NotOurs;
            }
            backoff.wait().await;
        }
    }
}
