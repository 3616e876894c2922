//! One job of a worker, from its delivery to its acknowledgement.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_nats::Message;
use bytes::Bytes;
use greenpool::__private::remote::End;
use greenpool::remote::{Handler, JobInfo, Lost, Part, panic_text};
use tokio::runtime;
use tokio::sync::SemaphorePermit;

use crate::blobs::Blob;
use crate::clock::Moment;
use crate::json;
use crate::names::{Names, name_of_token};
use crate::streams::Consumer;
use crate::wire;
use crate::worker::lease::{Fenced, Lease};
use crate::worker::serving::{Running, Serving, count};
use crate::worker::tell::Missing;

/// Begins a job that has come. It may have lain in a buffer: the server has sent it after the moment `fresh`.
pub(crate) fn begin(serving: &Arc<Serving>, message: Message, fresh: Moment) {
    let Consumer { created, lease, .. } = serving.checked().consumer;
    let place = Place::take(serving);
    // On the thread of the connection: only the function itself runs where it could block others, and each hand-over to
    // another thread costs more than all the rest.
    serving.shared.link.io.spawn(async move {
        let serving = &place.0;
        let Some(reply) = message.reply.as_ref().map(ToString::to_string) else { return };
        let Some(key) = Names::key_of_job(&message.subject) else { return };
        let lease = Lease::new(fresh, lease);
        let delivery = delivery(&reply);
        let blob = Blob::of(message.headers.as_ref()).ok().flatten().map(|blob| blob.id);
        let running = Arc::new(Running::new(key, reply, lease, created, delivery, fresh, blob));
        if delivery == 1 {
            serving.hear_of_new_job(fresh);
        }
        serving.add(running.clone());
        let _entry = Entry { serving, running: &running };
        serving.one(&message, &running).await;
    });
}

/// A place that has a job.
struct Place(Arc<Serving>);

impl Place {
    fn take(serving: &Arc<Serving>) -> Self {
        serving.take_place();
        Place(serving.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.free_place();
    }
}

/// A job among those that run.
struct Entry<'a> {
    serving: &'a Serving,
    running: &'a Arc<Running>,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.serving.remove(self.running);
    }
}

/// What became of a job.
pub(crate) enum Outcome {
    Ended(End),
    /// It has ended before.
    Known(End),
    /// Nobody waits for it.
    Cancelled,
    /// It is not this worker's any more.
    NotOurs,
    /// Another worker may have it. The server hands it out once more when this lease ends, unless that worker extends
    /// it.
    Early,
}

impl Serving {
    async fn one(self: &Arc<Self>, message: &Message, running: &Arc<Running>) {
        let suspect = running.is_suspect();
        // Held until the end is told: another suspect that takes the worker down must not count against this job.
        let _alone = if suspect { self.alone(running).await } else { None };
        match self.run(message, running, suspect).await {
            Outcome::Ended(end) => {
                self.count(&end);
                if self.tell(message, running, &end).await {
                    self.over(running, "+ACK");
                } else {
                    self.lost(running);
                }
            }
            Outcome::Known(end) => {
                if self.bury(message, running, &end).await {
                    self.over(running, "+ACK");
                } else {
                    self.lost(running);
                }
            }
            Outcome::Cancelled => {
                count(&self.shared.counts.cancelled);
                self.over(running, "+TERM");
            }
            Outcome::NotOurs => {
                count(&self.shared.counts.lost);
                self.lost(running);
            }
            Outcome::Early => {
                tracing::debug!(target: "greenpool", function = self.handler.name(), job = running.key.id(), "job.early");
            }
        }
    }

