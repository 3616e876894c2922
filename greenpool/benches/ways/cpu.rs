//! CPU-bound work.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// Number of steps that take a microsecond on an undisturbed thread: the maximum of many short tries. So a job is
/// always the same work, and takes longer when its thread has to wait.
static STEPS: LazyLock<u64> = LazyLock::new(|| {
    let steps = 20_000;
    let shortest = (0..200).map(|_| time(steps)).min().unwrap_or_default();
    let nanos = u64::try_from(shortest.as_nanos()).unwrap_or(u64::MAX).max(1);
    (steps * 1_000 / nanos).max(1)
});

fn time(steps: u64) -> Duration {
    let begin = Instant::now();
    walk(steps);
    begin.elapsed()
}

/// Each step depends on the one before.
fn walk(steps: u64) {
    let mut state = black_box(1_u64);
    for _ in 0..steps {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    }
    black_box(state);
}

pub(crate) fn compute(micros: u64) {
    walk(*STEPS * micros);
}
