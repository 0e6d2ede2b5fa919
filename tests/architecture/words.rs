//! Words that names and comments do without, because another one says what is meant: report, notify, send, show, describe.
use super::{check, sources::Source};

const OUT: [&str; 5] = ["tell", "telling", "tells", "told", "untold"];

/// Files with such words, how many, and why.
pub const EXCEPTIONS: [(&str, usize, &str); 16] = [
    ("crates/accounts/src/api_keys/router.rs", 1, TEXT),
    ("crates/bookings/src/audit.rs", 3, COLUMN),
    ("crates/bookings/src/repository/audit.rs", 3, COLUMN),
    ("crates/bookings/src/router/pay.rs", 1, TEXT),
    ("crates/live/src/described.rs", 1, TEXT),
    ("crates/notifications/src/dto.rs", 3, TEXT),
    ("crates/notifications/src/model.rs", 2, TEXT),
    ("crates/notifications/src/router/contacts.rs", 1, TEXT),
    ("crates/notifications/src/router/pages.rs", 1, TEXT),
    ("crates/notifications/src/router/preferences.rs", 3, TEXT),
    ("crates/shipment/src/contacts.rs", 3, TEXT),
    ("crates/shipment/src/request.rs", 1, TEXT),
    ("crates/shipment/src/texts.rs", 1, TEXT),
    ("crates/webhooks/src/router/mod.rs", 2, TEXT),
    ("src/app/event_types.rs", 1, TEXT),
    ("src/app/system.rs", 1, TEXT),
];

const TEXT: &str = "a comment that is a text of the API's description";
const COLUMN: &str = "columns of a statement";

/// Texts for people and SQL are literals, and no matter of this rule.
pub fn some_words_are_out(source: &Source) -> Vec<(usize, String)> {
    let found = words_that_are_out(source);
    let allowed = EXCEPTIONS.iter().find(|(path, ..)| *path == source.path).map_or(0, |(_, number, _)| *number);
    if found.len() <= allowed {
        return Vec::new();
    }
    found.into_iter().map(|(line, word)| (line, format!("“{word}”: name what is done"))).collect()
}

pub fn words_that_are_out(source: &Source) -> Vec<(usize, &str)> {
    let found = source.spoken.iter().filter(|(_, word)| OUT.contains(&word.as_str()));
    found.map(|(line, word)| (*line, word.as_str())).collect()
}

#[test]
fn a_word_that_is_out_is_reported_in_names_and_comments_and_not_in_texts() {
    let wrong = "name what is done";
    let file = "crates/bookings/src/book.rs";
    check(file, "/// Tells the caller.\nfn f() {}", &[(1, wrong)]);
    check(file, "//! What is told.\nfn f() {}", &[(1, wrong)]);
    check(file, "fn f() {\n    // It is told.\n}", &[(2, wrong)]);
    check(file, "\nfn tell_quota() {}", &[(2, wrong)]);
    check(file, "struct Told;\nstruct IsTold;\nconst TELL_EVERY: u8 = 1;", &[(1, wrong), (2, wrong), (3, wrong)]);
    check(file, "fn f() { m!(let told = \"a\"); }", &[(1, wrong)]);
    check(file, "#[cfg(test)]\nmod tests {\n    fn a_fault_is_told() {}\n}", &[(3, wrong)]);
    check("src/cli/output.rs", "fn f() { g(\"é\", told) }", &[(1, wrong)]);
    check(file, "fn f() { g(\"with told\n    as (\", r#\"told\"#, 't'); }", &[]);
    check(file, "/// Of satellites.\nfn stellar() {}", &[]);
    let column = "struct A {\n    told_taken: i64,\n    told_given: i64,\n}\n";
    check("crates/bookings/src/repository/audit.rs", column, &[]);
    let more = format!("{column}fn told() {{}}\nfn tell() {{}}");
    check("crates/bookings/src/repository/audit.rs", &more, &[(2, wrong), (3, wrong), (5, wrong), (6, wrong)]);
}
