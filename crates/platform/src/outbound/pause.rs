use chrono::{DateTime, TimeDelta, Utc};

/// Returns the pause that a server asks for by `Retry-After`: seconds, or until a date (RFC 9110, section 10.2.3).
pub fn pause_of(retry_after: &str, now: DateTime<Utc>) -> Option<TimeDelta> {
    let text = retry_after.trim();
    match text.parse::<u32>() {
        Ok(seconds) => Some(TimeDelta::seconds(seconds.into())),
        Err(_) => Some(DateTime::parse_from_rfc2822(text).ok()?.to_utc() - now),
    }
}
