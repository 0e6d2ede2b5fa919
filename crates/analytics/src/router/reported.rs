//! What reports have in common, and in what they differ.
use axum::{
    Json,
    extract::{FromRef, FromRequestParts},
    http::request::Parts,
    response::Response,
};
use chrono::NaiveDate;
use loadmaster_accounts::Principal;
use loadmaster_platform::{
    postgres::{DbError, Recency},
    tables::{Export, ExportParams},
    telemetry::{Traced, span},
    web::{Fields, Problem, Query, ReadRecency, private},
};
use loadmaster_reference::Reference;
use serde::Serialize;

use crate::{
    dto::{
        DailyReport, DemandReport, FlightFigures, FlightReport, FunnelFigures, FunnelReport, TransitReport,
        VolumeReport, read_daily, read_demand, read_flights, read_funnel, read_transit, read_volume, rows_of,
        split_amounts,
    },
    model::{DailySums, DemandSums, FlightSums, FunnelSums, Report, Scope, TransitSums, VolumeSums},
    service::AnalyticsService,
};

/// A report: parameters that name a scope, a statement that finds sums in it, and the figures that these give.
pub(super) trait Reported {
    /// The name of its table.
    const NAME: &'static str;
    /// The name of the span in which it is made.
    const SPAN: &'static str;
    /// The columns of its table.
    const COLUMNS: &'static [&'static str];
    /// Members with amounts: each currency has a column of its own, after the others.
    const AMOUNTS: &'static [&'static str];
    type Sums;
    type Body: Serialize;

    fn read(fields: &mut Fields<'_>, reference: &Reference, caller: Principal, today: NaiveDate) -> Option<Scope>;

    fn find(
        analytics: &AnalyticsService,
        scope: &Scope,
        recency: Recency,
    ) -> impl Future<Output = Result<Report<Self::Sums>, DbError>> + Send;

    fn body(report: &Report<Self::Sums>, scope: &Scope) -> Self::Body;
}

/// A request for a report.
pub(super) struct ReportRequest {
    analytics: AnalyticsService,
    reference: Reference,
    query: Query,
}

impl<S> FromRequestParts<S> for ReportRequest
where
    S: Send + Sync,
    AnalyticsService: FromRef<S>,
    Reference: FromRef<S>,
{
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let query = Query::from_request_parts(parts, state).await?;
        Ok(Self { analytics: AnalyticsService::from_ref(state), reference: Reference::from_ref(state), query })
    }
}

impl ReportRequest {
    /// Answers with the report, as recent as the request wants it.
    pub async fn report<R: Reported>(
        self,
        caller: Principal,
        ReadRecency(recency): ReadRecency,
    ) -> Result<Response, Problem> {
        let Self { analytics, reference, query } = self;
        let scope = query.read(|fields| R::read(fields, &reference, caller, analytics.today()))?;
        let report = R::find(&analytics, &scope, recency).in_span(span(R::SPAN)).await?;
        Ok(private(Json(R::body(&report, &scope))))
    }

    /// Answers with a table of the rows of the report.
    pub async fn table<R: Reported>(self, caller: Principal) -> Result<Response, Problem> {
        let Self { analytics, reference, query } = self;
        let (scope, params) = query.read(|fields| {
            Some((R::read(fields, &reference, caller, analytics.today())?, ExportParams::read(fields)?))
        })?;
        let report = R::find(&analytics, &scope, Recency::Now).await?;
        let mut rows = rows_of(R::body(&report, &scope)).map_err(|error| Problem::internal(&error))?;
        let mut export = Export::new(R::NAME, R::COLUMNS, &params);
        for member in R::AMOUNTS {
            export = export.and(split_amounts(&mut rows, member));
        }
        export.whole(rows).await
    }
}

