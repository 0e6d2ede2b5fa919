//! The punctuality of airlines. The clock stands at 2026-11-20T08:00Z.
use std::ops::Range;

use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    amending::long_day,
    flight_verbs::{act, path_to},
    until,
};
use reqwest::Method;
use serde_json::{Value, json};

pub const JOB: &str = "airline_punctuality";

/// Flights that were to arrive at this instant, and arrived so many seconds later.
pub async fn flown(world: &World, airline: &str, numbers: Range<i32>, scheduled: &str, late: i32) {
    let (first, last) = (numbers.start, numbers.end - 1);
    let flights = format!(
        "insert into flights (id, flight_number, airline_code, origin, destination, departure_at, arrival_at,
                              scheduled_departure_at, scheduled_arrival_at, scheduled_date, actual_departure_at,
                              actual_arrival_at, is_freighter, created_at, updated_at)
         select gen_random_uuid(), '{airline}' || (1000 + number), '{airline}', 'DEL', 'LHR', departs, arrived, departs, arrives,
                (departs at time zone 'Asia/Kolkata')::date, departs, arrived, false, departs, arrived
           from generate_series({first}, {last}) as number,
                (select timestamptz '{scheduled}' - interval '40 hours' as departs, timestamptz '{scheduled}' as arrives,
                        timestamptz '{scheduled}' + interval '{late} seconds' as arrived) as times"
    );
    world.sql(&flights).await;
}

async fn count(world: &World) {
    world.state().background.run_now(JOB).await.unwrap();
}

async fn percent(client: &Client, airline: &str) -> Value {
    client.get(&format!("/api/v1/airlines/{airline}")).await.expect(200)["on_time_percent"].clone()
}

async fn conditional(client: &Client, tag: &str) -> Answer {
    Answer::of(client.request(Method::GET, "/api/v1/airlines/AI").header("if-none-match", tag)).await
}

#[tokio::test]
async fn an_airline_has_a_percentage_from_twenty_flights_of_the_last_90_days_on() {
    let world = World::start().await;
    let anyone = world.anonymous();
    flown(&world, "AI", 0..10, "2026-11-10T12:00:00Z", 900).await;
    // In the hour that comes twice in London, and a day early.
    flown(&world, "AI", 10..14, "2026-10-25T01:30:00Z", -86_400).await;
    flown(&world, "AI", 14..19, "2026-11-12T12:00:00Z", 901).await;
    flown(&world, "AI", 19..40, "2026-08-22T07:00:00Z", 0).await;
    flown(&world, "BA", 0..30, "2026-11-10T12:00:00Z", 7200).await;
    count(&world).await;
    assert_eq!(percent(&anyone, "AI").await, Value::Null, "19 flights, and those of more than 90 days ago");
    assert_eq!(percent(&anyone, "BA").await, json!(0));
    assert_eq!(percent(&anyone, "MS").await, Value::Null, "no flight");

    flown(&world, "AI", 40..41, "2026-08-22T09:00:00Z", 0).await;
    assert_eq!(percent(&anyone, "AI").await, Value::Null, "not counted yet");
    count(&world).await;
    assert_eq!(percent(&anyone, "AI").await, json!(75), "15 of 20");
    let listed = anyone.get("/api/v1/airlines?limit=100").await.expect(200);
    let listed = listed.as_array().unwrap().iter().find(|airline| airline["iata_code"] == "AI").unwrap().clone();
    assert_eq!(listed, anyone.get("/api/v1/airlines/AI").await.expect(200));
    flown(&world, "AI", 41..42, "2026-11-13T12:00:00Z", 3600).await;
    count(&world).await;
    assert_eq!(percent(&anyone, "AI").await, json!(71.4), "15 of 21");
    assert_eq!(anyone.get("/api/v1/airlines/AI").await.expect(200)["version"], 1, "nobody has changed the entry");

    // The oldest one drops out, and 20 remain.
    world.clock.advance(chrono::TimeDelta::hours(2));
    count(&world).await;
    assert_eq!(percent(&anyone, "AI").await, json!(70), "14 of 20");
    world.sql("update flights set cancelled_at = arrival_at where flight_number = 'AI1000'").await;
    count(&world).await;
    assert_eq!(percent(&anyone, "AI").await, Value::Null, "a cancelled flight does not count");
    world.sql("update flights set actual_arrival_at = null where airline_code = 'BA'").await;
    count(&world).await;
    assert_eq!(percent(&anyone, "BA").await, Value::Null, "nor do flights whose actual time is not known");
    assert_eq!(world.texts("select airline_code from airline_punctuality").await, ["AI"]);
}

