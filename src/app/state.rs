use std::sync::Arc;

use axum::extract::FromRef;
use metrics_exporter_prometheus::PrometheusHandle;

use super::{
    duties::Duties,
    health::Health,
    limits::{FloodGuard, Limits},
    scrape::Scrape,
    summary::Summary,
};
use crate::{
    features::{
        accounts::{AccountService, Attempts},
        bookings::{BookingLimits, BookingService},
        capacity::CapacityService,
        flights::FlightService,
        operations::OperationService,
        privacy::PrivacyService,
        reference::Reference,
        search::SearchService,
    },
    platform::{
        clock::SharedClock,
        idempotency::Idempotency,
        locks::Locks,
        postgres::Database,
        random::{IdSource, TokenSource},
        rate_limit::RateLimiter,
        redis::Redis,
        secrets::ServerSecrets,
        settings::Settings,
        tally::Tally,
        tasks::Tasks,
        web::CursorKey,
        work::UnitOfWork,
    },
};

/// Everything the handlers may ask for. One pointer: the layers copy it several times for each request.
#[derive(Clone)]
pub struct AppState(Arc<Rooms>);

/// All rooms, and what they share.
pub struct Rooms {
    pub accounts: AccountService,
    pub reference: Reference,
    pub capacity: CapacityService,
    pub flights: FlightService,
    pub search: SearchService,
    pub bookings: BookingService,
    pub operations: OperationService,
    pub privacy: PrivacyService,
    pub summary: Summary,
    pub duties: Duties,
    pub idempotency: Idempotency,
    pub(super) limits: Limits,
    pub(super) flood: Option<FloodGuard>,
    pub cursor_key: CursorKey,
    pub tasks: Tasks,
    pub unit_of_work: UnitOfWork,
    pub health: Health,
    pub metrics: PrometheusHandle,
    pub(super) scrape: Scrape,
    pub settings: Arc<Settings>,
    pub clock: SharedClock,
    pub ids: IdSource,
}

impl std::ops::Deref for AppState {
    type Target = Rooms;

    fn deref(&self) -> &Rooms {
        &self.0
    }
}

/// Lets each router name only its own part.
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
    accounts: AccountService,
    reference: Reference,
    capacity: CapacityService,
    flights: FlightService,
    search: SearchService,
    bookings: BookingService,
    operations: OperationService,
    summary: Summary,
    duties: Duties,
    limits: Limits,
    idempotency: Idempotency,
    cursor_key: CursorKey,
    tasks: Tasks,
    unit_of_work: UnitOfWork,
    health: Health,
    scrape: Scrape,
    settings: Arc<Settings>,
    clock: SharedClock,
    ids: IdSource,
);

/// What the rooms are built from.
#[derive(Clone)]
pub struct Parts {
    pub settings: Arc<Settings>,
    pub db: Database,
    pub redis: Option<Redis>,
    pub clock: SharedClock,
    pub ids: IdSource,
    pub tokens: TokenSource,
    pub metrics: PrometheusHandle,
}

impl AppState {
    /// Builds the rooms, lowest first. The database must be migrated.
    pub async fn assemble(parts: Parts) -> anyhow::Result<Self> {
        let Parts { settings, db, redis, clock, ids, tokens, metrics } = parts.clone();
        let secrets = ServerSecrets::load(&db, clock.as_ref(), &tokens).await?;
        let reference = Reference::load(&db).await?;
        let limiter = RateLimiter::new(redis.clone(), &secrets.namespace, clock.clone());
        let attempts = Attempts::new(limiter.clone(), &settings.rate_limit);
        let accounts =
            AccountService::new(db.clone(), &settings.auth, attempts, clock.clone(), ids.clone(), tokens.clone())
                .await?;
        let locks = Locks::new(redis.clone(), tokens.clone(), settings.locks.clone());
        let idempotency = Idempotency::new(db.clone(), settings.idempotency.retention_hours);
        let threshold = settings.capacity.critical_threshold_kg;
        let capacity = CapacityService::new(db.clone(), clock.clone(), locks.clone(), threshold);
        let flights =
            FlightService::new(db.clone(), &capacity, reference.clone(), clock.clone(), ids.clone(), accounts.acts());
        let (tally, tasks) = (Tally::default(), Tasks::default());
        let shared = redis.clone().map(|redis| (redis, &secrets));
        let search = SearchService::new(&flights, &capacity, &reference, &clock, &settings.search, &tally, shared);
        let bookings = bookings(&parts, &secrets, locks, &capacity, &flights, &search, &tally);
        let operations = OperationService::new(
            db.clone(),
            flights.clone(),
            bookings.clone(),
            reference.clone(),
            clock.clone(),
            ids.clone(),
            accounts.acts(),
        );
        let privacy = PrivacyService::new(db.clone(), accounts.clone(), bookings.clone(), ids.clone(), clock.clone());
        let process = tokens.token()?;
        let summary = Summary::new(tally, redis.clone(), &secrets.namespace, &process);
        let duties = duties(&parts, &secrets, &accounts, &operations, &idempotency, &privacy, process)?;
        let health = Health::new(db, redis);
        let scrape = Scrape::new(metrics.clone(), health.clone(), capacity.clone(), search.clone());
        Ok(Self(Arc::new(Rooms {
            accounts,
            reference,
            capacity,
            flights,
            search,
            bookings,
            operations,
            privacy,
            summary,
            duties,
            idempotency,
            limits: Limits::new(limiter, settings.rate_limit.clone(), &settings.server.trusted_proxies),
            flood: FloodGuard::new(&settings.rate_limit),
            cursor_key: CursorKey::new(&secrets.cursor_key),
            unit_of_work: UnitOfWork::new(parts.db.clone(), tasks.clone()),
            tasks,
            health,
            metrics,
            scrape,
            settings,
            clock,
            ids,
        })))
    }
}

fn bookings(
    parts: &Parts,
    secrets: &ServerSecrets,
    locks: Locks,
    capacity: &CapacityService,
    flights: &FlightService,
    search: &SearchService,
    tally: &Tally,
) -> BookingService {
    let settings = &parts.settings;
    BookingService::new(
        parts.db.clone(),
        locks,
        capacity.clone(),
        flights.clone(),
        search.clone(),
        parts.clock.clone(),
        parts.ids.clone(),
        secrets,
        BookingLimits {
            auto_route_hours: settings.booking.auto_route_hours,
            amendments_per_hour: settings.booking.amendments_per_hour,
            moved_at_once: settings.booking.moved_at_once,
            request_time: settings.server.request_timeout(),
        },
        tally.clone(),
    )
}

fn duties(
    parts: &Parts,
    secrets: &ServerSecrets,
    accounts: &AccountService,
    operations: &OperationService,
    idempotency: &Idempotency,
    privacy: &PrivacyService,
    process: String,
) -> anyhow::Result<Duties> {
    let (redis, clock) = (parts.redis.clone(), parts.clock.clone());
    let namespace = &secrets.namespace;
    Duties::new(
        &parts.db,
        redis,
        namespace,
        accounts,
        operations,
        idempotency,
        privacy,
        process,
        parts.ids.clone(),
        clock,
    )
}
