#[deprecated]
pub async fn old(url: String) -> usize {
    url.len()
}
#[deprecated]
///The pool of [`old`](fn@old), and the functions that run jobs in it.
#[derive(::greenpool::__private::__Companion)]
#[__green_pool((size = 4)#[deprecated]pub async fn old(url:String)->usize{})]
#[non_exhaustive]
pub struct old {}
