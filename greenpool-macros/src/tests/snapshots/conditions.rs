#[cfg(unix)]
#[cfg_attr(all(), allow(dead_code), instrument)]
#[deprecated]
#[inline]
async fn old() {}
#[cfg(unix)]
#[cfg_attr(all(), allow(dead_code))]
#[deprecated]
///The pool of [`old`](fn@old), and the functions that run jobs in it.
#[derive(::greenpool::__private::__Companion)]
#[__green_pool(
    (

    )#[cfg(
        unix
    )]#[cfg_attr(all(), allow(dead_code), instrument)]#[deprecated]#[inline]async
    fn
    old(){}
)]
#[non_exhaustive]
struct old {}
