//! Two that cannot both be right about a hold: one wins each time. 200 rounds each take seconds: `./test --long`.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, World, WorldOptions,
    flight_verbs::path_to,
    freight::{BOOKINGS, order, race, text, with},
    holds::{HOLDS, at, hold_on},
    rounds,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{direct, named};

/// Rounds of each test.
fn tries() -> usize {
    rounds(25, 200)
}

/// A world of races, whose callers' tokens are renewed as its clock goes on.
struct Races {
    world: World,
    ids: [Uuid; 4],
}

impl Races {
    async fn start() -> Self {
        let races = Self { world: WorldOptions::patient().start().await, ids: [(); 4].map(|()| Uuid::new_v4()) };
        races.world.caller_in(Role::Customer, races.ids[0], races.ids[1]).await;
        races.world.caller_in(Role::Admin, races.ids[2], races.ids[3]).await;
        races
    }

    fn customer(&self) -> Client {
        self.world.anonymous().with_token(&self.world.token(Role::Customer, self.ids[0], self.ids[1]))
    }

    fn admin(&self) -> Client {
        self.world.anonymous().with_token(&self.world.token(Role::Admin, self.ids[2], self.ids[3]))
    }

    /// A flight for 100 kg.
    async fn flight(&self, round: usize) -> Value {
        direct(&self.world, &format!("AI{}", 100 + round), 100.0).await
    }

    /// A hold of a whole flight that lacks nothing.
    async fn held(&self, flight: &Value) -> Value {
        let wanted = json!({ "pieces": 1, "ttl_seconds": 10 });
        self.customer().hold(with(hold_on(&[flight]), wanted)).await
    }
}

/// Exactly one of them succeeded; the other was refused by its code. Returns whether the first one did.
#[track_caller]
fn one_wins([one, two]: [Answer; 2], codes: [&str; 2]) -> bool {
    let first = one.status.is_success();
    assert_ne!(first, two.status.is_success(), "{} {}", one.text, two.text);
    if first {
        two.expect_problem(409, codes[1]);
    } else {
        one.expect_problem(409, codes[0]);
    }
    first
}

fn committing(client: &Client, hold: &Value) -> impl Future<Output = Answer> + use<> {
    let (client, path) = (client.clone(), format!("{}/commit", at(hold)));
    async move { client.poke(&path).await }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_is_committed_or_released() {
    let races = Races::start().await;
    for round in 0..tries() {
        let (flight, customer) = (races.flight(round).await, races.customer());
        let hold = races.held(&flight).await;
        let releasing = async { customer.delete(&at(&hold)).await };
        let both = race(round, committing(&customer, &hold), releasing).await;
        let committed = one_wins(both, ["invalid_transition", "invalid_transition"]);
        let room = customer.room(&flight).await;
        let booked = if committed { 100 } else { 0 };
        assert_eq!((&room["booked"]["weight_kg"], &room["held"]["weight_kg"]), (&json!(booked), &json!(0)));
    }
    races.world.audit_and_rebuild().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_is_committed_or_its_space_goes_to_another_once_its_time_is_up() {
    let races = Races::start().await;
    for round in 0..tries() {
        let (flight, customer) = (races.flight(round).await, races.customer());
        let hold = races.held(&flight).await;
        let booking = async {
            races.world.clock.advance(TimeDelta::seconds(10));
            races.customer().post(BOOKINGS, order(&[&flight])).await
        };
        let both = race(round, committing(&customer, &hold), booking).await;
        one_wins(both, ["hold_expired", "capacity_exceeded"]);
        assert_eq!(customer.room(&flight).await["booked"]["weight_kg"], 100);
    }
    races.world.audit_and_rebuild().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_is_committed_or_ends_with_its_flight() {
    let races = Races::start().await;
    for round in 0..tries() {
        let (flight, customer, admin) = (races.flight(round).await, races.customer(), races.admin());
        let hold = races.held(&flight).await;
        let cancelling = async { admin.poke(&format!("{}/cancel", path_to(&flight))).await };
        let [committed, cancelled] = race(round, committing(&customer, &hold), cancelling).await;
        cancelled.expect(200);
        let now = customer.held(&hold).await;
        if committed.status == 201 {
            assert_eq!(text(&now, "status"), "COMMITTED");
        } else {
            committed.expect_problem(409, "invalid_transition");
            assert_eq!(text(&now, "end_reason"), "FLIGHT_CANCELLED");
        }
        let room = customer.room(&flight).await;
        assert_eq!((&room["booked"]["weight_kg"], &room["held"]["weight_kg"]), (&json!(0), &json!(0)));
    }
    races.world.audit_and_rebuild().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_is_committed_or_ends_with_the_capacity() {
    let races = Races::start().await;
    for round in 0..tries() {
        let (flight, customer, admin) = (races.flight(round).await, races.customer(), races.admin());
        let hold = races.held(&flight).await;
        let wish = json!({ "capacity": { "weight_kg": 50 }, "release_holds": true });
        let cutting = async { admin.patch(&path_to(&flight), wish).await };
        let both = race(round, committing(&customer, &hold), cutting).await;
        let committed = one_wins(both, ["invalid_transition", "capacity_below_booked"]);
        let status = if committed { "COMMITTED" } else { "RELEASED" };
        assert_eq!(text(&customer.held(&hold).await, "status"), status);
    }
    races.world.audit_and_rebuild().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_hold_is_committed_once() {
    let races = Races::start().await;
    for round in 0..tries() {
        let (flight, customer) = (races.flight(round).await, races.customer());
        let hold = races.held(&flight).await;
        let both = race(round, committing(&customer, &hold), committing(&customer, &hold)).await;
        one_wins(both, ["invalid_transition", "invalid_transition"]);
    }
    assert_eq!(races.world.count("bookings").await, tries());
    races.world.audit_and_rebuild().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_named_position_goes_to_one_of_two() {
    let races = Races::start().await;
    let flight = direct(&races.world, "AI101", 100_000.0).await;
    let other = races.world.customer().await;
    for round in 0..tries() {
        let customer = races.customer();
        let taking = async |client: &Client| client.post(HOLDS, named(&flight, &["P3"])).await;
        let both = race(round, taking(&customer), taking(&other)).await;
        let made = both.each_ref().map(|answer| answer.body.clone());
        let winner = if one_wins(both, ["position_taken", "position_taken"]) { &made[0] } else { &made[1] };
        races.admin().delete(&at(winner)).await.expect(200);
    }
    races.world.audit().await;
}
