//! Holds the documents to their word: every promise names a test that holds it, and that test exists.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]
use std::{collections::BTreeMap, fs, path::Path};

/// The documents that make promises. A table whose last heading is [`COLUMN`] lists them.
const DOCUMENTS: [&str; 2] = ["docs/security.md", "docs/reliability.md"];
const COLUMN: &str = "held by";
/// The tests of the API, below `tests`: documents name their files without these directories.
const SUITES: [&str; 7] = ["around", "commerce", "freight", "ground", "network", "people", "surface"];

/// A row of a table of promises: its line in the document and its last cell.
#[derive(Debug)]
struct Promise {
    line: usize,
    held_by: String,
}

fn cells(row: &str) -> Vec<&str> {
    row.trim().trim_matches('|').split('|').map(str::trim).collect()
}

/// The rows of all tables of promises in a document.
fn promises(document: &str) -> Vec<Promise> {
    let mut found = Vec::new();
    let mut is_table_of_promises = false;
    for (index, row) in document.lines().enumerate() {
        if !row.starts_with('|') {
            is_table_of_promises = false;
        } else if cells(row).last() == Some(&COLUMN) {
            is_table_of_promises = true;
        } else if is_table_of_promises && !row.starts_with("|---") {
            let held_by = cells(row).last().copied().unwrap_or_default().to_owned();
            found.push(Promise { line: index + 1, held_by });
        }
    }
    found
}

/// The tests that a cell names: `file.rs::function` between backticks.
fn tests_in(cell: &str) -> Vec<(&str, &str)> {
    cell.split('`').skip(1).step_by(2).filter_map(|quoted| quoted.split_once(".rs::")).collect()
}

/// What is wrong with one named test, if anything is. A path is below one of the [`SUITES`], or below the
/// repository's root.
fn fault(root: &Path, file: &str, function: &str, sources: &mut BTreeMap<String, String>) -> Option<String> {
    let text = sources.entry(file.to_owned()).or_insert_with(|| {
        let suites = SUITES.iter().map(|suite| root.join(format!("tests/{suite}/{file}.rs")));
        let mut candidates = suites.chain([root.join(format!("{file}.rs"))]);
        candidates.find_map(|path| fs::read_to_string(path).ok()).unwrap_or_default()
    });
    if text.is_empty() {
        return Some(format!("there is no {file}.rs below the tests of the API or the root"));
    }
    let Some((before, _)) = text.split_once(&format!("fn {function}(")) else {
        return Some(format!("{file}.rs has no function {function}"));
    };
    let attributes = before.lines().rev().take(8).take_while(|line| !line.starts_with('}'));
    let is_test = attributes.into_iter().any(|line| {
        let line = line.trim();
        line.starts_with("#[test") || line.starts_with("#[tokio::test") || line.contains("proptest!")
    });
    (!is_test).then(|| format!("{function} in {file}.rs is no test"))
}

fn complaints(name: &str, document: &str, root: &Path) -> Vec<String> {
    let mut sources = BTreeMap::new();
    let mut found = Vec::new();
    for Promise { line, held_by } in promises(document) {
        let named = tests_in(&held_by);
        if named.is_empty() {
            found.push(format!("{name}:{line}: the promise names no test"));
        }
        let faults = named.iter().filter_map(|(file, function)| fault(root, file, function, &mut sources));
        found.extend(faults.map(|fault| format!("{name}:{line}: {fault}")));
    }
    found
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for name in DOCUMENTS {
        let document = fs::read_to_string(root.join(name)).unwrap();
        assert!(promises(&document).len() >= 10, "{name} has no table of promises");
        let found = complaints(name, &document, root);
        assert!(found.is_empty(), "\n{}\n", found.join("\n"));
    }
}

#[test]
fn a_promise_without_a_test_is_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = |cell: &str| format!("| promise | held by |\n|---|---|\n| nothing is lost | {cell} |\n");
    let complaint = |cell: &str| complaints("page.md", &table(cell), root).join("\n");
    assert_eq!(complaint("`tests/promises.rs::a_promise_without_a_test_is_found`"), "");
    assert_eq!(complaint("somewhere"), "page.md:3: the promise names no test");
    assert_eq!(
        complaint("`nowhere.rs::x`"),
        "page.md:3: there is no nowhere.rs below the tests of the API or the root"
    );
    assert_eq!(complaint("`tests/promises.rs::x`"), "page.md:3: tests/promises.rs has no function x");
    assert_eq!(complaint("`tests/promises.rs::cells`"), "page.md:3: cells in tests/promises.rs is no test");
    let other = "| promise | where |\n|---|---|\n| x | y |\n";
    assert!(promises(other).is_empty());
}
