use std::net::TcpStream;

use super::{Daemon, Postgres, Sandbox, as_postgres, program, template, until};

/// PgBouncer in transaction mode, with the settings of `deploy/pgbouncer`.
pub struct Pooler {
    pub host: String,
    pub port: u16,
    server: Daemon,
}

impl Pooler {
    /// `size` is the number of connections to the server for each role and database.
    pub fn start(sandbox: &Sandbox, postgres: &Postgres, size: u32) -> Self {
        let (host, port) = (sandbox.host.clone(), sandbox.port());
        let changes = [
            ("loadmaster = host=10.0.0.11 port=5432", format!("* = host={} port={}", postgres.host, postgres.port)),
            ("listen_addr = 10.0.0.10", format!("listen_addr = {host}")),
            ("listen_port = 6432", format!("listen_port = {port}")),
            ("auth_type = scram-sha-256", "auth_type = trust".to_owned()),
            ("/etc/pgbouncer/userlist.txt", users(sandbox)),
            ("default_pool_size = 20", format!("default_pool_size = {size}")),
        ];
        let settings = template("pgbouncer/pgbouncer.ini", &changes);
        let file = sandbox.file("pgbouncer.ini", &settings);
        let mut command = as_postgres(&program("pgbouncer"));
        command.arg(file);
        let server = Daemon::start(command, &sandbox.log("pgbouncer"));
        until("PgBouncer listens", || TcpStream::connect((host.as_str(), port)).is_ok());
        Self { host, port, server }
    }

    pub fn url(&self, role: &str) -> String {
        format!("postgres://{role}@{}:{}/loadmaster", self.host, self.port)
    }
}

fn users(sandbox: &Sandbox) -> String {
    let users = "\"loadmaster\" \"\"\n\"loadmaster_app\" \"\"\n\"postgres\" \"\"\n";
    sandbox.file("users.txt", users).to_str().unwrap().to_owned()
}
