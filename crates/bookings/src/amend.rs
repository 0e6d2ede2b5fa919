use chrono::TimeDelta;
use loadmaster_accounts::Role;
use loadmaster_capacity::{self as capacity, FlightCapacity, FlightStatus, OpenUntil, Shift, Shortfall, Space};
use loadmaster_flights as flights;
use loadmaster_holds::{Draws, HoldError};
use loadmaster_kernel::{AwbNumber, BookingId, FlightId, HandlingCode};
use loadmaster_platform::postgres::PgSession;
use loadmaster_shipment::{self as shipment, Fit, ItineraryError};

use super::{
    BookingError, BookingService,
    amendment::{AwbMove, changes_text},
    billing::{self, Lifted},
    change::Alteration,
    courtesy::Target,
    draft::{Author, Draft, EventDetails},
    dto::AmendBooking,
    model::{Action, Booking, EventType, LegStatus},
    movement::check_flights_are_with_it,
    repository,
};

/// The span over which amendments are counted.
const AMENDED_WITHIN: TimeDelta = TimeDelta::hours(1);

/// Changes the freight or the route of a shipment, all or nothing.
pub(super) struct Amend {
    pub amendment: AmendBooking,
}

impl Alteration for Amend {
    const NAME: &'static str = "bookings.amend";

    async fn apply(
        &self,
        bookings: &BookingService,
        tx: &mut PgSession,
        target: &Target,
        seen: &Booking,
    ) -> Result<Booking, BookingError> {
        let (caller, amendment) = (target.caller, &self.amendment);
        if amendment.accepts_oversize() && caller.role < Role::Operator {
            return Err(HoldError::OversizeNotAllowed.into());
        }
        let wanted = amendment.flights_to_lock(seen);
        let taken = move_awb_claim(tx, seen.id, amendment.awb_move(seen)).await?;
        let spaces = capacity::lock_in_tx(tx, &wanted).await?;
        let booking = repository::lock_booking(tx, seen.id).await?;
        // It may have moved to another organization since it was read.
        let booking = booking.filter(|booking| booking.is_visible_to(caller)).ok_or(BookingError::Unknown)?;
        target.precondition.check(booking.version).map_err(BookingError::VersionMismatch)?;
        if !amendment.is_allowed(&booking, caller.role) {
            let (from, allowed) = (booking.status, booking.allowed(caller.role));
            return Err(BookingError::InvalidTransition { from, action: Action::Amend, allowed });
        }
        // The booking changed between reading and locking: the locks held are not the ones it now needs.
        if amendment.flights_to_lock(&booking) != wanted || booking.awb_number != seen.awb_number {
            return Err(BookingError::Raced);
        }
        check_flights_are_with_it(&booking, &spaces)?;
        bookings.check_pace(tx, &booking).await?;
        let author = bookings.author(Some(caller.user_id));
        let legs: Vec<_> = booking.undeparted_legs().map(|leg| leg.id.uuid()).collect();
        let draws = Draws::read_in_tx(tx, &spaces, &legs, author.now).await?;
        let work = Amending {
            service: bookings,
            author,
            until: if caller.role >= Role::Operator { OpenUntil::Departure } else { OpenUntil::Cutoff },
            spaces,
            draws,
            draft: Draft::of(booking),
            accepts_oversize: amendment.accepts_oversize(),
        };
        let mut draft = work.amended(tx, amendment, taken).await?;
        billing::repriced_in_tx(bookings, tx, &mut draft, author).await?;
        let lifted: Vec<Lifted> = billing::lifted(std::slice::from_ref(&draft)).collect();
        let booking = draft.save_alone_in_tx(tx).await?;
        if lifted.is_empty() {
            return Ok(booking);
        }
        bookings.return_surplus_in_tx(tx, &lifted, author.actor).await?;
        repository::lock_booking(tx, booking.id).await?.ok_or(BookingError::Unknown)
    }

    fn applied(&self, bookings: &BookingService, booking: &Booking) {
        bookings.changed(booking);
        bookings.start_refunds(booking);
        tracing::info!(ref_id = %booking.ref_id, version = booking.version, "booking amended");
    }
}

