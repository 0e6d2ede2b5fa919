//! The cells of a sheet, in their order.
use std::borrow::Cow;

use quick_xml::events::BytesStart;

use super::{
    formats::{Format, Formats},
    parts::{CellText, Part, Step, attribute},
    shared::SharedStrings,
    times,
};

/// Rows and columns of the largest sheet.
const MOST: (u32, usize) = (1_048_576, 16_384);

/// What the values of cells refer to.
#[derive(Default)]
pub(super) struct Context {
    pub strings: SharedStrings,
    pub formats: Formats,
    pub is_1904: bool,
}

pub(super) struct Cells<'p, 'c> {
    part: Part<'p>,
    context: &'c Context,
    /// Where the next cell is, unless it says so.
    row: u32,
    column: usize,
    value: CellText,
}

/// A cell whose value was read.
pub(super) struct Cell {
    /// Counted from 0.
    pub row: u32,
    pub column: usize,
    pub has_formula: bool,
    kind: Kind,
    format: Format,
}

#[derive(Clone, Copy)]
enum Kind {
    Number,
    Boolean,
    /// A date or a time in ISO 8601.
    Iso,
    /// The number of a shared string.
    Shared,
    Text,
}

impl<'p, 'c> Cells<'p, 'c> {
    pub fn of(part: Part<'p>, context: &'c Context) -> Self {
        Self { part, context, row: 0, column: 0, value: CellText::default() }
    }

    pub fn next(&mut self) -> Result<Option<Cell>, String> {
        loop {
            match self.part.next()? {
                Step::Open(element) => match element.local_name().as_ref() {
                    "row" => {
                        if let Some(number) = attribute(&element, "r") {
                            self.row = row_of(&number).ok_or_else(|| no_place(&number))?;
                        }
                        self.column = 0;
                    }
                    "c" => {
                        if let Some(place) = attribute(&element, "r") {
                            (self.row, self.column) = place_of(&place).ok_or_else(|| no_place(&place))?;
                        }
                        let cell = Cell::of(&element, self.row, self.column, &self.context.formats)?;
                        self.column += 1;
                        return self.content(cell).map(Some);
                    }
                    _ => {}
                },
                Step::Close(element) => match element.local_name().as_ref() {
                    "row" => self.row += 1,
                    "sheetData" => return Ok(None),
                    _ => {}
                },
                Step::Text(_) => {}
                Step::End => return Ok(None),
            }
        }
    }

    fn content(&mut self, mut cell: Cell) -> Result<Cell, String> {
        self.value.clear();
        loop {
            match self.part.next()? {
                Step::Open(element) => match element.local_name().as_ref() {
                    "f" => cell.has_formula = true,
                    "is" => self.part.string(&mut self.value)?,
                    "v" if self.value.value.is_empty() => self.part.value(&mut self.value)?,
                    _ => {}
                },
                Step::Close(element) if element.local_name().as_ref() == "c" => return Ok(cell),
                Step::Close(_) | Step::Text(_) | Step::End => {}
            }
        }
    }

    /// Returns the value of the cell that was read last as text, as a cell of CSV has it. A shared string is not copied.
    pub fn text(&self, cell: &Cell, is_instant: bool) -> Result<Cow<'c, str>, String> {
        let value = self.value.value.as_str();
        let text = match cell.kind {
            Kind::Shared if value.is_empty() => String::new(),
            Kind::Shared => {
                let string = self.context.strings.get(value.trim());
                let missing = || format!("Row {} has a shared string that the workbook lacks.", cell.row);
                return string.map(Cow::Borrowed).ok_or_else(missing);
            }
            Kind::Boolean if value == "1" => "true".to_owned(),
            Kind::Boolean if value == "0" => "false".to_owned(),
            Kind::Boolean | Kind::Text => value.to_owned(),
            Kind::Iso => times::of_iso(value.trim(), is_instant, self.context.is_1904),
            Kind::Number => {
                let number = value.trim().parse().ok().filter(|number: &f64| number.is_finite());
                number.map_or_else(
                    || value.to_owned(),
                    |it| number_text(it, cell.format, is_instant, self.context.is_1904),
                )
            }
        };
        Ok(text.into())
    }
}

impl Cell {
    /// Returns whether the value is kept as text, also if its letters are digits.
    pub fn is_text(&self) -> bool {
        matches!(self.kind, Kind::Shared | Kind::Text)
    }

    fn of(element: &BytesStart<'_>, row: u32, column: usize, formats: &Formats) -> Result<Self, String> {
        let kind = match attribute(element, "t").as_deref() {
            None | Some("n") => Kind::Number,
            Some("b") => Kind::Boolean,
            Some("d") => Kind::Iso,
            Some("s") => Kind::Shared,
            Some("str" | "inlineStr" | "e") => Kind::Text,
            Some(_) => return Err(format!("Row {row} has a cell of an unknown type.")),
        };
        let format = attribute(element, "s").map_or(Format::Number, |style| formats.of(&style));
        Ok(Self { row, column, has_formula: false, kind, format })
    }
}

fn number_text(number: f64, format: Format, is_instant: bool, is_1904: bool) -> String {
    let time = match format {
        Format::Number => None,
        Format::Elapsed if !is_instant => times::elapsed(number),
        Format::Elapsed | Format::Time => times::of_number(number, is_instant, is_1904),
    };
    time.unwrap_or_else(|| number.to_string())
}

fn no_place(place: &str) -> String {
    let shown: String = place.chars().filter(|it| !it.is_control()).take(16).collect();
    format!("The sheet has a cell at `{shown}`, which no sheet has.")
}

/// Returns the row of a number, counted from 0.
fn row_of(number: &str) -> Option<u32> {
    let is_number = (1..=7).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
    let row: u32 = number.parse().ok().filter(|_| is_number)?;
    row.checked_sub(1).filter(|row| *row < MOST.0)
}

/// Returns row and column of a place such as `AB12`, counted from 0.
fn place_of(place: &str) -> Option<(u32, usize)> {
    let (letters, number) = place.split_at(place.find(|it: char| !it.is_ascii_alphabetic())?);
    if letters.len() > 3 {
        return None;
    }
    let letters = letters.bytes().map(|letter| usize::from(letter.to_ascii_uppercase() - b'A') + 1);
    let column = letters.fold(0, |column, letter| column * 26 + letter).checked_sub(1)?;
    Some((row_of(number)?, column)).filter(|_| column < MOST.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_one_that_a_sheet_has() {
        for (place, expected) in
            [("A1", (0, 0)), ("z9", (8, 25)), ("AA10", (9, 26)), ("XFD1048576", (1_048_575, 16_383))]
        {
            assert_eq!(place_of(place), Some(expected), "{place}");
        }
        for place in [
            "ZZZZZZZZZZZZ1",
            "XFE1",
            "AAAA1",
            "A1048577",
            "A99999999999999999999",
            "A0",
            "A",
            "1",
            "",
            "A1B",
            "A-1",
            "A+1",
            "Ä1",
            "A٣",
        ] {
            assert_eq!(place_of(place), None, "{place}");
        }
    }
}
