//! Masters that are held together, and what a request leaves that is refused half-way.
use loadmaster_testkit::{World, WorldOptions, freight::text, until, until_blocked};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Executor;

use super::{
    at, flight,
    masters::{held, open_holds, ready},
    named, of, shown, statuses, ways,
};

#[tokio::test]
async fn masters_are_held_in_one_order_whatever_the_order_of_the_request() {
    let world = World::start().await;
    let owner = world.customer().await;
    let (del, bom) = (flight(&world, "AI101", "DEL", 99.0).await, flight(&world, "AI102", "BOM", 99.0).await);
    let consolidation = ready(&owner, &["BOM", "DEL"]).await;
    let refused = async |wanted: &[(&str, &Value)]| {
        let problem = owner.post(&of(&consolidation, "hold"), ways(wanted)).await;
        problem.expect_problem(409, "capacity_exceeded")["origin"].clone()
    };
    let first = refused(&[("DEL", &del), ("BOM", &bom)]).await;
    assert_eq!(refused(&[("BOM", &bom), ("DEL", &del)]).await, first, "both are full: the first is refused");
}

#[tokio::test]
async fn a_hold_is_given_back_by_a_later_attempt_if_the_first_one_fails() {
    let world = World::start().await;
    let owner = world.customer().await;
    let (del, full) = (flight(&world, "AI101", "DEL", 1000.0).await, flight(&world, "AI102", "MAA", 99.0).await);
    let consolidation = ready(&owner, &["DEL", "MAA"]).await;
    // The database takes no release at first.
    world.sql("create sequence attempts").await;
    let function = "create function refuse() returns trigger language plpgsql security definer as
                    $$ begin
                        if nextval('attempts') <= 3 then raise exception 'refused'; end if;
                        return new;
                    end $$";
    world.sql(function).await;
    let trigger = "create trigger refusing before update on holds
                   for each row when (new.status = 'RELEASED') execute function refuse()";
    world.sql(trigger).await;
    let wanted = ways(&[("DEL", &del), ("MAA", &full)]);
    owner.post(&of(&consolidation, "hold"), wanted).await.expect_problem(409, "capacity_exceeded");
    assert_eq!(open_holds(&world).await, 0);
    assert_eq!(world.available(&del).await["weight_kg"], 1000);
}

#[tokio::test]
async fn a_destination_that_changes_while_masters_are_held_refuses_them() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = ready(&owner, &["DEL"]).await;
    let mut locking = world.database.owner().await;
    let lock = format!("begin; select from consolidations where id = '{}' for update", text(&consolidation, "id"));
    locking.execute(sqlx::AssertSqlSafe(lock)).await.unwrap();
    let (caller, path, wanted) = (owner.clone(), of(&consolidation, "hold"), ways(&[("DEL", &del)]));
    let request = tokio::spawn(async move { caller.post(&path, wanted).await });
    until("the hold is made", async || open_holds(&world).await == 1).await;
    locking.execute("update consolidations set destination = 'FRA', version = version + 1; commit").await.unwrap();
    request.await.unwrap().expect_problem(412, "version_mismatch");
    assert_eq!(shown(&owner, &consolidation).await["masters"], json!([]));
    assert_eq!(open_holds(&world).await, 0, "it is given back");
}

#[tokio::test]
async fn what_was_released_before_a_refusal_is_in_the_history() {
    let world = World::start().await;
    let owner = world.customer().await;
    let (del, bom) = (flight(&world, "AI101", "DEL", 1000.0).await, flight(&world, "AI102", "BOM", 1000.0).await);
    let consolidation = ready(&owner, &["BOM", "DEL"]).await;
    owner.post(&of(&consolidation, "hold"), ways(&[("DEL", &del), ("BOM", &bom)])).await.expect(200);
    owner.post(&of(&consolidation, "book"), json!({"origins": ["DEL"]})).await.expect(200);
    let reference = text(&shown(&owner, &consolidation).await["masters"][1], "booking_ref").to_owned();
    world.operator().await.poke(&format!("/api/v1/bookings/{reference}/depart")).await.expect(200);
    owner.delete(&at(&consolidation)).await.expect_problem(409, "invalid_transition");
    assert_eq!(statuses(&shown(&owner, &consolidation).await), named(&[("BOM", "RELEASED"), ("DEL", "DEPARTED")]));
    let events = owner.get(&of(&consolidation, "events")).await.expect(200);
    assert_eq!((&events[0]["change"], &events[0]["origins"]), (&json!("RELEASED"), &json!(["BOM"])));
}

