use loadmaster_kernel::{Money, Rate, Weight};
use serde::{Deserialize, Serialize};

use super::words::{Bound, LineKind, LineRule, PriceBasis, RateClass};

use crate::model::SurchargeBasis;

/// One amount of a price, before it becomes a line.
pub(super) struct Charge<'a> {
    pub kind: LineKind,
    pub code: Option<&'a str>,
    pub leg: Option<u16>,
    pub basis: SurchargeBasis,
    /// A weight; of what is charged once, 1.
    pub quantity: Option<Weight>,
    pub rate: Option<Rate>,
    pub class: Option<RateClass>,
    pub rated: Option<Weight>,
    pub amount: Money,
    /// The weight charge that it is a part of.
    pub base: Money,
    pub bound: Option<Bound>,
    pub rule: Option<LineRule>,
}

/// A line of a price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub kind: LineKind,
    pub code: Option<String>,
    /// Counted from 1; `None`: the whole way.
    pub leg: Option<u16>,
    pub basis: SurchargeBasis,
    /// Tenths: of a kilogram, or of a piece.
    pub quantity: Option<i64>,
    pub rate: Option<Rate>,
    pub rate_class: Option<RateClass>,
    /// In hectograms.
    pub rated_weight: Option<i64>,
    pub amount: Money,
    /// `None`: of the settings.
    pub rule: Option<LineRule>,
    pub text: String,
}

/// A price with its lines, of which every sum is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Priced {
    pub basis: PriceBasis,
    /// In hectograms.
    pub chargeable_weight: i64,
    pub lines: Vec<Line>,
    pub weight_charge: Money,
    /// Not above 0.
    pub discount: Money,
    pub surcharges: Money,
    pub total: Money,
}

impl Priced {
    pub const fn chargeable(&self) -> Weight {
        Weight::from_hectograms(self.chargeable_weight)
    }
}

impl Line {
    pub(super) fn of(charge: &Charge<'_>) -> Self {
        Self {
            kind: charge.kind,
            code: charge.code.map(str::to_owned),
            leg: charge.leg,
            basis: charge.basis,
            quantity: charge.quantity.map(Weight::hectograms),
            rate: charge.rate,
            rate_class: charge.class,
            rated_weight: charge.rated.map(Weight::hectograms),
            amount: charge.amount,
            rule: charge.rule,
            text: text(charge),
        }
    }
}

/// Describes how an amount comes about. Quotes keep these texts: a change is another version of the rater.
fn text(charge: &Charge<'_>) -> String {
    let currency = charge.amount.currency();
    let magnitude = charge.amount.with_minor(charge.amount.minor().abs());
    let basis = match (charge.basis, charge.quantity, charge.rate) {
        (SurchargeBasis::PerKgActual | SurchargeBasis::PerKgChargeable, Some(weight), Some(rate)) => {
            match charge.rated.filter(|rated| *rated != weight) {
                Some(rated) => format!("{weight} as {rated} at {rate} {currency}"),
                None => format!("{weight} at {rate} {currency}"),
            }
        }
        (SurchargeBasis::PerKgActual | SurchargeBasis::PerKgChargeable, Some(weight), None) => {
            format!("{weight} at the minimum of {magnitude}")
        }
        (SurchargeBasis::Percent, _, Some(rate)) => format!("{rate} % of {}", charge.base),
        (_, _, Some(rate)) => format!("{rate} {currency}"),
        _ => magnitude.to_string(),
    };
    match charge.bound {
        None => basis,
        Some(Bound::AtLeast) => format!("{basis}, at least {magnitude}"),
        Some(Bound::AtMost) => format!("{basis}, at most {magnitude}"),
    }
}
