//! Freight with dimensions: its volume and weight, and the options on which its pieces fit.
use loadmaster_testkit::{Client, NewFlight, World};
use serde_json::{Value, json};

use super::{question, search_for, to_bombay};

const SEARCH: &str = "/api/v1/routes/search";
const DAY: &str = "2026-11-21";

fn line(pieces: i32, [length, width, height]: [i32; 3]) -> Value {
    json!({"pieces": pieces, "length_cm": length, "width_cm": width, "height_cm": height})
}

/// A lower deck that is 120 cm high, and a main deck that is 300 cm high.
async fn open_doors(admin: &Client) {
    let door = |deck: &str, height: i32| json!({"deck": deck, "door_width_cm": 180, "door_height_cm": height, "max_length_cm": 400, "max_piece_kg": 1500});
    admin.patch("/api/v1/aircraft/320", json!({"openings": [door("LOWER", 120)]})).await.expect(200);
    let both = json!([door("LOWER", 120), door("MAIN", 300)]);
    admin.patch("/api/v1/aircraft/77X", json!({ "openings": both })).await.expect(200);
}

fn flight(number: &str, hour: u32) -> NewFlight {
    NewFlight::new(number, "DEL", "LHR").departs(&format!("2026-11-21T{hour:02}:00:00Z"))
}

/// A passenger aircraft, a freighter, and one of a type whose openings are not known.
async fn world() -> World {
    let world = World::working().await;
    open_doors(&world.admin().await).await;
    world.flight(flight("AI1", 10).aircraft("320")).await;
    world.flight(flight("AI2", 11).aircraft("77X")).await;
    world.flight(flight("AI3", 12).aircraft("77W")).await;
    world
}

/// The reasons of each direct flight, in the order of departure, which is that of their numbers.
async fn reasons(world: &World, dimensions: Value) -> Vec<Value> {
    let found = search_for(world, "DEL", "LHR", DAY, json!({ "dimensions": dimensions })).await;
    let flights = found["direct_flights"].as_array().unwrap();
    for flight in flights {
        assert_eq!(flight["bookable"] == true, flight["reasons"] == json!([]), "{flight}");
    }
    in_order(flights)
}

/// The reasons of each of these flights, in the order of their numbers.
fn in_order(flights: &[Value]) -> Vec<Value> {
    let mut flights: Vec<&Value> = flights.iter().collect();
    flights.sort_by_key(|flight| flight["flight_number"].as_str());
    flights.into_iter().map(|flight| flight["reasons"].clone()).collect()
}

#[tokio::test]
async fn a_piece_that_no_opening_takes_makes_a_flight_not_bookable() {
    let world = world().await;
    let (fits, too_large) = (json!([]), json!(["too_large"]));
    for (dimensions, expected) in [
        (json!([line(4, [120, 80, 100])]), [&fits, &fits, &fits]),
        (json!([line(4, [120, 80, 150])]), [&too_large, &fits, &fits]),
        (json!([line(1, [120, 80, 100]), line(1, [120, 80, 150])]), [&too_large, &fits, &fits]),
        (json!([line(1, [120, 80, 301])]), [&too_large, &too_large, &fits]),
    ] {
        assert_eq!(reasons(&world, dimensions.clone()).await.iter().collect::<Vec<_>>(), expected, "{dimensions}");
    }
}

/// Of a passenger aircraft whose openings come with a release, and of one whose are not known.
#[tokio::test]
async fn the_openings_that_come_with_a_release_are_judged() {
    let world = World::working().await;
    world.flight(flight("AI1", 10).aircraft("320")).await;
    world.flight(flight("AI2", 11).aircraft("77W")).await;
    for (height, expected) in [(123, json!([[], []])), (124, json!([["too_large"], []]))] {
        assert_eq!(json!(reasons(&world, json!([line(1, [120, 80, height])])).await), expected, "{height} cm");
    }
}

#[tokio::test]
async fn a_piece_that_may_be_tilted_fits_where_it_does_not_upright() {
    let world = world().await;
    let mut piece = line(1, [90, 90, 150]);
    assert_eq!(reasons(&world, json!([piece])).await[0], json!(["too_large"]));
    piece["is_tiltable"] = json!(true);
    assert_eq!(reasons(&world, json!([piece])).await[0], json!([]));
    piece["weight_kg"] = json!(1500.1);
    assert_eq!(reasons(&world, json!([piece])).await[0], json!(["weight_exceeded", "too_large"]));
}

