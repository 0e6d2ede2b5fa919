use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    sync::atomic::{AtomicU8, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use super::{OwnRedis, TestDatabase, logs};

/// One of the sixteen million loopback addresses, so that servers of several tests do not meet.
pub fn own_host() -> String {
    static NEXT: AtomicU8 = AtomicU8::new(1);
    let process = std::process::id();
    format!("127.{}.{}.{}", 1 + (process >> 8) % 254, process % 256, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The binary `loadmaster`: Cargo builds it for the integration tests of its package, and puts them into a directory beside it.
pub fn program() -> PathBuf {
    let test = std::env::current_exe().expect("this program");
    let path = test.parent().and_then(Path::parent).expect("a directory of a build").join("loadmaster");
    assert!(path.exists(), "there is no {}: run `cargo build`, or the tests by ./test", path.display());
    path
}

/// A server in a process of its own; killed with its owner.
pub struct Process {
    pub child: Child,
    pub base: String,
    /// What it said last on standard output.
    pub last: tokio::sync::watch::Receiver<String>,
}

impl Process {
    /// `settings` are more of the command line's.
    pub async fn start(database: &TestDatabase, redis: &OwnRedis, settings: &[&str]) -> Self {
        Self::spawn(Command::new(program()), database, redis, settings).await
    }

    /// One that may open only so many file descriptors.
    pub async fn start_with_descriptors(
        descriptors: u32,
        database: &TestDatabase,
        redis: &OwnRedis,
        settings: &[&str],
    ) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", &format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"")]);
        command.arg(program());
        Self::spawn(command, database, redis, settings).await
    }

    async fn spawn(mut command: Command, database: &TestDatabase, redis: &OwnRedis, settings: &[&str]) -> Self {
        command.env_clear().envs(database.environment());
        command.env("REDIS_URL", redis.url()).env("LOADMASTER_TEST_TIMING", "brief");
        Self::of(command, settings).await
    }

    /// One whose databases the command's environment names.
    pub async fn of(command: Command, settings: &[&str]) -> Self {
        Self::try_of(command, settings).await.expect("it becomes ready")
    }

    /// The same; `None` if it ends before it is ready.
    pub async fn try_of(mut command: Command, settings: &[&str]) -> Option<Self> {
        command.arg("serve");
        for setting in ["server.port=0", "rate_limit.enabled=false"].iter().chain(settings) {
            command.args(["--set", setting]);
        }
        command.env("PATH", std::env::var_os("PATH").unwrap()).current_dir(std::env::temp_dir());
        // A pipe that nobody reads would stop it.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Self::log()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = async {
            loop {
                let line = lines.next_line().await.unwrap()?;
                if let Some(said) = line.strip_prefix("Loadmaster is ready at ") {
                    return Some(said.split_whitespace().next().unwrap().to_owned());
                }
            }
        };
        let base = tokio::time::timeout(Duration::from_mins(1), ready).await.expect("it becomes ready")?;
        let (said, last) = tokio::sync::watch::channel(String::new());
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                _ = said.send(line);
            }
        });
        Some(Self { child, base, last })
    }

    fn log() -> Stdio {
        let file = |directory: PathBuf| File::create(directory.join(format!("{}.log", uuid::Uuid::new_v4()))).unwrap();
        logs::directory().map_or_else(Stdio::null, |directory| file(directory).into())
    }
}
