//! The rows of CSV, read within bounds.
use std::io::{self, Read};

use csv::{ReaderBuilder, StringRecord};

use super::rows::{LONGEST_ROW, is_blank};

/// The rows of a table, with the header. None is longer than a row may be.
pub(super) struct Records<'t> {
    reader: csv::Reader<ByRow<'t>>,
    /// Used again for each row: it has grown.
    record: StringRecord,
}

impl<'t> Records<'t> {
    pub fn of(table: &'t [u8], separator: u8) -> Self {
        let mut builder = ReaderBuilder::new();
        builder.flexible(true).has_headers(false).delimiter(separator);
        Self { reader: builder.from_reader(ByRow { table, left: LONGEST_ROW }), record: StringRecord::new() }
    }

    /// Returns the next row, which is not copied: its cells are not judged yet.
    pub fn next(&mut self) -> Option<csv::Result<&StringRecord>> {
        self.reader.get_mut().left = LONGEST_ROW;
        match self.reader.read_record(&mut self.record) {
            Ok(true) => Some(Ok(&self.record)),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Passes over rows without a value, at most `most`. Returns their number, and the row after them.
    pub fn header(&mut self, most: usize) -> (usize, Option<csv::Result<StringRecord>>) {
        for gaps in 0..=most {
            match self.next() {
                Some(Ok(record)) if is_blank(record) => {}
                found => return (gaps, found.map(Result::<&_, _>::cloned)),
            }
        }
        (most + 1, None)
    }
}

/// A table as it is read: a row cannot have more than `left` bytes.
struct ByRow<'t> {
    table: &'t [u8],
    left: usize,
}

impl Read for ByRow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.table.take(self.left as u64).read(buffer)?;
        if read == 0 && !self.table.is_empty() {
            return Err(io::Error::other(format!("a row has more than {} KiB", LONGEST_ROW / 1024)));
        }
        self.table = &self.table[read..];
        self.left -= read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Columns, Table, TableError, read_table, rows::LONGEST_CELL},
        *,
    };

    fn faults(table: Vec<u8>) -> Vec<String> {
        let columns = Columns { required: &["name"], optional: &[], kinds: &[] };
        let read = read_table(&Table::of_file(table.into()), &columns, |fields, _| {
            fields.required("name", |raw: crate::web::Raw<'_>| crate::web::read::any(raw))
        });
        match read {
            Err(TableError::Faults(faults)) => faults.first().iter().map(|fault| fault.message.clone()).collect(),
            read => panic!("{read:?}"),
        }
    }

    #[test]
    fn a_row_of_csv_longer_than_a_row_may_be_is_refused() {
        let long = "x".repeat(2 * LONGEST_ROW);
        let text = "cannot be read: a row has more than 1024 KiB.";
        assert_eq!(faults(format!("name\na\n\"{long}\"\n").into_bytes()), [format!("Row 2 {text}")]);
        assert_eq!(faults(format!("name\na\n{}", ",".repeat(2 * LONGEST_ROW)).into_bytes()), [format!("Row 2 {text}")]);
        assert_eq!(faults(long.into_bytes()), [format!("The table {text}")]);
    }

    #[test]
    fn a_cell_or_a_header_longer_than_one_may_be_is_refused() {
        let text = "Row 2 has a cell with more than 32767 characters.";
        let cells = ["é".repeat(LONGEST_CELL), "é".repeat(LONGEST_CELL + 1)];
        assert_eq!(faults(format!("name\n{}\n{}\n", cells[0], cells[1]).into_bytes()), [text]);
        assert_eq!(faults(format!("name{}", ",".repeat(1000)).into_bytes()), ["The table has more than 1000 columns."]);
    }

    #[test]
    fn a_table_of_many_short_rows_is_read() {
        let table = Table::of_file(format!("name\n{}", "abcdefghijklmnopqrst\n".repeat(100_000)).into_bytes().into());
        let columns = Columns { required: &["name"], optional: &[], kinds: &[] };
        let rows = read_table(&table, &columns, |fields, row| {
            fields.required("name", |raw: crate::web::Raw<'_>| crate::web::read::any(raw)).map(|_| row)
        })
        .unwrap();
        assert_eq!(rows.len(), 100_000);
    }
}
