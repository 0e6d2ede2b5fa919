use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use loadmaster_kernel::{BookingId, ContactPointId, LetterId, NotificationId, OrganizationId, UserId};
use loadmaster_platform::postgres::{DbError, PgSession};
use serde_json::{Value, json};
use uuid::Uuid;

/// The way by which a notification reaches its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Channel {
    Email,
    Sms,
}

impl Channel {
    pub const ALL: [Self; 2] = [Self::Email, Self::Sms];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == name)
    }
}

/// A user, or somebody without an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Receiver {
    User(UserId),
    Contact(ContactPointId),
}

impl Receiver {
    pub fn user(self) -> Option<UserId> {
        match self {
            Self::User(id) => Some(id),
            Self::Contact(_) => None,
        }
    }

    pub fn contact_point(self) -> Option<ContactPointId> {
        match self {
            Self::User(_) => None,
            Self::Contact(id) => Some(id),
        }
    }
}

impl Receiver {
    /// Reads the column's form.
    pub fn read(text: &str) -> Option<Self> {
        let (kind, id) = text.split_once(':')?;
        let id = Uuid::try_parse(id).ok()?;
        match kind {
            "user" => Some(Self::User(id.into())),
            "contact" => Some(Self::Contact(id.into())),
            _ => None,
        }
    }
}

/// The column's form: `user:<id>` or `contact:<id>`.
impl std::fmt::Display for Receiver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(id) => write!(f, "user:{id}"),
            Self::Contact(id) => write!(f, "contact:{id}"),
        }
    }
}

/// A notification to be sent.
#[derive(Debug, Clone)]
pub struct NewNotification {
    pub id: NotificationId,
    /// The id of the event that causes it, or another stable name of the cause. One cause makes one notification of a type
    /// for each receiver and channel.
    pub message_id: String,
    pub receiver: Receiver,
    pub organization_id: Option<OrganizationId>,
    pub channel: Channel,
    /// The type, by which its composer is found.
    pub kind: &'static str,
    pub booking_id: Option<BookingId>,
    pub ref_id: Option<String>,
    /// What it is about: a flight, a hold, a token.
    pub subject_id: Option<Uuid>,
    /// Facts that the tables no longer hold when it is sent. No personal data.
    pub data: Value,
    /// Waiting notifications of one receiver and channel with the same bundle are sent as one letter, when the first of
    /// them is due.
    pub bundle: Option<String>,
    /// Does not wait for the hourly digest.
    pub is_urgent: bool,
    pub due_at: DateTime<Utc>,
    /// Its last moment: then it is not sent any more.
    pub expires_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
}

impl NewNotification {
    /// An e-mail of its own cause that is due now.
    pub fn urgent(
        id: NotificationId,
        receiver: Receiver,
        kind: &'static str,
        (now, expires_at): (DateTime<Utc>, DateTime<Utc>),
    ) -> Self {
        Self {
            id,
            message_id: id.to_string(),
            receiver,
            organization_id: None,
            channel: Channel::Email,
            kind,
            booking_id: None,
            ref_id: None,
            subject_id: None,
            data: json!({}),
            bundle: None,
            is_urgent: true,
            due_at: now,
            expires_at,
            created_at: now,
        }
    }
}

/// A notification, as its composer sees it.
#[derive(Debug, Clone)]
pub struct NotificationRow {
    pub kind: String,
    pub organization_id: Option<OrganizationId>,
    pub booking_id: Option<BookingId>,
    pub subject_id: Option<Uuid>,
    pub data: Value,
    pub expires_at: DateTime<Utc>,
}

/// Notifications to one receiver that are sent together.
#[derive(Debug, Clone)]
pub struct Letter {
    pub id: LetterId,
    pub channel: Channel,
    /// The type of all its rows; [`Letter::DIGEST`] if they have several.
    pub kind: String,
    /// The language of the installation. A composer that knows the receiver's puts it into the context as `language`.
    pub language: String,
    /// Never empty; in the order of their ids.
    pub rows: Vec<NotificationRow>,
    pub receiver: Receiver,
}

impl Letter {
    /// The kind of a letter about several things. Its composer is registered under this name.
    pub const DIGEST: &'static str = "digest";
}

/// The right of a process to send a letter. It ends when it is recorded how that went, or at `until` by the database's
/// clock; then another process may claim the letter, until another moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    pub letter: LetterId,
    pub until: DateTime<Utc>,
}

/// Where a letter goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// An e-mail address, or a phone number beginning with `+`, by the letter's channel.
    pub text: String,
    /// The receiver's name, for e-mail.
    pub name: Option<String>,
}

impl Address {
    pub fn of(text: impl Into<String>) -> Self {
        Self { text: text.into(), name: None }
    }
}

/// What becomes of a letter.
#[derive(Debug)]
pub enum Composed {
    Text {
        /// The name of the templates, without language and ending.
        template: &'static str,
        /// A map. `language`, if it is there, is the wanted language. The sender adds `public_url`, `language` and
        /// `unsubscribe_url` (an empty text if there is none).
        context: minijinja::Value,
        /// The path on this server that takes the letter's one-click `POST` (RFC 8058).
        unsubscribe: Option<String>,
        to: Address,
    },
    /// It is not sent; the reason is a word such as `unverified`.
    Suppress(&'static str),
}

/// The templates of a composer: file name with its language, such as `en/departed.txt`, and text.
pub type Templates = &'static [(&'static str, &'static str)];

/// Says what a letter says.
pub trait Composer: Send + Sync {
    /// Reads what the letter says from the tables, as they are now.
    fn compose<'a>(
        &'a self,
        snapshot: &'a mut PgSession,
        letter: &'a Letter,
    ) -> BoxFuture<'a, Result<Composed, DbError>>;

    /// The templates that it needs, in every language that ships.
    fn templates(&self) -> Templates {
        &[]
    }

    /// Contexts by template name, with which all templates, overriding ones included, are tried at the start.
    fn samples(&self) -> Vec<(&'static str, minijinja::Value)> {
        Vec::new()
    }
}
