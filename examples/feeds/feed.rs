//! Fetches and parses one feed, within a time limit.

use std::fmt;
use std::time::Duration;

use feed_rs::parser;
use greenpool::green_pool;
use reqwest::{Client, StatusCode};
use serde::{Serialize, Serializer};
use tokio::task;
use tokio::time::{Instant, timeout_at};
use url::Url;

/// The longest feed that is accepted, in bytes.
const MOST_BYTES: usize = 4 << 20;

/// The contents of a feed, as the answer reports them.
#[derive(Debug, Serialize)]
pub(crate) struct Feed {
    pub(crate) title: String,
    pub(crate) entries: Vec<String>,
}

/// Why a feed could not be read.
#[derive(Debug)]
pub(crate) enum Trouble {
    TooSlow,
    /// No slot was free before the deadline of the request.
    NoSlot,
    TooLong,
    Status(StatusCode),
    Unreachable(String),
    NotAFeed(String),
    /// A bug in this server: the job panicked.
    Fault(String),
}

// ANCHOR: fetch
/// Fetches one feed, until `deadline` and for at most `limit`. All requests share one pool,
/// because the number of connections of the whole process must be limited.
#[green_pool(size = 32)]
pub(crate) async fn fetch(client: Client, url: Url, limit: Duration, deadline: Instant) -> Result<Feed, Trouble> {
    let now = Instant::now();
    if now >= deadline {
        return Err(Trouble::NoSlot);
    }
    let deadline = deadline.min(now + limit);
    timeout_at(deadline, download(client, url)).await.unwrap_or(Err(Trouble::TooSlow))
}
// ANCHOR_END: fetch

async fn download(client: Client, url: Url) -> Result<Feed, Trouble> {
    let mut response = client.get(url).send().await?;
    if !response.status().is_success() {
        return Err(Trouble::Status(response.status()));
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > MOST_BYTES {
            return Err(Trouble::TooLong);
        }
    }
    // Parsing a few megabytes of XML would block all other jobs on this thread.
    let read = task::spawn_blocking(move || read(&bytes)).await;
    read.unwrap_or_else(|error| Err(Trouble::Fault(error.to_string())))
}

fn read(bytes: &[u8]) -> Result<Feed, Trouble> {
    let feed = parser::parse(bytes).map_err(|error| Trouble::NotAFeed(error.to_string()))?;
    let entries = feed.entries.into_iter().filter_map(|entry| entry.title);
    let title = feed.title.map_or_else(|| "(no title)".to_owned(), |title| title.content);
    Ok(Feed { title, entries: entries.map(|title| title.content).collect() })
}

impl From<reqwest::Error> for Trouble {
    fn from(error: reqwest::Error) -> Self {
        // The innermost error says what happened; the outer ones only say that something did.
        let mut cause: &dyn std::error::Error = &error;
        while let Some(inner) = cause.source() {
            cause = inner;
        }
        Self::Unreachable(cause.to_string())
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSlow => f.write_str("too slow"),
            Self::NoSlot => f.write_str("not started in time"),
            Self::TooLong => f.write_str("too long"),
            Self::Status(status) => write!(f, "the server answered {status}"),
            Self::Unreachable(why) => write!(f, "unreachable: {why}"),
            Self::NotAFeed(why) => write!(f, "not a feed: {why}"),
            Self::Fault(why) => write!(f, "a bug in this server: {why}"),
        }
    }
}

impl Serialize for Trouble {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
