//! What a worker hears beside jobs: which of them are cancelled, and who asks what it does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::Subscriber;
use futures::StreamExt;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::error::FarmError;
use crate::farm::watch::{RunningJob, ServedFunction, WorkerInfo};
use crate::worker::serving::{Serving, Shared};

async fn subscribe(shared: &Shared, subject: &str) -> Subscriber {
    loop {
        match shared.link.subscribe(subject).await {
            Ok(subscriber) => return subscriber,
            Err(error @ FarmError::Forbidden { .. }) => shared.fail(error),
            Err(_) => {}
        }
        sleep(Duration::from_secs(1)).await;
    }
}

/// How long a job can be on its way, at most, after it was cancelled.
const ON_ITS_WAY: Duration = Duration::from_secs(10);

/// Stops the jobs of a function that nobody waits for.
pub(crate) async fn cancel(serving: Arc<Serving>) {
    let link = &serving.shared.link;
    let mut cancelled = subscribe(&serving.shared, &link.names.cancel(serving.handler.name())).await;
    let mut tick = interval(ON_ITS_WAY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            message = cancelled.next() => match message {
                Some(message) => serving.cancel(&String::from_utf8_lossy(&message.payload)),
                None => return,
            },
            _ = tick.tick() => serving.forget_cancelled(),
        }
    }
}

/// Says what the worker does to whoever asks.
pub(crate) async fn answer(shared: Arc<Shared>, serving: Vec<Arc<Serving>>) {
    let client = &shared.link.client;
    let mut questions = subscribe(&shared, &shared.link.names.who()).await;
    while let Some(question) = questions.next().await {
        let Some(reply) = question.reply else { continue };
        let info = info(&shared, &serving);
        if let Ok(text) = serde_json::to_vec(&info) {
            let _ = client.publish(reply, text.into()).await;
        }
    }
}

fn info(shared: &Shared, serving: &[Arc<Serving>]) -> WorkerInfo {
    let functions = serving.iter().map(|serving| ServedFunction {
        name: serving.handler.name().to_owned(),
        signature: serving.handler.signature().to_owned(),
        places: serving.handler.slots(),
        done: serving.done.load(Ordering::Relaxed),
        failed: serving.failed.load(Ordering::Relaxed),
    });
    let running = serving.iter().flat_map(|serving| {
        serving.running().into_iter().map(|running| RunningJob {
            job: running.key.id(),
            function: running.key.function.clone(),
            ms: running.since.elapsed().as_millis() as u64,
            delivered: running.delivery,
            quarantined: running.is_suspect(),
        })
    });
    WorkerInfo {
        id: shared.id.clone(),
        host: host(),
        pid: std::process::id(),
        draining: shared.is_draining(),
        functions: functions.collect(),
        running: running.collect(),
    }
}

/// The name of this machine, if it can be found out. Few programs get it as a variable.
fn host() -> String {
    let name = std::env::var("HOSTNAME").or_else(|_| std::fs::read_to_string("/proc/sys/kernel/hostname"));
    name.unwrap_or_default().trim().to_owned()
}
