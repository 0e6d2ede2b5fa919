use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use loadmaster_accounts::Principal;
use loadmaster_capacity::Space;
use loadmaster_holds::{EndReason, HoldStatus};
use loadmaster_kernel::{
    AirportCode, BookingRef, Dimensions, FlightId, HandlingCode, HoldId, OrganizationId, Positions, UserId, Volume,
    WaitlistEntryId, Weight, words,
};
use loadmaster_platform::outbox::Message;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Kind of an entry in messages and audits.
pub const WAITLIST: &str = "waitlist";

/// The priority of customers' entries.
pub const ORDINARY: i32 = 5;

/// Before the cut-off by this time, nothing is kept any more for an entry that was passed over.
pub const KEPT_UNTIL: TimeDelta = TimeDelta::hours(24);

words! {
    /// The status of an entry.
    pub enum WaitlistStatus {
        Waiting = "WAITING",
        /// Space is held for it.
        Offered = "OFFERED",
        /// The offer was booked.
        Booked = "BOOKED",
        /// The offer was declined.
        Declined = "DECLINED",
        /// The offer was not taken in time, or the flights have left.
        Expired = "EXPIRED",
        /// By its owner, or with its flights.
        Cancelled = "CANCELLED",
    }
}

words! {
    /// What happened to an entry: it reached a status, or was given another place.
    pub enum WaitlistEventType {
        Waiting = "WAITING",
        Offered = "OFFERED",
        Booked = "BOOKED",
        Declined = "DECLINED",
        Expired = "EXPIRED",
        Cancelled = "CANCELLED",
        Moved = "MOVED",
    }
}

impl WaitlistEventType {
    /// The meaning of each of [`Self::NAMES`].
    pub const ABOUT: [&str; Self::NAMES.len()] = [
        "An entry waits, at first or again.",
        "An offer was made: a hold.",
        "The offer was booked.",
        "The offer was declined.",
        "The offer was not taken in time, or the flights have left.",
        "The entry was cancelled, by its owner or with its flights.",
        "The entry has another priority or place.",
    ];
}

/// The offer of an entry, as the hold is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub hold_id: HoldId,
    pub status: HoldStatus,
    pub end_reason: Option<EndReason>,
    pub expires_at: DateTime<Utc>,
    pub booking_ref: Option<BookingRef>,
}

impl Offer {
    /// Returns what becomes of the entry by what became of its offer; `None` while that is open.
    pub const fn outcome(&self) -> Option<WaitlistStatus> {
        match (self.status, self.end_reason) {
            (HoldStatus::Active | HoldStatus::Committing, _) => None,
            (HoldStatus::Committed, _) => Some(WaitlistStatus::Booked),
            (HoldStatus::Released, Some(EndReason::FlightCancelled)) => Some(WaitlistStatus::Cancelled),
            // Nobody has declined it.
            (HoldStatus::Released, Some(EndReason::FlightDeparted | EndReason::CapacityCut))
            | (HoldStatus::Expired, _) => Some(WaitlistStatus::Expired),
            (HoldStatus::Released, _) => Some(WaitlistStatus::Declined),
        }
    }
}

/// An entry of the waitlist.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiting {
    pub id: WaitlistEntryId,
    pub organization_id: OrganizationId,
    pub created_by: UserId,
    /// Counts, with holds, towards the number that its organization may have at once.
    pub is_counted: bool,
    /// As stored; see [`Waiting::status_at`].
    pub status: WaitlistStatus,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// Empty if it waits for any way on the date.
    pub flight_ids: Vec<FlightId>,
    pub departure_date: Option<NaiveDate>,
    pub space: Space,
    pub volume_defaulted: bool,
    /// `None`: whether its pieces fit is not judged.
    pub dimensions: Option<Dimensions>,
    pub special_handling_codes: Vec<HandlingCode>,
    pub priority: i32,
    pub queued_at: DateTime<Utc>,
    pub passed_over: i32,
    pub offer: Option<Offer>,
    pub event_sequence: i32,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Waiting {
    /// Returns the status at this moment: what became of an offer is known before it is recorded.
    pub fn status_at(&self, now: DateTime<Utc>) -> WaitlistStatus {
        match (self.status, &self.offer) {
            (WaitlistStatus::Offered, Some(offer)) => match offer.outcome() {
                None if offer.expires_at <= now => WaitlistStatus::Expired,
                None => WaitlistStatus::Offered,
                Some(outcome) => outcome,
            },
            (status, _) => status,
        }
    }

    pub fn is_visible_to(&self, caller: Principal) -> bool {
        caller.sees_only().is_none_or(|organization| organization == self.organization_id)
    }
}

