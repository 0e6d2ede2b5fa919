//! The vocabulary of an audit: its scope, its progress, and the rows that break a rule.
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use futures_util::{Stream, TryStreamExt, future::BoxFuture};
use serde::{Serialize, Serializer};
use uuid::Uuid;

use super::postgres::{DbError, PgSession};

/// Number of rows shown of those that break one rule; all are counted.
pub const MOST_SHOWN: usize = 20;

/// Ids of the things in the scope of an audit, by kind.
pub type Only = BTreeMap<&'static str, Vec<Uuid>>;

/// The scope of an audit.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Only these things; `None`: everything.
    pub only: Option<Only>,
    /// Events from this time on must have their messages; `None`: those of the last six days by the database's clock,
    /// because messages are kept for seven.
    pub messages_since: Option<DateTime<Utc>>,
    /// What was due before this time must have been done; `None`: by the database's clock.
    pub now: Option<DateTime<Utc>>,
    /// Whether to replay histories also, and compare the results with the rows, member by member.
    pub rebuild: bool,
}

impl Scope {
    /// Returns the things of this kind in scope; `None`: all of them.
    pub fn of(&self, kind: &str) -> Option<&[Uuid]> {
        self.only.as_ref().map(|only| only.get(kind).map_or(&[][..], Vec::as_slice))
    }

    /// Returns whether no thing of this kind is in scope.
    pub fn leaves_out(&self, kind: &str) -> bool {
        self.of(kind).is_some_and(<[_]>::is_empty)
    }
}

/// A rule that must never be broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The rule's number in `docs/reliability.md`; the comparison with rebuilt rows has none.
    pub number: Option<u8>,
    pub name: &'static str,
}

impl Rule {
    /// Each room that writes messages checks its own.
    pub const MESSAGES: Self = Self::new(9, "every event has its message");
    /// Each room that keeps a history checks its own, only on request.
    pub const REBUILT: Self = Self { number: None, name: "rows match the state rebuilt from history" };

    pub const fn new(number: u8, name: &'static str) -> Self {
        Self { number: Some(number), name }
    }
}

/// An audit in progress.
type Looking<'a, T> = BoxFuture<'a, Result<T, DbError>>;

type Run = for<'a> fn(&'a mut PgSession, &'a Scope, Watch<'a>) -> Looking<'a, Vec<(Rule, Findings)>>;

/// The audit of a room.
#[derive(Debug, Clone, Copy)]
pub struct Audit {
    pub rules: &'static [Rule],
    /// Returns the findings for each rule that was checked. Only reads.
    pub run: Run,
    /// The kinds of things to which it can be limited.
    pub subjects: &'static [Subject],
}

impl Audit {
    pub const NONE: Self = Self { rules: &[], run: find_nothing, subjects: &[] };
}

fn find_nothing<'a>(_: &'a mut PgSession, _: &'a Scope, _: Watch<'a>) -> Looking<'a, Vec<(Rule, Findings)>> {
    Box::pin(async { Ok(Vec::new()) })
}

/// A kind of thing to which an audit can be limited.
#[derive(Debug, Clone, Copy)]
pub struct Subject {
    pub kind: &'static str,
    /// Finds all that belongs to the thing of this name; `None` if there is no such thing.
    pub find: for<'a> fn(&'a mut PgSession, &'a str) -> Looking<'a, Option<Only>>,
}

