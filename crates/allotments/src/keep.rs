use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use loadmaster_capacity::{self as capacity, FlightCapacity, Shift, Space};
use loadmaster_flights::{self as flights, Flight};
use loadmaster_holds::{
    self as holds, By, EndReason, Hold, HoldChange, HoldEventType, HoldKind, HoldLeg, HoldStatus, end_in_tx, left_of,
};
use loadmaster_kernel::{AllotmentId, FlightId, HoldId};
use loadmaster_platform::{
    idempotency::Key,
    postgres::{DbError, PgSession},
    work::Command,
};
use loadmaster_shipment as shipment;

use super::{
    error::AllotmentError,
    model::{Allotment, Keeping, decide},
    repository,
    service::AllotmentService,
};

/// Takes, changes or releases the hold of an allotment on one flight, as the tables say. Returns the flight's row after it,
/// if it changed.
pub(super) struct Keep {
    pub allotments: AllotmentService,
    pub allotment: AllotmentId,
    pub flight: FlightId,
    state: SpaceState,
}

/// Whether there may be more space than the flight's row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SpaceState {
    AsFound,
    /// The last attempt lacked some.
    Short,
    /// What nobody has a right to any more is free now.
    Cleared,
}

impl Keep {
    pub fn new(allotments: AllotmentService, allotment: AllotmentId, flight: FlightId) -> Self {
        Self { allotments, allotment, flight, state: SpaceState::AsFound }
    }

    /// Fails once if the flight lacks space: what expired holds keep is then made free.
    fn decide(&mut self, wanted: Option<Space>, keeps: Space, flight: &Flight) -> Result<Keeping, AllotmentError> {
        let keeping = decide(wanted, keeps, flight.space.available());
        if keeping == Keeping::Fall && self.state == SpaceState::AsFound {
            self.state = SpaceState::Short;
            return Err(AllotmentError::Short);
        }
        Ok(keeping)
    }
}

impl Command for Keep {
    const NAME: &'static str = "allotments.keep";
    type Done = Vec<FlightCapacity>;
    type Error = AllotmentError;

    async fn prepare(&mut self, _: &Key) -> Result<(), AllotmentError> {
        if self.state == SpaceState::Short {
            self.allotments.holds.clear(&[self.flight]).await?;
            self.state = SpaceState::Cleared;
        }
        Ok(())
    }

    fn is_out_of_date(&self, error: &AllotmentError) -> bool {
        matches!(error, AllotmentError::Short)
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Vec<FlightCapacity>, AllotmentError> {
        let Self { allotments, allotment, flight, .. } = self;
        let allotments = allotments.clone();
        capacity::lock_in_tx(tx, &[*flight]).await?;
        let Some(flight) = flights::find_all_in_tx(tx, &[*flight]).await?.pop() else { return Ok(Vec::new()) };
        let Some(allotment) = repository::find(tx, *allotment, None).await? else { return Ok(Vec::new()) };
        let now = allotments.clock.now();
        let until = repository::until(tx, allotment.id, flight.id, now).await?;
        let last = repository::hold_on(tx, allotment.id, flight.id).await?;
        let hold = match last {
            Some(hold) => holds::lock_in_tx(tx, &[hold]).await?.pop().filter(Hold::is_open),
            None => None,
        };
        let keeping = Target { allotment: &allotment, flight: &flight, until, now };
        match hold {
            // A later look takes another.
            Some(hold) if hold.status_at(now) == HoldStatus::Expired => {
                let by = By { actor: None, now };
                Ok(end_in_tx(tx, vec![hold], HoldStatus::Expired, None, None, by).await?.spaces)
            }
            Some(hold) => keeping.keep_on(tx, self, hold).await,
            None => keeping.take(tx, self, last).await,
        }
    }

    async fn concluded(&mut self, _: Result<&Vec<FlightCapacity>, &AllotmentError>) {}
}

/// An allotment on a locked flight.
struct Target<'a> {
    allotment: &'a Allotment,
    flight: &'a Flight,
    /// Until when it is to be kept; `None`: not at all.
    until: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
}

