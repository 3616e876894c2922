//! Verbs that begin in one place and go on in another: in another runtime, in none, and in the destructors of
//! thread-locals.

use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures::future::{BoxFuture, ready};
use greenpool::{GreenPile, GreenPool, inherit, lend, pile};
use greenpool_tests::{Gate, with_deadline};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// What goes on elsewhere. Its job, if it has one, waits for the gate.
type Verb = fn(GreenPool, Gate) -> BoxFuture<'static, ()>;

/// Each verb, pending in a pool of 1 that is full until the gate opens.
const VERBS: [(&str, Verb); 12] = [
    ("spawn", |pool, _| Box::pin(async move { drop(pool.spawn(yield_now()).await.await) })),
    ("spawn_n", |pool, _| Box::pin(async move { pool.spawn_n(yield_now()).await })),
    ("a handle", |pool, gate| {
        Box::pin(async move {
            let green = pool.spawn(gate.opened()).await;
            drop(green.await);
        })
    }),
    ("imap", |pool, _| {
        Box::pin(async move { while pool.imap(ready::<u32>, [1, 2]).next().await.is_some_and(|n| n.is_err()) {} })
    }),
    ("imap_stream", |pool, _| {
        Box::pin(async move {
            let mut map = pool.imap_stream(ready::<u32>, futures::stream::iter([1, 2]));
            while map.next().await.is_some() {}
        })
    }),
    ("a pile", |pool, _| {
        Box::pin(async move {
            let mut pile = GreenPile::on(&pool);
            pile.spawn(yield_now()).await;
            drop(pile.next().await);
        })
    }),
    ("next_unordered", |pool, _| {
        Box::pin(async move {
            let mut pile = GreenPile::on(&pool);
            pile.spawn(yield_now()).await;
            drop(pile.next_unordered().await);
        })
    }),
    ("pile!", |pool, _| Box::pin(async move { drop(pile![in pool; yield_now(), yield_now()].join().await) })),
    ("slot", |pool, _| Box::pin(async move { drop(pool.slot().await) })),
    ("waitall", |pool, _| Box::pin(async move { pool.waitall().await })),
    ("lend", |_, gate| Box::pin(lend(async move { gate.opened().await }))),
    ("shutdown", |pool, _| {
        Box::pin(async move {
            pool.shutdown(Duration::from_hours(1)).await;
        })
    }),
];

async fn poll_once(verb: &mut BoxFuture<'static, ()>) {
    poll_fn(|cx| Poll::Ready(verb.as_mut().poll(cx).is_ready())).await;
}

/// Where a verb goes on.
#[derive(Clone, Copy, Debug)]
enum Place {
    OtherRuntime,
    NoRuntime,
    /// In a job of another pool.
    Job,
}

fn go_on(place: Place, verb: BoxFuture<'static, ()>, here: &Runtime) {
    match place {
        Place::OtherRuntime => runtime().block_on(verb),
        Place::NoRuntime => futures::executor::block_on(verb),
        Place::Job => here.block_on(async { GreenPool::new(1).spawn(verb).await.await.unwrap() }),
    }
}

#[test]
fn a_verb_can_go_on_anywhere_and_loses_no_slot() {
    with_deadline(|| {
        let rt = runtime();
        for (name, verb) in VERBS {
            for place in [Place::OtherRuntime, Place::NoRuntime, Place::Job] {
                for ends in [false, true] {
                    let (pool, gate, first) = (GreenPool::new(1), Gate::new(), runtime());
                    rt.block_on(pool.spawn_n(gate.clone().opened()));
                    let mut verb = verb(pool.clone(), gate.clone());
                    first.block_on(poll_once(&mut verb));
                    if ends {
                        drop(first);
                    }
                    gate.open();
                    let message = caught(|| go_on(place, verb, &rt)).err();
                    let is_clear = message.as_ref().is_none_or(|message| message.contains("Tokio 1.x"));
                    assert!(is_clear, "{name}, {place:?}, {ends}: {message:?}");
                    rt.block_on(pool.waitall());
                    assert_eq!((pool.running(), pool.waiting(), pool.free()), (0, 0, 1), "{name}, {place:?}, {ends}");
                }
            }
        }
    });
}

