//! What a statement read, by its plan as it was executed.
use std::collections::HashSet;

use serde_json::Value;

/// What the statements of a page read.
#[derive(Debug, Clone, Copy, Default)]
pub struct Read {
    /// Rows and entries of indexes that were looked at, whether they were wanted or not.
    pub rows: u64,
    /// Pages of the database, each as often as it was needed.
    pub pages: u64,
}

impl Read {
    pub const fn most(self, other: Self) -> Self {
        Self {
            rows: if other.rows > self.rows { other.rows } else { self.rows },
            pages: if other.pages > self.pages { other.pages } else { self.pages },
        }
    }
}

fn number(node: &Value, name: &str) -> u64 {
    node[name].as_u64().unwrap_or(0)
}

/// Counts what a plan read, and names the large tables that it read from their beginning to their end.
pub fn read(plan: &Value, large: &HashSet<String>, whole: &mut Vec<String>) -> Read {
    let pages = number(plan, "Shared Hit Blocks") + number(plan, "Shared Read Blocks");
    Read { rows: rows(plan, large, whole), pages }
}

fn rows(node: &Value, large: &HashSet<String>, whole: &mut Vec<String>) -> u64 {
    let loops = number(node, "Actual Loops");
    let kind = node["Node Type"].as_str().unwrap();
    if let Some(table) = node["Relation Name"].as_str()
        && kind == "Seq Scan"
        && loops > 0
        && large.contains(table)
    {
        whole.push(table.to_owned());
    }
    let dropped = ["Rows Removed by Filter", "Rows Removed by Index Recheck", "Rows Removed by Join Filter"];
    let mut sum: u64 = dropped.iter().map(|name| number(node, name) * loops).sum();
    // What a bitmap's index scan finds is counted where its rows are read; its pages are counted.
    if kind.ends_with("Scan") && kind != "Bitmap Index Scan" {
        sum += number(node, "Actual Rows") * loops;
    }
    let below = node["Plans"].as_array().into_iter().flatten();
    sum + below.map(|node| rows(node, large, whole)).sum::<u64>()
}
