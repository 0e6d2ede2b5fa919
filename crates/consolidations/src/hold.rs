//! Holds masters: the desk takes them one by one, each under `<key>/<origin>`. If one is refused, the others are given back.
use std::collections::BTreeSet;

use loadmaster_accounts::Principal;
use loadmaster_holds::{CreateHold, HoldError, HoldStatus};
use loadmaster_kernel::{AirportCode, ConsolidationId, Fault, FaultCode, HoldId};
use loadmaster_platform::{
    idempotency::{Answer, Key},
    postgres::{PgSession, pause_before_retry},
    web::{Precondition, Problem, freight::NewDimensions},
    work::Command,
};
use serde::Deserialize;

use super::{
    dto::{MasterWay, WayFlights},
    error::{ConsolidationError, code},
    model::{Consolidation, ConsolidationChange, Freight, Happening, Master, Whole},
    repository,
    service::ConsolidationService,
};

/// What a master is called on its air waybill.
const NATURE: &str = "CONSOLIDATION AS PER ATTACHED LIST";
/// Most holds made for one way of a request that is repeated: a hold that was given back is no master.
const MOST_TRIES: u32 = 5;
/// Most attempts to give back one hold.
const MOST_RELEASES: u32 = 5;
/// The pauses between them, as multiples of those between attempts of a transaction: 0.2 s at first.
const SLOWER: u32 = 40;

/// Holds masters on these ways, or none.
pub(super) struct Hold {
    pub consolidations: ConsolidationService,
    pub caller: Principal,
    pub id: ConsolidationId,
    pub precondition: Precondition,
    pub ways: Vec<MasterWay>,
    /// The holds that were made.
    pub made: Vec<(AirportCode, HoldId)>,
    /// Where they lead.
    pub destination: Option<AirportCode>,
}

/// Returns the ways, each with its place in the request, in an order that all requests have in common: of two that want the
/// last room of the same flights one gets it whole.
fn in_common_order(ways: &[MasterWay]) -> Vec<(usize, &MasterWay)> {
    let mut ordered: Vec<(usize, &MasterWay)> = ways.iter().enumerate().collect();
    ordered.sort_by_key(|(_, way)| (way.flight_ids.0.last().copied(), way.origin));
    ordered
}

/// Fails if the holds lead elsewhere than the consolidation by now.
fn check_destination(whole: &Whole, destination: AirportCode) -> Result<(), ConsolidationError> {
    let Consolidation { terms, version, .. } = &whole.consolidation;
    if terms.destination == destination { Ok(()) } else { Err(ConsolidationError::VersionMismatch(*version)) }
}

impl Command for Hold {
    const NAME: &'static str = "consolidations.hold";
    type Done = Whole;
    type Error = ConsolidationError;

