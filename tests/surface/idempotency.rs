//! One `Idempotency-Key`, one effect: whoever repeats a request is told what the first one was told, and nothing happens.
mod addresses;
mod answers;
mod asked;
mod chaos;
mod consolidations;
mod everywhere;
mod expiry;
mod feeds;
mod freed;
mod in_progress;
mod invalid;
mod late;
mod many;
mod operations;

mod rights;
mod scope;
mod stations;

use loadmaster_testkit::{Answer, Client, World, freight::BOOKINGS};
use reqwest::Method;
use serde_json::Value;

const HEADER: &str = "idempotency-key";
const REPLAYED: &str = "idempotency-replayed";

/// The keys at which a session of the database is.
const KEYS_HELD: &str = "select objid::text from pg_locks where locktype = 'advisory'
                         and database = (select oid from pg_database where datname = current_database())";

/// Asks under a key; without a body, if there is none.
async fn ask(client: &Client, key: &str, method: Method, path: &str, body: Option<&Value>) -> Answer {
    client.send(method, path, &[(HEADER, key)], body).await
}

async fn post(client: &Client, key: &str, path: &str, body: &Value) -> Answer {
    ask(client, key, Method::POST, path, Some(body)).await
}

async fn poke(client: &Client, key: &str, path: &str) -> Answer {
    ask(client, key, Method::POST, path, None).await
}

async fn book(client: &Client, key: &str, order: &Value) -> Answer {
    post(client, key, BOOKINGS, order).await
}

/// The answer to something that was done now, not before.
#[track_caller]
fn fresh(answer: Answer, status: u16) -> Answer {
    assert_eq!(answer.status.as_u16(), status, "{}", answer.text);
    assert_eq!(answer.header(REPLAYED), None, "it was not done before");
    answer
}

/// The same answer as the first time, and says so.
#[track_caller]
fn repeats(first: &Answer, again: Answer) {
    assert_eq!(again.status, first.status, "{}", again.text);
    assert_eq!(again.text, first.text, "byte for byte");
    for name in ["content-type", "location", "etag"] {
        assert_eq!(again.header(name), first.header(name), "{name}");
    }
    assert_eq!(again.header(REPLAYED), Some("true"));
    assert_eq!(first.header(REPLAYED), None);
}

/// All that changes have written so far, but for the answers that are kept.
async fn effects(world: &World) -> Vec<String> {
    let mut effects = world.written().await;
    let flights = "select 'flights ' || count(*) from flights union all
                   select 'flight events ' || count(*) from flight_events union all
                   select 'flight versions ' || coalesce(sum(version), 0) from flight_capacity union all
                   select 'user versions ' || sum(version) from users union all
                   select 'waitlist versions ' || coalesce(sum(version), 0) from waitlist_entries union all
                   select 'credit entries ' || count(*) from credit_entries union all
                   select 'test payments ' || status || count(*) from test_payments group by status union all
                   select 'quotes ' || count(*) from quotes union all
                   select 'suppressed ' || count(*) from suppressions union all
                   select 'preferences ' || p::text from notification_preferences p union all
                   select 'contact ' || c::text from booking_contacts c union all
                   select 'notification ' || id || status from notifications union all
                   select 'party versions ' || coalesce(sum(version), 0) from parties union all
                   select 'template versions ' || coalesce(sum(version), 0) from booking_templates union all
                   select 'alerts ' || count(*) || ' versions ' || coalesce(sum(version), 0) from alerts union all
                   select 'station versions ' || coalesce(sum(version), 0) from stations union all
                   select 'image versions ' || coalesce(sum(version), 0) from images union all
                   select 'tips ' || count(*) || ' versions ' || coalesce(sum(version), 0) from station_tips union all
                   select 'station tag versions ' || coalesce(sum(version), 0) from station_tags union all
                   select 'station collection versions ' || coalesce(sum(version), 0) from station_collections union all
                   select 'consolidation versions ' || coalesce(sum(version), 0) from consolidations union all
                   select 'feed versions ' || coalesce(sum(version), 0) from feeds union all
                   select 'feed runs ' || status || count(*) from feed_runs group by status union all
                   select 'webhook versions ' || coalesce(sum(version), 0) from webhooks union all
                   select 'webhook deliveries ' || status || count(*) from webhook_deliveries group by status union all
                   select 'acts ' || count(*) from admin_acts";
    effects.extend(world.texts(flights).await);
    effects
}

/// How many answers are kept.
async fn kept(world: &World) -> String {
    world.texts("select count(*)::text from idempotency_records").await.remove(0)
}
