//! The search of an alert: as its organization would be answered now.
use loadmaster_kernel::{Currency, FlightId, Money, OrganizationId};
use loadmaster_search::{Departing, Itinerary, Request};

use super::{
    error::AlertError,
    model::{AlertKind, Found, Terms},
    service::AlertService,
};

impl AlertService {
    /// Returns the cheapest option on the dates of these terms, or for space the first on the earliest. `currency`: only prices in
    /// it compare with the threshold.
    pub(super) async fn best(
        &self,
        terms: &Terms,
        organization: OrganizationId,
        currency: Option<Currency>,
    ) -> Result<Option<Found>, AlertError> {
        let is_priced = terms.kind == AlertKind::Price;
        let request = Request {
            weight: Some(terms.weight),
            volume: terms.volume,
            positions: terms.positions,
            special_handling_codes: terms.special_handling_codes.clone(),
            own: self.capacity.allotted().of(Some(organization)),
            priced_for: is_priced.then_some(Some(organization)),
            ..Request::default()
        };
        let today = self.reference.local_date(terms.origin, self.clock.now());
        let mut best: Option<Found> = None;
        for date in terms.dates(today) {
            let departing = Departing::On(date);
            let searched = self.search.candidates(terms.origin, terms.destination, departing, &request);
            for way in Box::pin(searched).await?.bookable {
                let price = price_of(&way);
                let found = || Found { departure_date: date, price, flight_ids: flights_of(&way) };
                if !is_priced {
                    return Ok(Some(found()));
                }
                let compares = price.is_some_and(|price| currency.is_none_or(|currency| price.currency() == currency));
                if compares && best.as_ref().is_none_or(|best| order(price) < order(best.price)) {
                    best = Some(found());
                }
            }
        }
        Ok(best)
    }
}

fn price_of(way: &Itinerary) -> Option<Money> {
    way.price().map(|price| price.sums.total())
}

fn flights_of(way: &Itinerary) -> Vec<FlightId> {
    way.legs().iter().map(|flight| flight.id).collect()
}

fn order(price: Option<Money>) -> Option<(Currency, i64)> {
    price.map(|price| (price.currency(), price.minor()))
}
