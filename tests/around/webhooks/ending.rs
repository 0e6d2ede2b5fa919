//! Webhooks end with the keys that made them, and sleep while their users may not have what they send.
use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Client, NewFlight, Watch, World,
    freight::{order, text},
    until,
};
use serde_json::{Value, json};
use sqlx::{Connection, Executor};
use uuid::Uuid;

use super::{
    WEBHOOKS, as_time_goes_on, at, colleagues, counts_agree, deliveries, heard,
    receiver::{Mode, Receiver},
    sending, shown, until_status, webhook_to,
};

const KEYS: &str = "/api/v1/api-keys";

/// A flight with room, an operator and a customer of one organization, and the operator's key that expires in a day.
struct Scene {
    world: World,
    receiver: Receiver,
    flight: Value,
    operator: Client,
    customer: Client,
    key: Value,
}

impl Scene {
    async fn set() -> Self {
        let world = World::with(sending().set("database.statement_timeout_ms", "120000")).await;
        let receiver = Receiver::start(Mode::Status(200)).await;
        let (operator, customer) = colleagues(&world).await;
        let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0).leaves_in_hours(200)).await;
        let key = json!({"name": "erp", "expires_at": world.now() + TimeDelta::days(1)});
        let key = operator.post(KEYS, key).await.expect(201);
        Self { world, receiver, flight, operator, customer, key }
    }

    fn program(&self) -> Client {
        self.world.anonymous().with_token(text(&self.key, "key"))
    }

    async fn book(&self) -> Value {
        self.customer.book(order(&[&self.flight])).await
    }

    /// A booking whose message arrives.
    async fn book_and_hear(&self) {
        let before = self.receiver.count();
        self.book().await;
        until("it arrives", async || self.receiver.count() == before + 1).await;
    }

    /// A booking whose message was tried once, and waits. The receiver takes messages from then on.
    async fn book_in_vain(&self, webhook: &Value) {
        self.receiver.turn(Mode::Status(500));
        self.book().await;
        until("it waits for another attempt", async || {
            let waiting = deliveries(&self.customer, webhook, "&status=WAITING").await;
            waiting.first().is_some_and(|it| it["attempt_count"] == 1)
        })
        .await;
        self.receiver.turn(Mode::Status(200));
    }

    /// Has the webhook taken over when an attempt has just read that nothing may be sent to it, and has not written it down.
    async fn take_over_during_an_attempt(&self, taker: &Client, webhook: &Value) {
        let (mut messages, mut row) = (self.world.database.owner().await, self.world.database.owner().await);
        let mut watch = Watch::over(&self.world.database).await;
        // The attempt reads the message after the webhook.
        let mut messages = messages.begin().await.unwrap();
        messages.execute("lock table webhook_messages").await.unwrap();
        self.world.clock.advance(TimeDelta::seconds(10));
        watch.until_waiting(1).await;
        let mut row = row.begin().await.unwrap();
        row.execute("select from webhooks for update").await.unwrap();
        let (taker, path) = (taker.clone(), at(webhook));
        let taking = tokio::spawn(async move { taker.patch(&path, json!({"status": "ACTIVE"})).await });
        watch.until_waiting(2).await;
        messages.rollback().await.unwrap();
        let behind = "select 'it waits' from pg_locks where locktype = 'tuple' and not granted
                      and relation = 'webhooks'::regclass";
        until("the attempt waits behind", async || !self.world.texts(behind).await.is_empty()).await;
        row.rollback().await.unwrap();
        assert_eq!(taking.await.unwrap().expect(200)["status"], "ACTIVE");
    }

    /// What was made with the key is over: it says so at once, sends nothing, and tells its organization.
    async fn expect_ended(&self, webhook: &Value) {
        let shown = shown(&self.customer, webhook).await;
        assert_eq!((&shown["status"], &shown["disabled_reason"]), (&json!("DISABLED"), &json!("key_ended")));
        let path = at(webhook);
        self.operator.poke(&format!("{path}/test")).await.expect_problem(409, "invalid_transition");
        let before = self.receiver.count();
        self.book().await;
        let stored = "select concat_ws(' ', status, disabled_reason, ended_because) from webhooks";
        // Older servers know the first reason.
        let wanted = "DISABLED owner_changed key_ended";
        until("it is written down", async || self.world.texts(stored).await.contains(&wanted.to_owned())).await;
        let told = "select payload->'data'->>'disabled_reason' from outbox where aggregate = 'webhook'";
        assert_eq!(self.world.texts(told).await, ["key_ended"]);
        assert_eq!(deliveries(&self.operator, webhook, "&status=FAILED").await.len(), 1);
        assert_eq!(self.receiver.count(), before);
        counts_agree(&self.world).await;
        // A person takes it over.
        self.operator.patch(&path, json!({"status": "ACTIVE"})).await.expect(200);
        self.book_and_hear().await;
    }
}

