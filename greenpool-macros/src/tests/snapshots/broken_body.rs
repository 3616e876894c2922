async fn fetch(_: String) {
    loop {}
}
::core::compile_error! {
    "a `#[green_pool]` function needs a body"
}
