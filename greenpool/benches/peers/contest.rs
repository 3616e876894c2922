//! Measures several cases side by side.

use std::time::{Duration, Instant};

/// A case that can be timed repeatedly.
pub(crate) struct Case<'a> {
    /// The time is divided by this.
    jobs: u64,
    run: Box<dyn Fn() -> Duration + 'a>,
}

impl<'a> Case<'a> {
    /// Times the whole of `run`.
    pub(crate) fn timed(jobs: u64, run: impl Fn() + 'a) -> Self {
        let run = move || {
            let begin = Instant::now();
            run();
            begin.elapsed()
        };
        Self::timing(jobs, run)
    }

    /// `run` returns the time itself, so that it can exclude its preparations.
    pub(crate) fn timing(jobs: u64, run: impl Fn() -> Duration + 'a) -> Self {
        Case { jobs, run: Box::new(run) }
    }
}

/// How long to measure.
#[derive(Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) time: Duration,
    pub(crate) rounds: usize,
}

/// Fewer rounds than this are meaningless.
const MIN_ROUNDS: usize = 3;

/// The times of the rounds of one case, in nanoseconds per job.
pub(crate) struct Samples(Vec<f64>);

/// Runs all cases once to warm up, then interleaved (A B C, A B C, ..) until the budget is reached.
pub(crate) fn interleave(cases: &[Case<'_>], budget: Budget) -> Vec<Samples> {
    let run = |case: &Case<'_>| {
        #[expect(clippy::cast_precision_loss, reason = "both are far below 2^52")]
        let nanos = (case.run)().as_nanos() as f64 / case.jobs as f64;
        nanos
    };
    for case in cases {
        run(case);
    }
    let mut samples: Vec<_> = cases.iter().map(|_| Samples(Vec::new())).collect();
    let begin = Instant::now();
    for round in 0..budget.rounds {
        if round >= MIN_ROUNDS && begin.elapsed() > budget.time {
            break;
        }
        for (case, samples) in cases.iter().zip(&mut samples) {
            samples.0.push(run(case));
        }
    }
    samples
}

impl Samples {
    pub(crate) fn median(&self) -> f64 {
        median(self.0.clone())
    }

    pub(crate) fn rounds(&self) -> usize {
        self.0.len()
    }

    /// The median of the ratios of the rounds. A disturbance of a whole round affects both sides of its ratio.
    pub(crate) fn ratio(&self, against: &Samples) -> f64 {
        median(self.0.iter().zip(&against.0).map(|(what, against)| what / against).collect())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
