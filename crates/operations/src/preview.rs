use std::collections::HashMap;

use loadmaster_bookings::{
    self as bookings, Booking, LeftBehind, Leg, LegStatus, OffloadReason, OversizeAboard, Portion,
};
use loadmaster_flights::{self as flights, Flight};
use loadmaster_kernel::{BookingId, BookingRef, FlightId, Pieces, Weight};
use loadmaster_platform::{
    idempotency::Key,
    postgres::{PgSession, allow_long_statements},
    work::Command,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    OperationError, OperationService, arrive::Arrive, cancel::Cancel, change::Change, depart::Depart, model::Operated,
    repository, service::Target,
};

/// An effect of a flight's step on a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    Departed,
    Arrived,
    /// The flight has other times.
    Retimed,
    /// The flight leaves the booking behind.
    Offloaded,
    /// What follows cannot be reached any more: the booking needs rerouting.
    ConnectionLost,
    /// The flight is cancelled.
    Cancelled,
}

/// What a step would do to one booking.
#[derive(Debug)]
pub struct Impact {
    pub ref_id: BookingRef,
    pub pieces: Pieces,
    pub weight: Weight,
    pub effects: Vec<Effect>,
}

/// What a step would do.
#[derive(Debug)]
pub struct Previewed {
    /// The `ETag` of the flight as it is: the action can be bound to what was shown.
    pub tag: String,
    /// The flight as it would be.
    pub flight: Flight,
    pub left_behind: Vec<LeftBehind>,
    /// In order of reference.
    pub impact: Vec<Impact>,
    /// Bookings of which the flight's new aircraft does not take a piece, in order of reference.
    pub oversize: Vec<OversizeAboard>,
}

/// A step of a flight whose effect can be shown without being made.
pub(super) trait FlightCommand: Command<Error = OperationError> {
    fn operations(&self) -> &OperationService;
    fn target(&self) -> &Target;
    fn shown(&self, done: Self::Done) -> (Flight, Vec<LeftBehind>);

    /// Makes the step one for show alone.
    fn rehearse(&mut self) {}

    /// Returns the bookings of which the flight would not take a piece, once the step is decided.
    fn oversize(&self) -> &[OversizeAboard] {
        &[]
    }
}

/// The real step, in a transaction that is rolled back, and the bookings on the flight before and after it. Bookings
/// that the step itself would leave to the background are taken along too.
pub(super) struct Preview<C>(pub C);

impl<C: FlightCommand> Command for Preview<C> {
    const NAME: &'static str = "operations.preview";
    type Done = Previewed;
    type Error = OperationError;

    async fn prepare(&mut self, key: &Key) -> Result<(), OperationError> {
        self.0.prepare(key).await
    }

    fn is_out_of_date(&self, error: &OperationError) -> bool {
        self.0.is_out_of_date(error)
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Previewed, OperationError> {
        let id = self.0.target().flight;
        allow_long_statements(tx).await?;
        self.0.rehearse();
        let tag = flights::find_in_tx(tx, id).await?.entity_tag();
        let before = bookings::aboard_in_tx(tx, id).await?;
        let done = self.0.decide(tx).await?;
        let (flight, mut left_behind) = self.0.shown(done);
        left_behind.extend(self.0.operations().rehearse_rest_in_tx(tx, &flight).await?);
        left_behind.sort_by(|a, b| a.ref_id.cmp(&b.ref_id));
        let ids: Vec<BookingId> = before.iter().map(|booking| booking.id).collect();
        let after = bookings::find_all_in_tx(tx, &ids).await?;
        let oversize = self.0.oversize().to_vec();
        Ok(Previewed { tag, flight, left_behind, impact: impact(id, &before, &after), oversize })
    }
}

impl OperationService {
    /// Takes the bookings that the step has left to the background through it.
    async fn rehearse_rest_in_tx(
        &self,
        tx: &mut PgSession,
        flight: &Flight,
    ) -> Result<Vec<LeftBehind>, OperationError> {
        let Some(rest) = repository::find(tx, flight.id).await? else { return Ok(Vec::new()) };
        let (mut left_behind, mut next) = (Vec::new(), Some(rest.done_to));
        while let Some(after) = next {
            let only = std::slice::from_ref(flight);
            let Portion { moved, last } =
                self.bookings.take_some_along_in_tx(tx, only, &rest.step, after, rest.actor).await?;
            left_behind.extend(moved.left_behind);
            next = last;
        }
        Ok(left_behind)
    }
}

/// Compares the bookings; returns those that change.
fn impact(flight: FlightId, before: &[Booking], after: &[Booking]) -> Vec<Impact> {
    let after: HashMap<BookingId, &Booking> = after.iter().map(|booking| (booking.id, booking)).collect();
    let changed = before.iter().filter_map(|old| {
        let new = *after.get(&old.id)?;
        (new.version != old.version).then(|| Impact {
            ref_id: new.ref_id.clone(),
            pieces: new.pieces,
            weight: new.space.weight,
            effects: effects(flight, old, new),
        })
    });
    let mut changed: Vec<Impact> = changed.collect();
    changed.sort_by(|a, b| a.ref_id.cmp(&b.ref_id));
    changed
}

fn effects(flight: FlightId, before: &Booking, after: &Booking) -> Vec<Effect> {
    let mut effects = Vec::new();
    let new_of = |leg: &Leg| after.legs.iter().find(|new| new.id == leg.id);
    for (old, new) in before.legs.iter().filter_map(|old| Some((old, new_of(old)?))) {
        if old.flight_id != flight {
            continue;
        }
        let status = match new.status {
            status if status == old.status => None,
            LegStatus::Departed => Some(Effect::Departed),
            LegStatus::Arrived => Some(Effect::Arrived),
            LegStatus::Offloaded => Some(Effect::Offloaded),
            LegStatus::Cancelled => Some(Effect::Cancelled),
            _ => None,
        };
        let is_retimed = status.is_none() && (old.departure, old.arrival) != (new.departure, new.arrival);
        effects.extend(status.or(is_retimed.then_some(Effect::Retimed)));
    }
    let is_off = effects.iter().any(|effect| matches!(effect, Effect::Offloaded | Effect::Cancelled));
    if after.needs_rerouting && !before.needs_rerouting && !is_off {
        effects.push(Effect::ConnectionLost);
    }
    effects.dedup();
    effects
}

impl FlightCommand for Change {
    fn operations(&self) -> &OperationService {
        &self.operations
    }

    fn target(&self) -> &Target {
        &self.target
    }

    fn shown(&self, flight: Flight) -> (Flight, Vec<LeftBehind>) {
        let offloaded = self.wanted.offload.iter();
        let left = |ref_id: &BookingRef| LeftBehind { ref_id: ref_id.clone(), reason: OffloadReason::Offloaded };
        (flight, offloaded.map(left).collect())
    }

    fn rehearse(&mut self) {
        self.is_rehearsal = true;
    }

    fn oversize(&self) -> &[OversizeAboard] {
        &self.oversize
    }
}

/// Declares the steps that say themselves what they left behind.
macro_rules! steps {
    ($($command:ident),+) => {$(
        impl FlightCommand for $command {
            fn operations(&self) -> &OperationService {
                &self.operations
            }

            fn target(&self) -> &Target {
                &self.target
            }

            fn shown(&self, done: Operated) -> (Flight, Vec<LeftBehind>) {
                (done.flight, done.left_behind)
            }
        }
    )+};
}

steps!(Depart, Arrive, Cancel);
