//! Secrets that change, and how they are kept.
use chrono::TimeDelta;
use loadmaster_platform::settings::Settings;
use loadmaster_testkit::{World, freight::text, until};
use loadmaster_webhooks::WebhookService;
use serde_json::json;

use super::{
    at, colleagues,
    receiver::{Mode, Receiver},
    sending, webhook_to,
};

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign_and_then_the_new_one_alone() {
    let world = World::with(sending()).await;
    let receiver = Receiver::start(Mode::Status(200)).await;
    let (operator, _) = colleagues(&world).await;
    let webhook = webhook_to(&operator, &receiver, json!({})).await;
    let former = text(&webhook, "secret");
    let path = at(&webhook);
    let replaced = operator.post(&format!("{path}/secret"), json!({"overlap_hours": 2})).await;
    assert_eq!(replaced.header("cache-control"), Some("no-store"));
    let replaced = replaced.expect(200);
    assert_eq!(replaced["former_secret_until"], json!(world.now() + TimeDelta::hours(2)));
    let new = text(&replaced, "secret");
    let test = async |count: usize| {
        operator.poke(&format!("{path}/test")).await.expect(202);
        until("it arrives", async || receiver.count() == count).await;
        receiver.received().pop().unwrap()
    };
    let got = test(1).await;
    assert!(got.is_signed_by(former) && got.is_signed_by(new));
    assert_eq!(got.signatures(), 2);
    world.clock.advance(TimeDelta::hours(2) + TimeDelta::seconds(1));
    let got = test(2).await;
    assert!(got.is_signed_by(new) && !got.is_signed_by(former));
    assert_eq!(got.signatures(), 1);
    let at_once = operator.post(&format!("{path}/secret"), json!({"overlap_hours": 0})).await.expect(200);
    assert_eq!(at_once["former_secret_until"], serde_json::Value::Null);
    let got = test(3).await;
    assert!(got.is_signed_by(text(&at_once, "secret")) && !got.is_signed_by(new));
    let first = text(&at_once, "secret");
    // Replaced twice within the time: what the first answer promised holds.
    let second = operator.post(&format!("{path}/secret"), json!({"overlap_hours": 2})).await.expect(200);
    let third = operator.post(&format!("{path}/secret"), json!({"overlap_hours": 5})).await.expect(200);
    let got = test(4).await;
    assert!(got.is_signed_by(first) && got.is_signed_by(text(&second, "secret")));
    assert!(got.is_signed_by(text(&third, "secret")));
    world.clock.advance(TimeDelta::hours(2) + TimeDelta::seconds(1));
    let got = test(5).await;
    assert!(!got.is_signed_by(first) && got.is_signed_by(text(&second, "secret")));
    for _ in 0..7 {
        operator.post(&format!("{path}/secret"), json!({"overlap_hours": 168})).await.expect(200);
    }
    assert_eq!(test(6).await.signatures(), 6);
    let usual = operator.poke(&format!("{path}/secret")).await.expect(200);
    assert_eq!(usual["former_secret_until"], json!(world.now() + TimeDelta::hours(24)));
    operator.post(&format!("{path}/secret"), json!({"overlap_hours": 169})).await.expect_faults();
}

const FIRST: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
const SECOND: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

#[tokio::test]
async fn secrets_are_encrypted_anew_under_the_present_key() {
    let receiver = Receiver::start(Mode::Status(200)).await;
    let world = World::with(sending()).await;
    let (operator, _) = colleagues(&world).await;
    let webhook = webhook_to(&operator, &receiver, json!({})).await;
    let secret = text(&webhook, "secret").to_owned();
    let token = operator.token.clone().unwrap();
    let database = world.database.clone();
    world.shutdown().await;
    let keys = [vec![("secrets.key", FIRST)], vec![("secrets.key", SECOND), ("secrets.former_keys", FIRST)]];
    for (count, settings) in (1..).zip(keys) {
        let mut options = sending().on(&database);
        for (name, value) in settings {
            options = options.set(name, value);
        }
        let world = World::with(options).await;
        let operator = world.anonymous().with_token(&token);
        operator.poke(&format!("{}/test", at(&webhook))).await.expect(202);
        until("it arrives", async || receiver.count() == count).await;
        assert!(receiver.received().pop().unwrap().is_signed_by(&secret));
        let webhooks: WebhookService = world.state().service().unwrap();
        assert_eq!(webhooks.reseal().await.unwrap().changed, 1);
        assert_eq!(webhooks.reseal().await.unwrap().changed, 0);
        world.shutdown().await;
    }
    // With the new key alone.
    let world = World::with(sending().on(&database).set("secrets.key", SECOND)).await;
    let operator = world.anonymous().with_token(&token);
    operator.poke(&format!("{}/test", at(&webhook))).await.expect(202);
    until("it arrives", async || receiver.count() == 3).await;
    assert!(receiver.received().pop().unwrap().is_signed_by(&secret));
    world.shutdown().await;
    // And with a wrong one nothing is sent, and nothing fails.
    let world = World::with(sending().on(&database).set("secrets.key", FIRST)).await;
    let webhooks: WebhookService = world.state().service().unwrap();
    assert_eq!(webhooks.reseal().await.unwrap().lost, 1);
    let operator = world.anonymous().with_token(&token);
    operator.poke(&format!("{}/test", at(&webhook))).await.expect(202);
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    let shown = super::shown(&operator, &webhook).await;
    assert_eq!((&shown["waiting"], &shown["status"], receiver.count()), (&json!(1), &json!("ACTIVE"), 3));
}

#[tokio::test]
async fn keys_that_are_none_stop_the_start() {
    for (name, value) in [("secrets.key", "short"), ("secrets.former_keys", "also short")] {
        let overrides = vec![(name.to_owned(), value.to_owned())];
        let sources = loadmaster_platform::settings::Sources { overrides, ..Default::default() };
        let error = Settings::load(sources).unwrap_err().to_string();
        assert!(error.contains(name) && !error.contains(value), "{error}");
    }
}
