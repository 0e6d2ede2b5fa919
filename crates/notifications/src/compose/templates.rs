//! The templates of this room.
use crate::post::{Templates, template_files};

/// Of the types, and of letters about several.
pub(super) const NEWS: Templates = template_files! {
    "booking_confirmed": ".subject" ".txt" ".html" ".sms";
    "departed": ".subject" ".txt" ".html" ".sms";
    "arrived": ".subject" ".txt" ".html" ".sms";
    "delivered": ".subject" ".txt" ".html" ".sms";
    "corrected": ".subject" ".txt" ".html" ".sms";
    "retimed": ".subject" ".txt" ".html" ".sms";
    "offloaded": ".subject" ".txt" ".html" ".sms";
    "cancelled": ".subject" ".txt" ".html" ".sms";
    "cutoff_reminder": ".subject" ".txt" ".html" ".sms";
    "hold_expiring": ".subject" ".txt" ".html" ".sms";
    "waitlist_offer": ".subject" ".txt" ".html" ".sms";
    "payment": ".subject" ".txt" ".html" ".sms";
    "price_alert": ".subject" ".txt" ".html" ".sms";
    "webhook_failing": ".subject" ".txt" ".html" ".sms";
    "digest": ".subject" ".txt" ".html" ".sms";
};

/// Of the question to a new address.
pub(super) const QUESTION: Templates = template_files! {
    "contact_question": ".subject" ".txt" ".html" ".sms";
};

/// Of the letter to a guest.
pub(super) const GUEST: Templates = template_files! {
    "guest_booking": ".subject" ".txt" ".html";
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::NotificationType;

    fn text(file: &str) -> Option<&'static str> {
        NEWS.iter().chain(QUESTION).chain(GUEST).find(|(name, _)| *name == file).map(|(_, text)| *text)
    }

    #[test]
    fn each_type_has_a_letter_and_a_text_message_in_english_and_in_german() {
        for kind in NotificationType::NAMES {
            for ending in ["subject", "txt", "html", "sms"] {
                let of = |language| text(&format!("{language}/{kind}.{ending}"));
                let (english, german) = (of("en"), of("de"));
                assert!(english.is_some() && german.is_some(), "{kind}.{ending}");
                assert_ne!(english, german, "{kind}.{ending} is translated");
            }
        }
    }

    #[test]
    fn times_and_figures_of_german_templates_are_in_german_form() {
        let times = [".local", ".utc", ".short", "{{ expires }}"];
        let figures = [".weight }}", ".amount }}", ".captured }}", ".refunded }}"];
        for (name, text) in NEWS.iter().chain(QUESTION).chain(GUEST).filter(|(name, _)| name.starts_with("de/")) {
            for member in times.iter().chain(&figures) {
                assert!(!text.contains(*member), "{name} has {member}");
            }
        }
    }
}
