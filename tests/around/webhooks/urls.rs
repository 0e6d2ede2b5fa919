//! Where webhooks may go.
use loadmaster_testkit::{
    NewFlight, TestNetwork, World,
    certificates::{authority, sign},
    freight::order,
    until,
};
use serde_json::json;

use super::{
    WEBHOOKS, at, deliveries, details,
    receiver::{Mode, Receiver},
    sending,
};

#[tokio::test]
async fn addresses_that_are_not_public_are_refused_in_every_notation() {
    let world = World::start().await;
    for client in [world.customer().await, world.operator().await] {
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "[::ffff:10.0.0.1]",
            "169.254.169.254",
            "[::1]",
            "10.0.0.1",
            "192.168.1.1",
            "[fd00::1]",
            "[64:ff9b::7f00:1]",
            "0.0.0.0",
        ] {
            let faults = client.post(WEBHOOKS, json!({"url": format!("https://{host}/")})).await.expect_faults();
            assert_eq!(faults, [("/url".to_owned(), "not_allowed".to_owned())], "{host}");
        }
        for url in [
            "http://example.com/",
            "https://example.com:8080/",
            "https://u:p@example.com/",
            "https://example.com/#x",
            "ftp://example.com/",
        ] {
            let faults = client.post(WEBHOOKS, json!({"url": url})).await.expect_faults();
            assert_eq!(faults, [("/url".to_owned(), "not_allowed".to_owned())], "{url}");
        }
    }
}

#[tokio::test]
async fn trusted_networks_are_for_operators() {
    let world = World::with(sending()).await;
    let (operator, customer) = (world.operator().await, world.customer().await);
    let inside = json!({"url": "http://127.0.0.1:1234/"});
    operator.post(WEBHOOKS, inside.clone()).await.expect(201);
    let faults = customer.post(WEBHOOKS, inside).await.expect_faults();
    assert_eq!(faults, [("/url".to_owned(), "not_allowed".to_owned())]);
    operator.post(WEBHOOKS, json!({"url": "http://10.0.0.1/"})).await.expect_faults();
}

/// A public address, behind which a test puts its receiver.
const PUBLIC: &str = "93.184.216.34";

async fn encrypted_world(network: &TestNetwork, directory: &std::path::Path) -> World {
    let ours = authority(directory, "ours");
    let options = sending().over(network).set("webhooks.ca_file", &ours.display().to_string());
    World::with(options).await
}

#[tokio::test]
async fn a_name_is_resolved_at_each_call_and_its_certificate_is_verified() {
    let (network, directory) = (TestNetwork::default(), tempfile::tempdir().unwrap());
    let world = encrypted_world(&network, directory.path()).await;
    sign(directory.path(), "ours", "hooks.example");
    let receiver = Receiver::encrypted(Mode::Status(200), directory.path()).await;
    network.place(&format!("{PUBLIC}:443"), receiver.address);
    network.name("hooks.example", &[PUBLIC]);
    network.name("other.example", &[PUBLIC]);
    let customer = world.customer().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let good = customer.post(WEBHOOKS, json!({"url": "https://hooks.example/x?y=1"})).await.expect(201);
    let bad = customer.post(WEBHOOKS, json!({"url": "https://other.example/"})).await.expect(201);
    let nowhere = customer.post(WEBHOOKS, json!({"url": "https://nowhere.example/"})).await.expect(201);
    customer.book(order(&[&flight])).await;
    until("it arrives", async || receiver.count() == 1).await;
    let got = &receiver.received()[0];
    assert_eq!((got.line.as_str(), got.headers["host"].as_str()), ("POST /x?y=1 HTTP/1.1", "hooks.example"));
    assert!(got.is_signed_by(good["secret"].as_str().unwrap()));
    for (webhook, outcome) in [(&bad, "tls"), (&nowhere, "unreachable")] {
        until(outcome, async || deliveries(&customer, webhook, "").await[0]["attempt_count"] == 1).await;
        let delivery = deliveries(&customer, webhook, "").await.remove(0);
        assert_eq!(details(&customer, webhook, &delivery).await["attempts"][0]["outcome"], outcome);
    }
    assert_eq!(receiver.count(), 1, "nothing is sent to one whose certificate is another's");
}

