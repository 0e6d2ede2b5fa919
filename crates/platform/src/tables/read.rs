use std::{borrow::Cow, collections::BTreeMap};

use bytes::Bytes;
use loadmaster_kernel::{Fault, FaultCode};

use super::{
    CSV, XLSX,
    delimited::Delimited,
    encoding::{Charset, decode},
    export::Format,
    faults::{TableError, TableFaults, row_fault},
    formula::unguarded,
    kind::{self, CellKind},
    number,
    rows::{Columns, LONGEST_CELL, MOST_COLUMNS, Taker, is_blank},
    workbook,
};

use crate::web::{Body, Fields, Problem};

/// Largest number of rows with a value of a table that a request sends.
const MOST_ROWS: u64 = 100_000;
/// The same of a file.
const MOST_ROWS_OF_FILE: u64 = 1_000_000;
/// The last row of a table, those without a value included.
const LAST_ROW: u64 = 1_048_576;
/// Longest text from a client that a message repeats, in characters.
const LONGEST_SHOWN: usize = 64;

/// A table as it was sent.
#[derive(Debug)]
pub struct Table {
    pub(super) format: Format,
    pub(super) bytes: Bytes,
    /// Of CSV, where the request names it.
    charset: Option<Charset>,
    most_rows: u64,
    names: ColumnNames,
}

/// The names of columns, each by the name that a table has for it.
pub type ColumnNames = BTreeMap<String, String>;

impl Table {
    /// Takes the body of a request: CSV, or a workbook.
    pub fn of(body: Body) -> Result<Self, Problem> {
        if body.is_of_type(XLSX) {
            let bytes = body.of_type(XLSX)?;
            let names = ColumnNames::new();
            return Ok(Self { format: Format::Xlsx, bytes, charset: None, most_rows: MOST_ROWS, names });
        }
        let named = body.charset().filter(|_| body.is_of_type(CSV)).map(Charset::of_name);
        let bytes = body.of_one_of(&[CSV, XLSX])?;
        let charset = named.transpose()?;
        Ok(Self { format: Format::Csv, bytes, charset, most_rows: MOST_ROWS, names: ColumnNames::new() })
    }

    /// Takes a file, whose form its beginning shows: a workbook is an archive.
    pub fn of_file(bytes: Bytes) -> Self {
        let format = if bytes.starts_with(b"PK\x03\x04") { Format::Xlsx } else { Format::Csv };
        Self { format, bytes, charset: None, most_rows: MOST_ROWS_OF_FILE, names: ColumnNames::new() }
    }

    /// Returns the table whose header has other names for these columns.
    #[must_use]
    pub fn naming(self, names: ColumnNames) -> Self {
        Self { names, ..self }
    }

    /// Returns the bytes as they were sent, for forms that are neither CSV nor a workbook.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Reads the rows of a table with these columns and no others. `read` gets the cells and the number of each row, counted from
/// 1 without the header, and returns `None` after a fault.
pub fn read_table<T>(
    table: &Table,
    columns: &Columns,
    read: impl FnMut(&mut Fields<'_>, u64) -> Option<T>,
) -> Result<Vec<T>, TableError> {
    let text = match table.format {
        Format::Csv => Some(renamed(decode(&table.bytes, table.charset)?, &table.names)),
        Format::Xlsx => None,
    };
    let delimited = text.as_ref().map(|text| Delimited::of(text, columns));
    let mut reading = Reading {
        columns,
        names: &table.names,
        delimited: delimited.as_ref(),
        most_rows: table.most_rows,
        entries: 0,
        header: Vec::new(),
        places: Vec::new(),
        rows: Vec::new(),
        faults: TableFaults::default(),
        read,
    };
    match &delimited {
        Some(delimited) => delimited.read(&mut reading),
        None => workbook::read(&table.bytes, &mut reading),
    }
    let Reading { rows, faults, .. } = reading;
    faults.unless_faulty(rows)
}

/// Returns the text with the names that are meant in its header, which is the first line that is not blank.
fn renamed<'t>(text: Cow<'t, str>, names: &ColumnNames) -> Cow<'t, str> {
    const ENDS: [char; 2] = ['\r', '\n'];
    const AFTER: [char; 6] = [',', ';', '\t', '|', '\r', '\n'];
    if names.is_empty() {
        return text;
    }
    let is_before = |line: &&str| line.trim().is_empty() || line.starts_with("sep=");
    let before: usize = text.split_inclusive(ENDS).take_while(is_before).map(str::len).sum();
    let header = text[before..].split_inclusive(ENDS).next().unwrap_or_default();
    let mut written = text[..before].to_owned();
    for cell in header.split_inclusive(AFTER) {
        let name = cell.trim_end_matches(AFTER);
        match names.get(name.trim_matches(['\u{feff}', '"', ' '])) {
            Some(meant) => written.extend([meant.as_str(), &cell[name.len()..]]),
            None => written.push_str(cell),
        }
    }
    written.push_str(&text[before + header.len()..]);
    written.into()
}

