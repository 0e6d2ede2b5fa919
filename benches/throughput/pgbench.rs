//! What PostgreSQL itself does in the same time: transactions of the shape of ours, without any of our rules.
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{Connection, Executor, PgConnection};
use tokio::process::Command;

use crate::common::{network::APART, processes::postgres_programs, site::Site};

/// A booking that locks a flight, updates it, and inserts a booking and an event; `flight` says which flight.
fn transaction(flight: &str) -> String {
    format!(
        "\\set flight {flight}
         begin;
         select used from ceiling_flights where id = :flight for update;
         update ceiling_flights set used = used + 1 where id = :flight;
         insert into ceiling_bookings (flight_id, reference, weight) values (:flight, md5(random()::text), 1);
         insert into ceiling_events (flight_id, kind, data) values (:flight, 'BOOKED', 'some words about a booking');
         commit;\n"
    )
}

fn selection() -> String {
    format!("\\set flight random(1, {APART})\nselect * from ceiling_flights where id = :flight;\n")
}

/// The tables of the ceilings, beside the product's.
const TABLES: &str = "
    create table ceiling_flights (id bigint primary key, used bigint not null) with (fillfactor = 50);
    create table ceiling_bookings (id bigint generated always as identity primary key,
        flight_id bigint not null references ceiling_flights, reference text not null unique, weight bigint not null);
    create table ceiling_events (id bigint generated always as identity primary key, flight_id bigint not null,
        kind text not null, data text not null, created_at timestamptz not null default now());";

pub struct Pgbench {
    program: PathBuf,
    scripts: PathBuf,
    host: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Script {
    Spread,
    Hot,
    Select,
}

impl Script {
    fn name(self) -> &'static str {
        match self {
            Self::Spread => "spread.sql",
            Self::Hot => "hot.sql",
            Self::Select => "select.sql",
        }
    }
}

impl Pgbench {
    pub async fn prepare(site: &Site, directory: &Path) -> Self {
        let mut owner = PgConnection::connect(&site.stores.url("loadmaster")).await.unwrap();
        owner.execute("create database ceiling").await.unwrap();
        let mut ceiling =
            PgConnection::connect(&site.stores.url("loadmaster").replace("/loadmaster?", "/ceiling?")).await.unwrap();
        ceiling.execute(TABLES).await.unwrap();
        let flights = format!("insert into ceiling_flights select id, 0 from generate_series(1, {APART}) id");
        ceiling.execute(sqlx::AssertSqlSafe(flights)).await.unwrap();
        for script in [Script::Spread, Script::Hot, Script::Select] {
            let text = match script {
                Script::Spread => transaction(&format!("random(1, {APART})")),
                Script::Hot => transaction("1"),
                Script::Select => selection(),
            };
            fs::write(directory.join(script.name()), text).unwrap();
        }
        let host = site.stores.host.clone().unwrap();
        Self { program: postgres_programs().join("pgbench"), scripts: directory.to_owned(), host }
    }

    /// Transactions per second.
    pub async fn run(&self, script: Script, clients: usize, time: Duration) -> f64 {
        let output = Command::new(&self.program)
            .args(["-n", "-M", "prepared", "-j", "2", "-U", "loadmaster", "-h", &self.host, "-p", "5432"])
            .args(["-c", &clients.to_string(), "-T", &time.as_secs().max(1).to_string()])
            .arg("-f")
            .arg(self.scripts.join(script.name()))
            .arg("ceiling")
            .output()
            .await
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        let told = text.lines().find_map(|line| line.strip_prefix("tps = "));
        let told = told.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)));
        told.split(' ').next().unwrap().parse().unwrap()
    }
}
