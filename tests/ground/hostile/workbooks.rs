//! Workbooks that claim to contain, or unpack to, more than their own size allows.

use loadmaster_platform::tables::XLSX;
use loadmaster_testkit::{World, workbook::workbook};

const IMPORTS: [&str; 5] = ["airports", "airlines", "aircraft", "flights", "tariffs"];

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
