//! Flights that get smaller or leave earlier, and what becomes of their holds.
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_testkit::{
    Answer, Client, NewFlight, World,
    flight_verbs::path_to,
    freight::{order, text, with},
    holds::{at, hold_on},
    import::table,
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{direct, events_of, held_on, named, positions};

async fn change(admin: &Client, flight: &Value, wish: Value) -> Answer {
    admin.patch(&path_to(flight), wish).await
}

fn weight(kilograms: u32) -> Value {
    json!({ "capacity": { "weight_kg": kilograms } })
}

fn releasing(wish: Value) -> Value {
    with(wish, json!({ "release_holds": true }))
}

async fn statuses(client: &Client, holds: &[&Value]) -> Vec<String> {
    let mut statuses = Vec::new();
    for hold in holds {
        statuses.push(text(&client.held(hold).await, "status").to_owned());
    }
    statuses
}

fn instant(value: &Value, member: &str) -> DateTime<Utc> {
    text(value, member).parse().unwrap()
}

#[tokio::test]
async fn capacity_below_what_is_held_is_refused_unless_holds_may_end_and_then_the_newest_goes() {
    let world = World::start().await;
    let (flight, onward) = (
        world.flight(NewFlight::new("AI101", "DEL", "BOM").weight(1000.0)).await,
        world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await,
    );
    let (customer, admin) = (world.customer().await, world.admin().await);
    customer.book(with(order(&[&flight]), json!({ "weight_kg": 500 }))).await;
    let oldest = customer.hold_weight(&flight, 100.0).await;
    let middle = customer.hold_weight(&flight, 150.0).await;
    let newest = customer.hold(hold_on(&[&flight, &onward])).await;
    for wish in [weight(700), with(weight(700), json!({ "release_holds": false }))] {
        let refused = change(&admin, &flight, wish).await.expect_problem(409, "capacity_below_booked");
        let shortfall = json!([{ "dimension": "weight_kg", "requested": 700, "booked": 500, "held": 350 }]);
        assert_eq!(refused["shortfalls"], shortfall);
        assert!(text(&refused, "detail").contains("release_holds"), "{refused}");
    }
    let below = change(&admin, &flight, releasing(weight(499))).await;
    below.expect_problem(409, "capacity_below_booked");
    assert_eq!(statuses(&customer, &[&oldest, &middle, &newest]).await, ["ACTIVE"; 3]);

    let smaller = change(&admin, &flight, releasing(weight(700))).await.expect(200);
    assert_eq!((&smaller["capacity"]["weight_kg"], &smaller["available"]["weight_kg"]), (&json!(700), &json!(100)));
    assert_eq!(statuses(&customer, &[&oldest, &middle, &newest]).await, ["ACTIVE", "RELEASED", "RELEASED"]);
    let ended = customer.held(&newest).await;
    assert_eq!((text(&ended, "end_reason"), held_on(&customer, &onward).await), ("CAPACITY_CUT", json!(0)));
    let acts = admin.get("/api/v1/admin/audit").await.expect(200);
    let act = acts.as_array().unwrap().iter().find(|act| act["data"]["released_holds"].is_array()).expect("an act");
    assert_eq!(act["data"]["released_holds"].as_array().unwrap().len(), 2, "{act}");
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn only_holds_that_keep_what_is_short_end_and_allotments_end_last() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let positioned = customer.hold(named(&flight, &["P1", "P2"])).await;
    let allotment = customer.hold(with(hold_on(&[&flight]), json!({ "positions": 3 }))).await;
    let light = customer.hold_weight(&flight, 100.0).await;
    world.sql(&format!("update holds set kind = 'ALLOTMENT' where id = '{}'", text(&allotment, "id"))).await;
    let holds = [&positioned, &allotment, &light];
    change(&admin, &flight, releasing(json!({ "capacity": { "positions": 4 } }))).await.expect(200);
    assert_eq!(statuses(&customer, &holds).await, ["RELEASED", "ACTIVE", "ACTIVE"]);
    change(&admin, &flight, releasing(json!({ "capacity": { "positions": 2 } }))).await.expect(200);
    assert_eq!(statuses(&customer, &holds).await, ["RELEASED", "RELEASED", "ACTIVE"]);
    world.audit().await;
}

#[tokio::test]
async fn holds_whose_time_is_up_end_before_a_smaller_capacity_or_aircraft_is_refused() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(30_000.0).positions(14)).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let brief = with(hold_on(&[&flight]), json!({ "weight_kg": 15_000, "volume_m3": 10, "ttl_seconds": 10 }));
    let brief = customer.hold(brief).await;
    let longer = customer.hold(with(hold_on(&[&flight]), json!({ "weight_kg": 10_000, "volume_m3": 10 }))).await;
    // The aircraft carries 20 000 kg.
    let aircraft = json!({ "aircraft_code": "77W" });
    change(&admin, &flight, aircraft.clone()).await.expect_problem(409, "capacity_below_booked");
    world.clock.advance(TimeDelta::seconds(10));
    change(&admin, &flight, aircraft).await.expect(200);
    assert_eq!(events_of(&world, &brief).await, ["CREATED", "EXPIRED"]);
    assert_eq!(statuses(&customer, &[&brief, &longer]).await, ["EXPIRED", "ACTIVE"]);
    change(&admin, &flight, weight(9000)).await.expect_problem(409, "capacity_below_booked");
    assert_eq!(statuses(&customer, &[&longer]).await, ["ACTIVE"]);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn what_released_holds_leave_over_is_set_aside_for_those_who_wait() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    customer.hold_weight(&flight, 400.0).await;
    customer.hold_weight(&flight, 600.0).await;
    let wanted = json!({ "flight_ids": [flight["id"]], "weight_kg": 1 });
    world.customer().await.post("/api/v1/waitlist", wanted).await.expect(201);
    let smaller = change(&admin, &flight, releasing(weight(700))).await.expect(200);
    assert_eq!(smaller["available"]["weight_kg"], 0);
    assert_eq!(held_on(&customer, &flight).await, 700);
    assert_eq!(world.texts("select aside_weight_hg::text from flight_capacity").await, ["3000"]);
    world.audit().await;
}

