use chrono::Duration;
use loadmaster_testkit::World;
use serde_json::{Value, json};
use sqlx::Row;
use uuid::Uuid;

use super::{FLIGHTS, create, flight, flight_with, id_of};

#[tokio::test]
async fn a_flight_has_exactly_the_promised_members() {
    let world = World::start().await;
    let answer = world
        .admin()
        .await
        .post(
            FLIGHTS,
            json!({
                "flight_number": "AI101", "origin": "DEL", "destination": "LHR",
                "departure_datetime": "2026-11-21T15:30:00+05:30", "arrival_datetime": "2026-11-21T19:30:00Z",
                "aircraft_code": "77X", "capacity": {"weight_kg": 500.5, "volume_m3": 3.25, "positions": 4},
                "cutoff_minutes": 90,
            }),
        )
        .await;
    let (etag, location) = (answer.header("etag").map(str::to_owned), answer.header("location").map(str::to_owned));
    let flight = answer.expect(201);
    let space = json!({"weight_kg": 500.5, "volume_m3": 3.25, "positions": 4});
    assert_eq!(
        flight,
        json!({
            "id": flight["id"], "flight_number": "AI101", "airline_code": "AI", "airline_name": "Air India",
            "origin": "DEL", "destination": "LHR",
            "departure_datetime": "2026-11-21T10:00:00Z", "arrival_datetime": "2026-11-21T19:30:00Z",
            "departure_local": "2026-11-21T15:30:00+05:30", "arrival_local": "2026-11-21T19:30:00+00:00",
            "scheduled_departure_datetime": "2026-11-21T10:00:00Z",
            "scheduled_arrival_datetime": "2026-11-21T19:30:00Z",
            "actual_departure_datetime": null, "actual_arrival_datetime": null, "duration_minutes": 570,
            "aircraft_code": "77X", "is_freighter": true, "status": "SCHEDULED",
            "cutoff_datetime": "2026-11-21T08:30:00Z", "capacity": space, "physical_capacity": space,
            "overbooking": {"weight_percent": 0, "volume_percent": 0, "positions_percent": 0}, "available": space,
            "utilization_percent": 0, "version": 1,
            "created_at": "2026-11-20T08:00:00Z", "updated_at": "2026-11-20T08:00:00Z",
        })
    );
    assert_eq!(id_of(&flight).get_version_num(), 7);
    assert_eq!(etag.as_deref(), Some("\"1-1\""));
    assert_eq!(location, Some(format!("{FLIGHTS}/{}", flight["id"].as_str().unwrap())));

    let read = world.anonymous().get(&location.unwrap()).await;
    assert_eq!(read.header("etag"), Some("\"1-1\""));
    assert_eq!(read.expect(200), flight);
}

#[tokio::test]
async fn members_missing_from_the_capacity_come_from_the_aircraft() {
    let world = World::start().await;
    // 77W: 20 000 kg, 140 m³, 14 positions.
    for (index, (given, expected)) in [
        (json!(null), json!({"weight_kg": 20_000, "volume_m3": 140, "positions": 14})),
        (json!({}), json!({"weight_kg": 20_000, "volume_m3": 140, "positions": 14})),
        (json!({"weight_kg": 500}), json!({"weight_kg": 500, "volume_m3": 140, "positions": 14})),
        (json!({"volume_m3": 1.5}), json!({"weight_kg": 20_000, "volume_m3": 1.5, "positions": 14})),
        (json!({"positions": 0, "weight_kg": null}), json!({"weight_kg": 20_000, "volume_m3": 140, "positions": 0})),
    ]
    .into_iter()
    .enumerate()
    {
        let number = format!("AI{}", 200 + index);
        let made = create(&world, json!({"flight_number": number, "capacity": given, "aircraft_code": "77w"})).await;
        assert_eq!(made["capacity"], expected);
        assert_eq!((&made["aircraft_code"], &made["is_freighter"]), (&json!("77W"), &json!(false)));
    }
}

#[tokio::test]
async fn without_an_aircraft_the_volume_follows_the_weight_and_there_are_no_positions() {
    let world = World::start().await;
    for (index, (given, volume, positions)) in [
        (json!({"weight_kg": 1000}), json!(6), json!(0)),
        (json!({"weight_kg": 166.7}), json!(1.001), json!(0)),
        (json!({"weight_kg": 0.1}), json!(0.001), json!(0)),
        (json!({"weight_kg": 1000, "volume_m3": 2.5, "positions": 3}), json!(2.5), json!(3)),
    ]
    .into_iter()
    .enumerate()
    {
        let number = format!("AI{}", 200 + index);
        let made = create(&world, json!({"flight_number": number, "capacity": given})).await;
        assert_eq!((&made["capacity"]["volume_m3"], &made["capacity"]["positions"]), (&volume, &positions));
        assert_eq!((&made["aircraft_code"], &made["is_freighter"]), (&Value::Null, &json!(false)));
    }
}

