//! What this product's own schedules do, in a server that runs.
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_platform::outbox::retire;
use loadmaster_testkit::{
    NewFlight, TestDatabase, World, WorldOptions,
    jobs::{run_again, until_run},
    start_of_time, until,
};
use serde_json::json;
use sqlx::Row;
use uuid::Uuid;

async fn partitions(world: &World) -> Vec<String> {
    let query = "select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
                 where i.inhparent = 'bookings'::regclass and c.relname <> 'bookings_default' order by 1";
    sqlx::query_scalar(query).fetch_all(&mut world.database.owner().await).await.unwrap()
}

#[tokio::test]
async fn a_server_makes_the_partitions_of_the_months_to_come() {
    let world = World::migrated().await;
    until_run(&world, "partitions_ahead").await;
    let made = partitions(&world).await;
    assert_eq!((made[0].as_str(), made.last().unwrap().as_str()), ("bookings_2026_11", "bookings_2027_11"));

    world.clock.advance(TimeDelta::days(62));
    run_again(&world, "partitions_ahead").await;
    let made = partitions(&world).await;
    assert_eq!((made.len(), made.last().unwrap().as_str()), (15, "bookings_2028_01"));
    // Which are of use.
    let flight = NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(24 * 70);
    let flight = world.flight(flight).await;
    let order =
        json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 10, "flight_ids": [flight["id"]]});
    world.customer().await.post("/api/v1/bookings", order).await.expect(201);
    let in_default: i64 = sqlx::query_scalar("select count(*) from bookings_default")
        .fetch_one(&mut world.database.owner().await)
        .await
        .unwrap();
    assert_eq!(in_default, 0);
    world.audit().await;
}

/// Adds a refresh token to a user that has one.
async fn add_token(world: &World, expires_at: DateTime<Utc>) -> Uuid {
    let (id, mut owner) = (Uuid::new_v4(), world.database.owner().await);
    sqlx::query(
        "insert into refresh_tokens (id, family_id, user_id, token_hash, issued_at, expires_at)
         select $1::uuid, family_id, user_id, sha256(uuid_send($1::uuid)), issued_at, $2::timestamptz
         from refresh_tokens where user_id = (select id from users where email_key = 'ann@example.com') limit 1",
    )
    .bind(id)
    .bind(expires_at)
    .execute(&mut owner)
    .await
    .unwrap();
    id
}

#[tokio::test]
async fn a_server_deletes_expired_refresh_tokens_and_no_others() {
    let world = World::migrated().await;
    until_run(&world, "expired_tokens").await;
    let register = json!({"email": "ann@example.com", "password": "correct horse battery"});
    world.anonymous().post("/api/v1/auth/register", register).await.expect(201);
    let tokens = async || -> Vec<Uuid> {
        let query =
            "select id from refresh_tokens where user_id = (select id from users where email_key = 'ann@example.com')
                     order by expires_at desc";
        sqlx::query_scalar(query).fetch_all(&mut world.database.owner().await).await.unwrap()
    };
    let ann = tokens().await[0];
    let valid = add_token(&world, start_of_time() + TimeDelta::minutes(61)).await;
    // An access token that came with it may live, and count, eighteen minutes longer.
    let gone = add_token(&world, start_of_time() + TimeDelta::minutes(43)).await;
    add_token(&world, start_of_time() + TimeDelta::minutes(41)).await;
    add_token(&world, start_of_time() - TimeDelta::days(400)).await;

    world.clock.advance(TimeDelta::hours(1));
    run_again(&world, "expired_tokens").await;
    assert_eq!(tokens().await, [ann, valid, gone]);
}

async fn outbox(world: &World) -> Vec<i64> {
    let rows = sqlx::query("select id from outbox order by id").fetch_all(&mut world.database.owner().await).await;
    rows.unwrap().iter().map(|row| row.get(0)).collect()
}

/// Makes what is written so far older.
async fn age(world: &World, table: &str, days: i32, column: &str) {
    let age = format!("update {table} set {column} = {column} - {days} * interval '1 day'");
    sqlx::query(sqlx::AssertSqlSafe(age)).execute(&mut world.database.owner().await).await.unwrap();
}

