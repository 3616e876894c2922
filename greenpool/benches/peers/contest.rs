//! Measuring several things side by side.

use std::time::{Duration, Instant};

/// Something that can be timed again and again.
pub(crate) struct Case<'a> {
    /// What the time is divided by.
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

    /// `run` holds the watch itself, because it has things to make ready.
    pub(crate) fn timing(jobs: u64, run: impl Fn() -> Duration + 'a) -> Self {
        Case { jobs, run: Box::new(run) }
    }
}

/// How long to go on.
#[derive(Clone, Copy)]
pub(crate) struct Patience {
    pub(crate) time: Duration,
    pub(crate) rounds: usize,
}

/// Fewer rounds than this say nothing.
const LEAST: usize = 3;

/// What the rounds of one case took, in nanoseconds a job.
pub(crate) struct Samples(Vec<f64>);

/// Runs all cases once to warm up, then in turns: A B C, A B C, .. until patience ends.
pub(crate) fn interleave(cases: &[Case<'_>], patience: Patience) -> Vec<Samples> {
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
    for round in 0..patience.rounds {
        if round >= LEAST && begin.elapsed() > patience.time {
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

    /// The median of the rounds' ratios: what disturbs a whole round disturbs both sides of its ratio.
    pub(crate) fn ratio(&self, against: &Samples) -> f64 {
        median(self.0.iter().zip(&against.0).map(|(what, against)| what / against).collect())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
