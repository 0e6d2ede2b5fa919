//! `POST /bookings`, member by member.
use loadmaster_testkit::{
    NewFlight, World,
    bad_input::{Case, each_alone, long, not_a, of_numbers, of_texts},
    freight::{BOOKINGS, order, raw, with, without},
};
use serde_json::{Value, json};

const ID: &str = "01890000-0000-7000-8000-000000000000";

async fn flight(world: &World) -> Value {
    world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await
}

#[tokio::test]
async fn a_member_of_the_wrong_type_is_reported() {
    let world = World::start().await;
    let (customer, base) = (world.customer().await, order(&[&flight(&world).await]));
    let kinds = [
        ("text", &["origin", "destination", "departure_date", "description", "awb_number", "customer_reference"][..]),
        ("number", &["pieces", "weight_kg", "volume_m3", "positions"]),
        ("list", &["flight_ids", "special_handling_codes"]),
        ("object", &["shipper", "consignee"]),
    ];
    let mut cases: Vec<Case> = Vec::new();
    for (kind, members) in kinds {
        for member in members {
            cases.extend(not_a(kind).into_iter().map(|value| (*member, value, "wrong_type")));
        }
    }
    each_alone(&world, &customer, BOOKINGS, &base, cases).await;
}

#[tokio::test]
async fn required_members_must_be_present_and_not_null() {
    let world = World::start().await;
    let (customer, base) = (world.customer().await, order(&[&flight(&world).await]));
    let before = world.written().await;
    for member in ["origin", "destination", "pieces", "weight_kg"] {
        let expected = [(format!("/{member}"), "required".to_owned())];
        let missing = customer.post(BOOKINGS, without(base.clone(), member)).await;
        assert_eq!(missing.expect_faults(), expected);
        let null = customer.post(BOOKINGS, with(base.clone(), json!({(member): null}))).await;
        assert_eq!(null.expect_faults(), expected);
    }
    let all = customer.post(BOOKINGS, json!({})).await.expect_faults();
    let pointers: Vec<_> = all.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/destination", "/origin", "/pieces", "/weight_kg"]);
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn optional_members_may_be_null() {
    let world = World::start().await;
    let base = order(&[&flight(&world).await]);
    let optional = [
        "volume_m3",
        "positions",
        "flight_ids",
        "departure_date",
        "description",
        "special_handling_codes",
        "awb_number",
        "shipper",
        "consignee",
        "customer_reference",
    ];
    let customer = world.customer().await;
    for member in optional {
        customer.book(with(base.clone(), json!({(member): null}))).await;
    }
}

#[tokio::test]
async fn a_number_out_of_range_or_too_precise_is_reported() {
    let world = World::start().await;
    let (customer, base) = (world.customer().await, order(&[&flight(&world).await]));
    each_alone(&world, &customer, BOOKINGS, &base, of_numbers()).await;
}

#[tokio::test]
async fn a_number_at_the_edge_is_fine() {
    let world = World::start().await;
    let wide = NewFlight { volume_m3: 9_999_999.999, positions: 9999, ..NewFlight::new("AI101", "DEL", "LHR") };
    let flight = world.flight(wide.weight(9_999_999.9)).await;
    let customer = world.customer().await;
    let edges = json!({"weight_kg": 9_999_999.9, "volume_m3": 9_999_999.999, "pieces": 99999, "positions": 9999});
    let booking = customer.book(with(order(&[&flight]), edges.clone())).await;
    for member in ["weight_kg", "volume_m3", "pieces", "positions"] {
        assert_eq!(booking[member], edges[member], "{member}");
    }
    customer.walk(&booking, &["cancel"]).await;
    let least = json!({"weight_kg": 0.1, "volume_m3": 0.001, "pieces": 1, "positions": 0});
    customer.book(with(order(&[&flight]), least)).await;
    let whole = json!({"pieces": raw("2.0"), "weight_kg": raw("1e2"), "positions": raw("1.0e0")});
    let booking = customer.book(with(order(&[&flight]), whole)).await;
    assert_eq!((&booking["pieces"], &booking["weight_kg"], &booking["positions"]), (&json!(2), &json!(100), &json!(1)));
    world.audit().await;
}

#[tokio::test]
async fn a_code_must_have_its_form_and_exist() {
    let world = World::start().await;
    let (customer, base) = (world.customer().await, order(&[&flight(&world).await]));
    let mut cases: Vec<Case> = Vec::new();
    for member in ["origin", "destination"] {
        for odd in ["", "  ", "DE", "DELH", "D3L", "DÉL", "D L", "DEL\u{0}", "\u{0}DEL", "ＤＥＬ"] {
            cases.push((member, json!(odd), "invalid_format"));
        }
        cases.push((member, json!("XQX"), "unknown_value"));
    }
    for odd in [
        "",
        "2026-02-29",
        "2026-13-01",
        "2026-11-31",
        "2026-00-10",
        "26-11-20",
        "2026-1-2",
        "2026/11/20",
        "20261120",
        "tomorrow",
        "2026-11-20T00:00:00Z",
        "2026-11-20\u{0}",
        "+002026-11-20",
    ] {
        cases.push(("departure_date", json!(odd), "invalid_format"));
    }
    cases.push(("departure_date", json!("1969-12-31"), "too_small"));
    cases.push(("departure_date", json!("9999-12-31"), "too_large"));
    cases.push(("awb_number", json!("020-12345670"), "invalid_format"));
    each_alone(&world, &customer, BOOKINGS, &base, cases).await;
}

#[tokio::test]
async fn lower_case_and_padding_do_not_matter() {
    let world = World::start().await;
    let base = order(&[&flight(&world).await]);
    let said = json!({"origin": " del", "destination": "Lhr\t", "special_handling_codes": [" per "],
                      "awb_number": " 020-12345675\n", "shipper": {"name": "Ann", "country_code": " in "}});
    let booking = world.customer().await.book(with(base, said)).await;
    assert_eq!((&booking["origin"], &booking["destination"]), (&json!("DEL"), &json!("LHR")));
    assert_eq!((&booking["special_handling_codes"], &booking["awb_number"]), (&json!(["PER"]), &json!("020-12345675")));
    assert_eq!(booking["shipper"]["country_code"], "IN");
}

#[tokio::test]
async fn an_air_waybill_number_may_be_in_groups() {
    let world = World::start().await;
    let base = order(&[&flight(&world).await]);
    let booking = world.customer().await.book(with(base, json!({"awb_number": "020-1234 5675"}))).await;
    assert_eq!(booking["awb_number"], "020-12345675");
}

#[tokio::test]
async fn origin_and_destination_differ() {
    let world = World::start().await;
    let (customer, base) = (world.customer().await, order(&[&flight(&world).await]));
    let cases = vec![
        ("origin|/destination", json!("LHR"), "same_as_origin"),
        ("destination", json!(" del "), "same_as_origin"),
    ];
    each_alone(&world, &customer, BOOKINGS, &base, cases).await;
}

#[tokio::test]
async fn a_list_has_bounds_and_its_entries_a_place() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let (customer, base) = (world.customer().await, order(&[&flight]));
    let id = &flight["id"];
    let cases: Vec<Case> = vec![
        ("flight_ids", json!([ID, ID, ID, ID, ID]), "too_long"),
        ("flight_ids|/flight_ids/0", json!(["AI101"]), "invalid_format"),
        ("flight_ids|/flight_ids/1", json!([id, ""]), "invalid_format"),
        ("flight_ids|/flight_ids/1", json!([id, null]), "wrong_type"),
        ("flight_ids|/flight_ids/2", json!([id, ID, 7]), "wrong_type"),
        ("flight_ids|/flight_ids/0", json!([[id]]), "wrong_type"),
        ("flight_ids|/flight_ids/0", json!([ID.replace('-', "")]), "invalid_format"),
        ("flight_ids|/flight_ids/0", json!([format!("{{{ID}}}")]), "invalid_format"),
        ("special_handling_codes", json!(vec!["PER"; 10]), "too_long"),
        ("special_handling_codes|/special_handling_codes/0", json!(["PERISHABLE"]), "invalid_format"),
        ("special_handling_codes|/special_handling_codes/1", json!(["PER", "QQQ"]), "unknown_value"),
        ("special_handling_codes|/special_handling_codes/2", json!(["PER", "CAO", false]), "wrong_type"),
        ("special_handling_codes|/special_handling_codes/0", json!([""]), "invalid_format"),
    ];
    each_alone(&world, &customer, BOOKINGS, &base, cases).await;
    let two = with(base, json!({"flight_ids": ["x", id, 5]}));
    let faults = customer.post(BOOKINGS, two).await.expect_faults();
    let expected = [("/flight_ids/0", "invalid_format"), ("/flight_ids/2", "wrong_type")];
    assert_eq!(faults, expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned())));
}

