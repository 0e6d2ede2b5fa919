//! The airports where airlines are at home.
use loadmaster_platform::tables::XLSX;
use loadmaster_testkit::{Client, World, reference::airport};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::Executor;

const LINE: &str = "/api/v1/airlines/0A";
const IMPORT: &str = "/api/v1/airlines/import";

/// Makes the airline 0A, and returns an administrator.
async fn with_line(world: &World) -> Client {
    let admin = world.admin().await;
    let line = json!({"iata_code": "0A", "name": "Line", "country_code": "GB", "hub_airports": ["LHR", "del"]});
    assert_eq!(admin.post("/api/v1/airlines", line).await.expect(201)["hub_airports"], json!(["LHR", "DEL"]));
    admin
}

async fn hubs(client: &Client) -> Value {
    client.get(LINE).await.expect(200)["hub_airports"].clone()
}

#[tokio::test]
async fn a_change_replaces_the_hubs_in_their_order_or_leaves_them() {
    let world = World::start().await;
    let admin = with_line(&world).await;
    let bare = json!({"iata_code": "0B", "name": "Line", "country_code": "GB"});
    assert_eq!(admin.post("/api/v1/airlines", bare).await.expect(201)["hub_airports"], json!([]));
    let deactivate = json!({"action": "deactivate", "ids": ["JFK"]});
    admin.post("/api/v1/airports/bulk", deactivate).await.expect(200);
    for (change, expected, version) in [
        (json!({"name": "Lines"}), json!(["LHR", "DEL"]), 2),
        (json!({"hub_airports": ["LHR", "DEL"]}), json!(["LHR", "DEL"]), 2),
        (json!({"hub_airports": ["DEL", "LHR"]}), json!(["DEL", "LHR"]), 3),
        (json!({"hub_airports": ["JFK"]}), json!(["JFK"]), 4),
        (json!({"hub_airports": []}), json!([]), 5),
        (json!({"hub_airports": ["DEL"]}), json!(["DEL"]), 6),
        (json!({"hub_airports": null}), json!([]), 7),
    ] {
        let changed = admin.patch(LINE, change.clone()).await.expect(200);
        assert_eq!((&changed["hub_airports"], &changed["version"]), (&expected, &json!(version)), "{change}");
        assert_eq!(hubs(&world.anonymous()).await, expected, "{change}");
    }
    let ten = json!(["AMS", "BOM", "CDG", "DEL", "DXB", "FRA", "HKG", "JFK", "LHR", "SIN"]);
    admin.patch(LINE, json!({"hub_airports": ten})).await.expect(200);
    let bulk = json!({"action": "deactivate", "ids": ["0A"]});
    assert_eq!(admin.post("/api/v1/airlines/bulk", bulk).await.expect(200)["succeeded"], 1);
    assert_eq!(hubs(&admin).await, ten, "an action on many leaves them");
}

#[tokio::test]
async fn each_fault_of_hubs_is_named_with_its_place_in_the_list() {
    let world = World::start().await;
    let admin = with_line(&world).await;
    let eleven = json!(["AMS", "BOM", "CDG", "DEL", "DXB", "FRA", "HKG", "JFK", "LHR", "SIN", "NRT"]);
    for (given, faults) in [
        (json!("DEL"), &[("", "wrong_type")][..]),
        (json!({"0": "DEL"}), &[("", "wrong_type")]),
        (eleven, &[("", "too_long")]),
        (json!(["DEL", "QQQ", "QQZ"]), &[("/1", "unknown_value"), ("/2", "unknown_value")]),
        (json!(["DEL", "LHR", "del", "DEL"]), &[("/2", "invalid_format"), ("/3", "invalid_format")]),
        (json!([null, "DEL", "DELHI", 7]), &[("/0", "wrong_type"), ("/2", "invalid_format"), ("/3", "wrong_type")]),
    ] {
        let place = |(at, code): &(&str, &str)| (format!("/hub_airports{at}"), (*code).to_owned());
        let faults: Vec<_> = faults.iter().map(place).collect();
        let change = json!({"hub_airports": given});
        assert_eq!(admin.patch(LINE, change).await.expect_faults(), faults, "{given}");
        let line = json!({"iata_code": "0B", "name": "Line", "country_code": "GB", "hub_airports": given});
        assert_eq!(admin.post("/api/v1/airlines", line).await.expect_faults(), faults, "{given}");
    }
    assert_eq!(hubs(&admin).await, json!(["LHR", "DEL"]));
    admin.get("/api/v1/airlines/0B").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn an_airport_that_is_a_hub_is_not_deleted() {
    let world = World::start().await;
    let admin = with_line(&world).await;
    admin.post("/api/v1/airports", airport("QQA")).await.expect(201);
    admin.patch(LINE, json!({"hub_airports": ["LHR", "QQA"]})).await.expect(200);
    admin.delete("/api/v1/airports/QQA").await.expect_problem(409, "in_use");
    admin.patch("/api/v1/airports/QQA", json!({"time_zone": "UTC"})).await.expect_problem(409, "in_use");
    admin.patch("/api/v1/airports/QQA", json!({"city": "Elsewhere"})).await.expect(200);
    // As a process of a former release does, which knows no hubs.
    let mut app = world.database.app().await;
    let refused = app.execute("delete from airports where iata_code = 'QQA'").await.unwrap_err();
    assert!(refused.as_database_error().is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation), "{refused}");

    admin.patch(LINE, json!({"hub_airports": ["LHR"]})).await.expect(200);
    admin.delete("/api/v1/airports/QQA").await.expect(204);
    let fault = [("/hub_airports/0".to_owned(), "unknown_value".to_owned())];
    assert_eq!(admin.patch(LINE, json!({"hub_airports": ["QQA"]})).await.expect_faults(), fault);
}

