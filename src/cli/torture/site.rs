//! Everything that is tortured when no servers are named: a private `PostgreSQL` and Redis, and server processes on them, in
//! a temporary directory. However it ends, nothing of it is left.
use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use anyhow::{Context, ensure};
use nix::unistd::geteuid;
use secrecy::ExposeSecret;

use super::{
    crew::Login,
    instance::{Instance, log_of, run},
    wire::Addresses,
};
use crate::platform::{
    embedded::{Rehearsal, Urls},
    random::TokenSource,
    settings::Settings,
};

/// A directory of this run's own, gone with it. What is kept after a breach is history and logs.
pub(super) struct Directory {
    path: PathBuf,
    pub keep: bool,
}

impl Directory {
    pub fn create() -> anyhow::Result<Self> {
        let name = format!("loadmaster-torture-{:016x}", u64::from_le_bytes(TokenSource::default().bytes()?));
        let path = std::env::temp_dir().join(name);
        // As root the servers run as another user, who only passes through.
        let mode = if geteuid().is_root() { 0o711 } else { 0o700 };
        fs::DirBuilder::new().mode(mode).create(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { path, keep: false })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn home(&self) -> PathBuf {
        self.path.join("home")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let log = self.home().join("postgres.log");
        if self.keep && log.exists() {
            _ = fs::rename(log, self.path.join("postgres.log"));
        }
        let gone = if self.keep { self.home() } else { self.path.clone() };
        // Killed processes may still be ending in there.
        for _ in 0..50 {
            if !gone.exists() || fs::remove_dir_all(&gone).is_ok() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }
}

pub(super) struct Site {
    instances: Vec<Option<Instance>>,
    pub servers: Rehearsal,
    directory: PathBuf,
    pub addresses: Addresses,
}

impl Site {
    pub async fn build(settings: &Settings, directory: &Directory, instances: usize) -> anyhow::Result<Self> {
        let mut embedded = settings.embedded.clone();
        embedded.data_dir = directory.home();
        let servers = Rehearsal::start(&embedded).await?;
        succeeds(servers.urls(), &["migrate"], None).await?;
        let addresses = Addresses::new(Vec::new());
        let mut site = Self { instances: Vec::new(), servers, directory: directory.path().to_owned(), addresses };
        let mut bases = Vec::new();
        for number in 0..instances {
            let instance = Instance::start(site.servers.urls(), &log_of(&site.directory, number)).await?;
            bases.push(instance.base.clone());
            site.instances.push(Some(instance));
        }
        site.addresses = Addresses::new(bases);
        Ok(site)
    }

    pub fn urls(&self) -> &Urls {
        self.servers.urls()
    }

    /// An administrator made for this run.
    pub async fn administrator(&self) -> anyhow::Result<Login> {
        let login =
            Login { email: "staff@loadmaster.example".to_owned(), password: TokenSource::default().token()?.into() };
        let arguments = ["user", "create", "--email", &login.email, "--role", "admin", "--password-stdin"];
        succeeds(self.urls(), &arguments, Some(login.password.expose_secret())).await?;
        Ok(login)
    }

    pub async fn kill(&mut self, number: usize) -> anyhow::Result<()> {
        self.take(number)?.kill().await
    }

    pub async fn drain(&mut self, number: usize) -> anyhow::Result<ExitStatus> {
        self.take(number)?.drain().await
    }

    fn take(&mut self, number: usize) -> anyhow::Result<Instance> {
        self.instances.get_mut(number).and_then(Option::take).context("that server does not run")
    }

    /// In the place of one that has ended; at another address.
    pub async fn start(&mut self, number: usize) -> anyhow::Result<()> {
        let instance = Instance::start(self.servers.urls(), &log_of(&self.directory, number)).await?;
        self.addresses.moved(number, instance.base.clone());
        if let Some(place) = self.instances.get_mut(number) {
            *place = Some(instance);
        }
        Ok(())
    }
}

async fn succeeds(urls: &Urls, arguments: &[&str], stdin: Option<&str>) -> anyhow::Result<()> {
    let done = run(urls, arguments, stdin).await?;
    let said = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "loadmaster {} failed: {}", arguments.join(" "), said.trim());
    Ok(())
}
