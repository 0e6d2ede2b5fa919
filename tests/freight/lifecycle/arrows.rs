//! Every arrow and every non-arrow of the state machine, for each role, through HTTP.
use futures_util::future::join_all;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, World,
    freight::{each, order, path_of},
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::two_flights;

/// Where a booking can be in its life, and what it then looks like.
struct State {
    legs: usize,
    /// The operator's steps that lead there.
    steps: &'static [&'static str],
    status: &'static str,
    leg_statuses: &'static [&'static str],
    airport: Option<&'static str>,
    at_destination: bool,
    /// What can follow, whoever asks.
    next: &'static [&'static str],
}

const STATES: &[State] = &[
    State {
        legs: 1,
        steps: &[],
        status: "BOOKED",
        leg_statuses: &["BOOKED"],
        airport: Some("DEL"),
        at_destination: false,
        next: &["depart", "cancel"],
    },
    State {
        legs: 1,
        steps: &["depart"],
        status: "DEPARTED",
        leg_statuses: &["DEPARTED"],
        airport: None,
        at_destination: false,
        next: &["arrive", "cancel"],
    },
    State {
        legs: 1,
        steps: &["depart", "arrive"],
        status: "ARRIVED",
        leg_statuses: &["ARRIVED"],
        airport: Some("BOM"),
        at_destination: true,
        next: &["deliver"],
    },
    State {
        legs: 1,
        steps: &["depart", "arrive", "deliver"],
        status: "DELIVERED",
        leg_statuses: &["ARRIVED"],
        airport: Some("BOM"),
        at_destination: true,
        next: &[],
    },
    State {
        legs: 1,
        steps: &["cancel"],
        status: "CANCELLED",
        leg_statuses: &["RELEASED"],
        airport: Some("DEL"),
        at_destination: false,
        next: &[],
    },
    State {
        legs: 1,
        steps: &["depart", "cancel"],
        status: "CANCELLED",
        leg_statuses: &["DEPARTED"],
        airport: None,
        at_destination: false,
        next: &[],
    },
    State {
        legs: 2,
        steps: &[],
        status: "BOOKED",
        leg_statuses: &["BOOKED", "BOOKED"],
        airport: Some("DEL"),
        at_destination: false,
        next: &["depart", "cancel"],
    },
    State {
        legs: 2,
        steps: &["depart"],
        status: "DEPARTED",
        leg_statuses: &["DEPARTED", "BOOKED"],
        airport: None,
        at_destination: false,
        next: &["arrive", "cancel"],
    },
    State {
        legs: 2,
        steps: &["depart", "arrive"],
        status: "ARRIVED",
        leg_statuses: &["ARRIVED", "BOOKED"],
        airport: Some("BOM"),
        at_destination: false,
        next: &["depart"],
    },
    State {
        legs: 2,
        steps: &["depart", "arrive", "depart"],
        status: "DEPARTED",
        leg_statuses: &["ARRIVED", "DEPARTED"],
        airport: None,
        at_destination: false,
        next: &["arrive"],
    },
    State {
        legs: 2,
        steps: &["depart", "arrive", "depart", "arrive"],
        status: "ARRIVED",
        leg_statuses: &["ARRIVED", "ARRIVED"],
        airport: Some("LHR"),
        at_destination: true,
        next: &["deliver"],
    },
    State {
        legs: 2,
        steps: &["depart", "arrive", "depart", "arrive", "deliver"],
        status: "DELIVERED",
        leg_statuses: &["ARRIVED", "ARRIVED"],
        airport: Some("LHR"),
        at_destination: true,
        next: &[],
    },
    State {
        legs: 2,
        steps: &["cancel"],
        status: "CANCELLED",
        leg_statuses: &["RELEASED", "RELEASED"],
        airport: Some("DEL"),
        at_destination: false,
        next: &[],
    },
    State {
        legs: 2,
        steps: &["depart", "cancel"],
        status: "CANCELLED",
        leg_statuses: &["DEPARTED", "RELEASED"],
        airport: None,
        at_destination: false,
        next: &[],
    },
];

