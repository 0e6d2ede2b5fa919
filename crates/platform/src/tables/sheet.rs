//! Writes workbooks: one sheet, whose rows leave as they are written. Nothing is kept, neither in memory nor in a file.
use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use chrono::{DateTime, NaiveDateTime, NaiveTime, Utc};
use zip::{
    ZipWriter,
    result::ZipResult,
    write::{SimpleFileOptions, StreamWriter},
};

use super::{
    cell::{Cell, DAY, epoch, written},
    rows::LONGEST_CELL,
};

/// Largest width of a column, in characters.
const WIDEST: usize = 40;
/// The parts of a workbook before its sheet; `{name}` is that of the sheet.
const PARTS: [(&str, &str); 5] = [
    ("[Content_Types].xml", include_str!("sheet/content_types.xml")),
    ("_rels/.rels", include_str!("sheet/package.rels")),
    ("xl/workbook.xml", include_str!("sheet/workbook.xml")),
    ("xl/_rels/workbook.xml.rels", include_str!("sheet/workbook.rels")),
    ("xl/styles.xml", include_str!("sheet/styles.xml")),
];
const SHEET: &str = "xl/worksheets/sheet1.xml";
/// The first row stays in view.
const BEGIN: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetViews><sheetView tabSelected="1" workbookViewId="0"><pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><cols>"#;
const END: &str = "</sheetData></worksheet>";

/// Formats of `styles.xml`, by their place in it.
const HEADER: u8 = 1;
const INSTANT: u8 = 2;
const DATE: u8 = 3;

pub(super) struct Sheet {
    zip: ZipWriter<StreamWriter<Buffer>>,
    /// What has been written and not yet taken.
    out: Buffer,
    /// The letters of each column.
    columns: Vec<String>,
    row: u32,
}

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Buffer {
    fn take(&self) -> Bytes {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into()
    }
}

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sheet {
    pub fn new(name: &str, headers: &[String]) -> ZipResult<Self> {
        let out = Buffer::default();
        let mut zip = ZipWriter::new_stream(out.clone());
        let options = SimpleFileOptions::default().compression_level(Some(1));
        for (path, text) in PARTS {
            zip.start_file(path, options)?;
            zip.write_all(text.replace("{name}", &escaped(name)).as_bytes())?;
        }
        zip.start_file(SHEET, options)?;
        let mut begin = BEGIN.to_owned();
        for (at, header) in (1..).zip(headers) {
            let width = (header.len() + 4).min(WIDEST);
            _ = write!(begin, r#"<col min="{at}" max="{at}" width="{width}" customWidth="1"/>"#);
        }
        begin += "</cols><sheetData>";
        zip.write_all(begin.as_bytes())?;
        let mut sheet = Self { zip, out, columns: (0..headers.len()).map(letters).collect(), row: 0 };
        sheet.write_row(headers.iter().map(|header| (Cell::Text(header.into()), HEADER)))?;
        Ok(sheet)
    }

    pub fn write<'a>(&mut self, cells: impl Iterator<Item = Cell<'a>>) -> io::Result<()> {
        self.write_row(cells.map(|cell| (cell, 0)))
    }

    fn write_row<'a>(&mut self, cells: impl Iterator<Item = (Cell<'a>, u8)>) -> io::Result<()> {
        self.row += 1;
        let row = self.row;
        let mut text = format!(r#"<row r="{row}">"#);
        for (column, (cell, style)) in self.columns.iter().zip(cells) {
            write_cell(&mut text, &format!("{column}{row}"), cell, style);
        }
        text += "</row>";
        self.zip.write_all(text.as_bytes())
    }

    /// Returns what has been written since the last call.
    pub fn take(&self) -> Bytes {
        self.out.take()
    }

    /// Returns the end.
    pub fn finish(mut self) -> ZipResult<Bytes> {
        self.zip.write_all(END.as_bytes())?;
        self.zip.finish()?;
        Ok(self.out.take())
    }
}

