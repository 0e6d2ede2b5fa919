//! Books masters: each hold is committed by itself, and what fails stays held.
use std::collections::BTreeMap;

use axum::http::StatusCode;
use futures_util::future::BoxFuture;
use loadmaster_accounts::Principal;
use loadmaster_holds::{AmendHold, CommitHold, HoldVerb, PaymentTerms};
use loadmaster_kernel::{AirportCode, AwbNumber, BookingId, BookingRef, ConsolidationId, HoldId};
use loadmaster_payments::{PaymentMethod, payment_in_progress};
use loadmaster_platform::{
    idempotency::{Answer, Key},
    postgres::PgSession,
    web::{
        PRIVATE, Patch, Precondition, Problem,
        bulk::{self, RowOutcome},
    },
    work::{Command, Keyed},
};
use serde::Deserialize;

use super::{
    dto::{BookMasters, BookedMaster, BookedMasters},
    error::ConsolidationError,
    model::{ConsolidationEventType, Freight, Happening, Master, Whole},
    repository,
    service::ConsolidationService,
};

/// A master that became a booking.
type Booked = (HoldId, BookingId, BookingRef);

/// The booking that an answer shows.
#[derive(Deserialize)]
struct Made {
    id: BookingId,
    ref_id: BookingRef,
}

/// What one master is booked with.
struct Order<'a> {
    master: &'a Master,
    /// What it is to carry.
    freight: Freight,
    differs: bool,
    awb_number: Option<AwbNumber>,
    payment_method: Option<PaymentMethod>,
}

impl ConsolidationService {
    /// Books the masters that the caller names, or all that are held; each with its own result.
    pub(super) async fn book(
        &self,
        caller: Principal,
        id: ConsolidationId,
        (wanted, precondition): (BookMasters, Precondition),
        key: &Key,
    ) -> Result<BookedMasters, Problem> {
        let whole = self.own(caller, id, &precondition).await?;
        let origins = origins(&whole, &wanted, key)?;
        let act = |origin: AirportCode| -> BoxFuture<'_, Result<Booked, Problem>> {
            Box::pin(self.book_one(caller, &whole, (origin, &wanted), key))
        };
        let rows = bulk::each_in_turn(origins.clone(), act).await;
        let is_default = wanted.origins.is_empty();
        let mut outcomes: Vec<(AirportCode, RowOutcome<Booked>)> = origins.into_iter().zip(rows).collect();
        // By default those that were booked before are named again only if this key booked them.
        outcomes.retain(|(origin, row)| {
            let was_booked = whole.master_of(*origin).is_some_and(Master::is_booked);
            row.outcome.is_ok() || !(is_default && was_booked)
        });
        let booked: BTreeMap<AirportCode, Booked> =
            outcomes.iter().filter_map(|(origin, row)| Some((*origin, row.outcome.as_ref().ok()?.clone()))).collect();
        if !booked.is_empty() {
            self.note(caller, id, booked).await;
        }
        Ok(result(outcomes))
    }

    /// Commits the hold of one origin.
    async fn book_one(
        &self,
        caller: Principal,
        whole: &Whole,
        (origin, wanted): (AirportCode, &BookMasters),
        key: &Key,
    ) -> Result<Booked, Problem> {
        let master = whole.master_of(origin).ok_or(ConsolidationError::UnknownOrigin(origin))?;
        let freight = whole.ready_at(origin);
        let freight = freight.ok_or(ConsolidationError::Incomplete("No part from this origin is ready."))?;
        let numbers = wanted.awb_numbers.as_ref().map(|numbers| &numbers.0);
        let order = Order {
            master,
            differs: whole.differs(master),
            freight,
            awb_number: numbers.and_then(|numbers| numbers.get(&origin)).cloned(),
            payment_method: wanted.payment_method,
        };
        self.commit(caller, &order, key).await
    }

    async fn commit(&self, caller: Principal, order: &Order<'_>, key: &Key) -> Result<Booked, Problem> {
        let hold = order.master.hold_id;
        let method = order.payment_method.map_or("none", PaymentMethod::as_str);
        let number = order.awb_number.as_ref().map(ToString::to_string).unwrap_or_default();
        let path = format!("/api/v1/holds/{hold}/commit");
        let key = key.part(&format!("commit {method} {number}"), &order.master.origin.to_string(), &path);
        let commit = CommitHold {
            amendment: amendment(order),
            terms: PaymentTerms { payment_method: order.payment_method, ..PaymentTerms::default() },
        };
        let counted = self.desk.holds().caller(caller, None);
        let verb = HoldVerb::commit(commit);
        let answer = Box::pin(self.desk.change_hold(counted, (hold, Precondition::default()), verb, key)).await?;
        // An answer that shows no booking says that its payment is not decided.
        let Made { id, ref_id } = answer.read().ok_or_else(payment_in_progress)?;
        Ok((hold, id, ref_id))
    }

    /// Notes bookings. If that fails, they are read where their holds name them.
    async fn note(&self, caller: Principal, id: ConsolidationId, booked: BTreeMap<AirportCode, Booked>) {
        let command = Note { consolidations: self.clone(), caller, id, booked };
        let answer = |(): &()| Answer::new(StatusCode::NO_CONTENT, &(), PRIVATE);
        let noted = self.unit_of_work.run(Keyed { command, key: Key::none(), answer: Box::new(answer) });
        if let Err(problem) = noted.await {
            let because = problem.code().as_str();
            tracing::warn!(because, consolidation_id = %id, "bookings of masters are not noted; their holds name them");
        }
    }
}

