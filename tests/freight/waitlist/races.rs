//! Two that cannot both be right about an offer: one wins each time. 200 rounds each take a minute: `./test --long`.
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, World, WorldOptions,
    freight::{BOOKINGS, at_once, order, race, text},
    holds::{HOLDS, hold_on},
    rounds, until,
    waitlist::{WAITLIST, at, fill, join, wanted},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// Rounds of each test.
fn tries() -> usize {
    rounds(8, 200)
}

/// With a matcher, and entries of many rounds that still wait.
fn patient() -> WorldOptions {
    WorldOptions::patient().with_workers().set("holds.organization_active", "10000")
}

/// A world with a matcher, whose callers' tokens are renewed as its clock goes on.
struct Races {
    world: World,
    anonymous: Client,
    ids: [Uuid; 4],
}

impl Races {
    async fn start() -> Self {
        let world = patient().start().await;
        let races = Self { anonymous: world.anonymous(), world, ids: [(); 4].map(|()| Uuid::new_v4()) };
        races.world.caller_in(Role::Customer, races.ids[0], races.ids[1]).await;
        races.world.caller_in(Role::Admin, races.ids[2], races.ids[3]).await;
        races
    }

    fn customer(&self) -> Client {
        self.anonymous.with_token(&self.world.token(Role::Customer, self.ids[0], self.ids[1]))
    }

    fn admin(&self) -> Client {
        self.anonymous.with_token(&self.world.token(Role::Admin, self.ids[2], self.ids[3]))
    }

    /// An empty flight that closes this many minutes from now.
    async fn flight(&self, round: usize, kilograms: usize, minutes: i64) -> Value {
        let departure = self.world.now() + TimeDelta::minutes(minutes + 60);
        let flight = json!({
            "flight_number": format!("AI{}", 100 + round), "origin": "DEL", "destination": "LHR",
            "departure_datetime": departure, "arrival_datetime": departure + TimeDelta::hours(4), "cutoff_minutes": 60,
            "capacity": { "weight_kg": kilograms, "volume_m3": 1000, "positions": 10 },
        });
        self.admin().post("/api/v1/flights", flight).await.expect(201)
    }

    /// A flight for 100 kg, the entry that it is offered to, and one that waits behind it.
    async fn offered(&self, round: usize) -> (Value, Value, Value) {
        let flight = self.flight(round, 100, 70).await;
        let customer = self.customer();
        let booking = fill(&self.admin(), &flight).await;
        let first = join(&customer, wanted(&flight, 100.0)).await;
        self.admin().walk(&booking, &["cancel"]).await;
        let first = self.reached(&first, "OFFERED").await;
        let second = join(&customer, wanted(&flight, 100.0)).await;
        (flight, first, second)
    }

    async fn now(&self, entry: &Value) -> Value {
        self.customer().get(&at(entry)).await.expect(200)
    }

    async fn reached(&self, entry: &Value, status: &str) -> Value {
        until(&format!("the entry is {status}"), async || text(&self.now(entry).await, "status") == status).await;
        self.now(entry).await
    }

    async fn room(&self, flight: &Value) -> [Value; 3] {
        let room = self.customer().room(flight).await;
        ["booked", "held", "available"].map(|part| room[part]["weight_kg"].clone())
    }
}

fn booking(client: &Client, entry: &Value) -> impl Future<Output = Answer> + use<> {
    let (client, path) = (client.clone(), format!("{}/book", at(entry)));
    async move { client.post(&path, json!({ "pieces": 1 })).await }
}

// Some seconds: what an expired offer kept is seen at the next look of the matcher, a quarter of a second later.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_offer_is_booked_or_expires_and_goes_to_the_next() {
    let races = Races::start().await;
    for round in 0..tries() {
        let (flight, first, second) = races.offered(round).await;
        let ends: DateTime<Utc> = text(&first["offer"], "expires_at").parse().unwrap();
        races.world.clock.advance(ends - races.world.now() - TimeDelta::seconds(1));
        // Whoever runs short ends what has expired. A walk-in gets nothing of it while somebody waits.
        let walking_in = async {
            races.world.clock.advance(TimeDelta::seconds(1));
            races.customer().post(BOOKINGS, order(&[&flight])).await
        };
        let [booked, walked_in] = race(round, booking(&races.customer(), &first), walking_in).await;
        walked_in.expect_problem(409, "capacity_exceeded");
        if booked.status == 201 {
            assert_eq!(text(&races.now(&first).await, "status"), "BOOKED");
            assert_eq!(text(&races.now(&second).await, "status"), "WAITING");
            assert_eq!(races.room(&flight).await, [json!(100), json!(0), json!(0)]);
        } else {
            booked.expect_problem(409, "hold_expired");
            assert_eq!(text(&races.now(&first).await, "status"), "EXPIRED");
            races.reached(&second, "OFFERED").await;
            assert_eq!(races.room(&flight).await, [json!(0), json!(100), json!(0)]);
        }
    }
    races.world.audit_and_rebuild().await;
}

