//! Every fault of every member.
use loadmaster_testkit::{
    NewFlight, World,
    freight::{with, without},
    pricing::{QUOTES, SALES, SURCHARGES, TARIFFS, at, make, sale, surcharge, tariff},
};
use serde_json::{Value, json};

/// Where the fault is, what is sent, and the fault's code.
type Faulty = (&'static str, Value, &'static str);

fn of_ways() -> Vec<Faulty> {
    vec![
        ("airline_code", json!("QQ"), "unknown_value"),
        ("origin", json!("QQQ"), "unknown_value"),
        ("origin", json!("city:London"), "invalid_format"),
        ("destination", json!("region:ATLANTIS"), "unknown_value"),
        ("destination", json!(["LHR"]), "wrong_type"),
        ("flight_numbers", json!("AI101"), "wrong_type"),
        ("flight_numbers|/flight_numbers/1", json!(["AI101", "QQ101"]), "unknown_value"),
        ("valid_from", json!("2026-02-30"), "invalid_format"),
        ("valid_to", json!("2025-12-31"), "out_of_order"),
        ("ended_at", json!("2026-11-20T08:00:00Z"), "unknown_field"),
    ]
}

async fn each_is_told(list: &str, new: &Value, cases: Vec<Faulty>) {
    let world = World::start().await;
    let admin = world.admin().await;
    let path = at(list, &make(&admin, list, new.clone()).await);
    for (place, value, code) in cases.into_iter().chain(of_ways()) {
        let (member, place) =
            place.split_once('|').map_or((place, format!("/{place}")), |(member, place)| (member, place.to_owned()));
        let expected = [(place.clone(), code.to_owned())];
        let told = format!("{member}: {value}");
        let faults = admin.post(list, with(new.clone(), json!({member: value}))).await.expect_faults();
        assert_eq!(faults, expected, "{told}, creating");
        if member == "code" {
            continue;
        }
        let faults = admin.patch(&path, json!({member: value})).await.expect_faults();
        assert_eq!(faults, expected, "{told}, changing");
    }
    let table = list.rsplit_once('/').unwrap().1;
    assert_eq!(world.texts(&format!("select version::text from {table}")).await, ["1"]);
    let all = admin.post(list, json!({})).await.expect_faults();
    assert!(all.len() > 4 && all.iter().all(|(_, code)| code == "required"), "{all:?}");
    admin.patch(&path, json!({"code": "OTHER"})).await.expect_faults();
    admin.post_raw(list, "text/plain", "{}").await.expect_problem(415, "unsupported_media_type");
    admin.post_raw(list, "application/json", "{").await.expect_problem(400, "malformed_request");
}

#[tokio::test]
async fn each_faulty_member_of_a_tariff_is_reported() {
    let step = |from: Value, rate: &str| json!([{"from_kg": from, "rate": rate}]);
    let faulty = vec![
        ("code", json!(""), "too_short"),
        ("code", json!("C".repeat(41)), "too_long"),
        ("code", json!("A B"), "invalid_format"),
        ("organization_id", json!("nobody"), "invalid_format"),
        ("organization_id", json!("01890000-0000-7000-8000-000000000000"), "unknown_value"),
        ("product", json!("FRESH FISH"), "invalid_format"),
        ("product", json!("P".repeat(21)), "too_long"),
        ("handling_code", json!("QQQ"), "unknown_value"),
        ("currency", json!("usd"), "unknown_value"),
        ("minimum", json!("75.001"), "too_precise"),
        ("minimum", json!("-1"), "too_small"),
        ("minimum", json!("much"), "invalid_format"),
        ("minimum", json!(75), "wrong_type"),
        ("normal", json!("16.00001"), "too_precise"),
        ("normal", json!("-1"), "too_small"),
        ("normal", json!("1000000"), "too_large"),
        ("normal", json!(16), "wrong_type"),
        ("breaks", json!("45=10"), "wrong_type"),
        ("breaks|/breaks/0/rate", step(json!(45), "16"), "out_of_order"),
        ("breaks|/breaks/0/from_kg", step(json!(0), "15"), "too_small"),
        ("breaks|/breaks/0/from_kg", step(json!("45"), "15"), "wrong_type"),
        (
            "breaks|/breaks/1/from_kg",
            json!([{"from_kg": 45, "rate": "10"}, {"from_kg": 45, "rate": "9"}]),
            "out_of_order",
        ),
        (
            "breaks|/breaks/1/rate",
            json!([{"from_kg": 45, "rate": "10"}, {"from_kg": 100, "rate": "10"}]),
            "out_of_order",
        ),
        ("breaks", json!(vec![json!({"from_kg": 45, "rate": "10"}); 31]), "too_long"),
    ];
    each_is_told(TARIFFS, &tariff("T1", json!({})), faulty).await;
}

