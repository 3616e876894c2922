//! The streams and consumers of a farm: how they are made, and made again if a server has lost them.

use std::convert::Infallible;
use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind};
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::{
    Config, DiscardPolicy, Info, LastRawMessageError, LastRawMessageErrorKind, RetentionPolicy, StorageType, Stream,
};
use futures::TryStreamExt;
use tokio::time::sleep;

use crate::error::{FarmError, refused};
use crate::link::Link;
use crate::names::Names;

/// How each stream describes itself.
const PROTOCOL: &str = "greenpool 1";

/// The one consumer of a stream of jobs.
pub(crate) const CONSUMER: &str = "workers";

const DEAD_AGE: Duration = Duration::from_secs(7 * 24 * 3600);

/// What a farm's builder says of the streams.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) keep: Duration,
    pub(crate) backlog: u64,
    pub(crate) replicas: usize,
    pub(crate) lease: Duration,
    pub(crate) attempts: u32,
}

impl Settings {
    fn jobs(&self, names: &Names, function: &str, signature: &str) -> Config {
        Config {
            name: names.jobs_stream(function, signature),
            subjects: vec![names.jobs(function, signature)],
            retention: RetentionPolicy::WorkQueue,
            discard: DiscardPolicy::New,
            max_messages: i64::try_from(self.backlog).unwrap_or(i64::MAX),
            ..self.any()
        }
    }

    fn results(&self, names: &Names) -> Config {
        Config {
            name: names.results_stream(),
            subjects: vec![names.results()],
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::New,
            max_messages: -1,
            max_age: self.keep,
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
            num_replicas: self.replicas,
            duplicate_window: Duration::from_secs(120),
            description: Some(PROTOCOL.to_owned()),
            ..Config::default()
        }
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
        let purge = messages.purge().filter(filter.clone());
        Ok(self.request(format!("purge {filter}"), stream, purge).await?.purged)
    }

    /// The same for the messages up to this one.
    pub(crate) async fn purge_until(&self, stream: &str, filter: String, sequence: u64) -> Result<u64, FarmError> {
        let messages = self.stream(stream).await?;
        let purge = messages.purge().sequence(sequence + 1).filter(filter.clone());
        Ok(self.request(format!("purge {filter}"), stream, purge).await?.purged)
    }

    /// The subjects of a stream that match, with how many messages each has.
    pub(crate) async fn subjects(&self, stream: &str, filter: &str) -> Result<Vec<(String, usize)>, FarmError> {
        let messages = self.stream(stream).await?;
        let what = || format!("list {filter}");
        let subjects = self.request(what(), stream, messages.info_with_subjects(filter)).await?;
        self.request(what(), stream, subjects.try_collect()).await
    }

    /// Makes the streams that all functions share, if they are not there.
    pub(crate) async fn ensure_shared(&self, settings: &Settings) -> Result<(), FarmError> {
        self.ensure_stream(settings.results(&self.names)).await?;
        self.ensure_stream(settings.dead(&self.names)).await?;
        self.ensure_stream(settings.blobs(&self.names)).await?;
        Ok(())
    }

    /// Makes the stream of a function's jobs, if it is not there.
    pub(crate) async fn ensure_jobs(
        &self,
        settings: &Settings,
        function: &str,
        signature: &str,
    ) -> Result<Info, FarmError> {
        self.ensure_stream(settings.jobs(&self.names, function, signature)).await
    }

    async fn ensure_stream(&self, config: Config) -> Result<Info, FarmError> {
        let mut attempts = 0;
        loop {
            let what = format!("make the stream {}", config.name);
            let made = async {
                let made = self.jetstream.get_or_create_stream(config.clone()).await;
                Ok::<_, Infallible>(made.map(|stream| checked(stream.cached_info())))
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

    /// Makes the consumer of a function's jobs; `adapt`s it to the size in the code and to the lease, if it is there.
    /// Its `max_ack_pending` is the limit of the cluster. Returns when the stream was made, which tells it from another
    /// one of its name.
    pub(crate) async fn ensure_consumer(
        &self,
        settings: &Settings,
        function: &str,
        signature: &str,
        size: usize,
        adapt: bool,
    ) -> Result<i128, FarmError> {
        let info = self.ensure_jobs(settings, function, signature).await?;
        let name = &info.config.name;
        let what = || format!("make the consumer of {name}");
        let stream = self.stream(name).await?;
        let mut config = pull::Config {
            durable_name: Some(CONSUMER.to_owned()),
            description: Some(format!("size {size}")),
            ack_policy: AckPolicy::Explicit,
            ack_wait: settings.lease,
            max_ack_pending: size as i64,
            max_deliver: -1,
            deliver_policy: DeliverPolicy::All,
            max_waiting: 4096,
            ..pull::Config::default()
        };
        let there = async { Ok::<_, Infallible>(stream.consumer_info(CONSUMER).await) };
        let there = self.request(what(), name, there).await?.map(|info| info.config).unwrap_or_default();
        if there.durable_name.is_some() && !adapt {
            return Ok(info.created.unix_timestamp_nanos());
        }
        if there.description == config.description {
            // A limit that was set on the server stays.
            config.max_ack_pending = there.max_ack_pending;
            if there.ack_wait == config.ack_wait {
                return Ok(info.created.unix_timestamp_nanos());
            }
        }
        self.request(what(), name, stream.create_consumer(config)).await?;
        Ok(info.created.unix_timestamp_nanos())
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

fn checked(info: &Info) -> Result<Info, FarmError> {
    match &info.config.description {
        Some(description) if description == PROTOCOL => Ok(info.clone()),
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
