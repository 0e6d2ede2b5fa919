//! Whatever the network, a group search answers what a look at all combinations of the single searches gives.
use std::{cmp::Reverse, collections::HashMap};

use loadmaster_testkit::{
    Dice, NewFlight, World,
    pricing::{TARIFFS, flat, make},
};
use serde_json::{Value, json};

use super::ranked;

const ORIGINS: [&str; 3] = ["DEL", "BOM", "MAA"];
const DAYS: [&str; 12] = [
    "2026-11-21",
    "2026-11-22",
    "2026-11-23",
    "2026-11-24",
    "2026-11-25",
    "2026-11-26",
    "2026-11-27",
    "2026-11-28",
    "2026-11-29",
    "2026-11-30",
    "2026-12-01",
    "2026-12-02",
];
const MOST: usize = 20;

/// What comes first: what can be booked, what meets on one last flight, the lower price in cents, the earlier last arrival.
type Key = (Reverse<bool>, Reverse<bool>, i64, String);

/// For each origin a direct flight at most, and up to two to Dubai and two from there: five routes.
async fn draw(world: &World, dice: &mut Dice, date: &str) {
    let mut number = 0;
    let mut flights = Vec::new();
    let mut add = |airline: &str, origin, destination, (hour, least): (u64, u64), dice: &mut Dice| {
        number += 1;
        let departs = format!("{date}T{:02}:{:02}:00Z", hour + dice.below(2), 15 * dice.below(4));
        let flight = NewFlight::new(&format!("{airline}{number}"), origin, destination).departs(&departs);
        let room = 100.0 * (least + dice.below(4)) as f64;
        flights.push(flight.weight(room).takes_minutes(120));
    };
    for origin in ORIGINS {
        if dice.below(3) > 0 {
            add("AI", origin, "LHR", (9, 1), dice);
        }
        for _ in 0..=dice.below(2) {
            add("EK", origin, "DXB", (2, 1), dice);
        }
    }
    for _ in 0..=dice.below(2) {
        add("EK", "DXB", "LHR", (8, 3), dice);
    }
    for flight in flights {
        world.flight(flight).await;
    }
}

fn cents(price: &Value) -> i64 {
    price["amount"].as_str().unwrap().replace('.', "").parse().unwrap()
}

fn flights(option: &Value) -> &Vec<Value> {
    option["flights"].as_array().unwrap()
}

/// The order of one route for each origin, with its kilograms.
fn key(routes: &[(u64, &Value)]) -> Key {
    let mut sums = HashMap::<&str, (u64, f64)>::new();
    for (kilograms, option) in routes {
        for flight in flights(option) {
            let room = flight["available"]["weight_kg"].as_f64().unwrap();
            sums.entry(flight["id"].as_str().unwrap()).or_insert((0, room)).0 += kilograms;
        }
    }
    let fits = sums.values().all(|(sum, room)| *sum as f64 <= *room);
    let lasts: Vec<&Value> = routes.iter().map(|(_, option)| &flights(option).last().unwrap()["id"]).collect();
    let arrivals = routes.iter().map(|(_, option)| option["arrival_datetime"].as_str().unwrap());
    (
        Reverse(fits && routes.iter().all(|(_, option)| option["bookable"] == true)),
        Reverse(lasts.iter().all(|last| *last == lasts[0])),
        routes.iter().map(|(_, option)| cents(&option["price"]["total"])).sum(),
        arrivals.max().unwrap().to_owned(),
    )
}

/// The orders of all combinations of the options of each origin, the best first.
fn expected(of_origins: &[(u64, Value)]) -> Vec<Key> {
    let mut combinations = vec![vec![]];
    for (kilograms, options) in of_origins {
        let longer = |combination: Vec<_>| {
            let options = options.as_array().unwrap().iter();
            options.map(move |option| combination.iter().copied().chain([(*kilograms, option)]).collect::<Vec<_>>())
        };
        combinations = combinations.into_iter().flat_map(longer).collect();
    }
    let mut keys: Vec<Key> = combinations.iter().map(|routes| key(routes)).collect();
    keys.sort();
    keys.truncate(MOST);
    keys
}

/// Takes seconds: some hundred flights are made.
#[tokio::test]
async fn combinations_are_the_best_of_all_routes_of_the_single_searches() {
    let world = World::start().await;
    let (admin, anyone, mut dice) = (world.admin().await, world.anonymous(), Dice::new(20_261_128));
    make(&admin, TARIFFS, flat("DIRECT", "3", json!({"airline_code": "AI"}))).await;
    make(&admin, TARIFFS, flat("DUBAI", "2", json!({"airline_code": "EK"}))).await;
    let (mut common, mut refused) = (0, 0);
    for date in DAYS {
        draw(&world, &mut dice, date).await;
        let mut of_origins = Vec::new();
        let mut parts = Vec::new();
        for origin in ORIGINS {
            let kilograms = 50 * (1 + dice.below(4));
            let query = format!(
                "origin={origin}&destination=LHR&departure_date={date}&weight_kg={kilograms}&volume_m3=0.2&price=true"
            );
            of_origins.push((kilograms, ranked(&world, &query).await));
            // In two parts.
            for _ in 0..2 {
                parts.push(json!({"origin": origin, "weight_kg": kilograms / 2, "volume_m3": 0.1}));
            }
        }
        let question = json!({"destination": "LHR", "departure_date": date, "parts": parts, "price": true});
        let answer = anyone.post("/api/v1/routes/group-search", question).await.expect(200);
        let options = answer.as_array().unwrap();
        let found = options.iter().map(|option| {
            (
                Reverse(option["bookable"] == true),
                Reverse(option["common_flight"].is_string()),
                cents(&option["price"]),
                option["last_arrival"].as_str().unwrap().to_owned(),
            )
        });
        assert_eq!(found.collect::<Vec<Key>>(), expected(&of_origins), "{date}");
        common +=
            options.iter().filter(|option| option["bookable"] == true && option["common_flight"].is_string()).count();
        refused += options.iter().filter(|option| option["bookable"] == false).count();
    }
    assert!(common > 0 && refused > 0, "{common} meet on one flight, {refused} do not fit");
}
