//! The crawl: one job fetches one page, and sends off the jobs of the pages it found there.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::panic;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use greenpool::{GreenPool, green_pool, pile};
use reqwest::{Client, Response, header};
use tokio::task;
use url::Url;

use crate::html::{self, Link};
use crate::reason::Reason;

/// What became of an address.
#[derive(Debug)]
pub(crate) enum Visit {
    /// An HTML page, with what was found in it.
    Page { links: BTreeSet<Link>, anchors: HashSet<String> },
    /// It is there, and nothing more is to be learned from it: not HTML, or not ours.
    Fine,
    /// A redirect. Where it leads to is an address of its own, visited like any other.
    Moved(Url),
    /// Nothing that a visitor could use.
    Broken(Reason),
}

/// What the jobs of one crawl share.
pub(crate) struct Crawl {
    start: Url,
    client: Client,
    notes: Mutex<Notes>,
}

/// What they have found out.
#[derive(Default)]
pub(crate) struct Notes {
    /// The addresses of this site; each is handed to one job.
    pub(crate) found: HashSet<Url>,
    /// The addresses of other hosts.
    pub(crate) outside: BTreeSet<Url>,
    /// What became of those that were visited.
    pub(crate) visits: HashMap<Url, Visit>,
}

// ANCHOR: fetch
/// Fetches one page, then sees to it that every page it links to is fetched, once.
#[green_pool(size = 100)]
pub(crate) async fn fetch(crawl: Arc<Crawl>, url: Url) {
    let visit = crawl.visit(&url).await.unwrap_or_else(Visit::Broken);
    for next in crawl.note(url, visit) {
        // When the pool is full, the new job runs in our slot and we go on after it.
        // So the crawl needs no queue of its own, never runs more jobs than `size`,
        // and cannot lock up with every job waiting for a slot.
        fetch::spawn_n(Arc::clone(&crawl), next).await;
    }
}
// ANCHOR_END: fetch

// ANCHOR: readers
/// Two questions are asked of each page, under one limit: reading is work for the
/// processor, and of those there are few.
static READERS: GreenPool = GreenPool::const_new(4);

#[green_pool(pool = READERS)]
async fn read_links(html: Arc<str>, page: Url) -> BTreeSet<Link> {
    off_the_runtime(move || html::links(&html, &page)).await
}

#[green_pool(pool = READERS)]
async fn read_anchors(html: Arc<str>) -> HashSet<String> {
    off_the_runtime(move || html::anchors(&html)).await
}
// ANCHOR_END: readers

// ANCHOR: pile
/// Asks both at once. A page that cannot be read is one broken link, and no more.
async fn read(page: &Url, html: String) -> Result<Visit, Reason> {
    let html = Arc::<str>::from(html);
    let page = pile! {
        links: read_links(Arc::clone(&html), page.clone()),
        anchors: read_anchors(html),
    };
    match page.try_join().await {
        Ok(page) => Ok(Visit::Page { links: page.links, anchors: page.anchors }),
        Err(error) => Err(Reason::Unreadable(error.to_string())),
    }
}
// ANCHOR_END: pile

impl Crawl {
    /// A crawl that stays on the host of `start`.
    pub(crate) fn new(client: Client, start: &Url) -> Arc<Self> {
        let notes = Notes { found: HashSet::from([start.clone()]), ..Notes::default() };
        Arc::new(Self { start: start.clone(), client, notes: Mutex::new(notes) })
    }

    /// How many addresses were found, and how many of them are done.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let notes = self.notes();
        (notes.found.len(), notes.visits.len())
    }

    /// Hands over what was found out, for the report.
    pub(crate) fn finish(&self) -> Notes {
        std::mem::take(&mut self.notes())
    }

    async fn visit(&self, url: &Url) -> Result<Visit, Reason> {
        let response = self.client.get(url.clone()).send().await?;
        if let Some(to) = redirect(&response, url)? {
            return Ok(Visit::Moved(to));
        }
        if !response.status().is_success() {
            return Err(Reason::Status(response.status()));
        }
        if !is_html(&response) {
            return Ok(Visit::Fine);
        }
        read(url, response.text().await?).await
    }

    /// Writes down a visit, and returns the addresses that it was the first to mention.
    fn note(&self, url: Url, visit: Visit) -> Vec<Url> {
        let mut next = Vec::new();
        let mut notes = self.notes();
        for target in visit.targets() {
            let target = without_fragment(target);
            if !self.is_inside(&target) {
                notes.outside.insert(target);
            } else if notes.found.insert(target.clone()) {
                next.push(target);
            }
        }
        notes.visits.insert(url, visit);
        next
    }

    fn is_inside(&self, url: &Url) -> bool {
        // `http` and `https` of the same name are one site, other ports are not.
        url.host() == self.start.host() && url.port() == self.start.port()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        // A job that panicked between two insertions leaves nothing half done.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    /// Was everything visited that was found? The addresses of other hosts do not count when the check stays `inside`.
    pub(crate) fn is_complete(&self, inside: bool) -> bool {
        let visited = |url: &Url| self.visits.contains_key(url);
        self.found.iter().all(visited) && (inside || self.outside.iter().all(visited))
    }
}

impl Visit {
    /// The addresses that the answer mentions.
    fn targets(&self) -> Vec<&Url> {
        match self {
            Self::Page { links, .. } => links.iter().filter_map(Link::target).collect(),
            Self::Moved(to) => vec![to],
            Self::Fine | Self::Broken(_) => Vec::new(),
        }
    }
}

/// The address as a server sees it.
pub(crate) fn without_fragment(url: &Url) -> Url {
    let mut url = url.clone();
    url.set_fragment(None);
    url
}

fn redirect(response: &Response, url: &Url) -> Result<Option<Url>, Reason> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response.headers().get(header::LOCATION);
    let to = location.and_then(|to| url.join(to.to_str().ok()?).ok());
    match to {
        Some(to) if matches!(to.scheme(), "http" | "https") => Ok(Some(to)),
        _ => Err(Reason::BadRedirect),
    }
}

fn is_html(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.to_ascii_lowercase();
    kind.starts_with("text/html") || kind.starts_with("application/xhtml+xml")
}

/// Computes on a thread of its own kind, lest a long page hold up the answers of other servers.
async fn off_the_runtime<T: Send + 'static>(compute: impl FnOnce() -> T + Send + 'static) -> T {
    match task::spawn_blocking(compute).await {
        Ok(value) => value,
        Err(error) => panic::resume_unwind(error.into_panic()),
    }
}
