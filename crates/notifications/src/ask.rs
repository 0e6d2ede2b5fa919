//! Asks addresses, once, whether they may be written to.
use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_platform::postgres::{DbError, PgSession};
use uuid::Uuid;

use super::{
    model::{CONTACT_QUESTION, LAST_MOMENT},
    post::{Channel, NewNotification, Receiver},
    repository::consents::{self, AskingHistory, Named},
    service::NotificationService,
};

/// For this long an address is not asked again for the same organization.
pub(super) const ASKED_AGAIN_AFTER: TimeDelta = TimeDelta::days(30);
/// Questions to one address in that time, for all organizations together.
pub(super) const MOST_TO_ADDRESS: i64 = 3;
/// Questions for one organization in a day.
pub(super) const MOST_OF_ORGANIZATION: i64 = 50;
/// Those of them that go by text message: each costs the carrier money, and rings somebody's telephone.
const MOST_TEXTS_OF_ORGANIZATION: i64 = 20;

/// Reasons for which a question is not sent by text message.
const UNVERIFIED_ACCOUNT: &str = "unverified_account";
const TEXTS_USED_UP: &str = "texts_used_up";

/// What becomes of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decision {
    Ask,
    /// It was asked, or may not be.
    Skip,
    /// It may be asked, but not by text message: for this reason.
    Withhold(&'static str),
}

/// The questions of one call.
#[derive(Default)]
struct Questions {
    asked: Vec<NewNotification>,
    withheld: Vec<(&'static str, NewNotification)>,
}

impl NotificationService {
    /// Asks those of these addresses that are new, within the bounds on questions. An address that was asked, or does not
    /// want to be, gets nothing. A question that may not go by text message is listed as suppressed.
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
        let verified = verified_in_tx(tx, &named).await?;
        let mut questions = Questions::default();
        for ((one, hash), point) in named.iter().zip(&hashes).zip(points) {
            let key = (point, hash.as_slice(), one.organization_id);
            let asked = consents::asked(tx, key, now - ASKED_AGAIN_AFTER, now - TimeDelta::days(1)).await?;
            let decision = decide(one, &asked, verified.contains(&one.organization_id));
            let digests = self.post.address_hashes(&one.kind, &one.address);
            if decision == Decision::Skip || self.post.is_suppressed_in_tx(tx, &digests).await? {
                continue;
            }
            if let Decision::Withhold(reason) = decision {
                questions.withheld.push((reason, self.question_to(one, point, &now.date_naive(), now)));
                continue;
            }
            let how = (one.language.as_deref(), one.is_phone());
            consents::record_question(tx, self.ids.next(now), key, how, now).await?;
            questions.asked.push(self.question_to(one, point, &now.timestamp_micros(), now));
        }
        self.enqueue_questions_in_tx(tx, &questions).await
    }

    async fn enqueue_questions_in_tx(&self, tx: &mut PgSession, questions: &Questions) -> Result<(), DbError> {
        if !questions.asked.is_empty() {
            self.post.enqueue_in_tx(tx, &questions.asked).await?;
        }
        for reason in [UNVERIFIED_ACCOUNT, TEXTS_USED_UP] {
            let withheld = questions.withheld.iter().filter(|(of, _)| *of == reason);
            let withheld: Vec<NewNotification> = withheld.map(|(_, question)| question.clone()).collect();
            if !withheld.is_empty() {
                tracing::info!(
                    reason,
                    questions = withheld.len(),
                    "questions to contacts are not sent by text message"
                );
                self.post.enqueue_suppressed_in_tx(tx, &withheld, reason).await?;
            }
        }
        Ok(())
    }

    /// The notification that asks an address; `of` distinguishes it from another one that asks the same.
    fn question_to(&self, one: &Named, point: Uuid, of: &dyn std::fmt::Display, now: DateTime<Utc>) -> NewNotification {
        let receiver = Receiver::Contact(point.into());
        NewNotification {
            message_id: format!("question-{}-{of}", one.organization_id),
            organization_id: Some(one.organization_id.into()),
            channel: if one.is_phone() { Channel::Sms } else { Channel::Email },
            booking_id: one.booking_id.map(Into::into),
            ref_id: one.ref_id.clone(),
            ..NewNotification::urgent(self.ids.next(now), receiver, CONTACT_QUESTION, (now, now + LAST_MOMENT))
        }
    }
}

/// Decides by what was asked before. `is_verified`: the organization has a verified account.
fn decide(one: &Named, asked: &AskingHistory, is_verified: bool) -> Decision {
    let has_answered = asked.status.as_deref().is_some_and(|status| status != "ASKED");
    let is_bounded =
        asked.of_pair > 0 || asked.of_address >= MOST_TO_ADDRESS || asked.of_organization >= MOST_OF_ORGANIZATION;
    match () {
        () if has_answered || is_bounded => Decision::Skip,
        () if one.is_phone() && !is_verified => Decision::Withhold(UNVERIFIED_ACCOUNT),
        () if one.is_phone() && asked.by_text >= MOST_TEXTS_OF_ORGANIZATION => Decision::Withhold(TEXTS_USED_UP),
        () => Decision::Ask,
    }
}

/// Returns the organizations with a verified account among those that name a telephone number.
async fn verified_in_tx(tx: &mut PgSession, named: &[Named]) -> Result<HashSet<Uuid>, DbError> {
    let phones: HashSet<Uuid> = named.iter().filter(|one| one.is_phone()).map(|one| one.organization_id).collect();
    if phones.is_empty() {
        return Ok(HashSet::new());
    }
    let phones: Vec<Uuid> = phones.into_iter().collect();
    Ok(consents::verified(tx, &phones).await?.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(kind: &str) -> Named {
        let (kind, address) = (kind.to_owned(), "+4969123456".to_owned());
        Named { organization_id: Uuid::nil(), kind, address, language: None, booking_id: None, ref_id: None }
    }

    #[test]
    fn questions_by_text_need_a_verified_account_and_have_a_bound_of_their_own() {
        let asked = |of_organization, by_text| AskingHistory {
            status: None,
            of_pair: 0,
            of_address: 0,
            of_organization,
            by_text,
        };
        let (phone, email) = (named("phone"), named("email"));
        assert_eq!(decide(&phone, &asked(0, 0), false), Decision::Withhold(UNVERIFIED_ACCOUNT));
        assert_eq!(decide(&email, &asked(0, 0), false), Decision::Ask);
        assert_eq!(decide(&phone, &asked(19, 19), true), Decision::Ask);
        assert_eq!(decide(&phone, &asked(20, 20), true), Decision::Withhold(TEXTS_USED_UP));
        assert_eq!(decide(&email, &asked(20, 20), true), Decision::Ask);
        assert_eq!(decide(&phone, &asked(50, 0), true), Decision::Skip);
    }
}