    /// Waits until no other suspect runs here, or until this one is not to run here any more.
    async fn alone(&self, running: &Running) -> Option<SemaphorePermit<'_>> {
        tokio::select! {
            alone = self.shared.lane.acquire() => alone.ok(),
            () = running.stopped() => None,
        }
    }

    /// Nobody is to run the job again.
    fn over(self: &Arc<Self>, running: &Arc<Running>, word: &'static str) {
        self.acknowledge(running, word);
        if running.is_suspect() {
            self.unmark(running);
        }
    }

    /// Another worker has the job, or will have it.
    fn lost(self: &Arc<Self>, running: &Arc<Running>) {
        if running.is_suspect() {
            self.take_back_later(running);
        }
        let job = running.key.id();
        tracing::warn!(target: "greenpool", function = self.handler.name(), job, "lease.lost");
    }

    async fn run(self: &Arc<Self>, message: &Message, running: &Arc<Running>, suspect: bool) -> Outcome {
        if running.is_cancelled() || self.was_cancelled(running) {
            return Outcome::Cancelled;
        }
        if running.lease.is_over() {
            return Outcome::NotOurs;
        }
        match self.known_end(message, running).await {
            Ok(None) => {}
            Ok(Some(end)) => return Outcome::Known(end),
            Err(outcome) => return outcome,
        }
        if running.delivery > 1
            && let Err(outcome) = Box::pin(self.early(running)).await
        {
            return outcome;
        }
        // What few jobs need is boxed, here and below: the memory of all of them would be as large.
        if suspect && let Err(outcome) = Box::pin(self.suspect(running)).await {
            return outcome;
        }
        let arguments = match self.arguments(message, running).await {
            Ok(arguments) => arguments,
            Err(Missing::Lost(why)) => {
                return match Box::pin(self.is_stored(message, running)).await {
                    Ok(()) => Outcome::Ended(unreadable(Part::Arguments, why)),
                    Err(outcome) => outcome,
                };
            }
            Err(Missing::NotOurs) => return Outcome::NotOurs,
        };
        let job = job(self.handler.clone(), arguments, wire::is_json(message.headers.as_ref()), running.clone());
        if running.is_cancelled() {
            return Outcome::Cancelled;
        }
        running.set_queued(true);
        let fenced = Fenced { future: Box::pin(job), lease: running.lease.clone() };
        let green = On { runtime: &self.shared.jobs, future: self.pool.spawn(fenced) }.await;
        running.begun(green.abort_handle());
        match green.await {
            Ok(Some(end)) => Outcome::Ended(end),
            Err(error) if error.is_panic() => Outcome::Ended(End::Panic(panic_text(error))),
            Err(_) if running.is_cancelled() => Outcome::Cancelled,
            Ok(None) | Err(_) => Outcome::NotOurs,
        }
    }

    /// A job that has been delivered too often runs alone, and each time that it does is written down before: so the
    /// job that kills its workers is known, and not the jobs beside it.
    async fn suspect(&self, running: &Running) -> Result<(), Outcome> {
        if running.lease.is_over() {
            return Err(Outcome::NotOurs);
        }
        let (function, job) = (self.handler.name(), running.key.id());
        let deaths = self.deaths(running).await.ok_or(Outcome::NotOurs)?;
        if deaths >= self.shared.settings.attempts() {
            tracing::error!(target: "greenpool", function, job, deaths, "job.gave_up");
            return Err(Outcome::Ended(End::Lost(Lost::GaveUp { deaths })));
        }
        tracing::warn!(target: "greenpool", function, job, deaths, "job.quarantined");
        if self.mark(running).await { Ok(()) } else { Err(Outcome::NotOurs) }
    }

    fn count(&self, end: &End) {
        let counts = &self.shared.counts;
        match end {
            End::Value(_) => {
                count(&counts.done);
                count(&self.done);
            }
            End::Lost(Lost::GaveUp { .. }) => count(&counts.given_up),
            End::Panic(_) | End::Lost(_) => {
                count(&counts.failed);
                count(&self.failed);
            }
        }
    }
}

/// The function, from its arguments to its result as they go over the wire.
async fn job(handler: Handler, arguments: Bytes, json: bool, running: Arc<Running>) -> End {
    running.set_queued(false);
    let info = JobInfo::new(name_of_token(&running.key.run).into(), running.key.n, running.delivery);
    let info = info.with_lease(running.lease.clone());
    let begun = if json {
        json::to_message_pack(&arguments).and_then(|arguments| handler.begin(&arguments, info))
    } else {
        handler.begin(&arguments, info)
    };
    drop(arguments);
    let written = match begun {
        Ok(future) => future.await,
        Err(why) => return unreadable(Part::Arguments, why),
    };
    let written = written.and_then(|body| if json { json::of_message_pack(&body) } else { Ok(body) });
    written.map_or_else(|why| unreadable(Part::Output, why), End::Value)
}

pub(crate) fn unreadable(what: Part, why: String) -> End {
    End::Lost(Lost::Unreadable { what, why })
}

/// A future that starts what it starts on another runtime.
struct On<'a, F> {
    runtime: &'a runtime::Handle,
    future: F,
}

impl<F: Future + Unpin> Future for On<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let _there = self.runtime.enter();
        Pin::new(&mut self.future).poll(cx)
    }
}

/// Whether somebody waits for the result of a job.
pub(crate) enum Wanted {
    Result,
    Receipt,
    Nothing,
}

pub(crate) fn wanted(message: &Message) -> Wanted {
    match wire::header(message.headers.as_ref(), wire::REPLY) {
        None => Wanted::Result,
        Some("receipt") => Wanted::Receipt,
        Some(_) => Wanted::Nothing,
    }
}

/// How often a job was delivered, by its acknowledgement subject: `$JS.ACK.<stream>.<consumer>.<delivery>.<stream
/// sequence>.<consumer sequence>.<time>.<pending>`, which from server 2.11 on may have a domain and an account before
/// the stream.
fn delivery(reply: &str) -> u64 {
    number(reply, 0).unwrap_or(1)
}

/// Where a job is in its stream, by the same.
pub(crate) fn sequence(reply: &str) -> Option<u64> {
    number(reply, 1)
}

/// One of the numbers in such a subject, counted from the delivery on.
fn number(reply: &str, at: usize) -> Option<u64> {
    let tokens: Vec<_> = reply.split('.').collect();
    let first = if tokens.len() >= 11 { 6 } else { 4 };
    tokens.get(first + at)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{delivery, sequence};

    #[test]
    fn the_numbers_are_read_from_both_forms() {
        for (reply, numbers) in [
            ("$JS.ACK.gp_default_f_0.workers.3.17.18.1700000000000000000.5", (3, Some(17))),
            ("$JS.ACK._.hash.gp_default_f_0.workers.4.19.18.1700000000000000000.5.token", (4, Some(19))),
            ("nonsense", (1, None)),
        ] {
            assert_eq!((delivery(reply), sequence(reply)), numbers, "{reply}");
        }
    }
}
