use loadmaster_kernel::FaultCode;

use crate::web::{InputFault, Problem, code};

/// Largest number of reported faults: a longer list does not help.
const MOST: usize = 100;

/// The faults of a table: the first by row, and the number of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableFaults {
    first: Vec<InputFault>,
    total: usize,
}

impl TableFaults {
    pub fn add(&mut self, faults: impl IntoIterator<Item = InputFault>) {
        for fault in faults {
            self.total += 1;
            if self.first.len() < MOST {
                self.first.push(fault);
            }
        }
    }

    /// Adds the faults that another check of the same table found.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.first.extend(other.first);
        self.first.sort_by_key(|fault| fault.row);
        self.first.truncate(MOST);
        self.total += other.total;
        self
    }

    pub const fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// Returns the first faults.
    pub fn first(&self) -> &[InputFault] {
        &self.first
    }

    pub const fn total(&self) -> usize {
        self.total
    }

    /// Returns `value` if there is no fault.
    pub fn unless_faulty<T>(self, value: T) -> Result<T, TableError> {
        if self.is_empty() { Ok(value) } else { Err(TableError::Faults(self)) }
    }
}

/// Why a table cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("line {line} is neither UTF-8 nor Windows-1252; save the table as CSV UTF-8")]
    NotText { line: usize },
    #[error("line {line} is not in {charset}, which its Content-Type names")]
    NotIn { charset: &'static str, line: usize },
    #[error("its Content-Type names {charset}, and its byte order mark is that of {mark}")]
    Contradiction { charset: &'static str, mark: &'static str },
    #[error("the table has {} faults", .0.total)]
    Faults(TableFaults),
}

impl From<TableError> for Problem {
    fn from(error: TableError) -> Self {
        match error {
            error @ (TableError::NotText { .. } | TableError::NotIn { .. } | TableError::Contradiction { .. }) => {
                Self::new(code::MALFORMED_REQUEST, format!("The table cannot be read: {error}."))
            }
            TableError::Faults(faults) => Self::validation(&faults.first).with("errors_total", faults.total),
        }
    }
}

/// A fault of a whole row, or of a column in the header, which is row 0.
pub(super) fn row_fault(row: u64, column: Option<&str>, code: FaultCode, message: String) -> InputFault {
    InputFault::of_row(row, column.map(str::to_owned), code, message)
}
