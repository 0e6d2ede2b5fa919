use std::{sync::Arc, time::Duration};

use loadmaster_platform::{
    clock::{Clock, DatabaseClock, SystemClock},
    clock_watch::ClockWatch,
    embedded::Embedded,
    outage::OutageLog,
    outbound::SystemNetwork,
    postgres::{self, Database, Unreachable},
    random::{IdSource, TokenSource},
    redis::Redis,
    settings::Settings,
    telemetry,
    timing::Timing,
    zones::ZoneWatch,
};
use loadmaster_reference as reference;
use secrecy::SecretString;
use sqlx::Connection;

use super::output::Progress;

use crate::app::{self, AppState, Resources};

/// Interval between attempts to reach an unavailable database.
const DATABASE_POLL: Duration = Duration::from_secs(1);

/// The databases of a command: the configured ones, or private ones of this process.
pub(super) struct Backend {
    pub settings: Arc<Settings>,
    embedded: Option<Embedded>,
    url: SecretString,
    owner_url: SecretString,
    redis_url: Option<SecretString>,
}

fn ensure_complete(settings: &Settings) -> anyhow::Result<()> {
    anyhow::ensure!(
        settings.database.owner_url.is_none(),
        "database.owner_url is set and database.url is not: set both, or neither for a private PostgreSQL"
    );
    Ok(())
}

impl Backend {
    /// Starts the databases for `serve`: starts private servers, and fails while another server uses them.
    pub async fn start(settings: Settings) -> anyhow::Result<Self> {
        if let Some(url) = settings.database.url.clone() {
            return Ok(Self::configured(settings, url));
        }
        ensure_complete(&settings)?;
        let _progress = Progress::begin("Starting the private PostgreSQL and Redis");
        let embedded = Embedded::start(&settings.embedded).await?;
        Ok(Self::private(settings, embedded))
    }

    /// Provides the databases for other commands: joins running private servers, or starts them for the command's
    /// duration.
    pub async fn attach(settings: Settings) -> anyhow::Result<Self> {
        if let Some(url) = settings.database.url.clone() {
            return Ok(Self::configured(settings, url));
        }
        ensure_complete(&settings)?;
        let embedded = Embedded::attach_or_start(&settings.embedded).await?;
        Ok(Self::private(settings, embedded))
    }

    /// The same for commands that work as the owner: where only the owner's address is set, they need no other.
    pub async fn attach_as_owner(settings: Settings) -> anyhow::Result<Self> {
        let database = &settings.database;
        match database.owner_url.as_ref().filter(|_| database.url.is_none()).cloned() {
            Some(url) => Ok(Self::configured(settings, url)),
            None => Self::attach(settings).await,
        }
    }

    fn configured(settings: Settings, url: SecretString) -> Self {
        let owner_url = settings.database.migration_url().unwrap_or(&url).clone();
        let redis_url = settings.redis.url.clone();
        Self { settings: Arc::new(settings), embedded: None, url, owner_url, redis_url }
    }

    fn private(settings: Settings, embedded: Embedded) -> Self {
        let urls = embedded.urls().clone();
        let redis_url = settings.redis.url.clone().or_else(|| urls.redis.map(SecretString::from));
        Self {
            settings: Arc::new(settings),
            embedded: Some(embedded),
            url: urls.app.into(),
            owner_url: urls.owner.into(),
            redis_url,
        }
    }

    /// Returns whether the database is a private one.
    pub fn is_private(&self) -> bool {
        self.embedded.is_some()
    }

    pub async fn owner(&self) -> anyhow::Result<sqlx::PgConnection> {
        postgres::connect_owner(&self.owner_url).await
    }

    /// Opens a session that sees one moment of the database and writes nothing.
    pub async fn snapshot(&self) -> anyhow::Result<postgres::PgSession> {
        postgres::connect_snapshot(&self.url, self.settings.database.transaction_pooler).await
    }

    pub fn redis_url(&self) -> Option<&SecretString> {
        self.redis_url.as_ref()
    }

    /// Returns the serving pool.
    pub async fn database(&self) -> anyhow::Result<Database> {
        Database::open(&self.url, &self.settings.database).await
    }

    /// Runs a command's work in the rooms, then stops everything started for it.
    pub async fn with_rooms<T>(
        settings: Settings,
        work: impl AsyncFnOnce(&AppState) -> anyhow::Result<T>,
    ) -> anyhow::Result<T> {
        let backend = Self::attach(settings).await?;
        let outcome = match backend.rooms().await {
            Ok(rooms) => work(&rooms).await,
            Err(error) => Err(error),
        };
        backend.stop().await?;
        outcome
    }

    /// Brings the schema and the reference data up to this version.
    pub async fn migrate(&self) -> anyhow::Result<()> {
        let mut owner = self.owner().await?;
        app::migrate(&mut owner, SystemClock.now()).await?;
        reference::load_reference_data(&mut owner).await?;
        owner.close().await?;
        Ok(())
    }

    /// Like [`Self::database`], but tries again while a configured database is unavailable. Does not retry errors in
    /// its address or the credentials.
    pub async fn await_database(&self) -> anyhow::Result<Database> {
        let mut outage = OutageLog::new("the database is unavailable; waiting for it");
        loop {
            let error = match self.database().await {
                Ok(db) => {
                    outage.end();
                    return Ok(db);
                }
                Err(error) => error,
            };
            let is_away = error.downcast_ref::<Unreachable>().is_some_and(|unreachable| unreachable.is_away);
            if self.is_private() || !is_away {
                return Err(error);
            }
            outage.lasts(&format_args!("{error:#}"));
            tokio::time::sleep(DATABASE_POLL).await;
        }
    }

    /// Returns the parts from which the rooms are built.
    pub fn parts(&self, db: Database) -> anyhow::Result<Resources> {
        let redis = self.redis_url.as_ref().map(|url| Redis::open(url, &self.settings.redis)).transpose()?;
        Ok(Resources {
            settings: self.settings.clone(),
            db,
            redis,
            clock: Arc::new(DatabaseClock::default()),
            ids: IdSource::default(),
            tokens: TokenSource::default(),
            metrics: telemetry::start_metrics(&app::metrics())?,
            timing: Timing::of_process(),
            network: Arc::new(SystemNetwork::default()),
        })
    }

    /// Opens the rooms for a command that needs no server. A private database is migrated first.
    async fn rooms(&self) -> anyhow::Result<AppState> {
        if self.is_private() {
            self.migrate().await?;
        }
        let parts = self.parts(self.database().await?)?;
        anyhow::ensure!(
            parts.db.is_migrated().await?,
            "the database lacks migrations of this version; run `loadmaster migrate` first"
        );
        ClockWatch::new(&parts.db, &parts.clock, parts.settings.clock.warn_ms).compare().await?;
        ZoneWatch::new(&parts.settings.time_zones.directory).compare().await;
        AppState::assemble(parts).await
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        match self.embedded {
            Some(embedded) => embedded.stop().await,
            None => Ok(()),
        }
    }
}
