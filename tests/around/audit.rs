//! The product's proof that its books are right: it finds nothing where all is well, and every way in which they can be
//! wrong. Books are spoiled behind the product's back, past triggers and constraints, one thing at a time.
mod aside;
mod books;
mod breaches;
mod clean;
mod large;
mod money;
mod rebuilding;
mod running;
mod scopes;

use loadmaster_testkit::{
    TestDatabase,
    command::{Done, loadmaster},
};
use serde_json::Value;

/// Runs `loadmaster audit` as the serving role.
async fn audit(database: &TestDatabase, arguments: &[&str]) -> Done {
    let arguments = [&["audit"], arguments].concat();
    loadmaster(&arguments).serving(database).run().await
}

/// What it says in JSON, with what it ended with.
async fn document(database: &TestDatabase, arguments: &[&str]) -> (i32, Value) {
    let done = audit(database, &[&["--json"], arguments].concat()).await;
    let document = serde_json::from_str(&done.stdout);
    (done.code, document.unwrap_or_else(|error| panic!("{error}: {}{}", done.stdout, done.stderr)))
}

/// The rules that are broken, by their numbers; what is rebuilt counts as 0.
fn broken(document: &Value) -> Vec<u64> {
    let checks = document["checks"].as_array().expect("checks").iter();
    let broken = checks.filter(|check| check["status"] == "BREACH");
    broken.map(|check| check["number"].as_u64().unwrap_or_default()).collect()
}

/// The rows that are shown for a rule.
fn rows(document: &Value, number: u64) -> Vec<Value> {
    let checks = document["checks"].as_array().expect("checks").iter();
    let mut of = checks.filter(|check| check["number"].as_u64().unwrap_or_default() == number);
    of.next().expect("the check is there")["rows"].as_array().expect("rows").clone()
}
