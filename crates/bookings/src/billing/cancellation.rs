//! What it costs to cancel, and what changes and losses make of that. Pure.
use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_capacity::FlightStatus;
use loadmaster_flights::Flight;
use loadmaster_kernel::{AirportCode, FlightId, Money};
use loadmaster_payments::CancellationBand;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    super::model::{Bill, Booking, Fee, FeeReason, LegStatus},
    settle::FeeSources,
};

/// What it costs to cancel a booking at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cancellation {
    /// The fee whatever was paid.
    #[serde(skip)]
    pub full: Option<Fee>,
    /// What the carrier keeps; null without a price.
    #[schema(required = true)]
    pub fee: Option<Money>,
    /// What goes back; null without a price.
    #[schema(required = true)]
    pub refund: Option<Money>,
    /// Why the fee is what it is; never more than what was paid is kept. Null without a price.
    #[schema(required = true)]
    pub reason: Option<FeeReason>,
    /// The least fee, which a change or a no-show has made due; a fault of the carrier lifts it. Null without one.
    #[schema(required = true)]
    pub floor: Option<Money>,
    /// The time from which the fee is another one; null if it stays.
    #[schema(required = true)]
    pub next_change_at: Option<DateTime<Utc>>,
}

impl Cancellation {
    /// A booking without a price.
    const FREE: Self = Self { full: None, fee: None, refund: None, reason: None, floor: None, next_change_at: None };

    pub fn of(
        booking: &Booking,
        kept: FeeSources,
        bands: &[CancellationBand],
        waives: bool,
        now: DateTime<Utc>,
    ) -> Self {
        let Some(bill) = &booking.bill else { return Self::FREE };
        let nothing = Fee { amount: 0, reason: FeeReason::Waived };
        let full = if waives { nothing } else { full_fee(booking, bill, bands, now) };
        let fee = full.amount.min(kept.all());
        // It rises no more above what was paid.
        let rises = full.amount < kept.all();
        Self {
            full: Some(full),
            fee: Some(bill.money(fee)),
            refund: Some(bill.money((kept.captured + kept.promised - fee).max(0))),
            reason: Some(full.reason),
            floor: bill.floor.map(|floor| bill.money(floor.amount)),
            next_change_at: if rises { next_rise(booking, bill, bands, full.amount, now) } else { None },
        }
    }

    /// Returns the fee of a booking that was cancelled; `None` if it was not.
    pub fn fixed(bill: &Bill) -> Option<Self> {
        let fee = bill.fee?;
        let returned = bill.full_fee.map_or(0, |full| full.returned);
        Some(Self {
            full: None,
            fee: Some(bill.money(fee)),
            refund: Some(bill.money((bill.paid - returned - fee).max(0))),
            reason: bill.full_fee.and_then(|full| full.reason),
            floor: bill.floor.map(|floor| bill.money(floor.amount)),
            next_change_at: None,
        })
    }
}

/// Keeps the fee that stood before a change, if the change would lower it.
pub fn keep_fee(before: &Booking, after: &mut Booking, bands: &[CancellationBand], now: DateTime<Utc>) {
    let (Some(former), Some(bill)) = (&before.bill, &after.bill) else { return };
    let stood = full_fee(before, former, bands, now);
    if full_fee(after, bill, bands, now).amount < stood.amount
        && let Some(bill) = &mut after.bill
    {
        let is_no_show = stood.reason == FeeReason::NoShow;
        let reason = if is_no_show { FeeReason::NoShow } else { FeeReason::Changed };
        bill.keep_fee(Fee { reason, ..stood });
    }
}

/// Keeps the fee of a booking that has lost a leg because its freight did not come, or lifts the least fee of one that the
/// carrier fails to carry.
pub fn follow_loss(booking: &mut Booking) {
    let cause = cause_of_loss(booking);
    let Some(bill) = &mut booking.bill else { return };
    match cause {
        Some(FeeReason::NoShow) => bill.keep_fee(Fee { amount: bill.price.total.minor(), reason: FeeReason::NoShow }),
        Some(_) => bill.floor = None,
        None => {}
    }
}

/// Takes note that a booking has lost a flight and needs another way.
pub fn lose_flight(booking: &mut Booking) {
    booking.needs_rerouting = true;
    follow_loss(booking);
}

