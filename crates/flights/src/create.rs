use chrono::NaiveDate;
use loadmaster_accounts::{Actor, Subject};
use loadmaster_kernel::UserId;
use loadmaster_platform::{postgres::PgSession, work::Command};
use loadmaster_reference::Reference;
use serde_json::json;

use super::{Flight, FlightError, FlightService, NewFlight, save::insert_in_tx};

/// Puts a flight on the schedule and opens it for sale.
pub(super) struct Create {
    pub flights: FlightService,
    pub actor: UserId,
    pub new: NewFlight,
}

impl Command for Create {
    const NAME: &'static str = "flights.create";
    type Done = Flight;
    type Error = FlightError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Flight, FlightError> {
        let Self { flights, actor, new } = self;
        let inactive = new.faults_of_inactive(&flights.reference);
        if !inactive.is_empty() {
            return Err(FlightError::Invalid(inactive));
        }
        let now = flights.clock.now();
        let flight = new.as_flight(flights.ids.next(now), local_date(&flights.reference, new)?, now);
        insert_in_tx(tx, std::slice::from_ref(&flight), Some(*actor), now).await?;
        let (subject, data) = (Subject::new("flight", flight.id), json!({"flight_number": flight.number}));
        flights.acts.record_in_tx(tx, Actor::Caller(*actor), "flight.created", subject, data).await?;
        Ok(flight)
    }

    async fn concluded(&mut self, outcome: Result<&Flight, &FlightError>) {
        if let Ok(flight) = outcome {
            tracing::info!(flight_id = %flight.id, flight_number = %flight.number, "flight created");
            self.flights.changed([flight]);
        }
    }
}

/// Returns the local calendar date of departure, which with number and origin names the flight.
pub(super) fn local_date(reference: &Reference, new: &NewFlight) -> Result<NaiveDate, FlightError> {
    let origin = reference.airport(new.origin).ok_or(FlightError::NoSuchAirport(new.origin))?;
    Ok(origin.local_date(new.departure))
}
