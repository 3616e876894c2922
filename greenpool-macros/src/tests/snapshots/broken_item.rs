struct Fetch;
::core::compile_error! {
    "`#[green_pool]` goes on an `async fn`"
}
