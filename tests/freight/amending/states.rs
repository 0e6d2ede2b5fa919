//! What may be amended in which state of the booking, and by whom.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, World,
    amending::{amend, refused, shown},
    freight::{order, two_flights},
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::awb;

/// Where a booking of two legs can be, and what can follow there: for the carrier's staff, and for customers.
struct State {
    steps: &'static [&'static str],
    status: &'static str,
    staff: &'static [&'static str],
    customer: &'static [&'static str],
}

const STATES: &[State] = &[
    State { steps: &[], status: "BOOKED", staff: &["depart", "cancel"], customer: &["cancel"] },
    State { steps: &["depart"], status: "DEPARTED", staff: &["arrive", "cancel"], customer: &[] },
    State { steps: &["depart", "arrive"], status: "ARRIVED", staff: &["depart"], customer: &[] },
    State { steps: &["depart", "arrive", "depart"], status: "DEPARTED", staff: &["arrive"], customer: &[] },
    State { steps: &["depart", "arrive", "depart", "arrive"], status: "ARRIVED", staff: &["deliver"], customer: &[] },
    State {
        steps: &["depart", "arrive", "depart", "arrive", "deliver"],
        status: "DELIVERED",
        staff: &[],
        customer: &[],
    },
    State { steps: &["cancel"], status: "CANCELLED", staff: &[], customer: &[] },
    State { steps: &["depart", "cancel"], status: "CANCELLED", staff: &[], customer: &[] },
];

/// What concerns the freight itself; the number makes each new.
fn freight(number: u32) -> Vec<Value> {
    vec![
        json!({"pieces": 10 + number}),
        json!({"weight_kg": 200 + number}),
        json!({"volume_m3": 2 + number}),
        json!({"positions": 1 + number % 2}),
        json!({"awb_number": awb(number)}),
    ]
}

/// What is said about it.
fn words(number: u32) -> Vec<Value> {
    vec![
        json!({"description": format!("lot {number}")}),
        json!({"customer_reference": format!("PO {number}")}),
        json!({"shipper": {"name": format!("Ann {number}")}}),
        json!({"consignee": {"name": format!("Bob {number}")}}),
        json!({"special_handling_codes": if number.is_multiple_of(2) { ["PER"] } else { ["COL"] }}),
    ]
}

async fn callers(world: &World) -> [(Role, Client); 4] {
    let organization = Uuid::new_v4();
    [
        (Role::Customer, world.caller_in(Role::Customer, Uuid::new_v4(), organization).await),
        (Role::Customer, world.caller_in(Role::Customer, Uuid::new_v4(), organization).await),
        (Role::Operator, world.operator().await),
        (Role::Admin, world.admin().await),
    ]
}

#[tokio::test]
async fn freight_is_changed_while_booked_and_words_until_the_end() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let callers = callers(&world).await;
    let mut number = 0;
    for state in STATES {
        let booking = callers[0].1.book(order(&[&first, &second])).await;
        callers[2].1.walk(&booking, state.steps).await;
        for (role, caller) in &callers {
            number += 1;
            let allowed = if *role == Role::Customer { state.customer } else { state.staff };
            let at_end = ["DELIVERED", "CANCELLED"].contains(&state.status);
            for (changes, may) in [(freight(number), state.status == "BOOKED"), (words(number), !at_end)] {
                let (written, mut before) = (world.written().await, shown(caller, &booking).await);
                for change in changes {
                    let told = format!("{:?} {change} by {role:?}", state.steps);
                    let answer = amend(caller, &booking, change).await;
                    if may {
                        let after = answer.expect(200);
                        assert_eq!(after["status"], state.status, "{told}");
                        assert_eq!(after["next_actions"], before["next_actions"], "{told}");
                        let version = before["version"].as_u64().map(|version| version + 1);
                        assert_eq!(after["version"].as_u64(), version, "{told}");
                        before = after;
                    } else {
                        assert_eq!(answer.body["code"], "invalid_transition", "{told}: {}", answer.text);
                        let problem = answer.expect_problem(409, "invalid_transition");
                        assert_eq!((&problem["from"], &problem["action"]), (&json!(state.status), &json!("amend")));
                        assert_eq!(problem["allowed"], json!(allowed), "{told}");
                    }
                }
                let told = format!("{:?} by {role:?}", state.steps);
                assert!(may || world.written().await == written, "{told}: something was written");
            }
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn a_change_of_both_is_made_whole_or_not_at_all() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&first, &second])).await;
    operator.walk(&booking, &["depart"]).await;
    let before = shown(&customer, &booking).await;
    let both = json!({"description": "late", "pieces": 9});
    for caller in [&customer, &operator] {
        refused(&world, caller, &booking, both.clone(), "invalid_transition").await;
    }
    assert_eq!(shown(&customer, &booking).await, before);
    world.audit().await;
}

#[tokio::test]
async fn cargo_aircraft_only_is_judged_after_departure_too() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&first, &second])).await;
    operator.walk(&booking, &["depart"]).await;
    refused(&world, &operator, &booking, json!({"special_handling_codes": ["CAO"]}), "itinerary_invalid").await;
    amend(&operator, &booking, json!({"special_handling_codes": ["PER"]})).await.expect(200);
    world.audit().await;
}
