//! Changed freight takes its room anew: what fits to the last litre is taken, what does not changes nothing.
use loadmaster_testkit::{
    NewFlight, World,
    amending::{amend, patch, refused, shown},
    freight::{BOOKINGS, at_once, order, path_of, with},
};
use serde_json::{Value, json};

fn space(weight: Value, volume: Value, positions: Value) -> Value {
    json!({"weight_kg": weight, "volume_m3": volume, "positions": positions})
}

/// By how much what was asked for exceeds what there is, in thousandths.
fn excess(problem: &Value) -> i64 {
    let thousandths = |member: &str| -> i64 {
        let figure = problem[member].as_f64().unwrap_or_else(|| panic!("{member} in {problem}"));
        format!("{:.0}", figure * 1000.0).parse().unwrap()
    };
    thousandths("requested") - thousandths("available")
}

#[tokio::test]
async fn freight_may_grow_to_the_last_tenth_of_a_kilogram_and_no_further() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    world.customer().await.book(with(order(&[&flight]), json!({"weight_kg": 300}))).await;

    let problem = refused(&world, &customer, &booking, json!({"weight_kg": 700.1}), "capacity_exceeded").await;
    assert_eq!((&problem["flight_id"], &problem["flight_number"]), (&flight["id"], &json!("AI101")));
    assert_eq!((&problem["dimension"], excess(&problem)), (&json!("weight_kg"), 100));
    assert_eq!(shown(&customer, &booking).await, booking);

    amend(&customer, &booking, json!({"weight_kg": 700})).await.expect(200);
    assert_eq!(world.available(&flight).await["weight_kg"], 0);
    // On the full flight it may change in everything but its weight, and shrink.
    refused(&world, &customer, &booking, json!({"weight_kg": 700.1, "pieces": 9}), "capacity_exceeded").await;
    amend(&customer, &booking, json!({"pieces": 9, "volume_m3": 2})).await.expect(200);
    amend(&customer, &booking, json!({"weight_kg": 699.9})).await.expect(200);
    assert_eq!(world.available(&flight).await, space(json!(0.1), json!(997), json!(10)));
    world.audit().await;
}

#[tokio::test]
async fn a_full_leg_takes_no_space_on_any_other() {
    let world = World::start().await;
    let customer = world.customer().await;
    let onward = |number: &str| NewFlight::new(number, "BOM", "LHR").leaves_in_hours(40);
    for (index, (dimension, narrow, change, beyond)) in [
        ("weight_kg", onward("AI200").weight(150.0), json!({"weight_kg": 150.1}), 100),
        ("volume_m3", onward("AI201").volume(1.5), json!({"volume_m3": 1.501}), 1),
        ("positions", onward("AI202").positions(2), json!({"positions": 3}), 1000),
    ]
    .into_iter()
    .enumerate()
    {
        let first = world.flight(NewFlight::new(&format!("AI10{index}"), "DEL", "BOM")).await;
        let second = world.flight(narrow).await;
        let booking = customer.book(order(&[&first, &second])).await;
        let (left, right) = (world.available(&first).await, world.available(&second).await);

        // What would fit beside it is not taken either.
        let change = with(change, json!({"pieces": 9, "description": "more"}));
        let problem = refused(&world, &customer, &booking, change, "capacity_exceeded").await;
        assert_eq!((&problem["flight_id"], &problem["dimension"]), (&second["id"], &json!(dimension)));
        assert_eq!(excess(&problem), beyond, "{problem}");
        assert_eq!(shown(&customer, &booking).await, booking, "{dimension}");
        assert_eq!(world.available(&first).await, left, "{dimension}");
        assert_eq!(world.available(&second).await, right, "{dimension}");
    }
    world.audit().await;
}

