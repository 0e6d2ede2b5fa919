//! Tariffs as CSV: all or nothing, each made or changed by its code.
use std::{fmt::Write, time::Instant};

use loadmaster_testkit::{
    Answer, Client, NewFlight, World,
    import::counts,
    pricing::{TARIFFS, asked, make, tariff, total},
};
use serde_json::{Value, json};

const HEADER: &str = "code,airline_code,origin,destination,flight_numbers,organization_id,product,handling_code,currency,minimum,\
                      normal,breaks,valid_from,valid_to";

fn table(rows: &[&str]) -> String {
    std::iter::once(HEADER).chain(rows.iter().copied()).fold(String::new(), |table, row| table + row + "\n")
}

async fn import(admin: &Client, table: String) -> Answer {
    admin.post_raw("/api/v1/tariffs/import", "text/csv", table).await
}

#[tokio::test]
async fn rows_make_and_change_tariffs_by_their_code() {
    let world = World::start().await;
    let admin = world.admin().await;
    let known = make(&admin, TARIFFS, tariff("KNOWN", json!({}))).await;
    let same = make(&admin, TARIFFS, tariff("SAME", json!({}))).await;
    let owner = admin.get("/api/v1/auth/me").await.expect(200)["organization_id"].as_str().unwrap().to_owned();
    let full = format!(
        "full,AI,del,\"city:london,gb\",AI101 AI0102,{owner},roses,PER,JPY,7500,1600.5,45=1000;100.5=900.25,2026-01-01,2026-12-31"
    );
    let rows = [
        full.as_str(),
        "KNOWN,,*,*,,,,,USD,75,17,,2026-01-01,",
        "SAME,,*,*,,,,,USD,75.00,16,45=10;100=9;300=8,2026-01-01,",
    ];
    let planned = admin.post_raw("/api/v1/tariffs/import?dry_run=true", "text/csv", table(&rows)).await.expect(200);
    assert_eq!(counts(&planned), (1, 1, 1));
    assert_eq!(admin.get(TARIFFS).await.expect(200), json!([known, same]));
    assert_eq!(counts(&import(&admin, table(&rows)).await.expect(200)), (1, 1, 1));
    assert_eq!(counts(&import(&admin, table(&rows)).await.expect(200)), (0, 0, 3));

    let all = admin.get(TARIFFS).await.expect(200);
    let [changed, kept, made] = all.as_array().unwrap().as_slice() else { panic!("{all}") };
    assert_eq!((&changed["id"], &changed["version"], &changed["normal"]), (&known["id"], &json!(2), &json!("17")));
    assert_eq!(kept, &same);
    let expected = json!({
        "id": made["id"], "code": "FULL", "version": 1, "airline_code": "AI", "origin": "DEL",
        "destination": "city:London,GB", "flight_numbers": ["AI101", "AI102"], "organization_id": owner, "product": "ROSES",
        "handling_code": "PER", "currency": "JPY", "minimum": "7500", "normal": "1600.5",
        "breaks": [{"from_kg": 45, "rate": "1000"}, {"from_kg": 100.5, "rate": "900.25"}], "valid_from": "2026-01-01",
        "valid_to": "2026-12-31", "created_at": "2026-11-20T08:00:00Z", "updated_at": "2026-11-20T08:00:00Z",
        "ended_at": null,
    });
    assert_eq!(made, &expected);
    let acts = world.texts("select act || ' ' || data from admin_acts where act like '%imported'").await;
    assert_eq!(acts, [r#"tariffs.imported {"created": 1, "updated": 1}"#]);
    world.audit().await;
}

#[tokio::test]
async fn each_fault_is_reported_with_its_row_and_nothing_is_written() {
    let world = World::start().await;
    let admin = world.admin().await;
    let rows = [
        "A,,*,*,,,,,USD,75,16,,2026-01-01,",
        "B,QQ,QQQ,,AI101 QQ1,x,A B,QQQ,USD,75.001,-1,45,2026-02-30,",
        "a,,*,*,,,,,USD,75,16,,2026-01-01,",
        "C,,*,*,,,,,USD,75,16,45=16,2026-01-01,2025-01-01",
        "D,,*,*,,,,,USD,75,16,,2026-01-01,,more",
    ];
    let problem = import(&admin, table(&rows)).await.expect_problem(400, "validation_failed");
    let mut told: Vec<_> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| {
            (fault["row"].as_u64().unwrap(), fault["pointer"].as_str().unwrap(), fault["code"].as_str().unwrap())
        })
        .collect();
    told.sort_unstable();
    let expected = [
        (2, "/airline_code", "unknown_value"),
        (2, "/breaks", "invalid_format"),
        (2, "/destination", "required"),
        (2, "/flight_numbers", "unknown_value"),
        (2, "/handling_code", "unknown_value"),
        (2, "/minimum", "too_precise"),
        (2, "/normal", "too_small"),
        (2, "/organization_id", "invalid_format"),
        (2, "/origin", "unknown_value"),
        (2, "/product", "invalid_format"),
        (2, "/valid_from", "invalid_format"),
        (3, "/code", "invalid_format"),
        (4, "/breaks", "out_of_order"),
        (4, "/valid_to", "out_of_order"),
        (5, "", "invalid_format"),
    ];
    assert_eq!(told, expected);
    let stranger = "X,,*,*,,01890000-0000-7000-8000-000000000000,,,USD,75,16,,2026-01-01,";
    let problem = import(&admin, table(&[rows[0], stranger])).await.expect_problem(400, "validation_failed");
    let fault = &problem["errors"][0];
    assert_eq!((&fault["row"], &fault["pointer"]), (&json!(2), &json!("/organization_id")));
    let backwards = "Y,,*,*,,,,,USD,75,16,,2026-02-01,2026-01-01";
    let problem = import(&admin, table(&[backwards, stranger])).await.expect_problem(400, "validation_failed");
    let places: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|fault| &fault["pointer"]).collect();
    assert_eq!(places, [&json!("/valid_to"), &json!("/organization_id")], "also beside other faults");
    let header = import(&admin, "code,rate\nA,1\n".to_owned()).await.expect_problem(400, "validation_failed");
    assert_eq!(header["errors"].as_array().unwrap().iter().filter(|fault| fault["row"] == 0).count(), 14);
    admin.post_raw("/api/v1/tariffs/import", "text/csv", vec![0xff]).await.expect_problem(400, "malformed_request");
    admin.post("/api/v1/tariffs/import", json!({})).await.expect_problem(415, "unsupported_media_type");
    assert_eq!(admin.get(TARIFFS).await.expect(200), Value::Array(Vec::new()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_thousand_tariffs_are_imported_and_rate_at_once() {
    let world = World::migrated().await;
    let admin = world.admin().await;
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    let airports: Vec<String> = world.texts("select iata_code from airports order by 1 limit 1000").await;
    let mut rows = String::from(HEADER) + "\n";
    for (number, origin) in (0..20).flat_map(|_| airports.iter()).enumerate() {
        let product = number / airports.len();
        writeln!(rows, "T{number},,{origin},LHR,,,P{product},,USD,75,16,45=10;100=9,2026-01-01,").unwrap();
    }
    writeln!(rows, "THIS,,DEL,LHR,,,,,USD,75,16,45=10;100=9,2026-01-01,").unwrap();
    let began = Instant::now();
    assert_eq!(counts(&import(&admin, rows).await.expect(200)), (20_001, 0, 0));
    let took = began.elapsed();
    assert_eq!(total(&admin, asked(&[&flight], 98.0)).await, "900.00 USD");
    let began = Instant::now();
    make(&admin, TARIFFS, tariff("NEWER", json!({"origin": "DEL", "destination": "LHR", "normal": "20"}))).await;
    assert_eq!(total(&admin, asked(&[&flight], 10.0)).await, "200.00 USD");
    println!("imported in {took:?}, a change in effect after {:?}", began.elapsed());
    world.audit().await;
}
