//! What the answer to a new booking tells, and where.
use std::collections::BTreeSet;

use loadmaster_testkit::{
    NewFlight, World,
    freight::{BOOKINGS, members, order, path_of, text, with, without},
};
use serde_json::{Value, json};

const MEMBERS: &[&str] = &[
    "id",
    "ref_id",
    "status",
    "origin",
    "destination",
    "current_airport",
    "at_destination",
    "needs_rerouting",
    "pieces",
    "weight_kg",
    "volume_m3",
    "chargeable_weight_kg",
    "dimensions",
    "positions",
    "emissions",
    "description",
    "special_handling_codes",
    "awb_number",
    "shipper",
    "consignee",
    "customer_reference",
    "hold_id",
    "payment_status",
    "price",
    "balance_due",
    "cancellation_fee",
    "paid",
    "refunded",
    "flight_ids",
    "legs",
    "latest_acceptance_datetime",
    "next_actions",
    "organization_id",
    "created_by",
    "version",
    "created_at",
    "updated_at",
];
const LEG_MEMBERS: &[&str] = &[
    "id",
    "sequence",
    "flight_id",
    "flight_number",
    "origin",
    "destination",
    "departure_datetime",
    "arrival_datetime",
    "status",
    "offload_reason",
    "space_code",
    "pieces",
    "weight_kg",
    "volume_m3",
    "positions",
];
const PARTY_MEMBERS: &[&str] =
    &["name", "account_number", "street", "city", "postal_code", "country_code", "phone", "email"];

fn set<'a>(names: &[&'a str]) -> BTreeSet<&'a str> {
    names.iter().copied().collect()
}

/// A flight that takes anything.
async fn wide_flight(world: &World) -> Value {
    let wide = NewFlight { volume_m3: 9_999_999.0, positions: 9999, ..NewFlight::new("AI101", "DEL", "LHR") };
    world.flight(wide.weight(9_999_999.9)).await
}

#[tokio::test]
async fn a_booking_has_these_members_and_null_for_what_is_unknown() {
    let world = World::start().await;
    let flight = wide_flight(&world).await;
    let booking = world.customer().await.book(without(order(&[&flight]), "volume_m3")).await;
    assert_eq!(members(&booking), set(MEMBERS));
    assert_eq!(members(&booking["legs"][0]), set(LEG_MEMBERS));
    for member in ["description", "awb_number", "shipper", "consignee", "customer_reference"] {
        assert_eq!(booking[member], Value::Null, "{member}");
    }
    assert_eq!(booking["special_handling_codes"], json!([]));
    assert_eq!(booking["positions"], 0);
    assert_eq!((&booking["status"], &booking["version"]), (&json!("BOOKED"), &json!(1)));
    assert_eq!((&booking["current_airport"], &booking["at_destination"]), (&json!("DEL"), &json!(false)));
    assert_eq!(booking["needs_rerouting"], false);
    assert_eq!(booking["payment_status"], "NOT_REQUIRED");
    assert_eq!(booking["next_actions"], json!(["depart", "cancel"]));
    assert_eq!(booking["created_at"], "2026-11-20T08:00:00Z");
    assert_eq!(booking["updated_at"], "2026-11-20T08:00:00Z");
    for id in [&booking["id"], &booking["legs"][0]["id"]] {
        let id: uuid::Uuid = id.as_str().unwrap().parse().unwrap();
        assert_eq!(id.get_version_num(), 7);
    }
}

#[tokio::test]
async fn all_that_was_said_is_stored_and_shown_to_its_owner() {
    let world = World::start().await;
    let flight = wide_flight(&world).await;
    let customer = world.customer().await;
    let said = json!({
        "positions": 3,
        "description": "Mangoes,\nkeep cool\t(2-8 °C)",
        "special_handling_codes": ["PER", "COL"],
        "awb_number": "020-12345675",
        "shipper": {"name": "Ann Sender", "account_number": "A-1", "street": "1 Road", "city": "Delhi",
                    "postal_code": "110001", "country_code": "IN", "phone": "+911123456789", "email": "ann@example.com"},
        "consignee": {"name": "Bob Receiver"},
        "customer_reference": "PO 4711",
    });
    let answer = customer.book(with(order(&[&flight]), said.clone())).await;
    for member in ["positions", "description", "awb_number", "shipper", "customer_reference"] {
        assert_eq!(answer[member], said[member], "{member}");
    }
    let codes: BTreeSet<_> = answer["special_handling_codes"].as_array().unwrap().iter().map(Value::as_str).collect();
    assert_eq!(codes, [Some("COL"), Some("PER")].into());
    assert_eq!(members(&answer["consignee"]), set(PARTY_MEMBERS));
    assert_eq!((&answer["consignee"]["name"], &answer["consignee"]["email"]), (&json!("Bob Receiver"), &Value::Null));
    assert_eq!(customer.get(&path_of(&answer)).await.expect(200), answer);
}

