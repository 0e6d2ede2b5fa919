use std::{
    hash::{DefaultHasher, Hash, Hasher},
    str::FromStr,
};

use chrono::{DateTime, Utc};
use loadmaster::app;
use loadmaster_reference as reference;
use nix::{errno::Errno, sys::signal::kill, unistd::Pid};
use sqlx::{Connection, Executor, PgConnection, postgres::PgConnectOptions};
use uuid::Uuid;

/// The first of four locks, cluster-wide: for making roles, for making templates, for deleting databases, and for making
/// what several tests share.
const BOOTSTRAP_LOCK: i64 = 0x4c4f_4144;
/// So many databases of tests that have ended are deleted together, by whoever needs the next one.
const DELETED_TOGETHER: usize = 16;

fn owner_url() -> String {
    std::env::var("LOADMASTER_TEST_OWNER_URL").expect("run the tests with ./test: it starts PostgreSQL and Redis")
}

/// The private Redis of this test run.
pub fn redis_url() -> String {
    std::env::var("LOADMASTER_TEST_REDIS_URL").expect("run the tests with ./test: it starts PostgreSQL and Redis")
}

/// The pooler through which the product reaches its databases, as `host:port`, if this run is for one
/// (`./test --long`). The tests themselves look behind the product directly.
pub fn pooler() -> Option<String> {
    std::env::var("LOADMASTER_TEST_POOLER").ok().filter(|address| !address.is_empty())
}

/// A database of one test's own, copied from a migrated template. It is deleted after the test's process has ended, or
/// with the cluster: the databases of a whole run would take more than 15 GB.
#[derive(Debug, Clone)]
pub struct TestDatabase {
    pub name: String,
    /// The owner's address, for a database that is not on the tests' common server.
    elsewhere: Option<String>,
}

impl TestDatabase {
    /// As `loadmaster migrate` leaves it.
    pub async fn create() -> Self {
        Self::copy_of_template(Kind::Migrated).await
    }

    /// For tests that are about neither partitions nor schedules: there are those of two months only, and every schedule
    /// has just run. It is copied in half the time, and each session opens fewer tables.
    pub async fn light() -> Self {
        Self::copy_of_template(Kind::Light).await
    }

    async fn copy_of_template(kind: Kind) -> Self {
        let mut maintenance = connect("postgres").await;
        let template = template(kind, &mut maintenance).await;
        Self::copy_of(&template, maintenance).await
    }

    async fn copy_of(template: &str, mut maintenance: PgConnection) -> Self {
        let name = new_name(&mut maintenance).await;
        // Files take less time than pages that are logged.
        let copy = format!("create database {name} template {template} strategy file_copy");
        maintenance.execute(sqlx::AssertSqlSafe(copy)).await.expect("copying the database");
        Self { name, elsewhere: None }
    }

    /// A copy of this one, to which nobody may be connected meanwhile.
    pub async fn copy(&self) -> Self {
        Self::copy_of(&self.name, connect("postgres").await).await
    }

    /// A database that is made by the first test that asks for it, and what that test noted of it. It may be copied, and
    /// nobody may be connected to it.
    pub async fn made_once(what: &str, make: impl AsyncFnOnce() -> (Self, String)) -> (Self, String) {
        let mut maintenance = connect("postgres").await;
        let name = format!("template_{what}_{:x}", build());
        let lock = sqlx::query("select pg_advisory_lock($1)").bind(BOOTSTRAP_LOCK + 3);
        lock.execute(&mut maintenance).await.unwrap();
        let known = "select shobj_description(oid, 'pg_database') from pg_database where datname = $1";
        let known: Option<String> =
            sqlx::query_scalar(known).bind(&name).fetch_optional(&mut maintenance).await.unwrap();
        let note = if let Some(note) = known {
            note
        } else {
            let (database, note) = make().await;
            let comment = format!("comment on database {} is '{}'", database.name, note.replace('\'', "''"));
            let rename = format!("alter database {} rename to {name}", database.name);
            for statement in [comment, rename] {
                maintenance.execute(sqlx::AssertSqlSafe(statement)).await.expect("keeping the database");
            }
            note
        };
        let unlock = sqlx::query("select pg_advisory_unlock($1)").bind(BOOTSTRAP_LOCK + 3);
        unlock.execute(&mut maintenance).await.unwrap();
        (Self { name, elsewhere: None }, note)
    }

    /// A database without any table in it.
    pub async fn empty() -> Self {
        bootstrap().await;
        let mut maintenance = connect("postgres").await;
        let name = new_name(&mut maintenance).await;
        maintenance.execute(sqlx::AssertSqlSafe(format!("create database {name}"))).await.expect("creating a database");
        Self { name, elsewhere: None }
    }

