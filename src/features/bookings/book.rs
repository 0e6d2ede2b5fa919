use std::collections::{HashMap, VecDeque};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::metric;
use super::{
    BookingError, BookingService,
    attempts::Attempts,
    draft::announce_in_tx,
    dto::CreateBooking,
    itinerary::{self, Demand},
    model::{Booking, BookingStatus, Event, EventType, Leg, LegStatus, Texts, whole_data},
    repository,
};
use crate::{
    features::{
        accounts::Principal,
        capacity::{self, Allocation, AllocationPath, Entry, FlightCapacity, OpenUntil, Space},
        flights::Flight,
        search::{Departing, Request},
    },
    kernel::{BookingId, BookingRef, FlightId, Pieces},
    platform::{
        idempotency::Key,
        locks::{Arrival, Guard},
        postgres::PgSession,
        telemetry::{Traced, span},
        work::Command,
    },
};

/// Number of times flights are read again during the request's turn, before other flights are tried.
const READINGS_IN_TURN: u32 = 3;

impl CreateBooking {
    /// Returns the room that it takes; a missing volume follows from the weight.
    fn space(&self) -> Space {
        Space {
            weight: self.weight_kg,
            volume: self.volume_m3.unwrap_or_else(|| self.weight_kg.standard_volume()),
            positions: self.positions.unwrap_or_default(),
        }
    }

    fn demand(&self) -> Demand<'_> {
        Demand {
            origin: self.origin,
            destination: self.destination,
            space: self.space(),
            special_handling_codes: &self.special_handling_codes,
            inbound: None,
            until: OpenUntil::Cutoff,
        }
    }

    fn texts(&self) -> Texts {
        Texts {
            description: self.description.clone(),
            customer_reference: self.customer_reference.clone(),
            shipper: self.shipper.clone(),
            consignee: self.consignee.clone(),
        }
    }
}

/// Books room on every flight of an itinerary, or on none: on the named flights, or on the best option available,
/// direct before connecting, earliest arrival first.
pub(super) struct Book {
    bookings: BookingService,
    caller: Principal,
    new: CreateBooking,
    arrival: Arrival,
    attempts: Attempts,
    /// Options found and not yet tried, when no flights are named.
    options: VecDeque<Vec<Flight>>,
    chosen: Option<Chosen>,
    /// The chosen flights have changed since they were read.
    is_lost: bool,
    /// The rows of the flights as the booking leaves them.
    rooms: Vec<FlightCapacity>,
}

/// Flights that passed the checks, and the way in which room is taken on them.
enum Chosen {
    Straight(Vec<Flight>),
    InTurn { flights: Vec<Flight>, _turns: Vec<Guard<FlightId>>, readings_left: u32 },
}

impl Command for Book {
    const NAME: &'static str = "bookings.book";
    type Done = Booking;
    type Error = BookingError;

    /// Chooses flights, and others when those are lost.
    async fn prepare(&mut self, _: &Key) -> Result<(), BookingError> {
        if self.chosen.is_some() && !std::mem::take(&mut self.is_lost) {
            // Only a database conflict rolled the transaction back; the choice is still valid.
            return Ok(());
        }
        loop {
            match self.choose().await {
                Ok(()) if self.chosen.is_some() => return Ok(()),
                Ok(()) => {}
                Err(error) if self.new.flight_ids.is_empty() && error.is_lost_option() => {}
                Err(error) => return Err(error),
            }
        }
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Booking, BookingError> {
        let outcome = self.attempts.book(self.write(tx)).await;
        self.is_lost = matches!(outcome, Err(BookingError::Lost));
        let (booking, rooms) = outcome?;
        self.rooms = rooms;
        Ok(booking)
    }

    fn is_out_of_date(&self, error: &BookingError) -> bool {
        matches!(error, BookingError::Lost)
    }

    async fn concluded(&mut self, outcome: Result<&Booking, &BookingError>) {
        let label = outcome.map_or_else(BookingError::outcome, |_| "created");
        metric::BOOKINGS.with([label]).increment(1);
        if let Ok(booking) = outcome {
            self.bookings.created(booking, &self.rooms);
            self.bookings.count_created(booking.space.weight);
            tracing::info!(ref_id = %booking.ref_id, legs = booking.legs.len(), weight = %booking.space.weight, "booking created");
        }
        self.chosen = None;
    }
}

impl Book {
    pub fn new(bookings: BookingService, caller: Principal, new: CreateBooking) -> Self {
        let arrival = bookings.capacity.arrive();
        // The remaining tenth is for the response.
        let attempts = Attempts::until(Instant::now() + bookings.limits.request_time * 9 / 10);
        let (options, rooms) = (VecDeque::new(), Vec::new());
        Self { bookings, caller, new, arrival, attempts, options, chosen: None, is_lost: false, rooms }
    }

