//! A server in a process of its own that dies and is started again, a clock that is moved, and callers who insist.
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_accounts::Role;
use loadmaster_testkit::{
    Answer, Client, Dice, NewFlight, Process, TestDatabase, World, WorldOptions,
    billing::tariff,
    freight::text,
    pricing::{QUOTES, TARIFFS},
};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    process::Command,
    sync::Notify,
    task::{AbortHandle, JoinSet},
};
use uuid::Uuid;

/// Longest time for which nothing may stay undecided once nobody disturbs; what a deliberate fault leaves is not waited for as
/// long.
const PATIENCE: Duration = Duration::from_mins(3);
const PATIENCE_WITH_A_FAULT: Duration = Duration::from_secs(30);

/// What is still under way, in words.
const OPEN: &str = "
    select 'operation ' || kind || ' ' || status || ' ' || coalesce(note, '') from payment_operations
    where status in ('OPEN', 'UNRESOLVED')
    union all select 'payment ' || id || ' ' || status from payments
    where status in ('CREATED', 'PROCESSING', 'REQUIRES_ACTION', 'AUTHORIZED')
    union all select 'hold ' || id || ' ' || status from holds where status = 'COMMITTING'";

const DUE: &str = "select id::text from payment_operations where status = 'OPEN' and next_attempt_at";

pub struct Stage {
    /// Does no work of its own: it prepares and looks behind the API.
    pub world: World,
    pub admin: Client,
    pub flight: Value,
    clock: TestClock,
    base: Mutex<String>,
    kills: Notify,
    settings: Vec<String>,
    sabotage: Option<&'static str>,
    /// What is wrong.
    breaches: Mutex<Vec<String>>,
    /// The steps at which it died.
    crashes: Mutex<Vec<String>>,
}

/// The clock of the process: the machine's, and what its file adds.
struct TestClock {
    directory: TempDir,
    ahead: AtomicI64,
}

impl TestClock {
    fn path(&self) -> PathBuf {
        self.directory.path().join("clock")
    }

    /// Replaced at once: a reader of half a number would go back in time.
    fn pass(&self, seconds: u64) {
        let ahead = self.ahead.fetch_add(seconds.cast_signed(), Ordering::SeqCst) + seconds.cast_signed();
        let new = self.directory.path().join(format!("{ahead}-{}", Uuid::new_v4()));
        std::fs::write(&new, ahead.to_string()).unwrap();
        std::fs::rename(new, self.path()).unwrap();
    }

    fn now(&self) -> DateTime<Utc> {
        Utc::now() + TimeDelta::seconds(self.ahead.load(Ordering::SeqCst))
    }
}

/// A server that is started again whenever it dies; it ends with its owner.
pub struct Served(AbortHandle);

impl Drop for Served {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A request that is repeated as it is.
#[derive(Debug, Clone)]
pub struct Wish {
    pub caller: Client,
    pub method: Method,
    pub path: String,
    pub key: String,
    pub body: Value,
}

impl Wish {
    pub fn post(caller: &Client, path: impl Into<String>, body: Value) -> Self {
        Self { caller: caller.clone(), method: Method::POST, path: path.into(), key: Uuid::new_v4().to_string(), body }
    }
}

impl Stage {
    /// DEL–LHR at 9 USD for a kilogram, forty hours before it leaves.
    pub async fn open(settings: &[(&str, &str)], sabotage: Option<&'static str>) -> Arc<Self> {
        let database = TestDatabase::create().await;
        let options = WorldOptions::patient().without_redis();
        let options = options.set("auth.access_token_minutes", "100000").on(&database);
        let world = options.start().await;
        let now = DateTime::from_timestamp(Utc::now().timestamp(), 0).unwrap();
        world.clock.set(now);
        let admin = world.admin().await;
        admin.post(TARIFFS, tariff()).await.expect(201);
        let departure = (now + TimeDelta::hours(40)).to_rfc3339();
        let flight = NewFlight::new("AI101", "DEL", "LHR").departs(&departure).weight(9_000_000.0).volume(9_000_000.0);
        let flight = world.flight(flight).await;
        let own = ["auth.access_token_minutes=100000", "payments.wait_ms=400", "database.max_connections=12"];
        let given = settings.iter().map(|(name, value)| format!("{name}={value}"));
        let settings = own.iter().map(|&setting| setting.to_owned()).chain(given).collect();
        let clock = TestClock { directory: tempfile::tempdir().unwrap(), ahead: AtomicI64::new(0) };
        clock.pass(0);
        Arc::new(Self {
            world,
            admin,
            flight,
            clock,
            base: Mutex::new("http://127.0.0.1:9".to_owned()),
            kills: Notify::new(),
            settings,
            sabotage,
            breaches: Mutex::default(),
            crashes: Mutex::default(),
        })
    }

