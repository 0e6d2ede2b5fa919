//! Whatever the network, search answers what a naive enumeration of all pairs of flights gives.
use std::cmp::Reverse;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use loadmaster_platform::zones::Zone;
use loadmaster_testkit::{World, import::HEADER};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Value, json};

use super::{ranked, search_for};

/// Far east, far west, half an hour off, with and without summer time.
const AIRPORTS: [(&str, &str); 5] = [
    ("DEL", "Asia/Kolkata"),
    ("LHR", "Europe/London"),
    ("JFK", "America/New_York"),
    ("CXI", "Pacific/Kiritimati"),
    ("HNL", "Pacific/Honolulu"),
];
const DAYS: i64 = 4;

/// A flight of the network; airports by their index.
#[derive(Debug, Clone)]
struct Leg {
    id: String,
    number: u32,
    origin: usize,
    destination: usize,
    departure: DateTime<Utc>,
    arrival: DateTime<Utc>,
    freighter: bool,
    /// In hectograms and litres.
    weight: i64,
    volume: i64,
    cutoff: DateTime<Utc>,
}

/// What is asked.
#[derive(Debug, Clone)]
struct Question {
    origin: usize,
    destination: usize,
    day: u64,
    weight: Option<i64>,
    volume: Option<i64>,
    freighter: bool,
}

/// (number, origin, destination, half hours to departure, half hours in the air, freighter, kilograms, m³, cut-off)
type Draft = (u32, usize, usize, i64, i64, bool, i64, i64, i64);

fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    let draft = (1u32..12, 0usize..5, 0usize..5, 0..DAYS * 48, 1i64..20, any::<bool>(), 1i64..4, 1i64..4, 0i64..6);
    proptest::collection::vec(draft, 60..120)
}

fn questions() -> impl Strategy<Value = Vec<Question>> {
    let question =
        (0usize..5, 1usize..5, 0u64..4, proptest::option::of(1i64..4), proptest::option::of(1i64..4), any::<bool>());
    let question = question.prop_map(|(origin, step, day, weight, volume, freighter)| Question {
        origin,
        destination: (origin + step) % 5,
        day,
        weight: weight.map(|hundreds| hundreds * 1000),
        volume: volume.map(|metres| metres * 1000),
        freighter,
    });
    proptest::collection::vec(question, 6..10)
}

/// The flights of drafts that an airline could plan: no airport to itself, each name once.
fn network(drafts: &[Draft], start: DateTime<Utc>) -> Vec<Leg> {
    let mut names = std::collections::HashSet::new();
    let legs = drafts.iter().map(|&(number, origin, destination, leaves, takes, freighter, weight, volume, cutoff)| {
        let departure = start + TimeDelta::minutes(30 * leaves);
        Leg {
            id: String::new(),
            number,
            origin,
            destination,
            departure,
            arrival: departure + TimeDelta::minutes(30 * takes),
            freighter,
            weight: weight * 1000,
            volume: volume * 1000,
            cutoff: departure - TimeDelta::hours(cutoff),
        }
    });
    legs.filter(|leg| {
        leg.origin != leg.destination && names.insert((leg.number, leg.origin, date_at(leg.origin, leg.departure)))
    })
    .collect()
}

fn date_at(airport: usize, instant: DateTime<Utc>) -> NaiveDate {
    Zone::named(AIRPORTS[airport].1).unwrap().local(instant).date_naive()
}

/// The rules of the contract, as they are written there.
fn enumerate<'a>(legs: &'a [Leg], question: &Question, date: NaiveDate) -> Vec<Vec<&'a Leg>> {
    let mut options = Vec::new();
    for first in legs.iter().filter(|leg| leg.origin == question.origin && date_at(leg.origin, leg.departure) == date) {
        if first.destination == question.destination {
            options.push(vec![first]);
            continue;
        }
        for second in
            legs.iter().filter(|leg| leg.origin == first.destination && leg.destination == question.destination)
        {
            let minimum = if first.number == second.number { 0 } else { 120 };
            let in_time = second.departure >= first.arrival + TimeDelta::minutes(minimum);
            if in_time && date_at(second.origin, second.departure) <= date + Days::new(1) {
                options.push(vec![first, second]);
            }
        }
    }
    options
}

