use std::net::TcpStream;

use super::{Daemon, Sandbox, as_postgres, program, template, until};

/// HAProxy with one of the files of `deploy/failover`: an address that moves between servers.
pub struct Proxy {
    pub host: String,
    pub port: u16,
    /// Where the servers behind it can be changed, if the file says so.
    pub admin: String,
    server: Daemon,
}

impl Proxy {
    /// The file with these replacements, besides the addresses of the proxy itself.
    pub fn start(sandbox: &Sandbox, file: &str, changes: &[(&str, String)]) -> Self {
        let (host, port) = (sandbox.host.clone(), sandbox.port());
        let admin = format!("{host}:{}", sandbox.port());
        let mut changes = changes.to_vec();
        changes.push(("10.0.0.10:5000", format!("{host}:{port}")));
        if file.contains("pair") {
            changes.push(("127.0.0.1:9999", admin.clone()));
        }
        let file = sandbox.file("haproxy.cfg", &template(&format!("failover/{file}"), &changes));
        let mut command = as_postgres(&program("haproxy"));
        command.args(["-db", "-f"]).arg(file);
        let server = Daemon::start(command, &sandbox.log("haproxy"));
        until("HAProxy listens", || TcpStream::connect((host.as_str(), port)).is_ok());
        Self { host, port, admin, server }
    }

    pub fn url(&self, login: &str) -> String {
        format!("postgres://{login}@{}:{}/loadmaster", self.host, self.port)
    }
}
