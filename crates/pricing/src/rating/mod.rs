//! The rater: computes the lines of a price from freight and the rules that apply to it. Pure, in integers; each line is
//! rounded once, half up. What it computes for rules and freight never changes under one version.
mod amount;
mod charge;
mod line;
#[cfg(test)]
mod tests;
mod words;

pub use charge::{Applied, OnLeg, Sums, price, sums};
pub use line::{Line, Priced};
pub use words::{LineKind, LineRule, PriceBasis, RateClass};

pub(super) use amount::{discount, weight_charge};

use chrono::{DateTime, Utc};
use loadmaster_kernel::{HandlingCode, OrganizationId, Volume, Weight};
use serde::{Deserialize, Serialize};

use super::model::{PricedLeg, Product};

/// The version of the rater. A change of what it computes gets a new number, and [`price`] keeps the former ones.
pub const RATER: u16 = 1;

/// What a price was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// In order of the way.
    pub legs: Vec<PricedLeg>,
    #[serde(flatten)]
    pub load: Load,
    pub special_handling_codes: Vec<HandlingCode>,
    pub product: Product,
    pub discount_code: Option<String>,
    pub organization_id: Option<OrganizationId>,
    pub quoted_at: DateTime<Utc>,
}

/// A price with all that it was computed from: it can be computed again for ever.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rated {
    /// The version of the rater.
    pub rater: u16,
    pub inputs: Inputs,
    /// Copies of the rules.
    pub rules: Applied,
    pub priced: Priced,
}

/// Weight and volume of freight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Load {
    pub weight: Weight,
    pub volume: Volume,
}

/// In hectograms and litres.
#[derive(Serialize, Deserialize)]
struct Written {
    weight_hg: i64,
    volume_l: i64,
}

impl From<Written> for Load {
    fn from(written: Written) -> Self {
        Self { weight: Weight::from_hectograms(written.weight_hg), volume: Volume::from_litres(written.volume_l) }
    }
}

impl From<Load> for Written {
    fn from(load: Load) -> Self {
        Self { weight_hg: load.weight.hectograms(), volume_l: load.volume.litres() }
    }
}

impl Load {
    pub const fn chargeable(self) -> Weight {
        self.weight.chargeable(self.volume)
    }
}
