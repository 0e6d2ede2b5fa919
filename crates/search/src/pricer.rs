use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_capacity::Space;
use loadmaster_flights::Flight;
use loadmaster_kernel::{AirportCode, HandlingCode, OrganizationId, Volume, Weight};
use loadmaster_pricing::{Estimate, Freight, PriceKey, PriceRules, PricedLeg, Product};

/// Rates the options of one search.
#[derive(Debug, Clone)]
pub struct Pricer {
    rules: PriceRules,
    weight: Weight,
    volume: Volume,
    special_handling_codes: Vec<HandlingCode>,
    product: Product,
    organization: Option<OrganizationId>,
    now: DateTime<Utc>,
}

/// All that a price depends on besides flights and space.
pub type PricerKey = (PriceKey, Product, Vec<HandlingCode>);

impl Pricer {
    pub fn of(
        space: Space,
        (special_handling_codes, product): (&[HandlingCode], Product),
        rules: PriceRules,
        organization: Option<OrganizationId>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            rules,
            weight: space.weight,
            volume: space.volume,
            special_handling_codes: special_handling_codes.to_vec(),
            product,
            organization,
            now,
        }
    }

    pub fn key(&self) -> PricerKey {
        (self.rules.key(self.organization, self.now), self.product, self.special_handling_codes.clone())
    }

    fn freight(&self) -> Freight<'_> {
        Freight {
            weight: self.weight,
            volume: self.volume,
            special_handling_codes: &self.special_handling_codes,
            product: self.product.as_str(),
        }
    }

    /// Returns the products that tariffs rate between these airports on this day.
    pub fn products(&self, origin: AirportCode, destination: AirportCode, date: NaiveDate) -> Vec<Product> {
        self.rules.products((origin, destination), date, self.organization)
    }

    pub fn price(&self, flights: &[Flight]) -> Option<Estimate> {
        self.rules.estimate(flights, self.freight(), self.organization, self.now)
    }

    pub fn price_legs(&self, legs: Vec<PricedLeg>) -> Option<Estimate> {
        self.rules.estimate_legs(legs, self.freight(), self.organization, self.now)
    }
}
