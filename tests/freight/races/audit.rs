//! The audit that ends all these tests has to be seen failing: a checker that never did proves nothing.
use std::time::Duration;

use loadmaster::app::AuditOptions;
use loadmaster_platform::postgres::PgSession;
use loadmaster_testkit::{NewFlight, World, breaches_in};
use sqlx::AssertSqlSafe;

use super::order;

/// Each spoils the books behind the product's back, in a way that no trigger or constraint stops.
const BREACHES: [&str; 11] = [
    // a flight sold beyond its capacity, in row and ledger alike
    "alter table flight_capacity drop constraint flight_weight_not_oversold;
     update flight_capacity set booked_weight_hg = capacity_weight_hg + 1;
     update capacity_ledger set weight_hg = capacity_weight_hg + 1, booked_weight_hg = capacity_weight_hg + 1 where seq = 2;
     update booking_legs set weight_hg = 10001",
    // a ledger entry lost
    "delete from capacity_ledger where seq = 2",
    // room that is given away without an entry
    "update flight_capacity set booked_weight_hg = booked_weight_hg - 10",
    // a leg that is released and keeps its room
    "update booking_legs set status = 'RELEASED'",
    // room taken for a booking that is not there
    "delete from booking_legs",
    // a booking that moved without an event
    "update bookings set status = 'DELIVERED'",
    // a history without its beginning
    "delete from booking_events where sequence = 1",
    // a step that no arrow leads to
    "update booking_events set status = 'DELIVERED', event_type = 'DELIVERED' where sequence = 2;
     update bookings set status = 'DELIVERED'; update outbox set event_type = 'DELIVERED' where sequence = 2",
    // an event that nobody will be told of
    "delete from outbox where aggregate = 'booking'",
    // an air waybill claimed by nobody
    "insert into awb_claims values ('098-12345675', gen_random_uuid())",
    // a reference that leads nowhere
    "delete from booking_refs",
];

#[tokio::test]
async fn the_audit_notices_every_way_to_spoil_the_books() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let booking =
        world.customer().await.post("/api/v1/bookings", order("DEL", "LHR", &[&flight], 10)).await.expect(201);
    let depart = format!("/api/v1/bookings/{}/depart", booking["ref_id"].as_str().unwrap());
    world.operator().await.poke(&depart).await.expect(200);
    world.audit().await;
    let books = world.database.clone();
    world.shutdown().await;
    let mut session = PgSession::own(books.owner().await, Duration::from_mins(1));
    for breach in BREACHES {
        // Only a superuser can switch triggers off. What is spoiled is right again for the next.
        let spoil = format!("begin; set local session_replication_role = replica; {breach}");
        sqlx::raw_sql(AssertSqlSafe(spoil)).execute(&mut session).await.unwrap();
        let found = breaches_in(&mut session, AuditOptions::default()).await;
        assert!(!found.is_empty(), "not noticed: {breach}");
        sqlx::raw_sql("rollback").execute(&mut session).await.unwrap();
    }
    assert_eq!(breaches_in(&mut session, AuditOptions::default()).await.len(), 0, "all was rolled back");
}
