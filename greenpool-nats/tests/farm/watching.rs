//! What a farm tells about itself.

use std::iter::repeat;

use greenpool::pile;

use crate::deadline::{soon, until};
use crate::events;
use crate::jobs::{new, old, square};
use crate::process::Process;
use crate::role::{Role, WorkerRole};
use crate::site::{Site, answering, empty};

crate::tests! {
    jobs_that_no_worker_serves_are_told_of,
    a_worker_tells_when_it_begins_and_ends,
    a_pile_on_a_farm_gives_what_its_jobs_give_and_cancels_them_when_it_is_dropped,
    the_functions_and_runs_of_a_farm_are_listed,
}

async fn jobs_that_no_worker_serves_are_told_of() {
    let site = Site::new();
    let _old = site.worker(4);
    let farm = site.farm().await;
    answering(&farm, 1).await;
    let served = farm.workers().await.unwrap().remove(0).functions;
    let served = served.into_iter().find(|served| served.name == "version").unwrap().signature;
    let far = new::version::on(&farm);
    let mut waiting = far.imap(0..3);
    let of_this_farm = || -> Vec<_> {
        events::with("unserved").into_iter().filter(|event| event.contains(&format!("served={served}"))).collect()
    };
    until("it to be told", async || !of_this_farm().is_empty()).await;
    let told = of_this_farm();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("function=version signature="), "{told:?}");
    // Jobs that have a worker are not told of.
    assert_eq!(soon("the old version", old::version::on(&farm).call(1)).await.unwrap(), 1);
    let _new = Process::start(&Role::Worker(WorkerRole { new: true, ..site.role(4) }));
    for n in 0..3 {
        assert_eq!(soon("the new version", waiting.next()).await.unwrap().unwrap(), (n, "new".to_owned()));
    }
}

async fn a_worker_tells_when_it_begins_and_ends() {
    let site = Site::new();
    let farm = site.farm().await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let worker = greenpool_nats::Worker::on(&farm).serve(old::version::handler());
    let working = tokio::spawn(worker.run_until(async { stopped.await.unwrap() }));
    answering(&farm, 1).await;
    let id = farm.workers().await.unwrap().remove(0).id;
    assert_eq!(soon("a job", old::version::on(&farm).call(1)).await.unwrap(), 1);
    stop.send(()).unwrap();
    soon("the worker to end", working).await.unwrap().unwrap();
    let told = events::with(&id);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("worker.start "), "{told:?}");
    assert!(told[1].starts_with("worker.stop ") && told[1].contains("report=1 done, 0 failed"), "{told:?}");
}

async fn a_pile_on_a_farm_gives_what_its_jobs_give_and_cancels_them_when_it_is_dropped() {
    let site = Site::new();
    let _worker = site.worker(4);
    let farm = site.farm().await;
    let values = soon("a pile", pile![on farm; square(3, 0), old::version(7)].try_join()).await.unwrap();
    assert_eq!(values, (9, 7));
    let dropped = pile! { on farm; running: square(4, 60_000), other: square(5, 60_000) };
    site.begun(3).await;
    drop(dropped);
    empty(&farm, "square").await;
    until("the worker to stop them", async || farm.workers().await.unwrap()[0].running.is_empty()).await;
}

async fn the_functions_and_runs_of_a_farm_are_listed() {
    let site = Site::new();
    let worker = site.worker(4);
    let farm = site.farm().await;
    answering(&farm, 1).await;
    let far = square::on(&farm);
    let mut squares = far.run("nightly.1").imap(0..30, repeat(0));
    while let Some(square) = soon("a square", squares.next()).await {
        square.unwrap();
    }
    let runs = farm.runs().await.unwrap();
    let runs: Vec<_> = runs.iter().map(|run| (&*run.function, &*run.run, run.results)).collect();
    assert_eq!(runs, [("square", "nightly.1", 30)]);
    drop(worker);
    for n in 0..5 {
        soon("a job to be stored", far.spawn_n(n, 0)).await.unwrap();
    }
    let functions = farm.functions().await.unwrap();
    let square = functions.iter().find(|function| function.name == "square").unwrap();
    assert_eq!((square.size, square.waiting + square.running), (Some(40), 5));
    assert_eq!(functions.iter().filter(|function| function.name == "version").count(), 1);
    farm.resize("square", 12).await.unwrap();
    assert_eq!(far.stats().await.unwrap().size, 12);
    let error = farm.resize("squares", 12).await.unwrap_err();
    assert_eq!(error.to_string(), "the NATS server refused to resize a function: no worker has served `squares`");
    farm.remove_function("square", &square.signature).await.unwrap();
    assert!(farm.functions().await.unwrap().iter().all(|function| function.name != "square"));
    assert!(farm.remove_function("square", &square.signature).await.is_err());
}
