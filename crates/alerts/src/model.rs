use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use loadmaster_kernel::{
    AirportCode, AlertId, Dimensions, Fault, FaultCode, FlightId, HandlingCode, Money, OrganizationId, Positions,
    UserId, Volume, Weight, words,
};
use loadmaster_platform::outbox::Message;
use loadmaster_shipment::MemberFaults;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Kind of an alert in messages.
pub const ALERT: &str = "alert";
/// Time between two checks of an alert, at most.
pub const CHECKED_EVERY: TimeDelta = TimeDelta::minutes(30);
/// Time after which a new alert is checked again: what has changed while it was made is seen then.
pub const CHECKED_AGAIN: TimeDelta = TimeDelta::seconds(30);
/// Time between two letters about one alert, at least.
pub const QUIET: TimeDelta = TimeDelta::hours(6);
/// Days that an alert without dates looks ahead.
const AHEAD: usize = 30;
/// Most dates of an alert.
const MOST_DATES: u64 = 31;

words! {
    /// What an alert waits for.
    pub enum AlertKind {
        /// A price at or below a threshold.
        Price = "PRICE",
        /// Space for the freight.
        Space = "SPACE",
    }
}

words! {
    /// The status of an alert.
    pub enum AlertStatus {
        Active = "ACTIVE",
        /// It is not checked.
        Paused = "PAUSED",
        /// Its dates, its time or its user has ended.
        Expired = "EXPIRED",
    }
}

/// What happens to an alert.
pub const MET: &str = "MET";
/// The meaning of [`MET`].
pub const ABOUT: [&str; 1] =
    ["The alert became true, or still is six hours after the last such message; at most one in six hours."];

/// What an alert asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    pub kind: AlertKind,
    pub origin: AirportCode,
    pub destination: AirportCode,
    pub date_from: Option<NaiveDate>,
    pub date_to: Option<NaiveDate>,
    pub weight: Weight,
    pub volume: Option<Volume>,
    pub positions: Option<Positions>,
    /// `None`: whether its pieces fit is not judged.
    pub dimensions: Option<Dimensions>,
    pub special_handling_codes: Vec<HandlingCode>,
    pub below: Option<Money>,
    pub drop_percent: Option<i32>,
    pub expires_at: Option<DateTime<Utc>>,
}

impl Terms {
    /// Returns the members that contradict each other or the time, each with its fault. `today` is the date at the origin.
    pub fn faults(&self, today: NaiveDate, now: DateTime<Utc>) -> MemberFaults {
        let mut faults = MemberFaults::new();
        let required = || Fault::new(FaultCode::Required, "is required");
        if self.origin == self.destination {
            faults.push(("/destination", Fault::new(FaultCode::SameAsOrigin, "must differ from the origin")));
        }
        match (self.date_from, self.date_to) {
            (None, None) => {}
            (Some(_), None) => faults.push(("/date_to", required())),
            (None, Some(_)) => faults.push(("/date_from", required())),
            (Some(first), Some(last)) => {
                if first > last {
                    faults.push(("/date_to", Fault::new(FaultCode::OutOfOrder, "must not be before `date_from`")));
                } else if last < today {
                    faults.push(("/date_to", Fault::new(FaultCode::TooSmall, "must not be in the past")));
                } else if first.checked_add_days(Days::new(MOST_DATES)).is_some_and(|end| last >= end) {
                    faults.push((
                        "/date_to",
                        Fault::new(FaultCode::TooLarge, "must be at most 30 days after `date_from`"),
                    ));
                }
            }
        }
        let not_allowed = |text: &'static str| Fault::new(FaultCode::NotAllowed, text);
        match (self.kind, self.below, self.drop_percent) {
            (AlertKind::Price, None, None) => faults.push(("/below", required())),
            (AlertKind::Price, Some(_), Some(_)) => {
                faults.push(("/drop_percent", not_allowed("must not be given together with `below`")));
            }
            (AlertKind::Space, Some(_), _) => faults.push(("/below", not_allowed("is of alerts on prices"))),
            (AlertKind::Space, None, Some(_)) => {
                faults.push(("/drop_percent", not_allowed("is of alerts on prices")));
            }
            _ => {}
        }
        faults.extend(self.faults_of_dimensions());
        if self.expires_at.is_some_and(|at| at <= now) {
            faults.push(("/expires_at", Fault::new(FaultCode::TooSmall, "must not be in the past")));
        }
        faults
    }

    /// Returns the faults of dimensions that contradict the weight or the volume, or are not of an alert on space.
    fn faults_of_dimensions(&self) -> MemberFaults {
        let Some(dimensions) = &self.dimensions else { return MemberFaults::new() };
        let not_allowed = || Fault::new(FaultCode::NotAllowed, "are of alerts on space");
        let faults = [
            (self.kind == AlertKind::Price).then(not_allowed),
            dimensions.fault_of_weight(self.weight),
            self.volume.and_then(|volume| dimensions.fault_of_volume(volume)),
        ];
        faults.into_iter().flatten().map(|fault| ("/dimensions", fault)).collect()
    }

    /// Returns the dates to search.
    pub fn dates(&self, today: NaiveDate) -> Vec<NaiveDate> {
        match (self.date_from, self.date_to) {
            (Some(first), Some(last)) => first.max(today).iter_days().take_while(|date| *date <= last).collect(),
            _ => today.iter_days().take(AHEAD).collect(),
        }
    }
}

