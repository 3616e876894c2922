//! All verbs of a function on an engine in this process.

#![allow(clippy::unused_async, reason = "pooled functions are async")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures::{StreamExt, stream};
use greenpool::remote::{Here, Lost, Part, job};
use greenpool::{GreenThread, TryMapError, TrySpawnError, green_pool};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use tokio::time::timeout;

const DEADLINE: Duration = Duration::from_secs(20);

#[derive(Serialize, Deserialize, Debug, Clone, PartialEq)]
struct Page {
    url: String,
    links: BTreeMap<String, Option<u32>>,
}

#[green_pool(size = 4, remote, name = "fetch-page")]
async fn fetch(url: String, depth: u32) -> Result<Page, String> {
    assert!(depth != 13, "depth {depth} is unlucky");
    let links = BTreeMap::from([(format!("{url}/a"), Some(depth)), (format!("{url}/b"), None)]);
    if depth < 100 { Ok(Page { url, links }) } else { Err(format!("{depth} is too deep")) }
}

#[green_pool(size = 2, remote)]
async fn double(n: u64) -> u64 {
    n * 2
}

#[green_pool(size = 2, remote)]
async fn nothing() {}

#[green_pool(size = 2, remote)]
async fn recursive(n: u64) -> String {
    let here = Here::new().serve(double::handler());
    let far = double::on(&here);
    let spawned = far.spawn(n).await.await.unwrap_err().to_string();
    let streamed = far.imap_stream(stream::iter([n])).next().await.unwrap().unwrap_err().to_string();
    assert_eq!(spawned, streamed);
    spawned
}

static GATE: Semaphore = Semaphore::const_new(0);
static STARTED: Semaphore = Semaphore::const_new(0);

#[green_pool(size = 1, remote)]
async fn wait() {
    STARTED.add_permits(1);
    GATE.acquire().await.unwrap().forget();
}

fn here() -> Here {
    Here::new().serve(fetch::handler()).serve(double::handler()).serve(nothing::handler()).serve(wait::handler())
}

#[tokio::test]
async fn every_verb_gives_what_the_function_gives() {
    let far = fetch::on(&here());
    let page = fetch("/".into(), 1).await.unwrap();
    assert_eq!(far.spawn("/".into(), 1).await.await.unwrap().unwrap(), page);
    assert_eq!(far.try_spawn("/".into(), 1).unwrap().await.unwrap().unwrap(), page);
    assert_eq!(far.call("/".into(), 1).await.unwrap().unwrap(), page);
    assert_eq!(far.call("/".into(), 100).await.unwrap(), Err("100 is too deep".to_owned()));
    far.spawn_n("/".into(), 1).await.unwrap();
    nothing::on(&here()).call().await.unwrap();
    assert_eq!(double(4).await, 8);
}

#[tokio::test]
async fn maps_give_every_result_in_order_or_not() {
    let here = here();
    let far = double::on(&here);
    let mut doubles = far.imap(0..500);
    for n in 0..500 {
        assert_eq!(doubles.next().await.unwrap().unwrap(), n * 2);
    }
    assert!(doubles.next().await.is_none());
    let mut doubles = far.starmap_unordered((0..500).map(|n| (n,)));
    let mut all = Vec::new();
    while let Some(double) = doubles.next().await {
        all.push(double.unwrap());
    }
    all.sort_unstable();
    assert!(all.into_iter().eq((0..500).map(|n| n * 2)));
    assert_eq!(here.executions(), 1000);
}

#[tokio::test]
async fn a_map_can_be_tried_stopped_and_read_as_values() {
    let far = double::on(&here());
    let mut values = far.imap(0..3).values();
    for n in 0..3 {
        assert_eq!(timeout(DEADLINE, values.next()).await.unwrap(), Some(n * 2));
    }
    assert_eq!(timeout(DEADLINE, values.next()).await.unwrap(), None);
    let mut doubles = far.imap(0..);
    let first = timeout(DEADLINE, async {
        loop {
            match doubles.try_next() {
                Some(first) => return first,
                None => tokio::task::yield_now().await,
            }
        }
    });
    assert_eq!(first.await.unwrap().unwrap(), 0);
    doubles.stop();
    let mut n = 1;
    while let Some(double) = timeout(DEADLINE, doubles.next()).await.unwrap() {
        assert_eq!(double.unwrap(), n * 2);
        n += 1;
    }
    assert!(n <= 10, "{n} jobs were run");
}

