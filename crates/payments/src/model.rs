//! What a payment is, and what it becomes by each answer of its provider. Pure: the caller gives ids and times.
mod credit;
mod journal;
mod list;
mod message;
mod operation;
#[cfg(test)]
mod tests;

use chrono::{DateTime, Utc};
use loadmaster_kernel::{
    BookingId, BookingRef, HoldId, Money, OrganizationId, PaymentId, PaymentOperationId, UserId, words,
};
use serde::{Deserialize, Serialize};

pub use credit::{CreditAccount, CreditAnchor, CreditEntry, CreditKind, CreditRefusal};
pub use journal::{TestOperation, TestPayment};
pub use list::{ListedPayment, PaymentDue};
pub use message::{PaymentEvent, PaymentEventType, message};
pub use operation::{CALL_TIME, Operation, OperationKind, OperationStatus};

/// The aggregate of this room's messages.
pub const PAYMENT: &str = "payment";

/// The provider of payments from credit.
pub const CREDIT: &str = "credit";

words! {
    /// Where a payment is.
    pub enum PaymentStatus {
        /// How each payment begins. The request to its provider is promised with it, so that it is `PROCESSING` at once.
        Created = "CREATED",
        /// The provider is asked, and its answer is not known.
        Processing = "PROCESSING",
        /// The payer has to confirm it, at `action.url`.
        RequiresAction = "REQUIRES_ACTION",
        /// The provider keeps the amount for the carrier.
        Authorized = "AUTHORIZED",
        Captured = "CAPTURED",
        Failed = "FAILED",
        Voided = "VOIDED",
    }
}

words! {
    /// `TOKEN`: by the payment provider; `ACCOUNT`: by the credit of the organization.
    pub enum PaymentMethod {
        /// A token of the provider.
        Token = "TOKEN",
        /// The organization's credit.
        Account = "ACCOUNT",
    }
}

/// Why a payment failed. The message is ours: a provider's own may name the payer or quote the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub code: String,
    pub message: String,
}

impl Failure {
    /// The code of an authorization that was not even sent.
    pub const UNAVAILABLE: &str = "provider_unavailable";
    /// The code of an authorization that a crash left unsent.
    pub const NOT_SENT: &str = "not_sent";
    const LONGEST_CODE: usize = 64;

    /// Takes the provider's code if it is a plain word.
    pub fn declined(code: &str) -> Self {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let is_plain = (1..=Self::LONGEST_CODE).contains(&code.len()) && code.chars().all(is_word);
        let code = if is_plain { code } else { "declined" };
        Self { code: code.to_owned(), message: "The payment provider declined the payment.".to_owned() }
    }

    pub fn unavailable() -> Self {
        let message = "The payment provider could not be reached; nothing was charged.";
        Self { code: Self::UNAVAILABLE.to_owned(), message: message.to_owned() }
    }

    pub fn not_sent() -> Self {
        let message = "The payment was interrupted before it was sent; nothing was charged.";
        Self { code: Self::NOT_SENT.to_owned(), message: message.to_owned() }
    }

    /// Of an authorization whose outcome the provider never reported.
    fn resolved() -> Self {
        let message = "The carrier has found out that the payment was not made.";
        Self { code: "resolved".to_owned(), message: message.to_owned() }
    }

    /// Whether the provider was not asked at all.
    pub fn was_not_sent(&self) -> bool {
        self.code == Self::UNAVAILABLE || self.code == Self::NOT_SENT
    }
}

/// Digest of the `Idempotency-Key`, its scope and the request that made a payment: the same key can join it.
pub type RequestHash = [u8; 32];

/// A payment as the book of record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    pub id: PaymentId,
    pub organization_id: OrganizationId,
    pub created_by: UserId,
    pub method: PaymentMethod,
    pub hold_id: Option<HoldId>,
    pub booking: Option<(BookingId, BookingRef)>,
    /// The provider's name.
    pub provider: String,
    pub provider_reference: Option<String>,
    pub status: PaymentStatus,
    pub amount: Money,
    /// Minor units of the amount's currency.
    pub captured: i64,
    pub refunded: i64,
    /// Where the payer confirms it.
    pub action_url: Option<String>,
    pub failure: Option<Failure>,
    pub request_hash: Option<RequestHash>,
    /// Which attempt to pay for its hold it is, from 1.
    pub attempt: i32,
    /// The number of its operations.
    pub operations: i32,
    /// Counted by `save_in_tx`.
    pub event_sequence: i32,
    /// Counted by `save_in_tx`.
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// A payment to open.
#[derive(Debug, Clone)]
pub struct NewPayment {
    pub id: PaymentId,
    pub organization_id: OrganizationId,
    pub created_by: UserId,
    pub hold_id: Option<HoldId>,
    pub booking: Option<(BookingId, BookingRef)>,
    pub amount: Money,
    pub request_hash: Option<RequestHash>,
    pub attempt: i32,
}

