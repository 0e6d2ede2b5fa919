//! Large tables, and tables that come at once.
use chrono::TimeDelta;
use loadmaster_flights::{Departures, FlightService};
use loadmaster_testkit::{
    Readings, World,
    freight::{order, path_of, text},
    import::{counts, table},
    is_long, until, until_it_follows,
    waitlist::WAITLIST,
};
use serde_json::json;
use sqlx::{Connection, Executor};

use super::{execute, fault, faults, import, import_rows, schedule};

/// Flights of one day each, from 21 November 2026 on: 100 numbers a day.
fn rows(how_many: usize) -> Vec<String> {
    let first: chrono::NaiveDate = "2026-11-21".parse().unwrap();
    (0..how_many)
        .map(|n| {
            let (date, number) = (first + chrono::Days::new((n / 100) as u64), n % 100 + 1);
            format!("AI{number},DEL,LHR,{date}T10:00:00Z,{date}T19:30:00Z,77X,,,,")
        })
        .collect()
}

fn as_table(rows: &[String]) -> String {
    table(&rows.iter().map(String::as_str).collect::<Vec<_>>())
}

#[tokio::test]
async fn five_thousand_flights_come_in_one_import() {
    let world = World::start().await;
    let admin = world.admin().await;
    let table = as_table(&rows(5000));
    assert_eq!(counts(&import(&admin, table.clone()).await.expect(200)), (5000, 0, 0));
    assert_eq!(counts(&import(&admin, table).await.expect(200)), (0, 0, 5000));
    world.audit().await;
}

/// Another reading is that of the server's comparison of memory and tables, which it makes now and then.
#[tokio::test]
async fn the_flights_of_an_import_are_in_memory_without_being_read_again() {
    let world = World::working().await;
    let admin = world.admin().await;
    import_rows(&admin, &["BA1,LHR,JFK,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,77X,,,,"]).await;
    until_it_follows(&world).await;
    let mut readings = Readings::of(&world.database, "flights").await;
    let flights: FlightService = world.state().service().unwrap();
    let all = rows(1500);
    for (number, part) in all.chunks(300).enumerate() {
        let before = readings.count().await;
        assert_eq!(counts(&import(&admin, as_table(part)).await.expect(200)), (300, 0, 0));
        until_it_follows(&world).await;
        let network_version = flights.network_version().await.unwrap();
        let known = flights.board().look(world.now(), network_version, Departures::count);
        assert_eq!(known, Some(1 + 300 * (number + 1)));
        if readings.count().await < before + 300 {
            return;
        }
    }
    panic!("each import's flights were read");
}

#[tokio::test]
async fn tables_may_be_larger_than_other_bodies_but_not_than_32_mib() {
    let world = World::start().await;
    let admin = world.admin().await;
    // Cells may have spaces around them, each as many as a cell may have characters.
    let rows = rows(1100);
    let spacious = |mut bytes: usize| {
        let of_one = (bytes / rows.len() + 1).min(bytes);
        let wide = rows.iter().map(|row| {
            let spaces = of_one.min(bytes);
            bytes -= spaces;
            row.replace("77X", &format!("{}77X", " ".repeat(spaces)))
        });
        as_table(&wide.collect::<Vec<_>>())
    };
    let mib = 1024 * 1024;
    assert_eq!(counts(&import(&admin, spacious(3 * mib)).await.expect(200)), (1100, 0, 0));
    let frame = spacious(0).len();
    assert_eq!(spacious(32 * mib - frame).len(), 32 * mib);
    assert_eq!(counts(&import(&admin, spacious(32 * mib - frame)).await.expect(200)), (0, 0, 1100));
    import(&admin, spacious(32 * mib - frame + 1)).await.expect_problem(413, "payload_too_large");
}

#[tokio::test]
async fn one_table_imported_twice_at_once_makes_each_flight_once() {
    let world = World::start().await;
    let admin = world.admin().await;
    let table = as_table(&rows(300));
    let calls: Vec<_> = (0..3)
        .map(|_| {
            let (admin, table) = (admin.clone(), table.clone());
            tokio::spawn(async move { counts(&import(&admin, table).await.expect(200)) })
        })
        .collect();
    let mut all = Vec::new();
    for call in calls {
        all.push(call.await.unwrap());
    }
    all.sort_unstable();
    assert_eq!(all, [(0, 0, 300), (0, 0, 300), (300, 0, 0)]);
    assert_eq!(world.count("flights").await, 300);
    world.audit().await;
}

