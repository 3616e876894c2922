//! The jobs that are out: those whose end somebody in this process waits for.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use greenpool::__private::remote::End;
use greenpool::remote::Lost;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::names::JobKey;

/// A job as it is stored.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) key: JobKey,
    pub(crate) function: &'static str,
    pub(crate) signature: &'static str,
    pub(crate) body: Bytes,
    /// The fingerprint of the body.
    pub(crate) args: String,
    /// The id of the body, if that is a blob. No other call has it.
    pub(crate) blob: String,
    /// The value of `Nats-Msg-Id`. A job of a named run has none.
    pub(crate) message_id: Option<String>,
    /// The value of `Gp-Reply`.
    pub(crate) reply: Option<&'static str>,
    /// Whether its run has a name, so that another process may have stored the same job.
    pub(crate) named: bool,
}

/// The jobs that are out.
#[derive(Default)]
pub(crate) struct Out(Mutex<HashMap<JobKey, Waiting>>);

struct Waiting {
    job: Stored,
    callers: Vec<Caller>,
    /// When it was last known to be on the server.
    seen: Instant,
}

struct Caller {
    id: u64,
    args: String,
    tell: oneshot::Sender<End>,
}

impl Out {
    fn lock(&self) -> MutexGuard<'_, HashMap<JobKey, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Waits for the end of a job. `id` tells the callers of one job apart.
    pub(crate) fn wait(&self, job: &Stored, id: u64) -> oneshot::Receiver<End> {
        let (tell, told) = oneshot::channel();
        let caller = Caller { id, args: job.args.clone(), tell };
        let mut out = self.lock();
        let waiting = out.entry(job.key.clone()).or_insert_with(|| Waiting {
            job: job.clone(),
            callers: Vec::new(),
            seen: Instant::now(),
        });
        waiting.callers.push(caller);
        told
    }

    /// A caller waits no more. Returns whether it was the last one.
    pub(crate) fn leave(&self, key: &JobKey, id: u64) -> bool {
        let mut out = self.lock();
        let Some(waiting) = out.get_mut(key) else { return false };
        let before = waiting.callers.len();
        waiting.callers.retain(|caller| caller.id != id);
        let last = before > 0 && waiting.callers.is_empty();
        if last {
            out.remove(key);
        }
        last
    }

    /// Tells the callers of a job its end. `args` is the fingerprint of the arguments that the end belongs to.
    pub(crate) fn end(&self, key: &JobKey, end: &End, args: Option<&str>) {
        let Some(waiting) = self.lock().remove(key) else { return };
        for caller in waiting.callers {
            let other = args.is_some_and(|args| args != caller.args);
            let end = if other { End::Lost(Lost::OtherArguments) } else { end.clone() };
            // A caller that has gone needs no answer.
            let _ = caller.tell.send(end);
        }
    }

    /// Tells one caller of a job its end.
    pub(crate) fn end_one(&self, key: &JobKey, id: u64, end: End) {
        let mut out = self.lock();
        let Some(waiting) = out.get_mut(key) else { return };
        let Some(at) = waiting.callers.iter().position(|caller| caller.id == id) else { return };
        let caller = waiting.callers.swap_remove(at);
        if waiting.callers.is_empty() {
            out.remove(key);
        }
        drop(out);
        // A caller that has gone needs no answer.
        let _ = caller.tell.send(end);
    }

    /// Tells all callers the same end. Returns the jobs that were out.
    pub(crate) fn end_all(&self, end: &End) -> Vec<Stored> {
        let jobs: Vec<_> = self.lock().values().map(|waiting| waiting.job.clone()).collect();
        for job in &jobs {
            self.end(&job.key, end, None);
        }
        jobs
    }

    pub(crate) fn has(&self, key: &JobKey) -> bool {
        self.lock().contains_key(key)
    }

    /// The job, if somebody waits for it.
    pub(crate) fn job(&self, key: &JobKey) -> Option<Stored> {
        self.lock().get(key).map(|waiting| waiting.job.clone())
    }

    /// The jobs that have not been looked at for so long.
    pub(crate) fn older(&self, than: Duration) -> Vec<Stored> {
        let out = self.lock();
        out.values().filter(|waiting| waiting.seen.elapsed() >= than).map(|waiting| waiting.job.clone()).collect()
    }

    /// The job is on the server.
    pub(crate) fn seen(&self, key: &JobKey) {
        if let Some(waiting) = self.lock().get_mut(key) {
            waiting.seen = Instant::now();
        }
    }

    /// The functions and signatures of the jobs that are out.
    pub(crate) fn functions(&self) -> Vec<(&'static str, &'static str)> {
        let mut functions: Vec<_> = self.lock().values().map(|out| (out.job.function, out.job.signature)).collect();
        functions.sort_unstable();
        functions.dedup();
        functions
    }
}

#[cfg(test)]
mod tests {
    use greenpool::__private::remote::End;
    use greenpool::remote::Lost;

    use super::{Out, Stored};
    use crate::names::JobKey;

    fn job(args: &str) -> Stored {
        Stored {
            blob: String::new(),
            key: JobKey { function: "f".into(), run: "r".into(), n: 0 },
            function: "f",
            signature: "s",
            body: "".into(),
            args: args.to_owned(),
            message_id: None,
            reply: None,
            named: true,
        }
    }

    #[tokio::test]
    async fn all_callers_of_a_job_get_its_end_and_those_with_other_arguments_that() {
        let out = Out::default();
        let (first, second, other) = (out.wait(&job("a"), 1), out.wait(&job("a"), 2), out.wait(&job("b"), 3));
        out.end(&job("a").key, &End::Value(vec![7]), Some("a"));
        assert_eq!(first.await.unwrap(), End::Value(vec![7]));
        assert_eq!(second.await.unwrap(), End::Value(vec![7]));
        assert_eq!(other.await.unwrap(), End::Lost(Lost::OtherArguments));
        assert_eq!(out.len(), 0);
    }

    #[test]
    fn the_last_caller_that_leaves_is_told_so() {
        let out = Out::default();
        let (first, second) = (out.wait(&job("a"), 1), out.wait(&job("a"), 2));
        assert!(!out.leave(&job("a").key, 1));
        assert!(!out.leave(&job("a").key, 1));
        assert!(out.leave(&job("a").key, 2));
        assert!(!out.leave(&job("a").key, 2));
        drop((first, second));
        assert_eq!(out.len(), 0);
    }
}
