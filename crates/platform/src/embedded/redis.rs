//! A private Redis on a UNIX socket: a cache and courtesy locks, nothing is stored on disk.
use std::{
    ffi::OsStr,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use redis::aio::MultiplexedConnection;
use tokio::{
    process::Child,
    time::{sleep, timeout},
};

use super::{
    home::{Home, socket_dir},
    process::command,
};

const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_');
const START_WITHIN: Duration = Duration::from_secs(5);
const STOP_WITHIN: Duration = Duration::from_secs(5);
const COMMAND_WITHIN: Duration = Duration::from_secs(30);
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Evicts keys with an expiry, least recently used first; the stream of events, which has no expiry, stays.
pub(super) const EVICTION: &str = "volatile-lru";
const USUAL_PLACES: &[&str] = &["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"];

/// A running server; killed when dropped, because it has nothing to lose.
pub struct PrivateRedis {
    child: Child,
    socket: PathBuf,
}

impl PrivateRedis {
    /// Starts it; `None` when no `redis-server` is installed. The caller holds the lock on `home`.
    pub(super) async fn start(home: &Home, configured: Option<&Path>) -> Result<Option<Self>> {
        let dir = home.redis_dir();
        home.make_private(&dir)?;
        let socket = home.make_socket_dir(&dir)?.join("s");
        end_left_behind(&socket).await;
        let Some(program) = configured.map(Path::to_owned).or_else(installed) else { return Ok(None) };
        // Relative to the directory, because Redis takes a space in a path for its end.
        let spawned = command(&program, &dir, home.owner())
            .args(["--port", "0", "--unixsocketperm", "700", "--save", "", "--appendonly", "no", "--daemonize", "no"])
            .args(["--maxmemory", "256mb", "--maxmemory-policy", EVICTION, "--logfile", "redis.log"])
            .args([OsStr::new("--unixsocket"), socket.strip_prefix(&dir).unwrap_or(&socket).as_os_str()])
            .stdin(Stdio::null())
            .stdout(Stdio::null()) // else an orphan would hold our pipes open
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let child = match spawned {
            Ok(child) => child,
            // Found, but not executable by the servers' user.
            Err(error) if error.kind() == ErrorKind::PermissionDenied && configured.is_none() => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot run {}", program.display())),
        };
        let mut this = Self { child, socket };
        this.ready(&dir).await?;
        Ok(Some(this))
    }

    async fn ready(&mut self, dir: &Path) -> Result<()> {
        let log = dir.join("redis.log");
        let answered = timeout(START_WITHIN, async {
            while connect(&self.socket).await.is_err() {
                if let Some(status) = self.child.try_wait()? {
                    bail!("the private Redis ended with {status} (see {})", log.display());
                }
                sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        });
        answered.await.with_context(|| format!("the private Redis does not answer (see {})", log.display()))?
    }

    pub fn url(&self) -> String {
        url(&self.socket)
    }

    pub(super) fn signal(&self, signal: Signal) {
        if let Some(pid) = self.child.id().and_then(|pid| i32::try_from(pid).ok()) {
            _ = kill(Pid::from_raw(pid), signal);
        }
    }

    /// Kills it without a clean shutdown.
    pub(super) async fn kill(mut self) -> Result<()> {
        self.child.kill().await.context("the private Redis cannot be killed")
    }

    /// Sends a command whose answer does not matter; repeats it as needed on a busy machine.
    pub(super) async fn send(&self, words: &[&str]) -> Result<()> {
        self.ask::<()>(words).await
    }

    /// Returns the current value of a setting.
    pub(super) async fn setting(&self, name: &str) -> Result<String> {
        let [_, value] = self.ask::<[String; 2]>(&["CONFIG", "GET", name]).await?;
        Ok(value)
    }

    async fn ask<T: redis::FromRedisValue>(&self, words: &[&str]) -> Result<T> {
        let mut command = redis::Cmd::new();
        command.arg(words);
        let answer = timeout(COMMAND_WITHIN, async {
            loop {
                if let Ok(mut connection) = connect(&self.socket).await
                    && let Ok(answer) = command.query_async::<T>(&mut connection).await
                {
                    break answer;
                }
                sleep(Duration::from_millis(20)).await;
            }
        });
        answer.await.with_context(|| format!("the private Redis refuses the command {}", words.join(" ")))
    }

    pub async fn stop(mut self) -> Result<()> {
        self.signal(Signal::SIGTERM);
        if timeout(STOP_WITHIN, self.child.wait()).await.is_err() {
            self.child.kill().await.context("the private Redis does not stop")?;
        }
        Ok(())
    }
}

/// Returns the URL of another process's Redis in `home`, if it answers.
pub(super) async fn answering(home: &Home) -> Option<String> {
    let socket = socket_dir(&home.redis_dir()).ok()?.join("s");
    connect(&socket).await.ok()?;
    Some(url(&socket))
}

/// Ends the Redis of a crashed run: it holds nothing worth keeping, and perhaps stale data.
async fn end_left_behind(socket: &Path) {
    if let Ok(mut old) = connect(socket).await {
        tracing::warn!("stopping the Redis server that a crashed run left behind");
        // The connection ends when the old server has removed its socket.
        let shutdown = redis::cmd("SHUTDOWN").arg("NOSAVE").to_owned();
        _ = timeout(STOP_WITHIN, shutdown.query_async::<()>(&mut old)).await;
    }
    _ = fs::remove_file(socket);
}

fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let dirs = std::env::split_paths(&path).chain(USUAL_PLACES.iter().map(PathBuf::from));
    dirs.map(|dir| dir.join("redis-server")).find(|program| program.is_file())
}

fn url(socket: &Path) -> String {
    format!("redis+unix://{}", utf8_percent_encode(&socket.to_string_lossy(), PATH))
}

async fn connect(socket: &Path) -> Result<MultiplexedConnection> {
    let client = redis::Client::open(url(socket))?;
    let answer = async {
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd("PING").query_async::<()>(&mut connection).await?;
        Ok(connection)
    };
    timeout(ANSWER_WITHIN, answer).await?
}
