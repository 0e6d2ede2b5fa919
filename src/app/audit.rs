use chrono::{DateTime, Utc};
use loadmaster_platform::{
    audit::{Findings, Rule, Scope, Watch},
    postgres::{self, DbError, PgSession},
};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use super::rooms::ROOMS;

/// The object to which an audit is limited: its kind, as registered by a room, and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub kind: &'static str,
    pub name: String,
}

/// Scope and depth of an audit.
#[derive(Debug, Clone, Default)]
pub struct AuditOptions {
    /// `None`: everything is audited.
    pub subject: Option<Subject>,
    /// Also replay what has a history from it, and compare every member.
    pub rebuild: bool,
    /// Events since then must have their messages; `None`: the period for which the outbox is sure to have kept them.
    pub messages_since: Option<DateTime<Utc>>,
    /// The time by the clock of those that serve; `None`: by the database's clock.
    pub now: Option<DateTime<Utc>>,
}

/// Reason why no audit was possible.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("the database lacks migrations of this version; run `loadmaster migrate` first")]
    NotMigrated,
    #[error("there is no {} {}", .0.kind, .0.name)]
    Unknown(Subject),
    #[error("the database could not be read: {}", .0.summary())]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for AuditError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// A rule that must never be broken, and the findings about it.
#[derive(Debug)]
pub struct Check {
    pub rule: Rule,
    /// `None`: not checked, as it does not concern the subject.
    pub findings: Option<Findings>,
}

impl Check {
    pub fn breaches(&self) -> u64 {
        self.findings.as_ref().map_or(0, |findings| findings.breaches)
    }

    pub const fn status(&self) -> &'static str {
        match &self.findings {
            None => "NOT_CHECKED",
            Some(Findings { breaches: 0, .. }) => "OK",
            Some(_) => "BREACH",
        }
    }
}

impl Serialize for Check {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (checked, rows) = match &self.findings {
            Some(findings) => (findings.checked.as_slice(), findings.shown.as_slice()),
            None => (&[][..], &[][..]),
        };
        let checked: serde_json::Map<_, _> =
            checked.iter().map(|(what, n)| ((*what).to_owned(), (*n).into())).collect();
        let mut check = serializer.serialize_struct("Check", 6)?;
        check.serialize_field("number", &self.rule.number)?;
        check.serialize_field("name", self.rule.name)?;
        check.serialize_field("status", self.status())?;
        check.serialize_field("checked", &checked)?;
        check.serialize_field("breaches", &self.breaches())?;
        check.serialize_field("rows", rows)?;
        check.end()
    }
}

/// The findings of an audit.
#[derive(Debug, Serialize)]
pub struct AuditReport {
    /// The audited moment, by the database's clock.
    pub as_of: DateTime<Utc>,
    pub checks: Vec<Check>,
}

impl AuditReport {
    pub fn breaches(&self) -> u64 {
        self.checks.iter().map(Check::breaches).sum()
    }
}

/// Checks the invariants from ledgers and events alone. Only reads; `snapshot` should be a session that sees one moment
/// (`postgres::connect_snapshot`), as concurrent writes otherwise look like violations.
pub async fn audit(
    snapshot: &mut PgSession,
    options: &AuditOptions,
    watch: Watch<'_>,
) -> Result<AuditReport, AuditError> {
    if !postgres::is_migrated(snapshot).await? {
        return Err(AuditError::NotMigrated);
    }
    postgres::see_archive(snapshot).await?;
    let as_of = postgres::now(snapshot).await?;
    let scope = scope(snapshot, options).await?;
    let mut checks: Vec<Check> = rules(scope.rebuild).into_iter().map(|rule| Check { rule, findings: None }).collect();
    for room in ROOMS {
        for (rule, found) in (room.audit.run)(snapshot, &scope, watch).await? {
            for check in checks.iter_mut().filter(|check| check.rule == rule) {
                check.findings = Some(check.findings.take().unwrap_or_default().and(found.clone()));
            }
        }
    }
    Ok(AuditReport { as_of, checks })
}

/// Returns the rules of all rooms, by number; several rooms may check one rule.
fn rules(rebuild: bool) -> Vec<Rule> {
    let all = ROOMS.iter().flat_map(|room| room.audit.rules.iter().copied());
    let mut rules: Vec<Rule> = all.filter(|rule| rebuild || *rule != Rule::REBUILT).collect();
    rules.sort_by_key(|rule| rule.number.unwrap_or(u8::MAX));
    rules.dedup();
    rules
}

async fn scope(snapshot: &mut PgSession, options: &AuditOptions) -> Result<Scope, AuditError> {
    let only = match &options.subject {
        None => None,
        Some(subject) => {
            let mut subjects = ROOMS.iter().flat_map(|room| room.audit.subjects);
            let unknown = || AuditError::Unknown(subject.clone());
            let known = subjects.find(|known| known.kind == subject.kind).ok_or_else(unknown)?;
            Some((known.find)(snapshot, &subject.name).await?.ok_or_else(unknown)?)
        }
    };
    Ok(Scope { only, messages_since: options.messages_since, now: options.now, rebuild: options.rebuild })
}
