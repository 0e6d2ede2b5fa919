use chrono::{DateTime, Utc};
use loadmaster_kernel::{BookingRef, NotificationId};
use loadmaster_platform::web::{object, read, request};
use loadmaster_shipment::{BookingContact, ContactRole, ContactTopic, read_language};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::ContactAnswer,
    model::{NotificationChannel, NotificationScope, NotificationStatus, NotificationType, Preferences, masked},
    repository::lists::Listed,
};

/// Whether a type goes by each channel.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Channels {
    /// Whether notifications are sent by e-mail.
    pub email: bool,
    /// Whether notifications are sent by SMS.
    pub sms: bool,
}

/// Declares what is said for each type, once for the answer and once for the request.
macro_rules! by_type {
    ($($name:ident: $kind:ident,)+) => {
        /// Which types go by which channel.
        #[derive(Debug, Serialize, ToSchema)]
        pub struct NotificationTypes {
            $(pub $name: Channels,)+
        }

        impl From<&Preferences> for NotificationTypes {
            fn from(wanted: &Preferences) -> Self {
                let channels = |kind| Channels {
                    email: wanted.is_on(kind, NotificationChannel::Email),
                    sms: wanted.is_on(kind, NotificationChannel::Sms),
                };
                Self { $($name: channels(NotificationType::$kind),)+ }
            }
        }

        request! {
            /// Which types go by which channel; what is left out is as by default.
            #[derive(Default)]
            pub struct WantedTypes in body {
                $($name: Option<WantedChannels> = object(WantedChannels::read),)+
            }
        }

        impl WantedTypes {
            fn switch(&self, wanted: &mut Preferences) {
                $(if let Some(channels) = &self.$name {
                    channels.switch(wanted, NotificationType::$kind);
                })+
            }
        }
    };
}

by_type! {
    booking_confirmed: BookingConfirmed,
    departed: Departed,
    arrived: Arrived,
    delivered: Delivered,
    retimed: Retimed,
    offloaded: Offloaded,
    cancelled: Cancelled,
    hold_expiring: HoldExpiring,
    waitlist_offer: WaitlistOffer,
    payment: Payment,
    price_alert: PriceAlert,
    space_alert: SpaceAlert,
    cutoff_reminder: CutoffReminder,
    webhook_failing: WebhookFailing,
    feed_failing: FeedFailing,
}

request! {
    /// Whether a type goes by each channel; what is left out is as by default.
    pub struct WantedChannels in body {
        /// Whether notifications are sent by e-mail.
        email: Option<bool> = read::boolean,
        /// Whether notifications are sent by SMS.
        sms: Option<bool> = read::boolean,
    }
}

impl WantedChannels {
    fn switch(&self, wanted: &mut Preferences, kind: NotificationType) {
        let each = [(NotificationChannel::Email, self.email), (NotificationChannel::Sms, self.sms)];
        for (channel, on) in each {
            if let Some(on) = on {
                wanted.switch(kind, channel, on);
            }
        }
    }
}

request! {
    /// What you want to be told. What is left out is as by default.
    pub struct SetPreferencesRequest in body {
        /// Language tag of letters and text messages. Default: the account's, else the installation's. The account's own is
        /// the same as none. A language that is chosen for the account later takes its place.
        #[schema(min_length = 1, max_length = 20, pattern = "^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$")]
        language: Option<String> = read_language,
        /// Default: `own`.
        scope: Option<NotificationScope> = read::word(NotificationScope::WORDS),
        types: Option<WantedTypes> = object(WantedTypes::read),
    }
}

impl From<SetPreferencesRequest> for Preferences {
    fn from(request: SetPreferencesRequest) -> Self {
        let SetPreferencesRequest { language, scope, types } = request;
        let mut wanted = Self { language, scope: scope.unwrap_or(NotificationScope::Own), ..Self::default() };
        if let Some(types) = types {
            types.switch(&mut wanted);
        }
        wanted
    }
}

