//! The functions of a farm, as the server has them: their limits, their queues, and their runs.

use std::collections::BTreeMap;

use async_nats::jetstream::consumer::Info;
use async_nats::jetstream::stream::{Info as StreamInfo, Stream};
use futures::TryStreamExt;
use greenpool::remote::{FarStats, FarWorker};

use crate::error::{FarmError, refused};
use crate::farm::{Farm, Inner};
use crate::names::{Names, name_of_token};
use crate::streams::CONSUMER;

/// A version of a function that the server has a queue for; see [`Farm::functions`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FunctionInfo {
    /// The name on the wire.
    pub name: String,
    /// The signature.
    pub signature: String,
    /// How many jobs may run at once, over all workers. `None` if no worker has ever served it.
    pub size: Option<usize>,
    /// Jobs that a worker has.
    pub running: u64,
    /// Jobs that no worker has.
    pub waiting: u64,
}

/// A run that has stored results; see [`Farm::runs`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunInfo {
    /// The function.
    pub function: String,
    /// The name of the run. The jobs without one belong to a run whose name is 22 random letters and digits.
    pub run: String,
    /// How many results are stored.
    pub results: u64,
}

/// How many jobs of a function there are; see [`Farm::queue`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Queue {
    /// Jobs that no worker has.
    pub waiting: u64,
    /// Jobs that a worker has.
    pub running: u64,
}

impl Farm {
    /// Returns the functions that have a queue on the server, each version of its own.
    ///
    /// # Errors
    /// If the server does not answer, or does not allow to list its streams.
    ///
    /// ```no_run
    /// # async fn run(farm: greenpool_nats::Farm) -> Result<(), greenpool_nats::FarmError> {
    /// for function in farm.functions().await? {
    ///     println!("{}: {} run, {} wait", function.name, function.running, function.waiting);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn functions(&self) -> Result<Vec<FunctionInfo>, FarmError> {
        let what = "list the functions";
        let link = self.link();
        // No stream has this name, but the subject of the question does.
        let streams: Vec<_> = link.request(what, "LIST", link.jetstream.streams().try_collect()).await?;
        let mut functions = Vec::new();
        for info in streams {
            let subject = info.config.subjects.first().map_or("", String::as_str);
            let Some((name, signature)) = link.names.function_of_jobs(subject) else { continue };
            let consumer = link.stream(&info.config.name).await?.consumer_info(CONSUMER).await.ok();
            functions.push(function(name, signature, &info, consumer.as_ref()));
        }
        functions.sort_by(|a, b| (&a.name, &a.signature).cmp(&(&b.name, &b.signature)));
        Ok(functions)
    }

    /// Returns what is queued of a function, whatever its signature, and how many of its jobs the workers have.
    ///
    /// # Errors
    /// See [`functions`](Self::functions).
    pub async fn queue(&self, function: &str) -> Result<Queue, FarmError> {
        let functions = self.functions().await?;
        let versions = functions.iter().filter(|version| version.name == function);
        Ok(versions.fold(Queue::default(), |sum, version| Queue {
            waiting: sum.waiting + version.waiting,
            running: sum.running + version.running,
        }))
    }

    /// Sets how many jobs of a function may run at once over all workers, in each of its versions; see
    /// [`Far::resize`](greenpool::remote::Far::resize).
    ///
    /// # Errors
    /// If no worker has ever served a function of that name, or the server refuses it.
    ///
    /// # Panics
    /// If `size` is 0 or more than 100,000.
    pub async fn resize(&self, function: &str, size: usize) -> Result<(), FarmError> {
        let functions = self.functions().await?;
        let versions = functions.iter().filter(|version| version.name == function && version.size.is_some());
        let mut found = false;
        for version in versions {
            self.inner.set_size(function, &version.signature, size).await?;
            found = true;
        }
        if found { Ok(()) } else { Err(refused("resize a function", format!("no worker has served `{function}`"))) }
    }

    /// Removes a version of a function from the server, with all of its jobs that are queued. Whoever submits to it or
    /// serves it makes it again.
    ///
    /// # Errors
    /// If there is none, or the server refuses it.
    pub async fn remove_function(&self, function: &str, signature: &str) -> Result<(), FarmError> {
        let link = self.link();
        let stream = link.names.jobs_stream(function, signature);
        let what = format!("remove `{function}` {signature}");
        link.request(what, &stream, link.jetstream.delete_stream(&stream)).await.map(drop)
    }

    /// Returns the runs that have stored results. It takes a while if there are many results.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn runs(&self) -> Result<Vec<RunInfo>, FarmError> {
        let link = self.link();
        let mut runs = BTreeMap::<_, u64>::new();
        for (subject, count) in link.subjects(&link.names.results_stream(), &link.names.results()).await? {
            if let Some(key) = Names::key_of_result(&subject) {
                *runs.entry((key.function, name_of_token(&key.run))).or_default() += count as u64;
            }
        }
        Ok(runs.into_iter().map(|((function, run), results)| RunInfo { function, run, results }).collect())
    }
}

