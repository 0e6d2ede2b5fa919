//! Flights that other carriers sell under numbers of their own: where they are shown and found, and what changes that.
use loadmaster_testkit::{Client, NewFlight, World, freight::text, import::table, until};
use serde_json::{Value, json};

use super::{at_run, ended, feeding, made, runs_of, summary};

const ROUTES: &str = "/api/v1/routes?origin=DEL&destination=BOM&departure_date=2026-12-07";

/// AI9007 on Monday, 7 December 2026, and Monday, 14 December. On both days these others sell it; SQ401 flies it by its own leg on
/// the first alone, if it `is_sold` so.
pub(super) fn season(others: &str, is_sold: bool) -> String {
    let leg =
        |number: &str, period: &str| format!("3 {number}0101F{period}1       DEL10001000+0530  BOM12101210+0530  77X");
    let data = |number: &str, data: &str| format!("4 {number}0101F{:13} AB{data}", "");
    let mut records = vec![
        "1AIRLINE STANDARD SCHEDULE DATA SET".to_owned(),
        "2LAI      W26 07DEC2619DEC2605NOV26".to_owned(),
        leg("AI 9007", "07DEC2614DEC26"),
    ];
    if !others.is_empty() {
        records.push(data("AI 9007", &format!("010DELBOM{others}")));
    }
    if is_sold {
        records.push(leg("SQ 0401", "07DEC2607DEC26"));
        records.push(data("SQ 0401", "050DELBOMAI 9007"));
    }
    records.push(format!("5 AI{:183}{:06}E", "", records.len()));
    let numbered = (1..).zip(&records).map(|(serial, record): (usize, &String)| format!("{record:194}{serial:06}"));
    numbered.collect::<Vec<_>>().join("\n")
}

async fn run(admin: &Client, feed: &Value, file: &str) -> Value {
    let started = admin.post_raw(&runs_of(feed), "text/plain", file.to_owned()).await.expect(202);
    ended(admin, &started).await
}

/// The dates and other numbers of the flights that a list by number finds.
async fn sold_as(client: &Client, number: &str) -> Vec<(String, Value)> {
    let list = client.get(&format!("/api/v1/flights?flight_number={number}")).await.expect(200);
    let each = list.as_array().unwrap().iter();
    each.map(|flight| (text(flight, "departure_datetime")[..10].to_owned(), flight["also_sold_as"].clone())).collect()
}

fn on(date: &str, others: Value) -> (String, Value) {
    (date.to_owned(), others)
}

async fn ssim(world: &World) -> (Client, Value) {
    let admin = world.admin().await;
    let feed = json!({"name": "Season", "kind": "SEASON", "format": "SSIM", "airline_codes": ["AI"], "apply": "AUTO"});
    let feed = made(&admin, feed).await;
    (admin, feed)
}

