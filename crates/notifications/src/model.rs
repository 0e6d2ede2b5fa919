//! Notifications: their types, who has them by default, what causes them, and when they are due.
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_alerts::{ALERT, AlertKind};
use loadmaster_bookings::BOOKING;
use loadmaster_feeds::FEED;
use loadmaster_holds::HOLD;
use loadmaster_kernel::words;
use loadmaster_payments::PAYMENT;
use loadmaster_platform::outbox::Entry;
use loadmaster_waitlist::WAITLIST;
use loadmaster_webhooks::WEBHOOK;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

/// What is not sent by then is never sent.
pub const LAST_MOMENT: TimeDelta = TimeDelta::hours(24);
/// Before a hold expires.
pub const BEFORE_EXPIRY: TimeDelta = TimeDelta::minutes(5);
/// Asks an address whether it may be written to.
pub const CONTACT_QUESTION: &str = "contact_question";
/// Informs a guest about its booking, with the link that opens it.
pub const GUEST_BOOKING: &str = "guest_booking";

/// Invites an address to a consolidation, with the link that answers.
pub const CONSOLIDATION_INVITATION: &str = "consolidation_invitation";

words! {
    /// What somebody is notified of.
    pub enum NotificationType {
        BookingConfirmed = "booking_confirmed",
        Departed = "departed",
        Arrived = "arrived",
        Delivered = "delivered",
        Retimed = "retimed",
        Offloaded = "offloaded",
        Cancelled = "cancelled",
        HoldExpiring = "hold_expiring",
        WaitlistOffer = "waitlist_offer",
        Payment = "payment",
        PriceAlert = "price_alert",
        SpaceAlert = "space_alert",
        CutoffReminder = "cutoff_reminder",
        WebhookFailing = "webhook_failing",
        FeedFailing = "feed_failing",
        /// A step that a receiver was notified of was taken back. Goes to the receivers of the notification about the step, and
        /// has no preference of its own.
        Corrected = "corrected",
    }
}

words! {
    /// Whose things a user is told about.
    pub enum NotificationScope {
        Own = "own",
        Organization = "organization",
    }
}

words! {
    /// What became of a notification.
    pub enum NotificationStatus {
        Waiting = "WAITING",
        Sent = "SENT",
        Failed = "FAILED",
        /// Not sent on purpose.
        Suppressed = "SUPPRESSED",
    }
}

/// How somebody is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum NotificationChannel {
    Email,
    Sms,
}

impl NotificationType {
    /// Types that go by e-mail unless a user switches them off. None goes by SMS unless a user switches it on.
    pub fn by_email() -> Vec<&'static str> {
        let off = [Self::Departed, Self::Arrived, Self::Corrected].map(Self::as_str);
        let is_on = |word: &&str| !off.contains(word);
        Self::NAMES.iter().copied().filter(is_on).collect()
    }

    /// Does not wait for the hourly digest.
    pub const fn is_urgent(self) -> bool {
        matches!(self, Self::Cancelled | Self::Offloaded | Self::CutoffReminder)
    }

    /// Types whose last moment is the end of their subject: past it, they are of no use.
    pub const FIXED: [Self; 3] = [Self::HoldExpiring, Self::WaitlistOffer, Self::CutoffReminder];

    /// Returns the type whose preference decides on a notification of this type: of a correction, that of the step.
    pub fn wanted_as(self, data: &Value) -> Self {
        let step = || data["step"].as_str().and_then(Self::of);
        if self == Self::Corrected { step().unwrap_or(self) } else { self }
    }

    pub fn of(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind)
    }
}

/// A message that somebody is to be notified of.
#[derive(Debug, Clone, PartialEq)]
pub struct Cause {
    pub message_id: String,
    pub aggregate: &'static str,
    pub id: Uuid,
    pub sequence: i32,
    pub kind: NotificationType,
    /// The flight whose change is the cause.
    pub flight: Option<Uuid>,
    /// When it happened, by its message.
    pub at: DateTime<Utc>,
    pub data: Value,
}

