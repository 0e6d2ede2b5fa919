//! Which rules apply.
use std::sync::Arc;

use loadmaster_kernel::{Currency, Money, SaleId};
use uuid::Uuid;

use super::{PriceRules, RatingError, defaults::DefaultSale};

use crate::{
    model::{
        Copied, DiscountReason, Per, PricedLeg, Product, Rank, Reduction, Sale, Surcharge, SurchargeBasis, Tariff,
        Terms, Way,
    },
    rating::{Applied, Inputs, OnLeg, discount, weight_charge},
};

/// The order of tariffs that match: an organization given before not, the product before `GENERAL`, a handling code, an
/// airline, a flight number given before not, the narrower origin, the narrower destination, the later first date, the newer id.
type TariffRank = (bool, bool, Rank);

/// The way of some freight, and its legs.
pub(super) struct Ways<'a> {
    whole: Way<'a>,
    legs: Vec<Way<'a>>,
}

impl<'a> Ways<'a> {
    pub(super) fn over(inputs: &'a Inputs) -> Result<Self, RatingError> {
        let whole = Way::over(&inputs.legs).ok_or_else(|| RatingError::no_rate("There is no flight to rate."))?;
        let legs = inputs.legs.iter().filter_map(|leg| Way::over(std::slice::from_ref(leg))).collect();
        Ok(Self { whole, legs })
    }
}

impl PriceRules {
    /// Returns the rules that apply to the freight on its way.
    pub(super) fn choose(&self, inputs: &Inputs) -> Result<Applied, RatingError> {
        let ways = Ways::over(inputs)?;
        let tariffs = self.tariffs_over(&ways, inputs)?;
        let sale = self.sale(&ways.whole, inputs, &tariffs)?;
        let surcharges = self.surcharges_over(&ways, inputs, &tariffs)?;
        Ok(Applied { tariffs, surcharges, sale })
    }

    /// Returns the tariff of the whole way, or those of its legs.
    pub(super) fn tariffs_over(&self, ways: &Ways<'_>, inputs: &Inputs) -> Result<Vec<OnLeg<Tariff>>, RatingError> {
        if let Some(rule) = self.tariff(&ways.whole, inputs) {
            return Ok(vec![OnLeg { leg: None, rule }]);
        }
        self.tariffs_of_legs(&ways.legs, inputs).or_else(|missing| {
            let default = self.0.defaults.as_ref().map(|defaults| defaults.tariff.clone());
            let default = default.filter(|default| default.terms.reach.covers(ways.whole.date()));
            Ok(vec![OnLeg { leg: None, rule: default.ok_or_else(|| no_tariff(&missing))? }])
        })
    }

