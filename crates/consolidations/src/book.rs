//! Books masters: each hold is committed by itself, and what fails stays held.
use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use loadmaster_accounts::Principal;
use loadmaster_holds::{AmendHold, CommitHold, HoldVerb, PaymentTerms};
use loadmaster_kernel::{
    AirportCode, AwbNumber, BookingId, BookingRef, ConsolidationId, Dimensions, Fault, FaultCode, HoldId,
};
use loadmaster_payments::{PaymentMethod, payment_in_progress};
use loadmaster_platform::{
    idempotency::{Key, Repetition},
    postgres::{PgSession, commit, retrying},
    web::{
        Patch, Precondition, Problem,
        bulk::{self, RowOutcome},
        freight::NewDimensions,
    },
};
use serde::Deserialize;

use super::{
    dto::{BookMasters, BookedMaster, BookedMasters},
    error::ConsolidationError,
    model::{ConsolidationEventType, Freight, Happening, Master, Whole},
    record::save_aboard_in_tx,
    repository,
    service::ConsolidationService,
};

/// Time after which no hold becomes a booking any more.
const NOTED_WITHIN: TimeDelta = TimeDelta::hours(2);
/// Most consolidations of one run of the job that notes bookings.
const MOST_NOTED: i64 = 100;

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
        let whole = self.own(caller, id, &Precondition::default()).await?;
        // What was booked under this key has changed the version: its repetition is not refused for that.
        if let Err(version) = precondition.check(whole.consolidation.version)
            && !self.has_booked_under(key, &whole, &wanted).await?
        {
            return Err(ConsolidationError::VersionMismatch(version).into());
        }
        let origins = origins(&whole, &wanted, key)?;
        check_numbers(&whole, (&wanted, origins.as_slice()), key)?;
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
        let booked: Vec<Booked> = outcomes.iter().filter_map(|(_, row)| row.outcome.as_ref().ok().cloned()).collect();
        if !booked.is_empty() {
            self.note(caller, &whole, booked).await;
        }
        Ok(result(outcomes))
    }

    /// Returns whether a master was or is being booked by this request under its key.
    async fn has_booked_under(&self, key: &Key, whole: &Whole, wanted: &BookMasters) -> Result<bool, Problem> {
        for master in &whole.masters {
            match key_of(master, wanted, key).look_before_waiting().await {
                Ok(()) | Err(Repetition::Reused) => {}
                Err(Repetition::Done(_) | Repetition::InProgress) => return Ok(true),
                Err(Repetition::Database(cause)) => return Err(cause.into()),
            }
        }
        Ok(false)
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
        let order = Order {
            master,
            differs: whole.differs(master),
            freight,
            awb_number: number_of(wanted, origin).cloned(),
            payment_method: wanted.payment_method,
        };
        let key = key_of(master, wanted, key);
        // What was booked under the key is answered as it was.
        if master.is_held() && key.look_before_waiting().await.is_ok() {
            self.check_fit_of(caller, (whole, master), &order.freight).await?;
        }
        self.commit(caller, &order, key).await
    }

    async fn commit(&self, caller: Principal, order: &Order<'_>, key: Key) -> Result<Booked, Problem> {
        let hold = order.master.hold_id;
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

    /// Notes bookings. If that fails, they are read where their holds name them, and [`Self::note_booked`] notes them.
    /// `before`: with the parts that they carry.
    async fn note(&self, caller: Principal, before: &Whole, booked: Vec<Booked>) {
        let noting = retrying(|| async {
            let mut tx = self.db.begin().await?;
            self.note_in_tx(&mut tx, (caller, before), &booked).await?;
            commit(tx).await?;
            Ok::<_, ConsolidationError>(())
        });
        if let Err(error) = noting.await {
            let id = before.consolidation.id;
            tracing::warn!(%error, consolidation_id = %id, "bookings of masters are not noted; their holds name them");
        }
    }

    async fn note_in_tx(
        &self,
        tx: &mut PgSession,
        (caller, before): (Principal, &Whole),
        booked: &[Booked],
    ) -> Result<(), ConsolidationError> {
        let id = before.consolidation.id;
        let mut whole = self.lock_in_tx(tx, caller, id, &Precondition::default()).await?;
        // Also of those that the job has noted meanwhile.
        let is_booked = |master: &&Master| booked.iter().any(|(hold, ..)| *hold == master.hold_id);
        let origins: Vec<AirportCode> = whole.masters.iter().filter(is_booked).map(|master| master.origin).collect();
        save_aboard_in_tx(tx, (before, &whole), &origins).await?;
        let noted = repository::note_bookings(tx, id, booked).await?;
        if noted.is_empty() {
            return Ok(());
        }
        let happening = Happening::of(ConsolidationEventType::Booked).at(noted);
        self.record_in_tx(tx, caller, &mut whole.consolidation, happening).await
    }
}