fn reasons(option: &[&Leg], question: &Question, now: DateTime<Utc>) -> Vec<&'static str> {
    // 100 kg take 600 litres at 166.667 kg per m³.
    let volume = question.volume.or(question.weight.map(|hectograms| (hectograms * 100_000 + 166_666) / 166_667));
    let exceeds = |wanted: Option<i64>, room: fn(&Leg) -> i64| wanted > option.iter().map(|leg| room(leg)).min();
    let all = [
        (exceeds(question.weight, |leg| leg.weight), "weight_exceeded"),
        (exceeds(volume, |leg| leg.volume), "volume_exceeded"),
        (option.iter().any(|leg| leg.cutoff <= now), "cutoff_passed"),
        (question.freighter && !option.iter().all(|leg| leg.freighter), "cargo_aircraft_only"),
    ];
    all.into_iter().filter(|(holds, _)| *holds).map(|(_, reason)| reason).collect()
}

/// What is compared: the flights of each option in order, and its reasons.
type Told = Vec<(Vec<String>, Vec<String>)>;

fn told(options: &[Vec<&Leg>], question: &Question, now: DateTime<Utc>) -> Told {
    let strings = |words: Vec<&'static str>| words.into_iter().map(str::to_owned).collect();
    options.iter().map(|option| (ids(option), strings(reasons(option, question, now)))).collect()
}

fn ids(option: &[&Leg]) -> Vec<String> {
    option.iter().map(|leg| leg.id.clone()).collect()
}

fn read(options: &Value) -> Told {
    let strings = |list: &Value, member: Option<&str>| {
        let value = |entry: &Value| member.map_or(entry, |member| &entry[member]).as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(value).collect::<Vec<_>>()
    };
    let options = options.as_array().unwrap().iter();
    options
        .map(|option| {
            assert_eq!(option["bookable"] == true, option["reasons"] == json!([]));
            let flights = if option["flights"].is_array() {
                strings(&option["flights"], Some("id"))
            } else {
                vec![option["id"].as_str().unwrap().to_owned()]
            };
            (flights, strings(&option["reasons"], None))
        })
        .collect()
}

/// Puts the network on the schedule; fills in the ids.
async fn schedule(world: &World, legs: &mut [Leg]) {
    let rows = legs.iter().map(|leg| {
        let (origin, destination) = (AIRPORTS[leg.origin].0, AIRPORTS[leg.destination].0);
        let aircraft = if leg.freighter { "77X" } else { "77W" };
        let cutoff = (leg.departure - leg.cutoff).num_minutes();
        let (departure, arrival) = (leg.departure.to_rfc3339(), leg.arrival.to_rfc3339());
        let (kilograms, metres) = (leg.weight / 10, leg.volume / 1000);
        format!(
            "AI{},{origin},{destination},{departure},{arrival},{aircraft},{kilograms},{metres},0,{cutoff}",
            leg.number
        )
    });
    let table = std::iter::once(HEADER.to_owned()).chain(rows).collect::<Vec<_>>().join("\n");
    let admin = world.admin().await;
    let done = admin.post_raw("/api/v1/flights/import", "text/csv", table).await.expect(200);
    assert_eq!(done["created"], legs.len());
    let mut owner = world.database.owner().await;
    let ids: Vec<String> = sqlx::query_scalar(
        "select f.id::text
         from unnest($1::text[], $2::text[], $3::timestamptz[]) with ordinality as leg (number, origin, departure, place)
         join flights f on (f.flight_number, f.origin, f.departure_at) = (leg.number, leg.origin, leg.departure)
         order by place",
    )
    .bind(legs.iter().map(|leg| format!("AI{}", leg.number)).collect::<Vec<_>>())
    .bind(legs.iter().map(|leg| AIRPORTS[leg.origin].0).collect::<Vec<_>>())
    .bind(legs.iter().map(|leg| leg.departure).collect::<Vec<_>>())
    .fetch_all(&mut owner)
    .await
    .unwrap();
    assert_eq!(ids.len(), legs.len());
    for (leg, id) in legs.iter_mut().zip(ids) {
        leg.id = id;
    }
}

