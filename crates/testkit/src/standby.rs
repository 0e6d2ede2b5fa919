use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Child,
};

use loadmaster_platform::{
    embedded::Rehearsal,
    settings::{Settings, Sources},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{Connection, Executor, PgConnection};
use tempfile::TempDir;

use super::{
    TestDatabase,
    own_postgres::{as_postgres, serve},
    until,
};

/// A PostgreSQL of one test's own, with a standby that follows it.
pub struct Pair {
    pub primary: Rehearsal,
    pub database: TestDatabase,
    pub standby: Standby,
    _directory: TempDir,
}

impl Pair {
    pub async fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("lm-").tempdir().unwrap();
        // PostgreSQL may have to run as another user.
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let home = directory.path().join("home").display().to_string();
        let overrides = vec![("embedded.data_dir".to_owned(), home)];
        let settings = Settings::load(Sources { overrides, ..Sources::default() }).unwrap();
        let primary = Rehearsal::start(&settings.embedded).await.unwrap();
        let database = TestDatabase::elsewhere(&primary.urls().owner).await;
        let standby = Standby::of(&primary, &database, directory.path()).await;
        Self { primary, database, standby, _directory: directory }
    }
}

/// A standby with streaming replication, on a socket of its own.
pub struct Standby {
    bin: PathBuf,
    data: PathBuf,
    owner_url: String,
    server: Child,
}

impl Standby {
    async fn of(primary: &Rehearsal, database: &TestDatabase, directory: &Path) -> Self {
        let bin = "select setting from pg_config where name = 'BINDIR'";
        let bin: String = sqlx::query_scalar(bin).fetch_one(&mut database.owner().await).await.unwrap();
        let (bin, data) = (PathBuf::from(bin), directory.join("standby"));
        let sockets = primary.postgres_socket().unwrap().parent().unwrap().to_owned();
        let copy = as_postgres(&bin.join("pg_basebackup"))
            .args(["-U", "loadmaster", "-c", "fast", "-X", "stream", "-R", "--no-sync", "-h"])
            .arg(&sockets)
            .arg("-D")
            .arg(&data)
            .output()
            .unwrap();
        assert!(copy.status.success(), "{}", String::from_utf8_lossy(&copy.stderr));
        let mut owner_url = url::Url::parse(&database.owner_url()).unwrap();
        owner_url.set_query(None);
        owner_url.query_pairs_mut().append_pair("host", &data.display().to_string());
        let this = Self { server: spawn(&bin, &data), bin, data, owner_url: owner_url.to_string() };
        this.until_it_answers().await;
        this
    }

    async fn until_it_answers(&self) {
        until("the standby answers", async || PgConnection::connect(&self.owner_url).await.is_ok()).await;
    }

    /// As the role that serves.
    pub fn url(&self) -> String {
        self.owner_url.replacen("://loadmaster@", "://loadmaster_app@", 1)
    }

    /// From now on it takes in what the primary does, and shows none of it.
    pub async fn pause(&self) {
        self.say("select pg_wal_replay_pause()").await;
        let state = "select pg_get_wal_replay_pause_state()";
        let mut db = self.connect().await;
        until("the replay is paused", async || {
            sqlx::query_scalar::<_, String>(state).fetch_one(&mut db).await.unwrap() == "paused"
        })
        .await;
    }

    pub async fn go_on(&self) {
        self.say("select pg_wal_replay_resume()").await;
    }

    async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.owner_url).await.unwrap()
    }

    async fn say(&self, statement: &'static str) {
        self.connect().await.execute(statement).await.unwrap();
    }

    /// The rows of a table that it shows.
    pub async fn count(&self, table: &str) -> i64 {
        let query = sqlx::AssertSqlSafe(format!("select count(*) from {table}"));
        sqlx::query_scalar(query).fetch_one(&mut self.connect().await).await.unwrap()
    }

    fn processes(&self) -> Vec<Pid> {
        let main = self.server.id();
        let children = fs::read_to_string(format!("/proc/{main}/task/{main}/children")).unwrap_or_default();
        let all = children.split_whitespace().map(str::to_owned).chain([main.to_string()]);
        all.map(|pid| Pid::from_raw(pid.parse().unwrap())).collect()
    }

    /// From now on it keeps its connections and says nothing.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        for pid in self.processes() {
            _ = kill(pid, signal);
        }
    }

    pub fn kill(&mut self) {
        // The main process starts anew what was killed beside it.
        self.signal(Signal::SIGSTOP);
        self.signal(Signal::SIGKILL);
        self.server.wait().unwrap();
    }

    pub async fn start_again(&mut self) {
        self.server = spawn(&self.bin, &self.data);
        self.until_it_answers().await;
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(bin: &Path, data: &Path) -> Child {
    let sockets = format!("unix_socket_directories={}", data.display());
    serve(bin, data, &["listen_addresses=", "port=5432", "fsync=off", "max_connections=200", &sockets])
}
