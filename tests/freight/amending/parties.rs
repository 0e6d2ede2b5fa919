//! Shipper and consignee are merged member by member (RFC 7396), and stay out of everything that is told.
use loadmaster_testkit::{
    Client, NewFlight, World, WorldOptions,
    amending::{amend, patch, shown, told_of},
    bad_input::{long, not_a},
    freight::{at_once, order, path_of, with},
};
use serde_json::{Value, json};

use super::party;

async fn booked(world: &World, customer: &Client, said: Value) -> Value {
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    customer.book(with(order(&[&flight]), said)).await
}

/// All changes of a booking at the same moment; each is made.
async fn all_changed(customer: &Client, booking: &Value, changes: &[Value]) {
    let answers = at_once(changes.iter().map(|change| {
        let (client, path, change) = (customer.clone(), path_of(booking), change.clone());
        async move { patch(&client, &path, change).await }
    }));
    for answer in answers.await {
        answer.expect(200);
    }
}

#[tokio::test]
async fn members_of_a_party_are_merged() {
    let world = World::start().await;
    let customer = world.customer().await;
    for (index, role) in ["shipper", "consignee"].into_iter().enumerate() {
        let flight = world.flight(NewFlight::new(&format!("AI10{index}"), "DEL", "LHR")).await;
        let booking = customer.book(order(&[&flight])).await;
        for (change, expected) in [
            (json!({"name": "Ann"}), json!({"name": "Ann"})),
            (
                json!({"city": "Delhi", "phone": "+91 (0)11 2345 6789"}),
                json!({"name": "Ann", "city": "Delhi", "phone": "+911123456789"}),
            ),
            (json!({"city": "Agra"}), json!({"name": "Ann", "city": "Agra", "phone": "+911123456789"})),
            (json!({"phone": null}), json!({"name": "Ann", "city": "Agra"})),
            (json!({"name": "Bob", "city": null, "country_code": " in"}), json!({"name": "Bob", "country_code": "IN"})),
        ] {
            let after = amend(&customer, &booking, json!({(role): change})).await.expect(200);
            assert_eq!(after[role], party(&expected), "{role} {change}");
        }
        let after = amend(&customer, &booking, json!({(role): null})).await.expect(200);
        assert_eq!(after[role], Value::Null);
        assert_eq!(after["version"], 7);
        // A new one has nothing of the old.
        let after = amend(&customer, &booking, json!({(role): {"name": "Cy"}})).await.expect(200);
        assert_eq!(after[role], party(&json!({"name": "Cy"})));
        assert_eq!(shown(&customer, &booking).await, after);
    }
}

/// Each change says something else: whoever waited for another must not write back what that one replaced.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn words_that_are_changed_at_once_are_all_kept() {
    let world = WorldOptions::patient().start().await;
    let customer = world.customer().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    for _ in 0..10 {
        let booking = customer.book(with(order(&[&flight]), json!({"weight_kg": 1}))).await;
        let first = [
            json!({"description": "mangoes"}),
            json!({"customer_reference": "A-7"}),
            json!({"consignee": {"name": "Bob"}}),
            json!({"shipper": {"name": "Ann", "city": "Delhi"}}),
        ];
        all_changed(&customer, &booking, &first).await;
        let then = [json!({"shipper": {"phone": "+911123456789"}}), json!({"shipper": {"street": "Road 1"}})];
        all_changed(&customer, &booking, &then).await;
        let now = shown(&customer, &booking).await;
        assert_eq!((&now["description"], &now["customer_reference"]), (&json!("mangoes"), &json!("A-7")));
        assert_eq!(now["consignee"], party(&json!({"name": "Bob"})));
        let all = json!({"name": "Ann", "city": "Delhi", "phone": "+911123456789", "street": "Road 1"});
        assert_eq!(now["shipper"], party(&all));
        assert_eq!(now["version"], 7);
    }
    world.audit().await;
}

