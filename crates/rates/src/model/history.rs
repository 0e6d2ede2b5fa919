//! The history of a lane: its points, and how its price of now compares with them.
use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{AirlineCode, Currency, Money, Rate, Tenths, words};

use super::OFFERED;

/// Fewest days by which a price is judged.
const FEWEST_DAYS: usize = 14;

words! {
    /// How a price compares with the lowest ones of the days before.
    pub enum Level {
        /// At least three quarters of the days were dearer.
        Low = "LOW",
        Typical = "TYPICAL",
        /// At least three quarters of the days were cheaper.
        High = "HIGH",
    }
}

impl Level {
    /// `lows`: the lowest price of each day; `None` if there are too few.
    pub fn of(now: i64, lows: &[i64]) -> Option<Self> {
        if lows.len() < FEWEST_DAYS {
            return None;
        }
        let is_most = |days: usize| days * 4 >= lows.len() * 3;
        Some(if is_most(lows.iter().filter(|low| **low > now).count()) {
            Self::Low
        } else if is_most(lows.iter().filter(|low| **low < now).count()) {
            Self::High
        } else {
            Self::Typical
        })
    }
}

/// The sums of one period of a series, for a kilogram, in ten-thousandths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeriodSums {
    pub source: String,
    pub currency: Currency,
    /// Its first date.
    pub period: NaiveDate,
    pub low: i64,
    pub high: i64,
    pub sum: i64,
    pub samples: i64,
}

impl PeriodSums {
    /// Returns the average, rounded half up.
    pub fn average(&self) -> Rate {
        mean(self.sum, self.samples).map(Rate::from_ten_thousandths).unwrap_or_default()
    }
}

/// The sums of the last 28 days of a series and of the 28 before, and the lowest prices of its last 60 days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trend {
    pub source: String,
    pub currency: Currency,
    pub sum: i64,
    pub samples: i64,
    pub former_sum: i64,
    pub former_samples: i64,
    pub lows: Vec<i64>,
}

impl Trend {
    /// Returns by how many percent the average is more than that of the 28 days before.
    fn change_percent(&self) -> Option<Tenths> {
        Tenths::growth(mean(self.sum, self.samples)?, mean(self.former_sum, self.former_samples)?)
    }
}

fn mean(sum: i64, samples: i64) -> Option<i64> {
    (samples > 0).then(|| (2 * sum + samples).div_euclid(2 * samples))
}

/// What was asked of one source in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Series {
    pub source: String,
    pub currency: Currency,
    pub points: Vec<PeriodSums>,
    /// The lowest price of the departures to come, in ten-thousandths.
    pub now: Option<i64>,
    pub change_percent: Option<Tenths>,
    pub level: Option<Level>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// When the lane was asked last.
    pub as_of: Option<DateTime<Utc>>,
    /// By source and currency.
    pub series: Vec<Series>,
}

impl History {
    /// `now` has the lowest price that is offered in each currency.
    pub fn of(
        as_of: Option<DateTime<Utc>>,
        periods: Vec<PeriodSums>,
        trends: &[Trend],
        now: &[(Currency, i64)],
    ) -> Self {
        let mut series = BTreeMap::<(String, Currency), Series>::new();
        for point in periods {
            at(&mut series, &point.source, point.currency).points.push(point);
        }
        for (currency, lowest) in now {
            at(&mut series, OFFERED, *currency).now = Some(*lowest);
        }
        for trend in trends {
            let of_trend = at(&mut series, &trend.source, trend.currency);
            of_trend.change_percent = trend.change_percent();
            of_trend.level = of_trend.now.and_then(|now| Level::of(now, &trend.lows));
        }
        Self { as_of, series: series.into_values().collect() }
    }
}

fn at<'a>(series: &'a mut BTreeMap<(String, Currency), Series>, source: &str, currency: Currency) -> &'a mut Series {
    series.entry((source.to_owned(), currency)).or_insert_with(|| Series {
        source: source.to_owned(),
        currency,
        points: Vec::new(),
        now: None,
        change_percent: None,
        level: None,
    })
}

/// An answer about one departure date that differed from the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub sampled_at: DateTime<Utc>,
    /// With the amount for a kilogram and the airline.
    pub offer: Option<(Money, Rate, AirlineCode)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_low_or_high_if_three_quarters_of_the_days_say_so() {
        let lows: Vec<i64> = (1..=20).collect();
        let levels = [1, 5, 6, 15, 16, 20].map(|now| Level::of(now, &lows).unwrap());
        assert_eq!(levels, [Level::Low, Level::Low, Level::Typical, Level::Typical, Level::High, Level::High]);
        assert_eq!(Level::of(7, &[7; 60]), Some(Level::Typical), "it never moved");
        assert_eq!(Level::of(1, &[7; 13]), None);
        assert_eq!(Level::of(1, &[7; 14]), Some(Level::Low));
    }

    fn trend(sums: [i64; 4]) -> Trend {
        let [sum, samples, former_sum, former_samples] = sums;
        let (source, currency) = (OFFERED.to_owned(), "USD".parse().unwrap());
        Trend { source, currency, sum, samples, former_sum, former_samples, lows: vec![5; 14] }
    }

    #[test]
    fn a_change_compares_averages_whatever_the_number_of_samples() {
        let change = |sums| text(trend(sums).change_percent());
        assert_eq!(change([330, 3, 1_000, 10]), "Some(Tenths(100))");
        assert_eq!(change([90, 1, 1_000, 10]), "Some(Tenths(-100))");
        assert_eq!(change([90, 1, 0, 0]), "None");
        assert_eq!(change([0, 0, 90, 1]), "None");
    }

    fn text(change: Option<Tenths>) -> String {
        format!("{change:?}")
    }

    #[test]
    fn a_series_of_one_source_and_currency_has_its_own_trend_and_price() {
        let usd: Currency = "USD".parse().unwrap();
        let point = |source: &str, currency: Currency| PeriodSums {
            source: source.to_owned(),
            currency,
            period: NaiveDate::MIN,
            low: 5,
            high: 7,
            sum: 18,
            samples: 3,
        };
        let eur = "EUR".parse().unwrap();
        let periods = vec![point("demo", usd), point(OFFERED, eur), point(OFFERED, usd)];
        let history = History::of(None, periods, &[trend([330, 3, 1_000, 10])], &[(usd, 4)]);
        let plain = |it: &Series| (it.source.clone(), it.currency.to_string(), it.points.len(), it.now, it.level);
        let found: Vec<_> = history.series.iter().map(plain).collect();
        assert_eq!(
            found,
            [
                ("demo".to_owned(), "USD".to_owned(), 1, None, None),
                ("offered".to_owned(), "EUR".to_owned(), 1, None, None),
                ("offered".to_owned(), "USD".to_owned(), 1, Some(4), Some(Level::Low)),
            ]
        );
        assert_eq!(history.series[2].points[0].average(), Rate::from_ten_thousandths(6));
    }
}
