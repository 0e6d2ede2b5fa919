//! The price of a booking whose freight changes.
use super::{
    super::{
        BookingError, BookingService,
        draft::{Author, Draft, EventDetails},
        model::{EventType, Price},
    },
    settle::Books,
};
use crate::{
    features::{
        holds::{HoldError, PriceFault},
        payments, pricing,
    },
    platform::postgres::PgSession,
};

impl From<&pricing::Quote> for Price {
    fn from(quote: &pricing::Quote) -> Self {
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

/// Rates the amended freight of a booking by the rules of its quote. What was paid too much is promised back. The caller holds
/// the booking's lock, and saves the draft.
pub async fn repriced_in_tx(
    service: &BookingService,
    tx: &mut PgSession,
    draft: &mut Draft,
    author: Author<'_>,
) -> Result<(), BookingError> {
    let (found, now) = (&draft.found().space, &draft.now.space);
    let is_same = (found.weight, found.volume) == (now.weight, now.volume);
    let Some(bill) = draft.now.bill.as_ref().filter(|_| !is_same) else { return Ok(()) };
    let quotes = pricing::quotes_in_tx(tx, &[bill.price.quote_id]).await?;
    let Some(quote) = quotes.first() else { return Err(BookingError::PaymentNotPossible("no_quote")) };
    let (id, now) = (service.ids.next(author.now), author.now);
    let quote = quote.rerated(id, draft.now.space.weight, draft.now.space.volume, now);
    let quote = quote.ok_or(HoldError::from(PriceFault::TooLarge))?;
    pricing::insert_quotes_in_tx(tx, std::slice::from_ref(&quote), true).await?;
    payments::lock_credit_in_tx(tx, &[draft.now.organization_id]).await?;
    let mut books = Books::of_booking_in_tx(tx, draft.now.id).await?;
    if let Some(bill) = &mut draft.now.bill {
        bill.reprice(Price::from(&quote));
    }
    books.settle(&mut draft.now, service.payments.capture_mode(), &service.ids, author.actor, now);
    draft.record(author, EventType::Priced, EventDetails::default());
    books.write_in_tx(tx, now).await?;
    Ok(())
}
