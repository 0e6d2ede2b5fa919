//! What leaves on each of several days: a summary of as many searches.
use chrono::NaiveDate;
use loadmaster_capacity::Space;

use super::{
    SearchError, SearchService,
    dto::{RouteDay, Search},
    find::Answer,
    model::OptionFigures,
    prepared::Shown,
};

impl SearchService {
    /// Summarizes the searches of these days, each as it would be answered now. They count as no searches: nobody asked for
    /// their options.
    pub(super) async fn days(&self, first: Search, days: usize) -> Result<Vec<RouteDay>, SearchError> {
        let mut summaries = Vec::with_capacity(days);
        for date in first.date.iter_days().take(days) {
            let search = Search { date, ..first.clone() };
            let options = match self.find_uncounted(&search, Shown::Nothing).await?.0 {
                Answer::Prepared((prepared, rooms, judge)) => prepared.figures(&search, &rooms, &judge),
                Answer::Read(found) => found.direct.iter().chain(&found.transit).map(OptionFigures::from).collect(),
            };
            summaries.push(summary(date, &options));
        }
        Ok(summaries)
    }
}

/// The roomiest option is the one with the most weight available, then volume, then positions, among those that can be
/// booked if there are any.
fn summary(departure_date: NaiveDate, options: &[OptionFigures]) -> RouteDay {
    let room = |option: &&OptionFigures| {
        let Space { weight, volume, positions } = option.available;
        (option.is_bookable, weight, volume, positions, std::cmp::Reverse(option.arrival))
    };
    let roomiest = options.iter().max_by_key(room);
    let bookable = || options.iter().filter(|option| option.is_bookable);
    RouteDay {
        departure_date,
        options: options.len(),
        bookable: bookable().count(),
        best_arrival_datetime: bookable().map(|option| option.arrival).min(),
        available: roomiest.map(|option| option.available),
        utilization_percent: roomiest.map(|option| option.utilization_percent),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn option(hour: u32, is_bookable: bool, weight_hg: i64, utilization_percent: f64) -> OptionFigures {
        let arrival = DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(i64::from(hour));
        OptionFigures { arrival, is_bookable, available: Space::from_columns(weight_hg, 0, 0), utilization_percent }
    }

    #[test]
    fn a_day_shows_its_roomiest_bookable_option_and_its_earliest_arrival() {
        let day = summary(
            NaiveDate::MIN,
            &[option(9, true, 100, 90.0), option(12, true, 500, 50.0), option(3, false, 900, 10.0)],
        );
        assert_eq!((day.options, day.bookable), (3, 2));
        assert_eq!(day.best_arrival_datetime, Some(option(9, true, 0, 0.0).arrival));
        assert_eq!(day.available, Some(Space::from_columns(500, 0, 0)));
        assert_eq!(day.utilization_percent, Some(50.0));
    }

    #[test]
    fn a_full_day_shows_what_is_left_and_a_day_without_flights_nothing() {
        let day = summary(NaiveDate::MIN, &[option(3, false, 70, 99.0), option(4, false, 80, 98.0)]);
        assert_eq!((day.bookable, day.best_arrival_datetime), (0, None));
        assert_eq!(day.available, Some(Space::from_columns(80, 0, 0)));
        let day = summary(NaiveDate::MIN, &[]);
        assert_eq!((day.options, day.available, day.utilization_percent), (0, None, None));
    }
}
