async fn fetch(client: Arc<Self>) {}
::core::compile_error! {
    "a `#[green_pool]` function cannot name `Self`; pool a free function that names the type and call it from the method"
}
