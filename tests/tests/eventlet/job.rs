//! The jobs of the scripts, and the sources that maps read.

use std::panic::resume_unwind;

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::Value;

use crate::format::Mode;
use crate::world::{Raised, Signal, SourceRaised, World};

/// Creates the future of one job, which records when it starts and how it ends.
///
/// Boxed, since a job's operations create more jobs.
pub(crate) fn job(world: &World, id: &str, extra: Vec<Value>) -> BoxFuture<'static, Value> {
    let spec = world.state().specs.get(id).cloned().unwrap_or_default();
    let mut life = Life { world: world.clone(), job: id.to_owned(), started: false, finished: false };
    async move {
        life.start();
        life.world.perform_all(&life.job, &spec.ops).await;
        let signal = match spec.mode {
            Mode::Ok => Signal::Open,
            Mode::Fail => Signal::Fail,
            Mode::Gate => life.world.gate(&life.job).await,
        };
        match signal {
            Signal::Open => life.finish("ok"),
            Signal::Fail => {
                life.finish("error");
                // Unlike `panic!`, this does not run the panic hook, which would print each planned failure.
                resume_unwind(Box::new(Raised(life.job.clone())));
            }
        }
        value(&life.job, extra)
    }
    .boxed()
}

/// The value of a job: its id, or a list of its id and the extra arguments.
fn value(id: &str, extra: Vec<Value>) -> Value {
    let id = Value::from(id);
    if extra.is_empty() {
        return id;
    }
    Value::Array(std::iter::once(id).chain(extra).collect())
}

/// Records the end of a job, even if its future is dropped.
struct Life {
    world: World,
    job: String,
    started: bool,
    finished: bool,
}

impl Life {
    fn start(&mut self) {
        self.started = true;
        self.world.started(&self.job);
    }

    fn finish(&mut self, how: &str) {
        self.finished = true;
        self.world.finished(&self.job, how);
    }
}

impl Drop for Life {
    fn drop(&mut self) {
        // A spawn that was cancelled in the queue never became a job. With a handle it did, even if it has not started.
        let admitted = self.started || self.world.state().handles.contains_key(&self.job);
        if admitted && !self.finished {
            self.finish("killed");
        }
    }
}

/// The call that a map makes for one item of its sources.
pub(crate) fn call(world: &World, run_jobs: bool, args: Vec<Value>) -> BoxFuture<'static, Value> {
    if !run_jobs {
        return async move { Value::Array(args) }.boxed();
    }
    let mut args = args.into_iter();
    let id = args.next().expect("a map's function has an argument");
    job(world, id.as_str().expect("the first argument is a job's id"), args.collect())
}

/// A source of a map, which records how far it has been read.
pub(crate) struct Source {
    world: World,
    map: String,
    index: usize,
    items: std::vec::IntoIter<Value>,
}

impl Source {
    pub(crate) fn new(world: &World, map: &str, index: usize, items: Vec<Value>) -> Self {
        {
            let mut state = world.state();
            let seen = state.map_seen(map);
            seen.pulled.push(0);
            seen.ended.push(false);
        }
        Source { world: world.clone(), map: map.to_owned(), index, items: items.into_iter() }
    }
}

impl Iterator for Source {
    type Item = Value;

    fn next(&mut self) -> Option<Value> {
        let item = self.items.next();
        if let Some(error) = item.as_ref().and_then(|item| item.get("raise")) {
            resume_unwind(Box::new(SourceRaised(error.clone())));
        }
        let mut state = self.world.state();
        let seen = state.map_seen(&self.map);
        match item {
            Some(_) => seen.pulled[self.index] += 1,
            None => seen.ended[self.index] = true,
        }
        drop(state);
        item
    }

    /// The sources in the scripts are lists, so their length is known.
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.items.size_hint()
    }
}
