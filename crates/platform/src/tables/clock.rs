use chrono::NaiveTime;

/// A time of day as timetables and spreadsheet programs write it: `9:30`, `09:30:00`, `0930`, `930`, `9.30`, `9h30`,
/// `9:30 PM`. 24:00 is the midnight that ends the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    hour: u32,
    minute: u32,
    second: u32,
}

impl Clock {
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().to_ascii_lowercase();
        let (text, half) = halved(&text);
        let parts: Vec<&str> = text.split([':', '.', 'h']).collect();
        let digits = text.len();
        let (hour, minute, second) = match parts.as_slice() {
            // One or two digits may be an hour, or the minutes of a time whose zeros a spreadsheet has taken away.
            [_] if matches!(digits, 3 | 4) => (text.get(..digits - 2)?, text.get(digits - 2..)?, "00"),
            [_] if digits == 6 => (text.get(..2)?, text.get(2..4)?, text.get(4..)?),
            [hour, minute] => (*hour, *minute, "00"),
            [hour, minute, second] => (*hour, *minute, *second),
            _ => return None,
        };
        let is_number = |part: &str, least: usize| {
            (least..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        // A part of a day, as spreadsheet programs store times: 0.25 is 06:00.
        if hour == "0" && text.contains('.') {
            return None;
        }
        if !is_number(hour, 1) || !is_number(minute, 2) || !is_number(second, 2) {
            return None;
        }
        let clock = Self { hour: hour.parse().ok()?, minute: minute.parse().ok()?, second: second.parse().ok()? };
        match half {
            None => (clock.ends_day() || clock.time().is_some()).then_some(clock),
            Some(offset) => {
                let clock = Self { hour: clock.hour % 12 + offset, ..clock };
                clock.time().filter(|_| (1..=12).contains(&hour.parse().unwrap_or(0))).map(|_| clock)
            }
        }
    }

    /// Returns whether it is 24:00.
    pub const fn ends_day(self) -> bool {
        matches!(self, Self { hour: 24, minute: 0, second: 0 })
    }

    /// Returns the time as clocks show it: 00:00 for 24:00.
    pub fn time(self) -> Option<NaiveTime> {
        let hour = if self.ends_day() { 0 } else { self.hour };
        NaiveTime::from_hms_opt(hour, self.minute, self.second)
    }
}

/// Takes off `am` or `pm`, and returns the first hour of that half of the day.
fn halved(text: &str) -> (&str, Option<u32>) {
    for (ends, first) in [(["am", "a.m.", "a"], 0), (["pm", "p.m.", "p"], 12)] {
        if let Some(rest) = ends.iter().find_map(|end| text.strip_suffix(end)) {
            return (rest.trim_end(), Some(first));
        }
    }
    (text, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_timetables_write_them() {
        for (text, time) in [
            ("09:30", "09:30:00"),
            ("9:30", "09:30:00"),
            ("09:30:00", "09:30:00"),
            ("0930", "09:30:00"),
            ("930", "09:30:00"),
            ("093015", "09:30:15"),
            ("9.30", "09:30:00"),
            ("9h30", "09:30:00"),
            ("9:30 AM", "09:30:00"),
            ("930p", "21:30:00"),
            ("9:30:00 p.m.", "21:30:00"),
            ("12:05 am", "00:05:00"),
            ("12:05\u{a0}PM", "12:05:00"),
            ("0000", "00:00:00"),
            ("2400", "00:00:00"),
            ("24:00:00", "00:00:00"),
        ] {
            let clock = Clock::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(clock.time().unwrap().to_string(), time, "{text}");
            assert_eq!(clock.ends_day(), text.starts_with("24"), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_or_could_be_two_is_refused() {
        for text in [
            "", "9", "30", "9:3", "10:0", "24:01", "25:00", "2500", "09:60", "00930", "13:00 pm", "0:30 am", "noon",
            "9:30Z", "é9:30", "a", "0.25", "0.55",
        ] {
            assert_eq!(Clock::parse(text), None, "{text}");
        }
    }
}
