//! What is counted, and clients that add nothing to it.
use std::{
    fmt::Write as _,
    io::{Read, Write},
    net::TcpStream,
};

use loadmaster_testkit::{OwnRedis, Watch, World, until};
use sqlx::{Executor, PgConnection, Row, postgres::PgRow};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region};

const NAMES: [&str; 6] = ["statements", "rows written", "pages", "bytes of WAL", "round trips to Redis", "allocations"];

/// Tests in other databases count at the same time.
const RESET: &str =
    "select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)";

/// Of one request.
pub struct Cost {
    counts: [f64; 6],
    /// The statements, with the counts of each.
    statements: String,
}

impl Cost {
    /// What it costs if so many share it.
    pub fn shared_by(mut self, number: u32) -> Self {
        self.counts = self.counts.map(|count| count / f64::from(number));
        self
    }

    /// Returns what is above the budget, with the statements.
    pub fn complaint(&self, what: &str, budget: &[f64; 6]) -> Option<String> {
        let counts = NAMES.iter().zip(self.counts).zip(budget);
        let counts = counts.filter(|((name, _), _)| is_alone() || **name != "allocations");
        let over: String = counts.filter(|((_, count), most)| count > most).fold(String::new(), |mut text, item| {
            let ((name, count), most) = item;
            _ = write!(text, " {count:.2} {name} (budget {most:.2})");
            text
        });
        (!over.is_empty()).then(|| format!("{what}:{over}; all: {:.2?}\n{}", self.counts, self.statements))
    }
}

/// Reads what PostgreSQL and Redis have counted.
pub struct Meter {
    owner: PgConnection,
    watch: Watch,
    redis: OwnRedis,
    rows: i64,
    reads: u64,
    /// Round trips to Redis of one look at their number.
    own_reads: u64,
    has_workers: bool,
}

impl Meter {
    pub async fn over(world: &World, redis: OwnRedis, has_workers: bool) -> Self {
        let mut owner = world.database.owner().await;
        owner
            .execute("create extension pg_stat_statements")
            .await
            .expect("PostgreSQL is installed with its extensions");
        let database: String = sqlx::query_scalar("select current_database()").fetch_one(&mut owner).await.unwrap();
        let track = format!("alter role loadmaster_app in database {database} set pg_stat_statements.track = 'all'");
        owner.execute(sqlx::AssertSqlSafe(track)).await.unwrap();
        let mut meter = Self {
            owner,
            watch: Watch::over(&world.database).await,
            redis,
            rows: 0,
            reads: 0,
            own_reads: 0,
            has_workers,
        };
        let before = meter.reads().await;
        meter.own_reads = meter.reads().await - before;
        meter
    }

    /// Sessions hand in their figures when they end. Those of a server with workers come back at once, and write for others too.
    async fn written(&mut self) -> i64 {
        if self.has_workers {
            return 0;
        }
        // A task of the server may open another meanwhile.
        until("all sessions have ended", async || {
            self.watch.kill_all().await;
            self.watch.sessions().await == 0
        })
        .await;
        let query = "select coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0)::bigint from pg_stat_user_tables";
        sqlx::query_scalar(query).fetch_one(&mut self.owner).await.unwrap()
    }

    async fn reads(&mut self) -> u64 {
        let info: String = redis::cmd("INFO").arg("stats").query_async(&mut self.redis.connect().await).await.unwrap();
        let reads = info.lines().find_map(|line| line.strip_prefix("total_reads_processed:")).unwrap();
        reads.trim().parse().unwrap()
    }

    pub async fn begin(&mut self) {
        self.rows = self.written().await;
        self.owner.execute(RESET).await.unwrap();
        self.reads = self.reads().await;
    }

