//! Calls one verb at random.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, stream};
use greenpool::{GreenMap, GreenPile, GreenPool, JoinError, pile};
use tokio::time::{sleep, timeout};

use crate::hostile::Hostile;
use crate::job::{Output, declared, job};
use crate::rng::Rng;
use crate::world::{POOLS, World};

/// The context of a call: the pool, the nesting depth and the random numbers.
pub(crate) struct Call {
    pub(crate) world: Arc<World>,
    pub(crate) pool: GreenPool,
    pub(crate) at: usize,
    pub(crate) depth: u32,
    pub(crate) rng: Rng,
    id: u64,
}

/// Checks that a job returned the right result, was aborted, or panicked as planned.
pub(crate) fn check(result: Result<Output, JoinError>, number: u64) {
    match result {
        Ok((found, _)) => assert_eq!(found, number, "the result belongs to another job"),
        Err(error) if error.is_panic() => assert_eq!(error.to_string(), "the job panicked: planned"),
        Err(error) => assert!(!error.is_closed(), "no pool is closed"),
    }
}

/// Takes up to `many` results of an ordered map.
pub(crate) async fn take(mut map: GreenMap<Output>, many: u64) {
    for number in 0..many {
        match map.next().await {
            Some(result) => check(result, number),
            None => return,
        }
    }
}

/// Polls a future once and drops it.
async fn poll_once<F: Future + Unpin>(mut future: F) {
    poll_fn(|cx| {
        drop(future.poll_unpin(cx));
        Poll::Ready(())
    })
    .await;
}

