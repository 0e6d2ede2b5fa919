//! Flights that leave or are cancelled, and with them their holds.
use std::time::Instant;

use chrono::TimeDelta;
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    flight_verbs::done,
    freight::{at_once, text, with},
    holds::{HOLDS, at, hold_on},
    rounds,
};
use serde_json::{Value, json};

use super::{direct, events_of, held_on, named, positions};

async fn first(world: &World) -> Value {
    world.flight(NewFlight::new("AI101", "DEL", "BOM").weight(100_000.0)).await
}

async fn onward(world: &World, number: usize) -> Value {
    let new = NewFlight::new(&format!("AI{}", 200 + number), "BOM", "LHR").leaves_in_hours(36);
    world.flight(new.weight(100_000.0)).await
}

async fn a_flight_ends_its_holds(verb: &str, reason: &str) {
    let world = World::start().await;
    let (first, onward) = (first(&world).await, onward(&world, 0).await);
    let (customer, admin) = (world.customer().await, world.admin().await);
    let both =
        with(hold_on(&[&first, &onward]), json!({ "position_names": { text(&onward, "id"): ["P2"] }, "pieces": 1 }));
    let (both, early) = (customer.hold(both).await, customer.hold(hold_on(&[&first])).await);
    let late = customer.hold(hold_on(&[&onward])).await;
    done(&admin, &first, verb).await;
    for hold in [&both, &early] {
        let ended = customer.held(hold).await;
        assert_eq!((text(&ended, "status"), text(&ended, "end_reason")), ("RELEASED", reason));
        assert_eq!(ended["version"], 2);
        assert_eq!(events_of(&world, hold).await, ["CREATED", "RELEASED"]);
        customer.poke(&format!("{}/commit", at(hold))).await.expect_problem(409, "invalid_transition");
    }
    assert_eq!(text(&customer.held(&late).await, "status"), "ACTIVE");
    assert_eq!(held_on(&customer, &first).await, 0);
    assert_eq!(held_on(&customer, &onward).await, 100);
    assert_eq!(positions(&customer, &onward).await[1], "P2 FREE");
    let told = "select event_type from outbox where aggregate = 'hold' order by id";
    assert_eq!(world.texts(told).await, ["CREATED", "CREATED", "CREATED", "RELEASED", "RELEASED"]);
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_cancelled_flight_releases_its_holds_on_all_of_their_flights() {
    a_flight_ends_its_holds("cancel", "FLIGHT_CANCELLED").await;
}

#[tokio::test]
async fn a_departed_flight_releases_its_holds_on_all_of_their_flights() {
    a_flight_ends_its_holds("depart", "FLIGHT_DEPARTED").await;
}

#[tokio::test]
async fn a_hold_whose_time_was_up_has_expired_and_was_not_released_by_the_flight() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let customer = world.customer().await;
    let brief = customer.hold(with(hold_on(&[&flight]), json!({ "ttl_seconds": 10 }))).await;
    let longer = customer.hold(hold_on(&[&flight])).await;
    world.clock.advance(TimeDelta::seconds(10));
    done(&world.admin().await, &flight, "cancel").await;
    let (brief, longer) = (customer.held(&brief).await, customer.held(&longer).await);
    assert_eq!((text(&brief, "status"), &brief["end_reason"]), ("EXPIRED", &Value::Null));
    assert_eq!(text(&longer, "status"), "RELEASED");
    world.audit().await;
}

#[tokio::test]
async fn a_flight_with_the_bookings_of_holds_frees_their_positions() {
    let world = World::start().await;
    let flight = direct(&world, "AI101", 1000.0).await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let hold = customer.hold(named(&flight, &["P1", "P7"])).await;
    customer.commit(&hold, json!({ "pieces": 1 })).await;
    assert_eq!(positions(&customer, &flight).await[6], "P7 BOOKED");
    done(&admin, &flight, "cancel").await;
    assert_eq!(positions(&customer, &flight).await[6], "P7 FREE");
    world.audit_and_rebuild().await;
}

/// Makes so many holds of both flights, some at a time.
async fn many(client: &Client, way: &[(&Value, &Value)], number: usize) {
    for chunk in (0..number).collect::<Vec<_>>().chunks(50) {
        let wanted = chunk.iter().map(|at| {
            let (first, onward) = way[at % way.len()];
            client.sending(HOLDS, with(hold_on(&[first, onward]), json!({ "weight_kg": 1 })))
        });
        for answer in at_once(wanted).await {
            answer.expect(201);
        }
    }
}

/// Makes hundreds of holds: seconds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flight_with_a_thousand_holds_is_cancelled_within_two_seconds() {
    let world = WorldOptions::patient().start().await;
    let first = first(&world).await;
    let mut next = Vec::new();
    for number in 0..20 {
        next.push(onward(&world, number).await);
    }
    let way: Vec<(&Value, &Value)> = next.iter().map(|onward| (&first, onward)).collect();
    let number = rounds(300, 1000);
    many(&world.operator().await, &way, number).await;
    let admin = world.admin().await;
    let began = Instant::now();
    done(&admin, &first, "cancel").await;
    let took = began.elapsed();
    println!("{number} holds ended in {took:?}");
    assert!(took.as_secs_f64() < 2.0, "{number} holds took {took:?}");
    let ended = "holds where status = 'RELEASED' and end_reason = 'FLIGHT_CANCELLED'";
    assert_eq!(world.count(ended).await, number);
    for flight in &next {
        assert_eq!(held_on(&admin, flight).await, 0);
    }
    world.audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_flight_is_cancelled_in_a_storm_of_new_holds_that_lead_on_to_other_flights() {
    let world = WorldOptions::patient().start().await;
    let first = first(&world).await;
    let mut next = Vec::new();
    for number in 0..12 {
        next.push(onward(&world, number).await);
    }
    let (operator, admin) = (world.operator().await, world.admin().await);
    let storm = at_once((0..6).map(|lane| {
        let (operator, first, next) = (operator.clone(), first.clone(), next.clone());
        async move {
            for onward in next.iter().cycle().skip(2 * lane) {
                let answer = operator.post(HOLDS, hold_on(&[&first, onward])).await;
                if answer.status == 409 {
                    return answer.expect_problem(409, "flight_cancelled");
                }
                answer.expect(201);
            }
            Value::Null
        }
    }));
    let cancelling = async {
        // Until the storm is on.
        while held_on(&admin, &first).await == 0 {
            tokio::task::yield_now().await;
        }
        done(&admin, &first, "cancel").await;
    };
    tokio::join!(storm, cancelling);
    assert_eq!(world.count("hold_legs where is_open").await, 0);
    for flight in &next {
        assert_eq!(held_on(&admin, flight).await, 0);
    }
    world.audit().await;
}
