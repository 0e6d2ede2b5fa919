use std::collections::HashSet;

use chrono::{DateTime, Utc};
use loadmaster_accounts::{Principal, Role};
use loadmaster_capacity::{self as capacity, CapacityError, CapacityService, FlightCapacity};
use loadmaster_kernel::{FlightId, HoldId, OrganizationId};
use loadmaster_platform::{
    clock::SharedClock,
    listing::{Anchor, CountParams, ExpiryOrder, Listed},
    postgres::{Database, DbError, Recency},
    seal::SealKey,
    web::{ClientAddress, PageRequest},
};
use loadmaster_pricing as pricing;
use loadmaster_shipment::{PositionName, Surroundings};

use super::{
    HoldError,
    ask::{HoldCaller, HoldLimits, Requester},
    draft::is_of,
    dto::{CreateHold, HoldBody, HoldFilter, Position, PositionStatus},
    metric,
    model::{Hold, HoldEventType, HoldKind, MOST_ATTEMPTS},
    repository,
};

/// The use cases of holds, a file per verb: what takes or gives back space goes to the desk; `end` ends holds.
#[derive(Clone)]
pub struct HoldService {
    pub(super) db: Database,
    pub(super) clock: SharedClock,
    pub(super) capacity: CapacityService,
    surroundings: Surroundings,
    pub(super) limits: HoldLimits,
    pub(super) addresses: SealKey,
}

impl HoldService {
    pub fn new(
        db: Database,
        clock: SharedClock,
        capacity: CapacityService,
        surroundings: Surroundings,
        limits: HoldLimits,
        addresses: SealKey,
    ) -> Self {
        Self { db, clock, capacity, surroundings, limits, addresses }
    }

    /// Describes a hold as it is at this moment.
    pub fn body(&self, hold: &Hold, now: DateTime<Utc>) -> HoldBody {
        HoldBody::new(hold, now, &self.surroundings)
    }

    /// Returns what holds and bookings show besides what is stored of them.
    pub const fn surroundings(&self) -> &Surroundings {
        &self.surroundings
    }

    pub const fn limits(&self) -> HoldLimits {
        self.limits
    }

    pub const fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// Returns the same service on the connections reserved for background work.
    #[must_use]
    pub fn for_background(&self) -> Self {
        Self { db: self.db.for_background(), capacity: self.capacity.for_background(), ..self.clone() }
    }

    /// Returns the caller with what is counted for a guest: a hash of its address, which cannot be reversed.
    pub fn caller(&self, principal: Principal, address: Option<ClientAddress>) -> HoldCaller {
        let address = address.filter(|_| principal.role == Role::Guest).map(|address| {
            let mut sealed = self.addresses.seal("holds.address", address.subject().as_bytes());
            sealed.truncate(16);
            sealed
        });
        HoldCaller { principal, address_key: address }
    }

    /// To be called after the commit of a change by the desk.
    pub fn changed(&self, hold: &Hold, event_type: HoldEventType) {
        // A quote that the caller named is older.
        if hold.quote.as_ref().is_some_and(|quote| quote.created_at == hold.updated_at) {
            pricing::count_quote();
        }
        let outcome = match event_type {
            HoldEventType::Created => "created",
            HoldEventType::Committed => "committed",
            HoldEventType::Released => "released",
            HoldEventType::Expired => "expired",
            HoldEventType::Amended | HoldEventType::Extended => return,
        };
        metric::HOLDS.with([hold.kind.as_str(), outcome]).increment(1);
        tracing::info!(hold_id = %hold.id, outcome, "hold changed");
    }

    /// To be called when a new hold was refused.
    pub fn refused(&self, kind: HoldKind, outcome: &str) {
        metric::HOLDS.with([kind.as_str(), outcome]).increment(1);
    }

    /// Returns the hold if the caller may see it; one of another organization is reported as unknown.
    pub async fn visible(&self, caller: Principal, id: HoldId) -> Result<Hold, HoldError> {
        let mut connection = self.db.read().await?;
        repository::find(&mut connection, id, caller.sees_only()).await?.ok_or(HoldError::Unknown)
    }

    /// Returns a hold that is to be changed.
    pub async fn visible_to(&self, requester: &Requester, id: HoldId) -> Result<Hold, HoldError> {
        match requester {
            Requester::Caller(caller) => self.visible(caller.principal, id).await,
            Requester::Payer(_) => self.find_all(&[id]).await?.pop().ok_or(HoldError::Unknown),
        }
    }

    /// Returns the holds that earlier attempts of the caller to make this booking have left, because their payments failed.
    pub async fn left_by_attempts(&self, caller: Principal, order: &CreateHold) -> Result<Vec<Hold>, HoldError> {
        let Some(quote) = order.quote_id else { return Ok(Vec::new()) };
        let now = self.clock.now();
        let mut found = repository::left_by_failed_payments(&mut *self.db.read().await?, caller, quote, now).await?;
        // One without attempts left is a hold like any other.
        found.retain(|hold| hold.attempts < MOST_ATTEMPTS && is_of(hold, order));
        Ok(found)
    }

