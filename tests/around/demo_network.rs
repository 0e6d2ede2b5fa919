//! The timetable to try things with.
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use loadmaster::cli::demo_timetable;
use loadmaster_flights::NewFlight;
use loadmaster_kernel::AirportCode;
use loadmaster_reference::{Airport, Reference};
use loadmaster_testkit::{TestDatabase, World, WorldOptions, command::loadmaster, import::HEADER};
use serde_json::{Value, json};

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn airport(reference: &Reference, code: AirportCode) -> Arc<Airport> {
    reference.airport(code).unwrap()
}

fn leaves_on(reference: &Reference, flight: &NewFlight) -> NaiveDate {
    airport(reference, flight.origin).local_date(flight.departure)
}

/// The pairs that have neither a direct service on that date nor a connection by the rules of route search. Each flight is
/// given with the local date on which it leaves.
fn unconnected(reference: &Reference, flights: &[(NaiveDate, NewFlight)], on: NaiveDate) -> Vec<[AirportCode; 2]> {
    let mut by_origin = HashMap::<AirportCode, Vec<(NaiveDate, &NewFlight)>>::new();
    for (date, flight) in flights.iter().filter(|(date, _)| *date <= on + Days::new(1)) {
        by_origin.entry(flight.origin).or_default().push((*date, flight));
    }
    let from = |origin: AirportCode| by_origin.get(&origin).map(Vec::as_slice).unwrap_or_default();
    let mut missing = Vec::new();
    let airports: Vec<_> = demo_timetable::airports(reference).into_iter().map(|airport| airport.code).collect();
    for origin in airports.iter().copied() {
        let mut reached = HashSet::new();
        for (_, first) in from(origin).iter().filter(|(date, _)| *date == on) {
            reached.insert(first.destination);
            let earliest = first.arrival + TimeDelta::minutes(120);
            let onward = from(first.destination).iter().filter(|(_, next)| next.departure >= earliest);
            reached.extend(onward.map(|(_, next)| next.destination));
        }
        let others = airports.iter().filter(|other| **other != origin && !reached.contains(*other));
        missing.extend(others.map(|other| [origin, *other]));
    }
    missing
}

#[test]
fn the_timetable_is_the_same_whenever_it_is_made() {
    let reference = &Reference::bundled().unwrap();
    let first = demo_timetable::timetable(reference, date("2026-11-20"), 30);
    assert_eq!(first, demo_timetable::timetable(reference, date("2026-11-20"), 30));
    // Made in parts it is the same, too.
    let parts = [
        demo_timetable::timetable(reference, date("2026-11-20"), 11),
        demo_timetable::timetable(reference, date("2026-12-01"), 19),
    ];
    assert_eq!(first, parts.concat());
    // And the same services go every day: as many flights, under the same numbers.
    let numbers = |day: &str| -> BTreeSet<_> {
        demo_timetable::timetable(reference, date(day), 1)
            .iter()
            .map(|flight| (flight.number, flight.origin, flight.destination))
            .collect()
    };
    assert_eq!(numbers("2026-11-20"), numbers("2027-03-28"));
}

#[test]
fn it_spans_all_inhabited_continents_with_wide_bodies_and_freighters() {
    let reference = &Reference::bundled().unwrap();
    let airports = demo_timetable::airports(reference);
    let codes: BTreeSet<_> = airports.iter().map(|airport| airport.code).collect();
    assert_eq!(codes.len(), airports.len(), "none twice");
    assert!(codes.len() >= 60, "{}", codes.len());
    for (continent, members) in [
        ("Africa", ["JNB", "NBO", "LOS", "CAI"]),
        ("Asia", ["DEL", "SIN", "NRT", "DXB"]),
        ("Europe", ["FRA", "LHR", "MAD", "HEL"]),
        ("North America", ["JFK", "LAX", "MEX", "YYZ"]),
        ("South America", ["GRU", "BOG", "SCL", "LIM"]),
        ("Oceania", ["SYD", "MEL", "AKL", "PER"]),
    ] {
        let missing: Vec<_> = members.iter().filter(|code| !codes.contains(&code.parse().unwrap())).collect();
        assert!(missing.is_empty(), "{continent} lacks {missing:?}");
    }
    let day = demo_timetable::timetable(reference, date("2026-11-20"), 1);
    let served: BTreeSet<_> = day.iter().flat_map(|flight| [flight.origin, flight.destination]).collect();
    assert_eq!(served, codes);
    let (freighters, wide_bodies) = day.iter().partition::<Vec<_>, _>(|flight| flight.is_freighter);
    assert!(freighters.len() > 50 && wide_bodies.len() > 50, "{} {}", freighters.len(), wide_bodies.len());
    assert!(wide_bodies.iter().all(|flight| flight.capacity.positions.count() > 0), "each takes unit load devices");
}

