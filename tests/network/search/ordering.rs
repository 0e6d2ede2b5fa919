//! In which order options are told.
use loadmaster_testkit::{NewFlight, World, freight::text};

use super::{direct, from_bombay, names, ranked, search, to_bombay, transit};

const QUERY: &str = "origin=DEL&destination=LHR&departure_date=2026-11-21";

fn straight(number: &str, leaves: &str, minutes: i64) -> NewFlight {
    NewFlight::new(number, "DEL", "LHR").departs(&format!("2026-11-21T{leaves}:00Z")).takes_minutes(minutes)
}

#[tokio::test]
async fn direct_flights_go_by_departure_and_connections_by_arrival() {
    let world = World::working().await;
    world.flight(straight("AI1", "12:00", 60)).await;
    world.flight(straight("AI2", "10:00", 600)).await;
    world.flight(straight("AI3", "11:00", 300)).await;
    world.flight(to_bombay("AI11")).await;
    world.flight(from_bombay("AI12", "16:00").takes_minutes(300)).await;
    world.flight(from_bombay("AI13", "15:00").takes_minutes(600)).await;
    world.flight(from_bombay("AI14", "17:00").takes_minutes(200)).await;
    let found = search(&world, "DEL", "LHR", "2026-11-21").await;
    assert_eq!(direct(&found), ["AI2", "AI3", "AI1"]);
    assert_eq!(transit(&found), ["AI11+AI14", "AI11+AI12", "AI11+AI13"]);
}

#[tokio::test]
async fn the_ranked_list_has_the_order_of_its_sort_key() {
    let world = World::working().await;
    // Leaves, arrives, takes: AI1 10:00 20:00 600 · AI2 08:00 21:00 780 · AI3 11:00 22:00 660.
    world.flight(straight("AI1", "10:00", 600)).await;
    world.flight(straight("AI2", "08:00", 780)).await;
    world.flight(straight("AI3", "11:00", 660)).await;
    for (sort, expected) in [
        ("", ["AI1", "AI2", "AI3"]),
        ("&sort=arrival", ["AI1", "AI2", "AI3"]),
        ("&sort=duration", ["AI1", "AI3", "AI2"]),
        ("&sort=departure", ["AI2", "AI1", "AI3"]),
        ("&sort=DEPARTURE", ["AI2", "AI1", "AI3"]),
    ] {
        assert_eq!(names(&ranked(&world, &format!("{QUERY}{sort}")).await), expected, "{sort}");
    }
}

#[tokio::test]
async fn equal_arrivals_are_ordered_by_stops_then_duration_then_id() {
    let world = World::working().await;
    // All land at 20:00Z. The connections leave Delhi at 02:30Z and 03:30Z.
    world.flight(to_bombay("AI11")).await;
    world.flight(NewFlight::new("AI12", "DEL", "BOM").departs("2026-11-21T03:30:00Z").takes_minutes(180)).await;
    world.flight(NewFlight::new("AI13", "BOM", "LHR").departs("2026-11-21T12:00:00Z").takes_minutes(480)).await;
    world.flight(straight("AI1", "02:00", 1080)).await;
    let twins = [world.flight(straight("AI2", "09:00", 660)).await, world.flight(straight("AI3", "09:00", 660)).await];
    let mut twins: Vec<(&str, &str)> =
        twins.iter().map(|flight| (text(flight, "id"), text(flight, "flight_number"))).collect();
    twins.sort_unstable();
    let expected = [twins[0].1, twins[1].1, "AI1", "AI12+AI13", "AI11+AI13"];
    assert_eq!(names(&ranked(&world, QUERY).await), expected);
}

#[tokio::test]
async fn ties_of_every_other_key_fall_back_to_arrival() {
    let world = World::working().await;
    world.flight(straight("AI1", "10:00", 600)).await;
    world.flight(straight("AI2", "09:00", 600)).await;
    world.flight(straight("AI3", "10:00", 500)).await;
    assert_eq!(names(&ranked(&world, &format!("{QUERY}&sort=duration")).await), ["AI3", "AI2", "AI1"]);
    assert_eq!(names(&ranked(&world, &format!("{QUERY}&sort=departure")).await), ["AI2", "AI3", "AI1"]);
}
