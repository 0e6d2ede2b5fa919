//! What PostgreSQL does for requests, by statement: its time, its pages, and its plans, which with generic plans are few.
use std::time::Duration;

use sqlx::{Connection, Executor, PgConnection, Row};

use crate::{
    common::site::Site,
    contests::{Bench, Contest, What},
};

/// Of one row of the table.
pub struct Plans {
    pub name: &'static str,
    pub requests: usize,
    pub statements: i64,
    pub made: i64,
    /// Pages read, nearly all from memory: a plan that reads what it need not shows here.
    pub pages: i64,
    /// The statements that are planned most often: plans, calls, text.
    pub most: Vec<(i64, i64, String)>,
    /// The statements that take the most time, background work included: microseconds and calls per request, text.
    pub dearest: Vec<(f64, f64, String)>,
}

/// Statements planned less often than this are not shown.
const OFTEN: i64 = 100;
const WHILE: Duration = Duration::from_secs(1);
/// Statements of the load alone; background work has its own.
const COUNTED: &str = "select plans, calls, query, shared_blks_hit + shared_blks_read
                       from pg_stat_statements s join pg_roles r on r.oid = s.userid
                       where rolname = 'loadmaster_app' order by plans desc";
const DEAREST: &str = "select total_exec_time * 1000, calls::float8, query
                       from pg_stat_statements s join pg_roles r on r.oid = s.userid order by 1 desc limit 12";

impl Plans {
    pub fn print(&self) {
        let per_request = |count: i64| count as f64 / self.requests.max(1) as f64;
        let (statements, made, pages) = (per_request(self.statements), per_request(self.made), per_request(self.pages));
        println!("{}: {statements:.2} statements, {made:.3} plans and {pages:.0} pages per request", self.name);
        for (plans, calls, text) in &self.most {
            println!("  {plans:>7} plans of {calls:>7} calls: {}", in_one_line(text));
        }
        for (time, calls, text) in &self.dearest {
            println!("  {time:>7.1} µs, {calls:>6.3} calls: {}", in_one_line(text));
        }
    }
}

fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(110).collect()
}

/// Loads the server once more for each kind of request, with the statistics of statements on.
pub async fn count(site: &Site, bench: &Bench<'_>) -> Vec<Plans> {
    let mut owner = PgConnection::connect(&site.stores.url("loadmaster")).await.unwrap();
    owner.execute("create extension pg_stat_statements").await.unwrap();
    // The settings on the command line outrank those of ALTER SYSTEM, but not those of a role.
    for setting in ["pg_stat_statements.track = 'top'", "pg_stat_statements.track_planning = on"] {
        let change = format!("alter role loadmaster_app set {setting}");
        owner.execute(sqlx::AssertSqlSafe(change)).await.unwrap();
    }
    let end = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'loadmaster_app'";
    owner.execute(end).await.unwrap();
    let mut counted = Vec::new();
    for contest in bench.contests.iter().filter(|contest| is_counted(contest)) {
        // New connections plan each statement some times before they settle for a generic plan.
        bench.load(contest, WHILE).await;
        owner.execute("select pg_stat_statements_reset()").await.unwrap();
        let load = bench.load(contest, WHILE).await;
        let rows = owner.fetch_all(COUNTED).await.unwrap();
        let pages = rows.iter().map(|row| row.get::<i64, _>(3)).sum();
        let requests = load.answers.max(1) as f64;
        let dearest = owner.fetch_all(DEAREST).await.unwrap();
        let dearest =
            dearest.iter().map(|row| (row.get::<f64, _>(0) / requests, row.get::<f64, _>(1) / requests, row.get(2)));
        let rows: Vec<(i64, i64, String)> = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        counted.push(Plans {
            name: contest.name,
            requests: load.answers,
            statements: rows.iter().map(|row| row.1).sum(),
            made: rows.iter().map(|row| row.0).sum(),
            pages,
            dearest: dearest.collect(),
            most: rows.into_iter().filter(|row| row.0 > OFTEN).take(5).collect(),
        });
    }
    counted
}

fn is_counted(contest: &Contest) -> bool {
    contest.clients == 64 && !matches!(contest.what, What::Ask(..)) || contest.name == "get" && contest.clients == 32
}
