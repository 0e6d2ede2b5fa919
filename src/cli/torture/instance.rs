//! One server process of our own: this very program, serving.
use std::{
    fs::File,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::crew::PATIENCE;
use crate::platform::embedded::Urls;

/// What chooses how the servers of a build for negative controls are broken. It reaches them like everything else in the
/// environment that names no setting.
pub(super) const SABOTAGE: &str = "LOADMASTER_SABOTAGE";
/// Names the file with the error of a server's clock. Other builds ignore it.
const CLOCK: &str = "LOADMASTER_TEST_CLOCK";

/// This program with a private database, and none of the settings that the environment may have for others.
pub(super) fn this_program(urls: &Urls) -> anyhow::Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("the program does not know where it is")?);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        let plain = name.strip_suffix("_FILE").unwrap_or(&name);
        let settings = ["PORT", "DATABASE_URL", "DATABASE_READ_URL", "REDIS_URL"].contains(&plain);
        if settings || (name.starts_with("LOADMASTER_") && name != SABOTAGE) || name.starts_with("PG") {
            command.env_remove(&*name);
        }
    }
    command.env("DATABASE_URL", &urls.app).env("LOADMASTER_DATABASE__OWNER_URL", &urls.owner);
    if let Some(redis) = &urls.redis {
        command.env("REDIS_URL", redis);
    }
    // A process group of its own: Ctrl-C is for us, we tell the others.
    command.stdin(Stdio::null()).kill_on_drop(true).process_group(0);
    Ok(command)
}

pub(super) struct Instance {
    child: Child,
    pub base: String,
}

impl Instance {
    /// Returns when it is ready. What it logs goes to the end of the file. The seconds in the file `clock` are the error
    /// of its clock, in builds that have such errors.
    pub async fn start(urls: &Urls, log: &Path, clock: &Path) -> anyhow::Result<Self> {
        let file = File::options().create(true).append(true).open(log)?;
        let mut child = this_program(urls)?
            .env(CLOCK, clock)
            .args(["serve", "--set", "server.port=0", "--set", "server.drain_ms=300"])
            .args(["--set", "rate_limit.enabled=false"])
            // Flights of this load are small, and some of them have to take their bookings along in several transactions.
            .args(["--set", "booking.moved_at_once=8"])
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("a server says where it is")?).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(said) = line.strip_prefix("Loadmaster is ready at ") {
                    return Ok(said.split_whitespace().next().unwrap_or_default().to_owned());
                }
            }
            bail!("it ended before it was ready; its last words: {}", last_words(log))
        };
        let ready = timeout(PATIENCE, ready).await;
        let base = ready.with_context(|| format!("it is not ready in time; its last words: {}", last_words(log)))??;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self { child, base })
    }

    pub async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).context("it has ended before")?;
        Ok(kill(Pid::from_raw(pid), signal)?)
    }

    /// Tells it to stop and waits until it has.
    pub async fn drain(mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        Ok(timeout(PATIENCE, self.child.wait()).await.context("it does not stop")??)
    }
}

/// Runs a command of this program to its end; answers what it printed.
pub(super) async fn run(urls: &Urls, arguments: &[&str], stdin: Option<&str>) -> anyhow::Result<std::process::Output> {
    use tokio::io::AsyncWriteExt;
    let mut command = this_program(urls)?;
    // Only servers are broken on purpose.
    command.env_remove(SABOTAGE).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    if let (Some(mut pipe), Some(text)) = (child.stdin.take(), stdin) {
        pipe.write_all(text.as_bytes()).await?;
    }
    let ended = timeout(Duration::from_mins(10), child.wait_with_output()).await;
    ended.with_context(|| format!("loadmaster {} does not end", arguments.join(" ")))?.map_err(Into::into)
}

/// The log itself is gone by the time somebody wants to read it.
fn last_words(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().next_back().unwrap_or("none").to_owned()
}

/// The log of one of the servers.
pub(super) fn log_of(directory: &Path, instance: usize) -> PathBuf {
    directory.join(format!("server-{}.log", instance + 1))
}

/// What says how wrong the clock of one of the servers is.
pub(super) fn clock_of(directory: &Path, instance: usize) -> PathBuf {
    directory.join(format!("clock-{}", instance + 1))
}
