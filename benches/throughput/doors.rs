//! One booking by GraphQL beside the same booking by REST, by turns: `BENCH_ONLY=booking cargo bench --bench throughput`.
//!
//! Each member that REST shows is selected, so that both answers have as much in them.
use std::sync::Arc;

use serde_json::{Value, json};

use crate::{
    common::{
        load::{Client, Load},
        median,
        network::post,
        site::Site,
    },
    contests::{Against, Bench, Contest, Requests, What},
};

pub const NAMES: [&str; 2] = ["booking by REST", "booking by GraphQL"];
/// Minimum throughput of GraphQL, as a part of that of REST.
const GOAL: f64 = 0.7;
const CLIENTS: usize = 32;

/// Returns the rows; only that of REST for a release without GraphQL.
pub async fn contests(site: &Site, references: &[String], shown: &Requests, contained: &Requests) -> Vec<Contest> {
    let mut client = Client::connect(site.here).await;
    let (status, body) = client.ask(&shown[0]).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
    let booking: Value = serde_json::from_slice(body).unwrap();
    // The reference comes first, where answers are checked.
    let selected = selection(&booking).unwrap().replacen('{', "{ refId", 1);
    let query = format!("query Booking($refId: String!) {{ booking(refId: $refId) {selected} }}");
    let ask = |reference| {
        let body = json!({"query": query, "variables": {"refId": reference}});
        post("/graphql", Some(&site.token), &body.to_string())
    };
    let asked: Vec<Vec<u8>> = references.iter().map(ask).collect();
    let (status, body) = client.ask(&asked[0]).await;
    let mut doors = vec![(NAMES[0], shown.clone(), contained.clone())];
    if status != 404 {
        let text = String::from_utf8_lossy(body);
        assert!(status == 200 && !text.contains("\"errors\""), "{status} {text}");
        let contained = references.iter().map(|reference| format!("\"refId\":\"{reference}\"").into_bytes());
        doors.push((NAMES[1], Arc::new(asked), Arc::new(contained.collect())));
    }
    let contest = |(name, requests, contained)| {
        Contest::new(name, CLIENTS, What::Ask(requests, contained, 200), Against::Nothing, None)
    };
    doors.into_iter().map(contest).collect()
}

/// Returns what selects each member of an object that has a value; nothing for a scalar and an empty list.
fn selection(value: &Value) -> Option<String> {
    match value {
        Value::Object(members) => {
            let fields = members.iter().filter(|(_, value)| !value.is_null() && **value != json!([]));
            let fields = fields.map(|(name, value)| camel(name) + &selection(value).unwrap_or_default());
            Some(format!(" {{ {} }}", fields.collect::<Vec<_>>().join(" ")))
        }
        Value::Array(items) => items.first().and_then(selection),
        _ => None,
    }
}

/// Returns the name that a member has in the schema.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

/// Prints and returns how GraphQL compares with REST.
pub fn report(bench: &Bench<'_>) -> Value {
    let [Some(rest), Some(graphql)] = NAMES.map(|name| bench.contest(name)) else { return Value::Null };
    let rate = median(graphql.ratios(rest, Load::per_second).into_iter());
    let p99 = median(graphql.ratios(rest, |load| load.quantile(0.99)).into_iter());
    let server = median(graphql.ratios_spent(rest).into_iter());
    println!(
        "one booking, GraphQL to REST: rate {rate:.2} (goal {GOAL}), p99 {p99:.2}, server's processor time {server:.2}"
    );
    json!({"rate": rate, "p99": p99, "server": server, "goal": GOAL})
}
