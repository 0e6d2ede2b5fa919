//! The last room of one flight.
use loadmaster_testkit::{Client, Dice, NewFlight, TestDatabase, World, WorldOptions};
use serde_json::{Value, json};

use super::{at_once, booked_kg, kilograms, order, parted, reconnected, text};

const CLIENTS: usize = 200;
/// Each scarce flight below has room for so many of the shipments that are sent to it.
const ROOM_FOR: usize = 25;

/// What the ledger of a flight adds up to: bookings, kilograms, cubic metres, positions.
async fn ledger_sums(database: &TestDatabase, flight: &Value) -> (i64, f64, f64, f64) {
    let query = "select count(*) filter (where kind = 'BOOKED'), sum(weight_hg)::float8 / 10,
                        sum(volume_l)::float8 / 1000, sum(positions)::float8
                 from capacity_ledger where flight_id = $1::uuid";
    sqlx::query_as(query).bind(text(&flight["id"])).fetch_one(&mut database.owner().await).await.unwrap()
}

/// Lets 200 clients, spread over these servers, book the same order; exactly 25 get it, and the ledger says so too.
async fn exactly_25_of_200(servers: &[&World], new: NewFlight, mut order: Value, dimension: &str) {
    let world = servers[0];
    let flight = world.flight(new).await;
    order["flight_ids"] = json!([flight["id"]]);
    let customer = world.customer().await;
    let clients: Vec<Client> = (0..CLIENTS)
        .map(|number| reconnected(&Client { base: servers[number % servers.len()].base.clone(), ..customer.clone() }))
        .collect();

    let answers = at_once(CLIENTS, |number| {
        let (client, order) = (clients[number].clone(), order.clone());
        async move { client.post("/api/v1/bookings", order).await }
    })
    .await;

    let (booked, refused) = parted(answers);
    assert_eq!((booked.len(), refused.len()), (ROOM_FOR, CLIENTS - ROOM_FOR));
    for problem in refused {
        assert_eq!(problem["dimension"], dimension);
        assert_eq!(problem["flight_id"], flight["id"]);
        assert_eq!(problem["available"], json!(0), "whoever is refused finds nothing left");
    }
    let mut references: Vec<_> = booked.iter().map(|booking| text(&booking["ref_id"])).collect();
    references.sort();
    references.dedup();
    assert_eq!(references.len(), ROOM_FOR);
    for reference in &references {
        let kept = customer.get(&format!("/api/v1/bookings/{reference}")).await.expect(200);
        assert_eq!(kept["status"], "BOOKED");
    }
    let path = format!("/api/v1/flights/{}/availability", text(&flight["id"]));
    let room = customer.get(&path).await.expect(200);
    assert_eq!(room["available"][dimension], json!(0));
    assert_eq!(room["booked"][dimension], room["capacity"][dimension]);
    let (entries, weight, volume, positions) = ledger_sums(&world.database, &flight).await;
    assert_eq!(usize::try_from(entries).unwrap(), ROOM_FOR);
    for (name, sum) in [("weight_kg", weight), ("volume_m3", volume), ("positions", positions)] {
        assert!((room["booked"][name].as_f64().unwrap() - sum).abs() < 1e-6, "{name}: {sum} in {room}");
    }
    world.audit().await;
}

fn shipment() -> Value {
    json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 40, "volume_m3": 0.4, "positions": 1})
}

fn roomy() -> NewFlight {
    NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0).volume(1000.0).positions(1000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_25_of_200_clients_get_40_kg_of_the_last_1000_kg() {
    let world = WorldOptions::patient().with_workers().start().await;
    exactly_25_of_200(&[&world], roomy().weight(1000.0), shipment(), "weight_kg").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_25_of_200_clients_get_400_litres_of_the_last_10_cubic_metres() {
    let world = WorldOptions::patient().with_workers().start().await;
    exactly_25_of_200(&[&world], roomy().volume(10.0), shipment(), "volume_m3").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_25_of_200_clients_get_one_of_the_last_25_positions() {
    let world = WorldOptions::patient().with_workers().start().await;
    exactly_25_of_200(&[&world], roomy().positions(25), shipment(), "positions").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_servers_on_one_database_sell_the_last_space_once() {
    let first = WorldOptions::patient().with_workers().start().await;
    let second = WorldOptions::patient().with_workers().on(&first.database).start().await;
    exactly_25_of_200(&[&first, &second], roomy().weight(1000.0), shipment(), "weight_kg").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_refused_booking_would_fit_into_the_remaining_capacity() {
    let world = WorldOptions::patient().with_workers().start().await;
    let flight = world.flight(roomy().weight(1000.0)).await;
    let customer = world.customer().await;
    let mut dice = Dice::new(7);
    let weights: Vec<u64> = (0..CLIENTS).map(|_| 1 + dice.below(90)).collect();
    assert!(weights.iter().sum::<u64>() > 1000);

    let answers = at_once(CLIENTS, |number| {
        let (client, order) = (customer.clone(), order("DEL", "LHR", &[&flight], weights[number]));
        async move { client.post("/api/v1/bookings", order).await }
    })
    .await;

    let (booked, refused) = parted(answers);
    let sold: u64 = booked.iter().map(|booking| kilograms(&booking["weight_kg"])).sum();
    assert!(sold <= 1000, "{sold} kg of 1000 were sold");
    assert_eq!(kilograms(&json!(booked_kg(&customer, &flight).await)), sold);
    for problem in refused {
        let (requested, available) = (kilograms(&problem["requested"]), kilograms(&problem["available"]));
        assert!(requested > available, "{problem}");
        assert!(requested > 1000 - sold, "{requested} kg were refused, but {} kg are left", 1000 - sold);
    }
    world.audit().await;
}