#[tokio::test]
async fn an_option_names_the_line_and_the_opening_that_it_misses() {
    let world = world().await;
    for height in [150, 151] {
        let dimensions = json!([line(1, [120, 80, 100]), line(1, [120, 80, height])]);
        let found = search_for(&world, "DEL", "LHR", DAY, json!({ "dimensions": dimensions })).await;
        let expected = format!(
            "AI1 has no opening for the pieces of line 2 (120 × 80 × {height} cm); its largest is 180 × 120 cm."
        );
        for flight in found["direct_flights"].as_array().unwrap() {
            let text = (flight["flight_number"] == "AI1").then(|| json!(expected));
            assert_eq!(flight.get("too_large"), text.as_ref(), "{flight}");
        }
    }
}

#[tokio::test]
async fn a_connection_takes_what_each_of_its_flights_takes() {
    let world = World::working().await;
    open_doors(&world.admin().await).await;
    world.flight(to_bombay("AI1").aircraft("77X")).await;
    let onward = |number: &str, local: &str| {
        NewFlight::new(number, "BOM", "LHR").departs(&format!("2026-11-21T{local}:00+05:30")).takes_minutes(600)
    };
    world.flight(onward("AI2", "14:30").aircraft("320")).await;
    world.flight(onward("AI3", "15:00").aircraft("77X")).await;
    let wanted = json!({"dimensions": [line(1, [120, 80, 150])]});
    let found = search_for(&world, "DEL", "LHR", DAY, wanted).await;
    let routes: Vec<_> = found["transit_routes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|route| (route["flights"][1]["flight_number"].clone(), route["reasons"].clone()))
        .collect();
    // What can be booked comes first.
    assert_eq!(routes, [(json!("AI3"), json!([])), (json!("AI2"), json!(["too_large"]))]);
}

#[tokio::test]
async fn the_volume_and_the_weight_of_dimensions_are_judged() {
    let world = World::working().await;
    world.flight(flight("AI1", 10).weight(200.0).volume(3.84)).await;
    let mut pallets = line(4, [120, 80, 100]);
    assert_eq!(reasons(&world, json!([pallets])).await, [json!([])]);
    assert_eq!(reasons(&world, json!([pallets, line(1, [10, 10, 1])])).await, [json!(["volume_exceeded"])]);
    pallets["weight_kg"] = json!(50.1);
    assert_eq!(reasons(&world, json!([pallets])).await, [json!(["weight_exceeded"])]);
}

#[tokio::test]
async fn an_answer_to_one_size_is_not_given_for_another() {
    let world = world().await;
    let admin = world.admin().await;
    let (low, high) = (json!([line(1, [120, 80, 100])]), json!([line(1, [120, 100, 80])]));
    for _ in 0..3 {
        assert_eq!(reasons(&world, low.clone()).await[0], json!([]));
        assert_eq!(reasons(&world, json!([line(1, [80, 100, 121])])).await[0], json!(["too_large"]));
        assert_eq!(reasons(&world, high.clone()).await[0], json!([]));
    }
    admin.patch("/api/v1/aircraft/320", json!({"openings": null})).await.expect(200);
    assert_eq!(reasons(&world, json!([line(1, [80, 100, 121])])).await[0], json!([]));
}

#[tokio::test]
async fn each_leg_of_a_search_is_judged_by_the_same_dimensions() {
    let world = world().await;
    let dimensions = json!([line(1, [120, 80, 150])]);
    let body = json!({"legs": [question(), question()], "dimensions": dimensions});
    let found = world.anonymous().post(SEARCH, body).await.expect(200);
    for leg in found["legs"].as_array().unwrap() {
        let reasons = in_order(leg["direct_flights"].as_array().unwrap());
        assert_eq!(reasons[..2], [json!(["too_large"]), json!([])], "{leg}");
    }
}

#[tokio::test]
async fn parts_of_a_group_search_are_judged_by_their_dimensions() {
    let world = world().await;
    let part = |dimensions: Value| json!({"origin": "DEL", "weight_kg": 100, "dimensions": dimensions});
    let parts = json!([part(json!([line(1, [120, 80, 150])])), part(json!([line(2, [50, 50, 50])]))]);
    let body = json!({"destination": "LHR", "departure_date": DAY, "parts": parts});
    let found = world.anonymous().post("/api/v1/routes/group-search", body).await.expect(200);
    let options = found.as_array().unwrap();
    assert!(options.iter().any(|option| option["bookable"] == true), "{found}");
    for option in options.iter().filter(|option| option["ways"][0]["flights"][0]["aircraft_code"] == "320") {
        assert_eq!(option["ways"][0]["reasons"], json!(["too_large"]), "{option}");
    }
}

#[tokio::test]
async fn a_price_needs_no_weight_beside_lines_that_have_one() {
    let world = world().await;
    let mut wanted = question();
    (wanted["price"], wanted["dimensions"]) = (json!(true), json!([line(4, [120, 80, 100])]));
    let faults = world.anonymous().post(SEARCH, wanted.clone()).await.expect_faults();
    assert_eq!(faults, [("/weight_kg".to_owned(), "required".to_owned())]);
    wanted["dimensions"][0]["weight_kg"] = json!(50);
    let found = world.anonymous().post(SEARCH, wanted).await.expect(200);
    assert!(found["direct_flights"][0].as_object().unwrap().contains_key("price"), "{found}");
}

#[tokio::test]
async fn each_fault_of_dimensions_is_named_by_its_pointer() {
    let world = World::start().await;
    let anyone = world.anonymous();
    let with = |member: &str, value: Value| {
        let mut faulty = line(1, [120, 80, 100]);
        faulty[member] = value;
        json!({"dimensions": [line(1, [1, 1, 1]), faulty]})
    };
    let pallets = || json!([line(4, [120, 80, 100])]);
    let heavy = json!([{"pieces": 4, "length_cm": 120, "width_cm": 80, "height_cm": 100, "weight_kg": 50}]);
    for (more, pointer, code) in [
        (json!({"dimensions": []}), "/dimensions", "too_short"),
        (json!({"dimensions": vec![line(1, [1, 1, 1]); 51]}), "/dimensions", "too_long"),
        (json!({"dimensions": "120x80x100"}), "/dimensions", "wrong_type"),
        (json!({"dimensions": [7]}), "/dimensions/0", "wrong_type"),
        (with("length_cm", json!(0)), "/dimensions/1/length_cm", "too_small"),
        (with("width_cm", json!(-80)), "/dimensions/1/width_cm", "too_small"),
        (with("height_cm", json!(100.5)), "/dimensions/1/height_cm", "too_precise"),
        (with("height_cm", json!(3001)), "/dimensions/1/height_cm", "too_large"),
        (with("height_cm", Value::Null), "/dimensions/1/height_cm", "required"),
        (with("pieces", json!(0)), "/dimensions/1/pieces", "too_small"),
        (with("weight_kg", json!(0)), "/dimensions/1/weight_kg", "too_small"),
        (with("is_tiltable", json!("yes")), "/dimensions/1/is_tiltable", "wrong_type"),
        (with("is_stackable", json!(1)), "/dimensions/1/is_stackable", "wrong_type"),
        (with("colour", json!("red")), "/dimensions/1/colour", "unknown_field"),
        (json!({"dimensions": pallets(), "pieces": 3}), "/dimensions", "inconsistent"),
        (json!({"dimensions": pallets(), "volume_m3": 3.839}), "/volume_m3", "inconsistent"),
        (json!({"dimensions": heavy, "weight_kg": 197}), "/dimensions", "inconsistent"),
        (json!({"dimensions": heavy, "weight_kg": 203}), "/dimensions", "inconsistent"),
        (json!({"dimensions": [line(99_999, [1, 1, 1]), line(1, [1, 1, 1])]}), "/dimensions", "too_large"),
        (json!({"dimensions": [line(99_999, [3000, 3000, 3000])]}), "/dimensions", "too_large"),
    ] {
        let mut body = question();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let faults = anyone.post(SEARCH, body).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), code.to_owned())], "{more}");
    }
    for more in [
        json!({"dimensions": pallets(), "pieces": 4, "volume_m3": 3.84}),
        json!({"dimensions": pallets(), "volume_m3": 9}),
        json!({"dimensions": heavy, "weight_kg": 199}),
        json!({"dimensions": heavy, "weight_kg": 202}),
        json!({"dimensions": null}),
    ] {
        let mut body = question();
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        anyone.post(SEARCH, body).await.expect(200);
    }
    let query = "/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-21&dimensions=1";
    let problem = anyone.get(query).await.expect_problem(400, "validation_failed");
    assert_eq!(problem["errors"][0]["code"], "unknown_field");
}
