//! Whom a booking names to be notified.
use loadmaster_accounts::Principal;
use loadmaster_bookings::{self as bookings, Booking};
use loadmaster_kernel::{BookingId, BookingRef};
use loadmaster_platform::{postgres::PgSession, work::Command};
use loadmaster_shipment::BookingContact;

use super::{error::NotificationError, repository, service::NotificationService};

/// Replaces the contacts of a booking, and asks new addresses.
pub(super) struct SetContacts {
    pub notifications: NotificationService,
    pub booking: BookingId,
    pub wanted: Vec<BookingContact>,
}

impl Command for SetContacts {
    const NAME: &'static str = "notifications.set_contacts";
    type Done = Vec<BookingContact>;
    type Error = NotificationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Vec<BookingContact>, NotificationError> {
        bookings::set_contacts_in_tx(tx, self.booking, &self.wanted).await?;
        let named = repository::consents::named_by(tx, &[self.booking.uuid()]).await?;
        self.notifications.ask_in_tx(tx, named).await?;
        Ok(self.wanted.clone())
    }
}

impl NotificationService {
    /// Returns a booking that the caller may see.
    pub(super) async fn booking(
        &self,
        caller: Principal,
        reference: &BookingRef,
    ) -> Result<Booking, NotificationError> {
        Ok(self.bookings.visible(caller, reference).await?)
    }

    pub(super) async fn contacts(
        &self,
        caller: Principal,
        reference: &BookingRef,
    ) -> Result<Vec<BookingContact>, NotificationError> {
        let booking = self.booking(caller, reference).await?;
        Ok(bookings::contacts_in_tx(&mut *self.db.read().await?, booking.id).await?)
    }
}
