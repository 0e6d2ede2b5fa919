//! An attacker with one address and no account, and how much others are slowed: a long test, because it measures.
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread,
    time::{Duration, Instant},
};

use loadmaster_platform::tables::XLSX;
use loadmaster_testkit::{
    Client, OwnRedis, Process, TestDatabase, connect_from, import::table, is_long, sum_of, workbook::workbook,
};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::Command,
    task::JoinSet,
};

use super::{client_at, streams::taken_back};

const STRANGER: &str = "127.0.0.66";
/// The number of other accounts, each at an address of its own and each calling as often as its quota allows.
const NEIGHBOURS: u8 = 6;
const PAUSE: Duration = Duration::from_millis(110);
const MEASURED: Duration = Duration::from_secs(10);
/// Before it is measured what an attack does.
const WARMING: Duration = Duration::from_secs(2);
/// Requests that must have been worked on for an attack to have been one.
const ENOUGH: u64 = 20;
/// The same for requests that take a server's processor for a second, as exports of 28 000 flights do.
const ENOUGH_LONG: u64 = 4;
/// A slower answer than this is noticed, a faster one is not, however fast it was before.
const NOTICED: Duration = Duration::from_millis(50);

/// What the neighbours ask, and how long each answer takes them. They have a thread of their own, so that what the attack
/// costs this process is not taken for what it costs the server.
struct Neighbours {
    stop: Arc<AtomicBool>,
    took: Arc<Mutex<Vec<Duration>>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Neighbours {
    fn start(base: &str) -> Self {
        let (stop, took) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Vec<Duration>>>::default());
        let (base, stopping, noted) = (base.to_owned(), stop.clone(), took.clone());
        let asking = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let mut all = JoinSet::new();
                for number in 0..NEIGHBOURS {
                    all.spawn(ask(format!("127.0.0.{}", 10 + number), base.clone(), stopping.clone(), noted.clone()));
                }
                all.join_all().await;
            });
        };
        Self { stop, took, thread: Some(thread::spawn(asking)) }
    }

    /// The median and the slowest hundredth of what is asked from now on.
    async fn measure(&self) -> (Duration, Duration) {
        self.took.lock().unwrap().clear();
        tokio::time::sleep(MEASURED).await;
        let mut took = std::mem::take(&mut *self.took.lock().unwrap());
        // A neighbour without any answer has waited for at least that time.
        took.push(if took.len() < usize::from(NEIGHBOURS) { MEASURED } else { Duration::ZERO });
        took.sort_unstable();
        (took[took.len() / 2], took[took.len() * 99 / 100])
    }
}

impl Drop for Neighbours {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        _ = self.thread.take().unwrap().join();
    }
}

async fn ask(address: String, base: String, stop: Arc<AtomicBool>, took: Arc<Mutex<Vec<Duration>>>) {
    let stranger = client_at(&address, &base);
    let account = json!({"email": format!("{address}@example.com"), "password": "correct horse battery"});
    let answer = stranger.post("/api/v1/auth/register", account).await.expect(201);
    let client = Client { token: Some(answer["access_token"].as_str().unwrap().to_owned()), ..stranger };
    let search = "/api/v1/routes?origin=DEL&destination=LHR&departure_date=2026-11-20&weight_kg=10";
    for path in ["/api/v1/airports/DEL", "/api/v1/bookings", search].iter().cycle() {
        if stop.load(Relaxed) {
            return;
        }
        let began = Instant::now();
        // A refusal counts as the longest wait.
        let is_answered = client.get(path).await.status.as_u16() < 500;
        took.lock().unwrap().push(if is_answered { began.elapsed() } else { MEASURED });
        tokio::time::sleep(PAUSE.saturating_sub(began.elapsed())).await;
    }
}

/// One way to be a nuisance; each lasts until it is dropped.
type Attack = fn(&str) -> JoinSet<()>;

