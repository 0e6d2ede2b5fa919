//! The departure date is the calendar date at the origin airport.
use loadmaster_testkit::{NewFlight, World, WorldOptions, until, until_it_follows};

use super::{direct, search, transit};

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
    // What is changed behind the API is found as soon as the server follows.
    until("the change is found", async || direct(&search(&world, "DEL", "LHR", "2026-11-22").await) == ["AI101"]).await;
    assert_eq!(direct(&search(&world, "DEL", "LHR", "2026-11-21").await), [""; 0]);
}

/// What is found in memory is found in the tables too: of a server that follows changes, and of one that does not.
async fn both(flights: &[NewFlight], looking: impl AsyncFn(&World)) {
    for options in [WorldOptions::working(), WorldOptions::default()] {
        let follows = options.with_workers;
        let world = options.start().await;
        for flight in flights {
            world.flight(flight.clone()).await;
        }
        if follows {
            until_it_follows(&world).await;
        }
        looking(&world).await;
    }
}

/// A flight that departs at this local time and takes so many minutes.
fn local(number: &str, lane: (&'static str, &'static str), departure: &str, minutes: i64) -> NewFlight {
    NewFlight::new(number, lane.0, lane.1).departs(departure).takes_minutes(minutes)
}

#[tokio::test]
async fn connections_in_the_nights_in_which_clocks_change_count_real_minutes_and_local_days() {
    // (airport, before the night, its day, the days' offsets before and after)
    let nights = [
        ("LHR", ["2027-03-27", "2027-03-28", "2027-03-29"], ["+00:00", "+01:00"]),
        ("LHR", ["2027-10-30", "2027-10-31", "2027-11-01"], ["+01:00", "+00:00"]),
        ("JFK", ["2027-03-13", "2027-03-14", "2027-03-15"], ["-05:00", "-04:00"]),
        ("JFK", ["2027-11-06", "2027-11-07", "2027-11-08"], ["-04:00", "-05:00"]),
    ];
    let flights = nights.map(|(via, [eve, day, after], [before, later])| {
        // In at half past midnight by the clock of the eve, when the clocks have not been changed yet.
        let inbound = local("AI1", ("YYT", via), &format!("{eve}T18:30:00{before}"), 360);
        let minutes = |number, minutes: i64| {
            let arrival: chrono::DateTime<chrono::FixedOffset> = format!("{day}T00:30:00{before}").parse().unwrap();
            let departure = (arrival + chrono::TimeDelta::minutes(minutes)).to_utc().to_rfc3339();
            local(number, (via, "DEL"), &departure, 500)
        };
        [
            inbound,
            // By the clocks, an hour more or less: what counts is 120 minutes.
            minutes("AI2", 119),
            minutes("AI3", 120),
            // The last minute of the day after the departure date, by the new clocks, and the first one after it.
            local("AI4", (via, "DEL"), &format!("{day}T23:59:00{later}"), 500),
            local("AI5", (via, "DEL"), &format!("{after}T00:00:00{later}"), 500),
        ]
    });
    both(flights.as_flattened(), async |world| {
        for (via, [eve, day, _], _) in nights {
            let found = search(world, "YYT", "DEL", eve).await;
            assert_eq!(transit(&found), ["AI1+AI3", "AI1+AI4"], "{via} {day}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_journey_over_the_date_line_keeps_the_days_of_each_airport() {
    // From Apia (+13) at noon on the 22nd to Pago Pago (−11) at 12:40 on the 21st, half an hour's flight away.
    let flights = [
        local("AI1", ("APW", "PPG"), "2026-11-22T12:00:00+13:00", 40),
        // On the 21st there, after two hours on the ground.
        local("AI2", ("PPG", "HNL"), "2026-11-21T14:39:00-11:00", 330),
        local("AI3", ("PPG", "HNL"), "2026-11-21T14:40:00-11:00", 330),
        // The day after the departure date is the 23rd, which begins a day later there.
        local("AI4", ("PPG", "HNL"), "2026-11-23T23:59:00-11:00", 330),
        local("AI5", ("PPG", "HNL"), "2026-11-24T00:00:00-11:00", 330),
        // The other way, the 21st begins a day later.
        local("AI6", ("PPG", "APW"), "2026-11-21T23:30:00-11:00", 40),
        local("AI7", ("APW", "AKL"), "2026-11-23T02:09:00+13:00", 240),
        local("AI8", ("APW", "AKL"), "2026-11-23T02:10:00+13:00", 240),
    ];
    both(&flights, async |world| {
        let found = search(world, "APW", "HNL", "2026-11-22").await;
        assert_eq!(transit(&found), ["AI1+AI3", "AI1+AI4"]);
        // By the clocks of Apia it lands on the 23rd: the day after the departure date has passed.
        assert_eq!(transit(&search(world, "PPG", "AKL", "2026-11-21").await), [""; 0]);
        assert_eq!(direct(&search(world, "PPG", "APW", "2026-11-21").await), ["AI6"]);
    })
    .await;
}

#[tokio::test]
async fn an_airport_half_an_hour_off_has_days_of_its_own() {
    let flights = [
        local("AI1", ("LHR", "DEL"), "2026-11-21T12:00:00+00:00", 540),
        local("AI2", ("DEL", "KTM"), "2026-11-22T23:59:00+05:30", 100),
        local("AI3", ("DEL", "KTM"), "2026-11-23T00:00:00+05:30", 100),
        local("AI4", ("KTM", "DEL"), "2026-11-22T23:59:00+05:45", 100),
        local("AI5", ("KTM", "DEL"), "2026-11-23T00:00:00+05:45", 100),
    ];
    both(&flights, async |world| {
        assert_eq!(transit(&search(world, "LHR", "KTM", "2026-11-21").await), ["AI1+AI2"]);
        assert_eq!(direct(&search(world, "KTM", "DEL", "2026-11-22").await), ["AI4"]);
        assert_eq!(direct(&search(world, "KTM", "DEL", "2026-11-23").await), ["AI5"]);
    })
    .await;
}

/// British Columbia stays at -07 from November 2026 on (release 2026b of the time zone database).
#[tokio::test]
async fn a_departure_date_follows_the_rules_of_time_zones_of_2026() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI9", "YVR", "LHR").departs("2027-01-17T07:30:00Z")).await;
    assert_eq!(flight["departure_local"], "2027-01-17T00:30:00-07:00");
    assert_eq!(direct(&search(&world, "YVR", "LHR", "2027-01-17").await), ["AI9"]);
    assert_eq!(direct(&search(&world, "YVR", "LHR", "2027-01-16").await), [""; 0]);
}