#[tokio::test]
async fn a_minimum_follows_its_currency() {
    let world = World::start().await;
    let admin = world.admin().await;
    let path = at(TARIFFS, &make(&admin, TARIFFS, tariff("T1", json!({"minimum": "75.50"}))).await);
    let faults = admin.patch(&path, json!({"currency": "JPY"})).await.expect_faults();
    assert_eq!(faults, [("/minimum".to_owned(), "too_precise".to_owned())]);
    let yen = admin.patch(&path, json!({"currency": "JPY", "minimum": "9000"})).await.expect(200);
    assert_eq!((&yen["currency"], &yen["minimum"]), (&json!("JPY"), &json!("9000")));
}

#[tokio::test]
async fn each_faulty_member_of_a_surcharge_is_reported() {
    let faulty = vec![
        ("code", json!("MYX"), "invalid_format"),
        ("code", json!("MYCC"), "invalid_format"),
        ("basis", json!("PER_PIECE"), "unknown_value"),
        ("basis|/currency", json!("PERCENT"), "unknown_field"),
        ("rate", json!("1.00001"), "too_precise"),
        ("rate", json!(1), "wrong_type"),
        ("currency", json!("dollar"), "unknown_value"),
        ("minimum", json!("1.001"), "too_precise"),
        ("maximum", json!("6.999"), "too_precise"),
        ("maximum", json!("4"), "out_of_order"),
        ("per", json!("PIECE"), "unknown_value"),
        ("handling_codes|/handling_codes/0", json!(["QQQ"]), "unknown_value"),
    ];
    let new = surcharge("MYC", json!({"minimum": "5"}));
    each_is_told(SURCHARGES, &new, faulty).await;
    let world = World::start().await;
    let told = world.admin().await.post(SURCHARGES, without(new, "currency")).await.expect_faults();
    assert_eq!(told, [("/currency".to_owned(), "required".to_owned())]);
}

#[tokio::test]
async fn each_faulty_member_of_a_sale_is_reported() {
    let faulty = vec![
        ("code", json!("SUMMER!"), "invalid_format"),
        ("percent", json!("100.01"), "too_large"),
        ("percent", json!("12.345"), "too_precise"),
        ("percent", json!(10), "wrong_type"),
        ("sale_from", json!("2026-12-01"), "out_of_order"),
        ("sale_to", json!("tomorrow"), "invalid_format"),
        ("max_uses", json!(0), "too_small"),
        ("max_uses", json!(1.5), "too_precise"),
    ];
    // The dates of the sale are compared at the last.
    let faulty = faulty.into_iter().map(|(place, value, code)| match place {
        "sale_from" => ("sale_from|/sale_to", value, code),
        place => (place, value, code),
    });
    each_is_told(SALES, &sale(json!({})), faulty.collect()).await;
    let world = World::start().await;
    let admin = world.admin().await;
    let dollars = json!({"amount": "5", "currency": "USD"});
    for (new, place, code) in [
        (without(sale(json!({})), "percent"), "/percent", "required"),
        (sale(json!({"amount": dollars})), "/amount", "invalid_format"),
        (
            without(sale(json!({"amount": {"amount": "5.001", "currency": "USD"}})), "percent"),
            "/amount/amount",
            "too_precise",
        ),
        (without(sale(json!({"amount": {"amount": "5"}})), "percent"), "/amount/currency", "required"),
    ] {
        assert_eq!(admin.post(SALES, new).await.expect_faults(), [(place.to_owned(), code.to_owned())]);
    }
    let path = at(SALES, &make(&admin, SALES, sale(json!({}))).await);
    let by_amount = admin.patch(&path, json!({"amount": dollars})).await.expect(200);
    assert_eq!((&by_amount["percent"], &by_amount["amount"]["amount"]), (&Value::Null, &json!("5.00")));
    for (change, place, code) in [
        (json!({"amount": null}), "/percent", "required"),
        (json!({"amount": dollars, "percent": "5"}), "/amount", "invalid_format"),
    ] {
        assert_eq!(admin.patch(&path, change).await.expect_faults(), [(place.to_owned(), code.to_owned())]);
    }
}

