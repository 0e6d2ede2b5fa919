//! The `http` provider, at a server that does all that one may do.
use std::time::Duration;

use chrono::TimeDelta;
use loadmaster_kernel::PaymentId;
use loadmaster_payments::OperationKind;
use loadmaster_testkit::{
    WorldOptions,
    freight::text,
    payments::{SOON, usd},
    until,
};
use serde_json::json;
use uuid::Uuid;

use super::{
    Shop,
    attempts::another,
    provider::{Hostile, SECRET, Trouble},
};

pub fn asking(hostile: &Hostile) -> WorldOptions {
    WorldOptions::default()
        .set("payments.provider", "http")
        .set("payments.http_url", &hostile.url())
        .set("payments.http_secret", SECRET)
}

async fn shop() -> (Hostile, Shop) {
    let hostile = Hostile::start().await;
    let shop = Shop::open(asking(&hostile).with_workers()).await.with_till();
    (hostile, shop)
}

/// Lets the time of the next attempt come, again and again, until it is so.
async fn in_time(shop: &Shop, payment: PaymentId, status: &str) {
    until(&format!("it is {status}"), async || {
        shop.world.clock.advance(TimeDelta::seconds(20));
        tokio::time::sleep(Duration::from_millis(100)).await;
        shop.status(payment).await == status
    })
    .await;
}

#[tokio::test]
async fn amounts_are_sent_in_the_providers_units_under_the_operations_key() {
    let (hostile, shop) = shop().await;
    for (currency, amount, units) in [
        ("USD", 12_345, 12_345),
        ("JPY", 1_200, 1_200),
        ("KWD", 1_500, 1_500),
        ("KWD", 5_124, 5_120),
        ("UGX", 50_000, 5_000_000),
        ("ISK", 700, 70_000),
        ("MGA", 70_000, 700),
    ] {
        let money = loadmaster_kernel::Money::new(amount, currency.parse().unwrap());
        let (payment, operation) = shop.promise(money).await;
        assert!(shop.payments().at_once(operation, Some("pm_card_visa".into())).within(SOON).await);
        shop.until_status(payment, "CAPTURED").await;
        let asked = hostile.asked();
        let (_, form) = &asked[asked.len() - 2];
        assert!(form.contains(&format!("amount={units}&currency={}", currency.to_lowercase())), "{form}");
        assert!(form.contains(&operation.to_string()), "{form}");
    }
    assert_eq!(hostile.done().len(), 14);
    shop.world.state().background.run_now("reconcile_payments").await.unwrap();
    let differing = shop.world.texts("select id::text from payments where is_unmatched").await;
    assert_eq!(differing, [""; 0], "rounded amounts agree");
    shop.world.audit().await;
}

#[tokio::test]
async fn a_decline_is_reported_by_the_providers_word_and_not_by_its_prose() {
    let (hostile, shop) = shop().await;
    let payment = shop.pay("pm_poor").await;
    let shown = shop.shown(payment).await;
    assert_eq!((text(&shown, "status"), text(&shown["failure"], "code")), ("FAILED", "insufficient_funds"));
    assert!(!shown.to_string().contains("Jane"), "{shown}");
    assert_eq!(hostile.done(), [""; 0]);
    let unknown = shop.pay("pm_secret_unknown").await;
    assert_eq!(shop.shown(unknown).await["failure"]["code"], "declined", "the code quoted the token");
}

#[tokio::test]
async fn whatever_becomes_of_an_answer_there_is_one_charge() {
    let (hostile, shop) = shop().await;
    for trouble in [
        Trouble::FailsFirst(500),
        Trouble::FailsFirst(429),
        Trouble::FailsFirst(409),
        Trouble::FailsAfter(500),
        Trouble::FailsAfter(503),
        Trouble::Breaks,
        Trouble::Babbles,
        Trouble::Floods,
        Trouble::Redirects,
        Trouble::Late,
    ] {
        let before = hostile.done().len();
        // The authorization and the capture meet it; their second attempts are the same requests.
        hostile.expect(&[trouble]);
        let payment = shop.pay("pm_card_visa").await;
        hostile.expect(&[trouble]);
        in_time(&shop, payment, "CAPTURED").await;
        assert_eq!(hostile.done()[before..], ["AUTHORIZE 10000", "CAPTURE 10000"], "{trouble:?}");
        hostile.forget_expected();
    }
    shop.world.audit().await;
}

