//! Every parameter of a read is taken, one at a time.
use loadmaster_testkit::payments::with_test;
use serde_json::Value;

use super::{document, operations, problems::Requests, schema::Checker};

/// A place in a list, and what goes with a stream, are not made up.
const NOT_MADE_UP: [&str; 4] = ["cursor", "ticket", "last_event_id", "month"];

/// Values of this parameter: all words, or one of what has no end.
fn values<'a>(checker: &Checker<'a>, name: &str, schema: &'a Value) -> Vec<String> {
    const VALUES: [(&str, &str); 18] = [
        ("act", "user.changed"),
        ("airline", "AI"),
        ("country", "IN"),
        ("currency", "USD"),
        ("destination", "LHR"),
        ("flight_number", "AI101"),
        ("from", "2026-11-01&to=2026-11-20"),
        ("include", "history"),
        ("kind", "outbox"),
        ("origin", "DEL"),
        ("price", "true&weight_kg=1"),
        ("product", "GENERAL"),
        ("ref_id", "ACB123456789"),
        ("special_handling_codes", "PER"),
        ("station", "DEL"),
        ("to", "2026-11-20&from=2026-11-01"),
        ("type", "loadmaster.booking.booked.v1"),
        ("types", "loadmaster.booking.booked.v1"),
    ];
    // Of a list, the words of its entries.
    let schema = schema.get("items").map_or(schema, |entry| checker.resolve(entry));
    let words = schema["enum"].as_array().or(schema["x-extensible-enum"].as_array());
    if let Some(words) = words {
        return words.iter().map(|word| word.as_str().expect("a word").to_owned()).collect();
    }
    match (name, schema["format"].as_str()) {
        ("from", Some("date-time")) => return vec!["2026-11-20T00:00:00Z&to=2026-11-21T00:00:00Z".to_owned()],
        ("to", Some("date-time")) => return vec!["2026-11-21T00:00:00Z&from=2026-11-20T00:00:00Z".to_owned()],
        _ => {}
    }
    if let Some((_, value)) = VALUES.iter().find(|(known, _)| *known == name) {
        return vec![(*value).to_owned()];
    }
    let text = match (schema["type"].as_str(), schema["format"].as_str()) {
        (Some("boolean"), _) => "true",
        (Some("integer" | "number"), _) => "1",
        (_, Some("uuid")) => "019a0000-0000-7000-8000-000000000000",
        (_, Some("date")) => "2026-11-21",
        (_, Some("date-time")) => "2026-11-21T00:00:00Z",
        _ => "del",
    };
    vec![text.to_owned()]
}

#[tokio::test]
async fn every_parameter_of_a_read_is_taken() {
    let world = with_test().start().await;
    let (admin, document) = (world.admin().await, document());
    let requests = Requests::to(&world, &admin).await;
    let checker = Checker::new(&document);
    let mut refused = Vec::new();
    for operation in operations(&document).iter().filter(|it| it.method == "GET") {
        for parameter in operation.body["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let path = requests.path(operation);
            // Those that are needed are in the path already.
            if parameter["in"] != "query" || NOT_MADE_UP.contains(&name) || path.contains(&format!("{name}=")) {
                continue;
            }
            let mark = if path.contains('?') { '&' } else { '?' };
            // Guests have no account, which the description says.
            let is_of_guests = |value: &String| name == "role" && value == "guest";
            let values = values(&checker, name, checker.resolve(&parameter["schema"]));
            for value in values.iter().filter(|value| !is_of_guests(value)) {
                // The cheapest first needs a weight, as prices do, and so do the least emissions.
                let weight = if ["price", "emissions"].contains(&value.as_str()) { "&weight_kg=1" } else { "" };
                let answer = admin.get(&format!("{path}{mark}{name}={value}{weight}")).await;
                if !answer.status.is_success() {
                    refused.push(format!("{} {name}={value}: {:.300}", operation.name(), answer.text));
                }
            }
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}
