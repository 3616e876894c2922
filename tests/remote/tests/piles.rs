//! `pile![on ENGINE; ..]`: all verbs of a pile, over jobs on an engine in this process.

#![allow(clippy::unused_async, reason = "pooled functions are async")]

use std::borrow::Cow;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::task::Poll;
use std::time::Duration;

use greenpool::remote::Here;
use greenpool::{PileOf, SameType, green_pool, pile};
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(20);

#[green_pool(size = 2, remote)]
async fn double(n: u64) -> u64 {
    assert!(n != 13, "{n} is unlucky");
    n * 2
}

#[green_pool(size = 2, remote)]
async fn half(n: u64) -> Result<u64, String> {
    if n.is_multiple_of(2) { Ok(n / 2) } else { Err(format!("{n} is odd")) }
}

/// Has another type of error than `half`.
#[green_pool(size = 2, remote)]
async fn parse(text: String) -> Result<u64, u8> {
    text.parse().map_err(|_| 7)
}

fn here() -> Here {
    Here::new().serve(double::handler()).serve(half::handler()).serve(parse::handler())
}

/// Awaits `future`, if it is ready within the deadline.
async fn soon<F: Future>(future: F) -> F::Output {
    timeout(DEADLINE, future).await.expect("it took too long")
}

#[tokio::test]
async fn a_pile_on_an_engine_gives_what_its_jobs_give() {
    let here = here();
    let (two, eight) = soon(pile![on here; half(4), double(4)].join()).await;
    assert_eq!((two.unwrap(), eight.unwrap()), (Ok(2), 8));
    let named = soon(pile! { on &here; a: double(1), b: half(3) }.try_join()).await.unwrap();
    assert_eq!((named.a, named.b), (2, Err("3 is odd".to_owned())));
    // More than the window, which is 4.
    let pile = pile![on here; double(1), double(2), double(3), double(4), double(5), double(6)];
    assert_eq!(soon(pile.try_join()).await.unwrap(), (2, 4, 6, 8, 10, 12));
    let (eight, panicked) = soon(pile![on here; double(4), double(13)].join()).await;
    assert_eq!(eight.unwrap(), 8);
    assert_eq!(panicked.unwrap_err().to_string(), "the job panicked: 13 is unlucky");
}

