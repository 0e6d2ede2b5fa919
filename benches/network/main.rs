//! How searches that are not cached, memory and start-up grow with the network: `cargo bench --bench network`.
//!
//! Starts a PostgreSQL and a Redis of its own (`fsync` on). For each size of the network it writes the flights of a month,
//! and a booking on each, starts a release server on them, and asks one search after the other, each for other airports or
//! another day, for the report about the flights of 31 days, for prices of 31 days, for the history of lanes, for the freight of ten
//! origins, for routes between cities of six airports and between two airports of theirs, and for routes with and without dimensions; it
//! books beside 10 000 alerts, and without them. Prints a table, and leaves the figures in `target/bench/network.json`. Before, it
//! imports 100 000 flights through the API, beside searches and bookings. `BENCH_FLIGHTS` is the sizes (`10000,100000,1000000`), `BENCH_SEARCHES` the number of
//! searches of each kind (2000), `BENCH_ROWS` that of the import's rows (100 000).
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::large_futures,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::zombie_processes,
    reason = "a bench prints figures, and fails by panicking"
)]
mod alerts;
mod cities;
#[path = "../common/mod.rs"]
mod common;
mod group;
mod import;
mod rates;
mod sizes;
mod turns;

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};

use common::{
    load::Client,
    median, network, setting,
    site::{Site, Variant, log_in},
};

/// How often each report is asked for.
const REPORTS: usize = 15;
const DAYS: u64 = 25;

fn main() {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(measure());
}

async fn measure() {
    let directory = std::env::current_dir().unwrap().join("target/bench");
    std::fs::create_dir_all(&directory).unwrap();
    let variant = Variant::plain("network");
    let mut site = Site::start(&directory, &[Variant::plain("network")]).await;
    let sizes = std::env::var("BENCH_FLIGHTS").unwrap_or_else(|_| "10000,100000,1000000".to_owned());
    let searches = usize::try_from(setting("BENCH_SEARCHES", 2000)).unwrap();
    let imported = import::measure(&site, usize::try_from(setting("BENCH_ROWS", 100_000)).unwrap()).await;
    println!(
        "flights, lanes | ms until ready, loaded | ms p50, p99 with 0, 1, 3 stops | MiB after, peak, peak of a reload | \
         ms of the report about flights | ms of the prices of 31 days and of histories | ms of bookings beside alerts | ms of group searches | \
         ms of searches between cities | of searches with dimensions"
    );
    let mut report = Vec::new();
    for wanted in sizes.split(',') {
        let wanted: u64 = wanted.trim().parse().unwrap();
        let mut owner = PgConnection::connect(&site.stores.url("loadmaster")).await.unwrap();
        let (flights, lanes) = fill(&mut owner, wanted).await;
        let row = of_size(&mut site, &variant, &mut owner, (flights, lanes), searches).await;
        print(&row);
        report.push(row);
    }
    let path = directory.join("network.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&json!({"import": imported, "sizes": report})).unwrap()).unwrap();
    println!("\n{}", path.display());
    site.stop().await;
}

fn print(row: &Value) {
    let of = |stops: usize| {
        let kind = &row["searches"][stops];
        format!("{}, {}", kind["p50_ms"], kind["p99_ms"])
    };
    println!(
        "{}, {} | {}, {} | {}; {}; {} | {}, {}, {} | {} | {} | {} | {} | {} | {}",
        row["flights"],
        row["lanes"],
        row["ready_ms"],
        row["loaded_ms"],
        of(0),
        of(1),
        of(2),
        row["resident_mib"],
        row["peak_mib"],
        row["peak_of_reload_mib"],
        row["reports"],
        row["rates"],
        row["alerts"],
        row["groups"],
        row["cities"],
        row["sizes"]
    );
}

/// Replaces the schedule; returns the numbers of flights and lanes.
async fn fill(owner: &mut PgConnection, flights: u64) -> (i64, u64) {
    let daily = match flights {
        0..50_000 => 1,
        50_000..500_000 => 2,
        _ => 3,
    };
    let lanes = flights / 30 / daily;
    let script = include_str!("fill.sql").replace("{lanes}", &lanes.to_string()).replace("{daily}", &daily.to_string());
    let script = format!(
        "set session_replication_role = replica; begin; {script} commit; set session_replication_role = origin;
        update network set version = version + 1; vacuum analyze"
    );
    for statement in split(&script) {
        owner.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
    }
    (sqlx::query_scalar("select count(*) from flights").fetch_one(owner).await.unwrap(), lanes)
}

/// `vacuum` runs in no transaction, which several statements at once are.
fn split(script: &str) -> Vec<String> {
    let lines: Vec<&str> = script.lines().filter(|line| !line.starts_with("--")).collect();
    lines.join("\n").split(';').map(|statement| statement.trim().to_owned()).filter(|it| !it.is_empty()).collect()
}

async fn of_size(
    site: &mut Site,
    variant: &Variant,
    owner: &mut PgConnection,
    (flights, lanes): (i64, u64),
    searches: usize,
) -> Value {
    let ready = site.restart(variant).await;
    let began = Instant::now();
    until_loaded(site, flights).await;
    let loaded = began.elapsed();
    let places: Vec<String> = sqlx::query_scalar(
        "select iata_code from (select iata_code, row_number() over (order by cargo_rank nulls last, md5(iata_code)) as place
                                from airports) ranked where place <= 800 order by place",
    )
    .fetch_all(&mut *owner)
    .await
    .unwrap();
    let mut dice = 20_261_126;
    let mut kinds = Vec::new();
    for stops in [0, 1, 3] {
        kinds.push(search(site, &places, stops, searches, &mut dice).await);
    }
    let (after, peak) = (site.memory("VmRSS"), site.memory("VmHWM"));
    let reports = reports(site, flights).await;
    let rates = rates::measure(site, owner).await;
    let alerts = alerts::measure(site, owner).await;
    let groups = group::measure(site, &places).await;
    site.forget_peak();
    reload_network(site, owner, flights).await;
    let reload = site.memory("VmHWM");
    // Nothing that was cached before the change is looked up any more.
    let cities = cities::measure(site, &places).await;
    let aircraft = "set session_replication_role = replica;
        update flights set aircraft_code = case when departure_at::time < '12:00' then '320' else '77X' end;
        set session_replication_role = origin";
    owner.execute(aircraft).await.unwrap();
    sizes::open_doors(site).await;
    reload_network(site, owner, flights).await;
    let sizes = sizes::measure(site, &places).await;
    json!({"flights": flights, "lanes": lanes, "ready_ms": ready.as_millis(), "loaded_ms": loaded.as_millis(),
        "searches": kinds, "searches_cut": metric(site, "loadmaster_route_searches_cut_total").await,
        "reads_from_tables": metric(site, "loadmaster_route_reads_total{from=\"tables\"}").await,
        "resident_mib": after, "peak_mib": peak, "peak_of_reload_mib": reload,
        "reports": reports, "rates": rates, "alerts": alerts, "groups": groups, "cities": cities,
        "sizes": sizes})
}

