//! What a batch must know beyond the rows that it locks.
use std::collections::{BTreeSet, HashMap};

use loadmaster_capacity::{CapacityShortfall, FlightCapacity, Space};
use loadmaster_flights::{self as flights, Flight};
use loadmaster_holds::BooksRequest;
use loadmaster_kernel::{BookingId, FlightId, OrganizationId, PaymentId, QuoteId, SaleId};
use loadmaster_payments::{self as payments, RequestHash};
use loadmaster_platform::{postgres::DbError, work::Transaction};
use loadmaster_pricing::{self as pricing, Quote};

use super::{
    super::{
        BookingService,
        billing::{self, Books},
        model::Booking,
        repository,
    },
    decide::LockedRows,
    order::{Needs, What},
    write::OwnEntry,
};

/// Returns what each order of a batch needs.
pub fn needs_of(batch: &[OwnEntry]) -> impl Iterator<Item = &Needs> {
    batch.iter().map(|entry| &entry.order.operation.needs)
}

/// Returns what these orders must know about holds beyond the rows that they lock.
pub fn asked(batch: &[OwnEntry]) -> BooksRequest {
    let mut asked = BooksRequest::default();
    for operation in batch.iter().map(|entry| &entry.order.operation) {
        match &operation.what {
            What::Hold(new) => asked.new_hold(&new.caller, &new.flights, new.new.position_names.is_some()),
            What::StepHold(step) if operation.needs.schedules => {
                let has_names = step.names().is_some() || !step.seen.position_names().is_empty();
                asked.change(step.requester.is_guest(), &operation.needs.flights, has_names);
            }
            _ => {}
        }
    }
    asked
}

/// Reads what these orders must know beyond the rows that are locked.
pub async fn read_more(
    tx: &mut Transaction,
    service: &BookingService,
    batch: &[OwnEntry],
    found: &mut LockedRows,
) -> Result<(), DbError> {
    read_departed(tx, batch, found).await?;
    read_lost(tx, service, batch, found).await?;
    read_prices(tx, service, batch, found).await
}

/// Reads what has departed on the flights from which a booking departs, where more is booked than they carry.
async fn read_departed(tx: &mut Transaction, batch: &[OwnEntry], found: &mut LockedRows) -> Result<(), DbError> {
    let left = batch.iter().filter_map(|entry| entry.order.operation.needs.departs_on);
    let is_overbooked = |space: &FlightCapacity| CapacityShortfall::on_board(space, space.booked).is_some();
    let asked: BTreeSet<FlightId> = left.filter(|flight| found.spaces.get(flight).is_some_and(is_overbooked)).collect();
    if !asked.is_empty() {
        let asked: Vec<FlightId> = asked.into_iter().collect();
        found.departed = asked.iter().map(|flight| (*flight, Space::default())).collect();
        found.departed.extend(repository::departed_on(tx, &asked).await?);
    }
    Ok(())
}

/// Reads the flights of bookings with a bill that are to be cancelled: their carrier may have cancelled or retimed them, which
/// has not reached the bookings yet.
async fn read_lost(
    tx: &mut Transaction,
    service: &BookingService,
    batch: &[OwnEntry],
    found: &mut LockedRows,
) -> Result<(), DbError> {
    let billed = needs_of(batch).filter(|needs| needs.bill.is_some());
    let flights: BTreeSet<FlightId> = billed.flat_map(|needs| needs.flights.iter().copied()).collect();
    let lost = timetable(tx, service, &flights, &found.spaces).await?;
    found.flights.extend(lost);
    Ok(())
}

/// Reads what these orders are priced and paid by, and locks it: sales, then credit accounts, then payments.
async fn read_prices(
    tx: &mut Transaction,
    service: &BookingService,
    batch: &[OwnEntry],
    found: &mut LockedRows,
) -> Result<(), DbError> {
    let all = || needs_of(batch);
    let mut sales = BTreeSet::<SaleId>::new();
    if all().any(|needs| needs.prices) {
        found.prices.rules = service.pricing.in_force_in_tx(tx).await?;
        found.prices.terms = service.price_terms();
        let asked: Vec<QuoteId> = all().filter_map(|needs| needs.quote).collect();
        let quotes = pricing::quotes_in_tx(tx, &asked).await?;
        sales.extend(quotes.iter().filter_map(Quote::sale));
        let codes: Vec<&str> = all().flat_map(|needs| &needs.discount_codes).map(String::as_str).collect();
        sales.extend(found.prices.rules.limited_sales(&codes));
        found.prices.quotes = quotes.into_iter().map(|quote| (quote.id, quote)).collect();
    }
    let cancelled: Vec<&Booking> = all().filter_map(|needs| found.bookings.get(&needs.bill?)).collect();
    sales.extend(billing::used_sales_in_tx(tx, &cancelled).await?);
    if !sales.is_empty() {
        let sales: Vec<SaleId> = sales.into_iter().collect();
        found.prices.sales = pricing::lock_sales_in_tx(tx, &sales).await?;
    }
    let requests: Vec<RequestHash> = all().filter_map(|needs| needs.request).collect();
    found.begun = payments::begun_in_tx(tx, &requests).await?;
    let credit: BTreeSet<OrganizationId> = all().filter_map(|needs| needs.credit).collect();
    if !credit.is_empty() {
        let credit: Vec<OrganizationId> = credit.into_iter().collect();
        found.credit = payments::lock_credit_in_tx(tx, &credit).await?;
    }
    let posted: BTreeSet<PaymentId> = all().filter_map(|needs| needs.payment).collect();
    if !posted.is_empty() {
        let posted: Vec<PaymentId> = posted.into_iter().collect();
        let locked = payments::lock_in_tx(tx, &posted).await?;
        found.payments = locked.into_iter().map(|found| (found.0.id, found)).collect();
    }
    let billed: BTreeSet<BookingId> = all().filter_map(|needs| needs.bill).collect();
    for booking in billed {
        found.bills.insert(booking, Books::of_booking_in_tx(tx, booking).await?);
    }
    Ok(())
}

/// Returns the schedules of the flights to be judged: as this process knows them under the locked version, else read.
pub async fn timetable(
    tx: &mut Transaction,
    service: &BookingService,
    judged: &BTreeSet<FlightId>,
    spaces: &HashMap<FlightId, FlightCapacity>,
) -> Result<HashMap<FlightId, Flight>, DbError> {
    let (mut known, mut unknown) = (HashMap::with_capacity(judged.len()), Vec::new());
    for flight in judged {
        match spaces.get(flight).and_then(|space| service.flights.known_as(*space)) {
            Some(found) => _ = known.insert(*flight, found),
            None => unknown.push(*flight),
        }
    }
    if !unknown.is_empty() {
        let found = flights::find_all_in_tx(tx, &unknown).await?;
        service.flights.take_in(&found);
        known.extend(found.into_iter().map(|flight| (flight.id, flight)));
    }
    Ok(known)
}
