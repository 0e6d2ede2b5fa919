use std::sync::{Arc, Mutex, PoisonError};

use axum::{extract::FromRef, http::Extensions};
use loadmaster_platform::{
    clock::SharedClock,
    follower::Follower,
    idempotency::Idempotency,
    locks::Locks,
    outbound::Network,
    outbox::Readings,
    postgres::Database,
    random::{IdSource, TokenSource},
    rate_limit::RateLimiter,
    redis::Redis,
    room::{Above, Opening, Routes, Worker},
    secrets::ServerSecrets,
    settings::Settings,
    streams::Streams,
    tally::Tally,
    tasks::Tasks,
    timing::Timing,
    vault::Vault,
    web::CursorKey,
    work::UnitOfWork,
    writers::Writers,
};
use metrics_exporter_prometheus::PrometheusHandle;

use super::{
    background::BackgroundTasks,
    health::Health,
    limits::{FloodGuard, Limits},
    rooms::{self, OpenRooms},
    scrape::Scrape,
    summary::Summary,
};

/// The application: the open rooms and the shared parts around them. One pointer, because the layers copy it several
/// times for each request.
#[derive(Clone)]
pub struct AppState(Arc<Application>);

pub struct Application {
    services: Extensions,
    pub summary: Summary,
    pub background: BackgroundTasks,
    pub(super) limits: Limits,
    pub(super) flood: Option<Arc<FloodGuard>>,
    pub tasks: Tasks,
    pub(super) streams: Streams,
    pub unit_of_work: UnitOfWork,
    pub idempotency: Idempotency,
    pub health: Health,
    pub metrics: PrometheusHandle,
    pub(super) scrape: Scrape,
    pub settings: Arc<Settings>,
    pub clock: SharedClock,
    pub(super) timing: Timing,
    pub ids: IdSource,
    /// Only where a standby answers reads.
    pub(super) writers: Option<Writers>,
    pub(super) followers: Vec<Arc<dyn Follower>>,
    /// Taken when the workers start, as the server begins to serve.
    workers: Mutex<Vec<Worker>>,
    routes: Mutex<Vec<Routes<()>>>,
    above: Mutex<Vec<Above>>,
    features: Features,
}

impl std::ops::Deref for AppState {
    type Target = Application;

    fn deref(&self) -> &Application {
        &self.0
    }
}

/// Lets each handler in this folder name only the part it needs.
macro_rules! parts {
    ($($name:ident: $part:ty),+ $(,)?) => {$(
        impl FromRef<AppState> for $part {
            fn from_ref(state: &AppState) -> Self {
                state.$name.clone()
            }
        }
    )+};
}

parts!(
    idempotency: Idempotency,
    summary: Summary,
    health: Health,
    scrape: Scrape,
    settings: Arc<Settings>,
    features: Features,
);

/// What this server can do: the features of the open rooms, in their order, then those that belong to no room.
#[derive(Clone)]
pub(super) struct Features(pub Arc<[&'static str]>);

impl Features {
    fn of(mut rooms: Vec<&'static str>, settings: &Settings) -> Self {
        let has_kafka = !settings.kafka.brokers.is_empty();
        rooms.extend(has_kafka.then_some("kafka"));
        Self(rooms.into())
    }
}

/// The parts from which the application is built.
#[derive(Clone)]
pub struct Resources {
    pub settings: Arc<Settings>,
    pub db: Database,
    pub redis: Option<Redis>,
    pub clock: SharedClock,
    pub ids: IdSource,
    pub tokens: TokenSource,
    pub metrics: PrometheusHandle,
    pub timing: Timing,
    /// Where calls to addresses that callers chose go.
    pub network: Arc<dyn Network>,
}

impl AppState {
    /// Opens the rooms. The database must be migrated.
    pub async fn assemble(parts: Resources) -> anyhow::Result<Self> {
        let Resources { settings, db, redis, clock, ids, tokens, metrics, timing, network } = parts;
        let secrets = Arc::new(ServerSecrets::load(&db, &settings.secrets, &clock, &tokens).await?);
        let tasks = Tasks::default();
        let process = tokens.token()?;
        let streams = Streams::new(&settings.stream, clock.clone(), tokens.clone());
        let opening = Opening {
            settings: settings.clone(),
            db: db.clone(),
            redis: redis.clone(),
            clock: clock.clone(),
            ids: ids.clone(),
            tokens: tokens.clone(),
            locks: Locks::new(redis.clone(), tokens.clone(), settings.locks.clone()),
            limiter: RateLimiter::new(redis.clone(), &secrets, clock.clone()),
            idempotency: Idempotency::new(db.clone(), settings.idempotency.retention_hours),
            cursor_key: CursorKey::new(&secrets.cursor_key),
            unit_of_work: UnitOfWork::new(db.clone(), tasks.clone()),
            tasks,
            streams: streams.clone(),
            tally: Tally::default(),
            readings: Readings::default(),
            timing,
            process: process.as_str().into(),
            vault: Vault::new(&settings.secrets, &secrets.vault_key, tokens.clone()),
            network,
            message_types: rooms::message_types().into(),
            secrets,
            personal: Vec::new(),
            services: Extensions::new(),
        };
        let rooms = OpenRooms::open(opening.clone()).await?;
        let background = BackgroundTasks::new(&opening, rooms.jobs, process.clone())?;
        let writers = Writers::new(&db, redis.as_ref(), &opening.secrets.namespace, &settings.database);
        let health = Health::new(db, redis.clone(), clock.clone(), settings.clock.warn_ms);
        Ok(Self(Arc::new(Application {
            services: rooms.services,
            features: Features::of(rooms.features, &settings),
            summary: Summary::new(opening.tally, redis, &opening.secrets.namespace, &process),
            background,
            limits: Limits::new(opening.limiter, settings.rate_limit.clone(), &settings.server.trusted_proxies),
            flood: FloodGuard::new(&settings.rate_limit).map(Arc::new),
            unit_of_work: opening.unit_of_work,
            tasks: opening.tasks,
            streams,
            idempotency: opening.idempotency,
            scrape: Scrape::new(metrics.clone(), health.clone(), rooms.gauges),
            health,
            metrics,
            settings,
            clock,
            timing,
            ids,
            writers,
            followers: rooms.followers,
            workers: Mutex::new(rooms.workers),
            routes: Mutex::new(rooms.routes),
            above: Mutex::new(rooms.above),
        })))
    }

    /// Returns the service of a room.
    pub fn service<T: Clone + Send + Sync + 'static>(&self) -> anyhow::Result<T> {
        let found = self.services.get::<T>().cloned();
        found.ok_or_else(|| anyhow::anyhow!("no room provides {}", std::any::type_name::<T>()))
    }

    /// Returns the rooms' workers; only the first call returns any.
    pub(super) fn take_workers(&self) -> Vec<Worker> {
        std::mem::take(&mut *self.workers.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the rooms' routes; only the first call returns any.
    pub(super) fn take_routes(&self) -> Vec<Routes<()>> {
        std::mem::take(&mut *self.routes.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the builders of the routes that call others; only the first call returns any.
    pub(super) fn take_above(&self) -> Vec<Above> {
        std::mem::take(&mut *self.above.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
