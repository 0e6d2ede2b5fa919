//! What administrators keep: reference data by hand and by table, exports as CSV and workbook, organizations and jobs.
mod exporting;
mod season;
mod written;

use std::io::Cursor;

use calamine::{Data, Reader, Xlsx};
use loadmaster_platform::tables::XLSX;
use loadmaster_testkit::{
    Answer, Client, NewFlight, World, WorldOptions,
    freight::{order, text, texts, with, without},
    jobs::dead_job,
    reference::airport,
    until,
};
use reqwest::Method;
use serde_json::{Value, json};

async fn found(client: &Client, q: &str) -> Vec<String> {
    let list = client.get(&format!("/api/v1/airports/search?q={q}")).await.expect(200);
    texts(&list, "iata_code")
}

async fn exported(client: &Client, path: &str) -> Vec<u8> {
    let answer = client.request(Method::GET, path).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{path}");
    answer.bytes().await.unwrap().to_vec()
}

/// The cells of a workbook's first sheet, and whether any is a formula.
fn cells(workbook: Vec<u8>) -> Vec<Vec<Data>> {
    let mut workbook: Xlsx<_> = Xlsx::new(Cursor::new(workbook)).unwrap();
    let name = workbook.sheet_names()[0].clone();
    assert_eq!(workbook.worksheet_formula(&name).unwrap().used_cells().count(), 0, "there is no formula");
    let range = workbook.worksheet_range(&name).unwrap();
    range.rows().map(<[Data]>::to_vec).collect()
}

#[tokio::test]
async fn an_airport_is_made_changed_and_deleted_and_every_server_knows() {
    let world = World::start().await;
    let other = WorldOptions::working().on(&world.database).start().await;
    let admin = world.admin().await;
    let made = admin.post("/api/v1/airports", airport("QQA")).await;
    assert_eq!(made.header("location"), Some("/api/v1/airports/QQA"));
    assert_eq!((made.header("etag"), &made.body["is_active"]), (Some("\"1\""), &json!(true)));
    made.expect(201);
    admin.post("/api/v1/airports", airport("QQA")).await.expect_problem(409, "already_exists");
    assert_eq!(found(&admin, "QQA").await, ["QQA"], "at once here");
    until("the other server knows it", async || found(&other.anonymous(), "QQA").await == ["QQA"]).await;

    let stale = admin.request(Method::PATCH, "/api/v1/airports/QQA").header("if-match", "\"7\"");
    Answer::of(stale.json(&json!({"name": "New"}))).await.expect_problem(412, "version_mismatch");
    let change = json!({"name": "New", "icao_code": null, "is_major": true, "time_zone": "Europe/Paris"});
    let changed = admin.patch("/api/v1/airports/QQA", change).await.expect(200);
    assert_eq!(
        (&changed["version"], &changed["icao_code"], &changed["is_major"]),
        (&json!(2), &Value::Null, &json!(true))
    );
    let same = admin.patch("/api/v1/airports/QQA", json!({"name": "New"})).await.expect(200);
    assert_eq!(same["version"], 2, "nothing was changed");
    admin.delete("/api/v1/airports/QQA").await.expect(204);
    admin.get("/api/v1/airports/QQA").await.expect_problem(404, "not_found");
    admin.delete("/api/v1/airports/QQA").await.expect_problem(404, "not_found");
    until("it is gone there too", async || found(&other.anonymous(), "QQA").await.is_empty()).await;
    let acts = admin.get("/api/v1/admin/audit?subject_id=QQA").await.expect(200);
    let acts: Vec<&str> = acts.as_array().unwrap().iter().map(|act| text(act, "act")).collect();
    assert_eq!(acts, ["airport.deleted", "airport.changed", "airport.created"]);
}

#[tokio::test]
async fn what_is_in_use_is_neither_deleted_nor_moved_to_another_zone() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    for path in ["airports/DEL", "airports/LHR", "airlines/AI"] {
        admin.delete(&format!("/api/v1/{path}")).await.expect_problem(409, "in_use");
    }
    admin.patch("/api/v1/airports/LHR", json!({"time_zone": "UTC"})).await.expect_problem(409, "in_use");
    admin.patch("/api/v1/airports/LHR", json!({"city": "London Town"})).await.expect(200);
    let table =
        "iata_code,name,city,country_code,latitude,longitude,time_zone\nLHR,Heathrow,London,GB,51.47,-0.46,UTC\n";
    let refused = admin.post_raw("/api/v1/airports/import", "text/csv", table).await;
    let refused = refused.expect_problem(400, "validation_failed");
    let fault = &refused["errors"][0];
    assert_eq!((&fault["row"], &fault["column"], &fault["value"]), (&json!(1), &json!("time_zone"), &json!("UTC")));
    assert_eq!(admin.get("/api/v1/airports/LHR").await.expect(200)["city"], "London Town");
}

