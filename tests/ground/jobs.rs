//! Work that is promised in a transaction and done after it, and work that is promised again and again: at least once, by
//! one process at a time, and visible when it fails for good. It all goes by the database's clock, which no test can move:
//! time passes by moving everything into the past.
mod clocks;
mod command_line;
pub mod duties;
mod failures;
mod hanging;
mod leases;
mod queue;
mod schedules;
mod serving;
mod time_zones;

use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use loadmaster_platform::{
    jobs::{Handlers, Job, JobState, NewJob, Ran, Runner, enqueue_in_tx, list},
    postgres::{Database, commit},
    random::IdSource,
    settings::{Settings, Sources},
    timing::Timing,
};
use loadmaster_testkit::{TestDatabase, pooler, start_of_time, until};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// A queue that nobody serves but the test.
#[derive(Clone)]
struct Queue {
    database: TestDatabase,
    db: Database,
    ids: IdSource,
}

impl Queue {
    async fn start() -> Self {
        let database = TestDatabase::create().await;
        let overrides = vec![
            ("database.url".to_owned(), database.served_url()),
            ("database.transaction_pooler".to_owned(), pooler().is_some().to_string()),
            ("database.max_connections".to_owned(), "8".to_owned()),
            ("database.acquire_timeout_ms".to_owned(), "60000".to_owned()),
        ];
        let settings = Settings::load(Sources { overrides, ..Sources::default() }).unwrap();
        let db = Database::open(settings.database.url.as_ref().unwrap(), &settings.database).await.unwrap();
        Self { database, db, ids: IdSource::default() }
    }

    fn new_id(&self) -> Uuid {
        self.ids.next(start_of_time())
    }

    /// Lets time go by; with less than none the clock is set back.
    async fn pass(&self, time: TimeDelta) {
        let (milliseconds, mut owner) = (time.num_milliseconds(), self.database.owner().await);
        for statement in [
            "update jobs set run_at = run_at - $1 * interval '1 ms', created_at = created_at - $1 * interval '1 ms',
                             updated_at = updated_at - $1 * interval '1 ms'",
            "update schedules set next_run_at = next_run_at - $1 * interval '1 ms'",
        ] {
            sqlx::query(statement).bind(milliseconds).execute(&mut owner).await.unwrap();
        }
    }

    async fn promise(&self, job: NewJob) -> Uuid {
        self.promise_all(&[job]).await[0]
    }

    /// In one transaction.
    async fn promise_all(&self, jobs: &[NewJob]) -> Vec<Uuid> {
        let mut tx = self.db.begin().await.unwrap();
        let mut ids = Vec::new();
        for job in jobs {
            let id = self.new_id();
            enqueue_in_tx(&mut tx, id, job).await.unwrap();
            ids.push(id);
        }
        commit(tx).await.unwrap();
        ids
    }

    fn runner(&self, process: &str, handlers: Handlers) -> Runner {
        Runner::new(self.db.clone(), handlers, process.to_owned(), Timing::BRIEF)
    }

    /// Runs what is due until it is stopped.
    fn serve(&self, process: &str, handlers: Handlers) -> Serving {
        let stop = CancellationToken::new();
        Serving { task: tokio::spawn(self.runner(process, handlers).run(stop.clone())), stop }
    }

    async fn run_one(&self, id: Uuid, handlers: Handlers) -> Ran {
        self.runner("one by one", handlers).run_one(id).await.unwrap()
    }

    async fn jobs(&self) -> Vec<Job> {
        list(&self.db).await.unwrap()
    }

    async fn get(&self, id: Uuid) -> Option<Job> {
        self.jobs().await.into_iter().find(|job| job.id == id)
    }

    async fn state(&self, id: Uuid) -> Option<JobState> {
        self.get(id).await.map(|job| job.state)
    }

    async fn until_state(&self, id: Uuid, state: JobState) {
        until(&format!("the job is {}", state.as_str()), async || self.state(id).await == Some(state)).await;
    }

    async fn until_empty(&self) {
        until("every job is done", async || self.jobs().await.is_empty()).await;
    }

