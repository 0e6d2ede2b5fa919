//! Types of prices: the rules as administrators keep them, in versions.
mod message;
mod reach;
mod sale;
mod surcharge;
mod tariff;
mod terms;

use std::borrow::Cow;

use loadmaster_kernel::Fault;

pub use message::{SaleLimitMessage, SaleMessage, SurchargeMessage, TariffImportMessage, TariffMessage};
pub use reach::{PricedLeg, Reach, Way};
pub use sale::{DiscountReason, Reduction, Sale, SaleUses, fault_of_percent};
pub use surcharge::{Per, Surcharge, SurchargeBasis, fault_of_bound, fault_of_currency, fault_of_maximum};
pub use tariff::{Break, Product, Tariff, faults_of_breaks, read_product};
pub use terms::{Copied, Rank, Rule, Terms, shared};

/// JSON pointers of members, each with its fault.
pub type Faults = Vec<(Cow<'static, str>, Fault)>;

/// Aggregates of this room's messages.
pub const TARIFF: &str = "tariff";
pub const SURCHARGE: &str = "surcharge";
pub const SALE: &str = "sale";
/// The limit of a sale's uses.
pub const SALE_LIMIT: &str = "sale_limit";

loadmaster_kernel::words! {
    /// What happened to a rule.
    pub enum PriceEventType {
        Created = "CREATED",
        Changed = "CHANGED",
        Ended = "ENDED",
    }
}

loadmaster_kernel::words! {
    /// What happened to many tariffs together.
    pub enum ImportEventType {
        Imported = "IMPORTED",
    }
}

loadmaster_kernel::words! {
    /// What happened to the limit of a sale.
    pub enum LimitEventType {
        Reached = "REACHED",
        Lifted = "LIFTED",
    }
}

impl PriceEventType {
    /// The meaning of each of [`Self::NAMES`].
    pub const ABOUT: [&str; Self::NAMES.len()] =
        ["A rule of prices was made.", "A rule of prices was changed.", "A rule of prices has ended."];
}

impl ImportEventType {
    /// The meaning of each of [`Self::NAMES`].
    pub const ABOUT: [&str; Self::NAMES.len()] = ["Tariffs were imported: one message for all of them."];
}

impl LimitEventType {
    /// The meaning of each of [`Self::NAMES`].
    pub const ABOUT: [&str; Self::NAMES.len()] = ["A sale has no use left.", "A sale has uses left again."];
}