#[tokio::test]
async fn every_leg_carries_what_the_booking_says() {
    let world = World::start().await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM")).await;
    let second = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36)).await;
    let customer = world.customer().await;
    let booking = customer.book(with(order(&[&first, &second]), json!({"positions": 2}))).await;
    for (change, left) in [
        (json!({"weight_kg": 1000, "volume_m3": 1000, "positions": 10}), space(json!(0), json!(0), json!(0))),
        // One grows where another shrinks.
        (json!({"weight_kg": 40, "volume_m3": 0.4, "positions": 0}), space(json!(960), json!(999.6), json!(10))),
        (json!({"weight_kg": 30, "volume_m3": 1000}), space(json!(970), json!(0), json!(10))),
        (json!({"weight_kg": 1000, "volume_m3": null, "positions": 1}), space(json!(0), json!(994), json!(9))),
    ] {
        let after = amend(&customer, &booking, change.clone()).await.expect(200);
        for (leg, flight) in after["legs"].as_array().unwrap().iter().zip([&first, &second]) {
            for member in ["pieces", "weight_kg", "volume_m3", "positions"] {
                assert_eq!(leg[member], after[member], "{change}: {member}");
            }
            assert_eq!((&leg["flight_id"], &leg["status"]), (&flight["id"], &json!("BOOKED")));
            assert_eq!(world.available(flight).await, left, "{change}");
        }
        world.audit().await;
    }
    // All of it comes back in the end.
    customer.walk(&booking, &["cancel"]).await;
    assert_eq!(world.available(&first).await, first["available"]);
    world.audit().await;
}

#[tokio::test]
async fn space_that_was_given_back_can_be_sold_again() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100.0)).await;
    let (customer, other) = (world.customer().await, world.customer().await);
    let booking = customer.book(order(&[&flight])).await;
    let half = with(order(&[&flight]), json!({"weight_kg": 50}));
    other.post(BOOKINGS, half.clone()).await.expect_problem(409, "capacity_exceeded");
    amend(&customer, &booking, json!({"weight_kg": 50})).await.expect(200);
    other.book(half).await;
    refused(&world, &customer, &booking, json!({"weight_kg": 50.1}), "capacity_exceeded").await;
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn ten_concurrent_increases_succeed_up_to_the_capacity() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let mut bookings = Vec::new();
    for _ in 0..10 {
        bookings.push(customer.book(with(order(&[&flight]), json!({"weight_kg": 50}))).await);
    }
    let answers = at_once(bookings.iter().map(|booking| {
        let (client, path) = (customer.clone(), path_of(booking));
        async move { patch(&client, &path, json!({"weight_kg": 150})).await }
    }))
    .await;
    let (grown, refused): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    assert_eq!((grown.len(), refused.len()), (5, 5));
    for answer in refused {
        assert_eq!(excess(&answer.expect_problem(409, "capacity_exceeded")), 100_000);
    }
    assert_eq!(world.available(&flight).await["weight_kg"], 0);
    world.audit().await;
}

#[tokio::test]
async fn one_booking_that_is_changed_by_many_has_what_the_last_one_said() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    let answers = at_once((1..=8).map(|tens| {
        let (client, path) = (customer.clone(), path_of(&booking));
        async move { patch(&client, &path, json!({"weight_kg": 100 + 10 * tens})).await }
    }))
    .await;
    let mut versions: Vec<_> = answers.iter().map(|answer| answer.clone().expect(200)["version"].as_u64()).collect();
    versions.sort_unstable();
    assert_eq!(versions, (2..=9).map(Some).collect::<Vec<_>>());
    let now = shown(&customer, &booking).await;
    let last = answers.iter().find(|answer| answer.body["version"] == 9).unwrap();
    assert_eq!(now, last.body);
    let left = 1000 - now["weight_kg"].as_u64().unwrap();
    assert_eq!(world.available(&flight).await["weight_kg"], json!(left));
    world.audit().await;
}

#[tokio::test]
async fn freight_for_cargo_aircraft_only_needs_freighters_on_every_leg_in_force() {
    let world = World::start().await;
    let customer = world.customer().await;
    let freighter = world.flight(NewFlight::new("AI101", "DEL", "BOM").aircraft("77X")).await;
    let passengers = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36).aircraft("77W")).await;
    let unknown = world.flight(NewFlight::new("AI103", "DEL", "LHR")).await;
    let cao = json!({"special_handling_codes": ["PER", "CAO"]});

    for flights in [vec![&freighter, &passengers], vec![&passengers], vec![&unknown]] {
        let booking = customer.book(order(&flights)).await;
        refused(&world, &customer, &booking, cao.clone(), "itinerary_invalid").await;
        refused(&world, &customer, &booking, with(cao.clone(), json!({"weight_kg": 50})), "itinerary_invalid").await;
        assert_eq!(shown(&customer, &booking).await, booking);
    }
    let booking = customer.book(order(&[&freighter])).await;
    let after = amend(&customer, &booking, cao).await.expect(200);
    assert_eq!(after["special_handling_codes"], json!(["CAO", "PER"]));
    amend(&customer, &booking, json!({"special_handling_codes": ["PER"]})).await.expect(200);
    world.audit().await;
}
