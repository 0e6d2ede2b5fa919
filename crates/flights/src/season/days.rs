use std::{fmt, str::FromStr};

use chrono::{Datelike, Days, NaiveDate, Weekday};
use loadmaster_kernel::Fault;

const WEEK: [Weekday; 7] =
    [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri, Weekday::Sat, Weekday::Sun];

/// The weekdays on which something flies, as in the IATA Standard Schedules Information Manual (SSIM): 1 is Monday, 7 is
/// Sunday, such as `1.3.5..`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct DaysOfOperation(u8);

impl DaysOfOperation {
    /// Returns the weekdays of these dates.
    pub fn of(dates: impl IntoIterator<Item = NaiveDate>) -> Self {
        Self(dates.into_iter().fold(0, |days, date| days | bit(date.weekday())))
    }

    pub fn contains(self, date: NaiveDate) -> bool {
        self.0 & bit(date.weekday()) != 0
    }

    /// Returns the dates from the first to the last that fall on these days.
    pub fn between(self, first: NaiveDate, last: NaiveDate) -> impl Iterator<Item = NaiveDate> {
        let dates = (0..).map_while(move |days| first.checked_add_days(Days::new(days)));
        dates.take_while(move |date| *date <= last).filter(move |date| self.contains(*date))
    }
}

fn bit(day: Weekday) -> u8 {
    1 << day.num_days_from_monday()
}

impl fmt::Display for DaysOfOperation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for day in WEEK {
            if self.0 & bit(day) == 0 {
                f.write_str(".")?;
            } else {
                write!(f, "{}", day.number_from_monday())?;
            }
        }
        Ok(())
    }
}

impl FromStr for DaysOfOperation {
    type Err = Fault;

    /// Days are in order. Places of other days may be dots or blanks, or be left out; of seven places, each is a day's own.
    fn from_str(text: &str) -> Result<Self, Fault> {
        let fault = || Fault::format("must be days in order, 1 for Monday to 7 for Sunday, such as 1.3.5.. or 135");
        let has_all_places = text.len() == WEEK.len();
        let mut days = 0;
        for (place, byte) in text.bytes().enumerate().filter(|(_, byte)| !matches!(byte, b'.' | b' ')) {
            let number = usize::from(byte.wrapping_sub(b'1'));
            let day = WEEK.get(number).ok_or_else(fault)?;
            // Higher than all before.
            if days >= bit(*day) || (has_all_places && place != number) {
                return Err(fault());
            }
            days |= bit(*day);
        }
        if days == 0 || text.trim().len() > WEEK.len() { Err(fault()) } else { Ok(Self(days)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_written_as_in_ssim_or_without_gaps() {
        for (text, shown) in [
            ("1234567", "1234567"),
            ("1.3.5..", "1.3.5.."),
            ("1 3 5  ", "1.3.5.."),
            ("  3   7", "..3...7"),
            ("135", "1.3.5.."),
            ("7", "......7"),
            (".2.....", ".2....."),
            (" 135 ", "1.3.5.."),
        ] {
            assert_eq!(text.parse::<DaysOfOperation>().unwrap().to_string(), shown, "{text}");
        }
        for text in [
            "", ".......", "0", "8", "12345678", "1.3.5...", "21", "11", "1,3", "Mon", "1-3", "１", "1..5...",
            "7......",
        ] {
            assert!(text.parse::<DaysOfOperation>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn days_of_a_period_include_its_first_and_last() {
        let days: DaysOfOperation = "1.3.5..".parse().unwrap();
        let dates: Vec<_> = days.between(date("2026-12-02"), date("2026-12-11")).collect();
        let expected = ["2026-12-02", "2026-12-04", "2026-12-07", "2026-12-09", "2026-12-11"];
        assert_eq!(dates, expected.map(date));
        assert_eq!(DaysOfOperation::of(dates), days);
        assert_eq!(days.between(date("2026-12-03"), date("2026-12-03")).count(), 0);
        assert_eq!(days.between(date("2026-12-04"), date("2026-12-03")).count(), 0);
    }
}
