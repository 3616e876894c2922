//! Links to other hosts.

use std::collections::HashMap;

use futures::{StreamExt as _, stream};
use greenpool::{GreenPool, green_pool};
use reqwest::Client;
use url::Url;

use crate::crawl::Visit;
use crate::reason::Reason;

// ANCHOR: outside
/// Requests one address of another host. A few at a time: these servers did not ask to be
/// checked.
#[green_pool(size = 20)]
pub(crate) async fn probe(client: Client, url: Url) -> Visit {
    match client.get(url).send().await {
        Ok(response) if response.status().is_success() => Visit::Fine,
        Ok(response) => Visit::Broken(Reason::Status(response.status())),
        Err(error) => Visit::Broken(error.into()),
    }
}

/// Requests each address once, at most `per_host` of one host at once, and passes each
/// outcome to `note`. After an interrupt, the addresses that were not checked are missing.
pub(crate) async fn probe_all(
    client: &Client,
    urls: impl IntoIterator<Item = Url>,
    per_host: usize,
    mut note: impl FnMut(Url, Visit),
) {
    let mut hosts = HashMap::<_, Vec<_>>::new();
    for url in urls {
        hosts.entry(url.host_str().map(ToOwned::to_owned)).or_default().push(url);
    }
    // Each host is a pool of its own with a map over its addresses. A job takes its host's
    // slot first and one of `probe` second, so a slow host keeps nobody else waiting.
    let hosts = hosts.into_values().map(|urls| {
        let client = client.clone();
        let visit = move |url: Url| {
            let client = client.clone();
            async move { (url.clone(), probe::spawn(client, url).await.await) }
        };
        GreenPool::new(per_host).imap_unordered(visit, urls)
    });
    let mut visits = stream::select_all(hosts);
    while let Some(visit) = visits.next().await {
        match visit {
            Ok((url, Ok(visit))) => note(url, visit),
            Ok((url, Err(error))) if error.is_panic() => {
                note(url, Visit::Broken(Reason::Unreadable(error.to_string())));
            }
            // Aborted or refused, because of an interrupt.
            _ => {}
        }
    }
}
// ANCHOR_END: outside

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use tokio::task;

    use super::*;
    use crate::serve;

    #[tokio::test]
    async fn each_host_has_its_own_limit() {
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let counts = Arc::new((now, most));
        let shared = Arc::clone(&counts);
        let router = Router::new().fallback(move || {
            let counts = Arc::clone(&shared);
            async move {
                let running = counts.0.fetch_add(1, Ordering::SeqCst) + 1;
                counts.1.fetch_max(running, Ordering::SeqCst);
                for _ in 0..100 {
                    task::yield_now().await;
                }
                counts.0.fetch_sub(1, Ordering::SeqCst);
            }
        });
        let start = serve::serve(router).await.unwrap();
        // Fails only if another test has installed one, which is fine too.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let urls = (0..50).map(|n| start.join(&n.to_string()).unwrap());
        let mut seen = 0;
        probe_all(&client, urls, 3, |_, visit| {
            assert!(matches!(visit, Visit::Fine), "{visit:?}");
            seen += 1;
        })
        .await;
        assert_eq!((seen, counts.1.load(Ordering::SeqCst)), (50, 3));
    }
}
