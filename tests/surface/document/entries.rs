//! Entries of reference data and of rules, with all members and with the least: each is made, shown, changed to other values,
//! and cleared of what may be cleared.
use loadmaster_testkit::{
    Client, NewFlight, World,
    freight::{text, with},
    payments::with_test,
    pricing::{sale, surcharge, tariff},
};
use serde_json::{Map, Value, json};

/// Entries of one kind, and the query of a list that has them.
struct Kind {
    list: &'static str,
    query: &'static str,
    /// The member by which an entry is found.
    key: &'static str,
    entries: [Value; 2],
    /// What is not changed.
    fixed: &'static [&'static str],
    /// What may be cleared.
    optional: &'static [&'static str],
}

fn reference() -> Vec<Kind> {
    let airport = json!({"iata_code": "QQA", "name": "Field", "city": "Town", "country_code": "GI", "latitude": 36.1,
                         "longitude": -5.3, "time_zone": "Europe/Gibraltar"});
    let airline = json!({"iata_code": "0A", "name": "Line", "country_code": "GB"});
    let aircraft = json!({"iata_code": "0AA", "name": "Type", "manufacturer": "Maker", "max_cargo_kg": 1000,
                          "max_cargo_m3": 10});
    let [airports, airlines, aircrafts] = [
        json!({"iata_code": "QQB", "icao_code": "QQQQ", "elevation_ft": 15, "is_major": true, "is_active": true}),
        json!({"iata_code": "0B", "icao_code": "QQQ", "awb_prefix": "999", "alliance": "None", "is_cargo_only": false,
               "kind": "BOTH", "hub_airports": ["DEL", "LHR"], "is_active": true}),
        json!({"iata_code": "0AB", "icao_code": "QQQQ", "positions": 4, "is_freighter": true,
               "co2e_kg_per_tkm": 0.5123, "is_active": true,
               "openings": [{"deck": "LOWER", "door_width_cm": 270, "door_height_cm": 170, "max_length_cm": 318,
                             "max_piece_kg": 4600}]}),
    ];
    let kind = |list, query, least: Value, more, optional| Kind {
        list,
        query,
        key: "iata_code",
        entries: [least.clone(), with(least, more)],
        fixed: &["iata_code"],
        optional,
    };
    vec![
        kind("/api/v1/airports", "?country=GI", airport, airports, &["icao_code", "elevation_ft"]),
        kind(
            "/api/v1/airlines",
            "",
            airline,
            airlines,
            &["icao_code", "awb_prefix", "alliance", "kind", "hub_airports"],
        ),
        kind("/api/v1/aircraft", "", aircraft, aircrafts, &["icao_code", "co2e_kg_per_tkm", "openings"]),
    ]
}

