use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::PathBuf,
    time::Duration,
};

use nix::sys::signal::Signal;

use super::{
    Daemon, Sandbox, as_postgres,
    daemon::{freeze, kill_tree, signal_all},
    postgres::bin,
    program, template, until, until_within,
};

const SUPERUSER: &str = "postgres:superuser-secret";

/// One etcd member.
pub struct Etcd {
    pub address: String,
    server: Daemon,
}

impl Etcd {
    pub fn start(sandbox: &Sandbox) -> Self {
        let (host, clients, peers) = (&sandbox.host, sandbox.port(), sandbox.port());
        let address = format!("{host}:{clients}");
        let (client_url, peer_url) = (format!("http://{address}"), format!("http://{host}:{peers}"));
        let mut command = as_postgres(&program("etcd"));
        command.arg("--data-dir").arg(sandbox.directory("etcd"));
        command.args(["--listen-client-urls", &client_url, "--advertise-client-urls", &client_url]);
        command.args(["--listen-peer-urls", &peer_url, "--initial-advertise-peer-urls", &peer_url]);
        command.args(["--initial-cluster", &format!("default={peer_url}"), "--logger", "zap"]);
        let server = Daemon::start(command, &sandbox.log("etcd"));
        until("etcd listens", || TcpStream::connect(&address).is_ok());
        Self { address, server }
    }
}

/// A machine with Patroni and its PostgreSQL, with the settings of `deploy/failover/patroni.yml`.
pub struct Node {
    pub name: String,
    pub host: String,
    pub port: u16,
    pub rest: u16,
    settings: PathBuf,
    data: PathBuf,
    log: fs::File,
    patroni: Option<Daemon>,
}

impl Node {
    pub fn new(sandbox: &Sandbox, name: &str, etcd: &Etcd) -> Self {
        let (host, port, rest) = (sandbox.host.clone(), sandbox.port(), sandbox.port());
        let home = sandbox.directory(name);
        let data = home.join("data");
        let path = |path: &std::path::Path| path.display().to_string();
        let changes = [
            ("name: a\n", format!("name: {name}\n")),
            ("10.0.0.11:8008", format!("{host}:{rest}")),
            ("10.0.0.21:2379", etcd.address.clone()),
            ("10.0.0.11:5432", format!("{host}:{port}")),
            ("10.0.0.0/24", "127.0.0.0/8".to_owned()),
            ("/var/lib/postgresql/loadmaster", path(&data)),
            ("/usr/lib/postgresql/15/bin", path(&bin())),
            ("/var/lib/postgresql/.pgpass-patroni", path(&home.join("pgpass"))),
            ("/var/run/postgresql", path(&home)),
        ];
        let settings = sandbox.file(&format!("{name}.yml"), &template("failover/patroni.yml", &changes));
        let log = sandbox.log(&format!("patroni-{name}"));
        Self { name: name.to_owned(), host, port, rest, settings, data, log, patroni: None }
    }

    pub fn start(&mut self) {
        let mut command = as_postgres(&program("patroni"));
        command.arg(&self.settings);
        self.patroni = Some(Daemon::start(command, &self.log));
    }

    /// PostgreSQL's main process; Patroni lets it live on when it ends itself.
    fn postmaster(&self) -> Option<i32> {
        let file = fs::read_to_string(self.data.join("postmaster.pid")).ok()?;
        let pid: i32 = file.lines().next()?.trim().parse().ok()?;
        // A number may belong to another process by now.
        let command = fs::read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
        command.contains(self.data.to_str()?).then_some(pid)
    }

    /// The loss of the machine: everything on it is killed at once.
    pub fn kill(&mut self) {
        let Some(mut patroni) = self.patroni.take() else { return };
        patroni.freeze();
        if let Some(postmaster) = self.postmaster() {
            kill_tree(postmaster);
        }
        patroni.kill();
    }

    /// The machine stands still, or nothing reaches it any more: no connection is closed, and nothing answers.
    pub fn freeze(&mut self) {
        self.patroni.as_ref().expect("it runs").freeze();
        freeze(self.postmaster().expect("PostgreSQL runs"));
    }

    pub fn thaw(&mut self) {
        signal_all(self.postmaster().expect("PostgreSQL runs"), Signal::SIGCONT);
        self.patroni.as_ref().expect("it runs").thaw();
    }

    /// Whether Patroni answers 200 there: `/primary`, `/replica`, `/synchronous`.
    pub fn is(&self, role: &str) -> bool {
        let ask = || -> std::io::Result<bool> {
            let mut stream = TcpStream::connect((self.host.as_str(), self.rest))?;
            stream.set_read_timeout(Some(Duration::from_secs(2)))?;
            write!(stream, "GET /{role} HTTP/1.0\r\n\r\n")?;
            let mut status = String::new();
            BufReader::new(stream).read_line(&mut status)?;
            Ok(status.contains(" 200 "))
        };
        ask().unwrap_or(false)
    }

    pub fn until_is(&self, role: &str) {
        let what = format!("{} is {role}", self.name);
        until_within(Duration::from_mins(2), &what, &mut || self.is(role));
    }

    /// The answer to a statement of the superuser at the server of that address.
    pub fn sql_at(&self, port: u16, database: &str, sql: &str) -> String {
        let url = format!("postgres://{SUPERUSER}@{}:{port}/{database}", self.host);
        let done = as_postgres(&bin().join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", &url, "-c", sql])
            .output()
            .unwrap();
        assert!(done.status.success(), "{sql}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