#[tokio::test]
async fn booking_closes_an_hour_before_departure_unless_said_otherwise() {
    let world = World::start().await;
    for (number, cutoff, closes) in [
        ("AI1", json!(null), "2026-11-21T09:00:00Z"),
        ("AI2", json!(0), "2026-11-21T10:00:00Z"),
        ("AI3", json!(43_200), "2026-10-22T10:00:00Z"),
    ] {
        let made = create(&world, json!({"flight_number": number, "cutoff_minutes": cutoff})).await;
        assert_eq!(made["cutoff_datetime"], closes, "{cutoff}");
    }
}

#[tokio::test]
async fn numbers_and_codes_are_normalised() {
    let world = World::start().await;
    let made = create(&world, json!({"flight_number": " ai0101 ", "origin": "del", "destination": " LHR "})).await;
    assert_eq!(
        (&made["flight_number"], &made["origin"], &made["destination"]),
        (&json!("AI101"), &json!("DEL"), &json!("LHR"))
    );
    let again = world.admin().await.post(FLIGHTS, flight_with(json!({"flight_number": "AI00101"}))).await;
    again.expect_faults();
    let again = world.admin().await.post(FLIGHTS, flight_with(json!({"flight_number": "AI101"}))).await;
    again.expect_problem(409, "already_exists");
    let apart = create(&world, json!({"flight_number": "AI 0914"})).await;
    assert_eq!(apart["flight_number"], "AI914");
    let suffixed = create(&world, json!({"flight_number": "AI101a"})).await;
    assert_eq!(suffixed["flight_number"], "AI101A");
}

#[tokio::test]
async fn instants_of_any_offset_are_shown_in_utc_and_in_the_airports_own_time() {
    let world = World::start().await;
    // The same instants from the other side of the Earth, to the microsecond; New York is in summer time.
    let made = create(
        &world,
        json!({
            "origin": "CXI", "destination": "JFK",
            "departure_datetime": "2027-07-01T12:00:00.123456+14:00", "arrival_datetime": "2027-06-30T19:00:00.5-05:00",
        }),
    )
    .await;
    assert_eq!(made["departure_datetime"], "2027-06-30T22:00:00.123456Z");
    assert_eq!(made["departure_local"], "2027-07-01T12:00:00.123456+14:00");
    assert_eq!(made["arrival_datetime"], "2027-07-01T00:00:00.500Z");
    assert_eq!(made["arrival_local"], "2027-06-30T20:00:00.500-04:00");
    assert_eq!(made["duration_minutes"], 120);
}

#[tokio::test]
async fn the_past_is_allowed_and_a_flight_may_last_a_day() {
    let world = World::start().await;
    let past = json!({"departure_datetime": "2020-01-01T00:00:00Z", "arrival_datetime": "2020-01-02T00:00:00Z"});
    let made = create(&world, past).await;
    assert_eq!((&made["status"], &made["duration_minutes"]), (&json!("SCHEDULED"), &json!(1440)));
}

#[tokio::test]
async fn a_number_leaves_an_airport_once_a_local_day() {
    let world = World::start().await;
    let admin = world.admin().await;
    let at = |departure: &str, origin: &str| {
        let leaves = chrono::DateTime::parse_from_rfc3339(departure).unwrap();
        let arrives = (leaves + Duration::hours(5)).to_rfc3339();
        flight_with(json!({"departure_datetime": departure, "arrival_datetime": arrives, "origin": origin}))
    };
    // 18:29Z and 18:31Z of one UTC day are two days in Delhi.
    admin.post(FLIGHTS, at("2026-11-21T18:29:00Z", "DEL")).await.expect(201);
    admin.post(FLIGHTS, at("2026-11-21T18:30:00Z", "DEL")).await.expect(201);
    // 22 November in Delhi, on two UTC days.
    admin.post(FLIGHTS, at("2026-11-22T18:29:00Z", "DEL")).await.expect_problem(409, "already_exists");
    admin.post(FLIGHTS, at("2026-11-22T18:30:00Z", "DEL")).await.expect(201);
    // The same number from elsewhere is another flight; so is another number.
    admin.post(FLIGHTS, at("2026-11-21T18:29:00Z", "BOM")).await.expect(201);
    let mut other = at("2026-11-21T18:29:00Z", "DEL");
    other["flight_number"] = json!("AI102");
    admin.post(FLIGHTS, other).await.expect(201);
}