#[tokio::test]
async fn release_holds_is_true_or_false() {
    let world = World::start().await;
    let (flight, admin) = (direct(&world, "AI101", 1000.0).await, world.admin().await);
    for (value, code) in [(json!(1), "wrong_type"), (json!("true"), "wrong_type"), (Value::Null, "required")] {
        let faults = change(&admin, &flight, json!({ "release_holds": value })).await.expect_faults();
        assert_eq!(faults, [("/release_holds".to_owned(), code.to_owned())]);
    }
    let same = change(&admin, &flight, json!({ "release_holds": true })).await.expect(200);
    assert_eq!(same["version"], 1);
}

#[tokio::test]
async fn no_hold_outlasts_a_cut_off_that_has_become_earlier() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(3)).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let hold = customer.hold(hold_on(&[&flight])).await;
    let made = instant(&hold, "created_at");
    assert_eq!(instant(&hold, "latest_expires_at"), made + TimeDelta::minutes(60));
    // The cut-off, an hour before the departure, is in 30 minutes.
    let earlier = json!({ "departure_datetime": made + TimeDelta::minutes(90) });
    change(&admin, &flight, earlier).await.expect(200);
    let lowered = customer.held(&hold).await;
    assert_eq!(instant(&lowered, "latest_expires_at"), made + TimeDelta::minutes(30));
    assert_eq!((&lowered["expires_at"], &lowered["version"]), (&hold["expires_at"], &json!(2)));
    // In 10 minutes.
    change(&admin, &flight, json!({ "cutoff_minutes": 80 })).await.expect(200);
    let lowered = customer.held(&hold).await;
    assert_eq!(instant(&lowered, "expires_at"), made + TimeDelta::minutes(10));
    assert_eq!(instant(&lowered, "latest_expires_at"), made + TimeDelta::minutes(10));
    // Later again: that gives no time back.
    change(&admin, &flight, json!({ "cutoff_minutes": 10 })).await.expect(200);
    assert_eq!(customer.held(&hold).await, lowered);
    assert_eq!(events_of(&world, &hold).await, ["CREATED", "AMENDED", "AMENDED"]);
    change(&admin, &flight, json!({ "cutoff_minutes": 100 })).await.expect(200);
    assert_eq!(text(&customer.held(&hold).await, "status"), "EXPIRED");
    assert_eq!(held_on(&customer, &flight).await, 0);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_hold_shows_the_times_that_its_flights_have_now() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let hold = customer.hold(hold_on(&[&flight])).await;
    let later = |member: &str| instant(&flight, member) + TimeDelta::minutes(30);
    let (departure, arrival) = (later("departure_datetime"), later("arrival_datetime"));
    change(&admin, &flight, json!({ "departure_datetime": departure, "arrival_datetime": arrival })).await.expect(200);
    let shown = customer.held(&hold).await;
    let leg = &shown["legs"][0];
    assert_eq!((instant(leg, "departure_datetime"), instant(leg, "arrival_datetime")), (departure, arrival));
    assert_eq!((&shown["version"], &shown["expires_at"]), (&json!(2), &hold["expires_at"]));
    let (departs, lands) = (departure + TimeDelta::minutes(5), arrival + TimeDelta::minutes(5));
    let row = format!("AI101,DEL,LHR,{},{},,1000,1000,10,60", departs.to_rfc3339(), lands.to_rfc3339());
    import(&admin, table(&[&row])).await.expect(200);
    let leg = &customer.held(&hold).await["legs"][0];
    assert_eq!((instant(leg, "departure_datetime"), instant(leg, "arrival_datetime")), (departs, lands));
    world.audit_and_rebuild().await;
}

fn row(flight: &Value, kilograms: u32, positions: u32, cutoff_minutes: u32) -> String {
    let (departs, lands) = (text(flight, "departure_datetime"), text(flight, "arrival_datetime"));
    let number = text(flight, "flight_number");
    table(&[&format!("{number},DEL,LHR,{departs},{lands},,{kilograms},1000,{positions},{cutoff_minutes}")])
}

