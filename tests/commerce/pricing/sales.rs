//! Discounts, and the limit of their uses.
use chrono::TimeDelta;
use loadmaster::app::AuditOptions;
use loadmaster_kernel::SaleId;
use loadmaster_platform::postgres::commit;
use loadmaster_pricing::{self as pricing, PricingError, SaleUses};
use loadmaster_testkit::{
    NewFlight, World, WorldOptions, breaches,
    freight::with,
    pricing::{QUOTES, SALES, TARIFFS, asked, at, flat, make, sale},
    until,
};
use serde_json::{Value, json};
use uuid::Uuid;

use super::guest;

#[tokio::test]
async fn a_quote_has_its_codes_sale_or_the_best_one_without() {
    let world = World::start().await;
    let (admin, guest) = (world.admin().await, guest(&world).await);
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    make(&admin, TARIFFS, flat("T", "10", json!({}))).await;
    make(&admin, SALES, sale(json!({}))).await;
    let best = make(&admin, SALES, sale(json!({"percent": "12.5", "airline_code": "AI"}))).await;
    let dollars = json!({"code": "FIFTY", "percent": null, "amount": {"amount": "50", "currency": "USD"}});
    let coded = make(&admin, SALES, sale(dollars)).await;
    let quote = async |members: Value| guest.post(QUOTES, with(asked(&[&flight], 10.0), members)).await;
    for (members, sale, discount, text) in [
        (json!({}), &best, "-12.50", "12.5 % of 100.00 USD"),
        (json!({"discount_code": "fifty"}), &coded, "-50.00", "50.00 USD"),
    ] {
        let quote = quote(members).await.expect(201);
        let line = &quote["lines"][1];
        assert_eq!(
            (&line["kind"], &line["rule"]["id"], &line["text"]),
            (&json!("DISCOUNT"), &sale["id"], &json!(text))
        );
        assert_eq!((&line["amount"], &quote["discount"]["amount"]), (&quote["discount"], &json!(discount)));
    }
    let refused = async |code: &str, reason: &str| {
        let refused = quote(json!({"discount_code": code})).await.expect_problem(409, "discount_not_applicable");
        assert_eq!(refused["reason"], reason);
    };
    make(&admin, SALES, sale(json!({"code": "SYDNEY", "destination": "SYD"}))).await;
    make(&admin, SALES, sale(json!({"code": "DECEMBER", "sale_from": "2026-11-21", "sale_to": "2026-12-24"}))).await;
    refused("NOTHING", "unknown").await;
    refused("SYDNEY", "route").await;
    refused("DECEMBER", "window").await;
    world.clock.advance(TimeDelta::hours(16));
    let later = with(asked(&[&flight], 10.0), json!({"discount_code": "DECEMBER"}));
    let quote = super::guest(&world).await.post(QUOTES, later).await.expect(201);
    assert_eq!(quote["discount"]["amount"], "-10.00");
    world.audit().await;
}

/// The subjects of these takings are no holds: nothing else may be wrong.
async fn audit(world: &World) {
    for check in breaches(&world.database, AuditOptions::default()).await {
        let shown = check.findings.unwrap().shown;
        assert!(shown.iter().all(|breach| breach.table == "sale_uses"), "{shown:#?}");
    }
}

fn id(sale: &Value) -> SaleId {
    sale["id"].as_str().unwrap().parse().unwrap()
}

/// Takes a use for a subject, as a hold does.
async fn take(world: &World, sale: SaleId, subject: Uuid) -> Result<SaleUses, PricingError> {
    let mut tx = world.db.begin().await?;
    let uses = pricing::lock_sales_in_tx(&mut tx, &[sale]).await?[&sale];
    pricing::use_sales_in_tx(&mut tx, &[(sale, subject)], world.now()).await?;
    commit(tx).await?;
    Ok(uses)
}

