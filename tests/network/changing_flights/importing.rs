//! An import that moves a booked flight moves its bookings, as a change of the flight does.
use loadmaster_testkit::{
    Answer, Client, NewFlight, World,
    amending::{shown, timeline, told_of},
    flight_verbs::flight_now,
    freight::{order, with},
    import::HEADER,
};
use serde_json::{Value, json};

/// Imports these rows: their first five cells, all else as [`NewFlight`] has it.
async fn import(admin: &Client, rows: &[&str]) -> Answer {
    let rows: String = rows.iter().map(|row| format!("{row},,1000,1000,10,60\n")).collect();
    admin.post_raw("/api/v1/flights/import", "text/csv", format!("{HEADER}\n{rows}")).await
}

/// AI101 from Delhi at 08:00 to Bombay at 12:00, AI102 on to London at 20:00, on 21 November
/// 2026.
async fn booked() -> (World, Client, Client, [Value; 3]) {
    let world = World::start().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let booking = customer.book(order(&[&first, &second])).await;
    (world, customer, admin, [first, second, booking])
}

#[tokio::test]
async fn a_booked_flight_is_retimed_with_its_bookings() {
    let (world, customer, admin, [first, _, booking]) = booked().await;
    world.clock.advance(chrono::TimeDelta::minutes(3));
    let row = "AI101,DEL,BOM,2026-11-21T09:00:00Z,2026-11-21T13:30:00Z";
    assert_eq!(import(&admin, &[row]).await.expect(200)["updated"], 1);
    let times = json!({"departure_datetime": "2026-11-21T09:00:00Z", "arrival_datetime": "2026-11-21T13:30:00Z"});
    let flight = flight_now(&admin, &first).await;
    for member in ["departure_datetime", "arrival_datetime"] {
        assert_eq!(flight[member], times[member]);
    }
    assert_eq!(flight["version"], 2);

    let mut expected = with(booking.clone(), json!({"version": 2, "updated_at": "2026-11-20T08:03:00Z"}));
    expected["legs"][0] = with(booking["legs"][0].clone(), times);
    assert_eq!(shown(&customer, &booking).await, expected);
    let event = timeline(&customer, &booking).await.pop().unwrap();
    assert_eq!((&event["event_type"], &event["flight_id"]), (&json!("FLIGHT_RETIMED"), &first["id"]));

    // The same table again changes nothing.
    let before = world.written().await;
    assert_eq!(import(&admin, &[row]).await.expect(200)["unchanged"], 1);
    assert_eq!(world.written().await, before);
    world.audit().await;
}

#[tokio::test]
async fn several_flights_of_one_booking_move_in_one_import() {
    let (world, customer, admin, [_, _, booking]) = booked().await;
    // In Bombay it is the 22nd when AI102 leaves.
    let tables: [(&[&str], u64, bool); 3] = [
        (
            &[
                "AI101,DEL,BOM,2026-11-21T18:00:00Z,2026-11-21T22:00:00Z",
                "AI102,BOM,LHR,2026-11-22T00:00:00Z,2026-11-22T09:00:00Z",
            ],
            3,
            false,
        ),
        (
            &[
                "AI101,DEL,BOM,2026-11-21T17:00:00Z,2026-11-21T21:00:00Z",
                "AI102,BOM,LHR,2026-11-21T22:00:00Z,2026-11-22T07:00:00Z",
            ],
            5,
            true,
        ),
        (&["AI102,BOM,LHR,2026-11-21T23:00:00Z,2026-11-22T07:00:00Z"], 6, false),
    ];
    for (rows, version, broken) in tables {
        assert_eq!(import(&admin, rows).await.expect(200)["updated"], rows.len(), "{rows:?}");
        let now = shown(&customer, &booking).await;
        assert_eq!((&now["needs_rerouting"], &now["version"]), (&json!(broken), &json!(version)), "{rows:?}");
    }
    let now = shown(&customer, &booking).await;
    assert_eq!(now["legs"][0]["departure_datetime"], "2026-11-21T17:00:00Z");
    assert_eq!(now["legs"][1]["departure_datetime"], "2026-11-21T23:00:00Z");
    let told = told_of(&customer, &booking).await;
    assert!(told.as_array().unwrap()[1..].iter().all(|kind| kind == "FLIGHT_RETIMED"), "{told}");
    world.audit().await;
}

#[tokio::test]
async fn a_connection_that_an_import_breaks_is_reported_and_mended_by_the_next() {
    let (world, customer, admin, [_, _, booking]) = booked().await;
    for (arrival, broken) in [("18:00:01", true), ("18:00:00", false)] {
        let row = format!("AI101,DEL,BOM,2026-11-21T08:00:00Z,2026-11-21T{arrival}Z");
        assert_eq!(import(&admin, &[&row]).await.expect(200)["updated"], 1);
        assert_eq!(shown(&customer, &booking).await["needs_rerouting"], broken, "{arrival}");
    }
    world.audit().await;
}

#[tokio::test]
async fn a_dry_run_moves_no_booking() {
    let (world, customer, admin, [_, _, booking]) = booked().await;
    let before = world.written().await;
    let row = "AI101,DEL,BOM,2026-11-21T09:00:00Z,2026-11-21T13:30:00Z,,1000,1000,10,60";
    let table = format!("{HEADER}\n{row}\n");
    let answer = admin.post_raw("/api/v1/flights/import?dry_run=true", "text/csv", table).await;
    assert_eq!(answer.expect(200), json!({"created": 0, "updated": 1, "unchanged": 0}));
    assert_eq!(world.written().await, before);
    assert_eq!(shown(&customer, &booking).await, booking);
}

#[tokio::test]
async fn another_destination_of_a_booked_flight_is_a_fault_and_nothing_of_the_table_is_done() {
    let (world, customer, admin, [first, second, booking]) = booked().await;
    let before = world.written().await;
    let rows = [
        "AI102,BOM,LHR,2026-11-21T20:30:00Z,2026-11-22T01:00:00Z",
        "AI101,DEL,DXB,2026-11-21T08:00:00Z,2026-11-21T12:00:00Z",
    ];
    let answer = import(&admin, &rows).await;
    assert_eq!(answer.body["errors"][0]["row"], 2, "{}", answer.text);
    assert_eq!(answer.expect_faults(), [("/destination".to_owned(), "out_of_order".to_owned())]);
    assert_eq!(world.written().await, before);
    assert_eq!(shown(&customer, &booking).await, booking);
    for flight in [&first, &second] {
        assert_eq!(flight_now(&admin, flight).await["version"], 1);
    }
    world.audit().await;
}

#[tokio::test]
async fn a_flight_without_bookings_may_go_elsewhere() {
    let (world, customer, admin, [first, _, booking]) = booked().await;
    customer.walk(&booking, &["cancel"]).await;
    let row = "AI101,DEL,DXB,2026-11-21T08:00:00Z,2026-11-21T12:00:00Z";
    assert_eq!(import(&admin, &[row]).await.expect(200)["updated"], 1);
    assert_eq!(flight_now(&admin, &first).await["destination"], "DXB");
    let kept = shown(&customer, &booking).await;
    assert_eq!((&kept["status"], &kept["version"]), (&json!("CANCELLED"), &json!(2)));
    world.audit().await;
}
