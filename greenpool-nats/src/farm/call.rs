//! One job, from its call to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::HeaderMap;
use bytes::Bytes;
use greenpool::__private::remote::{End, Job, Reply, fingerprint};
use greenpool::remote::Lost;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::blobs::Blob;
use crate::error::FarmError;
use crate::farm::out::Stored;
use crate::farm::{Inner, reconcile};
use crate::link::Link;
use crate::names::{JobKey, token};
use crate::wire::{self, Backoff};

/// Runs a job on the farm. Dropping the future cancels it.
pub(crate) async fn call(inner: Arc<Inner>, job: Job) -> End {
    if inner.closed.load(Ordering::Relaxed) {
        return End::Lost(Lost::Closed);
    }
    let (job, id) = inner.stored(job);
    let told = inner.out.wait(&job, id);
    // On the thread of the connection, so that what the server says of it wakes nobody here.
    let submit = inner.link.io.spawn(submit(inner.clone(), job.clone(), id));
    let caller = Caller { inner, job, id, submit: Some(submit) };
    let end = told.await.unwrap_or(End::Lost(Lost::Closed));
    caller.over();
    end
}

/// Stores a job. If that cannot be done, its caller is told so.
async fn submit(inner: Arc<Inner>, job: Stored, id: u64) {
    if let Err(lost) = store(&inner, &job).await {
        inner.out.end_one(&job.key, id, End::Lost(lost));
    }
}

/// Stores a job, unless its run has it already.
async fn store(inner: &Arc<Inner>, job: &Stored) -> Result<(), Lost> {
    if job.named {
        // It is large.
        return Box::pin(store_named(inner, job)).await;
    }
    let mut backoff = Backoff::new();
    while let Err(error) = inner.listen().await {
        wait(error, &mut backoff).await?;
    }
    inner.publish(job).await.map(drop)
}

/// The same for a job of a run with a name.
async fn store_named(inner: &Arc<Inner>, job: &Stored) -> Result<(), Lost> {
    let mut backoff = Backoff::new();
    let run = loop {
        match inner.open_run(job).await {
            Ok(run) => break run,
            Err(error) => wait(error, &mut backoff).await?,
        }
    };
    // It may end between the two, at another submitter's request, or at any time if that has begun the run just when
    // this one did. Then the worker that gets it once more finds its result, and tells it.
    if run.is_fresh() || !look_up(inner, job).await? {
        inner.publish(job).await?;
    }
    // The run stays open while somebody waits for this job.
    let _run = run;
    std::future::pending().await
}

/// Takes the end of a job if it is stored. Returns whether it is.
async fn look_up(inner: &Inner, job: &Stored) -> Result<bool, Lost> {
    let mut backoff = Backoff::new();
    loop {
        match inner.stored_end(job).await {
            Ok(Some(stored)) => {
                inner.take(&job.key, &stored).await;
                return Ok(true);
            }
            Ok(None) => return Ok(false),
            Err(error) => wait(error, &mut backoff).await?,
        }
    }
}

/// Waits before another attempt, if that can help.
async fn wait(error: FarmError, backoff: &mut Backoff) -> Result<(), Lost> {
    if let FarmError::Forbidden { .. } = error {
        return Err(Lost::Refused { why: error.to_string() });
    }
    backoff.wait().await;
    Ok(())
}

/// Stores a job for which nobody waits.
pub(crate) async fn enqueue(inner: Arc<Inner>, job: Job) -> Result<(), Lost> {
    if inner.closed.load(Ordering::Relaxed) {
        return Err(Lost::Closed);
    }
    let (job, _) = inner.stored(job);
    if job.named {
        // It is large.
        return Box::pin(enqueue_named(&inner, &job)).await;
    }
    inner.publish(&job).await?;
    // No result will come for its number.
    inner.taken(&job);
    Ok(())
}

