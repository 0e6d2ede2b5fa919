//! What an import makes, changes and leaves alone.
use loadmaster_testkit::{
    NewFlight, World,
    import::{HEADER, counts, table},
};
use serde_json::{Value, json};

use super::{IMPORT, execute, import, import_rows, schedule};

const FIRST: &str = "AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,77X,,,,";
const SECOND: &str = "AI102,LHR,DEL,2026-11-22T10:00:00Z,2026-11-22T19:30:00Z,,1000.5,,,90";

#[tokio::test]
async fn flights_are_made_as_one_by_one() {
    let world = World::start().await;
    assert_eq!(import_rows(&world.admin().await, &[FIRST, SECOND]).await, (2, 0, 0));
    let flights = schedule(&world).await;
    assert_eq!(flights[0]["capacity"], json!({"weight_kg": 102_000, "volume_m3": 653, "positions": 37}));
    assert_eq!((&flights[0]["aircraft_code"], &flights[0]["is_freighter"]), (&json!("77X"), &json!(true)));
    assert_eq!(flights[0]["cutoff_datetime"], "2026-11-21T09:00:00Z");
    assert_eq!(flights[1]["capacity"], json!({"weight_kg": 1000.5, "volume_m3": 6.003, "positions": 0}));
    assert_eq!((&flights[1]["aircraft_code"], &flights[1]["version"]), (&Value::Null, &json!(1)));
    assert_eq!(flights[1]["cutoff_datetime"], "2026-11-22T08:30:00Z");
    assert_eq!(world.count("flight_events").await, 2);
    world.audit().await;
}

#[tokio::test]
async fn existing_flights_are_updated_or_left_unchanged() {
    let world = World::start().await;
    let admin = world.admin().await;
    import_rows(&admin, &[FIRST, SECOND]).await;
    world.clock.advance(chrono::Duration::minutes(1));
    let changed = "AI101,DEL,FRA,2026-11-21T11:00:00Z,2026-11-21T18:00:00Z,77W,15000,,2,30";
    let new = "AI103,DEL,LHR,2026-11-21T12:00:00Z,2026-11-21T19:30:00Z,77X,,,,";
    assert_eq!(import_rows(&admin, &[new, SECOND, changed]).await, (1, 1, 1));

    let flights = schedule(&world).await;
    let [first, _, second] = flights.as_slice() else { panic!("three flights") };
    assert_eq!((&first["flight_number"], &first["destination"]), (&json!("AI101"), &json!("FRA")));
    assert_eq!(
        (&first["departure_datetime"], &first["arrival_datetime"]),
        (&json!("2026-11-21T11:00:00Z"), &json!("2026-11-21T18:00:00Z"))
    );
    assert_eq!(first["scheduled_departure_datetime"], "2026-11-21T10:00:00Z");
    assert_eq!(first["scheduled_arrival_datetime"], "2026-11-21T19:30:00Z");
    assert_eq!(first["capacity"], json!({"weight_kg": 15_000, "volume_m3": 140, "positions": 2}));
    assert_eq!((&first["aircraft_code"], &first["is_freighter"]), (&json!("77W"), &json!(false)));
    assert_eq!(first["cutoff_datetime"], "2026-11-21T10:30:00Z");
    assert_eq!((&first["version"], &first["updated_at"]), (&json!(2), &json!("2026-11-20T08:01:00Z")));
    assert_eq!((&second["flight_number"], &second["version"]), (&json!("AI102"), &json!(1)));
    assert_eq!(second["updated_at"], "2026-11-20T08:00:00Z");
    assert_eq!(world.count("flight_events where event_type = 'CHANGED' and sequence = 2").await, 1);
    assert_eq!(world.count("capacity_ledger where seq = 2 and kind = 'CAPACITY_SET'").await, 1);
    assert_eq!(world.count("outbox where event_type = 'CHANGED'").await, 1);
    world.audit().await;
}

#[tokio::test]
async fn the_same_table_again_changes_nothing() {
    let world = World::start().await;
    let admin = world.admin().await;
    import_rows(&admin, &[FIRST, SECOND]).await;
    let before = schedule(&world).await;
    world.clock.advance(chrono::Duration::minutes(1));
    assert_eq!(import_rows(&admin, &[FIRST, SECOND]).await, (0, 0, 2));
    assert_eq!(schedule(&world).await, before);
    assert_eq!((world.count("flight_events").await, world.count("capacity_ledger").await), (2, 2));
}

