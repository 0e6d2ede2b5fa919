//! The price of a booking whose freight changes.
use chrono::{DateTime, Utc};

use super::{
    super::{
        BookingError, BookingService,
        draft::{Author, Draft, EventDetails},
        model::{Booking, EventType, Price},
    },
    cancellation::keep_fee,
    settle::Books,
};
use crate::{
    features::{
        capacity::Space,
        holds::{HoldError, PriceFault},
        payments,
        pricing::{self, Quote},
    },
    platform::postgres::PgSession,
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
    let (before, after) = draft.both();
    keep_fee(before, after, service.payments.cancellation_fees(), author.now);
    books.settle(&mut draft.now, service.payments.capture_mode(), &service.ids, author.actor, author.now);
    draft.record(author, EventType::Priced, EventDetails::default());
    books.write_in_tx(tx, author.now).await?;
    Ok(())
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
