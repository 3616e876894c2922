//! The dead list: the jobs that were given up, and the jobs without a caller that failed.

use async_nats::HeaderMap;
use bytes::Bytes;
use futures::StreamExt;
use greenpool::__private::remote::fingerprint;

use crate::blobs::{Blob, DEAD_BODY};
use crate::error::{FarmError, refused};
use crate::farm::{AT_ONCE, Farm};
use crate::json;
use crate::link::SharedLink;
use crate::names::{JobKey, Names, name_of_token};
use crate::wire::{self, Stored};

/// The dead list of a farm: the jobs that were given up, and the jobs without a caller that failed. Returned by
/// [`Farm::dead`]. They stay in it for seven days.
///
/// ```no_run
/// # async fn run(farm: greenpool_nats::Farm) -> Result<(), greenpool_nats::FarmError> {
/// let dead = farm.dead();
/// for job in dead.list().await? {
///     println!("{}: {}", job.id(), job.why);
///     dead.retry(&job).await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use = "it does nothing until one of its verbs is called"]
pub struct Dead {
    farm: Farm,
}

/// A job in the dead list; see [`Dead::list`].
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

impl DeadJob {
    /// Returns what tells it from all other dead jobs: `function/run/n`.
    pub fn id(&self) -> String {
        format!("{}/{}/{}", self.function, self.run, self.n)
    }
}

impl Farm {
    /// Returns the dead list. Does no I/O.
    pub fn dead(&self) -> Dead {
        Dead { farm: self.clone() }
    }
}

impl Dead {
    fn link(&self) -> &SharedLink {
        self.farm.link()
    }

    /// Returns the jobs in the list, the oldest first.
    ///
    /// # Errors
    /// If the server does not answer.
    pub async fn list(&self) -> Result<Vec<DeadJob>, FarmError> {
        let link = self.link();
        let [dead, _marks] = link.names.all_dead();
        let subjects = link.subjects(&link.names.dead_stream(), &dead).await?;
        let keys = subjects.iter().filter_map(|(subject, _)| Names::key_of_dead(subject));
        let mut looks = futures::stream::iter(keys).map(|key| self.job(key)).buffer_unordered(AT_ONCE);
        let mut jobs = Vec::new();
        while let Some(job) = looks.next().await {
            // Another one may have removed it.
            jobs.extend(job?);
        }
        jobs.sort_by_key(|job| job.sequence);
        Ok(jobs)
    }

    async fn job(&self, key: JobKey) -> Result<Option<DeadJob>, FarmError> {
        let link = self.link();
        let Some(message) = link.last(&link.names.dead_stream(), &link.names.dead(&key)).await? else {
            return Ok(None);
        };
        let headers = Some(&message.headers);
        let why = match wire::header(headers, wire::END) {
            Some("panic") => "the job panicked: ",
            Some("gaveup") => "workers that it has taken down: ",
            _ => "",
        };
        let why = format!("{why}{}", wire::header(headers, wire::WHY).unwrap_or_default());
        let (function, run, n) = (key.function.clone(), name_of_token(&key.run), key.n);
        Ok(Some(DeadJob { function, run, n, why, key, sequence: message.sequence }))
    }

    /// Stores a job again, as one without a caller, and removes it from the list. If its caller is still there, that has
    /// its answer already.
    ///
    /// # Errors
    /// If it is not in the list any more, or the server does not take it. In the second case it stays in the list.
    ///
    /// # Cancel safety
    /// If the returned future is dropped, the job may be stored and still be in the list.
    pub async fn retry(&self, job: &DeadJob) -> Result<(), FarmError> {
        let what = "store the job again";
        let link = self.link();
        let names = &link.names;
        let message = link.last(&names.dead_stream(), &names.dead(&job.key)).await?;
        let message = message.ok_or_else(|| refused(what, "it is not in the dead list any more"))?;
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
            Ok(link.store(subject, headers, message.payload.clone(), wire::PATIENCE).await)
        };
        match stored.await? {
            Stored::Yes | Stored::There => self.remove_until(&job.key, message.sequence).await,
            Stored::Forbidden(right) => Err(FarmError::Forbidden { what: what.to_owned(), right }),
            Stored::Full => Err(refused(what, "its queue is full")),
            Stored::NoStream => Err(refused(what, "its function has no queue; a worker that serves it makes one")),
            Stored::Unknown => Err(refused(what, "there was no answer")),
            Stored::Refused(why) => Err(refused(what, why)),
        }
    }

    /// Returns the arguments of a job, as JSON.
    ///
    /// # Errors
    /// If they are not there any more, or cannot be written as JSON.
    pub async fn arguments(&self, job: &DeadJob) -> Result<String, FarmError> {
        let what = "read the arguments of a dead job";
        let link = self.link();
        let message = link.last(&link.names.dead_stream(), &link.names.dead(&job.key)).await?;
        let message = message.ok_or_else(|| refused(what, "it is not in the dead list any more"))?;
        let body = self.dead_body(job, &message.headers).await?.unwrap_or(message.payload);
        let is_json = wire::is_json(Some(&message.headers));
        let json = if is_json { Ok(body.to_vec()) } else { json::of_message_pack(&body) };
        json.map(|json| String::from_utf8_lossy(&json).into_owned()).map_err(|why| refused(what, why))
    }

    /// The arguments of a dead job, if they do not lie in its message.
    async fn dead_body(&self, job: &DeadJob, headers: &HeaderMap) -> Result<Option<Bytes>, FarmError> {
        let what = "read the arguments of a dead job";
        let link = self.link();
        let Some(blob) = Blob::of(Some(headers)).map_err(|why| refused(what, why))? else { return Ok(None) };
        let body = link.get_blob(&link.names.dead_stream(), &link.names.dead(&job.key), &blob).await?;
        body.map(Some).ok_or_else(|| refused(what, "the server has only a part of them"))
    }

    /// Removes a job. If it is gone, or has failed once more since it was listed, this does nothing.
    ///
    /// # Errors
    /// If the server does not do it.
    pub async fn remove(&self, job: &DeadJob) -> Result<(), FarmError> {
        self.remove_until(&job.key, job.sequence).await
    }

    /// Removes a job, unless it has failed again after the message of this sequence number.
    async fn remove_until(&self, key: &JobKey, sequence: u64) -> Result<(), FarmError> {
        let link = self.link();
        let (stream, subject) = (link.names.dead_stream(), link.names.dead(key));
        if link.purge_until(&stream, subject.clone(), sequence).await? > 0 {
            link.purge(&stream, format!("{subject}.>")).await?;
        }
        Ok(())
    }
}