/// An entry in the order of a flight.
#[derive(Debug, Clone)]
pub struct Queued {
    pub id: WaitlistEntryId,
    pub space: Space,
    pub dimensions: Option<Dimensions>,
    pub passed_over: i32,
    /// Empty if it waits for any way on the date.
    pub flight_ids: Vec<FlightId>,
    pub lane: (AirportCode, AirportCode),
    pub departure_date: Option<NaiveDate>,
    pub special_handling_codes: Vec<HandlingCode>,
    /// Since when space has been kept for it.
    pub kept_since: Option<DateTime<Utc>>,
}

impl Queued {
    /// Returns whether nobody behind it gets an offer on the flights that it names. One by date has more chances instead.
    pub fn was_passed_over_too_often(&self, most: i32) -> bool {
        self.passed_over >= most && !self.flight_ids.is_empty()
    }

    /// Returns when space is kept for it no more, if that began at this time at the latest.
    pub fn kept_until(&self, hours: u32, now: DateTime<Utc>) -> DateTime<Utc> {
        self.kept_since.unwrap_or(now) + TimeDelta::hours(i64::from(hours))
    }
}

/// Returns when an offer ends: after so many hours, or half of the time to the cut-off if that is less.
pub fn offer_ends(now: DateTime<Utc>, cutoff: DateTime<Utc>, hours: u32) -> DateTime<Utc> {
    now + TimeDelta::hours(i64::from(hours)).min((cutoff - now) / 2)
}

/// The end of a page of entries: lists start with the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitlistAnchor(pub WaitlistEntryId);

/// The data of a message: no free text, no personal data.
#[derive(Debug, Serialize, ToSchema)]
pub struct WaitlistMessage {
    entry_id: WaitlistEntryId,
    status: WaitlistStatus,
    origin: AirportCode,
    destination: AirportCode,
    /// The flights that it waits for; empty if it waits for a date.
    flight_ids: Vec<FlightId>,
    #[schema(required = true)]
    departure_date: Option<NaiveDate>,
    weight_kg: Weight,
    volume_m3: Volume,
    positions: Positions,
    /// 1 is served first, 9 last.
    priority: i32,
    /// The offer.
    #[schema(required = true)]
    hold_id: Option<HoldId>,
    /// The entry's version, as in its `ETag`.
    version: i32,
}

/// Returns the message about an event of an entry, which is as after the event.
pub fn message<'a>(entry: &Waiting, subject: &'a str, event_type: WaitlistEventType) -> Message<'a, WaitlistMessage> {
    Message {
        aggregate: WAITLIST,
        aggregate_id: entry.id.uuid(),
        organization: Some(entry.organization_id.uuid()),
        subject,
        sequence: entry.event_sequence,
        event_type: event_type.as_str(),
        data: WaitlistMessage {
            entry_id: entry.id,
            status: entry.status,
            origin: entry.origin,
            destination: entry.destination,
            flight_ids: entry.flight_ids.clone(),
            departure_date: entry.departure_date,
            weight_kg: entry.space.weight,
            volume_m3: entry.space.volume,
            positions: entry.space.positions,
            priority: entry.priority,
            hold_id: entry.offer.as_ref().map(|offer| offer.hold_id),
            version: entry.version,
        },
        occurred_at: entry.updated_at,
        trace: None,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn queued(passed_over: i32, is_named: bool) -> Queued {
        let flight_ids = if is_named { vec![Uuid::from_u128(1).into()] } else { Vec::new() };
        Queued {
            id: Uuid::from_u128(2).into(),
            space: Space::from_columns(10, 1, 0),
            dimensions: None,
            passed_over,
            flight_ids,
            lane: ("DEL".parse().unwrap(), "LHR".parse().unwrap()),
            departure_date: None,
            special_handling_codes: Vec::new(),
            kept_since: None,
        }
    }

    #[test]
    fn only_one_with_named_flights_is_passed_over_too_often() {
        assert!(queued(3, true).was_passed_over_too_often(3));
        assert!(!queued(2, true).was_passed_over_too_often(3));
        assert!(!queued(3, false).was_passed_over_too_often(3));
    }

    #[test]
    fn space_is_kept_for_some_hours_since_that_began() {
        let now = DateTime::UNIX_EPOCH;
        let mut entry = queued(3, true);
        assert_eq!(entry.kept_until(6, now), now + TimeDelta::hours(6));
        entry.kept_since = Some(now - TimeDelta::hours(5));
        assert_eq!(entry.kept_until(6, now), now + TimeDelta::hours(1));
    }

    #[test]
    fn an_offer_ends_after_a_day_or_half_of_the_time_that_is_left() {
        let now = DateTime::UNIX_EPOCH;
        let after = |hours: i64| now + TimeDelta::hours(hours);
        assert_eq!(offer_ends(now, after(100), 24), after(24));
        assert_eq!(offer_ends(now, after(48), 24), after(24));
        assert_eq!(offer_ends(now, after(10), 24), after(5));
    }
}
