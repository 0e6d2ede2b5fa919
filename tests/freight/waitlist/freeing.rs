//! Whatever frees room for which somebody waits sets it aside: walk-ins get nothing of it. No matcher runs here.
use chrono::TimeDelta;
use loadmaster_testkit::{
    Client, NewFlight, World,
    flight_verbs::path_to,
    freight::{BOOKINGS, order, path_of, text, with},
    holds::{self, hold_on},
    waitlist::{join, wanted},
};
use serde_json::{Value, json};

/// A full flight for which somebody waits: what is booked and held on it, an administrator, and somebody who walks in.
struct Full {
    world: World,
    flight: Value,
    booking: Value,
    hold: Value,
    admin: Client,
    stranger: Client,
}

impl Full {
    async fn flight() -> Self {
        let world = World::start().await;
        let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(300.0).leaves_in_hours(200)).await;
        let (admin, stranger) = (world.admin().await, world.customer().await);
        let booking = admin.book(with(order(&[&flight]), json!({ "weight_kg": 200 }))).await;
        let hold = admin.hold(with(hold_on(&[&flight]), json!({ "ttl_seconds": 60 }))).await;
        join(&admin, wanted(&flight, 10.0)).await;
        Self { world, flight, booking, hold, admin, stranger }
    }

    /// Nothing is free, and this much is set aside.
    async fn sets_aside(&self, kilograms: usize) {
        assert_eq!(self.world.available(&self.flight).await["weight_kg"], 0);
        let walk_in = with(order(&[&self.flight]), json!({ "weight_kg": 1 }));
        self.stranger.post(BOOKINGS, walk_in.clone()).await.expect_problem(409, "capacity_exceeded");
        self.stranger
            .post(holds::HOLDS, with(hold_on(&[&self.flight]), json!({ "weight_kg": 1 })))
            .await
            .expect_problem(409, "capacity_exceeded");
        let aside = self.world.texts("select aside_weight_hg::text from flight_capacity").await;
        assert_eq!(aside, [(kilograms * 10).to_string()]);
        self.world.audit_and_rebuild().await;
    }
}

#[tokio::test]
async fn what_a_cancellation_frees_is_set_aside() {
    let full = Full::flight().await;
    full.admin.walk(&full.booking, &["cancel"]).await;
    full.sets_aside(200).await;
}

#[tokio::test]
async fn what_an_amendment_frees_is_set_aside() {
    let full = Full::flight().await;
    full.admin.patch(&path_of(&full.booking), json!({ "weight_kg": 150 })).await.expect(200);
    full.admin.patch(&holds::at(&full.hold), json!({ "weight_kg": 70 })).await.expect(200);
    full.sets_aside(80).await;
}

#[tokio::test]
async fn what_an_amendment_moves_to_another_flight_is_set_aside() {
    let full = Full::flight().await;
    let other = full.world.flight(NewFlight::new("AI103", "DEL", "LHR").leaves_in_hours(201)).await;
    full.admin.patch(&holds::at(&full.hold), json!({ "flight_ids": [other["id"]] })).await.expect(200);
    assert_eq!(full.world.available(&full.flight).await["weight_kg"], 0);
    assert_eq!(full.world.available(&other).await["weight_kg"], 900);
    full.world.audit_and_rebuild().await;
}

#[tokio::test]
async fn what_a_released_hold_kept_is_set_aside() {
    let full = Full::flight().await;
    full.admin.delete(&holds::at(&full.hold)).await.expect(200);
    full.sets_aside(100).await;
}

#[tokio::test]
async fn what_an_expired_hold_kept_is_set_aside() {
    let full = Full::flight().await;
    full.world.clock.advance(TimeDelta::seconds(60));
    full.sets_aside(100).await;
}

#[tokio::test]
async fn what_an_off_load_frees_is_set_aside() {
    let full = Full::flight().await;
    let wish = json!({ "offload": [full.booking["ref_id"]] });
    full.admin.patch(&path_to(&full.flight), wish).await.expect(200);
    full.sets_aside(200).await;
}

#[tokio::test]
async fn what_a_higher_capacity_or_overbooking_adds_is_set_aside() {
    let full = Full::flight().await;
    full.admin.patch(&path_to(&full.flight), json!({ "capacity": { "weight_kg": 400 } })).await.expect(200);
    full.sets_aside(100).await;
    let more = json!({ "overbooking": { "weight_percent": 10, "volume_percent": 0, "positions_percent": 0 } });
    full.admin.patch(&path_to(&full.flight), more).await.expect(200);
    full.sets_aside(140).await;
}

#[tokio::test]
async fn what_is_set_aside_gives_way_to_a_lower_capacity() {
    let full = Full::flight().await;
    full.admin.delete(&holds::at(&full.hold)).await.expect(200);
    let cut = |kilograms: usize| json!({ "capacity": { "weight_kg": kilograms } });
    full.admin.patch(&path_to(&full.flight), cut(260)).await.expect(200);
    full.sets_aside(60).await;
    let refused = full.admin.patch(&path_to(&full.flight), cut(199)).await.expect_problem(409, "capacity_below_booked");
    let short = &refused["shortfalls"][0];
    assert_eq!((&short["booked"], &short["held"]), (&json!(200), &json!(0)), "{refused}");
    full.admin.patch(&path_to(&full.flight), cut(200)).await.expect(200);
    full.sets_aside(0).await;
}

#[tokio::test]
async fn a_lower_capacity_ends_no_hold_that_what_is_set_aside_can_spare() {
    let full = Full::flight().await;
    full.admin.patch(&path_of(&full.booking), json!({ "weight_kg": 150 })).await.expect(200);
    let cut = json!({ "capacity": { "weight_kg": 260 }, "release_holds": true });
    full.admin.patch(&path_to(&full.flight), cut).await.expect(200);
    assert_eq!(text(&full.admin.held(&full.hold).await, "status"), "ACTIVE");
    full.sets_aside(10).await;
    let cut = json!({ "capacity": { "weight_kg": 200 }, "release_holds": true });
    full.admin.patch(&path_to(&full.flight), cut).await.expect(200);
    assert_eq!(text(&full.admin.held(&full.hold).await, "end_reason"), "CAPACITY_CUT");
    full.sets_aside(50).await;
}

#[tokio::test]
async fn an_import_lowers_the_capacity_below_what_is_set_aside() {
    let full = Full::flight().await;
    full.admin.delete(&holds::at(&full.hold)).await.expect(200);
    let flight = &full.flight;
    let [departure, arrival] = ["departure_datetime", "arrival_datetime"].map(|name| text(flight, name));
    let table = format!(
        "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,positions,\
         cutoff_minutes\nAI101,DEL,LHR,{departure},{arrival},,230,1000,10,\n"
    );
    let done = full.admin.post_raw("/api/v1/flights/import", "text/csv", table).await.expect(200);
    assert_eq!(done["updated"], 1);
    full.sets_aside(30).await;
}
