//! The bodies of depart, arrive and deliver.
use loadmaster_testkit::{
    NewFlight, World,
    bad_input::{Case, each_alone, long},
    freight::{order, path_of},
};
use serde_json::{Value, json};

const STEPS: [&str; 3] = ["depart", "arrive", "deliver"];

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for member in ["location", "flight_id", "flight_number", "occurred_at", "notes"] {
        for value in [json!(5), json!(true), json!(["DEL"]), json!({"a": 1})] {
            cases.push((member, value, "wrong_type"));
        }
    }
    let odd: [(&str, &[&str]); 4] = [
        ("location", &["", "DE", "DELHI", "D3L", "DEL\u{0}"]),
        ("flight_id", &["", "AI101", "0189000000007000800000000000000", "01890000-0000-7000-8000-00000000000g"]),
        ("flight_number", &["", "AI", "101", "AI10111", "AI0", "AI101AB", "A!101", "AI 1 01", "AI101\u{0}", "AI१०१"]),
        (
            "occurred_at",
            &[
                "",
                "yesterday",
                "2026-11-20",
                "2026-11-20T08:00:00",
                "2026-11-20 08:00:00Z",
                "2026-02-30T08:00:00Z",
                "2026-11-20T24:00:00Z",
                "2026-11-20T23:59:60Z",
                "2026-11-20T08:00:00+25:00",
                "2026-11-20T08:00:00Z\u{0}",
            ],
        ),
    ];
    for (member, values) in odd {
        cases.extend(values.iter().map(|value| (member, json!(value), "invalid_format")));
    }
    cases.push(("location", json!("XQX"), "unknown_value"));
    cases.push(("occurred_at", json!("1969-12-31T23:59:59Z"), "too_small"));
    cases.push(("occurred_at", json!("9999-12-31T23:59:59Z"), "too_large"));
    cases.push(("notes", json!(""), "too_short"));
    cases.push(("notes", long(2001), "too_long"));
    cases.push(("notes", json!("a\u{0}b"), "invalid_format"));
    cases.push(("notes", json!("a\u{1b}b"), "invalid_format"));
    cases.push(("status", json!("DELIVERED"), "unknown_field"));
    cases.push(("reason", Value::Null, "unknown_field"));
    cases
}

#[tokio::test]
async fn each_member_of_each_step_is_judged() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = world.operator().await;
    let booking = operator.book(order(&[&flight])).await;
    for step in STEPS {
        let path = format!("{}/{step}", path_of(&booking));
        each_alone(&world, &operator, &path, &json!({}), cases()).await;
        operator.post(&path, json!({"notes": long(2000)})).await.expect(200);
    }
    world.audit().await;
}

#[tokio::test]
async fn faults_come_before_the_state() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = world.operator().await;
    let path = path_of(&operator.book(order(&[&flight])).await);
    let faults =
        operator.post(&format!("{path}/deliver"), json!({"location": 5, "notes": "", "x": 1})).await.expect_faults();
    let expected = [("/location", "wrong_type"), ("/notes", "too_short"), ("/x", "unknown_field")];
    assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
}

#[tokio::test]
async fn a_missing_booking_is_reported_before_a_bad_body() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (operator, stranger) = (world.operator().await, world.customer().await);
    let booking = operator.book(order(&[&flight])).await;
    let bodies = [r#"{"location": 5}"#, "{", "[]", "NaN", ""];
    for reference in ["ACB000000000", "ACB1", "nonsense", "%00"] {
        for step in STEPS {
            for body in bodies {
                let path = format!("/api/v1/bookings/{reference}/{step}?x=1");
                let answer = operator.post_raw(&path, "application/json", body).await;
                answer.expect_problem(404, "not_found");
            }
        }
    }
    // What is another's is not there either; and the role comes before all that.
    let path = path_of(&booking);
    let foreign = stranger.post(&format!("{path}/cancel"), json!({"reason": 5})).await;
    foreign.expect_problem(404, "not_found");
    let forbidden = stranger.post(&format!("{path}/depart"), json!({"location": 5})).await;
    forbidden.expect_problem(403, "forbidden");
    let anonymous = world.anonymous().post(&format!("{path}/depart"), json!({"location": 5})).await;
    anonymous.expect_problem(401, "unauthenticated");
}

#[tokio::test]
async fn steps_take_no_parameters() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = world.operator().await;
    let path = path_of(&operator.book(order(&[&flight])).await);
    for call in ["depart", "arrive", "deliver", "cancel"] {
        let faults = operator.poke(&format!("{path}/{call}?force=true")).await.expect_faults();
        assert_eq!(faults, [("force".to_owned(), "unknown_field".to_owned())], "{call}");
    }
    let faults = operator.delete(&format!("{path}?force=true")).await.expect_faults();
    assert_eq!(faults, [("force".to_owned(), "unknown_field".to_owned())]);
    let faults = operator.post("/api/v1/bookings?dry_run=true", order(&[&flight])).await.expect_faults();
    assert_eq!(faults, [("dry_run".to_owned(), "unknown_field".to_owned())]);
}
