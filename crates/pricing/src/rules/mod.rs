//! The price rules in force at one moment, compiled for rating.
mod choose;
mod defaults;
mod lanes;
mod places;
mod rerate;
mod sharded;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_flights::Flight;
use loadmaster_kernel::{AirportCode, HandlingCode, OrganizationId, SaleId, Volume, Weight};
use loadmaster_reference::Reference;
use uuid::Uuid;

pub use defaults::Defaults;

use self::{defaults::DefaultSale, lanes::Lanes, places::Places, sharded::Sharded};
use super::{
    model::{Copied, DiscountReason, PricedLeg, Product, Rule, Sale, Surcharge, Tariff, Terms},
    rating::{Inputs, Load, PriceBasis, RATER, Rated, Sums, price, sums},
};

/// Most products of one lane that are named.
const MOST_PRODUCTS: usize = 20;

/// Freight to be rated.
#[derive(Debug, Clone, Copy)]
pub struct Freight<'a> {
    pub weight: Weight,
    pub volume: Volume,
    pub special_handling_codes: &'a [HandlingCode],
    /// `GENERAL` if none is named.
    pub product: &'a str,
}

/// Why freight has no price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RatingError {
    /// With the reason, a sentence.
    #[error("there is no rate: {0}")]
    NoRate(String),
    #[error("the discount does not apply: {}", .0.as_str())]
    Discount(DiscountReason),
}

impl RatingError {
    pub fn no_rate(reason: impl Into<String>) -> Self {
        Self::NoRate(reason.into())
    }
}

/// The sums of a price, for a list of many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Estimate {
    pub sums: Sums,
    pub basis: PriceBasis,
}

/// Two snapshots with the same key give the same prices to the same caller on the same day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PriceKey {
    serial: u64,
    /// Of quoting: sales have days.
    date: NaiveDate,
    organization: Option<OrganizationId>,
}

/// The price rules in force at one moment: immutable, and cheap to clone. The default has none. The second part: sales that
/// must not be used.
#[derive(Debug, Clone, Default)]
pub struct PriceRules(Arc<Inner>, Option<Arc<HashMap<SaleId, bool>>>);

#[derive(Debug, Default)]
struct Inner {
    tables: Tables,
    defaults: Option<Arc<Defaults>>,
    /// Those of the settings, which apply whatever tariff rates.
    sales: Arc<[DefaultSale]>,
    reference: Reference,
    /// Differs from that of all other rules in this process.
    serial: u64,
}

/// What was read from the tables.
#[derive(Debug, Clone, Default)]
struct Tables {
    places: Arc<Places>,
    tariffs: Lanes<Tariff>,
    surcharges: Lanes<Surcharge>,
    sales: Lanes<Sale>,
    by_code: Sharded<String, Uuid>,
    /// Sales that may be used so many times only, with their codes.
    limited: Arc<BTreeMap<SaleId, Option<String>>>,
    /// The products that have tariffs, with their number: those of everybody, and those of each organization that has its own.
    products: Sharded<Option<OrganizationId>, BTreeMap<Product, usize>>,
    /// Sales that had no use left when they were read: a hint.
    used_up: Arc<HashSet<Uuid>>,
    revisions: Revisions,
}

/// Up to which change each table was read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Revisions {
    pub tariffs: i64,
    pub surcharges: i64,
    pub sales: i64,
}

impl Revisions {
    /// Returns whether neither table was read less far than for the other.
    pub const fn are_not_before(&self, other: &Self) -> bool {
        self.tariffs >= other.tariffs && self.surcharges >= other.surcharges && self.sales >= other.sales
    }
}

/// The last versions of the rules that have changed since they were read.
#[derive(Debug, Default)]
pub struct Changes {
    pub tariffs: Vec<Rule<Tariff>>,
    pub surcharges: Vec<Rule<Surcharge>>,
    pub sales: Vec<Rule<Sale>>,
    pub used_up: HashSet<Uuid>,
    pub revisions: Revisions,
}

impl Changes {
    pub fn len(&self) -> usize {
        self.tariffs.len() + self.surcharges.len() + self.sales.len()
    }
}

fn next_serial() -> u64 {
    static SERIAL: AtomicU64 = AtomicU64::new(1);
    SERIAL.fetch_add(1, Relaxed)
}

impl PriceRules {
    pub(super) fn new(reference: &Reference, defaults: Option<Arc<Defaults>>) -> Self {
        let (tables, sales, reference) = (Tables::default(), Arc::default(), reference.clone());
        Self(Arc::new(Inner { tables, defaults, sales, reference, serial: next_serial() }), None)
    }