/// The same for a job of a run with a name. If somebody who waits for the job has stored it, that can still be
/// cancelled. So this waits until it is over, or gone.
async fn enqueue_named(inner: &Inner, job: &Stored) -> Result<(), Lost> {
    let mut backoff = Backoff::new();
    loop {
        let kept = async {
            if let Some(stored) = inner.stored_end(job).await? {
                let other = stored.args.is_some_and(|args| args != job.args);
                return Ok(Some(if other { Err(Lost::OtherArguments) } else { Ok(()) }));
            }
            match inner.publish(job).await {
                Ok(false) => {}
                Ok(true) => return Ok(Some(Ok(()))),
                Err(lost) => return Ok(Some(Err(lost))),
            }
            let queued = inner.queued(job).await?;
            let stays = queued.is_some_and(|queued| wire::header(Some(&queued.headers), wire::REPLY).is_some());
            Ok(stays.then_some(Ok(())))
        };
        match kept.await {
            Ok(Some(kept)) => return kept,
            Ok(None) => backoff.wait().await,
            Err(error) => wait(error, &mut backoff).await?,
        }
    }
}

impl Inner {
    /// The job as it is stored, and a number that tells this call from all others.
    fn stored(&self, job: Job) -> (Stored, u64) {
        let id = self.attempts.fetch_add(1, Ordering::Relaxed);
        let named = job.run.is_some();
        let run = job.run.as_deref().map_or_else(|| self.session.clone(), token);
        let key = JobKey { function: job.function.to_owned(), run, n: job.n };
        // A job of a named run may be stored again, also by this process: another submitter can cancel or forget it. The
        // server would take it for the same message for two minutes, and not store it.
        let message_id = (!named).then(|| key.id());
        let reply = match job.reply {
            Reply::Wanted => None,
            Reply::Unwanted => Some("none"),
            Reply::Receipt => Some("receipt"),
        };
        let args = fingerprint(&job.args);
        let body = job.args.into();
        let (function, signature) = (job.function, job.signature);
        let blob = format!("{}-{id}", self.session);
        (Stored { key, function, signature, body, args, blob, message_id, reply, named }, id)
    }

    /// The result of a job without a name is taken, or will not be. Removes a whole block of results from the server.
    fn taken(self: &Arc<Self>, job: &Stored) {
        if job.named {
            return;
        }
        let Some(block) = self.taken.take(job.function, job.key.n) else { return };
        let inner = self.clone();
        let function = job.function;
        self.link.io.spawn(async move {
            let Link { names, .. } = &*inner.link;
            // What stays is too old one day.
            let _ = inner.link.purge(&names.results_stream(), names.block(function, &inner.session, block)).await;
            inner.link.purge_blobs(names.blobs_of_block(function, &inner.session, block)).await;
        });
    }

    /// Waits until a job that was sent has been stored, or cannot be any more: the stream refuses a message that comes
    /// after it. A purge could overtake it.
    async fn arrived(&self, job: &Stored) {
        let mut headers = HeaderMap::new();
        headers.insert(wire::EXPECTED_STREAM, "none");
        let subject = self.link.names.job(job.signature, &job.key);
        // Without an answer, the purge gets none either.
        self.link.store(subject, headers, Bytes::new(), wire::PATIENCE).await;
    }

    /// Removes a job from the queue, and tells the workers to stop it.
    pub(crate) async fn cancel(self: &Arc<Self>, job: &Stored) -> Result<(), FarmError> {
        if job.named {
            return Box::pin(self.cancel_named(job)).await;
        }
        let names = &self.link.names;
        let stream = names.jobs_stream(job.function, job.signature);
        // First, so that a worker that gets it meanwhile knows already.
        let _ = self.link.client.publish(names.cancel(job.function), job.key.id().into()).await;
        self.arrived(job).await;
        self.link.purge(&stream, names.job(job.signature, &job.key)).await?;
        if self.link.blob("", &job.body).is_some() {
            self.link.purge_blobs(format!("{}.>", names.arguments_place(&job.key))).await;
        }
        Ok(())
    }