async fn give_back(world: &World, subject: Uuid) {
    let mut tx = world.db.begin().await.unwrap();
    pricing::return_uses_in_tx(&mut tx, &[subject], world.now()).await.unwrap();
    commit(tx).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_fifty_takings_of_five_uses_five_succeed() {
    let world = std::sync::Arc::new(WorldOptions::patient().with_workers().start().await);
    let admin = world.admin().await;
    let five = make(&admin, SALES, sale(json!({"code": "FIVE", "max_uses": 5}))).await;
    let takings: Vec<_> = (0..50)
        .map(|_| {
            let (world, sale) = (world.clone(), id(&five));
            tokio::spawn(async move {
                let subject = Uuid::new_v4();
                take(&world, sale, subject).await.map(|_| subject)
            })
        })
        .collect();
    let mut taken = Vec::new();
    for taking in takings {
        match taking.await.unwrap() {
            Ok(subject) => taken.push(subject),
            Err(PricingError::Rating(refusal)) => assert!(refusal.to_string().contains("used_up")),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(taken.len(), 5);
    assert_eq!(world.texts("select used::text from sale_counters").await, ["5"]);
    audit(&world).await;

    // Everybody hears that none is left, and that one is again.
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    make(&admin, TARIFFS, flat("T", "10", json!({}))).await;
    let order = with(asked(&[&flight], 10.0), json!({"discount_code": "FIVE"}));
    until("it is known to be used up", async || admin.post(QUOTES, order.clone()).await.body["reason"] == "used_up")
        .await;
    give_back(&world, taken[0]).await;
    give_back(&world, taken[0]).await;
    give_back(&world, Uuid::new_v4()).await;
    until("it is known to have a use", async || admin.post(QUOTES, order.clone()).await.status == 201).await;
    assert_eq!(take(&world, id(&five), taken[0]).await.unwrap(), SaleUses { used: 4, max: Some(5) });
    // A subject uses a sale once.
    assert!(take(&world, id(&five), taken[0]).await.is_ok());
    assert_eq!(world.texts("select used::text from sale_counters").await, ["5"]);
    let told = world.texts("select event_type from outbox where aggregate = 'sale_limit' order by id").await;
    assert_eq!(told, ["REACHED", "LIFTED", "REACHED"]);
    // Its messages have numbers of their own, and so their subject is another than the sale's.
    let of_sale =
        format!("select count(*)::text from outbox where aggregate = 'sale_limit' and aggregate_id = '{}'", id(&five));
    assert_eq!(world.texts(&of_sale).await, ["0"]);
    let repeated = "select payload ->> 'id' from outbox group by 1 having count(*) > 1";
    assert_eq!(world.texts(repeated).await, Vec::<String>::new());
    audit(&world).await;
}

#[tokio::test]
async fn a_limit_counts_the_uses_that_were_without_and_is_not_below_them() {
    let world = World::start().await;
    let admin = world.admin().await;
    let rule = make(&admin, SALES, sale(json!({"code": "FREE"}))).await;
    let subjects = [Uuid::new_v4(), Uuid::new_v4(), Uuid::new_v4()];
    for subject in subjects {
        assert_eq!(take(&world, id(&rule), subject).await.unwrap(), SaleUses { used: 0, max: None });
    }
    let path = at(SALES, &rule);
    let faults = admin.patch(&path, json!({"max_uses": 2})).await.expect_faults();
    assert_eq!(faults, [("/max_uses".to_owned(), "too_small".to_owned())]);
    admin.patch(&path, json!({"max_uses": 3})).await.expect(200);
    assert!(take(&world, id(&rule), Uuid::new_v4()).await.is_err());
    audit(&world).await;
    admin.patch(&path, json!({"max_uses": null})).await.expect(200);
    take(&world, id(&rule), Uuid::new_v4()).await.unwrap();
    give_back(&world, subjects[0]).await;
    audit(&world).await;
    // Its uses outlive it.
    admin.delete(&path).await.expect(200);
    give_back(&world, subjects[1]).await;
    assert_eq!(world.count("sale_uses").await, 2);
    audit(&world).await;
}
