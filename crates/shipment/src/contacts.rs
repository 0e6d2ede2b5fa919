//! People to be notified about a shipment. Only addresses that agree are written to; the room that writes decides that.
use loadmaster_kernel::{Fault, words};
use loadmaster_platform::web::{
    Condition, Fields, Raw,
    condition::{any, given},
    list, read, request,
};
use serde::Serialize;

/// Contacts of one shipment.
pub const MOST_CONTACTS: usize = 10;
const MOST_TOPICS: usize = ContactTopic::NAMES.len();

words! {
    /// What a contact is to a shipment.
    pub enum ContactRole {
        Shipper = "shipper",
        Consignee = "consignee",
        Notify = "notify",
        Emergency = "emergency",
    }
}

words! {
    /// What a contact can be told about a shipment.
    pub enum ContactTopic {
        BookingConfirmed = "booking_confirmed",
        Departed = "departed",
        Arrived = "arrived",
        Delivered = "delivered",
        Retimed = "retimed",
        Offloaded = "offloaded",
        Cancelled = "cancelled",
        CutoffReminder = "cutoff_reminder",
    }
}

impl ContactRole {
    /// What a contact of this role is notified of unless it is said otherwise.
    pub const fn topics(self) -> &'static [ContactTopic] {
        use ContactTopic::{Arrived, Cancelled, Delivered, Departed, Offloaded, Retimed};
        match self {
            Self::Emergency => &[Offloaded, Cancelled],
            Self::Shipper | Self::Consignee | Self::Notify => {
                &[Departed, Arrived, Delivered, Retimed, Offloaded, Cancelled]
            }
        }
    }
}

request! {
    /// Somebody to be told about a shipment. An address that is new is asked once, and is told nothing until it agrees.
    #[derive(PartialEq, Eq, Serialize)]
    #[schema(example = json!({ "name": "Bo", "role": "consignee", "email": "bo@forwarder.example", "language": "en" }))]
    pub struct BookingContact in body {
        /// Name of the person.
        #[schema(max_length = 500)]
        name: String = read::line(read::LINE),
        role: ContactRole = read::word(ContactRole::WORDS),
        /// Required without `phone`. A domain in letters beyond ASCII is kept in its ASCII form (`xn--…`).
        #[schema(max_length = 254)]
        email: Option<String> = read::email_in_ascii,
        /// With the country code, as people write it; kept as `+` and 7 to 15 digits. Required without `email`.
        #[schema(max_length = 40, pattern = r"^\+[ .()/~-]*[1-9]([ .()/~-]*[0-9]){6,16}[ .()/~-]*$")]
        phone: Option<String> = read::phone,
        /// Language tag, such as `en`.
        #[schema(min_length = 1, max_length = 20, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
        language: Option<String> = read_language,
        /// Default: `departed` to `cancelled`; for `emergency`, `offloaded` and `cancelled`.
        #[schema(max_items = 8)]
        types: Vec<ContactTopic> = list(MOST_TOPICS, read::word(ContactTopic::WORDS)),
    }
}

impl BookingContact {
    /// An address.
    pub const NEEDS: Condition =
        Condition::of::<Self>(&["name"], || any(&[given("email", "string"), given("phone", "string")]));

    /// Returns what it is notified of: what was asked for, or the default of its role.
    pub fn topics(&self) -> &[ContactTopic] {
        if self.types.is_empty() { self.role.topics() } else { &self.types }
    }
}

/// Reads a contact, which has an address.
pub fn read_contact(fields: &mut Fields<'_>) -> Option<BookingContact> {
    if fields.is_absent("email") && fields.is_absent("phone") {
        fields.missing("email");
    }
    BookingContact::read(fields)
}

/// Reads a language tag: a language, and perhaps a region.
pub fn read_language(raw: Raw<'_>) -> Result<String, Fault> {
    let text = read::line(20)(raw)?;
    let tag = text.trim();
    let mut parts = tag.split('-');
    let is_letters = |part: &str, lengths: std::ops::RangeInclusive<usize>| {
        lengths.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let is_language =
        parts.next().is_some_and(|part| is_letters(part, 2..=3) && part.bytes().all(|b| b.is_ascii_alphabetic()));
    if is_language && parts.all(|part| is_letters(part, 2..=8)) {
        return Ok(tag.to_ascii_lowercase());
    }
    Err(Fault::format("must be a language tag, such as en"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_tags() {
        assert_eq!(read_language(Raw::Text("EN")).unwrap(), "en");
        assert_eq!(read_language(Raw::Text("pt-BR")).unwrap(), "pt-br");
        for text in ["", "e", "english", "en_GB", "../en", "en/de", "1a", "en-"] {
            assert!(read_language(Raw::Text(text)).is_err(), "{text:?}");
        }
    }
}