#[tokio::test]
async fn a_map_over_a_stream_gives_every_result_in_order_or_not() {
    let here = here();
    let far = double::on(&here);
    let mut doubles = far.imap_stream(stream::iter(0..50));
    for n in 0..50 {
        assert_eq!(timeout(DEADLINE, doubles.next()).await.unwrap().unwrap().unwrap(), n * 2);
    }
    assert!(timeout(DEADLINE, doubles.next()).await.unwrap().is_none());
    let doubles = far.imap_stream_unordered(stream::iter(0..50)).values();
    let mut all: Vec<_> = timeout(DEADLINE, doubles.collect()).await.unwrap();
    all.sort_unstable();
    assert!(all.into_iter().eq((0..50).map(|n| n * 2)));
    // Several parameters, of which a stream has tuples.
    let far = fetch::on(&here);
    let mut pages = far.imap_stream(stream::iter([("/a".to_owned(), 1), ("/b".to_owned(), 2)]));
    for url in ["/a", "/b"] {
        assert_eq!(timeout(DEADLINE, pages.next()).await.unwrap().unwrap().unwrap().unwrap().url, url);
    }
    // And none.
    let mut nothings = nothing::on(&here).imap_stream(stream::iter([(), ()]));
    nothings.next().await.unwrap().unwrap();
    nothing::on(&here).starmap([()]).next().await.unwrap().unwrap();
}

#[tokio::test]
async fn an_async_source_waits_for_its_items_and_a_run_numbers_them_as_they_come() {
    let here = here();
    let far = double::on(&here);
    let (give, mut take) = tokio::sync::mpsc::channel(4);
    let items = stream::poll_fn(move |cx| take.poll_recv(cx));
    let mut doubles = far.run("stream").imap_stream(items);
    for n in [5, 3, 4] {
        give.send(n).await.unwrap();
        assert_eq!(timeout(DEADLINE, doubles.next()).await.unwrap().unwrap().unwrap(), n * 2);
    }
    drop(give);
    assert!(timeout(DEADLINE, doubles.next()).await.unwrap().is_none());
    // The same items under the same name are not run again.
    let again: Vec<u64> = far.run("stream").imap([5, 3, 4]).values().collect().await;
    assert_eq!((again, here.executions()), (vec![10, 6, 8], 3));
}

#[tokio::test]
async fn the_first_error_of_a_source_comes_after_the_results_before_it() {
    let here = here();
    let far = double::on(&here);
    let items = [Ok(1), Ok(2), Err("the disk is gone"), Ok(4)];
    let maps = [
        far.try_imap(items),
        far.try_imap_unordered(items),
        far.try_imap_stream(stream::iter(items)),
        far.try_imap_stream_unordered(stream::iter(items)),
    ];
    for mut map in maps {
        let mut sum = 0;
        for _ in 0..2 {
            sum += timeout(DEADLINE, map.next()).await.unwrap().unwrap().unwrap();
        }
        assert_eq!(sum, 6);
        let error = timeout(DEADLINE, map.next()).await.unwrap().unwrap().unwrap_err();
        assert!(matches!(error, TryMapError::Source("the disk is gone")));
        assert!(timeout(DEADLINE, map.next()).await.unwrap().is_none());
    }
    assert_eq!(here.executions(), 8);
    // A result that is lost is an error of its job.
    let mut lost = double::on(&Here::new()).try_imap([Ok(1), Err("the end")]);
    let error = timeout(DEADLINE, lost.next()).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error, TryMapError::Job(error) if error.is_lost()));
    let error = timeout(DEADLINE, lost.next()).await.unwrap().unwrap().unwrap_err();
    assert!(matches!(error, TryMapError::Source("the end")));
}

#[tokio::test]
async fn the_results_of_an_unordered_map_tell_which_item_they_belong_to() {
    let urls = ["/a", "/b", "/c", "/d"];
    let far = fetch::on(&here());
    let mut pages = far.imap_unordered(urls.map(String::from), [1, 13, 3, 100]).indexed();
    let mut seen = [false; 4];
    while let Some((index, page)) = timeout(DEADLINE, pages.next()).await.unwrap() {
        assert!(!std::mem::replace(&mut seen[index], true));
        match page {
            Ok(Ok(page)) => assert_eq!(page.url, urls[index]),
            Ok(Err(_)) => assert_eq!(index, 3),
            Err(error) => assert!(index == 1 && error.is_panic()),
        }
    }
    assert_eq!(seen, [true; 4]);
}

