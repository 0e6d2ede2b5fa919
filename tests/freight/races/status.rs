//! Two calls that want to move one booking.
use loadmaster_testkit::{Answer, Brake, Client, NewFlight, World, WorldOptions, freight::race, rounds, until_blocked};
use reqwest::Method;
use serde_json::{Value, json};

use super::{at_once, booked_kg, kilograms, order, text};

/// Races run side by side, each lane on a flight of its own, so that room can be checked after each.
const LANES: usize = 4;

/// Races of each test.
fn tries() -> usize {
    rounds(32, 500)
}

const KILOGRAMS: u64 = 10;

/// A lane's flight and callers.
#[derive(Clone)]
struct Lane {
    flight: Value,
    customer: Client,
    operator: Client,
}

impl Lane {
    async fn new(world: &World, number: usize) -> Self {
        let new = NewFlight::new(&format!("AI{}", 300 + number), "DEL", "LHR").weight(1_000_000.0).volume(10_000.0);
        Self { flight: world.flight(new).await, customer: world.customer().await, operator: world.operator().await }
    }

    /// The path of a new booking.
    async fn booking(&self) -> String {
        let wish = order("DEL", "LHR", &[&self.flight], KILOGRAMS);
        let booking = self.customer.post("/api/v1/bookings", wish).await.expect(201);
        format!("/api/v1/bookings/{}", text(&booking["ref_id"]))
    }

    /// The booking's status, the types of its events, and the status of its leg.
    async fn outcome(&self, path: &str) -> (String, Vec<String>, String) {
        let booking = self.customer.get(&format!("{path}?include=history")).await.expect(200);
        let events = booking["events"].as_array().unwrap().iter().map(|event| text(&event["event_type"]));
        (text(&booking["status"]), events.collect(), text(&booking["legs"][0]["status"]))
    }

    async fn booked(&self) -> u64 {
        kilograms(&json!(booked_kg(&self.customer, &self.flight).await))
    }
}

