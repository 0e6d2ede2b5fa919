//! Text whose cells have separators between them: CSV, and what spreadsheet programs make of it.
use std::{borrow::Cow, cell::OnceCell};

use csv::StringRecord;

use super::{
    formula::unguarded,
    kind::CellKind,
    number::{Sign, decimal_signs},
    records::Records,
    rows::{Columns, Taker},
};

/// The separators that a header may have. Where the comma is the decimal sign, programs write `;`.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Most rows without a value before the header.
const MOST_GAPS: usize = 1000;

/// A table with the separator of its cells.
pub(super) struct Delimited<'t> {
    text: &'t str,
    pub separator: u8,
    decimal_sign: OnceCell<Option<Sign>>,
}

impl<'t> Delimited<'t> {
    /// Takes the separator that a first line `sep=;` names, as Excel does, or else the one that shows the most of the columns in
    /// the header.
    pub fn of(text: &'t str, columns: &Columns) -> Self {
        let (first, rest) = text.split_at(text.find(['\r', '\n']).unwrap_or(text.len()));
        let (text, separator) = match named_separator(first.trim_matches('"')) {
            Some(separator) => (rest.strip_prefix("\r\n").or(rest.get(1..)).unwrap_or_default(), separator),
            None => (text, separator_of(text, columns)),
        };
        Self { text, separator, decimal_sign: OnceCell::new() }
    }

    fn records(&self) -> Records<'t> {
        Records::of(self.text.as_bytes(), self.separator)
    }

    /// Passes on the rows, the first that is not blank as the header.
    pub fn read(&self, taker: &mut impl Taker) {
        let mut records = self.records();
        let is_wanted = match records.header(MOST_GAPS) {
            (gaps, _) if gaps > MOST_GAPS => {
                let text = format!("The table has more than {MOST_GAPS} rows without a value before its header.");
                return taker.broken(0, None, text);
            }
            (_, Some(Ok(header))) => taker.header(&cells(&header)),
            (_, Some(Err(error))) => return taker.broken(0, None, format!("The table cannot be read: {error}.")),
            (_, None) => taker.header(&[]),
        };
        if !is_wanted {
            return;
        }
        for row in 1.. {
            let is_wanted = match records.next() {
                Some(Ok(record)) => taker.row(row, &cells(record), &[]),
                Some(Err(error)) => return taker.broken(row, None, format!("Row {row} cannot be read: {error}.")),
                None => false,
            };
            if !is_wanted {
                return;
            }
        }
    }

    /// Returns the decimal sign of the table: the only one that its numbers show.
    pub fn decimal_sign(&self, columns: &Columns) -> Option<Sign> {
        *self.decimal_sign.get_or_init(|| self.shown_sign(columns))
    }

    fn shown_sign(&self, columns: &Columns) -> Option<Sign> {
        let mut records = self.records();
        let header = records.header(MOST_GAPS).1?.ok()?;
        let is_number = |name: &str| columns.find(name).is_some_and(|(_, kind)| kind == CellKind::Number);
        let places: Vec<usize> = (0..).zip(&header).filter(|(_, name)| is_number(name)).map(|(at, _)| at).collect();
        let (mut comma, mut point) = (false, false);
        while let Some(Ok(record)) = records.next() {
            for sign in places.iter().filter_map(|at| record.get(*at)).map(unguarded).flat_map(decimal_signs) {
                match sign {
                    Sign::Comma => comma = true,
                    Sign::Point => point = true,
                }
            }
            if comma && point {
                return None;
            }
        }
        match (comma, point) {
            (true, false) => Some(Sign::Comma),
            (false, true) => Some(Sign::Point),
            _ => None,
        }
    }
}

fn cells(record: &StringRecord) -> Vec<Cow<'_, str>> {
    record.iter().map(Cow::from).collect()
}

/// Reads a line such as `sep=;`.
fn named_separator(line: &str) -> Option<u8> {
    let (name, value) = line.split_once('=')?;
    let separator = *value.as_bytes().first().filter(|_| value.len() == 1)?;
    (name.eq_ignore_ascii_case("sep") && SEPARATORS.contains(&separator)).then_some(separator)
}

fn separator_of(text: &str, columns: &Columns) -> u8 {
    let known = |separator: u8| {
        let header = Records::of(text.as_bytes(), separator).header(MOST_GAPS).1.and_then(Result::ok);
        header.map_or(0, |header| header.iter().filter(|name| columns.find(name).is_some()).count())
    };
    // The first of several that show as many.
    SEPARATORS.into_iter().rev().max_by_key(|separator| known(*separator)).unwrap_or(b',')
}
