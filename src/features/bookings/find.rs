use super::{BookingError, BookingService, event::Event, model::Booking, repository};
use crate::{
    features::accounts::Principal,
    kernel::{AwbNumber, BookingRef},
    platform::postgres::PgSession,
};

/// A booking, its legs and its events lie in three tables: each answer is read as of one moment, so that nobody sees half
/// a step.
impl BookingService {
    /// The booking, if it is the caller's to see; what is foreign is as unknown as what does not exist.
    pub async fn visible(&self, caller: Principal, reference: &BookingRef) -> Result<Booking, BookingError> {
        let mut snapshot = self.db.snapshot().await?;
        visible_in(&mut snapshot, caller, reference).await
    }

    /// The booking with its events, oldest first, if it is the caller's to see.
    pub async fn history(
        &self,
        caller: Principal,
        reference: &BookingRef,
    ) -> Result<(Booking, Vec<Event>), BookingError> {
        let mut snapshot = self.db.snapshot().await?;
        let booking = visible_in(&mut snapshot, caller, reference).await?;
        let events = repository::events(&mut snapshot, booking.id).await?;
        Ok((booking, events))
    }

    /// Any booking with its events, for who knows its reference: what is shown of it is the caller's duty.
    pub async fn track_reference(&self, reference: &BookingRef) -> Result<(Booking, Vec<Event>), BookingError> {
        let mut snapshot = self.db.snapshot().await?;
        let booking =
            repository::find_by_reference(&mut snapshot, reference, None).await?.ok_or(BookingError::Unknown)?;
        let events = repository::events(&mut snapshot, booking.id).await?;
        Ok((booking, events))
    }

    /// The same by air waybill: the booking that is not cancelled, else the latest that was.
    pub async fn track_awb(&self, number: &AwbNumber) -> Result<(Booking, Vec<Event>), BookingError> {
        let mut snapshot = self.db.snapshot().await?;
        let booking = repository::find_by_awb(&mut snapshot, number).await?.ok_or(BookingError::Unknown)?;
        let events = repository::events(&mut snapshot, booking.id).await?;
        Ok((booking, events))
    }
}

async fn visible_in(db: &mut PgSession, caller: Principal, reference: &BookingRef) -> Result<Booking, BookingError> {
    let found = repository::find_by_reference(db, reference, caller.sees_only()).await?;
    found.ok_or(BookingError::Unknown)
}