/// What the provider said to a request, or that it said nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Succeeded {
        /// The provider's name of the payment, or of a refund.
        reference: Option<String>,
    },
    Declined {
        failure: Failure,
        reference: Option<String>,
    },
    RequiresAction {
        reference: String,
        url: Option<String>,
    },
    /// The authorization was given up.
    Voided {
        reference: String,
    },
    /// The provider will decide later.
    Pending {
        reference: String,
    },
    /// It may or may not have acted.
    Unknown(String),
    /// Not a byte of the request was sent.
    NotSent,
}

impl Outcome {
    /// Its word in the metrics.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Succeeded { .. } => "succeeded",
            Self::Declined { .. } => "declined",
            Self::RequiresAction { .. } => "requires_action",
            Self::Voided { .. } => "voided",
            Self::Pending { .. } => "pending",
            Self::Unknown(_) => "unknown",
            Self::NotSent => "not_sent",
        }
    }

    pub fn declined(code: &str) -> Self {
        Self::Declined { failure: Failure::declined(code), reference: None }
    }
}

/// What an administrator may ask of a payment, and does not get.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Obstacle {
    /// Its outcome is still being asked for, or is decided.
    NotDue,
}

impl PaymentStatus {
    /// Whether the payment may still be captured; a hold or booking has at most one such payment.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Created | Self::Processing | Self::RequiresAction | Self::Authorized)
    }

    /// Whether the provider has not yet decided on the authorization.
    pub const fn is_undecided(self) -> bool {
        matches!(self, Self::Created | Self::Processing | Self::RequiresAction)
    }
}

