//! The macros of `greenpool`: `#[green_pool]` and `pile!`. Use them through that crate.

use proc_macro::TokenStream;

mod args;
mod borrow;
mod companion;
mod expand;
mod fallback;
mod item;
mod methods;
mod pile;
mod valid;

/// Gives an `async fn` a pool of its own.
#[proc_macro_attribute]
pub fn green_pool(args: TokenStream, item: TokenStream) -> TokenStream {
    expand::green_pool(args.into(), item.into()).into()
}

/// The procedural half of `pile!`. The other half, in `greenpool`, tells it what `greenpool` is
/// called here:
///
/// ```ignore
/// macro_rules! pile {
///     ($($entries:tt)*) => { $crate::__private::__pile!(($crate) $($entries)*) };
/// }
/// ```
#[doc(hidden)]
#[proc_macro]
pub fn __pile(input: TokenStream) -> TokenStream {
    pile::expand(input.into()).into()
}
