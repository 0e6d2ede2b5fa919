//! What a booking costs, and what was paid for it, in cents.
use chrono::TimeDelta;

use super::{Booking, Time};

#[derive(Debug, Clone)]
pub struct Payment {
    pub id: String,
    pub captured: i64,
    pub refunded: i64,
    pub status: &'static str,
    pub is_credit: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Bill {
    pub total: i64,
    /// Oldest first.
    pub payments: Vec<Payment>,
    pub fee: Option<i64>,
    /// The highest fee that a change or a no-show has made due.
    pub floor: i64,
}

impl Bill {
    pub fn paid(&self) -> i64 {
        self.payments.iter().map(|payment| payment.captured).sum()
    }

    pub fn refunded(&self) -> i64 {
        self.payments.iter().map(|payment| payment.refunded).sum()
    }

    pub fn kept(&self) -> i64 {
        self.paid() - self.refunded()
    }

    /// Of what was kept, the least fee stays.
    pub fn due(&self) -> i64 {
        let owed = self.fee.unwrap_or_else(|| self.total.max(self.floor.min(self.kept())));
        owed - self.kept()
    }

    pub fn is_open(&self) -> bool {
        self.payments.iter().any(|payment| ["PROCESSING", "REQUIRES_ACTION", "AUTHORIZED"].contains(&payment.status))
    }

    pub fn status(&self) -> &'static str {
        let has_failed = self.payments.last().is_some_and(|last| last.status == "FAILED");
        match (self.paid(), self.refunded()) {
            (0, _) if self.total == 0 && !self.is_open() => "NOT_REQUIRED",
            _ if self.is_open() => "PROCESSING",
            (paid, refunded) if refunded > 0 && refunded == paid => "REFUNDED",
            (_, refunded) if refunded > 0 => "PARTIALLY_REFUNDED",
            _ if self.due() <= 0 => "COMPLETED",
            _ if has_failed => "FAILED",
            _ => "PENDING",
        }
    }

    /// Gives this much back, the newest payments first; returns what goes back to credit.
    pub fn give_back(&mut self, mut amount: i64) -> i64 {
        let mut credited = 0;
        for payment in self.payments.iter_mut().rev() {
            let part = amount.min(payment.captured - payment.refunded);
            payment.refunded += part;
            amount -= part;
            credited += if payment.is_credit { part } else { 0 };
        }
        credited
    }

    /// What was paid too much goes back by itself.
    pub fn settle(&mut self) -> i64 {
        self.give_back((-self.due()).max(0))
    }
}

impl Booking {
    /// What the fee of a cancellation is now, whatever was paid.
    pub fn fee(&self, now: Time, waives: bool) -> i64 {
        let Some(bill) = self.bill.as_ref().filter(|_| !waives && !self.is_the_carriers()) else { return 0 };
        ((bill.total * self.percent(now) + 50) / 100).max(bill.floor)
    }

    fn percent(&self, now: Time) -> i64 {
        if self.needs_rerouting || self.legs.iter().any(super::Leg::has_departed) {
            return 100;
        }
        let in_force = self.legs.iter().filter(|leg| leg.is_in_force());
        let Some(departure) = in_force.map(|leg| leg.departure).min() else { return 0 };
        let left = departure - now;
        let bands = [(48, 0), (12, 25), (0, 50)];
        bands.into_iter().find(|(hours, _)| left >= TimeDelta::hours(*hours)).map_or(100, |(_, percent)| percent)
    }

    /// It has lost a leg, and its freight always came.
    fn is_the_carriers(&self) -> bool {
        let is_no_show = self.legs.iter().any(|leg| leg.reason == Some("NO_SHOW") && !leg.is_replaced);
        self.needs_rerouting && !is_no_show
    }

    /// The fee that stood before a change holds, if it was higher.
    pub fn keep_fee(&mut self, stood: i64, now: Time) {
        let is_lowered = self.fee(now, false) < stood;
        if let Some(bill) = self.bill.as_mut().filter(|_| is_lowered) {
            bill.floor = bill.floor.max(stood);
        }
    }

    /// A no-show costs the total, also later; a fault of the carrier lifts what changes and no-shows have made due.
    pub fn follow_loss(&mut self) {
        let is_the_carriers = self.is_the_carriers();
        if let Some(bill) = &mut self.bill {
            bill.floor = if is_the_carriers { 0 } else { bill.floor.max(bill.total) };
        }
    }
}
