//! Reminders of the cut-off: found from the flights that are about to close; a row for each that was sent.
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_bookings::BOOKING;
use loadmaster_platform::{
    outage::OutageLog,
    postgres::{DbError, PgSession, commit, keep_plans, retrying},
    shutdown::stopped_within,
};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    model::{Cause, NotificationType, bundle_of},
    post::{Channel, NewNotification},
    repository::{
        self,
        receivers::Recipient,
        reminders::{Among, Reminder},
    },
    service::NotificationService,
};

/// Interval between two looks at the flights that are about to close.
const POLL: Duration = Duration::from_secs(1);
/// Each look overlaps the one before by this much: a booking on a flight at its end may not have been committed yet.
const AGAIN: TimeDelta = TimeDelta::minutes(2);
/// Interval between two looks at all flights that close within the reminder hours. They find bookings that became eligible late,
/// such as one that no longer needs rerouting.
const WHOLE_EVERY: TimeDelta = TimeDelta::minutes(10);
/// Interval between two updates of the stored watermark.
const WRITTEN_EVERY: TimeDelta = TimeDelta::minutes(1);
/// Reminders that are due at the same time are written in several transactions, and sent together.
const TOGETHER: TimeDelta = TimeDelta::seconds(5);
/// Bookings reminded of in one transaction.
const AT_ONCE: usize = 500;

impl NotificationService {
    /// Sends what is due, until `stop`. One process at a time does this.
    pub(super) async fn remind(self, stop: CancellationToken) {
        let mut outage = OutageLog::new("reminders cannot be read; trying again");
        let mut looked_at_all = DateTime::UNIX_EPOCH;
        while !stopped_within(&stop, POLL).await {
            let now = self.now();
            let is_whole = (now - looked_at_all).abs() >= WHOLE_EVERY;
            let reminded = outage.note(self.remind_all(is_whole).await);
            if is_whole && reminded.is_ok() {
                looked_at_all = now;
            }
        }
    }

    async fn remind_all(&self, is_whole: bool) -> Result<(), DbError> {
        while retrying(|| self.remind_some(is_whole)).await? == AT_ONCE {}
        Ok(())
    }

    /// Reminds of the next bookings on flights that are about to close; unless it `is_whole`, on those that came to be so since
    /// the last look. Returns their number.
    async fn remind_some(&self, is_whole: bool) -> Result<usize, DbError> {
        let now = self.now();
        let mut tx = self.db.begin().await?;
        keep_plans(&mut tx).await?;
        let Some(looked_until) = repository::reminders::lock_looked_until(&mut tx).await? else {
            commit(tx).await?;
            return Ok(0);
        };
        let until = now + TimeDelta::hours(self.terms.reminder_hours.into());
        let after = if is_whole { now } else { (looked_until.min(until) - AGAIN).max(now) };
        let among = Among { after: Some(after), bookings: &[], flights: &[] };
        let reminded = self.remind_in_tx(&mut tx, &among).await?;
        if reminded < AT_ONCE && (until - looked_until).abs() >= WRITTEN_EVERY {
            repository::reminders::set_looked_until(&mut tx, until).await?;
        }
        commit(tx).await?;
        Ok(reminded)
    }

    /// Reminds of bookings that have moved to flights about to close, and of those on flights that were moved.
    pub(super) async fn remind_of_moved_in_tx(
        &self,
        tx: &mut PgSession,
        bookings: &[Uuid],
        flights: &[Uuid],
    ) -> Result<(), DbError> {
        let among = Among { after: None, bookings, flights };
        while self.remind_in_tx(tx, &among).await? == AT_ONCE {}
        Ok(())
    }

    /// Returns how many it has reminded of: at most [`AT_ONCE`].
    async fn remind_in_tx(&self, tx: &mut PgSession, among: &Among<'_>) -> Result<usize, DbError> {
        let now = self.now();
        let hours = self.terms.reminder_hours;
        let due = repository::reminders::due(tx, among, now, hours, AT_ONCE.cast_signed() as i64).await?;
        if due.is_empty() {
            return Ok(0);
        }
        let cause = |one: &Reminder| Cause {
            message_id: format!("reminder-{}", one.booking_id),
            aggregate: BOOKING,
            id: one.booking_id,
            sequence: 1,
            kind: NotificationType::CutoffReminder,
            flight: Some(one.flight_id),
            at: now,
            data: json!({}),
        };
        let causes: Vec<Cause> = due.iter().map(cause).collect();
        let mut recipients = repository::receivers::users(tx, &causes).await?;
        let numbered: Vec<(i64, &Cause)> = (1..).zip(&causes).collect();
        recipients.extend(repository::receivers::contacts(tx, &numbered).await?);
        let rows: Vec<NewNotification> =
            recipients.iter().filter_map(|recipient| self.reminder(&causes, &due, recipient, now)).collect();
        if !rows.is_empty() {
            self.post.enqueue_by_sender_in_tx(tx, &rows).await?;
        }
        repository::reminders::enter(tx, &due, now).await?;
        Ok(due.len())
    }

    /// Returns what is written for one receiver: good until the cut-off.
    fn reminder(
        &self,
        causes: &[Cause],
        due: &[Reminder],
        recipient: &Recipient,
        now: DateTime<Utc>,
    ) -> Option<NewNotification> {
        let place = usize::try_from(recipient.n).ok()?.checked_sub(1)?;
        let (cause, due) = (causes.get(place)?, due.get(place)?);
        Some(NewNotification {
            id: self.ids.next(now),
            message_id: cause.message_id.clone(),
            receiver: recipient.receiver()?,
            organization_id: recipient.organization_id.map(Into::into),
            channel: Channel::from_name(&recipient.channel)?,
            kind: cause.kind.as_str(),
            booking_id: recipient.booking_id.map(Into::into),
            ref_id: Some(due.ref_id.clone()),
            subject_id: Some(due.flight_id),
            data: cause.data.clone(),
            bundle: Some(bundle_of(due.flight_id, cause.kind)),
            is_urgent: cause.kind.is_urgent(),
            due_at: now + self.terms.collect.min(TOGETHER).min(due.cutoff_at - now),
            expires_at: due.cutoff_at,
            created_at: now,
        })
    }
}
