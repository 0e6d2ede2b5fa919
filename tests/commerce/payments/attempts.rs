//! Attempts: who makes them, what is shared, and what a crash leaves to others.
use std::{sync::Arc, time::Duration};

use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_payments::Outcome;
use loadmaster_platform::clock::Clock;
use loadmaster_testkit::{
    TestDatabase, WorldOptions,
    payments::{SOON, usd, with_test},
    until,
};

use super::{Shop, desk::Till};

/// Another process at the same database, with its driver.
pub async fn another(shop: &Shop, options: WorldOptions) -> Shop {
    let options = options.with_workers().on(&shop.world.database).set("auth.access_token_minutes", "100000");
    let world = options.start().await;
    world.clock.set(shop.world.clock.now());
    let payer = world.anonymous().with_token(&world.token(Role::Customer, shop.user, shop.organization));
    Shop { world, payer, user: shop.user, organization: shop.organization }.with_till()
}

#[tokio::test]
async fn a_charge_that_acted_and_was_never_answered_is_found_again_after_a_crash() {
    let shop = Shop::open(with_test()).await;
    let (payment, operation) = shop.promise(usd(10_000)).await;
    let attempt = shop.payments().at_once(operation, Some("tok_hang".into()));
    until("the provider has acted", async || shop.journal().await.len() == 1).await;
    assert!(!attempt.within(Duration::from_millis(200)).await);
    // This process knows the token, and makes no other attempt: it is as good as gone.
    let shop = another(&shop, with_test()).await;
    shop.world.clock.advance(TimeDelta::seconds(14));
    shop.until_status(payment, "CAPTURED").await;
    assert_eq!(shop.journal().await, ["AUTHORIZE 100.00 USD SUCCEEDED", "CAPTURE 100.00 USD SUCCEEDED"]);
    shop.world.audit().await;
}

#[tokio::test]
async fn a_charge_that_arrives_after_another_process_read_that_there_was_none_does_nothing() {
    let shop = Shop::open(with_test()).await;
    // What the process with the token sends is under way for long.
    shop.world
        .sql(
            "create function linger() returns trigger language plpgsql security definer as
               $$ begin perform pg_advisory_xact_lock(7); return new; end $$;
             create trigger linger before insert on test_payments for each row when (new.behaviour = 'OK')
               execute function linger();",
        )
        .await;
    let mut gate = shop.world.owner().await;
    sqlx::query("select pg_advisory_lock(7)").execute(&mut gate).await.unwrap();
    let (payment, operation) = shop.promise(usd(10_000)).await;
    let attempt = shop.payments().at_once(operation, Some("tok_ok".into()));
    let waits = "select 'it waits' from pg_locks join pg_database on oid = database
                 where datname = current_database() and locktype = 'advisory' and objid = 7 and not granted";
    until("it is under way", async || shop.world.texts(waits).await.len() == 1).await;
    let other = another(&shop, with_test()).await;
    other.world.clock.advance(TimeDelta::seconds(14));
    other.until_status(payment, "FAILED").await;
    sqlx::query("select pg_advisory_unlock(7)").execute(&mut gate).await.unwrap();
    attempt.within(SOON).await;
    assert_eq!(other.shown(payment).await["failure"]["code"], "missing_token");
    assert_eq!(other.journal().await, ["AUTHORIZE 100.00 USD DECLINED"]);
    other.world.audit().await;
}

#[tokio::test]
async fn a_promise_that_was_never_sent_did_not_happen() {
    let shop = Shop::driven().await;
    let (payment, _) = shop.promise(usd(10_000)).await;
    shop.world.clock.advance(TimeDelta::seconds(29));
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(shop.status(payment).await, "PROCESSING", "the process that has the token may still come");
    shop.world.clock.advance(TimeDelta::seconds(1));
    shop.until_status(payment, "FAILED").await;
    assert_eq!(shop.shown(payment).await["failure"]["code"], "not_sent");
    assert_eq!(shop.journal().await, [""; 0]);
    shop.world.audit().await;
}