#[tokio::test]
async fn texts_have_a_length_and_no_control_characters() {
    let world = World::start().await;
    let (customer, base) = (world.customer().await, order(&[&flight(&world).await]));
    each_alone(&world, &customer, BOOKINGS, &base, of_texts()).await;

    let longest = json!({"description": long(2000), "customer_reference": long(500)});
    let booking = customer.book(with(base, longest.clone())).await;
    assert_eq!(booking["description"], longest["description"]);
    assert_eq!(booking["customer_reference"], longest["customer_reference"]);
}

#[tokio::test]
async fn a_fault_in_a_party_has_its_own_place() {
    let world = World::start().await;
    let (customer, base) = (world.customer().await, order(&[&flight(&world).await]));
    let mut cases: Vec<(String, Value, &str)> = Vec::new();
    for member in ["name", "account_number", "street", "city", "postal_code", "phone"] {
        cases.push((member.to_owned(), json!(""), "too_short"));
        cases.push((member.to_owned(), long(501), "too_long"));
        cases.push((member.to_owned(), json!("a\u{0}b"), "invalid_format"));
        cases.push((member.to_owned(), json!("two\nlines"), "invalid_format"));
        cases.extend(not_a("text").into_iter().map(|value| (member.to_owned(), value, "wrong_type")));
    }
    for country in ["", "I", "IND", "1N", "Ín", "I\u{0}"] {
        cases.push(("country_code".to_owned(), json!(country), "invalid_format"));
    }
    cases.push(("country_code".to_owned(), json!(91), "wrong_type"));
    for phone in ["ring Bob", "011 2345 6789", "+91 1", "+1 (0)212 555 0123"] {
        cases.push(("phone".to_owned(), json!(phone), "invalid_format"));
    }
    for email in ["ann", "ann@", "@example.com", "ann@example", "a b@example.com", "ann@example.com\n\u{0}"] {
        cases.push(("email".to_owned(), json!(email), "invalid_format"));
    }
    cases.push(("email".to_owned(), json!(format!("{}@example.com", "a".repeat(250))), "too_long"));
    cases.push(("email".to_owned(), json!(["ann@example.com"]), "wrong_type"));
    cases.push(("nickname".to_owned(), json!("Annie"), "unknown_field"));
    cases.push(("na~me/".to_owned(), json!("Annie"), "unknown_field"));

    let before = world.written().await;
    for party in ["shipper", "consignee"] {
        for (member, value, code) in &cases {
            let mut body = with(base.clone(), json!({(party): {"name": "Ann"}}));
            body[party][member] = value.clone();
            let pointer = format!("/{party}/{}", member.replace('~', "~0").replace('/', "~1"));
            let faults = customer.post(BOOKINGS, body).await.expect_faults();
            assert_eq!(faults, [(pointer, (*code).to_owned())], "{member} {value}");
        }
        for nameless in [json!({}), json!({"name": null}), json!({"city": "Delhi"})] {
            let faults = customer.post(BOOKINGS, with(base.clone(), json!({(party): nameless}))).await.expect_faults();
            assert_eq!(faults, [(format!("/{party}/name"), "required".to_owned())]);
        }
    }
    assert_eq!(world.written().await, before);
}

