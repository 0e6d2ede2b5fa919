use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
};

use chrono::{DateTime, Utc};
use loadmaster_kernel::{FlightId, OrganizationId};

use super::{FlightCapacity, Space};

/// Space that an allotment keeps for an organization on a flight, until then.
#[derive(Debug, Clone, Copy)]
pub struct Allotted {
    pub organization_id: OrganizationId,
    pub flight_id: FlightId,
    pub space: Space,
    pub until: DateTime<Utc>,
}

type OfFlights = HashMap<FlightId, Vec<(Space, DateTime<Utc>)>>;

/// The space that allotments keep, by organization, in this process's memory: searches show it to the organization. What a
/// booking gets of it is decided under the flight's lock.
#[derive(Debug, Clone, Default)]
pub struct AllottedSpaceIndex(Arc<RwLock<HashMap<OrganizationId, Arc<OfFlights>>>>);

/// What one organization has by its allotments; empty for most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnSpace(Option<Arc<OfFlights>>);

impl AllottedSpaceIndex {
    /// Replaces what is known.
    pub fn learn(&self, all: impl IntoIterator<Item = Allotted>) {
        let mut known = HashMap::new();
        add(&mut known, all);
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Replaces what is known of these flights.
    pub fn learn_on(&self, flights: &HashSet<FlightId>, all: impl IntoIterator<Item = Allotted>) {
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for own in known.values_mut().filter(|own| flights.iter().any(|flight| own.contains_key(flight))) {
            Arc::make_mut(own).retain(|flight, _| !flights.contains(flight));
        }
        known.retain(|_, own| !own.is_empty());
        add(&mut known, all);
    }

    pub fn of(&self, organization: Option<OrganizationId>) -> OwnSpace {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        OwnSpace(organization.and_then(|organization| known.get(&organization).cloned()))
    }
}

fn add(known: &mut HashMap<OrganizationId, Arc<OfFlights>>, all: impl IntoIterator<Item = Allotted>) {
    for Allotted { organization_id, flight_id, space, until } in all {
        let own = Arc::make_mut(known.entry(organization_id).or_default());
        own.entry(flight_id).or_default().push((space, until));
    }
}

impl OwnSpace {
    /// Returns whether the organization has no allotment anywhere.
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns whether the organization has an allotment on one of these flights.
    pub fn is_on_any(&self, mut flights: impl Iterator<Item = FlightId>) -> bool {
        self.0.as_ref().is_some_and(|own| flights.any(|flight| own.contains_key(&flight)))
    }

    /// Returns what the allotments keep on a flight at this moment.
    pub fn on(&self, flight: FlightId, now: DateTime<Utc>) -> Space {
        let kept = self.0.as_ref().and_then(|own| own.get(&flight)).map(Vec::as_slice).unwrap_or_default();
        kept.iter().filter(|(_, until)| now < *until).fold(Space::default(), |sum, (space, _)| sum + *space)
    }

    /// Makes the space what the organization finds. What its allotments keep counts as free, as far as it is held by the row,
    /// which may be older or newer.
    pub fn open(&self, space: &mut FlightCapacity, now: DateTime<Utc>) {
        if self.is_empty() {
            return;
        }
        let taken = space.booked + space.held;
        // The index has booked and held in one figure.
        let own = self.on(space.flight_id, now).least(taken);
        (space.booked, space.held) = (Space::default(), taken - own);
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_organization_finds_its_own_space_until_it_is_released() {
        let (own, other) = (OrganizationId::from(Uuid::from_u128(1)), OrganizationId::from(Uuid::from_u128(2)));
        let (flight, until) = (FlightId::from(Uuid::from_u128(3)), DateTime::UNIX_EPOCH + TimeDelta::hours(1));
        let now = DateTime::UNIX_EPOCH;
        let space = Space::from_columns(30, 20, 1);
        let known = AllottedSpaceIndex::default();
        assert!(known.of(Some(own)).is_empty());
        let allotted = Allotted { organization_id: own, flight_id: flight, space, until };
        known.learn([allotted, Allotted { space: Space::from_columns(1, 1, 0), ..allotted }]);
        let new = FlightCapacity::opened(flight, Space::from_columns(100, 100, 10), until);
        let capacity =
            FlightCapacity { booked: Space::from_columns(10, 10, 0), held: Space::from_columns(31, 21, 1), ..new };
        assert_eq!(capacity.available(), Space::from_columns(59, 69, 9));
        let opened = |organization, mut space, now| {
            known.of(organization).open(&mut space, now);
            space
        };
        assert_eq!(opened(Some(own), capacity, now).available(), Space::from_columns(90, 90, 10));
        assert_eq!(opened(Some(own), capacity, until).available(), capacity.available());
        for stranger in [Some(other), None] {
            assert_eq!(opened(stranger, capacity, now), capacity);
        }
        let emptied = FlightCapacity { booked: Space::default(), held: Space::from_columns(5, 5, 0), ..capacity };
        assert_eq!(opened(Some(own), emptied, now).available(), emptied.capacity);
        known.learn([]);
        assert!(known.of(Some(own)).is_empty());
    }

    #[test]
    fn what_changes_on_one_flight_leaves_the_others() {
        let organization_id = OrganizationId::from(Uuid::from_u128(1));
        let [one, two] = [3, 4].map(|id| FlightId::from(Uuid::from_u128(id)));
        let (now, until) = (DateTime::UNIX_EPOCH, DateTime::UNIX_EPOCH + TimeDelta::hours(1));
        let allotted = |flight_id, weight| {
            let space = Space::from_columns(weight, weight, 0);
            Allotted { organization_id, flight_id, space, until }
        };
        let known = AllottedSpaceIndex::default();
        known.learn([allotted(one, 10), allotted(two, 20)]);
        let before = known.of(Some(organization_id));
        known.learn_on(&[one].into(), [allotted(one, 5), allotted(one, 2)]);
        let after = known.of(Some(organization_id));
        assert_eq!([one, two].map(|flight| after.on(flight, now)), [(7, 7), (20, 20)].map(space));
        assert_eq!(before.on(one, now), space((10, 10)), "what a search has begun with stays as it was");
        known.learn_on(&[one].into(), []);
        assert!(!known.of(Some(organization_id)).is_on_any([one].into_iter()));
        known.learn_on(&[two].into(), []);
        assert!(known.of(Some(organization_id)).is_empty());
    }

    fn space((weight, volume): (i64, i64)) -> Space {
        Space::from_columns(weight, volume, 0)
    }
}
