//! Runs models under many schedules.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::str::FromStr;
use std::sync::PoisonError;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler, Scheduler};
use shuttle::{Config, MaxSteps, Runner};

/// Number of schedules that each model runs under.
const SCHEDULES: usize = 1_000;

/// Number of preemptions per PCT schedule.
const PREEMPTIONS: usize = 3;

/// No model needs this many steps. One that takes them is in an endless loop.
const STEPS: usize = 100_000;

/// Runs a model under many schedules.
pub(super) fn check(model: fn()) {
    check_part(1, model);
}

/// Runs a long model under fewer schedules: the usual number divided by `divisor`.
pub(super) fn check_part(divisor: usize, model: fn()) {
    // Models share statics, so they run one at a time.
    static LOCK: std::model::PlainMutex<()> = std::model::PlainMutex::new(());
    let _lock = LOCK.lock().unwrap_or_else(PoisonError::into_inner);
    if let Ok(file) = env::var("GREENPOOL_REPLAY") {
        let schedule = ReplayScheduler::new_from_file(file).expect("`GREENPOOL_REPLAY` names a file with a schedule");
        return run("the schedule in GREENPOOL_REPLAY", schedule, model);
    }
    let seed = variable("GREENPOOL_SEED").unwrap_or(1);
    let each = variable("GREENPOOL_SCHEDULES").unwrap_or(SCHEDULES).div_ceil(2 * divisor);
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

fn variable<T: FromStr>(name: &str) -> Option<T> {
    let value = env::var(name).ok()?;
    Some(value.parse().ok().unwrap_or_else(|| panic!("`{name}` must be a number, not `{value}`")))
}
