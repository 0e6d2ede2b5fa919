//! The part of the audit about bookings that were made of holds.
use futures_util::TryStreamExt;
use loadmaster_platform::{
    audit::{Breach, Findings, Rule},
    postgres::{DbError, PgSession},
};
use uuid::Uuid;

use super::repository::held as repository;

/// A hold and its booking name each other, and the booking got what the hold kept.
pub(super) const COMMITTED: Rule = Rule::new(12, "each committed hold is one booking");

/// Audits the bookings that were made of holds, and the positions that they have by name.
pub(super) async fn audit(snapshot: &mut PgSession, only: Option<&[Uuid]>) -> Result<(Findings, Findings), DbError> {
    let (mut held, mut committed) = (Findings::default(), Findings::default());
    let counts = repository::counts(snapshot, only).await?;
    let number = |count: i64| u64::try_from(count).unwrap_or_default();
    committed.has_checked("bookings of holds", number(counts.made));
    held.has_checked("named positions", number(counts.claims));
    pairs(snapshot, only, &mut committed).await?;
    postings(snapshot, only, &mut committed).await?;
    names(snapshot, only, &mut held).await?;
    Ok((held, committed))
}

async fn pairs(snapshot: &mut PgSession, only: Option<&[Uuid]>, committed: &mut Findings) -> Result<(), DbError> {
    let mut unlike = repository::unlike(snapshot, only);
    while let Some(row) = unlike.try_next().await? {
        let hold = row.hold_id.map_or_else(|| "none".to_owned(), |id| id.to_string());
        committed.add(match (row.booking_id, row.status) {
            (Some(booking), None) => {
                let fault = format!("hold {hold} does not name this booking, or another one too names the hold");
                Breach::of("bookings", [("id", &booking)], fault)
            }
            (booking, status) => {
                let status = status.as_deref().unwrap_or("unknown");
                let named = row.named.or(booking).map_or_else(|| "none".to_owned(), |id| id.to_string());
                let fault = format!("this hold is {status} and names booking {named}, which does not name it alike");
                Breach::of("holds", [("id", &hold)], fault)
            }
        });
    }
    Ok(())
}

async fn postings(snapshot: &mut PgSession, only: Option<&[Uuid]>, committed: &mut Findings) -> Result<(), DbError> {
    let mut unposted = repository::unposted(snapshot, only);
    while let Some(row) = unposted.try_next().await? {
        let next = row.next.as_deref().unwrap_or("no entry");
        let fault = format!("the booking of this hold does not take what it gave: {next} follows");
        committed.add(Breach::of("capacity_ledger", [("flight_id", &row.flight_id), ("seq", &row.seq)], fault));
    }
    Ok(())
}

async fn names(snapshot: &mut PgSession, only: Option<&[Uuid]>, held: &mut Findings) -> Result<(), DbError> {
    let mut odd = repository::odd_claims(snapshot, only);
    while let Some(row) = odd.try_next().await? {
        let fault = format!("booking {} has no right to this position, or the flight does not have it", row.booking_id);
        held.add(Breach::of("position_claims", [("flight_id", &row.flight_id), ("name", &row.name)], fault));
    }
    Ok(())
}

/// Returns the holds that these bookings were made of.
pub(super) async fn holds_of(snapshot: &mut PgSession, bookings: &[Uuid]) -> Result<Vec<Uuid>, DbError> {
    Ok(repository::holds_of(snapshot, bookings).await?)
}
