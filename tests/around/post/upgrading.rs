//! Letters whose type another release knows.
use chrono::TimeDelta;
use loadmaster_testkit::{SmtpServer, World, until};

use super::{flood, flood_to, mailing, settled_at, taken};

const STATUSES: &str = "select concat_ws(' ', status, reason) from notifications order by id";

#[tokio::test]
async fn what_a_former_release_suppressed_by_its_type_is_sent_at_the_start_and_later() {
    // Nobody sends yet.
    let world = World::start().await;
    flood(&world, 3).await;
    let suppress = "update notifications set status = 'SUPPRESSED', reason = 'unknown_type', sent_at = null";
    world.sql(suppress).await;
    let first = "where id = (select id from notifications order by id limit 1)";
    world.sql(&format!("update notifications set expires_at = created_at {first}")).await;
    let relay = SmtpServer::start().await;
    let working = mailing(&relay).set("mail.per_minute", "60000").on(&world.database).start().await;
    let sent = ["SUPPRESSED unknown_type", "SENT", "SENT"];
    until("the valid ones are sent", async || working.texts(STATUSES).await == sent).await;
    // The process of the former release is still there.
    let last = "where id = (select id from notifications order by id desc limit 1)";
    working.sql(&format!("{suppress} {last}")).await;
    working.clock.advance(TimeDelta::minutes(10));
    taken(&relay, 3).await;
    until("it is sent, too", async || working.texts(STATUSES).await == sent).await;
}

#[tokio::test]
async fn a_letter_of_a_type_of_a_later_release_is_left_to_it_until_it_expires() {
    let world = World::start().await;
    flood_to(&world, 2, 1).await;
    world.sql("update notifications set bundle = 'both'").await;
    let first = "where id = (select id from notifications order by id limit 1)";
    world.sql(&format!("update notifications set type = 'of_a_later_release' {first}")).await;
    let relay = SmtpServer::start().await;
    let working = mailing(&relay).on(&world.database).start().await;
    settled_at(&working, 1, "SENT", 1).await;
    settled_at(&working, 0, "WAITING", 0).await;
    working.clock.advance(TimeDelta::days(2));
    let expired = settled_at(&working, 0, "SUPPRESSED", 0).await;
    assert_eq!(expired.reason.as_deref(), Some("expired"));
}

#[tokio::test]
async fn a_letter_that_a_later_release_began_is_released_by_a_process_that_does_not_know_a_part_of_it() {
    let world = World::start().await;
    flood_to(&world, 2, 1).await;
    world
        .sql("update notifications set letter_id = (select id from notifications order by id limit 1), attempts = 1")
        .await;
    let first = "where id = (select id from notifications order by id limit 1)";
    world.sql(&format!("update notifications set type = 'of_a_later_release' {first}")).await;
    let relay = SmtpServer::start().await;
    let working = mailing(&relay).on(&world.database).start().await;
    for place in [0, 1] {
        let left = settled_at(&working, place, "WAITING", 2).await;
        assert!(left.next_at >= working.now() + TimeDelta::seconds(59), "{left:?}");
    }
    assert!(relay.taken().is_empty());
}
