//! Tables that commands import.
use std::{
    fs::File,
    io::Read,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use anyhow::Context;
use loadmaster_flights::{FlightError, ImportListener, ImportStep};
use loadmaster_operations::OperationError;
use loadmaster_platform::tables::{ImportSummary, Table, TableError, unpacked};

use super::output::{Progress, say};

/// Largest file in bytes: many times what a table of as many rows as are read takes.
const LARGEST: u64 = 1 << 30;

/// Reads a table from a file; `-` is standard input.
pub(super) async fn read(file: &Path) -> anyhow::Result<Table> {
    let file = file.to_owned();
    let read = move || {
        if file == Path::new("-") {
            return bytes_of(std::io::stdin().lock()).context("cannot read standard input");
        }
        let cannot = || format!("cannot read {}", file.display());
        bytes_of(File::open(&file).with_context(cannot)?).with_context(cannot)
    };
    let bytes = tokio::task::spawn_blocking(read).await??;
    let most = usize::try_from(LARGEST).unwrap_or(usize::MAX);
    Ok(Table::of_file(unpacked(bytes.into(), most).await?))
}

fn bytes_of(file: impl Read) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes)?;
    anyhow::ensure!(bytes.len() as u64 <= LARGEST, "it is larger than 1 GiB");
    Ok(bytes)
}

/// Shows how far an import is, until it is dropped.
pub(super) fn progress(doing: &'static str) -> Box<ImportListener> {
    let (shown, before) = (Progress::begin(doing), AtomicUsize::new(0));
    Box::new(move |at| {
        let step = match at.step {
            ImportStep::Comparing => "compared",
            ImportStep::Writing => "written",
        };
        let what = format!("{doing}: {} of {} {step}", at.done, at.of);
        shown.show_steps(what, at.done, before.swap(at.done, Ordering::Relaxed), at.of);
    })
}

/// Returns what an import has done, as a line.
pub(super) fn summary(done: ImportSummary) -> String {
    format!("created: {}, updated: {}, unchanged: {}\n", done.created, done.updated, done.unchanged)
}

/// Lists the faults of the table, if these are why nothing was imported, and returns the command's error.
pub(super) fn explain(error: OperationError) -> anyhow::Error {
    let faults = match error {
        OperationError::Flight(FlightError::Table(TableError::Faults(faults))) => faults,
        OperationError::Flight(FlightError::Database(cause)) if cause.is_lock_timeout() => {
            return anyhow::anyhow!(
                "nothing was imported: another import, or a change of its flights, takes too long; try again"
            );
        }
        error => return error.into(),
    };
    for fault in faults.first() {
        say(&format!("{}\n", fault.message));
    }
    let (total, listed) = (faults.total(), faults.first().len());
    anyhow::anyhow!("nothing was imported; the file has {total} faults (the first {listed} are listed)")
}