    /// Returns the same with these sales of the settings.
    #[must_use]
    pub(super) fn with_sales(&self, sales: &[Arc<Copied<Sale>>]) -> Self {
        let Inner { tables, defaults, reference, .. } = &*self.0;
        let sales = sales.iter().map(|sale| DefaultSale::new(sale, reference)).collect();
        let (tables, defaults, reference) = (tables.clone(), defaults.clone(), reference.clone());
        Self(Arc::new(Inner { tables, defaults, sales, reference, serial: next_serial() }), None)
    }

    pub(super) fn revisions(&self) -> Revisions {
        self.0.tables.revisions
    }

    /// Returns the same with other defaults.
    #[must_use]
    pub(super) fn with_defaults(&self, defaults: Option<Arc<Defaults>>) -> Self {
        let Inner { tables, sales, reference, .. } = &*self.0;
        let (tables, sales, reference) = (tables.clone(), sales.clone(), reference.clone());
        Self(Arc::new(Inner { tables, defaults, sales, reference, serial: next_serial() }), None)
    }

    /// Returns the rules after these changes.
    #[must_use]
    pub(super) fn changed(&self, mut changes: Changes) -> Self {
        let inner = &*self.0;
        if changes.len() == 0 && changes.used_up == *inner.tables.used_up && changes.revisions == self.revisions() {
            return self.clone();
        }
        let mut tables = inner.tables.clone();
        let reference = &inner.reference;
        tables.revisions = changes.revisions;
        if *tables.used_up != changes.used_up {
            tables.used_up = Arc::new(changes.used_up);
        }
        // In this order each one is put behind the others of its bucket.
        changes.tariffs.sort_by_cached_key(|rule| rule.copied().place());
        for rule in changes.tariffs {
            tables.put_tariff(&rule, reference);
        }
        for rule in changes.surcharges {
            let Tables { places, surcharges, .. } = &mut tables;
            put(surcharges, places, &rule, reference);
        }
        for rule in changes.sales {
            tables.put_sale(&rule, reference);
        }
        let (defaults, sales, reference) = (inner.defaults.clone(), inner.sales.clone(), reference.clone());
        Self(Arc::new(Inner { tables, defaults, sales, reference, serial: next_serial() }), None)
    }

    /// Returns the same rules, with what is known for certain about these sales: whether they have no use left.
    #[must_use]
    pub fn with_uses(&self, used_up: impl IntoIterator<Item = (SaleId, bool)>) -> Self {
        let mut known: HashMap<SaleId, bool> = self.1.as_deref().cloned().unwrap_or_default();
        known.extend(used_up);
        Self(self.0.clone(), Some(Arc::new(known)))
    }

    /// Returns the same rules without these sales.
    #[must_use]
    pub fn without_sales(&self, sales: impl IntoIterator<Item = SaleId>) -> Self {
        self.with_uses(sales.into_iter().map(|sale| (sale, true)))
    }

    /// Returns the sales with a limit of uses that may apply to freight with one of these codes, or without any.
    pub fn limited_sales<'a>(&'a self, codes: &'a [&'a str]) -> impl Iterator<Item = SaleId> + 'a {
        let is_asked = |code: &str| codes.iter().any(|asked| asked.trim().eq_ignore_ascii_case(code));
        let limited = self.0.tables.limited.iter();
        limited.filter(move |(_, code)| code.as_deref().is_none_or(is_asked)).map(|(sale, _)| *sale)
    }

    /// Returns the number of tariffs in force.
    pub fn tariffs(&self) -> usize {
        self.0.tables.tariffs.len()
    }

    /// Returns the price of the freight over these flights, in order of the way, as quoted at `at`.
    pub fn rate(
        &self,
        flights: &[Flight],
        freight: Freight<'_>,
        discount_code: Option<&str>,
        organization: impl Into<Option<OrganizationId>>,
        at: DateTime<Utc>,
    ) -> Result<Rated, RatingError> {
        let inputs = self.inputs(flights, freight, discount_code, organization.into(), at);
        let rules = self.choose(&inputs)?;
        let priced = price(RATER, &inputs, &rules).ok_or_else(too_large)?;
        Ok(Rated { rater: RATER, inputs, rules, priced })
    }

    /// Returns the sums of that price, by sales that need no code.
    pub fn estimate(
        &self,
        flights: &[Flight],
        freight: Freight<'_>,
        organization: Option<OrganizationId>,
        at: DateTime<Utc>,
    ) -> Option<Estimate> {
        let legs = flights.iter().map(|flight| PricedLeg::of(flight, &self.0.reference)).collect();
        self.estimate_legs(legs, freight, organization, at)
    }

    /// The same for legs that are known already.
    pub fn estimate_legs(
        &self,
        legs: Vec<PricedLeg>,
        freight: Freight<'_>,
        organization: Option<OrganizationId>,
        at: DateTime<Utc>,
    ) -> Option<Estimate> {
        let inputs = inputs(legs, freight, None, organization, at);
        let rules = self.choose(&inputs).ok()?;
        Some(Estimate { sums: sums(inputs.load, &rules)?, basis: rules.basis() })
    }

    /// Returns the products that tariffs rate between these airports on this day for this organization: `GENERAL`, which rates
    /// every other one without a tariff of its own, then the others by name, 20 at most.
    pub fn products(
        &self,
        ends: (AirportCode, AirportCode),
        date: NaiveDate,
        organization: Option<OrganizationId>,
    ) -> Vec<Product> {
        let tables = &self.0.tables;
        let owners = [Some(None), organization.map(Some)];
        let known = owners.iter().flatten().filter_map(|owner| Some((*owner, tables.products.get(owner)?)));
        let keys = known.flat_map(|(owner, products)| products.keys().map(move |product| (owner, *product)));
        let others: BTreeSet<Product> = keys
            .filter(|(_, product)| *product != Product::GENERAL)
            .filter(|key| tables.tariffs.is_between(key, ends, date, &tables.places))
            .map(|(_, product)| product)
            .collect();
        std::iter::once(Product::GENERAL).chain(others).take(MOST_PRODUCTS).collect()
    }

    /// Returns what prices of a caller depend on besides freight and flights.
    pub fn key(&self, organization: Option<OrganizationId>, at: DateTime<Utc>) -> PriceKey {
        let is_owner = |owner: &OrganizationId| self.0.tables.products.get(&Some(*owner)).is_some();
        PriceKey { serial: self.0.serial, date: at.date_naive(), organization: organization.filter(is_owner) }
    }

    fn inputs(
        &self,
        flights: &[Flight],
        freight: Freight<'_>,
        discount_code: Option<&str>,
        organization: Option<OrganizationId>,
        at: DateTime<Utc>,
    ) -> Inputs {
        let legs = flights.iter().map(|flight| PricedLeg::of(flight, &self.0.reference)).collect();
        inputs(legs, freight, discount_code, organization, at)
    }
}