    /// Chooses how to proceed. Takes room without waiting while more than the threshold stays free; otherwise, or once
    /// the flights have changed since they were read, takes it in turn, with the flights checked again, so that the
    /// last kilograms go in order of arrival. Chooses nothing after too many changes of the flights, or on an error
    /// that means that the option is lost.
    async fn choose(&mut self) -> Result<(), BookingError> {
        let (flights, turns, readings_left) = match self.chosen.take() {
            None => {
                let flights = self.next_option().await?;
                if !self.is_critical(&flights) {
                    self.chosen = Some(Chosen::Straight(flights));
                    return Ok(());
                }
                (flights, None, READINGS_IN_TURN)
            }
            Some(Chosen::Straight(flights)) => (flights, None, READINGS_IN_TURN),
            Some(Chosen::InTurn { readings_left: 0, .. }) => return Ok(()),
            Some(Chosen::InTurn { flights, _turns: turns, readings_left }) => (flights, Some(turns), readings_left),
        };
        let ids: Vec<FlightId> = flights.iter().map(|flight| flight.id).collect();
        let turns = match turns {
            Some(turns) => turns,
            None => self.turns(&ids).await?,
        };
        let flights = self.judged(&ids).await?;
        self.chosen = Some(Chosen::InTurn { flights, _turns: turns, readings_left: readings_left - 1 });
        Ok(())
    }

    async fn turns(&self, flights: &[FlightId]) -> Result<Vec<Guard<FlightId>>, BookingError> {
        let waiting = self.bookings.capacity.turns(flights.iter().copied(), self.arrival, self.attempts.until);
        waiting.in_span(span("wait for turn")).await.ok_or(BookingError::Crowded)
    }

    /// Returns the named flights, or the next best option. Named flights that this process remembers as fit are not
    /// read first: the statement that sells demands the version remembered. When all options are lost it searches
    /// again, for some may only have changed.
    async fn next_option(&mut self) -> Result<Vec<Flight>, BookingError> {
        if !self.new.flight_ids.is_empty() {
            return match self.remembered() {
                Some(flights) => Ok(flights),
                None => self.judged(&self.new.flight_ids).await,
            };
        }
        if self.options.is_empty() {
            self.options = self.search().await?;
        }
        self.options.pop_front().ok_or(BookingError::NoBookableItinerary)
    }

    async fn search(&self) -> Result<VecDeque<Vec<Flight>>, BookingError> {
        let (new, bookings) = (&self.new, &self.bookings);
        let hours = TimeDelta::hours(i64::from(bookings.limits.auto_route_hours));
        let departing = new.departure_date.map_or(Departing::Within(hours), Departing::On);
        let space = new.space();
        let request = Request {
            weight: Some(space.weight),
            volume: Some(space.volume),
            positions: Some(space.positions),
            special_handling_codes: new.special_handling_codes.clone(),
        };
        let search = bookings.search.candidates(new.origin, new.destination, departing, &request);
        let candidates = self.attempts.read(search).await?;
        Ok(candidates.iter().map(|candidate| candidate.legs().to_vec()).collect())
    }

    /// Returns the named flights as this process remembers them, if so they can carry the shipment and room is taken
    /// without waiting.
    fn remembered(&self) -> Option<Vec<Flight>> {
        let flights = self.bookings.flights.remembered(&self.new.flight_ids)?;
        (!self.is_critical(&flights) && self.check(&flights).is_ok()).then_some(flights)
    }

    fn is_critical(&self, flights: &[Flight]) -> bool {
        let capacity = &self.bookings.capacity;
        flights.iter().any(|flight| capacity.is_critical_after(&flight.room, self.new.space()))
    }

    /// Reads flights and checks that they can carry the shipment.
    async fn judged(&self, ids: &[FlightId]) -> Result<Vec<Flight>, BookingError> {
        let found = self.attempts.read(self.bookings.flights.flights(ids)).await?;
        let flights = itinerary::in_order(ids, found)?;
        self.check(&flights)?;
        Ok(flights)
    }

    /// Checks that the flights can carry the shipment.
    fn check(&self, flights: &[Flight]) -> Result<(), BookingError> {
        let bookings = &self.bookings;
        let minimum = |airport| bookings.flights.connections().minimum(airport);
        itinerary::check(flights, self.new.demand(), minimum, bookings.clock.now())
    }

