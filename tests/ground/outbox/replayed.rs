//! `loadmaster outbox replay`: what was delivered comes again, also what the outbox does not have any more.
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use loadmaster::app::{self, ReplaySink};
use loadmaster_platform::outbox::Wanted;
use loadmaster_testkit::{
    OwnRedis, TestDatabase, World, WorldOptions,
    command::{Done, loadmaster},
    freight::{at_once, order, path_of, text, two_flights, with},
};
use serde_json::{Value, json};

use super::{People, SHIPPED, assert_in_order, consumer::Consumer, ids, ship, until_all_have_arrived};

/// A database in which much has happened and been delivered, and what was delivered.
async fn delivered(redis: &OwnRedis) -> (World, Consumer) {
    let database = TestDatabase::create().await;
    let world = WorldOptions::patient().with_workers().on(&database).set("redis.url", &redis.url()).start().await;
    let (flights, people) = (two_flights(&world).await, People::of(&world).await);
    at_once((0..3).map(|_| ship(people.clone(), flights.clone()))).await;
    let mut consumer = Consumer::of(redis).await;
    until_all_have_arrived(&mut consumer, &mut database.owner().await).await;
    (world, consumer)
}

async fn replay(world: &World, redis: &OwnRedis, arguments: &[&str]) -> Done {
    let command = loadmaster(&[&["outbox", "replay", "--sink", "redis_streams"], arguments].concat());
    command.on(&world.database).env("REDIS_URL", &redis.url()).run().await
}

/// The same without a process of its own; answers how many messages came, or would have.
async fn replay_within(world: &World, arguments: &[&str], is_dry: bool) -> usize {
    let given = |name: &str| {
        let place = arguments.iter().position(|argument| *argument == name);
        place.map(|place| arguments[place + 1].to_owned())
    };
    let instant = |text: String| text.parse::<DateTime<Utc>>().unwrap();
    let wanted = Wanted {
        since: given("--from").map(instant),
        until: given("--to").map_or(DateTime::<Utc>::MAX_UTC, instant),
        types: given("--type"),
        subject: given("--subject"),
    };
    let replayed = app::replay(world.state(), ReplaySink::RedisStreams, &wanted, is_dry).await.unwrap();
    replayed.messages.try_into().unwrap()
}

/// What has come since.
async fn again(consumer: &mut Consumer) -> Vec<Value> {
    let before = consumer.messages.len();
    consumer.read().await;
    consumer.messages.split_off(before)
}

fn by_id(messages: &[Value]) -> BTreeMap<String, Value> {
    messages.iter().map(|message| (text(message, "id").to_owned(), message.clone())).collect()
}

