//! Private servers for fault injection, each on its own, to prove what must survive it. Their data has no value:
//! however a rehearsal ends, they are killed.
use std::{path::PathBuf, time::Duration};

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{AssertSqlSafe, Connection, Executor};
use tokio::time::sleep;

use super::{
    Urls,
    home::{Home, Lock, socket_dir},
    postgres::{PrivatePostgres, connect},
    redis::PrivateRedis,
    volume::Volume,
};
use crate::settings;

/// Attempts at locking all rows while other transactions lock them in another order.
const TRIES: usize = 20;

/// A private `PostgreSQL`, and a private Redis beside it where one is installed.
pub struct Rehearsal {
    settings: settings::Embedded,
    /// PostgreSQL's further settings, `name=value`.
    options: Vec<String>,
    home: Home,
    postgres: Option<PrivatePostgres>,
    redis: Option<PrivateRedis>,
    /// Processes that are stopped but not killed.
    frozen: Vec<Pid>,
    urls: Urls,
    /// The file system of PostgreSQL's data, if it has a separate one. Unmounted after PostgreSQL was killed.
    volume: Option<Volume>,
    /// Redis' own memory limit and policy, while others are set.
    redis_limits: Option<[String; 2]>,
    _lock: Lock,
}

impl Drop for Rehearsal {
    fn drop(&mut self) {
        if let Some(postgres) = &self.postgres {
            postgres.kill();
        }
    }
}

impl Rehearsal {
    /// Starts the servers in an empty directory (`embedded.data_dir`).
    pub async fn start(settings: &settings::Embedded) -> Result<Self> {
        Self::begin(settings, Vec::new(), false).await
    }

    /// As [`Self::start`], with further settings of PostgreSQL: `name=value`.
    pub async fn start_with(settings: &settings::Embedded, options: Vec<String>) -> Result<Self> {
        Self::begin(settings, options, false).await
    }

    /// As [`Self::start`], with PostgreSQL's data in a separate file system where possible; otherwise the cause is
    /// logged and [`Self::can_fill_disk`] is false.
    pub async fn start_on_own_disk(settings: &settings::Embedded) -> Result<Self> {
        Self::begin(settings, Vec::new(), true).await
    }

    async fn begin(settings: &settings::Embedded, options: Vec<String>, own_disk: bool) -> Result<Self> {
        let home = Home::open(settings)?;
        let lock = match home.try_lock()? {
            Ok(lock) => lock,
            Err(holder) => bail!("{} is in use by another loadmaster ({holder})", home.root().display()),
        };
        let volume = if own_disk { small_disk(&home) } else { None };
        let postgres = PrivatePostgres::start(&home, settings.postgres_bin.as_deref(), &options).await?;
        let redis = PrivateRedis::start(&home, settings.redis_server.as_deref()).await?;
        let urls =
            Urls { owner: postgres.owner_url(), app: postgres.app_url(), redis: redis.as_ref().map(PrivateRedis::url) };
        let settings = settings.clone();
        let (postgres, frozen) = (Some(postgres), Vec::new());
        Ok(Self { settings, options, home, postgres, redis, frozen, urls, volume, redis_limits: None, _lock: lock })
    }

    /// Returns the addresses, which faults do not change.
    pub fn urls(&self) -> &Urls {
        &self.urls
    }

    pub fn has_redis(&self) -> bool {
        self.urls.redis.is_some()
    }

    pub fn can_fill_disk(&self) -> bool {
        self.volume.is_some()
    }

    /// Returns the socket that PostgreSQL listens on.
    pub fn postgres_socket(&self) -> Result<PathBuf> {
        Ok(socket_dir(&self.home.postgres_dir())?.join(".s.PGSQL.5432"))
    }

    /// Kills all processes of PostgreSQL at once, like a power failure.
    pub async fn kill_postgres(&mut self) -> Result<()> {
        let postgres = self.postgres.take().context("PostgreSQL runs")?;
        postgres.kill();
        postgres.ended().await;
        Ok(())
    }

    /// Restarts PostgreSQL; it recovers everything that it acknowledged.
    pub async fn start_postgres(&mut self) -> Result<()> {
        let bin = self.settings.postgres_bin.as_deref();
        self.postgres = Some(PrivatePostgres::start(&self.home, bin, &self.options).await?);
        Ok(())
    }

    /// Freezes PostgreSQL: its connections stay open, without answers.
    pub fn freeze_postgres(&mut self) {
        self.frozen = self.postgres.as_ref().map(PrivatePostgres::freeze).unwrap_or_default();
    }

    pub fn thaw_postgres(&mut self) {
        for process in self.frozen.drain(..).rev() {
            _ = kill(process, Signal::SIGCONT);
        }
    }

    /// Makes the server read-only, as after a failover to a standby: every session ends, and new ones may only read.
    pub async fn forbid_writes(&self) -> Result<()> {
        self.set_read_only("set default_transaction_read_only = on", "on").await?;
        let mut owner = connect(&self.urls.owner).await?;
        let end = "select pg_terminate_backend(pid) from pg_stat_activity where usename <> current_user";
        owner.execute(end).await?;
        Ok(owner.close().await?)
    }

