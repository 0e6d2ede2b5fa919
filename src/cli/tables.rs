//! Tables that commands import.
use std::{io::Read, path::Path};

use anyhow::Context;

use super::output::say;
use crate::{
    features::{flights::FlightError, operations::OperationError},
    platform::tables::{Table, TableError},
};

/// Reads a table from a file; `-` is standard input.
pub(super) async fn read(file: &Path) -> anyhow::Result<Table> {
    if file != Path::new("-") {
        let bytes = tokio::fs::read(file).await.with_context(|| format!("cannot read {}", file.display()))?;
        return Ok(Table::of_file(bytes.into()));
    }
    let read = || {
        let mut table = Vec::new();
        std::io::stdin().lock().read_to_end(&mut table).map(|_| table)
    };
    let bytes = tokio::task::spawn_blocking(read).await?.context("cannot read standard input")?;
    Ok(Table::of_file(bytes.into()))
}

/// Lists the faults of the table, if these are why nothing was imported, and returns the command's error.
pub(super) fn explain(error: OperationError) -> anyhow::Error {
    let OperationError::Flight(FlightError::Table(TableError::Faults(faults))) = error else { return error.into() };
    for fault in faults.first() {
        say(&format!("{}\n", fault.message));
    }
    let (total, listed) = (faults.total(), faults.first().len());
    anyhow::anyhow!("nothing was imported; the file has {total} faults (the first {listed} are listed)")
}
