use std::{collections::VecDeque, sync::Arc};

use chrono::{NaiveDate, TimeDelta};
use loadmaster_accounts::Principal;
use loadmaster_flights::Flight;
use loadmaster_holds::{
    AmendHold, CommitTerms, CreateHold, HoldCaller, HoldError, HoldKind, HoldVerb, PriceFault, Requester,
};
use loadmaster_kernel::{AirportCode, Fault, FaultCode, FlightId, HoldId};
use loadmaster_platform::{
    idempotency::{Answer, Key},
    telemetry::{Traced, span},
    web::{Code, Precondition, Problem},
};
use loadmaster_search::{self as search, Departing};
use loadmaster_shipment::Surroundings;
use tokio::time::Instant;

use super::metric;
use super::{
    BookingError, BookingService,
    attempts::Attempts,
    contacts::contacts_in_tx,
    desk::{AnswerFor, Desk, Operation, Outcome, Refusal, Request},
    draw_up::{Making, NewBooking, PlainBooking},
    dto::CreateBooking,
    error::code,
    hold::Wanted,
    model::Booking,
};

/// What a hold answers that another request has taken, or whose time is up.
const GONE: [Code; 3] = [code::HOLD_EXPIRED, code::INVALID_TRANSITION, code::PAYMENT_IN_PROGRESS];

impl Desk {
    /// Books space on every flight of an itinerary, or on none: on the named flights, or on the best option available,
    /// direct before connecting, earliest arrival first.
    pub(super) async fn book(
        &self,
        caller: Principal,
        new: CreateBooking,
        key: Key,
        answer: fn(&Booking, &Surroundings) -> Answer,
    ) -> Result<Answer, Problem> {
        if new.discount_code.is_some() && new.quote_id.is_none() {
            let fault = Fault::new(FaultCode::InvalidFormat, "needs `quote_id`: without a quote there is no price");
            return Err(BookingError::Invalid(vec![("/discount_code", fault)]).into());
        }
        let wanted = match new.making() {
            Making::AtOnce(wanted) => wanted,
            Making::OfHold(new, terms) => return self.hold_and_book(caller, *new, terms, key, answer).await,
        };
        if self.bookings().price_terms().is_required {
            return Err(HoldError::from(PriceFault::Required).into());
        }
        let until = self.until();
        let request = Request::new(key, AnswerFor::Booking(answer), until)?;
        let outcome = self.try_to_book(caller, wanted.clone(), &request, until).in_span(span("bookings.book")).await;
        if let Err(Refusal { error, .. }) = &outcome {
            metric::BOOKINGS.with([error.outcome()]).increment(1);
        }
        let outcome = request.resolve(outcome).await.map(|done| done.answer);
        // The key is free again while alternatives are looked for.
        drop(request);
        self.bookings().or_alternatives(&wanted, outcome).await
    }

    /// Holds space and commits the hold in one, or once its payment is authorized.
    async fn hold_and_book(
        &self,
        caller: Principal,
        new: CreateHold,
        terms: CommitTerms,
        key: Key,
        answer: fn(&Booking, &Surroundings) -> Answer,
    ) -> Result<Answer, Problem> {
        let terms = Arc::new(CommitTerms { request: key.name(), ..terms });
        if let Some(answer) = self.joined(caller, &key, &terms).await? {
            return Ok(answer);
        }
        let by = HoldCaller { principal: caller, address_key: None };
        let answer = AnswerFor::Booking(answer);
        for hold in self.left_by_attempts(caller, &new, &terms).await? {
            let patch = AmendHold { accept_oversize: new.accept_oversize, ..AmendHold::default() };
            let verb = HoldVerb::Commit(Box::new(patch), terms.clone());
            let wanted =
                Wanted { requester: Requester::Caller(by.clone()), hold, precondition: Precondition::default(), verb };
            let outcome = self.step_hold(wanted, key.clone(), answer).await;
            if !outcome.as_ref().is_err_and(|problem| GONE.contains(&problem.code())) {
                return self.finished_or_joined(caller, outcome, &terms, &key).await;
            }
        }
        let wanted = (Arc::new(new), Some(terms.clone()));
        let outcome = self.hold(by, HoldKind::Itinerary, wanted, key.clone(), answer).await;
        self.finished_or_joined(caller, outcome, &terms, &key).await
    }

    /// Returns the holds whose payment failed and that this order, which is the same in every member, takes over.
    async fn left_by_attempts(
        &self,
        caller: Principal,
        new: &CreateHold,
        terms: &CommitTerms,
    ) -> Result<Vec<HoldId>, BookingError> {
        if terms.method.is_none() {
            return Ok(Vec::new());
        }
        let bookings = self.bookings();
        let mut own = Vec::new();
        for hold in bookings.holds.left_by_attempts(caller, new).await? {
            // They lie under the id of the hold until it is a booking.
            let contacts = contacts_in_tx(&mut *bookings.db.read().await?, hold.id.uuid().into()).await?;
            if contacts == terms.contacts {
                own.push(hold.id);
            }
        }
        Ok(own)
    }

    async fn try_to_book(
        &self,
        caller: Principal,
        wanted: Arc<PlainBooking>,
        request: &Request,
        until: Instant,
    ) -> Outcome {
        let operation = |flights| Operation::book(NewBooking { caller, wanted: wanted.clone(), flights });
        let PlainBooking { shipment, flight_ids, departure_date, .. } = &*wanted;
        if !flight_ids.is_empty() {
            return self.submit(operation(flight_ids.clone()), request).await;
        }
        let freight = search::Request::of(shipment.load.space, &shipment.special_handling_codes)
            .sized(shipment.dimensions.as_ref());
        let attempts = Attempts::until(until);
        let mut options = VecDeque::new();
        loop {
            if options.is_empty() {
                // When all options are lost: some may only have changed.
                let lane = (shipment.origin, shipment.destination, *departure_date);
                options = self.bookings().candidates(&caller, lane, freight.clone(), &attempts).await?;
            }
            let flights = options.pop_front().ok_or(BookingError::NoBookableItinerary)?;
            match self.submit(operation(flights), request).await {
                Err(Refusal { error, .. }) if error.is_lost_option() => {}
                outcome => return outcome,
            }
        }
    }
}

impl BookingService {
    /// Returns the options from one airport to another on that date, or soon if there is none, the best first.
    pub(super) async fn candidates(
        &self,
        caller: &Principal,
        (origin, destination, date): (AirportCode, AirportCode, Option<NaiveDate>),
        freight: search::Request,
        attempts: &Attempts,
    ) -> Result<VecDeque<Vec<FlightId>>, BookingError> {
        let hours = TimeDelta::hours(i64::from(self.limits.auto_route_hours));
        let departing = date.map_or(Departing::Within(hours), Departing::On);
        let own = self.capacity.allotted().of(Some(caller.organization_id));
        let request = freight.by(own);
        let search = self.search.candidates(origin, destination, departing, &request);
        let mut candidates = attempts.read(search).await?;
        if candidates.bookable.is_empty() && !candidates.full.is_empty() {
            // Nobody may have a right any more to what is held there.
            self.holds.clear(&candidates.full).await?;
            let search = self.search.candidates(origin, destination, departing, &request);
            candidates = attempts.read(search).await?;
        }
        let flights = |legs: &[Flight]| legs.iter().map(|flight| flight.id).collect();
        Ok(candidates.bookable.iter().map(|candidate| flights(candidate.legs())).collect())
    }
}
