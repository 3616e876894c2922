//! The macros of `greenpool`: `#[green_pool]` and `pile!`. Use them through that crate.

use proc_macro::TokenStream;

mod errors;
mod expr;
mod green_pool;
mod pile;
mod span;

#[cfg(test)]
mod tests;

/// Gives an `async fn` a pool of its own, with a limit on how many of its calls run at once.
///
/// The function stays as it was written, and callable. Beside it comes a struct of the same name, its *companion*, with
/// the calls that run in the pool as associated functions. One `use` imports both.
///
/// # Arguments
///
/// | argument | means | without it |
/// |---|---|---|
/// | `size = 100` | so many calls run at once: a constant, or any expression of type `usize`, evaluated once | 1000 |
/// | `pool = POOL` | they run in a `static` of type `GreenPool`, which other functions may share; goes without `size` | a pool of its own |
/// | `name = "pages"` | what the pool is called in statistics | the function's name |
/// | `type = Fetch` | another name for the companion: `Fetch::spawn(url)` | the function's name |
/// | `crate = path` | where `greenpool` is, under another name | `::greenpool` |
///
/// # What the companion has
///
/// | function | gives |
/// |---|---|
/// | `pool()` | the pool, to look at or to resize |
/// | `spawn(..).await` | waits for a free slot; a `GreenThread` |
/// | `spawn_n(..).await` | waits for a free slot; no result |
/// | `try_spawn(..)` | a `GreenThread`, or the arguments back if no slot is free |
/// | `imap(..)` | a `GreenMap` over iterables, one for each parameter, in order; only if there are parameters |
/// | `imap_unordered(..)` | the same, as the results are ready |
/// | `starmap(..)` | a `GreenMap` over tuples of arguments, in order |
/// | `starmap_unordered(..)` | the same, as the results are ready |
///
/// What a map reads has to be `ReadFromAnyThread`, as every iterable is whose iterator is `Send` and `'static`. Where the function
/// is generic or has `impl Trait` arguments, the functions that the companion has are so as well.
///
/// # What is written
///
/// ```text
/// #[green_pool(size = 100)]
/// pub async fn fetch(url: String) -> Page { .. }
///
/// pub async fn fetch(url: String) -> Page { .. }         // token for token
/// pub struct fetch {}
/// impl fetch {
///     pub fn pool() -> &'static GreenPool { .. }
///     pub fn spawn(url: String) -> SpawnCall<fetch, (String,), Page> { .. }
///     ..
/// }
/// impl PooledFn<(String,), Page> for fetch { .. }
/// ```
///
/// # What the function must be
///
/// - a free `async fn` with a body: no method, not `unsafe`, `const`, `extern` or variadic;
/// - of owned arguments: a call may outlive its caller, so `&str`, `Cow<'_, str>` and lifetime parameters are refused, while
///   `&'static str` and `fn(&str)` are fine;
/// - of a named output, not `-> impl Trait`;
/// - such that its future and its output are `Send`.
///
/// Generics, `where` clauses and `impl Trait` arguments may be used; one pool serves all instantiations, and `'static` is implied for
/// every type parameter. Each parameter that is `impl Trait` comes as one more type parameter of the generated functions.
///
/// The attribute also takes the function's name among types. Where that is taken, as by `mod fetch; pub use fetch::fetch;`, write `type = Fetch`.
#[proc_macro_attribute]
pub fn green_pool(args: TokenStream, item: TokenStream) -> TokenStream {
    green_pool::expand(args.into(), item.into()).into()
}

/// The procedural half of `pile!`. The other half, in `greenpool`, tells it what `greenpool` is
/// called here:
///
/// ```text
/// macro_rules! pile {
///     ($($entries:tt)*) => { $crate::__private::__pile!(($crate) $($entries)*) };
/// }
/// ```
#[doc(hidden)]
#[proc_macro]
pub fn __pile(input: TokenStream) -> TokenStream {
    pile::expand(input.into()).into()
}
