//! Rates freight again whose special handling codes have changed after it was quoted.
use std::collections::BTreeSet;

use loadmaster_kernel::{HandlingCode, Volume, Weight};

use super::{
    PriceRules, RatingError,
    choose::{Ways, one_currency},
    too_large,
};

use crate::{
    model::{Surcharge, Terms},
    rating::{Applied, Inputs, Load, OnLeg, RATER, Rated, price},
};

impl PriceRules {
    /// Returns the price of what was rated, for this load with these special handling codes. The rules of today say what the
    /// change of the codes brings in and takes out; all else, the sale too, stays as it was quoted. The currency is the same.
    pub fn rerate(
        &self,
        rated: &Rated,
        (weight, volume): (Weight, Volume),
        codes: &[HandlingCode],
    ) -> Result<Rated, RatingError> {
        let Rated { inputs: quoted, rules: own, .. } = rated;
        let inputs = Inputs { load: Load { weight, volume }, special_handling_codes: codes.to_vec(), ..quoted.clone() };
        let (before, after) = (Ways::over(quoted)?, Ways::over(&inputs)?);
        let tariffs = match (self.tariffs_over(&before, quoted), self.tariffs_over(&after, &inputs)) {
            (Ok(former), Ok(present)) if !are_same(&former, &present) => present,
            (Ok(_), Err(missing)) => return Err(missing),
            (Err(_), Ok(present)) => present,
            _ => own.tariffs.clone(),
        };
        if one_currency(&tariffs)? != one_currency(&own.tariffs)? {
            return Err(RatingError::no_rate("The rates for this freight are in another currency than its price."));
        }
        let former = self.surcharges_over(&before, quoted, &own.tariffs)?;
        let present = self.surcharges_over(&after, &inputs, &tariffs)?;
        let surcharges = changed(&own.surcharges, &former, &present, codes);
        let rules = Applied { tariffs, surcharges, sale: own.sale.clone() };
        let priced = price(RATER, &inputs, &rules).ok_or_else(too_large)?;
        Ok(Rated { rater: RATER, inputs, rules, priced })
    }
}

/// Returns the surcharges of a price after a change: of each code those that were quoted, if the change makes no difference by
/// the rules of today, else those of today.
fn changed(
    own: &[OnLeg<Surcharge>],
    former: &[OnLeg<Surcharge>],
    present: &[OnLeg<Surcharge>],
    codes: &[HandlingCode],
) -> Vec<OnLeg<Surcharge>> {
    let of = |list: &[OnLeg<Surcharge>], code: &str| -> Vec<OnLeg<Surcharge>> {
        list.iter().filter(|surcharge| surcharge.rule.terms.code == code).cloned().collect()
    };
    // Also a rule that has ended since then goes with the codes that it was charged for.
    let concerns = |surcharge: &OnLeg<Surcharge>| {
        let wanted = &surcharge.rule.terms.handling_codes;
        wanted.is_empty() || wanted.iter().any(|code| codes.contains(code))
    };
    let all: BTreeSet<&str> = own.iter().chain(present).map(|surcharge| surcharge.rule.terms.code.as_str()).collect();
    let each = all.into_iter().flat_map(|code| {
        let (former, present) = (of(former, code), of(present, code));
        if are_same(&former, &present) { of(own, code).into_iter().filter(concerns).collect() } else { present }
    });
    each.collect()
}

/// Returns whether these are the same rules of today. Those of the settings have no id: their terms distinguish them.
fn are_same<T: Terms>(some: &[OnLeg<T>], others: &[OnLeg<T>]) -> bool {
    let is_same = |(one, other): (&OnLeg<T>, &OnLeg<T>)| {
        let has_same_terms = || one.rule.id.is_some() || one.rule.terms == other.rule.terms;
        (one.leg, one.rule.id) == (other.leg, other.rule.id) && has_same_terms()
    };
    some.len() == others.len() && some.iter().zip(others).all(is_same)
}
