//! The last kilograms of a flight go out in the order in which they were asked for, whoever is quicker at the row.
mod modes;
mod order;
mod stale;
mod together;

use std::collections::BTreeMap;

use loadmaster_testkit::{Answer, Client, World, freight::text};
use serde_json::{Value, json};

/// So many kilograms on these flights, and next to no volume.
fn wish(flights: &[&Value], kilograms: u32) -> Value {
    let wish = loadmaster_testkit::freight::order(flights);
    loadmaster_testkit::freight::with(wish, json!({"weight_kg": kilograms, "volume_m3": 0.01}))
}

/// How often room was taken or not, by path and outcome. The counters are the process's.
async fn allocations(client: &Client) -> BTreeMap<(String, String), u64> {
    let metrics = client.get("/metrics").await.text;
    let mut allocations = BTreeMap::new();
    for line in metrics.lines().filter(|line| line.starts_with("loadmaster_capacity_takings_total{")) {
        let label =
            |name: &str| line.split(&format!("{name}=\"")).nth(1).unwrap().split('"').next().unwrap().to_owned();
        let count = line.rsplit(' ').next().unwrap().parse().unwrap();
        allocations.insert((label("path"), label("outcome")), count);
    }
    allocations
}

/// How much one of them has grown.
fn grown(
    before: &BTreeMap<(String, String), u64>,
    after: &BTreeMap<(String, String), u64>,
    path: &str,
    outcome: &str,
) -> u64 {
    let of = |allocations: &BTreeMap<(String, String), u64>| {
        allocations.get(&(path.to_owned(), outcome.to_owned())).copied().unwrap_or_default()
    };
    of(after) - of(before)
}

async fn mode(client: &Client, flight: &Value) -> Value {
    let path = format!("/api/v1/flights/{}/availability", text(flight, "id"));
    client.get(&path).await.expect(200)["mode"].clone()
}

/// What each taking of a flight left, in kilograms, by its ledger.
async fn left(world: &World, flight: &Value) -> Vec<f64> {
    let query = format!(
        "select ((capacity_weight_hg - booked_weight_hg) / 10.0)::text from capacity_ledger
         where flight_id = '{}' and kind = 'BOOKED' order by seq",
        text(flight, "id")
    );
    world.texts(&query).await.iter().map(|left| left.parse().unwrap()).collect()
}

/// Booked, or refused for want of room.
#[track_caller]
fn got_space(answer: Answer) -> bool {
    if answer.status == 201 {
        return true;
    }
    answer.expect_problem(409, "capacity_exceeded");
    false
}

/// Who gets room when all are served in this order.
fn served(wishes: &[u32], mut room: u32) -> Vec<bool> {
    let mut served = Vec::new();
    for kilograms in wishes {
        let fits = *kilograms <= room;
        room -= if fits { *kilograms } else { 0 };
        served.push(fits);
    }
    served
}