#[tokio::test]
async fn the_first_error_of_a_pile_on_an_engine_cancels_the_rest() {
    static ALIVE: LazyLock<Arc<()>> = LazyLock::new(Arc::default);
    static BEGUN: Semaphore = Semaphore::const_new(0);
    #[green_pool(size = 3, remote)]
    async fn hold() -> u32 {
        let _alive = ALIVE.clone();
        BEGUN.add_permits(1);
        std::future::pending().await
    }
    #[green_pool(size = 3, remote)]
    async fn fail() -> u32 {
        BEGUN.acquire_many(2).await.unwrap().forget();
        panic!("a bug")
    }
    let here = Here::new().serve(hold::handler()).serve(fail::handler());
    let failed = pile![on here; hold(), fail(), hold()].try_join();
    let error = soon(failed).await.unwrap_err();
    assert_eq!(error.to_string(), "the job panicked: a bug");
    assert_eq!(Arc::strong_count(&ALIVE), 1);
    // A lost result too.
    let other = Here::new().serve(hold::handler());
    let error = soon(pile![on other; hold(), double(1)].try_join()).await.unwrap_err();
    assert!(error.is_lost());
    // One that is dropped before it has begun all of its jobs.
    drop(pile![on here; hold(), hold(), hold(), hold(), hold(), hold(), hold()]);
    soon(async {
        while Arc::strong_count(&ALIVE) > 1 {
            yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn next_gives_the_results_in_the_order_written() {
    let here = here();
    // More than the window, which is 4.
    let mut pile = pile![on here; double(1), double(13), double(3), double(4), double(5)];
    assert_eq!(pile.len(), 5);
    assert_eq!(soon(pile.next()).await.unwrap().unwrap(), 2);
    let panicked = soon(pile.next()).await.unwrap().unwrap_err();
    assert_eq!(panicked.to_string(), "the job panicked: 13 is unlucky");
    assert_eq!(pile.len(), 3);
    for n in [6, 8, 10] {
        assert_eq!(soon(pile.next()).await.unwrap().unwrap(), n);
    }
    assert!(pile.is_empty());
    assert!(soon(pile.next()).await.is_none());
    assert_eq!(here.executions(), 5);
}

/// Waits for the permits of its number.
#[green_pool(size = 3, remote)]
async fn gated(n: u64) -> u64 {
    GATES[usize::try_from(n).unwrap()].acquire().await.unwrap().forget();
    n
}

static GATES: [Semaphore; 6] = [const { Semaphore::const_new(0) }; 6];

#[tokio::test]
async fn next_unordered_gives_the_results_as_they_come() {
    let here = Here::new().serve(gated::handler());
    let mut pile = pile! { on here; a: gated(0), b: gated(1), c: gated(2) };
    assert!(pile.try_next_unordered().is_none());
    for n in [1, 2, 0] {
        GATES[n].add_permits(1);
        let (index, result) = soon(pile.next_unordered()).await.unwrap();
        assert_eq!((index, result.unwrap()), (n, n as u64));
    }
    assert!(soon(pile.next_unordered()).await.is_none());
}

#[tokio::test]
async fn a_result_is_tried_for_without_waiting_and_a_dropped_next_loses_none() {
    let here = Here::new().serve(gated::handler());
    let mut pile = pile![on here; gated(3), gated(4), gated(5)];
    assert!(pile.try_next().is_none());
    GATES[4].add_permits(1);
    let (index, result) = soon(async {
        loop {
            if let Some(found) = pile.try_next_unordered() {
                return found;
            }
            yield_now().await;
        }
    })
    .await;
    assert_eq!((index, result.unwrap()), (1, 4));
    {
        let mut next = pin!(pile.next());
        let polled = poll_fn(|cx| Poll::Ready(next.as_mut().poll(cx).is_ready())).await;
        assert!(!polled);
    }
    GATES[3].add_permits(1);
    assert_eq!(soon(pile.next()).await.unwrap().unwrap(), 3);
    GATES[5].add_permits(1);
    let last = soon(async {
        loop {
            match pile.try_next() {
                Some(last) => return last,
                None => yield_now().await,
            }
        }
    });
    assert_eq!(last.await.unwrap(), 5);
    assert!(pile.is_empty() && pile.try_next().is_none() && pile.try_next_unordered().is_none());
}

#[tokio::test]
async fn values_and_try_values_unwrap_the_results() {
    let here = here();
    let (number, halved) = soon(pile![on here; double(1), half(4)].values()).await;
    assert_eq!((number, halved), (2, Ok(2)));
    let mut doubles = pile![on here; double(1), double(2)].values();
    assert_eq!((soon(doubles.next()).await, soon(doubles.next()).await), (Some(2), Some(4)));
    assert_eq!(soon(doubles.next()).await, None);

    let both = soon(pile! { on here; half: half(4), parsed: parse("9".into()) }.try_values::<Error>()).await.unwrap();
    assert_eq!((both.half, both.parsed), (2, 9));
    let odd = soon(pile![on here; half(5), parse("9".into())].try_values::<Error>()).await;
    assert_eq!(odd, Err(Error::Half("5 is odd".into())));
    let no_number = soon(pile![on here; half(4), parse("nine".into())].try_values::<Error>()).await;
    assert_eq!(no_number, Err(Error::Parse(7)));
}

#[derive(Debug, PartialEq)]
enum Error {
    Half(String),
    Parse(u8),
}

impl From<String> for Error {
    fn from(text: String) -> Self {
        Error::Half(text)
    }
}

impl From<u8> for Error {
    fn from(code: u8) -> Self {
        Error::Parse(code)
    }
}

#[tokio::test]
#[should_panic(expected = "13 is unlucky")]
async fn the_panic_of_a_job_resumes_in_the_consumer_of_the_values() {
    let here = here();
    soon(pile![on here; double(13), double(2)].values()).await;
}

#[tokio::test]
async fn a_function_that_takes_any_pile_takes_one_of_an_engine() {
    async fn sum<R: SameType<Output = u64>>(mut pile: PileOf<R>) -> u64 {
        let mut sum = 0;
        while let Some(next) = pile.next().await {
            sum += next.unwrap();
        }
        sum
    }
    assert_eq!(soon(sum(pile![double(1), double(2)])).await, 6);
    assert_eq!(soon(sum(pile![on here(); double(1), double(2)])).await, 6);
}

#[tokio::test]
async fn a_task_may_hold_a_pile_whose_outputs_have_lifetimes() {
    #[green_pool(size = 2, remote)]
    async fn spell(n: u64) -> Result<Cow<'static, str>, Cow<'static, str>> {
        if n == 0 { Err("zero".into()) } else { Ok(n.to_string().into()) }
    }
    let here = Here::new().serve(spell::handler());
    let task = tokio::spawn(async move {
        let mut pile = pile![on here; spell(1), spell(2), spell(3)];
        let first = pile.next().await.unwrap().unwrap();
        let (_, second) = pile.next_unordered().await.unwrap();
        assert_eq!(first, Ok("1".into()));
        assert!(second.unwrap().is_ok());
        pile![on here; spell(1), spell(0)].try_values::<Cow<'static, str>>().await
    });
    assert_eq!(soon(task).await.unwrap(), Err("zero".into()));
}

#[tokio::test]
async fn detached_jobs_run_to_their_end() {
    static ENDED: AtomicUsize = AtomicUsize::new(0);
    static GATE: Semaphore = Semaphore::const_new(0);
    #[green_pool(size = 2, remote)]
    async fn count() {
        GATE.acquire().await.unwrap().forget();
        ENDED.fetch_add(1, Ordering::Relaxed);
    }
    let here = Here::new().serve(count::handler());
    pile![on here; count(), count()].detach();
    GATE.add_permits(2);
    soon(async {
        while ENDED.load(Ordering::Relaxed) < 2 {
            yield_now().await;
        }
    })
    .await;
}
