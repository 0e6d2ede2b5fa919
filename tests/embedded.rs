//! The private servers, with real ones: a start from nothing, every way to end, and what is found afterwards.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of these tests belong to the tests")]
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use loadmaster_platform::{
    embedded::Embedded,
    settings::{self, Settings, Sources},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, getpgid},
};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

const HELPER_DIRECTORY: &str = "LOADMASTER_TEST_EMBEDDED_DIRECTORY";

/// A directory that the servers' user can reach, gone after the test.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Self::named("loadmaster-")
    }

    fn named(prefix: &str) -> Self {
        let dir = tempfile::Builder::new().prefix(prefix).tempdir().unwrap();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self(dir)
    }

    fn settings(&self) -> settings::Embedded {
        settings_at(&self.0.path().join("home"))
    }

    async fn start(&self) -> Embedded {
        Embedded::start(&self.settings()).await.unwrap()
    }

    fn postmaster(&self) -> Option<Pid> {
        let text = fs::read_to_string(self.0.path().join("home/pg/data/postmaster.pid")).ok()?;
        Some(Pid::from_raw(text.lines().next()?.trim().parse().ok()?))
    }
}

fn settings_at(dir: &Path) -> settings::Embedded {
    let overrides = vec![("embedded.data_dir".to_owned(), dir.display().to_string())];
    Settings::load(Sources { overrides, ..Sources::default() }).unwrap().embedded
}

async fn connect(url: &str) -> PgConnection {
    PgConnection::connect(url).await.unwrap()
}

async fn text(db: &mut PgConnection, query: &'static str) -> String {
    sqlx::query_scalar(query).fetch_one(db).await.unwrap()
}

