//! What it costs to use a pool that many wait for.

use crate::ways::Way;
use crate::ways::queue::Operation;
use crate::ways::work;

macro_rules! waiters {
    ($(against $against:literal: $($id:literal, $title:literal, $operation:ident, $in:ident, $waiters:literal;)*)*) => {
        vec![$($(Way::new($id, $title, $against, |_, operations| Box::pin(async move {
            let number = usize::try_from(operations).expect("it is a small number");
            Operation::$operation.$in($waiters, number).await;
            work::sum(operations)
        }))),*),*]
    };
}

/// Operations, while few wait and while many do.
pub(crate) fn ways() -> Vec<Way> {
    waiters! {
        against "serve-100":
        "serve-100", "GreenPool: enter, be served, end; 100 wait", Serve, in_pool, 100;
        "serve-100000", "GreenPool: enter, be served, end; 100,000 wait", Serve, in_pool, 100_000;
        against "pass-100":
        "pass-100", "GreenPool: enter and leave; 100 wait", PassBy, in_pool, 100;
        "pass-100000", "GreenPool: enter and leave; 100,000 wait", PassBy, in_pool, 100_000;
        against "give-up-100":
        "give-up-100", "GreenPool: leave the middle, enter; 100 wait", GiveUp, in_pool, 100;
        "give-up-100000", "GreenPool: leave the middle, enter; 100,000 wait", GiveUp, in_pool, 100_000;
        against "semaphore-give-up-100":
        "semaphore-give-up-100", "Semaphore: leave the middle, enter; 100 wait", GiveUp, in_semaphore, 100;
        "semaphore-give-up-100000", "Semaphore: leave the middle, enter; 100,000 wait", GiveUp, in_semaphore, 100_000;
    }
}
