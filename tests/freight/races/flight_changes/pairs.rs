//! Both flights of one journey change at once, while its bookings come, go and change.
use loadmaster_testkit::{Answer, Client, World, WorldOptions};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Call, all_at_once, imported, in_lanes, listed, order, poking, reference, roomy, settled, text, tries, was_done,
};

/// Two flights that connect in Bombay, another one from there, and callers.
#[derive(Clone)]
struct Pair {
    number: usize,
    first: Value,
    second: Value,
    spare: Value,
    customer: Client,
    operator: Client,
    admin: Client,
}

/// Flights from Delhi to Bombay and from there to London; of half of the pairs the second was made before the first.
async fn pairs(world: &World) -> Vec<Pair> {
    let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
    let inbound = |number| format!("AI{number},DEL,BOM,2026-11-21T08:00:00Z,2026-11-21T12:00:00Z");
    let onward = |number| format!("BA{number},BOM,LHR,2026-11-21T20:00:00Z,2026-11-22T05:00:00Z");
    let half = tries() / 2;
    imported(&admin, (1..=half).map(inbound)).await;
    imported(&admin, (1..=tries()).map(onward)).await;
    imported(&admin, (half + 1..=tries()).map(inbound)).await;
    let spare = roomy(&admin, "BOM,LHR").await;
    let firsts = listed(&admin, "airline=AI", tries()).await;
    let seconds = listed(&admin, "airline=BA", tries()).await;
    let pair = |(number, (first, second))| Pair {
        number,
        first,
        second,
        spare: spare.clone(),
        customer: customer.clone(),
        operator: operator.clone(),
        admin: admin.clone(),
    };
    firsts.into_iter().zip(seconds).enumerate().map(pair).collect()
}

impl Pair {
    fn booking(&self) -> Call {
        let (customer, wish) = (self.customer.clone(), order("DEL", "LHR", &[&self.first, &self.second], 100));
        Box::pin(async move { customer.post("/api/v1/bookings", wish).await })
    }

    /// What happens to the second flight, by turns.
    fn second_changes(&self) -> Call {
        let path = format!("/api/v1/flights/{}", text(&self.second["id"]));
        match self.number % 3 {
            0 => poking(&self.admin, format!("{path}/cancel")),
            1 => poking(&self.admin, format!("{path}/depart")),
            _ => patching(&self.admin, &path, &json!({"departure_datetime": "2026-11-21T21:00:00Z"})),
        }
    }
}

fn patching(client: &Client, path: &str, change: &Value) -> Call {
    let request = client.request(Method::PATCH, path).header("content-type", "application/json");
    Box::pin(Answer::of(request.body(change.to_string())))
}

async fn play(pair: Pair) {
    let mut paths = Vec::new();
    for answer in all_at_once(vec![pair.booking(), pair.booking(), pair.booking()]).await {
        paths.push(format!("/api/v1/bookings/{}", text(&answer.expect(201)["ref_id"])));
    }
    let other_way = json!({"flight_ids": [pair.first["id"], pair.spare["id"]]});
    let mut calls = vec![
        poking(&pair.admin, format!("/api/v1/flights/{}/depart", text(&pair.first["id"]))),
        pair.second_changes(),
        patching(&pair.customer, &paths[0], &other_way),
        patching(&pair.customer, &paths[1], &json!({"weight_kg": 150})),
        poking(&pair.operator, format!("{}/depart", paths[2])),
        pair.booking(),
    ];
    calls.rotate_left(pair.number % 6);
    let mut answers = all_at_once(calls).await;
    answers.rotate_right(pair.number % 6);
    for (answer, refusals) in answers.iter().zip([
        &[][..],
        &[],
        &["invalid_transition"],
        &["invalid_transition"],
        &["invalid_transition"],
        // One that has left already does not connect any more.
        &["flight_closed", "flight_cancelled", "itinerary_invalid"],
    ]) {
        was_done(answer, refusals);
    }
    for path in &paths {
        let booking = pair.customer.get(path).await.expect(200);
        let rerouted = *path == paths[0] && answers[2].status == 200;
        assert_eq!(booking["status"], "DEPARTED", "{} left with the first flight", reference(path));
        let lost = pair.number % 3 != 2 && !rerouted;
        assert_eq!(booking["needs_rerouting"], lost, "{booking}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn both_flights_of_a_journey_change_at_once() {
    let world = WorldOptions::patient().with_workers().start().await;
    in_lanes(pairs(&world).await, play).await;
    settled(world).await;
}
