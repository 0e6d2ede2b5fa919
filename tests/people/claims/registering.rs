use loadmaster_testkit::{
    World,
    claims::{claim_of, guest},
    freight::{BOOKINGS, each, path_of, text, with},
};
use serde_json::{Value, json};

use super::{PASSWORD, REGISTER, flight, register};

const EMAIL: &str = "ann@example.com";

/// Accounts that can log in, with what belongs to them.
async fn accounts(world: &World) -> Vec<String> {
    world
        .texts(
            "select 'user ' || email from users where email is not null union all
             select 'organization ' || name from organizations where name <> 'Guest' union all
             select 'session ' || user_id from refresh_tokens order by 1",
        )
        .await
}

#[tokio::test]
async fn who_registers_with_a_claim_has_the_booking() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let guest = guest(&world).await;
    let booking = guest.book_by_hold(&flight).await;
    let session = register(&world, EMAIL, &claim_of(&booking)).await.expect(201);
    let ann = world.anonymous().with_token(text(&session, "access_token"));
    let path = path_of(&booking);
    let shown = ann.get(&path).await.expect(200);
    assert_eq!(shown["organization_id"], session["user"]["organization_id"]);
    assert_eq!(each(&ann.get(BOOKINGS).await.expect(200), "ref_id"), [&booking["ref_id"]]);
    let history = ann.get(&format!("{path}/history")).await.expect(200);
    let claimed = &history["timeline"][1];
    assert_eq!((&claimed["event_type"], &claimed["actor"]), (&json!("CLAIMED"), &session["user"]["id"]));
    guest.get(&path).await.expect_problem(404, "not_found");
    ann.walk(&booking, &["cancel"]).await;
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn a_registration_with_a_claim_that_is_not_valid_leaves_no_account() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let guest = guest(&world).await;
    let (used, open) = (guest.book_by_hold(&flight).await, guest.book_by_hold(&flight).await);
    register(&world, "bob@example.com", &claim_of(&used)).await.expect(201);
    let before = accounts(&world).await;
    let token = text(&open["claim"], "token");
    for wrong in [text(&used["claim"], "token"), "forged", &token[..95], &"A".repeat(96)] {
        let claim = json!({ "claim_token": wrong });
        register(&world, EMAIL, &claim).await.expect_problem(400, "invalid_token");
    }
    for (wrong, fault) in [(json!("x".repeat(501)), "too_long"), (json!(""), "too_short"), (json!(7), "wrong_type")] {
        let faults = register(&world, EMAIL, &json!({ "claim_token": wrong })).await.expect_faults();
        assert_eq!(faults, [("/claim_token".to_owned(), fault.to_owned())]);
    }
    // Whether the address has an account is not told by any of them.
    let known = json!({ "email": "bob@example.com", "password": PASSWORD });
    for wrong in [text(&used["claim"], "token"), "forged"] {
        let [of_account, free] = [known.clone(), with(known.clone(), json!({ "email": EMAIL }))]
            .map(|account| with(account, json!({ "claim_token": wrong })));
        let [of_account, free] =
            [world.anonymous().post(REGISTER, of_account).await, world.anonymous().post(REGISTER, free).await];
        let told = |answer: loadmaster_testkit::Answer| {
            let mut problem = answer.expect_problem(400, "invalid_token");
            problem.as_object_mut().unwrap().remove("request_id");
            problem
        };
        assert_eq!(told(of_account), told(free));
    }
    assert_eq!(accounts(&world).await, before);
    assert_eq!(guest.get(&path_of(&open)).await.expect(200)["version"], 1);
    // The address is free.
    let account = json!({ "email": EMAIL, "password": PASSWORD, "claim_token": Value::Null });
    world.anonymous().post(REGISTER, account).await.expect(201);
    world.audit().await;
}

#[tokio::test]
async fn an_address_in_use_leaves_the_booking_with_the_guest() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let guest = guest(&world).await;
    let booking = guest.book_by_hold(&flight).await;
    let account = json!({ "email": EMAIL, "password": PASSWORD });
    world.anonymous().post(REGISTER, account.clone()).await.expect(201);
    let again = with(account, claim_of(&booking));
    world.anonymous().post(REGISTER, again).await.expect_problem(409, "already_exists");
    guest.get(&path_of(&booking)).await.expect(200);
    // Nor does the address of the guest give anybody the booking.
    let gus = json!({ "email": "gus@example.com", "password": PASSWORD });
    let session = world.anonymous().post(REGISTER, gus).await.expect(201);
    let gus = world.anonymous().with_token(text(&session, "access_token"));
    assert_eq!(gus.get(BOOKINGS).await.expect(200), json!([]));
    gus.get(&path_of(&booking)).await.expect_problem(404, "not_found");
    gus.claim(&booking).await.expect(200);
    world.audit().await;
}
