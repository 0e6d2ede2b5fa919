use chrono::{DateTime, Utc};
use loadmaster_capacity::Space;
use loadmaster_flights::Flight;
use loadmaster_kernel::{HandlingCode, OrganizationId, Volume, Weight};
use loadmaster_pricing::{Estimate, Freight, PRODUCT_GENERAL, PriceKey, PriceRules, PricedLeg};

/// Rates the options of one search.
#[derive(Debug, Clone)]
pub struct Pricer {
    rules: PriceRules,
    weight: Weight,
    volume: Volume,
    special_handling_codes: Vec<HandlingCode>,
    organization: Option<OrganizationId>,
    now: DateTime<Utc>,
}

/// All that a price depends on besides flights and space.
pub type PricerKey = (PriceKey, Vec<HandlingCode>);

impl Pricer {
    pub fn of(
        space: Space,
        special_handling_codes: &[HandlingCode],
        rules: PriceRules,
        organization: Option<OrganizationId>,
        now: DateTime<Utc>,
    ) -> Self {
        Self {
            rules,
            weight: space.weight,
            volume: space.volume,
            special_handling_codes: special_handling_codes.to_vec(),
            organization,
            now,
        }
    }

    pub fn key(&self) -> PricerKey {
        (self.rules.key(self.organization, self.now), self.special_handling_codes.clone())
    }

    fn freight(&self) -> Freight<'_> {
        Freight {
            weight: self.weight,
            volume: self.volume,
            special_handling_codes: &self.special_handling_codes,
            product: PRODUCT_GENERAL,
        }
    }

    pub fn price(&self, flights: &[Flight]) -> Option<Estimate> {
        self.rules.estimate(flights, self.freight(), self.organization, self.now)
    }

    pub fn price_legs(&self, legs: Vec<PricedLeg>) -> Option<Estimate> {
        self.rules.estimate_legs(legs, self.freight(), self.organization, self.now)
    }
}