#[tokio::test]
async fn a_charge_that_failed_before_a_crash_is_not_made_without_its_token() {
    let hostile = Hostile::start().await;
    let shop = Shop::open(asking(&hostile)).await;
    hostile.expect(&[Trouble::FailsFirst(500)]);
    let payment = shop.pay("pm_card_visa").await;
    assert_eq!(shop.status(payment).await, "PROCESSING");
    let shop = another(&shop, asking(&hostile)).await;
    in_time(&shop, payment, "FAILED").await;
    assert_eq!(shop.shown(payment).await["failure"]["code"], "parameter_missing");
    assert_eq!(hostile.done(), [""; 0]);
    shop.world.audit().await;
}

#[tokio::test]
async fn a_key_that_was_used_without_the_token_is_decided_although_the_payer_comes_back() {
    let hostile = Hostile::start().await;
    let shop = Shop::open(asking(&hostile)).await;
    // The request with the token never arrives, and nobody hears the answer to the one without it.
    hostile.expect(&[Trouble::Loses, Trouble::Breaks]);
    let payment = shop.pay("pm_card_visa").await;
    let shop = another(&shop, asking(&hostile)).await;
    until("it was asked again", async || {
        shop.world.clock.advance(TimeDelta::seconds(20));
        tokio::time::sleep(Duration::from_millis(100)).await;
        hostile.asked().len() >= 2
    })
    .await;
    let operation = shop.find(payment).await.1[0].id;
    shop.payments().at_once(operation, Some("pm_card_visa".into()));
    in_time(&shop, payment, "FAILED").await;
    assert_eq!(shop.shown(payment).await["failure"]["code"], "parameter_missing");
    assert_eq!(hostile.done(), [""; 0]);
    shop.world.audit().await;
}

