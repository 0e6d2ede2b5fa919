//! Looking at the server's sessions from behind, and waiting for what happens beside the test.
use std::time::{Duration, Instant};

use loadmaster_capacity::CapacityService;
use loadmaster_flights::FlightService;
use sqlx::PgConnection;

use super::{Client, World, database::TestDatabase};

/// For what is promised within a second elsewhere: a busy machine is given longer. It shows that it comes by itself, not how soon.
pub const SOON: Duration = Duration::from_secs(10);

/// Asks again and again until it is so; what never becomes so fails by its name.
pub async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !condition().await {
        let elapsed = began.elapsed();
        assert!(elapsed < Duration::from_mins(1), "waited in vain until {what}");
        // What takes long is asked for less often.
        tokio::time::sleep((elapsed / 8).clamp(Duration::from_millis(5), Duration::from_millis(50))).await;
    }
}

/// It hears of the changes of others, and answers from memory from now on.
pub async fn until_it_follows(world: &World) {
    let capacity: CapacityService = world.state().service().unwrap();
    let flights: FlightService = world.state().service().unwrap();
    until("it follows the outbox", async || {
        let network_version = flights.network_version().await.unwrap();
        let knows_all = flights.board().look(world.now(), network_version, |_| ()).is_some();
        knows_all && capacity.index().is_fresh(world.now())
    })
    .await;
}

/// The sum of the samples of `/metrics` whose lines begin like this and contain that.
pub async fn sum_of(client: &Client, begin: &str, part: &str) -> u64 {
    let metrics = client.get("/metrics").await.text;
    let samples = metrics.lines().filter(|line| line.starts_with(begin) && line.contains(part));
    samples.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
}

/// Until this many orders at booking desks wait for rows that somebody else has locked.
pub async fn until_blocked(client: &Client, orders: u64) {
    until(&format!("{orders} orders wait for a locked row"), async || {
        sum_of(client, "loadmaster_desk_blocked{", "").await == orders
    })
    .await;
}

/// Sees the sessions of the serving role in one test's database.
pub struct Watch(PgConnection);

impl Watch {
    pub async fn over(database: &TestDatabase) -> Self {
        Self(database.owner().await)
    }

    async fn count(&mut self, which: &'static str) -> i64 {
        let query = "select count(*) from pg_stat_activity
                     where datname = current_database() and usename = 'loadmaster_app' and "
            .to_owned()
            + which;
        sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_one(&mut self.0).await.unwrap()
    }

    pub async fn sessions(&mut self) -> i64 {
        self.count("true").await
    }

    /// Sessions that wait for a row that somebody else has locked.
    pub async fn waiting(&mut self) -> i64 {
        self.count("wait_event_type = 'Lock'").await
    }

    /// Sessions that do something, or are in the middle of something.
    pub async fn busy(&mut self) -> i64 {
        self.count("state <> 'idle'").await
    }

    pub async fn until_waiting(&mut self, sessions: i64) {
        until(&format!("{sessions} sessions wait for a row"), async || self.waiting().await == sessions).await;
    }

    /// Sessions that a [`super::Brake`] has stopped.
    pub async fn sleeping(&mut self) -> i64 {
        self.count("wait_event = 'PgSleep'").await
    }

    /// Every request has been finished, and none has left a transaction open: not even for the server's own time limit
    /// to end.
    pub async fn until_quiet(&mut self) {
        until("no session is busy", async || {
            self.assert_none_forgotten().await;
            self.busy().await == 0
        })
        .await;
    }

    /// No session has been inside a transaction without doing anything for longer than any request may take to go on.
    /// The server would end it only later.
    pub async fn assert_none_forgotten(&mut self) {
        let forgotten = "state like 'idle in transaction%' and state_change < clock_timestamp() - interval '5 s'";
        assert_eq!(self.count(forgotten).await, 0, "a session was left in a transaction");
    }

    pub async fn kill_sleeping(&mut self) -> usize {
        self.kill("wait_event = 'PgSleep'").await
    }

    /// Ends all sessions; says how many.
    pub async fn kill_all(&mut self) -> usize {
        self.kill("true").await
    }

    /// First looks, then ends: in one statement the server might end sessions before it has looked whose they are.
    async fn kill(&mut self, which: &'static str) -> usize {
        let query = format!(
            "select pid from pg_stat_activity
             where datname = current_database() and usename = 'loadmaster_app' and {which}"
        );
        let sessions: Vec<i32> = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(&mut self.0).await.unwrap();
        for session in &sessions {
            sqlx::query("select pg_terminate_backend($1)").bind(session).execute(&mut self.0).await.unwrap();
        }
        sessions.len()
    }

    /// Whether this very session is still there.
    pub async fn has(&mut self, session: i32) -> bool {
        let query = "select exists (select from pg_stat_activity where pid = $1)";
        sqlx::query_scalar(query).bind(session).fetch_one(&mut self.0).await.unwrap()
    }

    /// How often this database had to break a circle of waiting. Complete once the sessions are gone.
    pub async fn deadlocks(&mut self) -> i64 {
        let query = "select deadlocks from pg_stat_database where datname = current_database()";
        sqlx::query_scalar(query).fetch_one(&mut self.0).await.unwrap()
    }
}
