#![deny(warnings, clippy::all, clippy::pedantic)]
#![allow(clippy::unused_async, reason = "the bodies do not matter here")]
//! Both macros' input, written by `macro_rules!`.

use greenpool::{JoinError, green_pool, pile};

macro_rules! declare {
    ($vis:vis $name:ident, $size:expr, ($($arg:ident: $ty:ty),*) -> $out:ty, $body:block) => {
        #[green_pool(size = $size)]
        $vis async fn $name($($arg: $ty),*) -> $out $body
    };
}

declare!(pub(crate) double, 2 + 2, (n: u8) -> u8, { n * 2 });
declare!(length, usize::max(1, 3), (text: String, more: Vec<u8>) -> usize, { text.len() + more.len() });

macro_rules! both {
    ($($call:expr),*) => { pile![$($call),*] };
    (named $($name:ident = $call:expr),*) => { pile! { $($name: $call),* } };
}

macro_rules! run_in {
    ($pool:expr, $($future:expr),*) => { pile![in $pool; $($future),*] };
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), JoinError> {
    let (four, two) = both!(double(2), length("a".into(), vec![1])).try_join().await?;
    assert_eq!((four, two), (4, 2));
    let named = both!(named a = double(2), b = double(3)).try_join().await?;
    assert_eq!((named.a, named.b), (4, 6));
    let pool = greenpool::GreenPool::new(1);
    assert_eq!(run_in!(pool, async { 1 }, double(1)).try_join().await?, (1, 2));
    Ok(())
}
