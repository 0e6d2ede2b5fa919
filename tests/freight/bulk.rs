//! One request for many resources: each is judged alone, and a repetition does nothing twice.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, NewFlight, World,
    amending::shown,
    flight_verbs::{flight_now, path_to},
    freight::{order, text, two_flights},
};
use serde_json::{Value, json};

pub const BOOKINGS: &str = "/api/v1/bookings/bulk";
const FLIGHTS: &str = "/api/v1/flights/bulk";
const USERS: &str = "/api/v1/users/bulk";

pub async fn keyed(client: &Client, path: &str, key: &str, body: &Value) -> Value {
    client.post_under(key, path, body).await.expect(200)
}

/// Whether each row was done, or its problem's code.
pub fn outcomes(result: &Value) -> Vec<String> {
    let rows = result["results"].as_array().expect("a list");
    let done = rows.iter().filter(|row| row["ok"] == true).count();
    assert_eq!((&result["succeeded"], &result["failed"]), (&json!(done), &json!(rows.len() - done)));
    let outcome = |row: &Value| match &row["problem"] {
        Value::Null => {
            assert_eq!(row["ok"], true, "{row}");
            "done".to_owned()
        }
        problem => {
            assert_eq!(row["ok"], false, "{row}");
            assert!(problem["request_id"].is_string() && problem["detail"].is_string(), "{row}");
            text(problem, "code").to_owned()
        }
    };
    rows.iter().map(outcome).collect()
}

#[tokio::test]
async fn rows_that_are_refused_do_not_stop_the_others() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(10_000.0)).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(text(&customer.book(order(&[&flight])).await, "ref_id").to_owned());
    }
    operator.poke(&format!("/api/v1/bookings/{}/cancel", ids[2])).await.expect(200);
    ids.insert(4, "ACB99999999".to_owned());
    let body = json!({"action": "depart", "ids": ids, "params": {"notes": "By truck"}});
    let result = keyed(&operator, BOOKINGS, "k", &body).await;
    let told = ["done", "done", "invalid_transition", "done", "not_found", "done", "done"];
    assert_eq!(outcomes(&result), told);
    let named: Vec<&str> = result["results"].as_array().unwrap().iter().map(|row| text(row, "id")).collect();
    assert_eq!(named, ids, "in the order given");
    for id in &ids[..2] {
        let history = operator.get(&format!("/api/v1/bookings/{id}/history")).await.expect(200);
        assert_eq!(
            (&history["booking"]["status"], &history["timeline"][1]["notes"]),
            (&json!("DEPARTED"), &json!("By truck"))
        );
    }
    world.audit().await;
}

#[tokio::test]
async fn a_repetition_does_what_is_left_and_nothing_twice() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let (one, two) = (customer.book(order(&[&flight])).await, customer.book(order(&[&flight])).await);
    let ask = |ids: Vec<&Value>| json!({"action": "cancel", "ids": ids, "params": {"reason": "Strike"}});
    assert_eq!(outcomes(&keyed(&operator, BOOKINGS, "k", &ask(vec![&one["ref_id"]])).await), ["done"]);
    let written = world.written().await;
    assert_eq!(outcomes(&keyed(&operator, BOOKINGS, "k", &ask(vec![&one["ref_id"]])).await), ["done"]);
    assert_eq!(world.written().await, written, "done once");
    let both = ask(vec![&two["ref_id"], &one["ref_id"]]);
    assert_eq!(outcomes(&keyed(&operator, BOOKINGS, "k", &both).await), ["done", "done"]);
    let other = json!({"action": "cancel", "ids": [one["ref_id"]], "params": {"reason": "Fog"}});
    assert_eq!(outcomes(&keyed(&operator, BOOKINGS, "k", &other).await), ["idempotency_key_reused"]);
    assert_eq!(outcomes(&operator.post(BOOKINGS, both).await.expect(200)), ["invalid_transition"; 2], "without a key");
    assert_eq!(shown(&customer, &two).await["status"], "CANCELLED");
    world.audit().await;
}

