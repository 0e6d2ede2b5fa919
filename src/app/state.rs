use std::sync::Arc;

use axum::extract::FromRef;
use metrics_exporter_prometheus::PrometheusHandle;

use super::{duties::Duties, health::Health, summary::Summary};
use crate::{
    features::{
        accounts::AccountService, bookings::BookingService, capacity::CapacityService, flights::FlightService,
        operations::OperationService, reference::Reference, search::SearchService,
    },
    platform::{
        clock::SharedClock,
        idempotency::Idempotency,
        locks::Locks,
        postgres::Database,
        random::{IdSource, TokenSource},
        redis::Redis,
        secrets::ServerSecrets,
        settings::Settings,
        tally::Tally,
        tasks::Tasks,
        web::CursorKey,
    },
};

/// Everything the handlers may ask for. `FromRef` lets each router name only its own part.
#[derive(Clone, FromRef)]
pub struct AppState {
    pub accounts: AccountService,
    pub reference: Reference,
    pub capacity: CapacityService,
    pub flights: FlightService,
    pub search: SearchService,
    pub bookings: BookingService,
    pub operations: OperationService,
    pub summary: Summary,
    pub duties: Duties,
    pub idempotency: Idempotency,
    pub cursor_key: CursorKey,
    pub tasks: Tasks,
    pub health: Health,
    pub metrics: PrometheusHandle,
    pub settings: Arc<Settings>,
    pub clock: SharedClock,
    pub ids: IdSource,
}

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
        let Parts { settings, db, redis, clock, ids, tokens, metrics } = parts;
        let secrets = ServerSecrets::load(&db, clock.as_ref(), &tokens).await?;
        let reference = Reference::load(&db).await?;
        let accounts =
            AccountService::new(db.clone(), &settings.auth, clock.clone(), ids.clone(), tokens.clone()).await?;
        let locks = Locks::new(redis.clone(), tokens.clone(), settings.locks.clone());
        let idempotency = Idempotency::new(db.clone(), settings.idempotency.retention_hours);
        let threshold = settings.capacity.critical_threshold_kg;
        let capacity = CapacityService::new(db.clone(), clock.clone(), locks.clone(), threshold);
        let flights = FlightService::new(db.clone(), reference.clone(), clock.clone(), ids.clone());
        let tally = Tally::default();
        let searching = settings.search.clone();
        let search = SearchService::new(flights.clone(), reference.clone(), clock.clone(), searching, tally.clone());
        let bookings = BookingService::new(
            db.clone(),
            locks,
            capacity.clone(),
            flights.clone(),
            search.clone(),
            clock.clone(),
            ids.clone(),
            &secrets,
            settings.booking.auto_route_hours,
            tally.clone(),
        );
        let operations =
            OperationService::new(db.clone(), flights.clone(), bookings.clone(), reference.clone(), clock.clone());
        let process = tokens.token()?;
        let summary = Summary::new(tally, redis.clone(), &secrets.namespace, &process);
        let duties = Duties::new(
            &db,
            redis.clone(),
            &secrets.namespace,
            &accounts,
            &idempotency,
            process,
            ids.clone(),
            clock.clone(),
        )?;
        Ok(Self {
            accounts,
            reference,
            capacity,
            flights,
            search,
            bookings,
            operations,
            summary,
            duties,
            idempotency,
            cursor_key: CursorKey::new(&secrets.cursor_key),
            tasks: Tasks::default(),
            health: Health::new(db, redis),
            metrics,
            settings,
            clock,
            ids,
        })
    }
}
