//! Runs the receivers of `docs/webhooks.md`, as the page shows them: with requests that are signed here, and with those of a
//! server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]
#![allow(clippy::disallowed_methods, reason = "receivers compare timestamps with the real clock")]
mod loadmaster;

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver as Lines, channel},
    time::{Duration, Instant},
};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::Utc;
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use loadmaster::Loadmaster;

/// The receiver in Rust, compiled from the page.
const RUST: &str = env!("CARGO_BIN_EXE_webhook-receiver");
/// Starting a server, Node.js or a compiler takes seconds on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// Whether the long tests are wanted (`./test --long`).
fn is_long() -> bool {
    std::env::var_os("LOADMASTER_TEST_LONG").is_some_and(|value| !value.is_empty())
}

/// The only block of the page in this language.
fn block(language: &str) -> String {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/webhooks.md")).unwrap();
    let blocks: Vec<&str> = page.split(&format!("\n```{language}\n")).skip(1).collect();
    let [block] = blocks[..] else { panic!("the page has {} blocks in {language}", blocks.len()) };
    block.split_once("\n```\n").unwrap().0.to_owned()
}

/// What `scripts/setup.sh` installs for the long tests.
fn installed(path: &str) -> PathBuf {
    let target = Path::new(RUST).ancestors().nth(2).unwrap();
    let path = target.join("long-tests").join(path);
    assert!(path.exists(), "there is no {}: run the tests by ./test --long", path.display());
    path
}

fn rust(_: &Path) -> Command {
    Command::new(RUST)
}

fn python(dir: &Path) -> Command {
    let program = dir.join("receiver.py");
    fs::write(&program, block("python")).unwrap();
    let mut command = Command::new(installed("python/bin/python"));
    command.arg(program);
    command
}

/// The compiler checks the types first, strictly.
fn typescript(dir: &Path) -> Command {
    fs::write(dir.join("receiver.ts"), block("typescript")).unwrap();
    std::os::unix::fs::symlink(installed("node/node_modules"), dir.join("node_modules")).unwrap();
    let mut tsc = Command::new(installed("node/node_modules/.bin/tsc"));
    tsc.args(["--strict", "--module", "nodenext", "--target", "es2022", "--types", "node", "receiver.ts"]);
    let compiled = tsc.current_dir(dir).output().unwrap();
    assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stdout));
    let mut command = Command::new("node");
    command.arg(dir.join("receiver.js"));
    command
}

/// A running receiver; it ends with the test.
struct Receiver {
    process: Child,
    url: String,
    lines: Lines<String>,
    _dir: TempDir,
}

