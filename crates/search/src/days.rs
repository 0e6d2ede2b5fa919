//! What leaves on each of several days: a summary of as many searches.
use chrono::NaiveDate;
use loadmaster_accounts::Principal;
use loadmaster_capacity::Space;
use loadmaster_kernel::{Money, Rate, Weight};
use loadmaster_platform::{
    rate_limit::Verdict,
    web::{ClientAddress, Problem},
};
use tokio::task::yield_now;

use super::{
    SearchError, SearchService,
    dto::{PlaceSearch, RouteDay, Search},
    find::Answer,
    model::OptionFigures,
    offer::Offer,
    prepared::Shown,
};

/// Days that count as a request: only one option of each is shown at most.
const DAYS_IN_REQUEST: usize = 14;
/// The same with prices.
const PRICED_DAYS_IN_REQUEST: usize = 7;
/// What a request is for, in refusals.
const FORTNIGHT: [&str; 2] = ["fortnight", "fortnights"];
const PRICED_WEEK: [&str; 2] = ["week with prices", "weeks with prices"];
/// The same between cities with several airports.
const FORTNIGHT_OF_LANES: [&str; 2] = ["fortnight of three pairs of airports", "fortnights of three pairs of airports"];
const PRICED_WEEK_OF_LANES: [&str; 2] =
    ["week with prices of three pairs of airports", "weeks with prices of three pairs of airports"];

/// Returns as how many requests days count. `priced_from`: the first day that has a price, if they are asked for.
fn requests(first: NaiveDate, days: usize, priced_from: Option<NaiveDate>) -> usize {
    let Some(priced_from) = priced_from else { return days.div_ceil(DAYS_IN_REQUEST) };
    let past = first.iter_days().take(days).take_while(|date| *date < priced_from).count();
    (days - past).div_ceil(PRICED_DAYS_IN_REQUEST)
}

impl SearchService {
    /// Counts the days of all lanes against the quota of the caller: its request is counted already, and is for the first of them.
    /// Returns what is left of it, if there is a limit.
    pub(super) async fn admit_days(
        &self,
        caller: Option<Principal>,
        address: Option<ClientAddress>,
        place_search: &PlaceSearch,
        days: usize,
    ) -> Result<Option<Verdict>, Problem> {
        let priced_from = self.priced_from(place_search.first());
        let names = match (priced_from.is_some(), place_search.requests()) {
            (true, 1) => PRICED_WEEK,
            (false, 1) => FORTNIGHT,
            (true, _) => PRICED_WEEK_OF_LANES,
            (false, _) => FORTNIGHT_OF_LANES,
        };
        let requests = requests(place_search.first().date, days, priced_from) * place_search.requests();
        self.admit(caller, address, requests, names).await
    }

    /// Counts dates that are searched for a caller, of which none is over, against the quota of that caller, as days are counted:
    /// the request itself is for the first of them.
    pub async fn admit_dates(
        &self,
        caller: Principal,
        address: Option<ClientAddress>,
        dates: usize,
        with_prices: bool,
    ) -> Result<(), Problem> {
        let (in_request, names) =
            if with_prices { (PRICED_DAYS_IN_REQUEST, PRICED_WEEK) } else { (DAYS_IN_REQUEST, FORTNIGHT) };
        self.admit(Some(caller), address, dates.div_ceil(in_request), names).await.map(drop)
    }

    /// Returns the date at the origin from which days have a price, if they are asked for.
    fn priced_from(&self, first: &Search) -> Option<NaiveDate> {
        first.request.priced_for.map(|_| self.0.reference.local_date(first.origin, self.now()))
    }

    /// Summarizes the searches of these days, each as it would be answered now. They count as no searches: nobody asked for
    /// their options. With prices, days of the past are not searched.
    pub(super) async fn days(&self, place_search: &PlaceSearch, days: usize) -> Result<Vec<RouteDay>, SearchError> {
        let first = place_search.first();
        let space = first.request.space();
        let (weight, priced_from) = (space.weight.chargeable(space.volume), self.priced_from(first));
        let mut summaries = Vec::with_capacity(days);
        for date in first.date.iter_days().take(days) {
            if priced_from.is_some_and(|priced_from| date < priced_from) {
                let mut day = summary(date, &[]);
                day.set_price(None, weight);
                summaries.push(day);
                continue;
            }
            let (mut options, mut prices) = (Vec::new(), Vec::new());
            for lane in place_search.searches() {
                let (figures, offer) = self.figures(&Search { date, ..lane.clone() }).await?;
                options.extend(figures);
                prices.extend(offer.map(|offer| offer.total));
            }
            if place_search.lanes() > 1 {
                // Others get their turn.
                yield_now().await;
            }
            let mut day = summary(date, &options);
            if priced_from.is_some() {
                // As options are ordered by price.
                day.set_price(prices.into_iter().min_by_key(|price| (price.currency(), price.minor())), weight);
            }
            summaries.push(day);
        }
        mark_cheapest(&mut summaries);
        Ok(summaries)
    }

