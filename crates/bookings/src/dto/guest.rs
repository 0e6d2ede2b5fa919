use chrono::{DateTime, Utc};
use loadmaster_holds as holds;
use loadmaster_payments::PaymentBody;
use loadmaster_platform::web::{read, request};
use secrecy::SecretString;
use serde::Serialize;
use utoipa::ToSchema;

use super::{BookingBody, EventBody};

use crate::billing::Cancellation;

/// A guest's booking, as whoever has its claim sees it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GuestBooking)]
pub struct GuestBookingBody {
    pub booking: BookingBody,
    /// The newest events, oldest first.
    #[schema(max_items = 200)]
    pub timeline: Vec<EventBody>,
    /// Oldest first.
    pub payments: Vec<PaymentBody>,
    pub cancellation: Cancellation,
    /// From then on the claim opens nothing.
    pub claim_expires_at: DateTime<Utc>,
}

request! {
    /// The cancellation of a guest's booking.
    pub struct CancelGuestBooking in body {
        /// The `token` of the claim.
        #[schema(value_type = String, min_length = 1, max_length = 500)]
        claim_token: SecretString = |raw| read::line(read::LINE)(raw).map(SecretString::from),
        #[schema(max_length = 500)]
        reason: Option<String> = read::prose(read::LINE),
    }
}

request! {
    /// The payment of a guest's booking.
    pub struct PayGuestBooking in body {
        /// The `token` of the claim.
        #[schema(value_type = String, min_length = 1, max_length = 500)]
        claim_token: SecretString = |raw| read::line(read::LINE)(raw).map(SecretString::from),
        #[schema(value_type = String, min_length = 1, max_length = 255)]
        payment_token: SecretString = holds::read_payment_token,
    }
}
