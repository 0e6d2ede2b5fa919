//! What the tests sent and received, as `crates/testkit/src/record.rs` has written it.
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fs,
    path::Path,
};

use super::description::Description;

/// The members of all calls, by method, path, status and code.
pub type Calls = HashMap<String, HashSet<String>>;

pub fn read(directory: &Path) -> Calls {
    let mut calls = Calls::new();
    for file in fs::read_dir(directory).expect("a record") {
        add(&mut calls, &fs::read_to_string(file.expect("a file").path()).expect("text"));
    }
    calls
}

pub fn add(calls: &mut Calls, text: &str) {
    for line in text.lines() {
        let (call, members) = line.split_once('\t').unwrap_or((line, ""));
        if !calls.contains_key(call) {
            calls.insert(call.to_owned(), HashSet::new());
        }
        let known = calls.get_mut(call).expect("it is there");
        for member in members.split('\t').filter(|member| !member.is_empty()) {
            if !known.contains(member) {
                known.insert(member.to_owned());
            }
        }
    }
}

/// The facts that were seen.
pub fn seen(calls: &Calls, description: &Description<'_>) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    for (call, members) in calls {
        let [method, path, status, code] = call.split(' ').collect::<Vec<_>>().try_into().expect("a call");
        let answered = if code == "-" { status.to_owned() } else { format!("{status} {code}") };
        if code != "-" {
            seen.extend(members.iter().flat_map(|member| description.of_problem(member)));
        }
        let Some(operation) = description.operation(method, path) else { continue };
        for member in members.iter().chain([&answered]) {
            seen.extend(description.seen(operation, status, member));
        }
    }
    seen
}
