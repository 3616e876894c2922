#[allow(unused)]
async fn fetch(url: String) {
    loop {}
}
::core::compile_error! {
    "a `#[green_pool]` function needs a body"
}
