//! The dashboards, as files.
use std::collections::BTreeSet;

use serde_json::Value;

use super::{all_dashboards, list, queries::asked, read, text, yaml};

const SOURCES: &str = "deploy/observability/grafana/provisioning/datasources/datasources.yml";

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    list(&dashboard["panels"]).iter().filter(|panel| panel["type"] != "row")
}

fn whole(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no number: {value}"))
}

#[test]
fn every_dashboard_has_an_address_and_a_title_of_its_own() {
    let (mut uids, mut titles) = (BTreeSet::new(), BTreeSet::new());
    for (file, dashboard) in all_dashboards() {
        let name = file.rsplit_once('/').unwrap().1.strip_suffix(".json").unwrap();
        assert_eq!(text(&dashboard["uid"]), format!("loadmaster-{name}"), "{file}");
        assert!(uids.insert(text(&dashboard["uid"]).to_owned()), "{file}");
        assert!(titles.insert(text(&dashboard["title"]).to_owned()), "{file}");
        assert!(!text(&dashboard["description"]).is_empty(), "{file}");
        assert!(list(&dashboard["tags"]).contains(&"loadmaster".into()), "{file}: links go by the tag");
        // Grafana gives it one of its own.
        assert!(dashboard.get("id").is_none(), "{file}");
    }
    for (file, _) in all_dashboards() {
        for link in read(&file).split("\"/d/").skip(1) {
            let uid = link.split(['?', '"']).next().unwrap();
            assert!(uids.contains(uid), "{file} links to {uid}");
        }
    }
    let home = yaml("deploy/observability/compose.yml");
    let home =
        text(&home["services"]["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).to_owned();
    assert_eq!(home, "/etc/grafana/dashboards/overview.json");
}

/// Every source that is named in it, also by notes on charts and by variables.
fn named_sources(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(named_sources).collect(),
        Value::Object(members) => {
            let here = members.get("datasource").and_then(|source| source["uid"].as_str()).map(ToOwned::to_owned);
            members.values().flat_map(named_sources).chain(here).collect()
        }
        _ => BTreeSet::new(),
    }
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_from_where() {
    let sources = yaml(SOURCES);
    let sources: BTreeSet<_> =
        list(&sources["datasources"]).iter().map(|source| (text(&source["type"]), text(&source["uid"]))).collect();
    for (file, dashboard) in all_dashboards() {
        for uid in named_sources(&dashboard) {
            assert!(sources.iter().any(|(_, known)| **known == *uid), "{file} asks {uid}");
        }
        let (mut ids, mut titles) = (BTreeSet::new(), BTreeSet::new());
        for panel in panels(&dashboard) {
            let title = text(&panel["title"]);
            let place = format!("{file}: {title}");
            assert!(!title.is_empty() && titles.insert(title), "{place}: twice");
            assert!(text(&panel["description"]).ends_with('.'), "{place}");
            assert!(!text(&panel["fieldConfig"]["defaults"]["unit"]).is_empty(), "{place}");
            let source = |it: &Value| (text(&it["type"]).to_owned(), text(&it["uid"]).to_owned());
            let (kind, uid) = source(&panel["datasource"]);
            assert!(sources.contains(&(&*kind, &*uid)), "{place} asks {uid}");
            let targets = list(&panel["targets"]);
            assert!(!targets.is_empty() || panel["type"] == "alertlist", "{place}");
            let references: BTreeSet<_> = targets.iter().map(|target| text(&target["refId"])).collect();
            assert_eq!(references.len(), targets.len(), "{place}");
            assert!(
                targets.iter().all(|target| source(&target["datasource"]) == (kind.clone(), uid.clone())),
                "{place}"
            );
            if panel["type"] == "stat" || panel["type"] == "timeseries" {
                let steps = list(&panel["fieldConfig"]["defaults"]["thresholds"]["steps"]);
                assert_eq!(steps[0]["value"], Value::Null, "{place}");
            }
        }
        for panel in list(&dashboard["panels"]) {
            assert!(ids.insert(whole(&panel["id"])), "{file}");
        }
    }
}

#[test]
fn every_line_of_a_chart_is_named_by_its_distinct_labels() {
    for (file, dashboard) in all_dashboards() {
        for panel in panels(&dashboard)
            .filter(|panel| panel["type"] == "timeseries" && panel["datasource"]["uid"] == "prometheus")
        {
            for target in list(&panel["targets"]) {
                let place = format!("{file}: {}", panel["title"]);
                let (legend, groupings) = (text(&target["legendFormat"]), asked(text(&target["expr"])).groupings);
                assert!(!legend.is_empty(), "{place}");
                let named: Vec<_> = legend.split("{{").skip(1).map(|rest| rest.split_once("}}").unwrap().0).collect();
                // What is not grouped keeps all labels.
                let groups = text(&target["expr"]).contains(" by (");
                assert!(!groups || named.iter().all(|label| groupings.contains(*label)), "{place}: {legend}");
                let told = groupings.iter().filter(|label| !["le", "job"].contains(&label.as_str()));
                assert!(told.clone().all(|label| named.contains(&label.as_str())), "{place}: {legend}");
            }
        }
    }
}

#[test]
fn no_panel_lies_on_another() {
    for (file, dashboard) in all_dashboards() {
        let mut taken = BTreeSet::new();
        for panel in list(&dashboard["panels"]) {
            let place = &panel["gridPos"];
            let [x, y, width, height] = ["x", "y", "w", "h"].map(|side| whole(&place[side]));
            assert!(x + width <= 24, "{file}: {}", panel["title"]);
            for cell in (y..y + height).flat_map(|row| (x..x + width).map(move |column| (row, column))) {
                assert!(taken.insert(cell), "{file}: {}", panel["title"]);
            }
        }
    }
}

#[test]
fn panels_look_at_this_job_and_the_chosen_instances_alone() {
    for query in super::panel_queries("prometheus") {
        for selector in asked(&query.expr).selectors {
            let has =
                |label: &str, value: &str| selector.matchers.iter().any(|it| it.label == label && it.value == value);
            // Of alerts and of what rules record the instances are summed up already.
            let is_summed = selector.metric.contains(':') || selector.metric == "ALERTS";
            let fits = has("job", "loadmaster") && (is_summed || has("instance", "$instance"));
            assert!(fits, "{}: {}", query.place, selector.metric);
        }
    }
}
