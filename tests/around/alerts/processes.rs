//! Several processes check alerts, and some of them die.
use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    freight::{text, with},
    notifications::Person,
    until,
};
use serde_json::{Value, json};

use super::{ALERTS, checked, fill, flight, messages, shown, space};

const LANES: [(&str, &str); 6] =
    [("DEL", "LHR"), ("DEL", "BOM"), ("BOM", "LHR"), ("LHR", "JFK"), ("JFK", "LHR"), ("LHR", "DEL")];

/// Notes when a process takes an alert that another one has.
const WATCH: [&str; 3] = [
    "create table taken_twice (id uuid)",
    "create function note_taken() returns trigger language plpgsql security definer as $$
     begin insert into taken_twice values (new.id); return null; end $$",
    "create trigger note_taken after update on alerts for each row
     when (old.lease_holder is not null and new.lease_holder is not null and new.lease_holder <> old.lease_holder)
     execute function note_taken()",
];

#[tokio::test]
async fn two_processes_check_no_alert_at_once_and_report_none_twice() {
    let [one, other] = World::two(WorldOptions::working()).await;
    for statement in WATCH {
        one.sql(statement).await;
    }
    let person = Person::new(&one).await;
    for (origin, destination) in LANES {
        for kilograms in 1..=5 {
            let alert = with(space(1.0), json!({"origin": origin, "destination": destination, "weight_kg": kilograms}));
            person.client.post(ALERTS, alert).await.expect(201);
        }
    }
    for ((origin, destination), number) in LANES.into_iter().zip(101..) {
        one.flight(NewFlight::new(&format!("AI{number}"), origin, destination).leaves_in_hours(50)).await;
    }
    let met = "select id::text from alerts where is_met and times_met = 1";
    until("all are met", async || {
        checked(&other).await;
        one.texts(met).await.len() == 30
    })
    .await;
    checked(&other).await;
    assert_eq!(messages(&one).await, 30);
    assert_eq!(one.texts("select id::text from taken_twice").await, [""; 0]);
    one.audit().await;
}

#[tokio::test]
async fn what_a_process_has_taken_is_left_to_it_until_its_lease_ends_and_then_taken_up() {
    let world = World::working().await;
    let (flight, person, holder) = (flight(&world).await, Person::new(&world).await, world.customer().await);
    let booking = fill(&holder, &flight).await;
    let taken = person.client.post(ALERTS, space(600.0)).await.expect(201);
    let free = person.client.post(ALERTS, space(500.0)).await.expect(201);
    // As a process leaves it that is killed between its claim and its end.
    let claim = async |lease: &str| {
        let id = text(&taken, "id");
        let claimed = format!(
            "update alerts set lease_holder = gen_random_uuid(), lease_until = clock_timestamp() + interval '{lease}',
                               next_check_at = '2026-11-20T08:28:00Z' where id = '{id}'"
        );
        world.sql(&claimed).await;
    };
    claim("1 hour").await;
    holder.walk(&booking, &["cancel"]).await;
    let due = format!("update alerts set next_check_at = '2026-01-01' where id = '{}'", text(&free, "id"));
    world.sql(&due).await;
    let times = async |alert: &Value| shown(&person.client, alert).await["times_met"].clone();
    until("the other one is checked", async || times(&free).await == 1).await;
    assert_eq!(times(&taken).await, 0, "another process has it");
    claim("-1 second").await;
    until("it is taken up", async || times(&taken).await == 1).await;
    assert_eq!(messages(&world).await, 2);
}

#[tokio::test]
async fn what_changed_while_no_process_listened_is_found_within_five_minutes_of_a_start() {
    let world = World::start().await;
    let person = Person::new(&world).await;
    let alert = person.client.post(ALERTS, space(600.0)).await.expect(201);
    flight(&world).await;
    // It was checked again already.
    world.sql("update alerts set next_check_at = '2026-11-20T08:28:00Z'").await;
    let serving = WorldOptions::working().on(&world.database).start().await;
    until("it is due soon", async || {
        let due = "select id::text from alerts where next_check_at <= '2026-11-20T08:05:00Z'";
        world.texts(due).await.len() == 1
    })
    .await;
    serving.clock.advance(TimeDelta::minutes(5));
    until("it is met", async || shown(&person.client, &alert).await["times_met"] == 1).await;
    serving.shutdown().await;
}

#[tokio::test]
async fn an_alert_that_cannot_be_judged_waits_by_itself_and_keeps_no_other_waiting() {
    let world = World::working().await;
    let (flight, person, holder) = (flight(&world).await, Person::new(&world).await, world.customer().await);
    let booking = fill(&holder, &flight).await;
    let bad = person.client.post(ALERTS, space(500.0)).await.expect(201);
    let good = person.client.post(ALERTS, space(600.0)).await.expect(201);
    // Nothing can be written about the one.
    world
        .sql(
            "create function refuse() returns trigger language plpgsql as $$
             begin raise exception 'refused'; end $$",
        )
        .await;
    let refuse = format!(
        "create trigger refuse before insert on outbox for each row when (new.aggregate_id = '{}')
         execute function refuse()",
        text(&bad, "id")
    );
    world.sql(&refuse).await;
    holder.walk(&booking, &["cancel"]).await;
    checked(&world).await;
    let times = async |alert: &Value| shown(&person.client, alert).await["times_met"].clone();
    assert_eq!((times(&bad).await, times(&good).await), (json!(0), json!(1)));
    let failed = async || {
        let failed = format!(
            "select failures || ' ' || extract(epoch from next_check_at - '{}'::timestamptz)::int
             from alerts where id = '{}'",
            world.now().to_rfc3339(),
            text(&bad, "id")
        );
        world.texts(&failed).await
    };
    assert_eq!(failed().await, ["1 60"]);
    // A look at its lane leaves it out.
    let due = format!("update alerts set next_check_at = '2026-01-01' where id = '{}'", text(&good, "id"));
    world.sql(&due).await;
    until("the other one is checked", async || {
        let left = "select id::text from alerts where next_check_at < '2026-02-01' or lease_until is not null";
        world.texts(left).await.is_empty()
    })
    .await;
    assert_eq!(failed().await, ["1 60"]);
    checked(&world).await;
    assert_eq!(failed().await, ["2 120"]);
    world.sql("drop trigger refuse on outbox").await;
    checked(&world).await;
    assert_eq!(world.count("alerts where failures > 0").await, 0);
    assert_eq!((times(&bad).await, times(&good).await), (json!(1), json!(1)));
    assert_eq!(messages(&world).await, 2);
}
