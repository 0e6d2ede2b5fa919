//! Reminders of the cut-off: a row for each booking, judged by the tables when it is due.
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::{
    model::{Cause, NotificationType, bundle_of},
    post::{self, Channel, NewNotification, Receiver},
    repository::{self, receivers::Told, reminders::Reminder},
    service::NotificationService,
};
use crate::{
    features::bookings::BOOKING,
    platform::{
        postgres::{DbError, commit, retrying},
        shutdown::stopped_within,
        trouble::Trouble,
    },
};

/// Interval between two looks at the reminders.
const POLL: Duration = Duration::from_secs(1);
/// Reminders that are due at the same time are written in several transactions, and sent together.
const TOGETHER: TimeDelta = TimeDelta::seconds(5);
/// Reminders judged in one transaction.
const AT_ONCE: usize = 500;

impl NotificationService {
    /// Sends what is due, until `stop`. Every process does this: a reminder is locked by the one that judges it.
    pub(super) async fn remind(self, stop: CancellationToken) {
        let mut trouble = Trouble::new("reminders cannot be read; trying again");
        while !stopped_within(&stop, POLL).await {
            _ = trouble.note(self.remind_all().await);
        }
    }

    pub(super) async fn remind_all(&self) -> Result<(), DbError> {
        loop {
            let judged = retrying(|| self.remind_some()).await?;
            if judged < AT_ONCE {
                return Ok(());
            }
        }
    }

    /// Judges the next reminders that are due: sends, moves or drops each. Returns their number.
    async fn remind_some(&self) -> Result<usize, DbError> {
        let now = self.now();
        let mut tx = self.db.begin().await?;
        let due =
            repository::reminders::lock_due(&mut tx, self.terms.reminder_hours, now, AT_ONCE.cast_signed() as i64)
                .await?;
        if due.is_empty() {
            commit(tx).await?;
            return Ok(0);
        }
        let mut settled = Vec::with_capacity(due.len());
        let mut sent: Vec<(Cause, &Reminder)> = Vec::new();
        for one in &due {
            let outcome = match (one.is_on, one.flight_id, one.cutoff_at, one.due_at) {
                (false, ..) => ("DROPPED", None),
                (true, _, _, Some(due_at)) if due_at > now => ("WAITING", Some(due_at)),
                (true, _, Some(cutoff), _) if cutoff <= now => ("DROPPED", None),
                (true, Some(flight), Some(_), _) => {
                    let cause = Cause {
                        message_id: format!("reminder-{}", one.booking_id),
                        aggregate: BOOKING,
                        id: one.booking_id,
                        sequence: 1,
                        kind: NotificationType::CutoffReminder,
                        flight: Some(flight),
                        at: now,
                        data: json!({}),
                    };
                    sent.push((cause, one));
                    ("SENT", None)
                }
                // It has no flight for now.
                (true, ..) => ("WAITING", None),
            };
            settled.push((one.booking_id, outcome.0, outcome.1));
        }
        let causes: Vec<Cause> = sent.iter().map(|(cause, _)| cause.clone()).collect();
        let mut told = repository::receivers::users(&mut tx, &causes).await?;
        let numbered: Vec<(i64, &Cause)> = (1..).zip(&causes).collect();
        told.extend(repository::receivers::contacts(&mut tx, &numbered).await?);
        let rows: Vec<NewNotification> = told.iter().filter_map(|told| self.reminder(&sent, told)).collect();
        if !rows.is_empty() {
            post::enqueue_in_tx(&mut tx, &rows).await?;
        }
        repository::reminders::settle(&mut tx, &settled, now).await?;
        commit(tx).await?;
        Ok(due.len())
    }

    /// Returns what is written for one receiver: good until the cut-off.
    fn reminder(&self, sent: &[(Cause, &Reminder)], told: &Told) -> Option<NewNotification> {
        let (cause, due) = sent.get(usize::try_from(told.n).ok()?.checked_sub(1)?)?;
        let (flight, cutoff) = (due.flight_id?, due.cutoff_at?);
        let now = self.now();
        let receiver = match (told.user_id, told.contact_point_id) {
            (Some(user), _) => Receiver::User(user.into()),
            (None, contact) => Receiver::Contact(contact?.into()),
        };
        Some(NewNotification {
            id: self.ids.next(now),
            message_id: cause.message_id.clone(),
            receiver,
            organization_id: told.organization_id.map(Into::into),
            channel: Channel::from_name(&told.channel)?,
            kind: cause.kind.as_str(),
            booking_id: told.booking_id.map(Into::into),
            ref_id: due.ref_id.clone(),
            subject_id: Some(flight),
            data: cause.data.clone(),
            bundle: Some(bundle_of(flight, cause.kind)),
            is_urgent: cause.kind.is_urgent(),
            due_at: now + self.terms.collect.min(TOGETHER).min(cutoff - now),
            expires_at: cutoff,
            created_at: now,
        })
    }
}
