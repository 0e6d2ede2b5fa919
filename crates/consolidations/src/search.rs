//! The group search for the masters of a consolidation.
use loadmaster_accounts::Principal;
use loadmaster_kernel::{ConsolidationId, Fault, FaultCode};
use loadmaster_platform::{
    rate_limit::Verdict,
    web::{ClientAddress, Problem},
};
use loadmaster_reference::Reference;
use loadmaster_search::{GroupFreight, GroupOption, GroupQuery};

use super::{
    dto::{SearchMasters, same_as_destination},
    error::ConsolidationError,
    model::{Part, PartStatus, Whole},
    service::ConsolidationService,
};

impl ConsolidationService {
    /// Returns the best combinations of routes for the parts that are ready, as the caller's own search finds them, and what is
    /// left of the caller's quota, if there is a limit.
    pub(super) async fn search(
        &self,
        (caller, address): (Principal, Option<ClientAddress>),
        id: ConsolidationId,
        wanted: &SearchMasters,
        reference: &Reference,
    ) -> Result<(Vec<GroupOption>, Option<Verdict>), Problem> {
        let query = wanted.query(&self.visible(caller, id).await?, reference)?;
        let left = self.search.admit_group(&query, Some(caller), address).await?;
        let found = Box::pin(self.search.group(&query, Some(caller), address)).await?;
        Ok((found, left))
    }
}

impl SearchMasters {
    /// Returns the search for the parts of a consolidation that are ready.
    fn query(&self, whole: &Whole, reference: &Reference) -> Result<GroupQuery, ConsolidationError> {
        let terms = &whole.consolidation.terms;
        if self.hub == Some(terms.destination) {
            return Err(ConsolidationError::Invalid(vec![("/hub", same_as_destination())]));
        }
        let ready = whole.parts.iter().filter(|part| part.status == PartStatus::Ready);
        let parts: Vec<GroupFreight> = ready.map(freight).collect();
        if parts.is_empty() {
            return Err(ConsolidationError::Incomplete("No part of the consolidation is ready."));
        }
        let is_over = |latest| parts.iter().all(|part| reference.local_date(part.origin, latest) < self.departure_date);
        if self.latest_arrival.is_some_and(is_over) {
            let fault = Fault::new(FaultCode::OutOfOrder, "must not be before the `departure_date`");
            return Err(ConsolidationError::Invalid(vec![("/latest_arrival", fault)]));
        }
        Ok(GroupQuery {
            destination: terms.destination,
            departure_date: self.departure_date,
            parts,
            latest_arrival: self.latest_arrival.or(terms.latest_arrival),
            hub: self.hub,
            price: self.price.unwrap_or_default(),
        })
    }
}

fn freight(part: &Part) -> GroupFreight {
    GroupFreight {
        origin: part.content.origin,
        dimensions: part.content.dimensions.clone(),
        space: part.content.load.space,
        special_handling_codes: part.content.special_handling_codes.clone(),
        ready_at: part.content.ready_at,
    }
}
