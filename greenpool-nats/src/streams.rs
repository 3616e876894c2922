//! The streams and consumers of a farm: how they are made, and made again if a server has lost them.

use std::convert::Infallible;
use std::time::Duration;

use async_nats::datetime::{DateTime, parse_rfc3339};
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{
    ClusterInfo, Config, DiscardPolicy, Info, LastRawMessageError, LastRawMessageErrorKind, PurgeError, PurgeErrorKind,
    PurgeResponse, RetentionPolicy, StorageType, Stream,
};
use bytes::Bytes;
use futures::TryStreamExt;
use serde::Deserialize;
use tokio::time::sleep;

use crate::error::{FarmError, refused};
use crate::link::Link;
use crate::names::Names;

/// How each stream describes itself.
const PROTOCOL: &str = "greenpool 1";

/// The one consumer of a stream of jobs.
pub(crate) const CONSUMER: &str = "workers";

const DEAD_AGE: Duration = Duration::from_secs(7 * 24 * 3600);

/// For how long the server knows the id of a message.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);

/// What a farm's builder says. What it does not say is as on the server, or the default.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) keep: Option<Duration>,
    pub(crate) backlog: Option<u64>,
    pub(crate) replicas: Option<usize>,
    pub(crate) lease: Option<Duration>,
    pub(crate) attempts: Option<u32>,
}

/// Whether what is on the server is changed to what the farm's builder says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Adapt {
    Yes,
    No,
}

/// What a worker knows of the consumer of a function.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Consumer {
    /// When its stream was made, which tells it from another one of its name.
    pub(crate) created: i128,
    pub(crate) lease: Duration,
    /// Whether several servers have it.
    pub(crate) replicated: bool,
}

/// The server that hands out the jobs of a function, where several have them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Leader {
    /// For how long it has been the leader. `None` if it is the only server.
    pub(crate) age: Option<Duration>,
    /// When it was last in touch with a majority of the servers: so long ago.
    pub(crate) contact: Duration,
    /// Since when it leads, by its own clock.
    pub(crate) since: Option<DateTime>,
    /// How many requests for jobs it has.
    pub(crate) waiting: u64,
}

/// What a server says of a consumer, and when.
#[derive(Deserialize)]
struct Seen {
    ts: String,
    cluster: Option<ClusterInfo>,
    #[serde(default)]
    num_waiting: u64,
}

impl Settings {
    pub(crate) fn attempts(&self) -> u32 {
        self.attempts.unwrap_or(3)
    }

    fn lease(&self) -> Duration {
        self.lease.unwrap_or(Duration::from_secs(30))
    }

    fn jobs(&self, names: &Names, function: &str, signature: &str) -> Config {
        Config {
            name: names.jobs_stream(function, signature),
            subjects: vec![names.jobs(function, signature)],
            retention: RetentionPolicy::WorkQueue,
            discard: DiscardPolicy::New,
            max_messages: i64::try_from(self.backlog.unwrap_or(1_000_000)).unwrap_or(i64::MAX),
            ..self.any()
        }
    }

    fn results(&self, names: &Names) -> Config {
        let keep = self.keep.unwrap_or(Duration::from_secs(24 * 3600));
        Config {
            name: names.results_stream(),
            subjects: vec![names.results()],
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::New,
            max_messages: -1,
            max_age: keep,
            duplicate_window: DUPLICATE_WINDOW.min(keep),
            ..self.any()
        }
    }

    fn dead(&self, names: &Names) -> Config {
        Config {
            name: names.dead_stream(),
            subjects: names.all_dead().to_vec(),
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::Old,
            max_messages: -1,
            max_messages_per_subject: 1,
            max_age: DEAD_AGE,
            ..self.any()
        }
    }

    /// The chunks of a body that is stored again replace the old ones.
    fn blobs(&self, names: &Names) -> Config {
        Config {
            name: names.blobs_stream(),
            subjects: vec![names.blobs()],
            max_messages_per_subject: 1,
            ..self.results(names)
        }
    }

    fn any(&self) -> Config {
        Config {
            max_bytes: -1,
            max_messages_per_subject: -1,
            max_consumers: -1,
            max_message_size: -1,
            storage: StorageType::File,
            num_replicas: self.replicas.unwrap_or(1),
            duplicate_window: DUPLICATE_WINDOW,
            description: Some(PROTOCOL.to_owned()),
            ..Config::default()
        }
    }

