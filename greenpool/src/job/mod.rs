//! One job, from its slot to its result.
//!
//! `README.md` in this folder tells how a job is aborted.

#[expect(clippy::multiple_bound_locations, reason = "the macro takes a bound and `?Sized` only in two places")]
pub(crate) mod cell;
pub(crate) mod entry;
pub(crate) mod error;
pub(crate) mod handle;
pub(crate) mod id;
#[cfg(feature = "remote")]
pub(crate) mod lost;
pub(crate) mod permit;
pub(crate) mod reply;
pub(crate) mod reply_page;
pub(crate) mod reply_ref;
pub(crate) mod running;
pub(crate) mod span;
pub(crate) mod unordered;
pub(crate) mod value;
pub(crate) mod values;