async fn keep_a_booking(embedded: &Embedded) {
    let mut db = connect(&embedded.urls().owner).await;
    sqlx::query("create table kept as select 'LM-1' as booking").execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

async fn kept_booking(embedded: &Embedded) -> String {
    text(&mut connect(&embedded.urls().owner).await, "select booking from kept").await
}

async fn redis_answers(url: &str) -> bool {
    let client = redis::Client::open(url).unwrap();
    let Ok(mut connection) = client.get_multiplexed_async_connection().await else { return false };
    redis::cmd("PING").query_async::<String>(&mut connection).await.is_ok_and(|answer| answer == "PONG")
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(30), "waited in vain until {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn runs(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Another loadmaster: this test program again, running [`helper`] only. Killed at the end, its servers are not.
struct Other(Child);

impl Other {
    fn begin(place: &Place) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "helper", "--ignored", "--nocapture"])
            .env(HELPER_DIRECTORY, place.settings().data_dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        Self(child.unwrap())
    }

    fn started(place: &Place) -> Self {
        let mut this = Self::begin(place);
        let lines = BufReader::new(this.0.stdout.as_mut().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line.contains("servers run")));
        this
    }

    fn kill(mut self) {
        self.0.kill().unwrap();
        assert_eq!(self.0.wait().unwrap().signal(), Some(9));
    }

    fn end(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

#[tokio::test]
#[ignore = "the other process of the tests here"]
async fn helper() {
    let Some(dir) = std::env::var_os(HELPER_DIRECTORY) else { return };
    let embedded = Embedded::start(&settings_at(Path::new(&dir))).await.unwrap();
    writeln!(std::io::stdout(), "servers run").unwrap();
    tokio::task::spawn_blocking(|| std::io::stdin().lines().count()).await.unwrap();
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn only_the_owner_can_read_the_database_log_and_it_names_no_values() {
    let place = Place::new();
    let embedded = place.start().await;
    let mut db = connect(&embedded.urls().owner).await;
    sqlx::raw_sql("create table people (email text primary key); insert into people values ('ann@forwarder.example')")
        .execute(&mut db)
        .await
        .unwrap();
    let again = sqlx::query("insert into people values ($1)").bind("ann@forwarder.example");
    again.execute(&mut db).await.unwrap_err();
    let log = place.0.path().join("home/postgres.log");
    until("the error is logged", || fs::read_to_string(&log).unwrap().contains("people_pkey")).await;
    assert!(!fs::read_to_string(&log).unwrap().contains("ann@"));
    assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
    db.close().await.unwrap();
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn first_start_makes_the_database_and_both_roles() {
    let place = Place::new();
    let embedded = place.start().await;
    assert!(!embedded.is_attached());

    let mut owner = connect(&embedded.urls().owner).await;
    let role = "select current_user || ' ' || rolsuper || ' ' || current_database()
                  from pg_roles where rolname = current_user";
    assert_eq!(text(&mut owner, role).await, "loadmaster true loadmaster");
    assert_eq!(text(&mut owner, "show fsync").await, "on");
    assert_eq!(text(&mut owner, "show listen_addresses").await, "");
    let mut app = connect(&embedded.urls().app).await;
    assert_eq!(text(&mut app, role).await, "loadmaster_app false loadmaster");
    assert!(sqlx::query("create table mine (id int)").execute(&mut app).await.is_err());

    let postmaster = place.postmaster().unwrap();
    assert_eq!(getpgid(Some(postmaster)).unwrap(), postmaster, "Ctrl-C would reach it");
    let redis = embedded.urls().redis.clone();
    if let Some(url) = &redis {
        assert!(redis_answers(url).await);
    }

    let urls = embedded.urls().clone();
    embedded.stop().await.unwrap();
    assert!(!runs(postmaster));
    assert!(PgConnection::connect(&urls.app).await.is_err());
    if let Some(url) = &redis {
        assert!(!redis_answers(url).await);
    }
}

#[tokio::test]
async fn restart_keeps_the_data_also_below_an_odd_name() {
    let place = Place::named("it's, \"a\" place ");
    let embedded = place.start().await;
    keep_a_booking(&embedded).await;
    embedded.stop().await.unwrap();

    let embedded = place.start().await;
    assert_eq!(kept_booking(&embedded).await, "LM-1");
    if let Some(url) = &embedded.urls().redis {
        assert!(redis_answers(url).await);
    }
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn directory_too_deep_for_a_socket_works() {
    let place = Place::new();
    let settings = settings_at(&place.0.path().join("deep".repeat(30)));
    let embedded = Embedded::start(&settings).await.unwrap();
    connect(&embedded.urls().app).await;
    let deep: Vec<_> = ["pg", "redis"].map(|server| embedded.directory().join(server)).into();
    embedded.stop().await.unwrap();
    for dir in deep {
        use std::os::unix::fs::MetadataExt;
        let meta = fs::metadata(dir).unwrap();
        fs::remove_dir_all(format!("/tmp/loadmaster-{:x}-{:x}", meta.dev(), meta.ino())).unwrap();
    }
}

#[tokio::test]
async fn killed_postgres_is_recovered_by_the_next_start() {
    let place = Place::new();
    let embedded = place.start().await;
    keep_a_booking(&embedded).await;
    kill(place.postmaster().unwrap(), Signal::SIGKILL).unwrap();
    drop(embedded);

    let embedded = place.start().await;
    assert_eq!(kept_booking(&embedded).await, "LM-1");
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn servers_left_by_a_killed_process_are_taken_over() {
    let place = Place::new();
    let other = Other::started(&place);
    let postmaster = place.postmaster().unwrap();
    other.kill();
    assert!(runs(postmaster));

    let embedded = place.start().await;
    assert_eq!(place.postmaster(), Some(postmaster), "adopted, not started anew");
    connect(&embedded.urls().app).await;
    if let Some(url) = &embedded.urls().redis {
        assert!(redis_answers(url).await);
    }
    embedded.stop().await.unwrap();
    assert!(!runs(postmaster));
}

#[tokio::test]
async fn process_killed_while_making_the_cluster_leaves_nothing_half_made() {
    let place = Place::new();
    let base = place.0.path().join("home/pg");
    let half_made = || {
        let entries = fs::read_dir(&base).into_iter().flatten().flatten();
        entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with("data.new"))
            .any(|dir| dir.path().join("PG_VERSION").exists())
    };
    let other = Other::begin(&place);
    until("initdb is at work", half_made).await;
    other.kill();

    let embedded = place.start().await;
    connect(&embedded.urls().app).await;
    assert!(!half_made());
    embedded.stop().await.unwrap();
}

#[tokio::test]
async fn dropped_without_stop_the_servers_end_and_the_next_start_succeeds() {
    let place = Place::new();
    let embedded = place.start().await;
    let postmaster = place.postmaster().unwrap();
    drop(embedded);
    // At once: it may meet the old server while that ends.
    let embedded = place.start().await;
    connect(&embedded.urls().app).await;
    assert!(!runs(postmaster));
    let postmaster = place.postmaster().unwrap();
    drop(embedded);
    until("the servers have ended", || !runs(postmaster)).await;
}

#[tokio::test]
async fn second_server_is_refused_by_the_first_ones_pid() {
    let place = Place::new();
    let other = Other::started(&place);
    let error = Embedded::start(&place.settings()).await.err().unwrap().to_string();
    let directory = place.settings().data_dir.canonicalize().unwrap();
    assert_eq!(error, format!("{} is in use by another loadmaster (pid {})", directory.display(), other.0.id()));
    other.end();
}

#[tokio::test]
async fn command_beside_a_server_joins_it_and_leaves_it_running() {
    let place = Place::new();
    let other = Other::started(&place);
    let postmaster = place.postmaster().unwrap();
    let joined = Embedded::attach_or_start(&place.settings()).await.unwrap();
    assert!(joined.is_attached());
    connect(&joined.urls().owner).await;
    connect(&joined.urls().app).await;
    if let Some(url) = &joined.urls().redis {
        assert!(redis_answers(url).await);
    }
    joined.stop().await.unwrap();
    assert!(runs(postmaster));
    other.end();
    assert!(!runs(postmaster));
}

#[tokio::test]
async fn command_beside_a_server_that_is_still_starting_waits_for_it() {
    let place = Place::new();
    let other = Other::begin(&place);
    until("the other holds the directory", || {
        fs::read_to_string(place.0.path().join("home/lock")).is_ok_and(|pid| pid == other.0.id().to_string())
    })
    .await;
    let joined = Embedded::attach_or_start(&place.settings()).await.unwrap();
    assert!(joined.is_attached());
    connect(&joined.urls().app).await;
    joined.stop().await.unwrap();
    other.end();
}

#[tokio::test]
async fn command_without_a_server_runs_one_for_itself() {
    let place = Place::new();
    let own = Embedded::attach_or_start(&place.settings()).await.unwrap();
    assert!(!own.is_attached());
    connect(&own.urls().app).await;
    let postmaster = place.postmaster().unwrap();
    own.stop().await.unwrap();
    assert!(!runs(postmaster));
}
