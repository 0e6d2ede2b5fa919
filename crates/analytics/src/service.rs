use chrono::NaiveDate;
use loadmaster_kernel::AirportCode;
use loadmaster_platform::{
    clock::SharedClock,
    listing::Anchor,
    postgres::{Database, DbError, Recency, commit, retrying},
    web::PageRequest,
};
use loadmaster_reference::Reference;

use super::{
    model::{
        DailySums, DemandSums, FlightSums, FunnelSums, Offsets, PopularLane, PopularPeriod, Report, Scope, SearchCount,
        SearchFilter, Span, StationDates, StationSums, StationTrend, TransitSums, VolumeSums,
    },
    repository,
};

/// Makes reports of the tables in which bookings, flights, holds and quotes are recorded.
#[derive(Clone)]
pub struct AnalyticsService {
    pub db: Database,
    pub clock: SharedClock,
    pub reference: Reference,
    /// The weight whose rates are typical of a lane.
    pub typical_weight_kg: i32,
}

impl AnalyticsService {
    /// Returns the date in UTC: the last one of a report for which none is named.
    pub fn today(&self) -> NaiveDate {
        self.clock.now().date_naive()
    }

    /// Returns the offsets of all airports from the first date of one span to the last of another.
    fn offsets(&self, first: Span, last: Span) -> Offsets {
        let ((from, _), (_, to)) = (first.instants(), last.instants());
        Offsets::between(self.reference.airports().iter().map(|airport| airport.time_zone), from, to)
    }

    pub async fn volume(&self, scope: &Scope, recency: Recency) -> Result<Report<VolumeSums>, DbError> {
        let (as_of, offsets) = (self.clock.now(), &self.offsets(scope.span.before(), scope.span));
        let factors = self.reference.class_factors();
        let read = |db: Database| async move {
            Ok(repository::volume(&mut *db.read().await?, scope, offsets, factors).await?)
        };
        Ok(Report::of(scope.span, as_of, self.db.reading::<_, DbError, _>(recency, read).await?))
    }

    pub async fn flights(&self, scope: &Scope, recency: Recency) -> Result<Report<FlightSums>, DbError> {
        let as_of = self.clock.now();
        let read = |db: Database| async move { Ok(repository::flights(&mut *db.read().await?, scope, as_of).await?) };
        Ok(Report::of(scope.span, as_of, self.db.reading::<_, DbError, _>(recency, read).await?))
    }

    pub async fn transit(&self, scope: &Scope, recency: Recency) -> Result<Report<TransitSums>, DbError> {
        let (as_of, offsets) = (self.clock.now(), &self.offsets(scope.span, scope.span));
        let read = |db: Database| async move { Ok(repository::transit(&mut *db.read().await?, scope, offsets).await?) };
        Ok(Report::of(scope.span, as_of, self.db.reading::<_, DbError, _>(recency, read).await?))
    }

    pub async fn funnel(&self, scope: &Scope, recency: Recency) -> Result<Report<FunnelSums>, DbError> {
        let (as_of, offsets) = (self.clock.now(), &self.offsets(scope.span, scope.span));
        let read = |db: Database| async move { Ok(repository::funnel(&mut *db.read().await?, scope, offsets).await?) };
        Ok(Report::of(scope.span, as_of, self.db.reading::<_, DbError, _>(recency, read).await?))
    }

    pub async fn daily(&self, scope: &Scope, recency: Recency) -> Result<Report<DailySums>, DbError> {
        let (as_of, offsets) = (self.clock.now(), &self.offsets(scope.span, scope.span));
        let read = |db: Database| async move { Ok(repository::daily(&mut *db.read().await?, scope, offsets).await?) };
        Ok(Report::of(scope.span, as_of, self.db.reading::<_, DbError, _>(recency, read).await?))
    }

    pub async fn demand(&self, scope: &Scope, recency: Recency) -> Result<Report<DemandSums>, DbError> {
        let as_of = self.clock.now();
        let read = |db: Database| async move { Ok(repository::demand(&mut *db.read().await?, scope).await?) };
        Ok(Report::of(scope.span, as_of, self.db.reading::<_, DbError, _>(recency, read).await?))
    }

    pub async fn searches(
        &self,
        filter: &SearchFilter,
        page: &PageRequest<Anchor>,
        recency: Recency,
    ) -> Result<Vec<SearchCount>, DbError> {
        let read =
            |db: Database| async move { Ok(repository::searches(&mut *db.listing().await?, filter, page).await?) };
        self.db.reading(recency, read).await
    }

    pub async fn popular(
        &self,
        period: PopularPeriod,
        origin: Option<AirportCode>,
        limit: i64,
        recency: Recency,
    ) -> Result<Vec<PopularLane>, DbError> {
        let read =
            |db: Database| async move { Ok(repository::popular(&mut *db.read().await?, period, origin, limit).await?) };
        self.db.reading(recency, read).await
    }

    /// Finds the popular lanes of now.
    pub async fn renew_popular(&self) -> Result<(), DbError> {
        let now = self.clock.now();
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            repository::replace_popular(&mut tx, now).await?;
            commit(tx).await
        })
        .await
    }

    /// Finds what is going on at stations on the dates before that of now, of each.
    pub async fn renew_stations(&self) -> Result<(), DbError> {
        let now = self.clock.now();
        let airports = self.reference.airports();
        let dates = StationDates::at(now, airports.iter().map(AsRef::as_ref));
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            repository::replace_trends(&mut tx, &dates, now).await?;
            repository::replace_insights(&mut tx, &dates, self.typical_weight_kg, now).await?;
            commit(tx).await
        })
        .await
    }

    pub async fn trends(&self, limit: i64, recency: Recency) -> Result<Vec<StationTrend>, DbError> {
        let read = |db: Database| async move { Ok(repository::trends(&mut *db.read().await?, limit).await?) };
        self.db.reading(recency, read).await
    }

    pub async fn insights(&self, station: AirportCode, recency: Recency) -> Result<Option<StationSums>, DbError> {
        let read = |db: Database| async move { Ok(repository::insights(&mut *db.read().await?, station).await?) };
        self.db.reading(recency, read).await
    }

    pub async fn count_searches(&self, filter: &SearchFilter) -> Result<i64, DbError> {
        Ok(repository::count_searches(&mut *self.db.read().await?, filter).await?)
    }
}
