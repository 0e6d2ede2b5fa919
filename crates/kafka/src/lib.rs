//! The sink of Kafka.
use std::{
    collections::{HashMap, HashSet},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use futures_util::FutureExt;
use loadmaster_platform::{
    outbox::{Entry, Sink, SinkAway, Source},
    settings,
};
use rdkafka::{
    ClientConfig, ClientContext,
    config::{FromClientConfigAndContext, RDKafkaLogLevel},
    error::KafkaError,
    message::{Header, OwnedHeaders},
    producer::{DeliveryFuture, FutureProducer, FutureRecord},
};
use secrecy::ExposeSecret;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

/// What `kafka.properties` may change.
const DEFAULTS: [(&str, &str); 2] = [
    // A broker that comes back is found soon.
    ("reconnect.backoff.max.ms", "2000"),
    // The topic is not ours to create.
    ("allow.auto.create.topics", "false"),
];
/// What the delivery's promises depend on; [`settings::Kafka`] refuses to change them.
///
/// Idempotence and the guarantee against gaps let the broker keep the order in which messages were handed over: no message is
/// stored before an earlier one of its partition. The library gives up no message by itself, since later ones would overtake
/// it: the relay decides how long a batch may take. Java's clients choose the same partition for a key.
const PROPERTIES: [(&str, &str); 7] = [
    ("client.id", "loadmaster"),
    ("enable.idempotence", "true"),
    ("enable.gapless.guarantee", "true"),
    ("acks", "all"),
    ("message.timeout.ms", "0"),
    ("compression.type", "lz4"),
    ("partitioner", "murmur2_random"),
];
const CONTENT_TYPE: &str = "application/cloudevents+json";
/// The time for a producer to end before the process goes on without it.
const LAST_MOMENT: Duration = Duration::from_secs(1);
/// The time for a batch of a replay.
const PATIENCE: Duration = Duration::from_secs(30);

/// A sink that writes messages to a Kafka topic, each under the key of its subject: the messages of a subject are in one
/// partition, in order. A batch is delivered when the brokers have acknowledged all of it.
pub struct Kafka {
    config: ClientConfig,
    topic: String,
    source: Source,
    /// The longest time without an acknowledgement before a new producer takes over.
    acknowledgement: Duration,
    stop: CancellationToken,
    state: Mutex<State>,
}

/// The producer, and what it has been given.
#[derive(Default)]
struct State {
    producer: Option<Producer>,
    /// Messages of deliveries that have not succeeded yet, by their ids.
    handed: HashMap<String, Handed>,
    /// When the brokers acknowledged one of them last, or the first of them was handed over.
    waiting_since: Option<Instant>,
}

/// A message that was handed over.
struct Handed {
    key: String,
    /// `None`: acknowledged. It is not sent again while others of its delivery wait.
    outcome: Option<DeliveryFuture>,
}

type Producer = FutureProducer<LoggingContext>;

/// Passes on what librdkafka says.
struct LoggingContext;

impl ClientContext for LoggingContext {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        use RDKafkaLogLevel::{Alert, Critical, Debug, Emerg, Error, Info, Notice, Warning};
        match level {
            Emerg | Alert | Critical | Error | Warning => tracing::warn!(target: "librdkafka", facility, "{message}"),
            Notice | Info => tracing::info!(target: "librdkafka", facility, "{message}"),
            Debug => tracing::debug!(target: "librdkafka", facility, "{message}"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(target: "librdkafka", %error, reason, "Kafka reports an error");
    }
}

/// A message for the topic.
struct Record {
    /// What identifies it among those handed over.
    name: String,
    key: String,
    text: String,
}

impl Kafka {
    /// Fails if librdkafka does not know a property. `stop` ends what waits for a broker.
    pub fn new(
        settings: &settings::Kafka,
        installation: &str,
        acknowledgement: Duration,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let mut config = ClientConfig::new();
        for (name, value) in DEFAULTS {
            config.set(name, value);
        }
        for (name, value) in &settings.properties {
            config.set(name, value.expose_secret());
        }
        for (name, value) in PROPERTIES {
            config.set(name, value);
        }
        config.set("bootstrap.servers", settings.brokers.join(","));
        // Reaches for no broker.
        let checked = config.create_native_config();
        checked.map_err(|error| anyhow::anyhow!("kafka.properties is invalid: {}", without_value(&error)))?;
        let source = Source::of(installation);
        Ok(Self { config, topic: settings.topic.clone(), source, acknowledgement, stop, state: Mutex::default() })
    }

    /// Writes messages to the topic once more. Fails if not all are acknowledged.
    pub async fn replay(&self, entries: &[Entry]) -> Result<(), SinkAway> {
        let records = records(entries, |entry| self.source.replayed(entry))?;
        let delivered = tokio::time::timeout(PATIENCE, self.deliver_all(&records)).await;
        delivered.unwrap_or_else(|_| Err(SinkAway("the brokers have not acknowledged the messages in time".to_owned())))
    }

    /// May be dropped at any time: what was handed over goes on, and the next attempt waits for its outcome.
    async fn deliver_all(&self, records: &[Record]) -> Result<(), SinkAway> {
        let mut state = self.state.lock().await;
        // Another process has delivered since: what is left of an earlier attempt is of no use.
        if !state.handed.is_empty() && records.iter().all(|record| !state.handed.contains_key(&record.name)) {
            state.handed.clear();
            state.discard();
        }
        let acknowledged = tokio::select! {
            () = self.stop.cancelled() => return Err(SinkAway("the process is stopping".to_owned())),
            acknowledged = self.acknowledged(&mut state, records) => acknowledged,
        };
        acknowledged.map_err(|error| {
            // The batch comes again, from its first message on: nothing later may go ahead of it.
            state.handed.clear();
            state.discard();
            SinkAway(error)
        })
    }

    /// Hands over what was not handed over yet, and waits until all is acknowledged.
    async fn acknowledged(&self, state: &mut State, records: &[Record]) -> Result<(), String> {
        state.settle()?;
        // librdkafka never gives up a message; a stalled producer is replaced.
        if let Some(waited) = state.waiting_since.map(|since| since.elapsed()).filter(|w| *w > self.acknowledgement) {
            tracing::warn!(?waited, "Kafka's brokers acknowledge no message; a new producer takes over");
            state.forget_waiting();
            state.discard();
        }
        let State { producer, handed, waiting_since } = state;
        let producer = match producer {
            Some(producer) => producer,
            none => {
                let made = Producer::from_config_and_context(&self.config, LoggingContext);
                none.insert(made.map_err(|error| without_value(&error))?)
            }
        };
        for record in records {
            if handed.contains_key(&record.name) {
                continue;
            }
            let headers = OwnedHeaders::new().insert(Header { key: "content-type", value: Some(CONTENT_TYPE) });
            let sent = FutureRecord::to(&self.topic).key(&record.key).payload(&record.text).headers(headers);
            let outcome = producer.send_result(sent).map_err(|(error, _)| error.to_string())?;
            handed.insert(record.name.clone(), Handed { key: record.key.clone(), outcome: Some(outcome) });
            waiting_since.get_or_insert_with(Instant::now);
        }
        for record in records {
            let Some(record) = handed.get_mut(&record.name) else { continue };
            let Some(outcome) = &mut record.outcome else { continue };
            judge(outcome.await)?;
            record.outcome = None;
            *waiting_since = Some(Instant::now());
        }
        for record in records {
            handed.remove(&record.name);
        }
        if handed.is_empty() {
            *waiting_since = None;
        }
        Ok(())
    }
}

/// Fails if the message was not stored.
fn judge(outcome: <DeliveryFuture as Future>::Output) -> Result<(), String> {
    match outcome {
        Ok(Ok(_)) => Ok(()),
        Ok(Err((error, _))) => Err(error.to_string()),
        Err(_) => Err("the producer was stopped".to_owned()),
    }
}

impl Sink for Kafka {
    const NAME: &'static str = "kafka";

    async fn deliver(&self, entries: &[Entry], _: Option<&str>) -> Result<Option<String>, SinkAway> {
        self.deliver_all(&records(entries, |entry| self.source.document(entry))?).await.map(|()| None)
    }
}

impl State {
    /// Notes what was acknowledged since the last attempt. Fails if a message was refused.
    fn settle(&mut self) -> Result<(), String> {
        for handed in self.handed.values_mut() {
            let Some(outcome) = &mut handed.outcome else { continue };
            if let Some(outcome) = outcome.now_or_never() {
                judge(outcome)?;
                handed.outcome = None;
                self.waiting_since = Some(Instant::now());
            }
        }
        Ok(())
    }

    /// Forgets the messages that are not acknowledged, and all others of their keys: they are sent again in their order.
    fn forget_waiting(&mut self) {
        let waiting = self.handed.values().filter(|handed| handed.outcome.is_some());
        let keys: HashSet<String> = waiting.map(|handed| handed.key.clone()).collect();
        self.handed.retain(|_, handed| !keys.contains(&handed.key));
    }

    /// Ends the producer, which may take a second. The receiver gets a message when it has ended.
    fn discard(&mut self) -> mpsc::Receiver<()> {
        self.waiting_since = None;
        let (ended, is_ended) = mpsc::channel();
        if let Some(producer) = self.producer.take() {
            let ending = move || {
                drop(producer);
                _ = ended.send(());
            };
            // If there is no thread to be had, it ends here.
            _ = thread::Builder::new().name("kafka-end".to_owned()).spawn(ending);
        }
        is_ended
    }
}

impl Drop for State {
    /// Gives the library's threads a moment: OpenSSL must not be taken away from them as the process ends.
    fn drop(&mut self) {
        _ = self.discard().recv_timeout(LAST_MOMENT);
    }
}

fn records(
    entries: &[Entry],
    document: impl Fn(&Entry) -> serde_json::Result<String>,
) -> Result<Vec<Record>, SinkAway> {
    let record = |entry: &Entry| {
        let text = document(entry).map_err(|error| SinkAway(error.to_string()))?;
        Ok(Record { name: format!("{} {}", entry.kind(), entry.name()), key: entry.subject().to_owned(), text })
    };
    entries.iter().map(record).collect()
}

/// Returns the error without the value of a property, which may be a secret.
fn without_value(error: &KafkaError) -> String {
    match error {
        KafkaError::ClientConfig(_, reason, name, _) => format!("{name}: {reason}"),
        error => error.to_string(),
    }
}