#[tokio::test]
async fn the_first_error_of_a_job_stops_a_map_that_is_collected() {
    let here = here();
    let far = fetch::on(&here);
    let pages = far.imap(["/a", "/b"].map(String::from), [1, 2]).try_collect::<Vec<_>>();
    let pages = timeout(DEADLINE, pages).await.unwrap().unwrap();
    assert_eq!(pages.iter().map(|page| &*page.url).collect::<Vec<_>>(), ["/a", "/b"]);
    let urls = std::iter::repeat_with(|| "/".to_owned());
    let failed = far.imap(urls, 95..).try_collect::<Vec<_>>();
    assert_eq!(timeout(DEADLINE, failed).await.unwrap().unwrap_err(), "100 is too deep");
    let mut depths = Vec::new();
    let stopped = far.imap(urls, 95..).try_for_each(|page| {
        depths.push(page.links["//a"]);
        std::future::ready(Ok::<_, String>(()))
    });
    assert_eq!(timeout(DEADLINE, stopped).await.unwrap().unwrap_err(), "100 is too deep");
    assert!(depths.into_iter().eq((95..100).map(Some)));
}

#[tokio::test]
#[should_panic(expected = "depth 13 is unlucky")]
async fn a_panic_resumes_where_a_map_is_collected() {
    let pages = fetch::on(&here()).imap(["/a".to_owned()], [13]).try_collect::<Vec<_>>();
    let _ = timeout(DEADLINE, pages).await;
}

#[tokio::test]
async fn local_and_far_jobs_have_handles_of_one_type() {
    let here = here();
    let (near, far) = (fetch::pool(), fetch::on(&here));
    let calls = || ["a", "b", "c"].into_iter().zip([1, 13, 100]);
    let mut threads: Vec<GreenThread<Result<Page, String>>> = Vec::new();
    for (url, depth) in calls() {
        threads.push(near.spawn(fetch(url.into(), depth)).await);
        threads.push(far.spawn(url.into(), depth).await);
    }
    for thread in &threads {
        let id = thread.id();
        assert_eq!(thread.abort_handle().id(), id);
    }
    let mut threads = threads.into_iter();
    while let (Some(here), Some(there)) = (threads.next(), threads.next()) {
        let id = there.id();
        match (here.await, there.await) {
            (Ok(here), Ok(there)) => assert_eq!(here, there),
            (Err(here), Err(there)) => {
                assert_eq!((here.to_string(), there.id()), (there.to_string(), Some(id)), "the error names its job");
            }
            (here, there) => panic!("{here:?} here, {there:?} there"),
        }
    }
}

#[tokio::test]
async fn the_value_of_a_thread_is_its_output() {
    let far = double::on(&here());
    assert_eq!(timeout(DEADLINE, far.spawn(4).await.value()).await.unwrap(), 8);
}

#[tokio::test]
#[should_panic(expected = "depth 13 is unlucky")]
async fn the_panic_of_a_job_resumes_where_its_value_is_awaited() {
    let _ = timeout(DEADLINE, fetch::on(&here()).spawn("/".into(), 13).await.value()).await;
}

#[tokio::test]
#[should_panic(expected = "the job was refused: `double` is not served here")]
async fn a_lost_result_has_no_value() {
    timeout(DEADLINE, double::on(&Here::new()).spawn(1).await.value()).await.unwrap();
}

#[tokio::test]
#[should_panic(expected = "depth 13 is unlucky")]
async fn the_panic_of_a_job_resumes_in_the_consumer_of_a_maps_values() {
    let far = fetch::on(&here());
    let mut pages = far.imap(["/a", "/b"].map(String::from), [1, 13]).values();
    while timeout(DEADLINE, pages.next()).await.unwrap().is_some() {}
}

#[tokio::test]
async fn a_map_over_two_iterables_zips_them_and_panics_stay_where_they_are() {
    let far = fetch::on(&here());
    let mut pages = far.imap(["/a", "/b", "/c"].map(String::from), [12, 13, 14]);
    assert_eq!(pages.next().await.unwrap().unwrap().unwrap().url, "/a");
    let error = pages.next().await.unwrap().unwrap_err();
    assert!(error.is_panic() && !error.is_cancelled() && !error.is_lost());
    assert_eq!(error.to_string(), "the job panicked: depth 13 is unlucky");
    assert_eq!(error.into_panic().downcast_ref::<String>().unwrap(), "depth 13 is unlucky");
    assert_eq!(pages.next().await.unwrap().unwrap().unwrap().url, "/c");
    assert!(pages.next().await.is_none());
}