#[tokio::test]
async fn what_a_key_made_ends_when_it_is_revoked() {
    let scene = Scene::set().await;
    let webhook = webhook_to(&scene.program(), &scene.receiver, json!({})).await;
    scene.book_and_hear().await;
    scene.operator.delete(&format!("{KEYS}/{}", text(&scene.key, "id"))).await.expect(204);
    scene.expect_ended(&webhook).await;
}

#[tokio::test]
async fn what_a_key_made_ends_when_it_expires() {
    let scene = Scene::set().await;
    let webhook = webhook_to(&scene.program(), &scene.receiver, json!({})).await;
    scene.book_and_hear().await;
    scene.world.clock.advance(TimeDelta::days(1));
    scene.expect_ended(&webhook).await;
}

#[tokio::test]
async fn a_webhook_that_a_key_takes_over_ends_with_the_key_and_another_does_not() {
    let scene = Scene::set().await;
    let own = webhook_to(&scene.operator, &scene.receiver, json!({})).await;
    let taken = webhook_to(&scene.operator, &scene.receiver, json!({"types": ["loadmaster.hold.*"]})).await;
    scene.program().patch(&at(&taken), json!({"description": "The program's"})).await.expect(200);
    // Who only switches it off takes nothing over.
    scene.program().patch(&at(&own), json!({"status": "DISABLED"})).await.expect(200);
    scene.operator.patch(&at(&own), json!({"status": "ACTIVE"})).await.expect(200);
    scene.operator.delete(&format!("{KEYS}/{}", text(&scene.key, "id"))).await.expect(204);
    assert_eq!(shown(&scene.operator, &taken).await["disabled_reason"], "key_ended");
    assert_eq!(shown(&scene.operator, &own).await["status"], "ACTIVE");
    let disabled = scene.operator.get(&format!("{WEBHOOKS}?status=DISABLED")).await.expect(200);
    assert_eq!(disabled.as_array().unwrap().len(), 1);
    assert_eq!(disabled[0]["id"], taken["id"]);
    scene.book_and_hear().await;
}

/// An operator and the user's path for administrators.
async fn user_of(client: &Client) -> (Uuid, String) {
    let me = client.get("/api/v1/auth/me").await.expect(200);
    let id = text(&me, "id").parse().unwrap();
    (id, format!("/api/v1/users/{id}"))
}

