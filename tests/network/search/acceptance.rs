//! By when the station of the first departure takes the freight of a search.
use loadmaster_testkit::{
    NewFlight, World, WorldOptions, flight_verbs::path_to, freight::with, stations::accept, until,
};
use serde_json::{Value, json};

use super::{from_bombay, names, ranked, search_for, to_bombay};

const QUERY: &str = "origin=DEL&destination=LHR&departure_date=2026-11-21";

/// Delhi to London at 12:00Z on 21 November 2026; the cut-off is at 11:00Z.
fn straight(number: &str) -> NewFlight {
    NewFlight::new(number, "DEL", "LHR").departs("2026-11-21T12:00:00Z").takes_minutes(500)
}

/// What each option says.
fn latest(options: &Value) -> Vec<&Value> {
    options.as_array().unwrap().iter().map(|option| &option["latest_acceptance_datetime"]).collect()
}

#[tokio::test]
async fn the_longest_rule_for_the_product_and_the_handling_codes_counts() {
    let world = World::working().await;
    world.flight(straight("AI1")).await;
    let rules = json!([
        {"minutes_before": 90, "product": "EXPRESS"},
        {"minutes_before": 360, "handling_code": "AVI"},
        {"minutes_before": 480, "product": "EXPRESS", "handling_code": "PER"},
    ]);
    accept(&world.operator().await, "DEL", 0, rules).await;
    for (freight, expected) in [
        (json!({}), Value::Null),
        (json!({"product": "PHARMA", "special_handling_codes": ["PER"]}), Value::Null),
        (json!({"product": "express"}), json!("2026-11-21T10:30:00Z")),
        (json!({"special_handling_codes": ["PER", "AVI"]}), json!("2026-11-21T06:00:00Z")),
        (json!({"product": "EXPRESS", "special_handling_codes": ["AVI"]}), json!("2026-11-21T06:00:00Z")),
        (json!({"product": "EXPRESS", "special_handling_codes": ["AVI", "PER"]}), json!("2026-11-21T04:00:00Z")),
    ] {
        let found = search_for(&world, "DEL", "LHR", "2026-11-21", freight.clone()).await;
        assert_eq!(found["direct_flights"][0]["latest_acceptance_datetime"], expected, "{freight}");
    }
}

#[tokio::test]
async fn it_is_never_after_the_cut_off_and_closes_nothing() {
    let world = World::working().await;
    let flight = world.flight(straight("AI1")).await;
    let operator = world.operator().await;
    for (version, (minutes, expected)) in [
        (0, "2026-11-21T11:00:00Z"),
        (60, "2026-11-21T11:00:00Z"),
        (61, "2026-11-21T10:59:00Z"),
        // Before now.
        (10_080, "2026-11-14T12:00:00Z"),
    ]
    .into_iter()
    .enumerate()
    {
        accept(&operator, "DEL", i32::try_from(version).unwrap(), json!([{"minutes_before": minutes}])).await;
        let options = ranked(&world, QUERY).await;
        assert_eq!(latest(&options), [expected], "{minutes}");
        assert_eq!(options[0]["bookable"], true);
    }
    accept(&operator, "DEL", 4, json!([{"minutes_before": 90}])).await;
    world.admin().await.patch(&path_to(&flight), json!({"cutoff_minutes": 120})).await.expect(200);
    until("the cut-off counts", async || latest(&ranked(&world, QUERY).await) == ["2026-11-21T10:00:00Z"]).await;
    world.admin().await.patch(&path_to(&flight), json!({"cutoff_minutes": 30})).await.expect(200);
    until("the rule counts", async || latest(&ranked(&world, QUERY).await) == ["2026-11-21T10:30:00Z"]).await;
}

#[tokio::test]
async fn of_a_connection_the_station_of_the_first_departure_decides() {
    let world = World::working().await;
    world.flight(to_bombay("AI11")).await;
    world.flight(from_bombay("AI12", "16:00")).await;
    let operator = world.operator().await;
    accept(&operator, "BOM", 0, json!([{"minutes_before": 600}])).await;
    accept(&operator, "LHR", 0, json!([{"minutes_before": 600}])).await;
    assert_eq!(latest(&ranked(&world, QUERY).await), [&Value::Null]);
    accept(&operator, "DEL", 0, json!([{"minutes_before": 120}])).await;
    assert_eq!(latest(&ranked(&world, QUERY).await), ["2026-11-21T00:30:00Z"]);
    let found = search_for(&world, "DEL", "LHR", "2026-11-21", json!({})).await;
    assert_eq!(latest(&found["transit_routes"]), ["2026-11-21T00:30:00Z"]);
}

/// Searches a direct flight on this date at its origin, whose station takes freight four hours before departure.
async fn four_hours_before(origin: &'static str, date: &str, departure: &str) -> Value {
    let world = World::working().await;
    let flight = NewFlight::new("AI1", origin, "DEL").departs(departure).takes_minutes(900);
    world.flight(flight).await;
    accept(&world.operator().await, origin, 0, json!([{"minutes_before": 240}])).await;
    let options = ranked(&world, &format!("origin={origin}&destination=DEL&departure_date={date}")).await;
    assert_eq!(names(&options), ["AI1"], "{origin}");
    options[0]["latest_acceptance_datetime"].clone()
}