    /// The same for a job of a run with a name. Others may store it again at any time, so only the message that is there
    /// now is cancelled, and not if it is of somebody who does not wait for the job, and relies on it.
    async fn cancel_named(self: &Arc<Self>, job: &Stored) -> Result<(), FarmError> {
        let names = &self.link.names;
        let (stream, place) = (names.jobs_stream(job.function, job.signature), names.arguments_place(&job.key));
        self.arrived(job).await;
        if let Some(queued) = self.queued(job).await? {
            let headers = Some(&queued.headers);
            if wire::header(headers, wire::REPLY).is_some() {
                return Ok(());
            }
            let which = format!("{} {}", job.key.id(), queued.sequence);
            let _ = self.link.client.publish(names.cancel(job.function), which.into()).await;
            self.link.purge_until(&stream, names.job(job.signature, &job.key), queued.sequence).await?;
            if let Ok(Some(blob)) = Blob::of(headers) {
                self.link.purge_blobs(format!("{place}.{}.*", blob.id)).await;
            }
        }
        if self.link.blob("", &job.body).is_some() {
            self.link.purge_blobs(format!("{place}.{}.*", job.blob)).await;
        }
        // Somebody else in this process may have found that message there. If this fails, the next round does it.
        if let Some(job) = self.out.job(&job.key) {
            drop(reconcile::look(self.clone(), job).await);
        }
        Ok(())
    }
}

/// While the server answers that it cannot cancel a job, this is tried for so long.
const GIVE_UP: Duration = Duration::from_secs(60);

/// Cancels a job. While the server is away it tries again, for as long as the farm lives.
async fn cancel(inner: Arc<Inner>, job: Stored) {
    let (farm, mut backoff) = (Arc::downgrade(&inner), Backoff::new());
    let until = Instant::now() + GIVE_UP;
    let mut inner = Some(inner);
    while let Some(inner) = inner.take().or_else(|| farm.upgrade()) {
        let is_over = match inner.cancel(&job).await {
            Ok(()) | Err(FarmError::Forbidden { .. }) => true,
            Err(_) => inner.closed.load(Ordering::Relaxed) || inner.link.is_connected() && Instant::now() > until,
        };
        if is_over {
            return;
        }
        drop(inner);
        backoff.wait().await;
    }
}

/// Somebody who waits for a job. If that ends before the job does, the job is cancelled.
struct Caller {
    inner: Arc<Inner>,
    job: Stored,
    id: u64,
    submit: Option<JoinHandle<()>>,
}

impl Caller {
    /// The job has ended.
    fn over(mut self) {
        self.inner.out.leave(&self.job.key, self.id);
        self.inner.taken(&self.job);
        self.id = OVER;
        let Some(submit) = self.submit.take_if(|submit| !submit.is_finished()) else { return };
        submit.abort();
        let Some(blob) = self.inner.link.blob(&self.job.blob, &self.job.body) else { return };
        // Another submitter has stored the job, and this one was about to: what it has stored already is of no use.
        let (inner, place) = (self.inner.clone(), self.inner.link.names.arguments_place(&self.job.key));
        self.inner.link.io.spawn(async move {
            let _ = submit.await;
            inner.link.purge_blobs(format!("{place}.{}.*", blob.id)).await;
        });
    }
}

/// The id of no call.
const OVER: u64 = u64::MAX;

impl Drop for Caller {
    fn drop(&mut self) {
        self.submit.take().inspect(JoinHandle::abort);
        if self.id == OVER || !self.inner.out.leave(&self.job.key, self.id) {
            return;
        }
        self.inner.taken(&self.job);
        if self.inner.closed.load(Ordering::Relaxed) {
            return;
        }
        let (inner, job) = (self.inner.clone(), self.job.clone());
        self.inner.link.io.spawn(cancel(inner, job));
    }
}
