//! A running job of a program: whether it counts against the limit, and how it ends.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use greenpool::GreenThread;
use tokio::runtime::{Handle, RuntimeFlavor};

use crate::act;
use crate::program::{End, Job, Pool};
use crate::world::{Value, World};

/// The payload of planned panics.
pub(crate) struct Planned;

/// Panics without running the panic hook, which would print each planned panic.
pub(crate) fn planned_panic() -> ! {
    resume_unwind(Box::new(Planned))
}

/// What performs acts: the program's main task, or a job.
#[derive(Clone)]
pub(crate) struct Actor {
    pub(crate) world: World,
    life: Option<Arc<Life>>,
    /// Nothing else runs concurrently in the same task.
    alone: bool,
    /// It is in a poll that blocks its thread.
    in_place: bool,
}

/// A job, from its first poll to its end: how many of its parts are being polled.
struct Life {
    world: World,
    pool: Pool,
    /// Its key, if that is limited.
    key: Option<u8>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    polls: usize,
    /// Polls that block their threads, and need no slot any longer.
    in_place: usize,
    over: bool,
    counts: bool,
}

impl Life {
    /// Counts the job against the limit of its pool while it is being polled.
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        let counts = state.polls > state.in_place && !state.over;
        if counts != std::mem::replace(&mut state.counts, counts) {
            if counts {
                self.world.activate(self.pool);
                if let Some(key) = self.key {
                    self.world.activate_key(self.pool, key);
                }
            } else {
                self.world.deactivate(self.pool);
                if let Some(key) = self.key {
                    self.world.deactivate_key(self.pool, key);
                }
            }
        }
    }
}

/// A part of a job.
struct Part<F> {
    life: Option<Arc<Life>>,
    future: Pin<Box<F>>,
}

/// One poll of a part.
struct InPoll<'a>(&'a Life);

impl<'a> InPoll<'a> {
    fn begin(life: &'a Life) -> Self {
        life.change(|state| state.polls += 1);
        InPoll(life)
    }
}

impl Drop for InPoll<'_> {
    fn drop(&mut self) {
        self.0.change(|state| {
            state.polls -= 1;
            state.in_place = state.in_place.min(state.polls);
        });
    }
}

impl<F: Future> Future for Part<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let life = self.life.clone();
        let _poll = life.as_deref().map(InPoll::begin);
        self.future.as_mut().poll(cx)
    }
}

impl Actor {
    pub(crate) fn outside(world: &World) -> Self {
        Actor { world: world.clone(), life: None, alone: true, in_place: false }
    }

    /// The same actor, with or without concurrent work in the same task.
    pub(crate) fn concurrent(&self, others: bool) -> Self {
        Actor { alone: !others, ..self.clone() }
    }

    /// The same actor, in a poll that blocks its thread.
    pub(crate) fn in_place(&self) -> Self {
        Actor { in_place: true, ..self.clone() }
    }

    /// The same actor, in a task of its own.
    pub(crate) fn in_own_task(&self) -> Self {
        Actor { alone: true, in_place: false, ..self.clone() }
    }

    pub(crate) fn is_in_place(&self) -> bool {
        self.in_place
    }

    /// Whether this is a job of that pool.
    pub(crate) fn is_inside(&self, pool: Pool) -> bool {
        self.life.as_ref().is_some_and(|life| life.pool == pool)
    }

    /// Whether the actor can block its thread. That would block concurrent work in the same task, and a runtime that
    /// shuts down would wait for it.
    pub(crate) fn may_block(&self) -> bool {
        self.alone && self.world.may_block() && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread
    }

    /// A future that is part of the same job, in a task of its own.
    pub(crate) fn part<F: Future + Send>(&self, future: F) -> impl Future<Output = F::Output> + Send + use<F> {
        Part { life: self.life.clone(), future: Box::pin(future) }
    }

    /// The poll in progress is about to block its thread, and goes on without a slot if it has to.
    pub(crate) fn blocks_in_place(&self) {
        if let Some(life) = &self.life {
            life.change(|state| state.in_place += 1);
        }
    }
}

/// A job and its argument, before it starts.
pub(crate) struct Body {
    world: World,
    pool: Pool,
    job: Job,
    argument: Value,
    /// Whether its key is limited.
    keyed: bool,
    /// What the job awaits first.
    first: Option<BoxFuture<'static, GreenThread<Value>>>,
}

impl Body {
    pub(crate) fn new(world: &World, pool: Pool, job: Job) -> Self {
        Body { world: world.clone(), pool, job, argument: world.value(), keyed: false, first: None }
    }

    /// The same, begun with its key.
    pub(crate) fn keyed(self) -> Self {
        Body { keyed: self.world.pool(self.pool).per_key().is_some(), ..self }
    }

    /// The same, after that.
    pub(crate) fn after(self, first: Option<BoxFuture<'static, GreenThread<Value>>>) -> Self {
        Body { first, ..self }
    }

    /// The key of the job.
    pub(crate) fn key(&self) -> u8 {
        self.job.key
    }

    /// Whether it has an even number of acts, to choose one of two ways.
    pub(crate) fn is_even(&self) -> bool {
        self.job.acts.len().is_multiple_of(2)
    }

    /// Whether its future panics on drop, which an `async fn` must not contain.
    pub(crate) fn is_bomb(&self) -> bool {
        self.job.end == End::PanicInDrop
    }

    pub(crate) fn run(self) -> BoxFuture<'static, Value> {
        // In an `async fn`, rustc leaks the output of a future whose drop panics (rust-lang/rust#47949).
        let bomb = self.job.end == End::PanicInDrop && !self.world.is_declared(self.pool);
        let key = self.keyed.then_some(self.job.key);
        let life = Arc::new(Life { world: self.world.clone(), pool: self.pool, key, state: Mutex::default() });
        let over = Over(life.clone());
        let future = Part { life: Some(life.clone()), future: Box::pin(self.perform(life, over)) };
        Box::pin(Explosive { future: Box::pin(future), armed: false, bomb })
    }

    async fn perform(self, life: Arc<Life>, over: Over) -> Value {
        let Body { world, pool, job, argument, first, .. } = self;
        if let Some(first) = first {
            drop(first.await);
        }
        act::run(Actor { world: world.clone(), life: Some(life), alone: true, in_place: false }, job.acts).await;
        drop(argument);
        if job.end == End::Panic {
            planned_panic();
        }
        let result = world.value();
        world.finished(pool);
        drop(over);
        result
    }
}

/// Marks the job as over when dropped, so a cancelled job is noticed too.
struct Over(Arc<Life>);

impl Drop for Over {
    fn drop(&mut self) {
        self.0.change(|state| state.over = true);
    }
}

/// A future that may panic on drop once it has been polled.
struct Explosive {
    future: BoxFuture<'static, Value>,
    armed: bool,
    bomb: bool,
}

impl Future for Explosive {
    type Output = Value;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Value> {
        self.armed = self.bomb;
        self.future.as_mut().poll(cx)
    }
}

impl Drop for Explosive {
    fn drop(&mut self) {
        if self.armed && !std::thread::panicking() {
            planned_panic();
        }
    }
}