    /// Migrates the database of a server that a test has started for itself.
    pub async fn elsewhere(owner_url: &str) -> Self {
        let name = PgConnectOptions::from_str(owner_url).unwrap().get_database().unwrap().to_owned();
        let this = Self { name, elsewhere: Some(owner_url.to_owned()) };
        let mut owner = this.owner().await;
        app::migrate(&mut owner, start_of_time()).await.expect("migrating");
        reference::load_reference_data(&mut owner).await.expect("loading the reference data");
        this
    }

    /// As the role that owns the tables.
    pub fn owner_url(&self) -> String {
        self.elsewhere.clone().unwrap_or_else(|| with_database(&self.name))
    }

    /// As the role that serves.
    pub fn app_url(&self) -> String {
        self.owner_url().replacen("://loadmaster@", "://loadmaster_app@", 1)
    }

    /// As the product reaches it.
    pub fn served_url(&self) -> String {
        match pooler().filter(|_| self.elsewhere.is_none()) {
            Some(pooler) => format!("postgres://loadmaster_app@{pooler}/{}", self.name),
            None => self.app_url(),
        }
    }

    /// The environment of the product's commands.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let mut variables =
            vec![("DATABASE_URL", self.served_url()), ("LOADMASTER_DATABASE__OWNER_URL", self.owner_url())];
        if pooler().is_some() {
            variables.push(("LOADMASTER_DATABASE__TRANSACTION_POOLER", "true".to_owned()));
        }
        variables
    }

    /// Takes the database away: its sessions end and no new ones are let in.
    pub async fn close_doors(&self) {
        let mut maintenance = connect("postgres").await;
        let close = format!("alter database {} with allow_connections false", self.name);
        maintenance.execute(sqlx::AssertSqlSafe(close)).await.expect("closing the database");
        sqlx::query("select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = $1")
            .bind(&self.name)
            .execute(&mut maintenance)
            .await
            .expect("ending the sessions");
    }

    /// Gives it back.
    pub async fn open_doors(&self) {
        let open = format!("alter database {} with allow_connections true", self.name);
        connect("postgres").await.execute(sqlx::AssertSqlSafe(open)).await.expect("opening the database");
    }

    /// Puts another database behind this one's address, as a failover or a restored backup does. The sessions end; only
    /// who connects in the milliseconds between is refused.
    pub async fn exchange_for(&self, other: &Self) {
        let mut maintenance = connect("postgres").await;
        self.close_doors().await;
        for (from, to) in [(&self.name, &format!("{}_before", self.name)), (&other.name, &self.name)] {
            let rename = format!("alter database {from} rename to {to}");
            maintenance.execute(sqlx::AssertSqlSafe(rename)).await.expect("renaming the database");
        }
    }

    /// A connection of the owner, to look behind the API.
    pub async fn owner(&self) -> PgConnection {
        PgConnection::connect(&self.owner_url()).await.expect("connecting as the owner")
    }

    /// A connection of the serving role.
    pub async fn app(&self) -> PgConnection {
        PgConnection::connect(&self.app_url()).await.expect("connecting as the serving role")
    }
}

fn with_database(name: &str) -> String {
    let mut url = url::Url::parse(&owner_url()).expect("LOADMASTER_TEST_OWNER_URL is an address");
    url.set_path(name);
    url.into()
}

async fn connect(database: &str) -> PgConnection {
    let options = PgConnectOptions::from_str(&owner_url()).expect("LOADMASTER_TEST_OWNER_URL is an address");
    PgConnection::connect_with(&options.database(database)).await.expect("connecting to the test server")
}

/// A name for a database, which tells whose it is. Makes room for it first.
async fn new_name(maintenance: &mut PgConnection) -> String {
    delete_ended(maintenance).await;
    format!("test_{}_{}", std::process::id(), Uuid::new_v4().simple())
}

/// Whether the process that made this database has ended.
fn is_ended(name: &str) -> bool {
    let process = name.split('_').nth(1).and_then(|number| number.parse().ok()).map(Pid::from_raw);
    process.is_some_and(|process| kill(process, None) == Err(Errno::ESRCH))
}

async fn delete_ended(maintenance: &mut PgConnection) {
    let names = "select datname from pg_database where datname like 'test\\_%'";
    let names: Vec<String> = sqlx::query_scalar(names).fetch_all(&mut *maintenance).await.unwrap();
    let ended: Vec<_> = names.iter().filter(|name| is_ended(name)).collect();
    if ended.len() < DELETED_TOGETHER {
        return;
    }
    let lock = sqlx::query_scalar("select pg_try_advisory_lock($1)").bind(BOOTSTRAP_LOCK + 2);
    let is_first: bool = lock.fetch_one(&mut *maintenance).await.unwrap();
    if is_first {
        for name in ended {
            let delete = format!("drop database if exists {name} with (force)");
            maintenance.execute(sqlx::AssertSqlSafe(delete)).await.expect("deleting a database");
        }
        sqlx::query("select pg_advisory_unlock($1)").bind(BOOTSTRAP_LOCK + 2).execute(maintenance).await.unwrap();
    }
}