    /// Returns these holds.
    pub async fn find_all(&self, ids: &[HoldId]) -> Result<Vec<Hold>, HoldError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<_> = ids.iter().map(|id| id.uuid()).collect();
        Ok(repository::find_all(&mut *self.db.read().await?, &ids).await?)
    }

    /// The same for a reservation on this flight.
    pub async fn visible_reservation(
        &self,
        caller: Principal,
        flight: FlightId,
        id: HoldId,
    ) -> Result<Hold, HoldError> {
        let hold = self.visible(caller, id).await.map_err(|error| match error {
            HoldError::Unknown => HoldError::UnknownReservation,
            error => error,
        })?;
        let is_one = hold.kind == HoldKind::Reservation && hold.flight_ids().any(|own| own == flight);
        if is_one { Ok(hold) } else { Err(HoldError::UnknownReservation) }
    }

    pub(super) async fn list(
        &self,
        filter: &HoldFilter,
        order: ExpiryOrder,
        page: &PageRequest<Anchor>,
        count: CountParams,
        recency: Recency,
    ) -> Result<Listed<Hold>, HoldError> {
        let now = self.clock.now();
        let read = move |db: Database| async move {
            let mut snapshot = db.listing().await?;
            let (after, offset, fetch) = (page.after, page.offset, page.fetch());
            let entries = repository::list(&mut snapshot, filter, order, after, offset, fetch, now).await?;
            let counted = repository::number_of(&mut snapshot, filter, order, now);
            let total = count.total(page, entries.len(), counted).await?;
            Ok(Listed { entries, total })
        };
        self.db.reading(recency, read).await
    }

    /// Returns the flight's current row and the time of reading. Space of holds whose time is up counts as free, and so does
    /// what allotments keep for this organization.
    pub async fn availability(
        &self,
        flight: FlightId,
        organization: Option<OrganizationId>,
    ) -> Result<(FlightCapacity, DateTime<Utc>), CapacityError> {
        let mut connection = self.db.read().await?;
        let mut space = capacity::find_in_tx(&mut connection, flight).await?;
        drop(connection);
        if space.held != space.aside {
            let mut snapshot = self.db.snapshot().await?;
            space = capacity::find_in_tx(&mut snapshot, flight).await?;
            let now = self.clock.now();
            // What lapses on an awaited flight goes to those who wait.
            if !space.is_awaited(now) {
                space.held = space.held - repository::expired_space(&mut snapshot, flight, now).await?;
            }
            if let Some(organization) = organization.filter(|_| space.allotted > 0) {
                space.held = space.held - repository::allotted_on(&mut snapshot, flight, organization, now).await?;
            }
        }
        Ok((space, self.clock.now()))
    }

    /// Checks that the flight exists.
    pub async fn check_flight(&self, flight: FlightId) -> Result<(), HoldError> {
        match self.availability(flight, None).await {
            Ok(_) => Ok(()),
            Err(CapacityError::Unknown(flight)) => Err(HoldError::UnknownFlight(flight)),
            Err(CapacityError::Database(cause)) => Err(cause.into()),
        }
    }

    /// Returns all positions of a flight.
    pub(super) async fn positions(&self, flight: FlightId) -> Result<Vec<Position>, HoldError> {
        let (space, now) = match self.availability(flight, None).await {
            Ok(found) => found,
            Err(CapacityError::Unknown(flight)) => return Err(HoldError::UnknownFlight(flight)),
            Err(CapacityError::Database(cause)) => return Err(cause.into()),
        };
        let claims = repository::positions(&mut *self.db.read().await?, flight, now).await?;
        let status = |name| match claims.iter().find(|claim| claim.name == name) {
            None => PositionStatus::Free,
            Some(claim) if claim.is_booked => PositionStatus::Booked,
            Some(_) => PositionStatus::Held,
        };
        Ok(PositionName::all(space.physical.positions).map(|name| Position { name, status: status(name) }).collect())
    }
}

impl HoldService {
    /// Reads what allotments keep: searches show it to their organizations.
    pub(super) async fn learn_allotted(&self) -> Result<(), DbError> {
        let now = self.clock.now();
        let found = repository::allotted(&mut *self.db.read().await?, now).await?;
        self.capacity.allotted().learn(found);
        Ok(())
    }

    /// The same for these flights alone.
    pub(super) async fn learn_allotted_on(&self, flights: &HashSet<FlightId>) -> Result<(), DbError> {
        let (now, ids) = (self.clock.now(), flights.iter().map(|flight| flight.uuid()).collect::<Vec<_>>());
        let found = repository::allotted_among(&mut *self.db.read().await?, &ids, now).await?;
        self.capacity.allotted().learn_on(flights, found);
        Ok(())
    }
}
