//! Every verb can be used wherever `tokio::spawn` and `.await` can.
//!
//! Each verb is passed to each generic caller, with jobs that hold and return all kinds of types at once, and to one
//! caller with jobs that hold and return one kind of type. The former run in a task and in a job of another pool, so all
//! of it has to be `Send`. The latter are only compiled, in the same way. A new verb needs one line in `verb!` and its
//! name at the end, a new caller one line in `call!` and its name at the end, a new type one line at the end and a place
//! in `AllKinds`.
#![allow(
    dropping_copy_types,
    dropping_references,
    clippy::drop_non_drop,
    reason = "some of the types are `Copy`, and some outputs are `()`"
)]

use std::borrow::Cow;
use std::error::Error;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use greenpool::{GreenPile, GreenPool, green_pool, inherit, lend, pile};
use greenpool_tests::threads;
use tokio::task::yield_now;
use tokio_util::sync::CancellationToken;

/// A user's generic helper.
async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_mins(1), future).await.expect("it is ready")
}

/// The job of a verb that takes any future. It is generic, so that rustc sees the lifetimes in `T` as a job's own.
async fn job<T>(x: T) -> T {
    yield_now().await;
    x
}

/// The job of a verb for functions that return `Result`.
async fn ok<F: Future>(job: F) -> Result<F::Output, Box<dyn Error + Send + Sync>> {
    Ok(job.await)
}

/// One expression a caller: each awaits the future `$f`.
macro_rules! call {
    (within $f:expr) => {
        drop(within($f).await)
    };
    (boxed $f:expr) => {{
        let future: Pin<Box<dyn Future<Output = _> + Send + '_>> = Box::pin($f);
        drop(future.await)
    }};
    (join_all $f:expr) => {
        drop(join_all([$f]).await)
    };
    (select $f:expr) => {
        tokio::select! {
            out = $f => drop(out),
            () = pending() => {}
        }
    };
    (unordered $f:expr) => {{
        let mut futures = FuturesUnordered::new();
        futures.push($f);
        drop(futures.next().await)
    }};
    (cancellable $f:expr) => {
        drop(CancellationToken::new().run_until_cancelled($f).await)
    };
}

