//! Answers of contacts to the question whether they may be written to.
use loadmaster_kernel::words;
use loadmaster_platform::postgres::{commit, retrying};

use super::{
    ask::ASKED_AGAIN_AFTER,
    error::NotificationError,
    model::masked,
    repository::consents::{self, Consent},
    service::NotificationService,
    tokens::{Followed, Question},
    words,
};

words! {
    /// What a contact answers.
    pub enum ContactAnswer {
        Agree = "agree",
        /// No organization may write to this address, and none may ask again.
        Never = "never",
    }
}

/// A question, as a page shows it.
pub(super) struct ConsentQuestion {
    /// Masked.
    pub address: String,
    /// `None` for a name that is not repeated, as it has something that looks like a link.
    pub organization: Option<String>,
    pub status: String,
}

impl NotificationService {
    /// Returns the question of a link, while it can be answered.
    pub(super) async fn question(&self, token: &str) -> Result<Followed<ConsentQuestion>, NotificationError> {
        let Some(question) = self.tokens.read_question(token) else { return Ok(Followed::UNKNOWN) };
        let mut connection = self.db.read().await?;
        let found = consents::find(&mut connection, question.contact_point_id, question.organization_id).await?;
        let Some(consent) = found else { return Ok(Followed::UNKNOWN) };
        if !self.is_open(question, &consent) {
            return Ok(Followed { language: consent.language, done: None });
        }
        let organization = words::named(&consent.organization);
        let asked = ConsentQuestion { address: masked(&consent.address), organization, status: consent.status };
        Ok(Followed { language: consent.language, done: Some(asked) })
    }

    /// A question that has no answer yet can be answered for a month; an answer can be changed later, but "never" is for
    /// ever.
    fn is_open(&self, question: Question, consent: &Consent) -> bool {
        consent.status != "ASKED" || self.now() < question.asked_at + ASKED_AGAIN_AFTER
    }

    /// Records an answer. The same answer may be given again; after "never" no other is possible.
    pub(super) async fn answer(
        &self,
        token: &str,
        answer: ContactAnswer,
    ) -> Result<Followed<ContactAnswer>, NotificationError> {
        let Some(question) = self.tokens.read_question(token) else { return Ok(Followed::UNKNOWN) };
        let followed = retrying(|| self.answer_once(question, answer)).await?;
        if followed.done.is_some() {
            let organization = question.organization_id;
            tracing::info!(organization_id = %organization, answer = answer.as_str(), "a contact has answered");
        }
        Ok(followed)
    }

    async fn answer_once(
        &self,
        question: Question,
        answer: ContactAnswer,
    ) -> Result<Followed<ContactAnswer>, NotificationError> {
        let Question { contact_point_id: contact, organization_id: organization, .. } = question;
        let now = self.now();
        let mut tx = self.db.begin().await?;
        let found = consents::find(&mut tx, contact, organization).await?;
        let Some(consent) = found else { return Ok(Followed::UNKNOWN) };
        let is_final = consent.status == "DECLINED" && matches!(answer, ContactAnswer::Agree);
        if is_final || !self.is_open(question, &consent) {
            return Ok(Followed { language: consent.language, done: None });
        }
        match answer {
            ContactAnswer::Agree => {
                consents::answer(&mut tx, contact, Some(organization), "AGREED", now).await?;
            }
            ContactAnswer::Never => {
                consents::answer(&mut tx, contact, None, "DECLINED", now).await?;
                self.post.decline_in_tx(&mut tx, &consent.address_hash).await?;
            }
        }
        commit(tx).await?;
        Ok(Followed { language: consent.language, done: Some(answer) })
    }
}
