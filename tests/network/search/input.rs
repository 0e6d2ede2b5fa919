//! What is wrong with a question, all of it at once.
use loadmaster_testkit::World;
use serde_json::{Value, json};

use super::question;

#[tokio::test]
async fn each_member_of_a_body_is_judged() {
    let world = World::working().await;
    let ten_codes = json!(["PER", "HEA", "AVI", "VAL", "PIL", "EAT", "CAO", "ICE", "HUM", "DIP"]);
    for (member, value, code) in [
        ("origin", json!(null), "required"),
        ("origin", json!(5), "wrong_type"),
        ("origin", json!(""), "invalid_format"),
        ("origin", json!("DELHI"), "invalid_format"),
        ("origin", json!("D\u{0}L"), "invalid_format"),
        ("origin", json!("QQQ"), "unknown_value"),
        ("destination", json!(null), "required"),
        ("destination", json!("XYX"), "unknown_value"),
        ("destination", json!("DEL"), "same_as_origin"),
        ("destination", json!(" del "), "same_as_origin"),
        ("departure_date", json!(null), "required"),
        ("departure_date", json!("2026-02-30"), "invalid_format"),
        ("departure_date", json!("21.11.2026"), "invalid_format"),
        ("departure_date", json!("2026-11-21T00:00:00Z"), "invalid_format"),
        ("departure_date", json!("1969-12-31"), "too_small"),
        ("departure_date", json!("2200-01-01"), "too_large"),
        ("departure_date", json!(20_261_121), "wrong_type"),
        ("weight_kg", json!(0), "too_small"),
        ("weight_kg", json!(-1), "too_small"),
        ("weight_kg", json!(0.05), "too_precise"),
        ("weight_kg", json!(10_000_000), "too_large"),
        ("weight_kg", json!("500"), "wrong_type"),
        ("volume_m3", json!(0), "too_small"),
        ("volume_m3", json!(1.0001), "too_precise"),
        ("positions", json!(-1), "too_small"),
        ("positions", json!(1.5), "too_precise"),
        ("pieces", json!(0), "too_small"),
        ("pieces", json!(100_000), "too_large"),
        ("special_handling_codes", json!("PER"), "wrong_type"),
        ("special_handling_codes", ten_codes, "too_long"),
        ("max_stops", json!(4), "too_large"),
        ("max_stops", json!(-1), "too_small"),
        ("limit", json!(0), "too_small"),
        ("limit", json!(201), "too_large"),
        ("sort", json!("arrival"), "unknown_field"),
        ("color", json!("red"), "unknown_field"),
    ] {
        let mut body = question();
        body[member] = value.clone();
        let faults = world.anonymous().post("/api/v1/routes/search", body).await.expect_faults();
        assert_eq!(faults, [(format!("/{member}"), code.to_owned())], "{member}: {value}");
    }
    let mut body = question();
    body["special_handling_codes"] = json!(["PER", "ZZZ", 7]);
    let faults = world.anonymous().post("/api/v1/routes/search", body).await.expect_faults();
    let pointers: Vec<_> = faults.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
    assert_eq!(pointers, [("/special_handling_codes/1", "unknown_value"), ("/special_handling_codes/2", "wrong_type")]);
}

#[tokio::test]
async fn each_parameter_of_a_query_is_judged() {
    let world = World::working().await;
    for (more, name, code) in [
        ("&weight_kg=0", "weight_kg", "too_small"),
        ("&weight_kg=lots", "weight_kg", "wrong_type"),
        ("&volume_m3=1.0001", "volume_m3", "too_precise"),
        ("&limit=0", "limit", "too_small"),
        ("&limit=201", "limit", "too_large"),
        ("&max_stops=4", "max_stops", "too_large"),
        ("&sort=cheapest", "sort", "unknown_value"),
        ("&sort=price", "weight_kg", "required"),
        ("&sort=emissions", "weight_kg", "required"),
        ("&price=maybe", "price", "wrong_type"),
        ("&color=red", "color", "unknown_field"),
        ("&origin=BOM", "origin", "invalid_format"),
        ("&special_handling_codes=PER,ZZZ", "special_handling_codes", "unknown_value"),
    ] {
        let path = format!("/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-21{more}");
        let faults = world.anonymous().get(&path).await.expect_faults();
        assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{more}");
    }
    for (query, name, code) in [
        ("destination=LHR&departure_date=2026-11-21", "origin", "required"),
        ("origin=&destination=LHR&departure_date=2026-11-21", "origin", "invalid_format"),
        ("origin=DEL&departure_date=2026-11-21", "destination", "required"),
        ("origin=DEL&destination=DEL&departure_date=2026-11-21", "destination", "same_as_origin"),
        ("origin=DEL&destination=LHR", "departure_date", "required"),
        ("origin=DEL&destination=LHR&departure_date=2026-13-01", "departure_date", "invalid_format"),
    ] {
        let faults = world.anonymous().get(&format!("/api/v1/routes?{query}")).await.expect_faults();
        assert_eq!(faults, [(name.to_owned(), code.to_owned())], "{query}");
    }
}

