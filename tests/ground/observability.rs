//! What watches the servers (`deploy/observability`): each query asks for something that is there, each alert fires when it
//! should and at no other time, and whoever is woken finds what to look at and what to do.
mod alerting;
mod dashboards;
mod live;
mod logs;
mod prometheus;
mod queries;
mod rules;
mod runbook;
mod stack;
mod traffic;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Rules and dashboards look at this job alone.
const JOB: &str = r#"job="loadmaster""#;

/// A file of the repository.
fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(name: &str) -> String {
    std::fs::read_to_string(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn yaml(name: &str) -> Value {
    serde_saphyr::from_str(&read(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The files in this directory, by their names in the repository.
fn files(directory: &str) -> Vec<String> {
    let entries = std::fs::read_dir(path(directory)).unwrap_or_else(|error| panic!("{directory}: {error}"));
    let mut names: Vec<_> =
        entries.map(|entry| format!("{directory}/{}", entry.unwrap().file_name().to_str().unwrap())).collect();
    names.sort();
    assert!(!names.is_empty(), "{directory} is empty");
    names
}

#[track_caller]
fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

#[track_caller]
fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Runs a tool of Prometheus or Alertmanager, which must find nothing wrong; answers what it printed.
#[track_caller]
fn run(tool: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(tool);
    // It has little to remember: collecting its garbage took a fifth of its time.
    command.args(arguments).current_dir(path("deploy/observability")).env("GOGC", "400");
    let output = command.output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", how_to_install(tool)));
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool} {arguments:?}: {said}");
    said.into_owned()
}

fn how_to_install(tool: &str) -> String {
    format!(
        "{tool} is needed: ./test installs it where it can; by hand: `apt-get install --no-install-recommends prometheus \
         prometheus-alertmanager`, or https://prometheus.io/download/"
    )
}

/// A rule as its file tells it.
struct Rule {
    file: String,
    body: Value,
}

impl Rule {
    fn expr(&self) -> &str {
        text(&self.body["expr"])
    }

    /// None: it is recorded.
    fn alert(&self) -> Option<&str> {
        self.body["alert"].as_str()
    }

    fn severity(&self) -> &str {
        text(&self.body["labels"]["severity"])
    }
}

fn all_rules() -> Vec<Rule> {
    let mut rules = Vec::new();
    for file in files("deploy/observability/prometheus/rules") {
        for group in list(&yaml(&file)["groups"]) {
            for body in list(&group["rules"]) {
                rules.push(Rule { file: file.clone(), body: body.clone() });
            }
        }
    }
    rules
}

fn alerts() -> Vec<Rule> {
    all_rules().into_iter().filter(|rule| rule.alert().is_some()).collect()
}

fn alert_names() -> BTreeSet<String> {
    alerts().iter().filter_map(Rule::alert).map(ToOwned::to_owned).collect()
}

/// Each dashboard with the name of its file.
fn all_dashboards() -> Vec<(String, Value)> {
    let parse = |file: String| {
        let dashboard = serde_json::from_str(&read(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        (file, dashboard)
    };
    files("deploy/observability/grafana/dashboards").into_iter().map(parse).collect()
}

/// A query, and where it stands.
#[derive(Debug, Clone)]
struct Query {
    place: String,
    expr: String,
}

/// What the panels ask a source of this kind, variables and all.
fn panel_queries(kind: &str) -> Vec<Query> {
    let mut queries = Vec::new();
    for (file, dashboard) in all_dashboards() {
        for panel in list(&dashboard["panels"]) {
            for target in panel["targets"].as_array().into_iter().flatten() {
                if target["datasource"]["type"] == kind {
                    let place = format!("{file}: {}", text(&panel["title"]));
                    queries.push(Query { place, expr: text(&target["expr"]).to_owned() });
                }
            }
        }
    }
    assert!(!queries.is_empty());
    queries
}