// Some seconds: what a cancellation frees is seen at the next look of the matcher, a quarter of a second later.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_cancelled_in_a_storm_of_walk_ins_is_offered_to_the_first_that_waits() {
    let races = Races::start().await;
    for round in 0..tries() {
        let flight = races.flight(round, 100, 3000).await;
        let (owner, stranger) = (races.customer(), races.world.customer().await);
        let sold = owner.book(order(&[&flight])).await;
        let first = join(&owner, wanted(&flight, 100.0)).await;
        let second = join(&owner, wanted(&flight, 100.0)).await;
        let storm = (0..12).map(|number| {
            let wishes = [(HOLDS, hold_on(&[&flight])), (BOOKINGS, order(&[&flight]))];
            let (path, wish) = wishes[number % 2].clone();
            stranger.sending(path, wish)
        });
        let cancelling = async {
            tokio::time::sleep(Duration::from_millis((round % 8).try_into().unwrap())).await;
            owner.walk(&sold, &["cancel"]).await
        };
        let (walk_ins, _) = tokio::join!(at_once(storm), cancelling);
        for walk_in in walk_ins {
            walk_in.expect_problem(409, "capacity_exceeded");
        }
        races.reached(&first, "OFFERED").await;
        assert_eq!(text(&races.now(&second).await, "status"), "WAITING");
        assert_eq!(races.room(&flight).await, [json!(0), json!(100), json!(0)]);
    }
    races.world.audit_and_rebuild().await;
}

// Some seconds: each round makes a flight, six entries and three offers.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_matchers_offer_the_same_space_once() {
    let races = Races::start().await;
    let other = patient().on(&races.world.database).start().await;
    for round in 0..tries() {
        let flight = races.flight(round, 300, 3000).await;
        let here = races.customer();
        let there = other.same(&here);
        let booking = fill(&races.admin(), &flight).await;
        let joining = (0..6).map(|number| {
            let client = if number % 2 == 0 { &here } else { &there };
            client.sending(WAITLIST, wanted(&flight, 100.0))
        });
        for joined in at_once(joining).await {
            joined.expect(201);
        }
        // Both find what is set aside.
        races.admin().walk(&booking, &["cancel"]).await;
        let path = format!("{WAITLIST}?flight_id={}&status=OFFERED", text(&flight, "id"));
        until("three have offers", async || here.get(&path).await.expect(200).as_array().unwrap().len() == 3).await;
        assert_eq!(races.room(&flight).await, [json!(0), json!(300), json!(0)]);
    }
    let offers =
        "select count(*)::text || ' ' || count(distinct hold_id) from waitlist_entries where status = 'OFFERED'";
    assert_eq!(races.world.texts(offers).await, [format!("{0} {0}", 3 * tries())]);
    races.world.audit_and_rebuild().await;
    other.shutdown().await;
}

// Some seconds: in each round one or two offers are made.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_offer_is_booked_or_declined() {
    let races = Races::start().await;
    for round in 0..tries() {
        let (flight, first, second) = races.offered(round).await;
        let customer = races.customer();
        let declining = async { customer.poke(&format!("{}/decline", at(&first))).await };
        let [booked, declined] = race(round, booking(&customer, &first), declining).await;
        assert_ne!(booked.status.is_success(), declined.status.is_success(), "{} {}", booked.text, declined.text);
        if booked.status == 201 {
            declined.expect_problem(409, "invalid_transition");
            races.reached(&first, "BOOKED").await;
            assert_eq!(races.room(&flight).await, [json!(100), json!(0), json!(0)]);
        } else {
            booked.expect_problem(409, "invalid_transition");
            races.reached(&first, "DECLINED").await;
            races.reached(&second, "OFFERED").await;
            assert_eq!(races.room(&flight).await, [json!(0), json!(100), json!(0)]);
        }
    }
    races.world.audit_and_rebuild().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_entry_is_cancelled_or_gets_an_offer() {
    let races = Races::start().await;
    let (mut cancelled, mut offered) = (0, 0);
    // As many more as it takes to see both.
    for round in 0..10 * tries() {
        if round >= tries() && cancelled > 0 && offered > 0 {
            break;
        }
        let flight = races.flight(round, 100, 3000).await;
        let customer = races.customer();
        let booking = fill(&races.admin(), &flight).await;
        let entry = join(&customer, wanted(&flight, 100.0)).await;
        // The matcher looks for what is set aside four times a second.
        races.admin().walk(&booking, &["cancel"]).await;
        tokio::time::sleep(Duration::from_millis((round % 8 * 40).try_into().unwrap())).await;
        let left = customer.delete(&at(&entry)).await;
        if left.status == 200 {
            cancelled += 1;
            assert_eq!(text(&races.now(&entry).await, "status"), "CANCELLED");
            let open = [json!(0), json!(0), json!(100)];
            until("it is open", async || races.room(&flight).await == open).await;
            assert_eq!(races.now(&entry).await["offer"], Value::Null);
        } else {
            offered += 1;
            let refused = left.expect_problem(409, "invalid_transition");
            assert_eq!((text(&refused, "from"), &refused["allowed"]), ("OFFERED", &json!(["book", "decline"])));
            assert_eq!(races.room(&flight).await, [json!(0), json!(100), json!(0)]);
        }
    }
    assert!(cancelled > 0 && offered > 0, "{cancelled} were cancelled, {offered} got offers");
    races.world.audit_and_rebuild().await;
}