#[tokio::test]
async fn a_flight_is_known_by_number_origin_and_local_date() {
    let world = World::start().await;
    let admin = world.admin().await;
    import_rows(&admin, &["AI101,DEL,LHR,2026-11-21T12:00:00+05:30,2026-11-21T21:00:00+05:30,,1000,,,"]).await;
    for (row, expected) in [
        // The first and the last minute of that day in Delhi.
        ("AI101,DEL,LHR,2026-11-20T18:30:00Z,2026-11-21T03:00:00Z,,1000,,,", (0, 1, 0)),
        ("ai0101,del,lhr,2026-11-21T18:29:00Z,2026-11-22T03:00:00Z,,1000,,,", (0, 1, 0)),
        ("AI101,DEL,LHR,2026-11-21T18:30:00Z,2026-11-22T03:00:00Z,,1000,,,", (1, 0, 0)),
        ("AI101,BOM,LHR,2026-11-21T18:29:00Z,2026-11-22T03:00:00Z,,1000,,,", (1, 0, 0)),
        ("AI101A,DEL,LHR,2026-11-21T18:29:00Z,2026-11-22T03:00:00Z,,1000,,,", (1, 0, 0)),
    ] {
        assert_eq!(import_rows(&admin, &[row]).await, expected, "{row}");
    }
    world.audit().await;
}

#[tokio::test]
async fn a_flight_made_by_hand_is_the_same_flight() {
    let world = World::start().await;
    let made =
        world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-21T10:00:00Z").takes_minutes(60)).await;
    let row = "AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T11:00:00Z,,1000,1000,10,60";
    assert_eq!(import_rows(&world.admin().await, &[row]).await, (0, 0, 1));
    assert_eq!(schedule(&world).await, [made]);
}

#[tokio::test]
async fn a_dry_run_counts_and_writes_nothing() {
    let world = World::start().await;
    let admin = world.admin().await;
    import_rows(&admin, &[FIRST]).await;
    let before = schedule(&world).await;
    let rows = table(&["AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,77W,,,,", SECOND]);
    let dry = format!("{IMPORT}?dry_run=true");
    assert_eq!(counts(&admin.post_raw(&dry, "text/csv", rows.clone()).await.expect(200)), (1, 1, 0));
    assert_eq!(schedule(&world).await, before);
    assert_eq!((world.count("flight_events").await, world.count("outbox").await), (1, 1));
    // Its faults are those of the real one.
    let faulty = table(&["AI101,DEL,QQQ,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,77W,,,,"]);
    admin.post_raw(&dry, "text/csv", faulty).await.expect_faults();
    let told = format!("{IMPORT}?dry_run=false");
    assert_eq!(counts(&admin.post_raw(&told, "text/csv", rows).await.expect(200)), (1, 1, 0));
    admin.post_raw(&format!("{IMPORT}?dry_run=perhaps"), "text/csv", table(&[])).await.expect_faults();
}

#[tokio::test]
async fn a_cancelled_flight_does_not_count_as_existing() {
    let world = World::start().await;
    let admin = world.admin().await;
    import_rows(&admin, &[FIRST]).await;
    execute(&world, "update flights set cancelled_at = now()").await;
    execute(&world, "update flight_capacity set status = 'CANCELLED'").await;
    assert_eq!(import_rows(&admin, &[FIRST]).await, (1, 0, 0));
    assert_eq!(import_rows(&admin, &[FIRST]).await, (0, 0, 1));
    let statuses: Vec<_> = schedule(&world).await.iter().map(|flight| flight["status"].clone()).collect();
    assert_eq!(statuses.len(), 2);
    assert!(statuses.contains(&json!("CANCELLED")) && statuses.contains(&json!("SCHEDULED")));
}

