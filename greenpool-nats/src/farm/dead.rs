//! The dead list: the jobs that were given up, and the jobs without a caller that failed.

use async_nats::HeaderMap;
use bytes::Bytes;
use futures::StreamExt;
use greenpool::__private::remote::fingerprint;

use crate::blobs::{Blob, DEAD_BODY};
use crate::error::{FarmError, refused};
use crate::farm::Farm;
use crate::names::{JobKey, Names, name_of_token};
use crate::wire::{self, Stored};

/// A job in the dead list; see [`Farm::dead`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeadJob {
    /// The function.
    pub function: String,
    /// The run that it belongs to.
    pub run: String,
    /// The number of the job in its run.
    pub n: u64,
    /// Why it is here.
    pub why: String,
    key: JobKey,
    sequence: u64,
}

impl Farm {
    /// Returns the jobs in the dead list, the oldest first.
    ///
    /// # Errors
    /// If the server does not answer.
    ///
    /// ```no_run
    /// # async fn run(farm: greenpool_nats::Farm) -> Result<(), greenpool_nats::FarmError> {
    /// for job in farm.dead().await? {
    ///     println!("{} {}.{}: {}", job.function, job.run, job.n, job.why);
    ///     farm.retry(&job).await?;
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn dead(&self) -> Result<Vec<DeadJob>, FarmError> {
        let what = "look at the dead list";
        let link = self.link();
        let stream = link.jetstream.get_stream(link.names.dead_stream()).await.map_err(|error| refused(what, error))?;
        let [dead, _marks] = link.names.all_dead();
        let mut subjects = stream.info_with_subjects(&dead).await.map_err(|error| refused(what, error))?;
        let mut jobs = Vec::new();
        while let Some(subject) = subjects.next().await {
            let (subject, _) = subject.map_err(|error| refused(what, error))?;
            let Some(key) = Names::key_of_dead(&subject) else { continue };
            // Another one may have removed it.
            let Ok(message) = stream.get_last_raw_message_by_subject(&subject).await else { continue };
            let headers = Some(&message.headers);
            let why = match wire::header(headers, wire::END) {
                Some("panic") => "the job panicked: ",
                Some("gaveup") => "workers that it has taken down: ",
                _ => "",
            };
            let why = format!("{why}{}", wire::header(headers, wire::WHY).unwrap_or_default());
            let (function, run, n) = (key.function.clone(), name_of_token(&key.run), key.n);
            jobs.push(DeadJob { function, run, n, why, key, sequence: message.sequence });
        }
        jobs.sort_by_key(|job| job.sequence);
        Ok(jobs)
    }

    /// Stores a job of the dead list again, as one without a caller, and removes it from the list. If its caller is still
    /// there, that has its answer already.
    ///
    /// # Errors
    /// If the server does not take it. Then it stays in the list.
    pub async fn retry(&self, job: &DeadJob) -> Result<(), FarmError> {
        let what = "store the job again";
        let link = self.link();
        let names = &link.names;
        let stream = link.jetstream.get_stream_no_info(names.dead_stream()).await;
        let stream = stream.map_err(|error| refused(what, error))?;
        let message = stream.get_last_raw_message_by_subject(&names.dead(&job.key)).await;
        let message = message.map_err(|error| refused(what, error))?;
        let signature = wire::header(Some(&message.headers), wire::SIGNATURE).unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert(wire::REPLY, "none");
        headers.insert(wire::EXPECTED, "0");
        if wire::is_json(Some(&message.headers)) {
            headers.insert(wire::CODEC, "json");
        }
        let stored = async {
            if let Some(body) = self.dead_body(job, &message.headers).await? {
                let blob = link.blob(DEAD_BODY, &body).ok_or_else(|| refused(what, "its body fits into a message"))?;
                headers.insert(wire::BLOB, blob.to_string());
                headers.insert(wire::ARGS, fingerprint(&body));
                match link.put_blob(&names.arguments_place(&job.key), &blob, &body).await {
                    Stored::Yes => {}
                    other => return Ok(other),
                }
            }
            let subject = names.job(signature, &job.key);
            Ok(wire::store(&link.client, subject, headers, message.payload, wire::PATIENCE).await)
        };
        match stored.await? {
            Stored::Yes | Stored::There => self.remove(job).await,
            other => Err(refused(what, format!("{other:?}"))),
        }
    }

    /// The arguments of a dead job, if they do not lie in its message.
    async fn dead_body(&self, job: &DeadJob, headers: &HeaderMap) -> Result<Option<Bytes>, FarmError> {
        let what = "read the arguments of a dead job";
        let link = self.link();
        let Some(blob) = Blob::of(Some(headers)).map_err(|why| refused(what, why))? else { return Ok(None) };
        let body = link.get_blob(&link.names.dead_stream(), &link.names.dead(&job.key), &blob).await?;
        body.map(Some).ok_or_else(|| refused(what, "the server has only a part of them"))
    }

    /// Removes a job from the dead list.
    ///
    /// # Errors
    /// If the server does not do it.
    pub async fn remove(&self, job: &DeadJob) -> Result<(), FarmError> {
        let what = "remove a job from the dead list";
        let link = self.link();
        let stream = link.jetstream.get_stream_no_info(link.names.dead_stream()).await;
        let stream = stream.map_err(|error| refused(what, error))?;
        // Not the job that has failed again since then.
        let purge = stream.purge().sequence(job.sequence + 1).filter(link.names.dead(&job.key));
        let purged = purge.await.map_err(|error| refused(what, error))?;
        if purged.purged > 0 {
            link.purge(&link.names.dead_stream(), format!("{}.>", link.names.dead(&job.key))).await?;
        }
        Ok(())
    }
}
