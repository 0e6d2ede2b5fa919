//! Tables as they stand in files: their encodings, numbers kept as text, and faults that show what was written.
use loadmaster_platform::tables::XLSX;
use loadmaster_testkit::{Answer, Client, World, freight::text, workbook::workbook};
use serde_json::{Value, json};

const AIRPORTS: &str = "/api/v1/airports/import";
const HEADER: [&str; 7] = ["iata_code", "name", "city", "country_code", "latitude", "longitude", "time_zone"];

/// A table of one airport in this city.
fn airport(code: &str, city: &str) -> String {
    format!("{}\r\n{code},Field,{city},CH,1.5,2.5,UTC\r\n", HEADER.join(","))
}

fn wide(table: &str, write: fn(u16) -> [u8; 2]) -> Vec<u8> {
    table.encode_utf16().flat_map(write).collect()
}

async fn import(client: &Client, charset: &str, table: impl Into<Vec<u8>>) -> Answer {
    let media_type = if charset.is_empty() { "text/csv".to_owned() } else { format!("text/csv; charset={charset}") };
    client.post_raw(AIRPORTS, &media_type, table.into()).await
}

/// Each byte of these characters is their number.
fn latin1(table: &str) -> Vec<u8> {
    table.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect()
}

#[tokio::test]
async fn a_table_is_read_in_the_encoding_that_its_content_type_names() {
    let world = World::start().await;
    let admin = world.admin().await;
    let tables = [
        ("utf-8", airport("QQA", "Zürich").into_bytes()),
        ("\"UTF-8\"", format!("\u{feff}{}", airport("QQB", "Zürich")).into_bytes()),
        ("iso-8859-1", latin1(&airport("QQC", "Zürich"))),
        ("Windows-1252", latin1(&airport("QQD", "Zürich"))),
        ("utf-16", wide(&format!("\u{feff}{}", airport("QQE", "Zürich")), u16::to_be_bytes)),
        ("utf-16", wide(&airport("QQF", "Zürich"), u16::to_le_bytes)),
        ("utf-16be", wide(&airport("QQG", "Zürich"), u16::to_be_bytes)),
        ("utf-16le", wide(&airport("QQH", "Zürich"), u16::to_le_bytes)),
    ];
    for ((charset, table), code) in tables.into_iter().zip(["QQA", "QQB", "QQC", "QQD", "QQE", "QQF", "QQG", "QQH"]) {
        import(&admin, charset, table).await.expect(200);
        let found = admin.get(&format!("/api/v1/airports/{code}")).await.expect(200);
        assert_eq!(found["city"], "Zürich", "{charset}");
    }
}

#[tokio::test]
async fn an_unknown_encoding_and_one_that_the_table_contradicts_are_refused() {
    let world = World::start().await;
    let admin = world.admin().await;
    for charset in ["iso-8859-2", "shift_jis", "nonsense"] {
        let refused = import(&admin, charset, airport("QQA", "Town")).await;
        let refused = refused.expect_problem(415, "unsupported_media_type");
        assert!(text(&refused, "detail").contains("windows-1252"), "{refused}");
    }
    let marked = format!("\u{feff}{}", airport("QQA", "Town"));
    for (charset, table) in [
        ("iso-8859-1", marked.clone().into_bytes()),
        ("utf-8", wide(&marked, u16::to_le_bytes)),
        ("utf-16be", wide(&marked, u16::to_le_bytes)),
    ] {
        let refused = import(&admin, charset, table).await.expect_problem(400, "malformed_request");
        assert!(text(&refused, "detail").contains("byte order mark"), "{refused}");
    }
    let refused = import(&admin, "utf-8", latin1(&airport("QQA", "Zürich"))).await;
    let refused = refused.expect_problem(400, "malformed_request");
    assert!(text(&refused, "detail").contains("line 2 is not in utf-8"), "{refused}");
    admin.get("/api/v1/airports/QQA").await.expect_problem(404, "not_found");
}

/// The places and values of the faults of a refused table.
fn faults(answer: Answer) -> Vec<(Value, Value, Value)> {
    let refused = answer.expect_problem(400, "validation_failed");
    let faults = refused["errors"].as_array().unwrap().iter();
    faults.map(|fault| (fault["row"].clone(), fault["column"].clone(), fault["value"].clone())).collect()
}

#[tokio::test]
async fn a_fault_shows_the_cell_as_it_stands_in_the_table() {
    let world = World::start().await;
    let admin = world.admin().await;
    let table = "iata_code;name;city;country_code;latitude;longitude;time_zone\n\
                 QQA;Field;Town;CH;1.091,5;'-200,25;UTC\n\
                 QQB;Field;Town;CH;1,000;1;UTC\n";
    let found = faults(admin.post_raw(AIRPORTS, "text/csv", table).await);
    let expected = [(1, "latitude", "1.091,5"), (1, "longitude", "'-200,25")];
    let expected: Vec<_> =
        expected.iter().map(|(row, column, value)| (json!(row), json!(column), json!(value))).collect();
    assert_eq!(found, expected, "the second row is right: the first shows the decimal sign");
    let found = faults(
        admin
            .post_raw(
                AIRPORTS,
                "text/csv",
                "iata_code;name;city;country_code;latitude;longitude;time_zone\nQQB;Field;Town;CH;1,000;1;UTC\n",
            )
            .await,
    );
    assert_eq!(found, [(json!(1), json!("latitude"), json!("1,000"))]);
}

/// A workbook of one airport, with these cells as its latitude and longitude.
fn book(latitude: &str, longitude: &str) -> Vec<u8> {
    let cell = |text: &str| format!(r#"<c t="inlineStr"><is><t>{text}</t></is></c>"#);
    let header = HEADER.map(cell).concat();
    let before = ["QQA", "Field", "Town", "CH"].map(cell).concat();
    let rows = format!("<row>{header}</row><row>{before}{latitude}{longitude}{}</row>", cell("UTC"));
    workbook(&rows, "<sst><si><t>1,5</t></si></sst>")
}

#[tokio::test]
async fn numbers_that_a_workbook_keeps_as_text_are_read_or_refused_if_they_may_be_two() {
    let world = World::start().await;
    let admin = world.admin().await;
    for (latitude, longitude, expected) in [
        (r#"<c t="s"><v>0</v></c>"#, r#"<c t="str"><v>12,25</v></c>"#, (1.5, 12.25)),
        (r#"<c t="inlineStr"><is><t>-33,9461</t></is></c>"#, "<c><v>18.602</v></c>", (-33.9461, 18.602)),
        (r#"<c t="str"><v> 12 </v></c>"#, r#"<c t="str"><v>2.5</v></c>"#, (12.0, 2.5)),
    ] {
        admin.post_raw(AIRPORTS, XLSX, book(latitude, longitude)).await.expect(200);
        let found = admin.get("/api/v1/airports/QQA").await.expect(200);
        assert_eq!((found["latitude"].as_f64(), found["longitude"].as_f64()), (Some(expected.0), Some(expected.1)));
    }
    for ambiguous in ["18.602", "18,602"] {
        let longitude = format!(r#"<c t="str"><v>{ambiguous}</v></c>"#);
        let found = faults(admin.post_raw(AIRPORTS, XLSX, book("<c><v>1</v></c>", &longitude)).await);
        assert_eq!(found, [(json!(1), json!("longitude"), json!(ambiguous))]);
    }
}