#[tokio::test]
async fn tables_come_as_spreadsheets_write_them() {
    let world = World::start().await;
    let admin = world.admin().await;
    let with_bom = format!("\u{feff}{}", table(&[FIRST]));
    assert_eq!(counts(&import(&admin, with_bom).await.expect(200)), (1, 0, 0));
    let crlf = table(&[FIRST, SECOND]).replace('\n', "\r\n");
    assert_eq!(counts(&import(&admin, crlf).await.expect(200)), (1, 0, 1));
    let quote = |line: &str| line.split(',').map(|cell| format!("\"{cell}\"")).collect::<Vec<_>>().join(",");
    let quoted = format!("{}\n{}\n", quote(HEADER), quote(SECOND));
    assert_eq!(counts(&import(&admin, quoted).await.expect(200)), (0, 0, 1));
    let spaced = table(&[&FIRST.replace(',', " , "), "", SECOND]);
    assert_eq!(counts(&import(&admin, spaced).await.expect(200)), (0, 0, 2));
    let unfinished = table(&[FIRST]).trim_end().to_owned();
    assert_eq!(counts(&import(&admin, unfinished).await.expect(200)), (0, 0, 1));
    assert_eq!(counts(&import(&admin, table(&[])).await.expect(200)), (0, 0, 0));
    let with_parameter = admin.post_raw(IMPORT, "Text/CSV; charset=utf-8", table(&[FIRST])).await.expect(200);
    assert_eq!(counts(&with_parameter), (0, 0, 1));
}

#[tokio::test]
async fn a_booked_flight_may_get_more_space_another_aircraft_and_another_cut_off() {
    let world = World::start().await;
    let admin = world.admin().await;
    import_rows(&admin, &["AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,77W,1000,10,4,"]).await;
    let flight = &schedule(&world).await[0];
    let order = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 600, "volume_m3": 2,
                       "positions": 1, "flight_ids": [flight["id"]]});
    world.customer().await.post("/api/v1/bookings", order).await.expect(201);
    // Exactly what is booked is enough.
    let row = "AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,77X,600,2,1,120";
    assert_eq!(import_rows(&admin, &[row]).await, (0, 1, 0));
    let flight = &schedule(&world).await[0];
    assert_eq!(flight["available"], json!({"weight_kg": 0, "volume_m3": 0, "positions": 0}));
    assert_eq!((&flight["utilization_percent"], &flight["version"]), (&json!(100), &json!(2)));
    world.audit().await;
}

#[tokio::test]
async fn a_table_of_a_spreadsheet_with_decimal_commas_is_read() {
    let world = World::start().await;
    let table = "\u{feff}flight_number;origin;destination;departure_datetime;arrival_datetime;aircraft_code;weight_kg;volume_m3;\
                 positions;cutoff_minutes\r\nAI 9002;DEL;BOM;2027-03-01T04:30:00Z;2027-03-01T06:40:00Z;;1000,5;10,25;;\r\n";
    assert_eq!(counts(&import(&world.admin().await, table).await.expect(200)), (1, 0, 0));
    let flight = &world.anonymous().get("/api/v1/flights?flight_number=AI%209002").await.expect(200)[0];
    assert_eq!(
        (&flight["flight_number"], &flight["capacity"]["weight_kg"], &flight["capacity"]["volume_m3"]),
        (&json!("AI9002"), &json!(1000.5), &json!(10.25))
    );
}

#[tokio::test]
async fn rows_of_separators_are_gaps() {
    let world = World::start().await;
    let row = "AI9003,DEL,BOM,2027-03-01T04:30:00Z,2027-03-01T06:40:00Z,,1000,,,";
    assert_eq!(import_rows(&world.admin().await, &[row, ",,,,,,,,,", ",,,,,,,,,"]).await, (1, 0, 0));
}

#[tokio::test]
async fn times_and_offsets_are_read_as_timetables_write_them() {
    let world = World::start().await;
    let admin = world.admin().await;
    import_rows(&admin, &["AI101,DEL,LHR,2026-11-21T24:00+0530,2026-11-22 03:00:00.000000999Z,,1000,,,"]).await;
    let flight = &schedule(&world).await[0];
    assert_eq!(
        (&flight["departure_datetime"], &flight["arrival_datetime"]),
        (&json!("2026-11-21T18:30:00Z"), &json!("2026-11-22T03:00:00Z"))
    );
}
