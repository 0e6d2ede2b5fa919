//! Many who saw the same version: the first of them changes it, and the others see that they are late.
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    flight_verbs::path_to,
    freight::{at_once, each, order, path_of, text},
};
use reqwest::Method;
use serde_json::{Value, json};

const MANY: usize = 20;

/// Two instances, whose callers ask for a booking's lock until they have it.
async fn instances() -> [World; 2] {
    World::two(WorldOptions::patient().set("locks.attempts", "100000").set("locks.delay_ms", "5")).await
}

/// Many at once, at both instances, each with this tag; answers who was first.
async fn one_of_many(
    worlds: &[World; 2],
    client: &Client,
    tag: &str,
    change: impl Fn(usize) -> (Method, String, Value),
) -> Answer {
    let answers = at_once((0..MANY).map(|number| {
        let client = worlds[number % 2].same(client);
        let ((method, path, body), tag) = (change(number), tag.to_owned());
        async move { client.send(method, &path, &[("if-match", tag.as_str())], Some(&body)).await }
    }))
    .await;
    let (mut made, late): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    for answer in late {
        answer.expect_problem(412, "version_mismatch");
    }
    assert_eq!(made.len(), 1, "with {tag}");
    made.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_concurrent_amendments_of_a_version_succeeds() {
    let worlds = instances().await;
    let flight = worlds[0].flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let customer = worlds[0].customer().await;
    let path = path_of(&customer.book(order(&[&flight])).await);
    for (version, tag) in
        [(1, "\"1\""), (2, "W/\"2\""), (3, "\"9\", W/\"3\", \"1\""), (4, "\"4\", \"3\", \"2\", \"1\"")]
    {
        let change = |number: usize| (Method::PATCH, path.clone(), json!({"weight_kg": 200 + 100 * version + number}));
        let made = one_of_many(&worlds, &customer, tag, change).await;
        assert_eq!(made.header("etag"), Some(format!("\"{}\"", version + 1).as_str()));
        assert_eq!(made.body, customer.get(&path).await.expect(200), "what was answered is what was made");
    }
    let history = customer.get(&format!("{path}/history")).await.expect(200);
    assert_eq!(history["timeline"].as_array().unwrap().len(), 5);
    worlds[0].audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_concurrent_steps_on_a_version_succeeds() {
    let worlds = instances().await;
    let flight = worlds[0].flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let operator = worlds[0].operator().await;
    let path = path_of(&operator.book(order(&[&flight])).await);
    for (version, step) in [(1, "depart"), (2, "arrive"), (3, "deliver")] {
        let tag = format!("\"{version}\"");
        let step = |_| (Method::POST, format!("{path}/{step}"), json!({}));
        let taken = one_of_many(&worlds, &operator, &tag, step).await;
        assert_eq!(taken.body["version"], version + 1);
    }
    // Different wishes for one version are rivals too.
    let path = path_of(&operator.book(order(&[&flight])).await);
    let made = one_of_many(&worlds, &operator, "\"1\"", |number| match number % 4 {
        0 => (Method::POST, format!("{path}/depart"), json!({})),
        1 => (Method::POST, format!("{path}/cancel"), json!({})),
        2 => (Method::DELETE, path.clone(), json!({})),
        _ => (Method::PATCH, path.clone(), json!({"pieces": 5})),
    })
    .await;
    let history = operator.get(&format!("{path}/history")).await.expect(200);
    assert_eq!(each(&history["timeline"], "event_type").len(), 2);
    assert_eq!(history["booking"]["version"], made.body["version"]);
    worlds[0].audit().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_concurrent_flight_changes_of_a_version_succeeds() {
    let worlds = instances().await;
    let flight = worlds[0].flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let (admin, customer) = (worlds[0].admin().await, worlds[0].customer().await);
    let path = path_to(&flight);
    // What follows the dash counts bookings, and is not asked for.
    for (version, tag) in [(1, "\"1-1\""), (2, "W/\"2-77\""), (3, "\"3\""), (4, "\"1-1\", \"4-2\"")] {
        customer.book(order(&[&flight])).await;
        let change =
            |number: usize| (Method::PATCH, path.clone(), json!({"capacity": {"positions": 20 * version + number}}));
        let made = one_of_many(&worlds, &admin, tag, change).await;
        assert_eq!(made.body["version"], version + 1);
        assert_eq!(made.body["capacity"], admin.get(&path).await.expect(200)["capacity"]);
    }
    let step = |_| (Method::POST, format!("{path}/depart"), json!({}));
    let left = one_of_many(&worlds, &admin, "\"5-9\"", step).await;
    assert_eq!(left.body["bookings_changed"], 4);
    let events = format!("select event_type from flight_events where flight_id = '{}'", text(&flight, "id"));
    assert_eq!(worlds[0].texts(&events).await.len(), 6);
    worlds[0].audit().await;
}

/// Without a tag nobody is late: each change is made on what is found then.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_a_tag_all_are_made() {
    let worlds = instances().await;
    let flight = worlds[0].flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let customer = worlds[0].customer().await;
    let path = path_of(&customer.book(order(&[&flight])).await);
    for tag in [None, Some("*")] {
        let answers = at_once((0..MANY).map(|number| {
            let client = worlds[number % 2].same(&customer);
            let path = path.clone();
            async move {
                let request = client.request(Method::PATCH, &path).header("content-type", "application/json");
                let request = match tag {
                    Some(tag) => request.header("if-match", tag),
                    None => request,
                };
                let body = json!({"description": format!("{tag:?} {number}")}).to_string();
                Answer::of(request.body(body)).await.expect(200)
            }
        }))
        .await;
        assert_eq!(answers.len(), MANY);
    }
    assert_eq!(customer.get(&path).await.expect(200)["version"], 1 + 2 * MANY);
    worlds[0].audit().await;
}
