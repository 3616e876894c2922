//! `#[green_pool]`

pub(crate) mod args;
pub(crate) mod borrow;
pub(crate) mod companion;
pub(crate) mod expand;
pub(crate) mod fallback;
pub(crate) mod item;
pub(crate) mod methods;
pub(crate) mod valid;
