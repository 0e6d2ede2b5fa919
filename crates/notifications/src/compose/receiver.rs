//! Who reads a letter, and whether that still may be.
use std::collections::HashSet;

use loadmaster_kernel::BookingId;
use loadmaster_platform::postgres::{DbError, PgSession};
use uuid::Uuid;

use crate::{
    model::{NotificationChannel, NotificationType, Preferences},
    post::{Address, Channel, Letter, NotificationRow, Receiver},
    repository::facts,
};

/// The receiver of a letter.
pub(super) struct LetterReceiver {
    pub to: Address,
    pub language: Option<String>,
    wants: Wants,
}

/// What a receiver wants to be notified of.
enum Wants {
    User {
        preferences: Preferences,
        channel: NotificationChannel,
        /// The only organization of which it may be notified; `None` for the carrier's staff.
        member_of: Option<Uuid>,
    },
    Contact {
        agreed: HashSet<Uuid>,
        refused: Vec<String>,
        named_by: HashSet<Uuid>,
    },
}

impl LetterReceiver {
    /// Returns the receiver, or why nothing may be sent.
    pub async fn find(snapshot: &mut PgSession, letter: &Letter) -> Result<Result<Self, &'static str>, DbError> {
        match letter.receiver {
            Receiver::User(id) => Self::user(snapshot, id.uuid(), letter.channel).await,
            Receiver::Contact(id) => Self::contact(snapshot, id.uuid(), letter).await,
        }
    }

    async fn user(snapshot: &mut PgSession, id: Uuid, channel: Channel) -> Result<Result<Self, &'static str>, DbError> {
        let Some(user) = facts::user(snapshot, id).await? else { return Ok(Err("erased")) };
        if user.is_disabled {
            return Ok(Err("disabled"));
        }
        let (address, name, channel) = match channel {
            Channel::Email => (user.email.filter(|_| user.is_email_verified), user.name, NotificationChannel::Email),
            Channel::Sms => (user.phone.filter(|_| user.is_phone_verified), None, NotificationChannel::Sms),
        };
        let Some(text) = address else { return Ok(Err("unverified")) };
        let preferences =
            Preferences { email_changed: user.email_changed, sms_changed: user.sms_changed, ..Preferences::default() };
        let member_of = (!user.is_staff).then_some(user.organization_id);
        let wants = Wants::User { preferences, channel, member_of };
        Ok(Ok(Self { to: Address { text, name }, language: user.language, wants }))
    }

    async fn contact(
        snapshot: &mut PgSession,
        id: Uuid,
        letter: &Letter,
    ) -> Result<Result<Self, &'static str>, DbError> {
        let bookings: Vec<Uuid> = letter.rows.iter().filter_map(|row| row.booking_id).map(BookingId::uuid).collect();
        let Some(contact) = facts::contact(snapshot, id, &bookings).await? else { return Ok(Err("erased")) };
        let wants = Wants::Contact {
            agreed: contact.agreed.into_iter().collect(),
            refused: contact.refused,
            named_by: contact.named_by.into_iter().collect(),
        };
        Ok(Ok(Self { to: Address::of(contact.address), language: contact.language, wants }))
    }

    /// Returns why the receiver is not to be notified of this, if it is not.
    pub fn refuses(&self, row: &NotificationRow, kind: NotificationType) -> Option<&'static str> {
        match &self.wants {
            Wants::User { preferences, channel, member_of } => {
                let is_foreign = |of: Uuid| member_of.is_some_and(|own| own != of);
                match () {
                    () if row.organization_id.is_some_and(|id| is_foreign(id.uuid())) => Some("not_a_member"),
                    () if !preferences.is_on(kind, *channel) => Some("unsubscribed"),
                    () => None,
                }
            }
            Wants::Contact { agreed, refused, named_by } => {
                let is_agreed = row.organization_id.is_some_and(|id| agreed.contains(&id.uuid()));
                let is_named = row.booking_id.is_some_and(|id| named_by.contains(&id.uuid()));
                match () {
                    () if !is_agreed => Some("no_consent"),
                    () if refused.iter().any(|word| word == kind.as_str()) => Some("unsubscribed"),
                    () if !is_named => Some("not_a_contact"),
                    () => None,
                }
            }
        }
    }
}
