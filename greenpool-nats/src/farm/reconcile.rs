//! The one way to recover, whatever was lost: for each job that is out, take its end if it is stored; otherwise store
//! the job if it is not.

use std::collections::BTreeSet;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::StreamExt;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::error::FarmError;
use crate::farm::out::Stored;
use crate::farm::unserved::Unserved;
use crate::farm::{AT_ONCE, Inner};
use crate::wire;

/// How often the jobs that are out are looked at.
const EVERY: Duration = Duration::from_secs(5);
/// A job is looked at when it has been out for so long, and again after the same time.
const OLD: Duration = Duration::from_secs(10);

/// Runs until the farm is dropped: after each new connection, and every so often.
pub(crate) async fn run(farm: Weak<Inner>, mut connections: watch::Receiver<u64>) {
    let mut older = OLD;
    let mut unserved = Unserved::default();
    loop {
        match timeout(EVERY, connections.changed()).await {
            Ok(Ok(())) => older = Duration::ZERO,
            Ok(Err(_)) => return,
            Err(_) => {}
        }
        loop {
            let Some(inner) = farm.upgrade() else { return };
            match reconcile(&inner, older).await {
                Ok(versions) => {
                    if older == OLD {
                        unserved.look(&inner, versions).await;
                    }
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

/// Returns the functions and signatures of the jobs that are still out.
async fn reconcile(inner: &Arc<Inner>, older: Duration) -> Result<Vec<(&'static str, &'static str)>, FarmError> {
    let jobs = inner.out.older(older);
    let count = jobs.len();
    if count == 0 {
        return Ok(Vec::new());
    }
    inner.ensure_all().await?;
    let mut looks = futures::stream::iter(jobs).map(|job| look(inner.clone(), job)).buffer_unordered(AT_ONCE);
    let mut versions = BTreeSet::new();
    while let Some(out) = looks.next().await {
        versions.extend(out?);
    }
    tracing::debug!(target: "greenpool", count, "reconciled");
    Ok(versions.into_iter().collect())
}

/// Returns the job's function and signature if it is still out.
pub(crate) async fn look(inner: Arc<Inner>, job: Stored) -> Result<Option<(&'static str, &'static str)>, FarmError> {
    if let Some(stored) = inner.stored_end(&job).await? {
        inner.take(&job.key, &stored).await;
        return Ok(None);
    }
    if !inner.out.has(&job.key) {
        return Ok(None);
    }
    match inner.store_once(&job, true).await {
        wire::Stored::Yes | wire::Stored::There => inner.out.seen(&job.key),
        // The next round tries again. A job that the server refuses is told so by its first publish.
        _ => {}
    }
    Ok(Some((job.function, job.signature)))
}
