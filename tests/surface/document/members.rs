//! Readers and document know the same members: each request is sent every name that any schema has.
use std::collections::BTreeSet;

use loadmaster_testkit::{
    Answer, Client, NewFlight, World, is_long,
    payments::{any_credit, any_payment, with_test},
};
use serde_json::{Map, Value, json};

use super::{Operation, document, operations, schema::Checker};

/// What fills the holes in paths: things that are there, as bad input is told only about those.
///
/// The party, the template and the alert are `caller`'s: nobody else sees them.
pub(super) async fn fillings(world: &World, caller: &Client) -> Vec<(&'static str, String)> {
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let order = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 1});
    let booking = world.customer().await.post("/api/v1/bookings", order).await.expect(201);
    let ref_id = booking["ref_id"].as_str().unwrap().to_owned();
    let customer = world.customer().await;
    let key = customer.post("/api/v1/api-keys", json!({"name": "test"})).await.expect(201);
    let embargo = json!({"name": "No flights", "reason": "Closed", "origin": "SYD", "destination": "*",
                         "valid_from": "2026-11-20", "effect": "FORBID"});
    let embargo = world.admin().await.post("/api/v1/embargoes", embargo).await.expect(201);
    let admin = world.admin().await;
    let on_flight = json!({"flight_ids": [flight["id"]], "weight_kg": 1});
    let hold = admin.post("/api/v1/holds", on_flight).await.expect(201);
    let reserved = format!("/api/v1/flights/{}/reservations", flight["id"].as_str().unwrap());
    let reserved = admin.post(&reserved, json!({"weight_kg": 1})).await.expect(201);
    let allotment = json!({"organization_id": booking["organization_id"], "name": "Weekly", "origin": "SYD",
                           "destination": "LHR", "date_from": "2026-12-01", "date_to": "2026-12-31", "weight_kg": 1});
    let allotment = admin.post("/api/v1/allotments", allotment).await.expect(201);
    let tariff = admin.post("/api/v1/tariffs", loadmaster_testkit::pricing::tariff("T1", json!({}))).await.expect(201);
    let surcharge =
        admin.post("/api/v1/surcharges", loadmaster_testkit::pricing::surcharge("MYC", json!({}))).await.expect(201);
    let sale = admin.post("/api/v1/sales", loadmaster_testkit::pricing::sale(json!({}))).await.expect(201);
    let asked = json!({"origin": "DEL", "destination": "LHR", "flight_ids": [flight["id"]], "weight_kg": 1});
    let quote = admin.post("/api/v1/quotes", asked).await.expect(201);
    let full = world.flight(NewFlight::new("AI901", "BOM", "LHR")).await;
    loadmaster_testkit::waitlist::fill(&admin, &full).await;
    let wish = json!({"flight_ids": [full["id"]], "weight_kg": 1});
    let waiting = admin.post("/api/v1/waitlist", wish).await.expect(201);
    let webhook = admin.post("/api/v1/webhooks", json!({"url": "https://nowhere.example/"})).await.expect(201);
    let webhook = format!("/webhooks/{}", webhook["id"].as_str().unwrap());
    let delivery = admin.poke(&format!("/api/v1{webhook}/test")).await.expect(202);
    let party = caller.post(loadmaster_testkit::parties::PARTIES, json!({"name": "Nordwerk"})).await.expect(201);
    let template = caller.post(loadmaster_testkit::parties::TEMPLATES, json!({"name": "Roses"})).await.expect(201);
    let alert = json!({"kind": "SPACE", "origin": "DEL", "destination": "LHR", "weight_kg": 100});
    let alert = caller.post("/api/v1/alerts", alert).await.expect(201);
    let feed = json!({"name": "Tariffs", "kind": "TARIFFS", "format": "CSV", "airline_codes": ["AI"]});
    let feed = admin.post("/api/v1/feeds", feed).await.expect(201);
    let feed = format!("/feeds/{}", feed["id"].as_str().unwrap());
    let run = admin.post_raw(&format!("/api/v1{feed}/runs"), "text/csv", "code\n").await.expect(202);
    let plan = json!({"name": "Week 49", "destination": "LHR"});
    let consolidation = caller.post("/api/v1/consolidations", plan).await.expect(201);
    let path = format!("/api/v1/consolidations/{}/parts", consolidation["id"].as_str().unwrap());
    let part = caller.post(&path, json!({"origin": "DEL", "pieces": 1, "weight_kg": 100})).await.expect(201);
    let tag = json!({"code": "hub", "name": "Hub", "color": "#2563eb"});
    let tag = admin.post("/api/v1/station-tags", tag).await.expect(201);
    let collection = json!({"slug": "asia", "name": "Asia", "stations": ["DEL"]});
    let collection = admin.post("/api/v1/station-collections", collection).await.expect(201);
    let tip = json!({"topic": "OTHER", "text": "Use gate 2."});
    let tip = customer.post("/api/v1/stations/DEL/tips", tip).await.expect(202);
    // Only one that is shown is reported.
    admin.poke(&format!("/api/v1/tips/{}/approve", tip["id"].as_str().unwrap())).await.expect(200);
    for path in ["/api/v1/stations/DEL/image", "/api/v1/airlines/AI/logo"] {
        let image = "RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\0\0\0\0\0\0";
        let request = admin.request(reqwest::Method::PUT, path).header("content-type", "image/webp");
        Answer::of(request.body(image)).await.expect(200);
    }
    let payment = any_payment(world, "tok_confirm").await;
    let organization = booking["organization_id"].as_str().unwrap();
    any_credit(world, organization.parse().unwrap()).await;
    vec![
        ("/organizations/{id}", format!("/organizations/{organization}")),
        ("/payments/{id}", format!("/payments/{}", payment["id"].as_str().unwrap())),
        ("{reference}", payment["provider_reference"].as_str().unwrap().to_owned()),
        ("{provider}", "test".to_owned()),
        ("/allotments/{id}", format!("/allotments/{}", allotment["id"].as_str().unwrap())),
        ("/holds/{id}", format!("/holds/{}", hold["id"].as_str().unwrap())),
        ("{hold_id}", reserved["id"].as_str().unwrap().to_owned()),
        ("/webhooks/{id}", webhook),
        ("/booking-templates/{id}", format!("/booking-templates/{}", template["id"].as_str().unwrap())),
        ("/consolidations/{id}", format!("/consolidations/{}", consolidation["id"].as_str().unwrap())),
        ("{part_id}", part["id"].as_str().unwrap().to_owned()),
        ("{organization_id}", uuid::Uuid::now_v7().to_string()),
        ("{origin}", "DEL".to_owned()),
        ("/alerts/{id}", format!("/alerts/{}", alert["id"].as_str().unwrap())),
        ("/feeds/{id}", feed),
        ("{run_id}", run["id"].as_str().unwrap().to_owned()),
        ("/parties/{id}", format!("/parties/{}", party["id"].as_str().unwrap())),
        ("{delivery_id}", delivery["id"].as_str().unwrap().to_owned()),
        ("/waitlist/{id}", format!("/waitlist/{}", waiting["id"].as_str().unwrap())),
        ("/station-tags/{id}", format!("/station-tags/{}", tag["id"].as_str().unwrap())),
        ("/station-collections/{id}", format!("/station-collections/{}", collection["id"].as_str().unwrap())),
        ("/tips/{id}", format!("/tips/{}", tip["id"].as_str().unwrap())),
        ("/embargoes/{id}", format!("/embargoes/{}", embargo["id"].as_str().unwrap())),
        ("/tariffs/{id}", format!("/tariffs/{}", tariff["id"].as_str().unwrap())),
        ("/surcharges/{id}", format!("/surcharges/{}", surcharge["id"].as_str().unwrap())),
        ("/sales/{id}", format!("/sales/{}", sale["id"].as_str().unwrap())),
        ("/quotes/{id}", format!("/quotes/{}", quote["id"].as_str().unwrap())),
        ("/jobs/{id}", format!("/jobs/{}", uuid::Uuid::now_v7())),
        ("/schedules/{name}", "/schedules/expired_tokens".to_owned()),
        ("/users/{id}", format!("/users/{}", booking["created_by"].as_str().unwrap())),
        ("/api-keys/{id}", format!("/api-keys/{}", key["id"].as_str().unwrap())),
        (
            "/notifications/{id}",
            format!("/notifications/{}", loadmaster_testkit::notifications::any_notification(world).await),
        ),
        ("{token}", "token".to_owned()),
        ("{type}", "loadmaster.booking.booked.v1".to_owned()),
        ("{id}", flight["id"].as_str().unwrap().to_owned()),
        ("{ref_id}", ref_id.clone()),
        ("{number}", ref_id),
        ("{name}", "London".to_owned()),
        ("/airports/{code}", "/airports/DEL".to_owned()),
        ("/stations/{code}", "/stations/DEL".to_owned()),
        ("/aircraft/{code}", "/aircraft/77X".to_owned()),
        ("/cities/{code}", "/cities/LON".to_owned()),
    ]
}

