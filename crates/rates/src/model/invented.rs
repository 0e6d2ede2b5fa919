//! A past for demonstrations: the price of now, with the ups and downs that a real lane has.
use chrono::{Datelike, Days, NaiveDate};
use loadmaster_flights::Lane;
use loadmaster_kernel::Rate;

use super::{DaySums, mixed};

/// Days of the past that is invented.
const INVENTED_DAYS: u64 = 30;
/// Answers of an invented day: one for each departure date.
const SAMPLES: i32 = 31;
/// What the days of a week add to a price, from Monday, in thousandths: weekends are busy.
const WEEK: [i64; 7] = [-20, -35, -15, 10, 45, 30, -5];
/// By how much the days of a lane differ besides, and how wide a day is, in thousandths.
const DRIFT: i64 = 90;
const WIDTH: i64 = 60;

/// The sums of a day that never was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invented {
    pub day: NaiveDate,
    pub sums: DaySums,
}

impl Invented {
    /// Invents the days before today for a lane of which these are the sums of now. The same is always invented.
    pub fn days(lane: Lane, now: &DaySums, today: NaiveDate) -> Vec<Self> {
        let days = (1..=INVENTED_DAYS).map(|ago| today - Days::new(ago));
        days.map(|day| Self { day, sums: on(lane, now, day) }).collect()
    }
}

fn on(lane: Lane, now: &DaySums, day: NaiveDate) -> DaySums {
    let seed = mixed(lane, i64::from(now.weight_kg), 131);
    let week = WEEK.get(day.weekday().num_days_from_monday() as usize).copied().unwrap_or_default();
    let percent = 1_000 + week + drift(seed, i64::from(day.num_days_from_ce()));
    let scaled = |thousandths: i64| (now.low.ten_thousandths() * thousandths / 1_000).max(1);
    let (low, high) = (scaled(percent), scaled(percent + WIDTH));
    DaySums {
        low: Rate::from_ten_thousandths(low),
        high: Rate::from_ten_thousandths(high),
        sum: (low + high) * i64::from(SAMPLES) / 2,
        samples: SAMPLES,
        ..*now
    }
}

/// A triangle of about three weeks that begins at another place for each lane, and a little noise.
fn drift(seed: i64, day: i64) -> i64 {
    let length = 17 + seed % 9;
    let at = (day + seed).rem_euclid(length);
    let up = 2 * at.min(length - at) * DRIFT / length;
    let noise = (day * 7_919 + seed * 31).rem_euclid(31) - 15;
    up - DRIFT / 2 + noise
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invented_past_moves_about_the_price_of_now() {
        let rate = Rate::from_ten_thousandths(50_000);
        let now = DaySums {
            weight_kg: 100,
            currency: "USD".parse().unwrap(),
            low: rate,
            high: rate,
            sum: 50_000,
            samples: 1,
        };
        let lane = ("DEL".parse().unwrap(), "LHR".parse().unwrap());
        let today = NaiveDate::from_ymd_opt(2026, 11, 20).unwrap();
        let days = Invented::days(lane, &now, today);
        assert_eq!((days.len(), days[0].day, days[29].day), (30, today - Days::new(1), today - Days::new(30)));
        let lows: Vec<i64> = days.iter().map(|it| it.sums.low.ten_thousandths()).collect();
        assert!(lows.iter().all(|low| (40_000..60_000).contains(low)), "{lows:?}");
        assert!(lows.iter().any(|low| *low < 49_000) && lows.iter().any(|low| *low > 51_000), "{lows:?}");
        assert!(days.iter().all(|it| it.sums.low < it.sums.high && it.sums.sum > it.sums.low.ten_thousandths() * 31));
        assert_eq!(days, Invented::days(lane, &now, today));
    }
}
