//! The crawl: the workers request pages, and the submitter decides which pages come next.

use std::collections::{HashMap, HashSet, VecDeque};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use greenpool::remote::Far;
use greenpool::{JoinError, green_pool};
use reqwest::Client;
use url::Url;

use crate::html;
use crate::reason::Reason;
use crate::visit::{Answer, Visit, request, without_fragment};

/// Requests one page, and reads its links and anchors if they are `wanted`.
///
/// The 16 are the limit of all workers together. Each worker has an HTTP client of its own.
#[green_pool(size = 16, remote)]
pub(crate) async fn fetch(#[shared] client: Client, url: Url, wanted: bool) -> Visit {
    match request(&client, &url).await {
        Ok(Answer::Document(kind, text)) if wanted => {
            Visit::Document { kind, links: html::links(kind, &text, &url), anchors: html::anchors(kind, &text) }
        }
        Ok(Answer::Document(..)) => Visit::Fine,
        Ok(Answer::Visit(visit)) => visit,
        Err(reason) => Visit::Broken(reason),
    }
}

/// The jobs that are out, each with its address.
pub(crate) type Jobs = FuturesUnordered<BoxFuture<'static, (Url, Result<Visit, JoinError>)>>;

/// What was found so far, and what is left to do.
pub(crate) struct Crawl {
    start: Url,
    found: HashSet<Url>,
    next: VecDeque<Url>,
    pub(crate) visits: HashMap<Url, Visit>,
}

impl Crawl {
    pub(crate) fn new(start: &Url) -> Self {
        let (found, next) = (HashSet::from([start.clone()]), VecDeque::from([start.clone()]));
        Self { start: start.clone(), found, next, visits: HashMap::new() }
    }

    /// How many addresses are known, and how many of them were visited.
    pub(crate) fn counts(&self) -> (usize, usize) {
        (self.found.len(), self.visits.len())
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.visits.len() == self.found.len()
    }

    /// Submits what the window has room for.
    pub(crate) fn submit(&mut self, far: &Far<fetch>, jobs: &mut Jobs) {
        while let Some(url) = self.next.pop_front() {
            let wanted = url.origin() == self.start.origin();
            let Ok(job) = far.try_spawn(url.clone(), wanted) else {
                self.next.push_front(url);
                return;
            };
            jobs.push(job.map(|visit| (url, visit)).boxed());
        }
    }

    /// Records a visit, and queues the addresses that no earlier one mentioned.
    pub(crate) fn note(&mut self, url: Url, visit: Result<Visit, JoinError>) {
        let visit = visit.unwrap_or_else(|error| Visit::Broken(Reason::Unreadable(error.to_string())));
        for target in visit.targets() {
            let target = without_fragment(target);
            if self.found.insert(target.clone()) {
                self.next.push_back(target);
            }
        }
        self.visits.insert(url, visit);
    }
}
