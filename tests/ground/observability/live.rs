//! Real servers, and a real Prometheus that scrapes them.
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use loadmaster_testkit::Client;

use super::{
    Query, alert_names, all_dashboards, all_rules, list, panel_queries,
    prometheus::{Prometheus, until_known},
    queries::{Matcher, Selector, asked},
    runbook, text,
    traffic::Site,
};
use crate::metrics::parse;

/// What Prometheus makes itself.
const ITS_OWN: [&str; 2] = ["up", "ALERTS"];
/// About what nobody does here: open streams, messages to people, and TLS. The tests of these look at the metrics.
const NOT_PROVOKED: [&str; 4] = [
    "loadmaster_streams",
    "loadmaster_notifications_total",
    "loadmaster_notification_delay_seconds_bucket",
    "loadmaster_tls_certificate_valid_until_seconds",
];
/// What Prometheus adds to all that it scrapes.
const ADDED: [&str; 2] = ["job", "instance"];
/// Labels whose values cannot all be provoked: no healthy server answers 503.
const OPEN: [&str; 1] = ["status"];
/// Far longer than any query takes to find something.
const PATIENCE: Duration = Duration::from_mins(1);

/// Everything that rules, panels, notes on the charts and the runbook ask Prometheus.
fn everything() -> Vec<Query> {
    let mut queries = panel_queries("prometheus");
    queries.extend(all_rules().iter().map(|rule| Query { place: rule.file.clone(), expr: rule.expr().to_owned() }));
    queries.extend(runbook::queries());
    for (file, dashboard) in all_dashboards() {
        for annotation in list(&dashboard["annotations"]["list"]) {
            queries.push(Query { place: file.clone(), expr: text(&annotation["expr"]).to_owned() });
        }
        for variable in list(&dashboard["templating"]["list"]).iter().filter(|it| it["type"] == "query") {
            let asked = text(&variable["query"]["query"]).strip_prefix("label_values(").expect("values of a label");
            let (series, label) = asked.strip_suffix(')').unwrap().rsplit_once(", ").unwrap();
            queries.push(Query { place: file.clone(), expr: format!("count by ({label}) ({series})") });
        }
    }
    queries
}

/// As Grafana asks it, with all instances and endpoints chosen. A window of five minutes holds all that the test does.
fn as_asked(query: &str) -> String {
    query.replace("$instance", ".*").replace("$route", ".*").replace("$__rate_interval", "5m")
}

/// The labels of a metric with all their values.
type Series = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

async fn series(base: &str) -> Series {
    let mut series = Series::new();
    for sample in parse(&Client::anonymous(base).get("/metrics").await.text) {
        let labels = series.entry(sample.name).or_default();
        for (label, value) in sample.labels {
            labels.entry(label).or_default().insert(value);
        }
    }
    series
}

/// What a query asks for that is not there.
fn missing(query: &Query, series: &Series) -> Vec<String> {
    let asked = asked(&query.expr);
    let recorded: BTreeSet<_> =
        all_rules().iter().filter_map(|rule| rule.body["record"].as_str().map(ToOwned::to_owned)).collect();
    let is_known =
        |metric: &str| ITS_OWN.contains(&metric) || NOT_PROVOKED.contains(&metric) || recorded.contains(metric);
    let mut missing = Vec::new();
    let mut labels: BTreeSet<&str> = ADDED.into();
    if asked.selectors.iter().any(|selector| NOT_PROVOKED.contains(&selector.metric.as_str())) {
        labels.extend(["kind", "channel", "type", "outcome", "le"]);
    }
    for Selector { metric, matchers } in asked.selectors.iter().filter(|selector| !is_known(&selector.metric)) {
        let Some(has) = series.get(metric) else {
            missing.push(metric.clone());
            continue;
        };
        labels.extend(has.keys().map(String::as_str));
        for matcher in matchers.iter().filter(|matcher| !ADDED.contains(&matcher.label.as_str())) {
            let Matcher { label, .. } = matcher;
            let Some(values) = has.get(label) else {
                missing.push(format!("{metric}: {label}"));
                continue;
            };
            let wanted = matcher.values();
            let strange = wanted.iter().filter(|value| !OPEN.contains(&label.as_str()) && !values.contains(**value));
            missing.extend(strange.map(|value| format!("{metric}: {label}={value}")));
        }
    }
    missing.extend(
        asked.groupings.iter().filter(|label| !labels.contains(label.as_str())).map(|label| format!("by {label}")),
    );
    missing.into_iter().map(|what| format!("{}: {what}", query.place)).collect()
}

