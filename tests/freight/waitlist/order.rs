//! Who is served before whom, and on which flights.
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    embargoes::{embargo, impose},
    flight_verbs::path_to,
    freight::{order, path_of, text, with},
    until,
    waitlist::{at, join, reached, wanted},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// An administrator whose token is renewed as the clock goes on.
pub struct Desk {
    pub world: World,
    anonymous: Client,
    user: Uuid,
    organization: Uuid,
}

impl Desk {
    pub async fn open() -> Self {
        let world = WorldOptions::working().start().await;
        let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
        world.caller_in(Role::Admin, user, organization).await;
        Self { anonymous: world.anonymous(), world, user, organization }
    }

    pub fn admin(&self) -> Client {
        self.anonymous.with_token(&self.world.token(Role::Admin, self.user, self.organization))
    }

    /// A flight from Delhi to London that is full, and the bookings that fill it.
    pub async fn full<const N: usize>(&self, number: &str, hours: i64, bookings: [usize; N]) -> (Value, [Value; N]) {
        let weight = u32::try_from(bookings.iter().sum::<usize>()).unwrap();
        let flight = NewFlight::new(number, "DEL", "LHR").weight(f64::from(weight)).leaves_in_hours(hours);
        let flight = self.world.flight(flight).await;
        let mut made = [const { Value::Null }; N];
        for (place, weight) in made.iter_mut().zip(bookings) {
            *place = self.admin().book(with(order(&[&flight]), json!({ "weight_kg": weight }))).await;
        }
        (flight, made)
    }

    pub async fn join(&self, wanted: Value) -> Value {
        join(&self.admin(), wanted).await
    }

    pub async fn now(&self, entry: &Value) -> Value {
        self.admin().get(&at(entry)).await.expect(200)
    }

    pub async fn status(&self, entry: &Value) -> String {
        text(&self.now(entry).await, "status").to_owned()
    }

    pub async fn cancel(&self, booking: &Value) {
        self.admin().walk(booking, &["cancel"]).await;
    }

    pub async fn available(&self, flight: &Value) -> Value {
        self.world.available(flight).await["weight_kg"].clone()
    }

    /// Until the matcher has looked at all that was set aside, and has opened or kept it.
    pub async fn settled(&self) {
        let soon = self.world.now() + TimeDelta::seconds(31);
        let fresh = format!("select 'x' from flight_capacity where aside_until <= '{soon}'");
        until("all is looked at", async || self.world.texts(&fresh).await.is_empty()).await;
    }

    /// Has a large entry passed over three times by small ones on a flight with three bookings of 10 kg.
    pub async fn passed_over_thrice(&self, flight: &Value, bookings: &[Value], large: &Value) {
        for booking in bookings {
            let small = self.join(wanted(flight, 10.0)).await;
            self.cancel(booking).await;
            reached(&self.admin(), &small, "OFFERED").await;
        }
        assert_eq!(self.now(large).await["passed_over"], 3);
    }
}

#[tokio::test]
async fn priority_comes_before_joining() {
    let desk = Desk::open().await;
    let (flight, [booking]) = desk.full("AI101", 200, [100]).await;
    let early = desk.join(wanted(&flight, 100.0)).await;
    let late = desk.join(wanted(&flight, 100.0)).await;
    let urgent = desk.join(wanted(&flight, 100.0)).await;
    desk.admin().patch(&at(&urgent), json!({ "priority": 4 })).await.expect(200);
    desk.admin().patch(&at(&early), json!({ "priority": 6 })).await.expect(200);
    // It takes over the priority of the one before which it is placed.
    let moved = desk.admin().post(&format!("{}/move", at(&early)), json!({ "before": late["id"] })).await.expect(200);
    assert_eq!(moved["priority"], 5);
    for (entry, place) in [(&urgent, 1), (&early, 2), (&late, 3)] {
        assert_eq!(desk.now(entry).await["place"], place);
    }
    desk.cancel(&booking).await;
    for entry in [&urgent, &early, &late] {
        let offered = reached(&desk.admin(), entry, "OFFERED").await;
        assert_eq!(offered["place"], Value::Null);
        desk.admin().poke(&format!("{}/decline", at(entry))).await.expect(200);
    }
    let acts = desk.admin().get("/api/v1/admin/audit?limit=3").await.expect(200);
    let acts: Vec<&str> = acts.as_array().unwrap().iter().map(|act| text(act, "act")).collect();
    assert_eq!(acts, ["waitlist.moved"; 3]);
    desk.world.audit().await;
}

#[tokio::test]
async fn what_is_kept_is_free_for_the_next_a_day_before_the_cut_off() {
    let desk = Desk::open().await;
    let (flight, [_, one, two, three, four]) = desk.full("AI101", 27, [960, 10, 10, 10, 10]).await;
    let large = desk.join(wanted(&flight, 40.0)).await;
    desk.passed_over_thrice(&flight, &[one, two, three], &large).await;
    let small = desk.join(wanted(&flight, 10.0)).await;
    desk.cancel(&four).await;
    desk.settled().await;
    assert_eq!((desk.status(&small).await.as_str(), desk.available(&flight).await), ("WAITING", json!(0)));
    let cutoff: DateTime<Utc> = text(&flight, "cutoff_datetime").parse().unwrap();
    desk.world.clock.advance(cutoff - desk.world.now() - TimeDelta::hours(24));
    reached(&desk.admin(), &small, "OFFERED").await;
    assert_eq!(desk.now(&large).await["passed_over"], 3, "it is counted up to three");
    desk.world.audit().await;
}

