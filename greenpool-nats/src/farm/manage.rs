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
        let mut streams = link.jetstream.streams();
        let mut functions = Vec::new();
        while let Some(info) = streams.try_next().await.map_err(|error| refused(what, error))? {
            let subject = info.config.subjects.first().map_or("", String::as_str);
            let Some((name, signature)) = link.names.function_of_jobs(subject) else { continue };
            let stream = link.jetstream.get_stream_no_info(&info.config.name).await;
            let consumer = stream.map_err(|error| refused(what, error))?.consumer_info(CONSUMER).await.ok();
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

    /// Removes a version of a function from the server, with all of its jobs that are queued. It is made again by who
    /// submits to it or serves it.
    ///
    /// # Errors
    /// If there is none, or the server refuses it.
    pub async fn remove_function(&self, function: &str, signature: &str) -> Result<(), FarmError> {
        let link = self.link();
        let deleted = link.jetstream.delete_stream(link.names.jobs_stream(function, signature)).await;
        deleted.map(drop).map_err(|error| refused(format!("remove `{function}` {signature}"), error))
    }

    /// Returns the runs that have stored results. It takes a while if there are many results.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn runs(&self) -> Result<Vec<RunInfo>, FarmError> {
        let what = "list the runs";
        let link = self.link();
        let results = link.jetstream.get_stream_no_info(link.names.results_stream()).await;
        let results = results.map_err(|error| refused(what, error))?;
        let subjects = results.info_with_subjects(link.names.results()).await;
        let mut subjects = subjects.map_err(|error| refused(what, error))?;
        let mut runs = BTreeMap::<_, u64>::new();
        while let Some((subject, count)) = subjects.try_next().await.map_err(|error| refused(what, error))? {
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
        size: consumer.map(|consumer| consumer.config.max_ack_pending.max(0) as usize),
        running,
        waiting: stream.state.messages.saturating_sub(running),
    }
}

impl Inner {
    async fn jobs_stream(&self, function: &str, signature: &str) -> Result<Stream, FarmError> {
        let name = self.link.names.jobs_stream(function, signature);
        let stream = self.link.jetstream.get_stream(&name).await;
        stream.map_err(|error| refused(format!("look at the stream {name}"), error))
    }

    /// Sets the limit of one version of a function. Its consumer must be there.
    pub(crate) async fn set_size(&self, function: &str, signature: &str, size: usize) -> Result<(), FarmError> {
        assert!((1..=100_000).contains(&size), "a size is from 1 to 100,000, and not {size}");
        let what = || format!("resize `{function}`");
        let stream = self.jobs_stream(function, signature).await?;
        let info = stream.consumer_info(CONSUMER).await.map_err(|error| refused(what(), error))?;
        let mut config = info.config;
        config.max_ack_pending = size as i64;
        stream.update_consumer(config).await.map(drop).map_err(|error| refused(what(), error))
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
        let what = || format!("count the dead jobs of `{function}`");
        let dead = self.link.jetstream.get_stream_no_info(self.link.names.dead_stream()).await;
        let dead = dead.map_err(|error| refused(what(), error))?;
        let subjects = dead.info_with_subjects(self.link.names.dead_of(function)).await;
        let subjects = subjects.map_err(|error| refused(what(), error))?;
        // Those with one more token are chunks of a body.
        let jobs = subjects.try_filter(|(subject, _)| std::future::ready(Names::key_of_dead(subject).is_some()));
        let jobs = jobs.try_fold(0, |count, _| std::future::ready(Ok(count + 1)));
        jobs.await.map_err(|error| refused(what(), error))
    }
}

fn is_version(served: &crate::farm::watch::ServedFunction, function: &str, signature: &str) -> bool {
    served.name == function && served.signature == signature
}
