//! How many letters may go now, so that all processes together keep the rate.
use chrono::{DateTime, TimeDelta, Utc};

/// Time whose unused letters may still be sent, at once.
const BURST: TimeDelta = TimeDelta::seconds(1);

/// Letters a minute.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace(pub u32);

impl Pace {
    /// The time that a letter takes: such that a minute and the burst before it have no more than the rate.
    fn interval(self) -> TimeDelta {
        TimeDelta::microseconds(61_000_000 / i64::from(self.0.max(1)))
    }

    /// How many of `wanted` letters may go at `now`, if the next was free to go at `free_at`; and when the one after them is.
    pub fn admit(self, free_at: DateTime<Utc>, now: DateTime<Utc>, wanted: usize) -> (usize, DateTime<Utc>) {
        let interval = self.interval();
        let burst = (BURST - interval).max(TimeDelta::zero());
        // A clock that was set back must not stop the post.
        let mut free_at = free_at.min(now + interval).max(now - burst);
        let mut admitted = 0;
        while admitted < wanted && free_at <= now {
            free_at += interval;
            admitted += 1;
        }
        (admitted, free_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(number: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + number, 0).unwrap()
    }

    #[test]
    fn no_minute_has_more_letters_than_the_rate_in_any_order_of_requests() {
        for rate in [1, 2, 7, 59, 60, 61, 600, 6_000, 60_000] {
            let pace = Pace(rate);
            let mut free_at = DateTime::UNIX_EPOCH;
            let mut sent: Vec<DateTime<Utc>> = Vec::new();
            for tick in 0..900 {
                let now = second(0) + TimeDelta::milliseconds(tick * 170);
                let (admitted, next) = pace.admit(free_at, now, 100_000);
                free_at = next;
                sent.extend((0..admitted).map(|_| now));
            }
            // One more than the rate spans a minute at least.
            for (first, next) in sent.iter().zip(sent.iter().skip(rate as usize)) {
                assert!(*next >= *first + TimeDelta::minutes(1), "{rate} letters and one more from {first} to {next}");
            }
            assert!(sent.len() >= 2 * rate as usize, "{} letters in 153 seconds at {rate}", sent.len());
        }
    }

    #[test]
    fn fewer_than_admitted_leave_the_rest_for_later() {
        let (admitted, free_at) = Pace(600).admit(DateTime::UNIX_EPOCH, second(0), 3);
        assert_eq!(admitted, 3);
        assert!(free_at < second(0));
        assert!(Pace(600).admit(free_at, second(0), 100).0 <= 8);
    }

    #[test]
    fn a_clock_that_was_set_back_costs_one_interval() {
        let (admitted, free_at) = Pace(60).admit(second(3_600), second(0), 5);
        assert_eq!(admitted, 0);
        assert!(free_at <= second(2));
    }
}
