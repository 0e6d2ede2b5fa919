//! The contacts of bookings: who is notified about a shipment. The room that writes to them decides whom it may write to.
use loadmaster_kernel::{BookingId, HoldId};
use loadmaster_platform::postgres::{DbError, PgSession};
use loadmaster_shipment::BookingContact;
use uuid::Uuid;

use super::{BookingError, repository};

/// The contacts of new bookings, and of holds that are to become bookings when they are paid for.
#[derive(Default)]
pub(super) struct NewContacts {
    given: Vec<(Uuid, Vec<BookingContact>)>,
    booked: Vec<(HoldId, BookingId)>,
}

impl NewContacts {
    /// Adds the contacts of a booking, or of a hold until it is one.
    pub fn give(&mut self, owner: Uuid, contacts: &[BookingContact]) {
        if !contacts.is_empty() {
            self.given.push((owner, contacts.to_vec()));
        }
    }

    /// Gives what a hold has to its booking.
    pub fn book(&mut self, hold: HoldId, booking: BookingId) {
        self.booked.push((hold, booking));
    }

    pub async fn write_in_tx(self, tx: &mut PgSession) -> Result<(), DbError> {
        if !self.given.is_empty() {
            repository::contacts::insert(tx, &self.given).await?;
        }
        if !self.booked.is_empty() {
            repository::contacts::hand_over(tx, &self.booked).await?;
        }
        Ok(())
    }
}

/// Returns the contacts of a booking, in their order.
pub async fn contacts_in_tx(db: &mut PgSession, booking: BookingId) -> Result<Vec<BookingContact>, DbError> {
    Ok(repository::contacts::of_booking(db, booking).await?)
}

/// Replaces the contacts of a booking. Locks its row: two replacements at the same time would insert the same positions.
pub async fn set_contacts_in_tx(
    tx: &mut PgSession,
    booking: BookingId,
    contacts: &[BookingContact],
) -> Result<(), BookingError> {
    repository::lock_booking(tx, booking).await?.ok_or(BookingError::Unknown)?;
    repository::contacts::delete(tx, &[booking.uuid()]).await?;
    if !contacts.is_empty() {
        repository::contacts::insert(tx, &[(booking.uuid(), contacts.to_vec())]).await?;
    }
    Ok(())
}
