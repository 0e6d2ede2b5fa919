//! The departure date is the calendar date at the origin airport.
use super::{direct, search};
use crate::support::{NewFlight, World};

#[tokio::test]
async fn a_flight_belongs_to_the_local_date_of_its_origin() {
    let world = World::working().await;
    // One minute before, at, and one minute before the end of 22 November, by the clocks of each airport.
    for (number, origin, offset) in [("AI1", "DEL", "+05:30"), ("AA1", "LAX", "-08:00"), ("NZ1", "CXI", "+14:00")] {
        for (suffix, local) in [
            ("A", "2026-11-21T23:59:00"),
            ("B", "2026-11-22T00:00:00"),
            ("C", "2026-11-22T23:59:00"),
            ("D", "2026-11-23T00:00:00"),
        ] {
            world
                .flight(
                    NewFlight::new(&format!("{number}{suffix}"), origin, "SYD").departs(&format!("{local}{offset}")),
                )
                .await;
        }
        let on = async |date| {
            let found = search(&world, origin, "SYD", date).await;
            direct(&found).iter().map(|number| number[3..].to_owned()).collect::<String>()
        };
        assert_eq!(on("2026-11-21").await, "A", "{origin}");
        assert_eq!(on("2026-11-22").await, "BC", "{origin}");
        assert_eq!(on("2026-11-23").await, "D", "{origin}");
    }
}

#[tokio::test]
async fn the_nights_in_which_clocks_change_have_their_own_length() {
    let world = World::working().await;
    // (day, its first and last minute in UTC): a day of 23 hours, and one of 25.
    let days = [
        ("LHR", "2027-03-28", "2027-03-28T00:00:00Z", "2027-03-28T22:59:00Z"),
        ("LHR", "2027-10-31", "2027-10-30T23:00:00Z", "2027-10-31T23:59:00Z"),
        ("JFK", "2027-03-14", "2027-03-14T05:00:00Z", "2027-03-15T03:59:00Z"),
        ("JFK", "2027-11-07", "2027-11-07T04:00:00Z", "2027-11-08T04:59:00Z"),
    ];
    for (index, (origin, day, first, last)) in days.into_iter().enumerate() {
        let minute = chrono::TimeDelta::minutes(1);
        let instant = |text: &str| chrono::DateTime::parse_from_rfc3339(text).unwrap();
        let departures = [
            ("A", instant(first) - minute),
            ("B", instant(first)),
            ("C", instant(last)),
            ("D", instant(last) + minute),
        ];
        for (suffix, departure) in departures {
            let number = format!("BA{}{suffix}", index + 1);
            world.flight(NewFlight::new(&number, origin, "DEL").departs(&departure.to_rfc3339())).await;
        }
        let found = search(&world, origin, "DEL", day).await;
        assert_eq!(direct(&found), [format!("BA{}B", index + 1), format!("BA{}C", index + 1)], "{origin} {day}");
    }
}

#[tokio::test]
async fn a_past_date_is_answered_but_cannot_be_booked() {
    let world = World::working().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-01T10:00:00Z")).await;
    let found = search(&world, "DEL", "LHR", "2026-11-01").await;
    assert_eq!(direct(&found), ["AI101"]);
    assert_eq!(found["direct_flights"][0]["bookable"], false);
    assert_eq!(found["direct_flights"][0]["reasons"], serde_json::json!(["cutoff_passed"]));
}

#[tokio::test]
async fn the_best_known_departure_decides_and_not_the_scheduled_one() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-21T12:00:00Z")).await;
    let mut owner = world.database.owner().await;
    sqlx::query("update flights set departure_at = departure_at + interval '1 day', arrival_at = arrival_at + interval '1 day' where id = $1")
        .bind(flight["id"].as_str().unwrap().parse::<uuid::Uuid>().unwrap())
        .execute(&mut owner)
        .await
        .unwrap();
    assert_eq!(direct(&search(&world, "DEL", "LHR", "2026-11-21").await), [""; 0]);
    assert_eq!(direct(&search(&world, "DEL", "LHR", "2026-11-22").await), ["AI101"]);
}