#[tokio::test]
async fn the_tag_of_an_entry_changes_when_it_is_passed_over() {
    let desk = Desk::open().await;
    let (flight, [_, booking]) = desk.full("AI101", 200, [90, 10]).await;
    let large = desk.join(wanted(&flight, 100.0)).await;
    let small = desk.join(wanted(&flight, 10.0)).await;
    let before = desk.admin().get(&at(&large)).await.header("etag").unwrap().to_owned();
    desk.cancel(&booking).await;
    reached(&desk.admin(), &small, "OFFERED").await;
    let again = desk.admin().request(reqwest::Method::GET, &at(&large)).header("if-none-match", before);
    assert_eq!(loadmaster_testkit::Answer::of(again).await.expect(200)["passed_over"], 1);
}

#[tokio::test]
async fn nothing_is_kept_for_freight_that_lacks_more_than_space() {
    let desk = Desk::open().await;
    let (flight, [large_one, one, two, three, four]) = desk.full("AI101", 200, [960, 10, 10, 10, 10]).await;
    let live = desk.join(with(wanted(&flight, 40.0), json!({ "special_handling_codes": ["AVI"] }))).await;
    desk.passed_over_thrice(&flight, &[one, two, three], &live).await;
    impose(&desk.admin(), embargo(json!({ "handling_codes": ["AVI"] }))).await;
    let small = desk.join(wanted(&flight, 10.0)).await;
    desk.cancel(&four).await;
    reached(&desk.admin(), &small, "OFFERED").await;
    // Nor for freight that has become larger than what is not booked on the flight.
    let whole = desk.join(wanted(&flight, 50.0)).await;
    desk.world.sql("update waitlist_entries set passed_over = 3 where status = 'WAITING'").await;
    desk.admin().patch(&path_of(&large_one), json!({ "weight_kg": 950 })).await.expect(200);
    desk.settled().await;
    assert_eq!(desk.available(&flight).await, 0, "it is kept");
    let last = desk.join(wanted(&flight, 9.0)).await;
    desk.admin().patch(&path_to(&flight), json!({ "capacity": { "weight_kg": 999 } })).await.expect(200);
    reached(&desk.admin(), &last, "OFFERED").await;
    assert_eq!(desk.status(&whole).await, "WAITING");
    desk.world.audit().await;
}

#[tokio::test]
async fn an_offer_lasts_a_day_or_half_of_the_time_that_is_left() {
    let desk = Desk::open().await;
    for (number, hours) in [("AI101", 200), ("AI103", 10)] {
        let (flight, [booking]) = desk.full(number, hours, [100]).await;
        let entry = desk.join(wanted(&flight, 100.0)).await;
        desk.cancel(&booking).await;
        let offer = reached(&desk.admin(), &entry, "OFFERED").await["offer"].clone();
        let [ends, latest] =
            ["expires_at", "latest_expires_at"].map(|name| -> DateTime<Utc> { text(&offer, name).parse().unwrap() });
        let cutoff: DateTime<Utc> = text(&flight, "cutoff_datetime").parse().unwrap();
        assert_eq!(ends - desk.world.now(), TimeDelta::hours(24).min((cutoff - desk.world.now()) / 2), "{number}");
        assert_eq!(ends, latest, "{number}");
        let extend = format!("/api/v1/holds/{}/extend", text(&offer, "id"));
        desk.admin().poke(&extend).await.expect_problem(409, "hold_limit_exceeded");
    }
    desk.world.audit().await;
}

#[tokio::test]
async fn there_are_no_offers_in_the_last_half_hour() {
    let desk = Desk::open().await;
    let (flight, [booking, other]) = desk.full("AI101", 10, [60, 40]).await;
    let entry = desk.join(wanted(&flight, 10.0)).await;
    let cutoff: DateTime<Utc> = text(&flight, "cutoff_datetime").parse().unwrap();
    let left = |minutes| cutoff - desk.world.now() - TimeDelta::minutes(minutes);
    desk.world.clock.advance(left(31));
    desk.cancel(&booking).await;
    reached(&desk.admin(), &entry, "OFFERED").await;
    let late = desk.join(wanted(&flight, 60.0)).await;
    desk.world.clock.advance(left(30));
    // What becomes free now is for walk-ins.
    desk.cancel(&other).await;
    assert!(desk.available(&flight).await.as_f64().unwrap() >= 40.0);
    // The next news of any flight ends those who still wait.
    let other = desk.world.flight(NewFlight::new("AI103", "DEL", "LHR").leaves_in_hours(100)).await;
    desk.admin().patch(&path_to(&other), json!({ "capacity": { "weight_kg": 999 } })).await.expect(200);
    assert_eq!(reached(&desk.admin(), &late, "EXPIRED").await["offer"], Value::Null);
    desk.world.audit().await;
}