#[test]
fn its_flights_are_such_as_could_be_put_on_the_schedule_by_hand() {
    let reference = &Reference::bundled().unwrap();
    let mut names = BTreeSet::new();
    for flight in demo_timetable::timetable(reference, date("2026-11-20"), 3) {
        let takes = flight.arrival - flight.departure;
        assert!(takes >= TimeDelta::minutes(40) && takes <= TimeDelta::hours(24), "{flight:?}");
        let (from, to) = (airport(reference, flight.origin), airport(reference, flight.destination));
        // Block times follow from the distance: between 300 and 900 km/h, with forty minutes on the ground.
        let hours = (takes - TimeDelta::minutes(40)).num_minutes() as f64 / 60.0;
        let speed = from.distance_km(&to) / hours;
        assert!(hours < 0.2 || (300.0..=900.0).contains(&speed), "{flight:?}: {speed} km/h");
        assert!(reference.airline(flight.number.airline()).is_some());
        let aircraft = reference.aircraft(flight.aircraft.unwrap()).unwrap();
        assert_eq!(flight.is_freighter, aircraft.is_freighter);
        assert_eq!(flight.capacity.weight, aircraft.max_cargo);
        assert!(names.insert((flight.number, flight.origin, leaves_on(reference, &flight))), "{flight:?} twice");
    }
}

#[test]
fn any_two_of_its_airports_are_connected_on_every_date() {
    let reference = &Reference::bundled().unwrap();
    for (today, days) in [
        // The first, a middle and the last of the thirty days.
        ("2026-11-20", [0, 14, 29]),
        // When clocks change in the United States, Europe and Australia.
        ("2027-03-13", [0, 1, 2]),
        ("2027-03-27", [0, 1, 2]),
        ("2027-04-03", [0, 1, 2]),
        ("2027-10-02", [0, 1, 2]),
        ("2027-10-30", [0, 1, 2]),
        ("2027-11-06", [0, 1, 2]),
    ] {
        // Of what `demo_timetable::extend` puts on the schedule when this is the UTC date, the days up to the one after the
        // last: no connection leaves later.
        let (today, last) = (date(today), days[2]);
        let flights = demo_timetable::timetable(reference, today - Days::new(1), last + 3);
        let flights: Vec<_> = flights.into_iter().map(|flight| (leaves_on(reference, &flight), flight)).collect();
        for day in days {
            let on = today + Days::new(day);
            let missing = unconnected(reference, &flights, on);
            assert!(missing.is_empty(), "{on}: {} pairs, such as {:?}", missing.len(), missing.first());
        }
    }
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % most
    }
}

/// In a world with the whole timetable.
async fn assert_search_finds_a_way_between_any_two(world: &World) {
    let reference: Reference = world.state().service().unwrap();
    let airports = demo_timetable::airports(&reference);
    let mut dice = Dice(2026);
    let today = world.now().date_naive();
    for round in 0..30 {
        let origin = &airports[dice.below(airports.len())];
        let others: Vec<_> = airports.iter().filter(|airport| airport.code != origin.code).collect();
        let destination = others[dice.below(others.len())];
        // The first and the last day among them.
        let on = today + Days::new([0, 29, dice.below(30) as u64][round % 3]);
        let question =
            json!({"origin": origin.code.as_str(), "destination": destination.code.as_str(), "departure_date": on});
        let found = world.anonymous().post("/api/v1/routes/search", question.clone()).await.expect(200);
        let count = |list: &str| found[list].as_array().unwrap().len();
        assert!(count("direct_flights") + count("transit_routes") > 0, "{question}");
    }
}

