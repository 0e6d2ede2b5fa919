//! Spans of database statements. The database client reports each statement when it has ended; a sampled one becomes a
//! span of that length. Only the text is exported, in which values are placeholders.
use std::{
    fmt::Debug,
    sync::OnceLock,
    time::{Duration, SystemTime},
};

use opentelemetry::{
    KeyValue,
    trace::{Span as _, SpanBuilder, SpanKind, Status},
};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    subscriber::Interest,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, Filter},
};

use super::{
    last,
    spans::{self, TraceSpan},
};

/// The target under which the database client reports its statements.
const STATEMENTS: &str = "sqlx::query";

/// Attributes of the database that this process uses.
static DATABASE: OnceLock<Vec<KeyValue>> = OnceLock::new();

/// Sets the database's name for the spans of its statements.
pub fn name_database(address: &str, port: Option<u16>, name: Option<&str>) {
    let mut attributes =
        vec![KeyValue::new("db.system.name", "postgresql"), KeyValue::new("server.address", address.to_owned())];
    attributes.extend(port.map(|port| KeyValue::new("server.port", i64::from(port))));
    attributes.extend(name.map(|name| KeyValue::new("db.namespace", name.to_owned())));
    _ = DATABASE.set(attributes);
}

/// Starts a span for the beginning of a transaction, which the database client does not report.
pub fn transaction_begin() -> TraceSpan {
    TraceSpan::child(|| call("BEGIN", "BEGIN".to_owned()))
}

fn call(operation: &str, summary: String) -> SpanBuilder {
    let mut attributes = DATABASE.get().cloned().unwrap_or_default();
    attributes.extend([
        KeyValue::new("db.operation.name", operation.to_owned()),
        KeyValue::new("db.query.summary", summary.clone()),
    ]);
    SpanBuilder::from_name(summary).with_kind(SpanKind::Client).with_attributes(attributes)
}

/// Marks the statement that ended just now as failed, with this SQLSTATE if the database answered.
pub fn statement_failed(sql_state: Option<&str>) {
    if !spans::is_sampled() {
        return;
    }
    let Some(mut statement) = last::taken() else { return };
    statement.span.set_status(Status::error(""));
    statement.span.set_attributes(failure(sql_state));
}

/// Marks the current call as failed, with this SQLSTATE if the database answered.
pub fn call_failed(sql_state: Option<&str>) {
    spans::fail_with(failure(sql_state));
}

/// Returns the attributes that the conventions require of a failed database call.
fn failure(sql_state: Option<&str>) -> Vec<KeyValue> {
    let error_type = sql_state.unwrap_or("unavailable").to_owned();
    let state = sql_state.map(|state| KeyValue::new("db.response.status_code", state.to_owned()));
    [KeyValue::new("error.type", error_type)].into_iter().chain(state).collect()
}

/// The layer that makes spans of statements.
#[derive(Debug)]
pub(super) struct Statements;

/// A filter for the statements of sampled work only.
#[derive(Debug)]
pub(super) struct OfSampled;

impl<S: Subscriber> Filter<S> for OfSampled {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        metadata.target() == STATEMENTS && spans::is_sampled()
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.target() == STATEMENTS { Interest::sometimes() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::DEBUG)
    }
}

/// Stands before all layers and spares the database client events that no layer wants: where several layers listen,
/// each with its own filter, the client does not learn that.
#[derive(Debug)]
pub(super) struct Gate {
    /// Whether the log may want statements of any work.
    pub are_logged: bool,
}

impl<S: Subscriber> Layer<S> for Gate {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.target() == STATEMENTS { Interest::sometimes() } else { Interest::always() }
    }

    fn enabled(&self, metadata: &Metadata<'_>, _: Context<'_, S>) -> bool {
        self.are_logged
            || metadata.target() != STATEMENTS
            || *metadata.level() < tracing::Level::DEBUG
            || spans::is_sampled()
    }
}

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut ended = Ended::default();
        event.record(&mut ended);
        let text = ended.text();
        let (operation, summary) = summarised(text);
        #[allow(clippy::disallowed_methods, reason = "when it happened, whatever the tests' clock says")]
        let now = SystemTime::now();
        let span = spans::child(|| {
            let mut span = call(&operation, summary);
            span.start_time = now.checked_sub(Duration::try_from_secs_f64(ended.seconds).unwrap_or_default());
            span
        });
        let Some(mut span) = span else { return };
        span.set_attribute(KeyValue::new("db.query.text", text.to_owned()));
        span.set_attribute(KeyValue::new("db.response.returned_rows", ended.rows));
        last::note(span, now);
    }
}

/// The fields of the client's event.
#[derive(Debug, Default)]
struct Ended {
    beginning: String,
    whole: String,
    seconds: f64,
    rows: i64,
}

impl Ended {
    /// Returns the statement's text; the client reports a short statement by its beginning alone.
    fn text(&self) -> &str {
        if self.whole.is_empty() { &self.beginning } else { self.whole.trim() }
    }
}

