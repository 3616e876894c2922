//! The memory use of a process.

use std::fmt;
use std::str::FromStr;

use peak_alloc::PeakAlloc;

use crate::report::resident;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// All figures are in bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Usage {
    /// Live heap allocations, relative to the start of the measurement.
    pub(crate) heap: usize,
    /// Peak of the live heap allocations.
    pub(crate) heap_peak: usize,
    /// Peak resident memory of the process.
    pub(crate) resident_peak: usize,
    /// Peak resident memory, relative to the start of the measurement.
    pub(crate) resident_rise: usize,
    /// The size of one handle. (Space for all handles is allocated before the measurement.)
    pub(crate) handle: usize,
}

/// The state at the start of a measurement.
pub(crate) struct Before {
    heap: usize,
    resident: usize,
}

impl Before {
    pub(crate) fn now() -> Self {
        ALLOCATOR.reset_peak_usage();
        Before { heap: ALLOCATOR.current_usage(), resident: resident::peak() }
    }

    pub(crate) fn until_now(&self, handle: usize) -> Usage {
        let resident_peak = resident::peak();
        Usage {
            heap: ALLOCATOR.current_usage().saturating_sub(self.heap),
            heap_peak: ALLOCATOR.peak_usage().saturating_sub(self.heap),
            resident_peak,
            resident_rise: resident_peak - self.resident,
            handle,
        }
    }
}

/// The format in which the child process reports to its parent.
impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Usage { heap, heap_peak, resident_peak, resident_rise, handle } = self;
        write!(f, "{heap} {heap_peak} {resident_peak} {resident_rise} {handle}")
    }
}

impl FromStr for Usage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Result<Vec<usize>, _> = text.split_whitespace().map(str::parse).collect();
        match numbers.as_deref() {
            Ok(&[heap, heap_peak, resident_peak, resident_rise, handle]) => {
                Ok(Usage { heap, heap_peak, resident_peak, resident_rise, handle })
            }
            _ => Err(format!("the child process printed `{text}` instead of five numbers")),
        }
    }
}
