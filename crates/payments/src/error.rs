use loadmaster_kernel::{Currency, Fault, FaultCode, Money, OrganizationId};
use loadmaster_platform::{
    idempotency::Repetition,
    postgres::{DbError, Transient},
    web::{InputFault, Problem, problem_codes, version_mismatch},
};
use serde_json::json;

use super::model::{CreditRefusal, Operation};

problem_codes! {
    INVALID_SIGNATURE: UNAUTHORIZED, "invalid_signature", "The webhook is not signed as it should be",
        "Sign `webhook-id`, `webhook-timestamp` and the body with a configured secret, within five minutes.";
    PAYMENT_DECLINED: PAYMENT_REQUIRED, "payment_declined", "The payment provider declined the payment",
        "Pay with another token; `decline_code` has the provider's reason.";
    PAYMENT_IN_PROGRESS: CONFLICT, "payment_in_progress", "A payment is in progress",
        "Read the hold or the booking's payments until it is decided; the same `Idempotency-Key` joins it.";
    PAYMENT_NOT_POSSIBLE: CONFLICT, "payment_not_possible", "The payment cannot be made or changed so",
        "`reason` names the obstacle.";
    REFUND_EXCEEDS_PAID: CONFLICT, "refund_exceeds_paid", "More is to be refunded than is left of what was paid",
        "Refund at most `available`.";
    CREDIT_EXCEEDED: CONFLICT, "credit_exceeded", "The organization's credit does not suffice",
        "Pay with a token, or ask the carrier for a higher limit; `available` is left.";
}

#[derive(Debug, thiserror::Error)]
pub enum PaymentError {
    #[error("no such payment, or not the caller's")]
    Unknown,
    #[error("no such provider, or it is not in use")]
    UnknownProvider,
    #[error("organization {0} does not exist, or is not the caller's")]
    UnknownOrganization(OrganizationId),
    #[error("organization {0} has no credit account")]
    NoCredit(OrganizationId),
    #[error("the signature is not valid")]
    InvalidSignature,
    /// A webhook whose body is not JSON.
    #[error("the body is not JSON")]
    Malformed,
    /// A member names another currency than the account's.
    #[error("the account is in {currency}")]
    OtherCurrency { member: &'static str, currency: Currency },
    /// More was paid than is used.
    #[error("only {used} is used")]
    ExceedsUsed { used: Money },
    /// The payment waits for no confirmation.
    #[error("nothing is to be confirmed")]
    NothingToConfirm,
    #[error("the account is at version {0}")]
    VersionMismatch(i32),
    /// Another transaction was first; the next attempt finds its result.
    #[error("another transaction was first")]
    Raced,
    #[error(transparent)]
    Repeated(#[from] Repetition),
    #[error(transparent)]
    Database(#[from] DbError),
}

impl From<sqlx::Error> for PaymentError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error.into())
    }
}

impl Transient for PaymentError {
    fn is_transient(&self) -> bool {
        match self {
            Self::Raced => true,
            Self::Repeated(Repetition::Database(cause)) | Self::Database(cause) => cause.is_transient(),
            _ => false,
        }
    }
}

impl From<PaymentError> for Problem {
    fn from(error: PaymentError) -> Self {
        match error {
            PaymentError::Unknown => Self::new(code::NOT_FOUND, "There is no such payment, or it is not yours."),
            PaymentError::UnknownProvider => Self::new(code::NOT_FOUND, "This payment provider is not in use."),
            PaymentError::UnknownOrganization(id) => {
                Self::new(code::NOT_FOUND, format!("There is no organization {id}, or it is not yours."))
            }
            PaymentError::NoCredit(id) => Self::new(code::NOT_FOUND, no_account(id)),
            PaymentError::InvalidSignature => {
                Self::new(code::INVALID_SIGNATURE, "The webhook's signature is missing, wrong or older than 5 minutes.")
            }
            PaymentError::Malformed => Self::new(code::MALFORMED_REQUEST, "The body is not well-formed JSON."),
            PaymentError::OtherCurrency { member, currency } => {
                let fault =
                    Fault::new(FaultCode::UnknownValue, format!("must be {currency}, the currency of the account"));
                Self::validation(&InputFault::members(&[(member, fault)]))
            }
            PaymentError::ExceedsUsed { used } => {
                let text = format!("The organization owes {used}, which is less than the amount.");
                Self::new(code::PAYMENT_NOT_POSSIBLE, text).with("reason", "exceeds_used").with("used", used)
            }
            PaymentError::NothingToConfirm => {
                Self::new(code::INVALID_TRANSITION, "The payment does not wait for a confirmation.")
                    .with("allowed", [""; 0])
            }
            PaymentError::VersionMismatch(current) => version_mismatch(current),
            PaymentError::Raced => Self::unavailable("The account is being changed; try again shortly."),
            PaymentError::Repeated(repetition) => repetition.into(),
            PaymentError::Database(cause) => cause.into(),
        }
    }
}

fn no_account(organization: OrganizationId) -> String {
    format!("Organization {organization} has no credit account.")
}

impl From<CreditRefusal> for Problem {
    fn from(refusal: CreditRefusal) -> Self {
        match refusal {
            CreditRefusal::NoAccount(id) => {
                Self::new(code::PAYMENT_NOT_POSSIBLE, no_account(id)).with("reason", "no_credit")
            }
            CreditRefusal::OtherCurrency(currency) => {
                let text = format!("The organization's credit is in {currency}.");
                Self::new(code::PAYMENT_NOT_POSSIBLE, text).with("reason", "other_currency")
            }
            CreditRefusal::Exceeded { available } => {
                let text = format!("Only {available} of the organization's credit is left.");
                Self::new(code::CREDIT_EXCEEDED, text).with("available", available)
            }
        }
    }
}

/// Returns the problem of a payment that waits for another one.
pub fn payment_in_progress() -> Problem {
    Problem::new(code::PAYMENT_IN_PROGRESS, "A payment is in progress; read it until it is decided.").retry_after(1)
}

/// Returns the problem of a payment that cannot be made or changed, for this reason.
pub fn payment_not_possible(reason: &'static str) -> Problem {
    let text = match reason {
        "nothing_due" => "Nothing is due for this booking.",
        "nothing_paid" => "Nothing was paid for this booking.",
        "no_provider" => "This carrier takes no payments by token.",
        "not_booked" => "The booking could not be made; nothing is charged. Try again.",
        "not_authorized" => "The payment is not authorized, or is captured or voided already.",
        "voided" => "The payment was voided; nothing is charged.",
        "no_booking" => "The payment has no booking yet.",
        "no_reference" => "The provider does not name the payment now. Resolve it once it does, or as not done.",
        "not_open" => "The payment is captured, failed or voided, or the provider does not know it yet.",
        "not_due" => "The outcome is decided, or the provider is still asked for it.",
        "several_unresolved" => "The outcomes of several operations are unknown; name one by `operation_id`.",
        _ => "The payment is not possible.",
    };
    Problem::new(code::PAYMENT_NOT_POSSIBLE, text).with("reason", reason)
}

/// Returns the problem of a decision that names none of the operations whose outcomes nobody knows.
pub fn operations_unresolved(operations: &[Operation]) -> Problem {
    let named = operations.iter().map(|one| {
        json!({"operation_id": one.id, "kind": one.kind, "amount": one.amount, "note": one.note, "created_at": one.created_at})
    });
    payment_not_possible("several_unresolved").with("operations", named.collect::<Vec<_>>())
}
