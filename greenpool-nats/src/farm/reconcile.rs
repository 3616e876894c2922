//! The one way to recover, whatever was lost: for each job that is out, take its end if it is stored; otherwise store
//! the job if it is not.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::error::FarmError;
use crate::farm::Inner;
use crate::farm::out::Stored;
use crate::wire;

/// How often the jobs that are out are looked at.
const EVERY: Duration = Duration::from_secs(5);
/// A job is looked at when it has been out for so long, and again after the same time.
const OLD: Duration = Duration::from_secs(10);
/// So many jobs are looked at at once.
const AT_ONCE: usize = 64;

/// Runs until the farm is dropped: after each new connection, and every so often.
pub(crate) async fn run(farm: Weak<Inner>, mut connections: watch::Receiver<u64>) {
    let mut older = OLD;
    loop {
        match timeout(EVERY, connections.changed()).await {
            Ok(Ok(())) => older = Duration::ZERO,
            Ok(Err(_)) => return,
            Err(_) => {}
        }
        loop {
            let Some(inner) = farm.upgrade() else { return };
            match reconcile(&inner, older).await {
                Ok(0) => break,
                Ok(count) => {
                    tracing::debug!(target: "greenpool", count, "reconciled");
                    break;
                }
                Err(error) => {
                    tracing::debug!(target: "greenpool", %error, "could not reconcile");
                    drop(inner);
                    sleep(Duration::from_millis(300)).await;
                }
            }
        }
        older = OLD;
    }
}

async fn reconcile(inner: &Arc<Inner>, older: Duration) -> Result<usize, FarmError> {
    let jobs = inner.out.older(older);
    let count = jobs.len();
    if count == 0 {
        return Ok(0);
    }
    inner.ensure_all().await?;
    let mut looks = futures::stream::iter(jobs).map(|job| look(inner.clone(), job)).buffer_unordered(AT_ONCE);
    while let Some(looked) = looks.next().await {
        looked?;
    }
    Ok(count)
}

async fn look(inner: Arc<Inner>, job: Stored) -> Result<(), FarmError> {
    if let Some(stored) = inner.stored_end(&job).await? {
        inner.take(&job.key, &stored).await;
        return Ok(());
    }
    if !inner.out.has(&job.key) {
        return Ok(());
    }
    match inner.store_once(&job, true).await {
        wire::Stored::Yes | wire::Stored::There => inner.out.seen(&job.key),
        // The next round tries again. A job that the server refuses is told so by its first publish.
        _ => {}
    }
    Ok(())
}
