//! The price of a booking whose freight changes.
use chrono::{DateTime, Utc};
use loadmaster_capacity::Space;
use loadmaster_flights as flights;
use loadmaster_holds::{HoldError, PriceFault};
use loadmaster_kernel::FlightId;
use loadmaster_payments as payments;
use loadmaster_platform::postgres::{DbError, PgSession};
use loadmaster_pricing::{self as pricing, Quote};

use super::{
    super::{
        BookingError, BookingService,
        draft::{Author, Draft, EventDetails},
        model::{Booking, EventType, Price},
    },
    cancellation::{caught_up, keep_fee},
    settle::Books,
};

impl From<&Quote> for Price {
    fn from(quote: &Quote) -> Self {
        let priced = &quote.rated.priced;
        Self {
            quote_id: quote.id,
            basis: priced.basis,
            weight_charge: priced.weight_charge,
            discount: priced.discount,
            surcharges: priced.surcharges,
            total: priced.total,
        }
    }
}

/// Rates the amended freight of a booking: by the rules of its quote, and by those of today as far as other special handling
/// codes bring them in. What was paid too much is promised back. The caller holds the booking's lock, and saves the draft.
pub async fn repriced_in_tx(
    service: &BookingService,
    tx: &mut PgSession,
    draft: &mut Draft,
    author: Author<'_>,
) -> Result<(), BookingError> {
    let (found, now) = draft.both();
    let load = |booking: &Booking| (booking.space.weight, booking.space.volume);
    let is_same = load(found) == load(now) && found.special_handling_codes == now.special_handling_codes;
    let Some(bill) = now.bill.as_ref().filter(|_| !is_same) else { return Ok(()) };
    let quotes = pricing::quotes_in_tx(tx, &[bill.price.quote_id]).await?;
    let Some(quote) = quotes.first() else { return Err(BookingError::PaymentNotPossible("no_quote")) };
    let quote = rerated_in_tx(service, tx, quote, now, author.now).await?;
    pricing::insert_quotes_in_tx(tx, std::slice::from_ref(&quote), true).await?;
    payments::lock_credit_in_tx(tx, &[draft.now.organization_id]).await?;
    let mut books = Books::of_booking_in_tx(tx, draft.now.id).await?;
    if let Some(bill) = &mut draft.now.bill {
        bill.reprice(Price::from(&quote));
    }
    keep_fee_in_tx(service, tx, draft, author).await?;
    books.settle(&mut draft.now, service.payments.capture_mode(), &service.ids, author.actor, author.now);
    draft.record(author, EventType::Priced, EventDetails::default());
    books.write_in_tx(tx, author.now).await?;
    Ok(())
}

/// Keeps the cancellation fee that stood before an amendment. New times that have not reached the booking yet may have broken a
/// connection: then none stood.
pub async fn keep_fee_in_tx(
    service: &BookingService,
    tx: &mut PgSession,
    draft: &mut Draft,
    author: Author<'_>,
) -> Result<(), BookingError> {
    let (found, after) = draft.both();
    if let (Some(former), Some(bill)) = (&found.bill, &mut after.bill) {
        let before = service.caught_up_in_tx(tx, found).await?;
        let floor = before.bill.as_ref().and_then(|bill| bill.floor);
        if former.floor != floor {
            bill.floor = floor;
        }
        keep_fee(&before, after, service.payments.cancellation_fees(), author.now);
    }
    Ok(())
}

impl BookingService {
    /// Returns a booking as it will be once all that became of its flights has reached it.
    pub async fn caught_up_in_tx(&self, tx: &mut PgSession, booking: &Booking) -> Result<Booking, DbError> {
        let ahead: Vec<FlightId> = booking.flights_ahead().collect();
        let flights = flights::find_all_in_tx(tx, &ahead).await?;
        let flights = flights.into_iter().map(|flight| (flight.id, flight)).collect();
        Ok(caught_up(booking, &flights, |airport| self.flights.connections().minimum(airport)))
    }
}

/// Returns the quote of a booking for its amended freight.
async fn rerated_in_tx(
    service: &BookingService,
    tx: &mut PgSession,
    quote: &Quote,
    booking: &Booking,
    now: DateTime<Utc>,
) -> Result<Quote, BookingError> {
    let Booking { space: Space { weight, volume, .. }, special_handling_codes: codes, .. } = booking;
    let id = service.ids.next(now);
    if quote.is_for_codes(codes) {
        return Ok(quote.rerated(id, *weight, *volume, now).ok_or(HoldError::from(PriceFault::TooLarge))?);
    }
    let rules = service.pricing.in_force_in_tx(tx).await?;
    let rated = rules.rerate(&quote.rated, (*weight, *volume), codes).map_err(PriceFault::from);
    Ok(quote.with(rated.map_err(HoldError::from)?, id, now))
}