/// Receives the progress: the subject being checked, and its count so far.
pub type Watch<'a> = &'a (dyn Fn(&'static str, u64) + Send + Sync);

/// A row that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Breach {
    pub table: &'static str,
    /// Columns that name the row.
    #[serde(serialize_with = "as_object")]
    pub key: Vec<(&'static str, String)>,
    pub fault: String,
}

impl Breach {
    pub fn of<const N: usize>(
        table: &'static str,
        key: [(&'static str, &dyn std::fmt::Display); N],
        fault: impl Into<String>,
    ) -> Self {
        Self { table, key: key.map(|(name, value)| (name, value.to_string())).into(), fault: fault.into() }
    }
}

impl std::fmt::Display for Breach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.table)?;
        for (name, value) in &self.key {
            write!(f, " {name}={value}")?;
        }
        write!(f, ": {}", self.fault)
    }
}

fn as_object<S: Serializer>(key: &[(&'static str, String)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(key.iter().map(|(name, value)| (name, value)))
}

/// An event without its message, or a message without its event.
#[derive(Debug)]
pub struct UnpairedMessage {
    /// Of what it is about.
    pub id: Uuid,
    pub sequence: i32,
    pub event_type: String,
}

/// The findings for one rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The checked subjects, with their counts.
    pub checked: Vec<(&'static str, u64)>,
    pub breaches: u64,
    /// The first breaches.
    pub shown: Vec<Breach>,
}

impl Findings {
    pub fn has_checked(&mut self, what: &'static str, count: u64) {
        match self.checked.iter_mut().find(|(known, _)| *known == what) {
            Some((_, sum)) => *sum += count,
            None => self.checked.push((what, count)),
        }
    }

    pub fn add(&mut self, breach: Breach) {
        self.breaches += 1;
        if self.shown.len() < MOST_SHOWN {
            self.shown.push(breach);
        }
    }

    /// Adds events of this table that have no message; `id` is the column with the id of what they are about.
    pub async fn add_missing_messages(
        &mut self,
        (table, id): (&'static str, &'static str),
        mut missing: impl Stream<Item = sqlx::Result<UnpairedMessage>> + Unpin,
    ) -> Result<(), DbError> {
        while let Some(row) = missing.try_next().await? {
            let fault = format!("the outbox lacks the message of this {}", row.event_type);
            self.add(Breach::of(table, [(id, &row.id), ("sequence", &row.sequence)], fault));
        }
        Ok(())
    }

    /// Adds messages that have no event.
    pub async fn add_stray_messages(
        &mut self,
        mut stray: impl Stream<Item = sqlx::Result<UnpairedMessage>> + Unpin,
    ) -> Result<(), DbError> {
        while let Some(row) = stray.try_next().await? {
            let fault = format!("this message about {} belongs to no event", row.event_type);
            self.add(Breach::of("outbox", [("aggregate_id", &row.id), ("sequence", &row.sequence)], fault));
        }
        Ok(())
    }

    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for (what, count) in other.checked {
            self.has_checked(what, count);
        }
        self.breaches += other.breaches;
        self.shown.extend(other.shown);
        self.shown.truncate(MOST_SHOWN);
        self
    }
}

/// Returns the members in which the found value differs from the expected one, each described in a few words.
#[macro_export]
macro_rules! differences {
    ($found:expr, $expected:expr; $($member:ident),+ $(,)?) => {{
        let (found, expected) = ($found, $expected);
        let mut different = Vec::<String>::new();
        $(if found.$member != expected.$member {
            different.push(format!("{} is {:?} instead of {:?}", stringify!($member), found.$member, expected.$member));
        })+
        // A difference in a member that is not listed above must not be overlooked.
        if different.is_empty() && found != expected {
            different.push(format!("it is {found:?} instead of {expected:?}"));
        }
        different.join("; ")
    }};
}

pub use differences;

#[cfg(test)]
mod tests {
    use super::*;

    fn breach(number: i64) -> Breach {
        Breach::of("capacity_ledger", [("flight_id", &Uuid::nil()), ("seq", &number)], "is wrong")
    }

    #[test]
    fn all_breaches_are_counted_and_the_first_are_shown() {
        let of = |numbers: std::ops::Range<i64>| {
            let mut findings = Findings::default();
            findings.has_checked("entries", 20);
            numbers.map(breach).for_each(|breach| findings.add(breach));
            findings
        };
        let joined = of(0..15).and(of(15..40));
        assert_eq!((joined.breaches, joined.shown.len()), (40, MOST_SHOWN));
        assert_eq!((&joined.shown[0], &joined.shown[19]), (&breach(0), &breach(19)));
        assert_eq!(joined.checked, [("entries", 40)]);
        assert_eq!(of(0..30).shown.len(), MOST_SHOWN);
    }

    #[test]
    fn a_breach_names_its_row() {
        let text = "capacity_ledger flight_id=00000000-0000-0000-0000-000000000000 seq=3: is wrong";
        assert_eq!(breach(3).to_string(), text);
        let json = serde_json::json!({
            "table": "capacity_ledger", "key": {"flight_id": Uuid::nil(), "seq": "3"}, "fault": "is wrong",
        });
        assert_eq!(serde_json::to_value(breach(3)).unwrap(), json);
    }

    #[test]
    fn differences_of_unlisted_members_are_reported_too() {
        #[derive(Debug, PartialEq)]
        struct Row {
            listed: i32,
            other: i32,
        }
        let text = |a, b| differences!(&Row { listed: a, other: b }, &Row { listed: 1, other: 1 }; listed);
        assert_eq!(text(1, 1), "");
        assert_eq!(text(2, 1), "listed is 2 instead of 1");
        assert!(text(1, 2).contains("other: 2"));
    }
}
