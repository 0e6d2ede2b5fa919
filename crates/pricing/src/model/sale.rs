use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_kernel::{Fault, FaultCode, Money, Rate, fault_of_end};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Faults, Reach, SALE, SaleMessage, Terms};

/// By how much a sale lowers the weight charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduction {
    /// At most 100.
    Percent(Rate),
    /// In quotes of its currency only.
    Amount(Money),
}

/// A lower weight charge for what is quoted within some days.
#[allow(clippy::struct_field_names, reason = "dates of the sale, beside those of departure")]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sale {
    /// `None`: it applies without a code.
    pub code: Option<String>,
    pub reduction: Reduction,
    /// UTC dates of quoting, inclusive.
    pub sale_from: NaiveDate,
    pub sale_to: NaiveDate,
    #[serde(flatten)]
    pub reach: Reach,
    pub max_uses: Option<i64>,
}

impl Sale {
    pub fn is_on(&self, at: DateTime<Utc>) -> bool {
        (self.sale_from..=self.sale_to).contains(&at.date_naive())
    }
}

impl Terms for Sale {
    const KIND: &'static str = SALE;
    const CREATED: &'static str = "sale.created";
    const CHANGED: &'static str = "sale.changed";
    const ENDED: &'static str = "sale.ended";
    type Key = ();

    type Message = SaleMessage;

    fn message(id: Uuid, version: i32) -> SaleMessage {
        SaleMessage { sale_id: id, version }
    }

    fn reach(&self) -> &Reach {
        &self.reach
    }

    fn key(&self) {}

    fn has_handling(&self) -> bool {
        false
    }

    fn faults(&self) -> Faults {
        let mut faults = self.reach.faults();
        if let Some(fault) = fault_of_end(self.sale_from, self.sale_to, "sale_from") {
            faults.push(("/sale_to".into(), fault));
        }
        if let Reduction::Percent(percent) = self.reduction
            && let Some(fault) = fault_of_percent(percent)
        {
            faults.push(("/percent".into(), fault));
        }
        faults
    }
}

/// Returns the fault of a percentage that lowers a charge.
pub fn fault_of_percent(percent: Rate) -> Option<Fault> {
    if percent.decimals() > 2 {
        return Some(Fault::new(FaultCode::TooPrecise, "must have at most 2 decimals"));
    }
    (percent.ten_thousandths() > 100 * Rate::ONE).then(|| Fault::new(FaultCode::TooLarge, "must be at most 100"))
}

/// The reason why a discount code does not apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DiscountReason {
    /// There is no sale with this code.
    Unknown,
    /// Not on these dates, of quoting or of departure.
    Window,
    /// Not on these flights, or not in this currency.
    Route,
    /// As often as it may be used, it was.
    UsedUp,
}

impl DiscountReason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Window => "window",
            Self::Route => "route",
            Self::UsedUp => "used_up",
        }
    }
}

/// How often a sale was used, and may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SaleUses {
    pub used: i64,
    /// `None`: without a limit, and not counted.
    pub max: Option<i64>,
}

impl SaleUses {
    pub fn is_used_up(self) -> bool {
        self.max.is_some_and(|max| self.used >= max)
    }
}
