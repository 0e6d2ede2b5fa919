//! Times and days as timetables write them.
use chrono::{NaiveTime, Timelike};
use loadmaster_kernel::Fault;
use loadmaster_platform::{
    tables::Clock,
    web::{Raw, read},
};

/// The days from the departure to the arrival of a flight of at most 24 hours, in local dates.
const DAY_OFFSETS: (i8, i8) = (-1, 2);

/// A local time of arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Arrival {
    pub time: NaiveTime,
    /// The days that follow the time, as in `01:10+1`.
    pub offset: Option<i8>,
    /// Whether it was written as 24:00, which is 00:00 of the next day.
    pub ends_day: bool,
}

impl Arrival {
    /// Returns the days from the departure, of which `cell` is what the column for them says.
    pub fn offset(self, cell: Option<i8>) -> Result<i8, Fault> {
        match (cell, self.offset) {
            (Some(cell), Some(written)) if cell != written => {
                Err(Fault::format("must be the same as the days after the time of arrival"))
            }
            (cell, written) => Ok(cell.or(written).unwrap_or_default() + i8::from(self.ends_day)),
        }
    }
}

/// Reads a local time of day, to the minute.
pub(super) fn departure(raw: Raw<'_>) -> Result<NaiveTime, Fault> {
    let text = read::any(raw)?;
    let clock = minute(&text).ok_or_else(|| Fault::format("must be a local time from 00:00 to 23:59"))?;
    if clock.1.ends_day() {
        let text =
            "must be a local time from 00:00 to 23:59; at midnight a flight departs at 00:00 of the day that begins";
        return Err(Fault::format(text));
    }
    Ok(clock.0)
}

/// Reads the same up to 24:00, perhaps with the days from the departure after it.
pub(super) fn arrival(raw: Raw<'_>) -> Result<Arrival, Fault> {
    let text = read::any(raw)?;
    let (time, days) = text.split_at(text.find(['+', '-', '\u{2212}', '/', '(']).unwrap_or(text.len()));
    let (time, clock) = minute(time).ok_or_else(|| Fault::format("must be a local time from 00:00 to 24:00"))?;
    let days = days.strip_prefix('/').unwrap_or(days);
    let offset = match (days.is_empty(), plain_days(days)) {
        (true, _) => None,
        (_, Some(days)) => Some(read::integer(DAY_OFFSETS.0, DAY_OFFSETS.1)(Raw::Text(&days))?),
        (_, None) => {
            let text = "must be a local time from 00:00 to 24:00, perhaps with days such as +1, and without an offset from UTC";
            return Err(Fault::format(text));
        }
    };
    Ok(Arrival { time, offset, ends_day: clock.ends_day() })
}

fn minute(text: &str) -> Option<(NaiveTime, Clock)> {
    let clock = Clock::parse(text)?;
    let time = clock.time()?;
    (time.second() == 0).then_some((time, clock))
}

/// Reads days such as `1`, `+1`, `-1`, `(+1)`, `+1 day`, `D+1`, and `M1` for the day before as in schedule messages (SSM).
pub(super) fn day_offset(raw: Raw<'_>) -> Result<i8, Fault> {
    let text = read::any(raw)?;
    let bare = plain_days(&text);
    read::integer(DAY_OFFSETS.0, DAY_OFFSETS.1)(Raw::Text(bare.as_deref().unwrap_or(&text)))
}

/// Returns one digit with its sign. More are an offset from UTC: `+01`, `+0100`.
fn plain_days(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text).trim();
    let text = ["days", "day", "d"].iter().find_map(|unit| text.strip_suffix(unit)).unwrap_or(text).trim_end();
    let signed = text.strip_prefix(['D', 'J']).filter(|rest| rest.starts_with(['+', '-', '\u{2212}'])).unwrap_or(text);
    let (sign, digits) = match signed.strip_prefix(['-', '\u{2212}', 'M']) {
        Some(digits) => ("-", digits),
        None => ("", signed.strip_prefix('+').unwrap_or(signed)),
    };
    let is_digit = digits.len() == 1 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_digit.then(|| format!("{sign}{digits}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_timetables_write_them() {
        for (text, days) in [
            ("1", 1),
            ("+1", 1),
            (" +1 ", 1),
            ("(+1)", 1),
            ("+1 day", 1),
            ("+2d", 2),
            ("D+1", 1),
            ("J+1", 1),
            ("0", 0),
            ("-1", -1),
            ("\u{2212}1", -1),
            ("M1", -1),
        ] {
            assert_eq!(day_offset(Raw::Text(text)), Ok(days), "{text}");
        }
        for text in ["", "+", "++1", "+-1", "next day", "+3", "-2", "1.5", "+1+1", "D1", "(1"] {
            assert!(day_offset(Raw::Text(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn an_arrival_may_have_its_days_and_may_end_the_day() {
        for (text, cell, time, days) in [
            ("24:00", None, "00:00:00", 1),
            ("2400", Some(0), "00:00:00", 1),
            ("24:00", Some(1), "00:00:00", 2),
            ("01:10", Some(1), "01:10:00", 1),
            ("01:10+1", None, "01:10:00", 1),
            ("0110+1", Some(1), "01:10:00", 1),
            ("1:10 AM (+1)", None, "01:10:00", 1),
            ("0110/1", None, "01:10:00", 1),
            ("23:50-1", None, "23:50:00", -1),
        ] {
            let arrival = arrival(Raw::Text(text)).unwrap();
            assert_eq!((arrival.time.to_string().as_str(), arrival.offset(cell)), (time, Ok(days)), "{text}");
        }
        assert!(arrival(Raw::Text("01:10+1")).unwrap().offset(Some(0)).is_err(), "the two differ");
        for text in ["24:01", "01:10+3", "01:10+", "+1", "01:10:30", "01:10Z", "01:10+01", "01:10+0000", "25:10"] {
            assert!(arrival(Raw::Text(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn no_flight_departs_when_the_day_ends() {
        let fault = departure(Raw::Text("24:00")).unwrap_err();
        assert!(fault.message.contains("00:00 of the day that begins"));
        assert_eq!(departure(Raw::Text("0005")).unwrap().to_string(), "00:05:00");
    }
}