    /// Serves, and dies at these steps of the first processes, one after the other.
    pub fn serve(self: &Arc<Self>, crashes: Vec<String>) -> Served {
        let stage = self.clone();
        let serving = tokio::spawn(async move {
            for crash_at in crashes.into_iter().map(Some).chain(std::iter::repeat(None)) {
                let Some(mut process) = stage.start(crash_at.as_deref()).await else {
                    stage.crashes.lock().unwrap().push("before it was ready".to_owned());
                    continue;
                };
                stage.base.lock().unwrap().clone_from(&process.base);
                tokio::select! {
                    _ = process.child.wait() => {}
                    () = stage.kills.notified() => process.child.kill().await.unwrap(),
                }
                // Its last words arrive a little later.
                tokio::time::sleep(Duration::from_millis(50)).await;
                let last = process.last.borrow().clone();
                stage.crashes.lock().unwrap().push(last.replace("Loadmaster crashes at ", ""));
            }
        });
        Served(serving.abort_handle())
    }

    async fn start(&self, crash_at: Option<&str>) -> Option<Process> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_loadmaster"));
        command.env_clear().envs(self.world.database.environment());
        command.env("LOADMASTER_TEST_TIMING", "brief").env("LOADMASTER_TEST_TIME", self.clock.path());
        if let Some(crash_at) = crash_at {
            command.env("LOADMASTER_CRASH_AT", crash_at);
        }
        if let Some(sabotage) = self.sabotage {
            command.env("LOADMASTER_SABOTAGE", sabotage);
        }
        let settings: Vec<&str> = self.settings.iter().map(String::as_str).collect();
        Process::try_of(command, &settings).await
    }

    /// Kills the process as `kill -9` does, if there is one; another one takes its place.
    pub fn kill(&self) {
        self.kills.notify_waiters();
    }

    /// Waits until a process answers.
    pub async fn until_serving(&self) {
        loadmaster_testkit::until("it serves", async || {
            let probe = self.client(&self.admin).request(Method::GET, "/livez");
            probe.timeout(Duration::from_secs(2)).send().await.is_ok()
        })
        .await;
    }

    /// Lets time pass.
    pub fn pass(&self, seconds: u64) {
        self.clock.pass(seconds);
    }

    /// The time of the process.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// A customer with an organization of its own.
    pub async fn customer(&self) -> Client {
        self.world.caller(Role::Customer).await
    }

    pub fn breach(&self, what: String) {
        self.breaches.lock().unwrap().push(what);
    }

    pub fn breaches(&self) -> Vec<String> {
        self.breaches.lock().unwrap().clone()
    }

    pub fn crashes(&self) -> Vec<String> {
        self.crashes.lock().unwrap().clone()
    }

    /// The same caller at the process that serves now.
    pub fn client(&self, caller: &Client) -> Client {
        Client { base: self.base.lock().unwrap().clone(), ..caller.clone() }
    }

    /// Asks once; `None` if there is no answer.
    async fn ask(&self, wish: &Wish) -> Option<Answer> {
        let request = self.client(&wish.caller).request(wish.method.clone(), &wish.path);
        let request = request.header("idempotency-key", &wish.key).json(&wish.body).timeout(Duration::from_secs(15));
        let answer = request.send().await.ok()?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let text = answer.text().await.ok()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Some(Answer { status, headers, text, body })
    }

