use std::{fs, net::TcpStream, path::PathBuf};

use nix::sys::signal::Signal;

use super::{Daemon, Sandbox, deployed, program, until};

/// More than any test sends: what is limited is tested with the containers.
const RATE: &str = "100000";

/// nginx with the files of `deploy/nginx`, as its image assembles them; only addresses and paths are others.
pub struct Nginx {
    pub base: String,
    instances: PathBuf,
    /// The text of that file when all instances are in.
    complete: String,
    server: Daemon,
}

impl Nginx {
    /// In front of these two addresses, each `host:port`.
    pub fn start(sandbox: &Sandbox, instances: [&str; 2]) -> Self {
        let home = sandbox.path().join("nginx");
        let (port, health) = (sandbox.port(), sandbox.port());
        let (own, host) = (home.display().to_string(), &sandbox.host);
        let place = |text: &str| {
            let text = text.replace("${GENERAL_RATE}", RATE).replace("${SEARCH_RATE}", RATE);
            let text = text.replace("/tmp/", &format!("{own}/tmp/")).replace("/etc/nginx", &own);
            let text = text.replace("access_log /dev/stdout json", "access_log off");
            let text = text.replace("listen 8080", &format!("listen {host}:{port}"));
            let text = text.replace("listen 127.0.0.1:8081", &format!("listen {host}:{health}"));
            text.replace("app-1:8080", instances[0]).replace("app-2:8080", instances[1])
        };
        let copy = |from: &str, to: &str| {
            let text = place(&fs::read_to_string(deployed("nginx").join(from)).unwrap());
            fs::write(home.join(to), &text).unwrap();
            text
        };
        for folder in ["conf.d/server", "loadmaster", "tmp"] {
            fs::create_dir_all(home.join(folder)).unwrap();
        }
        copy("nginx.conf", "nginx.conf");
        for file in ["errors.conf", "problem.conf", "headers.conf", "proxy.conf"] {
            copy(&format!("include/{file}"), &format!("loadmaster/{file}"));
        }
        copy("templates/limits.conf.template", "conf.d/limits.conf");
        copy("templates/locations.conf.template", "conf.d/server/locations.conf");
        copy("templates/http.conf.template", "conf.d/server.conf");
        let complete = copy("templates/instances.conf.template", "conf.d/instances.conf");
        let mut command = std::process::Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program("nginx"));
        command.args(["-p", &own, "-c", &home.join("nginx.conf").display().to_string(), "-g", "daemon off;"]);
        let server = Daemon::start(command, &sandbox.log("nginx"));
        until("nginx listens", || TcpStream::connect((host.as_str(), port)).is_ok());
        let instances = home.join("conf.d/instances.conf");
        Self { base: format!("http://{host}:{port}"), instances, complete, server }
    }

    /// As `deploy/rolling-restart.sh` does: no new request goes to this instance; all others as before.
    pub fn take_out(&self, instance: &str) {
        let server = format!("server {instance} max_fails=1 fail_timeout=10s");
        assert!(self.complete.contains(&server), "{}", self.complete);
        self.reload(&self.complete.replace(&server, &format!("{server} down")));
    }

    /// All instances are in again.
    pub fn put_back(&self) {
        self.reload(&self.complete);
    }

    fn reload(&self, instances: &str) {
        fs::write(&self.instances, instances).unwrap();
        self.server.signal(Signal::SIGHUP);
    }
}
