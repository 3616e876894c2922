//! `#[shared]` parameters: an ordinary argument of a single job, and one value that a map clones for each of its jobs.
#![allow(clippy::unused_async, reason = "what the jobs do does not matter here")]

use std::fmt::Display;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream;
use greenpool::{GreenMap, JoinError, TryMapError, green_pool, pile};
use greenpool_tests::{Gate, paused, threads, until_idle};

/// Counts its clones.
#[derive(Debug)]
struct Client {
    name: &'static str,
    clones: Arc<AtomicUsize>,
}

impl Client {
    fn new(name: &'static str) -> (Self, Arc<AtomicUsize>) {
        let clones = Arc::default();
        (Client { name, clones: Arc::clone(&clones) }, clones)
    }
}

impl Clone for Client {
    fn clone(&self) -> Self {
        self.clones.fetch_add(1, Ordering::SeqCst);
        Client { name: self.name, clones: self.clones.clone() }
    }
}

#[green_pool(size = 3)]
async fn fetch(#[shared] client: Client, url: String) -> String {
    tokio::task::yield_now().await;
    format!("{}{url}", client.name)
}

/// Shared parameters between others, with patterns, a type that occurs twice, and `mut`.
#[green_pool(size = 3)]
async fn mixed(
    a: u32,
    #[shared] (mut left, right): (u32, u32),
    b: u32,
    #[shared] factor: u32,
    #[shared] _: u32,
    mut c: u32,
) -> [u32; 4] {
    tokio::task::yield_now().await;
    left += right;
    c *= factor;
    [a, b, c, left]
}

#[green_pool(size = 3)]
async fn last(url: String, #[shared] client: Client) -> String {
    format!("{}{url}", client.name)
}

#[green_pool(size = 3)]
async fn generic<T: Display + Send, S, const N: usize>(
    #[shared] all: [S; N],
    item: T,
    #[shared] end: impl Display + Clone + Send,
) -> String
where
    S: AsRef<str> + Clone + Send,
{
    let all: Vec<_> = all.iter().map(AsRef::as_ref).collect();
    format!("{}{item}{end}", all.join("-"))
}

/// `T` cannot be inferred.
#[green_pool(size = 3)]
async fn parse<T: std::str::FromStr + Send + Sync>(#[shared] prefix: &'static str, text: String) -> Option<T> {
    text.strip_prefix(prefix)?.parse().ok()
}

#[deprecated]
#[green_pool(size = 3)]
async fn old(#[shared] first: u8, second: u8) -> u8 {
    first + second
}

async fn all<T: Send + 'static>(mut map: GreenMap<T>) -> Vec<T> {
    let mut values = Vec::new();
    while let Some(value) = map.next().await {
        values.push(value.unwrap());
    }
    values
}

fn urls() -> [String; 3] {
    ["/a", "/b", "/c"].map(String::from)
}

#[test]
fn a_shared_parameter_is_an_ordinary_argument_of_one_job() {
    /// Not shared with the other tests, so a slot is free.
    #[green_pool(size = 4)]
    async fn get(#[shared] client: Client, path: String) -> String {
        fetch(client, path).await
    }

    paused(async {
        let (client, clones) = Client::new("host");
        assert_eq!(get(client.clone(), "/0".into()).await, "host/0");
        assert_eq!(get::spawn(client.clone(), "/1".into()).await.await.unwrap(), "host/1");
        get::spawn_n(client.clone(), "/2".into()).await;
        let green = get::try_spawn(client.clone(), "/3".into()).unwrap();
        assert_eq!(green.await.unwrap(), "host/3");
        let (page, sum) = pile![get(client, "/4".into()), mixed(1, (2, 3), 4, 5, 6, 7)].join().await;
        assert_eq!((page.unwrap().as_str(), sum.unwrap()), ("host/4", [1, 4, 35, 5]));
        assert_eq!(clones.load(Ordering::SeqCst), 4, "only the test clones");
    });
}

#[test]
fn a_map_clones_the_value_once_for_each_job() {
    paused(async {
        let pages = ["host/a", "host/b", "host/c"];
        let tuples = || urls().map(|url| (url,));
        let results = || urls().map(Ok::<_, String>);
        let maps: [fn(Client) -> GreenMap<String>; 4] = [
            |client| fetch::imap(client, urls()),
            |client| fetch::starmap(client, urls().map(|url| (url,))),
            |client| fetch::imap_stream(client, stream::iter(urls())),
            |client| last::imap(urls(), client),
        ];
        for map in maps {
            let (client, clones) = Client::new("host");
            assert_eq!(all(map(client)).await, pages);
            assert_eq!(clones.load(Ordering::SeqCst), 3);
            assert_eq!(Arc::strong_count(&clones), 1, "nothing keeps the value");
        }
        let unordered: [fn(Client) -> GreenMap<String>; 4] = [
            |client| fetch::imap_unordered(client, urls()),
            |client| fetch::starmap_unordered(client, urls().map(|url| (url,))),
            |client| fetch::imap_stream_unordered(client, stream::iter(urls())),
            |client| last::starmap_unordered(client, urls().map(|url| (url,))),
        ];
        for map in unordered {
            let (client, clones) = Client::new("host");
            let mut found = all(map(client)).await;
            found.sort();
            assert_eq!(found, pages);
            assert_eq!(clones.load(Ordering::SeqCst), 3);
        }
        let (client, clones) = Client::new("host");
        for mut map in [
            fetch::try_imap(client.clone(), results()),
            fetch::try_imap_unordered(client.clone(), results()),
            fetch::try_imap_stream(client.clone(), stream::iter(results())),
            fetch::try_imap_stream_unordered(client.clone(), stream::iter(results())),
        ] {
            let mut count = 0;
            while let Some(page) = map.next().await {
                assert!(pages.contains(&page.unwrap().as_str()));
                count += 1;
            }
            assert_eq!(count, 3);
        }
        assert_eq!(clones.load(Ordering::SeqCst), 4 + 12);
        assert_eq!(all(last::starmap(client, tuples())).await, pages);
    });
}

