use std::borrow::Cow;

use bytes::Bytes;
use loadmaster_kernel::FaultCode;

use super::{
    CSV, XLSX,
    export::Format,
    faults::{TableError, TableFaults, row_fault},
    formula::unguarded,
    records::Records,
    workbook,
};

use crate::web::{Body, Fields, Problem};

/// Largest number of rows of a table that a request sends.
const MOST_ROWS: u64 = 100_000;
/// The same of a file.
const MOST_ROWS_OF_FILE: u64 = 1_000_000;
/// Most columns of a table.
pub(super) const MOST_COLUMNS: usize = 1000;
/// Longest text of a cell, in characters: that of spreadsheet programs.
pub(super) const LONGEST_CELL: usize = 32_767;
/// Longest text of a row, in bytes.
pub(super) const LONGEST_ROW: usize = 1024 * 1024;
/// Longest text from a client that a message repeats, in characters.
const LONGEST_SHOWN: usize = 64;

/// A table as it was sent.
#[derive(Debug)]
pub struct Table {
    pub(super) format: Format,
    pub(super) bytes: Bytes,
    most_rows: u64,
}

impl Table {
    /// Takes the body of a request: CSV, or a workbook.
    pub fn of(body: Body) -> Result<Self, Problem> {
        if body.is_of_type(XLSX) {
            return Ok(Self { format: Format::Xlsx, bytes: body.of_type(XLSX)?, most_rows: MOST_ROWS });
        }
        Ok(Self { format: Format::Csv, bytes: body.of_one_of(&[CSV, XLSX])?, most_rows: MOST_ROWS })
    }

    /// Takes a file, whose form its beginning tells: a workbook is an archive.
    pub fn of_file(bytes: Bytes) -> Self {
        let format = if bytes.starts_with(b"PK\x03\x04") { Format::Xlsx } else { Format::Csv };
        Self { format, bytes, most_rows: MOST_ROWS_OF_FILE }
    }
}

/// The columns of a table, which may stand in any order.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    pub required: &'static [&'static str],
    pub optional: &'static [&'static str],
}

impl Columns {
    fn all(&self) -> impl Iterator<Item = &'static str> {
        self.required.iter().chain(self.optional).copied()
    }
}

/// Reads the rows of a table with these columns and no others. `read` gets the cells and the number of each row, counted from
/// 1 without the header, and returns `None` after a fault.
pub fn read_table<T>(
    table: &Table,
    columns: &Columns,
    read: impl FnMut(&mut Fields<'_>, u64) -> Option<T>,
) -> Result<Vec<T>, TableError> {
    let (most_rows, faults) = (table.most_rows, TableFaults::default());
    let mut reading = Reading { columns, most_rows, header: Vec::new(), rows: Vec::new(), faults, read };
    match table.format {
        Format::Csv => read_csv(&table.bytes, &mut reading)?,
        Format::Xlsx => workbook::read(&table.bytes, &mut reading),
    }
    let Reading { rows, faults, .. } = reading;
    faults.unless_faulty(rows)
}

/// Takes the rows of a table, whatever it is written in.
pub(super) trait Taker {
    /// Returns whether the rows are wanted.
    fn header(&mut self, cells: &[Cow<'_, str>]) -> bool;

    /// Returns whether more rows are wanted.
    fn row(&mut self, number: u64, cells: &[Cow<'_, str>]) -> bool;

    /// Something is wrong with a row, or with the table; `text` is a sentence. The header is row 0.
    fn broken(&mut self, number: u64, column: Option<usize>, text: String);
}

struct Reading<'c, T, F> {
    columns: &'c Columns,
    most_rows: u64,
    header: Vec<String>,
    rows: Vec<T>,
    faults: TableFaults,
    read: F,
}

impl<T, F: FnMut(&mut Fields<'_>, u64) -> Option<T>> Taker for Reading<'_, T, F> {
    fn header(&mut self, cells: &[Cow<'_, str>]) -> bool {
        if cells.len() > MOST_COLUMNS {
            self.broken(0, None, format!("The table has more than {MOST_COLUMNS} columns."));
            return false;
        }
        self.header = cells.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
        let missing = self.columns.required.iter().filter(|column| !self.header.iter().any(|name| name == *column));
        self.faults.add(missing.map(|column| {
            row_fault(0, Some(column), FaultCode::Required, format!("The header lacks the column {column}."))
        }));
        let unknown = self.header.iter().filter(|name| !self.columns.all().any(|column| column == *name));
        self.faults.add(unknown.map(|name| {
            let shown = shown(name);
            let text = format!("The header has the unknown column `{shown}`.");
            row_fault(0, Some(&shown), FaultCode::UnknownField, text)
        }));
        let twice = self.columns.all().filter(|column| self.header.iter().filter(|name| name == column).count() > 1);
        self.faults.add(twice.map(|column| {
            row_fault(0, Some(column), FaultCode::InvalidFormat, format!("The header has the column {column} twice."))
        }));
        self.faults.is_empty()
    }

    fn row(&mut self, number: u64, cells: &[Cow<'_, str>]) -> bool {
        if number > self.most_rows {
            let text = format!("The table has more than {} rows.", self.most_rows);
            self.faults.add([row_fault(number, None, FaultCode::TooLong, text)]);
            return false;
        }
        if cells.len() != self.header.len() {
            let text = format!("Row {number} has {} cells, but the header has {}.", cells.len(), self.header.len());
            self.broken(number, None, text);
            return true;
        }
        let is_long = |cell: &Cow<'_, str>| cell.len() > LONGEST_CELL && cell.chars().count() > LONGEST_CELL;
        if let Some(column) = cells.iter().position(is_long) {
            let text = format!("Row {number} has a cell with more than {LONGEST_CELL} characters.");
            self.broken(number, Some(column), text);
            return true;
        }
        let cells = self.header.iter().map(String::as_str).zip(cells.iter().map(AsRef::as_ref));
        let mut fields = Fields::of_row(number, cells);
        let value = (self.read)(&mut fields, number);
        let found = fields.finish();
        match value {
            Some(value) if found.is_empty() => self.rows.push(value),
            _ => self.faults.add(found),
        }
        true
    }

    fn broken(&mut self, number: u64, column: Option<usize>, text: String) {
        let column = column.and_then(|column| self.header.get(column)).map(|name| shown(name));
        self.faults.add([row_fault(number, column.as_deref(), FaultCode::InvalidFormat, text)]);
    }
}

fn read_csv(table: &[u8], taker: &mut impl Taker) -> Result<(), TableError> {
    if std::str::from_utf8(table).is_err() {
        return Err(TableError::NotUtf8);
    }
    let mut records = Records::of(table, b',');
    let header = match records.next().unwrap_or_else(|| Ok(csv::StringRecord::new())) {
        Ok(header) => header,
        Err(error) => {
            taker.broken(0, None, format!("The table cannot be read: {error}."));
            return Ok(());
        }
    };
    if !taker.header(&header.iter().map(Cow::from).collect::<Vec<_>>()) {
        return Ok(());
    }
    for (row, record) in (1..).zip(records) {
        match record {
            Ok(record) => {
                let cells: Vec<Cow<'_, str>> = record.iter().map(|cell| unguarded(cell).into()).collect();
                if !taker.row(row, &cells) {
                    break;
                }
            }
            Err(error) => {
                taker.broken(row, None, format!("Row {row} cannot be read: {error}."));
                break;
            }
        }
    }
    Ok(())
}

/// Shortens a text supplied by the client for use in a message.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_SHOWN).collect()
}
