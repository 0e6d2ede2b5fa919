//! Prices of days that are not cached, and the history of lanes.
use std::time::Instant;

use serde_json::{Value, json};
use sqlx::{Executor, PgConnection};

use crate::{
    common::{load::Client, network, site::Site},
    turns,
};

/// Months of prices that are asked for, each of another lane.
const MONTHS: i64 = 300;
const HISTORIES: usize = 3_000;

/// Gives all lanes a tariff, the busiest 2 000 of them a history of 90 days, and asks for both.
pub async fn measure(site: &Site, owner: &mut PgConnection) -> Value {
    let tariff = json!({"code": "ALL", "origin": "*", "destination": "*", "currency": "USD", "minimum": "0", "normal": "5", "breaks": [],
        "valid_from": "2026-01-01"});
    let mut client = Client::connect(site.here).await;
    let (status, body) = client.ask(&network::post("/api/v1/tariffs", Some(&site.token), &tariff.to_string())).await;
    // Those of a smaller network have it already.
    assert!(matches!(status, 201 | 409), "{}", String::from_utf8_lossy(body));
    owner.execute(include_str!("rates.sql")).await.unwrap();
    let lanes: Vec<(String, String)> =
        sqlx::query_as("select origin, destination from rate_lanes order by md5(origin || destination) limit $1")
            .bind(MONTHS)
            .fetch_all(owner)
            .await
            .unwrap();
    let month = |(origin, destination): &(String, String)| {
        format!(
            "/api/v1/routes/days?origin={origin}&destination={destination}&from=2027-05-01&days=31&weight_kg=300&price=true"
        )
    };
    let history = |(origin, destination): &(String, String)| {
        format!("/api/v1/rates/history?origin={origin}&destination={destination}&weight_kg=300")
    };
    let months = ask(&mut client, lanes.iter().map(month), |day: &Value| day[0]["price"]["amount"].is_string()).await;
    let histories = lanes.iter().cycle().take(HISTORIES).map(history);
    let histories = ask(&mut client, histories, |found: &Value| {
        found["series"][0]["points"].as_array().is_some_and(|it| it.len() > 80)
    })
    .await;
    json!({"months": months, "histories": histories})
}

/// Asks one after the other. Returns how long answers took.
async fn ask(client: &mut Client, paths: impl Iterator<Item = String>, is_right: impl Fn(&Value) -> bool) -> Value {
    let mut times = Vec::new();
    for path in paths {
        let request = network::get(&path);
        let began = Instant::now();
        let (status, body) = client.ask(&request).await;
        times.push(began.elapsed().as_secs_f64() * 1000.0);
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
        let answer: Value = serde_json::from_slice(body).unwrap();
        assert!(is_right(&answer), "{path}: {answer}");
    }
    turns::quantiles(times)
}
