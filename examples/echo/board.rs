//! What the user sees meanwhile, on a terminal.

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
    /// Follows the server, or the clients, or both.
    pub(crate) fn follow(server: Option<Arc<Counts>>, plan: Option<(Arc<Plan>, u32)>) -> Self {
        // Draws to standard error, and hides itself when that is no terminal.
        let bar = match &plan {
            Some((_, clients)) => ProgressBar::new(u64::from(*clients)),
            None => ProgressBar::no_length(),
        };
        let template = if plan.is_some() { "{wide_bar} {human_pos}/{human_len} clients\n{msg}" } else { "{msg}" };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let painter = tokio::spawn(paint(bar.clone(), server, plan.map(|(plan, _)| plan)));
        Self { bar, painter }
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.painter.abort();
        self.bar.finish_and_clear();
    }
}

async fn paint(bar: ProgressBar, server: Option<Arc<Counts>>, plan: Option<Arc<Plan>>) {
    let mut ticks = time::interval(Duration::from_millis(100));
    loop {
        ticks.tick().await;
        let mut message = String::new();
        if let Some(counts) = &server {
            message = server_line(counts, plan.as_deref());
        }
        if let Some(plan) = &plan {
            let stats = client::pool().stats();
            bar.set_position(stats.finished);
            if server.is_none() {
                let (running, connected) = (stats.running as u64, count(&plan.connected));
                message = format!("{connected} connected, {} under way", HumanCount(running));
            }
        }
        bar.set_message(message);
    }
}

// ANCHOR: line
fn server_line(counts: &Counts, plan: Option<&Plan>) -> String {
    let pool = handle::pool();
    let word = if pool.is_closed() { "draining" } else { "serving" };
    let (accepted, served) = (count(&counts.accepted), count(&counts.served));
    let (running, waiting, free) = (HumanCount(pool.running() as u64), pool.waiting(), pool.free());
    let line =
        format!("{word}: {accepted} accepted, {served} served; {running} running, {waiting} waiting, {free} free");
    let Some(plan) = plan else {
        return line;
    };
    // Who is connected and not accepted lies in the system's queue.
    let queued = plan.connected.load(Ordering::Relaxed).saturating_sub(counts.accepted.load(Ordering::Relaxed));
    format!("{line}; {} in the system's queue", HumanCount(queued as u64))
}
// ANCHOR_END: line

fn count(counter: &AtomicUsize) -> HumanCount {
    HumanCount(counter.load(Ordering::Relaxed) as u64)
}
