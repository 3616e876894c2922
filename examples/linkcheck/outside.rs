//! The links that lead to other hosts.

use std::collections::BTreeSet;
use std::iter;
use std::sync::atomic::{AtomicUsize, Ordering};

use greenpool::green_pool;
use reqwest::Client;
use url::Url;

use crate::crawl::Visit;
use crate::reason::Reason;

/// Asks for one address of another host. Few at a time: these servers did not ask to be checked.
#[green_pool(size = 20)]
pub(crate) async fn probe(client: Client, url: Url) -> Visit {
    match client.get(url).send().await {
        Ok(response) if response.status().is_success() => Visit::Fine,
        Ok(response) => Visit::Broken(Reason::Status(response.status())),
        Err(error) => Visit::Broken(error.into()),
    }
}

/// Addresses, and what became of each.
pub(crate) type Visits = Vec<(Url, Visit)>;

/// Asks for each address once; what an interrupt has left untested is not in the result.
pub(crate) async fn probe_all(client: Client, urls: BTreeSet<Url>, done: &AtomicUsize) -> Visits {
    let mut visits = Vec::new();
    // The answers come in the order of the addresses, however long each takes, so the two lists
    // match.
    let mut answers = probe::imap(iter::repeat(client), urls.clone());
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
