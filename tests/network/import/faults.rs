//! What is wrong with a table: told by row, and nothing of it is taken.
use loadmaster_testkit::{
    World,
    import::{HEADER, table},
};
use serde_json::json;

use super::{IMPORT, execute, fault, faults, import, import_rows, schedule};

const GOOD: &str = "AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,77X,,,,";

#[tokio::test]
async fn one_faulty_row_keeps_all_others_out() {
    let world = World::start().await;
    let bad = "AI102,DEL,QQQ,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,77X,,,,";
    let answer = import(&world.admin().await, table(&[GOOD, bad])).await;
    assert_eq!(faults(answer), [fault(2, "/destination", "unknown_value")]);
    assert_eq!((world.count("flights").await, world.count("capacity_ledger").await), (0, 0));
}

#[tokio::test]
async fn each_cell_is_judged_as_in_a_body() {
    let world = World::start().await;
    let admin = world.admin().await;
    for (column, cell, code) in [
        (0, "", "required"),
        (0, "AI", "invalid_format"),
        (0, "QQ1", "unknown_value"),
        (1, "", "required"),
        (1, "QQQ", "unknown_value"),
        (2, " ", "required"),
        (2, "del", "same_as_origin"),
        (3, "", "required"),
        (3, "2026-11-21 10:00", "invalid_format"),
        (3, "11/12/2026 10:00Z", "invalid_format"),
        (4, "2026-11-21T10:00:00Z", "out_of_order"),
        (4, "2026-11-22T10:00:01Z", "out_of_order"),
        (5, "ZZZ", "unknown_value"),
        (6, "0", "too_small"),
        (6, "0.05", "too_precise"),
        (6, "a ton", "wrong_type"),
        (6, "NaN", "wrong_type"),
        (7, "1e400", "too_large"),
        (8, "-1", "too_small"),
        (8, "1.5", "too_precise"),
        (9, "43201", "too_large"),
    ] {
        let mut cells: Vec<_> = GOOD.split(',').collect();
        cells[column] = cell;
        let pointer = format!("/{}", HEADER.split(',').nth(column).unwrap());
        let answer = import(&admin, table(&[&cells.join(",")])).await;
        assert_eq!(faults(answer), [fault(1, &pointer, code)], "{cell:?}");
    }
    // Without an aircraft nothing else says how much may be sold.
    let empty = "AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,,,6,,";
    assert_eq!(faults(import(&admin, table(&[empty])).await), [fault(1, "/weight_kg", "required")]);
}

#[tokio::test]
async fn all_faults_of_all_rows_are_reported_up_to_a_hundred() {
    let world = World::start().await;
    let admin = world.admin().await;
    let bad = "QQ1,DEL,DEL,soon,2026-11-21T19:30:00Z,77X,,,,";
    let told = faults(import(&admin, table(&[bad, GOOD, bad])).await);
    let rows: Vec<_> = told.iter().map(|(row, pointer, _)| format!("{row}{pointer}")).collect();
    let expected = [
        "1/flight_number",
        "1/departure_datetime",
        "1/destination",
        "3/flight_number",
        "3/departure_datetime",
        "3/destination",
    ];
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(sorted(rows), sorted(expected.map(str::to_owned).to_vec()));

    let many: Vec<&str> = std::iter::repeat_n(bad, 150).collect();
    let told = faults(import(&admin, table(&many)).await);
    assert_eq!(told.len(), 100);
    assert_eq!((told[0].0, told[99].0), (1, 34));
}

#[tokio::test]
async fn the_header_must_be_the_documented_one() {
    let world = World::start().await;
    let admin = world.admin().await;
    let without = |column: &str| HEADER.split(',').filter(|name| *name != column).collect::<Vec<_>>().join(",");
    for (header, code, missing) in [
        (without("cutoff_minutes"), "required", "cutoff_minutes"),
        (format!("{HEADER},color"), "unknown_field", "color"),
        (format!("{HEADER},origin"), "invalid_format", "origin"),
    ] {
        let answer = import(&admin, format!("{header}\n{GOOD}\n")).await;
        let text = answer.text.clone();
        assert_eq!(faults(answer), [fault(0, "", code)], "{header}");
        assert!(text.contains(missing), "{text}");
    }
    for empty in ["", "\n", "\u{feff}"] {
        let told = faults(import(&admin, empty).await);
        assert!(told.iter().filter(|(row, _, code)| *row == 0 && code == "required").count() == 10, "{told:?}");
    }
}