impl Payment {
    fn new(new: NewPayment, method: PaymentMethod, provider: &str, now: DateTime<Utc>) -> Self {
        let NewPayment { id, organization_id, created_by, hold_id, booking, amount, request_hash, attempt } = new;
        Self {
            id,
            organization_id,
            created_by,
            method,
            hold_id,
            booking,
            provider: provider.to_owned(),
            provider_reference: None,
            status: PaymentStatus::Created,
            amount,
            captured: 0,
            refunded: 0,
            action_url: None,
            failure: None,
            request_hash,
            attempt,
            operations: 0,
            event_sequence: 1,
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    /// A payment by a token, and the promise to have it authorized.
    pub fn opened(
        new: NewPayment,
        provider: &str,
        operation: PaymentOperationId,
        now: DateTime<Utc>,
    ) -> (Self, Operation) {
        let amount = new.amount.minor();
        let mut payment = Self::new(new, PaymentMethod::Token, provider, now);
        payment.status = PaymentStatus::Processing;
        let authorize = payment.promise(OperationKind::Authorize, amount, operation, now);
        (payment, authorize)
    }

    /// A payment that the caller charges to the organization's credit in the same transaction.
    pub fn charged(new: NewPayment, operation: PaymentOperationId, now: DateTime<Utc>) -> (Self, Operation) {
        let amount = new.amount.minor();
        let mut payment = Self::new(new, PaymentMethod::Account, CREDIT, now);
        let capture = payment.promise(OperationKind::Capture, amount, operation, now);
        payment.record(&capture, &Outcome::Succeeded { reference: None }, now)
    }

    /// Adds an operation, due at once. One that authorizes is left to the process that has the token for a while.
    /// `amount`: minor units; of a `VOID` that of the payment.
    pub fn promise(
        &mut self,
        kind: OperationKind,
        amount: i64,
        id: PaymentOperationId,
        now: DateTime<Utc>,
    ) -> Operation {
        self.operations += 1;
        self.updated_at = now;
        Operation::promised(self.id, self.operations, kind, self.amount.with_minor(amount), id, now)
    }

    pub const fn is_open(&self) -> bool {
        self.status.is_open()
    }

    /// What is left to refund: captured, not refunded, and not promised back. `operations`: all of this payment.
    pub fn refundable(&self, operations: &[Operation]) -> i64 {
        let promised = operations.iter().filter(|operation| operation.kind == OperationKind::Refund);
        let promised: i64 = promised.filter(|one| one.is_undecided()).map(|one| one.amount.minor()).sum();
        (self.captured - self.refunded - promised).max(0)
    }

    /// Whether it can be captured: authorized, and neither captured nor voided already, nor promised to be.
    pub fn is_capturable(&self, operations: &[Operation]) -> bool {
        let ends = |one: &&Operation| matches!(one.kind, OperationKind::Capture | OperationKind::Void);
        let is_ending = operations.iter().filter(ends).any(|one| one.status != OperationStatus::Declined);
        self.status == PaymentStatus::Authorized && !is_ending
    }

    /// Whether it has failed with an authorization that the provider still keeps: the capture was declined.
    pub fn is_left_over(&self, operations: &[Operation]) -> bool {
        let has = |kind, status| operations.iter().any(|one| one.kind == kind && one.status == status);
        self.status == PaymentStatus::Failed
            && self.provider_reference.is_some()
            && has(OperationKind::Authorize, OperationStatus::Succeeded)
            && !operations.iter().any(|one| one.kind == OperationKind::Void)
    }

    /// Whether its authorization can be voided: the provider knows it, and it is not captured or promised to be, nor
    /// voided.
    pub fn is_voidable(&self, operations: &[Operation]) -> bool {
        let ends = |one: &&Operation| matches!(one.kind, OperationKind::Capture | OperationKind::Void);
        let is_ending = operations.iter().filter(ends).any(|one| one.status != OperationStatus::Declined);
        self.is_open() && self.provider_reference.is_some() && !is_ending
    }

    /// Returns payment and operation after the provider's answer. A decided operation stays as it is, and so does the
    /// payment: an answer may be recorded any number of times.
    #[must_use]
    pub fn record(&self, operation: &Operation, outcome: &Outcome, now: DateTime<Utc>) -> (Self, Operation) {
        let mut payment = self.clone();
        if operation.status != OperationStatus::Open {
            return (payment, operation.clone());
        }
        let after = operation.answered(outcome, now);
        payment.updated_at = now;
        match operation.kind {
            OperationKind::Authorize => payment.authorized_by(&after, outcome),
            _ => payment.follow(&after, outcome),
        }
        (payment, after)
    }

    /// The answer to an authorization. One that was voided meanwhile stays so.
    fn authorized_by(&mut self, operation: &Operation, outcome: &Outcome) {
        let reference = match outcome {
            Outcome::Succeeded { reference } | Outcome::Declined { reference, .. } => reference.clone(),
            Outcome::RequiresAction { reference, .. }
            | Outcome::Pending { reference }
            | Outcome::Voided { reference } => Some(reference.clone()),
            Outcome::Unknown(_) | Outcome::NotSent => None,
        };
        self.provider_reference = self.provider_reference.take().or(reference);
        if !self.status.is_undecided() {
            return;
        }
        match (operation.status, outcome) {
            (OperationStatus::Succeeded, _) => {
                (self.status, self.action_url, self.failure) = (PaymentStatus::Authorized, None, None);
            }
            (OperationStatus::Declined, Outcome::Declined { failure, .. }) => self.fail(failure.clone()),
            (OperationStatus::Declined, Outcome::Voided { .. }) => {
                (self.status, self.action_url) = (PaymentStatus::Voided, None);
            }
            (OperationStatus::Declined, _) => self.fail(Failure::unavailable()),
            (_, Outcome::RequiresAction { url, .. }) => {
                (self.status, self.action_url) = (PaymentStatus::RequiresAction, url.clone());
            }
            (_, Outcome::Pending { .. }) => {
                (self.status, self.action_url) = (PaymentStatus::Processing, None);
            }
            // It asks for the payer's confirmation as long as nothing else is known.
            _ if self.status == PaymentStatus::RequiresAction => {}
            _ => self.status = PaymentStatus::Processing,
        }
    }

    /// The answer to an operation after the authorization.
    fn follow(&mut self, operation: &Operation, outcome: &Outcome) {
        let amount = operation.amount.minor();
        match (operation.kind, operation.status) {
            (OperationKind::Capture, OperationStatus::Succeeded) if self.captured == 0 && self.is_open() => {
                self.captured = amount.clamp(0, self.amount.minor());
                (self.status, self.action_url, self.failure) = (PaymentStatus::Captured, None, None);
            }
            (OperationKind::Capture, OperationStatus::Declined) if self.captured == 0 && self.is_open() => {
                let failure = match outcome {
                    Outcome::Declined { failure, .. } => failure.clone(),
                    _ => Failure::declined("declined"),
                };
                self.fail(failure);
            }
            (OperationKind::Refund, OperationStatus::Succeeded) => {
                self.refunded = (self.refunded + amount).min(self.captured);
            }
            (OperationKind::Void, OperationStatus::Succeeded) if self.captured == 0 && self.is_open() => {
                (self.status, self.action_url) = (PaymentStatus::Voided, None);
            }
            _ => {}
        }
    }

    fn fail(&mut self, failure: Failure) {
        (self.status, self.action_url, self.failure) = (PaymentStatus::Failed, None, Some(failure));
    }

    /// Returns payment and operation as an administrator has found out: whether it was done. Only of an operation that is
    /// asked for no more.
    pub fn resolved(
        &self,
        operation: &Operation,
        done: bool,
        note: &str,
        now: DateTime<Utc>,
    ) -> Result<(Self, Operation), Obstacle> {
        if operation.status != OperationStatus::Unresolved {
            return Err(Obstacle::NotDue);
        }
        let open = Operation { status: OperationStatus::Open, ..operation.clone() };
        let outcome = if done {
            Outcome::Succeeded { reference: None }
        } else {
            Outcome::Declined { failure: Failure::resolved(), reference: None }
        };
        let (payment, mut after) = self.record(&open, &outcome, now);
        if !done {
            // Also a void that was not done is decided.
            after.status = OperationStatus::Declined;
        }
        after.note = Some(note.to_owned());
        Ok((payment, after))
    }
}
