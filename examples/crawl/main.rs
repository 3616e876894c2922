//! A crawler in one file, to copy and change: it visits each page of a site once and
//! prints the broken links.
//!
//! ```text
//! cargo run --example crawl -- http://localhost:8000/
//! ```

use std::collections::HashSet;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use greenpool::green_pool;
use reqwest::{Client, Url};

/// State that the jobs share.
struct Crawl {
    client: Client,
    start: Url,
    seen: Mutex<HashSet<Url>>,
    broken: Mutex<Vec<String>>,
}

/// Visits one page, and queues a job for each link that no job has seen before.
#[green_pool(size = 10)]
async fn visit(crawl: Arc<Crawl>, url: Url) {
    match crawl.links(&url).await {
        Ok(links) => {
            for link in links {
                if crawl.is_new(&link) {
                    visit::queue(crawl.clone(), link);
                }
            }
        }
        Err(error) => {
            let line = format!("{url}: {}", error.without_url());
            crawl.broken.lock().unwrap().push(line);
        }
    }
}

impl Crawl {
    /// The links of a page. Empty if it is not HTML or not on this site.
    async fn links(&self, url: &Url) -> reqwest::Result<Vec<Url>> {
        let page = self.client.get(url.clone()).send().await?.error_for_status()?;
        let kind = page.headers().get("content-type");
        let html = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        // A redirect may have led to another host, so check the response's address, not `url`.
        if !html || page.url().host() != self.start.host() {
            return Ok(Vec::new());
        }
        let base = page.url().clone();
        let text = page.text().await?;
        // Good enough for a start. An HTML parser finds more, and ignores comments.
        let links = text.split("href=\"").skip(1);
        let links = links.filter_map(|rest| base.join(rest.split('"').next()?).ok());
        let links = links.filter(|link| link.scheme().starts_with("http"));
        Ok(links.map(without_fragment).collect())
    }

    /// Records a link. Returns whether it is new.
    fn is_new(&self, link: &Url) -> bool {
        self.seen.lock().unwrap().insert(link.clone())
    }
}

/// The address without its fragment, as a server sees it.
fn without_fragment(mut url: Url) -> Url {
    url.set_fragment(None);
    url
}

#[tokio::main]
async fn main() -> ExitCode {
    let start = std::env::args().nth(1).and_then(|url| url.parse().ok());
    let Some(start) = start.map(without_fragment) else {
        eprintln!("usage: crawl URL, for example: crawl http://localhost:8000/");
        return ExitCode::from(2);
    };
    // The examples build reqwest with a smaller TLS provider. With the default one, remove this line.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = Client::builder().timeout(Duration::from_secs(10)).build();
    let crawl = Arc::new(Crawl {
        client: client.expect("the client is valid"),
        start: start.clone(),
        seen: Mutex::new(HashSet::from([start.clone()])),
        broken: Mutex::default(),
    });

    visit::queue(crawl.clone(), start);
    tokio::select! {
        () = visit::pool().waitall() => {} // an idle pool has nothing left to find
        _ = tokio::signal::ctrl_c() => println!("interrupted; this is what was found so far"),
    }

    let seen = crawl.seen.lock().unwrap().len();
    let broken = crawl.broken.lock().unwrap();
    for line in &*broken {
        println!("broken  {line}");
    }
    println!("{seen} links, {} of them broken", broken.len());
    ExitCode::from(u8::from(!broken.is_empty()))
}