/// Returns the changes that bring a hold to the sum of its parts.
fn amendment(order: &Order<'_>) -> AmendHold {
    let awb_number = order.awb_number.clone().map_or(Patch::Keep, Patch::Set);
    if !order.differs {
        return AmendHold { awb_number, ..AmendHold::default() };
    }
    AmendHold { awb_number, ..to_sum(&order.freight) }
}

/// Returns the changes that give a hold this freight.
pub(super) fn to_sum(freight: &Freight) -> AmendHold {
    AmendHold {
        pieces: freight.pieces.map_or(Patch::Keep, Patch::Set),
        weight_kg: Some(freight.weight),
        volume_m3: Patch::Set(freight.volume),
        positions: Patch::Set(freight.positions),
        special_handling_codes: Patch::Set(freight.special_handling_codes.clone()),
        ..AmendHold::default()
    }
}

/// Returns the origins to book, in the order of their codes.
fn origins(whole: &Whole, wanted: &BookMasters, key: &Key) -> Result<Vec<AirportCode>, Problem> {
    if whole.ready_origins().is_empty() {
        return Err(ConsolidationError::Incomplete("No part of the consolidation is ready.").into());
    }
    if !wanted.origins.is_empty() {
        return Ok(wanted.origins.clone());
    }
    // Under a key those that are booked may be what it booked.
    let is_due = |master: &&Master| master.is_held() || (key.name().is_some() && master.is_booked());
    let origins: Vec<AirportCode> = whole.masters.iter().filter(is_due).map(|master| master.origin).collect();
    if origins.is_empty() {
        return Err(ConsolidationError::Incomplete("No master of the consolidation is held.").into());
    }
    Ok(origins)
}

fn result(outcomes: Vec<(AirportCode, RowOutcome<Booked>)>) -> BookedMasters {
    let succeeded = outcomes.iter().filter(|(_, row)| row.outcome.is_ok()).count();
    let failed = outcomes.len() - succeeded;
    let row = |(origin, row): (AirportCode, RowOutcome<Booked>)| {
        let (ok, (booking_ref, problem)) = match row.outcome {
            Ok((_, _, reference)) => (true, (Some(reference), None)),
            Err(problem) => (false, (None, Some(problem))),
        };
        BookedMaster { origin, ok, booking_ref, problem }
    };
    BookedMasters { succeeded, failed, results: outcomes.into_iter().map(row).collect() }
}

/// Notes the bookings that holds became.
struct Note {
    consolidations: ConsolidationService,
    caller: Principal,
    id: ConsolidationId,
    booked: BTreeMap<AirportCode, Booked>,
}

impl Command for Note {
    const NAME: &'static str = "consolidations.note";
    type Done = ();
    type Error = ConsolidationError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<(), ConsolidationError> {
        let Self { consolidations, caller, id, booked } = self;
        let mut whole = consolidations.lock_in_tx(tx, *caller, *id, &Precondition::default()).await?;
        let rows: Vec<Booked> = booked.values().cloned().collect();
        if repository::note_bookings(tx, *id, &rows).await? == 0 {
            return Ok(());
        }
        let happening = Happening::of(ConsolidationEventType::Booked).at(booked.keys().copied());
        consolidations.record_in_tx(tx, *caller, &mut whole.consolidation, happening).await
    }
}