#[tokio::test]
async fn unknown_members_are_reported() {
    let world = World::start().await;
    let (customer, base) = (world.customer().await, order(&[&flight(&world).await]));
    let mut cases: Vec<Case> = ["status", "ref_id", "organization_id", "Origin", "weight", "__proto__", "flight_id"]
        .iter()
        .map(|member| (*member, json!("x"), "unknown_field"))
        .collect();
    // Not even null.
    cases.push(("colour", Value::Null, "unknown_field"));
    cases.push(("|/", json!(1), "unknown_field"));
    cases.push(("a/b~c|/a~1b~0c", json!(1), "unknown_field"));
    each_alone(&world, &customer, BOOKINGS, &base, cases).await;
}

#[tokio::test]
async fn all_faults_are_reported_together() {
    let world = World::start().await;
    let flight = flight(&world).await;
    let body = json!({
        "origin": "XQX", "destination": 7, "pieces": 0, "weight_kg": "heavy", "volume_m3": 0.0001, "positions": -1,
        "flight_ids": [flight["id"], "x"], "departure_date": "2026-02-30", "description": "",
        "special_handling_codes": ["QQQ", 5], "awb_number": "1", "shipper": {"email": "x", "extra": 1},
        "consignee": [], "customer_reference": "\u{0}", "colour": "red",
    });
    let answer = world.customer().await.post(BOOKINGS, body).await;
    for member in ["origin", "weight_kg", "shipper.name", "flight_ids"] {
        assert!(answer.body["detail"].as_str().unwrap().contains(member), "{member}: {}", answer.body["detail"]);
    }
    let expected = [
        ("/awb_number", "invalid_format"),
        ("/colour", "unknown_field"),
        ("/consignee", "wrong_type"),
        ("/customer_reference", "invalid_format"),
        ("/departure_date", "invalid_format"),
        ("/description", "too_short"),
        ("/destination", "wrong_type"),
        ("/flight_ids/1", "invalid_format"),
        ("/origin", "unknown_value"),
        ("/pieces", "too_small"),
        ("/positions", "too_small"),
        ("/shipper/email", "invalid_format"),
        ("/shipper/extra", "unknown_field"),
        ("/shipper/name", "required"),
        ("/special_handling_codes/0", "unknown_value"),
        ("/special_handling_codes/1", "wrong_type"),
        ("/volume_m3", "too_precise"),
        ("/weight_kg", "wrong_type"),
    ];
    let expected = expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()));
    assert_eq!(answer.expect_faults(), expected);
}
