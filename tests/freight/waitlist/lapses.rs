//! Offers that an organization lets lapse count against it on that flight.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client,
    freight::text,
    waitlist::{at, join, reached, wanted},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::order::Desk;

/// An organization whose token is renewed as the clock goes on.
struct Waiter(Uuid, Uuid);

impl Waiter {
    async fn of(desk: &Desk) -> Self {
        let waiter = Self(Uuid::new_v4(), Uuid::new_v4());
        desk.world.caller_in(Role::Customer, waiter.0, waiter.1).await;
        waiter
    }

    fn client(&self, desk: &Desk) -> Client {
        desk.world.anonymous().with_token(&desk.world.token(Role::Customer, self.0, self.1))
    }

    async fn joins(&self, desk: &Desk, flight: &Value) -> Value {
        join(&self.client(desk), wanted(flight, 100.0)).await
    }

    async fn declines(&self, desk: &Desk, entry: &Value) {
        self.client(desk).poke(&format!("{}/decline", at(entry))).await.expect(200);
    }
}

#[tokio::test]
async fn after_two_offers_that_lapsed_an_organization_is_behind_all_others_on_that_flight() {
    let desk = Desk::open().await;
    let (flight, [booking]) = desk.full("AI101", 200, [100]).await;
    let (other, [elsewhere]) = desk.full("AI103", 200, [100]).await;
    let (idle, patient) = (Waiter::of(&desk).await, Waiter::of(&desk).await);
    let lapsing = [idle.joins(&desk, &flight).await, idle.joins(&desk, &flight).await];
    let third = idle.joins(&desk, &flight).await;
    let behind = patient.joins(&desk, &flight).await;
    desk.admin().patch(&at(&behind), json!({ "priority": 9 })).await.expect(200);
    desk.cancel(&booking).await;
    for (entry, place) in lapsing.iter().zip([2, 1]) {
        reached(&desk.admin(), entry, "OFFERED").await;
        assert_eq!(desk.now(&third).await["place"], place);
        desk.world.clock.advance(TimeDelta::hours(24));
    }
    reached(&desk.admin(), &behind, "OFFERED").await;
    let joined = patient.joins(&desk, &flight).await;
    assert_eq!((&joined["place"], &desk.now(&third).await["place"]), (&json!(1), &json!(2)));
    // Nobody is passed over by that.
    assert_eq!(desk.now(&third).await["passed_over"], 0);
    // On another flight nothing has lapsed.
    let first = idle.joins(&desk, &other).await;
    patient.joins(&desk, &other).await;
    desk.cancel(&elsewhere).await;
    reached(&desk.admin(), &first, "OFFERED").await;
    patient.declines(&desk, &behind).await;
    reached(&desk.admin(), &joined, "OFFERED").await;
    patient.declines(&desk, &joined).await;
    reached(&desk.admin(), &third, "OFFERED").await;
    desk.world.audit().await;
}

#[tokio::test]
async fn an_offer_that_is_declined_counts_as_lapsed_in_the_second_half_of_its_time() {
    let desk = Desk::open().await;
    for (number, hours, first) in [("AI101", 1, "idle"), ("AI103", 13, "patient")] {
        let (flight, [booking]) = desk.full(number, 200, [100]).await;
        let (idle, patient) = (Waiter::of(&desk).await, Waiter::of(&desk).await);
        let declined = [idle.joins(&desk, &flight).await, idle.joins(&desk, &flight).await];
        let entries = [("idle", idle.joins(&desk, &flight).await), ("patient", patient.joins(&desk, &flight).await)];
        desk.cancel(&booking).await;
        for entry in &declined {
            reached(&desk.admin(), entry, "OFFERED").await;
            desk.world.clock.advance(TimeDelta::hours(hours));
            idle.declines(&desk, entry).await;
        }
        for (name, entry) in &entries {
            if *name == first {
                reached(&desk.admin(), entry, "OFFERED").await;
            }
        }
        let statuses = [desk.now(&entries[0].1).await, desk.now(&entries[1].1).await];
        let offered = statuses.iter().filter(|entry| text(entry, "status") == "OFFERED").count();
        assert_eq!(offered, 1, "{number}: {statuses:?}");
    }
    desk.world.audit().await;
}
