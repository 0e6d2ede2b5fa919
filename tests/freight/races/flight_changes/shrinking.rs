//! One flight that many change at once.
use loadmaster_testkit::{Answer, WorldOptions};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Call, Round, all_at_once, all_rounds, in_lanes, patching, poking, reference, settled, was_done};

fn changing(round: &Round, change: Value) -> Call {
    let (admin, path) = (round.admin.clone(), round.path(""));
    let request = admin.request(Method::PATCH, path.trim_end_matches('/'));
    let request = request.header("content-type", "application/json").body(change.to_string());
    Box::pin(Answer::of(request))
}

fn booking(round: &Round) -> Call {
    let round = round.clone();
    Box::pin(async move { round.try_booking().await })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flight_that_shrinks_while_it_is_sold_is_never_oversold() {
    let world = WorldOptions::patient().with_workers().start().await;
    in_lanes(all_rounds(&world).await, async |round: Round| {
        let paths: [String; 3] = round.books().await;
        let offload = [json!([]), json!([reference(&paths[2])])][round.number % 2].clone();
        let shrink = changing(&round, json!({"capacity": {"weight_kg": 350}, "offload": offload}));
        let grow = patching(&round, &paths[0], json!({"weight_kg": 150}));
        let calls = vec![booking(&round), grow, shrink, booking(&round)];
        let answers = all_at_once(calls).await;
        let booked = 300 + 100 * [0, 3].iter().filter(|at| was_done(&answers[**at], &["capacity_exceeded"])).count();
        let grown = booked + 50 * usize::from(was_done(&answers[1], &["capacity_exceeded"]));
        let is_smaller = was_done(&answers[2], &["capacity_below_booked"]);
        let left = grown - 100 * usize::from(is_smaller && round.number % 2 == 1);
        let path = format!("{}availability", round.path(""));
        let room = round.admin.get(&path).await.expect(200);
        let capacity = if is_smaller { 350 } else { 1000 };
        assert!(left <= capacity, "{left} kg on a flight for {capacity}");
        assert_eq!((&room["booked"]["weight_kg"], &room["capacity"]["weight_kg"]), (&json!(left), &json!(capacity)));
        // Who was refused for want of room was refused by a flight that had shrunk.
        assert!(is_smaller || grown == 550, "{grown} kg");
    })
    .await;
    settled(world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flight_departs_or_is_cancelled_and_is_retimed_before_that_or_not() {
    let world = WorldOptions::patient().with_workers().start().await;
    in_lanes(all_rounds(&world).await, async |round: Round| {
        let _paths: [String; 2] = round.books().await;
        let mut calls = vec![
            poking(&round.admin, round.path("depart")),
            poking(&round.operator, round.path("depart")),
            poking(&round.admin, round.path("cancel")),
            changing(&round, json!({"departure_datetime": "2026-11-21T11:00:00Z"})),
        ];
        calls.rotate_left(round.number % 4);
        let mut answers = all_at_once(calls).await;
        answers.rotate_right(round.number % 4);
        let won = answers[..3].iter().filter(|answer| was_done(answer, &["invalid_transition"])).count();
        assert_eq!(won, 1, "of three that end its being scheduled one does");
        for answer in &answers[..3] {
            assert!(answer.status == 409 || answer.body["bookings_changed"] == 2, "{}", answer.text);
        }
        was_done(&answers[3], &["invalid_transition"]);
    })
    .await;
    let events = "select flight_id::text from flight_events group by flight_id
                  having count(*) <> max(sequence) or count(*) not in (1, 2, 3)";
    assert_eq!(world.texts(events).await, [""; 0]);
    settled(world).await;
}
