//! The macros of `greenpool`: `#[green_pool]` and `pile!`. Use them through that crate.

use proc_macro::TokenStream;

mod errors;
mod expr;
mod green_pool;
mod pile;
mod span;

#[cfg(test)]
mod tests;

/// Gives an `async fn` a pool of its own, which limits how many of its calls run at once.
///
/// The function itself does not change and stays callable. The attribute adds a struct of the same name, the function's
/// *companion*. Its associated functions run the function in the pool. One `use` imports both.
///
/// # Arguments
///
/// | argument | meaning | default |
/// |---|---|---|
/// | `size = 100` | how many calls run at once: a constant, or any expression of type `usize`, evaluated once | 1000 |
/// | `pool = POOL` | a `static` `GreenPool` or `LazyLock<GreenPool>` to share; excludes `size` | a pool of its own |
/// | `name = "pages"` | the pool's name in statistics | the function's name |
/// | `type = Fetch` | the companion's name, as in `Fetch::spawn(url)` | the function's name |
/// | `crate = path` | the path of `greenpool`, if it has another name | `::greenpool` |
/// | `remote` | the function can also run on other machines; needs the feature of that name | it cannot |
///
/// # The companion
///
/// | function | returns |
/// |---|---|
/// | `pool()` | the pool, to inspect or resize |
/// | `on(&pool)` | an `OnPool` with all the verbs below, which run in that pool instead |
/// | `spawn(..).await` | a `GreenThread`, once a slot is free |
/// | `spawn_n(..).await` | nothing, once a slot is free and the job is started |
/// | `try_spawn(..)` | a `GreenThread`, or the arguments if no slot is free |
/// | `queue(..)` | nothing, at once; the job waits in line as its arguments |
/// | `imap(..)` | a `GreenMap` over iterables, one per parameter, in order; only if there are parameters |
/// | `imap_unordered(..)` | the same, in order of completion |
/// | `starmap(..)` | a `GreenMap` over tuples of arguments, in order |
/// | `starmap_unordered(..)` | the same, in order of completion |
/// | `imap_stream(..)` | a `GreenMap` over a `Stream` of the argument, or of tuples of several, in order |
/// | `imap_stream_unordered(..)` | the same, in order of completion |
/// | `try_imap(..)` | a `TryGreenMap` over an iterable of `Result`s of such items; the first `Err` ends it |
/// | `try_imap_unordered(..)` | the same, in order of completion |
/// | `try_imap_stream(..)` | a `TryGreenMap` over a `Stream` of such `Result`s |
/// | `try_imap_stream_unordered(..)` | the same, in order of completion |
///
/// A map reads anything that is `ReadFromAnyThread`: every iterable whose iterator is `Send` and `'static`. A stream
/// has to be `Send` and `'static` as well, and its items `Send`. A function with more than twelve parameters has no
/// `on`, and of the maps only `starmap` and `starmap_unordered`. If the function is generic or has `impl Trait`
/// arguments, so are the companion's functions.
///
/// # Shared parameters
///
/// A parameter with `#[shared]` takes one value for all jobs of a map, such as a client or a connection pool. Its type
/// is `Clone`, and each job gets a clone, made when the job's item is read. A clone that panics is the panic of that
/// job.
///
/// ```text
/// #[green_pool(size = 20)]
/// async fn fetch(#[shared] client: Client, url: String) -> Page { .. }
///
/// fetch::spawn(client, url).await         // elsewhere an ordinary argument, as in `fetch(client, url)` and `pile!`
/// fetch::imap(client, urls)               // one value in its parameter's place, and iterables for the others
/// fetch::starmap(client, tuples)          // the shared values, then tuples of the others, as in `[(url,)]`
/// fetch::imap_stream(client, stream)      // the shared values, then a stream of the others
/// ```
///
/// Any number of parameters can be shared, but not all of them.
///
/// # On another pool
///
/// `fetch::on(&pool)` runs the function in a `GreenPool` of your own, such as one for each client or for each test. In
/// a pile, `pile![on pool; fetch(a), parse(b)]` does. `on` takes anything that is `Runs`, so other crates can add
/// pools. Of a generic function, `fetch::on::<T, _, _>(&pool)` is one instance.
///
/// With `remote` it also has `on(&engine)`, which returns the function on an engine, and `handler()`, what a worker
/// needs to serve it. `name` is then also the function's name on the wire.
///
/// # Expansion
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
/// # Requirements
///
/// The function must
///
/// - be a free `async fn` with a body: not a method, and not `unsafe`, `const`, `extern` or variadic;
/// - own its arguments, since a call may outlive its caller: `&str`, `Cow<'_, str>` and lifetime parameters are
///   refused; `&'static str` and `fn(&str)` are fine;
/// - return a type that has a name, not `impl Trait`;
/// - have a future and an output that are `Send`.
///
/// Generics, `where` clauses and `impl Trait` arguments are allowed. All instantiations share one pool, and every type
/// parameter gets an implied `'static` bound. Each `impl Trait` parameter becomes one more type parameter of the
/// companion's functions.
///
/// The attribute also takes the function's name among types. If that name is taken, as in
/// `mod fetch; pub use fetch::fetch;`, write `type = Fetch`.
#[proc_macro_attribute]
pub fn green_pool(args: TokenStream, item: TokenStream) -> TokenStream {
    green_pool::expand(args.into(), item.into()).into()
}

/// The companion of a deprecated function, for its struct. See `green_pool::derive`.
#[doc(hidden)]
#[proc_macro_derive(__Companion, attributes(__green_pool))]
pub fn __companion(input: TokenStream) -> TokenStream {
    green_pool::derive(input.into()).into()
}

/// The procedural half of `pile!`. The other half is in `greenpool`, and passes on the path of that crate:
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
