//! Tables that clients send: CSV with a header, in UTF-8. All faults are told with their rows.
use super::{fields::Fields, problem::InputFault};
use crate::kernel::FaultCode;

/// Maximum number of reported faults; more would not help.
const MOST_FAULTS: usize = 100;

/// Why a table cannot be taken.
#[derive(Debug)]
pub enum TableError {
    NotUtf8,
    /// At most 100.
    Faults(Vec<InputFault>),
}

/// Reads the rows of a table with exactly these columns, in any order. `read` gets the cells and the number of each row,
/// counted from 1 without the header, and returns `None` after a fault.
pub fn read_table<T>(
    table: &[u8],
    columns: &[&str],
    mut read: impl FnMut(&mut Fields<'_>, u64) -> Option<T>,
) -> Result<Vec<T>, TableError> {
    if std::str::from_utf8(table).is_err() {
        return Err(TableError::NotUtf8);
    }
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(table);
    let header = reader.headers().map_err(|error| unreadable(&error))?.clone();
    let header: Vec<&str> = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim()).collect();
    let faults = check_header(&header, columns);
    if !faults.is_empty() {
        return Err(TableError::Faults(faults));
    }
    let (mut rows, mut faults) = (Vec::new(), Vec::new());
    for (row, record) in (1..).zip(reader.records()) {
        if faults.len() >= MOST_FAULTS {
            break;
        }
        let record = match record {
            Ok(record) if record.len() == header.len() => record,
            Ok(record) => {
                let text = format!("Row {row} has {} cells, but the header has {}.", record.len(), header.len());
                faults.push(row_fault(row, FaultCode::InvalidFormat, text));
                continue;
            }
            Err(error) => {
                let text = format!("Row {row} cannot be read: {error}.");
                faults.push(row_fault(row, FaultCode::InvalidFormat, text));
                break;
            }
        };
        let mut fields = Fields::of_row(row, header.iter().copied().zip(record.iter()));
        let value = read(&mut fields, row);
        let found = fields.finish();
        match value {
            Some(value) if found.is_empty() => rows.push(value),
            _ => faults.extend(found),
        }
    }
    faults.truncate(MOST_FAULTS);
    if faults.is_empty() { Ok(rows) } else { Err(TableError::Faults(faults)) }
}

fn check_header(header: &[&str], columns: &[&str]) -> Vec<InputFault> {
    let missing = columns
        .iter()
        .filter(|column| !header.contains(*column))
        .map(|column| row_fault(0, FaultCode::Required, format!("The header lacks the column {column}.")));
    let unknown = header
        .iter()
        .filter(|column| !columns.contains(*column))
        .map(|column| row_fault(0, FaultCode::UnknownField, unknown_column(column)));
    let twice = columns
        .iter()
        .filter(|column| header.iter().filter(|name| name == column).count() > 1)
        .map(|column| row_fault(0, FaultCode::InvalidFormat, format!("The header has the column {column} twice.")));
    missing.chain(unknown).chain(twice).take(MOST_FAULTS).collect()
}

fn unreadable(error: &csv::Error) -> TableError {
    TableError::Faults(vec![row_fault(0, FaultCode::InvalidFormat, format!("The table cannot be read: {error}."))])
}

/// A fault of a whole row; the header is row 0.
fn row_fault(row: u64, code: FaultCode, message: String) -> InputFault {
    InputFault { place: "body", pointer: Some(String::new()), name: None, code: code.as_str(), message, row: Some(row) }
}

/// Shortens a column name supplied by the client for use in a message.
fn unknown_column(column: &str) -> String {
    let shown: String = column.chars().filter(|c| !c.is_control()).take(64).collect();
    format!("The header has the unknown column `{shown}`.")
}
