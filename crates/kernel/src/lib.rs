//! The common vocabulary: typed ids and the trade's values, which can only be constructed valid. Depends on no HTTP, no
//! rooms, no database but the column encoding of its own values.
mod awb;
mod booking_ref;
mod codes;
mod counted;
mod decimal;
pub mod described;
mod dimensions;
mod email;
mod emission;
mod fault;
mod fit;
mod flight_number;
mod ids;
mod money;
mod phone;
mod quantity;
mod rate;
mod tenths;
mod text;
mod words;

pub use awb::AwbNumber;
pub use booking_ref::{BookingRef, canonical_reference};
pub use codes::{AircraftCode, AirlineCode, AirportCode, CityCode, HandlingCode};
pub use counted::Counted;
pub use decimal::whole_number;
pub use dimensions::{DimensionLine, Dimensions, KeptDimensions};
pub use email::{email_key, email_keys, with_ascii_domain};
pub use emission::{Co2e, EmissionFactor};
pub use fault::{Fault, FaultCode, fault_of_end};
pub use fit::{Centimetres, Deck, Misfit, Opening, Piece};
pub use flight_number::FlightNumber;
pub use ids::{
    ActId, AlertId, AllotmentId, ApiKeyId, BookingId, BookingTemplateId, ConsolidationId, ConsolidationMemberId,
    ConsolidationPartId, ContactPointId, DeliveryId, EmbargoId, EventId, FeedId, FeedRunId, FlightId, HoldId, LegId,
    LetterId, NotificationId, OneTimeTokenId, OrganizationId, PartyId, PaymentId, PaymentOperationId, QuoteId, SaleId,
    StationCollectionId, StationTagId, StationTipId, SurchargeId, TariffId, TokenFamilyId, UserId, WaitlistEntryId,
    WebhookId, WebhookMessageId,
};
pub use money::{Currency, Money};
pub use phone::phone_number;
pub use quantity::{Pieces, Positions, Volume, Weight, short_number};
pub use rate::Rate;
pub use tenths::Tenths;
pub use words::from_column;
