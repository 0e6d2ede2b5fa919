use super::{BookingError, BookingService, event::Event, model::Booking, repository};
use crate::{
    features::accounts::Principal,
    kernel::{AwbNumber, BookingRef},
};

impl BookingService {
    /// The booking, if it is the caller's to see; what is foreign is as unknown as what does not exist.
    pub async fn visible(&self, caller: Principal, reference: &BookingRef) -> Result<Booking, BookingError> {
        let mut connection = self.db.read().await?;
        let found = repository::find_by_reference(&mut connection, reference).await?;
        found.filter(|booking| caller.may_see(booking.organization_id)).ok_or(BookingError::Unknown)
    }

    /// The booking with its events, oldest first, if it is the caller's to see.
    pub async fn history(
        &self,
        caller: Principal,
        reference: &BookingRef,
    ) -> Result<(Booking, Vec<Event>), BookingError> {
        let booking = self.visible(caller, reference).await?;
        let mut connection = self.db.read().await?;
        let events = repository::events(&mut connection, booking.id).await?;
        Ok((booking, events))
    }

    /// Any booking with its events, for who knows its reference: what is shown of it is the caller's duty.
    pub async fn track_reference(&self, reference: &BookingRef) -> Result<(Booking, Vec<Event>), BookingError> {
        let mut connection = self.db.read().await?;
        let booking = repository::find_by_reference(&mut connection, reference).await?.ok_or(BookingError::Unknown)?;
        let events = repository::events(&mut connection, booking.id).await?;
        Ok((booking, events))
    }

    /// The same by air waybill: the booking that is not cancelled, else the latest that was.
    pub async fn track_awb(&self, number: &AwbNumber) -> Result<(Booking, Vec<Event>), BookingError> {
        let mut connection = self.db.read().await?;
        let booking = repository::find_by_awb(&mut connection, number).await?.ok_or(BookingError::Unknown)?;
        let events = repository::events(&mut connection, booking.id).await?;
        Ok((booking, events))
    }
}
