//! Progress: a bar on a terminal, or a line every second elsewhere.

use std::time::Duration;

use greenpool::GreenPool;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinHandle;
use tokio::time;

/// Shows the progress of the work until it is dropped.
pub(crate) struct Progress {
    bar: ProgressBar,
    painter: JoinHandle<()>,
}

impl Progress {
    /// Follows a pool's work. `counts` returns how much was found and how much of it is done.
    pub(crate) fn follow(
        what: &'static str,
        pool: &'static GreenPool,
        counts: impl Fn() -> (usize, usize) + Send + 'static,
    ) -> Self {
        // Draws to standard error, and hides itself if that is not a terminal.
        let bar = ProgressBar::new(0).with_prefix(what);
        if let Ok(style) = ProgressStyle::with_template("{prefix} {wide_bar} {human_pos}/{human_len}  {msg}") {
            bar.set_style(style);
        }
        let painter = tokio::spawn(paint(bar.clone(), what, pool, counts));
        Self { bar, painter }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.painter.abort();
        self.bar.finish_and_clear();
    }
}

async fn paint(bar: ProgressBar, what: &'static str, pool: &GreenPool, counts: impl Fn() -> (usize, usize)) {
    let plain = bar.is_hidden();
    let period = Duration::from_millis(if plain { 1_000 } else { 100 });
    let mut ticks = time::interval(period);
    // Skip the first tick: a line that says "0 of 1" is of no use.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        let (found, done) = counts();
        let (running, waiting, free) = (pool.running(), pool.waiting(), pool.free());
        let what = if pool.is_closed() { "stopping" } else { what };
        if plain {
            eprintln!("{what}: {done} of {found} done; {running} running, {waiting} waiting, {free} free");
            continue;
        }
        bar.set_prefix(what);
        bar.set_length(found as u64);
        bar.set_position(done as u64);
        bar.set_message(format!("{running} running  {waiting} waiting  {free} free"));
    }
}
