//! Functions that run as the owner, called by a role that has planted objects of its own in their way.
use loadmaster::app;
use loadmaster_testkit::{NewFlight, TestDatabase, World, freight::order, start_of_time};
use sqlx::{Executor, PgConnection};

use super::{DENIED, ensured, names, refused, world_with_a_shipment};

/// What a role with the right to create in the schema puts beside PostgreSQL's own functions and operators: first by name
/// and exact arguments, and more exact where PostgreSQL's takes any.
const TRAPS: &str = "
    create function public.spring() returns void language plpgsql as $$
    begin
        if current_user <> 'loadmaster_app' then
            execute 'create table if not exists public.sprung as select current_user as by_whom';
        end if;
    end $$;
    create function public.to_regclass(text) returns regclass language plpgsql as
        $$ begin perform public.spring(); return pg_catalog.to_regclass($1); end $$;
    create function public.quote_ident(text) returns text language plpgsql as
        $$ begin perform public.spring(); return pg_catalog.quote_ident($1); end $$;
    create function public.hashtextextended(text, bigint) returns bigint language plpgsql as
        $$ begin perform public.spring(); return pg_catalog.hashtextextended($1, $2); end $$;
    create function public.format(text, text, text) returns text language plpgsql as
        $$ begin perform public.spring(); return pg_catalog.format($1, $2, $3); end $$;
    create function public.joined(text, text) returns text language plpgsql as
        $$ begin perform public.spring(); return pg_catalog.concat($1, $2); end $$;
    create operator public.|| (leftarg = text, rightarg = text, function = public.joined);
    create function public.set_config(text, text, boolean) returns text language plpgsql as
        $$ begin perform public.spring(); return pg_catalog.set_config($1, $2, $3); end $$;
    create function public.current_setting(text, boolean) returns text language plpgsql as
        $$ begin perform public.spring(); return pg_catalog.current_setting($1, $2); end $$;
    create function public.now() returns timestamptz language plpgsql as
        $$ begin perform public.spring(); return pg_catalog.now(); end $$;
    create temp table network as select true as only_row, 1::bigint as version;
    create temp table partitioned_tables as select 'capacity_ledger' as table_name, true as append_only";

async fn trapped_world() -> (World, PgConnection) {
    let world = world_with_a_shipment().await;
    // So it was by default before PostgreSQL 15.
    world.database.owner().await.execute("grant create on schema public to public").await.unwrap();
    let mut app = world.database.app().await;
    app.execute(sqlx::raw_sql(TRAPS)).await.expect("the role may create");
    (world, app)
}

async fn sprung(world: &World) -> Vec<String> {
    names(&mut world.database.owner().await, "select tableowner::text from pg_tables where tablename = 'sprung'").await
}

#[tokio::test]
async fn making_partitions_calls_nothing_that_the_caller_has_planted() {
    let (world, mut app) = trapped_world().await;
    let made = ensured(&mut app, "2031-01-01", 0).await;
    assert_eq!(made.len(), 6, "{made:?}");
    assert_eq!(sprung(&world).await, Vec::<String>::new(), "a caller's function ran as the owner");
}

#[tokio::test]
async fn moving_the_networks_version_calls_nothing_that_the_caller_has_planted() {
    let (world, mut app) = trapped_world().await;
    let version = "select version::text from public.network";
    let before = names(&mut app, version).await;
    app.execute("update flights set arrival_at = arrival_at + interval '1 minute'").await.unwrap();
    assert_eq!(sprung(&world).await, Vec::<String>::new(), "a caller's function ran as the owner");
    assert_ne!(names(&mut app, version).await, before, "the real version has moved");
}

#[tokio::test]
async fn counting_rows_calls_nothing_that_the_caller_has_planted() {
    let (world, mut app) = trapped_world().await;
    let counted = "select reltuples::int::text from pg_class where oid = 'public.flights'::regclass";
    assert_ne!(names(&mut app, counted).await, ["1"]);
    app.execute("select refresh_statistics(array['public.flights', 'network']::regclass[])").await.unwrap();
    assert_eq!(names(&mut app, counted).await, ["1"]);
    assert_eq!(sprung(&world).await, Vec::<String>::new(), "a caller's function ran as the owner");
}

