use std::sync::{Arc, Mutex};

use chrono::{DateTime, Days, NaiveDate, Utc};
use loadmaster_flights::{FlightService, Lane};
use loadmaster_kernel::{AirportCode, Currency};
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{Database, DbError, Recency},
    settings,
};
use loadmaster_reference::Reference;
use loadmaster_search::SearchService;

use super::{
    model::{BookingWindow, Change, DAYS_AHEAD, History, Period, SamplingDay, Span, Subject},
    repository,
};

/// For how long the answers are kept that differ from those before: until the first departure by which the time to book is judged
/// needs none of the first day on which it was asked for, wherever that began.
const POINTS_KEPT: Days = Days::new(122);
/// For how long the sums of days are kept: four years.
const DAYS_KEPT: Days = Days::new(1_461);
/// Departures by which the time to book is judged.
const WINDOW_DAYS: Days = Days::new(90);

/// What the service stands on.
#[derive(Clone)]
pub(super) struct Parts {
    pub db: Database,
    pub clock: SharedClock,
    pub reference: Reference,
    pub flights: FlightService,
    pub search: SearchService,
    pub settings: settings::Rates,
}

/// The lanes that were searched most.
#[derive(Clone)]
pub(super) struct Frequent {
    pub read_at: DateTime<Utc>,
    pub lanes: Vec<Lane>,
}

/// The use cases of rates: reading here, `sample` and `demo` in their own files.
#[derive(Clone)]
pub struct RateService {
    pub(super) db: Database,
    pub(super) parts: Arc<Parts>,
    pub(super) frequent: Arc<Mutex<Option<Frequent>>>,
}

impl RateService {
    pub(super) fn new(parts: Parts) -> Self {
        Self { db: parts.db.clone(), parts: Arc::new(parts), frequent: Arc::default() }
    }

    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        let (flights, search) = (self.parts.flights.for_background(), self.parts.search.for_background());
        let parts = Arc::new(Parts { flights, search, ..(*self.parts).clone() });
        Self { db: self.db.for_background(), parts, ..self.clone() }
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.parts.clock.now()
    }

    /// Returns the date at an airport.
    pub(super) fn today(&self, airport: AirportCode) -> NaiveDate {
        self.parts.reference.local_date(airport, self.now())
    }

    /// Returns the weight whose prices stand for this one: the highest that is asked for and not above it, else the lowest.
    pub(super) fn standard_weight(&self, kilograms: i64) -> i32 {
        let weights = &self.parts.settings.weights_kg;
        let found = weights.iter().rev().find(|weight| i64::from(**weight) <= kilograms).or_else(|| weights.first());
        found.and_then(|weight| i32::try_from(*weight).ok()).unwrap_or_default()
    }

    pub(super) async fn history(
        &self,
        subject: Subject,
        span: Span,
        by: Period,
        currency: Option<Currency>,
        recency: Recency,
    ) -> Result<History, DbError> {
        let today = self.today(subject.lane.0);
        let read = |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let as_of = repository::sampled_at(&mut snapshot, subject.lane).await?;
            let periods = repository::periods(&mut snapshot, subject, span, by, currency).await?;
            let trends = repository::trends(&mut snapshot, subject, today, currency).await?;
            let now = repository::lowest(&mut snapshot, subject, today, currency).await?;
            Ok(History::of(as_of, periods, &trends, &now))
        };
        self.db.reading::<_, DbError, _>(recency, read).await
    }

    /// Returns the answers about one departure date that differed from those before, in order.
    pub(super) async fn changes(
        &self,
        subject: Subject,
        departure_date: NaiveDate,
        recency: Recency,
    ) -> Result<Vec<Change>, DbError> {
        let read = |db: Database| async move {
            Ok(repository::changes(&mut *db.read().await?, subject, departure_date).await?)
        };
        self.db.reading::<_, DbError, _>(recency, read).await
    }

    pub(super) async fn booking_window(
        &self,
        subject: Subject,
        recency: Recency,
    ) -> Result<Vec<BookingWindow>, DbError> {
        let today = self.today(subject.lane.0);
        let sampling_days = &self.sampling_days(subject.lane, today);
        let read = |db: Database| async move {
            Ok(repository::windows(&mut *db.read().await?, subject, today - WINDOW_DAYS, today, sampling_days).await?)
        };
        Ok(BookingWindow::of(&self.db.reading::<_, DbError, _>(recency, read).await?))
    }

    /// Returns the local dates on which those departures were sampled, with their first and last instants.
    fn sampling_days(&self, lane: Lane, today: NaiveDate) -> Vec<SamplingDay> {
        let Some(airport) = self.parts.reference.airport(lane.0) else { return Vec::new() };
        let first = today - WINDOW_DAYS - Days::new(DAYS_AHEAD);
        let dates = first.iter_days().take_while(|date| *date < today);
        dates
            .map(|date| {
                let (begins, ends) = airport.day(date);
                SamplingDay { date, begins, ends }
            })
            .collect()
    }

    /// Deletes what is older than it is kept. Returns the number of rows.
    pub(super) async fn delete_old(&self) -> Result<u64, DbError> {
        let now = self.now();
        let (instant, day) = (now - POINTS_KEPT, now.date_naive() - DAYS_KEPT);
        let points =
            self.db.delete_in_batches(|tx, most| Box::pin(repository::delete_points(tx, instant, most))).await?;
        let days = self.db.delete_in_batches(|tx, most| Box::pin(repository::delete_days(tx, day, most))).await?;
        Ok(points + days)
    }
}