#[tokio::test]
async fn the_name_on_the_wire_is_the_one_of_the_attribute() {
    let error = fetch::on(&Here::new()).call("/".into(), 1).await.unwrap_err();
    let why = "`fetch-page` is not served here".to_owned();
    assert_eq!(error.lost(), Some(&Lost::Refused { why }));
    assert!(error.is_lost() && !error.is_cancelled() && !error.is_panic());
}

#[tokio::test]
async fn a_full_window_gives_the_arguments_back() {
    let far = wait::on(&here()).window(1);
    let other = double::on(&here()).window(1);
    let first = far.spawn().await;
    timeout(DEADLINE, STARTED.acquire()).await.unwrap().unwrap().forget();
    assert!(matches!(far.try_spawn(), Err(TrySpawnError::Full(()))));
    let held = other.try_spawn(1).unwrap();
    assert_eq!(other.try_spawn(7).unwrap_err().into_inner(), (7,));
    assert_eq!(held.await.unwrap(), 2);
    GATE.add_permits(1);
    timeout(DEADLINE, first).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_run_keeps_its_results_until_they_are_forgotten() {
    let here = here();
    let far = double::on(&here);
    let sum = async |items: std::ops::Range<u64>| {
        let mut doubles = far.run("nightly").imap(items);
        let mut sum = 0;
        while let Some(double) = doubles.next().await {
            sum += double.unwrap();
        }
        sum
    };
    assert_eq!(sum(0..10).await, 90);
    assert_eq!(sum(0..12).await, 132);
    assert_eq!(here.executions(), 12);
    let other = far.run("nightly").spawn(5).await.await.unwrap_err();
    assert_eq!(other.lost(), Some(&Lost::OtherArguments));
    assert_eq!(far.forget("nightly").await, Ok(12));
    assert_eq!(sum(0..1).await, 0);
    assert_eq!(here.executions(), 13);
}

#[tokio::test]
async fn a_refused_try_spawn_leaves_no_gap_in_a_run() {
    let here = here();
    let far = double::on(&here).window(1);
    let run = far.run("gap");
    let first = run.try_spawn(1).unwrap();
    assert!(run.try_spawn(2).is_err());
    assert_eq!(first.await.unwrap(), 2);
    assert_eq!(run.spawn(3).await.await.unwrap(), 6);
    assert_eq!(far.run("gap").starmap([(1,), (3,)]).next().await.unwrap().unwrap(), 2);
    assert_eq!(far.forget("gap").await, Ok(2));
}

#[tokio::test]
async fn each_job_runs_twice_and_the_first_result_counts() {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    #[green_pool(size = 1, remote)]
    async fn count() -> (usize, u64) {
        (CALLS.fetch_add(1, Ordering::Relaxed), job().unwrap().delivery)
    }
    let here = Here::new().serve(count::handler()).run_twice();
    assert_eq!(count::on(&here).call().await.unwrap(), (0, 1));
    assert_eq!(count::on(&here).call().await.unwrap(), (2, 1));
    assert_eq!(CALLS.load(Ordering::Relaxed), 4);
}

#[tokio::test]
async fn a_job_that_waits_for_a_job_of_the_cluster_is_refused() {
    let here = Here::new().serve(recursive::handler());
    let text = recursive::on(&here).call(1).await.unwrap();
    assert_eq!(text, Lost::InAJob.to_string());
}

#[tokio::test]
async fn an_output_that_cannot_be_written_is_lost() {
    #[derive(Clone)]
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("not today"))
        }
    }
    impl<'de> Deserialize<'de> for Broken {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(Broken)
        }
    }
    #[green_pool(size = 1, remote)]
    async fn broken() -> Broken {
        Broken
    }
    #[green_pool(size = 1, remote)]
    async fn take(_broken: Broken) {}
    let here = Here::new().serve(broken::handler()).serve(take::handler());
    let error = broken::on(&here).call().await.map(drop).unwrap_err();
    assert!(matches!(error.lost(), Some(Lost::Unreadable { what: Part::Output, .. })), "{error}");
    let error = take::on(&here).call(Broken).await.unwrap_err();
    assert!(matches!(error.lost(), Some(Lost::Unreadable { what: Part::Arguments, .. })), "{error}");
    assert!(matches!(take::on(&here).spawn_n(Broken).await, Err(Lost::Unreadable { .. })));
}

