//! Filters by which templates write instants and figures as their language does.
use std::fmt::Write;

use chrono::DateTime;
use minijinja::{Environment, Error, ErrorKind, Value};

/// Adds `date`, `station`, `station_and_utc` and `figures`.
pub(super) fn add_to(environment: &mut Environment<'_>) {
    environment.add_filter("date", date);
    environment.add_filter("station", station);
    environment.add_filter("station_and_utc", station_and_utc);
    environment.add_filter("figures", figures);
}

/// `{{ expires_at | date("%d.%m.%Y, %H:%M Uhr") }}`: an instant of RFC 3339 by a pattern of `strftime`, at the offset of the instant.
fn date(instant: &str, pattern: &str) -> Result<String, Error> {
    let refused = |detail| Error::new(ErrorKind::InvalidOperation, detail);
    let instant = DateTime::parse_from_rfc3339(instant).map_err(|_| refused("date is of an instant of RFC 3339"))?;
    let mut written = String::new();
    write!(written, "{}", instant.format(pattern))
        .map_err(|_| refused("date has a pattern that is not of strftime"))?;
    Ok(written)
}

/// `{{ flight.departure | station("%d.%m., %H:%M Uhr") }}`: a time by a pattern of `strftime`, at the station and with its zone:
/// `27.11., 14:30 Uhr IST`.
fn station(time: &Value, pattern: &str) -> Result<String, Error> {
    Ok(format!("{} {}", date(&member(time, "at")?, pattern)?, member(time, "zone")?))
}

/// The same, and in UTC: `27.11., 14:30 Uhr IST (27.11., 09:00 Uhr UTC)`.
fn station_and_utc(time: &Value, pattern: &str) -> Result<String, Error> {
    Ok(format!("{} ({} UTC)", station(time, pattern)?, date(&member(time, "instant")?, pattern)?))
}

fn member(time: &Value, name: &str) -> Result<String, Error> {
    let refused = || Error::new(ErrorKind::InvalidOperation, "it is of a time, such as flight.departure");
    time.get_attr(name)?.as_str().map(str::to_owned).ok_or_else(refused)
}

/// `{{ shipment.weight | figures(",", ".") }}`: the number at the beginning of a text, as `1234.5` of `1234.5 kg`, with these signs
/// before its decimals and between its thousands: `1.234,5 kg`.
fn figures(text: &str, decimal: &str, group: &str) -> String {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, decimals) = number.split_once('.').map_or((number, None), |(whole, decimals)| (whole, Some(decimals)));
    let mut written = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            written.push_str(group);
        }
        written.push(digit);
    }
    if let Some(decimals) = decimals {
        written.push_str(decimal);
        written.push_str(decimals);
    }
    written + unit
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    #[test]
    fn figures_have_the_signs_of_their_language_and_keep_their_unit() {
        let german = |text| figures(text, ",", ".");
        let all = ["0.5 kg", "12 kg", "999 kg", "1000 kg", "1234567.8 kg", "1000.00 EUR", "2500 JPY", "kg", ""];
        let written =
            ["0,5 kg", "12 kg", "999 kg", "1.000 kg", "1.234.567,8 kg", "1.000,00 EUR", "2.500 JPY", "kg", ""];
        assert_eq!(all.map(german), written);
        assert_eq!(figures("1234.5 kg", ",", "\u{202f}"), "1\u{202f}234,5 kg");
    }

    #[test]
    fn dates_have_the_offset_of_their_instant() {
        let of = |instant| date(instant, "%d.%m.%Y, %H:%M").unwrap();
        assert_eq!(of("2026-11-28T02:30:00+05:30"), "28.11.2026, 02:30");
        assert_eq!(of("2026-11-27T21:00:00+00:00"), "27.11.2026, 21:00");
    }

    #[test]
    fn times_have_the_zone_of_their_station() {
        let (at, instant) = ("2026-11-28T02:30:00+05:30", "2026-11-27T21:00:00+00:00");
        let time = context! { at, instant, zone => "IST" };
        assert_eq!(station(&time, "%d.%m., %H:%M Uhr").unwrap(), "28.11., 02:30 Uhr IST");
        let both = station_and_utc(&time, "%d.%m.%Y, %H:%M Uhr").unwrap();
        assert_eq!(both, "28.11.2026, 02:30 Uhr IST (27.11.2026, 21:00 Uhr UTC)");
        for other in [Value::UNDEFINED, Value::from(at), context! { at }] {
            assert!(station(&other, "%d").is_err(), "{other}");
        }
    }

    #[test]
    fn what_is_no_instant_and_what_is_no_pattern_is_an_error_without_the_value() {
        for (instant, pattern) in [("28.11.2026", "%d"), ("2026-11-27T21:00:00Z", "%!")] {
            let error = date(instant, pattern).unwrap_err().to_string();
            assert!(!error.contains(instant), "{error}");
        }
    }
}
