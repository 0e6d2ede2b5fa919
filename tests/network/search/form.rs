//! The shape of the answers.
use loadmaster_testkit::{NewFlight, World};
use serde_json::{Value, json};

use super::{from_bombay, names, ranked, search, search_for, to_bombay};

fn members(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}

const OPTION: [&str; 15] = [
    "route_type",
    "stops",
    "flights",
    "transit_airport",
    "transit_airports",
    "departure_datetime",
    "arrival_datetime",
    "total_duration_hours",
    "total_duration_minutes",
    "connection_minutes",
    "available",
    "bookable",
    "reasons",
    "latest_acceptance_datetime",
    "emissions",
];

#[tokio::test]
async fn an_option_has_exactly_the_promised_members() {
    let world = World::working().await;
    let first = world.flight(to_bombay("AI1").weight(900.5)).await;
    let second = world.flight(from_bombay("AI2", "15:07")).await;
    let direct =
        world.flight(NewFlight::new("AI9", "DEL", "LHR").departs("2026-11-21T12:00:00Z").takes_minutes(500)).await;

    let options = ranked(&world, "origin=DEL&destination=LHR&departure_date=2026-11-21").await;
    assert_eq!(names(&options), ["AI1+AI2", "AI9"]);
    let [transit, straight] = options.as_array().unwrap().as_slice() else { panic!("two options") };
    assert_eq!(sorted(members(transit)), sorted(OPTION.to_vec()));
    assert_eq!(sorted(members(straight)), sorted(OPTION.to_vec()));

    // 02:30Z to 19:37Z are 1027 minutes, 17.1166… hours.
    assert_eq!(transit["flights"], json!([first, second]));
    assert_eq!(
        without(transit, "flights"),
        json!({
            "route_type": "transit", "stops": 1, "transit_airport": "BOM", "transit_airports": ["BOM"],
            "departure_datetime": "2026-11-21T02:30:00Z", "arrival_datetime": "2026-11-21T19:37:00Z",
            "total_duration_hours": 17.12, "total_duration_minutes": 1027, "connection_minutes": [187],
            "available": {"weight_kg": 900.5, "volume_m3": 1000, "positions": 10}, "bookable": true, "reasons": [],
            "latest_acceptance_datetime": null, "emissions": null,
        })
    );
    assert_eq!(straight["flights"], json!([direct]));
    assert_eq!(straight["total_duration_hours"], json!(8.33));
    assert_eq!(straight["connection_minutes"], json!([]));
    assert_eq!(
        (&straight["route_type"], &straight["stops"], &straight["transit_airport"], &straight["transit_airports"]),
        (&json!("direct"), &json!(0), &Value::Null, &json!([]))
    );
}

fn without(object: &Value, member: &str) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove(member);
    object
}

#[tokio::test]
async fn a_direct_flight_is_a_flight_with_a_verdict() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI9", "DEL", "LHR").departs("2026-11-21T12:00:00Z")).await;
    world.flight(to_bombay("AI1")).await;
    world.flight(from_bombay("AI2", "15:00")).await;
    let found = search(&world, "DEL", "LHR", "2026-11-21").await;
    assert_eq!(
        sorted(members(&found)),
        ["departure_date", "destination", "direct_flights", "origin", "transit_routes"]
    );
    assert_eq!((&found["origin"], &found["destination"]), (&json!("DEL"), &json!("LHR")));
    assert_eq!(found["departure_date"], "2026-11-21");
    let mut expected = flight;
    expected["bookable"] = json!(true);
    expected["reasons"] = json!([]);
    expected["latest_acceptance_datetime"] = Value::Null;
    expected["emissions"] = Value::Null;
    assert_eq!(found["direct_flights"], json!([expected]));
    assert_eq!(sorted(members(&found["transit_routes"][0])), sorted(OPTION.to_vec()));
}

