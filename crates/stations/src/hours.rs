//! When desks are open, local to the station.
use std::{fmt, str::FromStr};

use loadmaster_kernel::{Fault, FaultCode, words};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use utoipa::ToSchema;

/// The end of a day, in minutes.
const MIDNIGHT: u16 = 24 * 60;

words! {
    /// A desk of a station.
    pub enum StationDesk {
        /// Takes freight in.
        Export = "EXPORT",
        /// Hands freight out.
        Import = "IMPORT",
        /// Clears freight.
        Customs = "CUSTOMS",
    }
}

/// A time of day in hours and minutes, from 00:00 to 24:00.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ToSchema)]
#[schema(value_type = String, pattern = "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", example = "06:30")]
pub struct LocalTime(u16);

impl FromStr for LocalTime {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let two = |part: &str| {
            let is_number = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
            is_number.then(|| part.parse::<u16>().ok()).flatten()
        };
        let parts = text.trim().split_once(':').and_then(|(hours, minutes)| Some((two(hours)?, two(minutes)?)));
        let time = parts.filter(|(_, minutes)| *minutes < 60).map(|(hours, minutes)| hours * 60 + minutes);
        let time = time.filter(|minutes| *minutes <= MIDNIGHT);
        time.map(Self).ok_or_else(|| Fault::format("must be a time of day from 00:00 to 24:00, such as 06:30"))
    }
}

impl fmt::Display for LocalTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl Serialize for LocalTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for LocalTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// A time in which a desk is open, on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StationHours {
    pub desk: StationDesk,
    /// ISO 8601 weekdays, local to the station: 1 is Monday, 7 is Sunday.
    #[schema(example = json!([1, 2, 3, 4, 5]))]
    pub days: Vec<i16>,
    /// When it opens, local to the station.
    pub from: LocalTime,
    /// When it closes on the same day; `24:00` is the end of the day.
    pub to: LocalTime,
}

impl StationHours {
    /// Returns whether the desk is open twice at some time.
    pub fn overlaps(&self, other: &Self) -> bool {
        let shares_a_day = self.days.iter().any(|day| other.days.contains(day));
        self.desk == other.desk && shares_a_day && self.from < other.to && other.from < self.to
    }
}

/// The fault of an end that is not after its beginning.
pub fn fault_of_closing(from: Option<LocalTime>, to: LocalTime) -> Result<LocalTime, Fault> {
    let is_after = from.is_none_or(|from| from < to);
    let fault = || Fault::new(FaultCode::OutOfOrder, "must be after `from`; divide hours over midnight in two");
    is_after.then_some(to).ok_or_else(fault)
}

/// The fault of hours in which the desk is open already.
pub fn overlap() -> Fault {
    Fault::new(FaultCode::OutOfOrder, "overlaps an earlier entry of the same desk")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hours(desk: StationDesk, days: &[i16], from: &str, to: &str) -> StationHours {
        StationHours { desk, days: days.to_vec(), from: from.parse().unwrap(), to: to.parse().unwrap() }
    }

    #[test]
    fn a_time_of_day_has_hours_and_minutes() {
        for text in ["00:00", "06:30", "23:59", "24:00"] {
            assert_eq!(text.parse::<LocalTime>().unwrap().to_string(), text);
        }
        for text in ["", "6:30", "06:60", "24:01", "25:00", "06", "06:3", "-1:00", "+6:30", "06:30:00"] {
            assert_eq!(text.parse::<LocalTime>().unwrap_err().code, FaultCode::InvalidFormat, "{text:?}");
        }
    }

    #[test]
    fn hours_of_one_desk_on_one_day_overlap_unless_one_ends_where_the_other_begins() {
        let morning = hours(StationDesk::Export, &[1, 2], "06:00", "12:00");
        for (other, overlaps) in [
            (hours(StationDesk::Export, &[2, 3], "11:59", "18:00"), true),
            (hours(StationDesk::Export, &[1], "00:00", "24:00"), true),
            (hours(StationDesk::Export, &[2], "12:00", "18:00"), false),
            (hours(StationDesk::Export, &[3], "06:00", "12:00"), false),
            (hours(StationDesk::Import, &[1, 2], "06:00", "12:00"), false),
        ] {
            assert_eq!(morning.overlaps(&other), overlaps, "{other:?}");
            assert_eq!(other.overlaps(&morning), overlaps, "{other:?}");
        }
    }

    #[test]
    fn a_desk_closes_after_it_opens() {
        let at = |text: &str| text.parse::<LocalTime>().unwrap();
        assert_eq!(fault_of_closing(Some(at("22:00")), at("24:00")), Ok(at("24:00")));
        for to in ["22:00", "06:00"] {
            assert_eq!(fault_of_closing(Some(at("22:00")), at(to)).unwrap_err().code, FaultCode::OutOfOrder);
        }
    }
}
