use chrono::{DateTime, Utc};
use loadmaster_accounts::{Actor, Acts, Principal, Subject};
use loadmaster_bookings::{self as bookings, Booking, BookingService, Freight};
use loadmaster_capacity::{self as capacity, FlightStatus};
use loadmaster_flights::{self as flights, Flight, FlightService};
use loadmaster_holds::HoldService;
use loadmaster_kernel::{BookingRef, FlightId};
use loadmaster_platform::{
    clock::SharedClock,
    postgres::{Database, PgSession, Recency},
    random::IdSource,
    web::{PageRequest, Precondition},
};
use loadmaster_reference::Reference;
use serde_json::{Map, Value, json};

use super::metric;
use super::{
    OperationError,
    model::{FlightAction, Operated, allowed},
    repository,
};

/// The use cases of flight operations, a file per verb: `depart`, `arrive`, `cancel`, `change`, `import`, `season`;
/// `unfinished` completes a step on a flight with very many bookings.
#[derive(Clone)]
pub struct OperationService {
    pub(super) db: Database,
    pub(super) flights: FlightService,
    pub(super) bookings: BookingService,
    pub(super) holds: HoldService,
    pub(super) reference: Reference,
    pub(super) clock: SharedClock,
    pub(super) ids: IdSource,
    pub(super) acts: Acts,
    /// Operators change times and aircraft of flights and take bookings off them; otherwise administrators alone do.
    pub(super) operators_change_flights: bool,
}

/// The flight that a caller operates, and the precondition.
#[derive(Clone)]
pub(super) struct Target {
    pub caller: Principal,
    pub flight: FlightId,
    pub precondition: Precondition,
}

impl OperationService {
    /// Returns one flight.
    pub(super) async fn flight(&self, id: FlightId) -> Result<Flight, OperationError> {
        Ok(self.flights.flight(id).await?)
    }

    /// Returns a flight with a page of the bookings that it carries or carried, and the sums over all of them, in one
    /// snapshot.
    pub(super) async fn manifest(
        &self,
        id: FlightId,
        page: &PageRequest<BookingRef>,
        recency: Recency,
    ) -> Result<(Flight, Vec<Booking>, Freight), OperationError> {
        let read = move |db: Database| async move {
            let mut snapshot = db.snapshot().await?;
            let flight = flights::find_in_tx(&mut snapshot, id).await?;
            let (bookings, freight) =
                bookings::manifest_in_tx(&mut snapshot, id, page.after.as_ref(), page.fetch()).await?;
            Ok((flight, bookings, freight))
        };
        self.db.reading(recency, read).await
    }

    /// Locks the flight, so that no booking or hold joins or leaves it, and the flights `with` it; checks version and step
    /// against the locked state.
    pub(super) async fn lock_for_in_tx(
        &self,
        tx: &mut PgSession,
        target: &Target,
        action: FlightAction,
        with: &[FlightId],
    ) -> Result<Flight, OperationError> {
        let flight = lock_in_tx(tx, target, with).await?;
        if repository::find(tx, flight.id).await?.is_some() {
            return Err(OperationError::Unfinished(flight.number));
        }
        let status = flight.space.status;
        let has_left = status == FlightStatus::Scheduled && self.bookings.has_left_in_tx(tx, flight.id).await?;
        let allowed = allowed(status, has_left, target.caller.role);
        if allowed.contains(&action) {
            Ok(flight)
        } else {
            Err(OperationError::InvalidTransition { from: status, action, allowed })
        }
    }

    /// Records a change of a flight by the carrier's staff in the audit trail.
    pub(super) async fn record_in_tx(
        &self,
        tx: &mut PgSession,
        target: &Target,
        act: &str,
        mut data: Map<String, Value>,
        flight: &Flight,
    ) -> Result<(), OperationError> {
        data.insert("flight_number".to_owned(), json!(flight.number));
        data.insert("version".to_owned(), json!(flight.space.version));
        let (actor, subject) = (Actor::Caller(target.caller.user_id), Subject::new("flight", flight.id));
        Ok(self.acts.record_in_tx(tx, actor, act, subject, Value::Object(data)).await?)
    }

    /// Reports a flight's step to searches, log and metrics, after the commit.
    pub(super) fn report(&self, action: FlightAction, done: &Operated) {
        self.flights.left(&done.flight);
        let (flight_id, bookings_changed) = (done.flight.id, done.bookings_changed);
        let left_behind = done.left_behind.len();
        tracing::info!(%flight_id, action = action.as_str(), bookings_changed, left_behind, "flight status changed");
        metric::FLIGHT_ACTIONS.with([action.as_str()]).increment(1);
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}

/// Locks the flight, and the flights `with` it, in ascending order; checks the version.
pub(super) async fn lock_in_tx(
    tx: &mut PgSession,
    target: &Target,
    with: &[FlightId],
) -> Result<Flight, OperationError> {
    capacity::lock_in_tx(tx, &[with, &[target.flight]].concat()).await?;
    let flight = flights::find_in_tx(tx, target.flight).await?;
    target.precondition.check(flight.space.version).map_err(OperationError::VersionMismatch)?;
    Ok(flight)
}

/// Counts committed changes, one per flight.
pub(super) fn count_changes(flights: u64) {
    metric::FLIGHT_ACTIONS.with([FlightAction::Change.as_str()]).increment(flights);
}
