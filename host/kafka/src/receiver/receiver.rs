//! The receiver joins its group when it runs, reads, and has records worked on; what was acknowledged is committed.

use std::sync::Arc;
use std::time::Duration;

use host_component::{BoxFuture, ComponentId, Consumers, Receiver, Shutdown};
use host_config::Wrong;
use host_receivers::{Budget, Deps, Lanes};
use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext as _;
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

use super::config::Config;
use super::counts::Counts;
use super::reader::{Ended, Reader};
use super::record::Reading;
use super::topics::Topics;
use super::work::Bench;
use crate::BuildError;
use crate::client::Context;

/// How long a client rests that could not go on, before another one takes its place.
const REST: Duration = Duration::from_secs(1);

pub(crate) type Client = StreamConsumer<Context>;

/// A receiver of Kafka.
pub struct Kafka {
    id: String,
    settings: ClientConfig,
    client: Arc<Client>,
    bench: Arc<Bench>,
    budget: Budget,
    max_in_flight: usize,
}

impl Kafka {
    pub(crate) fn new(
        id: &ComponentId,
        config: &Config,
        settings: ClientConfig,
        consumers: &Consumers,
        deps: &Deps<'_>,
    ) -> Result<Self, BuildError> {
        let wrong = |wrong: Wrong| BuildError::Value { id: id.clone(), wrong };
        let name = id.to_string();
        let bench = Bench {
            topics: Topics::new(config).map_err(wrong)?,
            reading: Reading::new(config, deps.metadata),
            consumers: consumers.clone(),
            lanes: Lanes::new(&name, "kafka", deps.metrics),
            counts: Counts::new(&name, deps.metrics),
            backoff: config.error_backoff.clone(),
            passes_permanent: config.message_marking.on_permanent_error,
        };
        let client = client(&settings, &name)
            .map_err(|error| BuildError::Client { id: id.clone(), reason: error.to_string() })?;
        Ok(Kafka {
            client: Arc::new(client),
            bench: Arc::new(bench),
            budget: deps.budget.clone(),
            max_in_flight: config.max_in_flight,
            settings,
            id: name,
        })
    }

    async fn serve(self, mut shutdown: Shutdown) {
        let Kafka { id, settings, mut client, bench, budget, max_in_flight } = self;
        tracing::info!(receiver = id, group = settings.get("group.id"), "reading from Kafka");
        loop {
            let reader = Reader::new(&id, Arc::clone(&client), Arc::clone(&bench), budget.clone(), max_in_flight);
            let ended = reader.run(shutdown.clone()).await;
            leave(&id, client).await;
            let Ended::Broken(error) = ended else { return };
            tracing::warn!(receiver = id, error, "the client of Kafka cannot go on, and is made anew");
            client = loop {
                tokio::select! {
                    () = sleep(REST) => {}
                    () = shutdown.wait() => return,
                }
                match self::client(&settings, &id) {
                    Ok(client) => break Arc::new(client),
                    Err(error) => tracing::warn!(receiver = id, %error, "the client of Kafka cannot be made anew"),
                }
            };
        }
    }
}

impl Receiver for Kafka {
    fn run(self: Box<Self>, shutdown: Shutdown) -> BoxFuture<'static, ()> {
        Box::pin(self.serve(shutdown))
    }
}

fn client(settings: &ClientConfig, id: &str) -> KafkaResult<Client> {
    Client::from_config_and_context(settings, Context::new(id.to_owned()))
}

/// Commits what was acknowledged, and leaves the group, so that others need not wait until it is missed.
async fn leave(id: &str, client: Arc<Client>) {
    // Both block their thread.
    let left = spawn_blocking(move || {
        let committed = client.commit_consumer_state(CommitMode::Sync);
        drop(client);
        committed
    });
    match left.await {
        Ok(Ok(()) | Err(KafkaError::ConsumerCommit(RDKafkaErrorCode::NoOffset))) => {}
        Ok(Err(error)) => {
            tracing::warn!(receiver = id, %error, "offsets were not committed: records will be read again");
        }
        Err(error) => tracing::error!(receiver = id, %error, "the client of Kafka has not ended well"),
    }
}