/// Makes the serving role; harmless when it is there.
async fn bootstrap() {
    let mut maintenance = connect("postgres").await;
    sqlx::query("select pg_advisory_lock($1)").bind(BOOTSTRAP_LOCK).execute(&mut maintenance).await.unwrap();
    let role = "do $$ begin
        if not exists (select from pg_roles where rolname = 'loadmaster_app') then
            create role loadmaster_app login;
        end if;
    end $$";
    maintenance.execute(role).await.expect("making the serving role");
}

/// What is copied for a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Migrated,
    Light,
}

/// All that the product does again and again.
pub const SCHEDULES: [&str; 25] = [
    "partitions_ahead",
    "expired_tokens",
    "old_idempotency_keys",
    "old_outbox",
    "flight_steps",
    "flight_dates",
    "airline_punctuality",
    "old_tips",
    "old_hold_texts",
    "reconcile_payments",
    "old_payment_webhooks",
    "old_quotes",
    "old_parties",
    "old_invitations",
    "booked_masters",
    "ended_alerts",
    "old_notifications",
    "old_contacts",
    "old_webhook_deliveries",
    "old_searches",
    "popular_lanes",
    "station_insights",
    "rate_samples",
    "old_feed_runs",
    "old_rates",
];

/// Makes a light database of a migrated one: without the partitions of the months after the next, with all schedules due
/// tomorrow, and with airports that have a cargo rank or that a test names: each server reads all that there are.
const LIGHTEN: &str = "
    delete from airports where cargo_rank is null and iata_code !~
        '^(AAA|AAB|APW|BER|CAO|CGH|CXI|GBR|HEA|ISK|ISP|KBP|KTM|LCY|LGA|LTN|MGA|NYS|ORY|PEM|PPG|RCL|SCC|SEN|SWF|TXL|XAU|YYT)$';
    do $$ declare part regclass; begin
        for part in select inhrelid from pg_inherits
                    where inhparent in (select table_name::regclass from partitioned_tables)
                      and inhrelid::regclass::text !~ '_(default|2026_11|2026_12)$' loop
            execute format('drop table %s', part);
        end loop;
    end $$";

/// A migrated template with reference data, made by the first test that needs it. Its name is that of the files of this
/// build, by their sizes and times: reading them would take longer than to make another.
async fn template(kind: Kind, maintenance: &mut PgConnection) -> String {
    let name = format!("template_{kind:?}_{:x}", fingerprint()).to_lowercase();
    sqlx::query("select pg_advisory_lock($1)").bind(BOOTSTRAP_LOCK + 1).execute(&mut *maintenance).await.unwrap();
    let known: bool = sqlx::query_scalar("select exists (select from pg_database where datname = $1)")
        .bind(&name)
        .fetch_one(&mut *maintenance)
        .await
        .unwrap();
    if !known {
        bootstrap().await;
        let making = format!("making_{}", Uuid::new_v4().simple());
        maintenance.execute(sqlx::AssertSqlSafe(format!("create database {making}"))).await.unwrap();
        let mut owner = connect(&making).await;
        app::migrate(&mut owner, start_of_time()).await.expect("migrating the template");
        reference::load_reference_data(&mut owner).await.expect("loading the reference data");
        if kind == Kind::Light {
            owner.execute(sqlx::raw_sql(LIGHTEN)).await.expect("lightening the template");
            let later = "insert into schedules (name, next_run_at)
                         select name, now() + interval '1 day' from unnest($1::text[]) name";
            sqlx::query(later).bind(&SCHEDULES[..]).execute(&mut owner).await.expect("putting the schedules off");
        }
        // Else the first reader of each copy marks, and so writes, every row.
        owner.execute("vacuum (full, freeze, analyze) airports").await.expect("vacuuming the template");
        owner.close().await.unwrap();
        maintenance.execute(sqlx::AssertSqlSafe(format!("alter database {making} rename to {name}"))).await.unwrap();
    }
    sqlx::query("select pg_advisory_unlock($1)").bind(BOOTSTRAP_LOCK + 1).execute(maintenance).await.unwrap();
    name
}

fn fingerprint() -> u64 {
    let mut hash = DefaultHasher::new();
    for folder in ["migrations", "data"] {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../../").to_owned() + folder;
        let mut files: Vec<_> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        for file in files {
            let facts = std::fs::metadata(&file).unwrap();
            (file, facts.len(), facts.modified().unwrap()).hash(&mut hash);
        }
    }
    hash.finish()
}

/// That of this test program, of which the product is a part.
fn build() -> u64 {
    let program = std::env::current_exe().and_then(std::fs::metadata).expect("this program");
    let mut hash = DefaultHasher::new();
    (fingerprint(), program.len(), program.modified().unwrap()).hash(&mut hash);
    hash.finish()
}

/// When every test's clock begins: a Friday morning.
pub fn start_of_time() -> DateTime<Utc> {
    "2026-11-20T08:00:00Z".parse().unwrap()
}
