//! Entries that list airports: each of these exists. Whoever changes reference data holds the lock of all changes meanwhile, so that
//! nobody deletes one of them, and the database refuses to delete an airport that is listed.
use loadmaster_kernel::AirportCode;
use loadmaster_platform::{
    postgres::PgSession,
    tables::TableFaults,
    web::{Fields, InputFault},
};
use serde_json::Map;

use super::{error::ReferenceError, kinds::Kind, repository, service::unknown, values::HUB_AIRPORTS};

/// Refuses an entry with an airport that does not exist.
pub(super) async fn check<K: Kind>(tx: &mut PgSession, entry: &K) -> Result<(), ReferenceError> {
    if entry.airports().is_empty() {
        return Ok(());
    }
    let missing = repository::unknown_airports(tx, entry.airports()).await?;
    let members = Map::new();
    let faults = faults(Fields::of_body(&members), entry.airports(), &missing);
    if faults.is_empty() { Ok(()) } else { Err(ReferenceError::Invalid(faults)) }
}

/// Returns the faults of rows with airports that do not exist.
pub(super) async fn check_rows<K: Kind>(tx: &mut PgSession, rows: &[(u64, K)]) -> Result<TableFaults, ReferenceError> {
    let mut found = TableFaults::default();
    let listed: Vec<AirportCode> = rows.iter().flat_map(|(_, entry)| entry.airports()).copied().collect();
    if listed.is_empty() {
        return Ok(found);
    }
    let missing = repository::unknown_airports(tx, &listed).await?;
    for (row, entry) in rows {
        let cell = repository::joined(entry.airports());
        let fields = Fields::of_row(*row, std::iter::once((HUB_AIRPORTS, cell.as_str())));
        found.add(faults(fields, entry.airports(), &missing));
    }
    Ok(found)
}

fn faults(mut fields: Fields<'_>, listed: &[AirportCode], missing: &[AirportCode]) -> Vec<InputFault> {
    let mut count = 0;
    for (index, code) in listed.iter().enumerate().filter(|(_, code)| missing.contains(code)) {
        fields.fault_of_entry(HUB_AIRPORTS, index, &unknown("airport", code));
        count += 1;
    }
    // Nobody has read the cell here: that is no fault of its own.
    let mut faults = fields.finish();
    faults.truncate(count);
    faults
}
