//! Itineraries of several legs that share flights.
use loadmaster_testkit::{Dice, NewFlight, Watch, World, WorldOptions, rounds, until};
use serde_json::Value;

use super::{at_once, kilograms, order, reconnected, text};

const ROUNDS: usize = 3;

/// So many that the flights with the least room are full.
fn clients() -> usize {
    rounds(40, 100)
}

const AIRPORTS: [&str; 5] = ["DEL", "BOM", "DXB", "FRA", "LHR"];

/// Four flights DEL → BOM → DXB → FRA → LHR, in the order of flying. They are put on the schedule in this other order, by
/// which their ids ascend.
async fn chain(world: &World, made_in: [usize; 4]) -> Vec<Value> {
    let mut flights = vec![Value::Null; 4];
    for leg in made_in {
        let new = NewFlight::new(&format!("AI{}", 200 + leg), AIRPORTS[leg], AIRPORTS[leg + 1]);
        let hours = 24 + 8 * i64::try_from(leg).unwrap();
        flights[leg] = world.flight(new.leaves_in_hours(hours).weight([3000.0, 1200.0, 2000.0, 900.0][leg])).await;
    }
    let ids: Vec<String> = made_in.iter().map(|leg| text(&flights[*leg]["id"])).collect();
    assert!(ids.is_sorted(), "ids ascend in the order of making");
    flights
}

/// Clients book random stretches of the chain and cancel half of what they got.
async fn book_and_cancel(servers: &[&World], flights: &[Value]) -> Vec<(String, usize)> {
    let customer = servers[0].customer().await;
    let clients: Vec<_> = (0..clients())
        .map(|number| {
            let mut client = reconnected(&customer);
            client.base.clone_from(&servers[number % servers.len()].base);
            client
        })
        .collect();
    let lists = at_once(clients.len(), |number| {
        let (client, flights) = (clients[number].clone(), flights.to_vec());
        async move {
            let mut dice = Dice::of(11, number);
            let mut booked = Vec::new();
            for _ in 0..ROUNDS {
                let (from, to) = *dice.pick(&[(0, 4), (0, 2), (1, 4), (1, 3), (2, 4), (0, 3)]);
                let legs: Vec<&Value> = flights[from..to].iter().collect();
                let wish = order(AIRPORTS[from], AIRPORTS[to], &legs, 20 + dice.below(60));
                let answer = client.post("/api/v1/bookings", wish).await;
                if answer.status != 201 {
                    answer.expect_problem(409, "capacity_exceeded");
                    continue;
                }
                let reference = text(&answer.body["ref_id"]);
                if dice.below(2) == 0 {
                    client.poke(&format!("/api/v1/bookings/{reference}/cancel")).await.expect(200);
                }
                booked.push((reference, to - from));
            }
            booked
        }
    })
    .await;
    lists.into_iter().flatten().collect()
}

/// Every booking has all of its legs, in force together or released together, and the flights' room is theirs.
async fn assert_all_or_nothing(world: &World, flights: &[Value], booked: &[(String, usize)]) {
    let operator = world.operator().await;
    let mut taken = vec![0; flights.len()];
    for (reference, legs) in booked {
        let booking = operator.get(&format!("/api/v1/bookings/{reference}")).await.expect(200);
        let expected = if booking["status"] == "BOOKED" { "BOOKED" } else { "RELEASED" };
        let found = booking["legs"].as_array().unwrap();
        assert_eq!(found.len(), *legs);
        for leg in found {
            assert_eq!(leg["status"], expected, "{booking}");
            let flight = flights.iter().position(|flight| flight["id"] == leg["flight_id"]).unwrap();
            if expected == "BOOKED" {
                taken[flight] += kilograms(&leg["weight_kg"]);
            }
        }
    }
    for (flight, taken) in flights.iter().zip(taken) {
        let path = format!("/api/v1/flights/{}/availability", text(&flight["id"]));
        let room = operator.get(&path).await.expect(200);
        assert_eq!(kilograms(&room["booked"]["weight_kg"]), taken, "{flight}");
    }
    let query = "select count(*) from bookings";
    let kept: i64 = sqlx::query_scalar(query).fetch_one(&mut world.database.owner().await).await.unwrap();
    assert_eq!(usize::try_from(kept).unwrap(), booked.len(), "each booking that is there was acknowledged");
    world.audit().await;
}

/// No circle of waiting was ever broken: the retries had nothing to hide.
async fn assert_no_deadlocks(worlds: Vec<World>) {
    let mut watch = Watch::over(&worlds[0].database).await;
    for world in worlds {
        world.shutdown().await;
    }
    // Sessions hand in their figures when they end.
    until("all sessions have ended", async || watch.sessions().await == 0).await;
    assert_eq!(watch.deadlocks().await, 0);
}

async fn shared_flights(made_in: [usize; 4]) {
    let world = WorldOptions::patient().with_workers().start().await;
    let flights = chain(&world, made_in).await;
    let booked = book_and_cancel(&[&world], &flights).await;
    assert_all_or_nothing(&world, &flights, &booked).await;
    assert_no_deadlocks(vec![world]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn legs_whose_ids_ascend_against_the_order_of_flying_never_wait_in_a_circle() {
    shared_flights([3, 2, 1, 0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn legs_whose_ids_have_nothing_to_do_with_the_order_of_flying_never_wait_in_a_circle() {
    shared_flights([2, 0, 3, 1]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_book_and_cancel_on_the_same_chain() {
    let first = WorldOptions::patient().with_workers().start().await;
    let second = WorldOptions::patient().with_workers().on(&first.database).start().await;
    let flights = chain(&first, [1, 3, 0, 2]).await;
    let booked = book_and_cancel(&[&first, &second], &flights).await;
    assert_all_or_nothing(&first, &flights, &booked).await;
    assert_no_deadlocks(vec![first, second]).await;
}
