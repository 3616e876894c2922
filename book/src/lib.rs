//! The samples of the book's reference. Each of its chapters is the documentation of a module here, so `cargo test`
//! compiles and runs its Rust blocks. The samples of the other chapters are whole programs: see `tests/pasted.rs`.

pub mod web;

macro_rules! chapters {
    ($($file:literal $name:ident)*) => {
        $(#[doc = include_str!($file)] #[allow(clippy::doc_markdown)] mod $name {})*
    };
}

chapters! {
    "compile-errors.md" compile_errors
    "from-eventlet.md" from_eventlet
    "compared.md" compared
    "performance.md" performance
    "composing.md" composing
    "faq.md" faq
    "server.md" server
    "dispatch.md" dispatch
}