#[tokio::test]
async fn callers_with_the_same_request_share_one_attempt() {
    let shop = Shop::open(with_test()).await.with_till();
    let (payment, operation) = shop.promise(usd(10_000)).await;
    let asked = (0..20).map(|_| shop.payments().at_once(operation, Some("tok_ok".into()))).collect::<Vec<_>>();
    for attempt in asked {
        assert!(attempt.within(SOON).await);
    }
    shop.until_status(payment, "CAPTURED").await;
    let (_, operations) = shop.find(payment).await;
    assert_eq!(operations.iter().map(|one| one.attempts).collect::<Vec<_>>(), [1, 1]);
    assert_eq!(shop.journal().await.len(), 2);
    shop.world.audit().await;
}

#[tokio::test]
async fn several_processes_make_one_attempt_between_them() {
    let shop = Shop::open(with_test()).await.with_till();
    let mut others = Vec::new();
    for _ in 0..2 {
        others.push(another(&shop, with_test()).await);
    }
    let mut paid = Vec::new();
    for _ in 0..10 {
        let (payment, operation) = shop.promise(usd(10_000)).await;
        let attempts: Vec<_> =
            others.iter().map(|other| other.payments().at_once(operation, Some("tok_ok".into()))).collect();
        for attempt in attempts {
            attempt.within(SOON).await;
        }
        assert!(shop.payments().decided_within(operation, SOON).await.unwrap());
        paid.push(payment);
    }
    for payment in paid {
        shop.until_status(payment, "CAPTURED").await;
        let (_, operations) = shop.find(payment).await;
        assert_eq!(operations.len(), 2, "captured once");
        assert_eq!(operations[0].attempts, 1);
    }
    shop.world.audit().await;
}

#[tokio::test]
async fn a_wait_that_nothing_ends_reads_the_tables_once_a_second() {
    let shop = Shop::open(with_test().on(&TestDatabase::counting().await)).await;
    let (_, operation) = shop.promise(usd(10_000)).await;
    assert!(!shop.payments().decided_within(operation, Duration::from_secs(3)).await.unwrap());
    let read = shop.world.executed(r#"as "open!" from payment_operations"#).await;
    assert!((1..=5).contains(&read), "{read}");
}

#[tokio::test]
async fn what_is_promised_is_kept_by_any_process_soon() {
    let shop = Shop::driven().await;
    let payment = shop.pay("tok_ok").await;
    // Its desk is registered late: the capture is promised by hand, and left to the driver.
    let till = Arc::new(Till { db: shop.world.db.clone(), clock: shop.world.clock.clone() });
    let decided = loadmaster_payments::Decided {
        payment,
        operation: shop.find(payment).await.1[0].id,
        outcome: Outcome::NotSent,
    };
    let began = std::time::Instant::now();
    loadmaster_payments::PaymentDesk::decided(&*till, &decided).await.unwrap();
    shop.until_status(payment, "CAPTURED").await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    shop.world.audit().await;
}

#[tokio::test]
async fn an_outcome_that_cannot_be_learned_is_counted_and_stays_open() {
    let shop = Shop::driven().await;
    let (payment, _) = shop.promise(usd(10_000)).await;
    shop.world
        .sql(&format!(
            "update payment_operations set status = 'UNRESOLVED', next_attempt_at = null, note = 'silence',
                    attempts = 99, first_attempt_at = created_at where payment_id = '{payment}'"
        ))
        .await;
    until("it is counted", async || {
        let metrics = shop.world.anonymous().get("/metrics").await.text;
        metrics.lines().any(|line| line == "loadmaster_payments_unresolved 1")
    })
    .await;
    assert!(shop.find(payment).await.0.is_open());
    shop.world.clock.advance(TimeDelta::hours(1));
    tokio::time::sleep(Duration::from_millis(700)).await;
    assert_eq!(shop.find(payment).await.1[0].attempts, 99, "it is asked for no more");
}

#[tokio::test]
async fn who_has_no_token_takes_no_attempt_from_who_has_one() {
    let shop = Shop::open(with_test()).await.with_till();
    let (payment, operation) = shop.promise(usd(10_000)).await;
    assert!(shop.payments().joined(operation).is_none());
    assert!(shop.payments().at_once(operation, None).within(SOON).await);
    assert_eq!(shop.status(payment).await, "PROCESSING");
    let attempt = shop.payments().at_once(operation, Some("tok_ok".into()));
    let joined = shop.payments().joined(operation).expect("it is under way");
    assert!(attempt.within(SOON).await && joined.within(SOON).await);
    shop.until_status(payment, "CAPTURED").await;
    shop.world.audit().await;
}
