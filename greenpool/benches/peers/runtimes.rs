//! The runtimes that the jobs run on.

use tokio::runtime::{Builder, Runtime};

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Current,
    TwoThreads,
}

impl Place {
    pub(crate) const ALL: [Place; 2] = [Place::Current, Place::TwoThreads];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Place::Current => "current",
            Place::TwoThreads => "two",
        }
    }

    pub(crate) fn threads(self) -> &'static str {
        match self {
            Place::Current => "one thread",
            Place::TwoThreads => "two threads",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Place::Current => "Current-thread runtime",
            Place::TwoThreads => "Multi-thread runtime, two workers",
        }
    }
}

/// Both runtimes live throughout. The one that is not measured sleeps.
pub(crate) struct Runtimes {
    current: Runtime,
    two_threads: Runtime,
}

impl Runtimes {
    pub(crate) fn new() -> std::io::Result<Self> {
        let current = Builder::new_current_thread().enable_all().build()?;
        let two_threads = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        Ok(Runtimes { current, two_threads })
    }

    pub(crate) fn of(&self, place: Place) -> &Runtime {
        match place {
            Place::Current => &self.current,
            Place::TwoThreads => &self.two_threads,
        }
    }
}
