use std::ops::Range;

use chrono::NaiveDate;
use loadmaster_kernel::Fault;
use loadmaster_platform::web::{Fields, InputFault};

/// The columns of a record, and what is wrong with them.
pub(super) struct Record<'a> {
    pub row: u64,
    pub text: &'a str,
    fields: Fields<'a>,
}

impl<'a> Record<'a> {
    pub fn of(row: u64, text: &'a str) -> Self {
        Self { row, text, fields: Fields::of_row(row, std::iter::empty()) }
    }

    /// Reads the columns, counted from 0. `None` after a fault, which names them counted from 1.
    pub fn at<T>(
        &mut self,
        name: &'static str,
        columns: Range<usize>,
        read: impl FnOnce(&'a str) -> Result<T, Fault>,
    ) -> Option<T> {
        let (first, last) = (columns.start + 1, columns.end);
        let named = if first == last { format!("column {first}") } else { format!("columns {first} to {last}") };
        let read = read(&self.text[columns]);
        read.map_err(|fault| self.fault(name, &Fault::new(fault.code, format!("{}, in {named}", fault.message)))).ok()
    }

    pub fn fault(&mut self, name: &'static str, fault: &Fault) {
        self.fields.fault(name, fault);
    }

    pub fn finish(self) -> Vec<InputFault> {
        self.fields.finish()
    }
}

/// Reads digits.
pub(super) fn number(cell: &str) -> Result<u32, Fault> {
    let digits = Some(cell).filter(|cell| cell.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| Fault::format("must be digits"))
}

/// Returns whether a period has no last day.
pub(super) fn is_open(cell: &str) -> bool {
    cell == "00XXX00"
}

/// Reads a date such as `03MAY27`.
pub(super) fn date(cell: &str) -> Result<NaiveDate, Fault> {
    let is_written = cell.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let date = NaiveDate::parse_from_str(cell, "%d%b%y").ok().filter(|_| is_written);
    date.ok_or_else(|| Fault::format("must be an existing date such as 03MAY27"))
}
