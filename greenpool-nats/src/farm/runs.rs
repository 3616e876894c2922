//! The named runs that have jobs out. A run is opened by the first of them, and left by the last.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::OnceCell;
use tokio::task::AbortHandle;

use crate::error::FarmError;
use crate::farm::Inner;
use crate::farm::out::Stored;
use crate::streams::absent;

/// The named runs that have jobs out.
#[derive(Default)]
pub(crate) struct Runs(Mutex<HashMap<(String, String), Weak<OpenRun>>>);

/// A run whose results this process hears of.
#[derive(Default)]
pub(crate) struct OpenRun(OnceCell<Opened>);

struct Opened {
    /// Whether the server had no job and no result of the run when it was opened.
    fresh: bool,
    listener: AbortHandle,
}

impl OpenRun {
    pub(crate) fn is_fresh(&self) -> bool {
        self.0.get().is_some_and(|opened| opened.fresh)
    }
}

impl Drop for OpenRun {
    fn drop(&mut self) {
        if let Some(opened) = self.0.get() {
            opened.listener.abort();
        }
    }
}

impl Runs {
    fn lock(&self) -> MutexGuard<'_, HashMap<(String, String), Weak<OpenRun>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, job: &Stored) -> Arc<OpenRun> {
        let mut runs = self.lock();
        let name = (job.key.function.clone(), job.key.run.clone());
        if let Some(run) = runs.get(&name).and_then(Weak::upgrade) {
            return run;
        }
        runs.retain(|_, run| run.strong_count() > 0);
        let run = Arc::new(OpenRun::default());
        runs.insert(name, Arc::downgrade(&run));
        run
    }
}

impl Inner {
    /// Subscribes to the results of a job's run, and finds out whether it is new.
    pub(crate) async fn open_run(self: &Arc<Self>, job: &Stored) -> Result<Arc<OpenRun>, FarmError> {
        let run = self.runs.get(job);
        run.0.get_or_try_init(|| self.open(job)).await?;
        Ok(run)
    }

    async fn open(self: &Arc<Self>, job: &Stored) -> Result<Opened, FarmError> {
        let names = &self.link.names;
        let (function, run) = (&job.key.function, &job.key.run);
        let results = names.results_of_run(function, run);
        let listener = self.listen_to(results.clone()).await?;
        let queued = names.jobs_of_run(function, job.signature, run);
        let jobs = names.jobs_stream(function, job.signature);
        let fresh = async {
            Ok(!self.has_any(&names.results_stream(), &results).await? && !self.has_any(&jobs, &queued).await?)
        };
        match fresh.await {
            Ok(fresh) => Ok(Opened { fresh, listener }),
            Err(error) => {
                listener.abort();
                Err(error)
            }
        }
    }

    async fn has_any(&self, stream: &str, subject: &str) -> Result<bool, FarmError> {
        let messages = self.link.stream(stream).await?;
        let first = async { absent(messages.get_first_raw_message_by_subject(subject, 1).await) };
        Ok(self.link.request(format!("look for {subject}"), stream, first).await?.is_some())
    }
}
