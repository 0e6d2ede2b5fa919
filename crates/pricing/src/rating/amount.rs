//! Amounts of single lines. An amount of more than 10^15 minor units is not rated.
use loadmaster_kernel::{Currency, Money, Rate, Weight};

use super::{
    Load,
    words::{Bound, RateClass},
};

use crate::model::{Reduction, Sale, Surcharge, SurchargeBasis, Tariff};

const MOST: i64 = 1_000_000_000_000_000;
/// Hectograms in a kilogram, times ten-thousandths in one.
const PER_KILOGRAM: i128 = 10 * Rate::ONE as i128;

/// Returns the quotient rounded half up, of numbers that are not negative.
fn half_up(numerator: i128, denominator: i128) -> Option<i64> {
    i64::try_from((2 * numerator + denominator) / (2 * denominator)).ok().filter(|amount| *amount <= MOST)
}

/// Returns the minor units in the currency's unit.
fn units(currency: Currency) -> i128 {
    10_i128.pow(currency.decimals())
}

/// Returns hectograms × ten-thousandths × minor units: the amount times [`PER_KILOGRAM`].
fn exact(weight: Weight, rate: Rate, currency: Currency) -> i128 {
    i128::from(weight.hectograms()) * i128::from(rate.ten_thousandths()) * units(currency)
}

/// The weight charge by one tariff.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeightCharge {
    pub class: RateClass,
    /// `None`: the minimum.
    pub rate: Option<Rate>,
    pub rated: Weight,
    pub amount: i64,
}

/// Returns the charge of this chargeable weight: the minimum, or the least of its own rate and of the higher breaks with
/// their weights.
pub fn weight_charge(tariff: &Tariff, weight: Weight) -> Option<WeightCharge> {
    let currency = tariff.currency();
    let of = |class, from: Weight, rate| {
        let rated = weight.max(from);
        (exact(rated, rate, currency), class, rated, rate)
    };
    let mut best = of(RateClass::N, Weight::ZERO, tariff.normal);
    for next in &tariff.breaks {
        let charge = of(RateClass::Q, next.from, next.rate);
        // The weight lies in this break, or this one is cheaper than those below.
        if next.from <= weight || charge.0 < best.0 {
            best = charge;
        }
    }
    let (charge, class, rated, rate) = best;
    if i128::from(tariff.minimum.minor()) * PER_KILOGRAM > charge {
        return Some(WeightCharge { class: RateClass::M, rate: None, rated: weight, amount: tariff.minimum.minor() });
    }
    Some(WeightCharge { class, rate: Some(rate), rated, amount: half_up(charge, PER_KILOGRAM)? })
}

/// Returns the amount of a surcharge, and the limit that decided it; `base` is the weight charge of which it is a part.
pub fn surcharge(surcharge: &Surcharge, load: Load, base: Money) -> Option<(i64, Option<Bound>)> {
    let (rate, currency) = (surcharge.rate, base.currency());
    let amount = match surcharge.basis {
        SurchargeBasis::PerKgActual => half_up(exact(load.weight, rate, currency), PER_KILOGRAM)?,
        SurchargeBasis::PerKgChargeable => half_up(exact(load.chargeable(), rate, currency), PER_KILOGRAM)?,
        SurchargeBasis::Flat => flat(rate, currency)?,
        SurchargeBasis::Percent => percent(rate, base)?,
    };
    if let Some(least) = surcharge.minimum.and_then(|least| flat(least, currency)).filter(|least| *least > amount) {
        return Some((least, Some(Bound::AtLeast)));
    }
    if let Some(most) = surcharge.maximum.and_then(|most| flat(most, currency)).filter(|most| *most < amount) {
        return Some((most, Some(Bound::AtMost)));
    }
    Some((amount, None))
}

fn flat(rate: Rate, currency: Currency) -> Option<i64> {
    half_up(i128::from(rate.ten_thousandths()) * units(currency), Rate::ONE.into())
}

fn percent(rate: Rate, base: Money) -> Option<i64> {
    half_up(i128::from(rate.ten_thousandths()) * i128::from(base.minor()), i128::from(Rate::ONE) * 100)
}

/// Returns by how much a sale lowers a weight charge, to 0 at most; `None` if it is not in the charge's currency.
pub fn discount(sale: &Sale, weight_charge: Money) -> Option<i64> {
    let amount = match sale.reduction {
        Reduction::Percent(rate) => percent(rate, weight_charge)?,
        Reduction::Amount(amount) if amount.currency() == weight_charge.currency() => amount.minor(),
        Reduction::Amount(_) => return None,
    };
    Some(amount.min(weight_charge.minor()))
}
