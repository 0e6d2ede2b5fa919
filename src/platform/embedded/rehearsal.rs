//! Private servers that are hurt on purpose, each by itself: for proving what must survive it. Their data is worth
//! nothing: whichever way a rehearsal ends, they are killed.
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use sqlx::{AssertSqlSafe, Connection, Executor};

use super::{
    Urls,
    home::{Home, Lock},
    postgres::{PrivatePostgres, connect},
    redis::{EVICTION, PrivateRedis},
};
use crate::platform::settings;

/// How often locking all rows is tried when others lock them in another order.
const TRIES: usize = 20;

/// A private `PostgreSQL`, and a private Redis beside it where one is installed.
pub struct Rehearsal {
    settings: settings::Embedded,
    home: Home,
    postgres: Option<PrivatePostgres>,
    redis: Option<PrivateRedis>,
    /// Processes that are stopped and not killed.
    frozen: Vec<Pid>,
    urls: Urls,
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
    /// In an empty directory of its own (`embedded.data_dir`).
    pub async fn start(settings: &settings::Embedded) -> Result<Self> {
        let home = Home::open(settings)?;
        let lock = match home.try_lock()? {
            Ok(lock) => lock,
            Err(holder) => bail!("{} is in use by another loadmaster ({holder})", home.root().display()),
        };
        let postgres = PrivatePostgres::start(&home, settings.postgres_bin.as_deref()).await?;
        let redis = PrivateRedis::start(&home, settings.redis_server.as_deref()).await?;
        let urls =
            Urls { owner: postgres.owner_url(), app: postgres.app_url(), redis: redis.as_ref().map(PrivateRedis::url) };
        let settings = settings.clone();
        Ok(Self { settings, home, postgres: Some(postgres), redis, frozen: Vec::new(), urls, _lock: lock })
    }

    /// The same before and after each fault.
    pub fn urls(&self) -> &Urls {
        &self.urls
    }

    pub fn has_redis(&self) -> bool {
        self.urls.redis.is_some()
    }

    /// As a power failure would: all of its processes at once.
    pub async fn kill_postgres(&mut self) -> Result<()> {
        let postgres = self.postgres.take().context("PostgreSQL runs")?;
        postgres.kill();
        postgres.ended().await;
        Ok(())
    }

    /// Starts it anew; it recovers what it had promised to keep.
    pub async fn start_postgres(&mut self) -> Result<()> {
        self.postgres = Some(PrivatePostgres::start(&self.home, self.settings.postgres_bin.as_deref()).await?);
        Ok(())
    }

    /// Its connections stay open, and nobody answers.
    pub fn freeze_postgres(&mut self) {
        self.frozen = self.postgres.as_ref().map(PrivatePostgres::freeze).unwrap_or_default();
    }

    pub fn thaw_postgres(&mut self) {
        for process in self.frozen.drain(..).rev() {
            _ = kill(process, Signal::SIGCONT);
        }
    }

    pub async fn kill_redis(&mut self) -> Result<()> {
        self.redis.take().context("Redis runs")?.kill().await
    }

    /// Starts an empty one in its place.
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

    /// It forgets everything.
    pub async fn flush_redis(&self) -> Result<()> {
        self.redis()?.tell(&["FLUSHALL"]).await
    }

    /// It refuses whatever needs memory, and makes no room by forgetting.
    pub async fn fill_redis(&self) -> Result<()> {
        let redis = self.redis()?;
        redis.tell(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]).await?;
        redis.tell(&["CONFIG", "SET", "maxmemory", "1"]).await
    }

    pub async fn widen_redis(&self) -> Result<()> {
        let redis = self.redis()?;
        redis.tell(&["CONFIG", "SET", "maxmemory", "256mb"]).await?;
        redis.tell(&["CONFIG", "SET", "maxmemory-policy", EVICTION]).await
    }

    fn redis(&self) -> Result<&PrivateRedis> {
        self.redis.as_ref().context("Redis runs")
    }

    /// Locks every row of a table for so long: who wants to change one waits, and keeps its connection busy.
    pub async fn hold_rows(&self, table: &'static str, time: Duration) -> Result<()> {
        let mut owner = connect(&self.urls.owner).await?;
        // One statement, and so no transaction that could be left open: it counts what it has locked, then sleeps.
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

    /// Takes constraints from a table, for a control that must be able to break them.
    pub async fn drop_constraints(&self, table: &'static str, names: &[&'static str]) -> Result<()> {
        let mut owner = connect(&self.urls.owner).await?;
        for name in names {
            owner.execute(AssertSqlSafe(format!("alter table {table} drop constraint {name}"))).await?;
        }
        Ok(owner.close().await?)
    }
}

fn is_deadlock(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("40P01"))
}