impl BookingService {
    /// Refuses the amendment if the booking has reached its limit for the last hour. An amendment that also reroutes
    /// counts twice: it leaves two events. A repeated request does not reach this check.
    async fn check_pace(&self, tx: &mut PgSession, booking: &Booking) -> Result<(), BookingError> {
        let most = self.limits.amendments_per_hour;
        // The number of amendments cannot exceed the number of events.
        if most == 0 || booking.event_sequence.cast_unsigned() <= most {
            return Ok(());
        }
        let now = self.clock.now();
        // Events of other kinds may lie between.
        let looked_at = i64::from(most) * 2 + 100;
        let (back, since) = (i64::from(most) - 1, now - AMENDED_WITHIN);
        match repository::amended_since(tx, booking.id, back, since, looked_at).await? {
            // Once the amendment found is an hour old, the last hour holds one fewer than the limit.
            Some(counted) => {
                let again_in = u32::try_from((counted + AMENDED_WITHIN - now).num_seconds() + 1).unwrap_or(1);
                Err(BookingError::AmendedTooOften { most, again_in })
            }
            None => Ok(()),
        }
    }
}

/// An amendment under way, with the locks it needs.
pub(super) struct Amending<'a> {
    pub service: &'a BookingService,
    pub author: Author<'a>,
    pub until: OpenUntil,
    pub spaces: Vec<FlightCapacity>,
    /// What allotments keep on these flights.
    pub draws: Draws,
    pub draft: Draft,
    /// Pieces that do not fit are taken.
    pub accepts_oversize: bool,
}