fn rules(organization: &Value) -> Vec<Kind> {
    let narrow = json!({"airline_code": "AI", "flight_numbers": ["AI101"], "valid_to": "2026-12-31"});
    let embargo = json!({"name": "No flights", "reason": "Closed", "origin": "SYD", "destination": "LHR",
                         "valid_from": "2026-11-20", "effect": "FORBID"});
    let embargoes = json!({"aircraft_code": "77X", "is_freighter": true, "weekdays": [6, 7], "handling_codes": ["PER"],
                           "effect": {"require_any": ["COL", "FRO"]}});
    let tariffs = json!({"organization_id": organization, "product": "ROSES", "handling_code": "PER"});
    let surcharges = json!({"basis": "PER_KG_ACTUAL", "minimum": "1", "maximum": "9.5", "handling_codes": ["PER"]});
    let sales = json!({"code": "SPRING", "max_uses": 5});
    let allotment = json!({"organization_id": organization, "name": "Weekly", "origin": "SYD", "destination": "LHR",
                           "date_from": "2026-12-01", "date_to": "2026-12-31", "weight_kg": 1});
    let allotments = json!({"airline_code": "AI", "flight_number": "AI301", "weekdays": [1, 2], "volume_m3": 1,
                            "positions": 1, "release_hours": 48});
    let webhooks = json!({"description": "All", "types": ["loadmaster.*"], "origins": ["DEL"], "destinations": ["LHR"],
                          "scope": "organization"});
    let parties = json!({"account_number": "4711", "street": "Am Wall 1", "city": "Bremen", "postal_code": "28195",
                         "country_code": "DE", "phone": "+4930555777", "email": "dock@nordwerk.example"});
    let boxes = json!([{"pieces": 10, "length_cm": 60, "width_cm": 40, "height_cm": 40, "weight_kg": 50}]);
    let templates = json!({"name": "Roses", "origin": "DEL", "destination": "LHR", "weight_kg": 500.5, "pieces": 10,
                           "volume_m3": 3.125, "dimensions": boxes, "description": "Roses", "special_handling_codes": ["PER"],
                           "product": "EXPRESS", "shipper": with(json!({"name": "Nordwerk"}), parties.clone()),
                           "consignee": {"name": "Rose Trade Ltd"}});
    let alert = json!({"kind": "PRICE", "origin": "DEL", "destination": "LHR", "weight_kg": 300,
                       "below": {"amount": "450.00", "currency": "USD"}});
    let alerts = json!({"date_from": "2026-12-01", "date_to": "2026-12-31", "volume_m3": 1.5, "positions": 1,
                        "special_handling_codes": ["PER"], "expires_at": "2026-12-24T12:00:00Z"});
    let kind = |list, least: Value, more, fixed, optional| Kind {
        list,
        query: "",
        key: "id",
        entries: [least.clone(), with(least, more)],
        fixed,
        optional,
    };
    vec![
        kind(
            "/api/v1/embargoes",
            embargo,
            with(narrow.clone(), embargoes),
            &[],
            &[
                "airline_code",
                "flight_numbers",
                "valid_to",
                "aircraft_code",
                "is_freighter",
                "weekdays",
                "handling_codes",
            ],
        ),
        kind(
            "/api/v1/tariffs",
            tariff("T1", json!({})),
            with(with(narrow.clone(), tariffs), json!({"code": "T2"})),
            &["code"],
            &["airline_code", "flight_numbers", "organization_id", "product", "handling_code", "breaks", "valid_to"],
        ),
        kind(
            "/api/v1/surcharges",
            surcharge("MYC", json!({})),
            with(narrow.clone(), surcharges),
            &["code"],
            &["minimum", "maximum", "handling_codes", "airline_code", "flight_numbers", "valid_to"],
        ),
        kind(
            "/api/v1/sales",
            sale(json!({})),
            with(narrow, sales),
            &["code"],
            &["airline_code", "flight_numbers", "valid_to", "max_uses"],
        ),
        kind(
            "/api/v1/allotments",
            allotment,
            allotments,
            &["organization_id"],
            &["airline_code", "flight_number", "weekdays", "volume_m3", "positions", "release_hours"],
        ),
        kind(
            "/api/v1/webhooks",
            json!({"url": "https://nowhere.example/"}),
            webhooks,
            &[],
            &["description", "types", "origins", "destinations"],
        ),
        kind(
            "/api/v1/parties",
            json!({"name": "Nordwerk"}),
            parties,
            &[],
            &["account_number", "street", "city", "postal_code", "country_code", "phone", "email"],
        ),
        kind(
            "/api/v1/station-tags",
            json!({"code": "hub", "name": "Hub", "color": "#2563eb"}),
            json!({"code": "gate", "order": 1, "is_active": false}),
            &["code"],
            &[],
        ),
        kind(
            "/api/v1/station-collections",
            json!({"slug": "asia", "name": "Asia"}),
            json!({"slug": "europe", "text": "All", "stations": ["LHR"], "order": 1, "is_active": false}),
            &["slug"],
            &["text", "stations"],
        ),
        kind(
            "/api/v1/alerts",
            alert,
            alerts,
            &["kind"],
            &["date_from", "date_to", "volume_m3", "positions", "special_handling_codes", "expires_at"],
        ),
        kind(
            "/api/v1/booking-templates",
            json!({"name": "Anything"}),
            templates,
            &["name"],
            &[
                "origin",
                "destination",
                "weight_kg",
                "pieces",
                "volume_m3",
                "dimensions",
                "description",
                "special_handling_codes",
                "product",
                "shipper",
                "consignee",
            ],
        ),
    ]
}

async fn is_kept(world: &World, admin: &Client, kind: Kind) {
    let [least, all] = &kind.entries;
    let mut paths = Vec::new();
    for entry in [least, all] {
        let made = admin.post(kind.list, entry.clone()).await.expect(201);
        let path = format!("{}/{}", kind.list, made[kind.key].as_str().unwrap());
        let shown = admin.get(&path).await.expect(200);
        for (name, value) in &shown.as_object().unwrap().clone() {
            assert!(value.is_null() || !made[name].is_null(), "{path}: {name} is {value}, and was {}", made[name]);
        }
        paths.push(path);
    }
    let listed = admin.get(&format!("{}{}", kind.list, kind.query)).await.expect(200);
    for path in &paths {
        let key = path.rsplit('/').next().unwrap();
        assert!(listed.as_array().unwrap().iter().any(|it| it[kind.key] == key), "{path} is in {}", kind.list);
    }
    let mut change: Map<String, Value> = all.as_object().unwrap().clone();
    change.retain(|name, _| !kind.fixed.contains(&name.as_str()));
    admin.patch(&paths[0], change.into()).await.expect(200);
    let cleared: Map<String, Value> = kind.optional.iter().map(|name| ((*name).to_owned(), Value::Null)).collect();
    let cleared = admin.patch(&paths[1], cleared.into()).await.expect(200);
    assert_eq!(admin.get(&paths[1]).await.expect(200), cleared, "{}", kind.list);
    admin.delete(&paths[1]).await;
    // Rules are kept when they end.
    admin.get(&paths[1]).await;
    world.audit().await;
}