fn write_cell(out: &mut String, at: &str, cell: Cell<'_>, style: u8) {
    let (style, value) = match cell {
        Cell::Empty => return,
        Cell::Boolean(value) => {
            _ = write!(out, r#"<c r="{at}" t="b"><v>{}</v></c>"#, u8::from(value));
            return;
        }
        Cell::Date(date) => (DATE, serial(date.and_time(NaiveTime::MIN))),
        Cell::Instant(instant) if is_whole(instant) => (INSTANT, serial(instant.naive_utc())),
        Cell::Number(number) if number.parse::<f64>().is_ok() => (style, number),
        Cell::Instant(instant) => return write_text(out, at, &written(instant), style),
        Cell::Number(text) => return write_text(out, at, &text, style),
        Cell::Text(text) => return write_text(out, at, &text, style),
    };
    _ = write!(out, r#"<c r="{at}" s="{style}"><v>{value}</v></c>"#);
}

fn write_text(out: &mut String, at: &str, text: &str, style: u8) {
    let text = escaped(cut(text));
    _ = write!(out, r#"<c r="{at}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>"#);
}

/// Returns as much of the text as a cell may hold: spreadsheet programs count UTF-16 units.
fn cut(text: &str) -> &str {
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > LONGEST_CELL
    });
    end.map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
}

/// Returns text as XML. Characters that XML has not are written as spreadsheets do, `_x001F_`, and so is what looks like one.
fn escaped(text: &str) -> Cow<'_, str> {
    let is_plain =
        |c: char| !matches!(c, '&' | '<' | '>' | '"' | '_' | '\u{fffe}' | '\u{ffff}') && (c >= ' ' || c == '\t');
    if text.chars().all(is_plain) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '_' if is_code(text.get(at..).unwrap_or_default()) => out += "_x005F_",
            '\t' | '\n' => out.push(c),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => _ = write!(out, "_x{:04X}_", u32::from(c)),
            c => out.push(c),
        }
    }
    out.into()
}

/// Returns whether the text begins with a code such as `_x001F_`.
fn is_code(text: &str) -> bool {
    let code = text.as_bytes().get(..7);
    code.is_some_and(|code| {
        code.starts_with(b"_x") && code.ends_with(b"_") && code[2..6].iter().all(u8::is_ascii_hexdigit)
    })
}

/// Returns the letters of a column, counted from 0: A to Z, then AA.
fn letters(column: usize) -> String {
    let last = char::from(b'A' + u8::try_from(column % 26).unwrap_or_default());
    let before = if column < 26 { String::new() } else { letters(column / 26 - 1) };
    before + &last.to_string()
}

/// Returns the days since the epoch of spreadsheets.
fn serial(time: NaiveDateTime) -> String {
    #[allow(clippy::cast_precision_loss, reason = "milliseconds of some thousand years")]
    let milliseconds = (time - epoch().and_time(NaiveTime::MIN)).num_milliseconds() as f64;
    (milliseconds / DAY).to_string()
}

/// Spreadsheets know nothing shorter than a second that is shown.
fn is_whole(instant: DateTime<Utc>) -> bool {
    instant.timestamp_subsec_nanos() == 0
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use chrono::NaiveDate;

    use super::*;

    fn sheet_of(cells: Vec<Cell<'_>>) -> String {
        let headers: Vec<String> = cells.iter().map(|_| "h".to_owned()).collect();
        let mut sheet = Sheet::new("bookings", &headers).unwrap();
        let mut bytes = sheet.take().to_vec();
        sheet.write(cells.into_iter()).unwrap();
        bytes.extend_from_slice(&sheet.take());
        bytes.extend_from_slice(&sheet.finish().unwrap());
        let mut text = String::new();
        zip::ZipArchive::new(Cursor::new(bytes)).unwrap().by_name(SHEET).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn columns_are_named_as_spreadsheets_name_them() {
        for (column, name) in [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")] {
            assert_eq!(letters(column), name);
        }
    }

    #[test]
    fn cells_are_written_by_their_kind() {
        let instant = "2027-02-03T12:00:00Z".parse().unwrap();
        let cells = vec![
            Cell::Text("a<b & \"c\"".into()),
            Cell::Empty,
            Cell::Number("1.5".into()),
            Cell::Boolean(true),
            Cell::Date(NaiveDate::from_ymd_opt(1900, 3, 1).unwrap()),
            Cell::Instant(instant),
        ];
        let text = sheet_of(cells);
        for cell in [
            r#"<c r="A2" s="0" t="inlineStr"><is><t xml:space="preserve">a&lt;b &amp; &quot;c&quot;</t></is></c>"#,
            r#"</c><c r="C2" s="0"><v>1.5</v></c>"#,
            r#"<c r="D2" t="b"><v>1</v></c>"#,
            r#"<c r="E2" s="3"><v>61</v></c>"#,
            r#"<c r="F2" s="2"><v>46421.5</v></c></row></sheetData>"#,
        ] {
            assert!(text.contains(cell), "{cell}: {text}");
        }
    }

    #[test]
    fn text_that_xml_or_a_cell_cannot_hold_is_escaped_or_cut() {
        assert_eq!(escaped("\u{1}\r_x0041_ _x _"), "_x0001__x000D__x005F_x0041_ _x _");
        assert_eq!(cut(&"ä".repeat(40_000)).chars().count(), LONGEST_CELL);
        assert_eq!(cut(&"😀".repeat(40_000)).chars().count(), LONGEST_CELL / 2);
    }
}
