//! All messages that tests make are as their schemas say.
use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::Path,
    sync::{LazyLock, OnceLock},
    thread,
};

use chrono::{DateTime, Utc};
use jsonschema::Validator;
use loadmaster::app::{event_schemas, pasts};
use loadmaster_platform::{outbox::Wanted, postgres};
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::database::TestDatabase;

/// Compiled when the first message of a type is seen.
static VALIDATORS: LazyLock<HashMap<&'static str, (Value, OnceLock<Validator>)>> = LazyLock::new(|| {
    let strict = event_schemas().into_iter().map(|(name, schema)| (name, (strict(schema.clone()), OnceLock::new())));
    strict.collect()
});

/// The same schema without room for members that it does not name: consumers leave it, and the product must fill none.
fn strict(schema: Value) -> Value {
    match schema {
        Value::Object(members) => {
            let is_object = members.get("properties").is_some_and(Value::is_object) && members.contains_key("type");
            let mut members: serde_json::Map<_, _> =
                members.into_iter().map(|(name, value)| (name, strict(value))).collect();
            if is_object {
                members.insert("additionalProperties".to_owned(), false.into());
            }
            Value::Object(members)
        }
        Value::Array(items) => items.into_iter().map(strict).collect(),
        value => value,
    }
}

/// What is wrong with a message as it is delivered.
pub fn faults(message: &Value) -> Vec<String> {
    let kind = message["type"].as_str().unwrap_or_default();
    let Some((schema, validator)) = VALIDATORS.get(kind) else {
        return vec![format!("no schema describes the type {kind:?}")];
    };
    let validator = validator.get_or_init(|| {
        jsonschema::draft202012::options().should_validate_formats(true).build(schema).expect("a valid schema")
    });
    validator.iter_errors(message).map(|error| format!("{kind} {}: {error}", error.instance_path())).collect()
}

/// The messages in a database as they are delivered, as JSON; none if it cannot be reached.
async fn delivered(database: &TestDatabase) -> Vec<String> {
    let Ok(mut owner) = PgConnection::connect(&database.owner_url()).await else { return Vec::new() };
    // Those that tests invent about nothing, and those of versions that wrote the data alone, are not the product's.
    let query = r#"select (payload || '{"source": "/loadmaster/0123456789abcdef"}')::text from outbox
        where payload ? 'specversion' and not coalesce(payload -> 'data' ? 'invented', false)"#;
    let messages = sqlx::query_scalar(query).fetch_all(&mut owner).await.unwrap_or_default();
    _ = owner.close().await;
    messages
}

/// What is wrong with messages.
fn all_faults(messages: &[String]) -> impl Iterator<Item = String> {
    messages.iter().flat_map(|message| faults(&serde_json::from_str(message).expect("JSON")))
}

/// Checks the messages in a database when a test is done with it, or keeps them in the directory that
/// `LOADMASTER_TEST_MESSAGES` names: to compile the schemas in each process would take a tenth of the time of all tests.
pub struct ToldRightly(pub TestDatabase);

impl Drop for ToldRightly {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        let database = self.0.clone();
        // A runtime of its own: the test's may be about to end.
        let reading = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(delivered(&database))
        });
        let messages = reading.join().unwrap();
        if let Some(directory) = std::env::var_os("LOADMASTER_TEST_MESSAGES") {
            keep(Path::new(&directory), &messages);
            return;
        }
        let wrong: Vec<_> = all_faults(&messages).collect();
        assert!(wrong.is_empty(), "messages are not as their schemas say: {wrong:#?}");
    }
}

/// Keeps messages, with the name of the test that made them, for [`kept_faults`].
fn keep(directory: &Path, messages: &[String]) {
    if messages.is_empty() {
        return;
    }
    let test = thread::current().name().unwrap_or("a thread without a name").to_owned();
    let kept = serde_json::to_vec(&(test, messages)).unwrap();
    fs::write(directory.join(Uuid::new_v4().to_string()), kept).expect("the directory exists");
}