#[tokio::test]
async fn what_is_inactive_is_not_offered_and_not_for_new_flights() {
    let world = World::start().await;
    let (admin, anyone) = (world.admin().await, world.anonymous());
    let bulk = json!({"action": "deactivate", "ids": ["LHR", "ZZZ", "DEL"]});
    let done = admin.post("/api/v1/airports/bulk", bulk).await.expect(200);
    assert_eq!((&done["succeeded"], &done["results"][1]["problem"]["code"]), (&json!(2), &json!("not_found")));
    assert!(!found(&anyone, "LHR").await.contains(&"LHR".to_owned()));
    let popular = anyone.get("/api/v1/airports/popular").await.expect(200);
    assert!(popular.as_array().unwrap().iter().all(|airport| airport["iata_code"] != "LHR"));
    assert_eq!(anyone.get("/api/v1/airports/LHR").await.expect(200)["is_active"], false, "it can still be read");
    let inactive = anyone.get("/api/v1/airports?active=false&limit=100").await.expect(200);
    let inactive: Vec<&str> = inactive.as_array().unwrap().iter().map(|it| text(it, "iata_code")).collect();
    assert!(["DEL", "LHR", "TXL"].iter().all(|code| inactive.contains(code)), "also the closed ones: {inactive:?}");
    assert!(!inactive.contains(&"BOM"));
    let new = json!({"flight_number": "AI101", "origin": "DEL", "destination": "BOM", "aircraft_code": "77X",
                     "departure_datetime": "2026-11-21T04:00:00Z", "arrival_datetime": "2026-11-21T06:00:00Z"});
    let refused = admin.post("/api/v1/flights", new.clone()).await.expect_problem(400, "validation_failed");
    assert_eq!(
        (&refused["errors"][0]["pointer"], &refused["errors"][0]["code"]),
        (&json!("/origin"), &json!("unknown_value"))
    );
    let table = "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,\
                 positions,cutoff_minutes\nAI205,BOM,LHR,2026-11-23T08:00:00Z,2026-11-23T16:00:00Z,,500,,,\n";
    let refused = admin.post_raw("/api/v1/flights/import", "text/csv", table).await;
    assert_eq!(refused.expect_problem(400, "validation_failed")["errors"][0]["column"], "destination");
    admin.post("/api/v1/airports/bulk", json!({"action": "activate", "ids": ["DEL"]})).await.expect(200);
    admin.patch("/api/v1/aircraft/77X", json!({"is_active": false})).await.expect(200);
    let refused = admin.post("/api/v1/flights", new.clone()).await.expect_problem(400, "validation_failed");
    assert_eq!(refused["errors"][0]["pointer"], "/aircraft_code");
    admin.patch("/api/v1/aircraft/77X", json!({"is_active": true})).await.expect(200);
    admin.post("/api/v1/flights", new).await.expect(201);
}

