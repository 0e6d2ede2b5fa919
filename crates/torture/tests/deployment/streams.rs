//! Real clients of streams, directly and through nginx: a browser's `EventSource`, and Python's `httpx-sse`.
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::support::{Customer, Daemon, Installation, Nginx, Postgres, Redis, Sandbox, binary, is_long, program};

/// A browser begins in some seconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// A program that follows a stream and prints each event.
struct Reader {
    name: &'static str,
    events: mpsc::Receiver<Value>,
    _process: Daemon,
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/stream-clients").canonicalize().unwrap()
}

/// Where `scripts/setup.sh` has put the packages of the clients: beside the build.
fn packages(language: &str) -> PathBuf {
    let target = binary().parent().and_then(Path::parent).unwrap().to_owned();
    target.join("long-tests").join(language)
}

impl Reader {
    fn start(sandbox: &Sandbox, name: &'static str, mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(sandbox.log(name));
        let mut process = Daemon::of(command);
        let lines = BufReader::new(process.child().stdout.take().unwrap()).lines();
        let (telling, events) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{name} prints {line}"));
                if telling.send(event).is_err() {
                    return;
                }
            }
        });
        Self { name, events, _process: process }
    }

    fn event_source(sandbox: &Sandbox, base: &str, path: &str) -> Self {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(program("node"));
        command.arg(clients().join("event-source.mjs")).arg(packages("node").join("node_modules"));
        command.args([base, path]).arg(program("chromium"));
        Self::start(sandbox, "event-source", command)
    }

    fn httpx(sandbox: &Sandbox, base: &str, path: &str, token: &str) -> Self {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL"]).arg(packages("python").join("bin/python"));
        command.arg(clients().join("httpx_client.py")).args([base, path, token]);
        Self::start(sandbox, "httpx-sse", command)
    }

    /// The next event about the stream itself, or what it tells: name, id, data.
    fn next(&self) -> (String, String, Value) {
        let event = self.events.recv_timeout(PATIENCE);
        let event = event.unwrap_or_else(|_| panic!("{} tells nothing", self.name));
        let text = |member: &str| event[member].as_str().unwrap_or_default().to_owned();
        (text("name"), text("id"), serde_json::from_str(&text("data")).unwrap_or_default())
    }

    /// Waits for an event of this name; the stream may be lost and found before it.
    fn expect(&self, name: &str) -> (String, Value) {
        loop {
            let (told, id, data) = self.next();
            assert_ne!(told, "closed", "{}: the browser has given up", self.name);
            if !["opened", "lost"].contains(&told.as_str()) {
                assert_eq!(told, name, "{}: {data}", self.name);
                return (id, data);
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn browsers_and_python_follow_a_booking_directly_and_through_nginx_over_restarts() {
    if !is_long() {
        return;
    }
    let sandbox = Sandbox::create();
    let postgres = Postgres::create(&sandbox, "postgres", &[("max_connections", "200")]);
    let redis = Redis::start(&sandbox);
    let (owner, app) = (postgres.url("loadmaster"), postgres.url("loadmaster_app"));
    let installation = Installation::new(&sandbox, owner, app, Some(redis.url()));
    let installation = installation.set("server.trusted_proxies=127.0.0.0/8");
    installation.migrate();
    let staff = installation.administrator();
    let mut servers = ["first", "second"].map(|name| installation.serve(&sandbox, name));
    let address = |base: &str| base.strip_prefix("http://").unwrap().to_owned();
    let [first, second] = [address(&servers[0].base), address(&servers[1].base)];
    let nginx = Nginx::start(&sandbox, [first.as_str(), second.as_str()]);
    let direct = servers[0].base.clone();
    let customer = Customer::register(&direct, "follower").await;
    let carrier = Customer::log_in(&direct, &staff).await;
    let flight = carrier.roomy_flight(&direct, "AI904", 48).await;
    let reference = customer.book(&direct, &flight, "followed").await.unwrap().reference();
    let path = format!("/api/v1/bookings/{reference}/stream");
    let ticket = customer.post(&direct, "/api/v1/stream-tickets", None, &json!({ "path": path })).await.unwrap();
    let ticket = ticket.expect(201)["ticket"].as_str().unwrap().to_owned();
    let ticketed = format!("{path}?ticket={ticket}");
    let tracking = format!("/api/v1/tracking/{reference}/stream");
    let readers = [
        (Reader::event_source(&sandbox, &direct, &ticketed), "booking"),
        (Reader::event_source(&sandbox, &nginx.base, &tracking), "tracking"),
        (Reader::httpx(&sandbox, &direct, &path, customer.token()), "booking"),
        (Reader::httpx(&sandbox, &nginx.base, &path, customer.token()), "booking"),
    ];
    for (reader, name) in &readers {
        let (id, data) = reader.expect(name);
        assert_eq!((id.as_str(), &data["event"]), ("1", &Value::Null), "{}", reader.name);
    }
    let step = async |action: &str| {
        let path = format!("/api/v1/bookings/{reference}/{action}");
        carrier.post(&servers_base(&second), &path, None, &json!({})).await.unwrap().expect(200);
        Instant::now()
    };
    let done = step("depart").await;
    expect_each(&readers, 2);
    let waited = done.elapsed();
    println!("all have an event after {} ms", waited.as_millis());
    assert!(waited < Duration::from_secs(5), "nothing on the way keeps it");
    // A stream that is lost goes on where it was: each event comes once, the one that was missed too.
    servers[0].stop();
    step("arrive").await;
    servers[0].start();
    expect_each(&readers, 3);
    step("deliver").await;
    expect_each(&readers, 4);
    drop(readers);
    installation.audit();
}

/// The next event of each is the one with this number.
#[track_caller]
fn expect_each(readers: &[(Reader, &str)], number: u32) {
    for (reader, name) in readers {
        let (id, data) = reader.expect(name);
        assert_eq!((id, &data["event"]["sequence"]), (number.to_string(), &json!(number)), "{}", reader.name);
    }
}

fn servers_base(address: &str) -> String {
    format!("http://{address}")
}
