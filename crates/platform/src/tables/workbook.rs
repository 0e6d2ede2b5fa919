//! Reads the first sheet of a workbook, as a stream and within bounds. What a workbook states about its own size (numbers of
//! strings, dimensions, unpacked sizes) is not read: what it contains is counted.
mod cells;
mod formats;
mod layout;
mod parts;
mod shared;
#[cfg(test)]
mod tests;
mod times;

use std::borrow::Cow;

use self::{
    cells::{Cells, Context},
    formats::Formats,
    layout::Layout,
    parts::Archive,
    shared::SharedStrings,
};
use super::{
    cell::is_instant,
    rows::{LONGEST_ROW, MOST_COLUMNS, Taker, is_blank},
};

/// Most bytes that a workbook may have unpacked, and that its cells may have as text.
const MOST_BYTES: u64 = 256 * 1024 * 1024;
/// Bytes that any workbook may have, and how many more for each of its own.
const FREE_BYTES: u64 = 16 * 1024 * 1024;
const MOST_RATIO: u64 = 100;

/// The row whose cells are being read.
#[derive(Default)]
struct Row<'c> {
    /// Of the sheet, whose first is row 0.
    number: u32,
    cells: Vec<Cow<'c, str>>,
    /// The places of cells that are text.
    texts: Vec<usize>,
    bytes: usize,
    is_faulty: bool,
}

/// The first row that is not blank.
struct Header {
    row: u32,
    names: Vec<String>,
}

pub(super) fn read(bytes: &[u8], taker: &mut impl Taker) {
    if let Err(text) = read_sheet(bytes, taker) {
        taker.broken(0, None, text);
    }
}

fn read_sheet(bytes: &[u8], taker: &mut impl Taker) -> Result<(), String> {
    let most = most_bytes(bytes.len() as u64);
    let mut archive = Archive::open(bytes, most)?;
    let layout = Layout::find(&mut archive)?;
    let mut context = Context { is_1904: layout.is_1904, ..Context::default() };
    if let Some(styles) = layout.styles {
        context.formats = Formats::read(archive.part(&styles, u64::MAX)?)?;
    }
    if let Some(strings) = layout.shared_strings {
        context.strings = SharedStrings::read(archive.part(&strings, u64::MAX)?)?;
    }
    let mut cells = Cells::of(archive.part(&layout.sheet, u64::MAX)?, &context);
    let (mut header, mut row, mut left): (Option<Header>, _, _) = (None, Row::default(), most);
    while let Some(cell) = cells.next()? {
        if cell.row < row.number {
            return Err("The rows of the sheet are not in order.".to_owned());
        }
        if cell.row > row.number {
            let next = Row { number: cell.row, ..Row::default() };
            if !pass_on(std::mem::replace(&mut row, next), &mut header, taker) {
                return Ok(());
            }
        }
        if cell.column >= MOST_COLUMNS {
            return Err(format!("The sheet has more than {MOST_COLUMNS} columns."));
        }
        if cell.has_formula {
            let number = cell.row - header.as_ref().map_or(0, |header| header.row);
            let text = format!("Row {number} has a formula; replace it by its value.");
            taker.broken(u64::from(number), Some(cell.column), text);
            row.is_faulty = true;
        }
        let name = header.as_ref().and_then(|header| header.names.get(cell.column)).map_or("", String::as_str);
        let text = cells.text(&cell, is_instant(name))?;
        left = left.checked_sub(text.len() as u64).ok_or("The sheet has too much text for so small a workbook.")?;
        if cell.is_text() {
            row.texts.push(cell.column);
        }
        row.put(cell.column, text)?;
    }
    if pass_on(row, &mut header, taker) && header.is_none() {
        taker.header(&[]);
    }
    Ok(())
}

/// Returns the largest unpacked size of a workbook of this packed size, in bytes.
fn most_bytes(packed: u64) -> u64 {
    packed.saturating_mul(MOST_RATIO).saturating_add(FREE_BYTES).min(MOST_BYTES)
}

impl<'c> Row<'c> {
    fn put(&mut self, column: usize, text: Cow<'c, str>) -> Result<(), String> {
        if text.is_empty() {
            return Ok(());
        }
        self.bytes += text.len();
        if self.bytes > LONGEST_ROW {
            return Err(format!("Row {} has more than {} KiB of text.", self.number, LONGEST_ROW / 1024));
        }
        self.cells.resize(self.cells.len().max(column + 1), Cow::Borrowed(""));
        self.cells[column] = text;
        Ok(())
    }
}

/// Returns whether more rows are wanted.
fn pass_on(row: Row<'_>, header: &mut Option<Header>, taker: &mut impl Taker) -> bool {
    let Row { number, cells, texts, is_faulty, .. } = row;
    let Some(header) = header else {
        if !is_faulty && is_blank(cells.iter().map(AsRef::as_ref)) {
            return true;
        }
        let is_wanted = taker.header(&cells) && !is_faulty;
        *header = Some(Header { row: number, names: cells.into_iter().map(Cow::into_owned).collect() });
        return is_wanted;
    };
    // A row without a value is a gap, not an entry.
    if is_faulty || cells.is_empty() {
        return true;
    }
    taker.row(u64::from(number - header.row), &cells, &texts)
}
