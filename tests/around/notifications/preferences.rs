//! What users want to be told.
use loadmaster_testkit::{
    World,
    notifications::{PREFERENCES, Person, put},
};
use serde_json::json;

#[tokio::test]
async fn by_default_all_goes_by_email_but_departures_and_arrivals_and_nothing_by_sms() {
    let world = World::start().await;
    let body = world.customer().await.get(PREFERENCES).await.expect(200);
    assert_eq!((&body["language"], &body["scope"]), (&json!("en"), &json!("own")));
    let types = body["types"].as_object().unwrap();
    assert_eq!(types.len(), 15);
    for (name, channels) in types {
        let email = !["departed", "arrived"].contains(&name.as_str());
        assert_eq!(channels, &json!({"email": email, "sms": false}), "{name}");
    }
}

#[tokio::test]
async fn preferences_are_replaced_as_a_whole_and_are_the_callers_own() {
    let world = World::start().await;
    let (one, other) = (Person::new(&world).await, Person::new(&world).await);
    let wanted = json!({"language": "DE", "scope": "organization", "types": {"departed": {"email": true}, "payment": {"sms": true}}});
    let answer = put(&one.client, PREFERENCES, wanted).await.expect(200);
    assert_eq!((&answer["language"], &answer["scope"]), (&json!("de"), &json!("organization")));
    assert_eq!(answer["types"]["departed"], json!({"email": true, "sms": false}));
    assert_eq!(answer["types"]["payment"], json!({"email": true, "sms": true}));
    assert_eq!(one.client.get(PREFERENCES).await.expect(200), answer);
    assert_eq!(other.client.get(PREFERENCES).await.expect(200)["scope"], "own");
    let back = put(&one.client, PREFERENCES, json!({})).await.expect(200);
    assert_eq!(back, other.client.get(PREFERENCES).await.expect(200));
}

#[tokio::test]
async fn faults_are_named() {
    let world = World::start().await;
    let client = world.customer().await;
    let wrong = json!({"language": "../en", "scope": "all", "types": {"landed": {}, "departed": {"email": 1}}});
    let faults = put(&client, PREFERENCES, wrong).await.expect_faults();
    let places: Vec<&str> = faults.iter().map(|(place, _)| place.as_str()).collect();
    assert_eq!(places, ["/language", "/scope", "/types/departed/email", "/types/landed"]);
}
