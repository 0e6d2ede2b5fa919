//! Brings a master to the sum of its parts: the ordinary amendment of its hold or booking.
use loadmaster_accounts::Principal;
use loadmaster_bookings::AmendBooking;
use loadmaster_holds::HoldVerb;
use loadmaster_kernel::{AirportCode, ConsolidationId};
use loadmaster_platform::{
    idempotency::Key,
    postgres::PgSession,
    web::{Patch, Precondition, Problem},
    work::Command,
};

use super::{
    book::{sized, to_sum},
    error::ConsolidationError,
    model::{ConsolidationChange, Freight, Happening, Master, Whole},
    record::save_aboard_in_tx,
    service::ConsolidationService,
};

/// Amends the master of an origin.
pub(super) struct Amend {
    pub consolidations: ConsolidationService,
    pub caller: Principal,
    pub id: ConsolidationId,
    pub origin: AirportCode,
    pub precondition: Precondition,
    /// The consolidation with the parts to whose sum it was amended.
    pub amended: Option<Whole>,
}

impl Command for Amend {
    const NAME: &'static str = "consolidations.amend";
    type Done = Whole;
    type Error = ConsolidationError;

    async fn prepare(&mut self, key: &Key) -> Result<(), ConsolidationError> {
        key.look_before_waiting().await?;
        let Self { consolidations, caller, id, origin, precondition, amended } = self;
        if amended.is_some() {
            return Ok(());
        }
        let whole = consolidations.own(*caller, *id, precondition).await?;
        let master = whole.master_of(*origin).filter(|master| master.is_in_force());
        let master = master.ok_or(ConsolidationError::UnknownOrigin(*origin))?;
        if whole.differs(master) {
            let freight = whole.ready_at(*origin);
            let freight = freight.ok_or(ConsolidationError::Incomplete("No part from this origin is ready."))?;
            let refused = |problem| ConsolidationError::Refused { origin: *origin, problem: Box::new(problem) };
            Box::pin(consolidations.amend_one(*caller, (&whole, master), freight)).await.map_err(refused)?;
        } else if !master.is_open() || master.weighed == whole.ready_weighed(*origin) {
            return Ok(());
        }
        // Other parts, or other weights of them, may make the same sum: these share what it costs.
        *amended = Some(whole);
        Ok(())
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Whole, ConsolidationError> {
        let Self { consolidations, caller, id, origin, amended, .. } = self;
        // The amendment has changed no version of the consolidation; it stands, whatever changed meanwhile.
        let whole = consolidations.lock_own_in_tx(tx, *caller, *id, &Precondition::default()).await?;
        let Some(before) = amended else { return Ok(whole) };
        save_aboard_in_tx(tx, (&*before, &whole), &[*origin]).await?;
        let amended = Happening::change(ConsolidationChange::Amended).at([*origin]);
        consolidations.recorded_in_tx(tx, *caller, whole, amended).await
    }
}

impl ConsolidationService {
    /// Gives the hold or booking this freight. A repetition finds it as it is to be.
    async fn amend_one(
        &self,
        caller: Principal,
        (whole, master): (&Whole, &Master),
        freight: Freight,
    ) -> Result<(), Problem> {
        self.check_fit_of(caller, (whole, master), &freight).await?;
        let Some(reference) = master.booking_ref.clone().filter(|_| master.is_booked()) else {
            let counted = self.desk.holds().caller(caller, None);
            let verb = HoldVerb::Amend(Box::new(to_sum(&freight)));
            let hold = (master.hold_id, Precondition::default());
            return self.desk.change_hold(counted, hold, verb, Key::none()).await.map(drop);
        };
        let amendment = AmendBooking {
            dimensions: sized(freight.dimensions),
            pieces: freight.pieces,
            weight_kg: Some(freight.weight),
            volume_m3: Patch::Set(freight.volume),
            positions: Patch::Set(freight.positions),
            special_handling_codes: Patch::Set(freight.special_handling_codes),
            ..AmendBooking::default()
        };
        self.desk.amend_for(caller, reference, amendment, (&self.unit_of_work, Key::none())).await.map(drop)
    }
}