/// The wire's calls; deleting is another word for cancelling.
const CALLS: &[&str] = &["depart", "arrive", "deliver", "cancel", "delete"];

fn action_of(call: &'static str) -> &'static str {
    if call == "delete" { "cancel" } else { call }
}

async fn call(client: &Client, booking: &Value, call: &str) -> Answer {
    let path = path_of(booking);
    if call == "delete" {
        return Answer::of(client.request(Method::DELETE, &path)).await;
    }
    client.poke(&format!("{path}/{call}")).await
}

impl State {
    async fn reach(&self, world: &Callers, flights: &[Value; 2]) -> Value {
        let chosen: Vec<_> = flights[..self.legs].iter().collect();
        let booking = world.customer.book(order(&chosen)).await;
        world.operator.walk(&booking, self.steps).await
    }

    /// What a caller of this role may do here.
    fn allowed(&self, role: Role) -> Vec<&'static str> {
        match role {
            Role::Operator | Role::Admin => self.next.to_vec(),
            _ if self.status == "BOOKED" => vec!["cancel"],
            _ => Vec::new(),
        }
    }
}

struct Callers {
    customer: Client,
    colleague: Client,
    operator: Client,
    admin: Client,
}

impl Callers {
    async fn of(world: &World) -> Self {
        let organization = Uuid::new_v4();
        Self {
            customer: world.caller_in(Role::Customer, Uuid::new_v4(), organization).await,
            colleague: world.caller_in(Role::Customer, Uuid::new_v4(), organization).await,
            operator: world.operator().await,
            admin: world.admin().await,
        }
    }
}