#[tokio::test]
async fn all_faults_are_reported_together() {
    let world = World::working().await;
    let body = json!({"origin": "QQQ", "departure_date": "soon", "weight_kg": -1, "limit": 0, "color": "red"});
    let faults = world.anonymous().post("/api/v1/routes/search", body).await.expect_faults();
    let told: Vec<_> = faults.iter().map(|(pointer, code)| (pointer.as_str(), code.as_str())).collect();
    assert_eq!(
        told,
        [
            ("/color", "unknown_field"),
            ("/departure_date", "invalid_format"),
            ("/destination", "required"),
            ("/limit", "too_small"),
            ("/origin", "unknown_value"),
            ("/weight_kg", "too_small"),
        ]
    );
}

#[tokio::test]
async fn an_installation_without_connections_refuses_one_stop() {
    let world = loadmaster_testkit::WorldOptions::working().set("search.max_stops", "0").start().await;
    let mut body = question();
    body["max_stops"] = json!(1);
    let faults = world.anonymous().post("/api/v1/routes/search", body).await.expect_faults();
    assert_eq!(faults, [("/max_stops".to_owned(), "too_large".to_owned())]);
}

#[tokio::test]
async fn parameters_do_not_belong_to_the_form_with_a_body() {
    let world = World::working().await;
    let answer = world.anonymous().post("/api/v1/routes/search?limit=5", question()).await;
    assert_eq!(answer.expect_faults(), [("limit".to_owned(), "unknown_field".to_owned())]);
}

/// The schema of a member or parameter itself.
fn resolve<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match (schema["$ref"].as_str(), &schema["oneOf"][0]) {
        (Some(reference), _) => resolve(document, document.pointer(&reference[1..]).unwrap()),
        (None, Value::Null) => schema,
        (None, choice) => resolve(document, choice),
    }
}

#[tokio::test]
async fn the_description_states_the_bounds_and_words_that_are_accepted() {
    let world = World::working().await;
    let client = world.anonymous();
    let by_query = async |name: &str, value: &str| {
        let query = format!("origin=DEL&destination=LHR&departure_date=2026-11-21&{name}={value}");
        client.get(&format!("/api/v1/routes?{query}")).await.status.as_u16()
    };
    let by_body = async |name: &str, value: &str| {
        let mut body = question();
        body[name] = serde_json::from_str(value).unwrap();
        client.post("/api/v1/routes/search", body).await.status.as_u16()
    };
    let document = serde_json::to_value(loadmaster::app::openapi()).unwrap();
    let parameters = document["paths"]["/api/v1/routes"]["get"]["parameters"].as_array().unwrap();
    let members = document["components"]["schemas"]["SearchRoutes"]["properties"].as_object().unwrap();
    for name in ["weight_kg", "volume_m3", "positions", "pieces", "max_stops", "limit"] {
        let parameter = parameters.iter().find(|parameter| parameter["name"] == name).unwrap();
        for (schema, is_query) in [(&parameter["schema"], true), (&members[name], false)] {
            let schema = resolve(&document, schema);
            let number = |keyword: &str| schema[keyword].as_f64();
            let (least, most) = number("minimum").zip(number("maximum")).unwrap_or_else(|| panic!("{name}: {schema}"));
            let step = number("multipleOf").unwrap_or(1.0);
            for (value, status) in [(least, 200), (most, 200), (least - step, 400), (most + step, 400)] {
                let value = value.to_string();
                let told = if is_query { by_query(name, &value).await } else { by_body(name, &value).await };
                assert_eq!(told, status, "{name} = {value}, query: {is_query}");
            }
        }
    }
    let sort = parameters.iter().find(|parameter| parameter["name"] == "sort").unwrap();
    let words = resolve(&document, &sort["schema"])["enum"].as_array().expect("the words");
    for order in words {
        let order = order.as_str().unwrap();
        // A price needs a weight, and emissions do.
        assert_eq!(by_query("weight_kg=1&sort", order).await, 200);
        let needs_weight = ["price", "emissions"].contains(&order);
        assert_eq!(by_query("sort", order).await, if needs_weight { 400 } else { 200 });
    }
    assert_eq!(by_query("sort", "cheapest").await, 400);
}