struct Reading<'c, T, F> {
    columns: &'c Columns,
    names: &'c ColumnNames,
    /// The table, if it is no workbook.
    delimited: Option<&'c Delimited<'c>>,
    most_rows: u64,
    /// Number of rows with a value.
    entries: u64,
    header: Vec<String>,
    /// The columns in the order of the header; `None` where it has no name.
    places: Vec<Option<(&'static str, CellKind)>>,
    rows: Vec<T>,
    faults: TableFaults,
    read: F,
}

impl<T, F> Reading<'_, T, F> {
    /// Returns a cell without the mark that exports to CSV set before what looks like a formula.
    fn bare<'t>(&self, cell: &'t str) -> &'t str {
        if self.delimited.is_some() { unguarded(cell) } else { cell }
    }

    /// Returns the text of a cell as the readers of its kind take it. `is_text`: it is a workbook's, and no number there.
    fn plain<'t>(&self, cell: &'t str, kind: CellKind, is_text: bool) -> Result<Cow<'t, str>, Fault> {
        let cell = self.bare(cell);
        Ok(match (kind, self.delimited) {
            (CellKind::Number, Some(table)) => {
                return number::plain(cell, table.separator, || table.decimal_sign(self.columns));
            }
            (CellKind::Number, None) if is_text => return number::of_text(cell),
            (CellKind::Text | CellKind::Number, _) => cell.into(),
            (CellKind::Flag, _) => kind::flag(cell),
            (CellKind::Digits(length), _) => kind::digits(cell, length),
            (CellKind::Date, _) => return kind::date(cell),
            (CellKind::Instant, _) => return kind::instant(cell),
        })
    }
}

