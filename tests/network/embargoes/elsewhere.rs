//! A change is in effect at once where it is made, and within a second everywhere.
use std::time::Instant;

use loadmaster_testkit::{
    NewFlight, SOON, World, WorldOptions,
    embargoes::{EMBARGOES, carrying, embargo, impose, path_of},
    freight::{BOOKINGS, order},
    until, until_it_follows,
};
use serde_json::{Value, json};

const RANKED: &str = "/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-21";

async fn reasons(world: &World) -> Value {
    world.anonymous().get(RANKED).await.expect(200)[0]["reasons"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_instance_obeys_within_a_second() {
    let here = World::working().await;
    let there = WorldOptions::working().on(&here.database).start().await;
    let flight = here.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let (admin, customer) = (here.admin().await, there.customer().await);
    for world in [&here, &there] {
        until_it_follows(world).await;
        assert_eq!(reasons(world).await, json!([]));
    }
    customer.book(order(&[&flight])).await;

    for _ in 0..3 {
        let imposed = impose(&admin, embargo(json!({}))).await;
        let began = Instant::now();
        assert_eq!(reasons(&here).await, json!(["embargoed"]), "at once where it was imposed");
        until("it is obeyed there", async || reasons(&there).await == json!(["embargoed"])).await;
        assert!(began.elapsed() < SOON, "searching: {:?}", began.elapsed());
        customer.post(BOOKINGS, order(&[&flight])).await.expect_problem(409, "embargoed");

        admin.patch(&path_of(&imposed), json!({"handling_codes": ["AVI"]})).await.expect(200);
        let began = Instant::now();
        assert_eq!(reasons(&here).await, json!([]));
        until("its change is known there", async || customer.post(BOOKINGS, order(&[&flight])).await.status == 201)
            .await;
        assert!(began.elapsed() < SOON, "booking: {:?}", began.elapsed());

        admin.patch(&path_of(&imposed), json!({"handling_codes": null})).await.expect(200);
        until("it is obeyed again", async || reasons(&there).await == json!(["embargoed"])).await;
        admin.delete(&path_of(&imposed)).await.expect(200);
        let began = Instant::now();
        until("its end is known there", async || reasons(&there).await == json!([])).await;
        assert!(began.elapsed() < SOON, "ending: {:?}", began.elapsed());
    }
    assert_eq!(there.anonymous().get(EMBARGOES).await.expect(200), json!([]));
    here.audit().await;
}

#[tokio::test]
async fn an_instance_that_hears_of_no_change_reads_the_tables() {
    let here = World::start().await;
    let there = WorldOptions::default().on(&here.database).start().await;
    let flight = here.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let customer = there.customer().await;
    customer.book(order(&[&flight])).await;
    let imposed = impose(&here.admin().await, embargo(json!({}))).await;
    assert_eq!(reasons(&there).await, json!(["embargoed"]));
    customer.post(BOOKINGS, order(&[&flight])).await.expect_problem(409, "embargoed");
    here.admin().await.delete(&path_of(&imposed)).await.expect(200);
    assert_eq!(reasons(&there).await, json!([]));
    customer.book(order(&[&flight])).await;
    here.audit().await;
}

#[tokio::test]
async fn an_instance_that_hears_of_changes_reads_no_table() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    impose(&world.admin().await, embargo(json!({"handling_codes": ["AVI"]}))).await;
    let customer = world.customer().await;
    until_it_follows(&world).await;
    // While it lags behind, it asks the table in vain. A message about the embargo makes it read the table once more.
    until("it judges and searches without the table", async || {
        world.sql("alter table embargoes rename to embargoes_elsewhere").await;
        let mut knows = true;
        for (codes, status) in [(&["AVI"][..], 409), (&[], 201)] {
            knows &= customer.post(BOOKINGS, carrying(order(&[&flight]), codes)).await.status == status;
        }
        knows &= world.anonymous().get(RANKED).await.body[0]["reasons"] == json!([]);
        world.sql("alter table embargoes_elsewhere rename to embargoes").await;
        knows
    })
    .await;
    world.audit().await;
}