#[tokio::test]
async fn a_cancelled_flight_does_not_block_its_number() {
    let world = World::start().await;
    let made = create(&world, json!({})).await;
    let mut owner = world.database.owner().await;
    sqlx::query("update flights set cancelled_at = now() where id = $1")
        .bind(id_of(&made))
        .execute(&mut owner)
        .await
        .unwrap();
    let again = create(&world, json!({})).await;
    assert_ne!(again["id"], made["id"]);
}

#[tokio::test]
async fn one_of_ten_concurrent_creations_of_a_flight_succeeds() {
    let world = World::start().await;
    let admin = world.admin().await;
    let calls = (0..10).map(|_| {
        let admin = admin.clone();
        tokio::spawn(async move { admin.post(FLIGHTS, flight()).await })
    });
    let mut created = 0;
    for call in calls.collect::<Vec<_>>() {
        let answer = call.await.unwrap();
        if answer.status == 201 {
            created += 1;
        } else {
            answer.expect_problem(409, "already_exists");
        }
    }
    assert_eq!(created, 1);
    assert_eq!(world.anonymous().get(FLIGHTS).await.expect(200).as_array().unwrap().len(), 1);
    world.audit().await;
}

#[tokio::test]
async fn a_new_flight_has_its_first_event_ledger_entry_and_message() {
    let world = World::start().await;
    let made = create(&world, json!({"aircraft_code": "77X", "cutoff_minutes": 30})).await;
    let id = id_of(&made);
    let mut owner = world.database.owner().await;

    let event = sqlx::query("select sequence, event_type, actor_id, data, occurred_at = $2 as at_once from flight_events where flight_id = $1")
        .bind(id)
        .bind(world.now())
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!((event.get::<i32, _>("sequence"), event.get::<&str, _>("event_type")), (1, "CREATED"));
    assert!(event.get::<Option<Uuid>, _>("actor_id").is_some());
    assert!(event.get::<bool, _>("at_once"));
    let data: Value = event.get("data");
    assert_eq!(
        data,
        json!({
            "version": 1, "flight_number": "AI101", "origin": "DEL", "destination": "LHR",
            "departure_at": "2026-11-21T10:00:00Z", "arrival_at": "2026-11-21T19:30:00Z",
            "scheduled_departure_at": "2026-11-21T10:00:00Z", "scheduled_arrival_at": "2026-11-21T19:30:00Z",
            "actual_departure_at": null, "actual_arrival_at": null, "status": "SCHEDULED",
            "scheduled_date": "2026-11-21", "aircraft_code": "77X", "is_freighter": true,
            "capacity_weight_hg": 10_000, "capacity_volume_l": 653_000, "capacity_positions": 37,
            "overbooking": {"weight_percent": 0, "volume_percent": 0, "positions_percent": 0},
            "physical_weight_hg": 10_000, "physical_volume_l": 653_000, "physical_positions": 37,
            "cutoff_at": "2026-11-21T09:30:00Z",
        })
    );

    let entry = sqlx::query("select kind, seq, weight_hg, capacity_weight_hg, capacity_volume_l, capacity_positions, booked_weight_hg from capacity_ledger where flight_id = $1")
        .bind(id)
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert_eq!((entry.get::<&str, _>("kind"), entry.get::<i64, _>("seq")), ("CAPACITY_SET", 1));
    let figures = ["weight_hg", "capacity_weight_hg", "capacity_volume_l", "capacity_positions", "booked_weight_hg"];
    assert_eq!(figures.map(|column| entry.get::<i64, _>(column)), [0, 10_000, 653_000, 37, 0]);

    let messages: Vec<(String, i32)> =
        sqlx::query_as("select event_type, sequence from outbox where aggregate = 'flight' and aggregate_id = $1")
            .bind(id)
            .fetch_all(&mut owner)
            .await
            .unwrap();
    assert_eq!(messages, [("CREATED".to_owned(), 1)]);
    world.audit().await;
}

#[tokio::test]
async fn a_refused_flight_leaves_no_trace() {
    let world = World::start().await;
    create(&world, json!({})).await;
    let admin = world.admin().await;
    admin.post(FLIGHTS, flight()).await.expect_problem(409, "already_exists");
    admin.post(FLIGHTS, flight_with(json!({"origin": "QQQ"}))).await.expect_faults();
    let mut owner = world.database.owner().await;
    for table in ["flights", "flight_capacity", "capacity_ledger", "flight_events", "outbox"] {
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("select count(*) from {table}")))
            .fetch_one(&mut owner)
            .await
            .unwrap();
        assert_eq!(count, 1, "{table}");
    }
}
