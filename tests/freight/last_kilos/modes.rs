//! Which way room is taken.
use loadmaster_testkit::{NewFlight, OwnRedis, World, WorldOptions, freight::text, locks::Overheard};
use serde_json::json;

use super::{allocations, grown, left, mode, wish};

async fn world_of(redis: &OwnRedis, threshold: &str) -> World {
    let options = WorldOptions::patient().with_workers().without_redis().set("redis.url", &redis.url());
    options.set("redis.timeout_ms", "20000").set("capacity.critical_threshold_kg", threshold).start().await
}

/// Capacity, what is asked for in turn, and which of it is taken in turn.
type Case = (f64, &'static [(u32, bool)]);

/// By threshold.
const CASES: [(&str, &[Case]); 3] = [
    (
        "100",
        &[
            // To the kilogram: 101 left is more than the threshold, 100 is not.
            (1000.0, &[(899, false), (1, true), (1, true), (99, true)]),
            (1000.0, &[(900, true), (100, true)]),
            (100.0, &[(1, true), (99, true)]),
        ],
    ),
    // Only the very last one.
    ("0", &[(10.0, &[(9, false), (1, true)]), (10.0, &[(10, true)])]),
    // Every one.
    ("4000000", &[(5000.0, &[(1, true), (4999, true)])]),
];

#[tokio::test]
async fn only_bookings_that_leave_at_most_the_threshold_take_turns() {
    let redis = OwnRedis::start().await;
    let heard = Overheard::at(&redis).await;
    for (threshold, cases) in CASES {
        let world = world_of(&redis, threshold).await;
        let customer = world.customer().await;
        for (number, &(capacity, asked)) in cases.iter().enumerate() {
            let new = NewFlight::new(&format!("AI{}", 101 + number), "DEL", "LHR");
            let flight = world.flight(new.weight(capacity)).await;
            let lock = format!("lock:flight:{}", text(&flight, "id"));
            let mut in_turn = 0;
            for &(kilograms, is_critical) in asked {
                let told = format!("{kilograms} of {capacity} at {threshold}");
                let before = allocations(&customer).await;
                customer.book(wish(&[&flight], kilograms)).await;
                let after = allocations(&customer).await;
                let path = if is_critical { "locking" } else { "optimistic" };
                assert!(grown(&before, &after, path, "taken") >= 1, "{told}");
                in_turn += usize::from(is_critical);
                assert_eq!(heard.count(&["SET", &lock, "NX", "PX", "10000"]), in_turn, "{told}");
            }
            heard.until(in_turn, &["EVAL", &lock]).await;
            assert_eq!(left(&world, &flight).await.last(), Some(&0.0));
            let full = customer.post("/api/v1/bookings", wish(&[&flight], 1)).await;
            full.expect_problem(409, "capacity_exceeded");
        }
        world.audit().await;
    }
}

#[tokio::test]
async fn availability_shows_which_way_the_next_kilogram_goes() {
    let world = WorldOptions::working().set("capacity.critical_threshold_kg", "50").start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(200.0)).await;
    let customer = world.customer().await;
    for (kilograms, shown) in [(149, "optimistic"), (1, "locking"), (50, "locking")] {
        customer.book(wish(&[&flight], kilograms)).await;
        assert_eq!(mode(&customer, &flight).await, shown);
    }
}

/// One tight flight is enough: the locks are taken on all, in ascending order.
#[tokio::test]
async fn all_legs_are_locked_when_one_is_tight() {
    let redis = OwnRedis::start().await;
    let heard = Overheard::at(&redis).await;
    let world = world_of(&redis, "100").await;
    let customer = world.customer().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM").weight(100_000.0)).await;
    let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").weight(150.0).leaves_in_hours(36)).await;
    let locks = [&first, &second].map(|flight| format!("lock:flight:{}", text(flight, "id")));
    customer.book(wish(&[&first, &second], 10)).await;
    assert_eq!(locks.each_ref().map(|lock| heard.count(&["SET", lock])), [0, 0]);
    customer.book(wish(&[&first, &second], 40)).await;
    assert_eq!(locks.each_ref().map(|lock| heard.count(&["SET", lock])), [1, 1]);
    // Alone the roomy one needs none.
    customer.book(wish(&[&first], 40)).await;
    for lock in &locks {
        heard.until(1, &["EVAL", lock]).await;
        assert_eq!(heard.count(&["SET", lock]), 1);
    }
    world.audit().await;
}

/// The best flight is found without naming one; its last kilograms go the same way.
#[tokio::test]
async fn a_booking_without_named_flights_takes_a_turn_too() {
    let redis = OwnRedis::start().await;
    let heard = Overheard::at(&redis).await;
    let world = world_of(&redis, "100").await;
    let tight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(60.0)).await;
    let next = world.flight(NewFlight::new("AI103", "DEL", "LHR").weight(60.0).leaves_in_hours(26)).await;
    let customer = world.customer().await;
    let open = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 60, "volume_m3": 0.01});
    for flight in [&tight, &next] {
        let booking = customer.book(open.clone()).await;
        assert_eq!(booking["flight_ids"], json!([flight["id"]]));
        assert_eq!(heard.count(&["SET", &format!("lock:flight:{}", text(flight, "id"))]), 1);
    }
    customer.post("/api/v1/bookings", open).await.expect_problem(409, "no_bookable_itinerary");
    world.audit().await;
}

/// Full in another dimension, there is nothing to wait for.
#[tokio::test]
async fn a_booking_that_finds_no_capacity_is_refused_immediately() {
    let redis = OwnRedis::start().await;
    let heard = Overheard::at(&redis).await;
    let world = world_of(&redis, "100").await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(50.0)).await;
    let customer = world.customer().await;
    let refused = customer.post("/api/v1/bookings", wish(&[&flight], 51)).await;
    assert_eq!(refused.expect_problem(409, "capacity_exceeded")["available"], 50);
    assert_eq!(heard.count(&["SET", &format!("lock:flight:{}", text(&flight, "id"))]), 0);
}