#[tokio::test]
async fn durations_in_hours_have_two_decimals_at_most_and_no_more_than_needed() {
    let world = World::working().await;
    for (number, minutes, hours) in [("AI1", 60, "1"), ("AI2", 90, "1.5"), ("AI3", 61, "1.02"), ("AI4", 100, "1.67")] {
        world.flight(NewFlight::new(number, "DEL", "LHR").departs("2026-11-21T12:00:00Z").takes_minutes(minutes)).await;
        let options = ranked(&world, "origin=DEL&destination=LHR&departure_date=2026-11-21").await;
        let option = options.as_array().unwrap().iter().find(|option| option["flights"][0]["flight_number"] == number);
        assert_eq!(option.unwrap()["total_duration_hours"].to_string(), hours);
        assert_eq!(option.unwrap()["total_duration_minutes"], minutes);
    }
}

#[tokio::test]
async fn nothing_found_is_an_empty_answer() {
    let world = World::working().await;
    let found = search(&world, "DEL", "LHR", "2026-11-21").await;
    assert_eq!((&found["direct_flights"], &found["transit_routes"]), (&json!([]), &json!([])));
    assert_eq!(ranked(&world, "origin=DEL&destination=LHR&departure_date=2026-11-21").await, json!([]));
}

#[tokio::test]
async fn codes_are_taken_in_any_case_and_with_spaces_around_them() {
    let world = World::working().await;
    world.flight(NewFlight::new("AI9", "DEL", "LHR").departs("2026-11-21T12:00:00Z")).await;
    let found = search(&world, " del ", "lhr", "2026-11-21").await;
    assert_eq!((&found["origin"], &found["destination"]), (&json!("DEL"), &json!("LHR")));
    assert_eq!(found["direct_flights"][0]["flight_number"], "AI9");
    let options = ranked(&world, "origin=%20del&destination=lhr+&departure_date=2026-11-21").await;
    assert_eq!(names(&options), ["AI9"]);
}

#[tokio::test]
async fn limit_bounds_each_list() {
    let world = World::working().await;
    for hour in 1..=3 {
        let number = format!("AI{hour}");
        let straight = NewFlight::new(&number, "DEL", "LHR").departs(&format!("2026-11-21T0{hour}:00:00Z"));
        world.flight(straight.takes_minutes(60)).await;
    }
    world.flight(to_bombay("AI11")).await;
    for minute in [10, 20, 30] {
        world.flight(from_bombay(&format!("AI{minute}"), &format!("15:{minute}"))).await;
    }
    let found = search_for(&world, "DEL", "LHR", "2026-11-21", json!({"limit": 2})).await;
    assert_eq!(super::direct(&found), ["AI1", "AI2"]);
    assert_eq!(super::transit(&found), ["AI11+AI10", "AI11+AI20"]);
    let query = "origin=DEL&destination=LHR&departure_date=2026-11-21";
    assert_eq!(names(&ranked(&world, &format!("{query}&limit=4")).await), ["AI1", "AI2", "AI3", "AI11+AI10"]);
    assert_eq!(ranked(&world, &format!("{query}&limit=200")).await.as_array().unwrap().len(), 6);
}

#[tokio::test]
async fn fifty_options_are_shown_unless_the_limit_is_higher() {
    let world = World::working().await;
    let mut table = String::from(
        "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,positions,cutoff_minutes\n",
    );
    for n in 1..=55 {
        table.push_str(&format!("AI{n},DEL,LHR,2026-11-21T10:{n:02}:00Z,2026-11-21T20:00:00Z,,100,,,\n"));
    }
    world.admin().await.post_raw("/api/v1/flights/import", "text/csv", table).await.expect(200);
    let query = "origin=DEL&destination=LHR&departure_date=2026-11-21";
    assert_eq!(ranked(&world, query).await.as_array().unwrap().len(), 50);
    assert_eq!(ranked(&world, &format!("{query}&limit=200")).await.as_array().unwrap().len(), 55);
    assert_eq!(search(&world, "DEL", "LHR", "2026-11-21").await["direct_flights"].as_array().unwrap().len(), 50);
}