#[tokio::test]
async fn a_name_that_changes_to_a_private_address_is_never_reached_there() {
    let (network, directory) = (TestNetwork::default(), tempfile::tempdir().unwrap());
    let world = encrypted_world(&network, directory.path()).await;
    sign(directory.path(), "ours", "rebinds.example");
    let receiver = Receiver::encrypted(Mode::Status(500), directory.path()).await;
    network.place(&format!("{PUBLIC}:443"), receiver.address);
    // Then privately, then both.
    network.name_that_changes("rebinds.example", &[&[PUBLIC], &["10.0.0.1"], &[PUBLIC, "169.254.169.254"]]);
    let customer = world.customer().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let webhook = customer.post(WEBHOOKS, json!({"url": "https://rebinds.example/"})).await.expect(201);
    customer.book(order(&[&flight])).await;
    super::as_time_goes_on(&world, chrono::TimeDelta::minutes(1), "it was tried four times", async || {
        deliveries(&customer, &webhook, "").await.first().is_some_and(|it| it["attempt_count"].as_i64() >= Some(4))
    })
    .await;
    assert_eq!((network.dialled(), receiver.count()), (vec![format!("{PUBLIC}:443")], 1));
    assert!(network.looked_up().len() >= 4);
    let delivery = deliveries(&customer, &webhook, "").await.remove(0);
    let attempts = details(&customer, &webhook, &delivery).await["attempts"].clone();
    let outcomes: Vec<_> =
        loadmaster_testkit::freight::each(&attempts, "outcome").into_iter().take(4).cloned().collect();
    assert_eq!(outcomes, ["rejected", "unreachable", "unreachable", "unreachable"]);
    assert_eq!(attempts[1]["response"], serde_json::Value::Null, "a refused address looks like a name that is nowhere");
}

#[tokio::test]
async fn one_that_an_operator_trusted_goes_nowhere_when_that_is_no_operator_any_more() {
    let world = World::with(sending()).await;
    let (receiver, other) = (Receiver::start(Mode::Status(200)).await, Receiver::start(Mode::Status(200)).await);
    let (operator, customer) = super::colleagues(&world).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    super::heard(&world).await;
    let webhook = super::webhook_to(&operator, &receiver, json!({})).await;
    let everything =
        super::webhook_to(&operator, &other, json!({"scope": "all", "types": ["loadmaster.flight.*"]})).await;
    customer.book(order(&[&flight])).await;
    world.flight(NewFlight::new("AI102", "DEL", "LHR")).await;
    until("they arrive", async || receiver.count() == 1 && other.count() == 1).await;
    world.sql("update users set role = 'customer' where role = 'operator'").await;
    customer.book(order(&[&flight])).await;
    until("it was tried", async || {
        deliveries(&customer, &webhook, "").await.iter().any(|it| it["status"] == "WAITING" && it["attempt_count"] == 1)
    })
    .await;
    let asleep = super::shown(&customer, &everything).await;
    assert_eq!((&asleep["asleep_because"], &asleep["waiting"]), (&json!("user_demoted"), &json!(0)));
    assert_eq!(receiver.count(), 1);
    // What was meant for operators is not shown to a customer of their organization.
    assert_eq!(deliveries(&customer, &everything, "").await, Vec::<serde_json::Value>::new());
    world.flight(NewFlight::new("AI103", "DEL", "LHR")).await;
    super::heard(&world).await;
    assert_eq!(deliveries(&world.admin().await, &everything, "").await.len(), 1, "it sleeps");
    customer.get(&at(&everything)).await.expect(200);
}
