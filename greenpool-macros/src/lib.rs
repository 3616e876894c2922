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
/// ```
/// use greenpool::green_pool;
///
/// /// Returns the length of a page. At most 20 calls run at once.
/// #[green_pool(size = 20)]
/// async fn measure(page: String) -> usize {
///     page.len()
/// }
///
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), greenpool::JoinError> {
///     assert_eq!(measure("plain".into()).await, 5); // in no pool
///
///     let green = measure::spawn("one".into()).await; // waits for a slot
///     assert_eq!(green.await?, 3); // waits for the result
///
///     let mut lengths = measure::imap(["a", "bc"].map(String::from));
///     while let Some(length) = lengths.next().await {
///         println!("{}", length?);
///     }
///
///     measure::spawn_n("no result wanted".into()).await;
///     measure::pool().waitall().await;
///     Ok(())
/// }
/// ```
///
/// # Arguments
///
/// | argument | meaning | default |
/// |---|---|---|
/// | `size = 100` | how many calls run at once: a constant, or any expression of type `usize`, evaluated once | 1000 |
/// | `key = host(&url)` | the key of a call: an expression over the arguments | none |
/// | `per_key = 4` | how many calls with equal keys run at once, as `size`; excludes `pool`, which has a limit | none |
/// | `pool = POOL` | a `static` `GreenPool` or `LazyLock<GreenPool>` to share; excludes `size` | a pool of its own |
/// | `name = "pages"` | the pool's name in statistics | the function's name |
/// | `type = Fetch` | the companion's name, as in `Fetch::spawn(url)` | the function's name |
/// | `crate = path` | the path of `greenpool`, if it has another name | `::greenpool` |
/// | `remote` | the function can also run on other machines; needs the feature of that name | it cannot |
///
/// ```
/// use std::sync::LazyLock;
///
/// use greenpool::{GreenPool, green_pool};
///
/// /// One limit for everything that uses the database.
/// static DATABASE: GreenPool = GreenPool::const_new(10);
///
/// #[green_pool(pool = DATABASE)]
/// async fn find(id: u32) -> Option<String> {
///     (id == 1).then(|| "Ada".to_string())
/// }
///
/// #[green_pool(pool = DATABASE, name = "count of users")]
/// async fn count() -> usize {
///     1
/// }
///
/// /// Any expression of type `usize`, evaluated at the first use.
/// static JOBS: LazyLock<usize> = LazyLock::new(|| std::env::var("JOBS").map_or(4, |jobs| jobs.parse().unwrap_or(4)));
///
/// #[green_pool(size = *JOBS, type = Resize)]
/// async fn resize(picture: Vec<u8>) -> Vec<u8> {
///     picture
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let user = find::spawn(1).await;
/// let users = count::spawn().await;
/// assert_eq!(DATABASE.running(), 2);
/// assert_eq!((user.value().await.as_deref(), users.value().await), (Some("Ada"), 1));
///
/// let small = Resize::spawn(vec![0; 9]).await;
/// assert_eq!(small.value().await.len(), 9);
/// # }
/// ```
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
/// A map reads every iterable whose iterator is `Send` and `'static`, and every stream that is `Send` and `'static` and
/// has items that are `Send`. A function with more than twelve parameters has no
/// `on`, and of the maps only `starmap` and `starmap_unordered`. If the function is generic or has `impl Trait`
/// arguments, so are the companion's functions.
///
/// # Shared parameters
///
/// A parameter with `#[shared]` takes one value for all jobs of a map, such as a client or a connection pool. Its type
/// is `Clone`, and each job gets a clone, made when the job's item is read. A clone that panics is the panic of that
/// job.
///
/// ```
/// use std::sync::Arc;
///
/// use greenpool::{GreenMap, green_pool};
///
/// #[derive(Clone)]
/// struct Client(Arc<str>);
///
/// #[green_pool(size = 20)]
/// async fn fetch(#[shared] client: Client, url: String) -> String {
///     format!("{}{url}", client.0)
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let client = Client("https://example.org".into());
/// let urls = || ["/", "/faq"].map(String::from);
/// // Elsewhere it is an ordinary argument.
/// let green = fetch::spawn(client.clone(), "/news".into()).await;
/// assert_eq!(green.value().await, "https://example.org/news");
///
/// // One value in its parameter's place, and iterables for the others.
/// let pages = fetch::imap(client.clone(), urls());
/// // The shared values, then tuples of the others.
/// let others: GreenMap<String> = fetch::starmap(client, urls().map(|url| (url,)));
/// assert_eq!(pages.values().next().await.as_deref(), Some("https://example.org/"));
/// # drop(others); }
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
/// ```
/// use greenpool::{GreenPool, green_pool, pile};
///
/// #[green_pool(size = 100)]
/// async fn double(n: u32) -> u32 {
///     n * 2
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let pool = GreenPool::new(2);
/// let doubles: Vec<u32> = {
///     let mut map = double::on(&pool).imap(1..=3).values();
///     let mut all = Vec::new();
///     while let Some(n) = map.next().await {
///         all.push(n);
///     }
///     all
/// };
/// assert_eq!(doubles, [2, 4, 6]);
/// assert_eq!(pile![on pool; double(4), double(5)].values().await, (8, 10));
/// assert_eq!((pool.stats().finished, double::pool().stats().finished), (5, 0));
/// # }
/// ```
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
