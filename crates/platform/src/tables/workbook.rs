//! Reads the first sheet of a workbook. Its cells are taken one after the other: what a workbook says of its own size is not
//! believed.
use std::{borrow::Cow, io::Cursor};

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx};

use super::{cell::is_instant, read::Taker};

/// Most bytes that a workbook may have unpacked.
const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// Most columns that are looked at.
const MOST_COLUMNS: usize = 1000;

/// The row whose cells are being read.
struct Row {
    /// Of the sheet; the header is row 0.
    number: u32,
    cells: Vec<String>,
    is_faulty: bool,
}

pub(super) fn read(bytes: &[u8], taker: &mut impl Taker) {
    if let Err(text) = read_sheet(bytes, taker) {
        taker.broken(0, None, text);
    }
}

fn read_sheet(bytes: &[u8], taker: &mut impl Taker) -> Result<(), String> {
    let unreadable = |error: calamine::XlsxError| format!("The workbook cannot be read: {error}.");
    measure(bytes)?;
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
    let first = workbook.sheet_names().into_iter().next().ok_or("The workbook has no sheet.")?;
    let mut cells = workbook.worksheet_cells_reader(&first).map_err(unreadable)?;
    let mut header: Option<Vec<String>> = None;
    let mut row = Row { number: 0, cells: Vec::new(), is_faulty: false };
    while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(unreadable)? {
        let (number, column) = (cell.pos.0, cell.pos.1 as usize);
        if number < row.number {
            return Err("The rows of the sheet are not in order.".to_owned());
        }
        if number > row.number && !pass_on(std::mem::replace(&mut row, Row::of(number)), &mut header, taker) {
            return Ok(());
        }
        if column >= MOST_COLUMNS {
            return Err(format!("The sheet has more than {MOST_COLUMNS} columns."));
        }
        if cell.formula.is_some() {
            let text = format!("Row {number} has a formula; replace it by its value.");
            taker.broken(u64::from(number), Some(column), text);
            row.is_faulty = true;
        }
        let name = header.as_ref().and_then(|header| header.get(column)).map_or("", String::as_str);
        let text = text_of(&cell.value, is_instant(name));
        if !text.is_empty() {
            row.cells.resize(row.cells.len().max(column + 1), String::new());
            row.cells[column] = text;
        }
    }
    if header.is_none() && row.number > 0 {
        taker.header(&[]);
        return Ok(());
    }
    pass_on(row, &mut header, taker);
    Ok(())
}

impl Row {
    const fn of(number: u32) -> Self {
        Self { number, cells: Vec::new(), is_faulty: false }
    }
}

/// Returns whether more rows are wanted.
fn pass_on(row: Row, header: &mut Option<Vec<String>>, taker: &mut impl Taker) -> bool {
    let Row { number, mut cells, is_faulty } = row;
    let Some(header) = header else {
        let is_wanted = taker.header(&cells.iter().map(Cow::from).collect::<Vec<_>>()) && !is_faulty;
        *header = Some(cells);
        return is_wanted;
    };
    // A row without a value is a gap, not an entry.
    if is_faulty || cells.is_empty() {
        return true;
    }
    cells.resize(cells.len().max(header.len()), String::new());
    taker.row(u64::from(number), &cells.iter().map(Cow::from).collect::<Vec<_>>())
}

/// Refuses a workbook that would unpack to too much.
fn measure(bytes: &[u8]) -> Result<(), String> {
    let unreadable = |error: &dyn std::fmt::Display| format!("The workbook cannot be read: {error}.");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| unreadable(&error))?;
    let mut left = MOST_BYTES;
    for at in 0..archive.len() {
        let file = archive.by_index(at).map_err(|error| unreadable(&error))?;
        let mut bounded = std::io::Read::take(file, left + 1);
        let read = std::io::copy(&mut bounded, &mut std::io::sink()).map_err(|error| unreadable(&error))?;
        left = left
            .checked_sub(read)
            .ok_or_else(|| format!("The workbook has more than {} MiB unpacked.", MOST_BYTES / 1024 / 1024))?;
    }
    Ok(())
}

/// Returns a cell as text, as a cell of CSV has it.
fn text_of(value: &DataRef<'_>, is_instant: bool) -> String {
    match value {
        DataRef::Empty => String::new(),
        DataRef::String(text) | DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone(),
        DataRef::SharedString(text) => (*text).to_owned(),
        DataRef::Bool(value) => value.to_string(),
        DataRef::Int(value) => value.to_string(),
        DataRef::Float(value) => value.to_string(),
        DataRef::DateTime(value) => time_of(*value, is_instant),
        DataRef::Error(error) => error.to_string(),
    }
}

/// Returns a date, a date and time in UTC, or a time of day: a time without a date is less than one day.
fn time_of(value: ExcelDateTime, is_instant: bool) -> String {
    let (year, month, day, hour, minute, second, millisecond) = value.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    match (hour, minute, second, millisecond) {
        (_, _, 0, 0) if !is_instant && (0.0..1.0).contains(&value.as_f64()) => format!("{hour:02}:{minute:02}"),
        (0, 0, 0, 0) if !is_instant => date,
        (_, _, _, 0) => format!("{date}T{hour:02}:{minute:02}:{second:02}Z"),
        _ => format!("{date}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}Z"),
    }
}
