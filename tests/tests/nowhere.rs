//! Greenpool outside a runtime: each verb that starts a job panics at the caller's line and loses nothing.
#![expect(clippy::unused_async, reason = "they are jobs")]

use std::cell::Cell;
use std::future::ready;
use std::panic::{self, AssertUnwindSafe, Location, catch_unwind};
use std::sync::Once;

use futures::executor::block_on;
use futures::stream;
use greenpool::{GreenPile, GreenPool, green_pool, pile};

thread_local! {
    /// Location of this thread's last panic.
    static LOCATION: Cell<Option<(String, u32)>> = const { Cell::new(None) };
}

/// Runs `verb`, which must panic. Returns the file, line and message of the panic.
fn catch_panic(verb: impl FnOnce()) -> (String, u32, String) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let print = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let at = info.location().map(|at| (at.file().to_owned(), at.line()));
            // Print every other panic, such as a failed assertion.
            if at.as_ref().is_some_and(|at| at.0.ends_with("nowhere.rs"))
                && info.payload_as_str().is_some_and(is_no_runtime_message)
            {
                LOCATION.set(at);
            } else {
                print(info);
            }
        }));
    });
    let payload = catch_unwind(AssertUnwindSafe(verb)).expect_err("there is no runtime");
    let (file, line) = LOCATION.take().expect("the panic is located in this file");
    (
        file,
        line,
        payload
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_else(|| (*payload.downcast_ref::<&str>().unwrap()).to_owned()),
    )
}

/// Whether `message` is the one that tokio uses.
fn is_no_runtime_message(message: &str) -> bool {
    message.contains("must be called from the context of a Tokio 1.x runtime")
}

/// Checks that the verb panics at its own line, which is that of `check!`.
macro_rules! check {
    ($verb:expr) => {{
        let here = Location::caller();
        let (file, line, message) = catch_panic(|| _ = $verb);
        assert_eq!((file.as_str(), line), (here.file(), here.line()), "{}", stringify!($verb));
        assert!(is_no_runtime_message(&message), "{message}");
    }};
}

#[green_pool(size = 2)]
async fn work(n: u32) -> u32 {
    n
}

#[green_pool(size = 2)]
async fn share(#[shared] n: u32, _: u32) -> u32 {
    n
}

#[test]
fn verbs_that_start_at_once_panic_at_the_callers_line() {
    let pool = GreenPool::new(2);
    check!(pool.try_spawn(ready(1)));
    check!(pool.queue(ready(1)));
    check!(pool.imap(ready::<u32>, [1]));
    check!(pool.imap(|a: u32, _: u32| ready(a), ([1], [2])));
    check!(pool.imap_unordered(ready::<u32>, [1]));
    check!(pool.starmap(ready::<u32>, [(1,)]));
    check!(pool.starmap_unordered(ready::<u32>, [(1,)]));
    check!(pool.imap_stream(ready::<u32>, stream::iter([1])));
    check!(pool.imap_stream_unordered(ready::<u32>, stream::iter([1])));
    check!(pool.try_imap(ready::<u32>, [Ok::<_, ()>(1)]));
    check!(pool.try_imap_unordered(ready::<u32>, [Ok::<_, ()>(1)]));
    check!(pool.try_imap_stream(ready::<u32>, stream::iter([Ok::<_, ()>(1)])));
    check!(pool.try_imap_stream_unordered(ready::<u32>, stream::iter([Ok::<_, ()>(1)])));
    check!(pile![in pool; ready(1), ready("two")]);
    check!(pile![size = 2; ready(1), ready("two")]);
    assert_eq!((pool.running(), pool.waiting(), pool.free()), (0, 0, 2));
    let full = GreenPool::new(0);
    check!(full.queue(ready(1)));
    check!(work::on(&full).queue(1));
    assert_eq!((full.running(), full.waiting()), (0, 0));

    check!(work::try_spawn(1));
    check!(work::queue(1));
    check!(work::imap([1]));
    check!(work::imap_unordered([1]));
    check!(work::starmap([(1,)]));
    check!(work::starmap_unordered([(1,)]));
    check!(work::imap_stream(stream::iter([1])));
    check!(work::imap_stream_unordered(stream::iter([1])));
    check!(work::try_imap([Ok::<_, ()>(1)]));
    check!(work::try_imap_unordered([Ok::<_, ()>(1)]));
    check!(work::try_imap_stream(stream::iter([Ok::<_, ()>(1)])));
    check!(work::try_imap_stream_unordered(stream::iter([Ok::<_, ()>(1)])));
    let on = work::on(&pool);
    check!(on.try_spawn(1));
    check!(on.queue(1));
    check!(on.imap([1]));
    check!(on.imap_unordered([1]));
    check!(on.starmap([(1,)]));
    check!(on.starmap_unordered([(1,)]));
    check!(on.imap_stream(stream::iter([1])));
    check!(on.imap_stream_unordered(stream::iter([1])));
    check!(on.try_imap([Ok::<_, ()>(1)]));
    check!(on.try_imap_unordered([Ok::<_, ()>(1)]));
    check!(on.try_imap_stream(stream::iter([Ok::<_, ()>(1)])));
    check!(on.try_imap_stream_unordered(stream::iter([Ok::<_, ()>(1)])));
    check!(pile![on pool; work(1), work(2)]);
    check!(share::on(&pool).imap(1, [1]));
    check!(share::on(&pool).starmap(1, [(1,)]));
    check!(share::imap(1, [1]));
    check!(share::starmap(1, [(1,)]));
    check!(share::try_imap(1, [Ok::<_, ()>(1)]));
    check!(share::imap_stream(1, stream::iter([1])));
    check!(share::try_imap_stream(1, stream::iter([Ok::<_, ()>(1)])));
    check!(pile![work(1), work(2)]);
    check!(pile! { one: work(1), two: work(2) });
    assert_eq!((work::pool().running(), work::pool().waiting(), work::pool().free()), (0, 0, 2));
}