#[tokio::test]
async fn a_table_with_faults_is_refused_as_a_whole_and_each_fault_has_its_place() {
    let world = World::start().await;
    let admin = world.admin().await;
    let import = async |table: String| admin.post_raw("/api/v1/airports/import", "text/csv", table).await;
    let table = |rows: &str| format!("city,iata_code,name,country_code,latitude,longitude,time_zone\n{rows}");
    let faulty = table("Town,QQA,Field,GB,91,0,UTC\nTown,QQB,Field,GBR,1,0,UTC\nTown,QQC,Field,GB,1,0,Mars/Base\n");
    let refused = import(faulty).await.expect_problem(400, "validation_failed");
    let places: Vec<_> =
        refused["errors"].as_array().unwrap().iter().map(|it| (&it["row"], &it["column"], &it["value"])).collect();
    let expected = [(1, "latitude", "91"), (2, "country_code", "GBR"), (3, "time_zone", "Mars/Base")];
    let expected = expected.map(|(row, column, value)| (json!(row), json!(column), json!(value)));
    assert_eq!(places, expected.iter().map(|(row, column, value)| (row, column, value)).collect::<Vec<_>>());
    assert_eq!(refused["errors_total"], 3);
    assert_eq!(found(&admin, "QQA").await, Vec::<String>::new());

    let many: String = (0..150).map(|_| "Town,XX,Field,GB,1,0,UTC\n").collect();
    let refused = import(table(&many)).await.expect_problem(400, "validation_failed");
    assert_eq!((refused["errors"].as_array().unwrap().len(), &refused["errors_total"]), (100, &json!(150)));

    let right = table("Town,QQA,Field,GB,1,0,UTC\nTown,QQB,\"'=1+1\",GB,1,0,UTC\n");
    let dry = admin.post_raw("/api/v1/airports/import?dry_run=true", "text/csv", right.clone()).await.expect(200);
    assert_eq!((&dry["created"], found(&admin, "QQA").await), (&json!(2), Vec::new()));
    assert_eq!(import(right.clone()).await.expect(200), json!({"created": 2, "updated": 0, "unchanged": 0}));
    assert_eq!(import(right).await.expect(200), json!({"created": 0, "updated": 0, "unchanged": 2}));
    assert_eq!(admin.get("/api/v1/airports/QQB").await.expect(200)["name"], "=1+1", "the apostrophe was a guard");
    import(table("Town,QQA,Field,GB,1,0,UTC\nTown,qqa,Field,GB,1,0,UTC\n"))
        .await
        .expect_problem(400, "validation_failed");
    admin.post_raw("/api/v1/airports/import", "text/plain", "x").await.expect_problem(415, "unsupported_media_type");
    admin
        .post_raw("/api/v1/airports/import", "text/csv", vec![0xff, 0xfe])
        .await
        .expect_problem(400, "malformed_request");
}

#[tokio::test]
async fn what_is_exported_comes_back_unchanged_as_csv_and_as_workbook() {
    let world = World::start().await;
    let admin = world.admin().await;
    world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    world.flight(NewFlight::new("AI103", "DEL", "BOM").weight(1234.5)).await;
    admin
        .post(
            "/api/v1/tariffs",
            loadmaster_testkit::pricing::tariff("T1", json!({"breaks": [{"from_kg": 45, "rate": "10"}]})),
        )
        .await
        .expect(201);
    let thousandths = json!({"currency": "KWD", "minimum": "10.500", "normal": "1.125", "breaks": []});
    admin.post("/api/v1/tariffs", loadmaster_testkit::pricing::tariff("T2", thousandths)).await.expect(201);
    admin.post("/api/v1/airports", with(airport("QQA"), json!({"name": "=cmd|' /C calc'!A0"}))).await.expect(201);
    admin.patch("/api/v1/airlines/AI", json!({"is_active": false, "alliance": null})).await.expect(200);
    admin.patch("/api/v1/airlines/AI", json!({"is_active": true})).await.expect(200);
    for kind in ["airports", "airlines", "aircraft", "flights", "tariffs"] {
        for (format, media) in [("csv", "text/csv"), ("xlsx", XLSX)] {
            let table = exported(&admin, &format!("/api/v1/{kind}/export?format={format}")).await;
            let counts = admin.post_raw(&format!("/api/v1/{kind}/import"), media, table).await.expect(200);
            assert_eq!((&counts["created"], &counts["updated"]), (&json!(0), &json!(0)), "{kind} {format}: {counts}");
            assert_ne!(counts["unchanged"], 0, "{kind} {format}");
        }
    }
    let csv = String::from_utf8(exported(&admin, "/api/v1/airports/export").await).unwrap();
    assert!(csv.contains("\"'=cmd|' /C calc'!A0\"") && csv.ends_with("\r\n") && !csv.starts_with('\u{feff}'));
    assert!(csv.contains(",-33.946098,") || csv.contains(",-33."), "a negative number is no text");
}

