//! Changes of the plan: each is one transaction under the lock of its consolidation.
mod members;
mod parts;

use loadmaster_accounts::Principal;
use loadmaster_kernel::{AirportCode, ConsolidationId, Fault, FaultCode};
use loadmaster_platform::{postgres::PgSession, web::Precondition, work::Command};

pub(super) use members::{Answered, Invite, Join, RemoveMember};
pub(super) use parts::{Add, ChangePartOf, Withdraw};

use super::{
    dto::{ChangeConsolidation, same_as_destination},
    error::ConsolidationError,
    model::{
        Consolidation, ConsolidationChange, ConsolidationEventType, Happening, Master, Member, MemberRole,
        MemberStatus, Terms, Whole,
    },
    repository,
    service::ConsolidationService,
};

/// Makes a consolidation; the caller's organization is its owner.
pub(super) struct Create {
    pub consolidations: ConsolidationService,
    pub caller: Principal,
    pub terms: Terms,
    /// Where the owner's own parts start.
    pub origin: Option<AirportCode>,
}

impl Command for Create {
    const NAME: &'static str = "consolidations.create";
    type Done = Whole;
    type Error = ConsolidationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Whole, ConsolidationError> {
        let Self { consolidations, caller, terms, origin } = self;
        let now = consolidations.clock.now();
        let consolidation = Consolidation {
            id: consolidations.ids.next(now),
            organization_id: caller.organization_id,
            created_by: Some(caller.user_id),
            terms: terms.clone(),
            cancelled_at: None,
            event_sequence: 0,
            version: 0,
            created_at: now,
            updated_at: now,
        };
        let owner = Member {
            id: consolidations.ids.next(now),
            organization_id: Some(caller.organization_id),
            name: None,
            role: MemberRole::Owner,
            status: MemberStatus::Accepted,
            origin: *origin,
            invitation: None,
            invited_by: None,
            invited_at: now,
            answered_at: Some(now),
        };
        repository::insert(tx, &consolidation).await?;
        repository::insert_member(tx, consolidation.id, &owner).await?;
        let whole = Whole { consolidation, members: vec![owner], parts: Vec::new(), masters: Vec::new() };
        let created = Happening::of(ConsolidationEventType::Created);
        consolidations.recorded_in_tx(tx, *caller, whole, created).await
    }
}

/// Changes the terms. A consolidation that is changed to what it is already keeps its version.
pub(super) struct Change {
    pub consolidations: ConsolidationService,
    pub caller: Principal,
    pub id: ConsolidationId,
    pub precondition: Precondition,
    pub wanted: ChangeConsolidation,
}

impl Command for Change {
    const NAME: &'static str = "consolidations.change";
    type Done = Whole;
    type Error = ConsolidationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Whole, ConsolidationError> {
        let Self { consolidations, caller, id, precondition, wanted } = self;
        let mut whole = consolidations.lock_own_in_tx(tx, *caller, *id, precondition).await?;
        let terms = wanted.applied(&whole.consolidation.terms);
        if terms == whole.consolidation.terms {
            return Ok(whole);
        }
        if terms.destination != whole.consolidation.terms.destination {
            check_destination(&whole, terms.destination)?;
        }
        whole.consolidation.terms = terms;
        let changed = Happening::change(ConsolidationChange::Terms);
        consolidations.recorded_in_tx(tx, *caller, whole, changed).await
    }
}

/// Fails if masters travel elsewhere, or parts start at the new destination.
fn check_destination(whole: &Whole, destination: AirportCode) -> Result<(), ConsolidationError> {
    if whole.masters.iter().any(Master::is_in_force) {
        let text = "cannot be changed while a master is held or booked";
        let fault = Fault::new(FaultCode::NotAllowed, text);
        return Err(ConsolidationError::Invalid(vec![("/destination", fault)]));
    }
    let starts_there = whole.living_parts().any(|part| part.content.origin == destination);
    if starts_there { Err(ConsolidationError::Invalid(vec![("/destination", parts_start_there())])) } else { Ok(()) }
}

fn parts_start_there() -> Fault {
    Fault::new(FaultCode::SameAsOrigin, "must differ from the origins of the parts")
}

/// Fails if an origin is the destination.
fn check_origin(whole: &Whole, origin: AirportCode) -> Result<(), ConsolidationError> {
    if whole.consolidation.terms.destination == origin {
        return Err(ConsolidationError::Invalid(vec![("/origin", same_as_destination())]));
    }
    Ok(())
}
