//! The runbook in `docs/runbook.md`: an entry for each alert, whose commands, statements and queries work.
use std::collections::BTreeSet;

use loadmaster_testkit::{TestDatabase, command::loadmaster};
use sqlx::{AssertSqlSafe, Executor};

use super::{Query, alert_names, read};

struct Entry {
    alert: String,
    body: String,
}

impl Entry {
    /// What stands in fences of this kind.
    fn fenced(&self, kind: &str) -> Vec<&str> {
        let opening = format!("```{kind}\n");
        self.body.split(&opening).skip(1).map(|rest| rest.split_once("```").expect("a closed fence").0.trim()).collect()
    }
}

/// The entries of the page, each below a heading of its own.
fn entries() -> Vec<Entry> {
    let document = read("docs/runbook.md");
    let entry = |text: &str| {
        let (heading, body) = text.split_once('\n').expect("more than a heading");
        Entry { alert: heading.to_owned(), body: body.to_owned() }
    };
    document.split("\n## ").skip(1).map(entry).collect()
}

/// The queries that an operator is told to ask.
pub fn queries() -> Vec<Query> {
    let entries = entries();
    let of = |entry: &Entry| {
        let place = format!("docs/runbook.md: {}", entry.alert);
        let queries: Vec<_> =
            entry.fenced("promql").iter().flat_map(|fence| fence.lines().map(ToOwned::to_owned)).collect();
        queries.into_iter().map(move |expr| Query { place: place.clone(), expr })
    };
    let queries: Vec<_> = entries.iter().flat_map(of).collect();
    assert!(!queries.is_empty());
    queries
}

#[test]
fn every_alert_has_its_entry_and_no_entry_is_left_over() {
    let entries: Vec<_> = entries().into_iter().map(|entry| entry.alert).collect();
    let names: BTreeSet<_> = entries.iter().cloned().collect();
    assert_eq!(names.len(), entries.len(), "two entries of one name");
    assert_eq!(names, alert_names());
}

#[test]
fn every_entry_says_what_it_means_what_to_look_at_and_what_to_do() {
    for Entry { alert, body } in entries() {
        let meaning = body.split("Look:").next().unwrap();
        assert!(meaning.trim().len() > 40, "{alert}: what does it mean for callers?");
        let (look, fix) = body.split_once("\nFix: ").unwrap_or_else(|| panic!("{alert}: what is to be done?"));
        let look = look.split_once("\nLook:").unwrap_or_else(|| panic!("{alert}: what is to be looked at?")).1;
        assert!(look.contains("```"), "{alert}: looking takes a command");
        assert!(fix.contains('`'), "{alert}: mending takes a command or a setting");
    }
}

/// What is typed after `loadmaster`, in fences and within sentences.
fn commands() -> BTreeSet<String> {
    let mut commands = BTreeSet::new();
    for entry in entries() {
        let lines = entry.fenced("sh").into_iter().flat_map(str::lines);
        let inline = entry.body.split('`').filter(|code| !code.contains('\n'));
        for code in lines.chain(inline) {
            commands.extend(code.trim().strip_prefix("loadmaster ").map(ToOwned::to_owned));
        }
    }
    assert!(!commands.is_empty());
    commands
}

#[tokio::test]
async fn the_commands_of_the_runbook_exist_with_their_flags() {
    for command in commands() {
        // Comments and what is put in follow the words of the command.
        let words: Vec<_> = command.split('#').next().unwrap().split_whitespace().collect();
        let verbs: Vec<_> =
            words.iter().take_while(|word| word.chars().all(|c| c.is_ascii_lowercase())).copied().collect();
        let mut help = None;
        // The last ones may be names of things.
        for length in (1..=verbs.len()).rev() {
            let done = loadmaster(&[&verbs[..length], &["--help"]].concat()).run().await;
            if done.code == 0 {
                help = Some(done.succeeded());
                break;
            }
        }
        let help = help.unwrap_or_else(|| panic!("there is no `loadmaster {command}`"));
        for flag in words.iter().filter(|word| word.starts_with("--")) {
            assert!(help.contains(flag), "`loadmaster {command}` knows no {flag}: {help}");
        }
        let needs_verb = help.contains("<COMMAND>");
        assert!(!needs_verb, "`loadmaster {command}` is not whole: {help}");
    }
}

/// What is looked for in the logs that does not stand in the sources as it is looked for.
const ELSEWHERE: [&str; 5] =
    [r#""level":"ERROR""#, r#""status":409"#, "/auth/", "deadlock detected", "Loadmaster is ready"];

/// The text of all sources.
fn sources(directory: &std::path::Path) -> String {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { sources(&path) } else { std::fs::read_to_string(path).unwrap() }).collect()
}

#[test]
fn log_lines_searched_by_the_runbook_exist() {
    let sources = ["src", "crates"].map(|folder| sources(&super::path(folder))).concat();
    let mut count = 0;
    for entry in entries() {
        for command in entry.fenced("sh").into_iter().flat_map(str::lines).filter(|line| line.contains("| grep")) {
            let Some(words) = command.split('\'').nth(1) else { continue };
            let is_known = ELSEWHERE.contains(&words) || sources.contains(words);
            assert!(is_known, "{}: nobody logs {words}", entry.alert);
            count += 1;
        }
    }
    assert!(count > 5);
}

#[tokio::test]
async fn the_statements_of_the_runbook_run() {
    let database = TestDatabase::create().await;
    let mut owner = database.owner().await;
    let mut count = 0;
    for entry in entries() {
        for statement in entry.fenced("sql") {
            let run = owner.execute(sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))).await;
            run.unwrap_or_else(|error| panic!("{}: {statement}: {error}", entry.alert));
            count += 1;
        }
    }
    assert!(count > 0);
}