#[tokio::test]
async fn a_party_always_has_a_name() {
    let world = World::start().await;
    let customer = world.customer().await;
    let booking = booked(&world, &customer, json!({"shipper": {"name": "Ann", "city": "Delhi"}})).await;
    for (change, pointer) in [
        (json!({"shipper": {"name": null}}), "/shipper/name"),
        (json!({"shipper": {"name": null, "city": "Agra"}}), "/shipper/name"),
        (json!({"consignee": {}}), "/consignee/name"),
        (json!({"consignee": {"name": null}}), "/consignee/name"),
        (json!({"consignee": {"city": "Agra"}}), "/consignee/name"),
    ] {
        let faults = amend(&customer, &booking, change.clone()).await.expect_faults();
        assert_eq!(faults, [(pointer.to_owned(), "required".to_owned())], "{change}");
    }
    assert_eq!(shown(&customer, &booking).await, booking);
}

#[tokio::test]
async fn a_fault_in_a_party_has_its_own_place() {
    let world = World::start().await;
    let customer = world.customer().await;
    let both = json!({"shipper": {"name": "Ann"}, "consignee": {"name": "Bob"}});
    let booking = booked(&world, &customer, both).await;
    let mut cases: Vec<(&str, Value, &str)> = Vec::new();
    for member in ["name", "account_number", "street", "city", "postal_code", "phone"] {
        cases.push((member, json!(" "), "too_short"));
        cases.push((member, long(501), "too_long"));
        cases.push((member, json!("a\u{0}b"), "invalid_format"));
        cases.push((member, json!("two\nlines"), "invalid_format"));
        cases.extend(not_a("text").into_iter().map(|value| (member, value, "wrong_type")));
    }
    cases.push(("country_code", json!("IND"), "invalid_format"));
    cases.push(("email", json!("ann"), "invalid_format"));
    cases.push(("phone", json!("ring Bob"), "invalid_format"));
    cases.push(("email", json!(format!("{}@example.com", "a".repeat(250))), "too_long"));
    cases.push(("nickname", json!("Annie"), "unknown_field"));
    cases.push(("nickname", Value::Null, "unknown_field"));

    let before = world.written().await;
    for role in ["shipper", "consignee"] {
        for (member, value, code) in &cases {
            let change = json!({(role): {(*member): value}});
            let faults = amend(&customer, &booking, change.clone()).await.expect_faults();
            assert_eq!(faults, [(format!("/{role}/{member}"), (*code).to_owned())], "{change}");
        }
    }
    assert_eq!(world.written().await, before);
    assert_eq!(shown(&customer, &booking).await, booking);
}

#[tokio::test]
async fn personal_data_and_free_text_stay_out_of_events_notes_and_messages() {
    let world = World::start().await;
    let customer = world.customer().await;
    let said = json!({"description": "SECRET-1", "customer_reference": "SECRET-2", "shipper": {"name": "SECRET-3"},
                      "consignee": {"name": "SECRET-4", "city": "SECRET-5"}});
    let booking = booked(&world, &customer, said).await;
    for change in [
        json!({"description": "SECRET-6", "customer_reference": "SECRET-7",
               "shipper": {"name": "SECRET-8", "email": "secret@example.com"}, "consignee": {"street": "SECRET-9"}}),
        json!({"weight_kg": 200, "consignee": {"phone": null}}),
        json!({"description": null, "customer_reference": null, "shipper": null, "consignee": null}),
    ] {
        amend(&customer, &booking, change).await.expect(200);
    }
    assert_eq!(told_of(&customer, &booking).await, json!(["BOOKED", "AMENDED", "AMENDED", "AMENDED"]));
    let tables = ["booking_events", "booking_event_notes", "outbox", "bookings", "booking_legs", "capacity_ledger"];
    for table in tables {
        let found = world.texts(&format!("select t::text from {table} t where t::text ilike '%secret%'")).await;
        assert!(found.is_empty(), "{table}: {found:?}");
    }
    world.audit().await;
}