#[tokio::test]
async fn a_flight_counts_once_it_has_arrived_and_by_its_scheduled_time() {
    let world = long_day().await;
    let (admin, operator) = (world.admin().await, world.operator().await);
    flown(&world, "AI", 0..19, "2026-11-10T12:00:00Z", 901).await;
    let new = |number| NewFlight::new(number, "DEL", "LHR").departs("2026-11-21T00:00:00Z").takes_minutes(480);
    let [flight, gone] = [world.flight(new("AI101")).await, world.flight(new("AI102")).await];
    act(&admin, &gone, "cancel", json!({})).await.expect(200);
    // A new time is none that flights are measured by.
    admin.patch(&path_to(&flight), json!({"departure_datetime": "2026-11-21T01:30:00Z"})).await.expect(200);
    world.clock.advance(chrono::TimeDelta::days(2));
    act(&operator, &flight, "depart", json!({"occurred_at": "2026-11-21T02:00:00Z"})).await.expect(200);
    count(&world).await;
    assert_eq!(percent(&admin, "AI").await, Value::Null, "it is still under way");
    act(&operator, &flight, "arrive", json!({"occurred_at": "2026-11-21T08:15:00Z"})).await.expect(200);
    count(&world).await;
    assert_eq!(percent(&admin, "AI").await, json!(5), "1 of 20");
}

#[tokio::test]
async fn every_process_knows_the_percentage_and_its_tag() {
    let world = World::start().await;
    let other = WorldOptions::working().on(&world.database).start().await;
    let (anyone, admin) = (world.anonymous(), world.admin().await);
    flown(&world, "AI", 0..21, "2026-11-10T12:00:00Z", 0).await;
    flown(&world, "AI", 21..24, "2026-11-10T12:00:00Z", 1000).await;
    assert_eq!(conditional(&anyone, "\"1\"").await.status, 304);
    count(&world).await;
    // The other one may have done the work.
    until("this process knows it", async || percent(&anyone, "AI").await == json!(87.5)).await;
    until("the other process knows it", async || percent(&other.anonymous(), "AI").await == json!(87.5)).await;
    let shown = conditional(&anyone, "\"1\"").await;
    assert_eq!(shown.header("etag"), Some("\"1-87.5\""));
    shown.expect(200);
    assert_eq!(conditional(&anyone, "\"1-87.5\"").await.status, 304);

    let change = admin.request(Method::PATCH, "/api/v1/airlines/AI").header("if-match", "\"1-87.5\"");
    let changed = Answer::of(change.json(&json!({"alliance": null}))).await;
    assert_eq!(changed.header("etag"), Some("\"2-87.5\""));
    assert_eq!(changed.expect(200)["on_time_percent"], json!(87.5), "an administrator's change leaves it");
    let given = json!({"on_time_percent": 100});
    let fault = [("/on_time_percent".to_owned(), "unknown_field".to_owned())];
    assert_eq!(admin.patch("/api/v1/airlines/AI", given).await.expect_faults(), fault);
    let table = admin.request(Method::GET, "/api/v1/airlines/export").send().await.unwrap().text().await.unwrap();
    assert!(!table.contains("on_time_percent"), "an import does not take it");
    let counts = admin.post_raw("/api/v1/airlines/import", "text/csv", table).await.expect(200);
    assert_eq!((&counts["created"], &counts["updated"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn a_message_names_only_the_airlines_whose_percentage_changed() {
    let world = World::start().await;
    let messages = async || {
        let query = "select payload->'data'->>'codes' from outbox where aggregate = 'reference_data' order by id";
        world.texts(query).await
    };
    flown(&world, "AI", 0..20, "2026-11-10T12:00:00Z", 0).await;
    flown(&world, "BA", 0..20, "2026-11-10T12:00:00Z", 0).await;
    flown(&world, "MS", 0..19, "2026-11-10T12:00:00Z", 0).await;
    count(&world).await;
    assert_eq!(messages().await, [r#"["AI", "BA"]"#]);
    count(&world).await;
    flown(&world, "AI", 20..30, "2026-11-10T12:00:00Z", 0).await;
    count(&world).await;
    assert_eq!(messages().await.len(), 1, "10 flights more, all of them on time");
    flown(&world, "BA", 20..21, "2026-11-10T12:00:00Z", 1000).await;
    count(&world).await;
    assert_eq!(messages().await[1..], [r#"["BA"]"#]);
}

#[tokio::test]
async fn a_count_that_breaks_off_has_replaced_nothing() {
    let world = World::start().await;
    flown(&world, "AI", 0..20, "2026-11-10T12:00:00Z", 0).await;
    count(&world).await;
    world.sql("alter table airline_punctuality add constraint broken check (airline_code <> 'BA')").await;
    world.sql("delete from flights where airline_code = 'AI'").await;
    flown(&world, "BA", 0..20, "2026-11-10T12:00:00Z", 0).await;
    _ = world.state().background.run_now(JOB).await;
    let kept = "select airline_code || ' ' || flights from airline_punctuality";
    assert_eq!(world.texts(kept).await, ["AI 20"]);
    assert_eq!(percent(&world.anonymous(), "AI").await, json!(100));
    world.sql("alter table airline_punctuality drop constraint broken").await;
    count(&world).await;
    assert_eq!(world.texts(kept).await, ["BA 20"]);
    assert_eq!(percent(&world.anonymous(), "AI").await, Value::Null);
}
