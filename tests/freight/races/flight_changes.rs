//! Flights that depart or are cancelled while their bookings come, go, change and depart by themselves.
mod pairs;
mod shrinking;

use std::collections::BTreeMap;

use loadmaster_testkit::{Answer, Client, Watch, World, WorldOptions, import::HEADER, until};
use reqwest::Method;
use serde_json::{Value, json};

use super::{at_once, order, text};

/// Rounds of each test.
fn tries() -> usize {
    loadmaster_testkit::rounds(20, 200)
}

/// Rounds run side by side, each on a flight of its own.
const LANES: usize = 4;

/// What a booking may have come to: its status, the types of its events, and its legs as status and weight.
type Outcome = (&'static str, &'static [&'static str], &'static [(&'static str, u64)]);

/// What was learnt of each booking in a round: by reference, all that may be found of it in the end.
type Expected = Vec<(String, Vec<Outcome>)>;

/// One round: a fresh flight, a spare one for who is rerouted, and callers.
#[derive(Clone)]
struct Round {
    number: usize,
    flight: Value,
    spare: Value,
    customer: Client,
    operator: Client,
    admin: Client,
}

impl Round {
    fn path(&self, verb: &str) -> String {
        format!("/api/v1/flights/{}/{verb}", text(&self.flight["id"]))
    }

    /// The path of a new booking of 100 kg on the flight.
    async fn book(&self) -> String {
        let wish = order("DEL", "LHR", &[&self.flight], 100);
        let booking = self.customer.post("/api/v1/bookings", wish).await.expect(201);
        format!("/api/v1/bookings/{}", text(&booking["ref_id"]))
    }

    /// So many at once.
    async fn books<const N: usize>(&self) -> [String; N] {
        let mut paths = Vec::new();
        for _ in 0..N {
            paths.push(self.book().await);
        }
        paths.try_into().expect("as many as were booked")
    }

    /// The path of an order that is yet to come.
    async fn try_booking(&self) -> Answer {
        self.customer.post("/api/v1/bookings", order("DEL", "LHR", &[&self.flight], 100)).await
    }

    async fn patch(&self, path: &str, change: Value) -> Answer {
        let request = self.customer.request(Method::PATCH, path).header("content-type", "application/json");
        Answer::of(request.body(change.to_string())).await
    }
}

fn reference(path: &str) -> String {
    path.rsplit_once('/').expect("a path").1.to_owned()
}

/// Puts flights on the schedule: their number, route and times.
async fn imported(admin: &Client, rows: impl Iterator<Item = String>) {
    let rows: String = rows.map(|row| format!("{row},,1000,1000,10,60\n")).collect();
    admin.post_raw("/api/v1/flights/import", "text/csv", format!("{HEADER}\n{rows}")).await.expect(200);
}

/// That many flights that a filter finds.
async fn listed(admin: &Client, filter: &str, many: usize) -> Vec<Value> {
    let mut flights = Vec::new();
    while flights.len() < many {
        let path = format!("/api/v1/flights?{filter}&limit=100&offset={}", flights.len());
        let page = admin.get(&path).await.expect(200);
        assert_ne!(page, json!([]), "{filter} finds {} flights", flights.len());
        flights.extend(page.as_array().unwrap().iter().cloned());
    }
    flights
}

/// A flight for as many as there will be.
async fn roomy(admin: &Client, route: &str) -> Value {
    let row = format!("LH1,{route},2026-11-22T10:00:00Z,2026-11-22T19:30:00Z,,1000000,100000,10,60");
    admin.post_raw("/api/v1/flights/import", "text/csv", format!("{HEADER}\n{row}\n")).await.expect(200);
    listed(admin, "flight_number=LH1", 1).await.remove(0)
}

/// Each lane runs its share of the rounds, one after the other.
async fn in_lanes<R, T, F>(all: Vec<R>, run: impl Fn(R) -> F + Clone + Send + Sync + 'static) -> Vec<T>
where
    R: Clone + Send + 'static,
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let told = at_once(LANES, |lane| {
        let run = run.clone();
        let share: Vec<R> = all.iter().skip(lane).step_by(LANES).cloned().collect();
        async move {
            let mut told = Vec::new();
            for round in share {
                told.push(run(round).await);
            }
            told
        }
    })
    .await;
    told.into_iter().flatten().collect()
}

/// The books are in order, and nobody waited in a circle: the retries had nothing to hide.
async fn settled(world: World) {
    no_leg_is_left_behind(&world).await;
    world.audit().await;
    let mut watch = Watch::over(&world.database).await;
    world.shutdown().await;
    // Sessions hand in their figures when they end.
    until("all sessions have ended", async || watch.sessions().await == 0).await;
    assert_eq!(watch.deadlocks().await, 0);
}

/// Runs all rounds in lanes, then looks at every booking and at the books.
async fn rounds<F>(run: impl Fn(Round) -> F + Clone + Send + Sync + 'static)
where
    F: Future<Output = Expected> + Send + 'static,
{
    let world = WorldOptions::patient().with_workers().start().await;
    let told = in_lanes(all_rounds(&world).await, run).await;
    compare(&world, told.into_iter().flatten().collect()).await;
    Box::pin(settled(world)).await;
}

/// A round for each of the flights.
async fn all_rounds(world: &World) -> Vec<Round> {
    let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
    imported(
        &admin,
        (1..=tries()).map(|number| format!("AI{number},DEL,LHR,2026-11-21T10:00:00Z,2026-11-21T19:30:00Z")),
    )
    .await;
    let spare = roomy(&admin, "DEL,LHR").await;
    let flights = listed(&admin, "airline=AI", tries()).await;
    let round = |(number, flight)| Round {
        number,
        flight,
        spare: spare.clone(),
        customer: customer.clone(),
        operator: operator.clone(),
        admin: admin.clone(),
    };
    flights.into_iter().enumerate().map(round).collect()
}

/// Everything that was found of the bookings, in one look.
async fn found(world: &World) -> BTreeMap<String, (String, Vec<String>, Vec<(String, u64)>)> {
    let rows = world
        .texts(
            "select jsonb_build_array(b.ref_id, b.status,
                    (select jsonb_agg(e.event_type order by e.sequence)
                     from booking_events e where e.booking_id = b.id),
                    (select jsonb_agg(jsonb_build_array(l.status, l.weight_hg / 10) order by l.id)
                     from booking_legs l where l.booking_id = b.id))::text
             from bookings b",
        )
        .await;
    let read = |row: &String| {
        serde_json::from_str::<(String, String, Vec<String>, Vec<(String, u64)>)>(row).expect("a row of the four")
    };
    rows.iter().map(read).map(|(reference, status, events, legs)| (reference, (status, events, legs))).collect()
}

async fn compare(world: &World, told: Expected) {
    let found = found(world).await;
    assert_eq!(found.len(), told.len(), "every booking is accounted for");
    for (reference, outcomes) in told {
        let (status, events, legs) = &found[&reference];
        let is = |outcome: &Outcome| {
            let same_legs = outcome.2.len() == legs.len()
                && outcome.2.iter().all(|(status, weight)| legs.contains(&((*status).to_owned(), *weight)));
            outcome.0 == status && events == outcome.1 && same_legs
        };
        assert!(outcomes.iter().any(is), "{reference} is {status} after {events:?} with {legs:?}, not {outcomes:?}");
    }
}

/// Who waits for a flight waits for one that still goes, and a booking is where its legs are.
async fn no_leg_is_left_behind(world: &World) {
    for (breach, query) in [
        (
            "a leg waits for a flight that does not go any more",
            "select l.id::text from booking_legs l join flight_capacity f using (flight_id)
             where l.status = 'BOOKED' and f.status <> 'SCHEDULED'",
        ),
        (
            "a leg is in the air on a flight that was cancelled",
            "select l.id::text from booking_legs l join flight_capacity f using (flight_id)
             where l.status in ('DEPARTED', 'ARRIVED') and f.status = 'CANCELLED'",
        ),
        (
            "a booking's status is not that of its legs",
            "select b.ref_id from bookings b
             where (b.status = 'DEPARTED') <> (b.status <> 'CANCELLED' and exists (
                 select from booking_legs l where l.booking_id = b.id and l.status = 'DEPARTED'))",
        ),
        (
            "a booking in force has no way and does not say so",
            "select b.ref_id from bookings b
             where b.status in ('BOOKED', 'DEPARTED', 'ARRIVED') and b.needs_rerouting = exists (
                 select from booking_legs l where l.booking_id = b.id and l.destination = b.destination
                 and l.status in ('BOOKED', 'DEPARTED', 'ARRIVED'))",
        ),
        (
            "a flight that was cancelled has bookings",
            "select flight_id::text from flight_capacity where status = 'CANCELLED' and booked_weight_hg <> 0",
        ),
        (
            "a version that is not its booking's last event",
            "select ref_id from bookings where version <> event_sequence",
        ),
    ] {
        let rows = world.texts(query).await;
        assert!(rows.is_empty(), "{breach}: {} rows, the first: {:?}", rows.len(), rows.first());
    }
}

const GONE: Outcome = ("DEPARTED", &["BOOKED", "DEPARTED"], &[("DEPARTED", 100)]);

fn changed(done: Answer) -> u64 {
    done.expect(200)["bookings_changed"].as_u64().expect("a number")
}

type Call = std::pin::Pin<Box<dyn Future<Output = Answer> + Send>>;

/// Sends all at once, each from a task of its own; answers in their order.
async fn all_at_once(calls: Vec<Call>) -> Vec<Answer> {
    let running: Vec<_> = calls.into_iter().map(tokio::spawn).collect();
    let mut answers = Vec::new();
    for call in running {
        answers.push(call.await.expect("it does not panic"));
    }
    answers
}

/// Sends the flight's verb before the others, or after them; answers it and the others in their order.
async fn against(round: &Round, verb: &str, mut others: Vec<Call>) -> (Answer, Vec<Answer>) {
    let at = if round.number.is_multiple_of(2) { 0 } else { others.len() };
    others.insert(at, poking(&round.admin, round.path(verb)));
    let mut answers = all_at_once(others).await;
    (answers.remove(at), answers)
}

/// Was it done, or refused with one of these codes?
#[track_caller]
fn was_done(answer: &Answer, refusals: &[&str]) -> bool {
    let done = [200, 201].contains(&answer.status.as_u16());
    let refused = answer.status == 409 && refusals.iter().any(|code| answer.body["code"] == **code);
    assert!(done || refused, "{refusals:?}: {}", answer.text);
    done
}

fn poking(client: &Client, path: String) -> Call {
    let client = client.clone();
    Box::pin(async move { client.poke(&path).await })
}

fn patching(round: &Round, path: &str, change: Value) -> Call {
    let (round, path) = (round.clone(), path.to_owned());
    Box::pin(async move { round.patch(&path, change).await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_concurrent_booking_stays_on_a_cancelled_flight() {
    const LOST: Outcome = ("BOOKED", &["BOOKED", "FLIGHT_CANCELLED"], &[("CANCELLED", 100)]);
    rounds(async |round: Round| {
        let before: [String; 1] = round.books().await;
        let coming = (0..3).map(|_| {
            let round = round.clone();
            Box::pin(async move { round.try_booking().await }) as Call
        });
        let (cancelled, answers) = against(&round, "cancel", coming.collect()).await;
        let mut told = vec![(reference(&before[0]), vec![LOST])];
        for answer in answers {
            if answer.status == 201 {
                told.push((text(&answer.body["ref_id"]), vec![LOST]));
            } else {
                answer.expect_problem(409, "flight_cancelled");
            }
        }
        assert_eq!(changed(cancelled), told.len() as u64);
        told
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_booking_departs_once_by_itself_or_with_its_flight() {
    rounds(async |round: Round| {
        let paths: [String; 3] = round.books().await;
        let alone = paths[..2].iter().map(|path| poking(&round.operator, format!("{path}/depart"))).collect();
        let (gone, answers) = against(&round, "depart", alone).await;
        let mut left = 3;
        for answer in answers {
            if answer.status == 200 {
                left -= 1;
            } else {
                assert_eq!(answer.expect_problem(409, "invalid_transition")["from"], "DEPARTED");
            }
        }
        assert_eq!(changed(gone), left);
        paths.iter().map(|path| (reference(path), vec![GONE])).collect()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_booking_that_is_cancelled_flies_or_does_not() {
    const FREE: Outcome = ("CANCELLED", &["BOOKED", "CANCELLED"], &[("RELEASED", 100)]);
    const IN_THE_AIR: Outcome = ("CANCELLED", &["BOOKED", "DEPARTED", "CANCELLED"], &[("DEPARTED", 100)]);
    rounds(async |round: Round| {
        let paths: [String; 3] = round.books().await;
        let others = vec![
            poking(&round.customer, format!("{}/cancel", paths[0])),
            poking(&round.operator, format!("{}/cancel", paths[1])),
        ];
        let (gone, answers) = against(&round, "depart", others).await;
        let [own, staffs] = <[Answer; 2]>::try_from(answers).expect("two answers");
        // The carrier may cancel in the air as well.
        staffs.expect(200);
        let changed = changed(gone);
        assert!((1..=3).contains(&changed), "{changed} bookings");
        let first = if own.status == 200 {
            FREE
        } else {
            let problem = own.expect_problem(409, "invalid_transition");
            assert_eq!((&problem["from"], &problem["allowed"]), (&json!("DEPARTED"), &json!([])));
            GONE
        };
        let flown = 1 + u64::from(first == GONE);
        let second = if changed == flown { FREE } else { IN_THE_AIR };
        assert_eq!(changed, flown + u64::from(second == IN_THE_AIR));
        vec![
            (reference(&paths[0]), vec![first]),
            (reference(&paths[1]), vec![second]),
            (reference(&paths[2]), vec![GONE]),
        ]
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn freight_is_amended_before_it_departs_or_not_at_all() {
    const LESS: Outcome = ("DEPARTED", &["BOOKED", "AMENDED", "DEPARTED"], &[("DEPARTED", 40)]);
    const MORE: Outcome = ("DEPARTED", &["BOOKED", "AMENDED", "DEPARTED"], &[("DEPARTED", 700)]);
    rounds(async |round: Round| {
        let paths: [String; 3] = round.books().await;
        let others = vec![
            patching(&round, &paths[0], json!({"weight_kg": 40})),
            patching(&round, &paths[1], json!({"weight_kg": 700})),
        ];
        let (gone, answers) = against(&round, "depart", others).await;
        assert_eq!(changed(gone), 3);
        let mut told = vec![(reference(&paths[2]), vec![GONE])];
        for ((path, answer), amended) in paths.iter().zip(answers).zip([LESS, MORE]) {
            let outcome = if answer.status == 200 {
                amended
            } else {
                let problem = answer.expect_problem(409, "invalid_transition");
                assert_eq!((&problem["from"], &problem["action"]), (&json!("DEPARTED"), &json!("amend")));
                GONE
            };
            told.push((reference(path), vec![outcome]));
        }
        told
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_booking_is_rerouted_in_time_or_flies() {
    const AWAY: Outcome = ("BOOKED", &["BOOKED", "REROUTED"], &[("REPLACED", 100), ("BOOKED", 100)]);
    rounds(async |round: Round| {
        let paths: [String; 3] = round.books().await;
        let other_way = json!({"flight_ids": [round.spare["id"]]});
        let others = paths[..2].iter().map(|path| patching(&round, path, other_way.clone())).collect();
        let (gone, answers) = against(&round, "depart", others).await;
        let (mut flown, mut told) = (1, vec![(reference(&paths[2]), vec![GONE])]);
        for (path, answer) in paths.iter().zip(answers) {
            let outcome = if answer.status == 200 {
                AWAY
            } else {
                answer.expect_problem(409, "invalid_transition");
                flown += 1;
                GONE
            };
            told.push((reference(path), vec![outcome]));
        }
        assert_eq!(changed(gone), flown);
        told
    })
    .await;
}