#[tokio::test]
async fn exports_and_manifest_have_the_dimensions_of_bookings() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(10_000.0)).await;
    let lines = json!([{"pieces": 1, "length_cm": 120, "width_cm": 80, "height_cm": 100, "weight_kg": null,
                        "is_tiltable": false, "is_stackable": true},
                       {"pieces": 3, "length_cm": 40, "width_cm": 30, "height_cm": 20, "weight_kg": 2.5,
                        "is_tiltable": true, "is_stackable": true}]);
    let wanted = without(without(order(&[&flight]), "pieces"), "volume_m3");
    let customer = world.customer().await;
    customer.book(with(wanted, json!({ "dimensions": lines }))).await;
    let (operator, id) = (world.operator().await, text(&flight, "id"));
    let manifest = operator.get(&format!("/api/v1/flights/{id}/manifest")).await.expect(200);
    assert_eq!(manifest["bookings"][0]["dimensions"], lines);
    for (client, path) in [
        (&customer, "/api/v1/bookings/export?format=xlsx".to_owned()),
        (&operator, format!("/api/v1/flights/{id}/manifest/export?format=xlsx")),
    ] {
        let sheet = cells(exported(client, &path).await);
        let at = sheet[0].iter().position(|name| *name == Data::String("dimensions".to_owned())).unwrap();
        let Data::String(cell) = &sheet[1][at] else { panic!("{path}: {:?}", sheet[1][at]) };
        assert_eq!(serde_json::from_str::<Value>(cell).unwrap(), lines, "{path}");
    }
    customer.book(order(&[&flight])).await;
    let manifest = operator.get(&format!("/api/v1/flights/{id}/manifest")).await.expect(200);
    let given = |line: &&Value| !line["dimensions"].is_null();
    assert_eq!(manifest["bookings"].as_array().unwrap().iter().filter(given).count(), 1);
}

#[tokio::test]
async fn no_text_of_a_shipper_becomes_a_formula() {
    let world = World::start().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(10_000.0)).await;
    let customer = world.customer().await;
    let link = "=HYPERLINK(\"http://evil.example\",\"x\")";
    let consignee = json!({"consignee": {"name": link}, "description": "+1", "shipper": {"name": "@x"}});
    let booking = customer.book(with(order(&[&flight]), consignee)).await;
    let (operator, id) = (world.operator().await, text(&flight, "id"));
    for (client, path) in [
        (&customer, "/api/v1/bookings/export".to_owned()),
        (&operator, format!("/api/v1/flights/{id}/manifest/export")),
    ] {
        let csv = exported(client, &path).await;
        let rows: Vec<csv::StringRecord> =
            csv::Reader::from_reader(&csv[..]).into_records().map(Result::unwrap).collect();
        assert_eq!(rows.len(), 1);
        assert!(rows[0].iter().any(|cell| cell == format!("'{link}")), "{path}: {rows:?}");
        assert!(rows[0].iter().all(|cell| !cell.starts_with(['=', '+', '@'])), "{path}: {rows:?}");
        let sheet = cells(exported(client, &format!("{path}?format=xlsx")).await);
        assert!(sheet[1].contains(&Data::String(link.to_owned())), "{path}");
        let weight = sheet[0].iter().position(|name| *name == Data::String("weight_kg".to_owned())).unwrap();
        assert!(matches!(sheet[1][weight], Data::Float(_)), "{path}: {:?}", sheet[1][weight]);
    }
    let mine = cells(exported(&customer, "/api/v1/bookings/export?format=xlsx").await);
    let at = mine[0].iter().position(|name| *name == Data::String("created_at".to_owned())).unwrap();
    assert!(matches!(mine[1][at], Data::DateTime(_) | Data::String(_)));
    assert!(mine[1].contains(&Data::String(text(&booking, "ref_id").to_owned())));
    let stranger = world.customer().await;
    assert_eq!(cells(exported(&stranger, "/api/v1/bookings/export?format=xlsx").await).len(), 1, "only the header");
    exported(&operator, "/api/v1/bookings/export?status=BOOKED").await;
    let admin = world.admin().await;
    exported(&admin, "/api/v1/users/export").await;
    let acts = admin.get("/api/v1/admin/audit").await.expect(200);
    let acts: Vec<&str> = acts.as_array().unwrap().iter().map(|act| text(act, "act")).collect();
    assert_eq!(
        acts[..3],
        ["users.exported", "bookings.exported", "manifest.exported"],
        "a customer's own are not staff's"
    );
}

