//! Bookings and holds of freight with dimensions, and the pieces that flights do not take.
use loadmaster_testkit::{
    NewFlight, World,
    command::loadmaster,
    freight::{BOOKINGS, order, path_of, text, with, without},
    holds::{HOLDS, at, hold_on},
    reference::set_doors,
};
use serde_json::{Value, json};

/// Four pieces of this height.
fn pallets(height: i32) -> Value {
    json!([{"pieces": 4, "length_cm": 120, "width_cm": 80, "height_cm": height}])
}

/// The same as answers show them.
fn shown(height: i32) -> Value {
    json!([{"pieces": 4, "length_cm": 120, "width_cm": 80, "height_cm": height, "weight_kg": null, "is_tiltable": false,
            "is_stackable": true}])
}

/// Four pieces of this height on these flights, 200 kg together.
fn sized(flights: &[&Value], height: i32) -> Value {
    let bare = without(without(order(flights), "pieces"), "volume_m3");
    with(bare, json!({"weight_kg": 200, "dimensions": pallets(height)}))
}

/// A flight of an A320, and one of a 777F an hour later.
async fn flights(world: &World) -> [Value; 2] {
    set_doors(&world.admin().await).await;
    let small = world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(24).aircraft("320")).await;
    [small, world.flight(NewFlight::new("AI103", "DEL", "LHR").leaves_in_hours(25).aircraft("77X")).await]
}

fn pointed(pointer: &str, code: &str) -> Vec<(String, String)> {
    vec![(pointer.to_owned(), code.to_owned())]
}

#[tokio::test]
async fn dimensions_stand_for_pieces_and_volume_and_are_shown() {
    let world = World::start().await;
    let [small, _] = flights(&world).await;
    let customer = world.customer().await;
    let booking = customer.book(sized(&[&small], 100)).await;
    for shows in [booking.clone(), customer.get(&path_of(&booking)).await.expect(200)] {
        assert_eq!((&shows["pieces"], &shows["weight_kg"]), (&json!(4), &json!(200)));
        assert_eq!((&shows["volume_m3"], &shows["chargeable_weight_kg"]), (&json!(3.84), &json!(640)));
        assert_eq!(shows["dimensions"], shown(100));
        assert_eq!((&shows["legs"][0]["pieces"], &shows["legs"][0]["volume_m3"]), (&json!(4), &json!(3.84)));
    }
    let weighed = json!([{"pieces": 2, "length_cm": 50, "width_cm": 50, "height_cm": 50, "weight_kg": 12.5,
                          "is_tiltable": true, "is_stackable": false}]);
    let bare = without(without(without(order(&[&small]), "pieces"), "volume_m3"), "weight_kg");
    let booking = customer.book(with(bare, json!({ "dimensions": weighed }))).await;
    assert_eq!((&booking["weight_kg"], &booking["dimensions"]), (&json!(25), &weighed));
    assert_eq!(customer.book(order(&[&small])).await["dimensions"], Value::Null);
    world.audit().await;
}

#[tokio::test]
async fn freight_that_contradicts_its_dimensions_is_not_booked() {
    let world = World::start().await;
    let [small, _] = flights(&world).await;
    let customer = world.customer().await;
    let wanted = sized(&[&small], 100);
    for (more, pointer, code) in [
        (json!({"pieces": 3}), "/dimensions", "inconsistent"),
        (json!({"volume_m3": 3.839}), "/volume_m3", "inconsistent"),
        (json!({"dimensions": []}), "/dimensions", "too_short"),
        (
            json!({"dimensions": [{"pieces": 4, "length_cm": 0, "width_cm": 80, "height_cm": 100}]}),
            "/dimensions/0/length_cm",
            "too_small",
        ),
        (json!({"weight_kg": null}), "/weight_kg", "required"),
        (
            json!({"dimensions": [{"pieces": 1, "length_cm": 10, "width_cm": 10, "height_cm": 10, "weight_kg": 300},
                                  {"pieces": 3, "length_cm": 10, "width_cm": 10, "height_cm": 10}]}),
            "/dimensions",
            "inconsistent",
        ),
    ] {
        for path in [BOOKINGS, HOLDS] {
            let faults = customer.post(path, with(wanted.clone(), more.clone())).await.expect_faults();
            assert_eq!(faults, pointed(pointer, code), "{path}: {more}");
        }
    }
    let faults = customer.post(BOOKINGS, without(order(&[&small]), "pieces")).await.expect_faults();
    assert_eq!(faults, pointed("/pieces", "required"));
    customer.book(with(wanted, json!({"pieces": 4, "volume_m3": 5}))).await;
}