pub(super) fn filled(template: &str, fillings: &[(&str, String)]) -> String {
    let path = fillings.iter().fold(template.to_owned(), |path, (hole, value)| path.replace(hole, value));
    path.replace("{code}", "AI")
}

/// Every name that a member or parameter has anywhere, and one that none has.
fn all_names(document: &Value) -> BTreeSet<String> {
    let schemas = document["components"]["schemas"].as_object().unwrap().values();
    let checker = Checker::new(document);
    let members =
        schemas.flat_map(|schema| checker.members(schema).into_keys().map(ToOwned::to_owned).collect::<Vec<_>>());
    let operations = operations(document);
    let parameters = operations.iter().flat_map(|operation| operation.parameters("query"));
    members.chain(parameters.map(ToOwned::to_owned)).chain(["no_such_name".to_owned()]).collect()
}

/// The places that an answer calls unknown, below `prefix`, without it.
fn unknown(answer: &Value, key: &str, prefix: &str) -> BTreeSet<String> {
    let errors = answer["errors"].as_array().expect("faults");
    let unknown =
        errors.iter().filter(|fault| fault["code"] == "unknown_field").filter_map(|fault| fault[key].as_str());
    unknown
        .filter_map(|place| place.strip_prefix(prefix))
        .filter(|place| !place.contains('/'))
        .map(ToOwned::to_owned)
        .collect()
}