fn inputs(
    legs: Vec<PricedLeg>,
    freight: Freight<'_>,
    discount_code: Option<&str>,
    organization_id: Option<OrganizationId>,
    quoted_at: DateTime<Utc>,
) -> Inputs {
    Inputs {
        legs,
        load: Load { weight: freight.weight, volume: freight.volume },
        special_handling_codes: freight.special_handling_codes.to_vec(),
        product: freight.product.parse().unwrap_or_default(),
        discount_code: discount_code.map(|code| code.trim().to_ascii_uppercase()),
        organization_id,
        quoted_at,
    }
}

fn too_large() -> RatingError {
    RatingError::no_rate("The amount is too large.")
}

impl Tables {
    fn put_tariff(&mut self, rule: &Rule<Tariff>, reference: &Reference) {
        let Self { places, tariffs, products, .. } = self;
        let former = tariffs.get(rule.id).map(|former| former.terms.key());
        put(tariffs, places, rule, reference);
        let present = rule.ended_at.is_none().then(|| rule.terms.key());
        if let Some((owner, product)) = present
            && let Some(known) = products.entry(owner)
        {
            *known.entry(product).or_default() += 1;
        }
        let Some((owner, product)) = former else { return };
        let is_last = products.entry(owner).is_some_and(|known| {
            let left = known.get(&product).map_or(0, |count| count.saturating_sub(1));
            if left == 0 {
                known.remove(&product);
            } else {
                known.insert(product, left);
            }
            known.is_empty()
        });
        if is_last {
            products.remove(&owner);
        }
    }

    fn put_sale(&mut self, rule: &Rule<Sale>, reference: &Reference) {
        let is_limited = rule.ended_at.is_none() && rule.terms.max_uses.is_some();
        if is_limited || self.limited.contains_key(&rule.id.into()) {
            let limited = Arc::make_mut(&mut self.limited);
            limited.remove(&rule.id.into());
            if is_limited {
                limited.insert(rule.id.into(), rule.terms.code.clone());
            }
        }
        let Self { places, sales, by_code, .. } = self;
        let former = sales.get(rule.id).and_then(|former| former.terms.code.clone());
        if let Some(code) = former.filter(|code| by_code.get(code.as_str()) == Some(&rule.id)) {
            by_code.remove(&code);
        }
        put(sales, places, rule, reference);
        if let Some(code) = rule.terms.code.clone().filter(|_| rule.ended_at.is_none()) {
            by_code.insert(code, rule.id);
        }
    }
}

/// Puts a version into force, or the end of its rule.
fn put<T: Terms>(lanes: &mut Lanes<T>, places: &mut Arc<Places>, rule: &Rule<T>, reference: &Reference) {
    if rule.ended_at.is_some() {
        lanes.remove(rule.id, places);
        return;
    }
    let reach = rule.terms.reach();
    for scope in [&reach.origin, &reach.destination] {
        if places.find(scope).is_none() {
            Arc::make_mut(places).add(scope, reference);
        }
    }
    lanes.put(rule.copied(), places);
}
