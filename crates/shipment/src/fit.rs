use loadmaster_flights::Flight;
use loadmaster_kernel::{Dimensions, FlightId, FlightNumber};
use loadmaster_reference::{Reference, TooLarge};

/// The dimensions of freight, and the reference data that says what aircraft take.
#[derive(Debug, Clone, Copy)]
pub struct Fit<'a> {
    dimensions: &'a Dimensions,
    reference: &'a Reference,
}

/// A piece that a flight does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oversize {
    pub flight_id: FlightId,
    pub flight_number: FlightNumber,
    pub piece: TooLarge,
}

impl<'a> Fit<'a> {
    /// `None` without dimensions: nothing is judged.
    pub fn of(dimensions: Option<&'a Dimensions>, reference: &'a Reference) -> Option<Self> {
        dimensions.map(|dimensions| Self { dimensions, reference })
    }

    /// Returns the first piece that the flight does not take. One without an aircraft, or of a type whose openings are not known,
    /// takes any.
    pub fn oversize_on(&self, flight: &Flight) -> Option<Oversize> {
        let piece = self.reference.too_large(self.dimensions, flight.aircraft?)?;
        Some(Oversize { flight_id: flight.id, flight_number: flight.number, piece })
    }
}
