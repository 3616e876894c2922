//! Remote functions where lints cannot be allowed again.

use greenpool::remote::Here;

/// The functions.
pub mod silent {
    #![forbid(warnings, unsafe_code, deprecated, nonstandard_style, missing_docs, unused, rust_2018_idioms)]
    #![forbid(clippy::all, clippy::pedantic)]
    #![forbid(clippy::exhaustive_structs, clippy::impl_trait_in_params, clippy::same_name_method)]
    #![forbid(clippy::shadow_reuse, clippy::shadow_same, clippy::shadow_unrelated)]

    use std::future::ready;

    use greenpool::green_pool;

    /// Public, and used.
    #[green_pool(size = 4, remote)]
    pub async fn double(n: u32) -> u32 {
        ready(n * 2).await
    }

    /// Without arguments, and with another name among types.
    #[green_pool(size = 4, remote, type = Pinger)]
    pub async fn ping() {
        ready(()).await;
    }

    /// Raw names, and patterns.
    #[green_pool(remote)]
    pub async fn r#type(r#in: u32, (a, b): (u8, u8), _unused: Option<bool>) -> (u32, u8) {
        ready((r#in, a + b)).await
    }

    /// Deprecated.
    #[deprecated]
    #[green_pool(size = 4, remote)]
    pub async fn old(n: u32) -> u32 {
        ready(n).await
    }

    /// Private: only its function is called.
    #[green_pool(size = 1, remote)]
    async fn private(text: String) -> String {
        ready(text).await
    }

    /// Calls it.
    pub async fn caller() -> String {
        private(String::from("called")).await
    }
}

/// The user expects a lint, which the generated code must not cause again.
#[expect(non_snake_case, reason = "the name on the wire")]
#[greenpool::green_pool(remote)]
pub async fn length(#[shared] FACTOR: usize, Text: String) -> usize {
    std::future::ready(Text.len() * FACTOR).await
}

use silent::{Pinger, double, r#type};

#[tokio::test]
async fn functions_of_every_kind_of_name_can_be_remote() {
    let here = Here::new().serve(double::handler()).serve(Pinger::handler()).serve(r#type::handler());
    assert_eq!(double::on(&here).call(2).await.unwrap(), 4);
    Pinger::on(&here).call().await.unwrap();
    assert_eq!(r#type::on(&here).call(1, (2, 3), None).await.unwrap(), (1, 5));
    assert_eq!(silent::caller().await, "called");
}

#[tokio::test]
async fn a_remote_function_can_expect_a_lint() {
    let here = Here::new().serve(length::handler(3));
    assert_eq!(length::on(&here).call("ab".into()).await.unwrap(), 6);
}
