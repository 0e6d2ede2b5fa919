//! What the database itself refuses, whoever asks: history is only added to, and no flight is oversold.
mod compose;
mod planted;

use chrono::{DateTime, Datelike, Months, Utc};
use loadmaster_testkit::{
    NewFlight, TestDatabase, Watch, World, WorldOptions, command::loadmaster, start_of_time, until,
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row};

/// Tables to which rows are only added.
const HISTORY: [&str; 4] = ["capacity_ledger", "flight_events", "booking_events", "admin_acts"];
/// Why the database says no: SQLSTATE and words of the message.
type Refusal = (&'static str, &'static [&'static str]);
const DENIED: Refusal = ("42501", &["permission denied", "must be owner", "must be superuser"]);
const APPEND_ONLY: Refusal = ("42501", &["is append-only"]);
const OVERSOLD: Refusal = ("23514", &["violates check constraint"]);

/// One booked and departed shipment: a row in every table of history.
async fn world_with_a_shipment() -> World {
    let world = World::migrated().await;
    fill(&world).await;
    world
}

async fn fill(world: &World) {
    book(world, 1).await;
    let (admin, user) = (world.admin().await, world.customer().await.get("/api/v1/auth/me").await.expect(200));
    let path = format!("/api/v1/users/{}", user["id"].as_str().unwrap());
    admin.patch(&path, json!({"role": "operator"})).await.expect(200);
}

async fn book(world: &World, bookings: u32) -> Value {
    let flight = world.flight(NewFlight::new("AI101", "DEL", "LHR").weight(100_000.0)).await;
    let (customer, operator) = (world.customer().await, world.operator().await);
    let wish = json!({"origin": "DEL", "destination": "LHR", "pieces": 1, "weight_kg": 10, "description": "Books",
                      "flight_ids": [flight["id"]]});
    for _ in 0..bookings {
        let booking = customer.post("/api/v1/bookings", wish.clone()).await.expect(201);
        let depart = format!("/api/v1/bookings/{}/depart", booking["ref_id"].as_str().unwrap());
        operator.post(&depart, json!({"notes": "On time"})).await.expect(200);
    }
    flight
}

/// A statement that must be refused, and for this reason.
async fn refused(db: &mut PgConnection, statement: &str, (state, words): Refusal) {
    let error = db.execute(AssertSqlSafe(statement.to_owned())).await.expect_err(statement);
    let error = error.into_database_error().expect(statement);
    assert_eq!(error.code().as_deref(), Some(state), "{statement}: {error}");
    assert!(words.iter().any(|word| error.message().contains(word)), "{statement}: {error}");
}

/// The statements that would change what a table says of the past; all touch its rows.
fn changes_of(table: &str) -> [String; 4] {
    let column = match table {
        "admin_acts" => "acted_at",
        _ if table.starts_with("capacity_ledger") => "recorded_at",
        _ => "created_at",
    };
    [
        format!("update {table} set {column} = {column}"),
        format!("delete from {table}"),
        format!("truncate {table}"),
        format!("truncate {table} cascade"),
    ]
}

async fn names(db: &mut PgConnection, query: &str) -> Vec<String> {
    sqlx::query_scalar(AssertSqlSafe(query.to_owned())).fetch_all(db).await.unwrap()
}

async fn partitions_of(db: &mut PgConnection, parent: &str) -> Vec<String> {
    let query =
        format!("select inhrelid::regclass::text from pg_inherits where inhparent = '{parent}'::regclass order by 1");
    names(db, &query).await
}

async fn partitioned(db: &mut PgConnection) -> Vec<String> {
    names(db, "select table_name from public.partitioned_tables order by 1").await
}

async fn rows(db: &mut PgConnection, table: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {table}"))).fetch_one(db).await.unwrap()
}

#[tokio::test]
async fn the_serving_role_can_only_add_to_history() {
    let world = world_with_a_shipment().await;
    let (mut app, mut owner) = (world.database.app().await, world.database.owner().await);
    for parent in HISTORY {
        assert!(rows(&mut app, parent).await > 0, "{parent} can be read and has rows");
        let partitions = partitions_of(&mut owner, parent).await;
        assert_eq!(
            partitions.len(),
            if ["flight_events", "admin_acts"].contains(&parent) { 0 } else { 14 },
            "{parent}: {partitions:?}"
        );
        for table in std::iter::once(parent.to_owned()).chain(partitions) {
            for change in changes_of(&table) {
                refused(&mut app, &change, DENIED).await;
            }
        }
    }
}

#[tokio::test]
async fn the_serving_role_cannot_go_around_history_by_its_partitions() {
    let world = world_with_a_shipment().await;
    let (mut app, mut owner) = (world.database.app().await, world.database.owner().await);
    for parent in partitioned(&mut owner).await {
        for partition in partitions_of(&mut owner, &parent).await {
            refused(&mut app, &format!("delete from {partition}"), DENIED).await;
            refused(&mut app, &format!("insert into {partition} select * from {parent}"), DENIED).await;
            refused(&mut app, &format!("alter table {parent} detach partition {partition}"), DENIED).await;
        }
    }
}

#[tokio::test]
async fn the_serving_role_cannot_change_the_schema() {
    let world = world_with_a_shipment().await;
    let mut app = world.database.app().await;
    for statement in [
        "create table mine (id int)",
        "create schema mine",
        "create function mine() returns int language sql as 'select 1'",
        "drop table bookings",
        "alter table capacity_ledger add column mine int",
        "drop trigger capacity_ledger_keep on capacity_ledger",
        "drop trigger capacity_ledger_keep_rows on capacity_ledger",
        "drop trigger booking_events_keep_rows on booking_events",
        "drop trigger flight_events_keep_rows on flight_events",
        "alter table booking_events disable trigger all",
        "alter table flight_capacity drop constraint flight_weight_not_oversold",
        "drop function refuse_change() cascade",
        "create or replace function refuse_change() returns trigger language plpgsql as 'begin return null; end'",
        "set session_replication_role = replica",
        "set role loadmaster",
        "alter role loadmaster_app superuser",
        "update _sqlx_migrations set success = false",
        "delete from _sqlx_migrations",
    ] {
        refused(&mut app, statement, DENIED).await;
    }
    let superuser = "select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls
                     from pg_roles where rolname = current_user";
    assert!(!sqlx::query_scalar::<_, bool>(superuser).fetch_one(&mut app).await.unwrap());
}

/// `ensure_partitions` runs as the owner: what it calls must be what the owner meant, not what a caller has put in its way.
#[tokio::test]
async fn the_serving_role_cannot_borrow_the_owners_rights() {
    let world = world_with_a_shipment().await;
    let mut app = world.database.app().await;
    let trap = "
        create function pg_temp.trap() returns text language plpgsql as $$
        begin
            execute 'create table public.sprung as select current_user as by_whom';
            return 'capacity_ledger';
        end $$;
        create temp view partitioned_tables as select pg_temp.trap() as table_name, true as append_only";
    // Where temporary things may not even be made, there is nothing to try.
    if app.execute(sqlx::raw_sql(trap)).await.is_ok() {
        app.execute("select * from ensure_partitions('capacity_ledger', '2030-01-01', 0)")
            .await
            .expect("the real tables are used");
    }
    let mut owner = world.database.owner().await;
    let sprung = names(&mut owner, "select tableowner::text from pg_tables where tablename = 'sprung'").await;
    assert!(sprung.is_empty(), "the caller's function ran as {sprung:?}");
}

#[tokio::test]
async fn the_owner_meets_triggers_on_parents_default_partitions_and_months() {
    let world = world_with_a_shipment().await;
    let mut owner = world.database.owner().await;
    for parent in HISTORY {
        let before = rows(&mut owner, parent).await;
        assert!(before > 0);
        for change in changes_of(parent) {
            refused(&mut owner, &change, APPEND_ONLY).await;
        }
        for partition in partitions_of(&mut owner, parent).await {
            let [update, delete, truncate, _] = changes_of(&partition);
            refused(&mut owner, &truncate, APPEND_ONLY).await;
            // Triggers of rows need a row to meet.
            if rows(&mut owner, &partition).await > 0 {
                refused(&mut owner, &update, APPEND_ONLY).await;
                refused(&mut owner, &delete, APPEND_ONLY).await;
            }
        }
        assert_eq!(rows(&mut owner, parent).await, before);
    }
}

/// An installation with one role for everything, which is no superuser: it owns the tables and serves.
async fn single_role() -> TestDatabase {
    let database = TestDatabase::empty().await;
    let mut superuser = database.owner().await;
    let role = "do $$ begin create role loadmaster_solo login;
                exception when duplicate_object or unique_violation then null; end $$";
    superuser.execute(role).await.unwrap();
    let give = format!("alter database {} owner to loadmaster_solo", database.name);
    superuser.execute(AssertSqlSafe(give)).await.unwrap();
    TestDatabase::elsewhere(&database.owner_url().replacen("://loadmaster@", "://loadmaster_solo@", 1)).await
}

#[tokio::test]
async fn with_one_role_for_everything_triggers_keep_history() {
    let database = single_role().await;
    let world = WorldOptions::default().on(&database).start().await;
    fill(&world).await;
    let mut solo = database.app().await;
    let who: (String, bool) =
        sqlx::query_as("select current_user::text, (select rolsuper from pg_roles where rolname = current_user)")
            .fetch_one(&mut solo)
            .await
            .unwrap();
    assert_eq!(who, ("loadmaster_solo".to_owned(), false));
    for parent in HISTORY {
        let before = rows(&mut solo, parent).await;
        assert!(before > 0);
        for table in std::iter::once(parent.to_owned()).chain(partitions_of(&mut solo, parent).await) {
            let [update, delete, truncate, cascade] = changes_of(&table);
            refused(&mut solo, &truncate, APPEND_ONLY).await;
            refused(&mut solo, &cascade, APPEND_ONLY).await;
            // Triggers of rows need a row to meet.
            if rows(&mut solo, &table).await > 0 {
                refused(&mut solo, &update, APPEND_ONLY).await;
                refused(&mut solo, &delete, APPEND_ONLY).await;
            }
        }
        assert_eq!(rows(&mut solo, parent).await, before);
    }
    // Ways around an update that are one all the same.
    let merge =
        "merge into flight_events f using flight_events g on f.flight_id = g.flight_id and f.sequence = g.sequence
                 when matched then update set data = '{}'";
    refused(&mut solo, merge, APPEND_ONLY).await;
    let upsert = "insert into booking_events select * from booking_events
                  on conflict (booking_id, sequence) do update set data = '{}'";
    refused(&mut solo, upsert, APPEND_ONLY).await;
    refused(&mut solo, "set session_replication_role = replica", DENIED).await;
    world.audit_and_rebuild().await;
}

/// What the doctor says of events and ledger, each finding by its first word.
async fn doctor_on_history(database: &TestDatabase) -> Vec<String> {
    let done = loadmaster(&["doctor"]).serving(database).run().await;
    let lines = done.stdout.lines().filter(|line| line.contains("events and ledger") || line.contains("triggers"));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn doctor_reports_what_keeps_history_and_what_does_not() {
    let database = TestDatabase::create().await;
    let mut owner = database.owner().await;
    let fine = [
        "ok      the serving role cannot change events and ledger",
        "ok      triggers refuse every change of events and ledger, by any role",
    ];
    assert_eq!(doctor_on_history(&database).await, fine);

    let granted = "grant update (recorded_at) on capacity_ledger to loadmaster_app;
                   grant truncate on booking_events_default to loadmaster_app";
    owner.execute(sqlx::raw_sql(granted)).await.unwrap();
    let told = doctor_on_history(&database).await;
    assert!(
        told[0]
            .starts_with("weaker  the serving role loadmaster_app may change booking_events_default, capacity_ledger;")
    );
    loadmaster(&["migrate"]).on(&database).run().await.succeeded();
    let told = doctor_on_history(&database).await;
    assert_eq!(told, fine, "migrating takes it away again");

    owner.execute("alter table booking_events disable trigger booking_events_keep_rows").await.unwrap();
    owner.execute("drop trigger capacity_ledger_keep on capacity_ledger").await.unwrap();
    let told = doctor_on_history(&database).await;
    assert!(
        told[1].starts_with("BROKEN  triggers that refuse changes are missing or disabled: booking_events"),
        "{told:?}"
    );
    assert!(told[1].ends_with(", capacity_ledger"), "{told:?}");

    let told = doctor_on_history(&single_role().await).await;
    assert!(
        told[0].starts_with("weaker  the serving role loadmaster_solo owns events and ledger; only triggers"),
        "{told:?}"
    );
    assert!(told[0].contains("loadmaster_app") && told[1] == fine[1], "{told:?}");
    let superuser = loadmaster(&["doctor"]).env("DATABASE_URL", &TestDatabase::create().await.owner_url()).run().await;
    assert!(superuser.stdout.contains("weaker  the serving role loadmaster is a superuser"), "{}", superuser.stdout);
}

/// Puts a row of the past into a table: before every month that there is, hence into the default partition.
async fn add_old_history(db: &mut PgConnection) {
    db.execute(
        "insert into capacity_ledger
         select '01000000-0000-7000-8000-000000000000', seq, kind, booking_id, leg_id, hold_id, weight_hg, volume_l,
                positions, capacity_weight_hg, capacity_volume_l, capacity_positions, booked_weight_hg,
                booked_volume_l, booked_positions, held_weight_hg, held_volume_l, held_positions, recorded_at
         from capacity_ledger limit 1",
    )
    .await
    .unwrap();
    db.execute(
        "insert into booking_events
         select '01000000-0000-7000-8000-000000000000', sequence, id, event_type, status, location, flight_id,
                flight_number, leg_id, pieces, weight_hg, actor_id, data_version, data, occurred_at, created_at
         from booking_events limit 1",
    )
    .await
    .unwrap();
}

#[tokio::test]
async fn rows_in_default_partitions_are_kept_as_well() {
    let world = world_with_a_shipment().await;
    let mut owner = world.database.owner().await;
    add_old_history(&mut world.database.app().await).await;
    for table in ["capacity_ledger_default", "booking_events_default"] {
        assert_eq!(rows(&mut owner, table).await, 1);
        for change in changes_of(table) {
            refused(&mut owner, &change, APPEND_ONLY).await;
        }
    }
}

fn month_names(parent: &str, from: DateTime<Utc>, months: u32) -> Vec<String> {
    let month = |ahead| {
        let month = from.checked_add_months(Months::new(ahead)).unwrap();
        format!("{parent}_{}_{:02}", month.year(), month.month())
    };
    (0..months).map(month).collect()
}

#[tokio::test]
async fn there_are_partitions_for_this_month_and_twelve_more() {
    let database = TestDatabase::create().await;
    let mut owner = database.owner().await;
    let parents = partitioned(&mut owner).await;
    assert_eq!(parents.len(), 6, "{parents:?}");
    for parent in parents {
        let mut expected = month_names(&parent, start_of_time(), 13);
        expected.push(format!("{parent}_default"));
        assert_eq!(partitions_of(&mut owner, &parent).await, expected);
    }
}

#[tokio::test]
async fn new_rows_land_in_the_months_partition_and_none_in_the_default() {
    let world = world_with_a_shipment().await;
    let mut owner = world.database.owner().await;
    for parent in partitioned(&mut owner).await {
        let month = &month_names(&parent, world.now(), 1)[0];
        assert_eq!(rows(&mut owner, &format!("{parent}_default")).await, 0, "{parent}");
        let all = rows(&mut owner, &parent).await;
        assert!(all > 0, "{parent} has a row");
        assert_eq!(rows(&mut owner, month).await, all, "{parent}");
    }
}

/// Makes partitions as the product does, one table after the other: the locks of several would stand in the way of its readers.
async fn ensured(db: &mut PgConnection, from: &str, months: u32) -> Vec<String> {
    let mut made = Vec::new();
    for table in partitioned(db).await {
        made.extend(names(db, &format!("select ensure_partitions('{table}', '{from}', {months})")).await);
    }
    made
}

#[tokio::test]
async fn the_serving_role_makes_partitions_that_are_guarded_like_the_others() {
    let world = world_with_a_shipment().await;
    let (mut app, mut owner) = (world.database.app().await, world.database.owner().await);
    let later = world.now().checked_add_months(Months::new(2)).unwrap();
    let made = ensured(&mut app, &later.to_rfc3339(), 12).await;
    // Two months more than there were, for each of six tables.
    assert_eq!(made.len(), 12, "{made:?}");
    let again = ensured(&mut app, &later.to_rfc3339(), 12).await;
    assert!(again.is_empty(), "{again:?}");

    for partition in &made {
        refused(&mut app, &format!("select from {partition}"), DENIED).await;
        refused(&mut app, &format!("truncate {partition}"), DENIED).await;
    }
    for parent in ["capacity_ledger", "booking_events"] {
        let new = format!("{parent}_{}", later.checked_add_months(Months::new(12)).unwrap().format("%Y_%m"));
        assert!(made.contains(&new), "{new} in {made:?}");
        let (update, key) = match parent {
            "capacity_ledger" => ("recorded_at", "flight_id"),
            _ => ("created_at", "booking_id"),
        };
        refused(&mut owner, &format!("truncate {new}"), APPEND_ONLY).await;
        let copied = format!(
            "create temp table copied as select * from {parent} limit 1;
             update copied set {key} = uuid_v7_floor('{}');
             insert into {parent} select * from copied; drop table copied",
            later.checked_add_months(Months::new(12)).unwrap()
        );
        owner.execute(sqlx::raw_sql(AssertSqlSafe(copied))).await.unwrap();
        assert_eq!(rows(&mut owner, &new).await, 1);
        refused(&mut owner, &format!("update {new} set {update} = {update}"), APPEND_ONLY).await;
        refused(&mut owner, &format!("delete from {new}"), APPEND_ONLY).await;
    }
}

#[tokio::test]
async fn a_month_whose_rows_lie_in_the_default_partition_is_skipped_and_the_others_are_made() {
    let world = world_with_a_shipment().await;
    let mut app = world.database.app().await;
    // A row of a month that has no partition yet, three years from now.
    let month: DateTime<Utc> = "2029-05-15T00:00:00Z".parse().unwrap();
    sqlx::query(
        "insert into capacity_ledger
         select uuid_v7_floor($1), seq, kind, booking_id, leg_id, hold_id, weight_hg, volume_l, positions,
                capacity_weight_hg, capacity_volume_l, capacity_positions, booked_weight_hg, booked_volume_l,
                booked_positions, held_weight_hg, held_volume_l, held_positions, recorded_at
         from capacity_ledger limit 1",
    )
    .bind(month)
    .execute(&mut app)
    .await
    .unwrap();
    let mut made = ensured(&mut app, "2029-04-20", 2).await;
    made.sort();
    let mut expected: Vec<String> = Vec::new();
    for parent in partitioned(&mut app).await {
        expected.extend(month_names(&parent, "2029-04-20T00:00:00Z".parse().unwrap(), 3));
    }
    expected.retain(|name| name != "capacity_ledger_2029_05");
    expected.sort();
    assert_eq!(made, expected);
    // It stays so, without harm.
    assert!(ensured(&mut app, "2029-04-20", 2).await.is_empty());
    assert_eq!(rows(&mut world.database.owner().await, "capacity_ledger_default").await, 1);
}

#[tokio::test]
async fn no_index_of_a_flights_capacity_is_on_what_bookings_change_and_its_updates_stay_in_the_page() {
    const BOOKINGS: u32 = 60;
    let world = World::migrated().await;
    book(&world, BOOKINGS).await;
    let database = world.database.clone();
    let mut owner = database.owner().await;
    let indexes = names(&mut owner, "select indexname::text from pg_indexes where tablename = 'flight_capacity'").await;
    // Bookings change neither until when room is set aside, nor how many wait, nor the cut-off.
    let expected =
        ["flight_capacity_pkey", "flight_capacity_set_aside", "flight_capacity_awaited", "flight_capacity_to_close"];
    assert_eq!(indexes, expected);

    // Sessions hand in their figures when they end.
    let mut watch = Watch::over(&database).await;
    world.shutdown().await;
    until("all sessions have ended", async || watch.sessions().await == 0).await;
    let query = "select n_tup_upd, n_tup_hot_upd from pg_stat_user_tables where relname = 'flight_capacity'";
    let row = sqlx::query(query).fetch_one(&mut owner).await.unwrap();
    let (updates, hot) = (row.get::<i64, _>(0), row.get::<i64, _>(1));
    assert_eq!(updates, i64::from(BOOKINGS));
    // Whoever reads at that moment may keep the page from being tidied, and one row goes elsewhere.
    assert!(hot * 10 >= updates * 9, "{hot} of {updates}");
}

#[tokio::test]
async fn not_even_the_owner_can_oversell_a_flight() {
    let world = world_with_a_shipment().await;
    for mut db in [world.database.owner().await, world.database.app().await] {
        for dimension in ["weight_hg", "volume_l", "positions"] {
            for change in [
                format!("booked_{dimension} = capacity_{dimension} + 1"),
                format!("held_{dimension} = capacity_{dimension} - booked_{dimension} + 1"),
                format!("capacity_{dimension} = booked_{dimension} - 1"),
                format!("booked_{dimension} = -1"),
                format!("held_{dimension} = -1"),
            ] {
                refused(&mut db, &format!("update flight_capacity set {change}"), OVERSOLD).await;
            }
            let full =
                format!("update flight_capacity set held_{dimension} = capacity_{dimension} - booked_{dimension}");
            let mut tx = db.begin().await.unwrap();
            let done = tx.execute(AssertSqlSafe(full)).await.unwrap();
            assert_eq!(done.rows_affected(), 1, "exactly full is not oversold");
            tx.rollback().await.unwrap();
        }
    }
    world.audit().await;
}

#[tokio::test]
async fn serving_sessions_commit_durably_and_are_bounded_in_time() {
    let world = World::migrated().await;
    let mut session = world.db.read().await.unwrap();
    for (setting, expected) in [
        ("synchronous_commit", "on"),
        ("statement_timeout", "8s"),
        ("lock_timeout", "3s"),
        ("idle_in_transaction_session_timeout", "10s"),
        ("default_transaction_isolation", "read committed"),
    ] {
        let found: String =
            sqlx::query_scalar("select current_setting($1)").bind(setting).fetch_one(&mut *session).await.unwrap();
        assert_eq!(found, expected, "{setting}");
    }
}

/// Behind a transaction pooler the same bounds come with each transaction.
#[tokio::test]
async fn transactions_behind_a_pooler_are_bounded_alike() {
    let world = loadmaster_testkit::WorldOptions::default().set("database.transaction_pooler", "true").start().await;
    let mut tx = world.db.begin().await.unwrap();
    for (setting, expected) in
        [("statement_timeout", "8s"), ("lock_timeout", "3s"), ("idle_in_transaction_session_timeout", "10s")]
    {
        let found: String =
            sqlx::query_scalar("select current_setting($1)").bind(setting).fetch_one(&mut *tx).await.unwrap();
        assert_eq!(found, expected, "{setting}");
    }
    tx.rollback().await.unwrap();
    let flight = book(&world, 1).await;
    assert_eq!(flight["status"], "SCHEDULED");
    world.audit().await;
}
