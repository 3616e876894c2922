//! The marks of jobs that are suspected to take workers down. Before such a job runs alone, its worker writes its name
//! into the job's mark, and it takes the name back when it survives. So a mark names the workers that died of the job,
//! or have not been heard of since they ran it.

use std::sync::Arc;

use async_nats::HeaderMap;
use tokio::time::Instant;

use crate::wire::{self, Backoff, PATIENCE, Stored};
use crate::worker::serving::{Pending, Running, Serving};

/// A mark as it is stored.
#[derive(Debug, Default, PartialEq, Eq)]
struct Mark {
    /// One entry per delivery: `<worker>.<delivery>`.
    entries: Vec<String>,
    /// Where it is in its stream; 0 if there is none.
    sequence: u64,
}

impl Mark {
    fn parse(text: &str, sequence: u64) -> Self {
        Mark { entries: text.split_whitespace().map(str::to_owned).collect(), sequence }
    }

    /// How many workers have died of the job. One that asks is alive.
    fn deaths(&self, asking: &str) -> u32 {
        let own = |entry: &String| entry.rsplit_once('.').is_some_and(|(worker, _)| worker == asking);
        self.entries.iter().filter(|entry| !own(entry)).count() as u32
    }
}

impl Serving {
    fn entry(&self, running: &Running) -> String {
        format!("{}.{}", self.shared.id, running.delivery)
    }

    /// How many workers a job has taken down. `None`: the server does not say.
    pub(crate) async fn deaths(&self, running: &Running) -> Option<u32> {
        Some(self.read_mark(running).await?.deaths(&self.shared.id))
    }

    /// Writes down that a job is about to run alone. Returns whether that is stored.
    pub(crate) async fn mark(&self, running: &Running) -> bool {
        let entry = self.entry(running);
        while !running.lease.is_over() {
            let Some(mut mark) = self.read_mark(running).await else { return false };
            if mark.entries.contains(&entry) {
                return true;
            }
            mark.entries.push(entry.clone());
            match self.write_mark(running, &mark).await {
                Stored::Yes => return true,
                // Another worker has changed it, or no answer came.
                Stored::There | Stored::Unknown => {}
                Stored::Full | Stored::NoStream | Stored::Forbidden(_) | Stored::Refused(_) => return false,
            }
        }
        false
    }

    /// The job is not this worker's any more, and has not taken it down. Returns whether the server knows.
    pub(crate) async fn take_back(&self, running: &Running) -> bool {
        let entry = self.entry(running);
        loop {
            let Some(mut mark) = self.read_mark(running).await else { return false };
            let before = mark.entries.len();
            mark.entries.retain(|other| *other != entry);
            if mark.entries.len() == before {
                return true;
            }
            if mark.entries.is_empty() {
                match self.remove_mark(running, Some(mark.sequence)).await {
                    Some(1) => return true,
                    Some(_) => continue,
                    None => return false,
                }
            }
            match self.write_mark(running, &mark).await {
                Stored::Yes => return true,
                Stored::There => {}
                _ => return false,
            }
        }
    }

    /// The same, however long it takes the server to answer. No place waits for that.
    pub(crate) fn take_back_later(self: &Arc<Self>, running: &Arc<Running>) {
        let (pending, running) = (Pending::new(self), running.clone());
        self.shared.link.io.spawn(async move {
            let serving = pending.serving();
            let end = Instant::now() + 10 * serving.lease();
            let mut backoff = Backoff::new();
            while !serving.take_back(&running).await && Instant::now() < end {
                backoff.wait().await;
            }
        });
    }

    /// The job is over, and so is its mark.
    pub(crate) fn unmark(self: &Arc<Self>, running: &Arc<Running>) {
        let (pending, running) = (Pending::new(self), running.clone());
        self.shared.link.io.spawn(async move {
            // A mark that stays is too old one day.
            pending.serving().remove_mark(&running, None).await;
        });
    }

    async fn read_mark(&self, running: &Running) -> Option<Mark> {
        let link = &self.shared.link;
        let message = link.last(&link.names.dead_stream(), &link.names.mark(&running.key)).await.ok()?;
        Some(message.map_or_else(Mark::default, |message| {
            Mark::parse(&String::from_utf8_lossy(&message.payload), message.sequence)
        }))
    }

    /// Writes a mark, unless it has changed since it was read. The stream keeps one message per subject.
    async fn write_mark(&self, running: &Running, mark: &Mark) -> Stored {
        let link = &self.shared.link;
        let mut headers = HeaderMap::new();
        headers.insert(wire::EXPECTED, mark.sequence.to_string());
        let body = mark.entries.join(" ").into();
        link.store(link.names.mark(&running.key), headers, body, PATIENCE).await
    }

    /// Removes a mark: as it was read, or whatever it says. Returns how many there were.
    async fn remove_mark(&self, running: &Running, read: Option<u64>) -> Option<u64> {
        let link = &self.shared.link;
        let (stream, subject) = (link.names.dead_stream(), link.names.mark(&running.key));
        match read {
            Some(sequence) => link.purge_until(&stream, subject, sequence).await.ok(),
            None => link.purge(&stream, subject).await.ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Mark;

    #[test]
    fn a_worker_that_asks_has_not_died() {
        let mark = Mark::parse("a.3 b.4 a.5", 7);
        assert_eq!(mark.sequence, 7);
        assert_eq!(["a", "b", "c"].map(|worker| mark.deaths(worker)), [1, 2, 3]);
        assert_eq!(Mark::parse("", 0), Mark::default());
    }
}
