//! What most tests start with: a server, workers, and a submitter.

use std::path::PathBuf;
use std::time::Duration;

use greenpool_nats::Farm;
use tempfile::TempDir;

use crate::deadline::until;
use crate::log::{self, Execution};
use crate::process::{LEASE, Process};
use crate::role::{Role, WorkerRole};
use crate::server::Server;

/// A server, and a folder for the log of the workers.
pub(crate) struct Site {
    pub(crate) server: Server,
    folder: TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        Site { server: Server::start(), folder: TempDir::new().expect("a temporary folder") }
    }

    pub(crate) async fn farm(&self) -> Farm {
        Farm::connect(self.server.url()).await.expect("the server listens")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub(crate) fn executions(&self) -> Vec<Execution> {
        log::read(&self.log())
    }

    /// The role of a worker with so many places.
    pub(crate) fn role(&self, places: usize) -> WorkerRole {
        WorkerRole {
            url: self.server.url(),
            log: self.log(),
            places,
            replicas: 1,
            lease: LEASE,
            grace: Duration::from_secs(20),
            new: false,
            one_thread: false,
        }
    }

    pub(crate) fn worker(&self, places: usize) -> Process {
        Process::start(&Role::Worker(self.role(places)))
    }

    pub(crate) fn workers(&self, count: usize, places: usize) -> Vec<Process> {
        (0..count).map(|_| self.worker(places)).collect()
    }

    /// Waits until a number of jobs have begun.
    pub(crate) async fn begun(&self, count: usize) {
        until("jobs to begin", async || self.executions().len() >= count).await;
    }
}

/// Waits until so many workers answer.
pub(crate) async fn answering(farm: &Farm, count: usize) {
    until("workers to answer", async || farm.workers().await.expect("the server is there").len() == count).await;
}

/// Waits until nothing of a function is queued or running.
pub(crate) async fn empty(farm: &Farm, function: &str) {
    until("an empty queue", async || {
        let queue = farm.queue(function).await.expect("the server is there");
        queue.waiting == 0 && queue.running == 0
    })
    .await;
}
