use loadmaster_holds as holds;
use loadmaster_platform::web::{read, request};
use secrecy::SecretString;

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
