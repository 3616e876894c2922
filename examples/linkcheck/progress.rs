//! Progress: a bar on a terminal, or a line every second elsewhere.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;
use tokio::time;

use crate::crawl::{Crawl, fetch};
use crate::outside::probe;

/// Shows the progress of a crawl until it is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    painter: JoinHandle<()>,
}

impl Progress {
    /// Follows a crawl. What it counts are requests, as the report does.
    pub(crate) fn follow(crawl: &Arc<Crawl>) -> Self {
        // Draws to standard error, and hides itself if that is not a terminal.
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {human_pos}/{human_len} requests  {msg}") {
            bar.set_style(style);
        }
        let painter = tokio::spawn(paint(bar.clone(), Arc::clone(crawl)));
        Self { bar, painter }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.painter.abort();
        self.bar.finish_and_clear();
    }
}

async fn paint(bar: ProgressBar, crawl: Arc<Crawl>) {
    let plain = bar.is_hidden();
    let period = Duration::from_millis(if plain { 1_000 } else { 100 });
    let mut ticks = time::interval(period);
    // Skip the first tick: a line that says "0 of 1" is of no use.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let (known, done) = crawl.counts();
        let (site, others) = (fetch::pool(), probe::pool());
        let (running, waiting) = (site.running() + others.running(), site.waiting() + others.waiting());
        let what = if site.is_closed() { "stopping" } else { "checking" };
        if plain {
            eprintln!("{what}: {done} of {known} requests done; {running} running, {waiting} waiting");
            continue;
        }
        bar.set_prefix(what);
        bar.set_length(known as u64);
        bar.set_position(done as u64);
        bar.set_message(format!("{running} running  {waiting} waiting"));
    }
}
