#![deny(warnings)]
//! Attributes above and below, conditions among them.

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

#[tokio::main(flavor = "current_thread")]
async fn main() {
    assert_eq!(Shout::spawn("ab".into()).await.await.unwrap(), 2);
    #[allow(deprecated)]
    whisper::spawn_n().await;
}
