//! A change is in effect at once where it is made, and within a second everywhere.
use std::time::Instant;

use loadmaster_testkit::{
    NewFlight, SOON, World, WorldOptions,
    pricing::{QUOTES, TARIFFS, asked, at, flat, make, total},
    until, until_it_follows,
};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_instance_rates_by_a_change_within_a_second() {
    let here = World::working().await;
    let there = WorldOptions::working().on(&here.database).start().await;
    let flight = here.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (admin, customer) = (here.admin().await, there.customer().await);
    let quoted = || total(&customer, asked(&[&flight], 10.0));
    let rule = make(&admin, TARIFFS, flat("T", "1", json!({}))).await;
    for world in [&here, &there] {
        until_it_follows(world).await;
    }
    until("its first rule is known there", async || customer.post(QUOTES, asked(&[&flight], 10.0)).await.status == 201)
        .await;
    for rate in 2..6 {
        admin.patch(&at(TARIFFS, &rule), json!({"normal": rate.to_string()})).await.expect(200);
        let began = Instant::now();
        let expected = format!("{rate}0.00 USD");
        assert_eq!(total(&admin, asked(&[&flight], 10.0)).await, expected, "at once where it was changed");
        until("it is rated so there", async || quoted().await == expected).await;
        assert!(began.elapsed() < SOON, "{:?}", began.elapsed());
    }
    here.audit().await;
}

#[tokio::test]
async fn an_instance_that_hears_of_no_change_reads_the_tables() {
    let here = World::start().await;
    let there = WorldOptions::default().on(&here.database).start().await;
    let flight = here.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (admin, customer) = (here.admin().await, there.customer().await);
    let rule = make(&admin, TARIFFS, flat("T", "1", json!({}))).await;
    assert_eq!(total(&customer, asked(&[&flight], 10.0)).await, "10.00 USD");
    admin.patch(&at(TARIFFS, &rule), json!({"normal": "2"})).await.expect(200);
    assert_eq!(total(&customer, asked(&[&flight], 10.0)).await, "20.00 USD");
    make(&admin, TARIFFS, flat("U", "3", json!({"origin": "DEL"}))).await;
    admin.delete(&at(TARIFFS, &rule)).await.expect(200);
    assert_eq!(total(&customer, asked(&[&flight], 10.0)).await, "30.00 USD");
}

#[tokio::test]
async fn an_instance_that_hears_of_changes_reads_no_table() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    make(&world.admin().await, TARIFFS, flat("T", "1", json!({}))).await;
    let customer = world.customer().await;
    until_it_follows(&world).await;
    world.sql("alter table tariffs rename to tariffs_elsewhere; alter table price_revision rename to elsewhere").await;
    // While it lags behind, it asks the table in vain.
    until("it rates without the table", async || {
        customer.post(loadmaster_testkit::pricing::QUOTES, asked(&[&flight], 10.0)).await.status == 201
    })
    .await;
    world.sql("alter table tariffs_elsewhere rename to tariffs; alter table elsewhere rename to price_revision").await;
    world.audit().await;
}