/// The message of a panic, if it panics.
fn caught<R>(f: impl FnOnce() -> R) -> Result<R, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|why| {
        let text = why.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| why.downcast_ref::<String>().cloned()).unwrap_or_default()
    })
}

#[test]
fn a_part_that_outlives_its_job_is_outside_of_it() {
    with_deadline(|| {
        runtime().block_on(async {
            let (pool, gate) = (GreenPool::new(1), Gate::new());
            let (inside, closed) = (pool.clone(), gate.clone());
            let job = pool.spawn(async move {
                let part = inherit(async move {
                    closed.opened().await;
                    inside.waitall().await;
                    inside.spawn(yield_now()).await.await.unwrap();
                    let mut map = inside.imap(ready::<u32>, [1, 2]);
                    while map.next().await.is_some() {}
                    drop(inside.slot().await.unwrap());
                    inside.abort_all().await;
                });
                (tokio::spawn(part),)
            });
            let (part,) = job.await.await.unwrap();
            gate.open();
            part.await.unwrap();
            assert_eq!((pool.running(), pool.free(), pool.stats().overflowed), (0, 1, 0));
        });
    });
}

/// What a thread leaves for its end.
struct AtEnd(Vec<Box<dyn FnOnce()>>);

impl Drop for AtEnd {
    fn drop(&mut self) {
        self.0.drain(..).for_each(|act| act());
    }
}

thread_local! {
    static AT_END: RefCell<AtEnd> = const { RefCell::new(AtEnd(Vec::new())) };
}

/// What a destructor does with a pool.
const ACTS: [(&str, fn(&GreenPool)); 9] = [
    ("stats", |pool| assert_eq!((pool.size(), pool.stats().panicked), (1, 0))),
    ("resize", |pool| (pool.resize(2), pool.resize(1)).0),
    ("try_spawn", |pool| drop(pool.try_spawn(ready(1)))),
    ("queue", |pool| pool.queue(ready(2))),
    ("spawn", |pool| {
        let mut spawn = Box::pin(pool.spawn(ready(3)));
        let _ = spawn.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }),
    ("imap", |pool| drop(pool.imap(ready::<u32>, [1]))),
    ("pile!", |pool| drop(pile![in pool; ready(1), ready(2)])),
    ("slot", |pool| drop(pool.try_slot())),
    ("waitall", |pool| {
        let _ = Box::pin(pool.waitall()).as_mut().poll(&mut Context::from_waker(Waker::noop()));
    }),
];

#[test]
fn a_pool_can_be_used_in_the_destructor_of_a_thread_local() {
    with_deadline(|| {
        let rt = runtime();
        for (name, act) in ACTS {
            for early in [true, false] {
                let pool = GreenPool::new(1);
                let (handle, pool_in) = (rt.handle().clone(), pool.clone());
                let (tell, told) = std::sync::mpsc::channel();
                let end = std::thread::spawn(move || {
                    let use_thread_locals = || handle.block_on(async { pool_in.spawn(ready(0)).await.await.unwrap() });
                    let (handle, pool) = (handle.clone(), pool_in.clone());
                    let at_end: Box<dyn FnOnce()> = Box::new(move || {
                        // tokio may not let it enter any longer.
                        let entered = caught(|| handle.enter()).ok();
                        let _ = tell.send(caught(|| act(&pool)).map_err(|message| (message, entered.is_some())));
                    });
                    if early {
                        // What is used first is dropped last.
                        AT_END.with_borrow_mut(|end| end.0.push(at_end));
                        use_thread_locals();
                    } else {
                        use_thread_locals();
                        AT_END.with_borrow_mut(|end| end.0.push(at_end));
                    }
                });
                end.join().unwrap();
                if let Err((message, entered)) = told.recv().expect("the destructor has run") {
                    assert!(!entered && message.contains("Tokio"), "{name}, {early}: {message}");
                }
                rt.block_on(pool.waitall());
                assert_eq!((pool.running(), pool.waiting(), pool.free()), (0, 0, 1), "{name}, {early}");
            }
        }
    });
}