impl Target<'_> {
    /// Takes all of it, but for what was drawn from its `last` hold here and is still taken, or notes that there is no space.
    async fn take(
        &self,
        tx: &mut PgSession,
        keep: &mut Keep,
        last: Option<HoldId>,
    ) -> Result<Vec<FlightCapacity>, AllotmentError> {
        let Some(until) = self.until else { return Ok(Vec::new()) };
        let drawn = match last {
            Some(last) => holds::drawn_from_in_tx(tx, last).await?,
            None => Space::default(),
        };
        let wanted = left_of(self.allotment.space, drawn);
        if keep.decide(Some(wanted), Space::default(), self.flight)? != Keeping::Keep {
            repository::note(tx, self.allotment, self.flight.id, None, self.now).await?;
            return Ok(Vec::new());
        }
        let hold = self.draw_up(&keep.allotments, wanted, until);
        let shift = Shift::held(self.flight.id, hold.id, wanted);
        let shifts: Vec<Shift> = Some(shift).filter(|_| wanted != Space::default()).into_iter().collect();
        if last.is_none() {
            capacity::allot_in_tx(tx, &[(self.flight.id, 1)]).await?;
        }
        let spaces = capacity::shift_in_tx(tx, &shifts, self.now).await?;
        let id = hold.id;
        let change =
            HoldChange { before: None, after: hold, event_type: HoldEventType::Created, actor: None, trace: None };
        holds::write_in_tx(tx, &[change]).await?;
        if let Some(last) = last {
            holds::move_draws_in_tx(tx, last, id).await?;
        }
        repository::note(tx, self.allotment, self.flight.id, Some(id), self.now).await?;
        Ok(spaces)
    }

    /// Changes the hold to the present freight and time, or releases it. What was drawn stays drawn.
    async fn keep_on(
        &self,
        tx: &mut PgSession,
        keep: &mut Keep,
        hold: Hold,
    ) -> Result<Vec<FlightCapacity>, AllotmentError> {
        let drawn = holds::drawn_from_in_tx(tx, hold.id).await?;
        let left = left_of(self.allotment.space, drawn);
        let keeps = hold.keeps();
        let until = match (self.until, keep.decide(self.until.map(|_| left), keeps, self.flight)?) {
            (Some(until), Keeping::Keep) => until,
            (_, keeping) => {
                if keeping == Keeping::Fall {
                    repository::note(tx, self.allotment, self.flight.id, None, self.now).await?;
                }
                let (reason, by) = (Some(EndReason::Allotment), By { actor: None, now: self.now });
                return Ok(end_in_tx(tx, vec![hold], HoldStatus::Released, reason, None, by).await?.spaces);
            }
        };
        let spaces = self.resize(tx, hold, left, until).await?;
        repository::follow(tx, self.allotment, self.flight.id).await?;
        Ok(spaces)
    }

    async fn resize(
        &self,
        tx: &mut PgSession,
        hold: Hold,
        left: Space,
        until: DateTime<Utc>,
    ) -> Result<Vec<FlightCapacity>, DbError> {
        let more = left - hold.keeps();
        let mut after = hold.clone();
        (after.space, after.volume_defaulted) = (self.allotment.space, self.allotment.volume_defaulted);
        (after.expires_at, after.latest_expires_at) = (until, until);
        for leg in &mut after.legs {
            leg.space = left;
        }
        if after == hold {
            return Ok(Vec::new());
        }
        (after.version, after.event_sequence, after.updated_at) = (hold.version + 1, hold.event_sequence + 1, self.now);
        let shift = Shift::hold_amended(self.flight.id, hold.id, more);
        let shifts: Vec<Shift> = Some(shift).filter(|_| more != Space::default()).into_iter().collect();
        let spaces = capacity::shift_in_tx(tx, &shifts, self.now).await?;
        let change =
            HoldChange { before: Some(hold), after, event_type: HoldEventType::Amended, actor: None, trace: None };
        holds::write_in_tx(tx, &[change]).await?;
        Ok(spaces)
    }

    fn draw_up(&self, allotments: &AllotmentService, left: Space, until: DateTime<Utc>) -> Hold {
        let Self { allotment, flight, now, .. } = *self;
        Hold {
            id: allotments.ids.next(now),
            kind: HoldKind::Allotment,
            status: HoldStatus::Active,
            end_reason: None,
            organization_id: allotment.organization_id,
            created_by: allotment.created_by,
            is_guest: false,
            address_key: None,
            is_counted: false,
            origin: flight.origin,
            destination: flight.destination,
            pieces: None,
            space: allotment.space,
            volume_defaulted: allotment.volume_defaulted,
            dimensions: None,
            product: shipment::GENERAL.to_owned(),
            special_handling_codes: Vec::new(),
            awb_number: None,
            booking: None,
            expires_at: until,
            latest_expires_at: until,
            ended_at: None,
            event_sequence: 1,
            version: 1,
            created_at: now,
            updated_at: now,
            texts: shipment::Texts::default(),
            contact: None,
            quote: None,
            payment: None,
            attempts: 0,
            active_until: None,
            channel: None,
            legs: vec![HoldLeg::of(1, flight, left, BTreeSet::new())],
        }
    }
}
