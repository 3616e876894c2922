//! The cost of operations on a pool with many waiters.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use greenpool::GreenPool;
use tokio::sync::{Notify, Semaphore};

type Waiter = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Polls a waiter once, so that it is in the queue.
async fn queued(mut waiter: Waiter) -> Waiter {
    poll_fn(|cx| Poll::Ready(waiter.as_mut().poll(cx))).await.is_pending().then_some(waiter).expect("the pool is full")
}

/// The pool's size.
const SLOTS: usize = 50;

/// What the jobs that take the slots at first wait for.
type Held = Option<Arc<Notify>>;

/// A queue of waiters for a full pool. All their jobs complete when they are polled.
struct WaitQueue<Enter> {
    waiters: VecDeque<Waiter>,
    enter: Enter,
    held: Arc<Notify>,
}

impl<Enter: Fn(Held) -> Waiter> WaitQueue<Enter> {
    async fn new(waiters: usize, enter: Enter) -> Self {
        let mut queue =
            WaitQueue { waiters: VecDeque::with_capacity(waiters + 1), enter, held: Arc::new(Notify::new()) };
        queue.fill(waiters).await;
        queue
    }

    /// Takes all slots, and queues that many waiters.
    async fn fill(&mut self, waiters: usize) {
        for _ in 0..SLOTS {
            (self.enter)(Some(self.held.clone())).await;
        }
        // Let them begin to wait.
        for _ in 0..3 {
            tokio::task::yield_now().await;
        }
        for _ in 0..waiters {
            self.push().await;
        }
    }

    async fn push(&mut self) {
        self.waiters.push_back(queued((self.enter)(None)).await);
    }

    /// Completes the jobs that have the slots, and then serves all waiters.
    async fn serve(&mut self) {
        self.held.notify_waiters();
        while let Some(first) = self.waiters.pop_front() {
            first.await;
        }
    }

    /// Adds a waiter and cancels it.
    async fn pass_by(&mut self) {
        drop(queued((self.enter)(None)).await);
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
    async fn time(self, queued_at_once: usize, operations: usize, enter: impl Fn(Held) -> Waiter) -> Duration {
        let mut waiters = WaitQueue::new(queued_at_once, enter).await;
        let begin = Instant::now();
        match self {
            Operation::Serve => {
                for _ in 0..operations.div_ceil(queued_at_once) {
                    waiters.serve().await;
                    waiters.fill(queued_at_once).await;
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

async fn hold(held: Held) {
    if let Some(held) = held {
        held.notified().await;
    }
}

fn pool() -> impl Fn(Held) -> Waiter {
    let pool = GreenPool::new(SLOTS);
    move |held| Box::pin(pool.spawn_n(hold(held)))
}

fn semaphore() -> impl Fn(Held) -> Waiter {
    let semaphore = Arc::new(Semaphore::new(SLOTS));
    move |held| {
        let semaphore = semaphore.clone();
        Box::pin(async move {
            let permit = semaphore.acquire_owned().await.expect("the semaphore is never closed");
            tokio::spawn(async {
                hold(held).await;
                drop(permit);
            });
        })
    }
}