impl Visit for Ended {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "summary" => value.clone_into(&mut self.beginning),
            "db.statement" => value.clone_into(&mut self.whole),
            _ => {}
        }
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        if field.name() == "elapsed_secs" {
            self.seconds = value;
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        if field.name() == "rows_returned" {
            self.rows = i64::try_from(value).unwrap_or(i64::MAX);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

/// Returns the operation, and the operation with the first table it names: both have few distinct values.
fn summarised(text: &str) -> (String, String) {
    let is = |word: &str, any: &[&str]| any.iter().any(|one| word.eq_ignore_ascii_case(one));
    let words = words(text);
    let (first, write) = (words.first().copied().unwrap_or_default(), ["insert", "update", "delete"]);
    // `extract(epoch from ...)` and `is distinct from` name no table, `for no key update` is no update.
    let is_other = |at: usize| at > 0 && is(words[at - 1], &["epoch", "distinct", "key", "for"]);
    let operation = if is(first, &["with"]) {
        let writing = (0..words.len()).find(|at| is(words[*at], &write) && !is_other(*at));
        writing.map_or("select", |at| words[at])
    } else {
        first
    };
    let begin = words.iter().position(|word| is(word, &[operation])).unwrap_or_default();
    let table = (begin..words.len()).find_map(|at| {
        let is_before = is(words[at], &["from", "into", "update"]);
        let name = *words.get(at + 1)?;
        let is_name = name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let is_called = words.get(at + 2) == Some(&"(") && !is(words[at], &["into"]);
        (is_before && !is_other(at) && is_name && !is_called).then_some(name)
    });
    let operation = operation.to_ascii_uppercase();
    match table {
        Some(table) => (operation.clone(), format!("{operation} {table}")),
        None => (operation.clone(), operation),
    }
}

/// Splits a statement into words and punctuation.
fn words(text: &str) -> Vec<&str> {
    let marks = |c: char| "(),;".contains(c);
    let pieces = text.split_inclusive(|c: char| c.is_whitespace() || marks(c));
    pieces
        .flat_map(|piece| {
            let bare = piece.trim_end_matches(|c: char| c.is_whitespace() || marks(c));
            [bare, piece[bare.len()..].trim()]
        })
        .filter(|word| !word.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_an_answer_there_is_no_sqlstate() {
        let attributes = |state| failure(state).into_iter().map(|pair| format!("{}={}", pair.key, pair.value));
        let refused = ["error.type=55P03", "db.response.status_code=55P03"];
        assert_eq!(attributes(Some("55P03")).collect::<Vec<_>>(), refused);
        assert_eq!(attributes(None).collect::<Vec<_>>(), ["error.type=unavailable"]);
    }

    #[test]
    fn a_summary_has_the_operation_and_the_first_table() {
        for (text, summary) in [
            ("select 1", "SELECT"),
            ("select id, name from airports where code = $1", "SELECT airports"),
            ("insert into outbox (aggregate, id)\n select * from unnest($1::text[])", "INSERT outbox"),
            ("update flight_capacity set booked = $1 where id = $2", "UPDATE flight_capacity"),
            ("delete from jobs where id = $1", "DELETE jobs"),
            ("with gone as (delete from jobs returning id) select count(*) from gone", "DELETE jobs"),
            ("with asked as (select $1 as id) update flights set version = 1 from asked", "UPDATE flights"),
            ("with asked as (select $1 as id) select * from flights", "SELECT flights"),
            ("with locked as (select id from flights for no key update) select count(*) from locked", "SELECT flights"),
            ("select pg_try_advisory_xact_lock($1)", "SELECT"),
            ("select count(*) from unnest($1::uuid[])", "SELECT"),
            ("select extract(epoch from now() - min(run_at)) from jobs", "SELECT jobs"),
            ("select a is distinct from b from (select a, b from flights) as f", "SELECT flights"),
            ("set local statement_timeout = '120s'", "SET"),
            ("", ""),
        ] {
            assert_eq!(summarised(text).1, summary, "{text}");
        }
    }

    #[test]
    fn every_statement_of_ours_is_named_by_a_table_of_ours() {
        let root = std::path::Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
        let read = |folder: &str| -> Vec<String> {
            let files = std::fs::read_dir(root.join(folder)).unwrap();
            files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap()).collect()
        };
        let migrations = read("migrations").join("\n").to_lowercase();
        let made = migrations.split("create table ").skip(1).chain(migrations.split("create view ").skip(1));
        let tables: Vec<&str> = made.filter_map(|made| made.split_whitespace().next()).collect();
        let mut named = 0;
        for described in read(".sqlx") {
            let described: serde_json::Value = serde_json::from_str(&described).unwrap();
            let text = described["query"].as_str().unwrap();
            let (operation, summary) = summarised(text);
            assert!(
                ["SELECT", "INSERT", "UPDATE", "DELETE", "LOCK", "SAVEPOINT", "ROLLBACK"].contains(&&*operation),
                "{operation}: {text}"
            );
            if let Some((_, table)) = summary.split_once(' ') {
                assert!(table.starts_with("pg_") || tables.contains(&table), "{summary}: {text}");
                named += 1;
            }
        }
        assert!(named > 100, "{named}");
    }
}
