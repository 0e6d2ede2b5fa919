//! Workbooks that claim to contain, or unpack to, more than their own size allows.
use std::io::{Cursor, Write};

use loadmaster_platform::tables::XLSX;
use zip::{ZipWriter, write::SimpleFileOptions};

use crate::support::World;

const IMPORTS: [&str; 5] = ["airports", "airlines", "aircraft", "flights", "tariffs"];

/// A workbook with these rows and shared strings.
pub fn workbook(rows: &str, strings: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [
        (
            "_rels/.rels",
            r#"<Relationships><Relationship Id="r1" Type="x/officeDocument" Target="xl/workbook.xml"/></Relationships>"#,
        ),
        ("xl/workbook.xml", r#"<workbook><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>"#),
        (
            "xl/_rels/workbook.xml.rels",
            r#"<Relationships><Relationship Id="r1" Type="x/worksheet" Target="sheet.xml"/>
               <Relationship Id="r2" Type="x/sharedStrings" Target="sharedStrings.xml"/></Relationships>"#,
        ),
        ("xl/sheet.xml", &format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")),
        ("xl/sharedStrings.xml", strings),
    ] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn a_small_workbook_that_claims_or_unpacks_to_much_is_refused_with_its_reason() {
    let world = World::start().await;
    let admin = world.admin().await;
    let one = r#"<row><c t="s"><v>0</v></c></row>"#;
    let long = format!("<sst><si><t>{}</t></si></sst>", "x".repeat(32_767));
    for (workbook, reason) in [
        (
            workbook(one, r#"<sst count="17592186044416" uniqueCount="17592186044416"><si><t>a</t></si></sst>"#),
            "The workbook states more strings than it can have.",
        ),
        (
            workbook(&format!("<row>{}</row>", r#"<c t="s"><v>0</v></c>"#.repeat(1000)), &long),
            "Row 0 has more than 1024 KiB of text.",
        ),
        (workbook(one, &long.replace("</t>", "x</t>")), "A cell of the workbook has more than 32767 characters."),
        (
            workbook(r#"<row><c r="ZZZZZZZZZZZZ1"><v>1</v></c></row>"#, "<sst/>"),
            "The sheet has a cell at `ZZZZZZZZZZZZ1`, which no sheet has.",
        ),
        (
            workbook(&format!("<!--{}-->", "x".repeat(100_000)).repeat(240), "<sst/>"),
            "The workbook cannot be read: it is too large unpacked.",
        ),
    ] {
        for import in IMPORTS {
            let path = format!("/api/v1/{import}/import");
            let refused = admin.post_raw(&path, XLSX, workbook.clone()).await.expect_problem(400, "validation_failed");
            assert_eq!(refused["errors"][0]["message"], reason, "{import}");
        }
    }
}
