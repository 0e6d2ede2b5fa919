//! Seasons, tariffs and reference rates.
use loadmaster_testkit::{
    World,
    freight::{each, with},
};
use serde_json::{Value, json};

use super::{at_run, because, ended, feeding, made, runs_of, summary};

pub(super) const SEASON: &str = "flight_number,origin,destination,departure_time,arrival_time,arrival_day_offset,days_of_operation,from,to,aircraft_code,weight_kg,volume_m3,positions,cutoff_minutes";
pub(super) const TARIFFS: &str = "code,airline_code,origin,destination,flight_numbers,organization_id,product,handling_code,currency,minimum,normal,breaks,valid_from,valid_to";

pub(super) fn feed(kind: &str, format: &str, more: Value) -> Value {
    let airlines = if kind == "REFERENCE_RATES" { json!([]) } else { json!(["AI"]) };
    let feed = json!({"name": kind, "kind": kind, "format": format, "airline_codes": airlines, "apply": "AUTO"});
    with(feed, more)
}

pub(super) async fn run(admin: &loadmaster_testkit::Client, feed: &Value, media_type: &str, file: &str) -> Value {
    let started = admin.post_raw(&runs_of(feed), media_type, file.to_owned()).await.expect(202);
    ended(admin, &started).await
}

#[tokio::test]
async fn a_season_is_expanded_compared_and_applied() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let season = made(&admin, feed("SEASON", "CSV", json!({}))).await;
    let line = "AI101,DEL,LHR,10:00,14:30,0,1.3.5..,2026-12-07,2026-12-18,77X,,,,";
    let first = run(&admin, &season, "text/csv", &format!("{SEASON}\n{line}\n")).await;
    assert_eq!(summary(&first), "APPLIED 6 0 0 0 0 0 0");
    let differences = admin.get(&format!("{}/differences?limit=1", at_run(&first))).await.expect(200);
    let expected = json!(["2026-12-07", "2026-12-09", "2026-12-11", "2026-12-14", "2026-12-16", "2026-12-18"]);
    assert_eq!((&differences[0]["dates"], &differences[0]["flight_number"]), (&expected, &json!("AI101")));
    let again = run(&admin, &season, "text/csv", &format!("{SEASON}\n{line}\n")).await;
    assert_eq!(summary(&again), "UNCHANGED 0 0 6 0 0 0 0");
    let wrong = line.replace("1.3.5..", "monday");
    let failed = run(&admin, &season, "text/csv", &format!("{SEASON}\n{wrong}\n")).await;
    let faults = admin.get(&format!("{}/faults", at_run(&failed))).await.expect(200);
    assert_eq!((&faults[0]["row"], &faults[0]["column"]), (&json!(1), &json!("days_of_operation")));
    world.audit().await;
}

#[tokio::test]
async fn the_header_of_a_file_may_have_other_names() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let columns =
        json!([{"given": "Flt No", "column": "flight_number"}, {"given": "Equipment", "column": "aircraft_code"}]);
    let flights = made(&admin, feed("FLIGHTS", "CSV", json!({"columns": columns}))).await;
    let mut shown = columns.as_array().unwrap().clone();
    shown.sort_by_key(|column| column["given"].to_string());
    assert_eq!(flights["columns"], json!(shown));
    let file = super::file(&super::rows(&world, 2)).replacen("flight_number", "Flt No", 1).replacen(
        "aircraft_code",
        "Equipment",
        1,
    );
    assert_eq!(summary(&run(&admin, &flights, "text/csv", &file).await), "APPLIED 2 0 0 0 0 0 0");
    let none = admin.patch(&super::at(&flights), json!({"columns": []})).await.expect(200);
    assert_eq!(none["columns"], json!([]));
    assert_eq!(run(&admin, &flights, "text/csv", &file).await["status"], "FAILED");
    let ssim = feed("SEASON", "SSIM", json!({"columns": columns}));
    let faults = admin.post(super::FEEDS, ssim).await.expect_faults();
    assert_eq!(faults, [("/columns".to_owned(), "not_allowed".to_owned())]);
}

#[tokio::test]
async fn a_season_may_be_ssim() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let season = made(&admin, feed("SEASON", "SSIM", json!({}))).await;
    let record = |text: &str, end: &str| format!("{text:<width$}{end}", width = 200 - end.len());
    let leg = "3 AI 90070101F07DEC2607DEC261       DEL10001000+0530  BOM12101210+0530  77X";
    let records = [
        record("1AIRLINE STANDARD SCHEDULE DATA SET", "001000001"),
        record("2LAI      W26 07DEC2612DEC2605NOV26", "000002"),
        record(leg, "000003"),
        record("5 AI", "000003E000004"),
    ];
    let applied = run(&admin, &season, "text/plain", &records.join("\n")).await;
    assert_eq!(summary(&applied), "APPLIED 1 0 0 0 0 0 0");
    let flight = super::flight_of(&admin, "AI9007").await;
    assert_eq!(flight["departure_datetime"], "2026-12-07T04:30:00Z");
    assert_eq!(applied["other_offsets"], 0);
    let other = records.join("\n").replace("10001000+0530", "10001000+0500");
    let warned = run(&admin, &season, "text/plain", &other).await;
    assert_eq!(summary(&warned), "UNCHANGED 0 0 1 0 0 0 0", "the airport's offset counts");
    assert_eq!(warned["other_offsets"], 1);
    let faulty = records.join("\n").replace("07DEC2607DEC261 ", "07DEC2607DEC268 ");
    let failed = run(&admin, &season, "text/plain", &faulty).await;
    assert!(because(&failed).starts_with("The file has 1 faults"), "{failed}");
    assert_eq!(admin.get(&format!("{}/faults", at_run(&failed))).await.expect(200)[0]["row"], 3);
    let foreign = records.join("\n").replace("3 AI 9007", "3 BA 9007");
    assert_eq!(run(&admin, &season, "text/plain", &foreign).await["status"], "FAILED");
    world.audit().await;
}