/// Returns a booking as it will be once all that became of these flights has reached it: a flight with very many bookings is
/// cancelled or gets new times before its bookings are changed.
pub fn caught_up(
    booking: &Booking,
    flights: &HashMap<FlightId, Flight>,
    minimum_connection: impl Fn(AirportCode) -> TimeDelta,
) -> Booking {
    let mut now = booking.clone();
    let flight_in =
        |status: FlightStatus, id: FlightId| flights.get(&id).filter(|flight| flight.space.status == status);
    // Legs on a flight that has departed keep their times.
    if now.retime(|id| flight_in(FlightStatus::Scheduled, id)) {
        now.needs_rerouting = now.lacks_a_way(minimum_connection);
        follow_loss(&mut now);
    }
    if booking.undeparted_legs().any(|leg| flight_in(FlightStatus::Cancelled, leg.flight_id).is_some()) {
        lose_flight(&mut now);
    }
    now
}

/// Returns the fee of a cancellation, whatever was paid, and why.
fn full_fee(booking: &Booking, bill: &Bill, bands: &[CancellationBand], now: DateTime<Utc>) -> Fee {
    let (percent, reason) = match cause_of_loss(booking) {
        Some(FeeReason::NoShow) => (100, FeeReason::NoShow),
        Some(_) => return Fee { amount: 0, reason: FeeReason::Carrier },
        None => percent_at(booking, bands, now),
    };
    let amount = share(bill, percent);
    bill.floor.filter(|floor| floor.amount > amount).unwrap_or(Fee { amount, reason })
}

/// Returns why a booking has no way any more: a no-show on any leg, or else the carrier; `None` if it has one.
fn cause_of_loss(booking: &Booking) -> Option<FeeReason> {
    let is_no_show = booking.legs.iter().any(|leg| booking.is_no_show(leg));
    booking.needs_rerouting.then_some(if is_no_show { FeeReason::NoShow } else { FeeReason::Carrier })
}

/// Returns this percentage of the total, half up: a total is never negative.
fn share(bill: &Bill, percent: u32) -> i64 {
    let whole = i128::from(bill.price.total.minor()) * i128::from(percent);
    i64::try_from((whole + 50) / 100).unwrap_or(i64::MAX)
}

/// Returns the part of the total that is kept: by the first band whose hours are left to the first departure, all of it after
/// that.
fn percent_at(booking: &Booking, bands: &[CancellationBand], now: DateTime<Utc>) -> (u32, FeeReason) {
    // Also before its time.
    let departed = [LegStatus::Departed, LegStatus::Arrived];
    if booking.legs.iter().any(|leg| departed.contains(&leg.status)) {
        return (100, FeeReason::Departed);
    }
    let in_force = |departure| bands_left(bands, departure, now).next().map_or(100, |band| u32::from(band.percent));
    (first_departure(booking).map_or(0, in_force), FeeReason::HoursLeft)
}

fn first_departure(booking: &Booking) -> Option<DateTime<Utc>> {
    booking.legs_in_force().map(|leg| leg.departure).min()
}

/// Returns the bands whose hours are left to this departure, the one in force first: they are in falling order.
fn bands_left(
    bands: &[CancellationBand],
    departure: DateTime<Utc>,
    now: DateTime<Utc>,
) -> impl Iterator<Item = &CancellationBand> + Clone {
    bands.iter().filter(move |band| now <= end_of(**band, departure))
}

/// Returns the last moment at which the hours of a band are left: it ends just after it.
fn end_of(band: CancellationBand, departure: DateTime<Utc>) -> DateTime<Utc> {
    departure - TimeDelta::hours(i64::from(band.hours))
}

/// Returns when the fee rises above this amount because the departure comes nearer.
fn next_rise(
    booking: &Booking,
    bill: &Bill,
    bands: &[CancellationBand],
    amount: i64,
    now: DateTime<Utc>,
) -> Option<DateTime<Utc>> {
    let (_, reason) = percent_at(booking, bands, now);
    if booking.needs_rerouting || reason != FeeReason::HoursLeft {
        return None;
    }
    let departure = first_departure(booking)?;
    let left = bands_left(bands, departure, now);
    let following = left.clone().skip(1).map(|band| u32::from(band.percent)).chain([100]);
    let mut rises = left.zip(following).filter(|(_, percent)| share(bill, *percent) > amount);
    rises.next().map(|(band, _)| end_of(*band, departure))
}
