//! The id of a job.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Identifies a job. No two jobs that exist at the same time have the same id.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::collections::HashMap;
/// # let pool = greenpool::GreenPool::new(2);
/// let mut begun = HashMap::new();
/// let green = pool.spawn(async {}).await;
/// begun.insert(green.id(), "the first one");
/// println!("job {} is {}", green.id(), begun[&green.id()]);
/// # }
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct JobId(u64);

impl JobId {
    /// An id that no other job has.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        JobId(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "g{}", self.0)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}
