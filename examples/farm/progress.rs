//! Progress: a bar and a line for each worker on a terminal, or a line every second elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use greenpool_nats::{Farm, FarmError, WorkerInfo};
use indicatif::{HumanCount, MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time;

/// Shows the progress of the crawl.
pub(crate) struct Progress {
    lines: MultiProgress,
    counts: watch::Sender<(usize, usize)>,
    end: oneshot::Sender<()>,
    painter: JoinHandle<()>,
}

impl Progress {
    /// Follows what a farm does.
    pub(crate) fn follow(farm: &Farm) -> Self {
        let (counts, following) = watch::channel((1, 0));
        // Draws to standard error, and hides itself if that is not a terminal.
        let lines = MultiProgress::new();
        let painter = Painter { farm: farm.clone(), lines: lines.clone(), counts: following };
        let (end, ended) = oneshot::channel();
        Self { lines, counts, end, painter: tokio::spawn(painter.run(ended)) }
    }

    /// How many addresses are known, and how many of them were visited.
    pub(crate) fn set(&self, counts: (usize, usize)) {
        self.counts.send_replace(counts);
    }

    /// Removes it, before anything else is printed. `interrupted`: because of Ctrl-C.
    pub(crate) async fn clear(self, interrupted: bool) {
        if interrupted && !self.lines.is_hidden() {
            // The cursor was at the end of the last line, so the terminal has written its `^C` below the lines.
            eprint!("\x1b[A");
        }
        drop(self.end);
        // A painter that panics has drawn nothing since.
        let _ = self.painter.await;
    }

    /// Prints a line above the bar.
    pub(crate) fn say(&self, line: &str) {
        if self.lines.is_hidden() {
            eprintln!("{line}");
        } else {
            // A terminal that cannot be written to shows no bar either.
            let _ = self.lines.println(line);
        }
    }
}

struct Painter {
    farm: Farm,
    lines: MultiProgress,
    counts: watch::Receiver<(usize, usize)>,
}

impl Painter {
    async fn run(self, ended: oneshot::Receiver<()>) {
        let (bar, mut workers) = (self.lines.add(ProgressBar::new(1)), BTreeMap::new());
        tokio::select! {
            biased;
            _ = ended => {}
            () = self.paint(&bar, &mut workers) => {}
        }
        // What is dropped before it is cleared stays on the screen.
        let _ = self.lines.clear();
        self.lines.set_draw_target(ProgressDrawTarget::hidden());
    }

    async fn paint(&self, bar: &ProgressBar, workers: &mut BTreeMap<u32, ProgressBar>) {
        let plain = self.lines.is_hidden();
        if let Ok(style) = ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} addresses  {msg}") {
            bar.set_style(style);
        }
        let mut ticks = time::interval(Duration::from_millis(if plain { 1_000 } else { 100 }));
        loop {
            ticks.tick().await;
            // A farm that does not answer is shown as it was.
            let Ok((waiting, running)) = self.look().await else { continue };
            let (known, done) = *self.counts.borrow();
            if plain {
                let workers: Vec<_> = running.iter().map(describe).collect();
                eprintln!("{done} of {known} addresses, {waiting} queued; {}", workers.join("; "));
                continue;
            }
            bar.set_length(known as u64);
            bar.set_position(done as u64);
            bar.set_message(format!("{waiting} queued"));
            self.show(workers, &running);
        }
    }

    /// How many jobs are queued, and what the workers do.
    async fn look(&self) -> Result<(u64, Vec<WorkerInfo>), FarmError> {
        let (queue, workers) = tokio::join!(self.farm.queue("fetch"), self.farm.workers());
        let mut workers = workers?;
        workers.sort_by_key(|worker| worker.pid);
        Ok((queue?.waiting, workers))
    }

    /// Shows a line for each worker that has ever answered.
    fn show(&self, lines: &mut BTreeMap<u32, ProgressBar>, workers: &[WorkerInfo]) {
        for worker in workers {
            let line = lines.entry(worker.pid).or_insert_with(|| {
                let line = self.lines.add(ProgressBar::new_spinner());
                if let Ok(style) = ProgressStyle::with_template("{msg}") {
                    line.set_style(style);
                }
                line
            });
            line.set_message(describe(worker));
        }
        for (pid, line) in lines {
            if workers.iter().all(|worker| worker.pid != *pid) {
                line.set_message(format!("worker {pid}: does not answer"));
            }
        }
    }
}

fn describe(worker: &WorkerInfo) -> String {
    let done: u64 = worker.functions.iter().map(|function| function.done).sum();
    format!("worker {}: {} running, {} done", worker.pid, worker.running.len(), HumanCount(done))
}