fn marked(message: &Value) -> Value {
    with(message.clone(), json!({"replayed": true}))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_messages_come_again_as_they_were_whether_the_outbox_has_them_or_not() {
    let redis = OwnRedis::start().await;
    let (world, mut consumer) = delivered(&redis).await;
    let first = by_id(&consumer.messages);
    let count = first.len();
    assert_eq!(count, 2 + 3 * SHIPPED);

    // As it is, without a part of its messages, and without all.
    for (part, most_kept) in [("false", count), ("id % 3 = 0 or sequence = 1", count - 11), ("true", 0)] {
        world.sql(&format!("delete from outbox where {part}")).await;
        let kept = world.count("outbox").await;
        assert!(kept <= most_kept && (kept > 0 || most_kept == 0), "{kept} of {count} are left");
        let printed = replay(&world, &redis, &[]).await.succeeded();
        assert_eq!(
            printed,
            format!("{count} messages were delivered again, {} of them made from histories.\n", count - kept)
        );
        let messages = again(&mut consumer).await;
        assert_in_order(&ids(&messages));
        assert_eq!(messages.len(), count);
        let expected: BTreeMap<_, _> = first.iter().map(|(id, message)| (id.clone(), marked(message))).collect();
        assert_eq!(by_id(&messages), expected);
    }
    world.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn only_what_is_requested_is_replayed() {
    let redis = OwnRedis::start().await;
    let (world, mut consumer) = delivered(&redis).await;
    let first = consumer.messages.clone();
    let subject = text(&first[first.len() - 1], "subject").to_owned();
    let of_subject = |message: &&Value| text(message, "subject") == subject;
    let booked = |message: &&Value| text(message, "type") == "loadmaster.booking.booked.v1";
    let flights = |message: &&Value| text(message, "type").starts_with("loadmaster.flight.");
    let names =
        |messages: Vec<&Value>| messages.iter().map(|message| text(message, "id").to_owned()).collect::<BTreeSet<_>>();
    let (soon, now) = ("2026-11-20T08:00:00.000001Z", "2026-11-20T08:00:00Z");

    // With the outbox by the command, and without it.
    for is_by_command in [true, false] {
        let cases: [(&[&str], BTreeSet<String>); 7] = [
            (&["--subject", &subject], names(first.iter().filter(of_subject).collect())),
            (&["--type", "loadmaster.booking.booked.v1"], names(first.iter().filter(booked).collect())),
            (&["--type", "*.flight.*"], names(first.iter().filter(flights).collect())),
            (
                &["--type", "*.booked.v?", "--subject", &subject],
                names(first.iter().filter(of_subject).filter(booked).collect()),
            ),
            (&["--from", soon], BTreeSet::new()),
            (&["--to", now], BTreeSet::new()),
            (&["--from", now, "--to", soon], names(first.iter().collect())),
        ];
        for (arguments, expected) in cases {
            if is_by_command {
                let printed = replay(&world, &redis, &[arguments, &["--dry-run"]].concat()).await.succeeded();
                let told = format!("{} messages would be delivered again", expected.len());
                assert!(printed.starts_with(&told), "{printed}");
            } else {
                assert_eq!(replay_within(&world, arguments, true).await, expected.len(), "{arguments:?}");
            }
            assert_eq!(again(&mut consumer).await, [] as [Value; 0], "{arguments:?}");
            if is_by_command {
                replay(&world, &redis, arguments).await.succeeded();
            } else {
                replay_within(&world, arguments, false).await;
            }
            let messages = again(&mut consumer).await;
            assert_in_order_from_anywhere(&messages);
            assert_eq!(ids(&messages).into_iter().collect::<BTreeSet<_>>(), expected, "{arguments:?}");
            assert_eq!(messages.len(), expected.len());
        }
        world.sql("delete from outbox").await;
    }
    world.shutdown().await;
}

#[track_caller]
fn assert_in_order_from_anywhere(messages: &[Value]) {
    let mut last: BTreeMap<&str, u32> = BTreeMap::new();
    for message in messages {
        let sequence = text(message, "sequence").parse().unwrap();
        let before = last.insert(text(message, "subject"), sequence);
        assert!(before.is_none_or(|before| before < sequence), "{message}");
    }
}

#[tokio::test]
async fn messages_that_have_no_history_come_again_from_the_outbox() {
    let redis = OwnRedis::start().await;
    let world = World::start().await;
    let embargo = json!({"name": "Test", "reason": "Test", "origin": "*", "destination": "*",
                         "valid_from": "2026-01-01", "effect": "FORBID"});
    world.admin().await.post("/api/v1/embargoes", embargo).await.expect(201);
    let mut consumer = Consumer::of(&redis).await;
    let printed = replay(&world, &redis, &["--type", "loadmaster.embargo.*"]).await.succeeded();
    assert_eq!(printed, "1 messages were delivered again, 0 of them made from histories.\n");
    let [message] = &again(&mut consumer).await[..] else { panic!("one message") };
    assert_eq!((text(message, "type"), &message["replayed"]), ("loadmaster.embargo.created.v1", &json!(true)));
}

#[tokio::test]
async fn sinks_that_are_not_there_are_named() {
    let world = World::start().await;
    let asked = async |sink: &str| loadmaster(&["outbox", "replay", "--sink", sink]).on(&world.database).run().await;
    let complaint = "loadmaster: there is no Redis: redis.url is not set, or nothing answers there";
    assert_eq!(asked("redis_streams").await.complained(), complaint);
    assert!(asked("kafka").await.complained().contains("Kafka"));
    for unknown in ["notifications", "nonsense", ""] {
        assert_eq!(asked(unknown).await.code, 2, "{unknown}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_message_of_a_correction_names_the_step_also_when_it_is_made_from_the_history() {
    let redis = OwnRedis::start().await;
    let database = TestDatabase::create().await;
    let world = WorldOptions::patient().with_workers().on(&database).set("redis.url", &redis.url()).start().await;
    let [flight, _] = two_flights(&world).await;
    let operator = world.operator().await;
    let booking = operator.book(order(&[&flight])).await;
    operator.walk(&booking, &["depart"]).await;
    let path = format!("{}/correct", path_of(&booking));
    operator.post(&path, json!({"reason": "Wrong booking"})).await.expect(200);
    let mut consumer = Consumer::of(&redis).await;
    until_all_have_arrived(&mut consumer, &mut database.owner().await).await;
    let is_correction = |message: &&Value| text(message, "type") == "loadmaster.booking.corrected.v1";
    let correction = consumer.messages.iter().find(is_correction).unwrap().clone();
    let history = operator.get(&format!("{}/history", path_of(&booking))).await.expect(200);
    assert_eq!(correction["data"]["corrects"], history["timeline"][2]["corrects"]);
    assert_eq!((&correction["data"]["status"], text(&correction, "sequence")), (&json!("BOOKED"), "3"));
    world.sql("delete from outbox").await;
    replay_within(&world, &["--type", "*.corrected.*"], false).await;
    assert_eq!(again(&mut consumer).await, [marked(&correction)]);
    world.shutdown().await;
}
