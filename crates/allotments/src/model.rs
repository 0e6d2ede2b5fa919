use chrono::{DateTime, NaiveDate, Utc};
use loadmaster_capacity::Space;
use loadmaster_kernel::{
    AirlineCode, AirportCode, AllotmentId, Fault, FaultCode, FlightId, FlightNumber, OrganizationId, UserId, words,
};
use loadmaster_shipment::MemberFaults;
use serde::{Deserialize, Serialize};

/// Kind of an allotment in records of acts.
pub const ALLOTMENT: &str = "allotment";

/// Hours before the departure at which the space is released, unless another number is given.
pub const RELEASE_HOURS: i32 = 48;

words! {
    /// What became of an allotment on a flight.
    pub enum AllotmentStatus {
        /// The space is kept, but for what was drawn from it.
        Kept = "KEPT",
        /// There was not enough space for all of it.
        Short = "SHORT",
        /// The time of release has come, or the allotment does not concern the flight any more.
        Released = "RELEASED",
    }
}

/// Room that an organization has on every flight of a kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Allotment {
    pub id: AllotmentId,
    pub organization_id: OrganizationId,
    pub name: String,
    pub airline_code: Option<AirlineCode>,
    pub flight_number: Option<FlightNumber>,
    pub origin: AirportCode,
    pub destination: AirportCode,
    /// ISO 8601, ascending; empty: every day.
    pub weekdays: Vec<i16>,
    /// Local departure dates, inclusive.
    pub date_from: NaiveDate,
    pub date_to: NaiveDate,
    pub space: Space,
    /// The volume was never given: it follows the weight.
    pub volume_defaulted: bool,
    pub release_hours: i32,
    /// Counts the changes that its holds must follow.
    pub revision: i32,
    pub version: i32,
    pub created_by: UserId,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub deleted_at: Option<DateTime<Utc>>,
}

impl Allotment {
    /// Returns the members that contradict others.
    pub fn faults(&self) -> MemberFaults {
        let mut faults = Vec::new();
        if self.destination == self.origin {
            faults.push(("/destination", Fault::new(FaultCode::SameAsOrigin, "must differ from the origin")));
        }
        if self.date_to < self.date_from {
            faults.push(("/date_to", Fault::new(FaultCode::OutOfOrder, "must not be before date_from")));
        }
        if let (Some(airline), Some(number)) = (self.airline_code, &self.flight_number)
            && number.airline() != airline
        {
            faults.push(("/flight_number", Fault::new(FaultCode::UnknownValue, "must be a number of the airline")));
        }
        faults
    }

    /// Returns whether its holds must follow the change from `before`.
    pub fn keeps_otherwise_than(&self, before: &Self) -> bool {
        let aside = Self {
            name: before.name.clone(),
            volume_defaulted: before.volume_defaulted,
            revision: before.revision,
            version: before.version,
            updated_at: before.updated_at,
            ..self.clone()
        };
        aside != *before
    }
}

/// An allotment on one flight.
#[derive(Debug, Clone)]
pub struct OnFlight {
    pub flight_id: FlightId,
    pub flight_number: FlightNumber,
    pub departure: DateTime<Utc>,
    pub status: AllotmentStatus,
    pub kept: Space,
    pub drawn: Space,
}

/// The end of a page of allotments: lists start with the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllotmentAnchor(pub AllotmentId);

/// The end of a page of flights, which are in order of departure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlightAnchor(pub DateTime<Utc>, pub FlightId);

/// What is to be done with an allotment on a flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// Keep all of it, with a new hold or the present one.
    Keep,
    /// There is not enough space: nothing is kept.
    Fall,
    Release,
}

/// Decides by what the flight has: free space for all, and what the present hold keeps. `to_keep`: what the hold must keep;
/// `None`: the allotment does not concern the flight.
pub fn decide(to_keep: Option<Space>, keeps: Space, available: Space) -> Keeping {
    match to_keep {
        None => Keeping::Release,
        Some(wanted) if wanted.exceeds(available + keeps).next().is_none() => Keeping::Keep,
        Some(_) => Keeping::Fall,
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn allotment() -> Allotment {
        Allotment {
            id: Uuid::from_u128(1).into(),
            organization_id: Uuid::from_u128(2).into(),
            name: "Summer".to_owned(),
            airline_code: Some("AI".parse().unwrap()),
            flight_number: Some("AI101".parse().unwrap()),
            origin: "DEL".parse().unwrap(),
            destination: "LHR".parse().unwrap(),
            weekdays: vec![1, 5],
            date_from: NaiveDate::from_ymd_opt(2026, 6, 1).unwrap(),
            date_to: NaiveDate::from_ymd_opt(2026, 6, 1).unwrap(),
            space: Space::from_columns(1000, 600, 0),
            volume_defaulted: true,
            release_hours: RELEASE_HOURS,
            revision: 1,
            version: 1,
            created_by: Uuid::from_u128(3).into(),
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            deleted_at: None,
        }
    }

    #[test]
    fn members_must_agree() {
        assert!(allotment().faults().is_empty());
        let wrong = Allotment {
            destination: allotment().origin,
            date_to: NaiveDate::from_ymd_opt(2026, 5, 31).unwrap(),
            airline_code: Some("BA".parse().unwrap()),
            ..allotment()
        };
        let named: Vec<_> = wrong.faults().into_iter().map(|(name, _)| name).collect();
        assert_eq!(named, ["/destination", "/date_to", "/flight_number"]);
    }

    #[test]
    fn holds_follow_every_change_but_that_of_the_name() {
        let before = allotment();
        let renamed = Allotment { name: "Winter".to_owned(), version: 2, ..allotment() };
        assert!(!renamed.keeps_otherwise_than(&before));
        for changed in [
            Allotment { weekdays: Vec::new(), ..allotment() },
            Allotment { release_hours: 24, ..allotment() },
            Allotment { space: Space::from_columns(1000, 600, 1), ..allotment() },
            Allotment { deleted_at: Some(DateTime::UNIX_EPOCH), ..allotment() },
        ] {
            assert!(changed.keeps_otherwise_than(&before));
        }
    }

    #[test]
    fn all_of_it_is_kept_or_nothing() {
        let space = |weight, volume| Space::from_columns(weight, volume, 0);
        assert_eq!(decide(Some(space(10, 10)), space(0, 0), space(10, 10)), Keeping::Keep);
        assert_eq!(decide(Some(space(10, 10)), space(0, 0), space(10, 9)), Keeping::Fall);
        assert_eq!(decide(Some(space(10, 10)), space(0, 4), space(10, 6)), Keeping::Keep);
        assert_eq!(decide(None, space(5, 5), space(10, 10)), Keeping::Release);
    }
}
