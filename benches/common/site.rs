//! Servers of the bench's own, as an installation would run them.
use std::{
    fs::{File, Permissions},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU8, Ordering},
    time::{Duration, Instant},
};

use loadmaster_platform::{
    embedded::Rehearsal,
    settings::{Settings, Sources},
};
use tempfile::TempDir;

use super::{
    load::Client,
    network::{self, post},
};

const SERVER: &str = env!("CARGO_BIN_EXE_loadmaster");
const PASSWORD: &str = "measure-twice-cut-once-9";

pub struct Site {
    /// What its commands are run by.
    program: PathBuf,
    pub directory: PathBuf,
    /// Servers of one installation.
    pub addresses: Vec<SocketAddr>,
    /// The first and the last of them.
    pub here: SocketAddr,
    pub there: SocketAddr,
    pub token: String,
    servers: Servers,
    pub stores: Stores,
    data: TempDir,
}

/// The private PostgreSQL and Redis.
pub struct Stores {
    /// PostgreSQL's address, if it answers by TCP.
    pub host: Option<String>,
    rehearsal: Rehearsal,
}

impl Stores {
    /// The URL for a role of PostgreSQL: `loadmaster`, the owner, or `loadmaster_app`.
    pub fn url(&self, role: &str) -> String {
        let urls = self.rehearsal.urls();
        match &self.host {
            Some(host) => format!("postgres://{role}@{host}:5432/loadmaster?sslmode=disable"),
            None if role == "loadmaster" => urls.owner.clone(),
            None => urls.app.clone(),
        }
    }
}

/// An address of the loopback network that nothing else uses, another one at each call: the port is the usual one.
fn postgres_host() -> String {
    static CALLS: AtomicU8 = AtomicU8::new(91);
    let [_, _, high, low] = std::process::id().to_be_bytes();
    format!("127.{}.{high}.{}", CALLS.fetch_add(1, Ordering::Relaxed), low.max(1))
}

/// How a server is started.
pub struct Variant {
    pub name: &'static str,
    pub program: PathBuf,
    pub arguments: Vec<&'static str>,
    pub environment: Vec<(&'static str, String)>,
}

impl Variant {
    /// As it is shipped.
    pub fn plain(name: &'static str) -> Self {
        Self::of(name, SERVER)
    }

    /// Another build.
    pub fn of(name: &'static str, program: impl Into<PathBuf>) -> Self {
        Self { name, program: program.into(), arguments: vec!["serve"], environment: Vec::new() }
    }
}

/// They end with the bench, however it ends.
#[derive(Default)]
struct Servers(Vec<Child>);

impl Drop for Servers {
    fn drop(&mut self) {
        for server in &mut self.0 {
            _ = server.kill();
            _ = server.wait();
        }
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

impl Site {
    pub async fn start(directory: &Path, variants: &[Variant]) -> Self {
        Self::start_with(directory, SERVER.into(), variants, Vec::new(), None).await
    }

    /// With further settings of PostgreSQL, which then answers by TCP.
    pub async fn start_tuned(directory: &Path, variants: &[Variant], options: &[&str]) -> Self {
        Self::start_by(directory, SERVER.into(), variants, options).await
    }

    /// The same, whose database belongs to the version of `program`.
    pub async fn start_by(directory: &Path, program: PathBuf, variants: &[Variant], options: &[&str]) -> Self {
        let host = postgres_host();
        let mut options: Vec<String> = options.iter().map(|option| (*option).to_owned()).collect();
        options.push(format!("listen_addresses={host}"));
        Self::start_with(directory, program, variants, options, Some(host)).await
    }

    async fn start_with(
        directory: &Path,
        program: PathBuf,
        variants: &[Variant],
        options: Vec<String>,
        host: Option<String>,
    ) -> Self {
        let data = tempfile::Builder::new().prefix("loadmaster-bench-").tempdir().unwrap();
        // The private PostgreSQL runs as another user when this runs as root.
        std::fs::set_permissions(data.path(), Permissions::from_mode(0o755)).unwrap();
        let stores = Stores { host, rehearsal: rehearsal(data.path(), options).await };
        let mut migrate = command(&program, &stores);
        migrate.env("LOADMASTER_DATABASE__OWNER_URL", stores.url("loadmaster")).arg("migrate");
        assert!(migrate.stdout(Stdio::null()).status().unwrap().success());
        let (mut servers, mut addresses) = (Servers::default(), Vec::new());
        for variant in variants {
            let (server, address) = spawn(directory, variant, &stores).await;
            servers.0.push(server);
            addresses.push(address);
        }
        let token = admin(addresses[0], &program, &stores).await;
        let site = Self {
            program,
            directory: directory.to_owned(),
            here: addresses[0],
            there: addresses[addresses.len() - 1],
            addresses,
            token,
            servers,
            stores,
            data,
        };
        site.import("/api/v1/flights/import", &network::timetable()).await;
        site
    }

    /// Lets the origins of searches say how long before departure they take freight, in a release that knows of that.
    pub async fn accept_freight(&self) {
        let (status, answer) = self.send_table("/api/v1/stations/import", &network::acceptances()).await;
        assert!(matches!(status, 200 | 404), "{answer}");
    }

    pub async fn import(&self, path: &str, table: &str) {
        let (status, answer) = self.send_table(path, table).await;
        assert_eq!(status, 200, "{answer}");
    }

    async fn send_table(&self, path: &str, table: &str) -> (u16, String) {
        let request = post(path, Some(&self.token), table);
        let request = String::from_utf8(request).unwrap().replacen("application/json", "text/csv", 1);
        let mut client = Client::connect(self.here).await;
        let (status, body) = client.ask(request.as_bytes()).await;
        (status, String::from_utf8_lossy(body).into_owned())
    }

    /// Ends the only server and starts another one at another address; returns how long that takes until it is ready.
    pub async fn restart(&mut self, variant: &Variant) -> Duration {
        drop(std::mem::take(&mut self.servers));
        let began = Instant::now();
        let (server, address) = spawn(&self.directory, variant, &self.stores).await;
        let ready = began.elapsed();
        self.servers.0.push(server);
        (self.here, self.there, self.addresses) = (address, address, vec![address]);
        ready
    }

    /// A reading of the first server's memory in MiB: `VmRSS`, or `VmHWM`, the peak.
    pub fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.servers.0[0].id())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
    }

