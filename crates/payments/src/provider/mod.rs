//! Payment providers: what each must be able to do. None is called within a transaction.
mod amounts;
mod http;
mod journal;

use futures_util::future::BoxFuture;
use loadmaster_kernel::{Money, PaymentId, PaymentOperationId};
use secrecy::SecretString;

use super::model::{Failure, Outcome};

pub use http::Http;
pub use journal::{Confirmation, Journal};

/// A kind of provider, as its name stands in addresses and tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// A provider's API over HTTP.
    Http,
    /// Keeps a journal in place of charging anybody.
    Test,
}

impl ProviderKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Test => "test",
        }
    }
}

/// One request to a provider.
#[derive(Debug, Clone)]
pub struct Call {
    /// The idempotency key.
    pub operation: PaymentOperationId,
    pub payment: PaymentId,
    pub amount: Money,
    /// Minor units of the refunds that were promised before it; 0 unless it is a refund.
    pub refunded_before: i64,
    /// The provider's name of the payment, once it is known.
    pub reference: Option<String>,
    /// The provider's name of the refund, once it is known.
    pub refund: Option<String>,
    /// Whether it may have been sent before.
    pub is_repeated: bool,
}

/// A payment as its provider has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderPayment {
    pub reference: String,
    pub state: FoundState,
    pub amount: Money,
    pub captured: i64,
    /// `None`: the provider did not say.
    pub refunded: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundState {
    RequiresAction(Option<String>),
    Pending,
    Authorized,
    Captured,
    Voided,
    Failed(Failure),
}

impl ProviderPayment {
    /// Returns what it says about the authorization.
    pub fn authorization(self) -> Outcome {
        let Self { reference, state, .. } = self;
        match state {
            FoundState::RequiresAction(url) => Outcome::RequiresAction { reference, url },
            FoundState::Pending => Outcome::Pending { reference },
            FoundState::Authorized | FoundState::Captured => Outcome::Succeeded { reference: Some(reference) },
            FoundState::Voided => Outcome::Voided { reference },
            FoundState::Failed(failure) => Outcome::Declined { failure, reference: Some(reference) },
        }
    }
}

/// Why a provider's state is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Silence(pub String);

/// A payment provider. Each request carries the id of its operation as the idempotency key: repeated, it has one effect.
pub trait Provider: Send + Sync {
    fn kind(&self) -> ProviderKind;

    /// Returns the amount that is charged for this one: providers do not take each amount of each currency.
    fn chargeable(&self, amount: Money) -> Money {
        amount
    }

    /// Asks for the amount to be kept for the carrier. Without the token, which only the first process had, it finds out
    /// what became of an earlier request.
    fn authorize<'a>(&'a self, call: &'a Call, token: Option<&'a SecretString>) -> BoxFuture<'a, Outcome>;

    /// Takes the amount, of what is authorized; the rest is given up.
    fn capture<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome>;

    /// Gives the amount back, of what was captured.
    fn refund<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome>;

    /// Gives up the authorization.
    fn void<'a>(&'a self, call: &'a Call) -> BoxFuture<'a, Outcome>;

    /// Looks for the payment of an authorization of which no reference is known; `None` if there is none, or none yet.
    fn search(&self, operation: PaymentOperationId) -> BoxFuture<'_, Result<Option<ProviderPayment>, Silence>>;

    /// Looks a payment up; `None` if there is none.
    fn find<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<Option<ProviderPayment>, Silence>>;
}