impl Cause {
    /// Returns what a message is the cause of, if it is one.
    pub fn of(entry: &Entry) -> Option<Self> {
        use NotificationType::{
            Arrived, BookingConfirmed, Cancelled, Corrected, Delivered, Departed, FeedFailing, HoldExpiring, Offloaded,
            Payment, PriceAlert, Retimed, SpaceAlert, WaitlistOffer, WebhookFailing,
        };
        let happened = entry.event_type.as_str();
        let (aggregate, kind) = match (entry.aggregate.as_str(), happened) {
            (BOOKING, "BOOKED") => (BOOKING, BookingConfirmed),
            (BOOKING, "DEPARTED") => (BOOKING, Departed),
            (BOOKING, "ARRIVED") => (BOOKING, Arrived),
            (BOOKING, "DELIVERED") => (BOOKING, Delivered),
            (BOOKING, "FLIGHT_RETIMED") => (BOOKING, Retimed),
            (BOOKING, "OFFLOADED") => (BOOKING, Offloaded),
            (BOOKING, "FLIGHT_CANCELLED" | "CANCELLED") => (BOOKING, Cancelled),
            (BOOKING, "CORRECTED") => (BOOKING, Corrected),
            (HOLD, "CREATED" | "AMENDED" | "EXTENDED") => (HOLD, HoldExpiring),
            (WAITLIST, "OFFERED") => (WAITLIST, WaitlistOffer),
            (PAYMENT, "CAPTURED" | "FAILED" | "REFUNDED" | "REQUIRES_ACTION") => (PAYMENT, Payment),
            (WEBHOOK, "FAILING" | "DISABLED") => (WEBHOOK, WebhookFailing),
            (FEED, "FAILING") => (FEED, FeedFailing),
            (ALERT, "MET") if entry.event["data"]["kind"] == AlertKind::Space.as_str() => (ALERT, SpaceAlert),
            (ALERT, "MET") => (ALERT, PriceAlert),
            _ => return None,
        };
        let of_flight =
            matches!((kind, happened), (Departed | Arrived | Retimed | Offloaded, _) | (Cancelled, "FLIGHT_CANCELLED"));
        let event = &entry.event;
        let flight = event["data"]["flight_id"].as_str().and_then(|id| id.parse().ok()).filter(|_| of_flight);
        let sequence = event["sequence"].as_str()?.parse().ok()?;
        let mut data = json!({ "event": happened.to_ascii_lowercase() });
        if kind == Corrected {
            data["step"] = event["data"]["corrects"]["status"].as_str()?.to_ascii_lowercase().into();
        }
        Some(Self {
            message_id: event["id"].as_str()?.to_owned(),
            aggregate,
            id: entry.aggregate_id,
            sequence,
            kind,
            flight,
            at: event["time"].as_str()?.parse().ok()?,
            data,
        })
    }

    /// Returns the id of the message about the step that was taken back: the one before it.
    pub fn corrected_message(&self) -> Option<String> {
        (self.kind == NotificationType::Corrected).then(|| format!("{}-{}", self.id, self.sequence - 1))
    }
}

/// When something is sent, and in which bundle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    pub message_id: String,
    pub bundle: Option<String>,
    pub due_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
}

impl Schedule {
    /// `at`: when it was recorded; `until`: its last moment, where its subject has one. `None`: it is too late, or too
    /// early for anything but the thing itself.
    pub fn of(
        cause: &Cause,
        at: DateTime<Utc>,
        until: Option<DateTime<Utc>>,
        now: DateTime<Utc>,
        collect: TimeDelta,
    ) -> Option<Self> {
        let expires_at = until.unwrap_or(at + LAST_MOMENT);
        let mut message_id = cause.message_id.clone();
        let mut due_at = now;
        if cause.kind == NotificationType::HoldExpiring {
            // An extension has an expiry of its own: the notification of the former one finds that it is none any more.
            message_id = format!("{}-expires-{}", cause.id, expires_at.timestamp_micros());
            due_at = expires_at - BEFORE_EXPIRY;
            if due_at <= at {
                return None;
            }
        }
        let bundle = cause.flight.map(|flight| bundle_of(flight, cause.kind));
        if bundle.is_some() {
            due_at = now + collect;
        }
        (expires_at > now).then_some(Self { message_id, bundle, due_at, expires_at })
    }
}

