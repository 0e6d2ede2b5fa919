use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use super::model::{Aircraft, Airline, Airport};
use crate::{
    kernel::{AircraftCode, AirlineCode, AirportCode, Fault, FaultCode, FlightNumber, HandlingCode},
    platform::web::{Raw, read},
};

/// All reference data, in memory; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Reference(Arc<Catalogue>);

#[derive(Debug, Default)]
pub(super) struct Catalogue {
    pub airports: BTreeMap<AirportCode, Airport>,
    pub airlines: BTreeMap<AirlineCode, Airline>,
    pub aircraft: BTreeMap<AircraftCode, Aircraft>,
    pub handling_codes: BTreeSet<HandlingCode>,
}

impl Reference {
    pub(super) fn new(catalogue: Catalogue) -> Self {
        Self(Arc::new(catalogue))
    }

    pub fn airport(&self, code: AirportCode) -> Option<&Airport> {
        self.0.airports.get(&code)
    }

    pub fn airline(&self, code: AirlineCode) -> Option<&Airline> {
        self.0.airlines.get(&code)
    }

    pub fn aircraft(&self, code: AircraftCode) -> Option<&Aircraft> {
        self.0.aircraft.get(&code)
    }

    /// Reads the code of an airport that exists.
    pub fn read_airport(&self, raw: Raw<'_>) -> Result<AirportCode, Fault> {
        let code = read::code(raw)?;
        self.airport(code).map(|airport| airport.code).ok_or_else(|| unknown("airport", &code))
    }

    /// Reads the code of an airline that exists.
    pub fn read_airline(&self, raw: Raw<'_>) -> Result<AirlineCode, Fault> {
        let code = read::code(raw)?;
        self.airline(code).map(|airline| airline.code).ok_or_else(|| unknown("airline", &code))
    }

    /// Reads the code of an aircraft type that exists.
    pub fn read_aircraft(&self, raw: Raw<'_>) -> Result<AircraftCode, Fault> {
        let code = read::code(raw)?;
        self.aircraft(code).map(|aircraft| aircraft.code).ok_or_else(|| unknown("aircraft type", &code))
    }

    /// Reads a special handling code that exists.
    pub fn read_handling_code(&self, raw: Raw<'_>) -> Result<HandlingCode, Fault> {
        let code = read::code(raw)?;
        self.0.handling_codes.get(&code).copied().ok_or_else(|| unknown("special handling code", &code))
    }

    /// Reads a flight number of an airline that exists.
    pub fn read_flight_number(&self, raw: Raw<'_>) -> Result<FlightNumber, Fault> {
        let number: FlightNumber = read::code(raw)?;
        match self.airline(number.airline()) {
            Some(_) => Ok(number),
            None => Err(unknown("airline", &number.airline())),
        }
    }
}

fn unknown(kind: &str, code: &dyn std::fmt::Display) -> Fault {
    Fault::new(FaultCode::UnknownValue, format!("names no known {kind}: {code}"))
}
