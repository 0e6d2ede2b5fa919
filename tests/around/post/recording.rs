//! A database that is away while a letter is composed, or its outcome is recorded.
use std::time::Duration;

use chrono::TimeDelta;
use loadmaster_testkit::{SmtpServer, World, until};
use sqlx::Connection;

use super::{
    flood, lapse, mailing, register, rows, settled,
    sms::{Gateway, text_of},
    taken,
};

/// From now on the database ends the session of whoever records that something was sent.
async fn refuse_to_record(world: &World) {
    let function = "create function refuse() returns trigger language plpgsql as
                    $$ begin raise exception 'terminating connection' using errcode = '57P01'; end $$";
    world.sql(function).await;
    let trigger = "create trigger refusing before update on notifications
                   for each row when (new.status = 'SENT') execute function refuse()";
    world.sql(trigger).await;
}

async fn record_again(world: &World) {
    // Time for attempts to record it, and for the sender to look for claims whose end is over.
    tokio::time::sleep(Duration::from_millis(700)).await;
    world.sql("drop trigger refusing on notifications").await;
}

#[tokio::test]
async fn the_outcome_of_a_letter_is_kept_until_the_database_takes_it() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    refuse_to_record(&world).await;
    register(&world, "ann@example.org").await;
    taken(&relay, 1).await;
    lapse(&world).await;
    record_again(&world).await;
    settled(&world, "SENT", 1).await;
    assert_eq!(relay.taken().len(), 1);
}

/// By the clock of the other process the claim has ended, and the letter is due; by the database's it has not.
#[tokio::test]
async fn a_process_whose_clock_is_ahead_takes_no_letter_from_another() {
    let relay = SmtpServer::start().await;
    let world = mailing(&relay).start().await;
    refuse_to_record(&world).await;
    flood(&world, 1).await;
    taken(&relay, 1).await;
    let other = mailing(&relay).on(&world.database).start().await;
    other.clock.advance(TimeDelta::minutes(6));
    // Due for the other process alone, which has therefore looked at both when this one is sent.
    let more =
        "insert into notifications (id, message_id, receiver, user_id, channel, type, subject_id, due_at, next_at,
                                           expires_at, created_at)
                select gen_random_uuid(), 'more', receiver, user_id, channel, type, subject_id,
                       due_at + interval '5 minutes', due_at + interval '5 minutes', expires_at, created_at
                from notifications";
    world.sql(more).await;
    taken(&relay, 2).await;
    let found = rows(&world).await;
    assert!(found.iter().all(|row| (row.attempts, row.is_claimed) == (1, true)), "{found:?}");
    world.sql("drop trigger refusing on notifications").await;
    until("both are recorded", async || rows(&world).await.iter().all(|row| row.status == "SENT")).await;
    assert_eq!(relay.taken().len(), 2);
    other.shutdown().await;
    world.shutdown().await;
}

#[tokio::test]
async fn a_text_that_was_accepted_is_not_taken_for_lost() {
    let gateway = Gateway::start().await;
    let world = gateway.world().start().await;
    refuse_to_record(&world).await;
    text_of(&world, "+442079460123").await;
    gateway.texts(1).await;
    lapse(&world).await;
    record_again(&world).await;
    settled(&world, "SENT", 1).await;
    assert_eq!(gateway.received().len(), 1);
}

#[tokio::test]
async fn a_text_that_cannot_be_composed_is_sent_when_it_can() {
    let gateway = Gateway::start().await;
    let world = gateway.world().start().await;
    let mut owner = world.owner().await;
    let mut claims = owner.begin().await.unwrap();
    sqlx::query("select 1 from post_pace where channel = 'sms' for update").execute(&mut *claims).await.unwrap();
    text_of(&world, "+442079460123").await;
    // No row can be read: the division by zero is part of every query of the serving role.
    world.sql("create policy faulty on one_time_tokens using (1 / (case when id is null then 1 else 0 end) = 1)").await;
    world.sql("alter table one_time_tokens enable row level security").await;
    claims.rollback().await.unwrap();
    let row = settled(&world, "WAITING", 1).await;
    world.sql("alter table one_time_tokens disable row level security").await;
    world.clock.set(row.next_at);
    settled(&world, "SENT", 2).await;
    assert_eq!(gateway.received().len(), 1);
}
