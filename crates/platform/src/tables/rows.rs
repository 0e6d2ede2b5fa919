//! The rows of a table, whatever it is written in: their columns, their limits, and what takes them.
use std::borrow::Cow;

use super::kind::CellKind;

/// Most columns of a table.
pub(super) const MOST_COLUMNS: usize = 1000;
/// Longest text of a cell, in characters: that of spreadsheet programs.
pub(super) const LONGEST_CELL: usize = 32_767;
/// Longest text of a row, in bytes.
pub(super) const LONGEST_ROW: usize = 1024 * 1024;

/// The columns of a table, which may stand in any order.
#[derive(Debug, Clone, Copy)]
pub struct Columns {
    pub required: &'static [&'static str],
    pub optional: &'static [&'static str],
    /// What the cells of columns are that are not text.
    pub kinds: &'static [(&'static str, CellKind)],
}

impl Columns {
    pub(super) fn all(&self) -> impl Iterator<Item = &'static str> {
        self.required.iter().chain(self.optional).copied()
    }

    /// Returns the column of a name in a header.
    pub(super) fn find(&self, name: &str) -> Option<(&'static str, CellKind)> {
        let column = self.all().find(|column| *column == name.trim())?;
        let kind = self.kinds.iter().find(|(of, _)| *of == column).map_or(CellKind::Text, |(_, kind)| *kind);
        Some((column, kind))
    }
}

/// Takes the rows of a table, whatever it is written in.
pub(super) trait Taker {
    /// Returns whether the rows are wanted.
    fn header(&mut self, cells: &[Cow<'_, str>]) -> bool;

    /// Returns whether more rows are wanted. `texts`: the places of a workbook's cells that are text, not numbers or dates. Cells
    /// are as they stand in the table.
    fn row(&mut self, number: u64, cells: &[Cow<'_, str>], texts: &[usize]) -> bool;

    /// Something is wrong with a row, or with the table; `text` is a sentence. The header is row 0.
    fn broken(&mut self, number: u64, column: Option<usize>, text: String);
}

/// Returns whether no cell has a value.
pub(super) fn is_blank<'c>(cells: impl IntoIterator<Item = &'c str>) -> bool {
    cells.into_iter().all(|cell| cell.trim().is_empty())
}