    /// Returns the surcharges that apply beside these tariffs. Those of the settings go with the default tariff.
    pub(super) fn surcharges_over(
        &self,
        Ways { whole, legs }: &Ways<'_>,
        inputs: &Inputs,
        tariffs: &[OnLeg<Tariff>],
    ) -> Result<Vec<OnLeg<Surcharge>>, RatingError> {
        let (tables, currency) = (&self.0.tables, one_currency(tariffs)?);
        let is_default = tariffs.iter().all(|tariff| tariff.rule.id.is_none());
        let defaults = self.0.defaults.iter().filter(|_| is_default).flat_map(|defaults| &defaults.surcharges);
        let mut found = MatchingSurcharges::default();
        let numbered: Vec<(Option<u16>, &Way<'_>)> =
            std::iter::once((None, whole)).chain((1..).map(Some).zip(legs)).collect();
        for (leg, way) in &numbered {
            let rules = tables.surcharges.covering(way, &tables.places, &[()]).flatten().chain(defaults.clone());
            rules.for_each(|rule| found.consider(*leg, rule, way, inputs, currency));
        }
        found.settle(tariffs.iter().all(|tariff| tariff.leg.is_none()), currency)
    }

    /// Returns the first tariff that matches the way.
    fn tariff(&self, way: &Way<'_>, inputs: &Inputs) -> Option<Arc<Copied<Tariff>>> {
        let tables = &self.0.tables;
        let owners = [inputs.organization_id, None];
        let owners = if inputs.organization_id.is_some() { &owners[..] } else { &owners[1..] };
        let products = [inputs.product, Product::GENERAL];
        let products = if inputs.product == Product::GENERAL { &products[1..] } else { &products[..] };
        let mut keys = [(None, Product::GENERAL); 4];
        let pairs = owners.iter().flat_map(|owner| products.iter().map(move |product| (*owner, *product)));
        let count = keys.iter_mut().zip(pairs).map(|(key, pair)| *key = pair).count();
        let rank = |tariff: &Copied<Tariff>| -> TariffRank {
            (tariff.terms.organization_id.is_none(), tariff.terms.product != inputs.product, tariff.rank())
        };
        let matches = |tariff: &&Arc<Copied<Tariff>>| {
            let terms = &tariff.terms;
            terms.reach.matches(way)
                && terms.handling_code.is_none_or(|code| inputs.special_handling_codes.contains(&code))
        };
        let keys = keys.get(..count)?;
        let firsts = tables.tariffs.covering(way, &tables.places, keys).filter_map(|rules| rules.iter().find(matches));
        firsts.min_by_key(|tariff| rank(tariff)).cloned()
    }

    /// Returns the tariff of each leg, or the first leg that has none.
    fn tariffs_of_legs(&self, legs: &[Way<'_>], inputs: &Inputs) -> Result<Vec<OnLeg<Tariff>>, PricedLeg> {
        // A single leg is the whole way.
        let legs = if legs.len() == 1 { &[] } else { legs };
        if legs.is_empty() {
            return inputs.legs.first().map_or_else(|| Ok(Vec::new()), |leg| Err(leg.clone()));
        }
        let each = (1..).zip(legs).zip(&inputs.legs).map(|((number, way), leg)| {
            let rule = self.tariff(way, inputs).ok_or_else(|| leg.clone())?;
            Ok(OnLeg { leg: Some(number), rule })
        });
        each.collect()
    }

    /// Returns the sale of the discount code, or without one the best of those that need none.
    fn sale(
        &self,
        way: &Way<'_>,
        inputs: &Inputs,
        tariffs: &[OnLeg<Tariff>],
    ) -> Result<Option<OnLeg<Sale>>, RatingError> {
        let tables = &self.0.tables;
        if let Some(code) = &inputs.discount_code {
            let sale = self.coded_sale(code, way, inputs, one_currency(tariffs)?)?;
            return Ok(Some(OnLeg { leg: None, rule: sale }));
        }
        let mut best: Option<(i64, &Arc<Copied<Sale>>)> = None;
        let mut charge = None;
        let own = self.0.sales.iter().filter(|sale| sale.is_between(way)).map(|sale| &sale.rule);
        for sale in tables.sales.covering(way, &tables.places, &[()]).flatten().chain(own) {
            let is_on = sale.terms.code.is_none() && sale.terms.is_on(inputs.quoted_at) && !self.is_used_up(sale);
            if !is_on || !sale.terms.reach.matches(way) {
                continue;
            }
            let charge = *charge.get_or_insert_with(|| weight_charge_of(inputs, tariffs));
            let Some(amount) = charge.and_then(|charge| discount(&sale.terms, charge)) else { continue };
            let is_better =
                best.is_none_or(|(most, known)| amount > most || (amount == most && sale.rank() < known.rank()));
            if amount > 0 && is_better {
                best = Some((amount, sale));
            }
        }
        Ok(best.map(|(_, sale)| OnLeg { leg: None, rule: sale.clone() }))
    }

    /// Returns whether a sale in force has this code.
    pub fn knows_code(&self, code: &str) -> bool {
        self.0.tables.by_code.get(code).is_some() || self.default_sale(code).is_some()
    }

    /// Returns the sale of the settings with this code.
    fn default_sale(&self, code: &str) -> Option<&DefaultSale> {
        self.0.sales.iter().find(|sale| sale.rule.terms.code.as_deref() == Some(code))
    }

    fn coded_sale(
        &self,
        code: &str,
        way: &Way<'_>,
        inputs: &Inputs,
        currency: Currency,
    ) -> Result<Arc<Copied<Sale>>, RatingError> {
        let refuse = |reason| Err(RatingError::Discount(reason));
        let tables = &self.0.tables;
        let kept = tables.by_code.get(code).and_then(|id| tables.sales.get(*id));
        let own = self.default_sale(code);
        let Some(sale) = kept.or_else(|| own.map(|sale| &sale.rule)) else {
            return refuse(DiscountReason::Unknown);
        };
        let terms = &sale.terms;
        if !terms.is_on(inputs.quoted_at) || !terms.reach.covers(way.date()) {
            return refuse(DiscountReason::Window);
        }
        let is_in_currency = match terms.reduction {
            Reduction::Percent(_) => true,
            Reduction::Amount(amount) => amount.currency() == currency,
        };
        let is_between = match own.filter(|_| kept.is_none()) {
            Some(own) => own.is_between(way),
            None => tables.sales.covering(way, &tables.places, &[()]).flatten().any(|other| other.id == sale.id),
        };
        if !is_in_currency || !terms.reach.matches(way) || !is_between {
            return refuse(DiscountReason::Route);
        }
        if self.is_used_up(sale) {
            return refuse(DiscountReason::UsedUp);
        }
        Ok(sale.clone())
    }

    fn is_used_up(&self, sale: &Copied<Sale>) -> bool {
        // What was read under a lock counts more than what was heard.
        let is_used_up = |id: Uuid| {
            let known = self.1.as_ref().and_then(|known| known.get(&SaleId::from(id)).copied());
            known.unwrap_or_else(|| self.0.tables.used_up.contains(&id))
        };
        sale.id.is_some_and(is_used_up)
    }
}

fn no_tariff(leg: &PricedLeg) -> RatingError {
    let PricedLeg { flight_number, origin, destination, .. } = leg;
    RatingError::no_rate(format!("No tariff applies to {flight_number} from {origin} to {destination}."))
}

pub(super) fn one_currency(tariffs: &[OnLeg<Tariff>]) -> Result<Currency, RatingError> {
    let mut currencies = tariffs.iter().map(|tariff| tariff.rule.terms.currency());
    let first = currencies.next().ok_or_else(|| RatingError::no_rate("No tariff applies."))?;
    match currencies.find(|currency| *currency != first) {
        None => Ok(first),
        Some(other) => Err(RatingError::no_rate(format!("The flights are rated in {first} and in {other}."))),
    }
}

fn weight_charge_of(inputs: &Inputs, tariffs: &[OnLeg<Tariff>]) -> Option<Money> {
    let weight = inputs.load.chargeable();
    let currency = tariffs.first()?.rule.terms.currency();
    let amounts = tariffs.iter().map(|tariff| Some(weight_charge(&tariff.rule.terms, weight)?.amount));
    Some(Money::new(amounts.sum::<Option<i64>>()?, currency))
}

/// The surcharges of each code that match: the first for the shipment, and the first for each leg.
#[derive(Default)]
struct MatchingSurcharges<'a>(Vec<OfCode<'a>>);

struct OfCode<'a> {
    code: &'a str,
    for_shipment: Option<&'a Arc<Copied<Surcharge>>>,
    for_legs: Vec<(u16, &'a Arc<Copied<Surcharge>>)>,
    /// Those of another currency than the tariff's, with their legs.
    foreign: Vec<(Option<u16>, Currency)>,
}

impl<'a> MatchingSurcharges<'a> {
    /// Takes in a surcharge whose scopes cover the way: a leg, or the whole one.
    fn consider(
        &mut self,
        leg: Option<u16>,
        rule: &'a Arc<Copied<Surcharge>>,
        way: &Way<'_>,
        inputs: &Inputs,
        currency: Currency,
    ) {
        let terms = &rule.terms;
        let is_for_way = (terms.per == Per::Leg) == leg.is_some();
        let codes = &terms.handling_codes;
        let concerns = codes.is_empty() || codes.iter().any(|code| inputs.special_handling_codes.contains(code));
        if !is_for_way || !concerns || !terms.reach.matches(way) {
            return;
        }
        let at = self.0.iter().position(|known| known.code == terms.code).unwrap_or_else(|| {
            self.0.push(OfCode { code: &terms.code, for_shipment: None, for_legs: Vec::new(), foreign: Vec::new() });
            self.0.len() - 1
        });
        let Some(of_code) = self.0.get_mut(at) else { return };
        if let Some(other) = terms.currency.filter(|other| *other != currency) {
            of_code.foreign.push((leg, other));
            return;
        }
        match leg {
            None => match &mut of_code.for_shipment {
                Some(known) if known.order() <= rule.order() => {}
                known => *known = Some(rule),
            },
            Some(leg) => match of_code.for_legs.iter_mut().find(|(number, _)| *number == leg) {
                Some((_, known)) if known.order() <= rule.order() => {}
                Some((_, known)) => *known = rule,
                None => of_code.for_legs.push((leg, rule)),
            },
        }
    }

