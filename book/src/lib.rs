//! The samples of the book. Each chapter is the documentation of a module here, so `cargo test` compiles and runs its
//! Rust blocks.

pub mod web;

macro_rules! chapters {
    ($($file:literal $name:ident)*) => {
        $(#[doc = include_str!($file)] #[allow(clippy::doc_markdown)] mod $name {})*
    };
}

chapters! {
    "introduction.md" introduction
    "first-pool.md" first_pool
    "results.md" results
    "fire-and-forget.md" fire_and_forget
    "maps.md" maps
    "fan-out.md" fan_out
    "declared.md" declared
    "errors.md" errors
    "sizing.md" sizing
    "compile-errors.md" compile_errors
    "testing.md" testing
    "from-eventlet.md" from_eventlet
    "compared.md" compared
    "performance.md" performance
    "composing.md" composing
    "faq.md" faq
    "link-checker.md" link_checker
    "client.md" client
    "server.md" server
    "dispatch.md" dispatch
}