impl ConsolidationService {
    /// Notes the bookings that holds became without a note: by their own commit, or before the end of a process. Returns
    /// their number.
    pub(super) async fn note_booked(&self) -> Result<usize, ConsolidationError> {
        let since = self.clock.now() - NOTED_WITHIN;
        let mut snapshot = self.db.snapshot().await?;
        let due = repository::with_bookings_to_note(&mut snapshot, since, MOST_NOTED).await?;
        drop(snapshot);
        let mut noted = 0;
        for id in due {
            let noting = retrying(|| async {
                let mut tx = self.db.begin().await?;
                let noted = self.note_all_in_tx(&mut tx, id).await?;
                commit(tx).await?;
                Ok::<_, ConsolidationError>(noted)
            });
            noted += noting.await?;
        }
        Ok(noted)
    }

    async fn note_all_in_tx(&self, tx: &mut PgSession, id: ConsolidationId) -> Result<usize, ConsolidationError> {
        repository::lock(tx, id).await?;
        let found = repository::find(tx, id, self.clock.now()).await?;
        let Some(mut whole) = found.filter(|whole| whole.consolidation.cancelled_at.is_none()) else { return Ok(0) };
        let origins = repository::note_all_bookings(tx, id).await?;
        let noted = origins.len();
        if noted > 0 {
            let carrying: Vec<AirportCode> = origins.iter().copied().collect();
            save_aboard_in_tx(tx, (&whole, &whole), &carrying).await?;
            let happening = Happening::of(ConsolidationEventType::Booked).at(origins);
            self.record_by_in_tx(tx, None, &mut whole.consolidation, happening).await?;
        }
        Ok(noted)
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

/// Returns the change to these dimensions, or to none.
pub(super) fn sized(dimensions: Option<Dimensions>) -> Patch<NewDimensions> {
    dimensions.map_or(Patch::Clear, |dimensions| Patch::Set(dimensions.into()))
}

/// Returns the changes that give a hold this freight.
pub(super) fn to_sum(freight: &Freight) -> AmendHold {
    AmendHold {
        dimensions: sized(freight.dimensions.clone()),
        pieces: freight.pieces.map_or(Patch::Keep, Patch::Set),
        weight_kg: Some(freight.weight),
        volume_m3: Patch::Set(freight.volume),
        positions: Patch::Set(freight.positions),
        special_handling_codes: Patch::Set(freight.special_handling_codes.clone()),
        ..AmendHold::default()
    }
}

/// Returns the key under which a master is booked.
fn key_of(master: &Master, wanted: &BookMasters, key: &Key) -> Key {
    let method = wanted.payment_method.map_or("none", PaymentMethod::as_str);
    let number = number_of(wanted, master.origin).map(ToString::to_string).unwrap_or_default();
    let path = format!("/api/v1/holds/{}/commit", master.hold_id);
    key.part(&format!("commit {method} {number}"), &master.origin.to_string(), &path)
}

/// Returns the number that the master of an origin is to have.
fn number_of(wanted: &BookMasters, origin: AirportCode) -> Option<&AwbNumber> {
    wanted.awb_numbers.as_ref()?.0.get(&origin)
}

/// Checks that each air waybill number is of a master to be booked. Under a key it may be of one that was booked before.
fn check_numbers(
    whole: &Whole,
    (wanted, origins): (&BookMasters, &[AirportCode]),
    key: &Key,
) -> Result<(), ConsolidationError> {
    let Some(numbers) = &wanted.awb_numbers else { return Ok(()) };
    let is_meant =
        |origin: AirportCode| origins.contains(&origin) || (key.name().is_some() && whole.master_of(origin).is_some());
    let strangers = numbers.0.keys().copied().filter(|origin| !is_meant(*origin));
    let fault = |origin| {
        let fault = Fault::new(FaultCode::UnknownValue, "is the origin of no master to be booked");
        (format!("/awb_numbers/{origin}"), fault)
    };
    let faults: Vec<_> = strangers.map(fault).collect();
    if faults.is_empty() { Ok(()) } else { Err(ConsolidationError::InvalidWays(faults)) }
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
