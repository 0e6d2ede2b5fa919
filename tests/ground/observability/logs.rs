//! What is asked of the logs is in the lines that a server writes.
use std::{collections::BTreeMap, path::Path};

use loadmaster_testkit::{TestDatabase, command::loadmaster, redis_url, until};
use serde_json::Value;

use super::{list, panel_queries, queries::asked_of_lines, read, text, yaml};

const ALLOY: &str = "deploy/observability/alloy/config.alloy";
/// Of a caller that traces.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

/// The last line of a request that a real server was asked, as text.
async fn answered() -> String {
    let (database, directory) = (TestDatabase::create().await, tempfile::tempdir().unwrap());
    let file = directory.path().join("log");
    let serving = loadmaster(&["serve"]).on(&database).env("REDIS_URL", &redis_url());
    let serving = serving.logging_into(&file).serve().ready().await;
    let request = serving.client().request(reqwest::Method::GET, "/api/v1/airports/DEL");
    let answer = request.header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let request_id = answer.headers()["x-request-id"].to_str().unwrap();
    // A thread of its own writes the log.
    until("the line is written", async || line(&file, request_id).is_some()).await;
    line(&file, request_id).unwrap()
}

fn line(file: &Path, request_id: &str) -> Option<String> {
    let log = std::fs::read_to_string(file).unwrap();
    let whole = log.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    let lines: Vec<_> = whole.filter(|line| line.contains(request_id) && line.contains("answered")).collect();
    assert!(lines.len() <= 1, "not one line for {request_id}: {log}");
    lines.first().map(|line| line.trim_end().to_owned())
}

/// The members as Loki's `json` names them: those of members joined by underscores.
fn members(line: &str) -> BTreeMap<String, Value> {
    let mut members = BTreeMap::new();
    let line: Value = serde_json::from_str(line).expect("a line of JSON");
    for (name, value) in line.as_object().unwrap() {
        match value {
            Value::Object(inner) => {
                members.extend(inner.iter().map(|(it, value)| (format!("{name}_{it}"), value.clone())));
            }
            _ => _ = members.insert(name.clone(), value.clone()),
        }
    }
    members
}

/// `name = "expression"` within this block of Alloy's settings; an empty expression is the name.
fn expressions(after: &str, block: &str) -> BTreeMap<String, String> {
    let settings = read(ALLOY);
    let from = settings.find(after).unwrap_or_else(|| panic!("Alloy has no {after}"));
    let block =
        settings[from..].split_once(block).expect("the block").1.split_once('{').unwrap().1.split_once('}').unwrap().0;
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (name.trim(), value.trim().trim_matches('"'));
        Some((name.to_owned(), if value.is_empty() { name } else { value }.to_owned()))
    };
    block.split([',', '\n']).filter_map(pair).collect()
}

#[tokio::test]
async fn every_query_of_logs_uses_members_that_a_line_has() {
    let line = answered().await;
    let members = members(&line);
    assert_eq!(members["message"], "answered");
    assert!(members["milliseconds"].is_number() && members["status"] == 200, "{line}");
    let labels = expressions("stage.labels", "values");
    for query in panel_queries("loki") {
        let asked = asked_of_lines(&query.expr);
        for member in asked.members {
            assert!(members.contains_key(&member), "{}: {member} is not in {line}", query.place);
        }
        for label in asked.labels {
            let is_set = labels.contains_key(&label) || read(ALLOY).contains(&format!("{label} = \"loadmaster\""));
            assert!(is_set, "{}: no stream has {label}", query.place);
        }
        assert!(query.expr.starts_with('{') || query.expr.contains("[$__auto]"), "{}", query.place);
    }
}

#[tokio::test]
async fn the_collector_finds_level_time_and_request_in_a_line() {
    let line = answered().await;
    let parsed: Value = serde_json::from_str(&line).unwrap();
    let extracted = expressions("stage.json", "expressions");
    let of = |name: &str| parsed.pointer(&format!("/{}", extracted[name].replace('.', "/")));
    assert_eq!(of("level"), Some(&Value::from("INFO")));
    chrono::DateTime::parse_from_rfc3339(text(of("timestamp").unwrap())).unwrap();
    assert!(!text(of("request_id").unwrap()).is_empty());
    for (block, inner) in [("stage.labels", "values"), ("stage.structured_metadata", "values")] {
        for source in expressions(block, inner).values() {
            assert!(extracted.contains_key(source), "{block}: {source}");
        }
    }
}

#[tokio::test]
async fn a_line_leads_to_its_request_and_its_trace() {
    let line = answered().await;
    let parsed: Value = serde_json::from_str(&line).unwrap();
    let sources = yaml("deploy/observability/grafana/provisioning/datasources/datasources.yml");
    let loki = list(&sources["datasources"]).iter().find(|source| source["uid"] == "loki").unwrap();
    let extracted = expressions("stage.json", "expressions");
    for (name, member) in [("request", "request_id"), ("trace", "trace_id")] {
        let field = list(&loki["jsonData"]["derivedFields"]).iter().find(|field| field["name"] == name).unwrap();
        // `"member":"(...)"`: Grafana takes what the parentheses hold.
        let pattern = text(&field["matcherRegex"]);
        let (before, after) = pattern.split_once('(').unwrap();
        assert!(pattern.ends_with(")\"") && before == format!("\"{member}\":\""), "{pattern}");
        let value =
            line.split_once(before).unwrap_or_else(|| panic!("{line} has no {member}")).1.split('"').next().unwrap();
        let pointer = format!("/{}", extracted[member].replace('.', "/"));
        assert_eq!(parsed.pointer(&pointer), Some(&Value::from(value)), "{line}");
        if name == "trace" {
            assert!(after.starts_with("[0-9a-f]{32}") && value == TRACE, "{value}");
        }
    }
    let tempo = list(&sources["datasources"]).iter().find(|source| source["uid"] == "tempo").unwrap();
    let back = text(&tempo["jsonData"]["tracesToLogsV2"]["query"]);
    assert_eq!(back, r#"{service_name="loadmaster"} |= "$${__trace.traceId}""#);
}
