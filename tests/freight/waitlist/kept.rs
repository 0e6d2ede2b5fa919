//! For whom room is kept, how much of it, and for how long.
use chrono::TimeDelta;
use loadmaster_testkit::{
    NewFlight,
    freight::{BOOKINGS, order, path_of, with},
    holds::{self, hold_on},
    until,
    waitlist::{reached, wanted},
};
use serde_json::{Value, json};

use super::{order::Desk, over};

async fn passed_over_too_often(desk: &Desk) {
    desk.world.sql("update waitlist_entries set passed_over = 3 where status = 'WAITING'").await;
}

/// Two flights that connect in Bombay, for 100 kg each: the first is booked, the second is held.
async fn chain(desk: &Desk) -> ([Value; 2], Value, Value) {
    let first = NewFlight::new("AI101", "DEL", "BOM").weight(100.0).leaves_in_hours(200);
    let second = NewFlight::new("AI102", "BOM", "LHR").weight(100.0).leaves_in_hours(210);
    let flights = [desk.world.flight(first).await, desk.world.flight(second).await];
    let booking = desk.admin().book(order(&[&flights[0]])).await;
    let hold = desk.admin().hold(hold_on(&[&flights[1]])).await;
    (flights, booking, hold)
}

#[tokio::test]
async fn space_is_kept_for_six_hours_and_then_open_to_all() {
    let desk = Desk::open().await;
    let (flight, [_, ten, other]) = desk.full("AI101", 200, [80, 10, 10]).await;
    let large = desk.join(wanted(&flight, 20.0)).await;
    passed_over_too_often(&desk).await;
    let small = desk.join(wanted(&flight, 10.0)).await;
    let five = desk.admin().patch(&path_of(&other), json!({ "weight_kg": 5 })).await.expect(200);
    desk.cancel(&ten).await;
    desk.settled().await;
    // Fifteen are free, but what is booked leaves no room for twenty: nothing is kept.
    reached(&desk.admin(), &small, "OFFERED").await;
    desk.cancel(&five).await;
    desk.settled().await;
    let second = desk.join(wanted(&flight, 10.0)).await;
    assert_eq!((desk.status(&second).await.as_str(), desk.available(&flight).await), ("WAITING", json!(5)));
    desk.world.clock.advance(TimeDelta::hours(6) - TimeDelta::seconds(1));
    desk.settled().await;
    assert_eq!((desk.status(&second).await.as_str(), desk.available(&flight).await), ("WAITING", json!(5)));
    desk.world.clock.advance(TimeDelta::seconds(1));
    reached(&desk.admin(), &second, "OFFERED").await;
    // What becomes free later is not kept either.
    let third = desk.join(wanted(&flight, 10.0)).await;
    desk.admin().poke(&format!("{}/decline", loadmaster_testkit::waitlist::at(&second))).await.expect(200);
    reached(&desk.admin(), &third, "OFFERED").await;
    assert_eq!(desk.status(&large).await, "WAITING");
    desk.world.audit().await;
}

#[tokio::test]
async fn entries_that_what_is_booked_leaves_no_space_for_freeze_nothing() {
    let desk = Desk::open().await;
    let (flight, [_, ten]) = desk.full("AI101", 200, [90, 10]).await;
    for _ in 0..4 {
        desk.join(wanted(&flight, 50.0)).await;
    }
    passed_over_too_often(&desk).await;
    let small = desk.join(wanted(&flight, 4.0)).await;
    desk.cancel(&ten).await;
    reached(&desk.admin(), &small, "OFFERED").await;
    until("the rest is open", async || desk.available(&flight).await == 6).await;
    desk.world.audit().await;
}

#[tokio::test]
async fn those_behind_get_what_the_one_does_not_need_for_whom_space_is_kept() {
    let desk = Desk::open().await;
    let (flights, booking, hold) = chain(&desk).await;
    let through = desk.join(over(&flights, 60)).await;
    passed_over_too_often(&desk).await;
    let behind = desk.join(wanted(&flights[0], 30.0)).await;
    let large = desk.join(wanted(&flights[0], 50.0)).await;
    desk.cancel(&booking).await;
    reached(&desk.admin(), &behind, "OFFERED").await;
    until("the rest is open", async || desk.available(&flights[0]).await == 10).await;
    assert_eq!((desk.status(&through).await.as_str(), desk.status(&large).await.as_str()), ("WAITING", "WAITING"));
    let walk_in = with(order(&[&flights[0]]), json!({ "weight_kg": 11 }));
    desk.admin().post(BOOKINGS, walk_in).await.expect_problem(409, "capacity_exceeded");
    desk.admin().delete(&holds::at(&hold)).await.expect(200);
    reached(&desk.admin(), &through, "OFFERED").await;
    desk.world.audit().await;
}

#[tokio::test]
async fn many_entries_over_two_flights_do_not_keep_others_from_an_offer() {
    let desk = Desk::open().await;
    let (flights, booking, hold) = chain(&desk).await;
    let onward = desk.join(wanted(&flights[1], 50.0)).await;
    passed_over_too_often(&desk).await;
    // Each fits both flights, and what is free on the second is kept for another.
    for _ in 0..30 {
        desk.join(over(&flights, 10)).await;
    }
    let last = desk.join(wanted(&flights[0], 10.0)).await;
    desk.admin().patch(&holds::at(&hold), json!({ "weight_kg": 70 })).await.expect(200);
    desk.cancel(&booking).await;
    reached(&desk.admin(), &last, "OFFERED").await;
    assert_eq!(desk.status(&onward).await, "WAITING");
    desk.world.audit().await;
}
