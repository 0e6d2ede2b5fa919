//! What masters cost: the lines of the prices of their bookings, and what a cancellation or a change adds or gives back.
use loadmaster_accounts::Principal;
use loadmaster_bookings::{self as bookings, Booking};
use loadmaster_kernel::{ConsolidationId, HandlingCode, Money, QuoteId};
use loadmaster_platform::postgres::{DbError, PgSession};
use loadmaster_pricing::{self as pricing, Quote};

use super::{
    error::ConsolidationError,
    model::{Costs, Master, SplitLine, Whole, booking_of},
    repository,
    service::ConsolidationService,
};

/// The line that gives a line of a cancelled booking back.
const REFUND: &str = "REFUND";
/// What the cancellation of a booking costs.
const CANCELLATION_FEE: &str = "CANCELLATION_FEE";
/// What is kept above the price: the fee of a cancellation that was due before a change.
const CHANGE_FEE: &str = "CHANGE_FEE";

impl ConsolidationService {
    /// Returns a consolidation that the caller may read, with the bookings of its masters, cancelled ones included.
    pub(super) async fn with_bookings(
        &self,
        caller: Principal,
        id: ConsolidationId,
    ) -> Result<(Whole, Vec<Booking>), ConsolidationError> {
        let mut snapshot = self.db.snapshot().await?;
        let whole = self.visible_in_tx(&mut snapshot, caller, id).await?;
        let bookings = bookings_in_tx(&mut snapshot, id).await?;
        Ok((whole, bookings))
    }

    /// Returns the same with what its bookings cost.
    pub(super) async fn with_costs(
        &self,
        caller: Principal,
        id: ConsolidationId,
    ) -> Result<(Whole, Vec<Costs>), ConsolidationError> {
        let mut snapshot = self.db.snapshot().await?;
        let whole = self.visible_in_tx(&mut snapshot, caller, id).await?;
        let costs = costs_in_tx(&mut snapshot, &whole).await?;
        Ok((whole, costs))
    }
}

async fn bookings_in_tx(tx: &mut PgSession, id: ConsolidationId) -> Result<Vec<Booking>, DbError> {
    let ids = repository::bookings_of(tx, id).await?;
    bookings::find_all_in_tx(tx, &ids).await
}

/// Returns what the bookings of a consolidation cost, in the order of their origins.
pub(super) async fn costs_in_tx(tx: &mut PgSession, whole: &Whole) -> Result<Vec<Costs>, DbError> {
    let bookings = bookings_in_tx(tx, whole.consolidation.id).await?;
    let bills = bookings.iter().filter_map(|booking| booking.bill.as_ref());
    let quotes: Vec<QuoteId> = bills.map(|bill| bill.price.quote_id).collect();
    let quotes = pricing::quotes_in_tx(tx, &quotes).await?;
    let of = |master: &Master| {
        let booking = booking_of(master, &bookings)?;
        Some(Costs {
            origin: master.origin,
            booking_ref: booking.ref_id.clone(),
            owed: booking.bill.as_ref().map(|bill| bill.money(bill.owed())),
            lines: lines(booking, &quotes),
        })
    };
    Ok(whole.masters.iter().filter_map(of).collect())
}

/// Returns the lines of what a booking costs, none of them 0. Each line of a cancelled booking is given back by itself: so its
/// shares are those of the line, with the other sign.
fn lines(booking: &Booking, quotes: &[Quote]) -> Vec<SplitLine> {
    let Some(bill) = &booking.bill else { return Vec::new() };
    let quote = quotes.iter().find(|quote| quote.id == bill.price.quote_id);
    let mut lines: Vec<SplitLine> = quote.map(charged).unwrap_or_default();
    let owed = bill.money(bill.owed());
    if bill.fee.is_some() {
        let returned: Vec<SplitLine> = lines.iter().map(given_back).collect();
        lines.extend(returned);
        lines.push(fee(CANCELLATION_FEE, owed));
    } else {
        let total = bill.price.total.minor();
        lines.push(fee(CHANGE_FEE, owed.with_minor(owed.minor() - total)));
    }
    lines.retain(|line| !line.amount.is_zero());
    lines
}

fn charged(quote: &Quote) -> Vec<SplitLine> {
    let line = |(code, amount, codes): (Option<&str>, Money, &[HandlingCode])| SplitLine {
        code: code.map(str::to_owned),
        amount,
        handling_codes: codes.to_vec(),
    };
    quote.charges().map(line).collect()
}

fn given_back(line: &SplitLine) -> SplitLine {
    let amount = line.amount.with_minor(-line.amount.minor());
    SplitLine { code: Some(REFUND.to_owned()), amount, handling_codes: line.handling_codes.clone() }
}

fn fee(code: &str, amount: Money) -> SplitLine {
    SplitLine { code: Some(code.to_owned()), amount, handling_codes: Vec::new() }
}
