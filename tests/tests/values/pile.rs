//! `values` and `try_values` of piles: tuples, named piles, piles in piles.

use std::fmt;
use std::future::pending;
use std::num::{ParseIntError, TryFromIntError};

use futures::{StreamExt, poll};
use greenpool::{GreenPile, GreenPool, green_pool, pile};
use greenpool_tests::{Gate, Gauge, paused, threads, until_idle};

use crate::caught::{caught, panics_here};
use crate::{gated, never, panics};

#[green_pool(size = 4)]
async fn double(n: u32) -> u32 {
    n * 2
}

#[green_pool(size = 4)]
async fn spell(n: u32) -> String {
    n.to_string()
}

#[green_pool(size = 4)]
async fn parse(text: &'static str) -> Result<u32, ParseIntError> {
    text.parse()
}

#[green_pool(size = 4)]
async fn narrow(n: u32) -> Result<u8, TryFromIntError> {
    n.try_into()
}

/// An error that holds others.
#[derive(Debug, PartialEq)]
enum Trouble {
    Parse(ParseIntError),
    Narrow(TryFromIntError),
}

impl From<ParseIntError> for Trouble {
    fn from(error: ParseIntError) -> Self {
        Trouble::Parse(error)
    }
}

impl From<TryFromIntError> for Trouble {
    fn from(error: TryFromIntError) -> Self {
        Trouble::Narrow(error)
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[test]
fn values_of_a_pile_are_a_tuple_or_a_struct_or_come_one_by_one() {
    paused(async {
        assert_eq!(pile![double(1), spell(7)].values().await, (2, "7".to_owned()));
        let named = pile! { number: double(1), word: spell(7) }.values().await;
        assert_eq!((named.number, named.word.as_str()), (2, "7"));
        let mut one_by_one = pile![double(1), double(2)].values();
        assert_eq!(one_by_one.next().await, Some(2));
        assert_eq!(one_by_one.collect::<Vec<_>>().await, [4]);
        let pool = GreenPool::new(1);
        assert_eq!(pile![in pool; async { 1 }].values().await, (1,));
    });
}

#[test]
fn the_panic_of_an_entry_resumes_when_the_rest_has_ended() {
    paused(async {
        let (pool, alive) = (GreenPool::new(2), Gauge::default());
        let pile = pile![in pool; never::<u8>(&alive), panics::<u8>("boom"), async { "queued" }];
        let caught = caught(pile.values()).await;
        assert_eq!((caught.message.as_str(), caught.location), ("boom", None));
        assert_eq!((pool.running(), pool.waiting(), alive.now()), (0, 0, 0));
    });
}

#[test]
fn the_panic_of_an_entry_that_is_taken_by_itself_aborts_the_rest() {
    paused(async {
        let (pool, alive) = (GreenPool::new(3), Gauge::default());
        let mut values = pile![in pool; async { 1 }, panics("boom"), never(&alive)].values();
        assert_eq!(values.next().await, Some(1));
        assert_eq!(caught(values.next()).await.message, "boom");
        assert_eq!(values.next().await, None);
        pool.waitall().await;
        assert_eq!(alive.now(), 0);
    });
}

#[test]
fn values_of_a_green_pile_come_in_order_and_end_at_a_panic() {
    paused(async {
        let (pool, alive) = (GreenPool::new(4), Gauge::default());
        let pile = GreenPile::on(&pool);
        pile.spawn(async { 1 }).await;
        let spawner = pile.spawner();
        let mut values = pile.values();
        assert_eq!(values.next().await, Some(1));
        assert!(poll!(values.next()).is_pending(), "the spawner may add more");
        spawner.spawn(panics("boom")).await;
        spawner.spawn(never(&alive)).await;
        assert_eq!(caught(values.next()).await.message, "boom");
        assert_eq!(values.next().await, None);
        pool.waitall().await;
        assert_eq!(alive.now(), 0);
    });
}

#[test]
fn values_panic_at_the_callers_line_if_an_entry_was_refused_or_taken() {
    paused(async {
        let pool = GreenPool::new(1);
        pool.close();
        let pile = pile![in pool; async { 1 }, async { "two" }];
        panics_here!(pile.values(), "the job never began because the pool is closed");
        let pile = pile![in pool; async { Ok::<_, Trouble>(1) }, pending::<Result<u8, Trouble>>()];
        panics_here!(pile.try_values::<Trouble>(), "the job never began because the pool is closed");
        let mut pile = pile![parse("1"), parse("2")];
        assert_eq!(pile.next().await.unwrap().unwrap(), Ok(1));
        panics_here!(pile.try_values::<Trouble>(), "a result was taken with `next`");
    });
}

#[test]
fn try_values_are_a_tuple_or_a_struct_of_what_the_jobs_return_in_ok() {
    paused(async {
        let both = pile![parse("7"), narrow(8)].try_values::<Trouble>().await;
        assert_eq!(both, Ok((7, 8)));
        let both = pile! { large: parse("700"), small: narrow(8) }.try_values::<Trouble>().await.unwrap();
        assert_eq!((both.large, both.small), (700, 8));
        let same: Result<_, ParseIntError> = pile![parse("1"), parse("2")].try_values().await;
        assert_eq!(same, Ok((1, 2)));
    });
}

#[test]
fn try_values_convert_the_first_error_as_the_question_mark_does() {
    async fn both(text: &'static str, n: u32) -> Result<(u32, u8), Trouble> {
        pile![parse(text), narrow(n)].try_values().await
    }

    async fn boxed(text: &'static str, n: u32) -> Result<u32, Box<dyn std::error::Error + Send + Sync>> {
        let both =
            pile! { large: parse(text), small: narrow(n) }.try_values::<Box<dyn std::error::Error + Send + Sync>>();
        let both = both.await?;
        Ok(both.large + u32::from(both.small))
    }

    paused(async {
        assert_eq!(both("7", 8).await, Ok((7, 8)));
        assert!(matches!(both("x", 8).await, Err(Trouble::Parse(_))));
        assert!(matches!(both("7", 800).await, Err(Trouble::Narrow(_))));
        assert_eq!(boxed("7", 8).await.unwrap(), 15);
        assert!(boxed("7", 800).await.unwrap_err().is::<TryFromIntError>());
    });
}

#[test]
fn when_try_values_returns_an_error_the_rest_has_ended() {
    paused(async {
        for size in [1, 2, 3] {
            let (pool, alive, gate) = (GreenPool::new(size), Gauge::default(), Gate::new());
            let fails = gated(gate.clone(), Err::<u8, _>("no"));
            let pile = pile![in pool; fails, never::<Result<u8, &str>>(&alive), never::<Result<u8, &str>>(&alive)];
            let mut values = Box::pin(pile.try_values::<String>());
            assert!(poll!(&mut values).is_pending());
            until_idle().await;
            assert_eq!(pool.running(), size);
            gate.open();
            assert_eq!(values.await, Err("no".to_owned()));
            assert_eq!((pool.running(), pool.waiting(), alive.now()), (0, 0, 0));
        }
    });
}

#[test]
fn on_several_threads_the_rest_of_a_failed_pile_has_ended() {
    threads(2, async {
        let pool = GreenPool::new(2);
        for _ in 0..500 {
            let alive = Gauge::default();
            let (first, third) = (never::<Result<(), ()>>(&alive), never::<Result<(), ()>>(&alive));
            let pile = pile![in pool; first, async { Err::<(), _>(()) }, third];
            assert_eq!(pile.try_values::<()>().await, Err(()));
            assert_eq!((alive.now(), pool.running(), pool.waiting()), (0, 0, 0));
        }
    });
}

#[test]
fn a_panic_in_try_values_resumes_when_the_rest_has_ended() {
    paused(async {
        let (pool, alive) = (GreenPool::new(2), Gauge::default());
        let pile = pile![in pool; never::<Result<u8, ()>>(&alive), panics::<Result<u8, ()>>("boom")];
        let caught = caught(pile.try_values::<()>()).await;
        assert_eq!((caught.message.as_str(), caught.location), ("boom", None));
        assert_eq!((pool.running(), alive.now()), (0, 0));
    });
}

#[test]
fn dropped_values_and_try_values_abort_the_jobs() {
    paused(async {
        let (pool, alive) = (GreenPool::new(2), Gauge::default());
        let mut values = pile![in pool; never::<u8>(&alive), never::<u8>(&alive)].values();
        assert!(poll!(&mut values).is_pending());
        assert!(poll!(values.next()).is_pending());
        drop(values);
        pool.waitall().await;
        assert_eq!(alive.now(), 0);
        let pile = pile![in pool; never::<Result<u8, ()>>(&alive), never::<Result<u8, ()>>(&alive)];
        let mut values = pile.try_values::<()>();
        assert!(poll!(&mut values).is_pending());
        drop(values);
        pool.waitall().await;
        assert_eq!(alive.now(), 0);
    });
}

#[test]
fn an_error_passes_through_piles_in_piles_and_stops_them_all() {
    #[green_pool(size = 2)]
    async fn tree(depth: u32, text: &'static str, alive: Gauge) -> Result<u32, Trouble> {
        let _inside = alive.enter();
        if depth == 0 {
            return Ok(parse::spawn(text).await.value().await?);
        }
        let rest = pile![tree(depth - 1, text, alive.clone()), tree(depth - 1, "1", alive.clone()), narrow(1)];
        let (left, right, one) = rest.try_values::<Trouble>().await?;
        Ok(left + right + u32::from(one))
    }

    paused(async {
        let alive = Gauge::default();
        let good = pile![tree(4, "2", alive.clone()), parse("1")].try_values::<Trouble>().await;
        assert_eq!(good, Ok((32, 1)));
        let slow = pile! {
            tree: tree(4, "x", alive.clone()),
            other: tree(5, "1", alive.clone()),
        };
        let slow = slow.try_values::<Trouble>().await;
        assert!(slow.is_err_and(|error| matches!(error, Trouble::Parse(_))));
        // The jobs of the inner piles are aborted with their parents, and end a moment later.
        tree::pool().waitall().await;
        assert_eq!((alive.now(), tree::pool().running(), tree::pool().waiting()), (0, 0, 0));
    });
}

#[test]
fn a_pile_in_a_job_of_its_own_full_pool_gives_its_values() {
    paused(async {
        let pool = GreenPool::new(1);
        let inner = pool.clone();
        let job = async move {
            let (a, b) = pile![in inner; async { 1 }, async { 2 }].values().await;
            let failed = pile![in inner; async { Ok::<_, &str>(1) }, async { Err::<u8, _>("no") }];
            (a + b, failed.try_values::<String>().await)
        };
        assert_eq!(pool.spawn(job).await.value().await, (3, Err("no".to_owned())));
    });
}
