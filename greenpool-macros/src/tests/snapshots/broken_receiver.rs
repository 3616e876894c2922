async fn fetch(&self) {}
::core::compile_error! {
    "a `#[green_pool]` function cannot take `self`; pool a free function that takes `Arc<Self>` and call it from the method"
}