/// Runs `races` races in lanes. A race gets its lane, its number, and the kilograms that are booked before it; it
/// answers those that are booked after it.
async fn in_lanes<F>(races: usize, run: impl Fn(Lane, usize, u64) -> F + Clone + Send + Sync + 'static)
where
    F: Future<Output = u64> + Send + 'static,
{
    let world = WorldOptions::patient().with_workers().start().await;
    let mut lanes = Vec::new();
    for number in 0..LANES {
        lanes.push(Lane::new(&world, number).await);
    }
    at_once(LANES, |number| {
        let (lane, run) = (lanes[number].clone(), run.clone());
        async move {
            let mut booked = 0;
            for race in (number..races).step_by(LANES) {
                booked = run(lane.clone(), race, booked).await;
                assert_eq!(lane.booked().await, booked, "race {race}");
            }
        }
    })
    .await;
    world.audit().await;
}

fn if_match(client: &Client, path: &str, etag: &str) -> impl Future<Output = Answer> {
    Answer::of(client.request(Method::POST, path).header("if-match", etag))
}

fn strings(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn operators_cancel_against_depart_ends_in_cancelled_alone_or_departed_then_cancelled() {
    in_lanes(tries(), async |lane: Lane, number, booked| {
        let path = lane.booking().await;
        let (cancel, depart) = (format!("{path}/cancel"), format!("{path}/depart"));
        let [cancel, depart] = race(number, lane.operator.poke(&cancel), lane.operator.poke(&depart)).await;
        cancel.expect(200);
        let outcome = lane.outcome(&path).await;
        if depart.status == 200 {
            let events = strings(&["BOOKED", "DEPARTED", "CANCELLED"]);
            assert_eq!(outcome, ("CANCELLED".to_owned(), events, "DEPARTED".to_owned()));
            booked + KILOGRAMS // what has flown keeps its room
        } else {
            let refused = depart.expect_problem(409, "invalid_transition");
            assert_eq!((&refused["from"], &refused["action"]), (&json!("CANCELLED"), &json!("depart")));
            let events = strings(&["BOOKED", "CANCELLED"]);
            assert_eq!(outcome, ("CANCELLED".to_owned(), events, "RELEASED".to_owned()));
            booked
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_one_of_cancel_and_depart_with_the_same_if_match_succeeds() {
    in_lanes(tries(), async |lane: Lane, number, booked| {
        let path = lane.booking().await;
        let (cancel, depart) = (format!("{path}/cancel"), format!("{path}/depart"));
        let cancel = if_match(&lane.operator, &cancel, "\"1\"");
        let depart = if_match(&lane.operator, &depart, "\"1\"");
        let [cancel, depart] = race(number, cancel, depart).await;
        let outcome = lane.outcome(&path).await;
        let (winner, loser, event, leg, taken) = if cancel.status == 200 {
            (cancel, depart, "CANCELLED", "RELEASED", 0)
        } else {
            (depart, cancel, "DEPARTED", "DEPARTED", KILOGRAMS)
        };
        assert_eq!(winner.header("etag"), Some("\"2\""));
        winner.expect(200);
        loser.expect_problem(412, "version_mismatch");
        assert_eq!(outcome, (event.to_owned(), strings(&["BOOKED", event]), leg.to_owned()));
        booked + taken
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_one_of_a_customers_cancel_and_an_operators_depart_succeeds() {
    in_lanes(tries(), async |lane: Lane, number, booked| {
        let path = lane.booking().await;
        let (cancel, depart) = (format!("{path}/cancel"), format!("{path}/depart"));
        let [cancel, depart] = race(number, lane.customer.poke(&cancel), lane.operator.poke(&depart)).await;
        let outcome = lane.outcome(&path).await;
        let (winner, loser, event, leg, taken) = if cancel.status == 200 {
            (cancel, depart, "CANCELLED", "RELEASED", 0)
        } else {
            (depart, cancel, "DEPARTED", "DEPARTED", KILOGRAMS)
        };
        winner.expect(200);
        assert_eq!(loser.expect_problem(409, "invalid_transition")["from"], event);
        assert_eq!(outcome, (event.to_owned(), strings(&["BOOKED", event]), leg.to_owned()));
        booked + taken
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn each_step_of_two_concurrent_departs_arrives_and_delivers_succeeds_once() {
    in_lanes(tries(), async |lane: Lane, number, booked| {
        let path = lane.booking().await;
        for (action, status) in [("depart", "DEPARTED"), ("arrive", "ARRIVED"), ("deliver", "DELIVERED")] {
            let path = format!("{path}/{action}");
            let [one, two] = race(number, lane.operator.poke(&path), lane.operator.poke(&path)).await;
            let (winner, loser) = if one.status == 200 { (one, two) } else { (two, one) };
            winner.expect(200);
            assert_eq!(loser.expect_problem(409, "invalid_transition")["from"], status);
        }
        let events = strings(&["BOOKED", "DEPARTED", "ARRIVED", "DELIVERED"]);
        assert_eq!(lane.outcome(&path).await, ("DELIVERED".to_owned(), events, "ARRIVED".to_owned()));
        booked + KILOGRAMS
    })
    .await;
}

/// Makes the second call while the first is at its writing. It is made where nobody knows of courtesy locks: only the
/// rows' own count.
async fn queued(world: &World, lane: &Lane, calls: [(&str, &str); 2]) -> [Answer; 2] {
    let beside = WorldOptions::patient().with_workers().without_redis().on(&world.database).start().await;
    let elsewhere = beside.same(&lane.operator);
    let mut brake = Brake::on(&world.database).await;
    let [first, second] = [(&lane.operator, calls[0]), (&elsewhere, calls[1])].map(|(client, (path, action))| {
        let (client, path) = (client.clone(), format!("{path}/{action}"));
        async move { client.poke(&path).await }
    });
    let first = tokio::spawn(first);
    brake.until_stopped(1).await;
    let second = tokio::spawn(second);
    until_blocked(&elsewhere, 1).await;
    brake.release().await;
    [first.await.unwrap(), second.await.unwrap()]
}

/// The races above may fall out the same way every time; these two fall out as they are told.
#[tokio::test]
async fn the_call_that_comes_first_is_judged_first() {
    let world = World::working().await;
    let lane = Lane::new(&world, 0).await;

    let path = lane.booking().await;
    let [cancel, depart] = queued(&world, &lane, [(&path, "cancel"), (&path, "depart")]).await;
    cancel.expect(200);
    depart.expect_problem(409, "invalid_transition");
    assert_eq!(lane.booked().await, 0);

    let path = lane.booking().await;
    let [depart, cancel] = queued(&world, &lane, [(&path, "depart"), (&path, "cancel")]).await;
    depart.expect(200);
    cancel.expect(200);
    assert_eq!(lane.booked().await, KILOGRAMS);
    world.audit().await;
}
