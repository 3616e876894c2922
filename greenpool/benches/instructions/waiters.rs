//! The cost of operations on a pool with many waiters.

use crate::ways::queue::Operation;
use crate::ways::work::{self, noop};
use crate::ways::{Way, spawn};

macro_rules! waiters {
    ($(against $against:literal: $($id:literal, $title:literal, $operation:ident, $in:ident, $waiters:literal;)*)*) => {
        vec![$($(Way::new($id, $title, $against, |_, operations| Box::pin(async move {
            let number = usize::try_from(operations).expect("a small number");
            Operation::$operation.$in($waiters, number).await;
            work::sum(operations)
        }))),*),*]
    };
}

/// Each operation with few and with many waiters, and jobs that each wait for the one before.
pub(crate) fn ways() -> Vec<Way> {
    let mut ways = vec![
        Way::new("semaphore-full-1", "Semaphore of 1 + tokio::spawn, detached", "semaphore-full-1", |_, jobs| {
            Box::pin(spawn::semaphore_detached::<noop>(1, jobs))
        }),
        Way::new("full-1", "greenpool f::spawn_n + waitall, a pool of 1", "semaphore-full-1", |_, jobs| {
            Box::pin(spawn::declared_n::<noop>(1, jobs))
        }),
    ];
    ways.extend(operations());
    ways
}

fn operations() -> Vec<Way> {
    waiters! {
        against "serve-100":
        "serve-100", "GreenPool: enqueue, get a slot, complete; 100 waiters", Serve, in_pool, 100;
        "serve-100000", "GreenPool: enqueue, get a slot, complete; 100,000 waiters", Serve, in_pool, 100_000;
        against "pass-100":
        "pass-100", "GreenPool: enqueue and cancel; 100 waiters", PassBy, in_pool, 100;
        "pass-100000", "GreenPool: enqueue and cancel; 100,000 waiters", PassBy, in_pool, 100_000;
        against "give-up-100":
        "give-up-100", "GreenPool: cancel in the middle, enqueue; 100 waiters", GiveUp, in_pool, 100;
        "give-up-100000", "GreenPool: cancel in the middle, enqueue; 100,000 waiters", GiveUp, in_pool, 100_000;
        against "semaphore-give-up-100":
        "semaphore-give-up-100", "Semaphore: cancel in the middle, enqueue; 100 waiters", GiveUp, in_semaphore, 100;
        "semaphore-give-up-100000", "Semaphore: cancel in the middle, enqueue; 100,000 waiters",
            GiveUp, in_semaphore, 100_000;
    }
}
