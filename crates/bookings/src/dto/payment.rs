use loadmaster_holds::{self as holds, CommitTerms, PaymentTerms};
use loadmaster_kernel::{Money, PaymentOperationId};
use loadmaster_payments::PaymentMethod;
use loadmaster_platform::web::{
    Condition, Fields,
    condition::{any, given},
    object, read, request, with,
};
use secrecy::SecretString;

request! {
    /// How what is due for a booking is paid: one of the two.
    #[schema(min_properties = 1)]
    pub struct PaymentRequest in body {
        /// What the payment provider gives to the payer's browser in place of a card number: at most 255 visible ASCII characters.
        /// It is passed on, never stored. At the provider `test`, `tok_ok` pays and `tok_declined` does not.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
        payment_token: Option<SecretString> = holds::read_payment_token,
        /// Only `ACCOUNT`: the credit account of the organization.
        #[schema(value_type = Option<String>)]
        payment_method: Option<PaymentMethod> = with(|fields| read_either(fields, payment_token.is_some())),
    }
}

fn read_either(fields: &mut Fields<'_>, has_token: bool) -> Option<PaymentMethod> {
    let method = holds::read_method(fields, has_token);
    if !has_token && fields.is_absent("payment_token") && fields.is_absent("payment_method") {
        fields.missing("payment_token");
    }
    method
}

impl PaymentRequest {
    /// A token, or the account.
    pub const NEEDS: Condition = Condition::of::<Self>(&["payment_token", "payment_method"], || {
        any(&[given("payment_token", "string"), given("payment_method", "string")])
    });

    pub fn terms(self) -> CommitTerms {
        let Self { payment_token, payment_method } = self;
        CommitTerms::new(&PaymentTerms { payment_token, payment_method, expected_total: None })
    }
}

request! {
    /// A refund. All members are optional, and so is the body.
    pub struct RefundRequest in body {
        /// Default: all that is left of what was paid.
        amount: Option<Money> = object(read::money),
        /// Why, in your own words.
        #[schema(max_length = 500)]
        reason: Option<String> = read::prose(read::LINE),
    }
}

request! {
    /// The capture of an authorized payment.
    pub struct CaptureRequest in body {
        /// Default: all that was authorized. The rest is voided.
        amount: Option<Money> = object(read::money),
    }
}

request! {
    /// What became of an operation.
    pub struct ResolveRequest in body {
        /// The operation. Required if the outcomes of several are unknown: the problem without it lists them.
        operation_id: Option<PaymentOperationId> = read::code,
        /// Whether it happened.
        done: bool = read::boolean,
        /// How that is known. For people; no personal data.
        #[schema(max_length = 500)]
        note: String = read::line(read::LINE),
    }
}

/// An object without members.
#[derive(Debug, Clone, Copy, utoipa::ToSchema)]
pub struct NoMembers {}

impl NoMembers {
    #[allow(clippy::unnecessary_wraps, reason = "it is read as others are")]
    pub const fn read(_: &mut Fields<'_>) -> Option<Self> {
        Some(Self {})
    }
}
