use loadmaster_testkit::World;
use sqlx::{Executor, Row};

/// The reports with groups, and their numbers of parameters.
const REPORTS: [(&str, &str, usize); 5] = [
    ("demand", include_str!("../../../crates/analytics/src/repository/demand.sql"), 7),
    ("flights", include_str!("../../../crates/analytics/src/repository/flights.sql"), 9),
    ("funnel", include_str!("../../../crates/analytics/src/repository/funnel.sql"), 16),
    ("transit", include_str!("../../../crates/analytics/src/repository/transit.sql"), 18),
    ("volume", include_str!("../../../crates/analytics/src/repository/volume.sql"), 22),
];

/// After some requests PostgreSQL takes a plan that is the same for any parameters, and estimates each sum to be one row: a join of
/// sums with those of their keys would compare each with each.
#[tokio::test]
async fn no_report_joins_its_sums_whatever_the_parameters() {
    let world = World::start().await;
    let mut owner = world.database.owner().await;
    owner.execute("set plan_cache_mode = force_generic_plan").await.unwrap();
    for (name, report, parameters) in REPORTS {
        let nulls = vec!["null"; parameters].join(", ");
        let prepared = format!("prepare {name} as {report}");
        owner.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(prepared))).await.unwrap();
        let explained = sqlx::AssertSqlSafe(format!("explain execute {name} ({nulls})"));
        let lines = owner.fetch_all(sqlx::raw_sql(explained)).await.unwrap();
        let lines: Vec<String> = lines.iter().map(|line| line.get(0)).collect();
        let scans = lines.iter().filter(|line| line.contains("CTE Scan")).count();
        assert!(scans <= 1, "{name} reads its sums {scans} times:\n{}", lines.join("\n"));
    }
}
