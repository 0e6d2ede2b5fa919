//! Compares the positions that are named with their holders: a name has one.
use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    fetch::{Found, get},
    holds::State,
};
use crate::{
    client::Load,
    evidence::{Breach, Promise},
    operation::{Actor, flight::FLIGHTS},
    schedule::Flight,
};

/// A hold or booking that has a position, or may have it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Holder {
    name: String,
    /// Whether it is a booking.
    is_booked: bool,
    /// A booking that was taken off a flight or rerouted may have lost its positions; one that was cancelled in the air keeps
    /// those of the flights that had left.
    is_certain: bool,
}

/// The holders of each position, by flight and name.
#[derive(Default)]
struct Holders(BTreeMap<(String, String), Vec<Holder>>);

impl Holders {
    /// A booking keeps the names of its hold on flights that it does not leave.
    fn of(state: &State, bookings: &BTreeMap<String, Found>) -> Self {
        let mut holders = Self::default();
        for hold in &state.holds {
            let booking = hold.booking.as_ref().and_then(|reference| bookings.get(reference));
            let holder = match (hold.status.as_str(), booking) {
                ("ACTIVE", _) => Holder { name: hold.id.clone(), is_booked: false, is_certain: true },
                ("COMMITTED", Some(found)) if found.status != "CANCELLED" || found.story().contains(&"DEPARTED") => {
                    let is_changed = found.lost_a_leg || found.story().contains(&"REROUTED");
                    let is_certain = found.status != "CANCELLED" && !is_changed;
                    Holder { name: found.reference.clone(), is_booked: true, is_certain }
                }
                _ => continue,
            };
            let flies = |flight: &String| booking.is_none_or(|found| found.flights.contains(flight));
            for place in hold.names.iter().filter(|(flight, _)| flies(flight)) {
                holders.0.entry(place.clone()).or_default().push(holder.clone());
            }
        }
        holders
    }

    /// Positions with two holders.
    fn doubled(&self) -> Vec<String> {
        let doubled = self.0.iter().filter_map(|((flight, name), holders)| {
            let certain: Vec<&str> =
                holders.iter().filter(|holder| holder.is_certain).map(|holder| holder.name.as_str()).collect();
            (certain.len() > 1).then(|| format!("{name} of flight {flight} has the holders {}", certain.join(", ")))
        });
        doubled.collect()
    }

    /// Describes a position of a flight that is shown as its holders contradict.
    fn contradiction(&self, flight: &str, position: &Value) -> Option<String> {
        let (name, status) = (position["name"].as_str()?, position["status"].as_str()?);
        let holders = self.0.get(&(flight.to_owned(), name.to_owned())).map_or(&[][..], Vec::as_slice);
        let certain = holders.iter().find(|holder| holder.is_certain);
        let is_right = match (status, certain) {
            ("BOOKED", Some(holder)) => holder.is_booked,
            ("HELD", Some(holder)) => !holder.is_booked,
            ("BOOKED", None) => !holders.is_empty(),
            (status, holder) => status == "FREE" && holder.is_none(),
        };
        (!is_right).then(|| format!("{name} of flight {flight} is {status}, but its holders are {holders:?}"))
    }
}

/// Checks the positions of each flight, when no client changes anything.
pub(super) async fn judge(
    load: &Load,
    flights: &[Flight],
    state: &State,
    bookings: &BTreeMap<String, Found>,
) -> anyhow::Result<Vec<Breach>> {
    let holders = Holders::of(state, bookings);
    let mut wrong = holders.doubled();
    for flight in flights {
        let path = format!("{FLIGHTS}/{}/positions", flight.id);
        let Some(shown) = get(load, Actor::Staff, &path, 0).await? else { continue };
        let positions = shown.body.as_array().into_iter().flatten();
        wrong.extend(positions.filter_map(|position| holders.contradiction(&flight.id, position)));
    }
    Ok(wrong.into_iter().map(|what| Breach { promise: Promise::OneHolder, what }).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::holds::FoundHold, *};
    use crate::check::fetch::Event;

    fn hold(id: &str, status: &str) -> FoundHold {
        let booking = (status == "COMMITTED").then(|| format!("ACB-{id}"));
        let (id, status, names) = (id.to_owned(), status.to_owned(), vec![("f".to_owned(), "P1".to_owned())]);
        FoundHold { id, status, booking, names, ..FoundHold::default() }
    }

    fn booked(id: &str, status: &str, events: &[&str]) -> (String, Found) {
        let reference = format!("ACB-{id}");
        let event = |kind: &&str| Event { kind: (*kind).to_owned(), ..Event::default() };
        let (status, flights) = (status.to_owned(), vec!["f".to_owned()]);
        let events = events.iter().map(event).collect();
        (reference.clone(), Found { reference, status, flights, events, ..Found::default() })
    }

    fn holders(holds: &[FoundHold], bookings: &[(String, Found)]) -> Holders {
        let state = State { holds: holds.to_vec(), ..State::default() };
        Holders::of(&state, &bookings.iter().cloned().collect())
    }

    #[test]
    fn two_holders_of_a_position_are_reported() {
        let both = [hold("1", "COMMITTED"), hold("2", "COMMITTED")];
        let in_force = [booked("1", "BOOKED", &["BOOKED"]), booked("2", "DEPARTED", &["BOOKED"])];
        assert_eq!(holders(&both, &in_force).doubled(), ["P1 of flight f has the holders ACB-1, ACB-2"]);
        let with_open = [hold("1", "COMMITTED"), hold("3", "ACTIVE")];
        assert_eq!(holders(&with_open, &in_force).doubled().len(), 1);
        let ended = [hold("1", "COMMITTED"), hold("3", "EXPIRED"), hold("4", "RELEASED")];
        assert!(holders(&ended, &in_force).doubled().is_empty());
        let left = [booked("1", "CANCELLED", &["BOOKED"]), booked("2", "BOOKED", &["BOOKED", "REROUTED"])];
        assert!(holders(&both, &left).doubled().is_empty());
    }

    #[test]
    fn a_position_is_shown_as_its_holder_has_it() {
        let shown = |holders: &Holders, status: &str| {
            holders.contradiction("f", &json!({"name": "P1", "status": status})).is_none()
        };
        let right = |holders: &Holders| ["FREE", "HELD", "BOOKED"].map(|status| shown(holders, status));
        assert_eq!(right(&holders(&[], &[])), [true, false, false]);
        assert_eq!(right(&holders(&[hold("1", "ACTIVE")], &[])), [false, true, false]);
        let committed = [hold("1", "COMMITTED")];
        assert_eq!(right(&holders(&committed, &[booked("1", "BOOKED", &["BOOKED"])])), [false, false, true]);
        let rerouted = [booked("1", "BOOKED", &["BOOKED", "REROUTED"])];
        assert_eq!(right(&holders(&committed, &rerouted)), [true, false, true]);
        let in_the_air = [booked("1", "CANCELLED", &["BOOKED", "DEPARTED", "CANCELLED"])];
        assert_eq!(right(&holders(&committed, &in_the_air)), [true, false, true]);
    }
}
