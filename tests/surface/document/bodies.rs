//! Bodies with all their members.
use loadmaster_testkit::{
    Answer, NewFlight,
    flight_verbs::path_to,
    freight::{order, path_of, text, with},
    notifications::{contact, contacts_of, notify, put},
    payments::with_test,
    pricing::{sale, tariff},
};
use reqwest::Method;
use serde_json::{Value, json};

#[tokio::test]
async fn a_movement_takes_all_that_is_known_of_it_alone_and_for_many() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let move_to = |airport: &str| {
        json!({"location": airport, "flight_id": flight["id"], "flight_number": "AI101", "occurred_at": world.now(),
               "notes": "On time"})
    };
    let (one, many) = (admin.book(order(&[&flight])).await, admin.book(order(&[&flight])).await);
    for (verb, airport) in [("depart", "DEL"), ("arrive", "LHR"), ("deliver", "LHR")] {
        admin.post(&format!("{}/{verb}", path_of(&one)), move_to(airport)).await.expect(200);
        let bulk = json!({"action": verb, "ids": [many["ref_id"]], "params": move_to(airport)});
        let result = admin.post("/api/v1/bookings/bulk", bulk).await.expect(200);
        assert_eq!(result["succeeded"], 1, "{result}");
    }
    let end = json!({"reason": "Strike", "waive_fee": true});
    let ended = [admin.book(order(&[&flight])).await, admin.book(order(&[&flight])).await];
    let bulk = json!({"action": "cancel", "ids": [ended[0]["ref_id"]], "params": end});
    assert_eq!(admin.post("/api/v1/bookings/bulk", bulk).await.expect(200)["succeeded"], 1);
    let request = admin.request(Method::DELETE, &path_of(&ended[1])).header("content-type", "application/json");
    Answer::of(request.body(end.to_string())).await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn a_waitlist_entry_takes_all_members_of_its_freight() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").positions(3)).await;
    let freight = json!({"weight_kg": 10, "volume_m3": 0.1, "positions": 1});
    let place = json!({"origin": "DEL", "destination": "LHR", "departure_date": "2026-11-21"});
    let codes = json!({"special_handling_codes": ["PER"]});
    let reserved = format!("{}/reservations", path_to(&flight));
    admin.post(&reserved, with(freight.clone(), json!({"ttl_seconds": 60}))).await.expect(201);
    admin.get(&reserved).await.expect(200);
    let unpriced = with(with(freight.clone(), place.clone()), codes.clone());
    admin.post("/api/v1/holds", with(unpriced.clone(), json!({"product": "ROSES"}))).await.expect(201);
    let search = json!({"pieces": 2, "price": true, "product": "GENERAL", "max_stops": 1, "limit": 5});
    let found = admin.post("/api/v1/routes/search", with(unpriced.clone(), search.clone())).await.expect(200);
    assert_eq!(found["direct_flights"][0]["price"], Value::Null, "no tariff applies");
    admin.post("/api/v1/tariffs", tariff("T1", json!({}))).await.expect(201);
    admin.post("/api/v1/sales", sale(json!({"code": "SPRING"}))).await.expect(201);
    let found = admin.post("/api/v1/routes/search", with(unpriced.clone(), search)).await.expect(200);
    assert!(found["direct_flights"][0]["price"].is_object(), "{found}");
    let asked = json!({"product": "GENERAL", "discount_code": "SPRING"});
    admin.post("/api/v1/quotes", with(unpriced.clone(), asked)).await.expect(201);
    // The rest of the flight.
    let rest = with(order(&[&flight]), json!({"weight_kg": 980, "volume_m3": 1}));
    admin.book(rest).await;
    let entry = admin.post("/api/v1/waitlist", unpriced).await.expect(201);
    assert_eq!(entry["departure_date"], "2026-11-21");
    let entry = format!("/api/v1/waitlist/{}", text(&entry, "id"));
    admin.get(&entry).await.expect(200);
    admin.get("/api/v1/waitlist").await.expect(200);
    world.audit().await;
}

#[tokio::test]
async fn a_flight_takes_each_overbooking_percentage_and_previews_a_change() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let flight = path_to(&world.flight(NewFlight::new("AI101", "DEL", "LHR")).await);
    let percent = |value: Value| json!({"weight_percent": value, "volume_percent": value, "positions_percent": value});
    for overbooking in [percent(json!(10)), percent(Value::Null), Value::Null] {
        let change = json!({"overbooking": overbooking});
        admin.patch(&format!("{flight}?dry_run=true"), change.clone()).await.expect(200);
        admin.patch(&flight, change).await.expect(200);
    }
    for verb in ["depart", "arrive"] {
        admin.poke(&format!("{flight}/{verb}?dry_run=true")).await.expect(200);
        admin.poke(&format!("{flight}/{verb}")).await.expect(200);
    }
    world.audit().await;
}

#[tokio::test]
async fn preferences_and_contacts_take_all_members() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let document = super::document();
    let types = document["components"]["schemas"]["WantedTypes"]["properties"].as_object().unwrap();
    let both = json!({"email": true, "sms": false});
    let types: serde_json::Map<_, _> = types.keys().map(|name| (name.clone(), both.clone())).collect();
    let wanted = json!({"language": "en", "scope": "organization", "types": types});
    put(&admin, "/api/v1/notifications/preferences", wanted).await.expect(200);
    admin.get("/api/v1/notifications/preferences").await.expect(200);
    let me = admin.get("/api/v1/auth/me").await.expect(200);
    let organization = format!("/api/v1/organizations/{}", text(&me, "organization_id"));
    admin.patch(&organization, json!({"name": "Blue Crate"})).await.expect(200);
    notify(&world, text(&me, "id")).await;
    let told = admin.get("/api/v1/notifications").await.expect(200);
    assert_eq!((&told[0]["reason"], &told[0]["ref_id"]), (&Value::Null, &Value::Null), "{told}");
    world.sql("update notifications set reason = 'greylisted'").await;
    assert_eq!(admin.get("/api/v1/notifications").await.expect(200)[0]["reason"], "greylisted");
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let contacts = contacts_of(&admin.book(order(&[&flight])).await);
    let by_phone = json!({"name": "Cora", "role": "notify", "phone": "+442079460123"});
    let all = json!({"phone": "+442079460124", "language": "en", "types": ["departed"]});
    let all = json!([with(contact("cora@example.com"), all), by_phone]);
    put(&admin, &contacts, all).await.expect(200);
    admin.get(&contacts).await.expect(200);
}
