//! What rooms above this one have the desk do for a caller, as the routes of this room do.
use loadmaster_accounts::Principal;
use loadmaster_holds::{CreateHold, HoldKind};
use loadmaster_kernel::{BookingRef, FlightId};
use loadmaster_platform::{
    idempotency::{Answer, Key},
    web::{Precondition, Problem},
    work::{Keyed, UnitOfWork},
};

use super::{
    amend::Amend,
    cancel::Cancel,
    change::Change,
    courtesy::Target,
    desk::{Desk, Verb},
    dto::AmendBooking,
    router::{answer_changed, changed},
};

impl Desk {
    /// Holds space on every flight of an itinerary, or on none. The answer is that of `POST /holds`.
    pub async fn hold_for(&self, caller: Principal, new: CreateHold, key: Key) -> Result<Answer, Problem> {
        let counted = self.holds().caller(caller, None);
        self.make_hold(counted, HoldKind::Itinerary, new, key).await
    }

    /// Refuses a hold on flights that do not take each piece of its dimensions, as making it would.
    pub async fn check_fit(&self, new: &CreateHold) -> Result<(), Problem> {
        let Some(dimensions) = new.dimensions() else { return Ok(()) };
        match self.bookings().check_fit(&new.flight_ids, dimensions).await {
            Ok(()) => Ok(()),
            Err(error) => {
                self.holds().refused(HoldKind::Itinerary, error.outcome());
                self.bookings().or_alternatives_to_hold(new, Err(error.into())).await.map(drop)
            }
        }
    }

    /// Returns the flights that a booking is still to take.
    pub async fn flights_ahead(&self, caller: Principal, reference: &BookingRef) -> Result<Vec<FlightId>, Problem> {
        let booking = self.bookings().visible(caller, reference).await?;
        Ok(booking.undeparted_legs().map(|leg| leg.flight_id).collect())
    }

    /// Cancels a booking. The answer is that of `POST /bookings/{ref_id}/cancel`.
    pub async fn cancel_for(&self, caller: Principal, reference: BookingRef, key: Key) -> Result<Answer, Problem> {
        let target = Target { caller, reference, precondition: Precondition::default() };
        self.take_step(target, Verb::Cancel(Cancel { reason: None, waived_by: None }), key, changed).await
    }

    /// Amends a booking. The answer is that of `PATCH /bookings/{ref_id}`.
    pub async fn amend_for(
        &self,
        caller: Principal,
        reference: BookingRef,
        amendment: AmendBooking,
        (unit_of_work, key): (&UnitOfWork, Key),
    ) -> Result<Answer, Problem> {
        let target = Target { caller, reference, precondition: Precondition::default() };
        let command = Change::new(self.bookings().clone(), target, Amend { amendment });
        let answer = Box::new(answer_changed(self.bookings()));
        unit_of_work.run(Keyed { command, key, answer }).await
    }
}
