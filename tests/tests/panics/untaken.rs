//! Results that nobody takes, whose destructors panic.

use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use futures::{FutureExt, poll};
use greenpool::{GreenPile, GreenPool, pile};
use greenpool_tests::{paused, until_idle};

/// Panics when it is dropped.
#[derive(Debug)]
struct Noisy;

impl Drop for Noisy {
    fn drop(&mut self) {
        panic!("of the destructor");
    }
}

#[test]
fn the_other_values_of_a_pile_that_fails_are_dropped_quietly() {
    paused(async {
        let pool = GreenPool::new(4);
        let before = pile![in pool; async { Ok::<Noisy, &str>(Noisy) }, async { Err::<(), _>("the error") }];
        assert_eq!(before.try_values::<&str>().await.map(drop), Err("the error"));
        let after = pile![in pool; async { Err::<(), _>("the error") }, async { Ok::<Noisy, &str>(Noisy) }];
        assert_eq!(after.try_values::<&str>().await.map(drop), Err("the error"));
    });
}

/// Without care, the second panic ends the process.
#[test]
fn the_panic_of_a_job_of_a_pile_comes_before_those_of_the_other_values() {
    paused(async {
        let pool = GreenPool::new(4);
        let panics = poll_fn(|_| -> Poll<Result<(), &str>> { panic!("of the job") });
        let pile = pile![in pool; async { Ok::<Noisy, &str>(Noisy) }, panics];
        let result = AssertUnwindSafe(pile.try_values::<&str>()).catch_unwind().await;
        assert_eq!(result.map(drop).unwrap_err().downcast_ref::<&str>(), Some(&"of the job"));
    });
}

#[test]
fn the_other_outputs_of_a_map_that_fails_are_dropped_quietly() {
    paused(async {
        let pool = GreenPool::new(4);
        let job = |n: u32| async move { if n == 0 { Err("the error") } else { Ok(Noisy) } };
        let map = pool.imap(job, 0..4);
        until_idle().await;
        assert_eq!(map.try_collect::<Vec<_>>().await.map(drop), Err("the error"));
        let map = pool.imap(job, 0..4);
        until_idle().await;
        assert_eq!(map.try_for_each(|_| async { Ok::<_, &str>(()) }).await, Err("the error"));
        // What has been collected before the error: two of them would end the process, as in any collection.
        let map = pool.imap(|n: u32| async move { if n == 1 { Err("the error") } else { Ok(Noisy) } }, 0..4);
        assert_eq!(map.try_collect::<Vec<_>>().await.map(drop), Err("the error"));
    });
}

#[test]
fn the_result_of_a_spawn_that_was_dropped_is_dropped_quietly() {
    for unordered in [false, true] {
        paused(async move {
            let pool = GreenPool::new(1);
            let slot = pool.slot().await.unwrap();
            let mut pile = GreenPile::on(&pool);
            let mut spawn = Box::pin(pile.spawn(async { Noisy }));
            assert!(poll!(&mut spawn).is_pending());
            let mut next =
                async || if unordered { pile.next_unordered().await.is_none() } else { pile.next().await.is_none() };
            assert!(poll!(Box::pin(next())).is_pending());
            drop(slot);
            until_idle().await;
            drop(spawn);
            assert!(next().await);
        });
    }
}

#[test]
fn the_error_of_a_source_is_dropped_quietly() {
    paused(async {
        let map = GreenPool::new(2).try_imap(|n: u32| async move { n }, vec![Ok(1), Err(Noisy)]);
        until_idle().await;
        drop(map);
    });
}

#[test]
fn what_a_pile_has_collected_is_dropped_quietly_with_it() {
    paused(async {
        let pool = GreenPool::new(4);
        let endless = async { pending::<Result<(), &str>>().await };
        let mut values = Box::pin(pile![in pool; async { Ok::<Noisy, &str>(Noisy) }, endless].try_values::<&str>());
        assert!(poll!(&mut values).is_pending());
        until_idle().await;
        assert!(poll!(&mut values).is_pending());
        assert!(catch_unwind(AssertUnwindSafe(|| drop(values))).is_ok());
    });
}
