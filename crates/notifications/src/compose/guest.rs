//! The letter that gives a guest the link to its booking.
use futures_util::future::BoxFuture;
use loadmaster_bookings::BookingService;
use loadmaster_platform::postgres::{DbError, PgSession};
use minijinja::{Value, context};
use secrecy::ExposeSecret;

use super::{News, context_of, item::Item, templates};

use crate::{
    model::{GUEST_BOOKING, NotificationType},
    post::{Address, Composed, Composer, Letter, Templates},
    repository::{facts, guests},
};

/// Composes it.
pub(super) struct GuestLetters {
    pub news: News,
    pub bookings: BookingService,
}

impl GuestLetters {
    async fn write(&self, snapshot: &mut PgSession, letter: &Letter) -> Result<Composed, DbError> {
        let Some(booking) = letter.rows.first().and_then(|row| row.booking_id) else {
            return Ok(Composed::Suppress("no_receiver"));
        };
        let Some((claim, ends_at)) = self.bookings.claim_of_in_tx(snapshot, booking).await? else {
            return Ok(Composed::Suppress("claimed"));
        };
        let to = guests::booked(snapshot, &[booking.uuid()]).await?.pop();
        let shipment = facts::shipments(snapshot, &[booking.uuid()], &[None]).await?.pop();
        let (Some(to), Some(shipment)) = (to, shipment) else { return Ok(Composed::Suppress("erased")) };
        if shipment.status == "CANCELLED" {
            return Ok(Composed::Suppress("booking_cancelled"));
        }
        let item = Item {
            flight: self.news.flight(&shipment),
            shipment: Some(self.news.shipment(&shipment)),
            ..Item::of(NotificationType::BookingConfirmed)
        };
        let context = context! {
            // In the fragment, which browsers send to no server: it opens the booking.
            path => format!("/guest#{}", claim.expose_secret()),
            expires => ends_at.format("%-d %B %Y").to_string(),
            expires_at => ends_at.to_rfc3339(),
            ..context_of(std::slice::from_ref(&item), 1)
        };
        Ok(Composed::Text { template: GUEST_BOOKING, context, unsubscribe: None, to: Address::of(to.email) })
    }
}

impl Composer for GuestLetters {
    fn compose<'a>(
        &'a self,
        snapshot: &'a mut PgSession,
        letter: &'a Letter,
    ) -> BoxFuture<'a, Result<Composed, DbError>> {
        Box::pin(self.write(snapshot, letter))
    }

    fn templates(&self) -> Templates {
        templates::GUEST
    }

    fn samples(&self) -> Vec<(&'static str, Value)> {
        let item = Item::sample(NotificationType::BookingConfirmed);
        let news = context_of(std::slice::from_ref(&item), 1);
        let (path, expires, expires_at) = ("/guest#x", "1 May 2030", "2030-05-01T00:00:00+00:00");
        vec![(GUEST_BOOKING, context! { path, expires, expires_at, ..news })]
    }
}