#[tokio::test]
async fn each_fault_of_a_request_for_a_quote_is_reported() {
    let world = World::start().await;
    let guest = super::guest(&world).await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let good = loadmaster_testkit::pricing::asked(&[&flight], 10.0);
    for (member, value, place, code) in [
        ("origin", json!("QQQ"), "/origin", "unknown_value"),
        ("destination", json!("DEL"), "/destination", "same_as_origin"),
        ("flight_ids", json!(["x"]), "/flight_ids/0", "invalid_format"),
        ("flight_ids", json!([1, 2, 3, 4, 5]), "/flight_ids", "too_long"),
        ("flight_ids", json!([]), "/departure_date", "required"),
        ("weight_kg", json!(0), "/weight_kg", "too_small"),
        ("weight_kg", json!(0.05), "/weight_kg", "too_precise"),
        ("weight_kg", json!(10_000_000), "/weight_kg", "too_large"),
        ("volume_m3", json!("1"), "/volume_m3", "wrong_type"),
        ("positions", json!(-1), "/positions", "too_small"),
        ("special_handling_codes", json!(["QQQ"]), "/special_handling_codes/0", "unknown_value"),
        ("product", json!("FRESH FISH"), "/product", "invalid_format"),
        ("discount_code", json!(""), "/discount_code", "too_short"),
        ("pieces", json!(1), "/pieces", "unknown_field"),
    ] {
        let faults = guest.post(QUOTES, with(good.clone(), json!({member: value}))).await.expect_faults();
        assert_eq!(faults, [(place.to_owned(), code.to_owned())], "{member}: {value}");
    }
    for member in ["origin", "destination", "weight_kg"] {
        let faults = guest.post(QUOTES, without(good.clone(), member)).await.expect_faults();
        assert_eq!(faults, [(format!("/{member}"), "required".to_owned())]);
    }
}

/// One correction is enough.
#[tokio::test]
async fn members_out_of_order_are_reported_with_all_other_faults() {
    let world = World::start().await;
    let admin = world.admin().await;
    let backwards = json!({"origin": "QQQ", "valid_from": "2026-02-01", "valid_to": "2026-01-01"});
    let told = async |list: &str, new: Value, wrong: Value| {
        let mut faults = admin.post(list, with(with(new, backwards.clone()), wrong)).await.expect_faults();
        faults.sort();
        faults.into_iter().map(|(place, code)| format!("{place} {code}")).collect::<Vec<_>>()
    };
    let breaks = json!([{"from_kg": 45, "rate": "10"}, {"from_kg": 45, "rate": "11"}]);
    let of_tariff = told(TARIFFS, tariff("T", json!({})), json!({"minimum": "1.234", "breaks": breaks})).await;
    assert_eq!(
        of_tariff,
        [
            "/breaks/1/from_kg out_of_order",
            "/breaks/1/rate out_of_order",
            "/minimum too_precise",
            "/origin unknown_value",
            "/valid_to out_of_order",
        ]
    );
    let wrong = json!({"currency": null, "minimum": "5", "maximum": "4"});
    assert_eq!(
        told(SURCHARGES, surcharge("MYC", json!({})), wrong).await,
        ["/currency required", "/maximum out_of_order", "/origin unknown_value", "/valid_to out_of_order"]
    );
    let wrong = json!({"percent": "101", "sale_to": "2026-10-01"});
    assert_eq!(
        told(SALES, sale(json!({})), wrong).await,
        ["/origin unknown_value", "/percent too_large", "/sale_to out_of_order", "/valid_to out_of_order"]
    );
}
