use loadmaster_holds as holds;
use loadmaster_kernel::Fault;
use loadmaster_platform::web::{Raw, read, request};
use secrecy::SecretString;

/// Reads the `token` of a claim.
fn read_claim_token(raw: Raw<'_>) -> Result<SecretString, Fault> {
    read::line(read::LINE)(raw).map(SecretString::from)
}

request! {
    /// The claim of a guest's booking.
    pub struct ClaimRequest in body {
        /// The `token` of the claim.
        #[schema(value_type = String, min_length = 1, max_length = 500)]
        claim_token: SecretString = read_claim_token,
    }
}

request! {
    /// The cancellation of a guest's booking.
    pub struct CancelGuestBooking in body {
        /// The `token` of the claim.
        #[schema(value_type = String, min_length = 1, max_length = 500)]
        claim_token: SecretString = read_claim_token,
        /// Why, in your own words.
        #[schema(max_length = 500)]
        reason: Option<String> = read::prose(read::LINE),
    }
}

request! {
    /// The payment of a guest's booking.
    pub struct PayGuestBooking in body {
        /// The `token` of the claim.
        #[schema(value_type = String, min_length = 1, max_length = 500)]
        claim_token: SecretString = read_claim_token,
        /// What the payment provider gives to the payer's browser in place of a card number: at most 255 visible ASCII characters.
        /// It is passed on, never stored. At the provider `test`, `tok_ok` pays and `tok_declined` does not.
        #[schema(value_type = String, min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
        payment_token: SecretString = holds::read_payment_token,
    }
}