    /// Returns the cost of each of so many requests since the beginning.
    pub async fn end(&mut self, requests: usize, allocations: f64) -> Cost {
        let query = "select calls, rows, shared_blks_hit + shared_blks_read, wal_bytes::bigint, query
                     from pg_stat_statements s join pg_roles r on r.oid = s.userid
                     where rolname = 'loadmaster_app' and dbid = (select oid from pg_database where datname = current_database())
                     order by wal_bytes desc, calls desc";
        let found = self.owner.fetch_all(query).await.unwrap();
        let per_request = |count: i64| count as f64 / requests as f64;
        // What the server does beside requests, it does less often.
        let of_requests = |row: &PgRow| !self.has_workers || per_request(row.get(0)) > 0.5;
        let found: Vec<PgRow> = found.into_iter().filter(of_requests).collect();
        let reads = per_request((self.reads().await - self.reads - self.own_reads).cast_signed());
        let sum = |column: usize| per_request(found.iter().map(|row| row.get::<i64, _>(column)).sum());
        let (statements, pages, wal) = (sum(0), sum(2), sum(3));
        let lines = found.iter().map(|row| {
            let [calls, rows, pages, wal] = [0, 1, 2, 3].map(|column| per_request(row.get(column)));
            let text: Vec<&str> = row.get::<&str, _>(4).split_whitespace().collect();
            let text: String = text.join(" ").chars().take(160).collect();
            format!("  {calls:6.2} calls {rows:6.2} rows {pages:7.2} pages {wal:8.0} bytes: {text}\n")
        });
        let lines = lines.collect();
        let rows = per_request(self.written().await - self.rows);
        let counts = [statements, rows, pages, wal, reads, allocations];
        Cost { counts, statements: lines }
    }
}

/// Returns false where other tests of this process allocate meanwhile.
pub fn is_alone() -> bool {
    std::env::var("NEXTEST_EXECUTION_MODE").is_ok_and(|mode| mode == "process-per-test")
}

/// Returns how often something was allocated meanwhile, by all threads.
pub fn allocations(work: impl FnOnce()) -> usize {
    let region = Region::new(&INSTRUMENTED_SYSTEM);
    tokio::task::block_in_place(work);
    let change = region.change();
    change.allocations + change.reallocations
}

pub fn request(method: &str, path: &str, token: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n");
    if headers.is_empty() && !body.is_empty() {
        text += "Content-Type: application/json\r\n";
    }
    for header in headers {
        text += &format!("{header}\r\n");
    }
    text += &format!("Content-Length: {}\r\n\r\n", body.len());
    [text.as_bytes(), body].concat()
}

/// A connection that allocates nothing while it is used.
pub struct Raw {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Raw {
    pub fn connect(base: &str) -> Self {
        let stream = TcpStream::connect(base.split_once("://").unwrap().1).unwrap();
        stream.set_read_timeout(Some(std::time::Duration::from_mins(1))).unwrap();
        Self { stream, buffer: vec![0; 1 << 20] }
    }

    pub fn send(&mut self, request: &[u8]) {
        self.stream.write_all(request).unwrap();
    }

    /// Reads an answer of this status, and leaves its body in `body`.
    pub fn read(&mut self, status: u16, body: &mut Vec<u8>) {
        let mut filled = 0;
        let (head, whole) = loop {
            let read = self.stream.read(&mut self.buffer[filled..]).unwrap();
            assert!(read > 0, "the server has closed the connection");
            filled += read;
            let text = std::str::from_utf8(&self.buffer[..filled]).unwrap_or_default();
            let Some(head) = text.find("\r\n\r\n").map(|end| end + 4) else { continue };
            let length = text[..head].lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            let whole = head + length.parse::<usize>().unwrap();
            if filled >= whole {
                break (head, whole);
            }
        };
        let answered = std::str::from_utf8(&self.buffer[9..12]).unwrap().parse::<u16>().unwrap();
        body.clear();
        body.extend_from_slice(&self.buffer[head..whole]);
        assert_eq!(answered, status, "{}", String::from_utf8_lossy(body));
    }
}
