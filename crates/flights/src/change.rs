use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_capacity::{FlightCapacity, FlightStatus, Overbooking, Space, SpaceFields};
use loadmaster_kernel::{Fault, FaultCode};
use loadmaster_platform::web::Patch;
use loadmaster_reference::{Aircraft, Reference};

use super::{
    ChangeFlight, Flight, NewFlight,
    model::{LONGEST_FLIGHT, fault_of_arrival, space_of},
};

impl ChangeFlight {
    /// Returns whether a flight of this status allows this change: any change until departure, then only of its arrival
    /// time.
    pub fn is_possible_for(&self, status: FlightStatus) -> bool {
        match status {
            FlightStatus::Scheduled => true,
            FlightStatus::Departed => Self { arrival_datetime: None, ..self.clone() } == Self::default(),
            FlightStatus::Arrived | FlightStatus::Cancelled => false,
        }
    }

    /// Returns whether the change is one of times, aircraft and cargo alone. New times move the cut-off along; another
    /// aircraft brings its capacity.
    pub fn is_operational(&self) -> bool {
        let rest = Self {
            departure_datetime: None,
            arrival_datetime: None,
            aircraft_code: Patch::Keep,
            offload: Vec::new(),
            release_holds: None,
            follow_feed: None,
            accept_oversize: None,
            ..self.clone()
        };
        !self.releases_holds() && self.aircraft_code != Patch::Clear && rest == Self::default()
    }

    /// Returns whether the change replaces a capacity that differs from that of the flight's aircraft.
    pub fn replaces_capacity(&self, flight: &Flight, reference: &Reference) -> bool {
        let aircraft = flight.aircraft.and_then(|code| reference.aircraft(code));
        let is_set = aircraft.is_some_and(|aircraft| space_of(&aircraft) != flight.space.physical);
        is_set && self.aircraft_code.or(flight.aircraft) != flight.aircraft
    }

    /// Returns whether holds end as far as the capacity requires.
    pub fn releases_holds(&self) -> bool {
        self.release_holds.unwrap_or_default()
    }

    /// Returns whether pieces stay on an aircraft that is too small for them.
    pub fn accepts_oversize(&self) -> bool {
        self.accept_oversize.unwrap_or_default()
    }

    /// Returns whether the change sets the departure or arrival time.
    pub const fn names_times(&self) -> bool {
        self.departure_datetime.is_some() || self.arrival_datetime.is_some()
    }

    /// Returns the changed flight, or the members that contradict existing values, each with its fault. Retiming moves
    /// the cut-off along. An aircraft brings its own capacity, except for figures that the change sets. These are what
    /// the flight carries; what may be sold follows by its overbooking.
    pub fn apply(&self, flight: &Flight, reference: &Reference) -> Result<Flight, Vec<(&'static str, Fault)>> {
        let departure = self.departure_datetime.unwrap_or(flight.departure);
        let arrival = self.arrival_datetime.unwrap_or(flight.arrival);
        let code = self.aircraft_code.or(flight.aircraft);
        let aircraft = code.and_then(|code| reference.aircraft(code));
        let aircraft = aircraft.as_deref();
        let swapped = code != flight.aircraft;
        let cutoff = match self.cutoff_minutes {
            Patch::Keep => departure - (flight.departure - flight.space.cutoff),
            Patch::Clear => departure - TimeDelta::minutes(i64::from(NewFlight::DEFAULT_CUTOFF_MINUTES)),
            Patch::Set(minutes) => departure - TimeDelta::minutes(i64::from(minutes)),
        };
        let standard = aircraft.filter(|_| swapped).map_or(flight.space.physical, space_of);
        let capacity = self.capacity.map_or(Ok(standard), |figures| changed(figures, standard, aircraft));
        match (self.fault_of_times(flight, departure, arrival), capacity) {
            (None, Ok(capacity)) => Ok(Flight {
                departure,
                arrival,
                aircraft: code,
                is_freighter: if swapped { aircraft.is_some_and(|a| a.is_freighter) } else { flight.is_freighter },
                space: FlightCapacity { cutoff, ..flight.space }
                    .with_capacity(capacity, self.overbooked(flight.space.overbooking)),
                ..flight.clone()
            }),
            (times, capacity) => Err(times.into_iter().chain(capacity.err()).collect()),
        }
    }

    fn overbooked(&self, before: Overbooking) -> Overbooking {
        match self.overbooking {
            Patch::Keep => before,
            Patch::Clear => Overbooking::NONE,
            Patch::Set(figures) => figures.merged(before),
        }
    }

    fn fault_of_times(
        &self,
        flight: &Flight,
        departure: DateTime<Utc>,
        arrival: DateTime<Utc>,
    ) -> Option<(&'static str, Fault)> {
        if (departure, arrival) == (flight.departure, flight.arrival) {
            return None;
        }
        let (member, fault) = match (flight.space.status, self.arrival_datetime) {
            (FlightStatus::Departed, _) => ("/arrival_datetime", fault_of_landing(flight, arrival)),
            (_, Some(_)) => ("/arrival_datetime", fault_of_arrival(departure, arrival)),
            (_, None) => ("/departure_datetime", fault_of_departure(departure, arrival)),
        };
        Some((member, fault?))
    }
}

/// Returns the capacity that results when `figures` override the `standard` one.
fn changed(figures: SpaceFields, standard: Space, aircraft: Option<&Aircraft>) -> Result<Space, (&'static str, Fault)> {
    let own = aircraft.map(space_of);
    let weight = match figures.weight_kg {
        Patch::Keep => standard.weight,
        Patch::Set(weight) => weight,
        Patch::Clear => own.map(|own| own.weight).ok_or_else(|| {
            ("/capacity/weight_kg", Fault::new(FaultCode::Required, "is required for a flight without an aircraft"))
        })?,
    };
    let volume = match figures.volume_m3 {
        Patch::Keep => standard.volume,
        Patch::Set(volume) => volume,
        Patch::Clear => own.map_or(weight.standard_volume(), |own| own.volume),
    };
    let positions = match figures.positions {
        Patch::Keep => standard.positions,
        Patch::Set(positions) => positions,
        Patch::Clear => own.map(|own| own.positions).unwrap_or_default(),
    };
    Ok(Space { weight, volume, positions })
}

/// Returns the same fault, worded for the departure.
fn fault_of_departure(departure: DateTime<Utc>, arrival: DateTime<Utc>) -> Option<Fault> {
    let text =
        if departure < arrival { "must be at most 24 hours before the arrival" } else { "must be before the arrival" };
    fault_of_arrival(departure, arrival).map(|fault| Fault::new(fault.code, text))
}

/// Returns the fault of a new arrival time for a flight in the air. It may have left long before its scheduled time.
fn fault_of_landing(flight: &Flight, arrival: DateTime<Utc>) -> Option<Fault> {
    if arrival <= flight.departure {
        Some(Fault::new(FaultCode::OutOfOrder, "must be after the departure"))
    } else if arrival > flight.arrival.max(flight.departure) + LONGEST_FLIGHT {
        Some(Fault::new(FaultCode::OutOfOrder, "must be at most 24 hours after the current arrival"))
    } else {
        None
    }
}
