#![deny(warnings, clippy::all, clippy::pedantic)]
#![allow(clippy::unused_async, reason = "the bodies do not matter here")]
//! Attributes above and below, including conditions.

use greenpool::green_pool;

#[cfg(not(all()))]
#[green_pool]
async fn absent_above(n: Missing) {}

#[green_pool]
#[cfg(not(all()))]
async fn absent_below(n: Missing) {}

#[green_pool]
#[cfg_attr(all(), allow(dead_code), doc = "Never called.")]
async fn never_called() {}

#[allow(non_snake_case)]
#[green_pool]
#[inline]
#[must_use]
async fn Shout(URL: String) -> usize {
    URL.len()
}

#[deprecated = "use `Shout`"]
#[green_pool]
async fn whisper() {}

#[tracing::instrument(skip(n))]
#[green_pool]
async fn traced_above(n: u8) -> u8 {
    n
}

#[green_pool]
#[tracing::instrument]
async fn traced_below(n: u8) -> u8 {
    n
}

#[expect(unused_variables, reason = "not even by a generated item")]
#[green_pool]
async fn expected(text: String) -> usize {
    2
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    assert_eq!(Shout::spawn("ab".into()).await.await.unwrap(), 2);
    #[allow(deprecated)]
    whisper::spawn_n().await;
    assert_eq!(traced_above::spawn(1).await.await.unwrap() + traced_below(1).await, 2);
    assert_eq!(traced_below::spawn(1).await.await.unwrap() + traced_above(1).await, 2);
    assert_eq!(expected::spawn("ab".into()).await.await.unwrap() + expected("ab".into()).await, 4);
}
