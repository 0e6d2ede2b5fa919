//! How long before a departure its price is lowest.
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{Currency, Rate, Tenths};

use super::DAYS_AHEAD;

/// A local date on which departures were sampled, with its first and last instants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SamplingDay {
    pub date: NaiveDate,
    pub begins: DateTime<Utc>,
    pub ends: DateTime<Utc>,
}

/// Departures sampled at one number of days before, with the lowest prices of that day per kilogram, in ten-thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowSums {
    pub days_before: i32,
    /// `None`: nothing could be booked.
    pub currency: Option<Currency>,
    pub departures: i64,
    pub low: Option<i64>,
    pub sum: i64,
}

/// The offers at one number of days before departure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BookingWindow {
    pub days_before: i32,
    /// Of the departures that were asked for then; `None` if none was.
    pub bookable_percent: Option<Tenths>,
    pub currency: Option<Currency>,
    pub low: Option<Rate>,
    pub average: Option<Rate>,
}

impl BookingWindow {
    /// Returns one for each number of days. Prices are in the currency in which most departures were offered.
    pub fn of(sums: &[WindowSums]) -> Vec<Self> {
        let mut currencies = BTreeMap::<Currency, i64>::new();
        for of_day in sums {
            if let Some(currency) = of_day.currency {
                *currencies.entry(currency).or_default() += of_day.departures;
            }
        }
        let currency =
            currencies.into_iter().max_by_key(|(currency, departures)| (*departures, std::cmp::Reverse(*currency)));
        let currency = currency.map(|(currency, _)| currency);
        (0..=i32::try_from(DAYS_AHEAD).unwrap_or_default()).map(|days| Self::on(days, currency, sums)).collect()
    }

    fn on(days_before: i32, currency: Option<Currency>, sums: &[WindowSums]) -> Self {
        let of_day = || sums.iter().filter(move |sums| sums.days_before == days_before);
        let departures: i64 = of_day().map(|sums| sums.departures).sum();
        let bookable: i64 = of_day().filter(|sums| sums.currency.is_some()).map(|sums| sums.departures).sum();
        let priced = of_day().find(|sums| sums.currency.is_some() && sums.currency == currency);
        let average = priced.filter(|priced| priced.departures > 0);
        let average = average.map(|it| (2 * it.sum + it.departures).div_euclid(2 * it.departures));
        Self {
            days_before,
            bookable_percent: Tenths::percent(bookable, departures),
            currency: priced.and(currency),
            low: priced.and_then(|priced| priced.low).map(Rate::from_ten_thousandths),
            average: average.map(Rate::from_ten_thousandths),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_has_the_share_that_could_be_booked_and_prices_of_one_currency() {
        let sums = |days_before, currency: Option<&str>, departures, low, sum| WindowSums {
            days_before,
            currency: currency.map(|code| code.parse().unwrap()),
            departures,
            low,
            sum,
        };
        let found = BookingWindow::of(&[
            sums(0, None, 3, None, 0),
            sums(0, Some("USD"), 1, Some(9), 9),
            sums(3, Some("EUR"), 1, Some(2), 2),
            sums(3, Some("USD"), 2, Some(5), 11),
        ]);
        assert_eq!((found.len(), found[30].days_before), (31, 30));
        let plain =
            |it: &BookingWindow| (it.bookable_percent, it.currency.map(|code| code.to_string()), it.low, it.average);
        let (usd, rate) = (Some("USD".to_owned()), |units| Some(Rate::from_ten_thousandths(units)));
        assert_eq!(plain(&found[0]), (Tenths::percent(1, 4), usd.clone(), rate(9), rate(9)));
        assert_eq!(plain(&found[3]), (Tenths::percent(1, 1), usd, rate(5), rate(6)));
        assert_eq!(plain(&found[1]), (None, None, None, None));
    }
}
