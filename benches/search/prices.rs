//! What prices cost: searches of forty options with and without them, by turns, among 100 000 tariffs. Each asks for another
//! weight, so that no finished answer is used again; a last pair repeats its requests.
use std::{fmt::Write, time::Duration};

use loadmaster_reference::Reference;
use serde_json::{Value, json};

use crate::{
    CLIENTS,
    common::{
        load::{Load, run},
        median,
        network::get,
        site::Site,
    },
};

const OPTIONS: usize = 40;
const ORIGINS: usize = 200;
const DESTINATIONS: usize = 500;
const WEIGHTS: usize = 100_000;

pub async fn measure(site: &Site, time: Duration, runs: u64) -> Value {
    site.import("/api/v1/flights/import", &flights()).await;
    site.import("/api/v1/tariffs/import", &tariffs()).await;
    let mut rows = Vec::new();
    println!("\n{:34} {:>9} {:>9} {:>7} {:>12}", "forty options", "plain/s", "priced/s", "ratio", "us an option");
    for (name, weights, clients) in
        [("each rated, one client", WEIGHTS, 1), ("each rated", WEIGHTS, CLIENTS), ("kept", 100, CLIENTS)]
    {
        let (mut plain, mut priced) = (Vec::new(), Vec::new());
        for _ in 0..runs {
            plain.push(run(site.here, &searches(weights, ""), 200, clients, time).await);
            priced.push(run(site.here, &searches(weights, "&price=true"), 200, clients, time).await);
        }
        rows.push(row(name, &plain, &priced));
    }
    json!(rows)
}

/// How much longer a search takes with prices, and what that is for each option.
fn row(name: &str, plain: &[Load], priced: &[Load]) -> Value {
    let ratio = median(plain.iter().zip(priced).map(|(plain, priced)| plain.per_second() / priced.per_second()));
    let more = |plain: &Load, priced: &Load| priced.per_second().recip() - plain.per_second().recip();
    let each = median(plain.iter().zip(priced).map(|(plain, priced)| more(plain, priced))) * 1e6 / OPTIONS as f64;
    let of = |loads: &[Load]| median(loads.iter().map(Load::per_second)).round();
    println!("{name:34} {:>9} {:>9} {ratio:>7.2} {each:>12.1}", of(plain), of(priced));
    json!({"what": name, "plain_per_second": of(plain), "priced_per_second": of(priced), "ratio": ratio,
        "us_an_option": each})
}

fn searches(weights: usize, prices: &str) -> Vec<Vec<u8>> {
    let search = |number: usize| {
        let (whole, tenth) = (100 + number / 10, number % 10);
        get(&format!(
            "/api/v1/routes?origin=CAN&destination=LAX&departure_date=2027-05-20&max_stops=0&limit={OPTIONS}\
             &weight_kg={whole}.{tenth}{prices}"
        ))
    };
    (0..weights).map(search).collect()
}

fn flights() -> String {
    let mut table = String::from(
        "flight_number,origin,destination,departure_datetime,arrival_datetime,aircraft_code,weight_kg,volume_m3,positions,cutoff_minutes\n",
    );
    for number in 0..OPTIONS {
        let (hour, minute) = (number / 6, number % 6);
        writeln!(
            table,
            "CZ{},CAN,LAX,2027-05-20T{hour:02}:{minute}0:00Z,2027-05-20T{:02}:{minute}0:00Z,,90000.5,600.125,30,60",
            number + 1,
            hour + 13
        )
        .unwrap();
    }
    table
}

/// 100 000 lanes, of which the one that is searched is the last.
fn tariffs() -> String {
    let reference = Reference::bundled().unwrap();
    let airports = reference.airports();
    let mut codes = airports.iter().map(|airport| airport.code.as_str());
    let mut airports = codes.by_ref().filter(|code| !["CAN", "LAX"].contains(code));
    let mut origins: Vec<&str> = airports.by_ref().take(ORIGINS - 1).collect();
    let mut destinations: Vec<&str> = airports.take(DESTINATIONS - 1).collect();
    origins.push("CAN");
    destinations.push("LAX");
    let mut table = String::from(
        "code,airline_code,origin,destination,flight_numbers,organization_id,product,handling_code,currency,minimum,normal,breaks,valid_from,valid_to\n",
    );
    for origin in &origins {
        for destination in &destinations {
            writeln!(
                table,
                "{origin}-{destination},,{origin},{destination},,,GENERAL,,USD,75.00,5.10,45=4.20;100=3.90;500=3.10,2027-01-01,"
            )
            .unwrap();
        }
    }
    table
}
