//! What it costs to cancel. Pure.
use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::model::{Booking, Leg, LegStatus, OffloadReason};
use crate::{features::payments::CancellationBand, kernel::Money};

/// What it costs to cancel a booking at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Cancellation {
    /// The fee whatever was paid, in minor units.
    #[serde(skip)]
    pub full: i64,
    /// What the carrier keeps; null without a price.
    #[schema(required = true)]
    pub fee: Option<Money>,
    /// What goes back; null without a price.
    #[schema(required = true)]
    pub refund: Option<Money>,
    /// The time from which the fee is another one; null if it stays.
    #[schema(required = true)]
    pub next_change_at: Option<DateTime<Utc>>,
}

impl Cancellation {
    /// `kept`: what was captured and has not gone back, in minor units.
    pub fn of(booking: &Booking, kept: i64, bands: &[CancellationBand], waives: bool, now: DateTime<Utc>) -> Self {
        let Some(bill) = &booking.bill else { return Self { full: 0, fee: None, refund: None, next_change_at: None } };
        let (percent, next_change_at) =
            if waives || is_the_carriers(booking) { (0, None) } else { percent_at(booking, bands, now) };
        let whole = i128::from(bill.price.total.minor()) * i128::from(percent);
        // Half up: a total is never negative.
        let full = i64::try_from((whole + 50) / 100).unwrap_or(i64::MAX);
        let fee = full.min(kept.max(0));
        // It rises no more above what was paid.
        let next_change_at = next_change_at.filter(|_| full < kept);
        Self { full, fee: Some(bill.money(fee)), refund: Some(bill.money(kept - fee)), next_change_at }
    }
}

/// Returns the part of the total that is kept, and when that changes: by the first band whose hours are left to the first
/// departure, all of it after that.
fn percent_at(booking: &Booking, bands: &[CancellationBand], now: DateTime<Utc>) -> (u32, Option<DateTime<Utc>>) {
    let of_the_way = || booking.legs.iter().filter(|leg| is_of_the_way(booking, leg));
    let Some(departure) = of_the_way().map(|leg| leg.departure).min() else { return (0, None) };
    // Also before its time.
    if of_the_way().any(has_departed) {
        return (100, None);
    }
    let left = departure - now;
    let mut bands: Vec<&CancellationBand> = bands.iter().collect();
    bands.sort_by_key(|band| std::cmp::Reverse(band.hours));
    match bands.iter().find(|band| TimeDelta::hours(i64::from(band.hours)) <= left) {
        // A band ends just after the moment at which exactly its hours are left.
        Some(band) => (u32::from(band.percent), Some(departure - TimeDelta::hours(i64::from(band.hours)))),
        None => (100, None),
    }
}

/// Returns whether the flight of a leg has departed, with the freight or because it did not come.
fn has_departed(leg: &Leg) -> bool {
    matches!(leg.status, LegStatus::Departed | LegStatus::Arrived) || leg.offload_reason == Some(OffloadReason::NoShow)
}

/// Returns whether a leg is of the way that is cancelled: in force, or left behind and not replaced yet.
fn is_of_the_way(booking: &Booking, leg: &Leg) -> bool {
    leg.status.is_in_force() || (booking.needs_rerouting && leg.status == LegStatus::Offloaded)
}

/// Returns whether the carrier is the cause: the booking has no way any more because a flight was cancelled or retimed, or
/// its freight was left behind though it had come.
fn is_the_carriers(booking: &Booking) -> bool {
    let lost = [LegStatus::Offloaded, LegStatus::Cancelled];
    let latest = booking.legs.iter().filter(|leg| lost.contains(&leg.status)).max_by_key(|leg| leg.sequence);
    let is_no_show = latest.is_some_and(|leg| leg.offload_reason == Some(OffloadReason::NoShow));
    booking.needs_rerouting && !is_no_show
}
