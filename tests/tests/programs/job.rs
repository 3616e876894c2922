//! A running job of a program: whether it counts against the limit, and how it ends.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use futures::future::BoxFuture;
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
}

/// A job from its start to its end.
struct Life {
    world: World,
    pool: Pool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Number of greenpool calls that are pending.
    pending: usize,
    /// A pending call was dropped, so the slot may be lent until the next call completes.
    adrift: bool,
    active: bool,
    over: bool,
}

impl Life {
    fn change(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.state();
        change(&mut state);
        let active = state.pending == 0 && !state.adrift && !state.over;
        if active != state.active {
            state.active = active;
            if active {
                self.world.activate(self.pool);
            } else {
                self.world.deactivate(self.pool);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Actor {
    pub(crate) fn outside(world: &World) -> Self {
        Actor { world: world.clone(), life: None, alone: true }
    }

    /// The same actor, with or without concurrent work in the same task.
    pub(crate) fn concurrent(&self, others: bool) -> Self {
        Actor { alone: !others, ..self.clone() }
    }

    /// Whether the actor can block its thread. That would block concurrent work in the same task, and a runtime that
    /// shuts down would wait for it.
    pub(crate) fn may_block(&self) -> bool {
        self.alone && self.world.may_block() && Handle::current().runtime_flavor() == RuntimeFlavor::MultiThread
    }

    /// Awaits a greenpool call. The job does not count against the limit in the meantime.
    pub(crate) fn wait<F: Future>(&self, verb: F) -> Wait<F> {
        Wait { verb: Box::pin(verb), life: self.life.clone(), pending: false }
    }
}

/// The future of [`Actor::wait`].
pub(crate) struct Wait<F> {
    verb: Pin<Box<F>>,
    life: Option<Arc<Life>>,
    pending: bool,
}

impl<F> Wait<F> {
    fn over(&mut self, adrift: bool) {
        if let (Some(life), true) = (&self.life, std::mem::take(&mut self.pending)) {
            life.change(|state| {
                state.pending -= 1;
                state.adrift = adrift;
            });
        }
    }
}

impl<F: Future> Future for Wait<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        if let (Some(life), false) = (&this.life, std::mem::replace(&mut this.pending, true)) {
            life.change(|state| state.pending += 1);
        }
        let output = ready!(this.verb.as_mut().poll(cx));
        this.over(false);
        Poll::Ready(output)
    }
}

impl<F> Drop for Wait<F> {
    fn drop(&mut self) {
        self.over(true);
    }
}

/// A job and its argument, before it starts.
pub(crate) struct Body {
    world: World,
    pool: Pool,
    job: Job,
    argument: Value,
}

impl Body {
    pub(crate) fn new(world: &World, pool: Pool, job: Job) -> Self {
        Body { world: world.clone(), pool, job, argument: world.value() }
    }

    pub(crate) fn run(self) -> BoxFuture<'static, Value> {
        // In an `async fn`, rustc leaks the output of a future whose drop panics (rust-lang/rust#47949).
        let bomb = self.job.end == End::PanicInDrop && !self.world.is_declared(self.pool);
        Box::pin(Explosive { future: Box::pin(self.perform()), armed: false, bomb })
    }

    async fn perform(self) -> Value {
        let Body { world, pool, job, argument } = self;
        let life = Arc::new(Life { world: world.clone(), pool, state: Mutex::default() });
        let over = Over(life.clone());
        life.change(|_| {});
        act::run(Actor { world: world.clone(), life: Some(life), alone: true }, job.acts).await;
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