/// How many messages tests kept in this directory, and what is wrong with them.
pub fn kept_faults(directory: &Path) -> (usize, Vec<String>) {
    let (mut count, mut wrong) = (0, Vec::new());
    for file in fs::read_dir(directory).expect("the directory exists") {
        let (test, messages): (String, Vec<String>) =
            serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).expect("what a test kept");
        count += messages.len();
        wrong.extend(all_faults(&messages).map(|fault| format!("{test}: {fault}")));
    }
    (count, wrong)
}

/// The histories tell every message about bookings and flights as the outbox has it: `id`, `data` and all else.
pub async fn assert_retold(database: &TestDatabase) {
    let mut snapshot = postgres::connect_snapshot(&database.app_url().into(), false).await.expect("a session");
    let wanted = Wanted { since: None, until: DateTime::<Utc>::MAX_UTC, types: None, subject: None };
    let mut retold = BTreeMap::new();
    let pasts = pasts();
    assert_eq!(pasts.iter().map(|past| past.aggregate).collect::<Vec<_>>(), ["flight", "booking"]);
    for past in &pasts {
        let mut after = Uuid::nil();
        while let Some(page) = (past.page)(&mut snapshot, &wanted, after).await.unwrap() {
            after = page.last;
            retold.extend(page.entries.into_iter().map(|entry| (entry.name().to_owned(), entry.event)));
        }
    }
    let query = "select payload - 'traceparent' from outbox where aggregate in ('booking', 'flight')";
    let told: Vec<Value> = sqlx::query_scalar(query).fetch_all(&mut database.owner().await).await.unwrap();
    let told = told.into_iter().map(|event| (event["id"].as_str().expect("an id").to_owned(), event));
    let told: BTreeMap<String, Value> = told.collect();
    for (id, event) in &told {
        assert_eq!(retold.get(id).map(|event| &**event), Some(event), "{id} is told otherwise");
    }
    assert_eq!(retold.len(), told.len(), "every message is told once");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn right() -> Value {
        json!({
            "specversion": "1.0", "id": "019a9f3e-6c1a-7d20-9d5b-3f6f0a5a1b2c-3", "source": "/loadmaster/0123456789abcdef",
            "type": "loadmaster.embargo.ended.v1", "subject": "019a9f3e-6c1a-7d20-9d5b-3f6f0a5a1b2c",
            "time": "2026-11-20T08:30:00Z", "datacontenttype": "application/json", "sequence": "3",
            "data": {"embargo_id": "019a9f3e-6c1a-7d20-9d5b-3f6f0a5a1b2c", "version": 3},
        })
    }

    #[test]
    fn a_message_that_is_not_as_its_schema_says_is_found() {
        assert_eq!(faults(&right()), [""; 0]);
        let changes: [(&str, Value); 8] = [
            ("/data/version", "3".into()),
            ("/data/embargo_id", "nobody".into()),
            ("/data", json!({"embargo_id": "019a9f3e-6c1a-7d20-9d5b-3f6f0a5a1b2c"})),
            ("/data", json!({"embargo_id": "019a9f3e-6c1a-7d20-9d5b-3f6f0a5a1b2c", "version": 3, "secret": 1})),
            ("/type", "loadmaster.embargo.unheard_of.v1".into()),
            ("/time", "today".into()),
            ("/sequence", 3.into()),
            ("/source", "/loadmaster".into()),
        ];
        for (at, value) in changes {
            let mut wrong = right();
            *wrong.pointer_mut(at).unwrap() = value;
            assert!(!faults(&wrong).is_empty(), "{wrong}");
        }
    }

    #[test]
    fn a_kept_message_that_is_not_as_its_schema_says_is_found() {
        let directory = std::env::temp_dir().join(Uuid::new_v4().to_string());
        fs::create_dir(&directory).unwrap();
        keep(&directory, &[right().to_string(), right().to_string()]);
        assert_eq!(kept_faults(&directory), (2, Vec::new()));
        let mut wrong = right();
        wrong["sequence"] = 3.into();
        keep(&directory, &[wrong.to_string()]);
        let (count, faults) = kept_faults(&directory);
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!(count, 3);
        let name = "told::tests::a_kept_message_that_is_not_as_its_schema_says_is_found: loadmaster.embargo.ended.v1 /sequence: ";
        assert!(faults.len() == 1 && faults[0].starts_with(name), "{faults:?}");
    }
}
