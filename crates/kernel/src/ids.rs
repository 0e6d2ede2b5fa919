use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::fault::Fault;

/// Ids of different things do not mix. All are `UUIDv7`, made by the injected `IdSource`.
macro_rules! id {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, sqlx::Type, ToSchema)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        #[schema(value_type = Uuid)]
        pub struct $name(Uuid);

        impl $name {
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self {
                Self(uuid)
            }
        }

        impl std::str::FromStr for $name {
            type Err = Fault;

            /// Accepts only the canonical form, 36 characters with dashes: one thing has one address.
            fn from_str(text: &str) -> Result<Self, Fault> {
                let canonical = Some(text.trim()).filter(|text| text.len() == 36);
                let uuid = canonical.and_then(|text| Uuid::try_parse(text).ok());
                uuid.map(Self).ok_or_else(|| Fault::format("must be a UUID"))
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

id!(
    /// Id of a flight.
    FlightId,
    /// Id of a booking.
    BookingId,
    /// Id of a leg.
    LegId,
    /// Id of a hold.
    HoldId,
    /// Id of an entry of the waitlist.
    WaitlistEntryId,
    /// Id of an alert on prices or space.
    AlertId,
    /// Id of a feed.
    FeedId,
    /// Id of a run of a feed.
    FeedRunId,
    /// Id of a consolidation.
    ConsolidationId,
    /// Id of a member of a consolidation, or of an invitation to one.
    ConsolidationMemberId,
    /// Id of a part of a consolidation.
    ConsolidationPartId,
    /// Id of an allotment.
    AllotmentId,
    /// Id of an event.
    EventId,
    /// Id of a user.
    UserId,
    /// Id of an organization.
    OrganizationId,
    /// All refresh tokens that descend from one login; `sid` in access tokens.
    TokenFamilyId,
    /// Id of an API key.
    ApiKeyId,
    /// An administrative act.
    ActId,
    /// Id of an embargo.
    EmbargoId,
    /// Id of a tag of stations.
    StationTagId,
    /// Id of a collection of stations.
    StationCollectionId,
    /// Id of a tip about a station.
    StationTipId,
    /// Id of a tariff.
    TariffId,
    /// Id of a surcharge.
    SurchargeId,
    /// Id of a sale.
    SaleId,
    /// Id of a quote.
    QuoteId,
    /// A party in the address book of an organization.
    PartyId,
    /// A template for the bookings of an organization.
    BookingTemplateId,
    /// Id of a payment.
    PaymentId,
    /// One thing that a payment provider is asked for.
    PaymentOperationId,
    /// An address of somebody who need not have an account.
    ContactPointId,
    /// A message to one receiver on one channel.
    NotificationId,
    /// What several notifications are sent in together.
    LetterId,
    OneTimeTokenId,
    /// Id of a webhook.
    WebhookId,
    /// A message for one webhook.
    DeliveryId,
    /// A message, as it is sent to webhooks.
    WebhookMessageId,
);
