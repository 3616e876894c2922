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

#[expect(non_snake_case, reason = "the word of the specification")]
#[green_pool]
async fn expected_above(#[shared] URL: String, n: usize) -> usize {
    URL.len() + n
}

/// Attributes inside apply to the signature, too.
#[green_pool]
async fn inside(URL: String, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8) -> usize {
    #![allow(non_snake_case, clippy::too_many_arguments, clippy::many_single_char_names)]
    URL.len() + usize::from(a + b + c + d + e + f + g)
}

#[green_pool]
async fn whisper_inside() {
    //! Deprecated here.
    #![deprecated]
}

#[green_pool(key = HOST, per_key = 2)]
#[cfg_attr(all(), expect(non_snake_case, clippy::too_many_arguments, clippy::many_single_char_names))]
async fn expected_below(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, HOST: u8) -> u8 {
    a + b + c + d + e + f + g + HOST
}

#[green_pool]
#[expect(deprecated, non_camel_case_types, clippy::type_complexity)]
#[deprecated]
async fn expected_of_types<t: Send>(
    all: Vec<Result<Option<(u8, Old)>, Box<dyn Fn(Old) -> Option<t> + Send>>>,
) -> usize {
    all.len()
}

#[green_pool]
async fn expected_at_parameters<#[expect(non_camel_case_types)] t: Send, #[allow(non_camel_case_types)] u: Send>(
    #[expect(non_snake_case)] URL: t,
    #[allow(non_snake_case)] Host: u,
) -> (t, u) {
    (URL, Host)
}

#[green_pool]
#[expect(dead_code, reason = "the generated call is not a use")]
async fn expected_to_be_unused() {}

#[green_pool]
#[cfg_attr(all(), expect(unused))]
async fn expected_to_be_unused_by_group() {}

#[deprecated]
struct Old;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    assert_eq!(Shout::spawn("ab".into()).await.await.unwrap(), 2);
    #[allow(deprecated)]
    whisper::spawn_n().await;
    #[allow(deprecated)]
    whisper_inside::spawn_n().await;
    assert_eq!(inside::spawn("ab".into(), 1, 1, 1, 1, 1, 1, 1).await.await.unwrap(), 9);
    assert_eq!(traced_above::spawn(1).await.await.unwrap() + traced_below(1).await, 2);
    assert_eq!(traced_below::spawn(1).await.await.unwrap() + traced_above(1).await, 2);
    assert_eq!(expected::spawn("ab".into()).await.await.unwrap() + expected("ab".into()).await, 4);
    assert_eq!(expected_above::spawn("ab".into(), 1).await.await.unwrap(), 3);
    assert_eq!(expected_below::spawn(1, 1, 1, 1, 1, 1, 1, 1).await.await.unwrap(), 8);
    #[allow(deprecated)]
    let green = expected_of_types::spawn::<u8>(vec![Ok(Some((1, Old)))]).await;
    assert_eq!(green.await.unwrap(), 1);
    assert_eq!(expected_at_parameters::spawn(1, 2).await.await.unwrap(), (1, 2));
}
