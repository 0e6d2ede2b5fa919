use std::{collections::VecDeque, sync::Arc};

use chrono::{DateTime, Utc};
use loadmaster_holds::{
    self as holds, CommitTerms, CreateHold, HoldCaller, HoldKind, HoldStep, HoldVerb, NewHold, Requester,
};
use loadmaster_kernel::{FlightId, HoldId};
use loadmaster_platform::{
    idempotency::{Answer, Key},
    postgres::MAX_RETRIES,
    telemetry::{Traced, span},
    web::{Precondition, Problem},
};
use loadmaster_search as search;
use tokio::time::Instant;

use super::{
    BookingError,
    attempts::Attempts,
    desk::{AnswerFor, Desk, Done, Operation, Outcome, Refusal, Request},
    router::created,
};

impl Desk {
    /// Makes a hold.
    pub(super) async fn make_hold(
        &self,
        caller: HoldCaller,
        kind: HoldKind,
        new: CreateHold,
        key: Key,
    ) -> Result<Answer, Problem> {
        let made = self.hold(caller, kind, (Arc::new(new), None), key, AnswerFor::Hold(holds::created)).await;
        made.map(|done| done.answer)
    }

    /// Changes a hold, or makes a booking of it.
    pub async fn change_hold(
        &self,
        caller: HoldCaller,
        (hold, precondition): (HoldId, Precondition),
        verb: HoldVerb,
        key: Key,
    ) -> Result<Answer, Problem> {
        let (principal, requester) = (caller.principal, Requester::Caller(caller));
        let HoldVerb::Commit(patch, terms) = verb else {
            let wanted = Wanted { requester, hold, precondition, verb };
            let changed = self.step_hold(wanted, key, AnswerFor::Hold(holds::changed)).await;
            return changed.map(|done| done.answer);
        };
        let terms = Arc::new(CommitTerms { request: key.name(), ..(*terms).clone() });
        if let Some(answer) = self.joined(principal, &key, &terms).await? {
            return Ok(answer);
        }
        let verb = HoldVerb::Commit(patch, terms.clone());
        let wanted = Wanted { requester, hold, precondition, verb };
        let outcome = self.step_hold(wanted, key.clone(), AnswerFor::Booking(created)).await;
        self.finished_or_joined(principal, outcome, &terms, &key).await
    }
}

/// A change of one hold.
pub(super) struct Wanted {
    pub requester: Requester,
    pub hold: HoldId,
    pub precondition: Precondition,
    pub verb: HoldVerb,
}

impl Desk {
    /// Holds space on every flight of an itinerary, or on none: on the named flights, or on the best option available.
    /// With terms it becomes a booking at once.
    pub(super) async fn hold(
        &self,
        caller: HoldCaller,
        kind: HoldKind,
        (new, commit): (Arc<CreateHold>, Option<Arc<CommitTerms>>),
        key: Key,
        answer: AnswerFor,
    ) -> Result<Done, Problem> {
        let until = self.until();
        let request = Request::new(key, answer, until)?;
        let wanted = NewHold { caller, kind, new: new.clone(), flights: Vec::new(), commit };
        let outcome = self.try_to_hold(&wanted, &request, until).in_span(span("bookings.hold")).await;
        if let Err(Refusal { error, .. }) = &outcome {
            self.bookings().holds.refused(kind, error.outcome());
        }
        let outcome = request.resolve(outcome).await;
        // The key is free again while alternatives are looked for.
        drop(request);
        self.bookings().or_alternatives_to_hold(&new, outcome).await
    }

    async fn try_to_hold(&self, wanted: &NewHold, request: &Request, until: Instant) -> Outcome {
        let (caller, new) = (&wanted.caller, &wanted.new);
        let operation = |flights| Operation::hold(NewHold { flights, ..wanted.clone() });
        if let (true, Some(quote)) = (new.flight_ids.is_empty(), new.quote_id) {
            let flights = self.bookings().flights_of_quote(quote).await?;
            return self.submit(operation(flights), request).await;
        }
        let (true, Some(origin), Some(destination)) = (new.flight_ids.is_empty(), new.origin, new.destination) else {
            return self.submit(operation(new.flight_ids.clone()), request).await;
        };
        let date = new.departure_date;
        let freight = search::Request::of(new.load().space, &new.special_handling_codes).sized(new.dimensions());
        let attempts = Attempts::until(until);
        let mut options = VecDeque::<Vec<FlightId>>::new();
        loop {
            if options.is_empty() {
                // When all options are lost: some may only have changed.
                let wanted = (origin, destination, date);
                options = self.bookings().candidates(&caller.principal, wanted, freight.clone(), &attempts).await?;
            }
            let flights = options.pop_front().ok_or(BookingError::NoBookableItinerary)?;
            match self.submit(operation(flights), request).await {
                Err(Refusal { error, .. }) if error.is_lost_option() => {}
                outcome => return outcome,
            }
        }
    }

    pub(super) async fn step_hold(&self, wanted: Wanted, key: Key, answer: AnswerFor) -> Result<Done, Problem> {
        let asked_at = self.bookings().clock.now();
        let request = Request::new(key, answer, self.until())?;
        let outcome = self.try_to_step_hold(&wanted, asked_at, &request).in_span(span("bookings.step_hold")).await;
        let outcome = request.resolve(outcome).await;
        drop(request);
        let Requester::Caller(caller) = &wanted.requester else { return outcome };
        let step = (wanted.hold, &wanted.verb);
        self.bookings().or_alternatives_to_step(caller.principal, step, outcome).await
    }

    pub(super) async fn try_to_step_hold(
        &self,
        wanted: &Wanted,
        asked_at: DateTime<Utc>,
        request: &Request,
    ) -> Outcome {
        let mut attempts = 0;
        loop {
            let seen = self.holds().visible_to(&wanted.requester, wanted.hold).await.map_err(BookingError::from)?;
            let step = HoldStep {
                requester: wanted.requester.clone(),
                precondition: wanted.precondition.clone(),
                verb: wanted.verb.clone(),
                seen,
                asked_at,
            };
            match self.submit(Operation::step_hold(step), request).await {
                Err(Refusal { error: BookingError::Raced, .. }) if attempts < MAX_RETRIES => attempts += 1,
                outcome => return outcome,
            }
        }
    }
}
