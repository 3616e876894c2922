//! Links to other hosts.

use greenpool::green_pool;
use reqwest::Client;
use url::Url;

use crate::reason::Reason;
use crate::visit::Visit;

// ANCHOR: outside
/// Requests one address of another host. A few at a time, and fewer of one host: these
/// servers did not ask to be checked.
#[green_pool(size = 20, key = host(&url), per_key = 4)]
pub(crate) async fn probe(#[shared] client: Client, url: Url) -> Visit {
    match client.get(url).send().await {
        Ok(response) if response.status().is_success() => Visit::Fine,
        Ok(response) => Visit::Broken(Reason::Status(response.status())),
        Err(error) => Visit::Broken(error.into()),
    }
}

fn host(url: &Url) -> Option<String> {
    url.host_str().map(ToOwned::to_owned)
}

/// Requests each address once, and passes each outcome to `note`. After an interrupt, the
/// addresses that were not checked are missing.
pub(crate) async fn probe_all(client: &Client, urls: impl IntoIterator<Item = Url>, mut note: impl FnMut(Url, Visit)) {
    let urls: Vec<_> = urls.into_iter().collect();
    // All addresses are in line at once, so a slow host keeps nobody else waiting.
    let mut visits = probe::imap_unordered(client.clone(), urls.clone()).window(urls.len()).indexed();
    while let Some((at, visit)) = visits.next().await {
        match visit {
            Ok(visit) => note(urls[at].clone(), visit),
            Err(error) if error.is_panic() => {
                note(urls[at].clone(), Visit::Broken(Reason::Unreadable(error.to_string())));
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
        probe::pool().resize_per_key(3);
        probe_all(&client, urls, |_, visit| {
            assert!(matches!(visit, Visit::Fine), "{visit:?}");
            seen += 1;
        })
        .await;
        assert_eq!((seen, counts.1.load(Ordering::SeqCst)), (50, 3));
    }
}