impl<T, F: FnMut(&mut Fields<'_>, u64) -> Option<T>> Reading<'_, T, F> {
    /// Reads the values of a row, or notes their faults.
    fn values(&mut self, number: u64, cells: &[Cow<'_, str>], texts: &[usize]) {
        // Most cells are written as they are read.
        let (mut changed, mut refused) = (Vec::new(), Vec::new());
        // The last cells of a row may be left out.
        for (at, (place, cell)) in self.places.iter().zip(cells).enumerate() {
            let Some((name, kind)) = *place else { continue };
            match self.plain(cell, kind, texts.contains(&at)) {
                Ok(plain) if *plain == **cell => {}
                Ok(plain) => changed.push((at, name, plain)),
                Err(fault) => refused.push((name, fault)),
            }
        }
        let text_of = |at: usize| {
            let text = changed.iter().find(|(other, ..)| *other == at).map(|(.., text)| text.as_ref());
            text.unwrap_or_else(|| cells[at].as_ref())
        };
        let named = self.places.iter().take(cells.len()).enumerate();
        let named = named.filter_map(|(at, place)| place.map(|(name, _)| (name, text_of(at))));
        let written = changed.iter().map(|(at, name, _)| (*name, cells[*at].as_ref())).collect();
        let mut fields = Fields::of_row(number, named).written_as(written);
        for (name, fault) in &refused {
            fields.refuse(name, fault);
        }
        let value = (self.read)(&mut fields, number);
        let found = fields.finish();
        match value {
            Some(value) if found.is_empty() => self.rows.push(value),
            _ => self.faults.add(found),
        }
    }
}

impl<T, F: FnMut(&mut Fields<'_>, u64) -> Option<T>> Taker for Reading<'_, T, F> {
    fn header(&mut self, cells: &[Cow<'_, str>]) -> bool {
        if cells.len() > MOST_COLUMNS {
            self.broken(0, None, format!("The table has more than {MOST_COLUMNS} columns."));
            return false;
        }
        let bare = cells.iter().map(|name| name.trim_start_matches('\u{feff}').trim());
        self.header = bare.map(|name| self.names.get(name).map_or(name, String::as_str).to_owned()).collect();
        let missing = self.columns.required.iter().filter(|column| !self.header.iter().any(|name| name == *column));
        self.faults.add(missing.map(|column| {
            row_fault(0, Some(column), FaultCode::Required, format!("The header lacks the column {column}."))
        }));
        self.places = self.header.iter().map(|name| self.columns.find(name)).collect();
        let named = self.header.iter().zip(&self.places).filter(|(name, _)| !name.is_empty());
        let unknown = named.filter(|(_, place)| place.is_none());
        self.faults.add(unknown.map(|(name, _)| {
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

    fn row(&mut self, number: u64, cells: &[Cow<'_, str>], texts: &[usize]) -> bool {
        // A row without a value is a gap, not an entry.
        let is_gap = is_blank(cells.iter().map(AsRef::as_ref));
        self.entries += u64::from(!is_gap);
        let most = if number > LAST_ROW { LAST_ROW } else { self.most_rows };
        if number > LAST_ROW || self.entries > self.most_rows {
            self.faults.add([row_fault(
                number,
                None,
                FaultCode::TooLong,
                format!("The table has more than {most} rows."),
            )]);
            return false;
        }
        if is_gap {
            return true;
        }
        let is_named = |at: usize| self.places.get(at).is_some_and(Option::is_some);
        if let Some(at) = (0..cells.len()).find(|at| !is_named(*at) && !cells[*at].trim().is_empty()) {
            let text = format!("Row {number} has a value in its cell {}, for which the header has no name.", at + 1);
            self.broken(number, None, text);
            return true;
        }
        let is_long = |cell: &Cow<'_, str>| cell.len() > LONGEST_CELL && self.bare(cell).chars().count() > LONGEST_CELL;
        if let Some(column) = cells.iter().position(is_long) {
            let text = format!("Row {number} has a cell with more than {LONGEST_CELL} characters.");
            self.broken(number, Some(column), text);
            return true;
        }
        self.values(number, cells, texts);
        true
    }

    fn broken(&mut self, number: u64, column: Option<usize>, text: String) {
        let column = column.and_then(|column| self.header.get(column)).map(|name| shown(name));
        self.faults.add([row_fault(number, column.as_deref(), FaultCode::InvalidFormat, text)]);
    }
}

/// Shortens a text supplied by the client for use in a message.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::read;

    const COLUMNS: Columns = Columns {
        required: &["name", "kg"],
        optional: &["on", "is_new", "prefix"],
        kinds: &[
            ("kg", CellKind::Number),
            ("on", CellKind::Date),
            ("is_new", CellKind::Flag),
            ("prefix", CellKind::Digits(3)),
        ],
    };

    /// Each row with its number, as name, kilograms, date, flag and prefix.
    fn rows(table: impl Into<Vec<u8>>) -> Result<Vec<String>, Vec<String>> {
        let read = read_table(&Table::of_file(Bytes::from(table.into())), &COLUMNS, |fields, row| {
            let name = fields.required("name", read::line(50));
            let kilograms = fields.required("kg", read::weight);
            let on = fields.optional("on", read::date).map(|on| on.to_string()).unwrap_or_default();
            let is_new = fields.optional("is_new", read::boolean).map(|flag| flag.to_string()).unwrap_or_default();
            let prefix = fields.optional("prefix", read::line(3)).unwrap_or_default();
            let shown = format!("{row} {} {} {on}{is_new}{prefix}", name?.trim(), kilograms?);
            Some(shown.replace(" kg", "").trim().to_owned())
        });
        match read {
            Ok(rows) => Ok(rows),
            Err(TableError::Faults(faults)) => Err(faults.first().iter().map(|fault| fault.message.clone()).collect()),
            Err(error) => Err(vec![error.to_string()]),
        }
    }

    #[test]
    fn a_header_may_have_other_names_for_the_columns() {
        let names = [("Consignor", "name"), ("Gross weight", "kg")];
        let names: ColumnNames = names.map(|(given, meant)| (given.to_owned(), meant.to_owned())).into();
        for table in [
            "Consignor,Gross weight\nConsignor,5\n",
            "\u{feff}\"Consignor\";\"Gross weight\"\r\nConsignor;5\r\n",
            "\n\nname\tGross weight\nConsignor\t5\n",
            "sep=|\nConsignor|kg\nConsignor|5\n",
        ] {
            let table = Table::of_file(table.into()).naming(names.clone());
            let read = read_table(&table, &COLUMNS, |fields, _| {
                Some(format!("{} {}", fields.required("name", read::line(50))?, fields.required("kg", read::weight)?))
            });
            assert_eq!(read.unwrap(), ["Consignor 5 kg"], "{table:?}");
        }
        let unknown = read_table(&Table::of_file("Shipper,kg\nA,5\n".into()).naming(names), &COLUMNS, |_, _| Some(()));
        assert!(unknown.is_err());
    }

    #[test]
    fn a_table_is_read_with_the_separator_of_its_header() {
        for table in [
            "name,kg\nA,1000.5\n",
            "name,kg\r\nA,\"1,000.5\"\r\n",
            "\u{feff}name;kg\r\nA;1000,5\r\n",
            "name\tkg\rA\t1.000,5\r",
            "name|kg\nA|1 000.5",
            "sep=;\r\nname;kg\r\nA;1000,5\r\n",
            "\"sep=\t\"\r\nname\tkg\r\nA\t\u{a0}1000,5 \r\n",
            "kg;name\n\"1000,5\";\"A\"\n",
        ] {
            assert_eq!(rows(table).unwrap(), ["1 A 1000.5"], "{table:?}");
        }
        let wide: Vec<u8> = "\u{feff}name\tkg\r\nA\t1000,5\r\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(rows(wide).unwrap(), ["1 A 1000.5"]);
        assert_eq!(rows(b"name;kg\r\nZ\xfcrich;1000,5\r\n").unwrap(), ["1 Zürich 1000.5"]);
    }

    #[test]
    fn rows_without_a_value_are_gaps_and_last_cells_may_lack() {
        let table = ";;\r\nname;kg;on;is_new;;\r\nA;1;2027-03-01\r\n;;;;;\r\n ;\u{a0};;\r\n\r\nB;2;;;;\r\nC;3;;WAHR;;\r\n;;\r\n";
        assert_eq!(rows(table).unwrap(), ["1 A 1 2027-03-01", "4 B 2", "5 C 3 true"]);
        assert_eq!(rows("name,kg\nA\n").unwrap_err(), ["`kg` in row 1 is required."]);
    }

    #[test]
    fn a_table_whose_header_comes_too_late_is_refused() {
        let after = |gaps: usize| rows(format!("{}name,kg\nA,1\n", ",\n".repeat(gaps)));
        assert_eq!(after(1000).unwrap(), ["1 A 1"]);
        assert_eq!(after(1001).unwrap_err(), ["The table has more than 1000 rows without a value before its header."]);
    }

    #[test]
    fn rows_without_a_value_do_not_count_towards_the_most_that_a_request_sends() {
        let read = |rows: usize, gaps: usize| {
            let text = format!("name,kg\n{}{}A,1\n", "A,1\n".repeat(rows - 1), ",\n".repeat(gaps));
            let table = Table { most_rows: MOST_ROWS, ..Table::of_file(text.into_bytes().into()) };
            let read = read_table(&table, &COLUMNS, |fields, _| {
                let (name, kilograms) = (fields.required("name", read::line(50)), fields.required("kg", read::weight));
                name.zip(kilograms)
            });
            read.map(|rows| rows.len()).map_err(|error| match error {
                TableError::Faults(faults) => faults.first()[0].message.clone(),
                error => error.to_string(),
            })
        };
        assert_eq!(read(100_000, 10), Ok(100_000));
        assert_eq!(read(100_001, 0).unwrap_err(), "The table has more than 100000 rows.");
        assert_eq!(read(1, 1_048_576).unwrap_err(), "The table has more than 1048576 rows.");
    }

    #[test]
    fn a_value_below_no_name_is_a_fault() {
        for (table, cell) in [("name,kg\nA,1,5\n", 3), ("name;;kg\nA;x;1\n", 2)] {
            let text = format!("Row 1 has a value in its cell {cell}, for which the header has no name.");
            assert_eq!(rows(table).unwrap_err(), [text]);
        }
    }

    #[test]
    fn a_sign_that_may_be_two_is_what_the_other_rows_show_or_a_fault() {
        assert_eq!(rows("name;kg\nA;1.000\nB;10,5\n").unwrap(), ["1 A 1000", "2 B 10.5"]);
        assert_eq!(rows("name;kg\nA;1.000\nB;10.5\n").unwrap(), ["1 A 1", "2 B 10.5"]);
        assert_eq!(rows("name;kg\nA;1,000\nB;10,5\n").unwrap(), ["1 A 1", "2 B 10.5"]);
        for table in [
            "name;kg\nA;1.000\n",
            "name;kg\nA;1,000\n",
            "name\tkg\nA\t1,000\n",
            "name,kg\nA,\"1,000\"\n",
            "name,kg\nA,\"1,000\"\nB,1.000.000\n",
            "name;kg\nA;1.000\nB;1,5\nC;1.5\n",
            "name;kg\nA;1,000\nB;1,5\nC;1.5\n",
        ] {
            let faults = rows(table).unwrap_err();
            assert!(faults.len() == 1 && faults[0].starts_with("`kg` in row 1 is ambiguous"), "{faults:?}");
        }
        assert!(rows("name,kg\nA,\"1000,5\"\n").unwrap_err()[0].contains("a decimal point"));
    }

    #[test]
    fn dates_flags_and_lost_zeros_are_read_and_two_dates_in_one_refused() {
        let table = "name;kg;on;is_new;prefix\nA;1;01.03.2027;;\nB;2;;FALSCH;\nC;3;;;20\n";
        assert_eq!(rows(table).unwrap(), ["1 A 1 2027-03-01", "2 B 2 false", "3 C 3 020"]);
        let faults = rows("name,kg,on\nA,1,01/03/2027\nB,x,\n").unwrap_err();
        assert!(faults[0].starts_with("`on` in row 1 is ambiguous: day and month"), "{faults:?}");
        assert!(faults[1].starts_with("`kg` in row 2"), "{faults:?}");
    }

    #[test]
    fn a_header_is_judged_with_any_separator() {
        assert_eq!(rows("name;weight\nA;1\n").unwrap_err().len(), 2, "one column lacks and one is unknown");
        assert_eq!(rows("").unwrap_err().len(), 2);
        assert_eq!(rows(",,\n,,\n").unwrap_err().len(), 2);
        assert_eq!(rows("sep=x\nname,kg\n").unwrap_err().len(), 3);
    }
}
