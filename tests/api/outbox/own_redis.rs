//! A Redis of a test's own, and who reads there.
use std::{
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use redis::{AsyncConnectionConfig, aio::MultiplexedConnection};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::until;

/// The stream, and the channel beside it.
const NAME: &str = "loadmaster:events";
/// Nothing here takes nearly as long.
const PATIENCE: Duration = Duration::from_mins(1);

/// Gone with its owner. It keeps nothing over a restart.
pub struct OwnRedis {
    directory: TempDir,
    server: Child,
}

impl OwnRedis {
    pub async fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("loadmaster-").tempdir().unwrap();
        let server = spawn(&directory);
        let this = Self { directory, server };
        this.until_it_listens().await;
        this
    }

    async fn until_it_listens(&self) {
        let socket = self.directory.path().join("redis.sock");
        until("Redis listens", async || tokio::net::UnixStream::connect(&socket).await.is_ok()).await;
    }

    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.directory.path().join("redis.sock").display())
    }

    /// From now on it takes connections, but says nothing.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    pub fn go_on(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.server.id().try_into().unwrap()), signal).unwrap();
    }

    pub fn kill(&mut self) {
        self.server.kill().unwrap();
        self.server.wait().unwrap();
        _ = std::fs::remove_file(self.directory.path().join("redis.sock"));
    }

    /// Another in its place, which knows nothing of what the first one had.
    pub async fn start_again(&mut self) {
        self.server = spawn(&self.directory);
        self.until_it_listens().await;
    }

    /// Writes down what is published from now on.
    pub async fn listen(&self) -> Heard {
        let heard = Heard::default();
        let (url, told) = (self.url(), heard.clone());
        // The thread ends with the connection.
        std::thread::spawn(move || {
            let mut connection = redis::Client::open(url).unwrap().get_connection().unwrap();
            let mut channel = connection.as_pubsub();
            channel.subscribe(NAME).unwrap();
            while let Ok(message) = channel.get_message() {
                let text: String = message.get_payload().unwrap();
                told.0.lock().unwrap().push(serde_json::from_str(&text).unwrap());
            }
        });
        let mut connection = connect(&self.url()).await;
        until("somebody listens", async || {
            let asked = redis::cmd("PUBSUB").arg("NUMSUB").arg(NAME).to_owned();
            let (_, listeners): (String, u64) = asked.query_async(&mut connection).await.unwrap();
            listeners == 1
        })
        .await;
        heard
    }
}

impl Drop for OwnRedis {
    fn drop(&mut self) {
        _ = self.server.kill();
        _ = self.server.wait();
    }
}

fn spawn(directory: &TempDir) -> Child {
    Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
        .arg(directory.path().join("redis.sock"))
        .current_dir(directory.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("redis-server is installed")
}

async fn connect(url: &str) -> MultiplexedConnection {
    let patient =
        AsyncConnectionConfig::new().set_response_timeout(Some(PATIENCE)).set_connection_timeout(Some(PATIENCE));
    let client = redis::Client::open(url).unwrap();
    client.get_multiplexed_async_connection_with_config(&patient).await.unwrap()
}

/// What was published.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<Value>>>);

impl Heard {
    pub fn messages(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }
}

/// Reads the stream from its beginning.
pub struct Consumer {
    connection: MultiplexedConnection,
    /// Where it goes on.
    next: String,
    /// All that was read so far.
    pub messages: Vec<Value>,
}

impl Consumer {
    pub async fn of(redis: &OwnRedis) -> Self {
        Self { connection: connect(&redis.url()).await, next: "-".to_owned(), messages: Vec::new() }
    }

    pub async fn read(&mut self) {
        let range = redis::cmd("XRANGE").arg(NAME).arg(&self.next).arg("+").to_owned();
        let entries: Vec<(String, Vec<String>)> = range.query_async(&mut self.connection).await.unwrap();
        for (id, fields) in entries {
            let [field, text] = fields.as_slice() else { panic!("not one field: {fields:?}") };
            assert_eq!(field, "event");
            self.messages.push(serde_json::from_str(text).expect("JSON"));
            self.next = format!("({id}");
        }
    }
}
