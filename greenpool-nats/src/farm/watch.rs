//! Who works on a farm.

use std::time::Duration;

use futures::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, timeout_at};

use crate::error::{FarmError, refused};
use crate::farm::{Farm, Inner};

/// Workers have so long to answer.
const ANSWERS: Duration = Duration::from_millis(300);

/// Describes a worker; see [`Farm::workers`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WorkerInfo {
    /// The worker's id, which is unique.
    pub id: String,
    /// The name of its machine, if it knows it.
    pub host: String,
    /// The id of its process.
    pub pid: u32,
    /// Whether it takes no new jobs.
    pub draining: bool,
    /// What it serves.
    pub functions: Vec<ServedFunction>,
    /// What it runs.
    pub running: Vec<RunningJob>,
}

/// Describes a function that a worker serves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ServedFunction {
    /// The name on the wire.
    pub name: String,
    /// The signature.
    #[serde(rename = "sig")]
    pub signature: String,
    /// How many jobs the worker runs at once.
    pub places: usize,
    /// How many jobs have returned a value.
    pub done: u64,
    /// How many have panicked, or could not be read.
    pub failed: u64,
}

/// Describes a job that a worker runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RunningJob {
    /// The run and the number.
    pub job: String,
    /// The function.
    pub function: String,
    /// For how many milliseconds the worker has had it.
    pub ms: u64,
    /// How often it was handed to a worker.
    pub delivered: u64,
    /// Whether it runs alone, since workers have died while they ran it.
    pub quarantined: bool,
}

impl Farm {
    /// Asks all workers what they do. Returns those that answer within 300 ms.
    ///
    /// # Errors
    /// If there is no connection to the server.
    pub async fn workers(&self) -> Result<Vec<WorkerInfo>, FarmError> {
        self.inner.workers().await
    }
}

impl Inner {
    pub(crate) async fn workers(&self) -> Result<Vec<WorkerInfo>, FarmError> {
        let link = &self.link;
        let what = "ask the workers";
        if !link.is_connected() {
            return Err(FarmError::Away { what: what.to_owned() });
        }
        let inbox = link.client.new_inbox();
        let mut answers = link.client.subscribe(inbox.clone()).await.map_err(|error| refused(what, error))?;
        let asked = link.client.publish_with_reply(link.names.who(), inbox, "".into()).await;
        asked.map_err(|error| refused(what, error))?;
        let deadline = Instant::now() + ANSWERS;
        let mut workers = Vec::new();
        while let Ok(Some(answer)) = timeout_at(deadline, answers.next()).await {
            if answer.status.is_some() {
                break;
            }
            if let Ok(worker) = serde_json::from_slice(&answer.payload) {
                workers.push(worker);
            }
        }
        Ok(workers)
    }
}
