//! What a scenario has created so far, and what has been observed of it.

use std::collections::{BTreeMap, HashMap};
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Poll, Waker};

use futures::future::{BoxFuture, Shared};
use futures::{Stream, StreamExt};
use greenpool::{AbortHandle, GreenMap, GreenPile, GreenPool, JoinError};
use serde_json::{Value, json};

use crate::format::{Counters, JobSpec, MapSeen, Observation, PileSeen};

/// A handle to one scenario's state. Every driver, job and source holds a clone.
#[derive(Clone)]
pub(crate) struct World(Arc<Mutex<State>>);

/// The state behind a [`World`].
#[derive(Default)]
pub(crate) struct State {
    pub(crate) specs: BTreeMap<String, JobSpec>,
    pub(crate) pools: BTreeMap<String, GreenPool>,
    pub(crate) maps: HashMap<String, Arc<Consumer<GreenMap<Value>>>>,
    pub(crate) piles: HashMap<String, Arc<Consumer<GreenPile<Value>>>>,
    pub(crate) handles: HashMap<String, Handle>,
    pub(crate) drivers: HashMap<String, tokio::task::AbortHandle>,
    gates: HashMap<String, Gate>,
    pub(crate) seen: Observation,
}

/// The handle that `spawn` returned for a job. A `GreenThread` can be awaited once. Scripts can join a job repeatedly.
#[derive(Clone)]
pub(crate) struct Handle {
    pub(crate) result: Shared<BoxFuture<'static, Value>>,
    pub(crate) abort: AbortHandle,
}

#[derive(Default)]
struct Gate {
    set: Option<Signal>,
    waiting: Option<Waker>,
}

/// What a gate was set to.
#[derive(Clone, Copy)]
pub(crate) enum Signal {
    Open,
    Fail,
}

impl World {
    pub(crate) fn new(specs: BTreeMap<String, JobSpec>) -> Self {
        World(Arc::new(Mutex::new(State { specs, ..State::default() })))
    }

    /// Locks the state. The lock is never held while a call, poll or drop of greenpool's may run a job's code.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no step panics while it holds the state")
    }

    pub(crate) fn pool(&self, name: &str) -> GreenPool {
        self.state().pools[name].clone()
    }

    pub(crate) fn started(&self, job: &str) {
        self.state().seen.started.push(job.to_owned());
    }

    pub(crate) fn finished(&self, job: &str, how: &str) {
        self.state().seen.finished.push((job.to_owned(), how.to_owned()));
    }

    pub(crate) fn set_gate(&self, job: &str, signal: Signal) {
        let waker = {
            let mut state = self.state();
            let gate = state.gates.entry(job.to_owned()).or_default();
            gate.set = Some(signal);
            gate.waiting.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) async fn gate(&self, job: &str) -> Signal {
        poll_fn(|cx| {
            let mut state = self.state();
            let gate = state.gates.entry(job.to_owned()).or_default();
            gate.set.map_or_else(
                || {
                    gate.waiting = Some(cx.waker().clone());
                    Poll::Pending
                },
                Poll::Ready,
            )
        })
        .await
    }

    /// What can be observed now.
    pub(crate) fn observe(&self) -> Observation {
        let state = self.state();
        let pools = state.pools.iter().map(|(name, pool)| (name.clone(), counters(pool))).collect();
        Observation { pools, ..state.seen.clone() }
    }

    /// Drops everything, which breaks the reference cycle between the world and the sources of its maps.
    pub(crate) fn clear(&self) {
        let state = std::mem::take(&mut *self.state());
        drop(state);
    }
}

impl State {
    pub(crate) fn map_seen(&mut self, map: &str) -> &mut MapSeen {
        self.seen.maps.entry(map.to_owned()).or_default()
    }

    pub(crate) fn pile_seen(&mut self, pile: &str) -> &mut PileSeen {
        self.seen.piles.entry(pile.to_owned()).or_default()
    }
}

/// Reads a pool's three counters.
pub(crate) fn counters(pool: &GreenPool) -> Counters {
    let count = |n: usize| i64::try_from(n).expect("a small number");
    Counters {
        free: i64::try_from(pool.free()).expect("a small number"),
        running: count(pool.running()),
        waiting: count(pool.waiting()),
    }
}

/// A map or a pile that several consumers read in turn.
///
/// `next` takes `&mut self`, so the consumers of a script take turns, first come, first served. The stream itself is
/// only locked during a poll, so that a producer can reach the pile while a consumer waits.
pub(crate) struct Consumer<S> {
    turn: tokio::sync::Mutex<()>,
    stream: Mutex<S>,
}

impl<S> Consumer<S> {
    pub(crate) fn new(stream: S) -> Arc<Self> {
        Arc::new(Consumer { turn: tokio::sync::Mutex::new(()), stream: Mutex::new(stream) })
    }

    pub(crate) fn stream(&self) -> MutexGuard<'_, S> {
        self.stream.lock().expect("the stream never panics")
    }
}

impl<S: Stream<Item = Result<Value, JoinError>> + Unpin> Consumer<S> {
    pub(crate) async fn next(&self) -> Value {
        let _turn = self.turn.lock().await;
        match poll_fn(|cx| self.stream().poll_next_unpin(cx)).await {
            Some(result) => outcome(result),
            None => json!({"end": true}),
        }
    }
}

/// The panic payload of a failing job.
pub(crate) struct Raised(pub(crate) String);

/// The panic payload of a failing source.
pub(crate) struct SourceRaised(pub(crate) Value);

/// A job's result in the format of the traces.
pub(crate) fn outcome(result: Result<Value, JoinError>) -> Value {
    let error = match result {
        Ok(value) => return json!({"ok": value}),
        Err(error) => error,
    };
    if error.is_cancelled() {
        return json!({"killed": true});
    }
    let payload = match error.into_panic().downcast::<Raised>() {
        Ok(raised) => return json!({"error": raised.0}),
        Err(payload) => payload,
    };
    match payload.downcast::<SourceRaised>() {
        Ok(raised) => json!({"source_error": raised.0}),
        Err(payload) => std::panic::resume_unwind(payload),
    }
}
