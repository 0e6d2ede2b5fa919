use loadmaster_accounts::Role;
use loadmaster_bookings::{LeftBehind, OffloadReason, OversizeAboard, StepAboard};
use loadmaster_flights::{self as flights, ChangeFlight, Flight, FlightError, FlightEventType};
use loadmaster_kernel::{Fault, FaultCode};
use loadmaster_platform::{idempotency::Key, postgres::PgSession, work::Command};
use serde_json::{Map, Value, json};

use super::{
    OperationError, OperationService,
    held::Held,
    model::{FlightAction, allowed},
    repository,
    service::{Target, count_changes, lock_in_tx},
};

/// Changes times, aircraft, capacity, overbooking or cut-off of a flight, after taking the named bookings off it: all of it or
/// nothing. Passes new times on to its bookings, and fits its holds to what it is then.
pub(super) struct Change {
    pub operations: OperationService,
    pub target: Target,
    pub wanted: ChangeFlight,
    pub has_changed: bool,
    pub held: Held,
    /// It is made for show alone: pieces that are too large do not refuse it.
    pub is_rehearsal: bool,
    /// Bookings on the flight of which another aircraft does not take a piece, once they were looked for.
    pub oversize: Vec<OversizeAboard>,
}

impl Change {
    pub fn new(operations: OperationService, target: Target, wanted: ChangeFlight) -> Self {
        let (held, oversize) = (Held::default(), Vec::new());
        Self { operations, target, wanted, has_changed: false, held, is_rehearsal: false, oversize }
    }
}

impl Command for Change {
    const NAME: &'static str = "operations.change";
    type Done = Flight;
    type Error = OperationError;

    async fn prepare(&mut self, _: &Key) -> Result<(), OperationError> {
        self.operations.prepare_held(&mut self.held, self.target.flight).await
    }

    fn is_out_of_date(&self, error: &OperationError) -> bool {
        self.held.is_out_of_date(error)
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Flight, OperationError> {
        let Self { operations, target, wanted: change, held, .. } = self;
        let releases = change.releases_holds();
        let with = if releases { held.flights() } else { Vec::new() };
        let flight = lock_in_tx(tx, target, &with).await?;
        // New times may follow new times: each booking gets the times that the flight then has.
        if repository::find(tx, flight.id).await?.is_some_and(|unfinished| unfinished.step != StepAboard::Retime) {
            return Err(OperationError::Unfinished(flight.number));
        }
        let (before, status, version) = (flight.clone(), flight.space.status, flight.space.version);
        if !change.is_possible_for(status) {
            let allowed = allowed(status, false, target.caller.role);
            return Err(OperationError::InvalidTransition { from: status, action: FlightAction::Change, allowed });
        }
        if target.caller.role < Role::Admin && change.replaces_capacity(&flight, &operations.reference) {
            return Err(OperationError::CapacityIsSet);
        }
        // Invalid combinations are reported before anything is moved.
        operations.apply(change, &flight)?;
        if releases {
            operations.check_reach_in_tx(tx, held, &flight).await?;
        }
        let named =
            change.offload.iter().cloned().map(|ref_id| LeftBehind { ref_id, reason: OffloadReason::Offloaded });
        let named: Vec<LeftBehind> = named.collect();
        let mut lifted = operations.bookings.offload_in_tx(tx, flight.id, &named, target.caller.user_id).await?;
        let flight = flights::find_in_tx(tx, flight.id).await?;
        let capacity = operations.apply(change, &flight)?.space.capacity;
        if releases && change.names_times() {
            // Its bookings change, too: their locks come before those of holds.
            operations.bookings.lock_few_in_tx(tx, flight.id, 0).await?;
        }
        let flight = operations.fit_into_in_tx(tx, held, (flight, capacity), target, releases).await?;
        let changed = operations.apply(change, &flight)?;
        let oversize = operations.oversize_in_tx(tx, change, self.is_rehearsal, (&flight, &changed)).await?;
        self.oversize = oversize;
        let mut flight = operations.save(tx, target, &flight, changed).await?;
        operations.set_aside_rest_in_tx(tx, held, &mut flight).await?;
        let is_new = flight.space.version != version;
        let is_kept = operations.keep_from_feeds_in_tx(tx, change, &before, &flight).await?;
        self.has_changed = is_new || is_kept || !change.offload.is_empty();
        if self.has_changed {
            operations
                .record_in_tx(tx, target, "flight.changed", audit_details(change, held, &before, &flight), &flight)
                .await?;
        }
        let actor = Some(target.caller.user_id);
        if change.names_times() {
            lifted.extend(operations.retime_in_tx(tx, std::slice::from_ref(&flight), actor).await?);
        }
        if is_new {
            operations.fit_holds_in_tx(tx, &[flight.id], actor).await?;
        }
        operations.bookings.return_surplus_in_tx(tx, &lifted, actor).await?;
        Ok(flight)
    }

    async fn concluded(&mut self, outcome: Result<&Flight, &OperationError>) {
        if let Ok(flight) = outcome {
            let holds_ended = self.operations.show_ended(&self.held);
            self.operations.flights.changed([flight]);
            let (version, offloaded) = (flight.space.version, self.wanted.offload.len());
            tracing::info!(flight_id = %flight.id, version, offloaded, holds_ended, "flight changed");
            count_changes(u64::from(self.has_changed));
        }
    }
}

/// Returns what the audit trail records beside the flight: above all what is different from before.
fn audit_details(change: &ChangeFlight, held: &Held, before: &Flight, flight: &Flight) -> Map<String, Value> {
    let mut details = differences(before, flight);
    details.insert("offloaded".to_owned(), json!(change.offload));
    if !change.overbooking.is_keep() {
        details.insert("overbooking".to_owned(), json!(flight.space.overbooking));
    }
    if let Some(follow_feed) = change.follow_feed {
        details.insert("follow_feed".to_owned(), json!(follow_feed));
    }
    if change.accepts_oversize() {
        details.insert("accept_oversize".to_owned(), json!(true));
    }
    let released = held.released();
    if !released.is_empty() {
        details.insert("released_holds".to_owned(), json!(released));
    }
    details
}

/// Returns the members of a flight that differ, each as `{from, to}`.
fn differences(before: &Flight, after: &Flight) -> Map<String, Value> {
    let members = |flight: &Flight| {
        [
            ("departure_datetime", json!(flight.departure)),
            ("arrival_datetime", json!(flight.arrival)),
            ("aircraft_code", json!(flight.aircraft)),
            ("cutoff_datetime", json!(flight.space.cutoff)),
            ("physical_capacity", json!(flight.space.physical)),
        ]
    };
    let pairs = members(before).into_iter().zip(members(after));
    let differing = pairs.filter(|(one, other)| one != other);
    differing.map(|((name, from), (_, to))| (name.to_owned(), json!({"from": from, "to": to}))).collect()
}

impl OperationService {
    fn apply(&self, change: &ChangeFlight, flight: &Flight) -> Result<Flight, OperationError> {
        Ok(change.apply(flight, &self.reference).map_err(FlightError::Invalid)?)
    }

