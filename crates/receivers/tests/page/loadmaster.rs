//! A server with private servers of its own, and an operator at it.
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Child, Command, Stdio},
};

use chrono::{SubsecRound, TimeDelta, Utc};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tempfile::TempDir;

const EMAIL: &str = "operator@example.com";
const PASSWORD: &str = "a password of forty characters or so";

/// Dropping it stops the server, and with it its servers.
pub struct Loadmaster {
    process: Child,
    http: Client,
    base: String,
    token: String,
    flight: String,
    dir: TempDir,
}

/// The server binary, which a build of the whole workspace puts beside the receiver.
fn command(dir: &Path) -> Command {
    let path = Path::new(super::RUST).with_file_name("loadmaster");
    assert!(path.exists(), "there is no {}: run `cargo build`, or the tests by ./test", path.display());
    let mut command = Command::new(path);
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("TMPDIR", dir).current_dir(dir);
    command.env("LOADMASTER_EMBEDDED__DATA_DIR", dir.join("data"));
    command
}

impl Loadmaster {
    pub async fn start() -> Self {
        let dir = tempfile::Builder::new().prefix("lm-").tempdir().unwrap();
        // The private PostgreSQL runs as another user when this runs as root.
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let log = fs::File::create(dir.path().join("server.log")).unwrap();
        let mut serve = command(dir.path());
        serve.args(["serve", "--set", "server.port=0", "--set", "webhooks.trusted_networks=[\"127.0.0.0/8\"]"]);
        let mut process = serve.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready = output.find_map(|line| line.unwrap().strip_prefix("Loadmaster is ready at ").map(str::to_owned));
        let base = ready.expect("the server gets ready").split_whitespace().next().unwrap().to_owned();
        std::thread::spawn(move || output.for_each(drop));
        let http = Client::builder().no_proxy().build().unwrap();
        let (token, flight) = (String::new(), String::new());
        let mut server = Self { process, http, base, token, flight, dir };
        server.create_operator();
        let login = json!({"email": EMAIL, "password": PASSWORD});
        server.token = text(&server.call(Method::POST, "/auth/login", login).await["access_token"]);
        let leaves = Utc::now().trunc_subsecs(0) + TimeDelta::days(30);
        let flight = json!({
            "flight_number": "LH8000", "origin": "FRA", "destination": "JFK", "departure_datetime": leaves,
            "arrival_datetime": leaves + TimeDelta::hours(9), "capacity": {"weight_kg": 90_000, "positions": 30},
        });
        server.flight = text(&server.call(Method::POST, "/flights", flight).await["id"]);
        server
    }

    fn create_operator(&self) {
        let mut create = command(self.dir.path());
        create.args(["user", "create", "--email", EMAIL, "--role", "admin", "--password-stdin"]);
        let mut create = create.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        create.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
        assert!(create.wait().unwrap().success());
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        self.call_if(method, path, None, body).await
    }

    async fn call_if(&self, method: Method, path: &str, version: Option<&Value>, body: Value) -> Value {
        let url = format!("{}/api/v1{path}", self.base);
        let mut request = self.http.request(method, url).bearer_auth(&self.token).json(&body);
        if let Some(version) = version {
            request = request.header("if-match", format!("\"{version}\""));
        }
        let answer = request.send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Makes a webhook, starts its receiver with the secret, and then sends there.
    pub async fn subscribe<R>(&self, start: impl FnOnce(&str) -> R, url: impl FnOnce(&R) -> &str) -> R {
        let nowhere = json!({"url": "http://127.0.0.1:1/", "types": ["loadmaster.booking.*"], "scope": "all"});
        let webhook = self.call(Method::POST, "/webhooks", nowhere).await;
        let receiver = start(webhook["secret"].as_str().unwrap());
        let path = format!("/webhooks/{}", webhook["id"].as_str().unwrap());
        self.call_if(Method::PATCH, &path, Some(&webhook["version"]), json!({"url": url(&receiver)})).await;
        receiver
    }

    /// The reference of a new booking.
    pub async fn book(&self, number: usize) -> String {
        let booking = json!({
            "origin": "FRA", "destination": "JFK", "pieces": 1 + number, "weight_kg": 100, "flight_ids": [self.flight],
        });
        text(&self.call(Method::POST, "/bookings", booking).await["ref_id"])
    }

    pub async fn depart(&self, reference: &str) {
        self.call(Method::POST, &format!("/bookings/{reference}/depart"), json!({})).await;
    }
}

impl Drop for Loadmaster {
    fn drop(&mut self) {
        _ = kill(Pid::from_raw(self.process.id().try_into().unwrap()), Signal::SIGTERM);
        _ = self.process.wait();
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