#[tokio::test]
async fn a_piece_that_fits_only_a_freighter_is_booked_only_there() {
    let world = World::start().await;
    let [small, large] = flights(&world).await;
    let customer = world.customer().await;
    let refused = customer.post(BOOKINGS, sized(&[&small], 150)).await.expect_problem(409, "piece_too_large");
    assert_eq!((&refused["flight_id"], &refused["flight_number"]), (&small["id"], &json!("AI101")));
    assert_eq!(refused["line"], 1);
    assert!(text(&refused, "detail").contains("180 × 120 cm"), "{refused}");
    assert_eq!(refused["alternatives"][0]["flights"][0]["id"], large["id"], "{refused}");
    let booking = customer.book(sized(&[&large], 150)).await;
    assert_eq!(booking["flight_ids"], json!([large["id"]]));
    let open = without(sized(&[&large], 150), "flight_ids");
    assert_eq!(customer.book(open).await["flight_ids"], json!([large["id"]]), "the first on which it fits");
    world.audit().await;
}

#[tokio::test]
async fn a_hold_keeps_dimensions_and_gives_them_to_its_booking() {
    let world = World::start().await;
    let [small, large] = flights(&world).await;
    let customer = world.customer().await;
    let wanted =
        |flight: &Value, height| with(hold_on(&[flight]), json!({"weight_kg": 200, "dimensions": pallets(height)}));
    customer.post(HOLDS, wanted(&small, 150)).await.expect_problem(409, "piece_too_large");
    let hold = customer.hold(wanted(&large, 150)).await;
    assert_eq!((&hold["pieces"], &hold["volume_m3"]), (&json!(4), &json!(5.76)));
    assert_eq!((&hold["dimensions"], &customer.held(&hold).await["dimensions"]), (&shown(150), &shown(150)));

    let refused = customer.patch(&at(&hold), json!({"flight_ids": [small["id"]]})).await;
    refused.expect_problem(409, "piece_too_large");
    let faults = customer.patch(&at(&hold), json!({"pieces": 3})).await.expect_faults();
    assert_eq!(faults, pointed("/dimensions", "inconsistent"));
    let change = json!({"dimensions": pallets(100), "flight_ids": [small["id"]]});
    let moved = customer.patch(&at(&hold), change).await.expect(200);
    assert_eq!((&moved["volume_m3"], &moved["flight_ids"]), (&json!(3.84), &json!([small["id"]])));

    let commit = format!("{}/commit", at(&hold));
    customer.post(&commit, json!({"dimensions": pallets(150)})).await.expect_problem(409, "piece_too_large");
    let booking = customer.commit(&hold, json!({"dimensions": pallets(110)})).await;
    assert_eq!((&booking["dimensions"], &booking["pieces"]), (&shown(110), &json!(4)));
    let none = customer.hold(hold_on(&[&small])).await;
    assert_eq!(none["dimensions"], Value::Null);
    let given = customer.patch(&at(&none), json!({"dimensions": pallets(100)})).await.expect(200);
    assert_eq!((&given["pieces"], &given["dimensions"]), (&json!(4), &shown(100)));
    let cleared = customer.patch(&at(&none), json!({"dimensions": null})).await.expect(200);
    assert_eq!((&cleared["pieces"], &cleared["dimensions"]), (&json!(4), &Value::Null));
    world.audit().await;
}

