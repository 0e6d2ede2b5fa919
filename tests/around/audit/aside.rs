//! Room that is set aside for longer than it may be is seen found.
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster::app::AuditOptions;
use loadmaster_testkit::{
    NewFlight, TestDatabase, World, breaches,
    freight::{order, with},
    waitlist::{join, wanted},
};
use serde_json::json;
use sqlx::Executor;

/// The numbers of the rules that are broken at this time, after this was done behind the product's back.
async fn broken(books: &TestDatabase, spoil: &str, now: DateTime<Utc>) -> Vec<u8> {
    let spoiled = books.copy().await;
    let mut owner = spoiled.owner().await;
    owner.execute("set session_replication_role = replica").await.unwrap();
    owner.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(spoil.to_owned()))).await.unwrap();
    let checks = breaches(&spoiled, AuditOptions { now: Some(now), ..AuditOptions::default() }).await;
    checks.into_iter().filter_map(|check| check.rule.number).collect()
}

#[tokio::test]
async fn space_that_is_set_aside_too_long_or_without_entries_is_found() {
    // No matcher runs here.
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(1000.0).leaves_in_hours(200)).await;
    let holder = world.customer().await;
    let booking = holder.book(with(order(&[&flight]), json!({ "weight_kg": 1000 }))).await;
    join(&world.customer().await, wanted(&flight, 600.0)).await;
    holder.walk(&booking, &["cancel"]).await;
    assert_eq!(world.texts("select aside_weight_hg::text from flight_capacity").await, ["10000"]);
    let (now, books) = (world.now(), world.database.clone());
    world.audit().await;
    world.shutdown().await;
    assert_eq!(broken(&books, "select 1", now).await, [0_u8; 0]);
    let hour = now + TimeDelta::hours(1);
    assert_eq!(broken(&books, "select 1", hour).await, [17], "it is no longer kept");
    let kept = "update flight_capacity set aside_until = cutoff_at + interval '1 day'";
    assert_eq!(broken(&books, kept, hour).await, [0_u8; 0]);
    assert_eq!(broken(&books, kept, now + TimeDelta::hours(200)).await, [17], "the flight is closed");
    let nobody = format!(
        "{kept}, waiting = 0; delete from waitlist_flights; update waitlist_entries set status = 'CANCELLED', hold_id = null"
    );
    assert_eq!(broken(&books, &nobody, now).await, [0_u8; 0], "the matcher has its time");
    assert_eq!(broken(&books, &nobody, hour).await, [17], "nobody waits");
}