#[tokio::test]
async fn a_release_is_recorded_although_the_consolidation_changes_meanwhile() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = held(&owner, &del).await;
    let tag = owner.get(&at(&consolidation)).await.header("etag").unwrap().to_owned();
    let mut locking = world.database.owner().await;
    let lock = format!("begin; select from consolidations where id = '{}' for update", text(&consolidation, "id"));
    locking.execute(sqlx::AssertSqlSafe(lock)).await.unwrap();
    let (caller, path) = (owner.clone(), of(&consolidation, "release"));
    let request =
        tokio::spawn(
            async move { caller.send(Method::POST, &path, &[("if-match", tag.as_str())], Some(&json!({}))).await },
        );
    until("the hold is released", async || open_holds(&world).await == 0).await;
    locking.execute("update consolidations set name = 'Week 50', version = version + 1; commit").await.unwrap();
    let released = request.await.unwrap().expect(200);
    assert_eq!(statuses(&released), named(&[("DEL", "RELEASED")]));
    let events = owner.get(&of(&consolidation, "events")).await.expect(200);
    assert_eq!(events[0]["change"], "RELEASED");
}

#[tokio::test]
async fn a_master_in_force_names_its_own_status() {
    let world = World::start().await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let consolidation = ready(&owner, &["DEL"]).await;
    let hold = async || owner.post(&of(&consolidation, "hold"), ways(&[("DEL", &del)])).await;
    hold().await.expect(200);
    let from = async || {
        let problem = hold().await.expect_problem(409, "invalid_transition");
        (problem["from"].clone(), problem["action"].clone(), problem["allowed"].clone())
    };
    assert_eq!(from().await, (json!("HELD"), json!("hold"), json!(["release", "book", "amend"])));
    owner.post(&of(&consolidation, "book"), json!({})).await.expect(200);
    assert_eq!(from().await, (json!("BOOKED"), json!("hold"), json!(["amend"])));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_master_that_is_booked_and_released_at_once_has_the_history_of_what_it_became() {
    let world = World::with(WorldOptions::patient()).await;
    let owner = world.customer().await;
    let del = flight(&world, "AI101", "DEL", 1000.0).await;
    let whole = held(&owner, &del).await;
    let hold = text(&whole["masters"][0], "hold_id").to_owned();
    let mut locking = world.database.owner().await;
    let lock = format!("begin; select from holds where id = '{hold}' for update");
    locking.execute(sqlx::AssertSqlSafe(lock)).await.unwrap();
    // Both have seen it held; either may be the first.
    let (caller, path) = (owner.clone(), format!("/api/v1/holds/{hold}/commit"));
    let committing = tokio::spawn(async move { caller.post(&path, json!({})).await });
    until_blocked(&owner, 1).await;
    let (caller, path) = (owner.clone(), of(&whole, "release"));
    let releasing = tokio::spawn(async move { caller.post(&path, json!({})).await });
    until_blocked(&owner, 2).await;
    locking.execute("commit").await.unwrap();
    let (committed, released) = (committing.await.unwrap(), releasing.await.unwrap().expect(200));
    let is_booked = committed.status == 201;
    assert!(is_booked || committed.status == 409, "{}", committed.text);
    assert_eq!(statuses(&released), named(&[("DEL", if is_booked { "BOOKED" } else { "RELEASED" })]));
    let events = owner.get(&of(&whole, "events")).await.expect(200);
    let is_recorded = events.as_array().unwrap().iter().any(|event| event["change"] == "RELEASED");
    assert_eq!(is_recorded, !is_booked, "{events}");
}
