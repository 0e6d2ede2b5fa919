use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use super::{own_postgres::directory, until};

/// A port that is free at the moment.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A server of a test's own with these lines in its configuration, killed with its owner.
pub struct RedisServer {
    pub port: u16,
    file: PathBuf,
    server: Child,
}

impl RedisServer {
    fn start(directory: &Path, port: u16, lines: &str) -> Self {
        let file = directory.join(format!("redis-{port}.conf"));
        let folder = directory.join(format!("redis-{port}"));
        fs::create_dir_all(&folder).unwrap();
        let common = format!("dir {}\nsave \"\"\nappendonly no\nmaxmemory-policy volatile-lru\n", folder.display());
        fs::write(&file, common + lines).unwrap();
        Self { port, server: spawn(&file), file }
    }

    /// One that listens for encrypted connections only, with `server.crt` of the directory, and knows one user, who may do
    /// what docs/secrets.md says is needed.
    pub fn encrypted(directory: &Path, password: &str) -> Self {
        let (port, at) = (free_port(), |name: &str| directory.join(name).display().to_string());
        let rights = "~loadmaster:* ~{loadmaster:* ~route:* ~lock:* &loadmaster:* +@all -@admin -@dangerous +info";
        let lines = format!(
            "port 0\ntls-port {port}\ntls-cert-file {}\ntls-key-file {}\ntls-auth-clients no\n\
             user default off\nuser loadmaster on >{password} {rights}\nuser test on >test ~* &* +@all\n",
            at("server.crt"),
            at("server.key"),
        );
        Self::start(directory, port, &lines)
    }

    pub fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
    }

    pub fn start_again(&mut self) {
        self.server = spawn(&self.file);
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        _ = self.server.kill();
        _ = self.server.wait();
    }
}

fn spawn(file: &Path) -> Child {
    let mut command = Command::new("redis-server");
    command.arg(file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().expect("redis-server is installed")
}

/// A Redis Cluster of three servers, each with a third of the slots.
pub struct RedisCluster {
    pub servers: Vec<RedisServer>,
    _directory: TempDir,
}

const LAST_SLOTS: [u16; 4] = [0, 5461, 10922, 16384];

impl RedisCluster {
    pub async fn start() -> Self {
        let directory = directory();
        let server = |_| {
            let (port, bus) = (free_port(), free_port());
            let lines = format!(
                "port {port}\nbind 127.0.0.1\ncluster-enabled yes\ncluster-port {bus}\ncluster-node-timeout 2000\n\
                 cluster-config-file nodes.conf\ncluster-require-full-coverage no\n"
            );
            (RedisServer::start(directory.path(), port, &lines), bus)
        };
        let (servers, buses): (Vec<_>, Vec<_>) = (0..3).map(server).unzip();
        let this = Self { servers, _directory: directory };
        let first = this.servers[0].port;
        for (number, (server, bus)) in this.servers.iter().zip(buses).enumerate() {
            until("a server answers", async || ask(server.port, &["PING"]).await.is_some()).await;
            let [from, to] = [LAST_SLOTS[number], LAST_SLOTS[number + 1] - 1].map(|slot| slot.to_string());
            ask(server.port, &["CLUSTER", "ADDSLOTSRANGE", &from, &to]).await.expect("the slots are free");
            let (port, bus) = (server.port.to_string(), bus.to_string());
            ask(first, &["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await.expect("they meet");
        }
        this.until_whole().await;
        this
    }

    pub async fn until_whole(&self) {
        for server in &self.servers {
            until("the servers know each other", async || {
                let told = ask(server.port, &["CLUSTER", "INFO"]).await.unwrap_or_default();
                told.contains("cluster_state:ok") && told.contains("cluster_slots_ok:16384")
            })
            .await;
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.servers[0].port)
    }

    /// The keys of each server.
    pub async fn keys(&self) -> Vec<Vec<String>> {
        let mut all = Vec::new();
        for server in &self.servers {
            let client = redis::Client::open(format!("redis://127.0.0.1:{}", server.port)).unwrap();
            let mut connection = client.get_multiplexed_async_connection().await.unwrap();
            all.push(redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap());
        }
        all
    }
}

async fn ask(port: u16, words: &[&str]) -> Option<String> {
    let client = redis::Client::open(format!("redis://127.0.0.1:{port}")).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.ok()?;
    let mut command = redis::cmd(words[0]);
    for word in &words[1..] {
        command.arg(word);
    }
    command.query_async(&mut connection).await.ok()
}
