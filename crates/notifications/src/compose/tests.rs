//! The templates that ship, in both languages and in every case that their texts distinguish.
use std::slice;

use minijinja::{Value, context};
use uuid::Uuid;

use super::{
    context_of,
    item::{FlightItem, HoldItem, Item, PaymentItem, ShipmentItem, WebhookItem},
    templates,
};

use crate::{
    model::{CONSOLIDATION_INVITATION, CONTACT_QUESTION, GUEST_BOOKING, NotificationType},
    post::{ACCOUNT_MAIL, ACCOUNT_NOTICES, Channel, Engine, Letter, SHARED, Templates},
};

const ALL: [Templates; 7] = [
    SHARED,
    templates::NEWS,
    templates::QUESTION,
    templates::INVITATION,
    templates::GUEST,
    ACCOUNT_MAIL,
    ACCOUNT_NOTICES,
];
const BOTH: [Channel; 2] = [Channel::Email, Channel::Sms];

/// The files of a language, without it in their names.
fn files_of(language: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let shipped = ALL.into_iter().flatten().copied();
    shipped.filter_map(move |(name, text)| Some((name.strip_prefix(language)?.strip_prefix('/')?, text)))
}

#[test]
fn each_type_has_a_letter_and_a_text_message_and_each_text_is_translated() {
    let text = |language, file: &str| files_of(language).find(|(name, _)| *name == file).map(|(_, text)| text);
    for kind in NotificationType::NAMES {
        for ending in ["subject", "txt", "html", "sms"] {
            assert!(text("en", &format!("{kind}.{ending}")).is_some(), "{kind}.{ending}");
        }
    }
    for (file, english) in files_of("en") {
        let german = text("de", file);
        assert!(german.is_some_and(|german| german != english), "{file} is translated");
    }
}

#[test]
fn times_and_figures_of_german_templates_are_in_german_form() {
    let times = [".local", ".utc", ".short", "{{ expires }}"];
    let figures = [".weight }}", ".emissions }}", ".amount }}", ".captured }}", ".refunded }}"];
    for (file, text) in files_of("de") {
        for member in times.iter().chain(&figures) {
            assert!(!text.contains(*member), "{file} has {member}");
        }
    }
}

fn engine() -> Engine {
    Engine::new(&ALL, None, "en", "https://cargo.example.com", []).unwrap()
}

/// Renders a template in both languages, with and without the link that ends messages of its type. What is not defined is an
/// error, and what is none is not written.
fn render(engine: &Engine, channels: &[Channel], template: &str, context: &Value) {
    for language in ["en", "de"] {
        for (channel, unsubscribe) in channels.iter().flat_map(|channel| [(*channel, ""), (*channel, "https://u")]) {
            let text = engine.render(channel, template, language, context, unsubscribe);
            let text = text.unwrap_or_else(|error| panic!("{template} in {language}: {error}: {context}"));
            let written = format!("{} {}", text.subject, text.plain);
            let mut words = written.split(|c: char| !c.is_alphanumeric());
            assert!(words.all(|word| word != "none"), "{template} in {language}: {written}");
        }
    }
}

fn shipments(sample: &ShipmentItem) -> Vec<ShipmentItem> {
    let awb_number = Some("098-12345675".to_owned());
    let mut cases = vec![
        ShipmentItem { awb_number, pieces: 1, needs_rerouting: true, ..sample.clone() },
        ShipmentItem { emissions: None, latest_acceptance: None, ..sample.clone() },
        ShipmentItem { is_cancelled: true, status: "CANCELLED".to_owned(), ..sample.clone() },
    ];
    let statuses = ["DEPARTED", "ARRIVED", "DELIVERED"].map(str::to_owned);
    cases.extend(statuses.map(|status| ShipmentItem { status, ..sample.clone() }));
    cases
}

fn payments(sample: &PaymentItem) -> Vec<PaymentItem> {
    let events = ["captured", "failed", "refunded", "requires_action"].map(str::to_owned);
    let of = |event: String| [sample.ref_id.clone(), None].map(|ref_id| (event.clone(), ref_id));
    let cases = events.into_iter().flat_map(of);
    cases.map(|(event, ref_id)| PaymentItem { ref_id, event, ..sample.clone() }).collect()
}

