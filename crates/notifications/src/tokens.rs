//! The tokens in links of e-mails: what they are about, sealed under a key of the server. Nothing is stored for them, and
//! each is the same whenever it is made.
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use loadmaster_platform::{seal::SealKey, secrets::ServerSecrets};
use uuid::Uuid;

use super::{model::NotificationType, post::Receiver};

const CONFIRM: &str = "notifications.confirm";
const UNSUBSCRIBE: &str = "notifications.unsubscribe";

/// Makes and reads the tokens.
#[derive(Debug, Clone)]
pub struct Tokens(SealKey);

/// A question to an address, whether it may be written to for an organization.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    pub contact_point_id: Uuid,
    pub organization_id: Uuid,
    pub asked_at: DateTime<Utc>,
}

/// The types of a letter, which its receiver may switch off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    pub receiver: Receiver,
    pub kinds: Vec<NotificationType>,
}

/// What following a link came to, in the language of its receiver, if both are known.
#[derive(Debug)]
pub struct Followed<T> {
    pub language: Option<String>,
    /// `None`: the link is not valid.
    pub done: Option<T>,
}

impl<T> Followed<T> {
    /// A link that was not made here, or whose receiver is gone.
    pub const UNKNOWN: Self = Self { language: None, done: None };
}

impl Tokens {
    pub fn new(secrets: &ServerSecrets) -> Self {
        Self(SealKey::new(&secrets.reference_key))
    }

    fn seal(&self, scope: &str, payload: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode(self.0.seal(scope, payload))
    }

    fn open(&self, scope: &str, token: &str) -> Option<Vec<u8>> {
        let sealed = URL_SAFE_NO_PAD.decode(token).ok()?;
        self.0.open(scope, &sealed).map(<[u8]>::to_vec)
    }

    /// Returns the path of the page that asks a contact.
    pub fn confirm_path(&self, question: Question) -> String {
        let Question { contact_point_id, organization_id, asked_at } = question;
        let asked_at = asked_at.timestamp_micros().to_be_bytes();
        let payload = [contact_point_id.as_bytes().as_slice(), organization_id.as_bytes(), &asked_at].concat();
        format!("/confirm/{}", self.seal(CONFIRM, &payload))
    }

    pub fn read_question(&self, token: &str) -> Option<Question> {
        let payload = self.open(CONFIRM, token)?;
        let (contact, rest) = payload.split_at_checked(16)?;
        let (organization, asked_at) = rest.split_at_checked(16)?;
        Some(Question {
            contact_point_id: Uuid::from_slice(contact).ok()?,
            organization_id: Uuid::from_slice(organization).ok()?,
            asked_at: DateTime::from_timestamp_micros(i64::from_be_bytes(asked_at.try_into().ok()?))?,
        })
    }

    /// Returns the path that switches these types off (RFC 8058).
    pub fn unsubscribe_path(&self, subscription: &Subscription) -> String {
        let words: Vec<&str> = subscription.kinds.iter().map(|kind| kind.as_str()).collect();
        let (whose, id) = match subscription.receiver {
            Receiver::User(id) => (b'u', id.uuid()),
            Receiver::Contact(id) => (b'c', id.uuid()),
        };
        let payload = [&[whose], id.as_bytes().as_slice(), words.join(",").as_bytes()].concat();
        format!("/unsubscribe/{}", self.seal(UNSUBSCRIBE, &payload))
    }

    pub fn read_subscription(&self, token: &str) -> Option<Subscription> {
        let payload = self.open(UNSUBSCRIBE, token)?;
        let (whose, rest) = payload.split_first()?;
        let (id, words) = rest.split_at_checked(16)?;
        let id = Uuid::from_slice(id).ok()?;
        let receiver = if *whose == b'u' { Receiver::User(id.into()) } else { Receiver::Contact(id.into()) };
        let words = std::str::from_utf8(words).ok()?.split(',');
        Some(Subscription { receiver, kinds: words.map(NotificationType::of).collect::<Option<_>>()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_read_as_they_were_made_and_only_where_they_belong() {
        let tokens = Tokens(SealKey::new(&[1; 32]));
        let question = Question {
            contact_point_id: Uuid::from_u128(1),
            organization_id: Uuid::from_u128(2),
            asked_at: DateTime::from_timestamp_micros(1_800_000_000_123_456).unwrap(),
        };
        let path = tokens.confirm_path(question);
        let token = path.strip_prefix("/confirm/").unwrap();
        assert_eq!(tokens.read_question(token), Some(question));
        assert_eq!(tokens.read_subscription(token), None);
        assert_eq!(Tokens(SealKey::new(&[2; 32])).read_question(token), None);
        assert_eq!(tokens.read_question(&token[1..]), None);
        for receiver in [Receiver::User(Uuid::from_u128(3).into()), Receiver::Contact(Uuid::from_u128(4).into())] {
            let kinds = vec![NotificationType::Departed, NotificationType::Payment];
            let subscription = Subscription { receiver, kinds };
            let path = tokens.unsubscribe_path(&subscription);
            let token = path.strip_prefix("/unsubscribe/").unwrap();
            assert_eq!(tokens.read_subscription(token), Some(subscription));
            assert_eq!(tokens.read_question(token), None);
        }
    }
}
