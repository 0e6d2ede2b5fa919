use std::{net::TcpStream, path::PathBuf, process::Command};

use super::{Daemon, Sandbox, program, until};

/// A Redis of its own, as `docs/operating.md` recommends it. It keeps nothing over a restart.
pub struct Redis {
    pub host: String,
    pub port: u16,
    server: Daemon,
}

impl Redis {
    pub fn start(sandbox: &Sandbox) -> Self {
        let (host, port) = (sandbox.host.clone(), sandbox.port());
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program("redis-server"));
        command.args(["--bind", &host, "--port", &port.to_string(), "--save", "", "--appendonly", "no"]);
        command.args(["--maxmemory", "256mb", "--maxmemory-policy", "volatile-lru", "--protected-mode", "no"]);
        command.current_dir(sandbox.path());
        let server = Daemon::start(command, &sandbox.log("redis"));
        until("Redis listens", || TcpStream::connect((host.as_str(), port)).is_ok());
        Self { host, port, server }
    }

    pub fn url(&self) -> String {
        format!("redis://{}:{}", self.host, self.port)
    }

    /// The answer of `redis-cli`, a line each.
    pub fn cli(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(client());
        command.args(["-h", &self.host, "-p", &self.port.to_string()]).args(arguments);
        let done = command.output().unwrap();
        assert!(done.status.success(), "redis-cli {arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap()
    }
}

fn client() -> PathBuf {
    program("redis-cli")
}