impl Call {
    pub(crate) fn job(&mut self, number: u64) -> BoxFuture<'static, Output> {
        job(self.world.clone(), self.at, number, self.rng.next(), self.depth)
    }

    /// Creates the arguments of a call of the declared function.
    fn call(&mut self, number: u64) -> (Arc<World>, u64, u64, u32) {
        (self.world.clone(), number, self.rng.next(), self.depth)
    }

    /// Creates the arguments of a call of the function with a key.
    pub(crate) fn keyed_call(&mut self, number: u64) -> (Arc<World>, (usize, u64), u64, u64, u32) {
        (self.world.clone(), (self.at, self.rng.next() % 3), number, self.rng.next(), self.depth)
    }

    /// Creates the function of a map.
    pub(crate) fn make(&mut self) -> impl FnMut(u64) -> BoxFuture<'static, Output> + Send + use<> {
        let (world, at, depth, seed) = (self.world.clone(), self.at, self.depth, self.rng.next());
        move |number| job(world.clone(), at, number, seed.wrapping_add(number), depth)
    }

    /// Records which verb is called.
    pub(crate) fn begin(&self, verb: &'static str) -> &'static str {
        self.world.begin(self.id, verb, self.at, self.depth);
        verb
    }

    pub(crate) fn pause(&mut self) -> Duration {
        Duration::from_micros(self.rng.below(1000) as u64)
    }

    pub(crate) fn small_number(&mut self) -> u64 {
        self.rng.below(8) as u64
    }

    async fn spawn(&mut self) -> &'static str {
        let job = self.job(1);
        let (kind, key) = (self.rng.below(11), self.rng.below(2));
        let verb = self.begin(
            [
                "spawn",
                "spawn and drop",
                "spawn and abort",
                "spawn_n",
                "try_spawn",
                "spawn dropped",
                "queue",
                "queue_keyed",
                "spawn_keyed",
                "slot",
                "spawn in time",
            ][kind],
        );
        match kind {
            0 => check(self.pool.spawn(job).await.await, 1),
            1 => drop(self.pool.spawn(job).await),
            2 => {
                let green = self.pool.spawn(job).await;
                sleep(self.pause()).await;
                green.abort();
                check(green.await, 1);
            }
            3 => self.pool.spawn_n(job).await,
            4 => {
                if let Ok(green) = self.pool.try_spawn(job) {
                    check(green.await, 1);
                }
            }
            5 => poll_once(self.pool.spawn(job)).await,
            6 => {
                self.world.queued(self.at);
                self.pool.queue(job);
            }
            7 => {
                self.world.queued(self.at);
                self.pool.queue_keyed(key, job);
            }
            8 => check(self.pool.spawn_keyed(key, job).await.await, 1),
            9 => check(self.pool.slot().await.expect("no pool is closed").spawn(job).await, 1),
            _ => {
                let late = timeout(self.pause(), async { check(self.pool.spawn(job).await.await, 1) });
                let _ = late.await;
            }
        }
        verb
    }

    async fn concurrent_spawns(&mut self) -> &'static str {
        let verb = self.begin("two concurrent spawns");
        let (one, other) = (self.job(1), self.job(2));
        let spawn = async |job, number| check(self.pool.spawn(job).await.await, number);
        futures::join!(spawn(one, 1), spawn(other, 2));
        verb
    }

    async fn map(&mut self) -> &'static str {
        let (make, many, pool) = (self.make(), self.small_number(), self.pool.clone());
        let kind = self.rng.below(8);
        let verb = self.begin(
            [
                "imap",
                "imap_unordered",
                "imap dropped",
                "imap detached",
                "starmap",
                "imap_stream",
                "imap in time",
                "imap_stream dropped",
            ][kind],
        );
        match kind {
            0 => take(pool.imap(make, 0..many), u64::MAX).await,
            1 => {
                let mut map = pool.imap_unordered(make, 0..many);
                let mut found = 0;
                while let Some(result) = map.next().await {
                    found += 1;
                    if let Err(error) = result {
                        assert!(!error.is_closed());
                    }
                }
                assert_eq!(found, many);
            }
            2 => take(pool.imap(make, 0..), many).await,
            3 => pool.imap(make, 0..).detach(),
            4 => {
                let window = self.rng.below(5);
                let mut make = make;
                let map = pool.starmap(move |number: u64, ()| make(number), (0..many).map(|number| (number, ())));
                take(map.window(window), u64::MAX).await;
            }
            5 => take(pool.imap_stream(make, stream::iter(0..many)), u64::MAX).await,
            6 => {
                let _ = timeout(self.pause(), take(pool.imap(make, 0..), u64::MAX)).await;
            }
            _ => take(pool.imap_stream(make, stream::iter(0..)), many).await,
        }
        verb
    }

    async fn pile(&mut self) -> &'static str {
        let verb = self.begin("GreenPile");
        let mut pile = GreenPile::on(&self.pool);
        let many = self.small_number();
        if self.rng.below(2) == 0 {
            for number in 0..many {
                pile.spawn(self.job(number)).await;
            }
        } else {
            let jobs: Vec<_> = (0..many).map(|number| self.job(number)).collect();
            let (spawner, task) = (pile.spawner(), self.world.token());
            tokio::spawn(async move {
                for job in jobs {
                    spawner.spawn(job).await;
                }
                drop((spawner, task));
            });
        }
        let taken = if self.rng.below(2) == 0 { u64::MAX } else { many / 2 };
        for number in 0..taken {
            match pile.next().await {
                Some(result) => check(result, number),
                None => {
                    assert_eq!(number, many);
                    break;
                }
            }
        }
        if self.rng.below(4) == 0 {
            pile.detach();
        }
        verb
    }

    async fn fan_out(&mut self) -> &'static str {
        let (one, two, three) = (self.job(1), self.job(2), self.job(3));
        let call = |(world, number, seed, depth): (Arc<World>, u64, u64, u32)| (world, number, seed, depth);
        let kind = self.rng.below(4);
        let verb = self.begin(["join", "try_join", "pile! dropped", "pile! of calls"][kind]);
        match kind {
            0 => {
                let (one, two, three) = pile![in self.pool; one, two, three].join().await;
                check(one, 1);
                check(two, 2);
                check(three, 3);
            }
            1 => {
                if let Err(error) = pile![in self.pool; one, two, three].try_join().await {
                    check(Err(error), 0);
                }
            }
            2 => {
                drop(pile![in self.pool; one, two, three]);
            }
            _ => {
                drop((one, two, three));
                let ((w1, n1, s1, d1), (w2, n2, s2, d2)) = (call(self.call(1)), call(self.call(2)));
                let mut pile = pile![declared(w1, n1, s1, d1), declared(w2, n2, s2, d2)];
                check(pile.next().await.expect("the first"), 1);
                check(pile.next().await.expect("the second"), 2);
            }
        }
        verb
    }

    async fn declared(&mut self) -> &'static str {
        let (world, number, seed, depth) = self.call(1);
        let kind = self.rng.below(6);
        let verb = self.begin(
            ["f::spawn", "f::spawn_n", "f::try_spawn", "f::spawn and abort", "f::starmap", "f::spawn dropped"][kind],
        );
        match kind {
            0 => check(declared::spawn(world, number, seed, depth).await.await, 1),
            1 => declared::spawn_n(world, number, seed, depth).await,
            2 => {
                if let Ok(green) = declared::try_spawn(world, number, seed, depth) {
                    check(green.await, 1);
                }
            }
            3 => {
                let green = declared::spawn(world, number, seed, depth).await;
                sleep(self.pause()).await;
                green.abort();
                check(green.await, 1);
            }
            4 => {
                let many = self.small_number();
                let calls: Vec<_> = (0..many).map(|number| self.call(number)).collect();
                take(declared::starmap(calls), u64::MAX).await;
            }
            _ => poll_once(declared::spawn(world, number, seed, depth)).await,
        }
        verb
    }

    async fn wait(&mut self) -> &'static str {
        let verb = self.begin("waitall");
        // The pool may never be idle while other tasks use it.
        let _ = timeout(self.pause(), self.pool.waitall()).await;
        verb
    }
}

/// Calls a verb.
pub(crate) fn call_one(world: Arc<World>, seed: u64, depth: u32) -> BoxFuture<'static, ()> {
    let mut rng = Rng::new(seed);
    let (at, kind) = (rng.below(POOLS), rng.below(16));
    let (hostile, elsewhere) = (rng.below(2) == 0, world.clone());
    let call = async move {
        let mut call = Call { pool: world.pool(at), at, depth, rng, id: world.id(), world };
        let verb = match kind {
            0..=2 => call.spawn().await,
            3 => call.concurrent_spawns().await,
            4..=5 => call.map().await,
            6 => call.pile().await,
            7 => call.fan_out().await,
            8..=10 => call.declared().await,
            11 => call.keyed().await,
            12..=13 => call.set().await,
            14 => call.several().await,
            // A job cannot wait for its own pool.
            _ if depth == 0 => call.wait().await,
            _ => call.spawn().await,
        };
        call.world.completed(verb);
    };
    if hostile { Hostile { world: elsewhere, future: Box::pin(call) }.boxed() } else { call.boxed() }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.world.ends(self.id);
    }
}
