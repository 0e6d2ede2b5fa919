//! All messages that tests make are as their schemas say.
use std::{
    collections::{BTreeMap, HashMap},
    sync::{LazyLock, OnceLock},
    thread,
};

use chrono::{DateTime, Utc};
use jsonschema::Validator;
use loadmaster::app::{event_schemas, pasts};
use loadmaster_platform::{outbox::Wanted, postgres};
use serde_json::{Value, json};
use sqlx::{Connection, PgConnection, Row};
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

/// What is wrong with the messages in a database; nothing if it cannot be reached.
async fn all_faults(database: &TestDatabase) -> Vec<String> {
    let Ok(mut owner) = PgConnection::connect(&database.owner_url()).await else { return Vec::new() };
    // Those that tests invent about nothing, and those of versions that wrote the data alone, are not the product's.
    let query = "select payload from outbox where payload ? 'specversion' and not coalesce(payload -> 'data' ? 'invented', false)";
    let rows = sqlx::query(query).fetch_all(&mut owner).await.unwrap_or_default();
    _ = owner.close().await;
    let documents = rows.iter().map(|row| row.get::<Value, _>(0));
    let delivered = documents.map(|mut document| {
        document["source"] = json!("/loadmaster/0123456789abcdef");
        document
    });
    delivered.flat_map(|message| faults(&message)).collect()
}

/// Checks the messages in a database when a test is done with it.
pub struct ToldRightly(pub TestDatabase);

impl Drop for ToldRightly {
    fn drop(&mut self) {
        if thread::panicking() {
            return;
        }
        let database = self.0.clone();
        // A runtime of its own: the test's may be about to end.
        let checking = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(all_faults(&database))
        });
        let wrong = checking.join().unwrap();
        assert!(wrong.is_empty(), "messages are not as their schemas say: {wrong:#?}");
    }
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

#[test]
fn a_message_that_is_not_as_its_schema_says_is_found() {
    let right = json!({
        "specversion": "1.0", "id": "019a9f3e-6c1a-7d20-9d5b-3f6f0a5a1b2c-3", "source": "/loadmaster/0123456789abcdef",
        "type": "loadmaster.embargo.ended.v1", "subject": "019a9f3e-6c1a-7d20-9d5b-3f6f0a5a1b2c",
        "time": "2026-11-20T08:30:00Z", "datacontenttype": "application/json", "sequence": "3",
        "data": {"embargo_id": "019a9f3e-6c1a-7d20-9d5b-3f6f0a5a1b2c", "version": 3},
    });
    assert_eq!(faults(&right), [""; 0]);
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
        let mut wrong = right.clone();
        *wrong.pointer_mut(at).unwrap() = value;
        assert!(!faults(&wrong).is_empty(), "{wrong}");
    }
}