#[tokio::test]
async fn tables_have_hubs_with_blanks_between_them() {
    let world = World::start().await;
    let admin = with_line(&world).await;
    let import = async |rows: &str| {
        let table = format!("iata_code,name,country_code,hub_airports\n{rows}");
        admin.post_raw(IMPORT, "text/csv", table).await
    };
    let counts = import("0A,Line,GB,\n0B,Freight,GB, cdg  FRA \n").await.expect(200);
    assert_eq!((&counts["created"], &counts["unchanged"]), (&json!(1), &json!(1)), "an empty cell leaves them");
    assert_eq!(admin.get("/api/v1/airlines/0B").await.expect(200)["hub_airports"], json!(["CDG", "FRA"]));
    import("0A,Line,GB,JFK\n").await.expect(200);
    assert_eq!(hubs(&admin).await, json!(["JFK"]));

    for (cell, place, code) in [
        ("DEL QQQ", "/1", "unknown_value"),
        ("DEL LHR DEL", "/2", "invalid_format"),
        ("DELHI", "/0", "invalid_format"),
        ("AMS BOM CDG DEL DXB FRA HKG JFK LHR SIN NRT", "", "too_long"),
    ] {
        let refused = import(&format!("0B,Freight,GB,AMS\n0A,Line,GB,{cell}\n")).await;
        let refused = refused.expect_problem(400, "validation_failed");
        let fault = &refused["errors"][0];
        assert_eq!(
            (&fault["row"], &fault["column"], &fault["value"]),
            (&json!(2), &json!("hub_airports"), &json!(cell))
        );
        assert_eq!((&fault["pointer"], &fault["code"]), (&json!(format!("/hub_airports{place}")), &json!(code)));
        assert_eq!(refused["errors_total"], 1);
    }
    assert_eq!(hubs(&admin).await, json!(["JFK"]));
    assert_eq!(admin.get("/api/v1/airlines/0B").await.expect(200)["hub_airports"], json!(["CDG", "FRA"]));

    let exported = admin.request(Method::GET, "/api/v1/airlines/export").send().await.unwrap().text().await.unwrap();
    assert!(exported.lines().any(|row| row.starts_with("\"0B\"") && row.contains(",\"CDG FRA\",")), "{exported}");
    let again = admin.post_raw(IMPORT, "text/csv", exported).await.expect(200);
    assert_eq!((&again["created"], &again["updated"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn a_workbook_has_hubs_too() {
    let world = World::start().await;
    let admin = with_line(&world).await;
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    let rows = [["iata_code", "name", "country_code", "hub_airports"], ["0A", "Line", "GB", "SIN HKG"]];
    for (row, cells) in (0..).zip(rows) {
        for (at, cell) in (0..).zip(cells) {
            sheet.write(row, at, cell).unwrap();
        }
    }
    let table = book.save_to_buffer().unwrap();
    assert_eq!(admin.post_raw(IMPORT, XLSX, table).await.expect(200)["updated"], 1);
    assert_eq!(hubs(&admin).await, json!(["SIN", "HKG"]));
    let exported = admin.request(Method::GET, "/api/v1/airlines/export?format=xlsx").send().await.unwrap();
    let exported = exported.bytes().await.unwrap().to_vec();
    assert_eq!(admin.post_raw(IMPORT, XLSX, exported).await.expect(200)["updated"], 0);
}
