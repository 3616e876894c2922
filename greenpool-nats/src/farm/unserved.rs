//! Jobs of which no worker is there.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::farm::Inner;
use crate::farm::watch::WorkerInfo;

/// How often it is told of one version of a function.
const EVERY: Duration = Duration::from_secs(60);

/// A function and its signature.
type Version = (&'static str, &'static str);

/// When it was told of which versions.
#[derive(Default)]
pub(crate) struct Unserved(HashMap<Version, Instant>);

impl Unserved {
    /// Tells of those versions of functions that no worker serves, although their jobs have been out for some time.
    pub(crate) async fn look(&mut self, inner: &Inner, mut versions: Vec<Version>) {
        self.0.retain(|_, told| told.elapsed() < EVERY);
        versions.retain(|version| !self.0.contains_key(version));
        if versions.is_empty() {
            return;
        }
        let Ok(workers) = inner.workers().await else { return };
        for (function, signature) in versions {
            let served = served(&workers, function);
            if !served.contains(&signature) {
                self.0.insert((function, signature), Instant::now());
                let served = served.join(" ");
                tracing::warn!(
                    target: "greenpool",
                    function,
                    signature,
                    served,
                    "unserved: jobs wait, and no worker serves this function with this signature"
                );
            }
        }
    }
}

/// The signatures of a function that some worker serves.
fn served<'a>(workers: &'a [WorkerInfo], function: &str) -> Vec<&'a str> {
    let workers = workers.iter().filter(|worker| !worker.draining);
    let functions = workers.flat_map(|worker| &worker.functions).filter(|served| served.name == function);
    let mut signatures: Vec<_> = functions.map(|served| &*served.signature).collect();
    signatures.sort_unstable();
    signatures.dedup();
    signatures
}