#[tokio::test]
async fn tariffs_are_imported_for_the_airlines_of_the_feed_only() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let tariffs = made(&admin, feed("TARIFFS", "CSV", json!({}))).await;
    let line = |code: &str, airline: &str, rate: &str| {
        format!("{code},{airline},DEL,LHR,,,GENERAL,,USD,60.00,{rate},,2026-11-20,\n")
    };
    let file = format!("{TARIFFS}\n{}{}", line("ONE", "AI", "4.5"), line("TWO", "AI", "5.5"));
    let first = run(&admin, &tariffs, "text/csv", &file).await;
    assert_eq!(summary(&first), "APPLIED 2 0 0 0 0 0 0", "{first}");
    assert_eq!(run(&admin, &tariffs, "text/csv", &file).await["status"], "UNCHANGED");
    let foreign = format!("{TARIFFS}\n{}{}", line("ONE", "AI", "9"), line("TWO", "BA", "9"));
    let failed = run(&admin, &tariffs, "text/csv", &foreign).await;
    let faults = admin.get(&format!("{}/faults", at_run(&failed))).await.expect(200);
    assert_eq!((&faults[0]["row"], &faults[0]["column"]), (&json!(2), &json!("airline_code")));
    let list = admin.get("/api/v1/tariffs?limit=100").await.expect(200);
    let normal: Vec<_> = each(&list, "normal");
    assert!(normal.iter().all(|rate| **rate != "9"), "{list}");
    admin.patch(&super::at(&tariffs), json!({"apply": "REVIEW"})).await.expect(200);
    let dearer = format!("{TARIFFS}\n{}", line("ONE", "AI", "6.5"));
    let waiting = run(&admin, &tariffs, "text/csv", &dearer).await;
    assert_eq!(summary(&waiting), "REVIEW 0 1 0 0 0 0 0");
    admin.poke(&format!("{}/apply", at_run(&waiting))).await.expect(202);
    assert_eq!(summary(&ended(&admin, &waiting).await), "APPLIED 0 1 0 0 0 0 0");
    world.audit().await;
}

#[tokio::test]
async fn reference_rates_are_a_series_of_their_own_and_rate_nothing() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let rates = made(&admin, feed("REFERENCE_RATES", "CSV", json!({}))).await;
    let file = |rate: &str| {
        format!(
            "date,origin,destination,weight_kg,currency,per_kg\n2026-11-18,DEL,LHR,100,USD,{rate}\n2026-11-19,DEL,LHR,100,USD,3.2\n"
        )
    };
    assert_eq!(summary(&run(&admin, &rates, "text/csv", &file("3.1")).await), "APPLIED 2 0 0 0 0 0 0");
    assert_eq!(summary(&run(&admin, &rates, "text/csv", &file("3.1")).await), "UNCHANGED 0 0 2 0 0 0 0");
    assert_eq!(summary(&run(&admin, &rates, "text/csv", &file("3")).await), "APPLIED 0 1 1 0 0 0 0");
    let path = "/api/v1/rates/history?origin=DEL&destination=LHR&weight_kg=100";
    let history = world.anonymous().get(path).await.expect(200);
    assert_eq!(each(&history["series"], "source"), ["reference"]);
    let series = &history["series"][0];
    assert_eq!((&series["currency"], &series["now"], &series["level"]), (&json!("USD"), &Value::Null, &Value::Null));
    let lows: Vec<String> = each(&series["points"], "low").iter().map(ToString::to_string).collect();
    assert_eq!(lows.len(), 2, "{history}");
    let doubled = "date,origin,destination,weight_kg,currency,per_kg\n2026-11-18,DEL,LHR,101,USD,3\n2026-11-18,DEL,DEL,100,USD,x\n";
    let failed = run(&admin, &rates, "text/csv", doubled).await;
    let faults = admin.get(&format!("{}/faults", at_run(&failed))).await.expect(200);
    assert_eq!(each(&faults, "column"), ["weight_kg", "destination", "per_kg"]);
    let second = feed("REFERENCE_RATES", "CSV", json!({"name": "Another"}));
    admin.post(super::FEEDS, second).await.expect_problem(409, "already_exists");
}

#[tokio::test]
async fn a_file_may_be_a_workbook_and_not_that_of_another_format() {
    let world = World::with(feeding()).await;
    let admin = world.admin().await;
    let flights = made(&admin, feed("FLIGHTS", "XLSX", json!({}))).await;
    let file = super::file(&super::rows(&world, 2));
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (row, line) in (0_u32..).zip(file.lines()) {
        for (column, cell) in (0_u16..).zip(line.split(',')) {
            sheet.write_string(row, column, cell).unwrap();
        }
    }
    let bytes = workbook.save_to_buffer().unwrap();
    let media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    let started = admin.post_raw(&runs_of(&flights), media_type, bytes).await.expect(202);
    assert_eq!(summary(&ended(&admin, &started).await), "APPLIED 2 0 0 0 0 0 0");
    let other = run(&admin, &flights, "text/csv", &file).await;
    assert!(
        because(&other).starts_with("The file is neither SSIM nor a workbook, and the feed expects XLSX"),
        "{other}"
    );
}
