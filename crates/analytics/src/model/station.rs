use chrono::{DateTime, Days, NaiveDate, Utc};
use loadmaster_kernel::AirportCode;
use loadmaster_reference::Airport;
use serde::Deserialize;

/// Days of a week, and of the dates that insights are about.
const WEEK: u64 = 7;
const INSIGHTS: u64 = 28;
/// Days of the four weeks with which a week is compared.
const BEFORE: u64 = 28;

/// The dates of all stations at one moment: one entry of each list belongs to one of the others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StationDates {
    pub stations: Vec<AirportCode>,
    /// The local date, which has not ended.
    pub todays: Vec<NaiveDate>,
    /// When it began, and when its last week, the four before, and the dates of insights began.
    pub ends: Vec<DateTime<Utc>>,
    pub weeks: Vec<DateTime<Utc>>,
    pub befores: Vec<DateTime<Utc>>,
    pub insights: Vec<DateTime<Utc>>,
}

impl StationDates {
    pub fn at<'a>(now: DateTime<Utc>, airports: impl IntoIterator<Item = &'a Airport>) -> Self {
        let mut all = Self::default();
        for airport in airports {
            let today = airport.local_date(now);
            let days_ago = |days| airport.start_of(today - Days::new(days));
            all.stations.push(airport.code);
            all.todays.push(today);
            all.ends.push(days_ago(0));
            all.weeks.push(days_ago(WEEK));
            all.befores.push(days_ago(WEEK + BEFORE));
            all.insights.push(days_ago(INSIGHTS));
        }
        all
    }
}

/// A station to which more is searched and booked than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationTrend {
    pub station: String,
    pub rank: i32,
    pub searches: i64,
    pub bookings: i64,
    /// Searches and bookings of the four weeks before.
    pub former: i64,
}

/// A lane of a station with its flights, and what it typically costs, in ten-thousandths for a chargeable kilogram.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct BusyLane {
    pub destination: AirportCode,
    pub departures: i64,
    pub currency: Option<String>,
    pub low: Option<i64>,
    pub average: Option<i64>,
    pub high: Option<i64>,
}

/// What is going on at a station.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StationSums {
    pub first_date: NaiveDate,
    pub last_date: NaiveDate,
    pub departures: i64,
    pub departed: i64,
    pub on_time: i64,
    pub booked_hg: i64,
    pub capacity_hg: i64,
    pub lanes: Vec<BusyLane>,
    pub computed_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use loadmaster_reference::Reference;

    use super::*;

    #[test]
    fn dates_are_those_of_the_station_on_both_sides_of_the_date_line_and_over_changes_of_clocks() {
        let reference = Reference::bundled().unwrap();
        let airports = ["CXI", "PPG", "LHR"].map(|code| reference.airport(code.parse().unwrap()).unwrap());
        let now = "2026-11-20T10:30:00Z".parse().unwrap();
        let dates = StationDates::at(now, airports.iter().map(AsRef::as_ref));
        let text = |instants: &[DateTime<Utc>]| instants.iter().map(DateTime::to_rfc3339).collect::<Vec<_>>();
        assert_eq!(
            dates.todays.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["2026-11-21", "2026-11-19", "2026-11-20"]
        );
        assert_eq!(
            text(&dates.ends),
            ["2026-11-20T10:00:00+00:00", "2026-11-19T11:00:00+00:00", "2026-11-20T00:00:00+00:00"]
        );
        // Four weeks before November 20 London was an hour ahead.
        assert_eq!(
            text(&dates.insights),
            ["2026-10-23T10:00:00+00:00", "2026-10-22T11:00:00+00:00", "2026-10-22T23:00:00+00:00"]
        );
    }
}
