use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tokio::time::Instant;

use super::{
    BookingError, BookingService,
    attempts::Attempts,
    draft::record_in_tx,
    event::{Event, EventType, whole_data},
    itinerary::{self, Demand},
    model::{Booking, BookingStatus, Leg, LegStatus, Texts},
    repository,
};
use crate::{
    features::{
        accounts::Principal,
        capacity::{self, Entry, Space, Taking, Until, Way},
        flights::Flight,
        search::{Connections, Departing, Request},
    },
    kernel::{AirportCode, AwbNumber, BookingId, BookingRef, FlightId, HandlingCode, Pieces},
    platform::{
        idempotency::Once,
        locks::Arrival,
        postgres::{Tx, retrying},
        telemetry::{Traced, metric, part},
    },
};

/// How often flights are read anew while it is the request's turn, before other flights are tried.
const READINGS_IN_TURN: u32 = 3;

/// A validated wish to ship.
#[derive(Debug, Clone)]
pub(super) struct NewBooking {
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub pieces: Pieces,
    pub space: Space,
    pub volume_defaulted: bool,
    pub special_handling_codes: Vec<HandlingCode>,
    pub awb_number: Option<AwbNumber>,
    /// In order of flying; empty: the best option is chosen.
    pub flight_ids: Vec<FlightId>,
    /// Only looked at when no flights are named.
    pub departure_date: Option<NaiveDate>,
    pub texts: Texts,
}

impl NewBooking {
    fn demand(&self) -> Demand<'_> {
        Demand {
            origin: self.origin,
            destination: self.destination,
            space: self.space,
            special_handling_codes: &self.special_handling_codes,
            inbound: None,
            until: Until::Cutoff,
        }
    }
}

/// Who wishes what, and when he came.
#[derive(Clone, Copy)]
struct Wish<'a> {
    caller: Principal,
    new: &'a NewBooking,
    once: &'a Once<Booking>,
    arrival: Arrival,
    attempts: &'a Attempts,
}

impl BookingService {
    /// Books room on every flight of an itinerary, or on none.
    pub(super) async fn book(
        &self,
        caller: Principal,
        new: &NewBooking,
        once: &Once<Booking>,
    ) -> Result<Booking, BookingError> {
        // What is left over is for the answer.
        let attempts = Attempts::until(Instant::now() + self.limits.request_time * 9 / 10);
        let wish = Wish { caller, new, once, arrival: self.capacity.arrive(), attempts: &attempts };
        let outcome = if new.flight_ids.is_empty() { self.book_best(wish).await } else { self.book_named(wish).await };
        let label = outcome.as_ref().map_or_else(BookingError::outcome, |_| "created");
        metric::BOOKINGS.with([label]).increment(1);
        if let Ok(booking) = &outcome {
            self.changed(booking);
            self.count_created(booking.space.weight);
            tracing::info!(ref_id = %booking.ref_id, legs = booking.legs.len(), weight = %booking.space.weight, "booked");
        }
        outcome
    }

    /// On the flights that were named: read, judge, take; when they changed in between, read again.
    async fn book_named(&self, wish: Wish<'_>) -> Result<Booking, BookingError> {
        loop {
            let flights = self.judged(wish, &wish.new.flight_ids).await?;
            if let Some(booking) = self.book_on(wish, &flights).await? {
                return Ok(booking);
            }
        }
    }