async fn compare(world: &World, legs: &[Leg], question: &Question, date: NaiveDate, now: DateTime<Utc>) {
    let (origin, destination) = (AIRPORTS[question.origin].0, AIRPORTS[question.destination].0);
    let mut body = json!({"limit": 200});
    let mut query = format!("origin={origin}&destination={destination}&departure_date={date}&limit=200");
    if let Some(hectograms) = question.weight {
        body["weight_kg"] = json!(hectograms / 10);
        query.push_str(&format!("&weight_kg={}", hectograms / 10));
    }
    if let Some(litres) = question.volume {
        body["volume_m3"] = json!(litres / 1000);
        query.push_str(&format!("&volume_m3={}", litres / 1000));
    }
    if question.freighter {
        body["special_handling_codes"] = json!(["CAO"]);
        query.push_str("&special_handling_codes=CAO");
    }
    let options = enumerate(legs, question, date);
    let closed = |option: &[&Leg]| !reasons(option, question, now).is_empty();
    let arrival = |option: &[&Leg]| option.last().unwrap().arrival;
    let duration = |option: &[&Leg]| arrival(option) - option[0].departure;
    let rank = |option: &[&Leg]| (arrival(option), option.len(), duration(option), ids(option));

    let (mut direct, mut transit): (Vec<_>, Vec<_>) = options.clone().into_iter().partition(|option| option.len() == 1);
    direct.sort_by_key(|option| (closed(option), option[0].departure, rank(option)));
    transit.sort_by_key(|option| (closed(option), rank(option)));
    let found = search_for(world, origin, destination, &date.to_string(), body).await;
    assert_eq!(read(&found["direct_flights"]), told(&direct, question, now), "{question:?}");
    assert_eq!(read(&found["transit_routes"]), told(&transit, question, now), "{question:?}");

    for sort in ["arrival", "duration", "departure"] {
        let mut all = options.clone();
        all.sort_by_key(|option| {
            let key = match sort {
                "arrival" => TimeDelta::zero(),
                "duration" => duration(option),
                _ => option[0].departure - DateTime::UNIX_EPOCH,
            };
            // Later is larger; what can be booked comes first.
            (Reverse(!closed(option)), key, rank(option))
        });
        let found = ranked(world, &format!("{query}&sort={sort}")).await;
        assert_eq!(read(&found), told(&all, question, now), "{sort} {question:?}");
    }
}

#[test]
fn search_answers_what_a_naive_enumeration_gives() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::working());
    // Each case has weeks of its own in one world. The first lies over the change to summer time in London.
    let week = std::cell::Cell::new(0);
    let options = std::cell::Cell::new(0);
    let config = Config { cases: 16, max_shrink_iters: 64, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let case = |(drafts, questions, passed): (Vec<Draft>, Vec<Question>, i64)| {
        let first: NaiveDate = "2027-03-26".parse().unwrap();
        let first = first + Days::new(14 * week.replace(week.get() + 1));
        let start = first.and_time(chrono::NaiveTime::MIN).and_utc();
        let now = start + TimeDelta::hours(passed);
        let mut legs = network(&drafts, start);
        runtime.block_on(async {
            world.clock.set(now);
            schedule(&world, &mut legs).await;
            for question in &questions {
                let date = first + Days::new(question.day);
                options.set(options.get() + enumerate(&legs, question, date).len());
                compare(&world, &legs, question, date, now).await;
            }
        });
        Ok(())
    };
    runner.run(&(drafts(), questions(), 0..DAYS * 24), case).unwrap();
    assert!(options.get() > 100, "the networks are dense enough to tell something: {}", options.get());
}
