use chrono::NaiveDate;
use serde_json::json;

use super::{Flight, FlightError, FlightService, NewFlight, save::insert_in_tx};
use crate::{
    features::{
        accounts::{Actor, Subject},
        reference::Reference,
    },
    kernel::UserId,
    platform::{idempotency::Once, postgres::retrying},
};

impl FlightService {
    /// Puts a flight on the schedule and opens it for sale.
    pub async fn create(&self, actor: UserId, new: &NewFlight, once: &Once<Flight>) -> Result<Flight, FlightError> {
        let flight = retrying(|| self.try_create(actor, new, once)).await?;
        self.changed([&flight]);
        Ok(flight)
    }

    async fn try_create(&self, actor: UserId, new: &NewFlight, once: &Once<Flight>) -> Result<Flight, FlightError> {
        let now = self.clock.now();
        let flight = new.as_flight(self.ids.next(now), local_date(&self.reference, new)?, now);
        let mut tx = self.db.begin().await?;
        let created = async {
            once.enter_in_tx(&mut tx).await?;
            insert_in_tx(&mut tx, std::slice::from_ref(&flight), Some(actor), now).await?;
            let (subject, data) = (Subject::flight(flight.id), json!({"flight_number": flight.number}));
            self.acts.record_in_tx(&mut tx, Actor::Caller(actor), "flight.created", subject, data).await?;
            Ok::<_, FlightError>(flight)
        };
        let created = created.await;
        let flight = once.conclude(tx, created).await?;
        tracing::info!(flight_id = %flight.id, flight_number = %flight.number, "flight created");
        Ok(flight)
    }
}

/// The local calendar date of departure: with number and origin, the flight's name.
pub(super) fn local_date(reference: &Reference, new: &NewFlight) -> Result<NaiveDate, FlightError> {
    let origin = reference.airport(new.origin).ok_or(FlightError::NoSuchAirport(new.origin))?;
    Ok(origin.local_date(new.departure))
}
