//! The tariff of the settings and its surcharges, as staff reads them.
use loadmaster_testkit::{
    NewFlight, World, WorldOptions,
    freight::with,
    pricing::{DEFAULT, QUOTES, SALES, TARIFFS, asked, flat, make, sale},
};
use serde_json::{Value, json};

use super::guest;

/// Ten percent to London in November 2026.
const LONDON: &str = concat!(
    r#"{ percent = "10", sale_from = "2026-11-01", sale_to = "2026-11-30", "#,
    r#"origin = "*", destination = "city:LONDON,gb", valid_from = "2026-01-01" }"#
);
/// Fifty dollars on one flight, with a code.
const FIFTY: &str = concat!(
    r#"{ code = "fifty", amount = { amount = "50", currency = "USD" }, sale_from = "2026-11-01", sale_to = "2026-11-30", "#,
    r#"airline_code = "AI", origin = "country:IN", destination = "LHR", flight_numbers = ["AI101"], "#,
    r#"valid_from = "2026-01-01", valid_to = "2026-12-31" }"#
);

#[tokio::test]
async fn operators_read_the_tariff_of_the_settings_and_whether_it_is_in_force() {
    let surcharges = [
        r#"{ code = "MYC", basis = "PERCENT", rate = "12.5" }"#,
        r#"{ code = "RAC", basis = "FLAT", rate = "95", minimum = "10", handling_codes = ["RCL", "RFL"] }"#,
    ];
    let surcharges = format!("[{}]", surcharges.join(", "));
    let rates = r#"currency = "USD", minimum = "75", normal = "6.5", breaks = [{ from_kg = 45, rate = "5.2" }]"#;
    let shown = json!({
        "currency": "USD", "minimum": "75.00", "normal": "6.5", "breaks": [{"from_kg": 45, "rate": "5.2"}],
        "surcharges": [
            {"code": "MYC", "basis": "PERCENT", "rate": "12.5", "currency": null, "minimum": null, "handling_codes": []},
            {"code": "RAC", "basis": "FLAT", "rate": "95", "currency": "USD", "minimum": "10.00",
             "handling_codes": ["RCL", "RFL"]},
        ],
        "sales": [
            {"code": null, "percent": "10", "amount": null, "sale_from": "2026-11-01", "sale_to": "2026-11-30",
             "airline_code": null, "origin": "*", "destination": "city:London,GB", "flight_numbers": [],
             "valid_from": "2026-01-01", "valid_to": null},
            {"code": "FIFTY", "percent": null, "amount": {"amount": "50.00", "currency": "USD"},
             "sale_from": "2026-11-01", "sale_to": "2026-11-30", "airline_code": "AI", "origin": "country:IN",
             "destination": "LHR", "flight_numbers": ["AI101"], "valid_from": "2026-01-01", "valid_to": "2026-12-31"},
        ],
    });
    for (applies, is_in_force) in [("demo", false), ("never", false), ("always", true)] {
        let tariff = format!(r#"{{ applies = "{applies}", {rates} }}"#);
        let options = WorldOptions::default().set("pricing.default_tariff", &tariff);
        let options = options.set("pricing.default_surcharges", &surcharges);
        let world = options.set("pricing.default_sales", &format!("[{LONDON}, {FIFTY}]")).start().await;
        let answer = world.operator().await.get(DEFAULT).await;
        assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
        let mut found = answer.expect(200);
        let members = found.as_object_mut().expect("an object");
        assert_eq!(members.remove("is_in_force"), Some(is_in_force.into()), "{applies}");
        assert_eq!(found, shown);
    }
}

#[tokio::test]
async fn the_tariff_of_the_settings_is_for_staff_and_takes_no_parameters() {
    let world = World::start().await;
    world.customer().await.get(DEFAULT).await.expect_problem(403, "forbidden");
    world.anonymous().get(DEFAULT).await.expect_problem(401, "unauthenticated");
    world.operator().await.get(&format!("{DEFAULT}?limit=1")).await.expect_problem(400, "validation_failed");
}

#[tokio::test]
async fn sales_of_the_settings_lower_every_tariff_and_are_in_no_table() {
    let options = WorldOptions::default().set("pricing.default_sales", &format!("[{LONDON}, {FIFTY}]"));
    let world = options.start().await;
    let (admin, guest) = (world.admin().await, guest(&world).await);
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let elsewhere = world.flight(NewFlight::new("AI102", "DEL", "DXB")).await;
    make(&admin, TARIFFS, flat("T", "10", json!({}))).await;
    let wanted = asked(&[&flight], 10.0);
    let to_dubai = |members: Value| with(with(asked(&[&elsewhere], 10.0), json!({"destination": "DXB"})), members);
    let coded = |code: &str| with(wanted.clone(), json!({"discount_code": code}));
    for (wanted, discount, code) in
        [(wanted.clone(), "-10.00", json!(null)), (coded(" Fifty "), "-50.00", json!("FIFTY"))]
    {
        let quote = guest.post(QUOTES, wanted).await.expect(201);
        assert_eq!(quote["discount"]["amount"], discount);
        let line = &quote["lines"][1];
        assert_eq!((&line["kind"], &line["code"], &line["rule"]), (&json!("DISCOUNT"), &code, &json!(null)));
    }
    let quote = guest.post(QUOTES, to_dubai(json!({}))).await.expect(201);
    assert_eq!(quote["discount"]["amount"], "0.00");
    let refused = guest
        .post(QUOTES, to_dubai(json!({"discount_code": "FIFTY"})))
        .await
        .expect_problem(409, "discount_not_applicable");
    assert_eq!(refused["reason"], "route");
    let kept = admin.get(SALES).await.expect(200);
    assert_eq!(kept, json!([]));
    // Of those without a code the best one applies, and of one code that of the list.
    make(&admin, SALES, sale(json!({"percent": "30"}))).await;
    make(&admin, SALES, sale(json!({"code": "FIFTY", "percent": "20"}))).await;
    for (wanted, discount) in [(wanted.clone(), "-30.00"), (coded("FIFTY"), "-20.00")] {
        assert_eq!(guest.post(QUOTES, wanted).await.expect(201)["discount"]["amount"], discount);
    }
    world.audit().await;
}

#[tokio::test]
async fn a_booking_keeps_the_sale_of_the_settings() {
    let world =
        WorldOptions::default().set("pricing.default_sales", &format!("[{LONDON}]")).set("payments.provider", "test");
    let world = world.start().await;
    let customer = world.customer().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    make(&world.admin().await, TARIFFS, flat("T", "10", json!({}))).await;
    let hold = customer.hold(json!({"flight_ids": [flight["id"]], "weight_kg": 10, "pieces": 1})).await;
    let booking = customer.commit(&hold, json!({})).await;
    assert_eq!(booking["price"]["total"]["amount"], "90.00");
    world.audit().await;
}
