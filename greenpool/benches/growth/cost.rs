//! What a case costs.

use std::path::Path;

use crate::cases::Case;
use crate::report::{callgrind, process};

/// How a cost is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cost {
    /// The instructions of a process that does nothing else.
    Instructions,
    /// The CPU time of this process, in nanoseconds: the least of several runs.
    CpuTime,
}

impl Cost {
    /// Instructions, if there is valgrind. Otherwise fails, unless CPU time will do.
    pub(crate) fn choose(cpu_time_will_do: bool) -> Result<Self, String> {
        match callgrind::check_valgrind() {
            Ok(()) => Ok(Cost::Instructions),
            Err(why) if cpu_time_will_do => {
                eprintln!("{why}: measuring CPU time instead");
                Ok(Cost::CpuTime)
            }
            Err(why) => Err(why),
        }
    }

    pub(crate) fn unit(self) -> &'static str {
        match self {
            Cost::Instructions => "instructions each",
            Cost::CpuTime => "ns of CPU time each",
        }
    }

    /// How much more a piece of work may cost in the larger runs. A quadratic cost is far above both: with 16 times the
    /// work, a piece costs 16 times as much.
    pub(crate) fn limit(self) -> f64 {
        match self {
            Cost::Instructions => 1.3,
            // Larger runs fit into no cache, and a clock is never exact.
            Cost::CpuTime => 5.0,
        }
    }

    /// What it costs to do this amount of work.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub(crate) fn of(self, case: &Case, work: usize) -> Result<f64, String> {
        match self {
            Cost::Instructions => {
                let arguments = ["--counted", "--only", case.id, "--work", &work.to_string()];
                callgrind::count(&arguments, Path::new("/dev/null")).map(|count| count as f64)
            }
            Cost::CpuTime => {
                let run = |_| {
                    let before = process::cpu_time()?;
                    case.run(work);
                    Ok((process::cpu_time()?.saturating_sub(before)).as_nanos() as f64)
                };
                (0..RUNS).map(run).reduce(|one, other: Result<f64, String>| Ok(one?.min(other?))).unwrap_or(Ok(0.0))
            }
        }
    }
}

/// How often CPU time is measured.
const RUNS: u32 = 3;
