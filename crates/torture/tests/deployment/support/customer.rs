use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use loadmaster_platform::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use super::Login;

const INTERVAL: Duration = Duration::from_millis(50);
const RETRY_AFTER: Duration = Duration::from_millis(50);
/// A server answers within 10 s.
const PATIENCE: Duration = Duration::from_secs(15);

/// A caller of the API.
#[derive(Clone)]
pub struct Customer {
    http: reqwest::Client,
    token: String,
}

/// The answer to a request: the status, headers that tests look at, and the body.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub replayed: bool,
    pub body: Value,
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{:#}", self.body);
        self.body
    }

    pub fn reference(&self) -> String {
        self.body["ref_id"].as_str().unwrap_or_else(|| panic!("no reference: {self:?}")).to_owned()
    }
}

impl Customer {
    fn new(token: String) -> Self {
        let http = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().unwrap();
        Self { http, token }
    }

    async fn enter(base: &str, by: &str, login: &Login) -> Self {
        let this = Self::new(String::new());
        let body = json!({"email": login.email, "password": login.password});
        let answer = this.post(base, &format!("/api/v1/auth/{by}"), None, &body).await.unwrap();
        assert!(matches!(answer.status, 200 | 201), "{answer:?}");
        Self { token: answer.body["access_token"].as_str().unwrap().to_owned(), ..this }
    }

    pub async fn log_in(base: &str, login: &Login) -> Self {
        Self::enter(base, "login", login).await
    }

    /// A shipper with an organization of its own.
    pub async fn register(base: &str, name: &str) -> Self {
        let email = format!("{name}@example.com");
        Self::enter(base, "register", &Login { email, password: "a password of forty characters or so".to_owned() })
            .await
    }

    pub fn token(&self) -> &str {
        &self.token
    }

    pub async fn get(&self, base: &str, path: &str) -> reqwest::Result<Answer> {
        self.send(self.http.get(format!("{base}{path}"))).await
    }

    pub async fn post(&self, base: &str, path: &str, key: Option<&str>, body: &Value) -> reqwest::Result<Answer> {
        let mut request = self.http.post(format!("{base}{path}")).json(body);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.send(request).await
    }

    async fn send(&self, mut request: reqwest::RequestBuilder) -> reqwest::Result<Answer> {
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        let response = request.send().await?;
        let status = response.status().as_u16();
        let replayed = response.headers().get("idempotency-replayed").is_some_and(|value| value == "true");
        let body = serde_json::from_slice(&response.bytes().await?).unwrap_or_default();
        Ok(Answer { status, replayed, body })
    }

    /// As staff: a flight from Bombay to Delhi that never gets full. Returns its id.
    pub async fn roomy_flight(&self, base: &str, number: &str, leaves_in_hours: i64) -> String {
        let now = chrono::DateTime::from_timestamp(SystemClock.now().timestamp(), 0).unwrap();
        let leaves = now + chrono::TimeDelta::hours(leaves_in_hours);
        let body = json!({
            "flight_number": number, "origin": "BOM", "destination": "DEL", "departure_datetime": leaves,
            "arrival_datetime": leaves + chrono::TimeDelta::hours(3),
            "capacity": {"weight_kg": 9_000_000, "positions": 9999},
        });
        let flight = self.post(base, "/api/v1/flights", None, &body).await.unwrap().expect(201);
        flight["id"].as_str().unwrap().to_owned()
    }

    /// The day of its departure, where it departs.
    pub async fn day_of(&self, base: &str, flight: &str) -> String {
        let flight = self.get(base, &format!("/api/v1/flights/{flight}")).await.unwrap().expect(200);
        flight["departure_local"].as_str().unwrap()[..10].to_owned()
    }

    /// Books one kilogram on that flight.
    pub async fn book(&self, base: &str, flight: &str, key: &str) -> reqwest::Result<Answer> {
        let order = json!({
            "origin": "BOM", "destination": "DEL", "pieces": 1, "weight_kg": 1, "customer_reference": key,
            "flight_ids": [flight],
        });
        self.post(base, "/api/v1/bookings", Some(key), &order).await
    }
}

/// An acknowledged booking.
#[derive(Debug, Clone)]
pub struct Booked {
    pub instance: usize,
    pub key: String,
    pub reference: String,
    /// When the first attempt was sent, when the one that was acknowledged, and when that was acknowledged.
    pub began: Instant,
    pub sent: Instant,
    pub acknowledged: Instant,
    /// The attempts before.
    pub failures: Vec<Failure>,
}

/// An attempt that was not acknowledged.
#[derive(Debug, Clone)]
pub struct Failure {
    pub sent: Instant,
    pub ended: Instant,
    /// `None` for a broken connection or no answer.
    pub status: Option<u16>,
}

