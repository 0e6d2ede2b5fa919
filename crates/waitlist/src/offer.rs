use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use loadmaster_capacity::{self as capacity, FlightCapacity, LAST_OFFERS, OpenUntil, Shift, Space};
use loadmaster_embargoes::Embargoes;
use loadmaster_flights::{self as flights, Flight};
use loadmaster_holds::{self as holds, Hold, HoldChange, HoldEventType, HoldKind, HoldLeg, HoldStatus};
use loadmaster_kernel::{Dimensions, FlightId, HoldId};
use loadmaster_platform::{postgres::PgSession, work::Command};
use loadmaster_shipment::{self as shipment, Demand, Fit};

use super::{
    error::WaitlistError,
    model::{Offer, Queued, Waiting, WaitlistEventType, WaitlistStatus, offer_ends},
    pass::ReservedSpace,
    repository,
    service::{WaitlistService, advance, save_in_tx},
};

/// Holds space for one entry on this way, past those before it that do not fit.
pub(super) struct MakeOffer {
    pub waitlist: WaitlistService,
    pub entry: Queued,
    pub way: Vec<FlightId>,
    /// What is kept on each of these flights for others.
    pub kept: HashMap<FlightId, Space>,
}

/// An offer that was made.
pub(super) struct Made {
    pub hold: Hold,
    /// The flights' rows after it.
    pub spaces: Vec<FlightCapacity>,
    /// By it one was passed over for the last time: nobody behind that one gets an offer any more.
    pub has_passed_too_often: bool,
}

impl Command for MakeOffer {
    const NAME: &'static str = "waitlist.offer";
    /// `None`: the space or the entry has gone meanwhile.
    type Done = Option<Made>;
    type Error = WaitlistError;

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Option<Made>, WaitlistError> {
        let Self { waitlist, entry: queued, way, kept } = self;
        let kept = |flight: FlightId| kept.get(&flight).copied().unwrap_or_default();
        let awaited = repository::awaited(tx, queued.id).await?;
        let locked: BTreeSet<FlightId> = way.iter().chain(&awaited).copied().collect();
        let locked: Vec<FlightId> = locked.into_iter().collect();
        capacity::lock_in_tx(tx, &locked).await?;
        let now = waitlist.clock.now();
        let found = flights::find_all_in_tx(tx, way).await?;
        let Ok(flights) = shipment::in_order(way, found) else { return Ok(None) };
        let embargoes = waitlist.embargoes.in_force_in_tx(tx).await?;
        if !waitlist.can_offer(queued, &as_left(&flights, kept), &embargoes, now) {
            return Ok(None);
        }
        let entry = repository::lock(tx, &[queued.id]).await?.pop();
        let Some(mut entry) = entry.filter(|entry| entry.status == WaitlistStatus::Waiting) else { return Ok(None) };
        if repository::awaited(tx, queued.id).await? != awaited {
            return Err(WaitlistError::Raced);
        }
        let mut hold = waitlist.draw_up(&entry, &flights, now);
        let rules = waitlist.pricing.in_force_in_tx(tx).await?;
        let quoted_for = waitlist.pricing.quote_minutes();
        hold.quote = hold.offered_at(&rules, &flights, (waitlist.ids.next(now), quoted_for), now);
        let mut spaces = capacity::shift_in_tx(tx, &shifts(&hold, &flights, kept), now).await?;
        let change =
            HoldChange { before: None, after: hold, event_type: HoldEventType::Created, actor: None, trace: None };
        let change = [change];
        holds::write_in_tx(tx, &change).await?;
        let [HoldChange { after: hold, .. }] = change;
        advance(&mut entry, now);
        entry.status = WaitlistStatus::Offered;
        entry.offer = Some(Offer {
            hold_id: hold.id,
            status: hold.status,
            end_reason: None,
            expires_at: hold.expires_at,
            booking_ref: None,
        });
        let has_passed_too_often = repository::pass_over(tx, entry.id, way, waitlist.limits.max_passed_over).await?;
        save_in_tx(tx, &[(&entry, WaitlistEventType::Offered)]).await?;
        for space in spaces.iter_mut().filter(|space| awaited.contains(&space.flight_id)) {
            space.waiting -= 1;
        }
        Ok(Some(Made { hold, spaces, has_passed_too_often }))
    }
}

/// Returns what an offer takes: first of what was set aside and is not kept for others, which it opens, then of what is free
/// for all.
fn shifts(hold: &Hold, flights: &[Flight], kept: impl Fn(FlightId) -> Space) -> Vec<Shift> {
    let mut shifts = Vec::new();
    for flight in flights {
        let aside = flight.space.aside;
        let opened = (aside - aside.least(kept(flight.id))).least(hold.space);
        if opened != Space::default() {
            shifts.push(Shift::opened(flight.id, opened));
        }
        shifts.push(Shift::held(flight.id, hold.id, hold.space));
    }
    shifts
}

/// Returns the flights as an offer finds them: with what is set aside as free space, and without what is kept for others.
pub(super) fn as_left(flights: &[Flight], kept: impl Fn(FlightId) -> Space) -> Vec<Flight> {
    let left =
        |flight: &Flight| Flight { space: ReservedSpace::leaves(kept(flight.id), &flight.space), ..flight.clone() };
    flights.iter().map(left).collect()
}

impl WaitlistService {
    /// Returns whether these flights, in order and [as left](as_left) for it, can carry the freight of an entry now.
    pub(super) fn can_offer(
        &self,
        entry: &Queued,
        flights: &[Flight],
        embargoes: &Embargoes,
        now: DateTime<Utc>,
    ) -> bool {
        let demand = Demand {
            origin: entry.lane.0,
            destination: entry.lane.1,
            space: entry.space,
            special_handling_codes: &entry.special_handling_codes,
            inbound: None,
            fit: Fit::of(entry.dimensions.as_ref(), &self.reference),
            until: OpenUntil::Cutoff,
        };
        let rules = self.flights.connections();
        let in_time = flights.iter().all(|flight| now + LAST_OFFERS < flight.space.cutoff);
        in_time && shipment::check_itinerary(flights, demand, embargoes, |airport| rules.minimum(airport), now).is_ok()
    }

    fn draw_up(&self, entry: &Waiting, flights: &[Flight], now: DateTime<Utc>) -> Hold {
        let cutoff = flights.iter().map(|flight| flight.space.cutoff).min().unwrap_or(now);
        let expires_at = offer_ends(now, cutoff, self.limits.offer_hours);
        let id: HoldId = self.ids.next(now);
        let legs = (1..).zip(flights);
        let legs = legs.map(|(sequence, flight)| HoldLeg::of(sequence, flight, entry.space, BTreeSet::new()));
        Hold {
            id,
            kind: HoldKind::Offer,
            status: HoldStatus::Active,
            end_reason: None,
            organization_id: entry.organization_id,
            created_by: entry.created_by,
            is_guest: false,
            address_key: None,
            is_counted: entry.is_counted,
            origin: entry.origin,
            destination: entry.destination,
            pieces: entry.dimensions.as_ref().map(Dimensions::pieces),
            space: entry.space,
            volume_defaulted: entry.volume_defaulted,
            dimensions: entry.dimensions.clone(),
            product: shipment::GENERAL.to_owned(),
            special_handling_codes: entry.special_handling_codes.clone(),
            awb_number: None,
            booking: None,
            expires_at,
            latest_expires_at: expires_at,
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
            legs: legs.collect(),
        }
    }
}
