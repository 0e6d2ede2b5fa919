//! The binary `loadmaster` on a database: the servers under test, and its other commands.
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{ExitStatus, Output, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use loadmaster_platform::embedded::Urls;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

use super::{callers::GIVE_UP_AFTER, hooks};

/// Names the fault that a development build makes on purpose; the servers inherit it from this process. A release build
/// refuses it.
pub(super) const SABOTAGE: &str = "LOADMASTER_SABOTAGE";
/// Names the file with the error of a server's clock. Release builds ignore it.
const CLOCK: &str = "LOADMASTER_TEST_CLOCK";

/// Finds the binary: the named one, else the one beside this program, else the first on PATH.
pub(super) fn find_binary(named: Option<&Path>) -> anyhow::Result<PathBuf> {
    if let Some(path) = named {
        return fs::canonicalize(path).with_context(|| format!("the server binary {} does not exist", path.display()));
    }
    let beside = std::env::current_exe().context("the path of this program is unknown")?.with_file_name("loadmaster");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut candidates = std::iter::once(beside).chain(std::env::split_paths(&path).map(|dir| dir.join("loadmaster")));
    candidates.find(|candidate| candidate.is_file()).context(
        "there is no `loadmaster` beside this program or on PATH: build it with `cargo build`, or name it with --server",
    )
}

/// The binary with the database for its commands.
#[derive(Clone)]
pub(super) struct Program {
    pub binary: PathBuf,
    pub urls: Urls,
}

impl Program {
    /// A command without the settings in this process's environment.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy();
            let plain = name.strip_suffix("_FILE").unwrap_or(&name);
            let settings = ["PORT", "DATABASE_URL", "DATABASE_READ_URL", "REDIS_URL"].contains(&plain);
            if settings || (name.starts_with("LOADMASTER_") && name != SABOTAGE) || name.starts_with("PG") {
                command.env_remove(&*name);
            }
        }
        command.env("DATABASE_URL", &self.urls.app).env("LOADMASTER_DATABASE__OWNER_URL", &self.urls.owner);
        if let Some(redis) = &self.urls.redis {
            command.env("REDIS_URL", redis);
        }
        // A process group of its own: Ctrl-C reaches this program, which stops the others.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).process_group(0);
        command
    }

    pub async fn run(&self, arguments: &[&str], stdin: Option<&str>) -> anyhow::Result<Output> {
        let mut command = self.command();
        // Only servers make faults on purpose.
        command.env_remove(SABOTAGE).args(arguments);
        finish(command, stdin).await.with_context(|| format!("loadmaster {}", arguments.join(" ")))
    }

    pub async fn succeed(&self, arguments: &[&str], stdin: Option<&str>) -> anyhow::Result<()> {
        let done = self.run(arguments, stdin).await?;
        let stderr = String::from_utf8_lossy(&done.stderr);
        anyhow::ensure!(done.status.success(), "loadmaster {} failed: {}", arguments.join(" "), stderr.trim());
        Ok(())
    }

    /// Whether it is a development build, which can make faults on purpose: others reject the variable that names one.
    pub async fn is_development(&self) -> anyhow::Result<bool> {
        let mut command = self.command();
        command.env(SABOTAGE, "none").arg("config");
        Ok(finish(command, None).await?.status.success())
    }

    /// Starts a server and returns when it is ready. Its log is appended to the file. In development builds, the file
    /// `clock` holds the error of its clock in seconds.
    pub async fn serve(&self, log: &Path, clock: &Path) -> anyhow::Result<Instance> {
        let file = File::options().create(true).append(true).open(log)?;
        let mut child = self
            .command()
            .env(CLOCK, clock)
            .args(["serve", "--set", "server.port=0", "--set", "server.drain_ms=300"])
            .args(["--set", "rate_limit.enabled=false"])
            // The flights of this load are small; this way some of their steps still take several transactions.
            .args(["--set", "booking.moved_at_once=8"])
            // Charges nobody, and keeps a journal.
            .args(["--set", "payments.provider=test", "--set", "payments.wait_ms=1000"])
            // All guests of this load come from one address, and all customers belong to two organizations.
            .args(["--set", "holds.address_active=30", "--set", "holds.guest_per_hour=1000000"])
            .args(["--set", "holds.organization_active=10000"])
            .args(hooks::SETTINGS.into_iter().flat_map(|setting| ["--set", setting]))
            .stderr(file)
            .spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("a server prints its address")?).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await? {
                if let Some(rest) = line.strip_prefix("Loadmaster is ready at ") {
                    return Ok(rest.split_whitespace().next().unwrap_or_default().to_owned());
                }
            }
            bail!("the server ended before it was ready; the last line of its log: {}", last_line(log))
        };
        let ready = timeout(GIVE_UP_AFTER, ready).await;
        let base = ready.with_context(|| {
            format!("the server was not ready in time; the last line of its log: {}", last_line(log))
        })??;
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Instance { child, base })
    }
}

async fn finish(mut command: Command, stdin: Option<&str>) -> anyhow::Result<Output> {
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    if let (Some(mut pipe), Some(text)) = (child.stdin.take(), stdin) {
        pipe.write_all(text.as_bytes()).await?;
    }
    Ok(timeout(Duration::from_mins(10), child.wait_with_output()).await.context("the server does not end")??)
}

pub(super) struct Instance {
    child: Child,
    pub base: String,
}

impl Instance {
    pub async fn kill(mut self) -> anyhow::Result<()> {
        Ok(self.child.kill().await?)
    }

    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).context("the server has ended already")?;
        Ok(kill(Pid::from_raw(pid), signal)?)
    }

    /// Asks it to stop and waits until it has.
    pub async fn drain(mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::SIGTERM)?;
        Ok(timeout(GIVE_UP_AFTER, self.child.wait()).await.context("the server does not stop")??)
    }
}

/// The log may be deleted before anybody can read it.
fn last_line(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    text.lines().next_back().unwrap_or("none").to_owned()
}
