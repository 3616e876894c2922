#![forbid(warnings, unsafe_code, deprecated, nonstandard_style, missing_docs, unused, rust_2018_idioms)]
#![forbid(clippy::all, clippy::pedantic)]
#![forbid(clippy::exhaustive_structs, clippy::impl_trait_in_params, clippy::same_name_method)]
#![forbid(clippy::shadow_reuse, clippy::shadow_same, clippy::shadow_unrelated)]
//! Lints that nobody can allow again. The expansion needs no `allow`, and is silent.

use std::fmt::Display;
use std::future::{pending, ready};
use std::sync::LazyLock;

use greenpool::{GreenPool, JoinError, green_pool, pile};

const LIMIT: usize = 4;
static JOBS: LazyLock<usize> = LazyLock::new(|| 4);
static SHARED: GreenPool = GreenPool::const_new(3);

/// Public, with an argument.
#[green_pool(size = 100)]
pub async fn fetch(url: String) -> usize {
    ready(url.len()).await
}

/// Without arguments.
#[green_pool(size = LIMIT * 2)]
pub async fn none() {
    ready(()).await;
}

/// Patterns.
#[green_pool(pool = SHARED)]
pub async fn patterns((left, right): (u8, u8), mut sum: u8, _: bool) -> u8 {
    sum += left + right;
    ready(sum).await
}

/// Parameters that it does not use.
#[green_pool]
pub async fn unused(_first: u8, __first: u8, _second: String) {
    ready(()).await;
}

/// Shared parameters.
#[green_pool(size = 3)]
pub async fn shares(#[shared] base: String, number: u8, #[shared] _unused: Option<u8>) -> usize {
    ready(base.len() + usize::from(number)).await
}

/// Deprecated, with a shared parameter.
#[deprecated]
#[green_pool]
pub async fn shared<T: Clone + Send>(#[shared] (value, _): (T, u8), _: u8) -> T {
    ready(value).await
}

/// Raw identifiers.
#[green_pool(size = *JOBS, name = "a match")]
pub async fn r#match(r#type: u8) -> u8 {
    ready(r#type).await
}

/// Another name for the type.
#[green_pool(type = Dive)]
pub async fn dive(depth: u8) -> u8 {
    ready(depth).await
}

/// Does not return.
#[green_pool]
pub async fn forever() -> ! {
    pending().await
}

/// Called like a method.
#[green_pool(size = 3)]
pub async fn spawn(spawn: u8) -> u8 {
    ready(spawn).await
}

#[green_pool(type = Spawn)]
async fn private(text: &'static str) -> usize {
    ready(text.len()).await
}

#[green_pool]
async fn generic<T: Display + Send, const N: usize>(all: [T; N]) -> usize {
    ready(all.iter().map(ToString::to_string).map(|text| text.len()).sum()).await
}

#[green_pool]
async fn bounds<T, U: Send, V>(first: T, second: U, third: V) -> (T, U, V)
where
    T: Send,
    V: Send + 'static,
{
    ready((first, second, third)).await
}

pub(crate) mod inner {
    #[greenpool::green_pool]
    pub(crate) async fn narrow(number: u8) -> u8 {
        std::future::ready(number).await
    }

    #[greenpool::green_pool]
    pub(super) async fn narrower(number: u8) -> Result<u8, Box<dyn std::error::Error + Send + Sync>> {
        Ok(std::future::ready(number).await)
    }
}

/// Deprecated.
#[deprecated]
#[green_pool(size = 4)]
pub async fn old(number: u8) -> u8 {
    ready(number).await
}

/// Deprecated below the attribute, and generic.
#[green_pool(size = 4, name = "older")]
#[deprecated(note = "do not use it")]
pub async fn older<T: Send, const N: usize>(all: [T; N]) -> [T; N] {
    ready(all).await
}

/// Deprecated on a condition.
#[green_pool(pool = SHARED, type = Oldest)]
#[cfg_attr(all(), deprecated(since = "1.0.0", note = "do not use it"))]
pub async fn oldest() -> ! {
    pending().await
}

