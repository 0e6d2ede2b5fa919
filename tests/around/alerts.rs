//! Alerts on prices and space: what they refuse, who sees them, and when somebody is informed.
mod cost;
mod crossings;
mod judged;
mod letters;
mod listed;
mod persons;
mod processes;
mod sizes;
mod waking;

use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    claims::guest,
    freight::{at_once, order, text, with, without},
    jobs::run_again,
    notifications::{Person, told_to},
    until,
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

const ALERTS: &str = "/api/v1/alerts";

fn space(kilograms: f64) -> Value {
    json!({"kind": "SPACE", "origin": "DEL", "destination": "LHR", "weight_kg": kilograms})
}

fn price() -> Value {
    json!({"kind": "PRICE", "origin": "DEL", "destination": "LHR", "weight_kg": 100,
           "below": {"amount": "450.00", "currency": "USD"}})
}

fn at(alert: &Value) -> String {
    format!("{ALERTS}/{}", text(alert, "id"))
}

/// The alert as it is now.
async fn shown(client: &Client, alert: &Value) -> Value {
    client.get(&at(alert)).await.expect(200)
}

/// Waits until all alerts were checked, as if they were due.
async fn checked(world: &World) {
    world.sql("update alerts set next_check_at = '2026-01-01' where status = 'ACTIVE'").await;
    until("all alerts are checked", async || {
        let left = "select id::text from alerts
                    where status = 'ACTIVE' and (next_check_at < '2026-02-01' or lease_until is not null)";
        world.texts(left).await.is_empty()
    })
    .await;
}

/// A flight from Delhi to London with room for a ton, in eight days.
async fn flight(world: &World) -> Value {
    world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(1000.0).leaves_in_hours(200)).await
}

/// Books all of that flight.
async fn fill(client: &Client, flight: &Value) -> Value {
    client.book(with(order(&[flight]), json!({"weight_kg": 1000}))).await
}

/// The number of messages about alerts.
async fn messages(world: &World) -> usize {
    world.texts("select id::text from outbox where aggregate = 'alert'").await.len()
}

