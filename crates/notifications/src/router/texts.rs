//! What the pages say, in each language.
use loadmaster_platform::web::Page;

use crate::{model::NotificationType, words::Language};

/// The texts of the pages in one language.
pub(super) struct Texts {
    /// Language tag.
    tag: &'static str,
    pub invalid: &'static str,
    pub nothing_changed: &'static str,
    pub news: &'static str,
    pub has_agreed: &'static str,
    pub has_declined: &'static str,
    /// In place of the name of an organization that is not repeated.
    pub shipper: &'static str,
    /// The organization and the masked address.
    pub question: fn(&str, &str) -> String,
    pub yes: &'static str,
    pub never: &'static str,
    pub thanks: &'static str,
    pub agreed: &'static str,
    pub declined: &'static str,
    pub unsubscribe: &'static str,
    pub no_more: &'static str,
    pub unsubscribed: &'static str,
    pub ended: &'static str,
    /// Says in a few words what a type is about.
    pub about: fn(NotificationType) -> &'static str,
}

impl Texts {
    /// Returns those in the wanted language, in that of the installation, or in English. Regions do not matter.
    pub fn of(wanted: Option<&str>, installation: &Language) -> &'static Self {
        let known = |tag: &str| {
            let general = tag.split('-').next();
            [&GERMAN, &ENGLISH].into_iter().find(|texts| general == Some(texts.tag))
        };
        wanted.and_then(known).or_else(|| known(installation.as_str())).unwrap_or(&ENGLISH)
    }

    pub fn page(&self, title: &'static str) -> Page {
        Page::new(title).in_language(self.tag)
    }

    /// The buttons of a question, as HTML.
    pub fn answers(&self) -> String {
        let Self { yes, never, .. } = self;
        format!(
            "<p><button name=\"answer\" value=\"agree\">{yes}</button></p>\n\
             <p><button name=\"answer\" value=\"never\">{never}</button></p>"
        )
    }
}

static ENGLISH: Texts = Texts {
    tag: "en",
    invalid: "This link is not valid",
    nothing_changed: "It is damaged, too old, or no longer of use. Nothing was changed.",
    news: "News about shipments",
    has_agreed: "You have agreed to this.",
    has_declined: "You have answered that nobody may write to this address. Nothing is sent to it.",
    shipper: "A shipper",
    question: |organization, address| {
        format!("{organization} wants to have news about its shipments sent to {address}.")
    },
    yes: "Yes, send me news",
    never: "No, and never ask again",
    thanks: "Thank you",
    agreed: "You will be told. Each e-mail has a link that ends messages of its kind. To end text messages, open the link of the \
             question again and choose \u{201c}No, and never ask again\u{201d}.",
    declined: "Nothing will be sent to this address, and nobody can have it asked again.",
    unsubscribe: "Unsubscribe",
    no_more: "No more e-mail of this kind:",
    unsubscribed: "Unsubscribed",
    ended: "You get no more e-mail of this kind:",
    about: |kind| match kind {
        NotificationType::BookingConfirmed => "confirmed bookings",
        NotificationType::Departed => "departed shipments",
        NotificationType::Arrived => "arrived shipments",
        NotificationType::Delivered => "delivered shipments",
        NotificationType::Retimed => "flights with new times",
        NotificationType::Offloaded => "shipments left behind",
        NotificationType::Cancelled => "cancelled flights and bookings",
        NotificationType::HoldExpiring => "holds that expire",
        NotificationType::WaitlistOffer => "offers of room",
        NotificationType::Payment => "payments",
        NotificationType::PriceAlert => "prices",
        NotificationType::SpaceAlert => "free space",
        NotificationType::CutoffReminder => "reminders of cut-offs",
        NotificationType::WebhookFailing => "webhooks that fail",
        NotificationType::FeedFailing => "feeds that fail",
        NotificationType::Corrected => "corrected steps",
    },
};

static GERMAN: Texts = Texts {
    tag: "de",
    invalid: "Dieser Link ist nicht gültig",
    nothing_changed: "Er ist beschädigt, zu alt oder wird nicht mehr gebraucht. Es wurde nichts geändert.",
    news: "Nachrichten über Sendungen",
    has_agreed: "Sie haben dem zugestimmt.",
    has_declined: "Sie haben geantwortet, dass niemand an diese Adresse schreiben darf. An sie wird nichts gesendet.",
    shipper: "Ein Versender",
    question: |organization, address| format!("{organization} möchte Nachrichten über Sendungen an {address} senden."),
    yes: "Ja, informieren Sie mich",
    never: "Nein, und fragen Sie nie wieder",
    thanks: "Vielen Dank",
    agreed: "Sie werden informiert. Jede E-Mail enthält einen Link, mit dem Sie Nachrichten ihrer Art abbestellen. Um SMS zu \
             beenden, öffnen Sie den Link der Anfrage noch einmal und wählen Sie \u{201e}Nein, und fragen Sie nie \
             wieder\u{201c}.",
    declined: "An diese Adresse wird nichts gesendet, und niemand kann sie noch einmal anfragen lassen.",
    unsubscribe: "Abbestellen",
    no_more: "Keine E-Mails dieser Art mehr:",
    unsubscribed: "Abbestellt",
    ended: "Sie erhalten keine E-Mails dieser Art mehr:",
    about: |kind| match kind {
        NotificationType::BookingConfirmed => "bestätigte Buchungen",
        NotificationType::Departed => "abgeflogene Sendungen",
        NotificationType::Arrived => "angekommene Sendungen",
        NotificationType::Delivered => "ausgelieferte Sendungen",
        NotificationType::Retimed => "Flüge mit neuen Zeiten",
        NotificationType::Offloaded => "nicht verladene Sendungen",
        NotificationType::Cancelled => "gestrichene Flüge und stornierte Buchungen",
        NotificationType::HoldExpiring => "ablaufende Reservierungen",
        NotificationType::WaitlistOffer => "Angebote von Frachtraum",
        NotificationType::Payment => "Zahlungen",
        NotificationType::PriceAlert => "Preise",
        NotificationType::SpaceAlert => "freie Kapazität",
        NotificationType::CutoffReminder => "Erinnerungen an den Annahmeschluss",
        NotificationType::WebhookFailing => "fehlschlagende Webhooks",
        NotificationType::FeedFailing => "fehlschlagende Feeds",
        NotificationType::Corrected => "korrigierte Schritte",
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_in_the_language_of_the_reader_or_else_of_the_installation() {
        let tag = |wanted, installation| Texts::of(wanted, &Language::new(installation)).tag;
        assert_eq!([tag(Some("de"), "en"), tag(Some("de-at"), "en"), tag(Some("en-gb"), "de")], ["de", "de", "en"]);
        assert_eq!([tag(None, "de-AT"), tag(Some("nl"), "de"), tag(Some("nl"), "fr")], ["de", "de", "en"]);
    }

    #[test]
    fn each_text_is_translated() {
        for (_, kind) in NotificationType::WORDS {
            assert_ne!((ENGLISH.about)(*kind), (GERMAN.about)(*kind));
        }
        assert!(ENGLISH.agreed.contains(ENGLISH.never) && GERMAN.agreed.contains(GERMAN.never));
    }
}