    /// Writes the claim on the air waybill, the room of every leg, the booking, its legs, its event and the message.
    /// Also returns the flights' rows as this leaves them.
    async fn write(&self, tx: &mut PgSession) -> Result<(Booking, Vec<FlightCapacity>), BookingError> {
        let bookings = &self.bookings;
        let (flights, path) = match &self.chosen {
            Some(Chosen::Straight(flights)) => {
                (flights, AllocationPath::Optimistic { leaving: bookings.capacity.threshold() })
            }
            Some(Chosen::InTurn { flights, .. }) => (flights, AllocationPath::Locking),
            None => return Err(BookingError::Unsettled),
        };
        let reference = bookings.references.next(tx).await?;
        // Read after the wait for a connection: the cut-off is checked against the time of sale.
        let booking = self.draw_up(reference, flights, bookings.clock.now());
        let (id, now) = (booking.id, booking.created_at);
        let legs: Vec<&Leg> = booking.legs.iter().collect();
        let allocations = allocations(id, &legs, flights, OpenUntil::Cutoff, path);
        if let Some(awb) = &booking.awb_number
            && !repository::claim_awb(tx, awb, id).await?
        {
            return Err(BookingError::AwbTaken(awb.clone()));
        }
        let rooms = capacity::allocate_in_tx(tx, &allocations, now).await?.ok_or(BookingError::Lost)?;
        let event = bookings.booked_event(&booking);
        let told = [(&booking, &event)];
        repository::insert_new(tx, &told).await?;
        announce_in_tx(tx, &told).await?;
        Ok((booking, rooms))
    }

    fn draw_up(&self, ref_id: BookingRef, flights: &[Flight], now: DateTime<Utc>) -> Booking {
        let Self { caller, new, bookings, .. } = self;
        Booking {
            id: bookings.ids.next(now),
            ref_id,
            organization_id: caller.organization_id,
            created_by: caller.user_id,
            status: BookingStatus::Booked,
            origin: new.origin,
            destination: new.destination,
            pieces: new.pieces,
            space: new.space(),
            volume_defaulted: new.volume_m3.is_none(),
            special_handling_codes: new.special_handling_codes.clone(),
            awb_number: new.awb_number.clone(),
            needs_rerouting: false,
            event_sequence: 1,
            moved_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
            texts: new.texts(),
            legs: bookings.legs(flights, 1, (new.pieces, new.space()), now),
        }
    }
}

impl BookingService {
    /// Builds legs on these flights, numbered from `first` on.
    pub(super) fn legs(
        &self,
        flights: &[Flight],
        first: i32,
        (pieces, space): (Pieces, Space),
        now: DateTime<Utc>,
    ) -> Vec<Leg> {
        let legs = (first..).zip(flights).map(|(sequence, flight)| Leg {
            id: self.ids.next(now),
            sequence,
            flight_id: flight.id,
            flight_number: flight.number.clone(),
            origin: flight.origin,
            destination: flight.destination,
            departure: flight.departure,
            arrival: flight.arrival,
            status: LegStatus::Booked,
            offload_reason: None,
            space_code: "KK".to_owned(),
            pieces,
            space,
        });
        legs.collect()
    }

    fn booked_event(&self, booking: &Booking) -> Event {
        let first = booking.legs.first();
        Event {
            id: self.ids.next(booking.created_at),
            sequence: 1,
            event_type: EventType::Booked,
            status: booking.status,
            location: Some(booking.origin),
            flight_id: first.map(|leg| leg.flight_id),
            flight_number: first.map(|leg| leg.flight_number.clone()),
            leg_id: first.map(|leg| leg.id),
            pieces: booking.pieces,
            weight: booking.space.weight,
            actor: Some(booking.created_by),
            notes: None,
            data: whole_data(booking),
            occurred_at: booking.created_at,
            created_at: booking.created_at,
        }
    }
}

/// Returns the room that new legs take on their flights.
pub(super) fn allocations(
    booking_id: BookingId,
    legs: &[&Leg],
    flights: &[Flight],
    until: OpenUntil,
    path: AllocationPath,
) -> Vec<Allocation> {
    let versions: HashMap<FlightId, i32> = flights.iter().map(|f| (f.id, f.room.version)).collect();
    let allocation = |leg: &&Leg| Allocation {
        flight_id: leg.flight_id,
        version: versions.get(&leg.flight_id).copied().unwrap_or_default(),
        booking_id,
        leg_id: leg.id,
        space: leg.space,
        entry: Entry::Booked,
        until,
        path,
    };
    legs.iter().map(allocation).collect()
}
