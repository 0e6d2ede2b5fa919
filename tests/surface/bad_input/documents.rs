//! Bodies that are no JSON object, or none at all.
use loadmaster_testkit::{
    NewFlight, World,
    freight::{BOOKINGS, order, path_of},
};
use serde_json::json;

/// `[[[…]]]`, so deep.
fn nested(depth: usize) -> String {
    format!("{}{}", "[".repeat(depth), "]".repeat(depth))
}

#[tokio::test]
async fn unparseable_bodies_are_malformed_requests() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = world.operator().await;
    let booking = operator.book(order(&[&flight])).await;
    let good = order(&[&flight]).to_string();
    let with = |weight: &str| good.replace("\"weight_kg\":100", &format!("\"weight_kg\":{weight}"));
    let bodies: Vec<Vec<u8>> = vec![
        b"{".to_vec(),
        b"nonsense".to_vec(),
        b"{} {}".to_vec(),
        b"{\"origin\": \"DEL\",}".to_vec(),
        b"{'origin': 'DEL'}".to_vec(),
        b" ".to_vec(),
        b"{\"origin\": \"D\xffL\"}".to_vec(),
        b"{\"origin\": \"\\ud800\"}".to_vec(),
        b"{\"origin\": \"D\nL\"}".to_vec(),
        with("NaN").into_bytes(),
        with("Infinity").into_bytes(),
        with("-NaN").into_bytes(),
        with("1.").into_bytes(),
        with("01").into_bytes(),
        with("+1").into_bytes(),
        with("0x10").into_bytes(),
        good.as_bytes()[..good.len() - 1].to_vec(),
        with(&nested(128)).into_bytes(),
        nested(129).into_bytes(),
        nested(100_000).into_bytes(),
        "{\"a\":".repeat(100_000).into_bytes(),
    ];
    let before = world.written().await;
    for path in [BOOKINGS.to_owned(), format!("{}/depart", path_of(&booking)), format!("{}/cancel", path_of(&booking))]
    {
        for body in &bodies {
            let told = String::from_utf8_lossy(&body[..body.len().min(80)]).into_owned();
            let answer = operator.post_raw(&path, "application/json", body.clone()).await;
            assert_eq!(answer.status, 400, "{path} {told}: {}", answer.text);
            answer.expect_problem(400, "malformed_request");
        }
    }
    operator.post_raw(BOOKINGS, "application/json", "").await.expect_problem(400, "malformed_request");
    operator.poke(BOOKINGS).await.expect_problem(400, "malformed_request");
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn nesting_up_to_128_is_read_and_judged() {
    let world = World::start().await;
    let customer = world.customer().await;
    let body = |depth: usize| format!("{{\"origin\": {}}}", nested(depth));
    for depth in [1, 100, 126, 127] {
        let faults = customer.post_raw(BOOKINGS, "application/json", body(depth)).await.expect_faults();
        assert!(faults.contains(&("/origin".to_owned(), "wrong_type".to_owned())), "{depth}");
    }
    // The object is the 129th.
    customer.post_raw(BOOKINGS, "application/json", body(128)).await.expect_problem(400, "malformed_request");
    // Brackets in a text are no nesting.
    let text = json!({"origin": "[{".repeat(200)}).to_string();
    let faults = customer.post_raw(BOOKINGS, "application/json", text).await.expect_faults();
    assert!(faults.contains(&("/origin".to_owned(), "invalid_format".to_owned())));
}

#[tokio::test]
async fn json_that_is_no_object_is_a_fault_of_the_whole_body() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = world.operator().await;
    let booking = operator.book(order(&[&flight])).await;
    for path in [BOOKINGS.to_owned(), format!("{}/depart", path_of(&booking)), format!("{}/cancel", path_of(&booking))]
    {
        for body in ["[]", "null", "5", "\"text\"", "true", "[{}]"] {
            let answer = operator.post_raw(&path, "application/json", body).await;
            assert_eq!(answer.expect_faults(), [(String::new(), "wrong_type".to_owned())], "{path} {body}");
        }
    }
}

#[tokio::test]
async fn a_body_must_say_that_it_is_json_and_have_a_size() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = world.operator().await;
    let booking = operator.book(order(&[&flight])).await;
    let before = world.written().await;
    let depart = format!("{}/depart", path_of(&booking));
    for (path, body) in [(BOOKINGS, order(&[&flight]).to_string()), (depart.as_str(), "{}".to_owned())] {
        for media_type in
            ["text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonp", ""]
        {
            let answer = operator.post_raw(path, media_type, body.clone()).await;
            answer.expect_problem(415, "unsupported_media_type");
        }
        let large = format!("{{\"notes\": \"{}\"}}", "x".repeat(2 * 1024 * 1024));
        operator.post_raw(path, "application/json", large).await.expect_problem(413, "payload_too_large");
    }
    assert_eq!(world.written().await, before);
    let sent = operator.post_raw(BOOKINGS, "Application/JSON; charset=utf-8", order(&[&flight]).to_string()).await;
    sent.expect(201);
    // Without a body, no type is needed, and a wrong one does no harm.
    operator.post_raw(&depart, "text/plain", "").await.expect(200);
}
