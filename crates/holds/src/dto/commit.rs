use std::borrow::Cow;

use loadmaster_kernel::{Fault, Money};
use loadmaster_payments::PaymentMethod;
use loadmaster_platform::web::{Fields, object, read, request, with};
use loadmaster_reference::Reference;
use secrecy::SecretString;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{AllOfBuilder, RefOr, Schema},
};

use super::AmendHold;
pub use loadmaster_payments::read_token as read_payment_token;

request! {
    /// How a booking is paid for.
    #[derive(Default)]
    pub struct PaymentTerms in body {
        /// What the payment provider gives to the payer's browser in place of a card number: at most 255 visible ASCII characters.
        /// It is passed on, never stored. At the provider `test`, `tok_ok` pays and `tok_declined` does not.
        #[schema(value_type = Option<String>, min_length = 1, max_length = 255, pattern = "^[!-~]+$")]
        payment_token: Option<SecretString> = read_payment_token,
        /// Only `ACCOUNT`: the credit account of the organization. Not together with `payment_token`.
        #[schema(value_type = Option<String>)]
        payment_method: Option<PaymentMethod> = with(|fields| read_method(fields, payment_token.is_some())),
        /// The total that you expect: with another one nothing is booked.
        expected_total: Option<Money> = object(read::money),
    }
}

impl PaymentTerms {
    /// Returns how it is paid; `None`: later.
    pub fn method(&self) -> Option<PaymentMethod> {
        if self.payment_token.is_some() { Some(PaymentMethod::Token) } else { self.payment_method }
    }

    /// Returns whether it says anything.
    pub fn is_given(&self) -> bool {
        self.method().is_some() || self.expected_total.is_some()
    }
}

/// Reads the other way to pay.
pub fn read_method(fields: &mut Fields<'_>, has_token: bool) -> Option<PaymentMethod> {
    let method = fields.optional("payment_method", read::word(&[("ACCOUNT", PaymentMethod::Account)]))?;
    if has_token {
        fields.fault("payment_method", &Fault::format("cannot be given together with `payment_token`"));
    }
    Some(method)
}

/// The commit of a hold: changes that are made at once, and how the booking is paid for.
#[derive(Debug, Clone, Default)]
pub struct CommitHold {
    pub amendment: AmendHold,
    pub terms: PaymentTerms,
}

impl CommitHold {
    /// `None` after a fault.
    pub fn read(fields: &mut Fields<'_>, reference: &Reference) -> Option<Self> {
        let (amendment, terms) = (AmendHold::read(fields, reference), PaymentTerms::read(fields));
        Some(Self { amendment: amendment?, terms: terms? })
    }
}

impl PartialSchema for CommitHold {
    fn schema() -> RefOr<Schema> {
        let parts = AllOfBuilder::new().item(AmendHold::schema()).item(PaymentTerms::schema());
        parts.description(Some("Changes that are made at once, and how the booking is paid for.")).into()
    }
}

impl ToSchema for CommitHold {
    fn name() -> Cow<'static, str> {
        "CommitHold".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        AmendHold::schemas(schemas);
        PaymentTerms::schemas(schemas);
    }
}
