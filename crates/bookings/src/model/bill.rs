use loadmaster_kernel::{Currency, Money, QuoteId, words};
use loadmaster_pricing::PriceBasis;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

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

words! {
    /// Why a cancellation costs what it does, before it is limited to what was paid. More values may be added.
    pub enum FeeReason {
        /// By the hours left to the first departure.
        HoursLeft = "HOURS_LEFT",
        /// A flight has departed with the freight.
        Departed = "DEPARTED",
        /// The freight did not come to a flight.
        NoShow = "NO_SHOW",
        /// It was the fee when the booking was changed, for example to later flights or to less freight.
        Changed = "CHANGED",
        /// Nothing is kept: the carrier cancelled a flight, left the freight behind, or broke a connection.
        Carrier = "CARRIER",
        /// Nothing is kept: carrier staff waived the fee.
        Waived = "WAIVED",
    }
}

/// A cancellation fee whatever was paid, in minor units of the price's currency, and its reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fee {
    pub amount: i64,
    pub reason: FeeReason,
}

/// The price of a booking: that of its quote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Price {
    /// The quote that it is from.
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
    /// The least fee of a cancellation: the highest that a change or a no-show has made due. Absent without one, and after
    /// a fault of the carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub floor: Option<Fee>,
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
    /// `None`: of a cancellation by an earlier version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<FeeReason>,
}

/// What was paid for a booking by all its payments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Paid {
    pub captured: i64,
    /// Promised to be captured.
    pub promised: i64,
    pub refunded: i64,
    pub is_open: bool,
    pub has_failed: bool,
}

impl Bill {
    pub const fn new(price: Price) -> Self {
        let highest = price.total.minor();
        Self {
            price,
            highest,
            paid: 0,
            refunded: 0,
            fee: None,
            full_fee: None,
            floor: None,
            is_open: false,
            has_failed: false,
        }
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

    /// Raises the least fee of a cancellation to this one.
    pub fn keep_fee(&mut self, fee: Fee) {
        if self.floor.is_none_or(|floor| floor.amount < fee.amount) {
            self.floor = Some(fee);
        }
    }

    /// Fixes the fee of a cancellation: at most what was paid and has not gone back, captures that are promised included.
    pub fn cancel(&mut self, Fee { amount, reason }: Fee, kept: i64) {
        self.full_fee = Some(FullFee { amount, returned: self.paid - kept, reason: Some(reason) });
        self.fee = Some(amount.min(kept.max(0)));
    }

    /// Takes over what was paid.
    pub fn note(&mut self, paid: Paid) {
        if let Some(FullFee { amount, returned, .. }) = self.full_fee {
            self.fee = Some(amount.min((paid.captured + paid.promised - returned).max(0)));
        }
        (self.paid, self.refunded) = (paid.captured, paid.refunded);
        (self.is_open, self.has_failed) = (paid.is_open, paid.has_failed);
    }

    /// Returns what the carrier is to have in the end: the total, and of what was paid already not less than the least fee.
    pub fn owed(&self) -> i64 {
        let floor = self.floor.map_or(0, |floor| floor.amount.min(self.paid - self.refunded));
        self.fee.unwrap_or_else(|| self.price.total.minor().max(floor))
    }

    /// Returns whether nothing was ever paid, and no payment is under way.
    pub const fn is_unpaid(&self) -> bool {
        self.paid == 0 && !self.is_open
    }

    /// Returns what is due; a negative amount is to be refunded.
    pub fn balance_due(&self) -> i64 {
        self.owed() - self.paid + self.refunded
    }

    /// Returns the same as an amount of money.
    pub fn due(&self) -> Money {
        self.money(self.balance_due())
    }

    pub fn status(&self) -> BookingPaymentStatus {
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