/// Declares a report. `figures` are those of the sums of a row, in the scope of the report.
macro_rules! report {
    ($report:ident {
        name: $name:literal,
        read: $read:ident,
        find: $find:ident -> $sums:ty,
        body: $body:ident of |$found:ident, $scope:ident| $figures:expr,
        columns: $columns:expr,
        amounts: $amounts:expr $(,)?
    }) => {
        pub(super) struct $report;

        impl Reported for $report {
            const NAME: &'static str = $name;
            const SPAN: &'static str = concat!("analytics.", stringify!($find));
            const COLUMNS: &'static [&'static str] = $columns;
            const AMOUNTS: &'static [&'static str] = $amounts;
            type Sums = $sums;
            type Body = $body;

            fn read(
                fields: &mut Fields<'_>,
                reference: &Reference,
                caller: Principal,
                today: NaiveDate,
            ) -> Option<Scope> {
                $read(fields, reference, caller, today)
            }

            async fn find(
                analytics: &AnalyticsService,
                scope: &Scope,
                recency: Recency,
            ) -> Result<Report<$sums>, DbError> {
                analytics.$find(scope, recency).await
            }

            fn body(report: &Report<$sums>, $scope: &Scope) -> $body {
                $body::new(report, |$found: &$sums| $figures)
            }
        }
    };
}

report!(Volume {
    name: "volume",
    read: read_volume,
    find: volume -> VolumeSums,
    body: VolumeReport of |sums, _scope| sums.into(),
    columns: &[
        "period",
        "key",
        "bookings",
        "cancelled",
        "pieces",
        "weight_kg",
        "chargeable_weight_kg",
        "co2e_kg",
        "change_percent",
    ],
    amounts: &["revenue", "yield_per_kg"],
});

report!(Flights {
    name: "flights",
    read: read_flights,
    find: flights -> FlightSums,
    body: FlightReport of |sums, scope| FlightFigures::new(sums, scope.is_whole),
    columns: &[
        "period",
        "key",
        "flights",
        "cancelled_percent",
        "departed/flights",
        "departed/on_time_percent",
        "departed/mean_delay_minutes",
        "arrived/flights",
        "arrived/on_time_percent",
        "arrived/mean_delay_minutes",
        "capacity/weight_kg",
        "capacity/volume_m3",
        "capacity/positions",
        "carried/weight_kg",
        "carried/volume_m3",
        "carried/positions",
        "percent/weight",
        "percent/volume",
        "percent/positions",
        "held/weight_kg",
        "held/volume_m3",
        "held/positions",
        "available/weight_kg",
        "available/volume_m3",
        "available/positions",
    ],
    amounts: &[],
});

report!(Transit {
    name: "transit-times",
    read: read_transit,
    find: transit -> TransitSums,
    body: TransitReport of |sums, _scope| sums.into(),
    columns: &[
        "period",
        "key",
        "shipments",
        "planned/p50",
        "planned/p90",
        "planned/p95",
        "actual/p50",
        "actual/p90",
        "actual/p95",
        "late_percent",
        "as_booked_percent",
    ],
    amounts: &[],
});

report!(Funnel {
    name: "funnel",
    read: read_funnel,
    find: funnel -> FunnelSums,
    body: FunnelReport of |sums, scope| FunnelFigures::new(sums, scope.knows_searches()),
    columns: &[
        "period",
        "key",
        "searches/made",
        "searches/bookable",
        "quotes/made",
        "quotes/taken",
        "holds/made",
        "holds/committed",
        "bookings/made",
        "bookings/delivered",
    ],
    amounts: &[],
});

report!(Demand {
    name: "demand",
    read: read_demand,
    find: demand -> DemandSums,
    body: DemandReport of |sums, _scope| sums.into(),
    columns: &["period", "key", "searches", "bookable_percent", "mean_options"],
    amounts: &[],
});

report!(Daily {
    name: "daily",
    read: read_daily,
    find: daily -> DailySums,
    body: DailyReport of |sums, _scope| sums.into(),
    columns: &[
        "period",
        "searches",
        "mean_search_ms",
        "cache_hit_percent",
        "quotes",
        "holds",
        "bookings",
        "cancelled",
        "delivered",
        "weight_kg",
        "new_users",
        "active_users",
    ],
    amounts: &["revenue"],
});
