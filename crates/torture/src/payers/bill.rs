//! What the carrier keeps of a booking that is cancelled, by the rules of `docs/payments.md` alone.
use chrono::{DateTime, TimeDelta, Utc};

/// The bands of `payments.cancellation_fees` by default: the hours that are left at least, and the percentage of the total.
const BANDS: [(i64, i64); 3] = [(48, 0), (12, 25), (0, 50)];
/// The clock of a server may be wrong by an hour: so near to the end of a band the fee is not known.
const MARGIN: TimeDelta = TimeDelta::minutes(90);

/// What has become of the way of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Its first flight departs then.
    Leaves(DateTime<Utc>),
    /// Its first flight has departed, with the freight or because it did not come.
    HasLeft,
    /// It is lost, and the carrier is the cause.
    IsLost,
}

/// What was agreed for a booking that was paid. In minor units.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bill {
    total: i64,
    /// The highest fee that stood when the booking was changed, or did not come.
    floor: i64,
    way: Way,
}

impl Bill {
    pub const fn new(total: i64, way: Way) -> Self {
        Self { total, floor: 0, way }
    }

    /// The fee of a cancellation at this moment.
    pub fn fee(&self, now: DateTime<Utc>) -> i64 {
        let percent = match self.way {
            Way::Leaves(departure) => percent_at(departure - now),
            Way::HasLeft => 100,
            Way::IsLost => return 0,
        };
        // Half up.
        ((self.total * percent + 50) / 100).max(self.floor)
    }

    /// The fee, if it is the same by a clock that is wrong.
    pub fn steady_fee(&self, now: DateTime<Utc>) -> Option<i64> {
        let fee = self.fee(now);
        [now - MARGIN, now + MARGIN].iter().all(|near| self.fee(*near) == fee).then_some(fee)
    }

    /// The booking has another total or way. What was due is due.
    pub fn change(&mut self, now: DateTime<Utc>, total: i64, way: Way) {
        self.floor = self.fee(now);
        (self.total, self.way) = (total, way);
    }

    /// The carrier's fault lifts the fee.
    pub const fn lose(&mut self) {
        (self.floor, self.way) = (0, Way::IsLost);
    }

    pub const fn total(&self) -> i64 {
        self.total
    }

    pub const fn way(&self) -> Way {
        self.way
    }
}

fn percent_at(left: TimeDelta) -> i64 {
    BANDS.into_iter().find(|(hours, _)| TimeDelta::hours(*hours) <= left).map_or(100, |(_, percent)| percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn leaves_in(hours: i64) -> Way {
        Way::Leaves(NOW + TimeDelta::hours(hours))
    }

    #[test]
    fn the_fee_is_that_of_the_first_band_whose_hours_are_left() {
        let fees = [72, 48, 47, 12, 11, 0, -1].map(|hours| Bill::new(90_001, leaves_in(hours)).fee(NOW));
        assert_eq!(fees, [0, 0, 22_500, 22_500, 45_001, 45_001, 90_001]);
        assert_eq!(Bill::new(900, Way::HasLeft).fee(NOW), 900);
        assert_eq!(Bill::new(900, Way::IsLost).fee(NOW), 0);
    }

    #[test]
    fn a_change_does_not_lower_the_fee_and_the_carriers_fault_lifts_it() {
        let mut bill = Bill::new(250_000, leaves_in(6));
        bill.change(NOW, 250_000, leaves_in(72));
        assert_eq!(bill.fee(NOW), 125_000);
        bill.change(NOW, 7500, leaves_in(72));
        assert_eq!(bill.fee(NOW), 125_000);
        bill.change(NOW, 7500, Way::HasLeft);
        assert_eq!(bill.fee(NOW), 125_000);
        bill.lose();
        assert_eq!(bill.fee(NOW), 0);
        bill.change(NOW, 7500, leaves_in(72));
        assert_eq!(bill.fee(NOW), 0);
        let mut missed = Bill::new(250_000, Way::HasLeft);
        missed.change(NOW, 250_000, leaves_in(72));
        assert_eq!(missed.fee(NOW), 250_000);
    }

    #[test]
    fn near_the_end_of_a_band_the_fee_is_not_known() {
        let known = [49, 50, 13, 30, 6].map(|hours| Bill::new(1000, leaves_in(hours)).steady_fee(NOW));
        assert_eq!(known, [None, Some(0), None, Some(250), Some(500)]);
    }
}