#[tokio::test]
async fn hours_are_those_that_pass_in_both_nights_in_which_clocks_change() {
    // London skips 01:00 to 02:00: from 00:30 to 05:30 by the clock four hours pass.
    let spring = four_hours_before("LHR", "2027-03-28", "2027-03-28T05:30:00+01:00").await;
    assert_eq!(spring, "2027-03-28T00:30:00Z");
    // Sydney has 02:00 to 03:00 twice: from 01:30 to 04:30 by the clock four hours pass.
    let autumn = four_hours_before("SYD", "2027-04-04", "2027-04-04T04:30:00+10:00").await;
    assert_eq!(autumn, "2027-04-03T14:30:00Z");
}

#[tokio::test]
async fn it_may_be_on_the_date_before_on_both_sides_of_the_date_line() {
    let kiritimati = four_hours_before("CXI", "2026-12-01", "2026-12-01T02:00:00+14:00").await;
    assert_eq!(kiritimati, "2026-11-30T08:00:00Z");
    let pago_pago = four_hours_before("PPG", "2026-12-01", "2026-12-01T02:00:00-11:00").await;
    assert_eq!(pago_pago, "2026-12-01T09:00:00Z");
}

#[tokio::test]
async fn what_is_kept_says_the_same_as_the_tables_to_the_byte() {
    let world = World::working().await;
    world.flight(straight("AI1").weight(500.0)).await;
    world.flight(to_bombay("AI11")).await;
    world.flight(from_bombay("AI12", "16:00")).await;
    world.flight(straight("AI2").departs("2026-11-22T12:00:00Z")).await;
    accept(
        &world.operator().await,
        "DEL",
        0,
        json!([{"minutes_before": 90}, {"minutes_before": 240, "handling_code": "PER"}]),
    )
    .await;
    let plain = WorldOptions::working().on(&world.database).set("search.cache_ttl_seconds", "0").start().await;
    // Alternatives are left out where looking for them takes too long.
    let answer_of = async |world: &World, body: &Value| {
        let answer = world.anonymous().post("/api/v1/routes/search", body.clone()).await;
        answer.text.split(",\"alternatives\":").next().unwrap_or_default().to_owned()
    };
    for (freight, expected) in [
        (json!({}), "2026-11-21T10:30:00Z"),
        (json!({"special_handling_codes": ["PER"]}), "2026-11-21T08:00:00Z"),
        (json!({"weight_kg": 800, "max_stops": 0}), "2026-11-21T10:30:00Z"),
    ] {
        let body = with(json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21"}), freight);
        let read = answer_of(&plain, &body).await;
        assert!(read.contains(&format!(r#""latest_acceptance_datetime":"{expected}""#)), "{read}");
        for _ in 0..2 {
            assert_eq!(answer_of(&world, &body).await, read, "{body}");
        }
    }
    let full = search_for(&world, "DEL", "LHR", "2026-11-21", json!({"weight_kg": 800, "max_stops": 0})).await;
    assert_eq!(latest(&full["alternatives"]), ["2026-11-22T10:30:00Z"]);
}

#[tokio::test]
async fn a_changed_rule_changes_the_options_of_every_process() {
    let [here, there] = World::two(WorldOptions::working()).await;
    here.flight(straight("AI1")).await;
    until("the flight is there", async || !names(&ranked(&there, QUERY).await).is_empty()).await;
    let operator = here.operator().await;
    for (version, (rules, expected)) in [
        (json!([{"minutes_before": 240}]), json!("2026-11-21T08:00:00Z")),
        (json!([{"minutes_before": 300}]), json!("2026-11-21T07:00:00Z")),
        (json!([{"minutes_before": 300, "product": "EXPRESS"}]), Value::Null),
    ]
    .into_iter()
    .enumerate()
    {
        accept(&operator, "DEL", i32::try_from(version).unwrap(), rules).await;
        assert_eq!(latest(&ranked(&here, QUERY).await), [&expected], "at once where it was changed");
        until("the rule counts there", async || latest(&ranked(&there, QUERY).await) == [&expected]).await;
    }
}

#[tokio::test]
async fn each_origin_of_a_group_search_has_its_own_rules_and_codes() {
    let world = World::working().await;
    world.flight(straight("AI1")).await;
    world.flight(NewFlight::new("AI2", "BOM", "LHR").departs("2026-11-21T13:00:00Z").takes_minutes(500)).await;
    let operator = world.operator().await;
    accept(&operator, "DEL", 0, json!([{"minutes_before": 90}, {"minutes_before": 240, "handling_code": "PER"}])).await;
    let part =
        |origin: &str, codes: Value| json!({"origin": origin, "weight_kg": 100, "special_handling_codes": codes});
    let parts = [part("DEL", json!([])), part("BOM", json!([])), part("DEL", json!(["PER"]))];
    let question = json!({"destination": "LHR", "departure_date": "2026-11-21", "parts": parts});
    let found = world.anonymous().post("/api/v1/routes/group-search", question).await.expect(200);
    assert_eq!(latest(&found[0]["ways"]), [&json!("2026-11-21T08:00:00Z"), &Value::Null]);
}