    /// A stream that is there, with what the builder says of it.
    fn adapted(&self, there: &Config, new: &Config) -> Config {
        let mut adapted = there.clone();
        if self.keep.is_some() {
            (adapted.max_age, adapted.duplicate_window) = (new.max_age, new.duplicate_window);
        }
        if self.backlog.is_some() {
            adapted.max_messages = new.max_messages;
        }
        if self.replicas.is_some() {
            adapted.num_replicas = new.num_replicas;
        }
        adapted
    }
}

impl Link {
    /// A stream of which nothing is known but its name. No I/O.
    pub(crate) async fn stream(&self, name: &str) -> Result<Stream<()>, FarmError> {
        let stream = self.jetstream.get_stream_no_info(name).await;
        stream.map_err(|error| refused(format!("name the stream {name}"), error))
    }

    /// The last message on a subject of a stream.
    pub(crate) async fn last(&self, stream: &str, subject: &str) -> Result<Option<StreamMessage>, FarmError> {
        let messages = self.stream(stream).await?;
        let last = async { absent(messages.get_last_raw_message_by_subject(subject).await) };
        self.request(format!("look for {subject}"), stream, last).await
    }

    /// Removes all messages of a stream whose subject matches. Returns how many there were.
    pub(crate) async fn purge(&self, stream: &str, filter: String) -> Result<u64, FarmError> {
        let messages = self.stream(stream).await?;
        let purge = async { purged(messages.purge().filter(filter.clone()).await) };
        self.request(format!("purge {filter}"), stream, purge).await
    }

    /// The same for the messages up to this one.
    pub(crate) async fn purge_until(&self, stream: &str, filter: String, sequence: u64) -> Result<u64, FarmError> {
        let messages = self.stream(stream).await?;
        let purge = async { purged(messages.purge().sequence(sequence + 1).filter(filter.clone()).await) };
        self.request(format!("purge {filter}"), stream, purge).await
    }

    /// The subjects of a stream that match, with how many messages each has.
    pub(crate) async fn subjects(&self, stream: &str, filter: &str) -> Result<Vec<(String, usize)>, FarmError> {
        let messages = self.stream(stream).await?;
        let what = || format!("list {filter}");
        let subjects = self.request(what(), stream, messages.info_with_subjects(filter)).await?;
        self.request(what(), stream, subjects.try_collect()).await
    }

    /// Makes the streams that all functions share, if they are not there.
    pub(crate) async fn ensure_shared(&self, settings: &Settings, adapt: Adapt) -> Result<(), FarmError> {
        for config in [settings.results(&self.names), settings.dead(&self.names), settings.blobs(&self.names)] {
            self.ensure_stream(settings, config, adapt).await?;
        }
        Ok(())
    }

    /// Makes the stream of a function's jobs, if it is not there.
    pub(crate) async fn ensure_jobs(
        &self,
        settings: &Settings,
        function: &str,
        signature: &str,
        adapt: Adapt,
    ) -> Result<Info, FarmError> {
        self.ensure_stream(settings, settings.jobs(&self.names, function, signature), adapt).await
    }

    async fn ensure_stream(&self, settings: &Settings, config: Config, adapt: Adapt) -> Result<Info, FarmError> {
        let info = self.make_stream(&config).await?;
        let adapted = settings.adapted(&info.config, &config);
        if adapt == Adapt::No || adapted == info.config {
            return Ok(info);
        }
        let what = format!("change the settings of the stream {}", config.name);
        self.request(what, &config.name, self.jetstream.update_stream(&adapted)).await
    }

