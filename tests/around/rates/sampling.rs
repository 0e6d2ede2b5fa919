use std::collections::BTreeMap;

use loadmaster_accounts::Role;
use loadmaster_search::SearchService;
use loadmaster_testkit::{
    Dice, NewFlight, TestDatabase, World, WorldOptions,
    freight::{order, with},
    notifications::cancel_flight,
    pricing::{TARIFFS, flat, make},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{HISTORY, history, lane, next_slot, only_point, rate, rates, sample, search, until};

#[tokio::test]
async fn a_tariff_that_falls_at_noon_is_the_lowest_price_of_its_day() {
    let (world, tariff) = lane().await;
    assert_eq!(sample(&world).await, 1);
    until(&world, "2026-11-20T12:00:00Z");
    rate(&world, &tariff, 2).await;
    assert_eq!(sample(&world).await, 1);
    for weight in ["100", "300", "1000"] {
        let found = history(&world, &format!("&weight_kg={weight}&departure_date=2026-11-22")).await;
        let point = json!({"period": "2026-11-20", "low": "2", "average": "2.5", "high": "3", "samples": 2});
        assert_eq!(*only_point(&found), point, "{weight}");
        let series = &found["series"][0];
        assert_eq!((&series["source"], &series["currency"]), (&json!("offered"), &json!("USD")));
        assert_eq!(
            (&series["now"], &series["level"], &series["change_percent"]),
            (&json!("2"), &json!(null), &json!(null))
        );
        assert_eq!(found["as_of"], "2026-11-20T12:00:00Z");
        let kilograms: u32 = weight.parse().unwrap();
        let change = |at: &str, rate: u32| {
            let amount = format!("{}.00", kilograms * rate);
            json!({"sampled_at": at, "price": {"amount": amount, "currency": "USD"}, "per_kg": rate.to_string(),
                   "airline_code": "AI"})
        };
        assert_eq!(found["changes"], json!([change("2026-11-20T08:00:00Z", 3), change("2026-11-20T12:00:00Z", 2)]));
    }
}

#[tokio::test]
async fn a_slot_counts_once_however_often_it_is_run() {
    let (world, _) = lane().await;
    assert_eq!(sample(&world).await, 1);
    assert_eq!(sample(&world).await, 0, "the same quarter of an hour");
    world.state().background.run_now("rate_samples").await.unwrap();
    world.clock.advance(chrono::TimeDelta::minutes(14));
    assert_eq!(sample(&world).await, 0);
    assert_eq!(only_point(&history(&world, "").await)["samples"], 1);
    world.clock.advance(chrono::TimeDelta::minutes(1));
    world.state().background.run_now("rate_samples").await.unwrap();
    let found = history(&world, "&departure_date=2026-11-22").await;
    assert_eq!(only_point(&found)["samples"], 2);
    assert_eq!(found["changes"].as_array().unwrap().len(), 1, "nothing has changed");
    assert_eq!(world.count("rate_lanes").await, 1);
}

#[tokio::test]
async fn two_servers_never_keep_the_same_slot() {
    let database = TestDatabase::light().await;
    let [one, two] = [WorldOptions::default().on(&database), WorldOptions::default().on(&database)];
    let (one, two) = (one.start().await, two.start().await);
    one.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-22T10:00:00Z")).await;
    make(&one.admin().await, TARIFFS, flat("LANE", "3", json!({}))).await;
    search(&one).await;
    for slots in 1..=4 {
        let (of_one, of_two) = tokio::join!(sample(&one), sample(&two));
        assert_eq!(of_one + of_two, 1);
        assert_eq!(only_point(&history(&two, "").await)["samples"], slots);
        next_slot(&one);
        next_slot(&two);
    }
}

/// A run that ends at any of its steps, and is begun again.
#[tokio::test]
async fn a_run_that_was_cut_off_and_is_repeated_counts_once() {
    let (world, _) = lane().await;
    for slots in 1..=12 {
        let rates = rates(&world);
        let run = tokio::spawn(async move { rates.sample().await });
        for _ in 0..slots * 40 {
            tokio::task::yield_now().await;
        }
        run.abort();
        _ = run.await;
        sample(&world).await;
        assert_eq!(only_point(&history(&world, "").await)["samples"], slots);
        next_slot(&world);
    }
}

#[tokio::test]
async fn a_tariff_of_an_organization_leaves_the_history_unchanged() {
    let (world, _) = lane().await;
    let organization = Uuid::new_v4();
    let customer = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    sample(&world).await;
    let own = flat("OWN", "1", json!({"organization_id": organization}));
    make(&world.admin().await, TARIFFS, own).await;
    let path = "/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-22&sort=price&weight_kg=100";
    assert_eq!(customer.get(path).await.expect(200)[0]["price"]["total"]["amount"], "100.00");
    next_slot(&world);
    sample(&world).await;
    let all = history(&world, "&departure_date=2026-11-22").await;
    let point = json!({"period": "2026-11-20", "low": "3", "average": "3", "high": "3", "samples": 2});
    assert_eq!(*only_point(&all), point);
    assert_eq!(all["changes"].as_array().unwrap().len(), 1);
    let customer = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    let to_customer = customer.get(&format!("{HISTORY}&departure_date=2026-11-22")).await.expect(200);
    assert_eq!(to_customer, all);
}

#[tokio::test]
async fn other_lanes_are_sampled_once_a_day_up_to_max_lanes() {
    let world = WorldOptions::default().set("rates.max_lanes", "2").set("rates.frequent_lanes", "1").start().await;
    for (number, origin) in [("AI101", "BOM"), ("AI102", "DEL"), ("AI103", "MAA")] {
        world.flight(NewFlight::new(number, origin, "LHR").departs("2026-11-22T10:00:00Z")).await;
    }
    search(&world).await;
    // Their turns of yesterday were missed.
    let before = "insert into rate_lanes values ('BOM', 'LHR', '2026-11-18', '2026-11-18'), ('MAA', 'LHR', '2026-11-18', '2026-11-18')";
    world.sql(before).await;
    assert_eq!(sample(&world).await, 2, "Delhi is asked each time, Bombay once, and Chennai is one too many");
    next_slot(&world);
    assert_eq!(sample(&world).await, 1);
    let asked = "select origin from rate_lanes where slot >= '2026-11-20' order by slot";
    assert_eq!(world.texts(asked).await, ["BOM", "DEL"]);
}

#[tokio::test]
async fn a_run_whose_time_is_over_ends_and_the_next_one_goes_on() {
    let world = WorldOptions::default().set("rates.frequent_lanes", "1").start().await;
    for (number, origin) in [("AI101", "BOM"), ("AI102", "DEL"), ("AI103", "MAA")] {
        world.flight(NewFlight::new(number, origin, "LHR").departs("2026-11-22T10:00:00Z")).await;
    }
    search(&world).await;
    // Their turns of yesterday were missed.
    let before = "insert into rate_lanes values ('BOM', 'LHR', '2026-11-18', '2026-11-18'), ('MAA', 'LHR', '2026-11-17', '2026-11-17')";
    world.sql(before).await;
    for asked in [&["MAA"][..], &["BOM", "MAA"], &["BOM", "DEL", "MAA"]] {
        assert_eq!(rates(&world).sample_within(std::time::Duration::ZERO).await.unwrap(), 1);
        let found = "select origin from rate_lanes where slot >= '2026-11-20' order by origin";
        assert_eq!(world.texts(found).await, asked);
    }
    assert_eq!(sample(&world).await, 0, "all of this quarter of an hour were asked");
}

#[tokio::test]
async fn a_lane_that_is_flown_and_searched_no_more_loses_its_price() {
    let (world, _) = lane().await;
    let flight = world.flight(NewFlight::new("AI105", "DEL", "LHR").departs("2026-12-08T10:00:00Z")).await;
    assert_eq!(sample(&world).await, 1);
    // Nobody has searched it for seven days.
    until(&world, "2026-11-28T08:00:00Z");
    cancel_flight(&world, &flight).await;
    assert_eq!(sample(&world).await, 1);
    let found = history(&world, "&departure_date=2026-12-08").await;
    assert_eq!((&found["series"][0]["now"], &found["changes"][1]["price"]), (&json!(null), &json!(null)), "{found}");
    until(&world, "2026-11-29T08:00:00Z");
    assert_eq!(sample(&world).await, 0, "it has no price to lose");
}

/// Searches a lane on each of these dates, as so many searches.
async fn search_on(world: &World, origin: &str, destination: &str, dates: &[&str]) {
    for date in dates {
        let path = format!("/api/v1/routes?origin={origin}&destination={destination}&departure_date={date}");
        world.anonymous().get(&path).await.expect(200);
    }
    world.state().service::<SearchService>().unwrap().write_counts().await.unwrap();
}

#[tokio::test]
async fn searches_without_flights_make_no_lane_frequent() {
    let world = WorldOptions::default().set("rates.frequent_lanes", "1").start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-22T10:00:00Z")).await;
    search_on(&world, "DEL", "DXB", &["2026-11-21", "2026-11-22", "2026-11-23"]).await;
    search_on(&world, "DEL", "LHR", &["2026-11-22"]).await;
    assert_eq!(sample(&world).await, 1);
    assert_eq!(world.texts("select origin || destination from rate_lanes").await, ["DELLHR"]);
}

#[tokio::test]
async fn a_lane_whose_airport_was_deleted_takes_the_place_of_no_other() {
    let world = WorldOptions::default().set("rates.max_lanes", "1").start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-22T10:00:00Z")).await;
    search(&world).await;
    // There was an airport QQQ.
    let searched = "insert into searches
                    select uuid_v7_floor('2026-11-20T07:00:00Z'), asked_on, 'QQQ', destination, departure_date, weight_class, role,
                           channel, outcome, 100, options, bookable, took_us, cache_hits, counted_at
                    from searches";
    world.sql(searched).await;
    assert_eq!(sample(&world).await, 1);
    assert_eq!(world.texts("select origin || destination from rate_lanes").await, ["DELLHR"]);
}

#[tokio::test]
async fn frequent_lanes_are_counted_once_an_hour() {
    let (world, _) = lane().await;
    assert_eq!(sample(&world).await, 1);
    // It has its turn of the day in the night.
    world.flight(NewFlight::new("AI103", "MAA", "LHR").departs("2026-11-22T10:00:00Z")).await;
    search_on(&world, "MAA", "LHR", &["2026-11-22"]).await;
    until(&world, "2026-11-20T08:45:00Z");
    assert_eq!(sample(&world).await, 1);
    until(&world, "2026-11-20T09:00:00Z");
    assert_eq!(sample(&world).await, 2);
}

#[tokio::test]
async fn a_run_needs_no_connection_of_requests() {
    let world = WorldOptions::default().set("database.max_connections", "2").start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-22T10:00:00Z")).await;
    search(&world).await;
    let busy = [world.db.begin().await.unwrap(), world.db.begin().await.unwrap()];
    assert_eq!(rates(&world).for_background().sample().await.unwrap(), 1);
    drop(busy);
}

#[tokio::test]
async fn max_lanes_zero_samples_no_lane() {
    let world = WorldOptions::default().set("rates.max_lanes", "0").start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-22T10:00:00Z")).await;
    search(&world).await;
    assert_eq!(sample(&world).await, 0);
    assert_eq!(world.count("rate_lanes").await, 0);
}

#[tokio::test]
async fn a_history_is_of_the_weights_of_the_settings() {
    let world = WorldOptions::default().set("rates.weights_kg", "[50, 500]").start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-22T10:00:00Z")).await;
    make(&world.admin().await, TARIFFS, flat("LANE", "3", json!({}))).await;
    search(&world).await;
    sample(&world).await;
    for (asked, of) in
        [("", 50), ("&weight_kg=0.1", 50), ("&weight_kg=499.9", 50), ("&weight_kg=500", 500), ("&weight_kg=9000", 500)]
    {
        let found = history(&world, asked).await;
        assert_eq!((&found["weight_kg"], &only_point(&found)["samples"]), (&json!(of), &json!(1)), "{asked}");
    }
}

#[tokio::test]
async fn old_prices_are_deleted() {
    let (world, _) = lane().await;
    sample(&world).await;
    let delete = async || world.state().background.run_now("old_rates").await.unwrap();
    until(&world, "2027-03-22T07:00:00Z");
    delete().await;
    assert_ne!(world.count("rate_points").await, 0, "121 days and 23 hours");
    until(&world, "2027-03-22T09:00:00Z");
    delete().await;
    assert_eq!(world.count("rate_points").await, 0);
    until(&world, "2030-11-20T09:00:00Z");
    delete().await;
    assert_eq!(world.count("rate_days").await, 3, "four years");
    until(&world, "2030-11-22T09:00:00Z");
    delete().await;
    assert_eq!(world.count("rate_days").await, 0);
}

#[tokio::test]
async fn a_demonstration_invents_thirty_days_and_marks_them() {
    let (world, _) = lane().await;
    world.flight(NewFlight::new("AI102", "DEL", "BOM").departs("2026-11-27T10:00:00Z")).await;
    // A week from now.
    world.flight(NewFlight::new("AI103", "DEL", "LHR").departs("2026-11-27T10:00:00Z")).await;
    assert_eq!(rates(&world).invent_history().await.unwrap(), 2);
    let found = history(&world, "&weight_kg=300").await;
    let [series] = &found["series"].as_array().unwrap()[..] else { panic!("one series: {found}") };
    assert_eq!((&series["source"], &series["now"], &series["level"]), (&json!("demo"), &json!(null), &json!(null)));
    let points = series["points"].as_array().unwrap();
    assert_eq!(points.len(), 30);
    assert_eq!((&points[0]["period"], &points[29]["period"]), (&json!("2026-10-21"), &json!("2026-11-19")));
    let lows: Vec<f64> = points.iter().map(|point| point["low"].as_str().unwrap().parse().unwrap()).collect();
    assert!(lows.iter().all(|low| (2.4..3.6).contains(low)), "{lows:?}");
    assert!(lows.iter().any(|low| *low < 2.95) && lows.iter().any(|low| *low > 3.05), "ups and downs: {lows:?}");
    assert_eq!(rates(&world).invent_history().await.unwrap(), 0, "once");
    sample(&world).await;
    let sources: Vec<Value> =
        history(&world, "").await["series"].as_array().unwrap().iter().map(|series| series["source"].clone()).collect();
    assert_eq!(sources, ["demo", "offered"], "never mixed");
}

#[tokio::test]
async fn two_demonstrations_at_once_invent_one_past_also_of_lanes_that_fly_on_one_day_of_the_week() {
    let world = World::start().await;
    // Ten days from now.
    world.flight(NewFlight::new("AI101", "DEL", "LHR").departs("2026-11-30T10:00:00Z")).await;
    make(&world.admin().await, TARIFFS, flat("LANE", "3", json!({}))).await;
    let service = rates(&world);
    let (one, two) = tokio::join!(service.invent_history(), service.invent_history());
    assert_eq!(one.unwrap() + two.unwrap(), 1);
    assert_eq!(world.texts("select distinct samples::text from rate_days").await, ["31"]);
    assert_eq!(world.count("rate_days").await, 90, "thirty days of three weights");
}

const DATES: [&str; 3] = ["2026-11-21", "2026-11-22", "2026-11-23"];
const WEIGHTS: [u32; 3] = [100, 300, 1000];

/// What a client notes that asks for the first option by price at the same times.
#[derive(Default)]
struct Notes {
    /// By date and weight: when the answer changed, and the amount.
    changes: BTreeMap<(usize, u32), Vec<(Value, Value)>>,
    /// By weight: the rates of all answers with a price, in dollars for a kilogram.
    rates: BTreeMap<u32, Vec<f64>>,
}

impl Notes {
    async fn poll(&mut self, world: &World) {
        for (number, date) in DATES.iter().enumerate() {
            for weight in WEIGHTS {
                let path = format!(
                    "/api/v1/routes?origin=DEL&destination=LHR&departure_date={date}&sort=price&weight_kg={weight}&limit=1"
                );
                let options = world.anonymous().get(&path).await.expect(200);
                let first = &options[0];
                let amount =
                    if first["bookable"] == true { first["price"]["total"]["amount"].clone() } else { Value::Null };
                if let Some(amount) = amount.as_str() {
                    self.rates.entry(weight).or_default().push(amount.parse::<f64>().unwrap() / f64::from(weight));
                }
                let changes = self.changes.entry((number, weight)).or_default();
                if changes.last().map(|(_, amount)| amount) != Some(&amount) {
                    changes.push((json!(world.now()), amount));
                }
            }
        }
    }
}

#[tokio::test]
async fn the_history_equals_what_a_polling_client_notes_over_a_day_of_changes() {
    let (world, tariff) = lane().await;
    let mut flights = Vec::new();
    for (number, date) in DATES.iter().enumerate() {
        let new = NewFlight::new(&format!("AI20{number}"), "DEL", "LHR").departs(&format!("{date}T14:00:00Z"));
        flights.push(world.flight(new.weight(1_500.0)).await);
    }
    let (mut notes, mut dice) = (Notes::default(), Dice::new(11));
    for _ in 0..24 {
        match dice.below(5) {
            0 | 1 => rate(&world, &tariff, 2 + dice.below(7)).await,
            2 | 3 => {
                let freight = with(order(&[dice.pick(&flights)]), json!({"weight_kg": 350}));
                // It may not fit any more.
                world.customer().await.post("/api/v1/bookings", freight).await;
            }
            _ => {}
        }
        assert_eq!(sample(&world).await, 1);
        notes.poll(&world).await;
        next_slot(&world);
    }
    for weight in WEIGHTS {
        let rates = &notes.rates[&weight];
        let found = history(&world, &format!("&weight_kg={weight}&currency=USD")).await;
        let point = only_point(&found);
        let figure = |name: &str| point[name].as_str().unwrap().parse::<f64>().unwrap();
        let mean = rates.iter().sum::<f64>() / rates.len() as f64;
        assert_eq!(point["samples"], rates.len());
        let (low, high) =
            (rates.iter().copied().fold(f64::MAX, f64::min), rates.iter().copied().fold(f64::MIN, f64::max));
        for (name, noted) in [("low", low), ("high", high), ("average", mean)] {
            assert!((figure(name) - noted).abs() < 0.0001, "{name} of {point}, not {noted}");
        }
        for (number, date) in DATES.iter().enumerate() {
            let found = history(&world, &format!("&weight_kg={weight}&departure_date={date}")).await;
            let changes: Vec<(Value, Value)> = found["changes"]
                .as_array()
                .unwrap()
                .iter()
                .map(|change| (change["sampled_at"].clone(), change["price"]["amount"].clone()))
                .collect();
            assert_eq!(changes, notes.changes[&(number, weight)], "{date} {weight}");
        }
    }
}