async fn flights_by_date(world: &World) -> BTreeMap<NaiveDate, i64> {
    let rows: Vec<(NaiveDate, i64)> =
        sqlx::query_as("select scheduled_date, count(*) from flights group by scheduled_date")
            .fetch_all(&mut world.database.owner().await)
            .await
            .unwrap();
    rows.into_iter().collect()
}

/// A flight that now leaves half an hour later and has less room than the timetable says, and is booked.
async fn changed_and_booked(world: &World) -> Value {
    let (anyone, admin) = (world.anonymous(), world.admin().await);
    let date = world.now().date_naive() + Days::new(5);
    let listed = anyone.get(&format!("/api/v1/flights?origin=DEL&departure_date={date}&limit=1")).await.expect(200);
    let later = |member: &str| {
        let instant = DateTime::parse_from_rfc3339(listed[0][member].as_str().unwrap()).unwrap();
        (instant + TimeDelta::minutes(30)).to_rfc3339()
    };
    let text = |member: &str| listed[0][member].as_str().unwrap().to_owned();
    let row = [
        text("flight_number"),
        text("origin"),
        text("destination"),
        later("departure_datetime"),
        later("arrival_datetime"),
        text("aircraft_code"),
        "900,,,".to_owned(),
    ];
    let table = format!("{HEADER}\n{}\n", row.join(","));
    let done = admin.post_raw("/api/v1/flights/import", "text/csv", table).await.expect(200);
    assert_eq!(done["updated"], 1);
    let order = json!({"origin": text("origin"), "destination": text("destination"), "pieces": 1, "weight_kg": 1,
                       "flight_ids": [text("id")]});
    world.customer().await.post("/api/v1/bookings", order).await.expect(201);
    anyone.get(&format!("/api/v1/flights/{}", text("id"))).await.expect(200)
}

/// Takes seconds: the timetable has more than 10 000 flights. All that needs the whole of it is looked at in one world.
#[tokio::test]
async fn it_is_loaded_once_searched_and_rolled_on_and_what_is_there_is_left_alone() {
    let database = TestDatabase::light().await;
    let load = async || loadmaster(&["flights", "demo"]).on(&database).run().await.succeeded();
    let told = load().await;
    let first: i64 = told.trim().strip_prefix("created: ").and_then(|count| count.parse().ok()).expect("a number");
    assert!(first > 10_000, "{told}");
    // The command goes by the system's clock.
    let starting = WorldOptions::working().on(&database).prepare().await;
    starting.clock.set(Utc::now());
    let world = Box::pin(starting.launch()).await;
    let before = flights_by_date(&world).await;
    let (yesterday, days) = (world.now().date_naive() - Days::new(1), 33);
    assert_eq!(before.keys().copied().collect::<Vec<_>>(), yesterday.iter_days().take(days).collect::<Vec<_>>());
    assert_search_finds_a_way_between_any_two(&world).await;

    assert_eq!(first, before.values().sum::<i64>());
    let changed = changed_and_booked(&world).await;
    assert_eq!(load().await, "created: 0\n");
    assert_eq!(flights_by_date(&world).await, before);

    world.clock.advance(TimeDelta::days(3));
    let per_day = before.values().copied().max().unwrap();
    let rolled = demo_timetable::extend(world.state()).await.unwrap();
    assert_eq!(i64::try_from(rolled).unwrap(), 3 * per_day, "three new days");
    let after = flights_by_date(&world).await;
    let new: Vec<_> = after.keys().filter(|day| !before.contains_key(day)).copied().collect();
    let last = *before.keys().last().unwrap();
    assert_eq!(new, [1, 2, 3].map(|day| last + Days::new(day)));
    assert!(before.iter().all(|(day, count)| after[day] == *count));
    let id = changed["id"].as_str().unwrap();
    let touched = world.texts("select id::text from flights where updated_at <> created_at").await;
    assert_eq!(touched, [id], "no other flight was touched");
    assert_eq!(world.anonymous().get(&format!("/api/v1/flights/{id}")).await.expect(200), changed);
    world.audit().await;
}