/// Sends the same bytes again and again and reads what comes, as fast as it is taken.
fn pump(base: &str, connections: usize, bytes: impl Into<Vec<u8>>) -> JoinSet<()> {
    let (mut all, bytes) = (JoinSet::new(), Arc::new(bytes.into()));
    for _ in 0..connections {
        let (base, bytes) = (base.to_owned(), bytes.clone());
        all.spawn(async move {
            loop {
                if let Ok(stream) = connect_from(STRANGER, &base).await {
                    pump_once(stream, &bytes).await;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    }
    all
}

async fn pump_once(stream: TcpStream, bytes: &[u8]) {
    let (mut reading, mut writing) = stream.into_split();
    let mut buffer = vec![0; 256 * 1024];
    tokio::select! {
        () = async { while writing.write_all(bytes).await.is_ok() {} } => {}
        () = async { while let Ok(1..) = reading.read(&mut buffer).await {} } => {}
    }
}

/// Sends these bytes and then a blank now and then, without reading anything. A connection that is closed is replaced.
fn hold(base: &str, connections: usize, bytes: impl Into<Vec<u8>>) -> JoinSet<()> {
    let (mut all, bytes) = (JoinSet::new(), Arc::new(bytes.into()));
    for _ in 0..connections {
        let (base, bytes) = (base.to_owned(), bytes.clone());
        all.spawn(async move {
            loop {
                if let Ok(mut stream) = connect_from(STRANGER, &base).await {
                    _ = stream.write_all(&bytes).await;
                    while stream.write_all(b" ").await.is_ok() {
                        tokio::time::sleep(Duration::from_secs(2)).await;
                    }
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        });
    }
    all
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").repeat(50)
}

fn post(body: &str) -> String {
    format!(
        "POST /api/v1/routes/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

const CHUNKED: &str = "POST /api/v1/routes/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
                       Transfer-Encoding: chunked\r\n\r\n";

/// Sends `first` and then `rest` again and again, on 16 connections.
fn stream(base: &str, first: &[u8], rest: &[u8]) -> JoinSet<()> {
    let (mut all, first, rest) = (JoinSet::new(), first.to_vec(), rest.repeat(8_000));
    for _ in 0..16 {
        let (base, first, rest) = (base.to_owned(), first.clone(), rest.clone());
        all.spawn(async move {
            loop {
                if let Ok(mut stream) = connect_from(STRANGER, &base).await
                    && stream.write_all(&first).await.is_ok()
                {
                    pump_once(stream, &rest).await;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
    }
    all
}

fn comings_and_goings(base: &str) -> JoinSet<()> {
    let mut all = JoinSet::new();
    for _ in 0..16 {
        let base = base.to_owned();
        all.spawn(async move {
            loop {
                if let Ok(stream) = connect_from(STRANGER, &base).await {
                    _ = stream.set_zero_linger();
                }
                tokio::task::yield_now().await;
            }
        });
    }
    all
}

const ATTACKS: [(&str, Attack); 18] = [
    ("flood of /livez", |base| pump(base, 16, get("/livez"))),
    ("flood of /health", |base| pump(base, 16, get("/health"))),
    ("flood of /metrics", |base| pump(base, 16, get("/metrics"))),
    ("flood of /openapi.json", |base| pump(base, 16, get("/openapi.json"))),
    ("flood of /docs/", |base| pump(base, 16, get("/docs/"))),
    ("flood of /problems", |base| pump(base, 16, get("/problems"))),
    ("flood of a counted path", |base| pump(base, 16, get("/api/v1/airports/DEL"))),
    ("large bodies", |base| pump(base, 16, post(&format!("[{}0]", "0,".repeat(500_000))))),
    ("deep bodies", |base| pump(base, 16, post(&"[".repeat(1_000_000)))),
    ("headers of 60 KiB", |base| {
        pump(base, 16, format!("GET / HTTP/1.1\r\nA: {0}\r\nB: {0}\r\n\r\n", "p".repeat(30_000)))
    }),
    ("slow heads", |base| hold(base, 2000, "GET / HTTP/1.1\r\nHost:")),
    ("slow bodies", |base| hold(base, 2000, &post(&" ".repeat(1000))[..200])),
    ("slow readers", |base| hold(base, 500, get("/openapi.json"))),
    ("requests taken back", |base| pump(base, 16, taken_back(1000))),
    ("frames without requests", |base| stream(base, &taken_back(1), b"\0\0\x05\x02\0\0\0\0\x05\0\0\0\0\x10")),
    ("a body of tiny chunks", |base| stream(base, CHUNKED.as_bytes(), b"1\r\nx\r\n")),
    ("refused bodies of tiny chunks", |base| {
        stream(base, CHUNKED.replace("POST /api/v1/routes/search", "GET /livez").as_bytes(), b"1\r\nx\r\n")
    }),
    ("connections that come and go", comings_and_goings),
];

/// Flights enough for exports to take their time.
async fn import_flights(database: &TestDatabase) {
    let rows: Vec<String> = (0..28_000)
        .map(|row| {
            let (day, number) = (1 + row % 28, 1000 + row / 28);
            format!("AI{number},DEL,LHR,2027-02-{day:02}T10:00:00Z,2027-02-{day:02}T19:00:00Z,,1000,10,5,60")
        })
        .collect();
    let file = tempfile::Builder::new().suffix(".csv").tempfile().unwrap();
    std::fs::write(file.path(), table(&rows.iter().map(String::as_str).collect::<Vec<_>>())).unwrap();
    let mut import = Command::new(env!("CARGO_BIN_EXE_loadmaster"));
    import.args(["flights", "import"]).arg(file.path()).envs(database.environment());
    assert!(import.output().await.unwrap().status.success());
}

/// A server with callers whose waits are measured.
struct Scene {
    neighbours: Neighbours,
    process: Process,
    _redis: OwnRedis,
    database: TestDatabase,
}

impl Scene {
    async fn set() -> Self {
        let (database, redis) = (TestDatabase::create().await, OwnRedis::start().await);
        import_flights(&database).await;
        let process = Process::start(&database, &redis, &["rate_limit.enabled=true"]).await;
        let neighbours = Neighbours::start(&process.base);
        tokio::time::sleep(WARMING).await;
        println!("{:32} {:>12} {:>12} {:>12} {:>12}", "", "median", "p99", "then median", "then p99");
        Self { neighbours, process, _redis: redis, database }
    }

    /// The number of answers of an operation with one of these statuses so far.
    async fn answered(&self, route: &str, statuses: &[&str]) -> u64 {
        let client = client_at("127.0.0.67", &self.process.base);
        let mut sum = 0;
        for status in statuses {
            let part = format!("route=\"{route}\",status=\"{status}\"");
            sum += sum_of(&client, "http_requests_total{", &part).await;
        }
        sum
    }

    /// The token of an account with this role, at the stranger's address.
    async fn token(&self, role: &str) -> String {
        let client = client_at(STRANGER, &self.process.base);
        let account = json!({"email": format!("{role}@example.com"), "password": "correct horse battery"});
        client.post("/api/v1/auth/register", account.clone()).await.expect(201);
        let appoint = format!("update users set role = '{role}' where email = '{role}@example.com'");
        sqlx::raw_sql(sqlx::AssertSqlSafe(appoint)).execute(&mut self.database.owner().await).await.unwrap();
        let answer = client.post("/api/v1/auth/login", account).await.expect(200);
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// The slowest hundredth before the attack and during it.
    async fn measure(&self, name: &str, attack: impl Fn(&str) -> JoinSet<()>) -> (Duration, Duration) {
        let (median, before) = self.neighbours.measure().await;
        let mut attacking = attack(&self.process.base);
        tokio::time::sleep(WARMING).await;
        let (then, during) = self.neighbours.measure().await;
        attacking.shutdown().await;
        let times = during.as_secs_f64() / before.as_secs_f64();
        println!("{name:32} {median:>12.2?} {before:>12.2?} {then:>12.2?} {during:>12.2?} {times:>8.1} times");
        tokio::time::sleep(WARMING).await;
        (before, during)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stranger_with_one_address_does_not_slow_others_tenfold() {
    if !is_long() {
        return;
    }
    let only = std::env::var("LOADMASTER_TEST_ATTACK").unwrap_or_default();
    let scene = Scene::set().await;
    let mut too_slow = Vec::new();
    for (name, attack) in ATTACKS.iter().filter(|(name, _)| name.contains(&only)) {
        let (before, during) = scene.measure(name, attack).await;
        if during > (before * 10).max(NOTICED) {
            too_slow.push(*name);
        }
    }
    assert!(too_slow.is_empty(), "others were slowed more than tenfold by {too_slow:?}");
}

const IMPORT: &str = "/api/v1/flights/import";
const EXPORT: &str = "/api/v1/flights/export";

/// A workbook that unpacks to so many comments of 100 kB, and has no row.
fn blank_workbook(comments: usize) -> Vec<u8> {
    workbook(&format!("<!--{}-->", "x".repeat(100_000)).repeat(comments), "<sst/>")
}

fn workbooks(base: &str, token: &str, body: &[u8]) -> JoinSet<()> {
    let head = format!(
        "POST {IMPORT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: {XLSX}\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    pump(base, 16, [head.as_bytes(), body].concat())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn workbooks_of_an_administrator_do_not_slow_others_tenfold() {
    if !is_long() {
        return;
    }
    let scene = Scene::set().await;
    // Nobody else may import.
    let token = scene.token("admin").await;
    // A small one, and one that unpacks to as much as any may: what stands before an archive counts towards its size.
    let large = [vec![0; 2_600_000], blank_workbook(2600)].concat();
    for (name, body, enough) in [("workbooks", blank_workbook(160), ENOUGH), ("largest workbooks", large, ENOUGH_LONG)]
    {
        let sooner = scene.answered(IMPORT, &["400"]).await;
        let (before, during) = scene.measure(name, |base| workbooks(base, &token, &body)).await;
        assert!(during <= (before * 10).max(NOTICED), "{name}: {before:?} became {during:?}");
        let refused = scene.answered(IMPORT, &["401", "403", "415"]).await;
        assert_eq!(refused, 0, "workbooks that are not read are no attack");
        // Each was unpacked and found to have no header.
        let read = scene.answered(IMPORT, &["400"]).await - sooner;
        assert!(read >= enough, "{name} were an attack: {read} were read");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn exports_of_a_customer_do_not_slow_others_tenfold() {
    if !is_long() {
        return;
    }
    let scene = Scene::set().await;
    let token = scene.token("customer").await;
    for format in ["csv", "xlsx"] {
        let sooner = scene.answered(EXPORT, &["200"]).await;
        let head = format!("GET {EXPORT}?format={format} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
        let (before, during) =
            scene.measure(&format!("exports as {format}"), |base| pump(base, 16, head.repeat(50))).await;
        assert!(during <= (before * 10).max(NOTICED), "{format}: {before:?} became {during:?}");
        let sent = scene.answered(EXPORT, &["200"]).await - sooner;
        assert!(sent >= ENOUGH_LONG, "the exports were an attack: {sent} were sent");
    }
}

/// Half a head, or half a body, and then nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_hundred_idle_half_requests_do_not_slow_others_twofold() {
    if !is_long() {
        return;
    }
    let scene = Scene::set().await;
    let halves = |base: &str| {
        let mut all = hold(base, 100, "GET / HTTP/1.1\r\nHost:");
        let mut bodies = hold(base, 100, &post(&" ".repeat(1000))[..200]);
        all.spawn(async move { while bodies.join_next().await.is_some() {} });
        all
    };
    let (before, during) = scene.measure("200 half requests", halves).await;
    // Twice of almost nothing is nothing, too.
    assert!(during <= (before * 2).max(Duration::from_millis(5)), "{before:?} became {during:?}");
}