#[tokio::test]
async fn reference_data_is_kept_with_all_members_and_with_the_least() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    for kind in reference() {
        is_kept(&world, &admin, kind).await;
    }
}

#[tokio::test]
async fn rules_are_kept_with_all_members_and_with_the_least() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let me = admin.get("/api/v1/auth/me").await.expect(200);
    for kind in rules(&me["organization_id"]) {
        is_kept(&world, &admin, kind).await;
    }
}

#[tokio::test]
async fn a_sale_by_percent_becomes_one_by_amount_and_back() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let amount = json!({"amount": "5.00", "currency": "USD"});
    let by_amount = with(sale(json!({"percent": null})), json!({"amount": amount}));
    let made = admin.post("/api/v1/sales", by_amount).await.expect(201);
    assert_eq!((&made["amount"], &made["percent"]), (&amount, &Value::Null));
    let path = format!("/api/v1/sales/{}", made["id"].as_str().unwrap());
    let by_percent = admin.patch(&path, json!({"percent": "10", "amount": null})).await.expect(200);
    assert_eq!(by_percent["amount"], Value::Null);
    let again = admin.patch(&path, json!({"percent": null, "amount": amount})).await.expect(200);
    assert_eq!((&again["amount"], &again["percent"]), (&amount, &Value::Null));
    assert_eq!(admin.get(&path).await.expect(200), again);
    admin.get("/api/v1/sales").await.expect(200);
}

#[tokio::test]
async fn a_surcharge_in_percent_has_no_currency() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let made = admin.post("/api/v1/surcharges", surcharge("MYC", json!({}))).await.expect(201);
    let path = format!("/api/v1/surcharges/{}", made["id"].as_str().unwrap());
    let by_percent = admin.patch(&path, json!({"basis": "PERCENT", "currency": null})).await.expect(200);
    assert_eq!(by_percent["currency"], Value::Null);
    assert_eq!(admin.get(&path).await.expect(200), by_percent);
    assert_eq!(admin.get("/api/v1/surcharges").await.expect(200), json!([by_percent]));
}

#[tokio::test]
async fn airports_are_found_without_what_is_not_known_of_them() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let popular = admin.get("/api/v1/airports/popular").await.expect(200);
    let (code, city) = (text(&popular[0], "iata_code"), text(&popular[0], "city").replace(' ', "%20"));
    let unknown = json!({"icao_code": null, "elevation_ft": null});
    admin.patch(&format!("/api/v1/airports/{code}"), unknown).await.expect(200);
    for path in ["popular".to_owned(), format!("search?q={code}"), format!("city/{city}")] {
        let found = admin.get(&format!("/api/v1/airports/{path}")).await.expect(200);
        let own = found.as_array().unwrap().iter().find(|it| it["iata_code"] == code);
        let own = own.unwrap_or_else(|| panic!("{path}: {found}"));
        assert_eq!((&own["icao_code"], &own["elevation_ft"]), (&Value::Null, &Value::Null), "{path}");
    }
}

#[tokio::test]
async fn an_aircraft_type_that_flies_is_not_deleted() {
    let world = with_test().start().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR").aircraft("77X")).await;
    world.admin().await.delete("/api/v1/aircraft/77X").await.expect_problem(409, "in_use");
}

#[tokio::test]
async fn a_webhook_that_is_switched_off_sends_nothing() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let made = admin.post("/api/v1/webhooks", json!({"url": "https://nowhere.example/"})).await.expect(201);
    let path = format!("/api/v1/webhooks/{}", made["id"].as_str().unwrap());
    let delivery = admin.poke(&format!("{path}/test")).await.expect(202);
    let delivery = format!("{path}/deliveries/{}", delivery["id"].as_str().unwrap());
    let disabled = admin.patch(&path, json!({"status": "DISABLED"})).await.expect(200);
    assert_eq!(admin.get(&path).await.expect(200), disabled);
    assert_eq!(admin.get("/api/v1/webhooks").await.expect(200), json!([disabled]));
    assert_eq!(admin.get(&delivery).await.expect(200)["next_attempt_at"], Value::Null);
    admin.get(&format!("{path}/deliveries")).await.expect(200);
    for path in [format!("{path}/test"), format!("{delivery}/resend")] {
        admin.poke(&path).await.expect_problem(409, "invalid_transition");
    }
    let since = json!({"since": "2026-11-01T00:00:00Z"});
    admin.post(&format!("{path}/resend"), since).await.expect_problem(409, "invalid_transition");
    let replaced = admin.post(&format!("{path}/secret"), json!({"overlap_hours": 0})).await.expect(200);
    assert_eq!(replaced["former_secret_until"], Value::Null);
    admin.patch(&path, json!({"status": "ACTIVE"})).await.expect(200);
    admin.poke(&format!("{path}/test")).await.expect(202);
}