/// The bundle of what one flight causes.
pub fn bundle_of(flight: Uuid, kind: NotificationType) -> String {
    format!("flight:{flight}:{}", kind.as_str())
}

/// What a user wants to be notified of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preferences {
    /// The language of letters alone.
    pub language: Option<String>,
    /// The language of the account: of letters, too, unless there is one of letters alone.
    pub account_language: Option<String>,
    pub scope: NotificationScope,
    /// Types that differ from the default, per channel.
    pub email_changed: Vec<String>,
    pub sms_changed: Vec<String>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            language: None,
            account_language: None,
            scope: NotificationScope::Own,
            email_changed: Vec::new(),
            sms_changed: Vec::new(),
        }
    }
}

impl Preferences {
    pub fn is_on(&self, kind: NotificationType, channel: NotificationChannel) -> bool {
        let (default, changed) = match channel {
            NotificationChannel::Email => (NotificationType::by_email().contains(&kind.as_str()), &self.email_changed),
            NotificationChannel::Sms => (false, &self.sms_changed),
        };
        default != changed.iter().any(|word| word == kind.as_str())
    }

    pub fn switch(&mut self, kind: NotificationType, channel: NotificationChannel, on: bool) {
        if self.is_on(kind, channel) == on {
            return;
        }
        let changed = match channel {
            NotificationChannel::Email => &mut self.email_changed,
            NotificationChannel::Sms => &mut self.sms_changed,
        };
        match changed.iter().position(|word| word == kind.as_str()) {
            Some(place) => drop(changed.remove(place)),
            None => changed.push(kind.as_str().to_owned()),
        }
    }
}

/// The end of a page of notifications: lists start with the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotificationAnchor(pub Uuid);