    async fn make_stream(&self, config: &Config) -> Result<Info, FarmError> {
        let mut attempts = 0;
        loop {
            let what = format!("make the stream {}", config.name);
            let made = async {
                let made = self.jetstream.get_or_create_stream(config.clone()).await;
                Ok::<_, Infallible>(made.map(|stream| checked(stream.cached_info(), config)))
            };
            let error = match self.request(&*what, &config.name, made).await? {
                Ok(checked) => return checked,
                Err(error) => error,
            };
            attempts += 1;
            if attempts == 20 || is_final(&error) {
                return Err(refused(what, error));
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Makes the consumer of a function's jobs. One that is there is adapted to the size in the code, and to the lease
    /// that the builder says. Its `max_ack_pending` is the limit of the cluster.
    pub(crate) async fn ensure_consumer(
        &self,
        settings: &Settings,
        function: &str,
        signature: &str,
        size: usize,
        adapt: Adapt,
    ) -> Result<Consumer, FarmError> {
        let info = self.ensure_jobs(settings, function, signature, adapt).await?;
        let name = &info.config.name;
        let created = info.created.unix_timestamp_nanos();
        let replicated = info.config.num_replicas > 1;
        let what = || format!("make the consumer of {name}");
        let stream = self.stream(name).await?;
        let there = async { Ok::<_, Infallible>(stream.consumer_info(CONSUMER).await) };
        let there = self.request(what(), name, there).await?.map(|info| info.config).ok();
        let mut config = consumer(settings, size);
        if let Some(there) = there {
            let lease = if adapt == Adapt::Yes { settings.lease } else { None };
            config.ack_wait = lease.unwrap_or(there.ack_wait);
            if adapt == Adapt::No || there.description == config.description {
                // A limit that was set on the server stays.
                config.max_ack_pending = there.max_ack_pending;
                if config.ack_wait == there.ack_wait {
                    return Ok(Consumer { created, lease: there.ack_wait, replicated });
                }
            }
        }
        let lease = config.ack_wait;
        self.request(what(), name, stream.create_consumer(config)).await?;
        Ok(Consumer { created, lease, replicated })
    }

    /// The lease of a function's jobs, as the server has it, and whether several servers have them. `None` if the server
    /// that answers does not know that.
    pub(crate) async fn lease(&self, stream: &str) -> Result<(Duration, Option<bool>), FarmError> {
        let what = format!("look at the consumer of {stream}");
        let jobs = self.stream(stream).await?;
        let info = self.request(what, stream, jobs.consumer_info(CONSUMER)).await?;
        // As in `leader`.
        let led = info.cluster.filter(leads);
        Ok((info.config.ack_wait, led.map(|cluster| !cluster.replicas.is_empty())))
    }

    /// The leader of the consumer of a function's jobs, as it describes itself.
    pub(crate) async fn leader(&self, stream: &str) -> Result<Leader, FarmError> {
        let what = || format!("ask for the leader of {stream}");
        // The library does not tell at which time the leader answers.
        let subject = format!("$JS.API.CONSUMER.INFO.{stream}.{CONSUMER}");
        let answer = self.request(what(), stream, self.client.request(subject, Bytes::new())).await?;
        match serde_json::from_slice(&answer.payload) {
            Ok(Response::Ok(seen)) => leader(&seen).map_err(|error| refused(what(), error)),
            Ok(Response::Err { error }) => Err(refused(what(), error)),
            Err(error) => Err(refused(what(), error)),
        }
    }
}

/// A server that is just being started answers although it does not lead.
fn leads(cluster: &ClusterInfo) -> bool {
    cluster.leader.as_ref().is_some_and(|leader| !leader.is_empty())
}

fn leader(Seen { ts, cluster, num_waiting }: &Seen) -> Result<Leader, async_nats::Error> {
    let cluster = cluster.as_ref().filter(|cluster| leads(cluster)).ok_or("it is not the leader")?;
    let now = parse_rfc3339(ts)?;
    let age = cluster.leader_since.map(|since| Duration::try_from(now - since).unwrap_or_default());
    // 0: it has not heard from it since it leads.
    let seen = |active: Duration| if active.is_zero() { Duration::MAX } else { active };
    let others = cluster.replicas.iter().map(|peer| seen(peer.active)).collect();
    Ok(Leader { age, contact: contact(others), since: cluster.leader_since, waiting: *num_waiting })
}

/// How long ago a leader was in touch with a majority, if it has heard from each of the others so long ago.
fn contact(mut others: Vec<Duration>) -> Duration {
    others.sort_unstable();
    // The leader itself and half of the others, rounded up, are a majority.
    let last = others.len().div_ceil(2).checked_sub(1);
    last.map(|last| others[last]).unwrap_or_default()
}

/// A consumer as it is made.
fn consumer(settings: &Settings, size: usize) -> pull::Config {
    pull::Config {
        durable_name: Some(CONSUMER.to_owned()),
        description: Some(format!("size {size}")),
        ack_policy: AckPolicy::Explicit,
        ack_wait: settings.lease(),
        max_ack_pending: size as i64,
        max_deliver: -1,
        deliver_policy: DeliverPolicy::All,
        max_waiting: 4096,
        ..pull::Config::default()
    }
}

/// `None` if the server says that there is no such message, or no such stream.
pub(crate) fn absent<T>(read: Result<T, LastRawMessageError>) -> Result<Option<T>, LastRawMessageError> {
    match read {
        Ok(message) => Ok(Some(message)),
        Err(error) => match error.kind() {
            LastRawMessageErrorKind::NoMessageFound => Ok(None),
            LastRawMessageErrorKind::JetStream(no) if no.code() == 404 => Ok(None),
            _ => Err(error),
        },
    }
}

/// How many messages were removed. A stream that is not there has none.
fn purged(purged: Result<PurgeResponse, PurgeError>) -> Result<u64, PurgeError> {
    match purged {
        Ok(purged) => Ok(purged.purged),
        Err(error) => match error.kind() {
            PurgeErrorKind::JetStream(no) if no.code() == 404 => Ok(0),
            _ => Err(error),
        },
    }
}

/// A stream that is there, if it is the one that was meant.
fn checked(info: &Info, meant: &Config) -> Result<Info, FarmError> {
    match &info.config.description {
        Some(description) if description == PROTOCOL && info.config.subjects == meant.subjects => Ok(info.clone()),
        // `a_b` with `c` has the stream of `a` with `b_c`.
        Some(description) if description == PROTOCOL => Err(refused(
            format!("make the stream {}", meant.name),
            format!(
                "it belongs to another namespace or function, and has the subjects {}",
                info.config.subjects.join(" ")
            ),
        )),
        other => Err(FarmError::Protocol {
            stream: info.config.name.clone(),
            description: other.clone().unwrap_or_default(),
        }),
    }
}

/// Whether trying again would not help: the server has answered, and not that it is not ready yet.
fn is_final(error: &CreateStreamError) -> bool {
    let CreateStreamErrorKind::JetStream(error) = error.kind() else { return false };
    // The servers of a cluster may not know each other yet.
    (400..500).contains(&error.code()) && error.error_code() != ErrorCode::CLUSTER_NO_PEERS
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Leader, Seen, contact, leader};

    #[test]
    fn a_leader_is_in_touch_with_a_majority() {
        let seconds = |others: &[u64]| contact(others.iter().copied().map(Duration::from_secs).collect()).as_secs();
        let cases = [(&[][..], 0), (&[7], 7), (&[9, 1], 1), (&[9, 5, 1], 5), (&[9, 1, 8, 2], 2)];
        for (others, ago) in cases {
            assert_eq!(seconds(others), ago, "{others:?}");
        }
    }

    fn of(text: &str) -> Option<Leader> {
        leader(&serde_json::from_str::<Seen>(text).unwrap()).ok()
    }

    #[test]
    fn a_leader_tells_its_age_by_its_own_clock() {
        let leads = of(
            r#"{"ts":"2026-12-01T02:00:05.5Z","num_waiting":2,"cluster":{"leader":"a","leader_since":"2026-12-01T02:00:04Z",
                "replicas":[{"name":"b","current":true,"active":300000000},{"name":"c","current":false,"active":9}]}}"#,
        );
        let leads = leads.unwrap();
        assert_eq!((leads.age, leads.waiting), (Some(Duration::from_millis(1500)), 2));
        assert_eq!(leads.contact, Duration::from_nanos(9));
        // A clock that was set back.
        let back =
            of(r#"{"ts":"2026-12-01T02:00:00Z","cluster":{"leader":"a","leader_since":"2026-12-01T02:00:04Z"}}"#);
        assert_eq!(back.unwrap().age, Some(Duration::ZERO));
    }

    #[test]
    fn a_server_that_a_leader_has_not_heard_from_is_no_contact() {
        let alone = of(r#"{"ts":"2026-12-01T02:00:05Z","cluster":{"leader":"a","replicas":[
                {"name":"b","current":false,"active":0},{"name":"c","current":true,"active":7000000000}]}}"#);
        assert_eq!(alone.unwrap().contact, Duration::from_secs(7));
    }

    #[test]
    fn a_server_that_does_not_lead_is_no_leader() {
        assert_eq!(of(r#"{"ts":"2026-12-01T02:00:00Z"}"#), None);
        assert_eq!(of(r#"{"ts":"2026-12-01T02:00:00Z","cluster":{"leader":"","replicas":[]}}"#), None);
    }
}