#[tokio::test]
async fn what_missed_its_flight_is_rerouted_by_the_best_way() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let later = world.flight(NewFlight::new("AI901", "DEL", "LHR").leaves_in_hours(40)).await;
    let sooner = world.flight(NewFlight::new("AI903", "DEL", "LHR").leaves_in_hours(30)).await;
    let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
    let booking = customer.book(order(&[&first, &second])).await;
    let stranded = world.flight(NewFlight::new("AI905", "SIN", "SYD")).await;
    let nowhere = customer.book(order(&[&stranded])).await;
    for lost in [&first, &stranded] {
        admin.poke(&format!("{}/cancel", path_to(lost))).await.expect(200);
    }
    let body = json!({"action": "reroute", "ids": [booking["ref_id"], nowhere["ref_id"]]});
    let result = keyed(&operator, BOOKINGS, "r", &body).await;
    assert_eq!(outcomes(&result), ["done", "no_bookable_itinerary"]);
    let now = shown(&customer, &booking).await;
    assert_eq!((&now["flight_ids"], &now["needs_rerouting"]), (&json!([sooner["id"]]), &json!(false)));
    assert_eq!(world.available(&later).await, later["available"]);
    let written = world.written().await;
    assert_eq!(outcomes(&keyed(&operator, BOOKINGS, "r", &body).await)[0], "done");
    assert_eq!(world.written().await, written, "done once");
    world.audit().await;
}

#[tokio::test]
async fn many_flights_are_cancelled_and_many_users_disabled() {
    let world = World::start().await;
    let [first, second] = two_flights(&world).await;
    let (operator, admin) = (world.operator().await, world.admin().await);
    operator.poke(&format!("{}/depart", path_to(&second))).await.expect(200);
    let body = json!({"action": "cancel", "ids": [first["id"], second["id"]], "params": {"reason": "Storm"}});
    assert_eq!(outcomes(&keyed(&admin, FLIGHTS, "k", &body).await), ["done", "invalid_transition"]);
    assert_eq!(outcomes(&keyed(&admin, FLIGHTS, "k", &body).await), ["done", "invalid_transition"]);
    assert_eq!(flight_now(&admin, &first).await["status"], "CANCELLED");
    let user = world.customer().await.get("/api/v1/auth/me").await.expect(200)["id"].clone();
    let body = json!({"action": "disable", "ids": [user, "018f0000-0000-7000-8000-000000000000"]});
    assert_eq!(outcomes(&admin.post(USERS, body).await.expect(200)), ["done", "not_found"]);
    let user = format!("/api/v1/users/{}", user.as_str().unwrap());
    assert_eq!(admin.get(&user).await.expect(200)["disabled"], true);
    let acts = admin.get("/api/v1/admin/audit?act=user.changed").await.expect(200);
    assert_eq!(acts[0]["data"], json!({"disabled": {"from": false, "to": true}}));
    world.audit().await;
}

#[tokio::test]
async fn a_request_that_is_faulty_as_a_whole_does_nothing() {
    let world = World::start().await;
    let operator = world.operator().await;
    let many: Vec<String> = (0..201).map(|number| format!("ACB{number:06}")).collect();
    for (body, faults) in [
        (json!({}), &["/action", "/ids"][..]),
        (json!({"action": "lose", "ids": ["ACB12345"]}), &["/action"]),
        (json!({"action": "depart", "ids": []}), &["/ids"]),
        (json!({"action": "depart", "ids": ["ACB12345", "acb12345"]}), &["/ids/1"]),
        (json!({"action": "depart", "ids": many}), &["/ids"]),
        (
            json!({"action": "depart", "ids": ["?"], "params": {"occurred_at": "soon"}}),
            &["/ids/0", "/params/occurred_at"],
        ),
        (json!({"action": "reroute", "ids": ["ACB12345"], "params": {"reason": "x"}}), &["/params/reason"]),
        (json!({"action": "cancel", "ids": ["ACB12345"], "rest": 1}), &["/rest"]),
    ] {
        let told = body.to_string();
        let places: Vec<String> =
            operator.post(BOOKINGS, body).await.expect_faults().into_iter().map(|(place, _)| place).collect();
        assert_eq!(places, faults, "{told}");
    }
    let body = json!({"action": "cancel", "ids": ["ACB12345"]});
    world.caller(Role::Customer).await.post(BOOKINGS, body.clone()).await.expect_problem(403, "forbidden");
    world.anonymous().post(BOOKINGS, body.clone()).await.expect_problem(401, "unauthenticated");
    operator.post(FLIGHTS, body.clone()).await.expect_problem(403, "forbidden");
    operator.post(USERS, body).await.expect_problem(403, "forbidden");
}