    /// Returns the figures of the options of a search, and the first one by price.
    async fn figures(&self, search: &Search) -> Result<(Vec<OptionFigures>, Option<Offer>), SearchError> {
        Ok(match self.find_uncounted(search, Shown::Nothing).await?.0 {
            Answer::Prepared((prepared, spaces, judge)) => {
                (prepared.figures(search, &spaces, &judge), prepared.offer(search, &spaces, &judge))
            }
            Answer::Read(found) => {
                let figures = found.direct.iter().chain(&found.transit).map(OptionFigures::from).collect();
                (figures, Offer::first(&found))
            }
        })
    }
}

impl RouteDay {
    fn set_price(&mut self, price: Option<Money>, chargeable: Weight) {
        self.price = Some(price);
        self.per_kg = Some(price.and_then(|price| Rate::per_kilogram(price, chargeable)));
    }
}

/// Says of each day with or without a price whether it is a cheapest one of its currency.
fn mark_cheapest(days: &mut [RouteDay]) {
    let prices: Vec<Money> = days.iter().filter_map(|day| day.price.flatten()).collect();
    for day in days {
        let is_lowest = |price: Money| {
            let mut same = prices.iter().filter(|other| other.currency() == price.currency());
            same.all(|other| price.minor() <= other.minor())
        };
        day.is_cheapest = day.price.map(|price| price.is_some_and(is_lowest));
    }
}

/// The roomiest option is the one with the most weight available, then volume, then positions, among those that can be
/// booked if there are any.
fn summary(departure_date: NaiveDate, options: &[OptionFigures]) -> RouteDay {
    let space = |option: &&OptionFigures| {
        let Space { weight, volume, positions } = option.available;
        (option.is_bookable, weight, volume, positions, std::cmp::Reverse(option.arrival))
    };
    let roomiest = options.iter().max_by_key(space);
    let bookable = || options.iter().filter(|option| option.is_bookable);
    RouteDay {
        departure_date,
        options: options.len(),
        bookable: bookable().count(),
        best_arrival_datetime: bookable().map(|option| option.arrival).min(),
        available: roomiest.map(|option| option.available),
        utilization_percent: roomiest.map(|option| option.utilization_percent),
        price: None,
        per_kg: None,
        is_cheapest: None,
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

    #[test]
    fn seven_days_with_prices_or_fourteen_without_count_as_a_request_and_the_past_as_none() {
        let first = NaiveDate::from_ymd_opt(2026, 11, 1).unwrap();
        assert_eq!([1, 14, 15, 28, 29, 31].map(|days| requests(first, days, None)), [1, 1, 2, 2, 3, 3]);
        assert_eq!([1, 7, 8, 28, 29].map(|days| requests(first, days, Some(first))), [1, 1, 2, 4, 5]);
        let on = |date| NaiveDate::from_ymd_opt(2026, 11, date);
        assert_eq!([20, 24, 25, 30].map(|today| requests(first, 30, on(today))), [2, 1, 1, 1]);
        assert_eq!(requests(first, 2, on(20)), 0, "all are over");
    }

    #[test]
    fn the_cheapest_days_are_those_with_the_lowest_price_of_their_currency() {
        let weight = Weight::from_hectograms(3_000);
        let price = |minor, currency: &str| Some(Money::new(minor, currency.parse().unwrap()));
        let day = |price| {
            let mut day = summary(NaiveDate::MIN, &[]);
            day.set_price(price, weight);
            day
        };
        let mut days = [
            day(price(90_000, "USD")),
            day(None),
            day(price(60_000, "USD")),
            day(price(70_000, "EUR")),
            day(price(60_000, "USD")),
        ];
        mark_cheapest(&mut days);
        let is_cheapest = days.each_ref().map(|day| day.is_cheapest);
        assert_eq!(is_cheapest, [false, false, true, true, true].map(Some));
        let per_kg = days.each_ref().map(|day| day.per_kg.unwrap().map(|rate| rate.to_string()));
        assert_eq!(per_kg, [Some("3"), None, Some("2"), Some("2.3333"), Some("2")].map(|rate| rate.map(str::to_owned)));
        let mut days = [summary(NaiveDate::MIN, &[])];
        mark_cheapest(&mut days);
        assert_eq!((days[0].price, days[0].per_kg, days[0].is_cheapest), (None, None, None), "not asked for");
    }
}
