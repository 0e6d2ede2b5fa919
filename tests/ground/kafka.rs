//! The sink of Kafka, before librdkafka's mock cluster: only in a build with the feature `kafka`.
mod cluster;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use loadmaster_testkit::{
    OwnRedis, TestDatabase, World, WorldOptions,
    command::loadmaster,
    freight::{at_once, order, path_of, text, two_flights, with},
    sum_of, until,
};
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use serde_json::{Value, json};
use sqlx::PgConnection;

use cluster::{Cluster, Record};

/// Counts what Kafka has not acknowledged.
const KAFKA_BEHIND: &str =
    "select count(*)::text from outbox where id > (select position from outbox_sinks where name = 'kafka')";

/// A server that delivers to the cluster.
async fn world(database: &TestDatabase, cluster: &Cluster) -> World {
    let options = WorldOptions::patient().with_workers().without_redis();
    options.on(database).set("kafka.brokers", &cluster.brokers()).start().await
}

/// Four bookings, each with five events.
async fn busy(world: &World, flights: &[Value; 2]) {
    let (customer, operator) = (world.customer().await, world.operator().await);
    let wish = with(order(&[&flights[0], &flights[1]]), json!({"weight_kg": 1}));
    at_once((0..4).map(|_| {
        let (customer, operator, wish) = (customer.clone(), operator.clone(), wish.clone());
        async move {
            let booking = customer.book(wish).await;
            customer.patch(&path_of(&booking), json!({"pieces": 3})).await.expect(200);
            operator.walk(&booking, &["depart", "arrive", "depart"]).await;
        }
    }))
    .await;
}

/// The messages in the outbox, by id.
async fn told(owner: &mut PgConnection) -> BTreeMap<String, Value> {
    let documents: Vec<Value> = sqlx::query_scalar("select payload from outbox").fetch_all(owner).await.unwrap();
    documents.into_iter().map(|document| (text(&document, "id").to_owned(), document)).collect()
}

/// Waits until the topic has every message, and checks that each is there as it is in the outbox.
async fn until_all_have_arrived(cluster: &Cluster, owner: &mut PgConnection) -> Vec<Record> {
    let told = told(owner).await;
    let mut records = Vec::new();
    until("every message has arrived in the topic", async || {
        records = cluster.records().await;
        let arrived: BTreeSet<_> = records.iter().map(|record| text(&record.message, "id")).collect();
        arrived.len() >= told.len()
    })
    .await;
    assert_first_in_order(&records);
    for record in &records {
        let message = &record.message;
        let expected = with(told[text(message, "id")].clone(), json!({"source": message["source"]}));
        assert_eq!(message, &expected);
        assert_eq!(
            (record.key.as_str(), record.content_type.as_str()),
            (text(message, "subject"), "application/cloudevents+json")
        );
    }
    records
}

/// Each subject is in one partition, and its messages come in order: repetitions do not count.
#[track_caller]
fn assert_first_in_order(records: &[Record]) {
    let mut last: BTreeMap<&str, (i32, u32)> = BTreeMap::new();
    for record in records {
        let sequence: u32 = text(&record.message, "sequence").parse().unwrap();
        let (partition, reached) = last.entry(text(&record.message, "subject")).or_insert((record.partition, 0));
        assert_eq!(*partition, record.partition, "a subject is in one partition");
        assert!(sequence <= *reached + 1, "{sequence} comes after {reached}");
        *reached = sequence.max(*reached);
    }
}