    /// Keeps a flight that a feed gives from its feed after a person's change of what feeds give, or as the person wants. Returns
    /// whether that is a change.
    async fn keep_from_feeds_in_tx(
        &self,
        tx: &mut PgSession,
        change: &ChangeFlight,
        before: &Flight,
        flight: &Flight,
    ) -> Result<bool, OperationError> {
        let is_kept = match change.follow_feed {
            Some(follows) => !follows,
            None if differences(before, flight).is_empty() => return Ok(false),
            None => true,
        };
        match flights::keep_from_feeds_in_tx(tx, flight.id, is_kept).await? {
            Some(is_new) => Ok(is_new),
            None if change.follow_feed.is_none() => Ok(false),
            None => {
                let fault = Fault::new(FaultCode::NotAllowed, "names a flight that no feed gives");
                Err(FlightError::Invalid(vec![("/follow_feed", fault)]).into())
            }
        }
    }

    /// Returns the bookings on the flight of which another aircraft does not take a piece. They, and holds that are being paid for,
    /// refuse a change that does not accept them, unless it is made for show alone.
    async fn oversize_in_tx(
        &self,
        tx: &mut PgSession,
        change: &ChangeFlight,
        is_rehearsal: bool,
        (flight, changed): (&Flight, &Flight),
    ) -> Result<Vec<OversizeAboard>, OperationError> {
        let is_judged = changed.aircraft != flight.aircraft && (is_rehearsal || !change.accepts_oversize());
        let Some(aircraft) = changed.aircraft.filter(|_| is_judged) else { return Ok(Vec::new()) };
        let oversize = self.bookings.oversize_in_tx(tx, flight.id, aircraft).await?;
        if is_rehearsal {
            return Ok(oversize);
        }
        let being_paid = self.bookings.oversize_being_paid_in_tx(tx, flight.id, aircraft).await?;
        if oversize.is_empty() && being_paid == 0 {
            return Ok(oversize);
        }
        let bookings = oversize.into_iter().map(|booking| booking.ref_id).collect();
        Err(OperationError::PieceTooLarge { number: changed.number, bookings, being_paid })
    }

    /// Writes the change, if it changes anything.
    async fn save(
        &self,
        tx: &mut PgSession,
        target: &Target,
        flight: &Flight,
        changed: Flight,
    ) -> Result<Flight, OperationError> {
        if changed == *flight {
            return Ok(changed);
        }
        if flight.is_freighter && !changed.is_freighter {
            let bookings = self.bookings.freighter_bound_in_tx(tx, flight.id).await?;
            if !bookings.is_empty() {
                return Err(OperationError::FreighterNeeded { number: changed.number, bookings });
            }
        }
        let actor = Some(target.caller.user_id);
        Ok(flights::save_in_tx(tx, changed, FlightEventType::Changed, actor, self.now()).await?)
    }
}