    /// Asks under the same key until there is a final answer, at most so often. Time passes meanwhile, so many seconds now and
    /// then.
    pub async fn insist(&self, wish: &Wish, dice: &mut Dice, (times, pace): (usize, u64)) -> Option<Answer> {
        for _ in 0..times {
            if let Some(answer) = self.ask(wish).await {
                let code = answer.body["code"].as_str().unwrap_or_default();
                match (answer.status.as_u16(), code) {
                    (202 | 503 | 504, _) | (409, "idempotency_in_progress") => {}
                    (500.., _) => {
                        self.breach(format!("{} {}: {}", wish.method, wish.path, answer.text));
                        return None;
                    }
                    _ => return Some(answer),
                }
            }
            tokio::time::sleep(Duration::from_millis(80 + dice.below(150))).await;
            if pace > 0 && dice.below(3) == 0 {
                self.pass(dice.below(pace) + 1);
            }
        }
        None
    }

    /// Insists on a success.
    pub async fn get(&self, wish: &Wish, dice: &mut Dice) -> Option<Value> {
        let answer = self.insist(wish, dice, (300, 0)).await;
        match answer {
            Some(answer) if answer.status.is_success() => Some(answer.body),
            Some(answer) => {
                self.breach(format!("{} {}: {}", wish.method, wish.path, answer.text));
                None
            }
            None => {
                self.breach(format!("{} {} was never answered", wish.method, wish.path));
                None
            }
        }
    }

    /// 100 kg for 900 USD.
    pub fn wanted(&self) -> Value {
        json!({"flight_ids": [text(&self.flight, "id")], "weight_kg": 100, "pieces": 1})
    }

    pub fn quoted(&self) -> Value {
        json!({"origin": "DEL", "destination": "LHR", "flight_ids": [text(&self.flight, "id")], "weight_kg": 100})
    }

    pub async fn quote(&self, caller: &Client, dice: &mut Dice) -> Option<Value> {
        self.get(&Wish::post(caller, QUOTES, self.quoted()), dice).await
    }

    /// Lets time pass, so many seconds at a time, until nothing is under way. What is due is done first: else the time for which
    /// a provider is asked would run out.
    pub async fn settle(&self, step: u64) {
        let (began, mut passed) = (Instant::now(), Instant::now());
        let patience = if self.sabotage.is_some() { PATIENCE_WITH_A_FAULT } else { PATIENCE };
        loop {
            let open = self.world.texts(OPEN).await;
            if open.is_empty() {
                return;
            }
            if began.elapsed() > patience {
                return self.breach(format!("never decided: {open:?}"));
            }
            let due = format!("{DUE} <= '{}'", self.now().to_rfc3339());
            let pause = if open.iter().any(|one| one.starts_with("operation")) { 300 } else { 2500 };
            if passed.elapsed() > Duration::from_millis(pause) && self.world.texts(&due).await.is_empty() {
                self.pass(step);
                passed = Instant::now();
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Rows as JSON.
    pub async fn rows(&self, query: &str) -> Vec<Value> {
        let texts = self.world.texts(&format!("select to_jsonb(found)::text from ({query}) found")).await;
        texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    /// What the product's own audit says.
    pub async fn audit(&self) {
        let options = loadmaster::app::AuditOptions::default();
        for check in loadmaster_testkit::breaches(&self.world.database, options).await {
            self.breach(format!("audit: {check:?}"));
        }
    }
}

/// Runs these beside each other.
pub async fn all<F>(work: impl IntoIterator<Item = F>)
where
    F: Future<Output = ()> + Send + 'static,
{
    let mut running = JoinSet::new();
    for one in work {
        running.spawn(one);
    }
    while let Some(ended) = running.join_next().await {
        ended.unwrap();
    }
}
