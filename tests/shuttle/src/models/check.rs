//! Runs models under many schedules.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::str::FromStr;
use std::sync::PoisonError;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

/// Under so many schedules each model is run.
const SCHEDULES: usize = 1_000;

/// So many preemptions PCT makes.
const PREEMPTIONS: usize = 3;

/// No model needs as many steps: one that takes them goes round in a circle.
const STEPS: usize = 100_000;

/// Runs a model under many schedules.
pub(super) fn check(model: fn()) {
    check_part(1, model);
}

/// Likewise, if the model is a long one: under one of `part` schedules.
pub(super) fn check_part(part: usize, model: fn()) {
    // One at a time: they share what is `static`.
    static ONE: std::model::PlainMutex<()> = std::model::PlainMutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Ok(file) = env::var("GREENPOOL_REPLAY") {
        let schedule = ReplayScheduler::new_from_file(file).expect("`GREENPOOL_REPLAY` names a file with a schedule");
        return run("the schedule that was asked for", schedule, model);
    }
    let seed = asked("GREENPOOL_SEED").unwrap_or(1);
    let each = asked("GREENPOOL_SCHEDULES").unwrap_or(SCHEDULES).div_ceil(2 * part);
    run(&format!("GREENPOOL_SEED={seed}, at random"), RandomScheduler::new_from_seed(seed, each), model);
    run(&format!("GREENPOOL_SEED={seed}, by PCT"), PctScheduler::new_from_seed(seed, PREEMPTIONS, each), model);
}

fn run(how: &str, scheduler: impl Scheduler + 'static, model: fn()) {
    let mut config = Config::new();
    config.stack_size = 1 << 18;
    config.max_steps = MaxSteps::FailAfter(STEPS);
    config.silence_warnings = true;
    let run = || {
        Runner::new(scheduler, config).run(move || {
            std::model::begin();
            model();
        })
    };
    if let Err(failure) = catch_unwind(AssertUnwindSafe(run)) {
        eprintln!("failed under {how}");
        resume_unwind(failure);
    }
}

fn asked<T: FromStr>(name: &str) -> Option<T> {
    let value = env::var(name).ok()?;
    Some(value.parse().ok().unwrap_or_else(|| panic!("`{name}` is a number, not `{value}`")))
}
