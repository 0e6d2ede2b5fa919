use loadmaster_platform::{
    idempotency::{Answer, Key},
    postgres::MAX_RETRIES,
    telemetry::{Traced, span},
    web::Problem,
};
use loadmaster_shipment::Surroundings;

use super::{
    BookingError,
    courtesy::Target,
    desk::{AnswerFor, Desk, Movement, Operation, Outcome, Refusal, Request, Verb},
    model::Booking,
};

impl Desk {
    /// Takes a step of a booking at the desk, while no other request changes it.
    pub(super) async fn take_step(
        &self,
        target: Target,
        verb: Verb,
        key: Key,
        answer: fn(&Booking, &Surroundings) -> Answer,
    ) -> Result<Answer, Problem> {
        let request = Request::new(key, AnswerFor::Booking(answer), self.until())?;
        let outcome = self.try_to_step(&target, &verb, &request).in_span(span(verb.name())).await;
        request.resolve(outcome).await.map(|done| done.answer)
    }

    async fn try_to_step(&self, target: &Target, verb: &Verb, request: &Request) -> Outcome {
        let bookings = self.bookings();
        let (_lock, mut seen) = bookings.lock(target, request.key()).await?;
        let mut attempts = 0;
        loop {
            let seen = match seen.take() {
                Some(seen) => seen,
                None => bookings.visible(target.caller, &target.reference).await?,
            };
            let movement = Movement { target: target.clone(), verb: verb.clone(), seen };
            match self.submit(Operation::step(movement), request).await {
                Err(Refusal { error: BookingError::Raced, .. }) if attempts < MAX_RETRIES => attempts += 1,
                outcome => return outcome,
            }
        }
    }
}