#[tokio::test]
async fn an_amendment_agrees_with_the_dimensions_that_are_kept() {
    let world = World::start().await;
    let [small, _] = flights(&world).await;
    let customer = world.customer().await;
    let booking = customer.book(sized(&[&small], 100)).await;
    let path = path_of(&booking);
    for (change, pointer) in [
        (json!({"pieces": 3}), "/dimensions"),
        (json!({"volume_m3": 3.839}), "/dimensions"),
        (json!({"dimensions": pallets(100), "pieces": 5}), "/dimensions"),
        (json!({"dimensions": pallets(100), "volume_m3": 3.839}), "/volume_m3"),
    ] {
        let faults = customer.patch(&path, change.clone()).await.expect_faults();
        assert_eq!(faults, pointed(pointer, "inconsistent"), "{change}");
    }
    customer.patch(&path, json!({"dimensions": pallets(150)})).await.expect_problem(409, "piece_too_large");
    assert_eq!(customer.get(&path).await.expect(200)["version"], 1);

    let packed = customer.patch(&path, json!({"volume_m3": 4})).await.expect(200);
    assert_eq!((&packed["volume_m3"], &packed["dimensions"]), (&json!(4), &shown(100)));
    let resized = customer.patch(&path, json!({"dimensions": pallets(110)})).await.expect(200);
    assert_eq!((&resized["volume_m3"], &resized["dimensions"]), (&json!(4.224), &shown(110)));
    let history = customer.get(&format!("{path}?include=history")).await.expect(200);
    let notes = text(history["events"].as_array().unwrap().last().unwrap(), "notes").to_owned();
    assert!(notes.contains("volume from 4 m³ to 4.224 m³") && notes.contains("dimensions"), "{notes}");

    let cleared = customer.patch(&path, json!({"dimensions": null, "pieces": 3})).await.expect(200);
    assert_eq!((&cleared["pieces"], &cleared["volume_m3"]), (&json!(3), &json!(4.224)));
    assert_eq!(cleared["dimensions"], Value::Null);
    // By the events, too: it is rebuilt without them.
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn freight_is_not_rerouted_to_a_flight_on_which_it_does_not_fit() {
    let world = World::start().await;
    let [small, large] = flights(&world).await;
    let customer = world.customer().await;
    let booking = customer.book(sized(&[&large], 150)).await;
    let to = |flight: &Value| json!({"flight_ids": [flight["id"]]});
    for caller in [&customer, &world.operator().await] {
        let refused = caller.patch(&path_of(&booking), to(&small)).await.expect_problem(409, "piece_too_large");
        assert_eq!(refused["alternatives"][0]["flights"][0]["id"], large["id"], "{refused}");
    }
    let change = with(to(&small), json!({"dimensions": pallets(100)}));
    let moved = customer.patch(&path_of(&booking), change).await.expect(200);
    assert_eq!(moved["flight_ids"], json!([small["id"]]));
    world.audit().await;
}

#[tokio::test]
async fn a_type_without_openings_judges_nothing() {
    let world = World::start().await;
    let [small, _] = flights(&world).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    customer.post(BOOKINGS, sized(&[&small], 150)).await.expect_problem(409, "piece_too_large");
    admin.patch("/api/v1/aircraft/320", json!({"openings": null})).await.expect(200);
    customer.book(sized(&[&small], 150)).await;
    let unknown = world.flight(NewFlight::new("AI105", "DEL", "LHR")).await;
    customer.book(sized(&[&unknown], 150)).await;
}

#[tokio::test]
async fn the_audit_reports_dimensions_that_do_not_sum_to_the_pieces() {
    let world = World::start().await;
    let [small, _] = flights(&world).await;
    let booking = world.customer().await.book(sized(&[&small], 100)).await;
    let spoil = "update bookings set dimensions = jsonb_set(dimensions, '{0,pieces}', '3') where ref_id = $1";
    let mut owner = world.database.owner().await;
    sqlx::query(spoil).bind(text(&booking, "ref_id")).execute(&mut owner).await.unwrap();
    let done = loadmaster(&["audit", "--json"]).serving(&world.database).run().await;
    let document: Value = serde_json::from_str(&done.stdout).unwrap();
    let check = document["checks"].as_array().unwrap().iter().find(|check| check["number"] == 20).unwrap();
    assert_eq!((&check["status"], check["rows"].as_array().unwrap().len()), (&json!("BREACH"), 1), "{check}");
}

#[tokio::test]
async fn staff_alone_accepts_pieces_that_do_not_fit() {
    let world = World::start().await;
    let [small, large] = flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let accepting = |body: Value| with(body, json!({"accept_oversize": true}));
    customer.post(BOOKINGS, accepting(sized(&[&small], 150))).await.expect_problem(403, "forbidden");
    let of_hold = with(hold_on(&[&small]), json!({"weight_kg": 200, "dimensions": pallets(150)}));
    customer.post(HOLDS, accepting(of_hold.clone())).await.expect_problem(403, "forbidden");
    operator
        .post(BOOKINGS, with(sized(&[&small], 150), json!({"accept_oversize": false})))
        .await
        .expect_problem(409, "piece_too_large");

    let booking = operator.book(accepting(sized(&[&small], 150))).await;
    assert_eq!(booking["dimensions"], shown(150));
    let path = path_of(&booking);
    operator.patch(&path, json!({"dimensions": pallets(140)})).await.expect_problem(409, "piece_too_large");
    operator.patch(&path, accepting(json!({"dimensions": pallets(140)}))).await.expect(200);
    operator.patch(&path, json!({"flight_ids": [large["id"]]})).await.expect(200);
    operator.patch(&path, accepting(json!({"flight_ids": [small["id"]]}))).await.expect(200);
    let accepted =
        "select e.sequence::text || ' ' || e.event_type || ' ' || coalesce(e.data ->> 'accept_oversize', 'false')
                    from booking_events e order by e.booking_id, e.sequence";
    let events = ["1 BOOKED true", "2 AMENDED true", "3 REROUTED false", "4 REROUTED true"];
    assert_eq!(world.texts(accepted).await, events);
    let own = customer.book(sized(&[&large], 150)).await;
    let change = accepting(json!({"flight_ids": [small["id"]]}));
    customer.patch(&path_of(&own), change).await.expect_problem(403, "forbidden");

    let hold = operator.hold(accepting(of_hold)).await;
    operator.patch(&at(&hold), json!({"dimensions": pallets(160)})).await.expect_problem(409, "piece_too_large");
    operator.patch(&at(&hold), accepting(json!({"dimensions": pallets(160)}))).await.expect(200);
    operator.post(&format!("{}/commit", at(&hold)), json!({})).await.expect_problem(409, "piece_too_large");
    operator.commit(&hold, json!({"accept_oversize": true})).await;
    let theirs = customer.hold(with(hold_on(&[&large]), json!({"dimensions": pallets(100)}))).await;
    customer.patch(&at(&theirs), json!({"accept_oversize": true})).await.expect_problem(403, "forbidden");
    let commit = format!("{}/commit", at(&theirs));
    customer.post(&commit, json!({"accept_oversize": true})).await.expect_problem(403, "forbidden");
    world.audit_and_rebuild().await;
}