#[tokio::test]
async fn tables_in_opposite_order_do_not_block_each_other() {
    let world = World::start().await;
    let admin = world.admin().await;
    let forward = rows(200);
    import(&admin, as_table(&forward)).await.expect(200);
    let change = |rows: &[String], aircraft: &str| as_table(rows).replace("77X", aircraft);
    let backward: Vec<_> = forward.iter().rev().cloned().collect();
    let calls = [change(&forward, "77W"), change(&backward, "74N")].map(|table| {
        let admin = admin.clone();
        tokio::spawn(async move { counts(&import(&admin, table).await.expect(200)) })
    });
    for call in calls {
        assert_eq!(call.await.unwrap(), (0, 200, 0));
    }
    let flights = schedule(&world).await;
    assert!(
        flights.iter().all(|flight| flight["version"] == 3 && flight["aircraft_code"] == flights[0]["aircraft_code"])
    );
    world.audit().await;
}

#[tokio::test]
async fn an_import_decides_by_what_a_flight_is_when_it_gets_it() {
    let world = World::start().await;
    let admin = world.admin().await;
    let row = "AI101,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,,1000,,,";
    import_rows(&admin, &[row]).await;

    // Given another change of the flight's times that has not been committed yet,
    let mut other = world.database.owner().await;
    let mut change = other.begin().await.unwrap();
    change.execute("update flight_capacity set version = version + 1").await.unwrap();
    change.execute("update flights set arrival_at = arrival_at + interval '1 hour'").await.unwrap();
    // when a table with less room is imported and waits for it,
    let waiting = tokio::spawn({
        let admin = admin.clone();
        async move { import_rows(&admin, &[&row.replace("1000", "900")]).await }
    });
    await_lock(&world).await;
    change.commit().await.unwrap();
    // then it finds the flight changed, and makes it what its row says in everything.
    assert_eq!(waiting.await.unwrap(), (0, 1, 0));
    let flight = &schedule(&world).await[0];
    assert_eq!((&flight["arrival_datetime"], &flight["version"]), (&json!("2026-11-21T19:30:00Z"), &json!(3)));
    assert_eq!(flight["capacity"]["weight_kg"], 900);
    world.audit().await;
}

/// Until somebody waits for a lock in this world's database.
async fn await_lock(world: &World) {
    let mut owner = world.database.owner().await;
    for _ in 0..2000 {
        let waits: bool = sqlx::query_scalar(
            "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')",
        )
        .fetch_one(&mut owner)
        .await
        .unwrap();
        if waits {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    panic!("nobody waited for the lock");
}

#[tokio::test]
async fn thousands_of_flights_are_changed_as_one_by_one() {
    let world = World::working().await;
    let admin = world.admin().await;
    // More than two batches.
    let many: u32 = if is_long() { 2500 } else { 1100 };
    let before = rows(usize::try_from(many).unwrap());
    import(&admin, as_table(&before)).await.expect(200);
    // One is booked, and for another one somebody waits: its new room is offered.
    let flights = admin.get("/api/v1/flights?flight_number=AI1&limit=2").await.expect(200);
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flights[0]])).await;
    customer.book(order(&[&flights[1]])).await;
    let all =
        json!({"flight_ids": [flights[1]["id"]], "weight_kg": flights[1]["capacity"]["weight_kg"], "volume_m3": 1});
    let entry = customer.post(WAITLIST, all).await.expect(201);
    let entry = format!("{WAITLIST}/{}", text(&entry, "id"));
    world.clock.advance(TimeDelta::seconds(1));
    let after: Vec<String> =
        before.iter().map(|row| row.replace("T19:30", "T19:45").replace("77X,,", "77X,300000,")).collect();
    assert_eq!(counts(&import(&admin, as_table(&after)).await.expect(200)), (0, many.into(), 0));
    let changed = admin.get("/api/v1/flights?flight_number=AI1&limit=2").await.expect(200);
    for flight in changed.as_array().unwrap() {
        assert_eq!(flight["version"], 2, "{flight}");
        assert!(flight["arrival_datetime"].as_str().unwrap().contains("T19:45"), "{flight}");
        assert_eq!(flight["capacity"]["weight_kg"], 300_000, "{flight}");
    }
    let path = path_of(&booking);
    let arrival = async || customer.get(&path).await.expect(200)["legs"][0]["arrival_datetime"].clone();
    until("the booking has the new time", async || arrival().await.as_str().unwrap().contains("T19:45")).await;
    let offered = async || customer.get(&entry).await.expect(200)["status"] == "OFFERED";
    until("the new room is offered to who waits", offered).await;
    for (table, rows) in [("flight_events", 2 * many), ("flights where updated_at > created_at", many)] {
        assert_eq!(world.count(table).await, usize::try_from(rows).unwrap(), "{table}");
    }
    assert_eq!(counts(&import(&admin, as_table(&after)).await.expect(200)), (0, 0, many.into()));
    world.audit().await;
}

