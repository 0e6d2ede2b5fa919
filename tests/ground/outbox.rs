//! What happened reaches everybody who is to know of it: at least once, in the order of each booking and flight, and
//! nothing that did not happen. Sinks that are away hold nobody up; processes that die are followed by others.
mod apart;
mod away;
mod chaos;
mod collecting;
mod command_line;
mod consumer;
mod deleting;
mod evicted;
mod exchanged;
mod feeds;
mod following;
mod imports;
mod lost;
mod messages;
mod older;
mod open;
mod promises;
mod random;
mod reading;
mod replayed;
mod sinks;
mod stream;
mod unwell;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use loadmaster_testkit::{
    Client, TestDatabase, World, WorldOptions,
    freight::{order, path_of, text, with},
    until,
};
use serde_json::{Value, json};
use sqlx::{PgConnection, Row};

use consumer::Consumer;

/// A server that works without Redis.
async fn alone() -> World {
    WorldOptions::patient().with_workers().without_redis().start().await
}

async fn alone_on(database: &TestDatabase) -> World {
    WorldOptions::patient().with_workers().without_redis().on(database).start().await
}

/// The ids of messages as they came.
fn ids(messages: &[Value]) -> Vec<String> {
    messages.iter().map(|message| text(message, "id").to_owned()).collect()
}

/// Of each booking and flight the first message comes first, then the second, and so on: repetitions do not count.
#[track_caller]
fn assert_in_order(ids: &[String]) {
    let mut last: HashMap<&str, u32> = HashMap::new();
    for id in ids {
        let (aggregate, sequence) = id.rsplit_once('-').expect("a dash");
        let sequence: u32 = sequence.parse().expect("a number");
        let last = last.entry(aggregate).or_default();
        assert!(sequence <= *last + 1, "{sequence} of {aggregate} comes after {last}");
        *last = sequence.max(*last);
    }
}

#[track_caller]
fn assert_no_repetition(ids: &[String]) {
    let mut seen = BTreeSet::new();
    let again: Vec<_> = ids.iter().filter(|id| !seen.insert(*id)).collect();
    assert!(again.is_empty(), "came again: {again:?}");
}

/// How many events bookings and flights have.
async fn count_of_events(owner: &mut PgConnection) -> usize {
    let query = "select (select count(*) from booking_events) + (select count(*) from flight_events)";
    usize::try_from(sqlx::query_scalar::<_, i64>(query).fetch_one(owner).await.unwrap()).unwrap()
}

/// The ids that the messages of all events must have.
async fn happened(owner: &mut PgConnection) -> BTreeSet<String> {
    let query = "select booking_id || '-' || sequence from booking_events
                 union all select flight_id || '-' || sequence from flight_events";
    sqlx::query_scalar(query).fetch_all(owner).await.unwrap().into_iter().collect()
}

/// The documents in the outbox by their ids.
async fn documents(owner: &mut PgConnection) -> BTreeMap<String, Value> {
    let rows = sqlx::query("select payload from outbox order by id").fetch_all(owner).await.unwrap();
    let documents = rows.iter().map(|row| row.get::<Value, _>(0));
    documents.map(|document| (text(&document, "id").to_owned(), document)).collect()
}

/// Waits until the stream has every event of this database, then makes sure that it has nothing else and has it in order.
async fn until_all_have_arrived(consumer: &mut Consumer, owner: &mut PgConnection) {
    until("every change has arrived in the stream", async || {
        consumer.read().await;
        let arrived: BTreeSet<_> = consumer.messages.iter().map(|message| text(message, "id")).collect();
        arrived.len() >= count_of_events(owner).await
    })
    .await;
    let arrived = ids(&consumer.messages);
    assert_in_order(&arrived);
    assert_eq!(arrived.into_iter().collect::<BTreeSet<_>>(), happened(owner).await);
    let documents = documents(owner).await;
    assert_told(&consumer.messages, &documents);
}

/// The messages say what is in these documents, and all of them which installation says it.
#[track_caller]
fn assert_told(messages: &[Value], documents: &BTreeMap<String, Value>) {
    let Some(first) = messages.first() else { return };
    let installation = text(first, "source").strip_prefix("/loadmaster/").expect("a source of this product");
    assert!(installation.len() == 16 && installation.chars().all(|c| c.is_ascii_hexdigit()), "{installation}");
    for message in messages {
        let told = with(documents[text(message, "id")].clone(), json!({"source": first["source"]}));
        assert_eq!(message, &told);
    }
}

/// The sink in Redis has taken all there is, and has nothing left to repeat.
async fn until_place_is_kept(world: &World) {
    until("the place is kept", async || {
        let place = "select 'there' from outbox_sinks
                     where name = 'redis_streams' and reached = (select max(id) from outbox)";
        !world.texts(place).await.is_empty()
    })
    .await;
}

/// Who works in a world.
#[derive(Clone)]
struct People {
    customer: Client,
    operator: Client,
}

impl People {
    async fn of(world: &World) -> Self {
        Self { customer: world.customer().await, operator: world.operator().await }
    }
}

/// How many events it makes to [`ship`].
const SHIPPED: usize = 10;

/// Three bookings: one goes all the way, one is amended, one cancelled.
async fn ship(people: People, flights: [Value; 2]) {
    let wish = with(order(&[&flights[0], &flights[1]]), json!({"weight_kg": 1}));
    let sent = people.customer.book(wish.clone()).await;
    people.operator.walk(&sent, &["depart", "arrive", "depart", "arrive", "deliver"]).await;
    let amended = people.customer.book(wish.clone()).await;
    people.customer.patch(&path_of(&amended), json!({"pieces": 3})).await.expect(200);
    let dropped = people.customer.book(wish).await;
    people.customer.walk(&dropped, &["cancel"]).await;
}
