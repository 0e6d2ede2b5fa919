use chrono::{DateTime, Utc};
use loadmaster_kernel::LetterId;
use loadmaster_platform::web::{read, request};
use serde::Serialize;
use utoipa::ToSchema;

use super::transport::StoredLetter;

request! {
    /// An e-mail address.
    pub struct SuppressedAddress in body {
        /// E-mail address.
        #[schema(format = Email, max_length = 254, example = "ann@forwarder.example")]
        email: String = read::email,
    }
}

/// A letter in the mailbox, without its text.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeptBody {
    pub id: LetterId,
    /// `email` or `sms`.
    pub channel: String,
    /// The type of the notification, or `digest`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The e-mail address or phone number.
    pub to: String,
    /// `null` for SMS.
    #[schema(required = true)]
    pub subject: Option<String>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

impl From<&StoredLetter> for KeptBody {
    fn from(kept: &StoredLetter) -> Self {
        let StoredLetter { id, channel, kind, to, subject, created_at, .. } = kept.clone();
        Self { id, channel, kind, to, subject, created_at }
    }
}

/// A letter in the mailbox.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeptLetterBody {
    #[serde(flatten)]
    pub head: KeptBody,
    /// The text of the letter, without markup.
    pub text: String,
    /// `null` for SMS.
    #[schema(required = true)]
    pub html: Option<String>,
}

impl From<&StoredLetter> for KeptLetterBody {
    fn from(kept: &StoredLetter) -> Self {
        Self { head: kept.into(), text: kept.text.clone(), html: kept.html.clone() }
    }
}
