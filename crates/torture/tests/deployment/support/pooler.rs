use std::{fmt::Write, net::TcpStream};

use super::{Daemon, Postgres, Sandbox, as_postgres, program, until};

/// PgBouncer in transaction mode, with the settings of `docs/operating.md`.
pub struct Pooler {
    pub host: String,
    pub port: u16,
    server: Daemon,
}

impl Pooler {
    /// `size` is the number of connections to the server for each role and database.
    pub fn start(sandbox: &Sandbox, postgres: &Postgres, size: u32) -> Self {
        let (host, port) = (sandbox.host.clone(), sandbox.port());
        let mut settings = String::new();
        writeln!(settings, "[databases]\n* = host={} port={}", postgres.host, postgres.port).unwrap();
        writeln!(settings, "[pgbouncer]\nlisten_addr = {host}\nlisten_port = {port}").unwrap();
        writeln!(settings, "unix_socket_dir =\npool_mode = transaction\ndefault_pool_size = {size}").unwrap();
        writeln!(settings, "max_client_conn = 500\nauth_type = trust\nauth_file = {}", users(sandbox)).unwrap();
        writeln!(settings, "server_tls_sslmode = disable\nadmin_users = postgres").unwrap();
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
