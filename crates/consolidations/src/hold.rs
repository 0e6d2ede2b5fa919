//! Holds masters: the desk takes them one by one, each under `<key>/<origin>`. If one is refused, the others are given back.
use std::collections::BTreeSet;

use loadmaster_accounts::Principal;
use loadmaster_holds::{CreateHold, EndReason, HoldError, HoldStatus, HoldVerb};
use loadmaster_kernel::{AirportCode, ConsolidationId, Fault, FaultCode, HoldId};
use loadmaster_platform::{
    idempotency::Key,
    postgres::PgSession,
    web::{Precondition, Problem},
    work::Command,
};
use serde::Deserialize;

use super::{
    dto::MasterWay,
    error::{ConsolidationError, code},
    model::{ConsolidationChange, Freight, Happening, Master, Whole},
    repository,
    service::ConsolidationService,
};

/// The path of holds.
const HOLDS: &str = "/api/v1/holds";
/// What a master is called on its air waybill.
const NATURE: &str = "CONSOLIDATION AS PER ATTACHED LIST";
/// Most holds made for one way of a request that is repeated: a hold that was given back is no master.
const MOST_TRIES: u32 = 5;

/// Holds masters on these ways, or none.
pub(super) struct Hold {
    pub consolidations: ConsolidationService,
    pub caller: Principal,
    pub id: ConsolidationId,
    pub precondition: Precondition,
    pub ways: Vec<MasterWay>,
    /// The holds that were made.
    pub made: Vec<(AirportCode, HoldId)>,
}

impl Command for Hold {
    const NAME: &'static str = "consolidations.hold";
    type Done = Whole;
    type Error = ConsolidationError;

    async fn prepare(&mut self, key: &Key) -> Result<(), ConsolidationError> {
        // The desk makes no hold for a request that was carried out.
        key.look_before_waiting().await?;
        let Self { consolidations, caller, id, precondition, ways, made } = self;
        let whole = consolidations.own(*caller, *id, precondition).await?;
        check_ways(&whole, ways)?;
        for (place, way) in ways.iter().enumerate() {
            if made.iter().any(|(origin, _)| *origin == way.origin) {
                continue;
            }
            let freight = whole.ready_at(way.origin).ok_or(ConsolidationError::UnknownOrigin(way.origin))?;
            let held = Box::pin(consolidations.hold_one(*caller, way, &freight, key)).await;
            let refused = |problem| ConsolidationError::Refused { origin: way.origin, problem: Box::new(problem) };
            let held = held.map_err(refused)?;
            made.push((way.origin, held.id));
            check_ends(&whole, (place, way), &held)?;
        }
        Ok(())
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Whole, ConsolidationError> {
        let Self { consolidations, caller, id, precondition, ways, made } = self;
        let whole = consolidations.lock_own_in_tx(tx, *caller, *id, precondition).await?;
        check_ways(&whole, ways)?;
        let now = consolidations.clock.now();
        let holds: Vec<HoldId> = made.iter().map(|(_, hold)| *hold).collect();
        let open = repository::open_holds(tx, &holds, now).await?;
        if let Some((origin, _)) = made.iter().find(|(_, hold)| !open.contains(hold)) {
            return Err(ConsolidationError::HoldEnded(*origin));
        }
        repository::save_masters(tx, *id, made, now).await?;
        let held = Happening::change(ConsolidationChange::Held).at(made.iter().map(|(origin, _)| *origin));
        consolidations.recorded_in_tx(tx, *caller, whole, held).await
    }

    /// Gives back what was held if there is no master for it.
    async fn concluded(&mut self, outcome: Result<&Whole, &ConsolidationError>) {
        if outcome.is_err_and(|error| !error.may_have_happened()) {
            for (origin, hold) in std::mem::take(&mut self.made) {
                let released = Box::pin(self.consolidations.release_one(self.caller, hold, Key::none())).await;
                if let Err(problem) = released {
                    let because = problem.code().as_str();
                    tracing::warn!(because, %origin, hold_id = %hold, "a hold is not given back; it expires by itself");
                }
            }
        }
    }
}

/// Checks that each way is of another origin, with parts that are ready and no master in force.
fn check_ways(whole: &Whole, ways: &[MasterWay]) -> Result<(), ConsolidationError> {
    let ready = whole.ready_origins();
    if ready.is_empty() {
        return Err(ConsolidationError::Incomplete("No part of the consolidation is ready."));
    }
    let mut seen = BTreeSet::<AirportCode>::new();
    let mut faults = Vec::new();
    for (place, way) in ways.iter().enumerate() {
        let fault = if !seen.insert(way.origin) {
            Fault::new(FaultCode::NotAllowed, "is the origin of an earlier way")
        } else if !ready.contains(&way.origin) {
            Fault::new(FaultCode::UnknownValue, "has no parts that are ready")
        } else {
            continue;
        };
        faults.push((format!("/ways/{place}/origin"), fault));
    }
    if !faults.is_empty() {
        return Err(ConsolidationError::InvalidWays(faults));
    }
    let in_force = |way: &&MasterWay| whole.master_of(way.origin).is_some_and(Master::is_in_force);
    match ways.iter().find(in_force) {
        Some(way) => Err(ConsolidationError::InForce(way.origin)),
        None => Ok(()),
    }
}

/// The hold that an answer shows.
#[derive(Deserialize)]
struct Made {
    id: HoldId,
    origin: AirportCode,
    destination: AirportCode,
}

/// Checks that the flights of a way lead from its origin to the destination.
fn check_ends(whole: &Whole, (place, way): (usize, &MasterWay), made: &Made) -> Result<(), ConsolidationError> {
    let destination = whole.consolidation.terms.destination;
    if (made.origin, made.destination) == (way.origin, destination) {
        return Ok(());
    }
    let fault = Fault::new(FaultCode::NotAllowed, format!("must lead from {} to {destination}", way.origin));
    Err(ConsolidationError::InvalidWays(vec![(format!("/ways/{place}/flight_ids"), fault)]))
}

impl ConsolidationService {
    /// Returns a consolidation of the caller's own that can be changed and still has the version that the caller knows.
    pub(super) async fn own(
        &self,
        caller: Principal,
        id: ConsolidationId,
        precondition: &Precondition,
    ) -> Result<Whole, ConsolidationError> {
        let whole = self.visible(caller, id).await?;
        if !whole.is_owner(caller.organization_id) {
            return Err(ConsolidationError::NotOwner);
        }
        precondition.check(whole.consolidation.version).map_err(ConsolidationError::VersionMismatch)?;
        if whole.consolidation.cancelled_at.is_some() {
            return Err(ConsolidationError::Cancelled);
        }
        Ok(whole)
    }

