//! The letter to a guest about its booking. It goes to the address that the guest gave, which nobody has verified; so it goes
//! once, names nobody, and an address gets few of them.
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_platform::postgres::{DbError, PgSession};
use serde_json::json;

use super::{
    model::{Cause, GUEST_BOOKING, LAST_MOMENT, NotificationType},
    post::{NewNotification, Receiver},
    repository::guests::{self, GuestBooking},
    service::NotificationService,
};

/// Letters to one address in a day.
const MOST_TO_ADDRESS: i64 = 10;
/// Why another one is not sent.
const LETTERS_USED_UP: &str = "letters_used_up";

impl NotificationService {
    /// Writes the letters to the guests whose bookings were made; those above the bound of an address are listed as suppressed.
    /// None where the console is off: its page is where the link of the letter leads.
    pub(super) async fn write_to_guests_in_tx(
        &self,
        tx: &mut PgSession,
        causes: &[Cause],
        now: DateTime<Utc>,
    ) -> Result<(), DbError> {
        let is_recent =
            |cause: &&Cause| cause.kind == NotificationType::BookingConfirmed && cause.at + LAST_MOMENT > now;
        let made: Vec<_> = causes.iter().filter(is_recent).map(|cause| cause.id).collect();
        if made.is_empty() || !self.terms.has_console {
            return Ok(());
        }
        for booking in guests::booked(tx, &made).await? {
            let address_hash = URL_SAFE_NO_PAD.encode(self.post.address_hash("email", &booking.email));
            let letters = guests::letters_to(tx, &address_hash, now - TimeDelta::days(1)).await?;
            let new = [self.letter_to(&booking, &address_hash, now)];
            if letters < MOST_TO_ADDRESS {
                self.post.enqueue_in_tx(tx, &new).await?;
            } else {
                self.post.enqueue_suppressed_in_tx(tx, &new, LETTERS_USED_UP).await?;
            }
        }
        Ok(())
    }

    fn letter_to(&self, booking: &GuestBooking, address_hash: &str, now: DateTime<Utc>) -> NewNotification {
        let receiver = Receiver::User(booking.guest.into());
        NewNotification {
            message_id: format!("{GUEST_BOOKING}-{}", booking.booking_id),
            organization_id: Some(booking.organization_id.into()),
            booking_id: Some(booking.booking_id.into()),
            ref_id: Some(booking.ref_id.clone()),
            data: json!({ "address_hash": address_hash }),
            ..NewNotification::urgent(self.ids.next(now), receiver, GUEST_BOOKING, (now, now + LAST_MOMENT))
        }
    }
}
