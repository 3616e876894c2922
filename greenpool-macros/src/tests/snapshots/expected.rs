#[expect(unused, reason = "a")]
#[cfg_attr(all(), expect(deprecated))]
#[expect()]
#[deprecated]
async fn old(#[expect(non_snake_case)] URL: String) {}
#[allow(unused, reason = "a")]
#[warn(dead_code)]
#[cfg_attr(all(), allow(deprecated))]
#[allow(non_snake_case)]
#[deprecated]
///The pool of [`old`](fn@old), and the functions that run jobs in it.
#[derive(::greenpool::__private::__Companion)]
#[__green_pool(
    (

    )#[expect(
        unused,
        reason = "a"
    )]#[cfg_attr(all(), expect(deprecated))]#[expect()]#[deprecated]async
    fn
    old(#[expect(non_snake_case)]URL:String){}
)]
#[non_exhaustive]
struct old {}
