//! Answers of contacts to the question whether they may be written to.
use loadmaster_kernel::words;
use loadmaster_platform::postgres::{commit, retrying};

use super::{
    ask::ASKED_AGAIN_AFTER,
    error::NotificationError,
    model::masked,
    repository::consents::{self, Consent},
    service::NotificationService,
    tokens::Question,
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
pub(super) struct Asked {
    /// Masked.
    pub address: String,
    /// `None` for a name that is not repeated, as it has something that looks like a link.
    pub organization: Option<String>,
    pub status: String,
}

impl NotificationService {
    pub(super) async fn question(&self, token: &str) -> Result<Asked, NotificationError> {
        let question = self.tokens.read_question(token).ok_or(NotificationError::InvalidToken)?;
        let mut connection = self.db.read().await?;
        let found = consents::find(&mut connection, question.contact_point_id, question.organization_id).await?;
        let consent = self.open(question, found)?;
        let organization = words::named(&consent.organization);
        Ok(Asked { address: masked(&consent.address), organization, status: consent.status })
    }

    /// Returns the language of the contact that a token is about, if both are known.
    pub(super) async fn language_of_question(&self, token: &str) -> Result<Option<String>, NotificationError> {
        let Some(question) = self.tokens.read_question(token) else { return Ok(None) };
        let mut connection = self.db.read().await?;
        let found = consents::find(&mut connection, question.contact_point_id, question.organization_id).await?;
        Ok(found.and_then(|consent| consent.language))
    }

    /// A question that has no answer yet can be answered for a month; an answer can be changed later, but "never" is for
    /// ever.
    fn open(&self, question: Question, found: Option<Consent>) -> Result<Consent, NotificationError> {
        let consent = found.ok_or(NotificationError::InvalidToken)?;
        let is_too_old = consent.status == "ASKED" && question.asked_at + ASKED_AGAIN_AFTER <= self.now();
        if is_too_old { Err(NotificationError::InvalidToken) } else { Ok(consent) }
    }

    /// Records an answer. The same answer may be given again; after "never" no other is possible.
    pub(super) async fn answer(&self, token: &str, answer: ContactAnswer) -> Result<(), NotificationError> {
        let question = self.tokens.read_question(token).ok_or(NotificationError::InvalidToken)?;
        let Question { contact_point_id: contact, organization_id: organization, .. } = question;
        retrying(|| async {
            let now = self.now();
            let mut tx = self.db.begin().await?;
            let consent = self.open(question, consents::find(&mut tx, contact, organization).await?)?;
            match answer {
                ContactAnswer::Agree if consent.status == "DECLINED" => return Err(NotificationError::InvalidToken),
                ContactAnswer::Agree => {
                    consents::answer(&mut tx, contact, Some(organization), "AGREED", now).await?;
                }
                ContactAnswer::Never => {
                    consents::answer(&mut tx, contact, None, "DECLINED", now).await?;
                    self.post.decline_in_tx(&mut tx, &consent.address_hash).await?;
                }
            }
            Ok::<_, NotificationError>(commit(tx).await?)
        })
        .await?;
        tracing::info!(organization_id = %organization, answer = answer.as_str(), "a contact has answered");
        Ok(())
    }
}
