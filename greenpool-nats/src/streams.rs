//! The streams and consumers of a farm: how they are made, and made again if a server has lost them.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind};
use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType};
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
            let error = match self.jetstream.get_or_create_stream(config.clone()).await {
                Ok(stream) => return checked(stream.cached_info()),
                Err(error) => error,
            };
            attempts += 1;
            if attempts == 20 || is_final(&error) {
                return Err(refused(format!("make the stream {}", config.name), error));
            }
            sleep(Duration::from_millis(200)).await;
        }
    }

    /// Makes the consumer of a function's jobs; `adapt`s it to the size in the code and to the lease, if it is there.
    /// Its `max_ack_pending` is the limit of the cluster. Returns when the stream was made, which tells it from another one of its name.
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
        let stream = self.jetstream.get_stream_no_info(name).await.map_err(|error| refused(what(), error))?;
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
        let there = stream.consumer_info(CONSUMER).await.map(|info| info.config).unwrap_or_default();
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
        stream.create_consumer(config).await.map_err(|error| refused(what(), error))?;
        Ok(info.created.unix_timestamp_nanos())
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