#[tokio::test]
async fn a_broken_row_far_behind_the_first_ones_leaves_nothing() {
    let world = World::start().await;
    let admin = world.admin().await;
    // The row is right by itself; only the schedule refuses it, after all others were compared.
    let other = "AI999,DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z,77X,,,,".to_owned();
    import(&admin, as_table(std::slice::from_ref(&other))).await.expect(200);
    execute(&world, "update flight_capacity set status = 'DEPARTED'").await;
    let mut table = rows(4500);
    table.push(other.replace("T19:30", "T19:45"));
    assert_eq!(faults(import(&admin, as_table(&table)).await), [fault(4501, "/flight_number", "out_of_order")]);
    assert_eq!(world.count("flights").await, 1);
    assert_eq!(world.count("outbox where event_type = 'CREATED' and aggregate = 'flight'").await, 1);
}

/// Takes a second: it writes 4 500 flights three times.
#[tokio::test]
async fn what_fails_after_thousands_were_written_leaves_nothing() {
    let world = World::start().await;
    let admin = world.admin().await;
    let table = rows(4500);
    let fail = "create function fail() returns trigger language plpgsql as $$ begin raise 'the disk is full'; end $$";
    execute(&world, fail).await;
    let trigger = "create trigger fail before insert on flights for each row
                   when (new.flight_number = 'AI100' and new.scheduled_date = '2027-01-04') execute function fail()";
    execute(&world, trigger).await;
    import(&admin, as_table(&table)).await.expect_problem(500, "internal");
    for kept in ["flights", "flight_capacity", "capacity_ledger", "flight_events", "outbox where aggregate = 'flight'"]
    {
        assert_eq!(world.count(kept).await, 0, "{kept}");
    }
    execute(&world, "drop trigger fail on flights").await;

    // Given a flight of the last rows that somebody else makes meanwhile, but has not committed,
    let mut other = world.database.owner().await;
    let mut making = other.begin().await.unwrap();
    making.execute("set local session_replication_role = replica").await.unwrap();
    let query = "insert into flights (id, flight_number, airline_code, origin, destination, departure_at, arrival_at,
                     scheduled_departure_at, scheduled_arrival_at, scheduled_date, is_freighter, created_at, updated_at)
                 select gen_random_uuid(), 'AI100', 'AI', 'DEL', 'LHR', at, at + interval '9 hours', at, at + interval '9 hours',
                        '2027-01-04', false, now(), now() from (select timestamptz '2027-01-04 10:00Z' as at) _";
    making.execute(query).await.unwrap();
    // when a table that gives it too is imported,
    let waiting = tokio::spawn({
        let (admin, table) = (admin.clone(), as_table(&table));
        async move { counts(&import(&admin, table).await.expect(200)) }
    });
    await_lock(&world).await;
    // and that is taken back, it is made by the table.
    making.rollback().await.unwrap();
    assert_eq!(waiting.await.unwrap(), (4500, 0, 0));
    world.audit().await;
}
