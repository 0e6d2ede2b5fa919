//! The rules for messages to people.
use lettre::message::Mailbox;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{filled, within};
use crate::settings::{MailTransport, Settings, SmsTransport, faults::Faults};

pub(super) fn post(settings: &Settings, faults: &mut Faults) {
    if settings.server.public_url.as_deref().is_some_and(|url| !is_public_url(url)) {
        let complaint = "must be an address that begins with https:// or http://, without a query, such as \
                         https://cargo.example.com";
        faults.add("server.public_url", complaint);
    }
    mail(settings, faults);
    sms(settings, faults);
    let notifications = &settings.notifications;
    if !is_language(&notifications.language) {
        faults.add("notifications.language", "must be a language tag, such as en or pt-BR");
    }
    within("notifications.collect_seconds", notifications.collect_seconds, 0..=3_600, faults);
    within("notifications.cutoff_reminder_hours", notifications.cutoff_reminder_hours, 1..=720, faults);
}

fn mail(settings: &Settings, faults: &mut Faults) {
    let mail = &settings.mail;
    within("mail.per_minute", mail.per_minute, 1..=60_000, faults);
    if let Some(from) = mail.from.as_deref()
        && (from.parse::<Mailbox>().is_err() || from.chars().any(char::is_control))
    {
        faults.add("mail.from", "must be an e-mail address, such as `Example Cargo <cargo@example.com>`");
    }
    if let Some(complaint) = mail.url.as_ref().and_then(complaint_about_smtp) {
        faults.add("mail.url", complaint);
    }
    if mail.transport == MailTransport::Smtp {
        needed("mail.url", mail.url.is_none(), "mail.transport smtp", faults);
        needed("mail.from", mail.from.is_none(), "mail.transport smtp", faults);
        needed("server.public_url", settings.server.public_url.is_none(), "mail.transport smtp", faults);
    }
}

/// Never quotes the URL: it may hold a password.
fn complaint_about_smtp(url: &SecretString) -> Option<&'static str> {
    let url = Url::parse(url.expose_secret()).ok().filter(Url::has_host);
    let Some(url) = url.filter(|url| matches!(url.scheme(), "smtp" | "smtps")) else {
        return Some("must be a URL that begins with smtp:// or smtps://");
    };
    let mut tls = None;
    for (key, value) in url.query_pairs() {
        match (&*key, &*value) {
            ("tls", "required" | "none") if url.scheme() == "smtp" => tls = Some(value.into_owned()),
            _ => return Some("may have one parameter only, and only with smtp://: tls=required or tls=none"),
        }
    }
    let is_here = matches!(url.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
    let in_clear = url.scheme() == "smtp" && tls.is_none() && !url.username().is_empty() && !is_here;
    in_clear.then_some(
        "would send a password in clear; use smtps://, or smtp://…?tls=required for STARTTLS, or tls=none if that is meant",
    )
}

fn sms(settings: &Settings, faults: &mut Faults) {
    let sms = &settings.sms;
    within("sms.max_per_day", sms.max_per_day, 1..=1_000_000, faults);
    within("sms.codes_percent", sms.codes_percent, 1..=90, faults);
    within("sms.codes_per_address", sms.codes_per_address, 1..=1_000_000, faults);
    filled("sms.body", &sms.body, faults);
    let url = sms.url.as_ref().map(|url| Url::parse(url.expose_secret()));
    let is_http = |url: &Url| matches!(url.scheme(), "https" | "http") && url.has_host();
    if url.is_some_and(|url| !url.as_ref().is_ok_and(is_http)) {
        faults.add("sms.url", "must be an address that begins with https:// or http://");
    }
    if sms.transport == SmsTransport::Http {
        needed("sms.url", sms.url.is_none(), "sms.transport http", faults);
        needed("server.public_url", settings.server.public_url.is_none(), "sms.transport http", faults);
    }
}

fn needed(setting: &str, is_missing: bool, by: &str, faults: &mut Faults) {
    if is_missing {
        faults.add(setting, &format!("is needed with {by}"));
    }
}

fn is_public_url(url: &str) -> bool {
    Url::parse(url).is_ok_and(|url| {
        matches!(url.scheme(), "https" | "http")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none()
    })
}

fn is_language(tag: &str) -> bool {
    let is_part = |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    tag.split('-').all(is_part) && tag.len() <= 35 && tag.starts_with(|first: char| first.is_ascii_alphabetic())
}
