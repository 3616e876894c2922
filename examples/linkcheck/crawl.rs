//! The crawl: each job fetches one page and queues a job for every new page that it links to.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::panic;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use greenpool::{GreenPool, green_pool, pile};
use reqwest::Client;
use tokio::task;
use url::Url;

use crate::html::{self, Kind, Link};
use crate::reason::Reason;
use crate::visit::{Answer, Visit, request, without_fragment};

/// How many addresses are requested again at a time. If none of them answers, the server is down, and the others are
/// not tried.
const SECOND_TRIES: usize = 20;

/// State shared by the jobs of one crawl.
pub(crate) struct Crawl {
    start: Url,
    client: Client,
    /// Whether links to other hosts are left out.
    inside: bool,
    notes: Mutex<Notes>,
}

/// Everything the jobs have found so far.
#[derive(Default)]
pub(crate) struct Notes {
    /// The addresses of this site. Each has exactly one job.
    pub(crate) found: HashSet<Url>,
    /// The addresses of other hosts.
    pub(crate) outside: BTreeSet<Url>,
    /// The outcome for each visited address.
    pub(crate) visits: HashMap<Url, Visit>,
    /// The addresses that were requested a second time, or will be.
    pub(crate) again: HashSet<Url>,
    /// How many requests have been answered, or have failed.
    pub(crate) requests: usize,
}

// ANCHOR: fetch
/// Fetches one page, then queues a job for each linked page that has none yet.
#[green_pool(size = 100)]
pub(crate) async fn fetch(crawl: Arc<Crawl>, url: Url) {
    let visit = crawl.visit(&url).await.unwrap_or_else(Visit::Broken);
    for next in crawl.note(url, visit) {
        // It does not wait, so this job ends. A page in line is its address, not a job.
        fetch::queue(Arc::clone(&crawl), next);
    }
}
// ANCHOR_END: fetch

// ANCHOR: readers
/// Each page is parsed twice, and both parsers share this limit: parsing is CPU work,
/// and there are few cores.
static READERS: GreenPool = GreenPool::const_new(4);

#[green_pool(pool = READERS)]
async fn read_links(kind: Kind, text: Arc<str>, address: Url) -> BTreeSet<Link> {
    off_the_runtime(move || html::links(kind, &text, &address)).await
}

#[green_pool(pool = READERS)]
async fn read_anchors(kind: Kind, text: Arc<str>) -> Option<HashSet<String>> {
    off_the_runtime(move || html::anchors(kind, &text)).await
}
// ANCHOR_END: readers

// ANCHOR: pile
/// Runs both parsers at once. If a parser panics, the page counts as broken, and the crawl
/// goes on.
async fn read(kind: Kind, address: &Url, text: String) -> Result<Visit, Reason> {
    let text = Arc::<str>::from(text);
    let page = pile! {
        links: read_links(kind, Arc::clone(&text), address.clone()),
        anchors: read_anchors(kind, text),
    };
    match page.try_join().await {
        Ok(page) => Ok(Visit::Document { kind, links: page.links, anchors: page.anchors }),
        Err(error) => Err(Reason::Unreadable(error.to_string())),
    }
}
// ANCHOR_END: pile

impl Crawl {
    /// A crawl that stays on the host of `start`. With `inside`, links to other hosts are not checked at all.
    pub(crate) fn new(client: Client, start: &Url, inside: bool) -> Arc<Self> {
        let notes = Notes { found: HashSet::from([start.clone()]), ..Notes::default() };
        Arc::new(Self { start: start.clone(), client, inside, notes: Mutex::new(notes) })
    }

    /// How many requests are to be made, as far as it is known now, and how many of them are done.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let notes = self.notes();
        let outside = if self.inside { 0 } else { notes.outside.len() };
        (notes.found.len() + outside + notes.again.len(), notes.requests)
    }

    /// The addresses of other hosts that are to be checked.
    pub(crate) fn outside(&self) -> BTreeSet<Url> {
        if self.inside { BTreeSet::new() } else { self.notes().outside.clone() }
    }

    /// Whether `start` redirects to another host, and where to.
    pub(crate) fn leaves(&self) -> Option<Url> {
        let notes = self.notes();
        match notes.visits.get(&self.start) {
            Some(Visit::Moved(to)) if notes.outside.contains(to) => Some(to.clone()),
            _ => None,
        }
    }

    /// Takes some addresses, of this site or of others, that failed for a reason that may pass, to request them once
    /// more.
    ///
    /// Returns none if all were tried, or if no address of `last`, which this method returned before, is better now.
    pub(crate) fn second_tries(&self, inside: bool, last: &[Url]) -> Vec<Url> {
        let mut notes = self.notes();
        let failed = |url: &Url| matches!(notes.visits.get(url), Some(Visit::Broken(reason)) if reason.may_pass());
        if !last.is_empty() && last.iter().all(failed) {
            return Vec::new();
        }
        let left = notes.visits.keys().filter(|url| self.is_inside(url) == inside && failed(url));
        let next: Vec<_> = left.filter(|url| !notes.again.contains(*url)).take(SECOND_TRIES).cloned().collect();
        notes.again.extend(next.iter().cloned());
        next
    }

    /// Returns everything that was found, for the report.
    pub(crate) fn finish(&self) -> Notes {
        std::mem::take(&mut self.notes())
    }

    async fn visit(&self, url: &Url) -> Result<Visit, Reason> {
        match request(&self.client, url).await? {
            Answer::Document(kind, text) => read(kind, url, text).await,
            Answer::Visit(visit) => Ok(visit),
        }
    }

    /// Records a visit, and returns the addresses that no earlier visit mentioned.
    pub(crate) fn note(&self, url: Url, visit: Visit) -> Vec<Url> {
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
        notes.requests += 1;
        notes.visits.insert(url, visit);
        next
    }

    fn is_inside(&self, url: &Url) -> bool {
        // `http` and `https` on the same host are one site. Other ports are not.
        url.host() == self.start.host() && url.port() == self.start.port()
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        // Each insertion is complete by itself, so a panic cannot leave the notes inconsistent.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Notes {
    /// Whether every address found was visited. With `inside`, addresses of other hosts do not count.
    pub(crate) fn is_complete(&self, inside: bool) -> bool {
        let visited = |url: &Url| self.visits.contains_key(url);
        self.found.iter().all(visited) && (inside || self.outside.iter().all(visited))
    }
}

/// Runs `compute` on a blocking thread, so that a long page does not delay the runtime's other jobs.
async fn off_the_runtime<T: Send + 'static>(compute: impl FnOnce() -> T + Send + 'static) -> T {
    match task::spawn_blocking(compute).await {
        Ok(value) => value,
        Err(error) => panic::resume_unwind(error.into_panic()),
    }
}
