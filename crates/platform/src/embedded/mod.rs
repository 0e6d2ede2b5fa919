//! Embedded servers for the default start: a private Postgres, and a private Redis if one is installed.
//!
//! This room only produces URLs; the rest of the code does not know that the servers are private. One directory holds
//! everything (`embedded.data_dir`), and one lock in it determines the owner of the servers. `serve` requires that lock
//! ([`Embedded::start`]); the other commands join its holder ([`Embedded::attach_or_start`]). A [`Rehearsal`] has
//! servers for fault injection.
mod binaries;
mod home;
mod postgres;
mod process;
mod redis;
mod rehearsal;
mod volume;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, bail};
use tokio::time::sleep;

use self::home::{Home, Lock};
pub use self::{postgres::PrivatePostgres, redis::PrivateRedis, rehearsal::Rehearsal};
use crate::settings;

/// Longest crash recovery of a big database, and longest wait for another process's start.
const START_WITHIN: Duration = Duration::from_mins(1);

/// The addresses of the private servers. Without password: the sockets lie in a directory that only their user can
/// enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Urls {
    /// For `database.owner_url`: the role that owns the schema and migrates.
    pub owner: String,
    /// For `database.url`: the role that serves, without superuser rights.
    pub app: String,
    /// For `redis.url`; `None` where no Redis is installed.
    pub redis: Option<String>,
}

/// The private servers, owned or joined. Dropping this without [`Embedded::stop`] still ends owned servers.
pub struct Embedded {
    urls: Urls,
    directory: std::path::PathBuf,
    /// `None` when they belong to another process.
    servers: Option<Servers>,
}

/// In the order of their end: the lock goes last, so that no process starts beside a server that still runs.
struct Servers {
    redis: Option<PrivateRedis>,
    postgres: PrivatePostgres,
    _lock: Lock,
}

impl Embedded {
    /// Starts the servers; creates the database on first use, adopts or recovers the remains of a crashed run.
    ///
    /// Refused while another process holds the directory.
    pub async fn start(settings: &settings::Embedded) -> Result<Self> {
        let home = Home::open(settings)?;
        match home.try_lock()? {
            Ok(lock) => Self::run(settings, &home, lock).await,
            Err(holder) => bail!("{} is in use by another loadmaster ({holder})", home.root().display()),
        }
    }

    /// Joins, for commands beside a server, the servers of the process that holds the directory (waiting until they
    /// answer, as it may be starting); otherwise starts them for the duration of this command.
    pub async fn attach_or_start(settings: &settings::Embedded) -> Result<Self> {
        let home = Home::open(settings)?;
        let began = Instant::now();
        loop {
            let holder = match home.try_lock()? {
                Ok(lock) => return Self::run(settings, &home, lock).await,
                Err(holder) => holder,
            };
            if let Some(urls) = answering(&home).await {
                return Ok(Self { urls, directory: home.root().to_owned(), servers: None });
            }
            if began.elapsed() > START_WITHIN {
                let root = home.root().display();
                bail!("{root} is in use by another loadmaster ({holder}), whose PostgreSQL does not answer");
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn run(settings: &settings::Embedded, home: &Home, lock: Lock) -> Result<Self> {
        let postgres = PrivatePostgres::start(home, settings.postgres_bin.as_deref(), &[]).await?;
        let redis = match PrivateRedis::start(home, settings.redis_server.as_deref()).await {
            Ok(Some(redis)) => Some(redis),
            Ok(None) => {
                tracing::info!("Redis is not installed; continuing without it");
                None
            }
            // A configured program must work; otherwise Redis is optional and never prevents the start.
            Err(error) if settings.redis_server.is_some() => return Err(error),
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "the private Redis does not start; continuing without it");
                None
            }
        };
        let urls =
            Urls { owner: postgres.owner_url(), app: postgres.app_url(), redis: redis.as_ref().map(PrivateRedis::url) };
        let servers = Servers { redis, postgres, _lock: lock };
        Ok(Self { urls, directory: home.root().to_owned(), servers: Some(servers) })
    }

    pub fn urls(&self) -> &Urls {
        &self.urls
    }

    /// Returns the data directory; not always `embedded.data_dir`, see there.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Returns whether the servers belong to another process, which may end them at any time.
    pub fn is_attached(&self) -> bool {
        self.servers.is_none()
    }

    /// Stops owned servers in order and waits for them; leaves joined ones running.
    pub async fn stop(self) -> Result<()> {
        let Some(Servers { redis, postgres, _lock }) = self.servers else { return Ok(()) };
        let redis = match redis {
            Some(redis) => redis.stop().await,
            None => Ok(()),
        };
        postgres.stop().await.and(redis)
    }
}

/// Returns the servers of the directory's holder, once the serving role can use them.
async fn answering(home: &Home) -> Option<Urls> {
    let socket_dir = home::socket_dir(&home.postgres_dir()).ok()?;
    let (owner, app) = postgres::urls(&socket_dir);
    postgres::connect(&app).await.ok()?;
    let redis = redis::answering(home).await;
    Some(Urls { owner, app, redis })
}
