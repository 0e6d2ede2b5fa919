//! Quotes and counters that were spoiled are noticed.
use loadmaster::app::AuditOptions;
use loadmaster_testkit::{
    NewFlight, World, breaches,
    pricing::{QUOTES, SALES, TARIFFS, asked, flat, make, sale},
};
use serde_json::json;

use super::guest;

/// The numbers of the rules that are broken.
async fn broken(world: &World) -> Vec<Option<u8>> {
    let checks = breaches(&world.database, AuditOptions::default()).await;
    checks.into_iter().map(|check| check.rule.number).collect()
}

#[tokio::test]
async fn a_quote_that_does_not_rate_to_its_lines_breaks_rule_13() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let admin = world.admin().await;
    make(&admin, TARIFFS, flat("T", "5", json!({}))).await;
    make(&admin, SALES, sale(json!({}))).await;
    guest(&world).await.post(QUOTES, asked(&[&flight], 10.0)).await.expect(201);
    assert_eq!(broken(&world).await, []);
    for spoiled in [
        "body = jsonb_set(body, '{priced,total,amount}', '\"1.00\"')",
        "body = jsonb_set(body, '{inputs,weight_hg}', '200')",
        "body = jsonb_set(body, '{rules,tariffs,0,rule,terms,normal}', '\"6\"')",
        "body = jsonb_set(body, '{rater}', '2')",
        "body = '{}'",
        "sale_id = null",
    ] {
        world.sql("create table kept as select * from quotes").await;
        world.sql(&format!("update quotes set {spoiled}")).await;
        assert_eq!(broken(&world).await, [Some(13)], "{spoiled}");
        world.sql("delete from quotes; insert into quotes select * from kept; drop table kept").await;
    }
    assert_eq!(broken(&world).await, []);
}

#[tokio::test]
async fn a_counter_that_is_not_the_number_of_uses_breaks_rule_16() {
    let world = World::start().await;
    let admin = world.admin().await;
    make(&admin, SALES, sale(json!({"code": "FIVE", "max_uses": 5}))).await;
    for spoiled in [
        "update sale_counters set used = 1",
        "update sale_counters set max_uses = 6, used = 0",
        "update sale_counters set max_uses = null, used = 0",
    ] {
        world.sql(spoiled).await;
        assert_eq!(broken(&world).await, [Some(16)], "{spoiled}");
        world.sql("update sale_counters set max_uses = 5, used = 0").await;
    }
    world.sql("insert into sale_uses select sale_id, gen_random_uuid() from sale_counters").await;
    assert_eq!(broken(&world).await, [Some(16)]);
}
