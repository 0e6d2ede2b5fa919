//! What guests and holds tell about people, and where it is.
use loadmaster_privacy::PrivacyService;
use loadmaster_testkit::{
    Answer, World, WorldOptions,
    claims::{CLAIM, claim_of, guest},
    freight::{each, path_of, text, with},
    holds::{HOLDS, at, hold_on},
    letters::{directory, letter, letters, writing},
};
use reqwest::Method;
use serde_json::{Value, json};

use super::{flight, register};

/// Parts of all that the texts below say.
const TRACES: [&str; 7] =
    ["confidential", "private-77", "secretive", "hidden lane", "consignata", "4930555777", "gus@somewhere"];

/// Texts, parties and a contact, each different from all else.
fn texts() -> Value {
    json!({
        "description": "Confidential goods", "customer_reference": "private-77",
        "shipper": { "name": "Secretive Shipper", "street": "Hidden Lane 7" }, "consignee": { "name": "Consignata Ltd" },
        "contact": { "name": "Secretive Gus", "email": "gus@somewhere.example", "phone": "+4930555777" },
    })
}

/// The tables with a trace, each once.
async fn tables(world: &World) -> Vec<String> {
    let places = world.found(&TRACES).await;
    let mut tables: Vec<String> =
        places.iter().map(|place| place.rsplit(' ').next().unwrap().split('.').next().unwrap().to_owned()).collect();
    tables.sort();
    tables.dedup();
    tables
}

#[tokio::test]
async fn the_texts_of_a_hold_are_in_one_table_and_with_its_booking_in_another() {
    let world = World::working().await;
    let flight = flight(&world).await;
    let gus = guest(&world).await;
    let hold = gus.hold(with(hold_on(&[&flight]), texts())).await;
    gus.patch(&at(&hold), json!({ "shipper": { "city": "Stealthtown" } })).await.expect(200);
    gus.poke(&format!("{}/extend", at(&hold))).await;
    assert_eq!(tables(&world).await, ["hold_texts"]);
    let booking = gus.commit(&hold, json!({ "pieces": 1 })).await;
    assert_eq!(tables(&world).await, ["booking_texts", "hold_texts"]);
    world.customer().await.claim(&booking).await.expect(200);
    assert_eq!(tables(&world).await, ["booking_texts"]);
    world.audit().await;
}

#[tokio::test]
async fn the_address_of_a_guest_is_nowhere() {
    let world = WorldOptions::default().set("server.trusted_proxies", "127.0.0.0/8").start().await;
    let flight = flight(&world).await;
    let gus = guest(&world).await;
    for _ in 0..2 {
        let request = gus.request(Method::POST, HOLDS).header("x-forwarded-for", "198.51.100.77");
        let hold = Answer::of(request.json(&hold_on(&[&flight]))).await.expect(201);
        let request = gus.request(Method::POST, &format!("{}/commit", at(&hold)));
        let body = json!({ "pieces": 1, "contact": { "email": "gus@example.com" } });
        Answer::of(request.header("x-forwarded-for", "198.51.100.77").json(&body)).await.expect(201);
    }
    assert_eq!(world.found(&["198.51.100.77", "c633644d"]).await, [""; 0]);
    // All that is kept says whether two addresses are the same.
    let keys = world.texts("select distinct length(address_key)::text from holds").await;
    assert_eq!(
        (keys, world.texts("select distinct encode(address_key, 'hex') from holds").await.len()),
        (vec!["16".to_owned()], 1)
    );
}