#[tokio::test]
async fn a_server_deletes_old_messages_that_were_delivered_and_no_others() {
    // Given messages of which a sink has had all but the third, and another sink that was not served for long,
    let world = WorldOptions::working().without_redis().on(&TestDatabase::create().await).start().await;
    until_run(&world, "old_outbox").await;
    let flight = async |number: &str| drop(world.flight(NewFlight::new(number, "DEL", "LHR")).await);
    for number in ["AI101", "AI102", "AI103", "AI104"] {
        flight(number).await;
    }
    let old = outbox(&world).await;
    assert_eq!(old.len(), 4);
    let sinks = "insert into outbox_sinks (name, position, gaps, updated_at)
                 values ('here', $1::bigint, jsonb_build_array(jsonb_build_array($2::bigint, 1)), now()),
                        ('gone', 0, '[]', now() - interval '40 days')";
    let sinks = sqlx::query(sinks).bind(old[3]).bind(old[2]);
    sinks.execute(&mut world.database.owner().await).await.unwrap();
    // when they are not a week old,
    age(&world, "outbox", 6, "written_at").await;
    run_again(&world, "old_outbox").await;
    assert_eq!(outbox(&world).await, old);
    flight("AI105").await;
    let young = *outbox(&world).await.last().unwrap();
    // and then are,
    age(&world, "outbox", 2, "written_at").await;
    run_again(&world, "old_outbox").await;
    // then they are kept for both,
    assert_eq!(outbox(&world).await.len(), 5);
    assert!(retire(&world.db, "gone").await.unwrap());
    run_again(&world, "old_outbox").await;
    // until one is given up: what the other was given is gone.
    let left = outbox(&world).await;
    assert!(!left.contains(&old[0]) && !left.contains(&old[1]), "{left:?} of {old:?}");
    assert!(left.contains(&old[2]), "it was not delivered");
    assert!(young > old[3] && left.contains(&young));

    // And when nobody listens any more, all that is old goes.
    assert!(retire(&world.db, "here").await.unwrap());
    run_again(&world, "old_outbox").await;
    assert_eq!(outbox(&world).await, [young]);
}

#[tokio::test]
async fn a_server_removes_the_texts_of_holds_that_ended_thirty_days_ago_and_no_others() {
    let world = World::working().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").leaves_in_hours(24 * 70)).await;
    let wish = json!({"flight_ids": [flight["id"]], "weight_kg": 10, "pieces": 1, "description": "Confidential"});
    let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
    let customer = world.caller_in(loadmaster_accounts::Role::Customer, user, organization).await;
    let mut paths = Vec::new();
    for end in ["release", "commit", "expire"] {
        let hold = customer.post("/api/v1/holds", wish.clone()).await.expect(201);
        let path = format!("/api/v1/holds/{}", hold["id"].as_str().unwrap());
        if end != "expire" {
            let made = customer.poke(&format!("{path}/{end}")).await;
            assert!(made.status.is_success(), "{}", made.text);
        }
        paths.push(path);
    }
    let shown = async || {
        let token = world.token(loadmaster_accounts::Role::Customer, user, organization);
        let customer = world.anonymous().with_token(&token);
        let mut shown = Vec::new();
        for path in &paths {
            shown.push(customer.get(path).await.expect(200)["description"].as_str().map(str::to_owned));
        }
        shown
    };
    world.clock.advance(TimeDelta::hours(1));
    until("the third hold has ended", async || {
        world.texts("select id::text from holds where status = 'EXPIRED'").await.len() == 1
    })
    .await;
    world.clock.advance(TimeDelta::days(30) - TimeDelta::hours(1) - TimeDelta::seconds(1));
    run_again(&world, "old_hold_texts").await;
    let kept = Some("Confidential".to_owned());
    assert_eq!(shown().await, [kept.clone(), kept.clone(), kept.clone()]);
    world.clock.advance(TimeDelta::seconds(1));
    run_again(&world, "old_hold_texts").await;
    assert_eq!(shown().await, [None, None, kept]);
    world.clock.advance(TimeDelta::hours(1));
    run_again(&world, "old_hold_texts").await;
    assert_eq!(shown().await, [None, None, None]);
    assert_eq!(world.found(&["confidential"]).await, ["confidential is in booking_texts.description"]);
    world.audit().await;
}
