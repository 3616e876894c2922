//! The clock of leases. It also counts while the machine sleeps, where there is such a clock.

use std::time::Duration;

/// A point in time, since the machine was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Moment(Duration);

impl Moment {
    #[cfg(target_os = "linux")]
    pub(crate) fn now() -> Self {
        let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_BOOTTIME).expect("Linux has this clock");
        Moment(Duration::from(time))
    }

    #[cfg(not(target_os = "linux"))]
    pub(crate) fn now() -> Self {
        static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
        Moment(START.elapsed())
    }

    pub(crate) fn after(self, time: Duration) -> Self {
        Moment(self.0 + time)
    }

    pub(crate) fn before(self, time: Duration) -> Self {
        Moment(self.0.saturating_sub(time))
    }

    pub(crate) fn nanos(self) -> u64 {
        self.0.as_nanos() as u64
    }
}
