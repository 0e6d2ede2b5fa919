use std::collections::HashMap;

use loadmaster_capacity::FLIGHT;
use loadmaster_flights::FlightService;
use loadmaster_kernel::{AirportCode, FlightId};
use loadmaster_platform::outbox::{Entry, type_matches};
use serde_json::Value;

use super::error::LiveError;

/// Members of a message's data that name an airport.
const AIRPORTS: [&str; 3] = ["location", "origin", "destination"];

/// Which messages a stream shows.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    /// Types, or beginnings of types with `.*`; empty: all.
    pub types: Vec<String>,
    pub station: Option<AirportCode>,
    pub flight: Option<FlightId>,
    pub subject: Option<String>,
}

/// What filters ask of a message.
pub(super) struct Facts<'a> {
    kind: &'a str,
    subject: &'a str,
    flights: Vec<FlightId>,
    /// Where it happens; only if that was asked for.
    stations: Vec<AirportCode>,
}

impl Filter {
    pub fn passes(&self, facts: &Facts<'_>) -> bool {
        (self.types.is_empty() || self.types.iter().any(|pattern| type_matches(pattern, facts.kind)))
            && self.station.is_none_or(|station| facts.stations.contains(&station))
            && self.flight.is_none_or(|flight| facts.flights.contains(&flight))
            && self.subject.as_deref().is_none_or(|subject| facts.subject.eq_ignore_ascii_case(subject))
    }
}

/// The airports of flights, read once for many messages.
type Lanes = HashMap<FlightId, [AirportCode; 2]>;

impl<'a> Facts<'a> {
    /// Returns the facts of each message. `of_stations`: somebody asks at which airports they happen.
    pub async fn of_all(
        entries: &'a [Entry],
        flights: &FlightService,
        of_stations: bool,
    ) -> Result<Vec<Self>, LiveError> {
        let mut all: Vec<Self> = entries.iter().map(Self::of).collect();
        if of_stations {
            let mut ids: Vec<FlightId> = all.iter().flat_map(|facts| facts.flights.iter().copied()).collect();
            ids.sort_unstable();
            ids.dedup();
            let found = if ids.is_empty() { Vec::new() } else { flights.flights(&ids).await? };
            let lanes = found.iter().map(|flight| (flight.id, [flight.origin, flight.destination])).collect();
            for (facts, entry) in all.iter_mut().zip(entries) {
                facts.find_stations(entry, &lanes);
            }
        }
        Ok(all)
    }

    fn of(entry: &'a Entry) -> Self {
        Self { kind: entry.kind(), subject: entry.subject(), flights: flights_of(entry), stations: Vec::new() }
    }

    fn find_stations(&mut self, entry: &Entry, lanes: &Lanes) {
        let data = &entry.event["data"];
        let named = AIRPORTS.iter().filter_map(|name| data[*name].as_str()?.parse().ok());
        self.stations.extend(named.chain(self.flights.iter().filter_map(|id| lanes.get(id)).flatten().copied()));
    }
}

/// Returns the flights that a message is about.
fn flights_of(entry: &Entry) -> Vec<FlightId> {
    let data = &entry.event["data"];
    let id = |value: &Value| value.as_str()?.parse::<FlightId>().ok();
    let mut flights: Vec<FlightId> = id(&data["flight_id"]).into_iter().collect();
    flights.extend(data["flight_ids"].as_array().into_iter().flatten().filter_map(id));
    if entry.aggregate == FLIGHT {
        flights.push(entry.aggregate_id.into());
    }
    flights.sort_unstable();
    flights.dedup();
    flights
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts() -> Facts<'static> {
        Facts {
            kind: "loadmaster.booking.departed.v1",
            subject: "ACBKW3RT2",
            flights: vec![uuid::Uuid::from_u128(1).into()],
            stations: vec!["DEL".parse().unwrap()],
        }
    }

    #[test]
    fn filters_combine_with_and() {
        let types = |types: &[&str]| types.iter().map(|text| (*text).to_owned()).collect();
        let all = Filter {
            types: types(&["loadmaster.hold.*", "loadmaster.booking.*"]),
            station: Some("DEL".parse().unwrap()),
            flight: Some(uuid::Uuid::from_u128(1).into()),
            subject: Some("acbkw3rt2".to_owned()),
        };
        assert!(Filter::default().passes(&facts()) && all.passes(&facts()));
        for other in [
            Filter { types: types(&["loadmaster.booking.departed.v"]), ..all.clone() },
            Filter { types: types(&["loadmaster.book"]), ..all.clone() },
            Filter { station: Some("LHR".parse().unwrap()), ..all.clone() },
            Filter { flight: Some(uuid::Uuid::from_u128(2).into()), ..all.clone() },
            Filter { subject: Some("ACB".to_owned()), ..all },
        ] {
            assert!(!other.passes(&facts()), "{other:?}");
        }
    }
}
