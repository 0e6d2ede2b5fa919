//! Invitations: their tokens and their letters.
use chrono::TimeDelta;
use loadmaster_testkit::{
    World,
    freight::text,
    jobs::run_again,
    letters::{directory, letter, sent, writing},
    notifications::Person,
};
use serde_json::{Value, json};
use sqlx::{Executor, Row};

use super::{CONSOLIDATIONS, JOIN, at, email, invite, join, of, plan, shown, token};

fn accept(token: &str) -> Value {
    json!({"token": token, "answer": "ACCEPT"})
}

#[tokio::test]
async fn a_token_is_good_once_and_for_its_address_alone() {
    let world = World::start().await;
    let (owner, member, other) = (Person::new(&world).await, Person::new(&world).await, Person::new(&world).await);
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    let invited = invite(&owner.client, &consolidation, &member).await;
    assert_eq!((&invited["status"], &invited["organization_id"]), (&json!("INVITED"), &Value::Null));
    assert_eq!(invited["email"], email(&member));
    member.client.get(&at(&consolidation)).await.expect_problem(404, "not_found");
    let first = token(&world, &email(&member)).await;
    other.client.post(JOIN, accept(&first)).await.expect_problem(400, "invalid_token");
    member.client.post(JOIN, accept("forged")).await.expect_problem(400, "invalid_token");
    // Sent again, the former one is worth nothing.
    invite(&owner.client, &consolidation, &member).await;
    member.client.post(JOIN, accept(&first)).await.expect_problem(400, "invalid_token");
    let second = token(&world, &email(&member)).await;
    let joined = member.client.post(JOIN, accept(&second)).await.expect(200);
    let member_of = |joined: &Value| joined["members"][1].clone();
    assert_eq!(member_of(&joined)["status"], "ACCEPTED");
    assert_eq!(member_of(&joined)["organization_id"], json!(member.organization));
    member.client.post(JOIN, accept(&second)).await.expect_problem(400, "invalid_token");
    let left = world.texts("select id::text from consolidation_members where num_nonnulls(email, token_id) > 0").await;
    assert_eq!(left.len(), 0, "the address is forgotten");
    // Its organization is a member already.
    invite(&owner.client, &consolidation, &member).await;
    let third = token(&world, &email(&member)).await;
    member.client.post(JOIN, accept(&third)).await.expect_problem(409, "already_exists");
}

#[tokio::test]
async fn an_invitation_ends_with_its_time_its_withdrawal_and_a_refusal() {
    let world = World::working().await;
    let owner = Person::new(&world).await;
    let (late, withdrawn, declining) =
        (Person::new(&world).await, Person::new(&world).await, Person::new(&world).await);
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    let gone = invite(&owner.client, &consolidation, &withdrawn).await;
    let of_withdrawn = token(&world, &email(&withdrawn)).await;
    owner.client.delete(&of(&consolidation, &format!("members/{}", text(&gone, "id")))).await.expect(204);
    withdrawn.client.post(JOIN, accept(&of_withdrawn)).await.expect_problem(400, "invalid_token");
    invite(&owner.client, &consolidation, &declining).await;
    let of_declining = token(&world, &email(&declining)).await;
    let decline = json!({"token": of_declining, "answer": "DECLINE"});
    declining.client.post(JOIN, decline).await.expect(204);
    declining.client.get(&at(&consolidation)).await.expect_problem(404, "not_found");
    let members = shown(&owner.client, &consolidation).await["members"].clone();
    assert_eq!((members.as_array().unwrap().len(), &members[1]["status"]), (2, &json!("DECLINED")));
    invite(&owner.client, &consolidation, &late).await;
    let of_late = token(&world, &email(&late)).await;
    world.clock.advance(TimeDelta::days(14));
    late.now(&world).post(JOIN, accept(&of_late)).await.expect_problem(400, "invalid_token");
    run_again(&world, "old_invitations").await;
    let left = world.texts("select id::text from consolidation_members where status = 'INVITED'").await;
    assert_eq!(left.len(), 0, "its address has gone with it");
}