#[tokio::test]
async fn a_formula_in_a_workbook_is_a_fault() {
    let world = World::start().await;
    let admin = world.admin().await;
    let mut book = rust_xlsxwriter::Workbook::new();
    let sheet = book.add_worksheet();
    for (at, name) in (0..).zip(["iata_code", "name", "country_code", "is_cargo_only"]) {
        sheet.write(0, at, name).unwrap();
    }
    sheet.write(1, 0, "Q0").unwrap().write(1, 1, "Line").unwrap().write(1, 2, "GB").unwrap().write(1, 3, true).unwrap();
    let good = book.save_to_buffer().unwrap();
    assert_eq!(admin.post_raw("/api/v1/airlines/import", XLSX, good).await.expect(200)["created"], 1);
    assert_eq!(admin.get("/api/v1/airlines/Q0").await.expect(200)["is_cargo_only"], true);
    let sheet = book.worksheet_from_index(0).unwrap();
    sheet.write(2, 0, "Q1").unwrap().write_formula(2, 1, "=1+1").unwrap().write(2, 2, "GB").unwrap();
    let bad = book.save_to_buffer().unwrap();
    let refused = admin.post_raw("/api/v1/airlines/import", XLSX, bad).await.expect_problem(400, "validation_failed");
    assert_eq!((&refused["errors"][0]["row"], &refused["errors"][0]["column"]), (&json!(2), &json!("name")));
    admin.get("/api/v1/airlines/Q1").await.expect_problem(404, "not_found");
    for broken in [b"PK\x03\x04 not an archive".to_vec(), Vec::new()] {
        admin.post_raw("/api/v1/airlines/import", XLSX, broken).await.expect_problem(400, "validation_failed");
    }
}

#[tokio::test]
async fn organizations_are_made_named_and_found() {
    let world = World::start().await;
    let admin = world.admin().await;
    let made = admin.post("/api/v1/organizations", json!({"name": "Blue 100% Crate"})).await.expect(201);
    let path = format!("/api/v1/organizations/{}", text(&made, "id"));
    let listed = admin.get("/api/v1/organizations?q=100%25%20c").await.expect(200);
    assert_eq!(listed.as_array().unwrap().len(), 1);
    assert_eq!(admin.get("/api/v1/organizations?q=%25%25").await.expect(200), json!([]));
    let stale = admin.request(Method::PATCH, &path).header("if-match", "\"2\"").json(&json!({"name": "Red"}));
    Answer::of(stale).await.expect_problem(412, "version_mismatch");
    assert_eq!(admin.patch(&path, json!({"name": "Red"})).await.expect(200)["version"], 2);
    admin.patch(&path, json!({"name": ""})).await.expect_problem(400, "validation_failed");
    let user = world.customer().await.get("/api/v1/auth/me").await.expect(200);
    let user = format!("/api/v1/users/{}", text(&user, "id"));
    admin.patch(&user, json!({"organization_id": made["id"]})).await.expect(200);
}

#[tokio::test]
async fn dead_jobs_are_retried_or_dropped_and_schedules_run() {
    let world = World::start().await;
    let admin = world.admin().await;
    let (first, second) = (dead_job(&world).await, dead_job(&world).await);
    let dead = admin.get("/api/v1/admin/jobs?state=DEAD").await.expect(200);
    assert_eq!(dead.as_array().unwrap().len(), 2);
    assert_eq!(dead[0]["last_error"], "It did not work");
    let retried = admin.poke(&format!("/api/v1/admin/jobs/{first}/retry")).await.expect(200);
    assert_eq!((&retried["state"], &retried["attempts"]), (&json!("QUEUED"), &json!(0)));
    admin.poke(&format!("/api/v1/admin/jobs/{first}/retry")).await.expect_problem(409, "invalid_transition");
    admin.delete(&format!("/api/v1/admin/jobs/{first}")).await.expect_problem(409, "invalid_transition");
    admin.delete(&format!("/api/v1/admin/jobs/{second}")).await.expect(204);
    admin.delete(&format!("/api/v1/admin/jobs/{second}")).await.expect_problem(404, "not_found");
    admin.poke("/api/v1/admin/schedules/no_such/run").await.expect_problem(404, "not_found");
    world.sql("insert into schedules (name, next_run_at) values ('made_up', now() + interval '1 hour')").await;
    admin.poke("/api/v1/admin/schedules/made_up/run").await.expect(202);
    admin.poke("/api/v1/admin/schedules/made_up/run").await.expect(202);
    let queued = admin.get("/api/v1/admin/jobs?kind=made_up").await.expect(200);
    assert_eq!(queued.as_array().unwrap().len(), 1, "one that waits is not made twice");
    let acts = admin.get(&format!("/api/v1/admin/audit?subject_id={second}")).await.expect(200);
    assert_eq!(acts[0]["act"], "job.dropped");
    assert!(admin.get("/api/v1/admin/sinks").await.expect(200).is_array());
}
