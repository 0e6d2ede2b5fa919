//! Each member of a request for a booking arrives in the booking, whether it is made at once, of a hold that its price requires, or
//! of one that was there before.
use std::collections::BTreeSet;

use loadmaster_testkit::{
    Client,
    billing::{Market, usd},
    freight::{BOOKINGS, members, path_of, text, with, without},
};
use serde_json::{Value, json};

/// Members that make a booking of a hold: prices, payments, and what only holds have.
fn of_holds(market: &Market, quote: &Value) -> Value {
    json!({
        "quote_id": quote["id"], "expected_total": usd("900.00"), "product": "GENERAL", "payment_token": "tok_ok",
        "position_names": {(text(&market.flight, "id")): ["P2"]},
        "contact": {"name": "Ann", "email": "ann@shipper.example", "phone": "+442079460123"},
    })
}

/// Members that every booking may have.
fn shipment(market: &Market, awb: &str) -> Value {
    json!({
        "flight_ids": [market.flight["id"]], "origin": "DEL", "destination": "LHR", "pieces": 3, "weight_kg": 100,
        "volume_m3": 0.4, "positions": 1, "dimensions": [{
            "pieces": 3, "length_cm": 40, "width_cm": 40, "height_cm": 50, "weight_kg": null, "is_tiltable": true,
            "is_stackable": false,
        }],
        "description": "Pumps", "special_handling_codes": ["HEA"], "awb_number": awb,
        "shipper": {"name": "Ann", "street": "1 Road", "city": "Delhi", "country_code": "IN"},
        "consignee": {"name": "Bo", "account_number": "77", "email": "bo@forwarder.example"},
        "customer_reference": "PO 17",
        "contacts": [{"name": "Bo", "role": "consignee", "email": "bo@forwarder.example", "language": "en"}],
    })
}

/// What a booking is made with, as it is shown: without what is its own, and what a price adds.
async fn shown(caller: &Client, made: &Value) -> Value {
    let booking = caller.get(&path_of(made)).await.expect(200);
    let contacts = caller.get(&format!("{}/contacts", path_of(made))).await.expect(200);
    let of_freight = |leg: &Value| json!([leg["flight_id"], leg["pieces"], leg["weight_kg"], leg["volume_m3"]]);
    let legs: Vec<Value> = booking["legs"].as_array().unwrap().iter().map(of_freight).collect();
    let names = ["origin", "destination", "pieces", "weight_kg", "volume_m3", "positions", "dimensions", "description"];
    let texts = ["special_handling_codes", "shipper", "consignee", "customer_reference", "flight_ids", "status"];
    let kept: serde_json::Map<String, Value> =
        names.iter().chain(&texts).map(|name| ((*name).to_owned(), booking[*name].clone())).collect();
    let of_contact = |contact: &Value| json!([contact["name"], contact["role"], contact["email"], contact["language"]]);
    let contacts: Vec<Value> = contacts.as_array().unwrap().iter().map(of_contact).collect();
    with(Value::Object(kept), json!({"legs": legs, "contacts": contacts}))
}

#[tokio::test]
async fn a_booking_of_a_hold_keeps_each_member_that_a_booking_made_at_once_keeps() {
    let market = Market::open().await;
    let plain = shipment(&market, "098-12345675");
    let quoted = json!({
        "origin": "DEL", "destination": "LHR", "flight_ids": [market.flight["id"]], "weight_kg": 100, "volume_m3": 0.4,
        "positions": 1, "special_handling_codes": ["HEA"],
    });
    let quote = market.customer.post("/api/v1/quotes", quoted).await.expect(201);
    let priced = with(shipment(&market, "098-12345686"), of_holds(&market, &quote));

    // A member that is added to requests for bookings belongs into this test.
    let document: Value = serde_json::from_slice(include_bytes!("../../../openapi.json")).unwrap();
    let schema = &document["components"]["schemas"]["CreateBooking"]["properties"];
    let left_out: BTreeSet<&str> = &members(schema) - &members(&priced);
    // For staff; searched without flights; for sales, of which there is none; instead of a token.
    assert_eq!(left_out, ["accept_oversize", "departure_date", "discount_code", "payment_method"].into());

    let at_once = market.customer.post(BOOKINGS, plain.clone()).await.expect(201);
    let of_quote = market.customer.post(BOOKINGS, priced.clone()).await.expect(201);
    let hold = without(with(shipment(&market, "098-12345690"), json!({"contact": priced["contact"]})), "contacts");
    let hold = market.customer.hold(hold).await;
    let of_hold = market.customer.commit(&hold, json!({"payment_token": "tok_ok"})).await;

    let expected = shown(&market.customer, &at_once).await;
    for (member, value) in plain.as_object().unwrap() {
        if !["awb_number", "contacts"].contains(&member.as_str()) {
            let kept = &expected[member.as_str()];
            match value.as_object() {
                Some(party) => assert!(party.iter().all(|(name, value)| &kept[name] == value), "{member}: {kept}"),
                None => assert_eq!(kept.to_string(), value.to_string(), "{member}"),
            }
        }
    }
    assert_eq!(shown(&market.customer, &of_quote).await, expected);
    assert_eq!(without(shown(&market.customer, &of_hold).await, "contacts"), without(expected, "contacts"));
    for (booking, awb) in [(&at_once, "098-12345675"), (&of_quote, "098-12345686"), (&of_hold, "098-12345690")] {
        assert_eq!(text(booking, "awb_number"), awb);
    }
    let hold = market.customer.get(&format!("/api/v1/holds/{}", text(&of_quote, "hold_id"))).await.expect(200);
    assert_eq!((&hold["contact"], &hold["product"]), (&priced["contact"], &priced["product"]));
    assert_eq!(hold["position_names"], priced["position_names"]);
    assert_eq!(of_quote["price"]["quote_id"], quote["id"]);
    market.audit().await;
}