#[tokio::test]
async fn a_dropped_map_cancels_its_jobs() {
    static ALIVE: std::sync::LazyLock<Arc<()>> = std::sync::LazyLock::new(Arc::default);
    static BEGUN: Semaphore = Semaphore::const_new(0);
    #[green_pool(size = 3, remote)]
    async fn hold(_n: u32) {
        let _alive = ALIVE.clone();
        BEGUN.add_permits(1);
        std::future::pending::<()>().await;
    }
    let here = Here::new().serve(hold::handler());
    let map = hold::on(&here).imap(0..100);
    timeout(DEADLINE, BEGUN.acquire_many(3)).await.unwrap().unwrap().forget();
    assert_eq!(Arc::strong_count(&ALIVE), 4);
    drop(map);
    timeout(DEADLINE, async {
        while Arc::strong_count(&ALIVE) > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    assert_eq!(here.executions(), 3);
}

/// Cannot travel, and counts its clones.
#[derive(Default)]
struct Db {
    rows: Arc<std::sync::Mutex<Vec<String>>>,
    clones: Arc<AtomicUsize>,
}

impl Clone for Db {
    fn clone(&self) -> Self {
        self.clones.fetch_add(1, Ordering::Relaxed);
        Db { rows: self.rows.clone(), clones: self.clones.clone() }
    }
}

#[green_pool(size = 2, remote)]
async fn store(before: u32, #[shared] db: Db, row: String) -> usize {
    let mut rows = db.rows.lock().unwrap();
    rows.push(format!("{before} {row}"));
    rows.len()
}

#[tokio::test]
async fn each_job_gets_a_clone_of_what_its_worker_has() {
    let (db, local) = (Db::default(), Db::default());
    let here = Here::new().serve(store::handler(db.clone()));
    let far = store::on(&here);
    assert_eq!(far.spawn(1, "a".into()).await.await.unwrap(), 1);
    assert_eq!(far.call(2, "b".into()).await.unwrap(), 2);
    let mut counts = far.window(1).imap([3, 4], ["c", "d"].map(String::from));
    assert_eq!(counts.next().await.unwrap().unwrap(), 3);
    assert_eq!(counts.next().await.unwrap().unwrap(), 4);
    assert_eq!(far.starmap([(5, "e".to_owned())]).next().await.unwrap().unwrap(), 5);
    assert_eq!(*db.rows.lock().unwrap(), ["1 a", "2 b", "3 c", "4 d", "5 e"]);
    assert_eq!(db.clones.load(Ordering::Relaxed), 6);
    // Without the engine it is an argument like any other.
    assert_eq!(store(6, local.clone(), "f".into()).await, 1);
    assert_eq!(store::spawn(7, local.clone(), "g".into()).await.await.unwrap(), 2);
    let mut counts = store::imap([8], local.clone(), ["h".to_owned()]);
    assert_eq!(counts.next().await.unwrap().unwrap(), 3);
    assert_eq!(*local.rows.lock().unwrap(), ["6 f", "7 g", "8 h"]);
}

#[tokio::test]
async fn the_size_and_what_runs_can_be_looked_at_and_the_size_set() {
    let here = here();
    let far = double::on(&here);
    far.resize(7).await.unwrap();
    let mut doubles = far.imap(0..5);
    while let Some(double) = doubles.next().await {
        double.unwrap();
    }
    let stats = far.stats().await.unwrap();
    assert_eq!((stats.size, stats.running, stats.waiting, stats.dead), (7, 0, 0, 0));
    let [worker] = &stats.workers[..] else { panic!("{stats:?}") };
    assert_eq!((worker.places, worker.running, worker.done, worker.failed, worker.draining), (2, 0, 5, 0, false));
    let not_served = double::on(&Here::new());
    let why = "`double` is not served here".to_owned();
    assert_eq!(not_served.resize(1).await, Err(Lost::Refused { why: why.clone() }));
    assert_eq!(not_served.stats().await, Err(Lost::Refused { why }));
}

#[tokio::test]
#[should_panic(expected = "a size is from 1 to 100,000, and not 0")]
async fn a_size_of_0_is_refused() {
    let _ = double::on(&here()).resize(0).await;
}

#[test]
#[should_panic(expected = "::vast` is from 1 to 100,000, and not 100001")]
fn a_size_that_a_farm_cannot_have_is_refused() {
    #[green_pool(size = 100_001, remote)]
    async fn vast() {}
    let _ = vast::handler();
}

#[test]
#[should_panic(expected = "are both called `double` on the wire")]
fn one_name_on_the_wire_cannot_be_served_twice() {
    mod other {
        #[greenpool::green_pool(size = 1, remote)]
        pub(super) async fn double(n: u64) -> u64 {
            n
        }
    }
    let _ = here().serve(other::double::handler());
}