#[tokio::test]
async fn a_webhook_sleeps_while_its_user_is_disabled() {
    let scene = Scene::set().await;
    let webhook = webhook_to(&scene.operator, &scene.receiver, json!({})).await;
    scene.book_and_hear().await;
    let (admin, (_, user)) = (scene.world.admin().await, user_of(&scene.operator).await);
    let before = admin.get(&at(&webhook)).await;
    admin.patch(&user, json!({"disabled": true})).await.expect(200);
    let asleep = admin.get(&at(&webhook)).await;
    assert_ne!(asleep.header("etag"), before.header("etag"), "who has it cached asks again");
    let asleep = asleep.expect(200);
    assert_eq!((&asleep["asleep"], &asleep["asleep_because"]), (&json!(true), &json!("user_disabled")));
    assert_eq!(asleep["status"], "ACTIVE");
    assert_eq!(scene.customer.get(WEBHOOKS).await.expect(200)[0]["asleep_because"], "user_disabled");
    let told = admin.poke(&format!("{}/test", at(&webhook))).await.expect_problem(409, "invalid_transition");
    assert_eq!((&told["from"], &told["allowed"]), (&json!("asleep"), &json!(["enable"])));
    let since = json!({"since": "2026-11-01T00:00:00Z"});
    admin.post(&format!("{}/resend", at(&webhook)), since).await.expect_problem(409, "invalid_transition");
    // The operator may come back, and would send what a customer can sign.
    scene.customer.post(&format!("{}/secret", at(&webhook)), json!({})).await.expect_problem(403, "forbidden");

    // What happens meanwhile is queued neither now nor later.
    scene.book().await;
    heard(&scene.world).await;
    assert_eq!(deliveries(&admin, &webhook, "").await.len(), 1);
    admin.patch(&user, json!({"disabled": false})).await.expect(200);
    let awake = shown(&admin, &webhook).await;
    assert_eq!((&awake["asleep"], &awake["asleep_because"]), (&json!(false), &Value::Null));
    scene.book_and_hear().await;
    assert_eq!(deliveries(&admin, &webhook, "").await.len(), 2);
}

#[tokio::test]
async fn what_waits_when_a_webhook_falls_asleep_fails_and_can_be_sent_again() {
    let scene = Scene::set().await;
    let webhook = webhook_to(&scene.operator, &scene.receiver, json!({})).await;
    let (admin, (_, user)) = (scene.world.admin().await, user_of(&scene.operator).await);
    scene.book_in_vain(&webhook).await;
    let tried = scene.receiver.count();
    admin.patch(&user, json!({"disabled": true})).await.expect(200);
    as_time_goes_on(&scene.world, TimeDelta::seconds(5), "nothing waits", async || {
        shown(&admin, &webhook).await["waiting"] == 0
    })
    .await;
    assert_eq!(deliveries(&admin, &webhook, "&status=FAILED").await.len(), 1);
    assert_eq!(scene.receiver.count(), tried, "it was not tried again");
    counts_agree(&scene.world).await;
    admin.patch(&user, json!({"disabled": false})).await.expect(200);
    let since = json!({"since": "2026-11-01T00:00:00Z"});
    assert_eq!(admin.post(&format!("{}/resend", at(&webhook)), since).await.expect(202)["queued"], 1);
    until("it arrives", async || scene.receiver.count() == tried + 1).await;
}

#[tokio::test]
async fn a_webhook_that_has_ended_and_is_taken_over_during_an_attempt_is_not_disabled_again() {
    let scene = Scene::set().await;
    let webhook = webhook_to(&scene.program(), &scene.receiver, json!({})).await;
    scene.book_in_vain(&webhook).await;
    scene.operator.delete(&format!("{KEYS}/{}", text(&scene.key, "id"))).await.expect(204);
    scene.take_over_during_an_attempt(&scene.operator, &webhook).await;
    scene.book_and_hear().await;
    assert_eq!(shown(&scene.operator, &webhook).await["status"], "ACTIVE");
    let told = "select payload->>'type' from outbox where aggregate = 'webhook'";
    assert_eq!(scene.world.texts(told).await, Vec::<String>::new());
    counts_agree(&scene.world).await;
}

#[tokio::test]
async fn what_waits_for_a_webhook_that_slept_and_is_taken_over_during_an_attempt_is_sent() {
    let scene = Scene::set().await;
    let webhook = webhook_to(&scene.operator, &scene.receiver, json!({})).await;
    let (admin, (_, user)) = (scene.world.admin().await, user_of(&scene.operator).await);
    scene.book_in_vain(&webhook).await;
    let tried = scene.receiver.count();
    admin.patch(&user, json!({"disabled": true})).await.expect(200);
    scene.take_over_during_an_attempt(&admin, &webhook).await;
    until("it arrives", async || scene.receiver.count() == tried + 1).await;
    until("that is written down", async || deliveries(&admin, &webhook, "&status=DELIVERED").await.len() == 1).await;
    counts_agree(&scene.world).await;
}

