//! What a process uses.

use std::fmt;
use std::str::FromStr;

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Usage {
    /// What was asked of the allocator and not given back, above what it was before.
    pub(crate) heap: usize,
    /// The most of that at any time.
    pub(crate) heap_peak: usize,
    /// The most memory that the process has occupied since its start.
    pub(crate) resident_peak: usize,
    /// The same, above what it was before.
    pub(crate) resident_rise: usize,
    /// The size of one handle. (Room for all handles was there before.)
    pub(crate) handle: usize,
}

/// The beginning of a measurement.
pub(crate) struct Before {
    heap: usize,
    resident: usize,
}

impl Before {
    pub(crate) fn now() -> Self {
        ALLOCATOR.reset_peak_usage();
        Before { heap: ALLOCATOR.current_usage(), resident: resident_peak() }
    }

    pub(crate) fn until_now(&self, handle: usize) -> Usage {
        let resident_peak = resident_peak();
        Usage {
            heap: ALLOCATOR.current_usage().saturating_sub(self.heap),
            heap_peak: ALLOCATOR.peak_usage().saturating_sub(self.heap),
            resident_peak,
            resident_rise: resident_peak - self.resident,
            handle,
        }
    }
}

/// `VmHWM` of this process, which Linux tells.
fn resident_peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").expect("memory is measured on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<usize>().ok());
    1024 * kilobytes.expect("Linux says so in kB")
}

/// How the child tells its parent.
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
            _ => Err(format!("the child said `{text}` instead of five numbers")),
        }
    }
}