    async fn prepare(&mut self, key: &Key) -> Result<(), ConsolidationError> {
        // The desk makes no hold for a request that was carried out.
        key.look_before_waiting().await?;
        let Self { consolidations, caller, id, precondition, ways, made, destination } = self;
        let whole = consolidations.own(*caller, *id, precondition).await?;
        check_ways(&whole, ways)?;
        check_destination(&whole, *destination.get_or_insert(whole.consolidation.terms.destination))?;
        for (place, way) in in_common_order(ways) {
            if made.iter().any(|(origin, _)| *origin == way.origin) {
                continue;
            }
            let freight = whole.ready_at(way.origin).ok_or(ConsolidationError::UnknownOrigin(way.origin))?;
            let refused = |problem| ConsolidationError::Refused { origin: way.origin, problem: Box::new(problem) };
            consolidations.check_sizes(&whole, way, &freight).await.map_err(refused)?;
            let held = Box::pin(consolidations.hold_one(*caller, (*id, way), &freight, key)).await;
            let held = held.map_err(refused)?;
            made.push((way.origin, held.id));
            check_ends(&whole, (place, way), &held)?;
        }
        Ok(())
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Whole, ConsolidationError> {
        let Self { consolidations, caller, id, precondition, ways, made, destination } = self;
        let whole = consolidations.lock_own_in_tx(tx, *caller, *id, precondition).await?;
        check_ways(&whole, ways)?;
        // Until a hold is a master, the owner can change the destination.
        destination.map_or(Ok(()), |destination| check_destination(&whole, destination))?;
        let now = consolidations.clock.now();
        let holds: Vec<HoldId> = made.iter().map(|(_, hold)| *hold).collect();
        let open = repository::open_holds(tx, &holds, now).await?;
        if let Some((origin, _)) = made.iter().find(|(_, hold)| !open.contains(hold)) {
            return Err(ConsolidationError::HoldEnded(*origin));
        }
        repository::save_masters(tx, *id, made, now).await?;
        for (origin, _) in &*made {
            repository::save_aboard(tx, *id, *origin, &whole.ready_weighed(*origin)).await?;
        }
        let held = Happening::change(ConsolidationChange::Held).at(made.iter().map(|(origin, _)| *origin));
        consolidations.recorded_in_tx(tx, *caller, whole, held).await
    }

    /// Gives back what was held if there is no master for it.
    async fn concluded(&mut self, outcome: Result<&Whole, &ConsolidationError>) {
        if outcome.is_err_and(|error| !error.may_have_happened()) {
            self.consolidations.give_back(self.caller, std::mem::take(&mut self.made)).await;
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
    let mut masters = ways.iter().filter_map(|way| whole.master_of(way.origin));
    match masters.find(|master| master.is_in_force()) {
        Some(master) => Err(ConsolidationError::in_force(master, "hold")),
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

/// Returns the hold that an answer shows.
fn shown(answer: &Answer) -> Result<Made, Problem> {
    answer.read().ok_or_else(|| Problem::internal(&"an answer that shows no hold"))
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

    /// Refuses flights that do not take each piece of the parts that are ready. A master whose parts do not all have dimensions has
    /// none: what is known of the others counts all the same. One that has some is judged where it is held, booked or amended.
    async fn check_sizes(&self, whole: &Whole, way: &MasterWay, freight: &Freight) -> Result<(), Problem> {
        let sizes = whole.sizes_at(way.origin).filter(|_| freight.dimensions.is_none());
        if sizes.is_none() {
            return Ok(());
        }
        let judged = new_hold(way, &Freight { dimensions: sizes, ..freight.clone() });
        Box::pin(self.desk.check_fit(&judged)).await
    }

    /// Refuses freight of which a piece does not fit on the flights ahead of a master.
    pub(super) async fn check_fit_of(
        &self,
        caller: Principal,
        (whole, master): (&Whole, &Master),
        freight: &Freight,
    ) -> Result<(), Problem> {
        if freight.dimensions.is_some() || whole.sizes_at(master.origin).is_none() {
            return Ok(());
        }
        let flights = match &master.booking_ref {
            Some(reference) => self.desk.flights_ahead(caller, reference).await?,
            None => self.desk.holds().visible(caller, master.hold_id).await?.flight_ids().collect(),
        };
        let way = MasterWay { origin: master.origin, flight_ids: WayFlights(flights) };
        self.check_sizes(whole, &way, freight).await
    }

    /// Makes the hold of one origin, or returns the one that was made under the key and still keeps room. Its keys are those of
    /// this consolidation alone. If all have been used, it is held without one: what is no master in the end is given back.
    async fn hold_one(
        &self,
        caller: Principal,
        (id, way): (ConsolidationId, &MasterWay),
        freight: &Freight,
        key: &Key,
    ) -> Result<Made, Problem> {
        let flights: Vec<String> = way.flight_ids.0.iter().map(ToString::to_string).collect();
        let path = format!("/api/v1/consolidations/{id}/hold");
        for attempt in 0..MOST_TRIES {
            let part = if attempt == 0 { way.origin.to_string() } else { format!("{}/{attempt}", way.origin) };
            let key = key.part(&flights.join(" "), &part, &path);
            let answer = match Box::pin(self.desk.hold_for(caller, new_hold(way, freight), key)).await {
                // Under this key a hold on other flights was made and given back.
                Err(problem) if problem.code() == code::IDEMPOTENCY_KEY_REUSED => continue,
                answer => answer?,
            };
            let made = shown(&answer)?;
            if !answer.is_replayed() || self.is_open(caller, made.id).await? {
                return Ok(made);
            }
        }
        shown(&Box::pin(self.desk.hold_for(caller, new_hold(way, freight), Key::none())).await?)
    }

    /// Releases holds, but never one that is a master: another request under the same key may have made it that.
    async fn give_back(&self, caller: Principal, made: Vec<(AirportCode, HoldId)>) {
        for (origin, hold) in made {
            if let Err(problem) = Box::pin(self.release_unless_master(caller, hold)).await {
                let because = problem.code().as_str();
                tracing::warn!(because, %origin, hold_id = %hold, "a hold is not given back; it expires by itself");
            }
        }
    }

    /// Releases a hold that is no master; while the server fails, it tries again for some seconds.
    async fn release_unless_master(&self, caller: Principal, hold: HoldId) -> Result<(), Problem> {
        let mut attempt = 1;
        loop {
            let outcome = match self.is_master(hold).await {
                Ok(true) => Ok(()),
                Ok(false) => Box::pin(self.release_one(caller, hold, Key::none())).await,
                Err(error) => Err(error.into()),
            };
            match outcome {
                Err(problem) if attempt < MOST_RELEASES && problem.code().status().is_server_error() => {
                    tokio::time::sleep(pause_before_retry(attempt * SLOWER)).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn is_master(&self, hold: HoldId) -> Result<bool, ConsolidationError> {
        let mut snapshot = self.db.snapshot().await?;
        Ok(repository::is_master(&mut snapshot, hold).await?)
    }

    async fn is_open(&self, caller: Principal, hold: HoldId) -> Result<bool, HoldError> {
        let hold = self.desk.holds().visible(caller, hold).await?;
        Ok(hold.status_at(self.clock.now()) == HoldStatus::Active)
    }
}

fn new_hold(way: &MasterWay, freight: &Freight) -> CreateHold {
    CreateHold {
        flight_ids: way.flight_ids.0.clone(),
        origin: None,
        destination: None,
        departure_date: None,
        dimensions: freight.dimensions.clone().map(NewDimensions::from),
        accept_oversize: None,
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