    /// Makes the hold of one origin, or returns the one that was made under the key and still keeps room.
    async fn hold_one(
        &self,
        caller: Principal,
        way: &MasterWay,
        freight: &Freight,
        key: &Key,
    ) -> Result<Made, Problem> {
        let flights: Vec<String> = way.flight_ids.0.iter().map(ToString::to_string).collect();
        for attempt in 0..MOST_TRIES {
            let part = if attempt == 0 { way.origin.to_string() } else { format!("{}/{attempt}", way.origin) };
            let key = key.part(&flights.join(" "), &part, HOLDS);
            let answer = match Box::pin(self.desk.hold_for(caller, new_hold(way, freight), key)).await {
                // Under this key a hold on other flights was made and given back.
                Err(problem) if problem.code() == code::IDEMPOTENCY_KEY_REUSED => continue,
                answer => answer?,
            };
            let made: Made = answer.read().ok_or_else(|| Problem::internal(&"an answer that shows no hold"))?;
            if !answer.is_replayed() || self.is_open(caller, made.id).await? {
                return Ok(made);
            }
        }
        Err(HoldError::Expired.into())
    }

    async fn is_open(&self, caller: Principal, hold: HoldId) -> Result<bool, HoldError> {
        let hold = self.desk.holds().visible(caller, hold).await?;
        Ok(hold.status_at(self.clock.now()) == HoldStatus::Active)
    }

    /// Releases a hold; one that has ended already is released.
    pub(super) async fn release_one(&self, caller: Principal, hold: HoldId, key: Key) -> Result<(), Problem> {
        let counted = self.desk.holds().caller(caller, None);
        let verb = HoldVerb::Release(EndReason::Caller);
        match self.desk.change_hold(counted, (hold, Precondition::default()), verb, key).await {
            Ok(_) => Ok(()),
            Err(problem) if matches!(problem.code(), code::HOLD_EXPIRED | code::INVALID_TRANSITION) => Ok(()),
            Err(problem) => Err(problem),
        }
    }
}

fn new_hold(way: &MasterWay, freight: &Freight) -> CreateHold {
    CreateHold {
        flight_ids: way.flight_ids.0.clone(),
        origin: None,
        destination: None,
        departure_date: None,
        weight_kg: freight.weight,
        volume_m3: Some(freight.volume),
        positions: Some(freight.positions),
        ttl_seconds: None,
        quote_id: None,
        discount_code: None,
        pieces: freight.pieces,
        position_names: None,
        product: None,
        description: Some(NATURE.to_owned()),
        special_handling_codes: freight.special_handling_codes.clone(),
        awb_number: None,
        shipper: None,
        consignee: None,
        customer_reference: None,
        contact: None,
    }
}

/// Releases the masters that are held.
pub(super) struct Release {
    pub consolidations: ConsolidationService,
    pub caller: Principal,
    pub id: ConsolidationId,
    pub precondition: Precondition,
    /// The origins whose masters were released.
    pub released: BTreeSet<AirportCode>,
}

impl Command for Release {
    const NAME: &'static str = "consolidations.release";
    type Done = Whole;
    type Error = ConsolidationError;

    async fn prepare(&mut self, key: &Key) -> Result<(), ConsolidationError> {
        key.look_before_waiting().await?;
        let Self { consolidations, caller, id, precondition, released } = self;
        let whole = consolidations.own(*caller, *id, precondition).await?;
        released.extend(consolidations.release_all(*caller, &whole).await?);
        Ok(())
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Whole, ConsolidationError> {
        let Self { consolidations, caller, id, precondition, released } = self;
        let whole = consolidations.lock_own_in_tx(tx, *caller, *id, precondition).await?;
        if released.is_empty() {
            return Ok(whole);
        }
        let happening = Happening::change(ConsolidationChange::Released).at(released.iter().copied());
        consolidations.recorded_in_tx(tx, *caller, whole, happening).await
    }
}

impl ConsolidationService {
    /// Releases the masters that are held, and returns their origins.
    pub(super) async fn release_all(
        &self,
        caller: Principal,
        whole: &Whole,
    ) -> Result<Vec<AirportCode>, ConsolidationError> {
        let mut released = Vec::new();
        for master in whole.masters.iter().filter(|master| master.is_held()) {
            let origin = master.origin;
            let refused = |problem| ConsolidationError::Refused { origin, problem: Box::new(problem) };
            Box::pin(self.release_one(caller, master.hold_id, Key::none())).await.map_err(refused)?;
            released.push(origin);
        }
        Ok(released)
    }
}