/// What has changed, by the ids in messages: alerts that it concerns are to be checked.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Changed {
    pub flights: Vec<Uuid>,
    /// Bookings and holds that may have given back space: it concerns all alerts on their lanes.
    pub bookings: Vec<Uuid>,
    pub holds: Vec<Uuid>,
    /// Those that have only taken space: it concerns alerts whose best option is on their flights.
    pub new_bookings: Vec<Uuid>,
    pub new_holds: Vec<Uuid>,
    /// Entries on the waitlist whose part of the space that is set aside may be free, or taken by others.
    pub entries: Vec<Uuid>,
    /// Of tariffs, surcharges or sales.
    pub has_prices: bool,
    /// An embargo, or what was written before this process listened.
    pub may_concern_all: bool,
}

impl Changed {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the number of ids.
    pub fn len(&self) -> usize {
        let Self { flights, bookings, holds, new_bookings, new_holds, entries, .. } = self;
        [flights, bookings, holds, new_bookings, new_holds, entries].iter().map(|ids| ids.len()).sum()
    }

    /// Takes in what could not be used.
    pub fn take_back(&mut self, unused: Self) {
        self.flights.extend(unused.flights);
        self.bookings.extend(unused.bookings);
        self.holds.extend(unused.holds);
        self.new_bookings.extend(unused.new_bookings);
        self.new_holds.extend(unused.new_holds);
        self.entries.extend(unused.entries);
        self.has_prices |= unused.has_prices;
        self.may_concern_all |= unused.may_concern_all;
    }
}

/// The best option that a check has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    pub departure_date: NaiveDate,
    pub price: Option<Money>,
    pub flight_ids: Vec<FlightId>,
}

/// An alert as the book of record has it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Alert {
    pub id: AlertId,
    pub organization_id: OrganizationId,
    pub created_by: UserId,
    pub terms: Terms,
    pub status: AlertStatus,
    /// The price that a drop is counted from.
    pub base: Option<Money>,
    pub ends_at: Option<DateTime<Utc>>,
    pub is_met: bool,
    pub is_armed: bool,
    pub is_pending: bool,
    pub is_fresh: bool,
    pub times_met: i32,
    pub current: Option<Found>,
    pub last_checked_at: Option<DateTime<Utc>>,
    pub last_notified_at: Option<DateTime<Utc>>,
    pub next_check_at: DateTime<Utc>,
    pub event_sequence: i32,
    pub version: i32,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

impl Alert {
    /// Returns the highest price at which it is true.
    pub fn threshold(&self) -> Option<Money> {
        let of_drop = || {
            let (base, percent) = (self.base?, self.terms.drop_percent?);
            Some(base.with_minor(base.minor().saturating_mul(i64::from(100 - percent)) / 100))
        };
        self.terms.below.or_else(of_drop)
    }

    /// Takes in what a check has found. Returns whether somebody is to be informed now.
    pub fn take_in(&mut self, found: Option<Found>, now: DateTime<Utc>) -> bool {
        if self.terms.drop_percent.is_some() && self.base.is_none() {
            self.base = found.as_ref().and_then(|found| found.price);
        }
        let (is_met, arms) = self.judge(found.as_ref());
        self.current = found;
        self.last_checked_at = Some(now);
        self.is_met = is_met;
        if std::mem::take(&mut self.is_fresh) {
            (self.is_armed, self.is_pending) = (!is_met, false);
            return false;
        }
        if !is_met {
            // A crossing of which nobody was informed leaves it armed.
            self.is_armed |= arms || self.is_pending;
            self.is_pending = false;
            return false;
        }
        if std::mem::take(&mut self.is_armed) {
            self.times_met += 1;
            self.is_pending = true;
        }
        let is_quiet = self.last_notified_at.is_some_and(|last| now < last + QUIET);
        if !self.is_pending || is_quiet {
            return false;
        }
        self.is_pending = false;
        self.last_notified_at = Some(now);
        self.event_sequence += 1;
        true
    }

    /// Returns whether this makes it true, and whether it arms it again.
    fn judge(&self, found: Option<&Found>) -> (bool, bool) {
        let Some(found) = found else { return (false, true) };
        if self.terms.kind == AlertKind::Space {
            return (true, false);
        }
        let Some((price, threshold)) = found.price.zip(self.threshold()) else { return (false, true) };
        let is_met = price.minor() <= threshold.minor();
        let arms = price.minor().saturating_mul(100) >= threshold.minor().saturating_mul(102);
        (is_met, arms && !is_met)
    }
}

/// An alert that became true.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertMessage {
    alert_id: AlertId,
    kind: AlertKind,
    origin: AirportCode,
    destination: AirportCode,
    /// Departure of the best option, local to the origin.
    #[schema(required = true)]
    departure_date: Option<NaiveDate>,
    /// Its price; null for alerts on space.
    #[schema(required = true)]
    price: Option<Money>,
    /// The highest price at which the alert is true; null for alerts on space.
    #[schema(required = true)]
    threshold: Option<Money>,
    /// The flights of the best option, in order.
    flight_ids: Vec<FlightId>,
    /// How often it has become true.
    times_met: i32,
}

/// Returns the message about an alert that is true.
pub fn message<'a>(alert: &Alert, subject: &'a str, now: DateTime<Utc>) -> Message<'a, AlertMessage> {
    Message {
        aggregate: ALERT,
        aggregate_id: alert.id.uuid(),
        organization: Some(alert.organization_id.uuid()),
        subject,
        sequence: alert.event_sequence,
        event_type: MET,
        data: AlertMessage {
            alert_id: alert.id,
            kind: alert.terms.kind,
            origin: alert.terms.origin,
            destination: alert.terms.destination,
            departure_date: alert.current.as_ref().map(|found| found.departure_date),
            price: alert.current.as_ref().and_then(|found| found.price),
            threshold: alert.threshold(),
            flight_ids: alert.current.as_ref().map(|found| found.flight_ids.clone()).unwrap_or_default(),
            times_met: alert.times_met,
        },
        occurred_at: now,
        trace: None,
    }
}

#[cfg(test)]
mod tests;
