//! A booking is its organization's: nobody else's customer learns that it exists.
use loadmaster_accounts::Role;
use loadmaster_testkit::{Answer, Client, NewFlight, World};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

async fn book(caller: &Client) -> Value {
    let order = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 10});
    caller.post("/api/v1/bookings", order).await.expect(201)
}

/// What a customer may ask of one booking.
const ASKED: [(&str, &str); 6] = [
    ("GET", ""),
    ("GET", "?include=history"),
    ("GET", "/status"),
    ("GET", "/history"),
    ("POST", "/cancel"),
    ("DELETE", ""),
];

async fn ask(caller: &Client, (method, rest): (&str, &str), ref_id: &str) -> Answer {
    let method: Method = method.parse().unwrap();
    Answer::of(caller.request(method, &format!("/api/v1/bookings/{ref_id}{rest}"))).await
}

fn without_request_id(mut problem: Value) -> Value {
    problem.as_object_mut().unwrap().remove("request_id");
    problem
}

fn refs(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|booking| booking["ref_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_foreign_booking_is_answered_like_one_that_does_not_exist() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (owner, stranger) = (world.customer().await, world.customer().await);
    let booking = book(&owner).await;
    let ref_id = booking["ref_id"].as_str().unwrap();
    for asked in ASKED {
        let foreign = ask(&stranger, asked, ref_id).await.expect_problem(404, "not_found");
        let absent = ask(&stranger, asked, "ACB000000000").await.expect_problem(404, "not_found");
        assert_eq!(without_request_id(foreign), without_request_id(absent), "{asked:?}");
    }
    // Bad input and stale preconditions are told only about what is one's own.
    for (path, body) in [("/cancel", json!({"unknown": 1})), ("/cancel?x=1", json!({}))] {
        stranger.post(&format!("/api/v1/bookings/{ref_id}{path}"), body).await.expect_problem(404, "not_found");
    }
    let stale = stranger.request(Method::DELETE, &format!("/api/v1/bookings/{ref_id}")).header("if-match", "\"77\"");
    Answer::of(stale).await.expect_problem(404, "not_found");
    let cached = stranger.request(Method::GET, &format!("/api/v1/bookings/{ref_id}")).header("if-none-match", "\"1\"");
    Answer::of(cached).await.expect_problem(404, "not_found");

    assert_eq!(ask(&owner, ASKED[0], ref_id).await.expect(200), booking, "nothing happened to it");
    world.audit().await;
}

#[tokio::test]
async fn a_foreign_booking_is_never_listed() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (owner, stranger) = (world.customer().await, world.customer().await);
    let booking = book(&owner).await;
    for query in [
        String::new(),
        "?status=BOOKED".to_owned(),
        format!("?flight_id={}", flight["id"].as_str().unwrap()),
        "?origin=DEL&destination=LHR".to_owned(),
        "?offset=0&limit=100".to_owned(),
    ] {
        let path = format!("/api/v1/bookings{query}");
        assert_eq!(stranger.get(&path).await.expect(200), json!([]), "{query}");
        assert_eq!(refs(&owner.get(&path).await.expect(200)), [booking["ref_id"].as_str().unwrap()], "{query}");
    }
    // Naming the owner's organization does not help.
    let organization = booking["organization_id"].as_str().unwrap();
    let faults = stranger.get(&format!("/api/v1/bookings?organization_id={organization}")).await.expect_faults();
    assert_eq!(faults, [("organization_id".to_owned(), "unknown_value".to_owned())]);
}

#[tokio::test]
async fn two_users_of_one_organization_share_its_bookings() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let organization = Uuid::new_v4();
    let ann = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    let bob = world.caller_in(Role::Customer, Uuid::new_v4(), organization).await;
    let booking = book(&ann).await;
    let ref_id = booking["ref_id"].as_str().unwrap();
    assert_eq!(booking["organization_id"], json!(organization));
    assert_eq!(bob.get(&format!("/api/v1/bookings/{ref_id}")).await.expect(200), booking);
    assert_eq!(refs(&bob.get("/api/v1/bookings").await.expect(200)), [ref_id]);
    let cancelled = bob.poke(&format!("/api/v1/bookings/{ref_id}/cancel")).await.expect(200);
    assert_eq!(cancelled["created_by"], booking["created_by"]);
    world.audit().await;
}

#[tokio::test]
async fn the_carriers_staff_sees_all_bookings_and_may_filter_by_organization() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let first = book(&world.customer().await).await;
    let second = book(&world.customer().await).await;
    let [older, newer] = [&first, &second].map(|booking| booking["ref_id"].as_str().unwrap());
    for staff in [world.operator().await, world.admin().await] {
        assert_eq!(refs(&staff.get("/api/v1/bookings").await.expect(200)), [newer, older]);
        let organization = first["organization_id"].as_str().unwrap();
        let path = format!("/api/v1/bookings?organization_id={organization}");
        assert_eq!(refs(&staff.get(&path).await.expect(200)), [older]);
        for asked in &ASKED[..4] {
            ask(&staff, *asked, older).await.expect(200);
        }
    }
    ask(&world.operator().await, ("POST", "/cancel"), older).await.expect(200);
    ask(&world.admin().await, ("DELETE", ""), newer).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn the_role_is_judged_before_existence_and_ownership() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (owner, stranger) = (world.customer().await, world.customer().await);
    let booking = book(&owner).await;
    for action in ["depart", "arrive", "deliver", "correct"] {
        for ref_id in [booking["ref_id"].as_str().unwrap(), "ACB000000000", "nonsense"] {
            for customer in [&owner, &stranger] {
                let path = format!("/api/v1/bookings/{ref_id}/{action}");
                customer.poke(&path).await.expect_problem(403, "forbidden");
                customer.post(&path, json!({"unknown": 1})).await.expect_problem(403, "forbidden");
                world.anonymous().poke(&path).await.expect_problem(401, "unauthenticated");
            }
        }
    }
}

#[tokio::test]
async fn anyone_may_track_a_booking_but_learns_nothing_about_its_owner() {
    let world = World::start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let party = json!({"name": "Secret Shipper Ltd"});
    let order = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 10, "shipper": party,
                       "consignee": party, "description": "secret goods", "customer_reference": "secret-77"});
    let customer = world.customer().await;
    let booking = customer.post("/api/v1/bookings", order).await.expect(201);
    let path = format!("/api/v1/tracking/{}", booking["ref_id"].as_str().unwrap());
    let operator = world.operator().await;
    let depart = format!("/api/v1/bookings/{}/depart", booking["ref_id"].as_str().unwrap());
    operator.post(&depart, json!({"notes": "secret note"})).await.expect(200);
    for caller in [world.anonymous(), world.caller(Role::Guest).await, world.customer().await] {
        let answer = caller.get(&path).await;
        for hidden in ["ecret", booking["organization_id"].as_str().unwrap(), booking["created_by"].as_str().unwrap()] {
            assert!(!answer.text.contains(hidden), "{hidden} in {}", answer.text);
        }
        assert_eq!(answer.expect(200)["status"], "DEPARTED");
    }
}