/// The members that an answer calls missing.
fn missing_members(answer: &Value) -> BTreeSet<String> {
    let errors = answer["errors"].as_array().expect("faults").iter();
    let missing = errors.filter(|fault| fault["code"] == "required").filter_map(|fault| fault["pointer"].as_str());
    missing.filter_map(|pointer| pointer.strip_prefix('/')).map(ToOwned::to_owned).collect()
}

/// The members of the JSON body that an operation documents, if it has one.
fn body_schema<'a>(operation: &Operation<'a>) -> Option<&'a Value> {
    let schema = operation.body.pointer("/requestBody/content/application~1json/schema")?;
    Some(schema["oneOf"].as_array().map_or(schema, |choices| &choices[0]))
}

fn may_be_null(member: &Value) -> bool {
    let choices = member["oneOf"].as_array().into_iter().flatten().map(|choice| &choice["type"]);
    choices
        .chain([&member["type"]])
        .any(|kind| kind == "null" || kind.as_array().is_some_and(|kinds| kinds.contains(&json!("null"))))
}

/// As many names as are surely told back: the first hundred faults are.
const AT_ONCE: usize = 80;

/// What is sent to a place: what is known there, and of the other names, with little time, every fifth only. With each turn
/// they are others.
fn tried<'a>(names: &'a BTreeSet<String>, known: &BTreeSet<&str>, turn: usize) -> BTreeSet<&'a str> {
    let is_tried =
        |(at, name): &(usize, &String)| is_long() || known.contains(name.as_str()) || (at + turn).is_multiple_of(5);
    names.iter().enumerate().filter(is_tried).map(|(_, name)| name.as_str()).collect()
}

/// The names that are unknown there.
fn unknown_of(tried: &BTreeSet<&str>, known: &BTreeSet<&str>) -> BTreeSet<String> {
    tried.difference(known).map(|name| (*name).to_owned()).collect()
}

/// Bodies that together have every name, each with nothing in it.
fn bodies(names: &BTreeSet<&str>) -> Vec<Value> {
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let body = |part: &[String]| part.iter().map(|name| (name.clone(), Value::Null)).collect::<Map<_, _>>().into();
    names.chunks(AT_ONCE).map(body).collect()
}

async fn refused(client: &Client, operation: &Operation<'_>, path: &str, body: Value) -> Value {
    let method = operation.method.parse().unwrap();
    client.send(method, path, &[], Some(&body)).await.expect_problem(400, "validation_failed")
}

