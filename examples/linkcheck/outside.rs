//! Links to other hosts.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use greenpool::green_pool;
use reqwest::Client;
use url::Url;

use crate::crawl::Visit;
use crate::reason::Reason;

/// Requests one address of another host. A few at a time: these servers did not ask to be checked.
#[green_pool(size = 20)]
pub(crate) async fn probe(#[shared] client: Client, url: Url) -> Visit {
    match client.get(url).send().await {
        Ok(response) if response.status().is_success() => Visit::Fine,
        Ok(response) => Visit::Broken(Reason::Status(response.status())),
        Err(error) => Visit::Broken(error.into()),
    }
}

/// Addresses and their outcomes.
pub(crate) type Visits = Vec<(Url, Visit)>;

/// Requests each address once. After an interrupt, the result lacks the addresses not checked.
pub(crate) async fn probe_all(client: Client, urls: BTreeSet<Url>, done: &AtomicUsize) -> Visits {
    let mut visits = Vec::new();
    // The answers come in the order of the addresses, however long each takes, so the two
    // sequences match.
    let mut answers = probe::imap(client, urls.clone());
    for url in urls {
        match answers.next().await {
            Some(Ok(visit)) => visits.push((url, visit)),
            Some(Err(error)) if error.is_panic() => {
                visits.push((url, Visit::Broken(Reason::Unreadable(error.to_string()))));
            }
            Some(Err(_)) => {}
            None => break,
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    visits
}
