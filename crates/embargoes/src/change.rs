use loadmaster_accounts::Actor;
use loadmaster_kernel::{EmbargoId, Fault, UserId, fault_of_end};
use loadmaster_platform::{postgres::PgSession, web::Precondition, work::Command};

use super::{
    dto::ChangeEmbargo,
    error::EmbargoError,
    model::{Embargo, EmbargoEventType, Terms},
    repository,
    service::EmbargoService,
};

/// Changes the terms of an embargo in force.
pub(super) struct Change {
    pub embargoes: EmbargoService,
    pub actor: UserId,
    pub id: EmbargoId,
    pub precondition: Precondition,
    pub wanted: ChangeEmbargo,
    pub has_changed: bool,
}

impl Command for Change {
    const NAME: &'static str = "embargoes.change";
    type Done = Embargo;
    type Error = EmbargoError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Embargo, EmbargoError> {
        let embargo = lock_in_tx(tx, self.id, &self.precondition).await?;
        let terms = self.wanted.apply(&embargo.terms).map_err(EmbargoError::Invalid)?;
        self.has_changed = terms != embargo.terms;
        if !self.has_changed {
            return Ok(embargo);
        }
        let updated_at = self.embargoes.clock.now();
        let embargo = Embargo { terms, version: embargo.version + 1, updated_at, ..embargo };
        self.embargoes.save_in_tx(tx, &embargo, EmbargoEventType::Changed, Actor::Caller(self.actor)).await?;
        Ok(embargo)
    }

    async fn concluded(&mut self, outcome: Result<&Embargo, &EmbargoError>) {
        if let Ok(embargo) = outcome
            && self.has_changed
        {
            self.embargoes.changed(embargo, EmbargoEventType::Changed).await;
        }
    }
}

/// Locks an embargo in force that still has the version that the caller knows.
pub(super) async fn lock_in_tx(
    tx: &mut PgSession,
    id: EmbargoId,
    precondition: &Precondition,
) -> Result<Embargo, EmbargoError> {
    let embargo = repository::lock(tx, id).await?.ok_or(EmbargoError::Unknown(id))?;
    precondition.check(embargo.version).map_err(EmbargoError::VersionMismatch)?;
    Ok(embargo)
}

impl ChangeEmbargo {
    /// Returns the changed terms, or the members that contradict existing values, each with its fault.
    fn apply(&self, terms: &Terms) -> Result<Terms, Vec<(&'static str, Fault)>> {
        let change = self.clone();
        let valid_from = change.valid_from.unwrap_or(terms.valid_from);
        let valid_to = change.valid_to.or(terms.valid_to);
        if let Some(fault) = valid_to.and_then(|last| fault_of_end(valid_from, last, "valid_from")) {
            let is_end = !self.valid_to.is_keep();
            return Err(vec![if is_end {
                ("/valid_to", fault)
            } else {
                ("/valid_from", Fault::new(fault.code, "must not be after `valid_to`"))
            }]);
        }
        Ok(Terms {
            name: change.name.unwrap_or_else(|| terms.name.clone()),
            reason: change.reason.unwrap_or_else(|| terms.reason.clone()),
            airline: change.airline_code.or(terms.airline),
            origin: change.origin.unwrap_or_else(|| terms.origin.clone()),
            destination: change.destination.unwrap_or_else(|| terms.destination.clone()),
            flight_numbers: change.flight_numbers.or(Some(terms.flight_numbers.clone())).unwrap_or_default(),
            valid_from,
            valid_to,
            aircraft: change.aircraft_code.or(terms.aircraft),
            is_freighter: change.is_freighter.or(terms.is_freighter),
            weekdays: change.weekdays.or(Some(terms.weekdays.clone())).unwrap_or_default(),
            handling_codes: change.handling_codes.or(Some(terms.handling_codes.clone())).unwrap_or_default(),
            effect: change.effect.unwrap_or_else(|| terms.effect.clone()),
        })
    }
}
