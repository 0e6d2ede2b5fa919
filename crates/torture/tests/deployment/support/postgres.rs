use std::{
    fs::{self, File},
    io::Write,
    path::PathBuf,
    process::Command,
};

use nix::sys::signal::Signal;

use super::{Daemon, Sandbox, as_postgres, program, until};

/// The database of the product, and its superuser.
pub const DATABASE: &str = "loadmaster";
const SUPERUSER: &str = "postgres";

/// A PostgreSQL server of its own, reachable by TCP. Its superuser is `postgres`; the product's roles are `loadmaster` and
/// `loadmaster_app`. Nobody needs a password.
pub struct Postgres {
    pub name: String,
    pub host: String,
    pub port: u16,
    /// Of the data.
    pub home: PathBuf,
    log: File,
    server: Option<Daemon>,
}

/// The directory of the newest PostgreSQL's programs.
pub fn bin() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest = versions.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok()).max();
    newest.map_or_else(
        || program("postgres").parent().unwrap().to_owned(),
        |version| PathBuf::from(format!("/usr/lib/postgresql/{version}/bin")),
    )
}

impl Postgres {
    fn new(sandbox: &Sandbox, name: &str) -> Self {
        Self {
            name: name.to_owned(),
            host: sandbox.host.clone(),
            port: sandbox.port(),
            home: sandbox.path().join(name),
            log: sandbox.log(name),
            server: None,
        }
    }

    /// A new server with the empty database of the product.
    pub fn create(sandbox: &Sandbox, name: &str, settings: &[(&str, &str)]) -> Self {
        let mut this = Self::new(sandbox, name);
        sandbox.directory(name);
        let options = ["--username", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C", "--data-checksums"];
        this.run("initdb", &[&["--no-sync", "--pgdata", this.home()], &options[..]].concat());
        let mut configuration = File::options().append(true).open(this.home.join("postgresql.conf")).unwrap();
        for (name, value) in settings {
            writeln!(configuration, "{name} = '{value}'").unwrap();
        }
        let mut rules = File::options().append(true).open(this.home.join("pg_hba.conf")).unwrap();
        writeln!(rules, "host all all 127.0.0.0/8 trust\nhost replication all 127.0.0.0/8 trust").unwrap();
        this.start();
        this.sql_in("postgres", "create role loadmaster login");
        this.sql_in("postgres", "create role loadmaster_app login");
        this.sql_in("postgres", "create database loadmaster owner loadmaster");
        this
    }

    /// A standby that streams from `primary` under its own name, with a slot of that name.
    pub fn standby_of(primary: &Self, sandbox: &Sandbox, name: &str) -> Self {
        let mut this = Self::new(sandbox, name);
        sandbox.directory(name);
        let source = primary.source(name);
        let options = ["--write-recovery-conf", "--wal-method=stream", "--checkpoint=fast", "--create-slot", "--slot"];
        this.run(
            "pg_basebackup",
            &[&["--dbname", &source, "--pgdata", this.home(), "--no-sync"], &options[..], &[name]].concat(),
        );
        this.start();
        this
    }

    /// The loss of this server with its data, and another one at its address, whose data directory is still to be made.
    pub fn successor(mut self, sandbox: &Sandbox, name: &str) -> Self {
        self.kill();
        fs::remove_dir_all(&self.home).unwrap();
        Self { port: self.port, home: sandbox.directory(name).join("data"), ..Self::new(sandbox, name) }
    }

    /// The address from which a standby of that name streams.
    pub fn source(&self, application: &str) -> String {
        let Self { host, port, .. } = self;
        format!("host={host} port={port} user={SUPERUSER} application_name={application}")
    }

    fn home(&self) -> &str {
        self.home.to_str().unwrap()
    }

    pub fn url(&self, role: &str) -> String {
        format!("postgres://{role}@{}:{}/{DATABASE}", self.host, self.port)
    }

    /// Runs one of PostgreSQL's programs as its user, and expects success.
    pub fn run(&self, name: &str, arguments: &[&str]) {
        let done = as_postgres(&bin().join(name)).args(arguments).output().unwrap();
        (&self.log).write_all(&done.stderr).unwrap();
        assert!(done.status.success(), "{name} {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    }

    pub fn start(&mut self) {
        let mut command = as_postgres(&bin().join("postgres"));
        // No socket: pg_rewind would try to copy it.
        command.args(["-D", self.home(), "-h", &self.host, "-p", &self.port.to_string(), "-k", ""]);
        // A killed one leaves its number, which may by now be that of another process.
        _ = fs::remove_file(self.home.join("postmaster.pid"));
        self.server = Some(Daemon::start(command, &self.log));
        until("PostgreSQL accepts connections", || self.try_sql("select 1").is_ok());
    }

    fn server(&mut self) -> &mut Daemon {
        self.server.as_mut().expect("the server was started")
    }

    /// Shuts down as `pg_ctl stop` does.
    pub fn stop(&mut self) {
        self.server().stop(Signal::SIGINT);
        self.server = None;
    }

    /// Kills every process of the server at once.
    pub fn kill(&mut self) {
        self.server = None;
    }

    /// Stops every process of the server: connections stay open, and nothing answers.
    pub fn freeze(&mut self) {
        self.server().freeze();
    }

    pub fn thaw(&mut self) {
        self.server().thaw();
    }

    pub fn reload(&mut self) {
        self.server().signal(Signal::SIGHUP);
    }

    pub fn promote(&self) {
        assert_eq!(self.sql_in("postgres", "select pg_promote()"), "t", "{} cannot be promoted", self.name);
    }

    pub fn psql(&self, database: &str, arguments: &[&str]) -> Command {
        let mut command = as_postgres(&bin().join("psql"));
        command.env("PGCONNECT_TIMEOUT", "5").args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]);
        command.args(["-h", &self.host, "-p", &self.port.to_string(), "-U", SUPERUSER, "-d", database]);
        command.args(arguments);
        command
    }

    fn try_sql_in(&self, database: &str, sql: &str) -> Result<String, String> {
        let done = self.psql(database, &["-c", sql]).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
    }

    pub fn sql_in(&self, database: &str, sql: &str) -> String {
        self.try_sql_in(database, sql).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The answer as the superuser, in the product's database; columns are separated by `|`.
    pub fn sql(&self, sql: &str) -> String {
        self.sql_in(DATABASE, sql)
    }

    pub fn try_sql(&self, sql: &str) -> Result<String, String> {
        self.try_sql_in("postgres", sql)
    }
}