#[tokio::test]
async fn empty_cells_at_the_end_may_lack_or_be_too_many_but_no_values() {
    let world = World::start().await;
    let admin = world.admin().await;
    let (short, long) = (GOOD.trim_end_matches(','), format!("{GOOD},,"));
    let longer = long.replace("AI101", "AI102");
    assert_eq!(import_rows(&admin, &[short, &longer]).await, (2, 0, 0));
    let told = faults(import(&admin, table(&[&format!("{GOOD},5"), "AI103,DEL,LHR"])).await);
    let expected = [
        fault(1, "", "invalid_format"),
        fault(2, "/departure_datetime", "required"),
        fault(2, "/arrival_datetime", "required"),
        fault(2, "/weight_kg", "required"),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn two_rows_of_one_flight_are_reported() {
    let world = World::start().await;
    // The same number, origin and day in Delhi, though the times, destinations and UTC dates differ.
    let again = "ai0101,del,FRA,2026-11-20T20:00:00Z,2026-11-21T05:00:00Z,77W,,,,";
    let answer = import(&world.admin().await, table(&[GOOD, again])).await;
    assert!(answer.text.contains("row 1"), "{}", answer.text);
    assert_eq!(faults(answer), [fault(2, "/flight_number", "invalid_format")]);
    assert_eq!(world.count("flights").await, 0);
}

#[tokio::test]
async fn a_flight_that_has_departed_stays_as_it_is() {
    let world = World::start().await;
    let admin = world.admin().await;
    let other = GOOD.replace("AI101", "AI102");
    import_rows(&admin, &[GOOD, &other]).await;
    let gone = schedule(&world).await.into_iter().find(|flight| flight["flight_number"] == "AI101").unwrap();
    // At another time than it should have: that is nothing that a timetable changes.
    for step in ["depart", "arrive"] {
        world.clock.advance(chrono::TimeDelta::minutes(5));
        admin.poke(&format!("/api/v1/flights/{}/{step}", gone["id"].as_str().unwrap())).await.expect(200);
        let before = schedule(&world).await;
        let changed = table(&[&other.replace("77X", "77W"), &GOOD.replace("77X", "77W")]);
        assert_eq!(faults(import(&admin, changed).await), [fault(2, "/flight_number", "out_of_order")]);
        assert_eq!(schedule(&world).await, before);
        // Saying the same again is no change.
        assert_eq!(import_rows(&admin, &[GOOD, &other]).await, (0, 0, 2));
    }
}

#[tokio::test]
async fn a_booked_flight_keeps_its_destination_and_the_space_that_is_taken() {
    let world = World::start().await;
    let admin = world.admin().await;
    import_rows(&admin, &["AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,,1000,10,4,"]).await;
    let before = &schedule(&world).await[0];
    let order = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 600, "volume_m3": 2,
                       "positions": 1, "flight_ids": [before["id"]]});
    world.customer().await.post("/api/v1/bookings", order).await.expect(201);
    for (row, pointer, code) in [
        ("AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,,599.9,10,4,", "/weight_kg", "too_small"),
        ("AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,,1000,1.999,4,", "/volume_m3", "too_small"),
        ("AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,,1000,10,0,", "/positions", "too_small"),
        ("AI101,DEL,FRA,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,,1000,10,4,", "/destination", "out_of_order"),
    ] {
        assert_eq!(faults(import(&admin, table(&[row])).await), [fault(1, pointer, code)], "{row}");
    }
    execute(&world, "update flights set is_freighter = true, aircraft_code = '77X'").await;
    let passengers = "AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,77W,1000,10,4,";
    assert_eq!(faults(import(&admin, table(&[passengers])).await), [fault(1, "/aircraft_code", "out_of_order")]);
    let after = &schedule(&world).await[0];
    assert_eq!((&after["version"], &after["capacity"]), (&json!(1), &before["capacity"]));
    world.audit().await;
}

#[tokio::test]
async fn a_body_that_is_not_a_table_is_refused() {
    let world = World::start().await;
    let admin = world.admin().await;
    for other in ["application/json", "text/plain", "text/csvx", "multipart/form-data"] {
        admin.post_raw(IMPORT, other, table(&[GOOD])).await.expect_problem(415, "unsupported_media_type");
    }
    let mut broken = table(&[GOOD]).into_bytes();
    broken.extend([b'A', 0xff, b'\n']);
    import(&admin, broken).await.expect_problem(400, "malformed_request");
    let faulty = admin.post_raw(&format!("{IMPORT}?color=red"), "text/csv", table(&[GOOD])).await.expect_faults();
    assert_eq!(faulty, [("color".to_owned(), "unknown_field".to_owned())]);
    assert_eq!(world.count("flights").await, 0);
}
