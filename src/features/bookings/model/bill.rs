use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    features::pricing::PriceBasis,
    kernel::{Currency, Money, QuoteId, words},
};

words! {
    /// How far a booking is paid: the first that holds.
    pub enum BookingPaymentStatus {
        /// There is no price, or it is 0.
        NotRequired = "NOT_REQUIRED",
        /// A payment is under way.
        Processing = "PROCESSING",
        /// All that was captured went back.
        Refunded = "REFUNDED",
        PartiallyRefunded = "PARTIALLY_REFUNDED",
        /// Nothing is due.
        Completed = "COMPLETED",
        /// The last payment failed.
        Failed = "FAILED",
        Pending = "PENDING",
    }
}

/// The price of a booking: that of its quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Price {
    pub quote_id: QuoteId,
    pub basis: PriceBasis,
    pub weight_charge: Money,
    /// Negative, or 0.
    pub discount: Money,
    pub surcharges: Money,
    pub total: Money,
}

/// What a booking costs, and what was paid for it. Amounts are minor units of the price's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bill {
    pub price: Price,
    /// The highest total so far.
    pub highest: i64,
    /// Captured from all payments.
    pub paid: i64,
    pub refunded: i64,
    /// Only of a cancelled booking.
    pub fee: Option<i64>,
    /// The fee of a cancelled booking where more is captured after it than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_fee: Option<FullFee>,
    /// A payment is under way.
    pub is_open: bool,
    /// The last payment failed.
    pub has_failed: bool,
}

/// A fee whatever was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FullFee {
    pub amount: i64,
    /// What had gone back before the cancellation.
    pub returned: i64,
}

/// What was paid for a booking by all its payments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paid {
    pub captured: i64,
    pub refunded: i64,
    pub is_open: bool,
    pub has_failed: bool,
}

impl Bill {
    pub const fn new(price: Price) -> Self {
        let highest = price.total.minor();
        Self { price, highest, paid: 0, refunded: 0, fee: None, full_fee: None, is_open: false, has_failed: false }
    }

    pub const fn currency(&self) -> Currency {
        self.price.total.currency()
    }

    pub const fn money(&self, minor: i64) -> Money {
        self.price.total.with_minor(minor)
    }

    /// Changes the price.
    pub fn reprice(&mut self, price: Price) {
        self.highest = self.highest.max(price.total.minor());
        self.price = price;
    }

    /// Fixes the fee of a cancellation: at most what was paid and has not gone back. It rises to the full fee with a capture
    /// that was under way.
    pub fn cancel(&mut self, full: i64, kept: i64) {
        self.full_fee = Some(FullFee { amount: full, returned: self.paid - kept });
        self.fee = Some(full.min(kept.max(0)));
    }

    /// Takes over what was paid.
    pub fn note(&mut self, paid: Paid) {
        if let Some(FullFee { amount, returned }) = self.full_fee {
            self.fee = Some(amount.min((paid.captured - returned).max(0)));
        }
        (self.paid, self.refunded) = (paid.captured, paid.refunded);
        (self.is_open, self.has_failed) = (paid.is_open, paid.has_failed);
    }

    /// Returns what the carrier is to have in the end.
    pub const fn owed(&self) -> i64 {
        match self.fee {
            Some(fee) => fee,
            None => self.price.total.minor(),
        }
    }

    /// Returns what is due; a negative amount is to be refunded.
    pub const fn balance_due(&self) -> i64 {
        self.owed() - self.paid + self.refunded
    }

    /// Returns the same as an amount of money.
    pub const fn due(&self) -> Money {
        self.money(self.balance_due())
    }

    pub const fn status(&self) -> BookingPaymentStatus {
        if self.price.total.is_zero() && self.paid == 0 && !self.is_open {
            BookingPaymentStatus::NotRequired
        } else if self.is_open {
            BookingPaymentStatus::Processing
        } else if self.refunded > 0 && self.refunded == self.paid {
            BookingPaymentStatus::Refunded
        } else if self.refunded > 0 {
            BookingPaymentStatus::PartiallyRefunded
        } else if self.balance_due() <= 0 {
            BookingPaymentStatus::Completed
        } else if self.has_failed {
            BookingPaymentStatus::Failed
        } else {
            BookingPaymentStatus::Pending
        }
    }
}