#[tokio::test]
async fn a_flight_is_shown_with_the_numbers_of_others_and_found_by_them() {
    let world = World::with(feeding()).await;
    let (admin, feed) = ssim(&world).await;
    let applied = run(&admin, &feed, &season("UA 9012", true)).await;
    assert_eq!(summary(&applied), "APPLIED 2 0 0 0 0 0 0", "{applied}");
    let anyone = world.anonymous();
    let both = [on("2026-12-07", json!(["SQ401", "UA9012"])), on("2026-12-14", json!(["UA9012"]))];
    assert_eq!(sold_as(&anyone, "AI9007").await, both);
    assert_eq!(sold_as(&anyone, "UA%209012").await, both);
    assert_eq!(sold_as(&anyone, "sq0401").await, both[..1]);
    assert_eq!(sold_as(&anyone, "SQ401&departure_date=2026-12-14").await, []);
    assert_eq!(sold_as(&anyone, "UA9012&sort=-flight_number&limit=1").await, both[1..]);
    assert_eq!(sold_as(&anyone, "UA901").await, []);
    assert_eq!(anyone.get("/api/v1/flights?airline=SQ").await.expect(200), json!([]), "it is none of their flights");

    let flight = &anyone.get("/api/v1/flights?flight_number=SQ401").await.expect(200)[0];
    let path = format!("/api/v1/flights/{}", text(flight, "id"));
    assert_eq!(anyone.get(&path).await.expect(200)["also_sold_as"], json!(["SQ401", "UA9012"]));
    until("the flight is found", async || anyone.get(ROUTES).await.expect(200)[0].is_object()).await;
    let found = anyone.get(ROUTES).await.expect(200);
    let direct = &found[0]["flights"][0];
    assert_eq!((&direct["flight_number"], &direct["also_sold_as"]), (&json!("AI9007"), &json!(["SQ401", "UA9012"])));

    // A flight without is shown without the member, and its event, too.
    let plain = world.flight(NewFlight::new("AI101", "DEL", "LHR")).await;
    assert_eq!(plain.get("also_sold_as"), None);
    let events = "select e.data->>'also_sold_as' from flight_events e join flights f on f.id = e.flight_id
                  where f.flight_number = 'AI9007' order by f.departure_at";
    assert_eq!(world.texts(events).await, [r#"["SQ401", "UA9012"]"#, r#"["UA9012"]"#]);
    let without = "select count(*)::text from flight_events where not data ? 'also_sold_as'";
    assert_eq!(world.texts(without).await, ["1"]);
    world.audit().await;
}

#[tokio::test]
async fn a_season_file_changes_the_numbers_of_others_and_ends_them() {
    let world = World::with(feeding()).await;
    let (admin, feed) = ssim(&world).await;
    let file = season("UA 9012", true);
    run(&admin, &feed, &file).await;
    assert_eq!(summary(&run(&admin, &feed, &file).await), "UNCHANGED 0 0 2 0 0 0 0");

    let other = run(&admin, &feed, &season("UA 9012", false)).await;
    assert_eq!(summary(&other), "APPLIED 0 1 1 0 0 0 0");
    let differences = admin.get(&format!("{}/differences", at_run(&other))).await.expect(200);
    let [difference] = differences.as_array().unwrap().as_slice() else { panic!("{differences}") };
    assert_eq!((&difference["effect"], &difference["dates"]), (&json!("CHANGED"), &json!(["2026-12-07"])));
    let [from, to] = ["from", "to"].map(|member| &difference[member]["also_sold_as"]);
    assert_eq!((from, to), (&json!(["SQ401", "UA9012"]), &json!(["UA9012"])));
    assert_eq!(sold_as(&admin, "SQ401").await, []);

    assert_eq!(summary(&run(&admin, &feed, &season("", false)).await), "APPLIED 0 2 0 0 0 0 0");
    assert_eq!(sold_as(&admin, "AI9007").await, [on("2026-12-07", Value::Null), on("2026-12-14", Value::Null)]);
    assert_eq!(sold_as(&admin, "UA9012").await, []);
    let version = admin.get("/api/v1/flights?flight_number=AI9007").await.expect(200)[0]["version"].clone();
    assert_eq!(version, 3, "each of these changes is one of the flight");
    assert_eq!(summary(&run(&admin, &feed, &season("", false)).await), "UNCHANGED 0 0 2 0 0 0 0");
    world.audit().await;
}

#[tokio::test]
async fn persons_and_tables_leave_the_numbers_of_others_as_they_are() {
    let world = World::with(feeding()).await;
    let (admin, feed) = ssim(&world).await;
    run(&admin, &feed, &season("UA 9012", false)).await;
    let flight = admin.get("/api/v1/flights?flight_number=UA9012").await.expect(200)[0].clone();
    let path = format!("/api/v1/flights/{}", text(&flight, "id"));
    let patched = admin.patch(&path, json!({"cutoff_minutes": 90})).await.expect(200);
    assert_eq!(patched["also_sold_as"], json!(["UA9012"]));
    let faults = admin.patch(&path, json!({"also_sold_as": []})).await.expect_faults();
    assert_eq!(faults, [("/also_sold_as".to_owned(), "unknown_field".to_owned())]);

    let later = "AI9007,DEL,BOM,2026-12-07T05:30:00Z,2026-12-07T07:40:00Z,77X,,,,";
    admin.post_raw("/api/v1/flights/import", "text/csv", table(&[later])).await.expect(200);
    let imported = admin.get(&path).await.expect(200);
    assert_eq!(
        (&imported["departure_datetime"], &imported["also_sold_as"]),
        (&json!("2026-12-07T05:30:00Z"), &json!(["UA9012"]))
    );
    // Persons have changed it, and keep it from its feed.
    assert_eq!(summary(&run(&admin, &feed, &season("", false)).await), "APPLIED 0 1 0 1 0 0 0");
    assert_eq!(sold_as(&admin, "UA9012").await, [on("2026-12-07", json!(["UA9012"]))]);
    world.audit().await;
}

#[tokio::test]
async fn a_fault_in_the_numbers_of_others_names_its_row_and_nothing_applies() {
    let world = World::with(feeding()).await;
    let (admin, feed) = ssim(&world).await;
    let failed = run(&admin, &feed, &season("UA 9012/SINGAPORE", true)).await;
    assert_eq!(failed["status"], "FAILED", "{failed}");
    let faults = admin.get(&format!("{}/faults", at_run(&failed))).await.expect(200);
    assert_eq!((&faults[0]["row"], &faults[0]["column"]), (&json!(4), &json!("also_sold_as")));
    assert_eq!(sold_as(&admin, "AI9007").await, []);
}