#[tokio::test]
async fn a_charge_that_hangs_is_searched_for_until_it_is_found() {
    let hostile = Hostile::start().await;
    let shop = Shop::open(asking(&hostile)).await;
    hostile.expect(&[Trouble::Hangs]);
    hostile.search_is_behind(true);
    let (payment, operation) = shop.promise(usd(10_000)).await;
    let attempt = shop.payments().at_once(operation, Some("pm_card_visa".into()));
    assert!(attempt.within(Duration::from_secs(15)).await, "the wait is bounded");
    assert_eq!(shop.status(payment).await, "PROCESSING");
    let shop = another(&shop, asking(&hostile)).await;
    for _ in 0..3 {
        shop.world.clock.advance(TimeDelta::seconds(70));
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    assert_eq!(shop.status(payment).await, "PROCESSING", "what is not found may yet be there");
    hostile.search_is_behind(false);
    shop.world.clock.advance(TimeDelta::minutes(16));
    shop.until_status(payment, "CAPTURED").await;
    assert_eq!(hostile.done(), ["AUTHORIZE 10000", "CAPTURE 10000"]);
    assert!(!hostile.asked()[1].1.contains("pm_card"), "the token was sent once");
    shop.world.audit().await;
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_has_charged_nothing() {
    let hostile = Hostile::start().await;
    let options = asking(&hostile).set("payments.http_url", "http://127.0.0.1:9");
    let shop = Shop::open(options.with_workers()).await.with_till();
    let payment = shop.pay("pm_card_visa").await;
    let shown = shop.shown(payment).await;
    assert_eq!((text(&shown, "status"), text(&shown["failure"], "code")), ("FAILED", "provider_unavailable"));
    assert!(!shop.find(payment).await.0.is_open());
    shop.world.audit().await;
}

#[tokio::test]
async fn a_provider_that_does_not_know_us_has_charged_nothing() {
    let hostile = Hostile::start().await;
    let shop = Shop::open(asking(&hostile).set("payments.http_secret", "sk_wrong").with_workers()).await.with_till();
    let payment = shop.pay("pm_card_visa").await;
    assert_eq!(shop.shown(payment).await["failure"]["code"], "provider_unavailable");
    assert_eq!(hostile.done(), [""; 0]);
}

/// Promises something more of a payment, and leaves it to the driver.
async fn promise(shop: &Shop, id: PaymentId, kind: OperationKind, amount: i64) {
    shop.promise_more(id, kind, amount).await;
    shop.payments().wake();
}

#[tokio::test]
async fn refunds_and_voids_are_made_once_however_often_they_are_requested() {
    let (hostile, shop) = shop().await;
    let payment = shop.pay("pm_card_visa").await;
    shop.until_status(payment, "CAPTURED").await;
    hostile.expect(&[Trouble::FailsAfter(500), Trouble::Babbles, Trouble::Breaks]);
    promise(&shop, payment, OperationKind::Refund, 4_000).await;
    until("it is refunded", async || {
        shop.world.clock.advance(TimeDelta::seconds(70));
        tokio::time::sleep(Duration::from_millis(100)).await;
        shop.find(payment).await.0.refunded == 4_000
    })
    .await;
    assert_eq!(hostile.done(), ["AUTHORIZE 10000", "CAPTURE 10000", "REFUND 4000"]);
    shop.world.audit().await;

    let shop = Shop::open(asking(&hostile).with_workers()).await;
    let payment = shop.pay("pm_card_visa").await;
    hostile.expect(&[Trouble::FailsAfter(500)]);
    promise(&shop, payment, OperationKind::Void, 10_000).await;
    in_time(&shop, payment, "VOIDED").await;
    assert_eq!(hostile.done()[3..], ["AUTHORIZE 10000", "VOID 10000"]);
    shop.world.audit().await;
}

#[tokio::test]
async fn a_payer_confirms_at_the_bank_and_a_look_up_finds_out() {
    let (hostile, shop) = shop().await;
    let payment = shop.pay("pm_action").await;
    let shown = shop.shown(payment).await;
    assert_eq!(
        (text(&shown, "status"), text(&shown["action"], "url")),
        ("REQUIRES_ACTION", "https://bank.example/pi_1")
    );
    hostile.settle("pi_1", "requires_capture");
    in_time(&shop, payment, "CAPTURED").await;
    assert_eq!(hostile.done(), ["AUTHORIZE 10000", "CAPTURE 10000"]);
    assert_eq!(hostile.asked().len(), 2, "it was looked up, not asked for again");
    shop.world.audit().await;
}

/// As after 23 hours without an answer.
async fn give_up(shop: &Shop, payment: PaymentId) {
    let unresolved = "update payment_operations set status = 'UNRESOLVED', next_attempt_at = null, note = 'silence'";
    shop.world.sql(&format!("{unresolved} where payment_id = '{payment}'")).await;
}

#[tokio::test]
async fn what_an_administrator_finds_done_is_found_at_the_provider_too() {
    let hostile = Hostile::start().await;
    let shop = Shop::open(asking(&hostile)).await;
    let admin = shop.world.admin().await;
    let resolve = |payment: PaymentId| format!("/api/v1/payments/{payment}/resolve");
    let done = json!({"done": true, "note": "By telephone"});

    hostile.expect(&[Trouble::Hangs]);
    let (payment, operation) = shop.promise(usd(10_000)).await;
    _ = shop.payments().at_once(operation, Some("pm_card_visa".into())).within(Duration::from_secs(1)).await;
    until("it has acted", async || hostile.done() == ["AUTHORIZE 10000"]).await;
    give_up(&shop, payment).await;
    let resolved = admin.post(&resolve(payment), done.clone()).await.expect(200);
    assert_eq!((text(&resolved, "status"), text(&resolved, "provider_reference")), ("AUTHORIZED", "pi_1"));
    assert_eq!(text(&admin.poke(&format!("/api/v1/payments/{payment}/void")).await.expect(200), "status"), "VOIDED");
    assert_eq!(hostile.done(), ["AUTHORIZE 10000", "VOID 10000"]);

    // Of what the provider does not know nothing could be captured or voided.
    let (payment, _) = shop.promise(usd(10_000)).await;
    give_up(&shop, payment).await;
    let refused = admin.post(&resolve(payment), done).await.expect_problem(409, "payment_not_possible");
    assert_eq!(text(&refused, "reason"), "no_reference");
    let resolved = admin.post(&resolve(payment), json!({"done": false, "note": "Never made"})).await.expect(200);
    assert_eq!(text(&resolved, "status"), "FAILED");
    assert_eq!(text(&resolved["failure"], "message"), "The carrier has found out that the payment was not made.");
}

#[tokio::test]
async fn an_administrator_names_the_operation_where_the_outcomes_of_two_are_unknown() {
    let (hostile, shop) = shop().await;
    let payment = shop.pay("pm_card_visa").await;
    shop.until_status(payment, "CAPTURED").await;
    // One refund is not made and one is, and of neither there is an answer.
    hostile.expect(&[Trouble::FailsFirst(500), Trouble::FailsAfter(500)]);
    for (amount, tried) in [(3_000, 1), (4_000, 2)] {
        promise(&shop, payment, OperationKind::Refund, amount).await;
        until("it was tried", async || {
            let (_, operations) = shop.find(payment).await;
            operations.iter().filter(|own| own.kind == OperationKind::Refund && own.note.is_some()).count() == tried
        })
        .await;
    }
    let unresolved =
        "update payment_operations set status = 'UNRESOLVED', next_attempt_at = null where kind = 'REFUND'";
    shop.world.sql(&format!("{unresolved} and payment_id = '{payment}'")).await;
    let (admin, path) = (shop.world.admin().await, format!("/api/v1/payments/{payment}/resolve"));
    let (_, operations) = shop.find(payment).await;
    let refunds: Vec<_> = operations.iter().filter(|own| own.kind == OperationKind::Refund).collect();

    let before = shop.world.written().await;
    let unnamed = admin.post(&path, json!({"done": true, "note": "By telephone"})).await;
    let unnamed = unnamed.expect_problem(409, "payment_not_possible");
    assert_eq!(text(&unnamed, "reason"), "several_unresolved");
    let listed = unnamed["operations"].as_array().unwrap().iter();
    let listed: Vec<_> =
        listed.map(|one| (text(one, "operation_id"), text(one, "kind"), text(&one["amount"], "amount"))).collect();
    let ids = refunds.iter().map(|own| own.id.to_string()).collect::<Vec<_>>();
    assert_eq!(listed, [(&*ids[0], "REFUND", "30.00"), (&*ids[1], "REFUND", "40.00")]);
    let named = |id: &str, done: bool| json!({"operation_id": id, "done": done, "note": "By telephone"});
    let faults = admin.post(&path, named(&Uuid::now_v7().to_string(), true)).await.expect_faults();
    assert_eq!(faults, [("/operation_id".to_owned(), "unknown_value".to_owned())]);
    let decided = admin.post(&path, named(&operations[0].id.to_string(), true)).await;
    assert_eq!(text(&decided.expect_problem(409, "payment_not_possible"), "reason"), "not_due");
    assert_eq!(shop.world.written().await, before);

    let resolved = admin.post(&path, named(&ids[1], true)).await.expect(200);
    assert_eq!(text(&resolved["refunded"], "amount"), "40.00");
    // The only one that is left needs no name.
    admin.post(&path, json!({"done": false, "note": "Never made"})).await.expect(200);
    assert_eq!(shop.find(payment).await.0.refunded, 4_000);
    let acts = admin.get("/api/v1/admin/audit?limit=2").await.expect(200);
    let recorded: Vec<_> = acts.as_array().unwrap().iter().map(|act| text(&act["data"], "operation_id")).collect();
    assert_eq!(recorded, [&*ids[0], &*ids[1]]);
    shop.world.audit().await;
}