#[tokio::test]
async fn the_letter_has_a_link_and_an_address_gets_three_of_them() {
    let files = directory();
    let world = writing(files.path()).await;
    let (owner, member) = (Person::new(&world).await, Person::new(&world).await);
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    invite(&owner.client, &consolidation, &member).await;
    let letter = letter(&world, "consolidation_invitation", &email(&member)).await;
    let token = token(&world, &email(&member)).await;
    let body = text(&letter, "text");
    assert!(body.contains(&format!("/join#{token}")), "{body}");
    assert!(text(&letter, "subject").contains("LHR"), "{letter}");
    assert!(!body.contains("Week 49"), "the owner's own words are not repeated to strangers");
    for _ in 0..3 {
        invite(&owner.client, &consolidation, &member).await;
        sent(&world).await;
    }
    let statuses = "select status || coalesce(' ' || reason, '') from notifications
                    where type = 'consolidation_invitation' order by 1";
    let statuses = world.texts(statuses).await;
    assert_eq!(statuses, ["SENT", "SENT", "SENT", "SUPPRESSED letters_used_up"]);
}

#[tokio::test]
async fn nothing_is_kept_of_an_invitation_that_is_answered() {
    let world = World::start().await;
    let (owner, member) = (Person::new(&world).await, Person::new(&world).await);
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    join(&world, &owner.client, &consolidation, &member).await;
    let open = "select id::text from consolidation_members where token_id is not null or expires_at is not null";
    assert_eq!(world.texts(open).await.len(), 0);
    let seen = member.client.get(&at(&consolidation)).await.expect(200);
    assert_eq!(seen["members"][1]["email"], Value::Null);
}

#[tokio::test]
async fn a_member_that_was_removed_does_not_repeat_its_answer() {
    let world = World::start().await;
    let (owner, member) = (Person::new(&world).await, Person::new(&world).await);
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    invite(&owner.client, &consolidation, &member).await;
    let answer = accept(&token(&world, &email(&member)).await);
    let joined = member.client.post_under("k", JOIN, &answer).await.expect(200);
    let again = member.client.post_under("k", JOIN, &answer).await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.expect(200), joined);
    owner.client.delete(&of(&consolidation, &format!("members/{}", member.organization))).await.expect(204);
    member.client.post_under("k", JOIN, &answer).await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn invitations_whose_time_is_up_take_no_place_and_end_with_a_version() {
    let world = World::working().await;
    let owner = Person::new(&world).await;
    let consolidation = owner.client.post(CONSOLIDATIONS, plan()).await.expect(201);
    let members = of(&consolidation, "members");
    let address = |number: usize| json!({"email": format!("m{number}@partner.example")});
    for number in 1..20 {
        owner.client.post(&members, address(number)).await.expect(202);
    }
    owner.client.post(&members, address(20)).await.expect_problem(409, "limit_reached");
    world.clock.advance(TimeDelta::days(14));
    // One of those that ended, and one more.
    let later = owner.now(&world);
    for number in [1, 20] {
        later.post(&members, address(number)).await.expect(202);
    }
    let before = shown(&later, &consolidation).await;
    assert_eq!(before["members"].as_array().unwrap().len(), 3, "the owner and two invitations");
    world.clock.advance(TimeDelta::days(14));
    let last = owner.now(&world);
    run_again(&world, "old_invitations").await;
    let after = shown(&last, &consolidation).await;
    assert_eq!(after["members"].as_array().unwrap().len(), 1);
    assert_eq!(after["version"].as_i64().unwrap(), before["version"].as_i64().unwrap() + 1);
}

/// The product's statement that counts letters.
fn statement_of_letters() -> &'static str {
    let source = include_str!("../../../crates/notifications/src/repository/invitations.rs");
    let (_, after) = source.split_once("LettersSent,\n        r#\"").expect("the statement");
    after.split_once("\"#,").expect("its end").0
}

#[tokio::test]
async fn letters_of_invitations_are_counted_by_indexes() {
    let world = World::start().await;
    let others = "insert into notifications (id, message_id, receiver, channel, type, organization_id, data, due_at, expires_at,
                                             next_at, status, created_at)
                  select gen_random_uuid(), n::text, 'user:' || n, 'email', 'consolidation_invitation', gen_random_uuid(),
                         jsonb_build_object('address_hash', md5(n::text)), now(), now(), now(), 'FAILED', now()
                  from generate_series(1, 20000) n";
    world.sql(others).await;
    let mut owner = world.database.owner().await;
    let prepare = format!("analyze notifications; prepare letters as {}", statement_of_letters());
    owner.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(prepare))).await.unwrap();
    let explain = "explain execute letters('a', '018f0000-0000-7000-8000-000000000000', now() - interval '30 days',
                                           now() - interval '1 day')";
    let plan = owner.fetch_all(sqlx::raw_sql(explain)).await.unwrap();
    let plan = plan.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>().join("\n");
    assert!(plan.contains("notifications_to_invited") && plan.contains("notifications_of_inviters"), "{plan}");
    assert!(!plan.contains("Seq Scan"), "{plan}");
}