    /// On the best option there is: direct before connecting, earliest arrival first. One that is lost at the commit is
    /// replaced by the next; when all are lost, they are read again, for some may only have changed.
    async fn book_best(&self, wish: Wish<'_>) -> Result<Booking, BookingError> {
        let new = wish.new;
        let hours = TimeDelta::hours(i64::from(self.limits.auto_route_hours));
        let departing = new.departure_date.map_or(Departing::Within(hours), Departing::On);
        let request = Request {
            weight: Some(new.space.weight),
            volume: Some(new.space.volume),
            positions: Some(new.space.positions),
            special_handling_codes: new.special_handling_codes.clone(),
        };
        loop {
            let search = self.search.candidates(new.origin, new.destination, departing, &request);
            let candidates = wish.attempts.read(search).await?;
            if candidates.is_empty() {
                return Err(BookingError::NoBookableItinerary);
            }
            for candidate in candidates {
                match self.book_on(wish, candidate.legs()).await {
                    Ok(Some(booking)) => return Ok(booking),
                    Ok(None) => {}
                    Err(error) if error.is_lost_option() => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }

    /// Reads flights and judges whether they carry what is wished.
    async fn judged(&self, wish: Wish<'_>, ids: &[FlightId]) -> Result<Vec<Flight>, BookingError> {
        let found = wish.attempts.read(self.flights.flights(ids)).await?;
        let flights = itinerary::in_order(ids, found)?;
        let minimum = |airport| self.search.minimum_connection(airport);
        itinerary::check(&flights, wish.new.demand(), minimum, self.clock.now())?;
        Ok(flights)
    }

    /// On flights that were judged. While more than the threshold stays free, straight away; else, or when they are no longer
    /// as they were read, in turn, with the flights judged again: the last kilograms go to who came first. `None`: they
    /// changed again.
    async fn book_on(&self, wish: Wish<'_>, flights: &[Flight]) -> Result<Option<Booking>, BookingError> {
        let is_critical = flights.iter().any(|f| self.capacity.is_critical_after(&f.room, wish.new.space));
        let straight = Way::Straight { leaving: self.capacity.threshold() };
        if !is_critical && let Some(booking) = self.try_to_book(wish, flights, straight).await? {
            return Ok(Some(booking));
        }
        let ids: Vec<FlightId> = flights.iter().map(|flight| flight.id).collect();
        let waiting = self.capacity.turns(ids.iter().copied(), wish.arrival, wish.attempts.until);
        let turns = waiting.within(part("wait for turn")).await;
        let _turns = turns.ok_or(BookingError::Crowded)?;
        for _ in 0..READINGS_IN_TURN {
            let flights = self.judged(wish, &ids).await?;
            if let Some(booking) = self.try_to_book(wish, &flights, Way::InTurn).await? {
                return Ok(Some(booking));
            }
        }
        Ok(None)
    }

    /// A transaction, and again when the database chose it as a victim.
    async fn try_to_book(&self, wish: Wish<'_>, flights: &[Flight], way: Way) -> Result<Option<Booking>, BookingError> {
        retrying(|| wish.attempts.book(self.try_book(wish, flights, way))).await
    }

    /// One transaction, and all of it or nothing. `None`: a flight is no longer as it was read.
    async fn try_book(&self, wish: Wish<'_>, flights: &[Flight], way: Way) -> Result<Option<Booking>, BookingError> {
        let mut tx = self.db.begin().await?;
        let booked = self.book_in_tx(&mut tx, wish, flights, way).await;
        match wish.once.conclude(tx, booked).await {
            Ok(booking) => Ok(Some(booking)),
            Err(BookingError::Lost) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The key, the air waybill's claim, the room of every leg, the booking, its legs, its event, the message.
    async fn book_in_tx(
        &self,
        tx: &mut Tx,
        wish: Wish<'_>,
        flights: &[Flight],
        way: Way,
    ) -> Result<Booking, BookingError> {
        wish.once.enter_in_tx(tx).await?;
        let reference = self.references.next(tx).await?;
        // After waiting for a connection: the cut-off is judged by when the sale is made.
        let booking = self.draw_up(wish, reference, flights, self.clock.now());
        let (id, now) = (booking.id, booking.created_at);
        let legs: Vec<&Leg> = booking.legs.iter().collect();
        let takings = takings(id, &legs, flights, Until::Cutoff, way);
        if let Some(awb) = &booking.awb_number
            && !repository::claim_awb(tx, awb, id).await?
        {
            return Err(BookingError::AwbTaken(awb.clone()));
        }
        if !capacity::take_in_tx(tx, &takings, now).await? {
            return Err(BookingError::Lost);
        }
        repository::insert_booking(tx, &booking).await?;
        let legs: Vec<_> = legs.into_iter().map(|leg| (id, leg)).collect();
        repository::insert_legs(tx, &legs).await?;
        record_in_tx(tx, &[(&booking, &self.booked_event(&booking))]).await?;
        Ok(booking)
    }

    fn draw_up(&self, wish: Wish<'_>, ref_id: BookingRef, flights: &[Flight], now: DateTime<Utc>) -> Booking {
        let Wish { caller, new, .. } = wish;
        Booking {
            id: self.ids.next(now),
            ref_id,
            organization_id: caller.organization_id,
            created_by: caller.user_id,
            status: BookingStatus::Booked,
            origin: new.origin,
            destination: new.destination,
            pieces: new.pieces,
            space: new.space,
            volume_defaulted: new.volume_defaulted,
            special_handling_codes: new.special_handling_codes.clone(),
            awb_number: new.awb_number.clone(),
            needs_rerouting: false,
            event_sequence: 1,
            moved_at: None,
            version: 1,
            created_at: now,
            updated_at: now,
            texts: new.texts.clone(),
            legs: self.legs(flights, 1, (new.pieces, new.space), now),
        }
    }

    /// Legs on these flights, numbered from `first` on.
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

/// The room that new legs take on the flights they were made for.
pub(super) fn takings(booking_id: BookingId, legs: &[&Leg], flights: &[Flight], until: Until, way: Way) -> Vec<Taking> {
    let versions: HashMap<FlightId, i32> = flights.iter().map(|f| (f.id, f.room.version)).collect();
    let taking = |leg: &&Leg| Taking {
        flight_id: leg.flight_id,
        version: versions.get(&leg.flight_id).copied().unwrap_or_default(),
        booking_id,
        leg_id: leg.id,
        space: leg.space,
        entry: Entry::Booked,
        until,
        way,
    };
    legs.iter().map(taking).collect()
}
