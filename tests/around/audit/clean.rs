//! Where all is well, it says so, writes nothing and needs no more than to read.
use loadmaster_testkit::TestDatabase;
use sqlx::{AssertSqlSafe, Executor, PgConnection};

use super::{audit, books::Books, broken, document};

#[tokio::test]
async fn whatever_happens_to_bookings_and_flights_the_books_are_right() {
    let database = Books::keep().await.copy().await;
    let told = audit(&database, &["--rebuild"]).await.succeeded();
    let lines: Vec<&str> = told.lines().collect();
    let numbers: Vec<&str> = lines[..19].iter().map(|line| line.split_whitespace().next().unwrap()).collect();
    let rules =
        ["1", "2", "3", "4", "5", "7", "8", "9", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "-"];
    assert_eq!(numbers, rules, "{told}");
    assert!(lines[..19].iter().all(|line| line.contains("  OK  ")), "{told}");
    assert!(lines[0].ends_with("48 ledger entries, 10 flights"), "{told}");
    assert!(lines[8].ends_with("5 holds, 2 open legs of holds, 2 named positions"), "{told}");
    assert!(lines[9].ends_with("1 bookings of holds"), "{told}");
    assert!(lines[19].starts_with("Audited as of ") && lines[19].ends_with(": clean."), "{told}");
    assert_eq!(lines.len(), 20, "{told}");
}

#[tokio::test]
async fn an_empty_database_is_clean_too() {
    let (code, told) = document(&TestDatabase::create().await, &["--rebuild"]).await;
    assert_eq!((code, broken(&told), &told["clean"]), (0, vec![], &true.into()));
    assert_eq!(told["checks"][0]["checked"], serde_json::json!({"ledger entries": 0, "flights": 0}));
}

/// How many rows each table has, and a sum of all that stands in them.
async fn state(db: &mut PgConnection) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select relname::text from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace
         order by 1",
    )
    .fetch_all(&mut *db)
    .await
    .unwrap();
    let mut state = Vec::new();
    for table in tables {
        let sum = format!("select '{table} ' || count(*) || ' ' || coalesce(sum(hashtext(t::text)), 0) from {table} t");
        state.push(sqlx::query_scalar(AssertSqlSafe(sum)).fetch_one(&mut *db).await.unwrap());
    }
    state
}

#[tokio::test]
async fn it_writes_nothing_and_needs_no_right_to() {
    let database = &Books::keep().await.copy().await;
    let mut owner = database.owner().await;
    // The serving role with nothing but the right to read.
    let lesser = "revoke insert, update, delete, truncate on all tables in schema public from loadmaster_app;
                  revoke usage on all sequences in schema public from loadmaster_app;
                  alter database {name} set default_transaction_read_only = on";
    owner.execute(sqlx::raw_sql(AssertSqlSafe(lesser.replace("{name}", &database.name)))).await.unwrap();
    let before = state(&mut owner).await;
    for arguments in [&[][..], &["--rebuild"], &["--json", "--rebuild"]] {
        audit(database, arguments).await.succeeded();
    }
    assert_eq!(state(&mut owner).await, before);
}

#[tokio::test]
async fn statements_of_requests_may_be_bounded_and_the_audit_is_not() {
    let database = Books::keep().await.copy().await;
    let mut owner = database.owner().await;
    let bound = format!("alter database {} set statement_timeout = 1", database.name);
    owner.execute(AssertSqlSafe(bound)).await.unwrap();
    // No statement of another session is that quick.
    let mut other = database.app().await;
    let slow = other.execute("select pg_sleep(1)").await.expect_err("it takes too long").into_database_error().unwrap();
    assert_eq!(slow.code().as_deref(), Some("57014"));
    audit(&database, &["--rebuild"]).await.succeeded();
}
