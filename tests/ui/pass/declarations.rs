#![deny(warnings, missing_docs, clippy::all, clippy::pedantic)]
//! Everything that a declaration can contain.

use greenpool::{GreenPool, JoinError, green_pool, pile};
use std::fmt::Display;

const LIMIT: usize = 4;
static SHARED: GreenPool = GreenPool::const_new(3);

struct Private(u8);

/// Documented.
#[green_pool(size = 100)]
pub async fn fetch(url: String) -> usize {
    std::future::ready(url.len()).await
}

#[green_pool(size = LIMIT * 2)]
async fn none() {
    std::future::ready(()).await;
}

#[green_pool(pool = SHARED)]
async fn patterns((a, b): (u8, u8), mut c: u8, _: Private) -> u8 {
    c += a + b;
    std::future::ready(c).await
}

#[green_pool(size = std::cmp::max(1, LIMIT), name = "a match")]
async fn r#match(r#type: u8) -> u8 {
    std::future::ready(r#type).await
}

#[green_pool]
async fn generic<T: Display + Clone + Send, const N: usize>(all: [T; N], text: impl Into<String> + Send) -> T {
    let _: String = text.into();
    std::future::ready(all[0].clone()).await
}

#[green_pool]
async fn parse<T: std::str::FromStr + Send>(text: String) -> Option<T> {
    std::future::ready(text.parse().ok()).await
}

#[green_pool]
async fn default<T: Default + Send>() -> T {
    std::future::ready(T::default()).await
}

#[green_pool]
async fn forever() -> ! {
    std::future::pending().await
}

#[green_pool]
async fn forever_generic<T: Send>(_: T) -> ! {
    std::future::pending().await
}

#[green_pool(type = Dive)]
async fn dive(n: u32) -> u32 {
    if n == 0 { 0 } else { Dive::spawn(n - 1).await.await.unwrap_or(0) + 1 }
}

#[green_pool(size = if LIMIT > 2 { 2 } else { 1 } * 2)]
async fn even(n: u32) -> bool {
    n == 0 || odd::spawn(n - 1).await.await.is_ok_and(|odd| odd)
}

#[green_pool(size = 2)]
async fn odd(n: u32) -> bool {
    n != 0 && even::spawn(n - 1).await.await.is_ok_and(|even| even)
}

#[green_pool]
async fn spawn(imap: u8) -> u8 {
    std::future::ready(imap).await
}

#[green_pool]
async fn imap(imap: u8) -> u8 {
    std::future::ready(imap).await
}

#[green_pool]
async fn pool(pool: u8) -> u8 {
    std::future::ready(pool).await
}

#[green_pool]
async fn not_borrows(
    a: fn(&str) -> &str,
    b: Box<dyn Fn(&str) -> usize + Send>,
    c: Box<dyn for<'a> Fn(&'a u8) -> &'a u8 + Send>,
    d: &'static str,
) -> usize {
    std::future::ready(a(d).len() + b(d) + usize::from(*c(&1))).await
}

mod inner {
    #[greenpool::green_pool]
    pub(super) async fn narrow(n: u8) -> u8 {
        std::future::ready(n).await
    }
}

async fn calls() -> Result<(), JoinError> {
    #[green_pool]
    async fn local(n: u8) -> u8 {
        std::future::ready(n).await
    }

    assert_eq!(fetch("ab".into()).await + fetch::spawn("ab".into()).await.await?, 4);
    none().await;
    none::spawn_n().await;
    assert!(none::starmap([(), ()]).next().await.is_some());
    assert!(patterns::imap([(1, 2)], [1], [Private(1)]).next().await.is_some());
    assert_eq!(patterns((1, 1), 1, Private(0)).await + Private(0).0, 3);
    assert_eq!(r#match::spawn(1).await.await? + r#match(1).await, 2);
    assert_eq!(generic::spawn([1u8], "x").await.await? + generic([1u8], "x").await, 2);
    assert_eq!(parse::imap::<u8>(["1".to_owned()]).next().await.transpose()?, Some(Some(1)));
    assert_eq!(parse::starmap_unordered::<u8>([("a".to_owned(),)]).next().await.transpose()?, Some(None));
    assert_eq!(default::spawn::<u8>().await.await?, 0);
    let never = [forever::spawn().await, forever_generic::spawn("").await];
    never.iter().for_each(greenpool::GreenThread::abort);
    for never in never {
        assert!(never.await.is_err_and(|error| error.is_cancelled()));
    }
    assert_eq!(dive(20).await, 20);
    assert!(even(10).await);
    assert_eq!(spawn::spawn(1).await.await? + spawn(1).await, 2);
    assert_eq!(imap::spawn(1).await.await? + pool::spawn(1).await.await?, 2);
    assert!(not_borrows::try_spawn(|a| a, Box::new(str::len), Box::new(|a| a), "").is_ok());
    assert_eq!(inner::narrow::spawn(1).await.await? + local::spawn(1).await.await?, 2);

    let (length, ()) = pile![fetch("ab".into()), none()].try_join().await?;
    assert_eq!(length, 2);
    let (length, narrow) = pile!(<fetch("ab".into()), inner::narrow(1)>).join().await;
    assert_eq!(length? + usize::from(narrow?), 3);
    let both = pile! { length: fetch("ab".into()), depth: Dive(3) }.try_join().await?;
    assert_eq!((both.length, both.depth), (2, 3));
    let pile = GreenPool::new(3);
    let (three,) = pile![in pile; async { 3 }].join().await;
    let (four,) = pile![in SHARED; async { 4 }].join().await;
    let (five,) = pile![size = 4; async { 5 }].join().await;
    assert_eq!(three? + four? + five?, 12);
    let mut one = pile![local(1), spawn(2)];
    assert_eq!(one.next().await.transpose()?, Some(1));
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), JoinError> {
    assert_eq!(r#match::pool().name(), Some("a match"));
    calls().await
}
