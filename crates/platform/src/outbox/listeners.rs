//! What listens to messages. Readers skip what nobody wants, before any statement.
use uuid::Uuid;

/// What listened when a message was read, in the snapshot that it was read in: all that had been committed before the message
/// is contained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listeners {
    /// Differs after each change of what webhooks want.
    pub webhooks: Uuid,
    /// Whether contacts are named anywhere, or have been.
    pub has_contacts: bool,
}

impl Listeners {
    /// Returns what listened when several messages were read; `None` if that is not known, or they were not read together. Then
    /// nothing may be skipped.
    pub fn of_all(messages: impl IntoIterator<Item = Option<Self>>) -> Option<Self> {
        let mut messages = messages.into_iter();
        let listeners = messages.next()?;
        if messages.all(|others| others == listeners) { listeners } else { None }
    }
}

/// Returns whether messages of this type are among those of a pattern: a type, or the beginning of types with `*` at its end.
pub fn type_matches(pattern: &str, kind: &str) -> bool {
    pattern.strip_suffix('*').map_or_else(|| pattern == kind, |beginning| kind.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_several_readings_have_no_common_listeners() {
        let of = |number| Some(Listeners { webhooks: Uuid::from_u128(number), has_contacts: false });
        assert_eq!(Listeners::of_all([of(1), of(1)]), of(1));
        assert_eq!(Listeners::of_all([of(1), of(2)]), None);
        assert_eq!(Listeners::of_all([of(1), None]), None);
        assert_eq!(Listeners::of_all([]), None);
    }

    #[test]
    fn a_pattern_is_a_type_or_its_beginning() {
        let booked = "loadmaster.booking.booked.v1";
        assert!(["loadmaster.booking.*", "loadmaster.*", booked].iter().all(|pattern| type_matches(pattern, booked)));
        let others = ["loadmaster.hold.*", "loadmaster.booking", "loadmaster.booking.booked.v10", ""];
        assert!(!others.iter().any(|pattern| type_matches(pattern, booked)));
    }
}
