use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer, ser::SerializeStruct};

use crate::{
    features::{bookings, capacity, flights},
    kernel::{BookingRef, FlightId},
    platform::{
        audit::{Findings, Scope, Watch},
        postgres::{self, DbError, PgSession},
    },
};

/// What is to be audited.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Subject {
    #[default]
    Everything,
    /// A flight, and the bookings that are or were on it.
    Flight(FlightId),
    /// A booking; not the other bookings on its flights, and so not whether those were oversold.
    Booking(BookingRef),
}

/// What is to be audited, and how thoroughly.
#[derive(Debug, Clone, Default)]
pub struct AuditOptions {
    pub subject: Subject,
    /// Also replay bookings and flights from their histories, and compare every member.
    pub rebuild: bool,
    /// Events from then on must have their messages; left out: as many as the outbox is sure to have kept.
    pub messages_since: Option<DateTime<Utc>>,
}

/// Why there was nothing to audit.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    #[error("the database lacks migrations of this version: run `loadmaster migrate` first")]
    NotMigrated,
    #[error("there is no flight {0}")]
    UnknownFlight(FlightId),
    #[error("there is no booking {0}")]
    UnknownBooking(BookingRef),
    #[error("the database could not be read: {}", .0.summary())]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for AuditError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

/// One of the rules that must never be broken, and what was found about it.
#[derive(Debug)]
pub struct Check {
    /// As `docs/reliability.md` counts them; the comparison with what is rebuilt has none.
    pub number: Option<u8>,
    pub name: &'static str,
    /// `None`: it was not looked at, since it is not about the subject.
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
        check.serialize_field("number", &self.number)?;
        check.serialize_field("name", self.name)?;
        check.serialize_field("status", self.status())?;
        check.serialize_field("checked", &checked)?;
        check.serialize_field("breaches", &self.breaches())?;
        check.serialize_field("rows", rows)?;
        check.end()
    }
}

/// What an audit found.
#[derive(Debug, Serialize)]
pub struct AuditReport {
    /// The moment that was looked at, by the database's clock.
    pub as_of: DateTime<Utc>,
    pub checks: Vec<Check>,
}

impl AuditReport {
    pub fn breaches(&self) -> u64 {
        self.checks.iter().map(Check::breaches).sum()
    }
}

/// Checks that what must never be false is not, from ledgers and events alone. Only reads; `snapshot` should be a session
/// that sees one moment (`postgres::connect_snapshot`), for else what is written meanwhile looks like a breach.
pub async fn audit(
    snapshot: &mut PgSession,
    options: &AuditOptions,
    watch: Watch<'_>,
) -> Result<AuditReport, AuditError> {
    if !postgres::is_migrated(snapshot).await? {
        return Err(AuditError::NotMigrated);
    }
    let as_of = postgres::now(snapshot).await?;
    let scope = scope(snapshot, options).await?;
    let whole_flights = !matches!(options.subject, Subject::Booking(_));
    let mut checks = Vec::new();
    let mut check = |number, name, findings| checks.push(Check { number, name, findings });
    let (mut sold, mut current, mut flights) = (None, None, None);
    if whole_flights {
        let found = capacity::audit(snapshot, &scope, watch).await?;
        (sold, current) = (Some(found.sold), Some(found.current));
        flights = Some(flights::audit(snapshot, &scope, watch).await?);
    }
    let found = bookings::audit(snapshot, &scope, watch).await?;
    let flights = flights.unwrap_or_default();
    check(Some(1), "no flight was ever oversold", sold);
    check(Some(2), "flights stand as their ledgers end", current);
    check(Some(3), "every leg has exactly its room", Some(found.takings));
    check(Some(4), "all legs took room or none did", Some(found.legs));
    check(Some(5), "bookings stand as their events say", Some(found.history));
    check(Some(7), "one key made one booking", Some(found.keys));
    check(Some(8), "references and air waybills are one booking's", Some(found.names));
    check(Some(9), "every event has its message", Some(found.messages.and(flights.messages)));
    if options.rebuild {
        check(None, "everything is as its history rebuilds it", Some(found.rebuilt.and(flights.rebuilt)));
    }
    Ok(AuditReport { as_of, checks })
}

async fn scope(snapshot: &mut PgSession, options: &AuditOptions) -> Result<Scope, AuditError> {
    let (flights, bookings) = match &options.subject {
        Subject::Everything => (None, None),
        Subject::Flight(id) => {
            let aboard = bookings::ever_on(snapshot, *id).await?;
            if aboard.is_empty() && !capacity::has_ledger(snapshot, *id).await? {
                return Err(AuditError::UnknownFlight(*id));
            }
            (Some(vec![id.uuid()]), Some(aboard))
        }
        Subject::Booking(reference) => {
            let named = bookings::named(snapshot, reference).await?;
            if named.is_empty() {
                return Err(AuditError::UnknownBooking(reference.clone()));
            }
            (Some(Vec::new()), Some(named))
        }
    };
    Ok(Scope { flights, bookings, messages_since: options.messages_since, rebuild: options.rebuild })
}