#[tokio::test]
async fn what_a_person_held_and_claimed_is_exported_and_erased() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let gus = guest(&world).await;
    let wish = with(hold_on(&[&flight]), texts());
    // The answers to the guest are kept as well.
    let held = gus.post_under("hold", HOLDS, &wish).await.expect(201);
    let booking = gus.post_under("commit", &format!("{}/commit", at(&held)), &json!({ "pieces": 1 })).await.expect(201);
    let session = register(&world, "ann@example.com", &claim_of(&booking)).await.expect(201);
    let ann = world.anonymous().with_token(text(&session, "access_token"));

    let open = ann.post_under("open", HOLDS, &wish).await.expect(201);
    let released = ann.hold(wish.clone()).await;
    ann.delete(&at(&released)).await.expect(200);
    let own = ann.hold(with(wish.clone(), json!({ "pieces": 2 }))).await;
    let own = ann.commit(&own, json!({})).await;
    // Those to the staff, too, by whichever address.
    let operator = world.operator().await;
    let reserved = json!({ "weight_kg": 1 });
    let reserve = format!("/api/v1/flights/{}/reservations", text(&flight, "id"));
    let reserved = ann.post_under("reserve", &reserve, &reserved).await.expect(201);
    ann.patch(&at(&reserved), texts()).await.expect(200);
    let request = operator.request(Method::DELETE, &format!("{reserve}/{}", text(&reserved, "id")));
    Answer::of(request.header("idempotency-key", "away")).await.expect(200);
    let request = operator.request(Method::PATCH, &at(&open)).header("idempotency-key", "change");
    Answer::of(request.json(&json!({ "pieces": 3 }))).await.expect(200);
    operator
        .post_under("theirs", CLAIM, &json!({ "claim_token": "forged" }))
        .await
        .expect_problem(400, "invalid_token");

    let privacy: PrivacyService = world.state().service().unwrap();
    let user = text(&session["user"], "id").parse().unwrap();
    let export = privacy.export(user).await.unwrap();
    assert_eq!(export["holds"].as_array().unwrap().len(), 4, "{export}");
    assert_eq!(export["holds"][0]["contact"]["email"], "gus@somewhere.example");
    assert_eq!(export["bookings"].as_array().unwrap().len(), 2);

    let versions = "select id || ' ' || version from holds order by id";
    let before = world.texts(versions).await;
    assert_eq!(privacy.erase(user).await.unwrap(), 6);
    assert_eq!(world.found(&TRACES).await, [""; 0]);
    let changed = world.texts(versions).await.iter().filter(|row| !before.contains(row)).count();
    assert_eq!(changed, 4, "whoever has them cached asks again");
    for booking in [&booking, &own] {
        assert_eq!(operator.get(&path_of(booking)).await.expect(200)["description"], Value::Null);
    }
    let kept = operator.get(&at(&open)).await.expect(200);
    assert_eq!((&kept["status"], &kept["contact"]), (&json!("ACTIVE"), &Value::Null));
    operator.commit(&open, json!({})).await;
    world.audit_and_rebuild().await;
}

#[tokio::test]
async fn the_letter_about_a_booking_that_a_person_claimed_is_exported_and_erased() {
    let files = directory();
    let world = writing(files.path()).await;
    let flight = flight(&world).await;
    let booking = guest(&world).await.book_by_hold(&flight).await;
    letter(&world, "guest_booking", "gus@example.com").await;
    let session = register(&world, "ann@example.com", &claim_of(&booking)).await.expect(201);
    let privacy: PrivacyService = world.state().service().unwrap();
    let user = text(&session["user"], "id").parse().unwrap();
    let export = privacy.export(user).await.unwrap();
    assert!(each(&export["notifications"], "type").contains(&&json!("guest_booking")), "{}", export["notifications"]);
    privacy.erase(user).await.unwrap();
    assert_eq!(world.texts("select id::text from notifications where type = 'guest_booking'").await, [""; 0]);
    assert!(letters(&world).await.iter().all(|letter| text(letter, "type") != "guest_booking"));
}

#[tokio::test]
async fn others_in_the_organization_keep_what_the_person_held() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let organization = uuid::Uuid::new_v4();
    let role = loadmaster_accounts::Role::Customer;
    let user = uuid::Uuid::new_v4();
    let ann = world.caller_in(role, user, organization).await;
    let bob = world.caller_in(role, uuid::Uuid::new_v4(), organization).await;
    let hold = ann.hold(with(hold_on(&[&flight]), texts())).await;
    let privacy: PrivacyService = world.state().service().unwrap();
    assert_eq!(privacy.erase(user.into()).await.unwrap(), 0);
    assert_eq!(bob.get(&at(&hold)).await.expect(200)["description"], "Confidential goods");
    world.audit().await;
}