#[tokio::test]
async fn personal_data_and_free_text_stay_out_of_events_and_messages() {
    let world = World::start().await;
    let flight = wide_flight(&world).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let said = json!({
        "description": "SECRET-1", "customer_reference": "SECRET-2",
        "shipper": {"name": "SECRET-3", "email": "secret@example.com"}, "consignee": {"name": "SECRET-4", "city": "SECRET-5"},
    });
    let booking = customer.book(with(order(&[&flight]), said)).await;
    let depart = format!("{}/depart", path_of(&booking));
    operator.post(&depart, json!({"notes": "SECRET-6"})).await.expect(200);
    operator.post(&format!("{}/cancel", path_of(&booking)), json!({"reason": "SECRET-7"})).await.expect(200);
    for table in ["booking_events", "outbox", "bookings", "booking_legs", "capacity_ledger"] {
        let found = world.texts(&format!("select t::text from {table} t where t::text ilike '%secret%'")).await;
        assert!(found.is_empty(), "{table}: {found:?}");
    }
    assert_eq!(world.texts("select 'x' from booking_events").await.len(), 3);
}

#[tokio::test]
async fn a_volume_that_was_not_given_follows_from_the_weight() {
    let world = World::start().await;
    let flight = wide_flight(&world).await;
    let customer = world.customer().await;
    // Weight / 166.667, rounded up to a litre.
    for (weight, volume) in [
        (json!(500), json!(3)),
        (json!(166.6), json!(1)),
        (json!(166.7), json!(1.001)),
        (json!(0.1), json!(0.001)),
        (json!(100), json!(0.6)),
        (json!(1000.1), json!(6.001)),
        (json!(500.5), json!(3.003)),
    ] {
        let ask = with(without(order(&[&flight]), "volume_m3"), json!({"weight_kg": weight}));
        let booking = customer.book(ask).await;
        assert_eq!(booking["volume_m3"], volume, "{weight}");
        assert_eq!(booking["legs"][0]["volume_m3"], volume, "{weight}");
    }
    world.audit().await;
}

#[tokio::test]
async fn light_freight_is_charged_by_its_volume() {
    let world = World::start().await;
    let flight = wide_flight(&world).await;
    let customer = world.customer().await;
    // 6000 cm³ weigh a kilogram; half kilograms are rounded up.
    for (weight, volume, chargeable) in [
        (json!(100), json!(0.6), json!(100)),
        (json!(100), json!(1.2), json!(200)),
        (json!(100.1), json!(0.001), json!(100.5)),
        (json!(100.5), json!(0.001), json!(100.5)),
        (json!(100.6), json!(0.001), json!(101)),
        (json!(1), json!(1), json!(167)),
        (json!(1), json!(0.012), json!(2)),
        (json!(1), json!(0.013), json!(2.5)),
    ] {
        let ask = with(order(&[&flight]), json!({"weight_kg": weight, "volume_m3": volume}));
        assert_eq!(customer.book(ask).await["chargeable_weight_kg"], chargeable, "{weight} kg, {volume} m³");
    }
}

#[tokio::test]
async fn numbers_are_written_as_short_as_they_are() {
    let world = World::start().await;
    let flight = wide_flight(&world).await;
    let customer = world.customer().await;
    for (sent, written) in [
        ("500", "500"),
        ("500.0", "500"),
        ("500.5", "500.5"),
        ("500.50", "500.5"),
        ("5e2", "500"),
        ("1.5E1", "15"),
        ("0.1", "0.1"),
        ("1234567.9", "1234567.9"),
    ] {
        let body = order(&[&flight]).to_string().replace("\"weight_kg\":100", &format!("\"weight_kg\":{sent}"));
        let answer = customer.post_raw(BOOKINGS, "application/json", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert!(answer.text.contains(&format!("\"weight_kg\":{written},")), "{sent}: {}", answer.text);
    }
}

#[tokio::test]
async fn references_are_unique_and_none_can_be_guessed_from_another() {
    let world = World::start().await;
    let flight = wide_flight(&world).await;
    let customer = world.customer().await;
    let mut numbers = BTreeSet::new();
    // More than one block of references.
    for _ in 0..70 {
        let booking = customer.book(order(&[&flight])).await;
        let digits = text(&booking, "ref_id").strip_prefix("ACB").expect("ACB").to_owned();
        assert_eq!(digits.len(), 9, "{digits}");
        assert!(numbers.insert(digits.parse::<u64>().expect("nine digits")), "{digits} came twice");
    }
    let steps: BTreeSet<u64> = numbers.iter().zip(numbers.iter().skip(1)).map(|(a, b)| b - a).collect();
    assert!(steps.len() > 60, "the steps between references are regular: {steps:?}");
    assert!(!steps.contains(&1), "two references follow one another");
}

#[tokio::test]
async fn the_headers_say_where_it_is_and_which_version_and_that_it_is_private() {
    let world = World::start().await;
    let flight = wide_flight(&world).await;
    let answer = world.customer().await.post(BOOKINGS, order(&[&flight])).await;
    assert_eq!(answer.header("location"), Some(path_of(&answer.body).as_str()));
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

#[tokio::test]
async fn a_booking_is_addressed_in_upper_or_lower_case() {
    let world = World::start().await;
    let flight = wide_flight(&world).await;
    let customer = world.customer().await;
    let booking = customer.book(order(&[&flight])).await;
    let lower = text(&booking, "ref_id").to_lowercase();
    for view in ["", "/status", "/history"] {
        customer.get(&format!("{BOOKINGS}/{lower}{view}")).await.expect(200);
    }
    customer.poke(&format!("{BOOKINGS}/{lower}/cancel")).await.expect(200);
    for nobody in ["ACB000000000", "ACB12", "12345", "ACB12345678x", "%20"] {
        customer.get(&format!("{BOOKINGS}/{nobody}")).await.expect_problem(404, "not_found");
    }
}