#[tokio::test]
async fn every_function_that_runs_as_its_owner_looks_in_the_catalogue_alone() {
    let database = TestDatabase::create().await;
    let query = "select proname || ' ' || coalesce(array_to_string(proconfig, ';'), '')
                 from pg_proc where prosecdef and pronamespace = 'public'::regnamespace order by 1";
    let functions = names(&mut database.owner().await, query).await;
    assert_eq!(
        functions,
        [
            "ensure_partitions",
            "move_network_version",
            "note_contacts_listen",
            "note_webhooks_listen",
            "refresh_statistics"
        ]
        .map(|name| format!("{name} search_path=pg_catalog, pg_temp"))
    );
}

#[tokio::test]
async fn migrating_takes_away_the_right_to_create_in_the_schema() {
    let database = TestDatabase::create().await;
    let mut owner = database.owner().await;
    let mut app = database.app().await;
    for grantee in ["public", "loadmaster_app"] {
        owner.execute(sqlx::AssertSqlSafe(format!("grant create on schema public to {grantee}"))).await.unwrap();
    }
    app.execute("create table public.mine (id int)").await.expect("the role may create");
    app::migrate(&mut owner, start_of_time()).await.unwrap();
    refused(&mut app, "create table public.more (id int)", DENIED).await;
    refused(&mut app, "create function public.now() returns int language sql as 'select 1'", DENIED).await;
}

#[tokio::test]
async fn the_serving_role_reads_what_only_migrating_writes() {
    let world = world_with_a_shipment().await;
    let mut app = world.database.app().await;
    for (table, column) in [
        ("partitioned_tables", "append_only"),
        ("_sqlx_migrations", "success"),
        ("installation", "value"),
        ("outbox_listeners", "has_contacts"),
        ("network", "version"),
        ("handling_codes", "name"),
    ] {
        app.execute(sqlx::AssertSqlSafe(format!("select {column} from {table} limit 1"))).await.expect(table);
        for change in [
            format!("update {table} set {column} = {column}"),
            format!("delete from {table}"),
            format!("truncate {table} cascade"),
            format!("insert into {table} select * from {table} where false"),
        ] {
            refused(&mut app, &change, DENIED).await;
        }
    }
}

/// What is deleted nowhere in the product is not the serving role's to delete: a flaw in a statement cannot empty a table.
#[tokio::test]
async fn the_serving_role_deletes_no_bookings_flights_or_users() {
    let world = world_with_a_shipment().await;
    let mut app = world.database.app().await;
    for table in [
        "bookings",
        "booking_legs",
        "booking_refs",
        "flights",
        "flight_capacity",
        "embargoes",
        "station_tags",
        "station_collections",
        "payments",
        "payment_operations",
        "credit_accounts",
        "credit_entries",
        "tariffs",
        "surcharges",
        "sales",
        "sale_counters",
        "users",
        "organizations",
        "server_secrets",
    ] {
        refused(&mut app, &format!("delete from {table}"), DENIED).await;
        refused(&mut app, &format!("truncate {table} cascade"), DENIED).await;
    }
    refused(&mut app, "update server_secrets set value = value", DENIED).await;
    // The product goes on.
    let flight = world.flight(NewFlight::new("AI102", "DEL", "LHR")).await;
    world.customer().await.post("/api/v1/bookings", order(&[&flight])).await.expect(201);
    world.audit().await;
}

/// Before PostgreSQL 15 an owner that is no superuser could create only because everybody could.
#[tokio::test]
async fn a_superuser_who_migrates_leaves_the_owner_its_right_to_make_partitions() {
    let database = TestDatabase::empty().await;
    let mut superuser = database.owner().await;
    let before = "do $$ begin create role loadmaster_solo login;
                  exception when duplicate_object or unique_violation then null; end $$;
                  alter schema public owner to loadmaster;
                  grant create on schema public to public";
    superuser.execute(sqlx::raw_sql(before)).await.unwrap();
    let url = database.owner_url().replacen("://loadmaster@", "://loadmaster_solo@", 1);
    let mut solo = TestDatabase::elsewhere(&url).await.owner().await;
    let public = "select has_schema_privilege('loadmaster_app', 'public', 'create')::text";
    assert_eq!(names(&mut solo, public).await, ["true"], "it was not the owner's to take away");
    app::migrate(&mut superuser, start_of_time()).await.unwrap();
    assert_eq!(names(&mut solo, public).await, ["false"]);
    let made = names(&mut solo, "select ensure_partitions('capacity_ledger', '2031-01-01', 0)").await;
    assert_eq!(made, ["capacity_ledger_2031_01"]);
}