/// What a user is told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NotificationPreferences)]
pub struct PreferencesBody {
    /// Language tag; texts in a language without templates are English.
    pub language: String,
    /// Your own bookings, holds and offers, or all of your organization's.
    pub scope: NotificationScope,
    pub types: NotificationTypes,
}

impl PreferencesBody {
    /// `language`: of the installation.
    pub fn new(wanted: &Preferences, language: &str) -> Self {
        let chosen = wanted.language.as_deref().or(wanted.account_language.as_deref());
        let language = chosen.unwrap_or(language).to_owned();
        Self { language, scope: wanted.scope, types: NotificationTypes::from(wanted) }
    }
}

/// A person who receives notifications about a shipment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = BookingContactShown)]
pub struct ContactBody {
    /// Name of the person.
    pub name: String,
    pub role: ContactRole,
    /// E-mail address.
    #[schema(required = true)]
    pub email: Option<String>,
    /// Phone number with the country code, as people write it: `+44 (0)20 7946 0123` is kept as `+442079460123`,
    /// without what is dialled within the country only.
    #[schema(required = true)]
    pub phone: Option<String>,
    /// Language tag, such as `en`.
    #[schema(required = true)]
    pub language: Option<String>,
    /// What the contact is told at the addresses that have agreed to it.
    pub types: Vec<ContactTopic>,
}

impl From<&BookingContact> for ContactBody {
    fn from(contact: &BookingContact) -> Self {
        Self {
            name: contact.name.clone(),
            role: contact.role,
            email: contact.email.clone(),
            phone: contact.phone.clone(),
            language: contact.language.clone(),
            types: contact.topics().to_vec(),
        }
    }
}

// As many contacts as a booking may have; a list that is a whole body has no other place for that.
#[derive(ToSchema)]
#[schema(max_items = 10)]
#[allow(dead_code, reason = "declares the body")]
pub struct WantedContacts(Vec<BookingContact>);

/// A notification to one receiver on one channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notification)]
pub struct NotificationBody {
    pub id: NotificationId,
    /// One of the types of the preferences, or of the account: `verify_email`, `verify_phone`, `reset_password`,
    /// `contact_question`, `guest_booking`, `consolidation_invitation`.
    #[serde(rename = "type")]
    pub kind: String,
    #[schema(value_type = NotificationChannel)]
    pub channel: String,
    /// The booking that it is about, if it is about one.
    #[schema(required = true)]
    pub ref_id: Option<String>,
    #[schema(value_type = NotificationStatus)]
    pub status: String,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// When it was sent; null until then.
    #[schema(required = true)]
    pub sent_at: Option<DateTime<Utc>>,
    /// Why it was not sent.
    #[schema(required = true)]
    pub reason: Option<String>,
}

/// The same for the carrier's staff.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AddressedNotification)]
pub struct AddressedBody {
    #[serde(flatten)]
    pub notification: NotificationBody,
    /// Where it goes, masked; null once the address is not known any more.
    #[schema(required = true)]
    pub address: Option<String>,
}

impl From<Listed> for NotificationBody {
    fn from(listed: Listed) -> Self {
        let Listed { id, kind, channel, ref_id, status, reason, created_at, sent_at, address: _ } = listed;
        Self { id: id.into(), kind, channel, ref_id, status, created_at, sent_at, reason }
    }
}

impl From<Listed> for AddressedBody {
    fn from(listed: Listed) -> Self {
        let address = listed.address.as_deref().map(masked);
        Self { notification: listed.into(), address }
    }
}

request! {
    /// Which notifications a list shows; filters combine with AND.
    #[derive(Default)]
    pub struct NotificationFilter in query {
        /// Only about this booking.
        ref_id: Option<BookingRef> = read::code,
        /// Only those in this state.
        status: Option<NotificationStatus> = read::word(NotificationStatus::WORDS),
    }
}

request! {
    /// The answer of a contact.
    #[derive(Default)]
    pub struct AnswerRequest in body {
        /// Default: `agree`.
        answer: Option<ContactAnswer> = read::word(ContactAnswer::WORDS),
    }
}
