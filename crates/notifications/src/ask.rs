//! Asks addresses, once, whether they may be written to.
use std::collections::HashSet;

use chrono::TimeDelta;
use loadmaster_platform::postgres::{DbError, PgSession};
use serde_json::json;
use uuid::Uuid;

use super::{
    model::{CONTACT_QUESTION, LAST_MOMENT},
    post::{self, Channel, NewNotification, Receiver},
    repository::consents::{self, Named},
    service::NotificationService,
};

/// For this long an address is not asked again for the same organization.
pub(super) const ASKED_AGAIN_AFTER: TimeDelta = TimeDelta::days(30);
/// Questions to one address in that time, for all organizations together.
const MOST_TO_ADDRESS: i64 = 3;
/// Questions for one organization in a day.
const MOST_OF_ORGANIZATION: i64 = 50;

impl NotificationService {
    /// Asks those of these addresses that are new, within the bounds on questions. An address that was asked, or does not
    /// want to be, gets nothing.
    pub(super) async fn ask_in_tx(&self, tx: &mut PgSession, mut named: Vec<Named>) -> Result<(), DbError> {
        let mut seen = HashSet::new();
        named.retain(|one| seen.insert((one.organization_id, one.kind.clone(), one.address.clone())));
        if named.is_empty() {
            return Ok(());
        }
        let now = self.now();
        let hashes: Vec<Vec<u8>> = named.iter().map(|one| self.post.address_hash(&one.kind, &one.address)).collect();
        let new: Vec<Uuid> = named.iter().map(|_| self.ids.next(now)).collect();
        let points = consents::enter(tx, &named, &hashes, &new, now).await?;
        let mut questions = Vec::new();
        for ((one, hash), point) in named.iter().zip(&hashes).zip(points) {
            let key = (point, hash.as_slice(), one.organization_id);
            let asked = consents::asked(tx, key, now - ASKED_AGAIN_AFTER, now - TimeDelta::days(1)).await?;
            let has_answered = asked.status.as_deref().is_some_and(|status| status != "ASKED");
            let is_bounded = asked.of_pair > 0
                || asked.of_address >= MOST_TO_ADDRESS
                || asked.of_organization >= MOST_OF_ORGANIZATION;
            let digests = self.post.address_hashes(&one.kind, &one.address);
            if has_answered || is_bounded || self.post.is_suppressed_in_tx(tx, &digests).await? {
                continue;
            }
            consents::record_question(tx, self.ids.next(now), key, one.language.as_deref(), now).await?;
            questions.push(NewNotification {
                id: self.ids.next(now),
                message_id: format!("question-{}-{}", one.organization_id, now.timestamp_micros()),
                receiver: Receiver::Contact(point.into()),
                organization_id: Some(one.organization_id.into()),
                channel: if one.kind == "email" { Channel::Email } else { Channel::Sms },
                kind: CONTACT_QUESTION,
                booking_id: one.booking_id.map(Into::into),
                ref_id: one.ref_id.clone(),
                subject_id: None,
                data: json!({}),
                bundle: None,
                is_urgent: true,
                due_at: now,
                expires_at: now + LAST_MOMENT,
                created_at: now,
            });
        }
        if questions.is_empty() { Ok(()) } else { post::enqueue_in_tx(tx, &questions).await }
    }
}