fn function(name: &str, signature: &str, stream: &StreamInfo, consumer: Option<&Info>) -> FunctionInfo {
    let running = consumer.map_or(0, |consumer| consumer.num_ack_pending as u64);
    FunctionInfo {
        name: name.to_owned(),
        signature: signature.to_owned(),
        size: consumer.and_then(|consumer| consumer.config.max_ack_pending.try_into().ok()),
        running,
        waiting: stream.state.messages.saturating_sub(running),
    }
}

impl Inner {
    async fn jobs_stream(&self, function: &str, signature: &str) -> Result<Stream, FarmError> {
        let name = self.link.names.jobs_stream(function, signature);
        self.link.request(format!("look at the stream {name}"), &name, self.link.jetstream.get_stream(&name)).await
    }

    /// Sets the limit of one version of a function. Its consumer must be there.
    pub(crate) async fn set_size(&self, function: &str, signature: &str, size: usize) -> Result<(), FarmError> {
        assert!((1..=100_000).contains(&size), "a size is from 1 to 100,000, and not {size}");
        let what = || format!("resize `{function}`");
        let stream = self.jobs_stream(function, signature).await?;
        let name = &stream.cached_info().config.name;
        let mut config = self.link.request(what(), name, stream.consumer_info(CONSUMER)).await?.config;
        config.max_ack_pending = size as i64;
        self.link.request(what(), name, stream.update_consumer(config)).await.map(drop)
    }

    pub(crate) async fn stats(&self, function: &str, signature: &str, size: usize) -> Result<FarStats, FarmError> {
        let stream = self.jobs_stream(function, signature).await?;
        let consumer = stream.consumer_info(CONSUMER).await.ok();
        let info = self::function(function, signature, stream.cached_info(), consumer.as_ref());
        let mut stats = FarStats::default();
        stats.size = info.size.unwrap_or(size);
        stats.running = info.running;
        stats.waiting = info.waiting;
        stats.dead = self.count_dead(function).await?;
        for worker in self.workers().await? {
            let serves = |served: &&_| is_version(served, function, signature);
            let Some(served) = worker.functions.iter().find(serves) else { continue };
            let mut of = FarWorker::default();
            of.running = worker.running.iter().filter(|running| running.function == function).count() as u64;
            of.places = served.places;
            of.done = served.done;
            of.failed = served.failed;
            of.id = worker.id;
            of.host = worker.host;
            of.pid = worker.pid;
            of.draining = worker.draining;
            stats.workers.push(of);
        }
        Ok(stats)
    }

    async fn count_dead(&self, function: &str) -> Result<u64, FarmError> {
        let names = &self.link.names;
        let subjects = self.link.subjects(&names.dead_stream(), &names.dead_of(function)).await?;
        // Those with one more token are chunks of a body.
        Ok(subjects.iter().filter(|(subject, _)| Names::key_of_dead(subject).is_some()).count() as u64)
    }
}

fn is_version(served: &crate::farm::watch::ServedFunction, function: &str, signature: &str) -> bool {
    served.name == function && served.signature == signature
}
