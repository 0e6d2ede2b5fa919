use std::sync::Arc;

use loadmaster_kernel::{Money, Weight};
use serde::{Deserialize, Serialize};

use super::{
    Inputs, Load, RATER, amount,
    line::{Charge, Line, Priced},
    words::{LineKind, LineRule, PriceBasis},
};

use crate::model::{Copied, Reduction, Sale, Surcharge, SurchargeBasis, Tariff, Terms};

/// A rule that applies to one leg, or to the whole way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound = "T: Terms")]
pub struct OnLeg<T> {
    /// Counted from 1; `None`: the whole way.
    pub leg: Option<u16>,
    #[serde(with = "crate::model::shared")]
    pub rule: Arc<Copied<T>>,
}

/// The rules that apply to some freight on its way.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Applied {
    /// One for the whole way, or one for each leg. All in one currency.
    pub tariffs: Vec<OnLeg<Tariff>>,
    pub surcharges: Vec<OnLeg<Surcharge>>,
    pub sale: Option<OnLeg<Sale>>,
}

impl Applied {
    pub fn basis(&self) -> PriceBasis {
        if self.tariffs.iter().all(|tariff| tariff.leg.is_none()) { PriceBasis::Through } else { PriceBasis::ByLeg }
    }
}

/// The sums of a price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sums {
    pub weight_charge: Money,
    /// Not above 0.
    pub discount: Money,
    pub surcharges: Money,
}

impl Sums {
    pub const fn total(&self) -> Money {
        let minor = self.weight_charge.minor() + self.discount.minor() + self.surcharges.minor();
        self.weight_charge.with_minor(minor)
    }
}

/// One kilogram, or one of what is charged once.
const ONCE: Weight = Weight::from_hectograms(10);

fn rule_of<T>(rule: &Copied<T>) -> Option<LineRule> {
    Some(LineRule { id: rule.id?, version: rule.version })
}

/// Returns the price of the freight by these rules and this version of the rater; `None` for an unknown version, without a
/// tariff, or if an amount is too large.
pub fn price(rater: u16, inputs: &Inputs, applied: &Applied) -> Option<Priced> {
    if rater != RATER {
        return None;
    }
    let mut lines = Vec::with_capacity(applied.tariffs.len() + applied.surcharges.len() + 1);
    let sums = charge(inputs.load, applied, |charge| lines.push(Line::of(charge)))?;
    Some(Priced {
        basis: applied.basis(),
        chargeable_weight: inputs.load.chargeable().hectograms(),
        lines,
        weight_charge: sums.weight_charge,
        discount: sums.discount,
        surcharges: sums.surcharges,
        total: sums.total(),
    })
}

/// Returns the sums alone.
pub fn sums(load: Load, applied: &Applied) -> Option<Sums> {
    charge(load, applied, |_| {})
}

/// Computes each amount in the order of the lines.
fn charge(load: Load, applied: &Applied, mut each: impl FnMut(&Charge<'_>)) -> Option<Sums> {
    let zero = Money::zero(applied.tariffs.first()?.rule.terms.currency());
    let weight = load.chargeable();
    let mut sums = Sums { weight_charge: zero, discount: zero, surcharges: zero };
    let mut of_legs = Vec::with_capacity(applied.tariffs.len());
    for OnLeg { leg, rule } in &applied.tariffs {
        let charged = amount::weight_charge(&rule.terms, weight)?;
        let amount = zero.with_minor(charged.amount);
        sums.weight_charge = add(sums.weight_charge, amount);
        of_legs.push((*leg, amount));
        each(&Charge {
            kind: LineKind::Weight,
            code: Some(&rule.terms.code),
            leg: *leg,
            basis: SurchargeBasis::PerKgChargeable,
            quantity: Some(weight),
            rate: charged.rate,
            class: Some(charged.class),
            rated: Some(charged.rated),
            amount,
            base: amount,
            bound: None,
            rule: rule_of(rule),
        });
    }
    if let Some(OnLeg { rule, .. }) = &applied.sale {
        let lowered = lower(rule, sums.weight_charge)?;
        sums.discount = lowered.amount;
        each(&lowered);
    }
    for OnLeg { leg, rule } in &applied.surcharges {
        let of_leg = of_legs.iter().find(|(number, _)| leg.is_some() && number == leg);
        let base = of_leg.map_or(sums.weight_charge, |(_, amount)| *amount);
        let added = surcharge(rule, *leg, load, base)?;
        sums.surcharges = add(sums.surcharges, added.amount);
        each(&added);
    }
    Some(sums)
}

const fn add(sum: Money, amount: Money) -> Money {
    sum.with_minor(sum.minor().saturating_add(amount.minor()))
}

fn lower(sale: &Copied<Sale>, base: Money) -> Option<Charge<'_>> {
    let (basis, rate, quantity) = match sale.terms.reduction {
        Reduction::Percent(rate) => (SurchargeBasis::Percent, Some(rate), None),
        Reduction::Amount(_) => (SurchargeBasis::Flat, None, Some(ONCE)),
    };
    Some(Charge {
        kind: LineKind::Discount,
        code: sale.terms.code.as_deref(),
        leg: None,
        basis,
        quantity,
        rate,
        class: None,
        rated: None,
        amount: base.with_minor(-amount::discount(&sale.terms, base)?),
        base,
        bound: None,
        rule: rule_of(sale),
    })
}

fn surcharge(rule: &Copied<Surcharge>, leg: Option<u16>, load: Load, base: Money) -> Option<Charge<'_>> {
    let (minor, bound) = amount::surcharge(&rule.terms, load, base)?;
    let quantity = match rule.terms.basis {
        SurchargeBasis::PerKgActual => Some(load.weight),
        SurchargeBasis::PerKgChargeable => Some(load.chargeable()),
        SurchargeBasis::Flat => Some(ONCE),
        SurchargeBasis::Percent => None,
    };
    Some(Charge {
        kind: LineKind::Surcharge,
        code: Some(&rule.terms.code),
        leg,
        basis: rule.terms.basis,
        quantity,
        rate: Some(rule.terms.rate),
        class: None,
        rated: None,
        amount: base.with_minor(minor),
        base,
        bound,
        rule: rule_of(rule),
    })
}
