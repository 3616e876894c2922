//! What it costs to use a pool that many wait for.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use greenpool::GreenPool;
use tokio::sync::Semaphore;

type Waiter = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A waiter that stands in the queue already.
async fn queued(mut waiter: Waiter) -> Waiter {
    poll_fn(|cx| Poll::Ready(waiter.as_mut().poll(cx))).await.is_pending().then_some(waiter).expect("the pool is full")
}

/// The pool's size: so many are served at once, and the runtime's own part is small.
const SLOTS: usize = 50;

/// A line of waiters for a full pool, whose jobs end when the runtime comes to them.
struct Line<Enter> {
    waiters: VecDeque<Waiter>,
    enter: Enter,
}

impl<Enter: Fn() -> Waiter> Line<Enter> {
    async fn new(waiters: usize, enter: Enter) -> Self {
        for _ in 0..SLOTS {
            enter().await;
        }
        let mut line = Line { waiters: VecDeque::with_capacity(waiters + 1), enter };
        for _ in 0..waiters {
            line.push().await;
        }
        line
    }

    async fn push(&mut self) {
        self.waiters.push_back(queued((self.enter)()).await);
    }

    /// The jobs end, the first in the line begin theirs, and as many come to wait.
    async fn serve(&mut self) {
        tokio::task::yield_now().await;
        for _ in 0..SLOTS {
            let first = self.waiters.pop_front().expect("somebody waits");
            first.await;
        }
        for _ in 0..SLOTS {
            self.push().await;
        }
    }

    /// One comes to wait, and goes.
    async fn pass_by(&mut self) {
        drop(queued((self.enter)()).await);
    }

    /// One goes who stands in the middle, and another comes.
    async fn give_up(&mut self, operation: usize) {
        let at = operation * 7_919 % self.waiters.len();
        drop(self.waiters.swap_remove_back(at));
        self.push().await;
    }
}

/// What is done.
#[derive(Clone, Copy)]
pub(crate) enum Operation {
    Serve,
    PassBy,
    GiveUp,
}

impl Operation {
    async fn time(self, waiters: usize, operations: usize, enter: impl Fn() -> Waiter) -> Duration {
        let mut line = Line::new(waiters, enter).await;
        let begin = Instant::now();
        match self {
            Operation::Serve => {
                for _ in 0..operations / SLOTS {
                    line.serve().await;
                }
            }
            Operation::PassBy => {
                for _ in 0..operations {
                    line.pass_by().await;
                }
            }
            Operation::GiveUp => {
                for operation in 0..operations {
                    line.give_up(operation).await;
                }
            }
        }
        begin.elapsed()
    }

    /// With a `GreenPool`. (Unconstrained: without its share of the runtime's time a task would be sent back before it comes to wait.)
    pub(crate) async fn in_pool(self, waiters: usize, operations: usize) -> Duration {
        tokio::task::unconstrained(self.time(waiters, operations, pool())).await
    }

    /// With tokio's `Semaphore`.
    pub(crate) async fn in_semaphore(self, waiters: usize, operations: usize) -> Duration {
        tokio::task::unconstrained(self.time(waiters, operations, semaphore())).await
    }
}

fn pool() -> impl Fn() -> Waiter {
    let pool = GreenPool::new(SLOTS);
    move || Box::pin(pool.spawn_n(async {}))
}

fn semaphore() -> impl Fn() -> Waiter {
    let semaphore = Arc::new(Semaphore::new(SLOTS));
    move || {
        let semaphore = semaphore.clone();
        Box::pin(async move {
            let permit = semaphore.acquire_owned().await.expect("nobody closes it");
            tokio::spawn(async { drop(permit) });
        })
    }
}
