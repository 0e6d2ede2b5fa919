//! What a caller says about a movement must be so: the place and the flight.
use loadmaster_testkit::{
    World,
    freight::{order, path_of, text},
};
use serde_json::{Value, json};

use super::two_flights;

#[tokio::test]
async fn a_step_happens_only_at_its_own_airport() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&first, &second])).await;
    let path = path_of(&booking);
    for (step, here, elsewhere) in [
        ("depart", "DEL", ["BOM", "LHR"]),
        ("arrive", "BOM", ["DEL", "LHR"]),
        ("depart", "BOM", ["DEL", "LHR"]),
        ("arrive", "LHR", ["DEL", "BOM"]),
        ("deliver", "LHR", ["DEL", "BOM"]),
    ] {
        let path = format!("{path}/{step}");
        let before = world.written().await;
        for airport in elsewhere {
            let refused = operator.post(&path, json!({"location": airport})).await;
            let problem = refused.expect_problem(409, "location_mismatch");
            assert!(text(&problem, "detail").contains(here), "{problem}");
        }
        assert_eq!(world.written().await, before);
        operator.post(&path, json!({"location": format!(" {} ", here.to_lowercase())})).await.expect(200);
    }
    world.audit().await;
}

#[tokio::test]
async fn a_step_is_of_its_own_flight() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&first, &second])).await;
    let path = path_of(&booking);
    for (step, flight, other) in [
        ("depart", &first, &second),
        ("arrive", &first, &second),
        ("depart", &second, &first),
        ("arrive", &second, &first),
        ("deliver", &second, &first),
    ] {
        let path = format!("{path}/{step}");
        let before = world.written().await;
        let wrong = [
            json!({"flight_id": other["id"]}),
            json!({"flight_number": other["flight_number"]}),
            json!({"flight_id": flight["id"], "flight_number": other["flight_number"]}),
            json!({"flight_id": other["id"], "flight_number": flight["flight_number"]}),
            json!({"flight_id": "01890000-0000-7000-8000-000000000000"}),
        ];
        for claim in wrong {
            let problem = operator.post(&path, claim).await.expect_problem(409, "flight_mismatch");
            assert!(text(&problem, "detail").contains(text(flight, "flight_number")), "{problem}");
        }
        assert_eq!(world.written().await, before);
        // Leading zeros, case and padding do not matter.
        let number = format!(" {} ", text(flight, "flight_number").replace("AI", "ai0"));
        let right = json!({"flight_id": flight["id"], "flight_number": number});
        operator.post(&path, right).await.expect(200);
    }
    world.audit().await;
}

#[tokio::test]
async fn the_transition_is_judged_before_what_is_said_about_it() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let booking = world.customer().await.book(order(&[&first, &second])).await;
    let operator = world.operator().await;
    let claim = json!({"location": "LHR", "flight_id": second["id"]});
    let refused = operator.post(&format!("{}/arrive", path_of(&booking)), claim).await;
    refused.expect_problem(409, "invalid_transition");
}

#[tokio::test]
async fn a_cancelled_flight_cannot_be_departed_on() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let booking = customer.book(order(&[&first, &second])).await;
    let cancel = |flight: &Value| {
        format!("update flight_capacity set status = 'CANCELLED' where flight_id = '{}'", text(flight, "id"))
    };
    let depart = format!("{}/depart", path_of(&booking));

    // Only the leg's own flight matters.
    world.sql(&cancel(&second)).await;
    operator.walk(&booking, &["depart", "arrive"]).await;
    let before = world.written().await;
    let problem = operator.poke(&depart).await.expect_problem(409, "flight_cancelled");
    assert!(text(&problem, "detail").contains("AI102"));
    assert_eq!(world.written().await, before);

    let stranded = customer.book(order(&[&first])).await;
    world.sql(&cancel(&first)).await;
    let refused = operator.poke(&format!("{}/depart", path_of(&stranded))).await;
    refused.expect_problem(409, "flight_cancelled");
    world.audit().await;
}

#[tokio::test]
async fn a_step_needs_no_body_and_null_says_nothing() {
    let world = World::start().await;
    let [first, _] = two_flights(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let path = path_of(&customer.book(order(&[&first])).await);
    let nothing =
        json!({"location": null, "flight_id": null, "flight_number": null, "occurred_at": null, "notes": null});
    operator.post(&format!("{path}/depart"), nothing).await.expect(200);
    operator.post(&format!("{path}/arrive"), json!({})).await.expect(200);
    operator.poke(&format!("{path}/deliver")).await.expect(200);
}