#[tokio::test]
async fn a_booking_looks_like_its_state() {
    let world = World::start().await;
    let (callers, flights) = (Callers::of(&world).await, two_flights(&world).await);
    for state in STATES {
        let answered = state.reach(&callers, &flights).await;
        let booking = callers.customer.get(&path_of(&answered)).await.expect(200);
        let told = format!("{} legs, {:?}", state.legs, state.steps);
        assert_eq!(booking, answered, "{told}");
        assert_eq!(booking["status"], state.status, "{told}");
        assert_eq!(json!(each(&booking["legs"], "status")), json!(state.leg_statuses), "{told}");
        assert_eq!(booking["current_airport"], json!(state.airport), "{told}");
        assert_eq!(booking["at_destination"], state.at_destination, "{told}");
        assert_eq!(booking["next_actions"], json!(state.next), "{told}");
        let in_force = state.leg_statuses.iter().zip(&flights).filter(|(status, _)| **status != "RELEASED");
        let in_force: Vec<_> = in_force.map(|(_, flight)| &flight["id"]).collect();
        assert_eq!(booking["flight_ids"], json!(in_force), "{told}");
        assert_eq!(booking["version"], json!(1 + state.steps.len()), "{told}");
    }
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_step_is_taken_exactly_where_the_state_and_the_role_allow_it() {
    let world = World::start().await;
    let (callers, flights) = (Callers::of(&world).await, two_flights(&world).await);
    let roles = [
        (Role::Customer, &callers.customer),
        (Role::Customer, &callers.colleague),
        (Role::Operator, &callers.operator),
        (Role::Admin, &callers.admin),
    ];
    // Each state is tried on bookings of its own, so they need not wait for each other.
    let tried = STATES.iter().map(async |state| {
        // A step that is refused leaves the booking where it is: to the next one.
        let mut booking = state.reach(&callers, &flights).await;
        for (role, caller) in roles {
            for name in CALLS {
                let told = format!("{} legs, {:?}, {name} by {role:?}", state.legs, state.steps);
                let answer = call(caller, &booking, name).await;
                judge(state, role, action_of(name), &told, &answer);
                let after = callers.customer.get(&path_of(&booking)).await.expect(200);
                if answer.status != 200 {
                    assert_eq!(after, booking, "{told}: a refused step changed something");
                    continue;
                }
                assert_eq!(after, answer.body, "{told}");
                let version = booking["version"].as_u64().map(|version| version + 1);
                assert_eq!(after["version"].as_u64(), version, "{told}");
                booking = state.reach(&callers, &flights).await;
            }
        }
    });
    join_all(tried).await;
    world.audit().await;
}

fn judge(state: &State, role: Role, action: &str, told: &str, answer: &Answer) {
    let allowed = state.allowed(role);
    if role == Role::Customer && action != "cancel" {
        assert_eq!((answer.status.as_u16(), &answer.body["code"]), (403, &json!("forbidden")), "{told}");
        answer.clone().expect_problem(403, "forbidden");
    } else if allowed.contains(&action) {
        assert_eq!(answer.status, 200, "{told}: {}", answer.text);
        let status = match action {
            "depart" => "DEPARTED",
            "arrive" => "ARRIVED",
            "deliver" => "DELIVERED",
            _ => "CANCELLED",
        };
        assert_eq!(answer.body["status"], status, "{told}");
    } else {
        assert_eq!(answer.body["code"], "invalid_transition", "{told}: {}", answer.text);
        let problem = answer.clone().expect_problem(409, "invalid_transition");
        assert_eq!(problem["from"], state.status, "{told}");
        assert_eq!(problem["action"], action, "{told}");
        assert_eq!(problem["allowed"], json!(allowed), "{told}");
    }
}

#[tokio::test]
async fn repeating_a_step_is_a_conflict() {
    let world = World::start().await;
    let (callers, flights) = (Callers::of(&world).await, two_flights(&world).await);
    let booking = callers.customer.book(order(&[&flights[0]])).await;
    for (step, allowed) in
        [("depart", json!(["arrive", "cancel"])), ("arrive", json!(["deliver"])), ("deliver", json!([]))]
    {
        callers.operator.walk(&booking, &[step]).await;
        let problem = call(&callers.operator, &booking, step).await.expect_problem(409, "invalid_transition");
        assert_eq!((&problem["action"], &problem["allowed"]), (&json!(step), &allowed));
    }
    let history = callers.customer.get(&format!("{}/history", path_of(&booking))).await.expect(200);
    assert_eq!(history["timeline"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn freight_without_an_onward_leg_waits_and_unflown_freight_can_only_be_cancelled() {
    let world = World::start().await;
    let (callers, flights) = (Callers::of(&world).await, two_flights(&world).await);
    let [first, second] = &flights;
    let lost = |booking: &Value| {
        let id = booking["id"].as_str().unwrap();
        format!("update booking_legs set status = 'CANCELLED' where booking_id = '{id}' and status = 'BOOKED'")
    };
    // What a flight's cancellation leaves behind, made by hand.
    let grounded = callers.customer.book(order(&[first, second])).await;
    world.sql(&lost(&grounded)).await;
    let waiting = callers.customer.book(order(&[first, second])).await;
    callers.operator.walk(&waiting, &["depart", "arrive"]).await;
    world.sql(&lost(&waiting)).await;

    for (booking, from, next) in [(&grounded, "BOOKED", json!(["cancel"])), (&waiting, "ARRIVED", json!([]))] {
        let now = callers.customer.get(&path_of(booking)).await.expect(200);
        assert_eq!((&now["status"], &now["next_actions"]), (&json!(from), &next));
        for step in ["depart", "arrive", "deliver"] {
            let problem = call(&callers.operator, booking, step).await.expect_problem(409, "invalid_transition");
            assert_eq!((&problem["from"], &problem["allowed"]), (&json!(from), &next), "{step}");
        }
    }
    let taken = world.available(first).await;
    let cancelled = callers.customer.walk(&grounded, &["cancel"]).await;
    assert_eq!(json!(each(&cancelled["legs"], "status")), json!(["CANCELLED", "CANCELLED"]));
    assert_eq!(world.available(first).await, taken, "legs that are not in force have nothing to give back");
    call(&callers.operator, &waiting, "cancel").await.expect_problem(409, "invalid_transition");
}