/// Asks for the report about the flights of 31 days ahead, by each group. Returns the median times.
async fn reports(site: &Site, flights: i64) -> Value {
    let token = log_in(site.here).await;
    let mut client = Client::connect(site.here).await;
    let mut found = serde_json::Map::new();
    for group in ["", "station", "lane", "airline", "flight_number"] {
        let grouped = if group.is_empty() { String::new() } else { format!("&group={group}") };
        let path = format!("/api/v1/analytics/flights?from=2027-05-01&to=2027-05-31{grouped}");
        let request = network::send("GET", &path, Some(&token), "");
        let mut times = Vec::new();
        for _ in 0..REPORTS {
            let began = Instant::now();
            let (status, body) = client.ask(&request).await;
            times.push(began.elapsed().as_secs_f64() * 1000.0);
            assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
            let report: Value = serde_json::from_slice(body).unwrap();
            // In the west a few leave on the local date before.
            assert!(report["total"]["flights"].as_i64().unwrap() > flights * 9 / 10, "{}", report["total"]);
        }
        let name = if group.is_empty() { "total" } else { group };
        found.insert(format!("{name}_ms"), json!((median(times.into_iter()) * 100.0).round() / 100.0));
    }
    found.into()
}

/// Changes the network without a message, so that the server reads all of it anew.
async fn reload_network(site: &Site, owner: &mut PgConnection, flights: i64) {
    owner.execute("update network set version = version + 1").await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    until_loaded(site, flights).await;
}

async fn until_loaded(site: &Site, flights: i64) {
    let began = Instant::now();
    while metric(site, "loadmaster_departures ").await as i64 != flights {
        assert!(began.elapsed() < Duration::from_mins(3), "the flights are never loaded");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn metric(site: &Site, name: &str) -> f64 {
    let metrics = reqwest::get(format!("http://{}/metrics", site.here)).await.unwrap().text().await.unwrap();
    let line = metrics.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok()).unwrap_or_default()
}

/// Asks for routes between airports, busy ones more often, each question once.
async fn search(site: &Site, places: &[String], stops: u8, searches: usize, dice: &mut u64) -> Value {
    let mut next = |bound: u64| {
        *dice ^= *dice << 13;
        *dice ^= *dice >> 7;
        *dice ^= *dice << 17;
        *dice % bound
    };
    // The busier an airport, the likelier.
    let place = |next: &mut dyn FnMut(u64) -> u64| {
        let exponent = next(1_000_000) as f64 / 1_000_000.0;
        places[(places.len() as f64).powf(exponent) as usize - 1].clone()
    };
    let mut asked = BTreeSet::new();
    let mut client = Client::connect(site.here).await;
    let (mut times, mut options) = (Vec::new(), 0);
    while asked.len() < searches {
        let (origin, destination, day) = (place(&mut next), place(&mut next), 1 + next(DAYS));
        if origin == destination || !asked.insert((origin.clone(), destination.clone(), day)) {
            continue;
        }
        let path = format!(
            "/api/v1/routes?origin={origin}&destination={destination}&departure_date=2027-05-{day:02}&max_stops={stops}"
        );
        let request = network::get(&path);
        let began = Instant::now();
        let (status, body) = client.ask(&request).await;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
        options += serde_json::from_slice::<Value>(body).unwrap().as_array().unwrap().len();
    }
    let mut figures = turns::quantiles(times);
    figures["max_stops"] = json!(stops);
    figures["options"] = json!(options as f64 / searches as f64);
    figures
}
