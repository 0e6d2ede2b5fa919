//! The search of an alert: as its organization would be answered now.
use loadmaster_kernel::{Currency, OrganizationId};
use loadmaster_search::{Request, SearchError, WatchedLane};

use super::{
    error::AlertError,
    model::{AlertKind, Found, Terms},
    service::AlertService,
};

impl AlertService {
    /// Returns the cheapest option on the dates of these terms, or for space the first on the earliest. `currency`: only prices in
    /// it compare with the threshold. `lane` is that of the terms.
    pub(super) async fn best(
        &self,
        lane: &mut WatchedLane,
        terms: &Terms,
        organization: OrganizationId,
        currency: Option<Currency>,
    ) -> Result<Option<Found>, AlertError> {
        let request = Request {
            weight: Some(terms.weight),
            volume: terms.volume,
            positions: terms.positions,
            dimensions: terms.dimensions.clone(),
            special_handling_codes: terms.special_handling_codes.clone(),
            own: self.capacity.allotted().of(Some(organization)),
            priced_for: (terms.kind == AlertKind::Price).then_some(Some(organization)),
            ..Request::default()
        };
        let today = self.reference.local_date(terms.origin, self.clock.now());
        let best = match Box::pin(lane.best(&terms.dates(today), &request, currency)).await {
            Ok(best) => best,
            // Nothing leaves an airport that is no longer known.
            Err(SearchError::NoSuchAirport(_)) => None,
            Err(error) => return Err(error.into()),
        };
        Ok(best.map(|best| Found { departure_date: best.date, price: best.price, flight_ids: best.flights }))
    }
}
