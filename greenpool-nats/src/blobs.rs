//! Bodies that are larger than a message may be: they lie in a stream of their own, in chunks, and the message says
//! where.
//!
//! This is not the object store of `JetStream`, which gives the chunks subjects of its own choice. Here one purge removes
//! the bodies of a job, of a block of results, or of a run.

use std::fmt;

use async_nats::HeaderMap;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};

use crate::error::FarmError;
use crate::link::Link;
use crate::wire::{self, PATIENCE, Stored};

/// What the headers of a message may take of the largest message.
const HEADERS: usize = 8 * 1024;

/// The id of the body of a dead job.
pub(crate) const DEAD_BODY: &str = "blob";

/// The largest body.
pub(crate) const LARGEST: usize = 256 * 1024 * 1024;

/// The largest chunk. The server sends chunks in base64, within one message.
const CHUNK: usize = 256 * 1024;

/// How many chunks of a body are on their way at once.
const AT_ONCE: usize = 8;

/// Where a body lies: the value of `Gp-Blob`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Blob {
    /// The last token of its subjects before the number of the chunk.
    pub(crate) id: String,
    chunks: usize,
    bytes: usize,
}

impl fmt::Display for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.id, self.chunks, self.bytes)
    }
}

impl Blob {
    fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let (id, chunks, bytes) = (words.next()?, words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        (bytes <= LARGEST && chunks <= bytes).then(|| Blob { id: id.to_owned(), chunks, bytes })
    }

    /// The blob of a message, if its body does not lie in the message itself. An error is a header that cannot be read.
    pub(crate) fn of(headers: Option<&HeaderMap>) -> Result<Option<Self>, String> {
        let Some(text) = wire::header(headers, wire::BLOB) else { return Ok(None) };
        Self::parse(text).map(Some).ok_or_else(|| format!("the header {} is {text:?}", wire::BLOB))
    }
}

impl Link {
    /// The blob that a body has to be, under this id; `None` if it fits into a message.
    pub(crate) fn blob(&self, id: impl Into<String>, body: &Bytes) -> Option<Blob> {
        let max_payload = self.client.max_payload();
        let too_large = body.len() > max_payload.saturating_sub(HEADERS);
        too_large.then(|| {
            let chunks = body.len().div_ceil(chunk(max_payload));
            Blob { id: id.into(), chunks, bytes: body.len() }
        })
    }

    /// Stores the chunks of a body. `place` is the first part of their subjects.
    pub(crate) async fn put_blob(&self, place: &str, blob: &Blob, body: &Bytes) -> Stored {
        if blob.bytes > LARGEST {
            return Stored::Refused(format!("it has {} bytes, and the most is {LARGEST}", blob.bytes));
        }
        let size = body.len().div_ceil(blob.chunks.max(1));
        let chunks = (0..blob.chunks).map(|index| {
            let chunk = body.slice(index * size..((index + 1) * size).min(body.len()));
            self.store(format!("{place}.{}.{index}", blob.id), HeaderMap::new(), chunk, PATIENCE)
        });
        let mut chunks = stream::iter(chunks).buffer_unordered(AT_ONCE);
        while let Some(stored) = chunks.next().await {
            if !matches!(stored, Stored::Yes | Stored::There) {
                return stored;
            }
        }
        Stored::Yes
    }

    /// Reads a body from a stream. `None`: it is not there, or not all of it.
    pub(crate) async fn get_blob(&self, stream: &str, place: &str, blob: &Blob) -> Result<Option<Bytes>, FarmError> {
        let subjects = (0..blob.chunks).map(|index| format!("{place}.{}.{index}", blob.id));
        let chunks = subjects.map(|subject| async move { self.last(stream, &subject).await });
        let mut chunks = stream::iter(chunks).buffered(AT_ONCE);
        let mut body = BytesMut::with_capacity(blob.bytes);
        while let Some(chunk) = chunks.try_next().await? {
            let Some(chunk) = chunk else { return Ok(None) };
            body.extend_from_slice(&chunk.payload);
        }
        Ok((body.len() == blob.bytes).then(|| body.freeze()))
    }

    /// Removes blobs.
    pub(crate) async fn purge_blobs(&self, filter: String) {
        // What stays is too old one day.
        let _ = self.purge(&self.names.blobs_stream(), filter).await;
    }
}

fn chunk(max_payload: usize) -> usize {
    max_payload.saturating_sub(HEADERS).clamp(1, CHUNK)
}

#[cfg(test)]
mod tests {
    use super::{Blob, LARGEST};

    #[test]
    fn a_blob_is_read_as_it_was_written() {
        let blob = Blob { id: "worker-3".to_owned(), chunks: 4, bytes: 1_000_000 };
        assert_eq!(Blob::parse(&blob.to_string()), Some(blob));
        for text in ["", "id", "id 4", "id 4 many", "id 5 4", &format!("id 4 {}", LARGEST + 1)] {
            assert_eq!(Blob::parse(text), None, "{text}");
        }
    }
}
