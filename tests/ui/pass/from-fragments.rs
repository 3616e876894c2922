#![deny(warnings, clippy::all, clippy::pedantic)]
#![allow(clippy::unused_async, reason = "the bodies do not matter here")]
//! Macros that pass on whole items, paths, literals and other fragments.
use greenpool::{GreenPool, JoinError, green_pool, pile};

mod lib {
    pub(crate) use greenpool as inner;
}

static POOL: GreenPool = GreenPool::const_new(2);

macro_rules! pooled {
    ($item:item) => {
        #[green_pool]
        $item
    };
}
pooled! {
    /// Doubles.
    #[inline]
    async fn double(n: u8) -> u8 { n * 2 }
}

macro_rules! declare {
    ($vis:vis $name:ident $companion:ident $label:literal $pool:path, $arg:pat => $ty:ty, $out:ty, $body:expr) => {
        #[$crate::lib::inner::green_pool(pool = $pool, name = $label, type = $companion, crate = $crate::lib::inner)]
        $vis async fn $name($arg: $ty) -> $out { $body }
    };
}
declare!(pub(in crate) add Add "adds" POOL, (a, b) => (u8, u8), u8, a + b);
declare!(pub(crate) length Length "length" crate::POOL, text => &'static str, usize, text.len());

macro_rules! share {
    ($name:ident, $first:ty, $second:ty) => {
        #[green_pool]
        async fn $name(#[shared] first: $first, second: $second) -> ($first, $second) {
            (first, second)
        }
    };
}
share!(pair, Option<u8>, &'static str);

macro_rules! on {
    ($pool:expr; $($function:path, $argument:expr);*) => { pile![on $pool; $($function($argument)),*] };
}
macro_rules! record {
    ($($name:ident: $function:ident $arguments:tt),*) => { pile! { $($name: $function $arguments),* } };
}
macro_rules! paths {
    ($($function:path, $argument:expr);*) => { pile![$($function($argument)),*] };
}
macro_rules! sized {
    ($size:expr; $($block:block)*) => { pile![size = $size; $(async $block),*] };
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), JoinError> {
    assert_eq!(double::spawn(2).await.await?, 4);
    assert_eq!(Add::spawn((1, 2)).await.await? + add((1, 2)).await, 6);
    assert_eq!(length("a").await, 1);
    assert_eq!(Length::pool().name(), None);
    let record = record!(a: double(1), b: Add((1, 2))).try_join().await?;
    assert_eq!((record.a, record.b), (2, 3));
    assert_eq!(paths!(double, 1; self::Length, "a").try_join().await?, (2, 1));
    assert_eq!(sized!(1 + 1; { 1 } { 2 }).try_join().await?, (1, 2));
    let pool = GreenPool::new(1);
    assert_eq!(pair::imap(Some(1), ["a"]).next().await.transpose()?, Some((Some(1), "a")));
    assert_eq!(pair::on(&pool).imap(Some(1), ["a"]).next().await.transpose()?, Some((Some(1), "a")));
    assert_eq!(on!(pool; double, 1; self::Length, "a").try_join().await?, (2, 1));
    assert_eq!(on!(&pool; self::double, 1).try_join().await?, (2,));
    Ok(())
}
