use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::figures::{DailyFigures, DemandFigures, FlightFigures, FunnelFigures, TransitFigures, VolumeFigures};
use crate::model::Report;

/// Declares the body of a report with these figures.
macro_rules! report {
    ($(#[$doc:meta])* $report:ident, $row:ident, $figures:ident) => {
        /// The figures of a group in a period.
        #[derive(Debug, Serialize, ToSchema)]
        pub struct $row {
            /// The first date of the day, week or month.
            pub period: NaiveDate,
            /// The group, such as `DEL-LHR`; null without `group`, and for what belongs to none.
            #[schema(required = true)]
            pub key: Option<String>,
            #[serde(flatten)]
            pub figures: $figures,
        }

        $(#[$doc])*
        #[derive(Debug, Serialize, ToSchema)]
        pub struct $report {
            /// The first local date.
            pub from: NaiveDate,
            /// The last local date.
            pub to: NaiveDate,
            /// When the figures were right.
            pub as_of: DateTime<Utc>,
            pub total: $figures,
            /// By period, then from the largest group to the smallest. Where nothing was counted, there is no row.
            pub rows: Vec<$row>,
            /// The groups that `limit` left out, over all periods; null if it left none out. Whatever can be added up is as much
            /// in `rows` and `other` as in `total`.
            #[schema(required = true)]
            pub other: Option<$figures>,
        }

        impl $report {
            pub fn new<F>(report: &Report<F>, figures: impl Fn(&F) -> $figures) -> Self {
                let row = |row: &crate::model::Row<F>| $row {
                    period: row.period,
                    key: row.key.clone(),
                    figures: figures(&row.figures),
                };
                Self {
                    from: report.span.from,
                    to: report.span.to,
                    as_of: report.as_of,
                    total: figures(&report.total),
                    rows: report.rows.iter().map(row).collect(),
                    other: report.other.as_ref().map(&figures),
                }
            }
        }
    };
}

report!(
    /// Bookings by the local date on which they were made at their origins.
    VolumeReport,
    VolumeRow,
    VolumeFigures
);

report!(
    /// Flights by the local date of their scheduled departure.
    FlightReport,
    FlightRow,
    FlightFigures
);

report!(
    /// Shipments by the local date of their arrival at their destinations.
    TransitReport,
    TransitRow,
    TransitFigures
);

report!(
    /// The business of each day.
    DailyReport,
    DailyRow,
    DailyFigures
);

report!(
    /// Searches by the local date at their origins on which they were made.
    DemandReport,
    DemandRow,
    DemandFigures
);

report!(
    /// Searches, quotes, holds and bookings by the local date on which they were made at their origins.
    FunnelReport,
    FunnelRow,
    FunnelFigures
);
