use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;

/// The value of a cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    Empty,
    Text(Cow<'a, str>),
    /// As it is written.
    Number(String),
    Boolean(bool),
    Date(NaiveDate),
    Instant(DateTime<Utc>),
}

/// Milliseconds of a day.
pub(super) const DAY: f64 = 86_400_000.0;

/// Returns the date from which spreadsheets count days, so that the first of March 1900 is day 61.
pub(super) fn epoch() -> NaiveDate {
    NaiveDate::from_ymd_opt(1899, 12, 30).unwrap_or_default()
}

/// Returns the cell of a column: the member of that address, such as `shipper/name`.
pub fn cell_at<'a>(row: &'a Value, address: &str) -> Cell<'a> {
    let found = address.split('/').try_fold(row, |value, part| match value {
        Value::Array(entries) => entries.get(part.parse::<usize>().ok()?),
        value => value.get(part),
    });
    match found {
        None | Some(Value::Null) => Cell::Empty,
        Some(Value::Bool(value)) => Cell::Boolean(*value),
        Some(Value::Number(number)) => Cell::Number(number.to_string()),
        Some(Value::String(text)) => of_text(text, address),
        // Objects as the API shows them: their texts may have blanks.
        Some(list @ Value::Array(entries)) if entries.iter().any(Value::is_object) => {
            Cell::Text(list.to_string().into())
        }
        // Codes and numbers, which have no blanks.
        Some(Value::Array(entries)) => {
            let texts = entries.iter().map(|entry| entry.as_str().map_or_else(|| entry.to_string(), str::to_owned));
            Cell::Text(texts.collect::<Vec<_>>().join(" ").into())
        }
        Some(object) => Cell::Text(object.to_string().into()),
    }
}

/// The API names instants and dates by how their names end.
fn of_text<'a>(text: &'a str, address: &str) -> Cell<'a> {
    if is_instant(address)
        && let Ok(instant) = DateTime::parse_from_rfc3339(text)
    {
        return Cell::Instant(instant.to_utc());
    }
    if address.ends_with("_date")
        && let Ok(date) = text.parse()
    {
        return Cell::Date(date);
    }
    Cell::Text(text.into())
}

/// Returns whether a column of this name has instants.
pub(super) fn is_instant(name: &str) -> bool {
    name.ends_with("_datetime") || name.ends_with("_at")
}

/// Returns the header of a column: the parts of its address, joined. Entries of lists count from 1.
pub(super) fn header(address: &str) -> String {
    let parts =
        address.split('/').map(|part| part.parse::<usize>().map_or_else(|_| part.into(), |at| (at + 1).to_string()));
    parts.collect::<Vec<String>>().join("_")
}

/// Returns an instant as it is written where it is text.
pub(super) fn written(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}
