//! Stations as tables.
use loadmaster_testkit::{Client, World};
use reqwest::Method;
use serde_json::json;

use super::{STATIONS, content, path, put};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

async fn exported(client: &Client) -> String {
    let path = format!("{STATIONS}/export");
    client.request(Method::GET, &path).send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn an_export_is_imported_again_without_a_difference_and_leaves_notices_and_contacts() {
    let world = World::start().await;
    let (admin, operator) = (world.admin().await, world.operator().await);
    let tag = json!({"code": "hub", "name": "Hub", "color": "#000000"});
    admin.post("/api/v1/station-tags", tag).await.expect(201);
    let mut all = content();
    all["tags"] = json!(["hub"]);
    // A table cannot keep the blanks around a line.
    all["highlights"] = json!([" Cool chain", "Apron access "]);
    let written = put(&admin, "DEL", 0, all).await.expect(200);
    let table = exported(&world.anonymous()).await;
    assert!(table.contains("EXPORT 123 06:00-24:00; IMPORT 1 00:00-06:30"), "{table}");
    assert!(table.contains("240; 90 product=EXPRESS code=PER"), "{table}");
    assert!(!table.contains("555777") && !table.contains("Gate 2"), "{table}");
    let import = format!("{STATIONS}/import");
    let counts = admin.post_raw(&import, "text/csv", table.clone()).await.expect(200);
    assert_eq!(counts, json!({"created": 0, "updated": 0, "unchanged": 1}));
    let workbook = admin.request(Method::GET, &format!("{STATIONS}/export?format=xlsx")).send().await.unwrap();
    let counts = admin.post_raw(&import, XLSX, workbook.bytes().await.unwrap()).await.expect(200);
    assert_eq!(counts, json!({"created": 0, "updated": 0, "unchanged": 1}), "as a workbook");
    let table = table.replace("\"DEL\"", "\"BOM\"");
    operator.post_raw(&import, "text/csv", table.clone()).await.expect_problem(403, "forbidden");
    let rehearsed = admin.post_raw(&format!("{import}?dry_run=true"), "text/csv", table.clone()).await.expect(200);
    assert_eq!((&rehearsed["created"], world.count("stations").await), (&json!(1), 1));
    assert_eq!(admin.post_raw(&import, "text/csv", table).await.expect(200), rehearsed);
    let copied = admin.get(&path("BOM")).await.expect(200);
    for member in ["summary", "text", "highlights", "tags", "capabilities", "hours", "acceptance"] {
        assert_eq!(copied[member], written[member], "{member}");
    }
    assert_eq!((&copied["notices"], &copied["contacts"]), (&json!([]), &json!([])));
    let changed = admin.post_raw(&import, "text/csv", "iata_code,summary\nDEL,Short\nLHR,\n").await.expect(200);
    assert_eq!(changed, json!({"created": 0, "updated": 1, "unchanged": 1}));
    let after = admin.get(&path("DEL")).await.expect(200);
    assert_eq!((&after["summary"], &after["version"]), (&json!("Short"), &json!(2)));
    assert_eq!((&after["contacts"], &after["text"]), (&written["contacts"], &written["text"]));
    assert_eq!(world.count("stations").await, 2, "an empty row makes no station");
    admin.post_raw(&import, "text/csv", "iata_code,is_featured\nDEL,true\n").await.expect(200);
    let former = "select data->'former'->>'is_featured' from admin_acts
                  where act = 'station.changed' and subject_id = 'DEL' order by id desc limit 1";
    assert_eq!(world.texts(former).await, ["false"]);
}

#[tokio::test]
async fn a_table_with_a_fault_changes_nothing() {
    let world = World::start().await;
    let admin = world.admin().await;
    for (row, column, code) in [
        ("QQQ,,,,,,,,", "iata_code", "unknown_value"),
        ("DEL,,,,nothing,,,,", "tags", "unknown_value"),
        ("DEL,,,,,GYM,,,", "capabilities", "unknown_value"),
        ("DEL,,,,,,EXPORT 11 06:00-07:00,,", "hours", "invalid_format"),
        ("DEL,,,,,,EXPORT 1 06:00-08:00; EXPORT 1 07:00-09:00,,", "hours", "out_of_order"),
        ("DEL,,,,,,,soon,", "acceptance", "wrong_type"),
        ("DEL,,,,,,,,perhaps", "is_featured", "wrong_type"),
        ("BOM,Again,,,,,,,", "iata_code", "invalid_format"),
    ] {
        let header = "iata_code,summary,text,highlights,tags,capabilities,hours,acceptance,is_featured";
        let table = format!("{header}\nBOM,Good,,,,,,,\n{row}\n");
        let problem = admin.post_raw(&format!("{STATIONS}/import"), "text/csv", table).await;
        let problem = problem.expect_problem(400, "validation_failed");
        let fault = &problem["errors"][0];
        let named = (&fault["row"], &fault["column"], &fault["code"]);
        assert_eq!(named, (&json!(2), &json!(column), &json!(code)), "{row}: {problem}");
        assert_eq!(world.count("stations").await, 0, "{row}");
    }
}