/// One verb a line: the caller `$how` awaits its future. `$x` and `make()` are values of the type, and `echo` is a
/// declared function of it.
macro_rules! verb {
    (spawn $how:ident $pool:ident $x:ident) => { call!($how $pool.spawn(job($x))) };
    (spawn_n $how:ident $pool:ident $x:ident) => {
        call!($how $pool.spawn_n(job($x)))
    };
    (handle $how:ident $pool:ident $x:ident) => {{
        let green = $pool.spawn(job($x)).await;
        call!($how green)
    }};
    (value $how:ident $pool:ident $x:ident) => {{
        let green = $pool.spawn(job($x)).await;
        call!($how green.value())
    }};
    (slot $how:ident $pool:ident $x:ident) => {{
        call!($how $pool.slot());
        let slot = $pool.slot().await.expect("the pool is open");
        call!($how slot.spawn(job($x)))
    }};
    (queue $how:ident $pool:ident $x:ident) => {{
        $pool.queue(job($x));
        echo::queue(make());
        echo::on(&$pool).queue(make());
        call!($how $pool.waitall())
    }};
    (declared $how:ident $pool:ident $x:ident) => { call!($how echo::spawn($x)) };
    (declared_n $how:ident $pool:ident $x:ident) => { call!($how echo::spawn_n($x)) };
    (pile_spawn $how:ident $pool:ident $x:ident) => {{
        let pile = GreenPile::on(&$pool);
        call!($how pile.spawn(job($x)))
    }};
    (spawner $how:ident $pool:ident $x:ident) => {{
        let pile = GreenPile::on(&$pool);
        let spawner = pile.spawner();
        call!($how spawner.spawn(job($x)))
    }};
    (pile_next $how:ident $pool:ident $x:ident) => {{
        let mut pile = GreenPile::on(&$pool);
        pile.spawn(job($x)).await;
        call!($how pile.next())
    }};
    (map_next $how:ident $pool:ident $x:ident) => {{
        let mut map = $pool.imap(job, [$x]);
        call!($how map.next())
    }};
    (try_next $how:ident $pool:ident $x:ident) => {{
        let mut map = $pool.try_imap(job, [Ok::<_, Cow<'static, str>>($x)]);
        call!($how map.next())
    }};
    (try_stream_next $how:ident $pool:ident $x:ident) => {{
        let mut map = $pool.try_imap_stream(job, futures::stream::iter([Ok::<_, Cow<'static, str>>($x)]));
        call!($how map.next())
    }};
    (stream_next $how:ident $pool:ident $x:ident) => {{
        let mut map = $pool.imap_stream(job, futures::stream::iter([$x]));
        call!($how map.next())
    }};
    (declared_map $how:ident $pool:ident $x:ident) => {{
        let mut map = echo::imap([$x]);
        call!($how map.next())
    }};
    (map_value $how:ident $pool:ident $x:ident) => {{
        let mut values = $pool.imap(job, [$x]).values();
        call!($how values.next())
    }};
    (pile_value $how:ident $pool:ident $x:ident) => {{
        let pile = GreenPile::on(&$pool);
        pile.spawn(job($x)).await;
        let mut values = pile.values();
        call!($how values.next())
    }};
    (fixed_value $how:ident $pool:ident $x:ident) => {{
        let mut values = pile![echo($x)].values();
        call!($how values.next())
    }};
    (values $how:ident $pool:ident $x:ident) => { call!($how pile! { one: echo($x), two: echo(make()) }.values()) };
    (try_values $how:ident $pool:ident $x:ident) => {
        call!($how pile![in $pool; ok(job($x)), ok(job(make()))].try_values::<Box<dyn Error + Send + Sync>>())
    };
    (try_collect $how:ident $pool:ident $x:ident) => {
        call!($how $pool.imap(|x| ok(job(x)), [$x]).try_collect::<Vec<_>>())
    };
    (try_for_each $how:ident $pool:ident $x:ident) => {{
        let map = $pool.imap(|x| ok(job(x)), [$x]);
        call!($how map.try_for_each(async |x| {
            drop(job(x).await);
            Ok::<_, Box<dyn Error + Send + Sync>>(())
        }))
    }};
    (values_for_each $how:ident $pool:ident $x:ident) => {{
        let map = $pool.imap(job, [$x]);
        call!($how map.values().try_for_each(async |x| {
            drop(job(x).await);
            Err::<(), Box<dyn Error + Send + Sync>>("a fault".into())
        }))
    }};
    (waitall_or_panic $how:ident $pool:ident $x:ident) => {{
        $pool.spawn_n(job($x)).await;
        let idle = GreenPool::new(1);
        call!($how idle.waitall_or_panic())
    }};
    (declared_stream $how:ident $pool:ident $x:ident) => {{
        let mut map = echo::imap_stream(futures::stream::iter([$x]));
        call!($how map.next())
    }};
    (declared_try $how:ident $pool:ident $x:ident) => {{
        let mut map = echo::try_imap_stream(futures::stream::iter([Ok::<_, Cow<'static, str>>($x)]));
        call!($how map.next())
    }};
    (on_spawn $how:ident $pool:ident $x:ident) => { call!($how echo::on(&$pool).spawn($x)) };
    (on_spawn_n $how:ident $pool:ident $x:ident) => { call!($how echo::on(&$pool).spawn_n($x)) };
    (on_map $how:ident $pool:ident $x:ident) => {{
        let mut map = echo::on(&$pool).imap([$x]);
        call!($how map.next())
    }};
    (pile_on $how:ident $pool:ident $x:ident) => { call!($how pile![on $pool; echo($x), echo(make())].join()) };
    (join $how:ident $pool:ident $x:ident) => { call!($how pile![echo($x), echo(make())].join()) };
    (try_join $how:ident $pool:ident $x:ident) => { call!($how pile! { one: echo($x), two: echo(make()) }.try_join()) };
    (join_in $how:ident $pool:ident $x:ident) => { call!($how pile![in $pool; job($x)].join()) };
    (fixed_next $how:ident $pool:ident $x:ident) => {{
        let mut pile = pile![echo($x)];
        call!($how pile.next())
    }};
    (fixed_unordered $how:ident $pool:ident $x:ident) => {{
        let mut pile = pile![echo($x), echo(make())];
        call!($how pile.next_unordered())
    }};
    (pile_unordered $how:ident $pool:ident $x:ident) => {{
        let mut pile = GreenPile::on(&$pool);
        pile.spawn(job($x)).await;
        call!($how pile.next_unordered())
    }};
    (indexed $how:ident $pool:ident $x:ident) => {{
        let mut map = $pool.imap_unordered(job, [$x]).indexed();
        call!($how map.next())
    }};
    (lend $how:ident $pool:ident $x:ident) => { call!($how lend(job($x))) };
    (inherit $how:ident $pool:ident $x:ident) => { call!($how inherit(job($x))) };
    (waitall $how:ident $pool:ident $x:ident) => {{
        $pool.spawn_n(job($x)).await;
        let idle = GreenPool::new(1);
        call!($how idle.waitall())
    }};
    (abort_all $how:ident $pool:ident $x:ident) => {{
        let other = GreenPool::new(1);
        other.spawn_n(job($x)).await;
        call!($how other.abort_all())
    }};
    (shutdown $how:ident $pool:ident $x:ident) => {{
        let other = GreenPool::new(1);
        other.spawn_n(job($x)).await;
        call!($how other.shutdown(Duration::from_secs(1)))
    }};
}

macro_rules! callers {
    ($verb:ident $pool:ident $($how:ident)+) => {
        $({
            let x = make();
            verb!($verb $how $pool x);
        })+
    };
}

/// A module for a type and its callers, with a use of each verb.
macro_rules! cross {
    ($($verb:ident)*; $types:tt) => { cross!(@types ($($verb)*) $types); };
    (@types $verbs:tt { $($module:ident: $type:ty = $value:expr, by $callers:tt;)* }) => {
        $(cross!(@module $module ($type) ($value) $callers $verbs);)*
    };
    (@module $module:ident ($type:ty) ($value:expr) $callers:tt ($($verb:ident)*)) => {
        mod $module {
            use super::*;

            fn make() -> $type {
                $value
            }

            #[green_pool(size = 2)]
            async fn echo(x: $type) -> $type {
                yield_now().await;
                x
            }

            $(cross!(@verb $verb $callers);)*

            // A job of another function, which holds the future of each verb while it waits.
            #[green_pool(size = 1)]
            async fn all(pool: GreenPool) {
                $($verb::work(pool.clone()).await;)*
            }

            #[allow(dead_code, reason = "for most types it is enough that it compiles")]
            pub(super) async fn run() {
                $(tokio::spawn($verb::work(GreenPool::new(2))).await.unwrap();)*
                all::spawn(GreenPool::new(1)).await.await.unwrap();
            }
        }
    };
    (@verb $verb:ident ($($how:ident)+)) => {
        mod $verb {
            use super::*;

            #[allow(unused_variables, reason = "`lend` and `inherit` need no pool")]
            pub(super) async fn work(pool: GreenPool) {
                callers!($verb pool $($how)+);
            }
        }
    };
}

/// What a trait object is made of.
trait Named: Send + Sync {
    fn name(&self) -> &str;
}

impl Named for &'static str {
    fn name(&self) -> &str {
        self
    }
}

static NUMBERS: [u32; 3] = [1, 2, 3];

/// What is hard about one of the types is hard about this one.
type AllKinds = (
    &'static [u32],
    Cow<'static, str>,
    Arc<dyn Named>,
    Box<dyn Fn(&str) -> usize + Send>,
    Result<&'static str, Box<dyn Error + Send + Sync>>,
);

fn all_kinds() -> AllKinds {
    (&NUMBERS, Cow::Borrowed("a"), Arc::new("a"), Box::new(str::len), Err("a fault".into()))
}

cross! {
    spawn spawn_n queue slot handle declared declared_n pile_spawn spawner pile_next map_next stream_next declared_map
    value map_value pile_value fixed_value values try_values try_collect try_for_each values_for_each
    try_next try_stream_next declared_stream declared_try on_spawn on_spawn_n on_map pile_on
    join try_join join_in fixed_next fixed_unordered pile_unordered indexed lend inherit waitall waitall_or_panic
    abort_all shutdown;
    {
        static_str: &'static str = "a", by (within);
        static_slice: &'static [u32] = &NUMBERS, by (boxed);
        cow: Cow<'static, str> = Cow::Borrowed("a"), by (join_all);
        trait_object: Arc<dyn Named> = Arc::new("a"), by (select);
        closure: Box<dyn Fn(&str) -> usize + Send> = Box::new(str::len), by (unordered);
        failure: Result<&'static str, Box<dyn Error + Send + Sync>> = Err("a fault".into()), by (cancellable);
        all_kinds: AllKinds = all_kinds(), by (within boxed join_all select unordered cancellable);
    }
}

#[test]
fn every_verb_can_be_used_by_every_caller() {
    threads(2, all_kinds::run());
}

#[test]
fn a_trait_object_is_what_it_was() {
    let named: Arc<dyn Named> = Arc::new("a");
    assert_eq!(named.name(), "a");
}
