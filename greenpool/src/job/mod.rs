//! One job, from the slot it was given to the result it leaves.

pub(crate) mod cell;
pub(crate) mod error;
pub(crate) mod handle;
pub(crate) mod id;
pub(crate) mod permit;
pub(crate) mod reply;
pub(crate) mod reply_page;
pub(crate) mod running;
pub(crate) mod span;
