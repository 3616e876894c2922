//! Two ways to crawl.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use greenpool::green_pool;
use tokio::task::JoinSet;

use crate::web::{address, fetch};

/// How many pages are visited at once.
pub(crate) const SIZE: usize = 100;

/// The frontier is a queue that this task reads, and it is the only one that knows which pages were seen.
pub(crate) async fn join_set(pages: u64) -> u64 {
    let mut seen = HashSet::from([address(0)]);
    let mut frontier = VecDeque::from([address(0)]);
    let mut visits = JoinSet::new();
    let mut visited = 0;
    loop {
        while visits.len() < SIZE {
            let Some(page) = frontier.pop_front() else { break };
            visits.spawn(async move { fetch(&page, pages).await });
        }
        let Some(links) = visits.join_next().await else { return visited };
        visited += 1;
        for link in links.expect("no visit panics") {
            if !seen.contains(&link) {
                seen.insert(link.clone());
                frontier.push_back(link);
            }
        }
    }
}

/// What all visits share.
struct Crawl {
    pages: u64,
    seen: Mutex<HashSet<String>>,
    visited: AtomicU64,
}

impl Crawl {
    /// Records pages. Leaves those that are new.
    fn retain_new(&self, pages: &mut Vec<String>) {
        let mut seen = self.seen.lock().expect("no visit panics");
        pages.retain(|page| !seen.contains(page) && seen.insert(page.clone()));
    }
}

#[green_pool(size = SIZE)]
async fn visit(crawl: Arc<Crawl>, page: String) {
    let mut links = fetch(&page, crawl.pages).await;
    crawl.retain_new(&mut links);
    for link in links {
        visit::queue(crawl.clone(), link);
    }
    crawl.visited.fetch_add(1, Ordering::Relaxed);
}

/// The frontier is the queue of the pool.
pub(crate) async fn queue(pages: u64) -> u64 {
    let seen = Mutex::new(HashSet::from([address(0)]));
    let crawl = Arc::new(Crawl { pages, seen, visited: AtomicU64::new(0) });
    visit::queue(crawl.clone(), address(0));
    visit::pool().waitall().await;
    crawl.visited.load(Ordering::Relaxed)
}
