//! Hears every message of the outbox, and writes down who is to be notified of it.
use chrono::{DateTime, Utc};
use loadmaster_bookings::BOOKING;
use loadmaster_capacity::FLIGHT;
use loadmaster_consolidations::CONSOLIDATION;
use loadmaster_platform::{
    outbox::{Entry, Listeners, Sink, SinkAway},
    postgres::{DbError, PgSession, commit, keep_plans, retrying},
};
use tokio::sync::OnceCell;
use uuid::Uuid;

use super::{
    model::{Cause, NotificationType, Schedule},
    post::{Channel, NewNotification},
    repository::{self, receivers::Recipient},
    service::NotificationService,
};

/// The sink of the outbox. It only writes rows: sending is the work of `post`.
pub(super) struct Notifications {
    notifications: NotificationService,
    /// The number of the last message that nobody is notified of. It is the same for ever.
    from: OnceCell<i64>,
}

impl Notifications {
    pub fn new(notifications: NotificationService) -> Self {
        Self { notifications, from: OnceCell::new() }
    }

    async fn hear(&self, entries: &[Entry]) -> Result<(), DbError> {
        let read = || async {
            let mut connection = self.notifications.db.read().await?;
            Ok::<_, DbError>(repository::receivers::start_of_notifications(&mut connection).await?)
        };
        let from = *self.from.get_or_try_init(read).await?;
        let has_contacts = Listeners::of_all(entries.iter().map(|entry| entry.listeners))
            .is_none_or(|listeners| listeners.has_contacts);
        let news = News::of(entries.iter().filter(|entry| entry.id > from), has_contacts);
        if news.is_empty() { Ok(()) } else { self.notifications.hear(&news).await }
    }
}

impl Sink for Notifications {
    const NAME: &'static str = "notifications";

    async fn deliver(&self, entries: &[Entry], _: Option<&str>) -> Result<Option<String>, SinkAway> {
        self.hear(entries).await.map_err(|error| SinkAway(error.to_string()))?;
        Ok(None)
    }
}

/// What a batch of messages says.
#[derive(Default)]
struct News {
    causes: Vec<Cause>,
    /// New bookings that may name contacts.
    booked: Vec<Uuid>,
    moved: Vec<Uuid>,
    changed_flights: Vec<Uuid>,
    /// Consolidations to which somebody was invited.
    invited: Vec<Uuid>,
    /// Bookings may name contacts.
    has_contacts: bool,
}

impl News {
    fn of<'a>(entries: impl Iterator<Item = &'a Entry>, has_contacts: bool) -> Self {
        let mut news = Self { has_contacts, ..Self::default() };
        for entry in entries {
            news.causes.extend(Cause::of(entry));
            match (entry.aggregate.as_str(), entry.event_type.as_str()) {
                (BOOKING, "BOOKED") if has_contacts => news.booked.push(entry.aggregate_id),
                (BOOKING, "REROUTED" | "FLIGHT_RETIMED" | "CORRECTED") => news.moved.push(entry.aggregate_id),
                (FLIGHT, "CHANGED") => news.changed_flights.push(entry.aggregate_id),
                (CONSOLIDATION, "CHANGED") if entry.event["data"]["change"] == "MEMBER_INVITED" => {
                    news.invited.push(entry.aggregate_id);
                }
                _ => {}
            }
        }
        news
    }

    fn is_empty(&self) -> bool {
        let Self { causes, booked, moved, changed_flights, invited, .. } = self;
        causes.is_empty() && [booked, moved, changed_flights, invited].into_iter().all(Vec::is_empty)
    }
}

impl NotificationService {
    /// Writes a row for each message, receiver and channel: none twice, however often a message comes.
    async fn hear(&self, news: &News) -> Result<(), DbError> {
        retrying(|| async {
            let mut tx = self.db.begin().await?;
            keep_plans(&mut tx).await?;
            self.write_in_tx(&mut tx, news).await?;
            commit(tx).await
        })
        .await
    }

    async fn write_in_tx(&self, tx: &mut PgSession, news: &News) -> Result<(), DbError> {
        let now = self.now();
        if !news.causes.is_empty() {
            self.write_notifications_in_tx(tx, news, now).await?;
        }
        if !news.booked.is_empty() {
            let named = repository::consents::named_by(tx, &news.booked).await?;
            self.ask_in_tx(tx, named).await?;
        }
        if !news.moved.is_empty() || !news.changed_flights.is_empty() {
            self.remind_of_moved_in_tx(tx, &news.moved, &news.changed_flights).await?;
        }
        self.invite_in_tx(tx, &news.invited, now).await
    }

    async fn write_notifications_in_tx(
        &self,
        tx: &mut PgSession,
        news: &News,
        now: DateTime<Utc>,
    ) -> Result<(), DbError> {
        let causes = &news.causes;
        let mut recipients = repository::receivers::users(tx, causes).await?;
        let of_bookings: Vec<(i64, &Cause)> =
            (1..).zip(causes).filter(|(_, cause)| cause.aggregate == BOOKING).collect();
        if news.has_contacts && !of_bookings.is_empty() {
            recipients.extend(repository::receivers::contacts(tx, &of_bookings).await?);
        }
        if causes.iter().any(|cause| cause.kind == NotificationType::Corrected) {
            recipients.extend(repository::receivers::of_corrected_steps(tx, causes).await?);
        }
        self.write_to_guests_in_tx(tx, causes, now).await?;
        let rows: Vec<NewNotification> =
            recipients.iter().filter_map(|recipient| self.row(causes, recipient, now)).collect();
        if rows.is_empty() { Ok(()) } else { self.post.enqueue_by_sender_in_tx(tx, &rows).await }
    }

    /// Returns what is written for one receiver, if it is not too late for it.
    fn row(&self, causes: &[Cause], recipient: &Recipient, now: DateTime<Utc>) -> Option<NewNotification> {
        let cause = causes.get(usize::try_from(recipient.n).ok()?.checked_sub(1)?)?;
        let at = recipient.recorded_at.unwrap_or(cause.at);
        let Schedule { message_id, bundle, due_at, expires_at } =
            Schedule::of(cause, at, recipient.until, now, self.terms.collect)?;
        Some(NewNotification {
            id: self.ids.next(now),
            message_id,
            receiver: recipient.receiver()?,
            organization_id: recipient.organization_id.map(Into::into),
            channel: Channel::from_name(&recipient.channel)?,
            kind: cause.kind.as_str(),
            booking_id: recipient.booking_id.map(Into::into),
            ref_id: recipient.ref_id.clone(),
            subject_id: if cause.aggregate == BOOKING { cause.flight } else { Some(cause.id) },
            data: cause.data.clone(),
            bundle,
            is_urgent: cause.kind.is_urgent(),
            due_at,
            expires_at,
            created_at: now,
        })
    }
}
