//! Who may move a flight, from which state, on which version.
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World,
    flight_verbs::{act, done, flight_now, path_to},
    freight::{order, text},
};
use reqwest::Method;
use serde_json::{Value, json};

const VERBS: [&str; 3] = ["depart", "arrive", "cancel"];

/// How a flight gets into a state, and what each role may do there.
struct State {
    steps: &'static [&'static str],
    status: &'static str,
    operators: &'static [&'static str],
    admins: &'static [&'static str],
}

const STATES: [State; 4] = [
    State { steps: &[], status: "SCHEDULED", operators: &["depart"], admins: &["depart", "cancel"] },
    State { steps: &["depart"], status: "DEPARTED", operators: &["arrive"], admins: &["arrive"] },
    State { steps: &["depart", "arrive"], status: "ARRIVED", operators: &[], admins: &[] },
    State { steps: &["cancel"], status: "CANCELLED", operators: &[], admins: &[] },
];

async fn with_tag(client: &Client, flight: &Value, verb: &str, tag: &str) -> Answer {
    Answer::of(client.request(Method::POST, &format!("{}/{verb}", path_to(flight))).header("if-match", tag)).await
}

#[tokio::test]
async fn every_verb_is_followed_exactly_where_the_state_and_the_role_allow_it() {
    let world = World::start().await;
    let (customer, operator, admin) = (world.customer().await, world.operator().await, world.admin().await);
    let mut number = 0;
    for State { steps, status, operators, admins } in STATES {
        for verb in VERBS {
            for (role, caller, allowed) in [("operator", &operator, operators), ("admin", &admin, admins)] {
                number += 1;
                let told = format!("{verb} from {status} by {role}");
                let flight = world.flight(NewFlight::new(&format!("AI{number}"), "DEL", "LHR")).await;
                let booking = customer.book(order(&[&flight])).await;
                for step in steps {
                    done(&admin, &flight, step).await;
                }
                let before = (flight_now(&admin, &flight).await, world.written().await);
                let answer = act(caller, &flight, verb, json!({})).await;
                if verb == "cancel" && role == "operator" {
                    answer.expect_problem(403, "forbidden");
                } else if allowed.contains(&verb) {
                    assert_eq!(answer.status, 200, "{told}: {}", answer.text);
                    assert_eq!(answer.body["bookings_changed"], 1, "{told}");
                    let version = before.0["version"].as_u64().map(|version| version + 1);
                    assert_eq!(answer.body["flight"]["version"].as_u64(), version, "{told}");
                    continue;
                } else {
                    let problem = answer.expect_problem(409, "invalid_transition");
                    assert_eq!((&problem["from"], &problem["action"]), (&json!(status), &json!(verb)), "{told}");
                    assert_eq!(problem["allowed"], json!(allowed), "{told}");
                }
                let after = (flight_now(&admin, &flight).await, world.written().await);
                assert_eq!(after, before, "{told}: a refused verb changed something");
                assert_eq!(customer.get("/api/v1/bookings?limit=1").await.expect(200)[0]["id"], booking["id"]);
            }
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn the_refusal_of_a_flight_with_a_departed_leg_names_departure_alone() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (operator, admin) = (world.operator().await, world.admin().await);
    let booking = operator.book(order(&[&flight])).await;
    operator.walk(&booking, &["depart"]).await;
    for verb in ["arrive", "cancel"] {
        let problem = act(&admin, &flight, verb, json!({})).await.expect_problem(409, "invalid_transition");
        assert_eq!((&problem["action"], &problem["allowed"]), (&json!(verb), &json!(["depart"])));
    }
    done(&admin, &flight, "depart").await;
}

#[tokio::test]
async fn the_credential_comes_first_then_the_role_then_existence_then_the_body() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (guest, customer) = (world.caller(Role::Guest).await, world.customer().await);
    let (operator, admin) = (world.operator().await, world.admin().await);
    let before = world.written().await;
    let absent = "/api/v1/flights/01934f2e-0000-7000-8000-000000000000".to_owned();
    let there = path_to(&flight);
    for path in [&there, &absent, &"/api/v1/flights/AI101".to_owned(), &"/api/v1/flights/%00".to_owned()] {
        for verb in VERBS {
            for body in [json!({}), json!({"colour": "red"}), json!({"occurred_at": 5})] {
                let path = format!("{path}/{verb}");
                world.anonymous().post(&path, body.clone()).await.expect_problem(401, "unauthenticated");
                guest.post(&path, body.clone()).await.expect_problem(403, "forbidden");
                customer.post(&path, body.clone()).await.expect_problem(403, "forbidden");
                if verb == "cancel" {
                    operator.post(&path, body.clone()).await.expect_problem(403, "forbidden");
                }
                if !path.starts_with(&there) {
                    admin.post(&path, body.clone()).await.expect_problem(404, "not_found");
                    admin.post(&format!("{path}?x=1"), body).await.expect_problem(404, "not_found");
                }
            }
        }
    }
    let stale = operator.request(Method::POST, &format!("{absent}/depart")).header("if-match", "junk");
    Answer::of(stale).await.expect_problem(404, "not_found");
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn a_verb_is_followed_only_on_the_version_that_was_seen() {
    let world = World::start().await;
    let (customer, admin) = (world.customer().await, world.admin().await);
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let old = admin.get(&path_to(&flight)).await.header("etag").unwrap().to_owned();
    // A booking moves only what comes after the dash, which is not compared.
    customer.book(order(&[&flight])).await;
    assert_ne!(admin.get(&path_to(&flight)).await.header("etag"), Some(old.as_str()));

    let before = world.written().await;
    for verb in VERBS {
        for tag in ["\"0\"", "\"2\"", "\"2-1\"", "\"11-1\"", "\"\"", "W/\"2-2\"", "\"0-1\", \"3\""] {
            let problem = with_tag(&admin, &flight, verb, tag).await.expect_problem(412, "version_mismatch");
            assert!(text(&problem, "detail").contains('1'), "{tag}: {problem}");
        }
        for tag in ["1", "1-1", "\"1", "", "w/\"1\""] {
            let answer = with_tag(&admin, &flight, verb, tag).await;
            assert_eq!(answer.body["errors"][0]["in"], "header", "{tag:?}: {}", answer.text);
            assert_eq!(answer.expect_faults(), [("if-match".to_owned(), "invalid_format".to_owned())], "{tag:?}");
        }
    }
    assert_eq!(world.written().await, before);
    with_tag(&admin, &flight, "depart", &old).await.expect(200);
    with_tag(&admin, &flight, "arrive", &old).await.expect_problem(412, "version_mismatch");
    // The version is judged before the state.
    with_tag(&admin, &flight, "cancel", &old).await.expect_problem(412, "version_mismatch");
    with_tag(&admin, &flight, "cancel", "\"2\"").await.expect_problem(409, "invalid_transition");
    with_tag(&admin, &flight, "arrive", "W/\"2\"").await.expect(200);
    for (number, tag) in ["\"1\"", "\"1-999\"", "*", "\"7\", \"1-1\""].into_iter().enumerate() {
        let flight = world.flight(NewFlight::new(&format!("AI20{number}"), "DEL", "LHR")).await;
        with_tag(&admin, &flight, "cancel", tag).await.expect(200);
    }
    world.audit().await;
}

#[tokio::test]
async fn a_faulty_body_is_reported_before_a_stale_version_and_an_impossible_step() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let operator = world.operator().await;
    let (path, stale) = (format!("{}/arrive", path_to(&flight)), [("if-match", "\"9\"")]);
    let answer = operator.send(Method::POST, &path, &stale, Some(&json!({"occurred_at": 5}))).await;
    let faults = answer.expect_faults();
    assert_eq!(faults, [("/occurred_at".to_owned(), "wrong_type".to_owned())]);
}