    pub async fn allow_writes(&self) -> Result<()> {
        self.set_read_only("reset default_transaction_read_only", "off").await
    }

    /// Returns when new sessions have the setting.
    async fn set_read_only(&self, change: &str, expected: &str) -> Result<()> {
        let mut owner = connect(&self.urls.owner).await?;
        owner.execute(AssertSqlSafe(format!("alter system {change}"))).await?;
        owner.execute("select pg_reload_conf()").await?;
        owner.close().await?;
        for _ in 0..500 {
            let mut fresh = connect(&self.urls.owner).await?;
            let now: String = sqlx::query_scalar("show default_transaction_read_only").fetch_one(&mut fresh).await?;
            fresh.close().await?;
            if now == expected {
                return Ok(());
            }
            sleep(Duration::from_millis(10)).await;
        }
        bail!("PostgreSQL does not apply the new setting: {change}")
    }

    /// Fills the file system of PostgreSQL's data.
    pub fn fill_disk(&self) -> Result<()> {
        self.volume.as_ref().context("PostgreSQL has a file system of its own")?.fill()
    }

    /// Makes space again, and starts PostgreSQL if it ended for lack of space.
    pub async fn free_disk(&mut self) -> Result<()> {
        self.volume.as_ref().context("PostgreSQL has a file system of its own")?.free()?;
        if !self.postgres.as_ref().is_some_and(PrivatePostgres::is_alive) {
            drop(self.postgres.take());
            self.start_postgres().await?;
        }
        Ok(())
    }

    pub async fn kill_redis(&mut self) -> Result<()> {
        self.redis.take().context("Redis runs")?.kill().await
    }

    /// Starts an empty Redis in place of the old one.
    pub async fn start_redis(&mut self) -> Result<()> {
        self.redis = PrivateRedis::start(&self.home, self.settings.redis_server.as_deref()).await?;
        Ok(())
    }

    pub fn freeze_redis(&self) -> Result<()> {
        self.redis().map(|redis| redis.signal(Signal::SIGSTOP))
    }

    pub fn thaw_redis(&self) -> Result<()> {
        self.redis().map(|redis| redis.signal(Signal::SIGCONT))
    }

    /// Deletes all data in Redis.
    pub async fn flush_redis(&self) -> Result<()> {
        self.redis()?.send(&["FLUSHALL"]).await
    }

    /// Makes Redis refuse all commands that need memory, without eviction.
    pub async fn fill_redis(&mut self) -> Result<()> {
        self.remember_redis_limits().await?;
        self.redis()?.send(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await?;
        self.redis()?.send(&["CONFIG", "SET", "maxmemory", "1"]).await
    }

    /// Gives Redis far too little memory: it evicts all that its own policy allows, and refuses the rest.
    pub async fn starve_redis(&mut self) -> Result<()> {
        self.remember_redis_limits().await?;
        self.redis()?.send(&["CONFIG", "SET", "maxmemory", "1"]).await
    }

    /// Ends [`Self::fill_redis`] or [`Self::starve_redis`].
    pub async fn widen_redis(&mut self) -> Result<()> {
        let [memory, policy] = self.redis_limits.take().context("another limit is set")?;
        let redis = self.redis()?;
        redis.send(&["CONFIG", "SET", "maxmemory", &memory]).await?;
        redis.send(&["CONFIG", "SET", "maxmemory-policy", &policy]).await
    }

    async fn remember_redis_limits(&mut self) -> Result<()> {
        let redis = self.redis()?;
        self.redis_limits = Some([redis.setting("maxmemory").await?, redis.setting("maxmemory-policy").await?]);
        Ok(())
    }

    fn redis(&self) -> Result<&PrivateRedis> {
        self.redis.as_ref().context("Redis runs")
    }

    /// Locks every row of a table for `time`: a transaction that changes one waits, and keeps its connection busy.
    pub async fn hold_rows(&self, table: &'static str, time: Duration) -> Result<()> {
        let mut owner = connect(&self.urls.owner).await?;
        // One statement, and so no transaction that could be left open: it counts the locked rows, then sleeps.
        let hold = format!(
            "with held as materialized (select from {table} order by ctid for no key update)
             select pg_sleep({}) from (select count(*) from held) counted",
            time.as_secs_f64()
        );
        for _ in 0..TRIES {
            match owner.execute(AssertSqlSafe(hold.clone())).await {
                Ok(_) => return Ok(owner.close().await?),
                Err(error) if is_deadlock(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        bail!("the rows of {table} cannot be locked")
    }

    /// Drops constraints of a table, for a control experiment that must be able to violate them.
    pub async fn drop_constraints(&self, table: &'static str, names: &[&'static str]) -> Result<()> {
        let mut owner = connect(&self.urls.owner).await?;
        for name in names {
            owner.execute(AssertSqlSafe(format!("alter table {table} drop constraint {name}"))).await?;
        }
        Ok(owner.close().await?)
    }
}

fn small_disk(home: &Home) -> Option<Volume> {
    let mounted = Volume::mount(&home.postgres_dir(), home);
    mounted
        .inspect_err(|error| tracing::info!(error = format!("{error:#}"), "no separate file system can be mounted"))
        .ok()
}

fn is_deadlock(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("40P01"))
}
