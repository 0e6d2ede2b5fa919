//! How often PostgreSQL plans: with generic plans, hardly ever.
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
}

/// Statements planned less often than this are not shown.
const OFTEN: i64 = 100;
const WHILE: Duration = Duration::from_secs(1);
/// Statements of the load alone; background work has its own.
const COUNTED: &str = "select plans, calls, query, shared_blks_hit + shared_blks_read
                       from pg_stat_statements s join pg_roles r on r.oid = s.userid
                       where rolname = 'loadmaster_app' order by plans desc";

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
        let rows: Vec<(i64, i64, String)> = rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
        counted.push(Plans {
            name: contest.name,
            requests: load.answers,
            statements: rows.iter().map(|row| row.1).sum(),
            made: rows.iter().map(|row| row.0).sum(),
            pages,
            most: rows.into_iter().filter(|row| row.0 > OFTEN).take(5).collect(),
        });
    }
    counted
}

fn is_counted(contest: &Contest) -> bool {
    contest.clients == 64 && !matches!(contest.what, What::Ask(..)) || contest.name == "get" && contest.clients == 32
}
