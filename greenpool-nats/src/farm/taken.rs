//! Which results of jobs without a name are taken: a block of them is removed from the server at once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::names::BLOCK;

/// How many results of each block are taken.
#[derive(Default)]
pub(crate) struct Taken(Mutex<HashMap<(&'static str, u64), u64>>);

impl Taken {
    /// The result of a job is taken, or will never be. Returns the block if that was the last of it.
    pub(crate) fn take(&self, function: &'static str, n: u64) -> Option<u64> {
        let block = n / BLOCK;
        let mut taken = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry((function, block)).or_default();
        *count += 1;
        let full = *count == BLOCK;
        if full {
            taken.remove(&(function, block));
        }
        full.then_some(block)
    }
}

#[cfg(test)]
mod tests {
    use super::Taken;
    use crate::names::BLOCK;

    #[test]
    fn a_block_is_over_when_all_of_it_is_taken_in_any_order() {
        let taken = Taken::default();
        for n in (1..BLOCK).rev() {
            assert_eq!(taken.take("f", n), None);
            assert_eq!(taken.take("g", n + BLOCK), None);
        }
        assert_eq!(taken.take("f", 0), Some(0));
        assert_eq!(taken.take("g", BLOCK), Some(1));
    }
}
