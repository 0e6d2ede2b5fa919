//! Tables that people keep in spreadsheets. They come in as CSV or as a workbook (xlsx), with all their faults listed by row
//! and column, and go out as both, row by row. No cell is ever a formula.
mod apart;
mod cell;
mod clock;
mod delimited;
mod encoding;
mod export;
mod faults;
mod formula;
mod gzip;
mod kind;
mod number;
mod read;
mod records;
mod rows;
mod sheet;
mod summary;
mod workbook;

pub use apart::read_apart;
pub use cell::{Cell, cell_at};
pub use clock::Clock;
pub use export::{Export, ExportParams, Format, Pages};
pub use faults::{TableError, TableFaults};
pub use gzip::{GzipError, unpacked};
pub use kind::CellKind;
pub use read::{ColumnNames, Table, read_table};
pub use rows::Columns;
pub use summary::ImportSummary;

/// The media type of a table in CSV.
pub const CSV: &str = "text/csv";
/// The media type of a workbook.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
