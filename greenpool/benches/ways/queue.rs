//! The cost of operations on a pool with many waiters.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use greenpool::GreenPool;
use tokio::sync::Semaphore;

type Waiter = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls a waiter once, so that it is in the queue.
async fn queued(mut waiter: Waiter) -> Waiter {
    poll_fn(|cx| Poll::Ready(waiter.as_mut().poll(cx))).await.is_pending().then_some(waiter).expect("the pool is full")
}

/// The pool's size, which is the number of waiters served at once. It is large enough to keep the runtime's share
/// small.
const SLOTS: usize = 50;

/// What each job waits for before it completes.
type Go = Arc<Semaphore>;

/// A queue of waiters for a full pool. A job completes when it gets one of the permits of `go`.
struct WaitQueue<Enter> {
    waiters: VecDeque<Waiter>,
    enter: Enter,
    go: Go,
}

impl<Enter: Fn(Go) -> Waiter> WaitQueue<Enter> {
    async fn new(waiters: usize, enter: Enter) -> Self {
        let go = Arc::new(Semaphore::new(0));
        for _ in 0..SLOTS {
            enter(go.clone()).await;
        }
        let mut queue = WaitQueue { waiters: VecDeque::with_capacity(waiters + 1), enter, go };
        for _ in 0..waiters {
            queue.push().await;
        }
        queue
    }

    async fn push(&mut self) {
        self.waiters.push_back(queued((self.enter)(self.go.clone())).await);
    }

    /// Completes the jobs, starts those of the first waiters, and adds as many new waiters.
    async fn serve(&mut self) {
        self.go.add_permits(SLOTS);
        for _ in 0..SLOTS {
            let first = self.waiters.pop_front().expect("the queue is not empty");
            first.await;
        }
        for _ in 0..SLOTS {
            self.push().await;
        }
    }

    /// Adds a waiter and cancels it.
    async fn pass_by(&mut self) {
        drop(queued((self.enter)(self.go.clone())).await);
    }

    /// Cancels a waiter in the middle, and adds another.
    async fn give_up(&mut self, operation: usize) {
        let at = operation * 7_919 % self.waiters.len();
        drop(self.waiters.swap_remove_back(at));
        self.push().await;
    }
}

/// The operation to measure.
#[derive(Clone, Copy)]
pub(crate) enum Operation {
    Serve,
    PassBy,
    GiveUp,
}

impl Operation {
    async fn time(self, queued_at_once: usize, operations: usize, enter: impl Fn(Go) -> Waiter) -> Duration {
        let mut waiters = WaitQueue::new(queued_at_once, enter).await;
        let begin = Instant::now();
        match self {
            Operation::Serve => {
                for _ in 0..operations / SLOTS {
                    waiters.serve().await;
                }
            }
            Operation::PassBy => {
                for _ in 0..operations {
                    waiters.pass_by().await;
                }
            }
            Operation::GiveUp => {
                for operation in 0..operations {
                    waiters.give_up(operation).await;
                }
            }
        }
        begin.elapsed()
    }

    /// With a `GreenPool`. (Unconstrained, so that tokio's cooperative budget cannot make a waiter return before it is
    /// queued.)
    pub(crate) async fn in_pool(self, waiters: usize, operations: usize) -> Duration {
        tokio::task::unconstrained(self.time(waiters, operations, pool())).await
    }

    /// With tokio's `Semaphore`.
    pub(crate) async fn in_semaphore(self, waiters: usize, operations: usize) -> Duration {
        tokio::task::unconstrained(self.time(waiters, operations, semaphore())).await
    }
}

async fn wait_for(go: Go) {
    go.acquire().await.expect("the semaphore is never closed").forget();
}

fn pool() -> impl Fn(Go) -> Waiter {
    let pool = GreenPool::new(SLOTS);
    move |go| Box::pin(pool.spawn_n(wait_for(go)))
}

fn semaphore() -> impl Fn(Go) -> Waiter {
    let semaphore = Arc::new(Semaphore::new(SLOTS));
    move |go| {
        let semaphore = semaphore.clone();
        Box::pin(async move {
            let permit = semaphore.acquire_owned().await.expect("the semaphore is never closed");
            tokio::spawn(async {
                wait_for(go).await;
                drop(permit);
            });
        })
    }
}