    /// Takes its jobs from a process, as if it had been silent for long.
    async fn lapse(&self, process: &str) {
        let mut owner = self.database.owner().await;
        let silent = sqlx::query("update jobs set leased_by = null where state = 'RUNNING' and leased_by = $1");
        silent.bind(process).execute(&mut owner).await.unwrap();
        // Somebody looks after them who can do none of them.
        let keeper = self.serve("keeper", Handlers::default());
        until("they are taken away", async || {
            let left = "select not exists (select from jobs where state = 'RUNNING' and leased_by is null)";
            sqlx::query_scalar(left).fetch_one(&mut owner).await.unwrap()
        })
        .await;
        keeper.stop().await;
    }

    /// Who has a job that runs.
    async fn holder(&self, id: Uuid) -> Option<String> {
        sqlx::query_scalar("select leased_by from jobs where id = $1")
            .bind(id)
            .fetch_optional(&mut self.database.owner().await)
            .await
            .unwrap()
            .flatten()
    }

    /// A process takes the job, and dies over it.
    async fn abandon(&self, id: Uuid, process: &str) {
        let runner = self.runner(process, Gate::shut().handlers("hold"));
        let run = tokio::spawn(async move { runner.run_one(id).await });
        until("it has the job", async || self.holder(id).await.as_deref() == Some(process)).await;
        run.abort();
        assert!(run.await.unwrap_err().is_cancelled());
    }
}

/// A process that runs jobs.
struct Serving {
    task: JoinHandle<()>,
    stop: CancellationToken,
}

impl Serving {
    /// Ends it as a shutdown does: what runs is waited for.
    async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// Ends it as SIGKILL does.
    async fn kill(self) {
        self.task.abort();
        _ = self.task.await;
    }
}

/// What was done.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<Value>>>);

impl Log {
    /// Does jobs of the kind `note` by writing down their payload.
    fn handlers(&self) -> Handlers {
        self.with(Handlers::default())
    }

    fn with(&self, handlers: Handlers) -> Handlers {
        let this = self.clone();
        handlers.with("note", move |payload| {
            let this = this.clone();
            async move {
                this.0.lock().unwrap().push(payload);
                Ok(())
            }
        })
    }

    fn seen(&self) -> Vec<Value> {
        self.0.lock().unwrap().clone()
    }

    async fn until_seen(&self, payload: &Value) {
        until(&format!("{payload} is done"), async || self.seen().contains(payload)).await;
    }
}

/// Holds jobs until it is opened, and counts them.
#[derive(Debug, Clone, Default)]
struct Gate {
    opened: CancellationToken,
    counts: Arc<Mutex<Counts>>,
}

/// How many jobs are held now, the most that were at one time, and all there ever were.
#[derive(Debug, Default)]
struct Counts {
    now: usize,
    most: usize,
    all: usize,
}

/// A job that is held; not any more when it is done or dropped.
struct Held(Arc<Mutex<Counts>>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.lock().unwrap().now -= 1;
    }
}

impl Gate {
    fn shut() -> Self {
        Self::default()
    }

    fn handlers(&self, kind: &'static str) -> Handlers {
        self.with(kind, Handlers::default())
    }

    fn with(&self, kind: &'static str, handlers: Handlers) -> Handlers {
        let this = self.clone();
        handlers.with(kind, move |payload| {
            let this = this.clone();
            async move {
                let _held = this.hold();
                this.opened.cancelled().await;
                anyhow::ensure!(payload != json!("fail"), "held in vain");
                Ok(())
            }
        })
    }

    fn hold(&self) -> Held {
        let mut counts = self.counts.lock().unwrap();
        counts.now += 1;
        counts.all += 1;
        counts.most = counts.most.max(counts.now);
        Held(self.counts.clone())
    }

    fn open(&self) {
        self.opened.cancel();
    }

    async fn until_held(&self, jobs: usize) {
        until(&format!("{jobs} jobs are held"), async || self.now() == jobs).await;
    }

    fn now(&self) -> usize {
        self.counts.lock().unwrap().now
    }

    fn most(&self) -> usize {
        self.counts.lock().unwrap().most
    }

    fn all(&self) -> usize {
        self.counts.lock().unwrap().all
    }
}