/// Shows who an address is to somebody who knows it, and nobody else.
pub fn masked(address: &str) -> String {
    let first = |text: &str| text.chars().next().map(String::from).unwrap_or_default();
    if let Some((name, domain)) = address.split_once('@') {
        return format!("{}***@{domain}", first(name));
    }
    let shown = address.len().saturating_sub(2);
    format!("***{}", address.get(shown..).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(aggregate: &str, event_type: &str, data: &Value) -> Entry {
        Entry {
            id: 1,
            aggregate: aggregate.to_owned(),
            aggregate_id: Uuid::from_u128(7),
            sequence: 3,
            event_type: event_type.to_owned(),
            event: json!({"id": "7-3", "sequence": "3", "time": "2026-11-20T08:00:00Z", "data": data}).into(),
            written_at: DateTime::UNIX_EPOCH,
            organization: None,
            listeners: None,
        }
    }

    fn at(minutes: i64) -> DateTime<Utc> {
        "2026-11-20T08:00:00Z".parse::<DateTime<Utc>>().unwrap() + TimeDelta::minutes(minutes)
    }

    #[test]
    fn what_one_flight_causes_has_one_bundle_and_waits() {
        let flight = Uuid::from_u128(9);
        let cause = Cause::of(&entry(BOOKING, "FLIGHT_CANCELLED", &json!({ "flight_id": flight }))).unwrap();
        assert_eq!((cause.kind, cause.flight, cause.sequence), (NotificationType::Cancelled, Some(flight), 3));
        let schedule = Schedule::of(&cause, at(0), None, at(1), TimeDelta::seconds(60)).unwrap();
        assert_eq!(schedule.bundle, Some(format!("flight:{flight}:cancelled")));
        assert_eq!((schedule.due_at, schedule.expires_at), (at(2), at(24 * 60)));
        // The booking itself: nobody else is concerned.
        let cause = Cause::of(&entry(BOOKING, "CANCELLED", &json!({ "flight_id": flight }))).unwrap();
        assert_eq!((cause.kind, cause.flight), (NotificationType::Cancelled, None));
        let schedule = Schedule::of(&cause, at(0), None, at(1), TimeDelta::seconds(60)).unwrap();
        assert_eq!((schedule.bundle, schedule.due_at), (None, at(1)));
    }

    #[test]
    fn a_correction_names_the_step_and_goes_by_the_preference_for_it() {
        let cause = Cause::of(&entry(BOOKING, "CORRECTED", &json!({"corrects": {"status": "DELIVERED"}}))).unwrap();
        assert_eq!((cause.kind, cause.flight), (NotificationType::Corrected, None));
        assert_eq!(cause.data, json!({"event": "corrected", "step": "delivered"}));
        assert_eq!(cause.corrected_message(), Some(format!("{}-2", Uuid::from_u128(7))));
        assert_eq!(cause.kind.wanted_as(&cause.data), NotificationType::Delivered);
        let booked = Cause::of(&entry(BOOKING, "BOOKED", &json!({}))).unwrap();
        assert_eq!(booked.corrected_message(), None);
        assert_eq!(booked.kind.wanted_as(&booked.data), NotificationType::BookingConfirmed);
    }

    #[test]
    fn what_is_past_its_last_moment_is_not_sent() {
        let cause = Cause::of(&entry(BOOKING, "BOOKED", &json!({}))).unwrap();
        assert!(Schedule::of(&cause, at(0), None, at(24 * 60 - 1), TimeDelta::zero()).is_some());
        assert_eq!(Schedule::of(&cause, at(0), None, at(24 * 60), TimeDelta::zero()), None);
    }

    #[test]
    fn a_hold_is_announced_five_minutes_before_and_each_expiry_once() {
        let cause = Cause::of(&entry(HOLD, "CREATED", &json!({}))).unwrap();
        let of = |until| Schedule::of(&cause, at(0), Some(at(until)), at(1), TimeDelta::zero());
        assert_eq!(of(15).unwrap().due_at, at(10));
        assert_eq!(of(15), of(15));
        assert_ne!(of(15).unwrap().message_id, of(20).unwrap().message_id);
        assert_eq!(of(5), None, "it lives no longer than that");
    }

    #[test]
    fn other_messages_are_no_cause() {
        for (aggregate, event_type) in
            [(BOOKING, "PRICED"), (HOLD, "COMMITTED"), (PAYMENT, "CREATED"), ("flight", "CANCELLED")]
        {
            assert_eq!(Cause::of(&entry(aggregate, event_type, &json!({}))), None, "{aggregate} {event_type}");
        }
    }

    #[test]
    fn preferences_keep_what_differs_from_the_defaults() {
        let mut wanted = Preferences::default();
        let (email, sms) = (NotificationChannel::Email, NotificationChannel::Sms);
        assert!(wanted.is_on(NotificationType::Cancelled, email) && !wanted.is_on(NotificationType::Departed, email));
        assert!(NotificationType::WORDS.iter().all(|(_, kind)| !wanted.is_on(*kind, sms)));
        wanted.switch(NotificationType::Departed, email, true);
        wanted.switch(NotificationType::Cancelled, email, false);
        wanted.switch(NotificationType::Cancelled, email, false);
        wanted.switch(NotificationType::Cancelled, sms, true);
        assert_eq!(wanted.email_changed, ["departed", "cancelled"]);
        assert!(wanted.is_on(NotificationType::Departed, email) && !wanted.is_on(NotificationType::Cancelled, email));
        wanted.switch(NotificationType::Cancelled, email, true);
        assert_eq!((wanted.email_changed.len(), wanted.sms_changed.len()), (1, 1));
    }

    #[test]
    fn masked_addresses_reveal_little() {
        assert_eq!(masked("ann@example.com"), "a***@example.com");
        assert_eq!(masked("+4969123456"), "***56");
        assert_eq!(masked("ä@example.com"), "ä***@example.com");
        assert_eq!(masked(""), "***");
    }
}
