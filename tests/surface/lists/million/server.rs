//! A PostgreSQL of the test's own, which logs the plan of each statement of the product as it was executed.
use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::PathBuf,
    process::Child,
    time::{Duration, Instant},
};

use loadmaster_testkit::{
    TestDatabase,
    own_postgres::{as_postgres, directory, serve},
    until,
};
use serde_json::Value;
use sqlx::{Connection, Executor, PgConnection};
use tempfile::TempDir;

/// A statement as it was executed.
pub struct Executed {
    pub text: String,
    pub plan: Value,
}

pub struct Server {
    directory: TempDir,
    server: Child,
}

impl Server {
    pub async fn start() -> Self {
        let bin = "select setting from pg_config where name = 'BINDIR'";
        let shared = TestDatabase::empty().await;
        let bin: String = sqlx::query_scalar(bin).fetch_one(&mut shared.owner().await).await.unwrap();
        let (bin, directory) = (PathBuf::from(bin), directory());
        let data = directory.path().join("data");
        let made = as_postgres(&bin.join("initdb"))
            .args(["-U", "loadmaster", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(&data)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let sockets = format!("unix_socket_directories={}", directory.path().display());
        let logs = format!("log_directory={}", directory.path().display());
        let settings = [
            "listen_addresses=",
            &sockets,
            "fsync=off",
            "full_page_writes=off",
            "synchronous_commit=off",
            "wal_level=minimal",
            "max_wal_senders=0",
            "max_wal_size=4GB",
            "shared_buffers=512MB",
            "maintenance_work_mem=256MB",
            "autovacuum=off",
            "shared_preload_libraries=auto_explain",
            "auto_explain.log_analyze=on",
            "auto_explain.log_buffers=on",
            "auto_explain.log_timing=off",
            "auto_explain.log_format=json",
            "logging_collector=on",
            "log_destination=jsonlog",
            "log_filename=plans",
            "log_file_mode=0644",
            "log_rotation_size=0",
            &logs,
        ];
        let this = Self { server: serve(&bin, &data, &settings), directory };
        until("PostgreSQL answers", async || PgConnection::connect(&this.url("postgres")).await.is_ok()).await;
        let mut maintenance = PgConnection::connect(&this.url("postgres")).await.unwrap();
        for statement in ["create database loadmaster", "create role loadmaster_app login"] {
            maintenance.execute(statement).await.unwrap();
        }
        this
    }

    pub fn url(&self, database: &str) -> String {
        let host = self.directory.path().display().to_string().replace('/', "%2F");
        format!("postgres://loadmaster@localhost/{database}?host={host}")
    }

    pub fn log(&self) -> Log {
        let path = self.directory.path().join("plans.json");
        let file = File::options().read(true).write(true).open(path).unwrap();
        let read = file.metadata().unwrap().len();
        Log { file, read, marks: 0 }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // As a fast shutdown, so that its children end with it.
        let pid = nix::unistd::Pid::from_raw(self.server.id().try_into().unwrap());
        _ = nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGQUIT);
        _ = self.server.wait();
        _ = fs::remove_dir_all(self.directory.path());
    }
}

/// What the server has logged, from the last look on.
pub struct Log {
    file: File,
    read: u64,
    marks: u32,
}

/// The log is emptied when it is longer.
const LONGEST: u64 = 64 << 20;

impl Log {
    /// Returns the statements that were executed since the last call, by all sessions that log them.
    pub async fn executed(&mut self, session: &mut PgConnection) -> Vec<Executed> {
        self.marks += 1;
        // What a session writes to the log is there before what is written later.
        let mark = format!("mark {} of the test", self.marks);
        session.execute(sqlx::AssertSqlSafe(format!("do $$ begin raise log '{mark}'; end $$"))).await.unwrap();
        let (began, mut text) = (Instant::now(), String::new());
        while !text.contains(&mark) {
            assert!(began.elapsed() < Duration::from_secs(30), "PostgreSQL does not log");
            self.file.seek(SeekFrom::Start(self.read)).unwrap();
            let mut more = Vec::new();
            self.file.read_to_end(&mut more).unwrap();
            // Up to the last whole line.
            let whole = more.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
            self.read += whole as u64;
            text.push_str(&String::from_utf8_lossy(&more[..whole]));
            if whole == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        if self.read > LONGEST {
            self.file.set_len(0).unwrap();
            self.read = 0;
        }
        text.lines().filter_map(executed).collect()
    }
}

fn executed(line: &str) -> Option<Executed> {
    let entry: Value = serde_json::from_str(line).unwrap();
    let (_, plan) = entry["message"].as_str()?.split_once("plan:\n")?;
    let plan: Value = serde_json::from_str(plan).unwrap();
    Some(Executed { text: plan["Query Text"].as_str()?.to_owned(), plan: plan["Plan"].clone() })
}
