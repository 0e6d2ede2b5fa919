//! A million flights by the command line, in `./test --long`.
use std::{fmt::Write, time::Duration};

use loadmaster_testkit::{TestDatabase, command::loadmaster, import::HEADER, is_long};

const ROWS: usize = 1_000_000;
/// Nobody waits for as long on a machine that does nothing else.
const PATIENCE: Duration = Duration::from_mins(40);

/// Flights of 9 000 numbers a day out of each of four airports.
fn million() -> String {
    let first: chrono::NaiveDate = "2027-01-01".parse().unwrap();
    let mut table = format!("{HEADER}\n");
    for row in 0..ROWS {
        let (origin, rest) = (["DEL", "BOM", "MAA", "CCU"][row % 4], row / 4);
        let (number, date) = (1 + rest % 9000, first + chrono::Days::new((rest / 9000) as u64));
        let hour = row % 14;
        writeln!(table, "AI{number},{origin},LHR,{date}T{hour:02}:00:00Z,{date}T{:02}:30:00Z,77X,,,,", hour + 9)
            .unwrap();
    }
    table
}

#[tokio::test]
async fn a_million_rows_come_in_all_or_not_at_all() {
    if !is_long() {
        return;
    }
    let database = TestDatabase::create().await;
    let mut owner = database.owner().await;
    let mut count = async |table: &str| {
        let query = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        sqlx::query_scalar::<_, i64>(query).fetch_one(&mut owner).await.unwrap()
    };
    let import = async |table: &str| {
        let run = loadmaster(&["flights", "import", "table.csv"]).file("table.csv", table).on(&database);
        run.run_within(PATIENCE).await
    };
    let mut table = million();
    let last = table.trim_end().rfind('\n').unwrap() + 1;
    let broken = format!("{}AI1,DEL,LHR,2027-03-01T10:00:00Z,soon,77X,,,,\n", &table[..last]);
    let refused = import(&broken).await;
    assert!(refused.stdout.contains("`arrival_datetime` in row 1000000 must be"), "{}", refused.stdout);
    assert!(refused.complained().contains("nothing was imported"));
    for kept in ["flights", "flight_capacity", "capacity_ledger", "flight_events", "outbox"] {
        assert_eq!(count(kept).await, 0, "{kept}");
    }
    let done = import(&table).await;
    assert!(done.stderr.contains("Importing flights: 500000 of 1000000 written …"), "{}", done.stderr);
    assert_eq!(done.succeeded(), "created: 1000000, updated: 0, unchanged: 0\n");
    assert_eq!(count("flights").await, 1_000_000);
    // The schedule refuses the last row after everything else was compared.
    table.replace_range(last.., "AI1,DEL,LHR,2027-01-01T00:00:00Z,2027-01-01T23:30:00Z,77X,,,,\n");
    let first = "update flight_capacity set status = 'DEPARTED' where flight_id = (select id from flights
                 where flight_number = 'AI1' and origin = 'DEL' and scheduled_date = '2027-01-01')";
    sqlx::raw_sql(first).execute(&mut database.owner().await).await.unwrap();
    let first_row = table.find('\n').unwrap() + 1;
    let second_row = first_row + table[first_row..].find('\n').unwrap() + 1;
    table.replace_range(first_row..second_row, "");
    let refused = import(&table.replace("77X", "77W")).await;
    assert!(
        refused.stdout.contains("`flight_number` in row 999999 names a flight that has departed"),
        "{}",
        refused.stdout
    );
    assert_eq!(count("flights where aircraft_code = '77W'").await, 0);
    sqlx::raw_sql("update flight_capacity set status = 'SCHEDULED' where status <> 'SCHEDULED'")
        .execute(&mut database.owner().await)
        .await
        .unwrap();
    loadmaster(&["audit"]).on(&database).run_within(PATIENCE).await.succeeded();
}
