use std::sync::Arc;

use chrono::{DateTime, Utc};
use loadmaster_accounts::Channel;
use loadmaster_kernel::{
    Dimensions, FlightId, HandlingCode, Money, OrganizationId, QuoteId, SaleId, UserId, Volume, Weight,
};

pub use super::rating::Rated;
use super::{
    model::Product,
    rating::{Inputs, LineKind, Load, price},
    rules::Freight,
};

/// A price that holds for some freight on some flights until it expires. Immutable, and cheap to clone.
#[derive(Debug, Clone)]
pub struct Quote {
    pub id: QuoteId,
    pub organization_id: OrganizationId,
    pub created_by: UserId,
    pub rated: Arc<Rated>,
    /// Of the freight; `None`: not given. The price follows its volume.
    pub dimensions: Option<Dimensions>,
    pub expires_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    /// Where it was asked for; `None` if that is not known.
    pub channel: Option<Channel>,
}

impl PartialEq for Quote {
    /// A quote never changes.
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Quote {}

impl Quote {
    pub fn flight_ids(&self) -> impl Iterator<Item = FlightId> + '_ {
        self.rated.inputs.legs.iter().map(|leg| leg.flight_id)
    }

    pub fn total(&self) -> Money {
        self.rated.priced.total
    }

    /// Returns the code and the amount of each line, with the special handling codes that a surcharge is charged for: freight with
    /// one of them has it. None: it is for all freight.
    pub fn charges(&self) -> impl Iterator<Item = (Option<&str>, Money, &[HandlingCode])> {
        let Rated { rules, priced, .. } = &*self.rated;
        priced.lines.iter().map(move |line| {
            let is_surcharge = line.kind == LineKind::Surcharge;
            // A leg, or the whole way, has one surcharge of a code.
            let of_line = rules.surcharges.iter().find(|surcharge| {
                is_surcharge && surcharge.leg == line.leg && Some(&surcharge.rule.terms.code) == line.code.as_ref()
            });
            let codes = of_line.map_or(&[][..], |surcharge| surcharge.rule.terms.handling_codes.as_slice());
            (line.code.as_deref(), line.amount, codes)
        })
    }

    /// Returns the sale that lowers it.
    pub fn sale(&self) -> Option<SaleId> {
        self.rated.rules.sale.as_ref()?.rule.id.map(SaleId::from)
    }

    /// Returns the discount code that was sent for it.
    pub fn discount_code(&self) -> Option<&str> {
        self.rated.inputs.discount_code.as_deref()
    }

    /// Returns whether its sale had a limit of uses when it was quoted.
    pub fn is_limited(&self) -> bool {
        self.rated.rules.sale.as_ref().is_some_and(|sale| sale.rule.terms.max_uses.is_some())
    }

    pub fn has_expired(&self, now: DateTime<Utc>) -> bool {
        self.expires_at <= now
    }

    /// Returns whether it is for this freight on these flights. Positions do not count: they cost nothing.
    pub fn matches(&self, flights: &[FlightId], freight: &Freight<'_>) -> bool {
        let Inputs { load, product, .. } = &self.rated.inputs;
        self.flight_ids().eq(flights.iter().copied())
            && (load.weight, load.volume) == (freight.weight, freight.volume)
            && self.is_for_codes(freight.special_handling_codes)
            && freight.product.parse::<Product>().unwrap_or_default() == *product
    }

    /// Returns whether it is for freight with these special handling codes, in any order.
    pub fn is_for_codes(&self, codes: &[HandlingCode]) -> bool {
        let own = &self.rated.inputs.special_handling_codes;
        own.iter().all(|code| codes.contains(code)) && codes.iter().all(|code| own.contains(code))
    }

    /// Returns the quote with another price. It expires as this one.
    #[must_use]
    pub fn with(&self, rated: Rated, id: QuoteId, now: DateTime<Utc>) -> Self {
        Self { id, rated: Arc::new(rated), created_at: now, ..self.clone() }
    }

    /// Returns the quote for other freight by its own rules, never today's; `None` if the amount is too large. It expires as
    /// this one.
    pub fn rerated(&self, id: QuoteId, weight: Weight, volume: Volume, now: DateTime<Utc>) -> Option<Self> {
        let Rated { rater, inputs, rules, .. } = &*self.rated;
        let inputs = Inputs { load: Load { weight, volume }, ..inputs.clone() };
        let priced = price(*rater, &inputs, rules)?;
        Some(self.with(Rated { rater: *rater, inputs, rules: rules.clone(), priced }, id, now))
    }

    /// Returns whether its rules still give its lines.
    pub fn rates_to_its_lines(&self) -> bool {
        let Rated { rater, inputs, rules, priced } = &*self.rated;
        price(*rater, inputs, rules).as_ref() == Some(priced)
    }
}
