//! The network's version moves once with each transaction that brings a flight into the network or moves one, whatever else
//! the transaction does.
use loadmaster_testkit::{NewFlight, World};
use sqlx::{Executor, PgConnection};

async fn version(session: &mut PgConnection) -> i64 {
    sqlx::query_scalar("select version from network").fetch_one(session).await.unwrap()
}

/// Runs the script as one transaction; returns by how much the version has moved.
async fn moved_by(session: &mut PgConnection, script: &str) -> i64 {
    let before = version(session).await;
    session.execute(sqlx::AssertSqlSafe(format!("begin; {script}"))).await.unwrap();
    session.execute("commit").await.unwrap();
    version(session).await - before
}

const LATER: &str = "update flights set arrival_at = arrival_at + interval '1 minute'";
const SAME: &str = "update flights set updated_at = now(), arrival_at = arrival_at";
const NEW: &str =
    "insert into flights select gen_random_uuid(), 'AI' || 1000 + (select count(*) from flights), airline_code, origin,
    destination, departure_at, arrival_at, scheduled_departure_at, scheduled_arrival_at, scheduled_date,
    actual_departure_at, actual_arrival_at, aircraft_code, is_freighter, cancelled_at, created_at, updated_at
    from flights where flight_number = 'AI101'";

#[tokio::test]
async fn the_networks_version_moves_once_with_each_transaction_that_moves_flights() {
    let world = World::start().await;
    for number in ["AI101", "AI102", "AI103"] {
        world.flight(NewFlight::new(number, "DEL", "LHR")).await;
    }
    let mut owner = world.owner().await;
    for (script, moves) in [
        (LATER.to_owned(), 1),
        (SAME.to_owned(), 0),
        (format!("{NEW}; {NEW}"), 1),
        (format!("{SAME}; {LATER}; {NEW}"), 1),
        (format!("{NEW}; {LATER}; {LATER}"), 1),
        // What is undone moves nothing, and hides nothing that comes later or came before.
        (format!("savepoint a; {LATER}; rollback to a"), 0),
        (format!("savepoint a; {LATER}; rollback to a; {LATER}"), 1),
        (format!("savepoint a; {NEW}; rollback to a; savepoint b; {LATER}; release b"), 1),
        (format!("{LATER}; savepoint a; {LATER}; rollback to a"), 1),
        (format!("savepoint a; savepoint b; {LATER}; release b; rollback to a; {NEW}"), 1),
        // Checked before the end, it moves at once.
        (format!("{LATER}; set constraints all immediate"), 1),
    ] {
        assert_eq!(moved_by(&mut owner, &script).await, moves, "{script}");
    }
    let before = version(&mut owner).await;
    owner.execute(sqlx::AssertSqlSafe(format!("begin; {LATER}; rollback; begin; {SAME}; commit"))).await.unwrap();
    assert_eq!(version(&mut owner).await, before);
    assert_eq!(moved_by(&mut owner, LATER).await, 1, "the transaction before has left no mark");
}
