//! librdkafka's mock cluster, and who reads its topic.
use std::time::Duration;

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::Headers,
    mocking::MockCluster,
    producer::DefaultProducerContext,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};
use serde_json::Value;

pub const TOPIC: &str = "loadmaster.events";
pub const BROKERS: i32 = 3;
const PARTITIONS: i32 = 4;

pub struct Cluster(MockCluster<'static, DefaultProducerContext>);

/// A message in the topic.
#[derive(Debug)]
pub struct Record {
    pub partition: i32,
    pub key: String,
    pub content_type: String,
    pub message: Value,
}

impl Cluster {
    pub fn start() -> Self {
        let cluster = MockCluster::new(BROKERS).expect("a mock cluster");
        cluster.create_topic(TOPIC, PARTITIONS, BROKERS).expect("a topic");
        Self(cluster)
    }

    pub fn brokers(&self) -> String {
        self.0.bootstrap_servers()
    }

    pub fn down(&self) {
        (1..=BROKERS).for_each(|broker| self.0.broker_down(broker).unwrap());
    }

    pub fn up(&self) {
        (1..=BROKERS).for_each(|broker| self.0.broker_up(broker).unwrap());
    }

    /// Lets one broker lead all partitions but this one, and returns it.
    pub fn leader_of_others(&self, partition: i32) -> i32 {
        for other in 0..PARTITIONS {
            self.0.partition_leader(TOPIC, other, Some(if other == partition { 1 } else { BROKERS })).unwrap();
        }
        BROKERS
    }

    pub fn down_alone(&self, broker: i32) {
        self.0.broker_down(broker).unwrap();
    }

    pub fn up_alone(&self, broker: i32) {
        self.0.broker_up(broker).unwrap();
    }

    /// Lets this time pass before an answer.
    pub fn slow(&self, time: Duration) {
        (1..=BROKERS).for_each(|broker| self.0.broker_round_trip_time(broker, time).unwrap());
    }

    /// Answers the next requests of this kind with these errors.
    pub fn refuse(&self, requests: RDKafkaApiKey, errors: &[RDKafkaRespErr]) {
        self.0.request_errors(requests, errors);
    }

    /// All that is in the topic, by partition.
    pub async fn records(&self) -> Vec<Record> {
        let brokers = self.brokers();
        tokio::task::spawn_blocking(move || read(&brokers)).await.unwrap()
    }
}

fn read(brokers: &str) -> Vec<Record> {
    let mut config = ClientConfig::new();
    let consumer: BaseConsumer = config
        .set("bootstrap.servers", brokers)
        .set("group.id", "test")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .create()
        .expect("a consumer");
    let mut all = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        all.add_partition_offset(TOPIC, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&all).unwrap();
    let (mut records, mut ended) = (Vec::new(), 0);
    while ended < PARTITIONS {
        match consumer.poll(Duration::from_secs(30)).expect("the cluster answers") {
            Ok(message) => records.push(Record {
                partition: message.partition(),
                key: String::from_utf8(message.key().expect("a key").to_vec()).unwrap(),
                content_type: content_type(&message),
                message: serde_json::from_slice(message.payload().expect("a body")).expect("JSON"),
            }),
            Err(rdkafka::error::KafkaError::PartitionEOF(_)) => ended += 1,
            Err(error) => panic!("the topic cannot be read: {error}"),
        }
    }
    records.sort_by_key(|record| record.partition);
    records
}

fn content_type(message: &impl Message) -> String {
    let headers: Vec<_> = message.headers().into_iter().flat_map(Headers::iter).collect();
    let [header] = &headers[..] else { panic!("one header") };
    assert_eq!(header.key, "content-type");
    String::from_utf8(header.value.unwrap().to_vec()).unwrap()
}