fn webhooks(sample: &WebhookItem) -> Vec<WebhookItem> {
    let reasons = ["failing", "gone", "owner_changed", "key_ended", "access_ended"];
    let disabled = |reason: &str| {
        let (event, reason) = ("disabled".to_owned(), Some(reason.to_owned()));
        WebhookItem { event, reason, ..sample.clone() }
    };
    reasons.into_iter().map(disabled).collect()
}

/// Examples of a type, one for each case.
fn cases(kind: NotificationType) -> Vec<Item> {
    let sample = Item::sample(kind);
    let mut cases = vec![sample.clone()];
    if let Some(shipment) = &sample.shipment {
        cases.extend(shipments(shipment).into_iter().map(|one| Item { shipment: Some(one), ..sample.clone() }));
    }
    if let Some(hold) = &sample.hold {
        let unknown = HoldItem { departure: None, ..hold.clone() };
        let open = HoldItem { flight_number: None, ..unknown.clone() };
        cases.extend([unknown, open].map(|one| Item { hold: Some(one), ..sample.clone() }));
    }
    if let Some(payment) = &sample.payment {
        cases.extend(payments(payment).into_iter().map(|one| Item { payment: Some(one), ..sample.clone() }));
    }
    if let Some(webhook) = &sample.webhook {
        cases.extend(webhooks(webhook).into_iter().map(|one| Item { webhook: Some(one), ..sample.clone() }));
    }
    // A reminder of a cut-off is of a flight.
    if kind != NotificationType::CutoffReminder {
        let without: Vec<Item> = cases.iter().map(|case| Item { flight: None, ..case.clone() }).collect();
        cases.extend(without);
    }
    cases
}

/// The same on another flight.
fn elsewhere(item: &Item) -> Item {
    let flight = item.flight.clone().map(|flight| FlightItem { id: Uuid::from_u128(1), ..flight });
    Item { flight, ..item.clone() }
}

#[test]
fn letters_of_each_type_can_be_written_in_each_case() {
    let engine = engine();
    for (name, kind) in NotificationType::WORDS {
        for case in cases(*kind) {
            render(&engine, &BOTH, name, &context_of(slice::from_ref(&case), 1));
            for pair in [[case.clone(), case.clone()], [case.clone(), elsewhere(&case)]] {
                let context = context_of(&pair, 3);
                render(&engine, &BOTH, name, &context);
                render(&engine, &BOTH, Letter::DIGEST, &context);
            }
        }
    }
}

#[test]
fn questions_letters_to_guests_and_letters_about_accounts_can_be_written_in_each_case() {
    let (engine, mail) = (engine(), [Channel::Email]);
    for is_named in [true, false] {
        let context = context! { organization => "Example Freight", is_named, path => "/confirm/x" };
        render(&engine, &BOTH, CONTACT_QUESTION, &context);
    }
    let (link, expires, expires_at) = ("https://cargo.example.com/x", "1 May 2030", "2030-05-01T00:00:00+00:00");
    for case in cases(NotificationType::BookingConfirmed) {
        let news = context_of(slice::from_ref(&case), 1);
        render(&engine, &mail, GUEST_BOOKING, &context! { path => "/guest#x", expires, expires_at, ..news });
    }
    for (is_named, origin) in [(true, Some("DEL")), (false, None)] {
        let (organization, destination, path) = ("Example Freight", "LHR", "/join#x");
        let news = context! { organization, is_named, origin, destination, path, expires, expires_at };
        render(&engine, &mail, CONSOLIDATION_INVITATION, &news);
    }
    for name in [Some("Ann"), None] {
        for template in ["verify_email", "reset_password"] {
            render(&engine, &mail, template, &context! { name, link, expires, expires_at });
        }
        for what in [Some("warehouse scanner"), None] {
            for template in ["new_api_key", "new_webhook", "new_webhook_secret", "new_password"] {
                render(&engine, &mail, template, &context! { name, what, link });
            }
        }
    }
    render(&engine, &[Channel::Sms], "verify_phone", &context! { code => "012345" });
}
