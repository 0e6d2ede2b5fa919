//! Tables in workbooks. An input that is no archive is text, from which one is made: the sheet, the shared strings, the
//! styles and the workbook itself, each after a line `----`. So the checksums of the archive are right.
use std::io::{Cursor, Write};

use loadmaster_platform::{
    tables::{CellKind, Columns, Table, read_table},
    web::{Problem, Raw, read},
};
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

const PACKAGE: &[u8] =
    br#"<Relationships><Relationship Id="1" Type="/officeDocument" Target="b.xml"/></Relationships>"#;
const RELATED: &[u8] = br#"<Relationships><Relationship Id="1" Type="/worksheet" Target="0"/>
<Relationship Id="2" Type="/sharedStrings" Target="1"/><Relationship Id="3" Type="/styles" Target="2"/></Relationships>"#;
const WORKBOOK: &[u8] = br#"<workbook><sheet id="1"/></workbook>"#;
const KINDS: [(&str, CellKind); 2] = [("b", CellKind::Number), ("c_at", CellKind::Instant)];
const COLUMNS: Columns = Columns { required: &["a"], optional: &["b", "c_at"], kinds: &KINDS };
/// The most bytes that cells may have for an input of at most 128 KiB, which is three times as long if it is not UTF-8.
const MOST: usize = 64 * 1024 * 1024;

pub fn check(data: &[u8]) {
    let workbook = if data.starts_with(b"PK\x03\x04") { data.to_vec() } else { packed(data) };
    let table = Table::of_file(workbook.into());
    let count = || {
        let mut bytes = 0;
        let rows = read_table(&table, &COLUMNS, |fields, _| {
            let cells = ["a", "b", "c_at"].map(|name| fields.optional(name, |raw: Raw<'_>| read::any(raw)));
            bytes += cells.iter().flatten().map(String::len).sum::<usize>();
            Some(())
        });
        assert!(data.len() > 128 * 1024 || bytes <= MOST, "the cells have {bytes} bytes");
        rows.map(|rows| rows.len())
    };
    if let Err(error) = super::same(count) {
        super::expect_client_error(Problem::from(error));
    }
}

fn packed(data: &[u8]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut add = |name: &str, part: &[u8]| {
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        zip.start_file(name, stored).expect("a new part");
        zip.write_all(part).expect("memory");
    };
    let text = String::from_utf8_lossy(data);
    let mut parts = text.split("\n----\n");
    for name in ["0", "1", "2"] {
        add(name, parts.next().unwrap_or("<empty/>").as_bytes());
    }
    add("b.xml", parts.next().map_or(WORKBOOK, str::as_bytes));
    add("_rels/.rels", PACKAGE);
    add("_rels/b.xml.rels", RELATED);
    zip.finish().expect("memory").into_inner()
}