#[tokio::test]
async fn every_query_uses_series_and_labels_that_a_running_server_shows() {
    let site = Site::start().await;
    let queries = everything();
    let mut found = Vec::new();
    let began = Instant::now();
    // Jobs and deliveries happen beside the requests.
    while began.elapsed() < PATIENCE {
        site.round().await;
        let series = series(&site.busy.base).await;
        found = queries.iter().flat_map(|query| missing(query, &series)).collect();
        if found.is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("/metrics shows no\n{}", found.join("\n"));
}

async fn without_data(prometheus: &Prometheus, queries: Vec<Query>) -> Vec<Query> {
    let mut without = Vec::new();
    for query in queries {
        let values = prometheus.ask(&as_asked(&query.expr)).await;
        if values.is_empty() || values.iter().all(|value| value.is_nan()) {
            without.push(query);
        }
    }
    without
}

#[tokio::test]
async fn every_panel_shows_something_and_every_rule_has_run() {
    let site = Site::start().await;
    let prometheus = Prometheus::start(&[&site.busy.base, &site.quiet.base]).await;
    until_known("both servers are scraped", async || prometheus.ask(r#"sum(up{job="loadmaster"})"#).await == [2.0])
        .await;
    let mut queries = panel_queries("prometheus");
    queries.retain(|query| !NOT_PROVOKED.iter().any(|metric| query.expr.contains(metric)));
    let began = Instant::now();
    // What a scrape sees first has not grown yet: it takes a second look.
    while !queries.is_empty() {
        assert!(began.elapsed() < PATIENCE, "no data for {queries:#?}\n{}", prometheus.log());
        site.round().await;
        queries = without_data(&prometheus, queries).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    // An operator's queries need find nothing, but make sense.
    for query in everything() {
        prometheus.ask(&as_asked(&query.expr)).await;
    }

    until_known("every rule was evaluated", async || prometheus.rules().await.iter().all(|rule| rule.has_run)).await;
    let rules = prometheus.rules().await;
    assert_eq!(rules.len(), all_rules().len());
    for rule in &rules {
        assert!(rule.health == "ok" && rule.error.is_empty(), "{}: {}", rule.name, rule.error);
    }
    let names: BTreeSet<_> = rules.iter().map(|rule| rule.name.clone()).collect();
    assert!(alert_names().is_subset(&names));
    for name in ["NoInstanceUp", "DatabaseAway", "InstanceDown", "InstanceWithoutDatabase", "RedisAway", "JobsDead"] {
        until_known(&format!("{name} is silent"), async || {
            !prometheus.rules().await.iter().any(|rule| rule.name == name && rule.is_active)
        })
        .await;
    }
}

#[tokio::test]
async fn stopping_servers_and_databases_fires_their_alerts() {
    let mut site = Site::start().await;
    let prometheus = Prometheus::start(&[&site.busy.base, &site.quiet.base]).await;
    let is_active = async |name: &str| prometheus.rules().await.iter().any(|rule| rule.name == name && rule.is_active);
    until_known("both servers are scraped", async || prometheus.ask(r#"sum(up{job="loadmaster"})"#).await == [2.0])
        .await;
    site.redis.kill();
    until_known("Redis is missed", async || is_active("RedisAway").await).await;
    assert!(!is_active("DatabaseAway").await);
    site.database.close_doors().await;
    until_known("the database is missed", async || is_active("DatabaseAway").await).await;
    site.database.open_doors().await;
    until_known("the database is back", async || !is_active("DatabaseAway").await).await;
    site.quiet.child.kill().await.unwrap();
    until_known("a server is missed", async || is_active("InstanceDown").await).await;
    assert!(!is_active("NoInstanceUp").await);
    site.busy.child.kill().await.unwrap();
    until_known("all servers are missed", async || is_active("NoInstanceUp").await).await;
}
