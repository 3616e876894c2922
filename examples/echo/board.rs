//! The progress display on a terminal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;
use tokio::time;

use crate::load::{Plan, client};
use crate::server::{Counts, handle};

/// Shows the counts until it is dropped.
pub(crate) struct Board {
    bar: ProgressBar,
    painter: JoinHandle<()>,
}

impl Board {
    /// Follows the server, and the load if it runs in this process.
    pub(crate) fn follow(counts: Arc<Counts>, plan: Option<Arc<Plan>>) -> Self {
        // Draws to standard error, and hides itself if that is not a terminal.
        let bar = ProgressBar::new(plan.as_ref().map_or(0, |plan| plan.clients.into()));
        let template = if plan.is_some() { "{wide_bar} {human_pos}/{human_len} clients\n{msg}" } else { "{msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let painter = tokio::spawn(paint(bar.clone(), counts, plan));
        Self { bar, painter }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.painter.abort();
        self.bar.finish_and_clear();
    }
}

async fn paint(bar: ProgressBar, counts: Arc<Counts>, plan: Option<Arc<Plan>>) {
    let mut ticks = time::interval(Duration::from_millis(100));
    loop {
        ticks.tick().await;
        bar.set_position(client::pool().stats().finished);
        bar.set_message(line(&counts, plan.as_deref()));
    }
}

fn line(counts: &Counts, plan: Option<&Plan>) -> String {
    let pool = handle::pool();
    let word = if pool.is_closed() { "draining" } else { "serving" };
    let (accepted, served) = (count(&counts.accepted), count(&counts.served));
    let (running, waiting, free) = (HumanCount(pool.running() as u64), pool.waiting(), pool.free());
    let line =
        format!("{word}: {accepted} accepted, {served} served; {running} running, {waiting} waiting, {free} free");
    let Some(plan) = plan else {
        return line;
    };
    // A client that is connected but not accepted is in the system's queue.
    let queued = plan.connected.load(Ordering::Relaxed).saturating_sub(counts.accepted.load(Ordering::Relaxed));
    format!("{line}; {} in the system's queue", HumanCount(queued as u64))
}

pub(crate) fn count(counter: &AtomicUsize) -> HumanCount {
    HumanCount(counter.load(Ordering::Relaxed) as u64)
}
