//! Servers of our own, for the default start: a private Postgres, and a private Redis beside it if one is installed.
//!
//! This room only produces URLs; the rest of the code does not know that the servers are private. One directory holds
//! everything (`embedded.data_dir`), and one lock in it says whose the servers are. `serve` insists on that lock
//! ([`Embedded::start`]); the other commands join whoever holds it ([`Embedded::attach_or_start`]). A [`Rehearsal`] has
//! servers that are hurt on purpose.
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
use crate::platform::settings;

/// Crash recovery of a big database may take this long; so may waiting for somebody else's start.
const START_WITHIN: Duration = Duration::from_mins(1);

/// Where the private servers are reached. Without password: the sockets lie in a directory only their user can enter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Urls {
    /// For `database.owner_url`: the role that owns the schema and migrates.
    pub owner: String,
    /// For `database.url`: the role that serves, without superuser rights.
    pub app: String,
    /// For `redis.url`; `None` where no Redis is installed.
    pub redis: Option<String>,
}

/// The private servers, ours or joined. Dropped without [`Embedded::stop`], our own are told to end all the same.
pub struct Embedded {
    urls: Urls,
    directory: std::path::PathBuf,
    /// `None` when they belong to another process.
    servers: Option<Servers>,
}

/// In the order of their end: the lock goes last, so that nobody starts beside a server that still runs.
struct Servers {
    redis: Option<PrivateRedis>,
    postgres: PrivatePostgres,
    _lock: Lock,
}

impl Embedded {
    /// Starts the servers; makes the database at first, adopts or recovers what a crashed run left behind.
    ///
    /// Refused while another process holds the directory.
    pub async fn start(settings: &settings::Embedded) -> Result<Self> {
        let home = Home::open(settings)?;
        match home.try_lock()? {
            Ok(lock) => Self::run(settings, &home, lock).await,
            Err(holder) => bail!("{} is in use by another loadmaster ({holder})", home.root().display()),
        }
    }

    /// For commands beside a server: joins the servers of the process that holds the directory (waiting until they
    /// answer, for it may be starting), else starts them for as long as this command runs.
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
        let postgres = PrivatePostgres::start(home, settings.postgres_bin.as_deref()).await?;
        let redis = match PrivateRedis::start(home, settings.redis_server.as_deref()).await {
            Ok(redis) => redis,
            // Somebody who names a program wants that one; otherwise Redis is a courtesy and never stops the start.
            Err(error) if settings.redis_server.is_some() => return Err(error),
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "the private Redis does not start");
                None
            }
        };
        if redis.is_none() {
            tracing::info!("no private Redis: none is installed");
        }
        let urls =
            Urls { owner: postgres.owner_url(), app: postgres.app_url(), redis: redis.as_ref().map(PrivateRedis::url) };
        let servers = Servers { redis, postgres, _lock: lock };
        Ok(Self { urls, directory: home.root().to_owned(), servers: Some(servers) })
    }

    pub fn urls(&self) -> &Urls {
        &self.urls
    }

    /// Where the data lies; not always `embedded.data_dir`, see there.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether the servers belong to another process, which may end them at any time.
    pub fn is_attached(&self) -> bool {
        self.servers.is_none()
    }

    /// Ends our own servers in order and waits for them; leaves joined ones running.
    pub async fn stop(self) -> Result<()> {
        let Some(Servers { redis, postgres, _lock }) = self.servers else { return Ok(()) };
        let redis = match redis {
            Some(redis) => redis.stop().await,
            None => Ok(()),
        };
        postgres.stop().await.and(redis)
    }
}

/// The servers of the directory's holder, once they can be used by the serving role.
async fn answering(home: &Home) -> Option<Urls> {
    let socket_dir = home::socket_dir(&home.postgres_dir()).ok()?;
    let (owner, app) = postgres::urls(&socket_dir);
    postgres::connect(&app).await.ok()?;
    let redis = redis::answering(home).await;
    Some(Urls { owner, app, redis })
}
