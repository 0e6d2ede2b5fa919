use std::{
    fs::File,
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use serde_json::Value;

use super::{Daemon, Sandbox, until_within};

/// Longest time for a server to become ready.
const PATIENCE: Duration = Duration::from_mins(1);

/// The checker. A build of the whole workspace puts the server binary beside it.
pub const CHECKER: &str = env!("CARGO_BIN_EXE_loadmaster-torture");

pub fn binary() -> PathBuf {
    let path = Path::new(CHECKER).with_file_name("loadmaster");
    assert!(path.exists(), "there is no {}: run `cargo build`, or the tests by ./test", path.display());
    path
}

#[derive(Debug, Clone)]
pub struct Login {
    pub email: String,
    pub password: String,
}

/// The product with the addresses of its servers.
#[derive(Clone)]
pub struct Installation {
    pub binary: PathBuf,
    pub owner_url: String,
    pub app_url: String,
    pub redis_url: Option<String>,
    /// More settings, each `section.key=value`.
    pub settings: Vec<String>,
    directory: PathBuf,
    pub host: String,
}

impl Installation {
    pub fn new(sandbox: &Sandbox, owner_url: String, app_url: String, redis_url: Option<String>) -> Self {
        let (directory, host) = (sandbox.path().to_owned(), sandbox.host.clone());
        Self { binary: binary(), owner_url, app_url, redis_url, settings: Vec::new(), directory, host }
    }

    /// The same with another address for the serving role.
    #[must_use]
    pub fn through(&self, app_url: String) -> Self {
        Self { app_url, ..self.clone() }
    }

    #[must_use]
    pub fn set(mut self, setting: &str) -> Self {
        self.settings.push(setting.to_owned());
        self
    }

    /// A command with nothing in its environment but what this installation says.
    pub fn command(&self, binary: &Path) -> Command {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(binary).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("DATABASE_URL", &self.app_url).env("LOADMASTER_DATABASE__OWNER_URL", &self.owner_url);
        if let Some(url) = &self.redis_url {
            command.env("REDIS_URL", url);
        }
        for setting in &self.settings {
            let (name, value) = setting.split_once('=').unwrap();
            command.env(format!("LOADMASTER_{}", name.replace('.', "__").to_uppercase()), value);
        }
        command.env("TMPDIR", &self.directory).current_dir(&self.directory);
        command
    }

    /// Runs a command of the product to its end.
    pub fn run(&self, arguments: &[&str], stdin: &str) -> Output {
        let mut command = self.command(&self.binary);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }

    /// The same, successfully; what it prints.
    pub fn succeed(&self, arguments: &[&str]) -> String {
        let done = self.run(arguments, "");
        let complaint = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "loadmaster {arguments:?} ({}): {complaint}", done.status);
        String::from_utf8(done.stdout).unwrap()
    }

    pub fn migrate(&self) {
        self.succeed(&["migrate"]);
    }

    pub fn administrator(&self) -> Login {
        let login = Login {
            email: "staff@loadmaster.example".to_owned(),
            password: "a password of forty characters or so".to_owned(),
        };
        let arguments = ["user", "create", "--email", &login.email, "--role", "admin", "--password-stdin"];
        let done = self.run(&arguments, &login.password);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        login
    }

    /// The books are right.
    pub fn audit(&self) {
        let done = self.run(&["audit", "--json"], "");
        let report: Value = serde_json::from_slice(&done.stdout).unwrap_or_default();
        let complaint = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(0), "the audit: {complaint}{report:#}");
    }

    /// A server that is ready, at an address that it keeps when it is started again.
    pub fn serve(&self, sandbox: &Sandbox, name: &str) -> Server {
        let mut server = self.server(sandbox, name);
        server.start();
        server
    }

    /// The same, not started yet.
    pub fn server(&self, sandbox: &Sandbox, name: &str) -> Server {
        let port = sandbox.port();
        let base = format!("http://{}:{port}", self.host);
        Server { installation: self.clone(), port, base, log: sandbox.log(name), process: None }
    }
}

/// A serving process.
pub struct Server {
    pub installation: Installation,
    pub port: u16,
    pub base: String,
    log: File,
    process: Option<Daemon>,
}

impl Server {
    /// Starts it and waits until it is ready.
    pub fn start(&mut self) {
        let began = Instant::now();
        let ready = self.launch();
        let said = ready.recv_timeout(PATIENCE);
        assert!(said.is_ok(), "{} is not ready after {:.1} s", self.base, began.elapsed().as_secs_f64());
    }

    /// Starts it; the receiver gets its address once it is ready, and is closed if it ends before.
    pub fn launch(&mut self) -> mpsc::Receiver<String> {
        let mut command = self.installation.command(&self.installation.binary);
        let (host, port) = (&self.installation.host, self.port);
        command.args(["serve", "--set", &format!("server.host={host}"), "--set", &format!("server.port={port}")]);
        command.args(["--set", "rate_limit.enabled=false"]);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(self.log.try_clone().unwrap());
        let mut daemon = Daemon::of(command);
        let lines = BufReader::new(daemon.child().stdout.take().unwrap()).lines();
        self.process = Some(daemon);
        let (tell, ready) = mpsc::channel();
        thread::spawn(move || {
            // A pipe that nobody reads would stop it.
            for line in lines.map_while(Result::ok) {
                if let Some(said) = line.strip_prefix("Loadmaster is ready at ") {
                    _ = tell.send(said.split_whitespace().next().unwrap().to_owned());
                }
            }
        });
        ready
    }

    fn process(&mut self) -> &mut Daemon {
        self.process.as_mut().expect("the server was started")
    }

    pub fn kill(&mut self) {
        self.process().kill();
        self.process = None;
    }

    /// Asks it to stop, as a supervisor does, and waits until it has.
    pub fn stop(&mut self) {
        let status = self.process().stop(Signal::SIGTERM);
        assert!(status.success(), "{} ended with {status}", self.base);
        self.process = None;
    }

    pub fn until_ready(&self, patience: Duration) {
        until_within(patience, "the server is ready", &mut || {
            let health = self.installation.command(&self.installation.binary);
            is_ready(health, &self.installation.host, self.port)
        });
    }
}

fn is_ready(mut command: Command, host: &str, port: u16) -> bool {
    command.args(["healthcheck", "--set", &format!("server.host={host}"), "--set", &format!("server.port={port}")]);
    command.output().unwrap().status.success()
}
