//! Verbs with keys, verbs of sets, and several verbs at once.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::future::{join, select};
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt, stream};
use greenpool::{GreenPool, JoinError};
use tokio::time::{sleep, timeout};

use crate::job::{MAX_DEPTH, Output, keyed};
use crate::verb::{Call, call_one, check, take};

/// How a map ended early.
struct Failed;

impl From<Output> for Failed {
    fn from(_: Output) -> Self {
        Failed
    }
}

impl From<JoinError> for Failed {
    fn from(_: JoinError) -> Self {
        Failed
    }
}

/// These verbs resume the panic of a job.
async fn caught<F: Future>(verb: F) -> Option<F::Output> {
    AssertUnwindSafe(verb).catch_unwind().await.ok()
}

impl Call {
    /// Calls a declared function that has a key, in any pool.
    pub(crate) async fn keyed(&mut self) -> &'static str {
        let (on, many) = (keyed::on(&self.pool), self.small_number());
        let calls: Vec<_> = (0..many).map(|number| self.keyed_call(number)).collect();
        let (world, key, number, seed, depth) = self.keyed_call(1);
        let kind = self.rng.below(7);
        let verb = self.begin(
            [
                "keyed spawn",
                "keyed spawn_n",
                "keyed queue",
                "keyed spawn in time",
                "keyed starmap",
                "keyed starmap_unordered",
                "keyed starmap dropped",
            ][kind],
        );
        match kind {
            0 => check(on.spawn(world, key, number, seed, depth).await.await, 1),
            1 => on.spawn_n(world, key, number, seed, depth).await,
            2 => {
                self.world.queued(self.at);
                on.queue(world, key, number, seed, depth);
            }
            3 => {
                let spawn = on.spawn(world, key, number, seed, depth);
                let _ = timeout(self.pause(), async { check(spawn.await.await, 1) }).await;
            }
            4 => take(on.starmap(calls), u64::MAX).await,
            5 => {
                let mut map = on.starmap_unordered(calls).window(1 + many as usize / 2);
                while map.next().await.is_some() {}
            }
            _ => take(on.starmap(calls), many / 2).await,
        }
        verb
    }

    /// Takes the results of a map in one of the ways that end at the first error.
    pub(crate) async fn set(&mut self) -> &'static str {
        let (mut make, many, pool) = (self.make(), self.small_number(), self.pool.clone());
        let bad = self.small_number();
        let fallible =
            move |number| make(number).map(move |output| if number == bad { Err(output) } else { Ok(output) });
        let kind = self.rng.below(6);
        let verb = self
            .begin(["try_collect", "try_for_each", "values", "indexed", "try_imap", "try_imap_stream_unordered"][kind]);
        match kind {
            0 => drop(caught(pool.imap(fallible, 0..many).try_collect::<Vec<_>>()).await),
            1 => {
                let each = pool.imap_unordered(fallible, 0..many).try_for_each(|output: Output| async move {
                    drop(output);
                    Ok::<_, Failed>(())
                });
                let _ = timeout(self.pause(), caught(each)).await;
            }
            2 => {
                let mut values = pool.imap(fallible, 0..many).values();
                let _ = caught(async { while values.next().await.is_some() {} }).await;
            }
            3 => {
                let mut indexed = pool.imap_unordered(fallible, 0..many).indexed();
                while let Some((_, result)) = indexed.next().await {
                    drop(result);
                }
            }
            4 => {
                let source = (0..many).map(move |number| if number == bad { Err(()) } else { Ok(number) });
                let mut map = pool.try_imap(fallible, source);
                while map.next().await.is_some() {}
            }
            _ => {
                let mut map = pool.try_imap_stream_unordered(fallible, stream::iter((0..many).map(Ok::<_, ()>)));
                while map.next().await.is_some() {}
            }
        }
        verb
    }

    /// Calls several verbs in one task.
    pub(crate) async fn several(&mut self) -> &'static str {
        let kind = self.rng.below(4);
        let verb = self.begin(["two verbs in join", "two verbs in select", "a verb in time", "spawns in a set"][kind]);
        let depth = (self.depth + 1).min(MAX_DEPTH);
        let mut any = || call_one(self.world.clone(), self.rng.next(), depth);
        match kind {
            0 => drop(join(any(), any()).await),
            1 => drop(select(any(), any()).await.factor_first()),
            2 => drop(timeout(Duration::from_micros(200), any()).await),
            _ => self.spawns_in_a_set().await,
        }
        verb
    }

    async fn spawns_in_a_set(&mut self) {
        let pause = self.pause();
        let spawn = async |pool: GreenPool, job| pool.spawn(job).await.await;
        let mut spawns: FuturesUnordered<_> = (0..3).map(|_| spawn(self.pool.clone(), self.job(1))).collect();
        while let Some(result) = spawns.next().await {
            let result: Result<Output, JoinError> = result;
            check(result, 1);
            // The others are not polled meanwhile.
            sleep(pause / 4).await;
        }
    }
}