impl Amending<'_> {
    async fn amended(
        mut self,
        tx: &mut PgSession,
        amendment: &AmendBooking,
        taken: Option<AwbNumber>,
    ) -> Result<Draft, BookingError> {
        let reroutes = !amendment.keeps_the_way(&self.draft.now);
        let amended = amendment.amended(&self.draft.now)?;
        let new_size = amended.dimensions != self.draft.now.dimensions;
        let new_freight = new_size || amended.space != self.draft.now.space || amended.pieces != self.draft.now.pieces;
        if reroutes || new_freight || amended.awb_number != self.draft.now.awb_number {
            self.check_open()?;
        }
        self.check_kind(tx, &amended, reroutes).await?;
        let new_codes = amended.special_handling_codes != self.draft.now.special_handling_codes;
        if (new_freight || new_codes) && !reroutes {
            self.check_flights(tx, &amended, new_size).await?;
        }
        if let Some(number) = taken {
            return Err(BookingError::AwbTaken(number));
        }
        let notes = changes_text(&self.draft.now, &amended);
        self.draft.now = amended;
        if new_freight && !reroutes {
            self.retake(tx).await?;
        }
        if self.draft.has_news() {
            self.draft.record(
                self.author,
                EventType::Amended,
                EventDetails { notes: Some(notes), accepts_oversize: self.accepts_oversize, ..EventDetails::default() },
            );
        }
        if reroutes {
            self.reroute(tx, amendment.way()).await?;
        }
        self.draws.save_in_tx(tx, self.author.now).await?;
        Ok(self.draft)
    }

    /// Checks that every flight that has not taken the cargo is still open to this caller.
    fn check_open(&self) -> Result<(), BookingError> {
        for leg in self.draft.now.undeparted_legs() {
            let space = self.spaces.iter().find(|space| space.flight_id == leg.flight_id);
            let is_open = space.is_some_and(|space| {
                space.status == FlightStatus::Scheduled
                    && (self.until == OpenUntil::Departure || self.author.now < space.cutoff)
            });
            if !is_open {
                return Err(ItineraryError::Closed(leg.flight_number).into());
            }
        }
        Ok(())
    }

    /// Refuses a flight that is no cargo aircraft for freight that requires one; legs to be replaced are checked with
    /// their new flights.
    async fn check_kind(&self, tx: &mut PgSession, amended: &Booking, reroutes: bool) -> Result<(), BookingError> {
        let only = |codes: &[HandlingCode]| codes.contains(&HandlingCode::CARGO_AIRCRAFT_ONLY);
        if !only(&amended.special_handling_codes) || only(&self.draft.now.special_handling_codes) {
            return Ok(());
        }
        let stays = amended.legs_in_force().filter(|leg| !reroutes || leg.status != LegStatus::Booked);
        let flights: Vec<FlightId> = stays.map(|leg| leg.flight_id).collect();
        let found = flights::find_all_in_tx(tx, &flights).await?;
        match found.iter().find(|flight| !flight.is_freighter) {
            None => Ok(()),
            Some(flight) => Err(shipment::no_freighter(flight).into()),
        }
    }

    /// Judges changed freight, or changed special handling codes, by the embargoes on the legs that have not departed, and changed
    /// dimensions by the openings of their aircraft.
    async fn check_flights(
        &self,
        tx: &mut PgSession,
        amended: &Booking,
        has_new_size: bool,
    ) -> Result<(), BookingError> {
        let flights: Vec<FlightId> = amended.undeparted_legs().map(|leg| leg.flight_id).collect();
        let found = flights::find_all_in_tx(tx, &flights).await?;
        let embargoes = self.service.embargoes.in_force_in_tx(tx).await?;
        let flights = shipment::in_order(&flights, found)?;
        shipment::check_embargoes(&flights, &amended.special_handling_codes, &embargoes)?;
        let dimensions = amended.dimensions.as_ref().filter(|_| has_new_size && !self.accepts_oversize);
        Ok(shipment::check_fit(&flights, Fit::of(dimensions, &self.service.surroundings().reference))?)
    }

    /// Adjusts the space of each leg that has not departed to the amended booking.
    async fn retake(&mut self, tx: &mut PgSession) -> Result<(), BookingError> {
        let (booking_id, pieces, space) = (self.draft.now.id, self.draft.now.pieces, self.draft.now.space);
        let mut shifts = Vec::new();
        for leg in self.draft.now.legs.iter_mut().filter(|leg| leg.status == LegStatus::Booked) {
            let Some(flight) = self.spaces.iter().find(|flight| flight.flight_id == leg.flight_id) else { continue };
            let capacity = self.draws.capacity_for(self.draft.now.organization_id, *flight);
            let available = capacity.available() + leg.space;
            if let Some(dimension) = space.exceeds(available).next() {
                return Err(ItineraryError::Full {
                    flight_id: leg.flight_id,
                    flight_number: leg.flight_number,
                    shortfall: Box::new(Shortfall { dimension, requested: space, available }),
                }
                .into());
            }
            let more = space - leg.space;
            if more != Space::default() {
                shifts.push(Shift::amended(leg.flight_id, booking_id, leg.id, more));
            }
            (leg.pieces, leg.space) = (pieces, space);
        }
        self.shift(tx, &shifts).await?;
        capacity::Path::Amending.count_taken(shifts.len());
        Ok(())
    }

    /// Takes space and gives it back, from and to the organization's allotments first.
    pub(super) async fn shift(&mut self, tx: &mut PgSession, shifts: &[Shift]) -> Result<(), BookingError> {
        let applied = self.draws.apply_allotments(Some(self.draft.now.organization_id), shifts);
        capacity::shift_in_tx(tx, &applied, self.author.now).await?;
        Ok(())
    }
}

/// Releases the claim on the old air waybill and takes the one on the new, in the order of their numbers, so that two
/// bookings swapping numbers never wait for each other in a circle. Returns the new number if another booking has it.
async fn move_awb_claim(
    tx: &mut PgSession,
    booking: BookingId,
    claims: Option<AwbMove>,
) -> Result<Option<AwbNumber>, BookingError> {
    let Some(AwbMove { from, to }) = claims else { return Ok(None) };
    let frees_first = from < to;
    if let (true, Some(from)) = (frees_first, &from) {
        repository::free_awbs(tx, &[(from.clone(), booking)]).await?;
    }
    let is_ours = match &to {
        Some(to) => !repository::claim_awbs(tx, &[(to.clone(), booking)]).await?.is_empty(),
        None => true,
    };
    if let (false, Some(from)) = (frees_first, &from) {
        repository::free_awbs(tx, &[(from.clone(), booking)]).await?;
    }
    Ok(to.filter(|_| !is_ours))
}
