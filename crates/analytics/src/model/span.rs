use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use loadmaster_kernel::words;

/// Most dates of a report.
pub const LONGEST_SPAN: i64 = 400;
/// Most rows of a report: groups times periods.
pub const MOST_ROWS: i64 = 40_000;
/// Dates of a report for which none are named.
const DEFAULT_SPAN: u64 = 28;

words! {
    /// What the rows of a report are about.
    pub enum Period {
        Day = "day",
        /// From Monday, as in ISO 8601.
        Week = "week",
        Month = "month",
    }
}

/// The local dates that a report is about, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    pub from: NaiveDate,
    pub to: NaiveDate,
}

impl Span {
    /// Returns the span of these dates. Without a last one it ends today, or with a later first one; without a first one it
    /// has 28 dates.
    pub fn of(from: Option<NaiveDate>, to: Option<NaiveDate>, today: NaiveDate) -> Self {
        let to = to.unwrap_or_else(|| from.map_or(today, |from| from.max(today)));
        Self { from: from.unwrap_or_else(|| to - Days::new(DEFAULT_SPAN - 1)), to }
    }

    /// Returns the number of dates.
    pub fn days(self) -> i64 {
        (self.to - self.from).num_days() + 1
    }

    /// Returns the number of days, weeks or months that have a date in it.
    pub fn periods(self, of: Period) -> i64 {
        let Self { from, to } = self;
        match of {
            Period::Day => self.days(),
            Period::Week => (monday(to) - monday(from)).num_days() / 7 + 1,
            Period::Month => months(to) - months(from) + 1,
        }
    }

    /// Returns the span of the same length that ends with the day before.
    pub fn before(self) -> Self {
        let days = TimeDelta::days(self.days());
        Self { from: self.from - days, to: self.to - days }
    }

    /// Returns instants between which all of its dates lie, wherever on Earth they are counted.
    pub fn instants(self) -> (DateTime<Utc>, DateTime<Utc>) {
        let start = |date: NaiveDate| date.and_time(NaiveTime::MIN).and_utc();
        (start(self.from - Days::new(1)), start(self.to + Days::new(2)))
    }
}

fn monday(date: NaiveDate) -> NaiveDate {
    date - Days::new(date.weekday().num_days_from_monday().into())
}

fn months(date: NaiveDate) -> i64 {
    i64::from(date.year()) * 12 + i64::from(date.month0())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn span(from: &str, to: &str) -> Span {
        Span { from: date(from), to: date(to) }
    }

    #[test]
    fn a_span_has_28_dates_that_end_today_unless_others_are_named() {
        let today = date("2026-11-20");
        assert_eq!(Span::of(None, None, today), span("2026-10-24", "2026-11-20"));
        assert_eq!(Span::of(None, None, today).days(), 28);
        assert_eq!(Span::of(Some(date("2026-11-01")), None, today), span("2026-11-01", "2026-11-20"));
        assert_eq!(Span::of(Some(date("2026-12-24")), None, today), span("2026-12-24", "2026-12-24"));
        assert_eq!(Span::of(None, Some(date("2026-03-01")), today), span("2026-02-02", "2026-03-01"));
    }

    #[test]
    fn periods_count_where_the_span_has_only_a_part_of_them() {
        let span = span("2026-11-29", "2027-02-01");
        assert_eq!(span.periods(Period::Day), 65);
        assert_eq!(span.periods(Period::Week), 11, "from the Sunday of one week to the Monday of another");
        assert_eq!(span.periods(Period::Month), 4);
    }

    #[test]
    fn the_span_before_is_as_long_and_ends_where_this_one_begins() {
        let before = span("2026-11-02", "2026-11-20").before();
        assert_eq!(before, span("2026-10-14", "2026-11-01"));
    }
}
