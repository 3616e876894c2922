//! The loads: what the jobs do.

use super::work::{self, Work};
use super::{Way, all};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Load {
    Noop,
    Takes,
    MaySleep,
    Yields,
    Computes1us,
    Computes10us,
    Sleeps1ms,
}

impl Load {
    pub(crate) const ALL: [Load; 7] =
        [Load::Noop, Load::Takes, Load::MaySleep, Load::Yields, Load::Computes1us, Load::Computes10us, Load::Sleeps1ms];

    /// Name on the command line.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Load::Noop => "noop",
            Load::Takes => "takes",
            Load::MaySleep => "may-sleep",
            Load::Yields => "yields",
            Load::Computes1us => "1us",
            Load::Computes10us => "10us",
            Load::Sleeps1ms => "sleep",
        }
    }

    /// Name in a table.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Load::Noop => "no-op",
            Load::Takes => "no-op, 192 B of arguments",
            Load::MaySleep => "no-op, two arguments, may sleep",
            Load::Yields => "yields once",
            Load::Computes1us => "1 us of CPU",
            Load::Computes10us => "10 us of CPU",
            Load::Sleeps1ms => "sleeps 1 ms",
        }
    }

    pub(crate) fn ways(self) -> Vec<Way> {
        match self {
            Load::Noop => all::<work::noop>(),
            Load::Takes => all::<work::takes>(),
            Load::MaySleep => all::<work::may_sleep>(),
            Load::Yields => all::<work::yields>(),
            Load::Computes1us => all::<work::computes_1us>(),
            Load::Computes10us => all::<work::computes_10us>(),
            Load::Sleeps1ms => all::<work::sleeps_1ms>(),
        }
    }

    /// The size of a job's future, in bytes.
    pub(crate) fn bytes(self) -> usize {
        match self {
            Load::Noop => work::noop::bytes(),
            Load::Takes => work::takes::bytes(),
            Load::MaySleep => work::may_sleep::bytes(),
            Load::Yields => work::yields::bytes(),
            Load::Computes1us => work::computes_1us::bytes(),
            Load::Computes10us => work::computes_10us::bytes(),
            Load::Sleeps1ms => work::sleeps_1ms::bytes(),
        }
    }
}