async fn import(admin: &Client, table: String) -> Answer {
    admin.post_raw("/api/v1/flights/import", "text/csv", table).await
}

#[tokio::test]
async fn an_import_fits_holds_to_their_flights_too() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(3)).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let hold = customer.hold(named(&flight, &["P9"])).await;
    import(&admin, row(&flight, 1000, 8, 175)).await.expect(200);
    let fitted = customer.held(&hold).await;
    let made = instant(&hold, "created_at");
    assert_eq!(instant(&fitted, "expires_at"), made + TimeDelta::minutes(5));
    assert_eq!((&fitted["positions"], &fitted["position_names"]), (&json!(1), &json!({})));
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn an_import_is_refused_because_of_holds_only_while_their_time_is_not_up() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let hold = customer.hold(with(hold_on(&[&flight]), json!({ "weight_kg": 600, "ttl_seconds": 10 }))).await;
    let faults = import(&admin, row(&flight, 500, 10, 60)).await.expect_faults();
    assert_eq!(faults, [("/weight_kg".to_owned(), "too_small".to_owned())]);
    assert_eq!(statuses(&customer, &[&hold]).await, ["ACTIVE"]);
    world.clock.advance(TimeDelta::seconds(10));
    assert_eq!(import(&admin, row(&flight, 500, 10, 60)).await.expect(200)["updated"], 1);
    assert_eq!(events_of(&world, &hold).await, ["CREATED", "EXPIRED"]);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn fewer_positions_drop_the_names_and_not_the_number() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let (stays, loses) =
        (customer.hold(named(&flight, &["P1"])).await, customer.hold(named(&flight, &["P2", "P10"])).await);
    let booking = customer.hold(named(&flight, &["P3", "P9"])).await;
    let booking = customer.commit(&booking, json!({ "pieces": 1 })).await;
    change(&admin, &flight, json!({ "capacity": { "positions": 5 } })).await.expect(200);
    let expected = ["P1 HELD", "P2 FREE", "P3 BOOKED", "P4 FREE", "P5 FREE"];
    assert_eq!(positions(&customer, &flight).await, expected);
    assert_eq!(customer.held(&stays).await, stays);
    let lost = customer.held(&loses).await;
    assert_eq!((&lost["positions"], &lost["position_names"], &lost["version"]), (&json!(2), &json!({}), &json!(2)));
    assert_eq!(booking["positions"], 2);
    let request = customer.request(Method::POST, &format!("{}/release", at(&loses))).header("if-match", "\"1\"");
    Answer::of(request).await.expect_problem(412, "version_mismatch");
    change(&admin, &flight, json!({ "capacity": { "positions": 10 } })).await.expect(200);
    assert_eq!(positions(&customer, &flight).await[8..], ["P9 FREE", "P10 FREE"]);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn what_is_set_aside_gives_way_to_a_smaller_capacity_before_any_hold() {
    // No matcher runs here.
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let leaving = customer.book(with(order(&[&flight]), json!({ "weight_kg": 300 }))).await;
    let offloaded = customer.book(with(order(&[&flight]), json!({ "weight_kg": 500 }))).await;
    let hold = customer.hold_weight(&flight, 200.0).await;
    customer.post("/api/v1/waitlist", json!({ "flight_ids": [flight["id"]], "weight_kg": 400 })).await.expect(201);
    customer.walk(&leaving, &["cancel"]).await;
    assert_eq!(held_on(&customer, &flight).await, 500);
    change(&admin, &flight, releasing(weight(800))).await.expect(200);
    assert_eq!(
        (statuses(&customer, &[&hold]).await, held_on(&customer, &flight).await),
        (vec!["ACTIVE".to_owned()], json!(300))
    );
    change(&admin, &flight, weight(650)).await.expect_problem(409, "capacity_below_booked");
    // Room that the same request frees gives way, too.
    let cut = with(weight(200), json!({ "offload": [offloaded["ref_id"]] }));
    let smaller = change(&admin, &flight, cut).await.expect(200);
    assert_eq!((&smaller["capacity"]["weight_kg"], &smaller["available"]["weight_kg"]), (&json!(200), &json!(0)));
    assert_eq!(statuses(&customer, &[&hold]).await, ["ACTIVE"]);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_retimed_flight_leaves_a_position_to_its_present_holder() {
    // Nobody sweeps here.
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    customer.hold(with(named(&flight, &["P1"]), json!({ "ttl_seconds": 10 }))).await;
    world.clock.advance(TimeDelta::seconds(10));
    let next = customer.hold(named(&flight, &["P1"])).await;
    let at: DateTime<Utc> = text(&flight, "departure_datetime").parse().unwrap();
    let later = json!({ "departure_datetime": at + TimeDelta::hours(1), "arrival_datetime": at + TimeDelta::hours(9) });
    change(&admin, &flight, later).await.expect(200);
    assert_eq!(customer.held(&next).await["position_names"], next["position_names"]);
    world.audit().await;
}