fn count_of_ids(records: &[Record]) -> usize {
    records.iter().map(|record| text(&record.message, "id")).collect::<BTreeSet<_>>().len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_change_arrives_once_under_its_subject_and_in_order() {
    let (cluster, database) = (Cluster::start(), TestDatabase::create().await);
    let world = world(&database, &cluster).await;
    busy(&world, &two_flights(&world).await).await;
    let records = until_all_have_arrived(&cluster, &mut database.owner().await).await;
    assert_eq!((records.len(), count_of_ids(&records)), (2 + 4 * 5, 2 + 4 * 5));
    let used: BTreeSet<_> = records.iter().map(|record| record.partition).collect();
    assert!(used.len() > 1, "subjects are spread over partitions");
    world.audit().await;
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn brokers_that_were_away_get_what_they_have_missed_and_redis_does_not_wait() {
    let (cluster, database, redis) = (Cluster::start(), TestDatabase::create().await, OwnRedis::start().await);
    let options = WorldOptions::patient().with_workers().on(&database).set("redis.url", &redis.url());
    let world = options.set("kafka.brokers", &cluster.brokers()).start().await;
    let flights = two_flights(&world).await;
    let mut owner = database.owner().await;
    busy(&world, &flights).await;
    until_all_have_arrived(&cluster, &mut owner).await;

    cluster.down();
    busy(&world, &flights).await;
    let place =
        "select 'there' from outbox_sinks where name = 'redis_streams' and reached = (select max(id) from outbox)";
    until("Redis has everything", async || !world.texts(place).await.is_empty()).await;
    // What only Kafka lacks is kept, however old it is.
    world.sql("update outbox set written_at = now() - interval '100 days'").await;
    world.state().background.run_now("old_outbox").await.unwrap();
    let waiting: usize = world.texts(KAFKA_BEHIND).await[0].parse().unwrap();
    assert!(waiting >= 4 * 5, "{waiting}");

    cluster.up();
    until("Kafka has everything", async || count_of_ids(&cluster.records().await) == 2 + 2 * 4 * 5).await;
    assert_first_in_order(&cluster.records().await);
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn after_refusals_nothing_is_missing_and_no_message_has_overtaken_another() {
    use RDKafkaRespErr::{
        RD_KAFKA_RESP_ERR_INVALID_RECORD as BAD, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS as FEW,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT as LATE, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED as DENIED,
    };
    let (cluster, database) = (Cluster::start(), TestDatabase::create().await);
    let world = world(&database, &cluster).await;
    let flights = two_flights(&world).await;
    // Some the library tries again by itself; others end the producer.
    for errors in [&[FEW, LATE, FEW][..], &[DENIED], &[BAD, FEW], &[LATE, DENIED, BAD]] {
        cluster.refuse(RDKafkaApiKey::Produce, errors);
        busy(&world, &flights).await;
    }
    let records = until_all_have_arrived(&cluster, &mut database.owner().await).await;
    assert_eq!(count_of_ids(&records), 2 + 4 * 4 * 5);
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_acknowledged_is_not_sent_again_while_the_leader_of_other_partitions_is_away() {
    let (cluster, database) = (Cluster::start(), TestDatabase::create().await);
    let world = world(&database, &cluster).await;
    let flights = two_flights(&world).await;
    until_all_have_arrived(&cluster, &mut database.owner().await).await;
    let leader = cluster.leader_of_others(cluster.records().await[0].partition);
    cluster.down_alone(leader);
    busy(&world, &flights).await;
    busy(&world, &flights).await;
    let failures = async || sum_of(&world.anonymous(), "loadmaster_outbox_failures_total{", "\"kafka\"").await;
    until("three attempts were in vain", async || failures().await >= 3).await;
    cluster.up_alone(leader);
    let records = until_all_have_arrived(&cluster, &mut database.owner().await).await;
    assert_eq!((records.len(), count_of_ids(&records)), (2 + 2 * 4 * 5, 2 + 2 * 4 * 5));
    world.shutdown().await;
}

/// Takes thirteen seconds: for ten of them the first producer may still get on.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_producer_waits_for_in_vain_is_handed_to_a_new_one() {
    let (cluster, database) = (Cluster::start(), TestDatabase::create().await);
    let world = world(&database, &cluster).await;
    let flights = two_flights(&world).await;
    until_all_have_arrived(&cluster, &mut database.owner().await).await;
    cluster.slow(Duration::from_hours(1));
    busy(&world, &flights).await;
    let failures = async || sum_of(&world.anonymous(), "loadmaster_outbox_failures_total{", "\"kafka\"").await;
    // The fifth attempt begins after four of two seconds and the pauses between them.
    until("five attempts were in vain", async || failures().await >= 5).await;
    cluster.slow(Duration::ZERO);
    let records = until_all_have_arrived(&cluster, &mut database.owner().await).await;
    assert_eq!(count_of_ids(&records), 2 + 4 * 5);
    until("its position is saved", async || world.texts(KAFKA_BEHIND).await == ["0"]).await;
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_server_stops_while_brokers_are_away_and_the_next_delivers_the_rest() {
    let (cluster, database) = (Cluster::start(), TestDatabase::create().await);
    let first = world(&database, &cluster).await;
    let flights = two_flights(&first).await;
    busy(&first, &flights).await;
    until_all_have_arrived(&cluster, &mut database.owner().await).await;
    cluster.down();
    busy(&first, &flights).await;
    // Within its own time, or the test would fail by that of the runner.
    first.shutdown().await;
    cluster.up();
    let second = world(&database, &cluster).await;
    let records = until_all_have_arrived(&cluster, &mut database.owner().await).await;
    assert_eq!(count_of_ids(&records), 2 + 2 * 4 * 5);
    second.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replay_beyond_the_outbox_has_the_same_ids_and_data() {
    let (cluster, database) = (Cluster::start(), TestDatabase::create().await);
    let world = world(&database, &cluster).await;
    busy(&world, &two_flights(&world).await).await;
    let first = until_all_have_arrived(&cluster, &mut database.owner().await).await;
    world.sql("delete from outbox").await;
    let command = loadmaster(&["outbox", "replay", "--sink", "kafka"]).on(&database);
    let printed = command.env("KAFKA_BROKERS", &cluster.brokers()).run().await.succeeded();
    assert_eq!(printed, format!("{0} messages were delivered again, {0} of them made from histories.\n", first.len()));
    let records = cluster.records().await;
    let (before, again): (Vec<_>, Vec<_>) =
        records.into_iter().partition(|record| record.message["replayed"].is_null());
    assert_first_in_order(&again);
    let marked = |record: &Record| with(record.message.clone(), json!({"replayed": true}));
    let by_id = |messages: Vec<Value>| -> BTreeMap<String, Value> {
        messages.into_iter().map(|message| (text(&message, "id").to_owned(), message)).collect()
    };
    assert_eq!(
        by_id(again.iter().map(|record| record.message.clone()).collect()),
        by_id(before.iter().map(marked).collect())
    );
    world.shutdown().await;
}