/// Not compiled.
#[green_pool]
#[cfg(any())]
#[deprecated]
pub async fn absent() {}

/// Returns a type with a binder.
#[green_pool]
pub async fn binder(number: usize) -> Box<dyn Fn(&str) -> usize + Send> {
    ready(Box::new(move |text: &str| text.len() + number) as _).await
}

/// Returns a pointer to a function.
#[green_pool]
pub async fn pointer() -> for<'a> fn(&'a str) -> &'a str {
    ready(str::trim as _).await
}

mod functions {
    macro_rules! functions {
        ($($name:ident)*) => {$(
            #[greenpool::green_pool]
            pub(crate) async fn $name(number: u8) -> u8 {
                std::future::ready(number).await
            }
        )*};
    }

    functions! { one two three four five six }
}

async fn calls() -> Result<(), JoinError> {
    assert_eq!(fetch("ab".to_owned()).await + fetch::spawn("ab".to_owned()).await.await?, 4);
    assert!(none::starmap([(), ()]).next().await.is_some());
    assert!(patterns::imap([(1, 2)], [1], [true]).next().await.is_some());
    assert!(shares::imap("a".to_owned(), [1], None).next().await.is_some());
    assert!(shares::starmap_unordered("a".to_owned(), None, [(1,)]).next().await.is_some());
    assert!(shares::try_imap_stream("a".to_owned(), None, Dive::imap([1])).next().await.is_some());
    assert!(fetch::try_imap([Ok::<_, u8>("ab".to_owned())]).next().await.is_some());
    assert_eq!(r#match::spawn(1).await.await? + Dive::spawn(1).await.await?, 2);
    assert!(forever::spawn().await.abort_handle().is_finished() || forever::pool().running() > 0);
    assert_eq!(Spawn::spawn("a").await.await? + generic::spawn([1, 2]).await.await?, 3);
    assert_eq!(inner::narrow::spawn(1).await.await?, 1);
    assert!(inner::narrower::try_spawn(1).is_ok_and(|green| !green.is_finished()));
    assert_eq!(spawn::spawn(1).await.await?, 1);
    assert!(functions::one::imap_unordered([1]).next().await.is_some());
    assert_eq!(binder::spawn(1).await.await?("ab"), 3);
    assert_eq!(pointer::spawn().await.await?(" ab"), "ab");
    unused::spawn(1, 2, String::new()).await.await?;
    assert!(unused::imap([1], [2], [String::new()]).next().await.is_some());
    assert_eq!(bounds::spawn(1, "a", 'a').await.await?, (1, "a", 'a'));
    let each = pile![functions::two(2), functions::three(3), functions::four(4)].try_join().await?;
    assert_eq!(each, (2, 3, 4));
    let named = pile! { five: functions::five(5), six: functions::six(6) }.try_join().await?;
    assert_eq!((named.five, named.six), (5, 6));
    let on = fetch::on(&SHARED);
    assert_eq!(on.spawn("ab".to_owned()).await.await?, 2);
    assert!(on.imap(["ab".to_owned()]).next().await.is_some());
    assert!(shares::on(&SHARED).imap("a".to_owned(), [1], None).next().await.is_some());
    assert_eq!(generic::on(&SHARED).spawn([1, 2]).await.await?, 2);
    let (three, pair) = pile![on SHARED; generic([1, 2, 3]), Spawn("ab")].try_join().await?;
    assert_eq!(three + pair, 5);
    let (one,) = pile![in SHARED; async { 1 }].try_join().await?;
    let (two,) = pile![size = 2; async { 2 }].try_join().await?;
    assert_eq!(one + two, 3);
    Ok(())
}

fn main() {
    let built = tokio::runtime::Builder::new_current_thread().build();
    assert!(built.is_ok_and(|runtime| runtime.block_on(calls()).is_ok()));
}
