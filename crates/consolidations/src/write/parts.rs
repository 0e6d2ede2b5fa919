use std::collections::BTreeSet;

use loadmaster_accounts::Principal;
use loadmaster_kernel::{AirportCode, ConsolidationId, ConsolidationPartId, Fault, FaultCode};
use loadmaster_platform::{postgres::PgSession, web::Precondition, work::Command};
use loadmaster_shipment::MemberFaults;

use super::check_origin;

use crate::{
    dto::ChangePart,
    error::ConsolidationError,
    model::{
        ConsolidationChange, Happening, MOST_ORIGINS, MOST_PARTS, Part, PartContent, PartStatus, Whole, freight_faults,
    },
    repository,
    service::ConsolidationService,
};

/// Withdrawn parts that are kept.
pub(super) const WITHDRAWN_KEPT: i64 = 100;

/// Adds a part of the caller's organization.
pub(crate) struct Add {
    pub consolidations: ConsolidationService,
    pub caller: Principal,
    pub id: ConsolidationId,
    pub content: PartContent,
    pub status: PartStatus,
}

impl Command for Add {
    const NAME: &'static str = "consolidations.add_part";
    type Done = Part;
    type Error = ConsolidationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Part, ConsolidationError> {
        let Self { consolidations, caller, id, content, status } = self;
        let mut whole = consolidations.lock_in_tx(tx, *caller, *id, &Precondition::default()).await?;
        // The carrier's staff read, but do not ship with others.
        if !whole.is_member(caller.organization_id) {
            return Err(ConsolidationError::NotMember);
        }
        let now = consolidations.clock.now();
        let part = Part {
            id: consolidations.ids.next(now),
            organization_id: caller.organization_id,
            created_by: Some(caller.user_id),
            content: content.clone(),
            status: *status,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        check_part(&whole, &part, true)?;
        repository::insert_part(tx, *id, &part).await?;
        let added = Happening::change(ConsolidationChange::PartAdded)
            .about(Some(part.organization_id), Some(part.id))
            .at([part.content.origin]);
        consolidations.record_in_tx(tx, *caller, &mut whole.consolidation, added).await?;
        Ok(part)
    }
}

/// Changes a part: its organization, or the owner.
pub(crate) struct ChangePartOf {
    pub consolidations: ConsolidationService,
    pub caller: Principal,
    pub id: ConsolidationId,
    pub part: ConsolidationPartId,
    pub precondition: Precondition,
    pub wanted: ChangePart,
}

impl Command for ChangePartOf {
    const NAME: &'static str = "consolidations.change_part";
    type Done = Part;
    type Error = ConsolidationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Part, ConsolidationError> {
        let Self { consolidations, caller, id, part, precondition, wanted } = self;
        let mut whole = consolidations.lock_in_tx(tx, *caller, *id, &Precondition::default()).await?;
        let before = editable(&whole, *caller, *part)?.clone();
        precondition.check(before.version).map_err(ConsolidationError::VersionMismatch)?;
        let content = wanted.applied(&before.content).map_err(ConsolidationError::Invalid)?;
        let status = wanted.status.map_or(before.status, PartStatus::from);
        if content == before.content && status == before.status {
            return Ok(before);
        }
        let comes_back = before.status == PartStatus::Withdrawn && status != PartStatus::Withdrawn;
        let origins: BTreeSet<AirportCode> = [before.content.origin, content.origin].into();
        let now = consolidations.clock.now();
        let after = Part { content, status, version: before.version + 1, updated_at: now, ..before };
        if comes_back && !whole.is_member(after.organization_id) {
            return Err(ConsolidationError::MemberLeft);
        }
        if status != PartStatus::Withdrawn {
            check_part(&whole, &after, comes_back)?;
        }
        repository::save_part(tx, &after).await?;
        repository::delete_withdrawn(tx, *id, WITHDRAWN_KEPT).await?;
        let changed = Happening::change(ConsolidationChange::PartChanged)
            .about(Some(after.organization_id), Some(after.id))
            .at(origins);
        consolidations.record_in_tx(tx, *caller, &mut whole.consolidation, changed).await?;
        Ok(after)
    }
}

/// Withdraws a part: its organization, or the owner. It stays in the list.
pub(crate) struct Withdraw {
    pub consolidations: ConsolidationService,
    pub caller: Principal,
    pub id: ConsolidationId,
    pub part: ConsolidationPartId,
    pub precondition: Precondition,
}

impl Command for Withdraw {
    const NAME: &'static str = "consolidations.withdraw_part";
    type Done = Part;
    type Error = ConsolidationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Part, ConsolidationError> {
        let Self { consolidations, caller, id, part, precondition } = self;
        let mut whole = consolidations.lock_in_tx(tx, *caller, *id, &Precondition::default()).await?;
        let before = editable(&whole, *caller, *part)?.clone();
        precondition.check(before.version).map_err(ConsolidationError::VersionMismatch)?;
        if before.status == PartStatus::Withdrawn {
            return Ok(before);
        }
        let now = consolidations.clock.now();
        let after = Part { status: PartStatus::Withdrawn, version: before.version + 1, updated_at: now, ..before };
        repository::save_part(tx, &after).await?;
        repository::delete_withdrawn(tx, *id, WITHDRAWN_KEPT).await?;
        let withdrawn = Happening::change(ConsolidationChange::PartWithdrawn)
            .about(Some(after.organization_id), Some(after.id))
            .at([after.content.origin]);
        consolidations.record_in_tx(tx, *caller, &mut whole.consolidation, withdrawn).await?;
        Ok(after)
    }
}

/// Returns a part that the caller may change: of its own organization, or any as the owner.
fn editable(whole: &Whole, caller: Principal, id: ConsolidationPartId) -> Result<&Part, ConsolidationError> {
    let organization = caller.organization_id;
    let may_change = |part: &&Part| whole.is_owner(organization) || part.organization_id == organization;
    let found = whole.parts.iter().find(|part| part.id == id);
    found.filter(may_change).ok_or(ConsolidationError::UnknownPart)
}

/// Checks a part as it is to be against the others. `is_new`: it takes one more of the places.
fn check_part(whole: &Whole, part: &Part, is_new: bool) -> Result<(), ConsolidationError> {
    check_origin(whole, part.content.origin)?;
    let others: Vec<&Part> = whole.living_parts().filter(|other| other.id != part.id).collect();
    if is_new && others.len() >= MOST_PARTS {
        return Err(ConsolidationError::LimitReached { what: "parts", limit: MOST_PARTS });
    }
    let origins: BTreeSet<AirportCode> = others.iter().map(|other| other.content.origin).collect();
    let mut faults = MemberFaults::new();
    if !origins.contains(&part.content.origin) && origins.len() >= MOST_ORIGINS {
        let text = format!("would be the origin number {} of at most {MOST_ORIGINS}", origins.len() + 1);
        faults.push(("/origin", Fault::new(FaultCode::TooLarge, text)));
    }
    let of_origin = others.iter().map(|other| &other.content).filter(|other| other.origin == part.content.origin);
    faults.extend(freight_faults(&part.content, of_origin));
    if faults.is_empty() { Ok(()) } else { Err(ConsolidationError::Invalid(faults)) }
}
