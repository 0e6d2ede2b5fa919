//! The alerts: each is tested by Prometheus' own tool, and leads to its entry in the runbook.
use std::collections::BTreeMap;

use super::{JOB, alert_names, alerts, all_rules, files, list, queries::asked, run, text, yaml};

#[test]
fn prometheus_takes_its_settings_and_rules() {
    run("promtool", &["check", "config", "prometheus/prometheus.yml"]);
    let said = run("promtool", &["check", "rules", "--lint=all", "--lint-fatal", "prometheus/rules/recorded.yml"]);
    assert!(said.contains("SUCCESS"), "{said}");
}

#[test]
fn every_rule_does_as_its_tests_say() {
    let tests = files("deploy/observability/prometheus/tests");
    let tests: Vec<_> = tests.iter().map(|file| file.strip_prefix("deploy/observability/").unwrap()).collect();
    run("promtool", &[&["test", "rules"], tests.as_slice()].concat());
}

#[test]
fn every_alert_is_tested_to_fire_and_to_be_silent() {
    // How often a test expects it to fire, and to be silent.
    let mut tested: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for file in files("deploy/observability/prometheus/tests") {
        let content = yaml(&file);
        let covered: Vec<_> = list(&content["rule_files"]).iter().map(text).collect();
        for test in list(&content["tests"]) {
            assert!(!list(&test["input_series"]).is_empty());
            for check in list(&test["alert_rule_test"]) {
                let name = text(&check["alertname"]);
                let rules = alerts();
                let rule = rules.iter().find(|rule| rule.alert() == Some(name));
                let rule = rule.unwrap_or_else(|| panic!("{file} tests {name}, which there is not"));
                // Without its rules the tool would find that it is silent.
                assert!(
                    covered.iter().any(|covered| rule.file.ends_with(covered.trim_start_matches(".."))),
                    "{file}: {name}"
                );
                let (fires, silent) = tested.entry(name.to_owned()).or_default();
                match check["exp_alerts"].as_array().map(Vec::as_slice) {
                    None | Some([]) => *silent += 1,
                    Some(expected) => {
                        *fires += 1;
                        for alert in expected {
                            assert_eq!(text(&alert["exp_labels"]["severity"]), rule.severity(), "{name}");
                            for annotation in ["summary", "description", "runbook_url"] {
                                assert!(!text(&alert["exp_annotations"][annotation]).contains("{{"), "{name}");
                            }
                        }
                    }
                }
            }
        }
    }
    for name in alert_names() {
        let (fires, silent) = tested.get(&name).copied().unwrap_or_default();
        assert!(fires > 0 && silent > 0, "{name} is tested {fires} times to fire and {silent} times to be silent");
    }
}

#[test]
fn every_alert_says_how_grave_it_is_what_is_wrong_and_where_to_read_on() {
    let mut names = Vec::new();
    for rule in alerts() {
        let name = rule.alert().unwrap();
        assert!(["page", "ticket"].contains(&rule.severity()), "{name}");
        assert!(rule.body["for"].is_string(), "{name} fires at once");
        let annotations = &rule.body["annotations"];
        for annotation in ["summary", "description"] {
            assert!(text(&annotations[annotation]).len() > 10, "{name}: {annotation}");
        }
        // The anchor that a heading of this name gets.
        let (page, anchor) = text(&annotations["runbook_url"]).split_once('#').unwrap();
        assert!(page.starts_with("https://") && page.ends_with("/docs/runbook.md"), "{page}");
        assert_eq!(anchor, name.to_lowercase());
        assert_eq!(rule.body["labels"].as_object().unwrap().len(), 1, "{name}");
        names.push(name.to_owned());
    }
    let known = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), known, "two alerts of one name");
}

#[test]
fn every_rule_looks_at_this_job_alone() {
    for rule in all_rules() {
        let asked = asked(rule.expr());
        assert!(!asked.selectors.is_empty(), "{}", rule.body);
        for selector in asked.selectors {
            let job = selector.matchers.iter().find(|matcher| matcher.label == "job");
            let job = job.map(|job| format!(r#"{}{}"{}""#, job.label, job.operator, job.value));
            assert_eq!(job.as_deref(), Some(JOB), "{}: {}", rule.file, selector.metric);
        }
    }
}
