//! The system under test when no servers are named: a private `PostgreSQL` and Redis, and server processes on them, in
//! a temporary directory. Nothing of it is left, however the run ends.
use std::{
    fs,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::ExitStatus,
};

use anyhow::Context;
use loadmaster_platform::{
    embedded::{Rehearsal, Urls},
    random::TokenSource,
    settings::Settings,
};
use nix::{sys::signal::Signal, unistd::geteuid};
use secrecy::ExposeSecret;

use super::{
    callers::Login,
    plan::Fault,
    program::{Instance, Program},
    tunnel::Tunnel,
    wire::Addresses,
};

/// The directory of this run, removed with it. After a breach, history and logs are kept.
pub(super) struct Directory {
    path: PathBuf,
    pub keep: bool,
}

impl Directory {
    pub fn create() -> anyhow::Result<Self> {
        let name = format!("loadmaster-torture-{:016x}", u64::from_le_bytes(TokenSource::default().bytes()?));
        let path = std::env::temp_dir().join(name);
        // For root the servers run as another user, which has to pass through the directory.
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

pub(super) struct Testbed {
    instances: Vec<Option<Instance>>,
    /// The connection of each server to the database.
    tunnels: Vec<Tunnel>,
    pub servers: Rehearsal,
    pub program: Program,
    is_development: bool,
    directory: PathBuf,
    pub addresses: Addresses,
}

impl Testbed {
    /// Starts everything, ready for these faults as far as the machine allows, see [`Self::obstacle`].
    pub async fn build(
        settings: &Settings,
        binary: PathBuf,
        directory: &Directory,
        count: usize,
        faults: &[Fault],
    ) -> anyhow::Result<Self> {
        let mut embedded = settings.embedded.clone();
        embedded.data_dir = directory.home();
        let servers = if faults.contains(&Fault::DiskFull) {
            Rehearsal::start_on_own_disk(&embedded).await?
        } else {
            Rehearsal::start(&embedded).await?
        };
        let program = Program { binary, urls: servers.urls().clone() };
        program.succeed(&["migrate"], None).await?;
        let is_development = program.is_development().await?;
        let (instances, tunnels, addresses) = (Vec::new(), Vec::new(), Addresses::new(Vec::new()));
        let directory = directory.path().to_owned();
        let mut testbed = Self { instances, tunnels, servers, program, is_development, directory, addresses };
        let mut bases = Vec::new();
        for number in 0..count {
            testbed.tunnels.push(Tunnel::open(testbed.servers.postgres_socket()?).await?);
            let instance = testbed.instance(number).await?;
            bases.push(instance.base.clone());
            testbed.instances.push(Some(instance));
        }
        testbed.addresses = Addresses::new(bases);
        Ok(testbed)
    }

    pub fn obstacle(&self, fault: Fault) -> Option<&'static str> {
        match fault {
            fault if fault.needs_redis() && !self.servers.has_redis() => Some("redis-server is not installed"),
            Fault::DiskFull if !self.servers.can_fill_disk() => Some("mounting a file system requires root on Linux"),
            Fault::ClockJump if !self.is_development => Some("it requires a development build of the server"),
            _ => None,
        }
    }

    async fn instance(&self, number: usize) -> anyhow::Result<Instance> {
        let tunnel = self.tunnels.get(number).context("each server has a tunnel")?;
        let urls = Urls { app: tunnel.url("loadmaster_app", "loadmaster"), ..self.program.urls.clone() };
        let program = Program { urls, ..self.program.clone() };
        program.serve(&self.directory.join(format!("server-{}.log", number + 1)), &self.clock_of(number)).await
    }

    /// The file with the error of a server's clock.
    fn clock_of(&self, number: usize) -> PathBuf {
        self.directory.join(format!("clock-{}", number + 1))
    }

    /// Drops all packets between the servers and the database, on present connections for ever.
    pub fn cut_off(&self) {
        self.tunnels.iter().for_each(Tunnel::drop_packets);
    }

    pub fn connect_again(&self) {
        self.tunnels.iter().for_each(Tunnel::restore);
    }

    pub fn signal(&self, number: usize, signal: Signal) -> anyhow::Result<()> {
        let instance = self.instances.get(number).and_then(Option::as_ref);
        instance.context("that server is not running")?.signal(signal)
    }

    pub fn set_clock(&self, number: usize, seconds: i64) -> anyhow::Result<()> {
        let file = self.clock_of(number);
        // The server must never read half a number.
        let fresh = file.with_extension("new");
        fs::write(&fresh, seconds.to_string())?;
        Ok(fs::rename(fresh, file)?)
    }

    pub async fn administrator(&self) -> anyhow::Result<Login> {
        let login =
            Login { email: "staff@loadmaster.example".to_owned(), password: TokenSource::default().token()?.into() };
        let arguments = ["user", "create", "--email", &login.email, "--role", "admin", "--password-stdin"];
        self.program.succeed(&arguments, Some(login.password.expose_secret())).await?;
        Ok(login)
    }

    pub async fn kill(&mut self, number: usize) -> anyhow::Result<()> {
        self.take(number)?.kill().await
    }

    pub async fn drain(&mut self, number: usize) -> anyhow::Result<ExitStatus> {
        self.take(number)?.drain().await
    }

    fn take(&mut self, number: usize) -> anyhow::Result<Instance> {
        self.instances.get_mut(number).and_then(Option::take).context("that server is not running")
    }

    /// Starts a server in the place of one that has ended, at another address.
    pub async fn start(&mut self, number: usize) -> anyhow::Result<()> {
        let instance = self.instance(number).await?;
        self.addresses.moved(number, instance.base.clone());
        if let Some(place) = self.instances.get_mut(number) {
            *place = Some(instance);
        }
        Ok(())
    }
}