#[tokio::test]
async fn each_fault_of_an_alert_names_its_member() {
    let world = World::start().await;
    let customer = world.customer().await;
    let today = world.now().date_naive();
    let on = |first: i64, last: i64| json!({"date_from": today + TimeDelta::days(first), "date_to": today + TimeDelta::days(last)});
    for (wanted, pointer, code) in [
        (without(price(), "below"), "/below", "required"),
        (with(price(), json!({"drop_percent": 10})), "/drop_percent", "not_allowed"),
        (with(without(price(), "below"), json!({"drop_percent": 4})), "/drop_percent", "too_small"),
        (with(without(price(), "below"), json!({"drop_percent": 51})), "/drop_percent", "too_large"),
        (with(price(), json!({"below": {"amount": "1.00", "currency": "QQQ"}})), "/below/currency", "unknown_value"),
        (with(space(1.0), json!({"below": {"amount": "1.00", "currency": "USD"}})), "/below", "not_allowed"),
        (with(space(1.0), json!({"destination": "DEL"})), "/destination", "same_as_origin"),
        (with(space(1.0), on(2, 33)), "/date_to", "too_large"),
        (with(space(1.0), on(-9, -3)), "/date_to", "too_small"),
        (with(space(1.0), json!({"date_from": today})), "/date_to", "required"),
    ] {
        let faults = customer.post(ALERTS, wanted.clone()).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{wanted}");
    }
    customer.post(ALERTS, with(space(1.0), on(2, 32))).await.expect(201);
    assert_eq!(customer.get(ALERTS).await.expect(200).as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_alert_is_its_organizations_and_the_staffs() {
    let world = World::start().await;
    let (owner, stranger) = (world.customer().await, world.customer().await);
    let alert = owner.post(ALERTS, price()).await.expect(201);
    let path = at(&alert);
    stranger.get(&path).await.expect_problem(404, "not_found");
    stranger.patch(&path, json!({"status": "PAUSED"})).await.expect_problem(404, "not_found");
    stranger.delete(&path).await.expect_problem(404, "not_found");
    assert_eq!(stranger.get(ALERTS).await.expect(200), json!([]));
    world.operator().await.get(&path).await.expect(200);
    let changed = owner.patch(&path, json!({"weight_kg": 200})).await.expect(200);
    assert_eq!(changed["version"], 2);
    let stale = [("If-Match", "\"1\"")];
    let body = json!({"weight_kg": 300});
    owner.send(Method::PATCH, &path, &stale, Some(&body)).await.expect_problem(412, "version_mismatch");
    world.admin().await.patch(&path, json!({"status": "PAUSED"})).await.expect(200);
    let acts = world.texts("select count(*)::text from admin_acts where act = 'alert.changed'").await;
    assert_eq!(acts, ["1"], "the act of the staff alone");
    owner.delete(&path).await.expect(204);
    owner.get(&path).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn an_organization_has_so_many_active_alerts_and_no_more() {
    let options = WorldOptions::default().set("alerts.max_per_organization", "2");
    let world = World::with(options).await;
    let customer = world.customer().await;
    let first = customer.post(ALERTS, space(1.0)).await.expect(201);
    customer.post(ALERTS, space(2.0)).await.expect(201);
    let problem = customer.post(ALERTS, space(3.0)).await.expect_problem(409, "limit_reached");
    assert_eq!((&problem["what"], &problem["limit"]), (&json!("alerts"), &json!(2)));
    let act = |action: &str| json!({"action": action, "ids": [first["id"]]});
    let bulk = format!("{ALERTS}/bulk");
    assert_eq!(customer.post(&bulk, act("pause")).await.expect(200)["succeeded"], 1);
    customer.post(ALERTS, space(3.0)).await.expect(201);
    let resumed = customer.patch(&at(&first), json!({"status": "ACTIVE"})).await;
    resumed.expect_problem(409, "limit_reached");
    let refused = customer.post(&bulk, act("resume")).await.expect(200);
    assert_eq!(refused["results"][0]["problem"]["code"], "limit_reached");
    assert_eq!(customer.post(&bulk, act("delete")).await.expect(200)["succeeded"], 1);
}

#[tokio::test]
async fn an_alert_whose_time_is_up_or_whose_user_has_gone_does_not_count() {
    let world = World::with(WorldOptions::default().set("alerts.max_per_organization", "1")).await;
    let person = Person::new(&world).await;
    let brief = with(space(1.0), json!({"expires_at": world.now() + TimeDelta::minutes(5)}));
    let alert = person.client.post(ALERTS, brief).await.expect(201);
    person.client.post(ALERTS, space(2.0)).await.expect_problem(409, "limit_reached");
    world.clock.advance(TimeDelta::minutes(6));
    person.client.post(ALERTS, space(2.0)).await.expect(201);
    assert_eq!(shown(&person.client, &alert).await["status"], "ACTIVE", "no job has ended it yet");
    let colleague = world.caller_in(Role::Customer, Uuid::new_v4(), person.organization).await;
    colleague.post(ALERTS, space(3.0)).await.expect_problem(409, "limit_reached");
    world.sql(&format!("update users set disabled_at = now() where id = '{}'", person.id)).await;
    colleague.post(ALERTS, space(3.0)).await.expect(201);
    colleague.post(ALERTS, space(4.0)).await.expect_problem(409, "limit_reached");
}

#[tokio::test]
async fn a_drop_is_shown_and_gives_way_to_an_amount() {
    let world = World::start().await;
    let customer = world.customer().await;
    let new = with(without(price(), "below"), json!({"drop_percent": 20}));
    let alert = customer.post(ALERTS, new).await.expect(201);
    let all = customer.get(ALERTS).await.expect(200);
    assert_eq!((&all[0]["drop_percent"], &shown(&customer, &alert).await["drop_percent"]), (&json!(20), &json!(20)));
    let change = json!({"drop_percent": null, "below": {"amount": "450.00", "currency": "USD"}});
    let changed = customer.patch(&at(&alert), change).await.expect(200);
    assert_eq!((&changed["drop_percent"], &changed["below"]["amount"]), (&Value::Null, &json!("450.00")));
}

#[tokio::test]
async fn a_repeated_request_for_an_alert_that_was_deleted_finds_none() {
    let world = World::start().await;
    let customer = world.customer().await;
    let ask = async || customer.post_under("once", ALERTS, &space(1.0)).await;
    let alert = ask().await.expect(201);
    assert_eq!(ask().await.expect(201)["id"], alert["id"]);
    customer.send(Method::DELETE, &at(&alert), &[], None).await.expect(204);
    ask().await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_cancellation_makes_room_and_one_letter() {
    let world = World::working().await;
    let flight = flight(&world).await;
    let holder = world.customer().await;
    let booking = fill(&holder, &flight).await;
    let person = Person::new(&world).await;
    let alert = person.client.post(ALERTS, space(600.0)).await.expect(201);
    assert_eq!((&alert["is_met"], &alert["current"]), (&json!(false), &Value::Null));
    // A new one is due soon without a message.
    checked(&world).await;
    holder.walk(&booking, &["cancel"]).await;
    // One that was checked just now waits for half a minute.
    world.clock.advance(TimeDelta::seconds(31));
    until("the alert is met", async || person.client.get(&at(&alert)).await.expect(200)["times_met"] == 1).await;
    let met = person.client.get(&at(&alert)).await.expect(200);
    assert_eq!((&met["is_met"], &met["current"]["option"]), (&json!(true), &json!([flight["id"]])));
    until("its user is informed", async || told_to(&world, &person.name()).await.contains(&"space_alert".to_owned()))
        .await;
    assert_eq!(messages(&world).await, 1);
    let all = person.client.get(ALERTS).await.expect(200);
    assert!(all[0]["last_notified_at"].is_string(), "{all}");
    world.audit().await;
}

#[tokio::test]
async fn an_alert_ends_with_the_access_of_its_user_and_is_deleted_ninety_days_later() {
    let world = World::working().await;
    let person = Person::new(&world).await;
    let alert = person.client.post(ALERTS, space(600.0)).await.expect(201);
    let admin = world.admin().await;
    run_again(&world, "ended_alerts").await;
    assert_eq!(admin.get(&at(&alert)).await.expect(200)["status"], "ACTIVE");
    world.sql(&format!("update users set disabled_at = now() where id = '{}'", person.id)).await;
    run_again(&world, "ended_alerts").await;
    assert_eq!(admin.get(&at(&alert)).await.expect(200)["status"], "EXPIRED");
    let refused = admin.patch(&at(&alert), json!({"status": "ACTIVE"})).await;
    let problem = refused.expect_problem(409, "invalid_transition");
    assert_eq!((&problem["from"], &problem["allowed"]), (&json!("EXPIRED"), &json!(["delete"])));
    world.sql("update alerts set ended_at = ended_at - interval '91 days'").await;
    run_again(&world, "ended_alerts").await;
    assert_eq!(world.texts("select id::text from alerts").await, [""; 0]);
}

#[tokio::test]
async fn so_many_alerts_made_at_once_are_no_more_than_the_limit() {
    let world = World::with(WorldOptions::default().set("alerts.max_per_organization", "3")).await;
    let customer = world.customer().await;
    let made = at_once((0..12).map(|_| customer.sending(ALERTS, space(1.0)))).await;
    let mut statuses: Vec<u16> = made.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [[201; 3].as_slice(), &[409; 9]].concat());
    assert_eq!(world.texts("select id::text from alerts where status = 'ACTIVE'").await.len(), 3);
    world.customer().await.post(ALERTS, space(1.0)).await.expect(201);
}

#[tokio::test]
async fn guests_and_strangers_make_no_alerts_and_programs_do() {
    let world = World::start().await;
    guest(&world).await.post(ALERTS, space(1.0)).await.expect_problem(403, "forbidden");
    world.anonymous().post(ALERTS, space(1.0)).await.expect_problem(401, "unauthenticated");
    let user = Uuid::new_v4();
    let customer = world.caller_in(Role::Customer, user, Uuid::new_v4()).await;
    let key = customer.post("/api/v1/api-keys", json!({"name": "night"})).await.expect(201);
    let program = world.anonymous().with_token(text(&key, "key"));
    let alert = program.post(ALERTS, space(1.0)).await.expect(201);
    assert_eq!(alert["created_by"], json!(user), "the user of the key is informed");
    assert_eq!(shown(&customer, &alert).await["id"], alert["id"]);
}

#[tokio::test]
async fn an_act_on_many_alerts_leaves_those_of_strangers_alone() {
    let world = World::start().await;
    let (owner, stranger) = (world.customer().await, world.customer().await);
    let own = owner.post(ALERTS, space(1.0)).await.expect(201);
    let foreign = stranger.post(ALERTS, space(1.0)).await.expect(201);
    for action in ["pause", "resume", "delete"] {
        let act = json!({"action": action, "ids": [own["id"], foreign["id"], Uuid::nil()]});
        let done = owner.post(&format!("{ALERTS}/bulk"), act).await.expect(200);
        assert_eq!((&done["succeeded"], &done["failed"]), (&json!(1), &json!(2)), "{done}");
        let rows = done["results"].as_array().unwrap().iter();
        let refused: Vec<&Value> = rows.map(|row| &row["problem"]).filter(|problem| !problem.is_null()).collect();
        assert!(refused.iter().all(|problem| problem["code"] == "not_found"), "{done}");
    }
    assert_eq!(shown(&stranger, &foreign).await, foreign);
    owner.get(&at(&own)).await.expect_problem(404, "not_found");
}