#[test]
fn shared_parameters_stand_anywhere() {
    paused(async {
        // In `imap` each value stands where its parameter stands.
        let expected = [[1, 10, 500, 5], [2, 20, 1000, 5]];
        assert_eq!(all(mixed::imap([1, 2], (2, 3), [10, 20], 5, 0, [100, 200])).await, expected);
        // In the others the shared ones come first.
        assert_eq!(all(mixed::starmap((2, 3), 5, 0, [(1, 10, 100), (2, 20, 200)])).await, expected);
        let rows = stream::iter([(1, 10, 100), (2, 20, 200)]);
        assert_eq!(all(mixed::imap_stream((2, 3), 5, 0, rows)).await, expected);
        let mut rows = mixed::try_imap((2, 3), 5, 0, [Ok((1, 10, 100)), Err("row")]);
        assert_eq!(rows.next().await.unwrap().unwrap(), expected[0]);
        assert!(matches!(rows.next().await, Some(Err(TryMapError::Source("row")))));
    });
}

#[test]
fn generic_functions_have_shared_parameters() {
    paused(async {
        assert_eq!(generic::spawn(["x", "y"], 1, '!').await.await.unwrap(), "x-y1!");
        assert_eq!(all(generic::imap(["x", "y"], 1..3, '!')).await, ["x-y1!", "x-y2!"]);
        assert_eq!(all(generic::starmap([String::from("x")], "?", [(1,)])).await, ["x1?"]);
        assert_eq!(all(generic::imap_stream(["x"], '!', stream::iter([7]))).await, ["x7!"]);
        let texts = || ["no 1", "no x"].map(String::from);
        assert_eq!(all(parse::imap::<u32>("no ", texts())).await, [Some(1), None]);
        assert_eq!(all(parse::starmap::<u32>("no ", texts().map(|text| (text,)))).await, [Some(1), None]);
    });
}

#[test]
#[allow(deprecated, reason = "that is what is tested")]
fn a_deprecated_function_has_shared_parameters() {
    paused(async {
        assert_eq!(all(old::imap(1, [2, 3])).await, [3, 4]);
    });
}

#[test]
fn the_value_is_cloned_only_for_jobs_that_begin() {
    paused(async {
        let (client, clones) = Client::new("host");
        let mut map = fetch::imap(client, (0..100).map(|n| format!("/{n}")));
        until_idle().await;
        assert_eq!(clones.load(Ordering::SeqCst), 3, "no more than the window");
        assert_eq!(map.next().await.unwrap().unwrap(), "host/0");
        until_idle().await;
        assert_eq!(clones.load(Ordering::SeqCst), 4);
        drop(map);
        fetch::pool().waitall().await;
        assert_eq!(Arc::strong_count(&clones), 1);
    });
}

/// Panics when it is cloned the second time.
struct Fragile(Arc<AtomicUsize>);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        assert_ne!(self.0.fetch_add(1, Ordering::SeqCst), 1, "a fault");
        Fragile(self.0.clone())
    }
}

#[green_pool(size = 1)]
async fn break_once(#[shared] fragile: Fragile, n: u32) -> u32 {
    let _ = fragile;
    n
}

#[test]
fn a_clone_that_panics_is_an_error_in_the_place_of_its_job() {
    paused(async {
        for mut map in [
            break_once::imap(Fragile(Arc::default()), 0..3),
            break_once::imap_stream(Fragile(Arc::default()), stream::iter(0..3)),
        ] {
            assert_eq!(map.next().await.unwrap().unwrap(), 0);
            let error: JoinError = map.next().await.unwrap().unwrap_err();
            assert!(error.is_panic());
            assert_eq!(map.next().await.unwrap().unwrap(), 2);
            assert!(map.next().await.is_none());
        }
    });
}

#[test]
fn jobs_on_many_threads_share_a_value() {
    #[green_pool(size = 8)]
    async fn count(#[shared] total: Arc<AtomicUsize>, #[shared] gate: Gate, n: usize) {
        gate.opened().await;
        total.fetch_add(n, Ordering::SeqCst);
    }

    threads(4, async {
        let (total, gate) = (Arc::new(AtomicUsize::new(0)), Gate::new());
        let map = count::imap(total.clone(), gate.clone(), 0..1000);
        gate.open();
        assert_eq!(all(map).await.len(), 1000);
        assert_eq!(total.load(Ordering::SeqCst), 499_500);
    });
}
