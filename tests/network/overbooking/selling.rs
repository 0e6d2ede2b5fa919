//! How much is sold, who decides it, and who sees it.
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    amending::patch,
    flight_verbs::{flight_now, path_to},
    freight::{BOOKINGS, at_once, order, raw, text, with},
};
use serde_json::{Value, json};

use super::{overbook, overbooked, percents, space};

#[tokio::test]
async fn eleven_hundred_kilograms_of_a_thousand_are_sold_and_not_a_tenth_more() {
    let world = World::start().await;
    let flight = overbooked(&world, json!({"weight_percent": 10})).await;
    assert_eq!(flight["capacity"], space(1100.0, 1000.0, 10));
    assert_eq!(flight["physical_capacity"], space(1000.0, 1000.0, 10));
    assert_eq!((&flight["overbooking"], &flight["version"]), (&percents(10, 0, 0), &json!(2)));
    let customer = world.customer().await;
    let answers = at_once((0..20).map(|_| customer.sending(BOOKINGS, order(&[&flight])))).await;
    let (booked, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
    assert_eq!(booked.len(), 11);
    for answer in refused {
        answer.expect_problem(409, "capacity_exceeded");
    }
    let least = with(order(&[&flight]), json!({"weight_kg": 0.1, "volume_m3": 0.001}));
    customer.post(BOOKINGS, least).await.expect_problem(409, "capacity_exceeded");
    let full = flight_now(&customer, &flight).await;
    assert_eq!((&full["available"]["weight_kg"], &full["utilization_percent"]), (&json!(0), &json!(100)));
    let set = "select capacity_weight_hg::text from capacity_ledger where kind = 'CAPACITY_SET' order by seq";
    assert_eq!(world.texts(set).await, ["10000", "11000"]);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn each_percentage_changes_alone_and_null_clears_it() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    assert_eq!((&flight["overbooking"], &flight["physical_capacity"]), (&percents(0, 0, 0), &flight["capacity"]));
    for (version, (given, expected, capacity)) in (2..).zip([
        (json!({"weight_percent": 20}), percents(20, 0, 0), space(1200.0, 1000.0, 10)),
        (json!({"volume_percent": 5}), percents(20, 5, 0), space(1200.0, 1050.0, 10)),
        (json!({"positions_percent": 10, "weight_percent": null}), percents(0, 5, 10), space(1000.0, 1050.0, 11)),
        (json!({"weight_percent": 0, "volume_percent": 1}), percents(0, 1, 10), space(1000.0, 1010.0, 11)),
        (json!(null), percents(0, 0, 0), space(1000.0, 1000.0, 10)),
    ]) {
        let after = overbook(&admin, &flight, given.clone()).await;
        assert_eq!((&after["overbooking"], &after["capacity"]), (&expected, &capacity), "{given}");
        assert_eq!((&after["available"], &after["version"]), (&capacity, &json!(version)), "{given}");
        assert_eq!(after["physical_capacity"], space(1000.0, 1000.0, 10), "{given}");
        assert_eq!(flight_now(&admin, &flight).await, after);
        assert_eq!(world.available(&flight).await, capacity);
    }
    // Nothing new is no change.
    for same in [json!({}), json!({"weight_percent": 0, "volume_percent": null}), json!(null)] {
        assert_eq!(overbook(&admin, &flight, same).await["version"], 6);
    }
    let told = world.texts("select (data -> 'overbooking')::text from flight_events order by sequence").await;
    let told: Vec<Value> = told.iter().map(|text| raw(text)).collect();
    assert_eq!((told.len(), &told[3]), (6, &percents(0, 5, 10)));
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn what_may_be_sold_is_rounded_down() {
    let world = World::start().await;
    let new = NewFlight::new("AI101", "DEL", "LHR").weight(33.3).volume(0.999).positions(9);
    let flight = world.flight(new).await;
    let after = overbook(&world.admin().await, &flight, percents(10, 1, 20)).await;
    // 36.63 kg, 1.00899 m³ and 10.8 positions.
    assert_eq!(after["capacity"], space(36.6, 1.008, 10));
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn percentages_below_what_is_taken_are_refused() {
    let world = World::start().await;
    let (admin, customer) = (world.admin().await, world.customer().await);
    let flight = overbooked(&world, percents(10, 0, 20)).await;
    customer.book(with(order(&[&flight]), json!({"weight_kg": 1080.5, "positions": 12}))).await;
    let before = (world.written().await, flight_now(&admin, &flight).await);
    let short = |dimension: &str, requested: Value, booked: Value| json!({"dimension": dimension, "requested": requested, "booked": booked, "held": 0});
    let (weight, positions) =
        (short("weight_kg", json!(1080), json!(1080.5)), short("positions", json!(11), json!(12)));
    for (given, shortfalls) in [
        (json!({"weight_percent": 8}), json!([weight])),
        (json!({"positions_percent": 10}), json!([positions])),
        (json!({"weight_percent": 8, "positions_percent": 19}), json!([weight, positions])),
    ] {
        let answer = patch(&admin, &path_to(&flight), json!({"overbooking": given})).await;
        assert_eq!(answer.expect_problem(409, "capacity_below_booked")["shortfalls"], shortfalls, "{given}");
        assert_eq!((world.written().await, flight_now(&admin, &flight).await), before);
    }
    overbook(&admin, &flight, json!({"weight_percent": 9})).await;
    world.audit().await;
}

#[tokio::test]
async fn only_administrators_overbook_and_the_record_shows_it() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let wish = json!({"overbooking": {"weight_percent": 10}});
    for caller in [world.customer().await, world.operator().await] {
        patch(&caller, &path_to(&flight), wish.clone()).await.expect_problem(403, "forbidden");
    }
    let admin = world.admin().await;
    patch(&admin, &path_to(&flight), wish).await.expect(200);
    patch(&admin, &path_to(&flight), json!({"cutoff_minutes": 90})).await.expect(200);
    let acts = admin.get("/api/v1/admin/audit?act=flight.changed").await.expect(200);
    assert_eq!((&acts[1]["data"]["overbooking"], &acts[1]["subject_id"]), (&percents(10, 0, 0), &flight["id"]));
    assert_eq!((acts.as_array().unwrap().len(), &acts[0]["data"]["overbooking"]), (2, &Value::Null));
    world.audit().await;
}

#[tokio::test]
async fn percentages_are_whole_and_at_most_as_configured() {
    let world = World::start().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    for member in ["weight_percent", "volume_percent", "positions_percent"] {
        for (odd, code) in [
            (json!(21), "too_large"),
            (json!(300), "too_large"),
            (json!(-1), "too_small"),
            (raw("1.5"), "too_precise"),
            (json!("10"), "wrong_type"),
        ] {
            let wish = json!({"overbooking": {member: odd}});
            let faults = patch(&admin, &path_to(&flight), wish).await.expect_faults();
            assert_eq!(faults, [(format!("/overbooking/{member}"), code.to_owned())], "{odd}");
        }
    }
    let faults = patch(&admin, &path_to(&flight), json!({"overbooking": {"weight": 1}})).await.expect_faults();
    assert_eq!(faults, [("/overbooking/weight".to_owned(), "unknown_field".to_owned())]);
    let faults = patch(&admin, &path_to(&flight), json!({"overbooking": 5})).await.expect_faults();
    assert_eq!(faults, [("/overbooking".to_owned(), "wrong_type".to_owned())]);

    let bold = WorldOptions::default().set("capacity.max_overbooking_percent", "100").start().await;
    let flight = overbooked(&bold, percents(100, 21, 0)).await;
    assert_eq!(flight["capacity"], space(2000.0, 1210.0, 10));
    bold.audit().await;
}

#[tokio::test]
async fn searches_and_lists_show_what_may_be_sold() {
    let world = World::working().await;
    let flight = overbooked(&world, percents(10, 10, 10)).await;
    let client = world.anonymous();
    let listed = client.get("/api/v1/flights").await.expect(200);
    assert_eq!(listed, json!([flight]));
    let question = json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21", "weight_kg": 1100});
    for _ in 0..3 {
        let found = client.post("/api/v1/routes/search", question.clone()).await.expect(200);
        let judged = json!({"bookable": true, "reasons": [], "latest_acceptance_datetime": null, "emissions": null});
        let shown = with(flight.clone(), judged);
        assert_eq!(found["direct_flights"], json!([shown]));
    }
    let availability = client.get(&format!("{}/availability", path_to(&flight))).await.expect(200);
    assert_eq!(availability["capacity"], flight["capacity"]);
    // The best flight for it is found by what may be sold.
    let open = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 1100, "volume_m3": 1100});
    let booking = world.customer().await.book(open).await;
    assert_eq!(text(&booking["legs"][0], "flight_number"), "AI101");
    world.audit().await;
}