#[tokio::test]
async fn a_webhook_of_a_user_who_moves_sleeps_until_a_colleague_takes_it_over() {
    let world = World::with(sending()).await;
    let (home, other) = (Uuid::new_v4(), Uuid::new_v4());
    let (user, colleague) = (Uuid::new_v4(), Uuid::new_v4());
    let mover = world.caller_in(Role::Customer, user, home).await;
    let colleague = world.caller_in(Role::Customer, colleague, home).await;
    let stranger = world.caller_in(Role::Customer, Uuid::new_v4(), other).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let webhook = mover.post(WEBHOOKS, json!({"url": "https://nowhere.example/"})).await.expect(201);
    let admin = world.admin().await;
    admin.patch(&format!("/api/v1/users/{user}"), json!({"organization_id": other})).await.expect(200);
    assert_eq!(shown(&colleague, &webhook).await["asleep_because"], "user_moved");
    stranger.patch(&at(&webhook), json!({"status": "ACTIVE"})).await.expect_problem(404, "not_found");
    colleague.book(order(&[&flight])).await;
    heard(&world).await;
    assert_eq!(deliveries(&colleague, &webhook, "").await, Vec::<Value>::new());
    // Switching it off and on is taking it over.
    let off = colleague.patch(&at(&webhook), json!({"status": "DISABLED"})).await.expect(200);
    assert_eq!((&off["asleep_because"], &off["status"]), (&json!("user_moved"), &json!("DISABLED")));
    let on = colleague.patch(&at(&webhook), json!({"status": "ACTIVE"})).await.expect(200);
    assert_eq!((&on["asleep"], &on["asleep_because"], &on["status"]), (&json!(false), &Value::Null, &json!("ACTIVE")));
    colleague.book(order(&[&flight])).await;
    until("it is queued", async || deliveries(&colleague, &webhook, "").await.len() == 1).await;
}

#[tokio::test]
async fn a_webhook_of_an_erased_user_sleeps_until_an_operator_takes_it_over() {
    let scene = Scene::set().await;
    let webhook = webhook_to(&scene.operator, &scene.receiver, json!({})).await;
    let (user, _) = user_of(&scene.operator).await;
    let privacy: loadmaster_privacy::PrivacyService = scene.world.state().service().unwrap();
    privacy.erase(user.into()).await.unwrap();
    let asleep = shown(&scene.customer, &webhook).await;
    assert_eq!((&asleep["asleep_because"], &asleep["status"]), (&json!("user_erased"), &json!("ACTIVE")));
    scene.book().await;
    heard(&scene.world).await;
    assert_eq!(deliveries(&scene.customer, &webhook, "").await, Vec::<Value>::new());
    // An operator of another organization, as which it acts for as long as that is one.
    let carrier = scene.world.operator().await;
    carrier.patch(&at(&webhook), json!({"status": "ACTIVE"})).await.expect(200);
    scene.book_and_hear().await;
    let (_, path) = user_of(&carrier).await;
    scene.world.admin().await.patch(&path, json!({"role": "customer"})).await.expect(200);
    assert_eq!(shown(&scene.customer, &webhook).await["asleep_because"], "user_demoted");
}

#[tokio::test]
async fn a_failing_webhook_that_slept_starts_anew_for_its_new_owner() {
    let scene = Scene::set().await;
    scene.receiver.turn(Mode::Status(500));
    let webhook = webhook_to(&scene.operator, &scene.receiver, json!({})).await;
    for _ in 0..6 {
        scene.book().await;
    }
    until_status(&scene.operator, &webhook, "FAILING").await;
    let (admin, (_, user)) = (scene.world.admin().await, user_of(&scene.operator).await);
    admin.patch(&user, json!({"disabled": true})).await.expect(200);
    scene.receiver.turn(Mode::Status(200));
    let taken = admin.patch(&at(&webhook), json!({"status": "ACTIVE"})).await.expect(200);
    assert_eq!(
        (&taken["status"], &taken["failing_since"], &taken["asleep"]),
        (&json!("ACTIVE"), &Value::Null, &json!(false))
    );
    scene.book().await;
    as_time_goes_on(&scene.world, TimeDelta::seconds(5), "all is sent", async || {
        shown(&admin, &webhook).await["waiting"] == 0
    })
    .await;
    counts_agree(&scene.world).await;
}