    /// Returns those that apply, by code. Of one code, either the one for the shipment or those for legs, whichever has the
    /// first.
    fn settle(mut self, is_through: bool, currency: Currency) -> Result<Vec<OnLeg<Surcharge>>, RatingError> {
        self.0.sort_by_key(|of_code| of_code.code);
        let mut applied = Vec::new();
        for OfCode { code, for_shipment, mut for_legs, foreign } in self.0 {
            let first_for_legs = for_legs.iter().map(|(_, rule)| rule.order()).min();
            // Of the shipment, or of a leg, all that match are in another currency.
            let is_missing = |(leg, _): &&(Option<u16>, Currency)| match leg {
                Some(leg) => !for_legs.iter().any(|(number, _)| number == leg),
                None => for_legs.is_empty(),
            };
            let is_for_shipment =
                for_shipment.is_some_and(|rule| first_for_legs.is_none_or(|other| rule.order() < other));
            if let Some((_, other)) = foreign.iter().find(is_missing).filter(|_| !is_for_shipment) {
                let text = format!("The surcharge {code} is in {other}, and the tariff in {currency}.");
                return Err(RatingError::no_rate(text));
            }
            if let Some(rule) = for_shipment.filter(|_| is_for_shipment) {
                applied.push(OnLeg { leg: None, rule: rule.clone() });
                continue;
            }
            if is_through {
                merge_percent(&mut for_legs, &mut applied);
            }
            for_legs.sort_by_key(|(leg, _)| *leg);
            applied.extend(for_legs.iter().map(|(leg, rule)| OnLeg { leg: Some(*leg), rule: (*rule).clone() }));
        }
        Ok(applied)
    }
}

/// A percentage of a through rate is taken once, of the whole.
fn merge_percent(for_legs: &mut Vec<(u16, &Arc<Copied<Surcharge>>)>, applied: &mut Vec<OnLeg<Surcharge>>) {
    let percent = for_legs.iter().filter(|(_, rule)| rule.terms.basis == SurchargeBasis::Percent);
    if let Some((_, first)) = percent.min_by_key(|(_, rule)| rule.order()) {
        applied.push(OnLeg { leg: None, rule: (*first).clone() });
    }
    for_legs.retain(|(_, rule)| rule.terms.basis != SurchargeBasis::Percent);
}

impl<T: Terms> Copied<T> {
    /// The order of rules that match; those of the settings are the last.
    fn order(&self) -> (bool, Rank) {
        (self.id.is_none(), self.rank())
    }
}
