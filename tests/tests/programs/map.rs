//! Executes maps.

use futures::StreamExt;
use futures::future::BoxFuture;
use greenpool::GreenMap;

use crate::act::yield_times;
use crate::declared::{keyed, left, right};
use crate::job::{Actor, Body, planned_panic};
use crate::program::{End, Fault, Map, Pool, Taken, Verb};
use crate::world::Value;

pub(crate) async fn run(actor: &Actor, map: Map) {
    let (taken, fault, jobs) = (map.taken, map.fault, map.jobs.len());
    let chained = matches!(map.verb, Verb::Chained(_));
    let mut results = start(actor, &map);
    let limit = taken.limit();
    let mut count = 0;
    while count < limit && results.next().await.is_some() {
        count += 1;
    }
    if let Taken::ThenDetached(_) = taken {
        results.detach();
    } else if let (Taken::ThenStopped(_), true) = (taken, count == limit) {
        results.stop();
        while results.next().await.is_some() {}
    } else if count < limit && !chained && !actor.world.is_cut_short() {
        let read = match fault {
            Some(Fault::Source(at)) if at < jobs => at + 1,
            _ => jobs,
        };
        if count != read {
            actor.world.report(format!("a map over {read} items yielded {count} results"));
        }
    }
}

fn start(actor: &Actor, map: &Map) -> GreenMap<Value> {
    let pool = actor.world.pool(map.pool);
    let (window, verb) = (map.window, map.verb);
    let function_panics = match map.fault {
        Some(Fault::Function(at)) => Some(at),
        _ => None,
    };
    let declared = actor.world.is_declared(map.pool) && function_panics.is_none();
    let is_bomb = map.jobs.iter().any(|job| job.end == End::PanicInDrop);
    let has_keys = pool.per_key().is_some() && function_panics.is_none() && !is_bomb;
    let mut made = 0;
    let make = move |body: Body| {
        made += 1;
        if Some(made - 1) == function_panics {
            planned_panic();
        }
        body.run()
    };
    let source = source(actor, map);
    let results = match verb {
        Verb::Imap if declared => left::imap(source),
        Verb::ImapUnordered if declared => right::imap_unordered(source),
        Verb::Starmap if declared => right::starmap(source.map(|body| (body,))),
        Verb::StarmapUnordered if declared => left::starmap_unordered(source.map(|body| (body,))),
        Verb::Imap if has_keys => keyed::on(pool).imap(source.map(Body::keyed)),
        Verb::ImapUnordered if has_keys => keyed::on(pool).imap_unordered(source.map(Body::keyed)),
        Verb::ImapStream if has_keys => keyed::on(pool).imap_stream(slow(source.map(Body::keyed))),
        Verb::Imap => pool.imap(make, source),
        Verb::ImapUnordered => pool.imap_unordered(make, source),
        Verb::Starmap => pool.starmap(make, source.map(|body| (body,))),
        Verb::StarmapUnordered => pool.starmap_unordered(make, source.map(|body| (body,))),
        Verb::ImapStream => pool.imap_stream(make, slow(source)),
        Verb::ImapStreamUnordered => pool.imap_stream_unordered(make, slow(source)),
        Verb::Chained(inner) => chain(actor, map.pool, inner, make, source),
    };
    match window {
        Some(window) => results.window(window),
        None => results,
    }
}

fn source(actor: &Actor, map: &Map) -> impl Iterator<Item = Body> + Send + 'static {
    let (world, pool) = (actor.world.clone(), map.pool);
    let panics = match map.fault {
        Some(Fault::Source(at)) => Some(at),
        _ => None,
    };
    let value = world.value();
    map.jobs.clone().into_iter().enumerate().map(move |(at, job)| {
        let _ = &value;
        if Some(at) == panics {
            planned_panic();
        }
        Body::new(&world, pool, job)
    })
}

/// A source that is pending once before each item.
fn slow<T: Send>(source: impl Iterator<Item = T> + Send) -> impl futures::Stream<Item = T> + Send {
    futures::stream::iter(source).then(|item| async {
        yield_times(1).await;
        item
    })
}

/// Passes each item through a job of another pool first.
fn chain(
    actor: &Actor,
    pool: Pool,
    inner: Pool,
    make: impl FnMut(Body) -> BoxFuture<'static, Value> + Send + 'static,
    source: impl Iterator<Item = Body> + Send + 'static,
) -> GreenMap<Value> {
    let world = actor.world.clone();
    let pass = move |body: Body| {
        let world = world.clone();
        async move {
            world.finished(inner);
            body
        }
    };
    let passed = actor.world.pool(inner).imap(pass, source).filter_map(|result| async { result.ok() });
    actor.world.pool(pool).imap_stream(make, Box::pin(passed))
}