#[tokio::test]
async fn bodies_are_read_for_exactly_the_documented_members() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let fillings = fillings(&world, &admin).await;
    let document = document();
    let checker = Checker::new(&document);
    let names = all_names(&document);
    let mut probed = 0;
    for operation in operations(&document) {
        let Some(schema) = body_schema(&operation) else { continue };
        // What a provider sends may have more than what is read.
        if operation.path.contains("/webhooks/") {
            continue;
        }
        // A list has no members of its own.
        if schema["type"] == "array" {
            continue;
        }
        let path = filled(operation.path, &fillings);
        // Of a body that has one of several forms, all members are known, and without any the first form is meant.
        let forms = checker.resolve(schema)["oneOf"].as_array();
        let schema = forms.map_or(schema, |forms| &forms[0]);
        let mut members = checker.members(schema);
        members.extend(forms.into_iter().flatten().skip(1).flat_map(|form| checker.members(form)));
        let known: BTreeSet<&str> = members.keys().copied().collect();
        let sent = tried(&names, &known, probed);

        let (mut found, mut missing) = (BTreeSet::new(), BTreeSet::new());
        for body in bodies(&sent) {
            let answer = refused(&admin, &operation, &path, body).await;
            found.append(&mut unknown(&answer, "pointer", "/"));
            missing.append(&mut missing_members(&answer));
        }
        // Of `aircraft_code` and `capacity` either will do.
        if operation.path.ends_with("/flights") {
            missing.remove("capacity");
        }
        // Flights may be named instead of ends and date.
        if operation.method.eq_ignore_ascii_case("post")
            && ["/holds", "/waitlist"].iter().any(|end| operation.path.ends_with(end))
        {
            missing.retain(|name| name == "weight_kg");
        }
        // The token may be in a cookie.
        if ["/auth/refresh", "/auth/logout"].iter().any(|end| operation.path.ends_with(end)) {
            missing.remove("refresh_token");
        }
        // Paid by token or from the account.
        if operation.path.ends_with("/bookings/{ref_id}/payments") {
            missing.remove("payment_token");
        }
        if operation.path.ends_with("/quotes") {
            missing.remove("departure_date");
        }
        // A sale is by percent or by amount.
        if operation.path.ends_with("/sales") {
            missing.remove("percent");
        }
        assert_eq!(found, unknown_of(&sent, &known), "{}", operation.name());
        // A merge patch requires nothing, but refuses to clear what it does not say may be null.
        let patches = ["/commit", "/book"].iter().any(|end| operation.path.ends_with(end));
        let required: BTreeSet<String> = match operation.method.to_lowercase().as_str() {
            method if method == "patch" || patches => {
                let kept = members.iter().filter(|(_, member)| !may_be_null(member));
                kept.map(|(name, _)| (*name).to_owned()).collect()
            }
            _ => checker.required(schema).into_iter().map(ToOwned::to_owned).collect(),
        };
        // Of dimensions it may be the sum.
        if known.contains("dimensions") {
            missing.retain(|name| required.contains(name) || !["pieces", "weight_kg"].contains(&name.as_str()));
        }
        assert_eq!(missing, required, "{}", operation.name());

        for (name, member) in members {
            let member = member["oneOf"].as_array().map_or(member, |choices| &choices[0]);
            let inner = checker.members(member);
            if inner.is_empty() {
                continue;
            }
            let known: BTreeSet<&str> = inner.into_keys().collect();
            let sent = tried(&names, &known, probed);
            let mut found = BTreeSet::new();
            for body in bodies(&sent) {
                let answer = refused(&admin, &operation, &path, json!({ name: body })).await;
                found.append(&mut unknown(&answer, "pointer", &format!("/{name}/")));
            }
            assert_eq!(found, unknown_of(&sent, &known), "{} {name}", operation.name());
        }
        probed += 1;
    }
    assert!(probed >= 10, "{probed}");
}

#[tokio::test]
async fn queries_are_read_for_exactly_the_documented_parameters() {
    let world = with_test().start().await;
    let admin = world.admin().await;
    let fillings = fillings(&world, &admin).await;
    let document = document();
    let mut names = all_names(&document);
    // A ticket that is none is told before all else.
    names.remove("ticket");
    let operations = operations(&document);
    // What is read somewhere is tried everywhere.
    let read: BTreeSet<&str> = operations.iter().flat_map(|operation| operation.parameters("query")).collect();
    for (turn, operation) in operations.iter().enumerate() {
        // What is outside the base path is asked by programs that add what they like.
        if !operation.path.starts_with("/api/v1/")
            || ["/api/v1/auth/token", "/api/v1/health", "/api/v1/info"].contains(&operation.path)
        {
            continue;
        }
        let sent = tried(&names, &read, turn);
        let in_order: Vec<_> = sent.iter().map(|name| format!("{name}=")).collect();
        let mut found = BTreeSet::new();
        for query in in_order.chunks(AT_ONCE) {
            let path = format!("{}?{}", filled(operation.path, &fillings), query.join("&"));
            let content = operation.body["requestBody"]["content"].as_object().into_iter().flatten();
            let kinds: Vec<&str> = content.map(|(kind, _)| kind.as_str()).collect();
            let answer = if kinds.is_empty() || kinds.contains(&"application/json") {
                refused(&admin, operation, &path, json!({})).await
            } else {
                let request = admin.request(operation.method.parse().unwrap(), &path);
                let request = request.header("content-type", kinds[0]).body("x");
                Answer::of(request).await.expect_problem(400, "validation_failed")
            };
            found.append(&mut unknown(&answer, "name", ""));
        }
        let known = operation.parameters("query").into_iter().collect();
        assert_eq!(found, unknown_of(&sent, &known), "{}", operation.name());
    }
}
