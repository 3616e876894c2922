//! Which job it is.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Which job: no two jobs that live at the same time have the same.
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
pub struct JobId(Id);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Id {
    Task(tokio::task::Id),
    Own(u64),
}

impl JobId {
    /// One that no other job has.
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        JobId(Id::Own(NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    pub(crate) fn of_task(id: tokio::task::Id) -> Self {
        JobId(Id::Task(id))
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Id::Task(id) => write!(f, "{id}"),
            Id::Own(id) => write!(f, "g{id}"),
        }
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobId({self})")
    }
}