/// A client for each address that books one kilogram after another, and repeats each booking with its key until it is
/// acknowledged.
pub struct Probe {
    shared: Arc<Shared>,
    clients: JoinSet<()>,
}

struct Shared {
    customer: Customer,
    flight: String,
    name: String,
    serial: AtomicU64,
    booked: Mutex<Vec<Booked>>,
    stop: AtomicBool,
}

impl Probe {
    /// `each` clients for each address. The name makes keys unique.
    pub fn start(customer: &Customer, flight: &str, name: &str, bases: &[&str], each: usize) -> Self {
        let shared = Arc::new(Shared {
            customer: customer.clone(),
            flight: flight.to_owned(),
            name: name.to_owned(),
            serial: AtomicU64::new(1),
            booked: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let mut clients = JoinSet::new();
        for (instance, base) in bases.iter().enumerate() {
            for _ in 0..each {
                clients.spawn(Arc::clone(&shared).work(instance, (*base).to_owned()));
            }
        }
        Self { shared, clients }
    }

    pub fn so_far(&self) -> Vec<Booked> {
        self.shared.booked.lock().unwrap().clone()
    }

    /// Waits until each address has acknowledged a booking that was sent after that moment; returns the times of the first
    /// and the last of them since then.
    pub async fn recovery(&self, instances: usize, since: Instant, patience: Duration) -> (Duration, Duration) {
        loop {
            let booked = self.so_far();
            let first = |instance| {
                let mut of = booked.iter().filter(|booked| booked.instance == instance && booked.sent > since);
                of.next().map(|booked| booked.acknowledged - since)
            };
            let times: Option<Vec<Duration>> = (0..instances).map(first).collect();
            if let Some(times) = times {
                return (*times.iter().min().unwrap(), *times.iter().max().unwrap());
            }
            assert!(since.elapsed() < patience, "no booking was acknowledged for {} s", patience.as_secs());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends when every booking that was begun is acknowledged.
    pub async fn stop(mut self) -> Vec<Booked> {
        self.shared.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.clients.join_next().await {
            ended.unwrap();
        }
        self.so_far()
    }
}

impl Shared {
    async fn work(self: Arc<Self>, instance: usize, base: String) {
        while !self.stop.load(Ordering::Relaxed) {
            let key = format!("{}-{}", self.name, self.serial.fetch_add(1, Ordering::Relaxed));
            let booked = self.book_until_done(instance, &base, key).await;
            self.booked.lock().unwrap().push(booked);
            tokio::time::sleep(INTERVAL).await;
        }
    }

    async fn book_until_done(&self, instance: usize, base: &str, key: String) -> Booked {
        let (began, mut failures) = (Instant::now(), Vec::new());
        loop {
            let sent = Instant::now();
            match self.customer.book(base, &self.flight, &key).await {
                Ok(answer) if answer.status == 201 => {
                    let (reference, acknowledged) = (answer.reference(), Instant::now());
                    return Booked { instance, key, reference, began, sent, acknowledged, failures };
                }
                Ok(answer) => {
                    let may_pass = answer.status >= 500 || answer.status == 409;
                    assert!(may_pass, "{key}: {answer:?}");
                    failures.push(Failure { sent, ended: Instant::now(), status: Some(answer.status) });
                }
                Err(_) => failures.push(Failure { sent, ended: Instant::now(), status: None }),
            }
            assert!(began.elapsed() < Duration::from_mins(3), "{key} is never acknowledged: {failures:?}");
            tokio::time::sleep(RETRY_AFTER).await;
        }
    }
}

/// Each acknowledged booking is there, and each key has given one booking.
pub async fn assert_all_there(customer: &Customer, base: &str, booked: &[Booked]) {
    for chunk in booked.chunks(32) {
        let mut asking = JoinSet::new();
        for one in chunk {
            let (customer, base, one) = (customer.clone(), base.to_owned(), one.clone());
            asking.spawn(async move {
                let found = customer.get(&base, &format!("/api/v1/bookings/{}", one.reference)).await.unwrap();
                assert_eq!(found.status, 200, "{one:?} was lost: {found:?}");
                assert_eq!(found.body["customer_reference"], one.key.as_str(), "{one:?} is another's: {found:?}");
            });
        }
        while let Some(asked) = asking.join_next().await {
            asked.unwrap();
        }
    }
    let mut references: Vec<_> = booked.iter().map(|booked| &booked.reference).collect();
    references.sort_unstable();
    references.dedup();
    assert_eq!(references.len(), booked.len(), "a reference was issued twice");
}
