//! Rates for comparison, as others publish them: a series of its own in the history. They rate nothing.
use std::collections::{HashMap, hash_map::Entry};

use chrono::NaiveDate;
use loadmaster_flights::Lane;
use loadmaster_kernel::{Currency, Fault, FaultCode};
use loadmaster_platform::{
    postgres::{DbError, PgSession, Transient, allow_long_statements},
    tables::{CellKind, Columns, ImportSummary, Table, TableError, read_apart, read_table},
    web::{Fields, Raw, read},
};
use loadmaster_reference::Reference;

use super::{RateService, model::ReferenceRate, repository};

const COLUMNS: Columns = Columns {
    required: &["date", "origin", "destination", "weight_kg", "currency", "per_kg"],
    optional: &[],
    kinds: &[("date", CellKind::Date), ("weight_kg", CellKind::Number), ("per_kg", CellKind::Number)],
};

/// Rows that one statement compares or writes.
const BATCH: usize = 5000;

/// Why reference rates cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ReferenceError {
    #[error(transparent)]
    Table(#[from] TableError),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for ReferenceError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Transient for ReferenceError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Database(cause) if cause.is_transient())
    }
}

/// What names a rate.
type Name = (Lane, NaiveDate, i32, Currency);

/// The reference rates of a table without faults.
#[derive(Debug)]
pub struct ReferenceRates(Vec<ReferenceRate>);

impl RateService {
    /// Reads a table of reference rates.
    pub async fn read_reference(&self, table: Table) -> Result<ReferenceRates, ReferenceError> {
        let (reference, weights) = (self.parts.reference.clone(), self.parts.settings.weights_kg.clone());
        Ok(ReferenceRates(read_apart(move || read_rates(&table, &reference, &weights)).await??))
    }
}

/// Imports reference rates: a rate of the same day, lane, weight and currency is replaced. With `is_dry_run` it only counts what that
/// would change. Joins the caller's transaction.
pub async fn import_reference_in_tx(
    tx: &mut PgSession,
    rates: &ReferenceRates,
    is_dry_run: bool,
) -> Result<ImportSummary, ReferenceError> {
    allow_long_statements(tx).await?;
    repository::lock_reference(tx).await?;
    let mut summary = ImportSummary::default();
    for batch in rates.0.chunks(BATCH) {
        let before: HashMap<usize, i64> = repository::reference(tx, batch).await?.into_iter().collect();
        for (place, rate) in batch.iter().enumerate() {
            match before.get(&place) {
                None => summary.created += 1,
                Some(known) if *known == rate.per_kg.ten_thousandths() => summary.unchanged += 1,
                Some(_) => summary.updated += 1,
            }
        }
        if !is_dry_run {
            repository::save_reference(tx, batch).await?;
        }
    }
    Ok(summary)
}

/// Reads a table. Fails with at most 100 faults.
fn read_rates(table: &Table, reference: &Reference, weights: &[u32]) -> Result<Vec<ReferenceRate>, TableError> {
    let mut seen = HashMap::<Name, u64>::new();
    read_table(table, &COLUMNS, |fields, row| {
        let rate = read_rate(fields, reference, weights)?;
        match seen.entry((rate.lane, rate.day, rate.weight_kg, rate.currency)) {
            Entry::Vacant(free) => drop(free.insert(row)),
            Entry::Occupied(first) => {
                fields.fault("date", &Fault::format(format!("names the same rate as row {}", first.get())));
            }
        }
        Some(rate)
    })
}

/// `None` after a fault.
fn read_rate(fields: &mut Fields<'_>, reference: &Reference, weights: &[u32]) -> Option<ReferenceRate> {
    let day = fields.required("date", read::date);
    let origin = fields.required("origin", |raw| reference.read_airport(raw));
    let destination = fields.required("destination", |raw| reference.read_destination(raw, origin));
    let weight_kg = fields.required("weight_kg", |raw| read_weight(raw, weights));
    let currency = fields.required("currency", read::code);
    let per_kg = fields.required("per_kg", read::code);
    Some(ReferenceRate {
        lane: (origin?, destination?),
        day: day?,
        weight_kg: weight_kg?,
        currency: currency?,
        per_kg: per_kg?,
    })
}

/// Reads a weight for which there is a history.
fn read_weight(raw: Raw<'_>, weights: &[u32]) -> Result<i32, Fault> {
    let weight: i32 = read::integer(1, 100_000)(raw)?;
    if weights.iter().any(|standard| i64::from(*standard) == i64::from(weight)) {
        return Ok(weight);
    }
    let all: Vec<String> = weights.iter().map(u32::to_string).collect();
    Err(Fault::new(
        FaultCode::UnknownValue,
        format!("must be one of the weights of `rates.weights_kg`: {}", all.join(", ")),
    ))
}
