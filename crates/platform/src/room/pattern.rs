use loadmaster_kernel::{Fault, FaultCode};

use crate::web::{Raw, read};

/// Returns whether a pattern names a type: it is the type, or a prefix of it with `.*`.
fn matches(pattern: &str, event_type: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => prefix.ends_with('.') && event_type.starts_with(prefix),
        None => pattern == event_type,
    }
}

/// Reads a type of messages, or a prefix with `.*` that some of these types have.
pub fn read_type(raw: Raw<'_>, known: &[String]) -> Result<String, Fault> {
    let text = read::line(200)(raw)?.trim().to_owned();
    if known.iter().any(|event_type| matches(&text, event_type)) {
        return Ok(text);
    }
    let message = "must be one of `GET /api/v1/event-types`, or the beginning of some with `.*`";
    Err(Fault::new(FaultCode::UnknownValue, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_types_or_their_beginnings() {
        let known = ["loadmaster.booking.booked.v1".to_owned(), "loadmaster.hold.created.v1".to_owned()];
        let read = |text: &str| read_type(Raw::Text(text), &known).is_ok();
        for good in
            ["loadmaster.booking.booked.v1", "loadmaster.booking.*", "loadmaster.*", "loadmaster.booking.booked.*"]
        {
            assert!(read(good), "{good}");
        }
        for bad in [
            "*",
            ".*",
            "loadmaster",
            "loadmaster.booking",
            "loadmaster.book*",
            "loadmaster.flight.*",
            "loadmaster.booking.booked",
        ] {
            assert!(!read(bad), "{bad}");
        }
    }
}
