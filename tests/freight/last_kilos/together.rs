//! All at once, at one instance or at two.
use std::sync::Arc;

use loadmaster_testkit::{
    Client, Dice, NewFlight, World, WorldOptions,
    freight::{at_once, path_of},
    rounds,
};
use serde_json::{Value, json};

use super::{allocations, got_space, grown, left, wish};

/// Whether each was booked.
async fn ask_all(clients: &[Client], flights: &[&Value], wishes: &[u32]) -> Vec<bool> {
    let answers = at_once(wishes.iter().enumerate().map(|(number, &kilograms)| {
        let (client, wish) = (clients[number % clients.len()].clone(), wish(flights, kilograms));
        async move { client.post("/api/v1/bookings", wish).await }
    }))
    .await;
    answers.into_iter().map(got_space).collect()
}

async fn two_instances(threshold: &str) -> ([World; 2], [Client; 2]) {
    let options = WorldOptions::patient().with_workers().set("capacity.critical_threshold_kg", threshold);
    let [one, other] = World::two(options).await;
    let customer = one.customer().await;
    let elsewhere = other.same(&customer);
    ([one, other], [customer, elsewhere])
}

/// By the ledger: what was taken straight away has left more than the threshold. Nobody gives anything back here, so that
/// who found it tight takes in turn.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn optimistic_bookings_never_leave_less_than_the_threshold() {
    let (worlds, clients) = two_instances("100").await;
    let mut dice = Dice::new(11);
    for round in 0..4 {
        let new = NewFlight::new(&format!("AI{}", 101 + round), "DEL", "LHR").weight(400.0);
        let flight = worlds[0].flight(new).await;
        let wishes: Vec<u32> = (0..80).map(|_| 1 + u32::try_from(dice.below(20)).unwrap()).collect();
        let before = allocations(&clients[0]).await;
        let told = ask_all(&clients, &[&flight], &wishes).await;
        let after = allocations(&clients[0]).await;
        let left = left(&worlds[0], &flight).await;
        assert_eq!(left.len(), told.iter().filter(|got| **got).count());
        let ample = left.iter().filter(|left| **left > 100.0).count() as u64;
        assert!(grown(&before, &after, "optimistic", "taken") >= ample, "round {round}: {left:?}");
        assert!(grown(&before, &after, "locking", "taken") >= left.len() as u64 - ample, "round {round}: {left:?}");
    }
    worlds[0].audit().await;
}

/// Kilogram by kilogram: at the end there is none left, and nobody was refused before.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_instances_sell_a_flight_to_its_last_kilogram() {
    // More than the smallest threshold that is not zero.
    let places = rounds(30, 80);
    let room = u32::try_from(places).unwrap();
    for threshold in ["0", "20", "100", "1000000"] {
        let (worlds, clients) = two_instances(threshold).await;
        let flight = worlds[0].flight(NewFlight::new("AI101", "DEL", "LHR").weight(room.into())).await;
        let told = ask_all(&clients, &[&flight], &vec![1; places + places / 2]).await;
        assert_eq!(told.iter().filter(|got| **got).count(), places, "threshold {threshold}");
        let left = left(&worlds[0], &flight).await;
        assert_eq!(left, (0..room).rev().map(f64::from).collect::<Vec<_>>());
        worlds[0].audit().await;
    }
}

/// Two instances with two legs each, in a circle of flights: none waits for the other for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_legs_at_two_instances_come_to_an_end() {
    let (worlds, clients) = two_instances("100").await;
    let world = &worlds[0];
    let onward = world.flight(NewFlight::new("AI102", "BOM", "LHR").leaves_in_hours(36).weight(60.0)).await;
    let first = world.flight(NewFlight::new("AI101", "DEL", "BOM").weight(60.0)).await;
    let flights = Arc::new([first, onward]);
    let told = at_once((0..90).map(|number: usize| {
        let (client, flights) = (clients[number % 2].clone(), flights.clone());
        async move {
            let legs: &[&Value] = match number % 3 {
                0 => &[&flights[0]],
                1 => &[&flights[1]],
                _ => &[&flights[0], &flights[1]],
            };
            got_space(client.post("/api/v1/bookings", wish(legs, 1)).await)
        }
    }))
    .await;
    for flight in flights.iter() {
        // Ninety wishes, sixty of which are for this flight.
        assert_eq!(world.available(flight).await["weight_kg"], 0);
    }
    assert!(told.iter().all(|got| *got), "there was room for all");
    world.audit().await;
}

/// Who cancels gives back what others take, however tight it is.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_given_back_is_taken_again_and_never_twice() {
    let (worlds, clients) = two_instances("100").await;
    let flight = worlds[0].flight(NewFlight::new("AI101", "DEL", "LHR").weight(20.0)).await;
    let told = at_once((0..60).map(|number: usize| {
        let (client, wish) = (clients[number % 2].clone(), wish(&[&flight], 1));
        async move {
            let answer = client.post("/api/v1/bookings", wish).await;
            if answer.status != 201 {
                return got_space(answer);
            }
            if number.is_multiple_of(3) {
                client.poke(&format!("{}/cancel", path_of(&answer.body))).await.expect(200);
                return false;
            }
            true
        }
    }))
    .await;
    let booked = told.iter().filter(|got| **got).count();
    assert_eq!(worlds[0].available(&flight).await["weight_kg"], json!(20 - booked));
    let again = ask_all(&clients, &[&flight], &vec![1; 20 - booked]).await;
    assert!(again.into_iter().all(|got| got));
    worlds[0].audit().await;
}
