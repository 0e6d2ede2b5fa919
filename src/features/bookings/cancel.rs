use super::{
    BookingError, BookingService,
    event::{Event, EventType, legs_data},
    model::{Action, Booking, BookingStatus, LegStatus},
    movement::Locked,
    record::record_in_tx,
    repository,
};
use crate::{
    features::{
        accounts::Principal,
        capacity::{self, Giving},
    },
    kernel::{BookingRef, LegId},
    platform::{
        postgres::{commit, retrying},
        web::Precondition,
    },
};

impl BookingService {
    /// Cancels a shipment and gives back, in the same transaction, the room of every leg that has not departed. Departed
    /// legs keep their status and their room.
    pub(super) async fn cancel(
        &self,
        caller: Principal,
        reference: &BookingRef,
        reason: Option<&str>,
        precondition: &Precondition,
    ) -> Result<Booking, BookingError> {
        let booking = retrying(|| self.try_cancel(caller, reference, reason, precondition)).await?;
        tracing::info!(ref_id = %booking.ref_id, "shipment cancelled");
        metrics::counter!("loadmaster_booking_actions_total", "action" => "cancel").increment(1);
        Ok(booking)
    }

    async fn try_cancel(
        &self,
        caller: Principal,
        reference: &BookingRef,
        reason: Option<&str>,
        precondition: &Precondition,
    ) -> Result<Booking, BookingError> {
        let Locked { mut tx, mut booking, .. } = self.lock(caller, reference, Action::Cancel, precondition).await?;
        let now = self.clock.now();
        let givings: Vec<Giving> = booking
            .undeparted_legs()
            .map(|leg| Giving { flight_id: leg.flight_id, booking_id: booking.id, leg_id: leg.id, space: leg.space })
            .collect();
        capacity::release_in_tx(&mut tx, &givings, now).await?;
        let released: Vec<LegId> = givings.iter().map(|giving| giving.leg_id).collect();
        for leg in booking.legs.iter_mut().filter(|leg| released.contains(&leg.id)) {
            leg.status = LegStatus::Released;
        }
        repository::update_legs(&mut tx, booking.id, &released, LegStatus::Released).await?;
        if let Some(awb) = &booking.awb_number {
            repository::free_awb(&mut tx, awb, booking.id).await?;
        }
        booking.status = BookingStatus::Cancelled;
        let data = legs_data(booking.legs.iter().filter(|leg| released.contains(&leg.id)));
        let event = self.next_event(&mut booking, caller, EventType::Cancelled, data, now);
        let event = Event { notes: reason.map(str::to_owned), ..event };
        repository::update_booking(&mut tx, &booking).await?;
        record_in_tx(&mut tx, &booking, &event).await?;
        commit(tx).await?;
        Ok(booking)
    }
}
