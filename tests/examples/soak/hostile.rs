//! Wakers and values that use the pools whenever they are woken or dropped.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use greenpool_tests::GaugeGuard;

use crate::rng::Rng;
use crate::world::{POOLS, World};

/// What every argument, future and result contains. It uses a pool when it is dropped.
pub(crate) struct Token {
    world: Arc<World>,
    _alive: GaugeGuard,
}

impl Token {
    pub(crate) fn new(world: &Arc<World>) -> Self {
        Token { world: world.clone(), _alive: world.alive.enter() }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        foreign_code_runs(&self.world);
    }
}

fn foreign_code_runs(world: &Arc<World>) {
    assert!(greenpool::__private::allows_foreign_code(), "foreign code runs under a lock of greenpool");
    let mut rng = Rng::new(world.id());
    let at = rng.below(POOLS);
    let pool = world.pool(at);
    // These take locks of the pool. One in four begins something.
    match rng.below(16) {
        0 => drop(pool.try_spawn(trivial(world, at))),
        1 => drop(pool.try_spawn_keyed(0, trivial(world, at))),
        2 => {
            world.queued(at);
            pool.queue(trivial(world, at));
        }
        3 => {
            world.queued(at);
            pool.queue_keyed(1, trivial(world, at));
        }
        4..8 => drop((pool.jobs(), pool.keys(), pool.report())),
        _ => drop(pool.stats()),
    }
}

fn trivial(world: &Arc<World>, at: usize) -> impl Future<Output = ()> + Send + use<> {
    let (world, alive) = (world.clone(), world.alive.enter());
    async move {
        world.finished(at);
        drop(alive);
    }
}

struct HostileWaker {
    inner: Waker,
    world: Arc<World>,
}

impl Wake for HostileWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        foreign_code_runs(&self.world);
        self.inner.wake_by_ref();
    }
}

impl Drop for HostileWaker {
    fn drop(&mut self) {
        foreign_code_runs(&self.world);
    }
}

/// A future that is polled with a hostile waker, a new one each time.
pub(crate) struct Hostile<F> {
    pub(crate) world: Arc<World>,
    pub(crate) future: Pin<Box<F>>,
}

impl<F: Future> Future for Hostile<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let waker = Waker::from(Arc::new(HostileWaker { inner: cx.waker().clone(), world: self.world.clone() }));
        self.future.as_mut().poll(&mut Context::from_waker(&waker))
    }
}