    /// Starts the peak of the first server's memory anew.
    pub fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.servers.0[0].id()), "5").unwrap();
    }

    /// Proves that the books are right.
    pub fn audit(&self) {
        let mut audit = command(&self.program, &self.stores);
        let audited = audit.arg("audit").output().unwrap();
        let text = String::from_utf8_lossy(&audited.stdout) + String::from_utf8_lossy(&audited.stderr);
        assert!(audited.status.success(), "{text}");
    }

    /// Takes everything down.
    pub async fn stop(self) {
        let Self { stores, servers, data, .. } = self;
        drop(servers);
        drop(stores);
        tokio::time::sleep(Duration::from_millis(500)).await;
        drop(data);
    }
}

async fn rehearsal(data: &Path, options: Vec<String>) -> Rehearsal {
    let data = data.join("servers").display().to_string();
    let sources = Sources { overrides: vec![("embedded.data_dir".to_owned(), data)], ..Sources::from_process() };
    let settings = Settings::load(sources).unwrap();
    Rehearsal::start_with(&settings.embedded, options).await.unwrap()
}

fn command(program: &Path, stores: &Stores) -> Command {
    let mut command = Command::new(program);
    command.env("DATABASE_URL", stores.url("loadmaster_app"));
    if let Some(redis) = &stores.rehearsal.urls().redis {
        command.env("REDIS_URL", redis);
    }
    for limit in ["ANONYMOUS", "AUTHENTICATED", "CREDENTIALS"] {
        command.env(format!("LOADMASTER_RATE_LIMIT__{limit}_PER_MINUTE"), u32::MAX.to_string());
    }
    command.env("LOADMASTER_RATE_LIMIT__FLOOD_PER_SECOND", "0");
    command
}

async fn spawn(directory: &Path, variant: &Variant, stores: &Stores) -> (Child, SocketAddr) {
    let name = variant.name;
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let log = File::create(directory.join(format!("{name}.log"))).unwrap();
    let mut command = command(&variant.program, stores);
    command.args(&variant.arguments).envs(variant.environment.iter().map(|(name, value)| (name, value)));
    command.env("PORT", address.port().to_string()).stdout(Stdio::null()).stderr(log);
    let server = command.spawn().unwrap();
    for _ in 0..10_000 {
        if let Ok(answer) = reqwest::get(format!("http://{address}/readyz")).await
            && answer.status() == 200
        {
            return (server, address);
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("the server {name} does not get ready");
}

/// The token of an administrator.
async fn admin(address: SocketAddr, program: &Path, stores: &Stores) -> String {
    let mut create = command(program, stores);
    create.args(["user", "create", "--email", "bench@example.com", "--role", "admin", "--password-stdin"]);
    let mut create = create.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::io::Write::write_all(&mut create.stdin.take().unwrap(), PASSWORD.as_bytes()).unwrap();
    assert!(create.wait().unwrap().success());
    log_in(address).await
}

/// A new token of the same administrator: one lasts no longer than some benches.
pub async fn log_in(address: SocketAddr) -> String {
    let body = format!(r#"{{"email":"bench@example.com","password":"{PASSWORD}"}}"#);
    let mut client = Client::connect(address).await;
    let (status, body) = client.ask(&post("/api/v1/auth/login", None, &body)).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
    let session: serde_json::Value = serde_json::from_slice(body).unwrap();
    session["access_token"].as_str().unwrap().to_owned()
}
