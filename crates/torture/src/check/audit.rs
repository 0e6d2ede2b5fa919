//! The audit, run as a command on the same database.
use serde_json::Value;

use crate::{
    evidence::{Breach, Promise},
    program::Program,
};

#[derive(Debug)]
pub(crate) struct Audit {
    pub report: Value,
    pub breaches: Vec<Breach>,
}

pub(crate) async fn audit(program: &Program) -> anyhow::Result<Audit> {
    let done = program.run(&["audit", "--json"], None).await?;
    let report = serde_json::from_slice(&done.stdout).unwrap_or(Value::Null);
    let breaches = match done.status.code() {
        Some(0) => Vec::new(),
        Some(1) => breaches_of(&report),
        _ => {
            let stderr = String::from_utf8_lossy(&done.stderr);
            anyhow::bail!("the audit could not run ({}): {}", done.status, stderr.trim());
        }
    };
    Ok(Audit { report, breaches })
}

/// A breach for each rule that the report calls broken, with the rows it shows.
fn breaches_of(report: &Value) -> Vec<Breach> {
    let checks = report["checks"].as_array().into_iter().flatten();
    let broken = checks.filter(|check| check["breaches"].as_u64().is_some_and(|breaches| breaches > 0));
    let mut found: Vec<Breach> = broken
        .map(|check| {
            let number = check["number"].as_u64().and_then(|number| u8::try_from(number).ok());
            let (name, count, rows) = (&check["name"], &check["breaches"], &check["rows"]);
            Breach { promise: Promise::Audited(number), what: format!("the audit: {name}, {count} times: {rows}") }
        })
        .collect();
    if found.is_empty() {
        found.push(Breach { promise: Promise::Audited(None), what: format!("the audit: {report}") });
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_broken_rule_of_a_report_is_a_breach() {
        let report = json!({"clean": false, "breaches": 3, "checks": [
            {"number": 1, "name": "sold", "breaches": 2, "rows": [{"fault": "x"}]},
            {"number": 2, "name": "rows", "breaches": 0, "rows": []},
            {"number": null, "name": "rebuilt", "breaches": 1, "rows": [{"fault": "y"}]},
        ]});
        let reported = breaches_of(&report);
        assert_eq!(
            reported.iter().map(|breach| breach.promise.number_and_text().0).collect::<Vec<_>>(),
            [Some(1), None]
        );
        assert!(reported[0].what.contains("\"x\""), "{reported:?}");
        assert_eq!(breaches_of(&json!({"odd": true})).len(), 1);
    }
}