impl Receiver {
    fn start(of: fn(&Path) -> Command, secret: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("lm-receiver-").tempdir().unwrap();
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut command = of(dir.path());
        command.env("WEBHOOK_SECRET", secret).env("PORT", port.to_string()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let (send, lines) = channel();
        std::thread::spawn(move || {
            while let Some(Ok(line)) = output.next() {
                _ = send.send(line);
            }
        });
        let receiver = Self { process, url: format!("http://127.0.0.1:{port}/hooks/loadmaster"), lines, _dir: dir };
        let began = Instant::now();
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(began.elapsed() < PATIENCE, "the receiver does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        receiver
    }

    /// What it printed next.
    fn says(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the receiver has nothing to say")
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// Signs as the page describes it.
struct Sender {
    key: Vec<u8>,
    http: Client,
}

impl Sender {
    fn new() -> Self {
        Self { key: (0..32).collect(), http: Client::builder().no_proxy().build().unwrap() }
    }

    fn secret(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.key))
    }

    fn signature(&self, id: &str, timestamp: i64, body: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.key);
        let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
        format!("v1,{}", STANDARD.encode(tag.as_ref()))
    }

    /// The status that answers this body with these headers.
    async fn send(&self, to: &Receiver, headers: &[(&str, &str)], body: String) -> u16 {
        let request = self.http.post(&to.url).header("content-type", "application/cloudevents+json").body(body);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send().await.unwrap().status().as_u16()
    }

    /// Sends an event that was signed this many seconds ago; returns the status of the response.
    async fn send_signed(&self, to: &Receiver, event: &Value, seconds_ago: i64) -> u16 {
        let (id, body) = (event["id"].as_str().unwrap(), event.to_string());
        let at = Utc::now().timestamp() - seconds_ago;
        let (timestamp, signature) = (at.to_string(), self.signature(id, at, &body));
        let headers = [("webhook-id", id), ("webhook-timestamp", &timestamp), ("webhook-signature", &signature)];
        self.send(to, &headers, body).await
    }
}

fn event(subject: &str, sequence: u64) -> Value {
    json!({
        "specversion": "1.0", "id": format!("{subject}-{sequence}"), "source": "/loadmaster/1", "subject": subject,
        "type": "loadmaster.booking.amended.v1", "time": "2026-11-20T08:30:00Z", "sequence": sequence.to_string(),
        "datacontenttype": "application/json", "data": {"status": "BOOKED", "location": "Zürich"},
    })
}

/// Accepts what is signed, once, and keeps the highest sequence of each subject.
async fn takes_each_event_once(of: fn(&Path) -> Command) {
    let sender = Sender::new();
    let receiver = Receiver::start(of, &sender.secret());
    let line =
        |word: &str, subject: &str, sequence: u64| format!("{word} loadmaster.booking.amended.v1 {subject} {sequence}");
    assert_eq!(sender.send_signed(&receiver, &event("A", 1), 0).await, 204);
    assert_eq!(receiver.says(), line("new", "A", 1));
    // A repetition says nothing: the next line is about the next event.
    assert_eq!(sender.send_signed(&receiver, &event("A", 1), 0).await, 204);
    // A late one does not lower the highest.
    for (word, sequence) in [("new", 4), ("late", 2), ("late", 3), ("new", 5)] {
        assert_eq!(sender.send_signed(&receiver, &event("A", sequence), 0).await, 204);
        assert_eq!(receiver.says(), line(word, "A", sequence));
    }
    assert_eq!(sender.send_signed(&receiver, &event("B", 2), 0).await, 204);
    assert_eq!(receiver.says(), line("new", "B", 2));
    // The numbers of another source are other numbers.
    let mut restored = event("A", 1);
    restored["source"] = "/loadmaster/2".into();
    restored["id"] = "C".into();
    assert_eq!(sender.send_signed(&receiver, &restored, 0).await, 204);
    assert_eq!(receiver.says(), line("new", "A", 1));
    // Ten is above nine, and a number.
    for sequence in [9, 10] {
        assert_eq!(sender.send_signed(&receiver, &event("D", sequence), 0).await, 204);
        assert_eq!(receiver.says(), line("new", "D", sequence));
    }
}

/// Refuses what is not signed so, and accepts it with one right signature of two.
async fn refuses_what_is_not_signed(of: fn(&Path) -> Command) {
    let sender = Sender::new();
    let receiver = Receiver::start(of, &sender.secret());
    let refused = event("A", 1);
    let (id, body, now) = (refused["id"].as_str().unwrap(), refused.to_string(), Utc::now().timestamp());
    let (timestamp, signature) = (now.to_string(), sender.signature(id, now, &body));
    let right = [("webhook-id", id), ("webhook-timestamp", &*timestamp), ("webhook-signature", &*signature)];
    let changed = body.replace("BOOKED", "BOOKEE");
    assert_eq!(sender.send(&receiver, &right, changed).await, 401, "a changed byte");
    for without in 0..right.len() {
        let headers: Vec<_> = right.iter().copied().filter(|header| *header != right[without]).collect();
        assert_eq!(sender.send(&receiver, &headers, body.clone()).await, 401, "without {}", right[without].0);
    }
    let later = (now + 1).to_string();
    for (header, what) in [
        ("webhook-id", "A-2"),
        ("webhook-timestamp", &later),
        ("webhook-signature", "v1,AAAA"),
        ("webhook-signature", "v1"),
    ] {
        let headers = right.map(|(name, value)| if name == header { (name, what) } else { (name, value) });
        assert_eq!(sender.send(&receiver, &headers, body.clone()).await, 401, "{header}: {what}");
    }
    for seconds_ago in [310, -310] {
        assert_eq!(sender.send_signed(&receiver, &refused, seconds_ago).await, 401, "signed {seconds_ago} s ago");
    }
    // While secrets change: one of the signatures is by the other secret.
    let other = Sender { key: vec![7; 32], ..Sender::new() };
    let both = format!("{} {signature}", other.signature(id, now, &body));
    let headers = right.map(|(name, value)| if name == "webhook-signature" { (name, &*both) } else { (name, value) });
    assert_eq!(sender.send(&receiver, &headers, body.clone()).await, 204);
    // Nothing was said before.
    assert_eq!(receiver.says(), "new loadmaster.booking.amended.v1 A 1");
    assert_eq!(sender.send_signed(&receiver, &event("A", 2), 290).await, 204, "signed almost five minutes ago");
}

async fn behaves(of: fn(&Path) -> Command) {
    takes_each_event_once(of).await;
    refuses_what_is_not_signed(of).await;
}

#[tokio::test]
async fn the_receiver_in_rust_behaves() {
    behaves(rust).await;
}

#[tokio::test]
async fn the_receiver_in_python_behaves() {
    if is_long() {
        behaves(python).await;
    }
}

#[tokio::test]
async fn the_receiver_in_typescript_behaves() {
    if is_long() {
        behaves(typescript).await;
    }
}

/// Starts a server with servers of its own: some seconds.
#[tokio::test]
async fn the_receivers_understand_a_server() {
    let loadmaster = Loadmaster::start().await;
    let languages: &[fn(&Path) -> Command] = if is_long() { &[rust, python, typescript] } else { &[rust] };
    for (number, of) in languages.iter().enumerate() {
        let receiver = loadmaster.subscribe(|secret| Receiver::start(*of, secret), |receiver| &receiver.url).await;
        let reference = loadmaster.book(number).await;
        assert_eq!(receiver.says(), format!("new loadmaster.booking.booked.v1 {reference} 1"));
        loadmaster.depart(&reference).await;
        assert_eq!(receiver.says(), format!("new loadmaster.booking.departed.v1 {reference} 2"));
    }
}
