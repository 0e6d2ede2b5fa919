//! Workbooks made by hand: honest ones of many programs, and hostile ones.
use std::io::Write;

use zip::{ZipWriter, write::SimpleFileOptions};

use super::*;

/// Keeps what a workbook gives, or only counts it.
#[derive(Default)]
struct Seen {
    rows: Vec<(u64, Vec<String>)>,
    faults: Vec<String>,
    /// Bytes of the cells of all rows.
    bytes: usize,
    only_counts: bool,
}

impl Taker for Seen {
    fn header(&mut self, cells: &[Cow<'_, str>]) -> bool {
        self.row(0, cells, &[])
    }

    fn row(&mut self, number: u64, cells: &[Cow<'_, str>], _: &[usize]) -> bool {
        self.bytes += cells.iter().map(|cell| cell.len()).sum::<usize>();
        if !self.only_counts {
            self.rows.push((number, cells.iter().map(ToString::to_string).collect()));
        }
        true
    }

    fn broken(&mut self, _: u64, _: Option<usize>, text: String) {
        self.faults.push(text);
    }
}

/// The frame of a workbook, whose first sheet is a chart.
const FRAME: [(&str, &str); 3] = [
    (
        "_rels/.rels",
        r#"<Relationships><Relationship Id="r1" Type="http://purl.oclc.org/ooxml/officeDocument/relationships/officeDocument" Target="/xl/book.xml"/></Relationships>"#,
    ),
    (
        r"xl\_rels\book.xml.rels",
        r#"<Relationships><Relationship Id="c" Type="x/chartsheet" Target="chart.xml"/>
           <Relationship Id="s" Type="x/worksheet" Target="../xl/./Sheet.xml"/>
           <Relationship Id="t" Type="x/sharedStrings" Target="strings.xml"/>
           <Relationship Id="f" Type="x/styles" Target="/xl/styles.xml"/></Relationships>"#,
    ),
    (
        "xl/book.xml",
        r#"<x:workbook><x:workbookPr/><x:sheets><x:sheet name="C" sheetId="1" r:id="c"/><x:sheet name="S" sheetId="2" r:id="s"/></x:sheets></x:workbook>"#,
    ),
];
const STYLES: &str = r#"<styleSheet><numFmts><numFmt numFmtId="170" formatCode="hh:mm;@"/><numFmt numFmtId="171" formatCode="[h]:mm"/></numFmts>
    <cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="170"/><xf numFmtId="171"/></cellXfs></styleSheet>"#;

fn archive<'a>(parts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, text) in parts {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn workbook(rows: &str, strings: &str) -> Vec<u8> {
    let sheet = format!("<worksheet><dimension ref=\"A1:XFD1048576\"/><sheetData>{rows}</sheetData></worksheet>");
    let strings = if strings.starts_with("<sst") { strings.to_owned() } else { format!("<sst>{strings}</sst>") };
    archive(FRAME.into_iter().chain([
        ("xl/sheet.xml", sheet.as_str()),
        ("xl/strings.xml", &strings),
        ("xl/styles.xml", STYLES),
    ]))
}

fn seen(workbook: &[u8]) -> Seen {
    let mut seen = Seen::default();
    read(workbook, &mut seen);
    seen
}

/// The cells of the header of a workbook, which is all that it has.
fn cells(rows: &str, strings: &str) -> Vec<String> {
    let mut seen = seen(&workbook(rows, strings));
    assert_eq!((seen.faults.as_slice(), seen.rows.len()), ([].as_slice(), 1), "{rows}");
    seen.rows.remove(0).1
}

/// Why a workbook is refused, and how many bytes of cells were passed on before.
fn refusal(workbook: &[u8]) -> (String, usize) {
    let mut seen = Seen { only_counts: true, ..Seen::default() };
    read(workbook, &mut seen);
    assert_eq!(seen.faults.len(), 1, "{:?}", seen.faults);
    (seen.faults.remove(0), seen.bytes)
}

#[test]
fn cells_of_each_type_are_read_as_text() {
    let strings =
        "<si><t>one</t></si><si><r><t xml:space=\"preserve\">two </t></r><r><t>halves</t></r><rPh><t>no</t></rPh></si>
                   <si>\n<t> trimmed </t>\n</si><si/>";
    for (cell, expected) in [
        (r#"<c t="s"><v>0</v></c>"#, "one"),
        (r#"<c t="s"><v>1</v></c>"#, "two halves"),
        (r#"<c t="s"><v>2</v></c>"#, "trimmed"),
        (r#"<c t="inlineStr"><is><t>A &amp; B&#33;<![CDATA[<>]]></t></is><v>no</v></c>"#, "A & B!<>"),
        (r#"<c t="inlineStr"><is><t>a_x000D_b_x_xZZZZ__x_x005F_x000D_</t></is></c>"#, "a\rb_x_xZZZZ__x_x000D_"),
        (r#"<c t="str"><v> kept </v></c>"#, " kept "),
        (r#"<c t="b"><v>1</v></c>"#, "true"),
        (r#"<c t="e"><v>#N/A</v></c>"#, "#N/A"),
        ("<c><v>135</v></c>", "135"),
        (r#"<c t="n"><v>1.50E2</v></c>"#, "150"),
        ("<c><v>inf</v></c>", "inf"),
        ("<c><v>text</v></c>", "text"),
        (r#"<c s="1"><v>46357</v></c>"#, "2026-12-01"),
        (r#"<c s="2"><v>0.41666666666666669</v></c>"#, "10:00"),
        (r#"<c s="3"><v>1</v></c>"#, "24:00"),
        (r#"<c s="99"><v>1</v></c>"#, "1"),
    ] {
        assert_eq!(cells(&format!("<row>{cell}</row>"), strings), [expected], "{cell}");
    }
    assert_eq!(cells(r#"<row><c r="B1"><v>1</v></c><c><v>2</v></c></row>"#, ""), ["", "1", "2"]);
}

#[test]
fn cells_of_type_d_are_read_as_dates_and_times() {
    let texts = ["10:00:00", "12:10:00", "2027-03-03", "2027-03-03T00:00:00"];
    let row: String = texts.map(|text| format!("<c t=\"d\"><v>{text}</v></c>")).concat();
    assert_eq!(cells(&format!("<row>{row}</row>"), ""), ["10:00", "12:10", "2027-03-03", "2027-03-03"]);
}

#[test]
fn rows_without_a_value_are_gaps_and_short_rows_stay_short() {
    let rows = r#"<row r="1"><c><v>1</v></c><c><v>2</v></c></row><row r="2"><c r="A2"/></row><row r="7"><c><v>3</v></c></row>"#;
    let seen = seen(&workbook(rows, ""));
    assert_eq!(seen.rows, [(0, vec!["1".into(), "2".into()]), (6, vec!["3".into()])]);
}

#[test]
fn a_formula_is_a_fault_of_its_row() {
    let rows = "<row><c><v>1</v></c></row><row><c><f>1+1</f><v>2</v></c></row><row><c><v>3</v></c></row>";
    let seen = seen(&workbook(rows, ""));
    assert_eq!(seen.faults, ["Row 1 has a formula; replace it by its value."]);
    assert_eq!(seen.rows.len(), 2);
}

#[test]
fn a_stated_number_of_strings_reserves_no_memory_and_an_impossible_one_is_refused() {
    let row = r#"<row><c t="s"><v>0</v></c></row>"#;
    assert_eq!(cells(row, r#"<sst count="16000000" uniqueCount="16000000"><si><t>one</t></si></sst>"#), ["one"]);
    for stated in [r#"uniqueCount="17592186044416""#, r#"count="17592186044416""#, r#"uniqueCount="1e99""#] {
        let workbook = workbook(row, &format!("<sst {stated}><si><t>one</t></si></sst>"));
        assert!(workbook.len() < 3000);
        assert_eq!(refusal(&workbook), ("The workbook states more strings than it can have.".to_owned(), 0));
    }
}

#[test]
fn strings_take_as_many_bytes_as_they_have() {
    let workbook = workbook("", "<si><t>one</t></si><si><t>three</t></si>");
    let mut archive = Archive::open(&workbook, u64::MAX).unwrap();
    let strings = SharedStrings::read(archive.part("xl/strings.xml", u64::MAX).unwrap()).unwrap();
    assert_eq!(strings.bytes(), 8 + 2 * size_of::<usize>());
    assert_eq!(
        ["0", "1", "2", "-1", ""].map(|number| strings.get(number)),
        [Some("one"), Some("three"), None, None, None]
    );
}

#[test]
fn a_cell_may_have_32767_characters_and_no_more() {
    let (longest, longer) = ("é".repeat(32_767), "é".repeat(32_768));
    assert_eq!(cells(&format!("<row><c t=\"str\"><v>{longest}</v></c></row>"), "")[0].len(), 65_534);
    let text = "A cell of the workbook has more than 32767 characters.";
    for workbook in [
        workbook(&format!("<row><c t=\"str\"><v>{longer}</v></c></row>"), ""),
        workbook(&format!("<row><c t=\"inlineStr\"><is><t>{longer}</t></is></c></row>"), ""),
        workbook(&format!("<row><c t=\"inlineStr\"><is>{}</is></c></row>", "<r><t>&lt;</t></r>".repeat(32_768)), ""),
        workbook("", &format!("<si><t>{longer}</t></si>")),
    ] {
        assert_eq!(refusal(&workbook), (text.to_owned(), 0));
    }
}

#[test]
fn a_row_of_many_long_cells_is_refused() {
    let string = format!("<si><t>{}</t></si>", "x".repeat(32_767));
    let row = format!("<row>{}</row>", r#"<c t="s"><v>0</v></c>"#.repeat(1000));
    let workbook = workbook(&row, &string);
    assert!(workbook.len() < 3000);
    assert_eq!(refusal(&workbook), ("Row 0 has more than 1024 KiB of text.".to_owned(), 0));
}

#[test]
fn a_small_workbook_cannot_have_much_text_in_all_its_cells() {
    let string = format!("<si><t>{}</t></si>", "x".repeat(32_767));
    let workbook = workbook(&"<row><c t=\"s\"><v>0</v></c></row>".repeat(10_000), &string);
    assert!(workbook.len() < 6000, "{}", workbook.len());
    let (text, bytes) = refusal(&workbook);
    assert_eq!(text, "The sheet has too much text for so small a workbook.");
    assert!(bytes as u64 <= most_bytes(workbook.len() as u64), "{bytes} bytes were passed on");
}

#[test]
fn a_small_workbook_cannot_unpack_to_much() {
    let blanks = format!("<row><c><v>1</v></c></row>{}", format!("<!--{}-->", "x".repeat(100_000)).repeat(240));
    let workbook = workbook(&blanks, "");
    assert_eq!(refusal(&workbook).0, "The workbook cannot be read: it is too large unpacked.");
    assert_eq!([0, 1024 * 1024, u64::MAX].map(most_bytes), [16 << 20, 116 << 20, 256 << 20]);
}

#[test]
fn elements_have_bounds() {
    for (rows, text) in [
        ("<a>".repeat(100), "it has more than 64 elements within each other"),
        (format!("<row {}/>", "a='' ".repeat(60_000)), "an element has more than 256 KiB"),
        (format!("<!--{}-->", "x".repeat(300_000)), "an element has more than 256 KiB"),
        ("<row><c><v>&bomb;</v></c></row>".to_owned(), "it has an unknown reference"),
        ("<row><c>".to_owned(), "ill-formed document: expected `</c>`, but `</sheetData>` was found"),
    ] {
        assert_eq!(refusal(&workbook(&rows, "")).0, format!("The workbook cannot be read: {text}."));
    }
}

#[test]
fn cells_that_no_sheet_has_are_refused() {
    for (cell, text) in [
        (r#"<c r="ZZZZZZZZZZZZ1"/>"#, "The sheet has a cell at `ZZZZZZZZZZZZ1`, which no sheet has."),
        (r#"<c r="A99999999999"/>"#, "The sheet has a cell at `A99999999999`, which no sheet has."),
        (r#"<c r="XFD1"/>"#, "The sheet has more than 1000 columns."),
        (r#"<c t="s"><v>7</v></c>"#, "Row 0 has a shared string that the workbook lacks."),
        (r#"<c t="x"><v>7</v></c>"#, "Row 0 has a cell of an unknown type."),
        (r#"<c r="A2"/><c r="A1"/>"#, "The rows of the sheet are not in order."),
    ] {
        let seen = seen(&workbook(&format!("<row>{cell}</row>"), ""));
        assert_eq!(seen.faults, [text]);
    }
    let text = "The sheet has a cell at `1048577`, which no sheet has.";
    assert_eq!(seen(&workbook(r#"<row r="1048577"/>"#, "")).faults, [text]);
}

#[test]
fn what_an_archive_claims_is_not_believed() {
    let good = workbook("<row><c><v>1</v></c></row>", "");
    assert!(seen(&good).faults.is_empty());
    // The last record of an archive: numbers of entries at 8 and 10, size of the directory at 12, its place at 16.
    let end = good.len() - 22;
    for (at, claim) in [(8, &[0xfe, 0xff, 0xfe, 0xff][..]), (12, &[0xff; 4]), (16, &[0xff, 0xff, 0xff, 0x7f])] {
        let mut bad = good.clone();
        bad[end + at..end + at + claim.len()].copy_from_slice(claim);
        let seen = seen(&bad);
        assert!(seen.faults.iter().all(|text| text.starts_with("The workbook cannot be read: ")), "{:?}", seen.faults);
    }
    let number = |at: usize, length: usize| {
        let mut bytes = [0; 8];
        bytes[..length].copy_from_slice(&good[end + at..end + at + length]);
        u64::from_le_bytes(bytes)
    };
    let (entries, size, place) = (number(10, 2), number(12, 4), number(16, 4));
    let with_64_bits = |entries: u64, size: u64, place: u64| {
        let mut record = b"PK\x06\x06".to_vec();
        record.extend_from_slice(&44_u64.to_le_bytes());
        record.extend_from_slice(&[45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        record.extend([entries, entries, size, place].into_iter().flat_map(u64::to_le_bytes));
        record.extend_from_slice(b"PK\x06\x07\0\0\0\0");
        record.extend_from_slice(&(end as u64).to_le_bytes());
        record.extend_from_slice(&[1, 0, 0, 0]);
        let mut archive = good.clone();
        drop(archive.splice(end..end, record));
        archive
    };
    assert!(seen(&with_64_bits(entries, size, place)).faults.is_empty(), "some programs write all archives so");
    let text = "The workbook cannot be read: it claims to have more than 10000 entries, or than fit into it.";
    for (entries, size, place) in [(10_001, size, place), (entries, 1 << 50, place), (entries, size, 1 << 50)] {
        assert_eq!(refusal(&with_64_bits(entries, size, place)).0, text);
    }
    for claim in [10_001, u16::MAX] {
        let mut bad = good.clone();
        bad[end + 8..end + 10].copy_from_slice(&claim.to_le_bytes());
        bad[end + 10..end + 12].copy_from_slice(&claim.to_le_bytes());
        assert_eq!(refusal(&bad).0, text, "{claim}");
    }
    for length in [0, 4, end, good.len() - 1] {
        assert!(refusal(&good[..length]).0.starts_with("The workbook cannot be read: "));
    }
}

#[test]
fn an_archive_without_its_parts_is_refused() {
    for (parts, text) in [
        (&FRAME[..0], "The workbook cannot be read: it lacks one of its parts."),
        (&FRAME[..2], "The workbook cannot be read: it lacks one of its parts."),
        (&FRAME[..], "The workbook cannot be read: it lacks one of its parts."),
        (&[("_rels/.rels", "<Relationships/>")], "The file is not a workbook."),
        (&[FRAME[0], FRAME[1], ("xl/book.xml", "<workbook/>")], "The workbook has no sheet."),
    ] {
        assert_eq!(refusal(&archive(parts.iter().copied())).0, text);
    }
}

#[test]
fn rows_without_a_value_before_the_header_are_gaps_and_rows_count_from_the_header() {
    let cell = |place: &str, text: &str| format!(r#"<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>"#);
    let rows = format!(
        r#"<row r="2">{}</row><row r="3">{}</row><row r="5">{}</row><row r="6"><c r="A6"><f>1</f><v>1</v></c></row>"#,
        cell("A2", " "),
        cell("A3", "name"),
        cell("A5", "Rome"),
    );
    let mut seen = Seen::default();
    read(&workbook(&rows, ""), &mut seen);
    assert_eq!(seen.rows, [(0, vec!["name".to_owned()]), (2, vec!["Rome".to_owned()])]);
    assert_eq!(seen.faults, ["Row 3 has a formula; replace it by its value."]);
}
