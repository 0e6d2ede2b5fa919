use chrono::{DateTime, Utc};
use loadmaster_kernel::{BookingId, BookingRef, Currency, Money, OrganizationId, PaymentId, UserId, words};
use serde::{Deserialize, Serialize};

words! {
    /// What changed an organization's credit.
    pub enum CreditKind {
        /// The limit was set.
        Limit = "LIMIT",
        /// A booking was paid from it.
        Charge = "CHARGE",
        /// A part of a payment went back to it.
        Refund = "REFUND",
        /// The organization paid the carrier.
        Payment = "PAYMENT",
    }
}

/// The credit of an organization. All amounts are minor units of its currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditAccount {
    pub organization_id: OrganizationId,
    pub currency: Currency,
    pub limit: i64,
    /// Negative: a balance in the organization's favour, from refunds of what it had paid.
    pub used: i64,
    /// The number of its last entry.
    pub entries: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// Why credit cannot be charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreditRefusal {
    /// This organization has no account.
    NoAccount(OrganizationId),
    /// The account has another currency, this one.
    OtherCurrency(Currency),
    /// More than what is left.
    Exceeded { available: Money },
}

/// A change of an account, with its state after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditEntry {
    pub organization_id: OrganizationId,
    /// From 1, without gaps.
    pub seq: i32,
    pub kind: CreditKind,
    pub amount: i64,
    pub used: i64,
    pub limit: i64,
    pub payment_id: Option<PaymentId>,
    pub booking: Option<(BookingId, BookingRef)>,
    pub reference: Option<String>,
    pub actor_id: Option<UserId>,
    pub created_at: DateTime<Utc>,
}

/// The end of a page of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CreditAnchor(pub i32);

impl CreditAccount {
    /// A new account, before its first entry.
    pub fn opened(organization_id: OrganizationId, currency: Currency, now: DateTime<Utc>) -> Self {
        Self { organization_id, currency, limit: 0, used: 0, entries: 0, created_at: now, updated_at: now }
    }

    pub const fn money(&self, minor: i64) -> Money {
        Money::new(minor, self.currency)
    }

    /// What may still be charged; 0 if the limit was set below what is used.
    pub fn available(&self) -> i64 {
        self.limit.saturating_sub(self.used).max(0)
    }

    /// Whether this amount may be charged.
    pub fn judge(&self, amount: Money) -> Result<(), CreditRefusal> {
        if amount.currency() != self.currency {
            return Err(CreditRefusal::OtherCurrency(self.currency));
        }
        if amount.minor() > self.available() {
            return Err(CreditRefusal::Exceeded { available: self.money(self.available()) });
        }
        Ok(())
    }

    /// Makes a change, and returns its entry.
    pub fn enter(&mut self, kind: CreditKind, amount: i64, now: DateTime<Utc>) -> CreditEntry {
        match kind {
            CreditKind::Limit => self.limit = amount,
            CreditKind::Charge => self.used = self.used.saturating_add(amount),
            CreditKind::Refund | CreditKind::Payment => self.used = self.used.saturating_sub(amount),
        }
        self.entries += 1;
        self.updated_at = now;
        CreditEntry {
            organization_id: self.organization_id,
            seq: self.entries,
            kind,
            amount,
            used: self.used,
            limit: self.limit,
            payment_id: None,
            booking: None,
            reference: None,
            actor_id: None,
            created_at: now,
        }
    }
}
