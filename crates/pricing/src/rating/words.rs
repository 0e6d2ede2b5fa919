use loadmaster_kernel::words;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

words! {
    /// Whether one tariff rates the whole way, or each leg has its own.
    pub enum PriceBasis {
        Through = "THROUGH",
        ByLeg = "BY_LEG",
    }
}

words! {
    /// What a line of a price is for.
    pub enum LineKind {
        Weight = "WEIGHT",
        Discount = "DISCOUNT",
        Surcharge = "SURCHARGE",
    }
}

words! {
    /// The IATA rate class of a weight charge.
    pub enum RateClass {
        /// The minimum.
        M = "M",
        /// The normal rate.
        N = "N",
        /// A quantity rate.
        Q = "Q",
    }
}

/// The version of the rule that a line follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LineRule {
    /// Id of the tariff, the surcharge or the sale.
    pub id: Uuid,
    /// The version by which the line was rated.
    pub version: i32,
}

/// A limit that decided an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    AtLeast,
    AtMost,
}
