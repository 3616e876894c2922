//! The HTTP side: a list of addresses in, titles and errors out.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use greenpool::GreenPile;
use reqwest::Client;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::feed::{Feed, Trouble, fetch};

/// The longest list that is accepted.
const MOST_FEEDS: usize = 500;

pub(crate) struct Api {
    pub(crate) client: Client,
    /// Time limit for one feed.
    pub(crate) feed: Duration,
    /// Time limit for one request.
    pub(crate) request: Duration,
}

#[derive(Deserialize)]
struct Wanted {
    feeds: Vec<Url>,
}

#[derive(Serialize)]
struct Answer {
    feeds: Vec<Entry>,
    read: usize,
    failed: usize,
    milliseconds: u128,
}

/// Either a feed or an error, never both.
#[derive(Serialize)]
struct Entry {
    url: Url,
    #[serde(flatten)]
    feed: Option<Feed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Trouble>,
}

type Refusal = (StatusCode, String);

pub(crate) fn router(api: Api) -> Router {
    Router::new().route("/feeds", post(titles)).route("/status", get(status)).with_state(Arc::new(api))
}

// ANCHOR: titles
/// Fetches all feeds at once, and answers in the order of the list.
///
/// If the client hangs up, axum drops this future and with it the pile. That aborts the jobs
/// and releases their slots.
async fn titles(State(api): State<Arc<Api>>, Json(wanted): Json<Wanted>) -> Result<Json<Answer>, Refusal> {
    if wanted.feeds.is_empty() || wanted.feeds.len() > MOST_FEEDS {
        return Err((StatusCode::BAD_REQUEST, format!("ask for 1 to {MOST_FEEDS} feeds\n")));
    }
    let began = Instant::now();
    let deadline = began + api.request;
    let mut pile = GreenPile::on(fetch::pool());
    // Each spawn waits for a slot, in one queue with all other requests. A fetch without a
    // slot by the deadline is not started.
    let spawn_all = async {
        for url in &wanted.feeds {
            pile.spawn(fetch(api.client.clone(), url.clone(), api.feed, deadline)).await;
        }
    };
    let _ = timeout_at(deadline, spawn_all).await;

    let mut feeds = Vec::new();
    for url in wanted.feeds {
        // Every job keeps the deadline by itself, so none delays the results behind it past it.
        let result = match pile.next().await {
            Some(Ok(result)) => result,
            Some(Err(error)) => Err(Trouble::Fault(error.to_string())),
            None => Err(Trouble::NoSlot),
        };
        feeds.push(match result {
            Ok(feed) => Entry { url, feed: Some(feed), error: None },
            Err(error) => Entry { url, feed: None, error: Some(error) },
        });
    }
    let read = feeds.iter().filter(|entry| entry.feed.is_some()).count();
    let (failed, milliseconds) = (feeds.len() - read, began.elapsed().as_millis());
    Ok(Json(Answer { feeds, read, failed, milliseconds }))
}
// ANCHOR_END: titles

/// The state of the pool, for monitoring.
async fn status() -> Json<Value> {
    let stats = fetch::pool().stats();
    Json(json!({
        "size": stats.size,
        "running": stats.running,
        "waiting": stats.waiting,
        "free": fetch::pool().free(),
        "finished": stats.finished,
        "aborted": stats.aborted,
        "panicked": stats.panicked,
    }))
}
