use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use redis::{AsyncConnectionConfig, aio::MultiplexedConnection};
use tempfile::TempDir;

use super::watch::until;

/// Nothing here takes nearly as long.
const PATIENCE: Duration = Duration::from_mins(1);

/// A Redis of one test's own, gone with it. It keeps nothing over a restart.
pub struct OwnRedis {
    directory: TempDir,
    server: Child,
}

impl OwnRedis {
    pub async fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("loadmaster-").tempdir().unwrap();
        let server = spawn(&directory);
        let this = Self { directory, server };
        this.until_it_listens().await;
        this
    }

    async fn until_it_listens(&self) {
        until("Redis listens", async || tokio::net::UnixStream::connect(&self.socket()).await.is_ok()).await;
    }

    pub fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket().display())
    }

    /// A connection of the test, which waits for answers longer than the server does.
    pub async fn connect(&self) -> MultiplexedConnection {
        let patient =
            AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE)).set_connection_timeout(Some(PATIENCE));
        let client = redis::Client::open(self.url()).unwrap();
        client.get_multiplexed_async_connection_with_config(&patient).await.unwrap()
    }

    /// From now on it takes connections, but says nothing.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.server.id().try_into().unwrap()), signal).unwrap();
    }

    /// From now on every write is refused: there is no room for it.
    pub async fn fill(&self) {
        self.limit_memory("1").await;
    }

    pub async fn make_room(&self) {
        self.limit_memory("0").await;
    }

    async fn limit_memory(&self, most_bytes: &str) {
        let set = redis::cmd("CONFIG").arg("SET").arg("maxmemory").arg(most_bytes).to_owned();
        set.query_async::<()>(&mut self.connect().await).await.unwrap();
    }

    pub fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
        _ = std::fs::remove_file(self.socket());
    }

    /// Another in its place, which knows nothing of what the first one had.
    pub async fn start_again(&mut self) {
        self.server = spawn(&self.directory);
        self.until_it_listens().await;
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        _ = self.server.kill();
        _ = self.server.wait();
    }
}

fn spawn(directory: &TempDir) -> Child {
    Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--unixsocket"])
        .arg(directory.path().join("redis.sock"))
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}