#[test]
fn awaited_verbs_panic_at_the_line_of_the_await() {
    #[green_pool(size = 2)]
    async fn other(n: u32) -> u32 {
        n
    }

    let pool = GreenPool::new(2);
    check!(block_on(async { drop(pool.spawn(ready(1)).await) }));
    check!(block_on(async { pool.spawn_n(ready(1)).await }));
    check!(block_on(async { drop(pool.slot().await.unwrap().spawn(ready(1))) }));
    check!(block_on(async { pool.slot().await.unwrap().spawn_n(ready(1)) }));
    let pile = GreenPile::on(&pool);
    check!(block_on(async { pile.spawn(ready(1)).await }));
    check!(block_on(async { pile.spawner().spawn(ready(1)).await }));
    let on = other::on(&pool);
    check!(block_on(async { drop(on.spawn(1).await) }));
    check!(block_on(async { on.spawn_n(1).await }));
    assert_eq!((pool.running(), pool.waiting(), pool.free()), (0, 0, 2));

    check!(block_on(async { drop(other::spawn(1).await) }));
    check!(block_on(async { other::spawn_n(1).await }));
    assert_eq!((other::pool().running(), other::pool().waiting(), other::pool().free()), (0, 0, 2));
}

#[test]
fn verbs_that_start_no_job_need_no_runtime() {
    let pool = GreenPool::new(2);
    pool.resize(1);
    block_on(pool.waitall());
    assert_eq!(block_on(pool.abort_all()), 0);
    assert_eq!(block_on(work(3)), 3);
    pool.close();
    assert!(block_on(async { pool.spawn(ready(1)).await.await }).unwrap_err().is_closed());
    pool.queue(ready(1));
    assert_eq!(pool.stats().refused, 2);
    assert_eq!((pool.running(), pool.free()), (0, 1));
}

#[test]
fn a_handle_can_be_awaited_without_a_runtime() {
    #[green_pool(size = 2)]
    async fn other(n: u32) -> u32 {
        n
    }

    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let (mut map, green, declared) = runtime.block_on(async {
        let pool = GreenPool::new(2);
        (pool.imap(ready::<u32>, 0..5), pool.spawn(ready(7)).await, other::spawn(8).await)
    });
    assert_eq!(block_on(green).unwrap() + block_on(declared).unwrap(), 15);
    for n in 0..5 {
        assert_eq!(block_on(map.next()).unwrap().unwrap(), n);
    }
    assert!(block_on(map.next()).is_none());
}
