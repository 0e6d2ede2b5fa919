use std::collections::BTreeSet;

use loadmaster_accounts::Principal;
use loadmaster_capacity::{self as capacity, OpenUntil, Shortfall, Space};
use loadmaster_embargoes::Embargoes;
use loadmaster_flights::{self as flights, Flight};
use loadmaster_holds::{self as holds, BooksRequest, CURABLE};
use loadmaster_kernel::{AirportCode, FlightId};
use loadmaster_platform::{
    idempotency::{Answer, Key},
    postgres::PgSession,
    web::Problem,
    work::Command,
};
use loadmaster_search::{self as search, Departing, Request};
use loadmaster_shipment::{self as shipment, Demand, Fit, ItineraryError};

use super::{
    dto::JoinWaitlist,
    error::WaitlistError,
    model::{ORDINARY, Waiting, WaitlistEventType, WaitlistStatus},
    repository,
    service::{Placed, WaitlistService, write_messages_in_tx},
};

/// Puts freight on the waitlist.
pub(super) struct Join {
    pub waitlist: WaitlistService,
    pub caller: Principal,
    pub wanted: JoinWaitlist,
    /// The ways on the date, if no flights are named.
    pub ways: Vec<Vec<FlightId>>,
}

impl Command for Join {
    const NAME: &'static str = "waitlist.join";
    type Done = Placed;
    type Error = WaitlistError;

    async fn prepare(&mut self, _: &Key) -> Result<(), WaitlistError> {
        self.ways = match self.wanted.flight_ids.as_slice() {
            [] => self.on_the_date().await?,
            named => vec![named.to_vec()],
        };
        Ok(())
    }

    async fn decide(&mut self, tx: &mut PgSession) -> Result<Placed, WaitlistError> {
        let flights = self.flights();
        let Self { waitlist, caller, wanted, ways } = self;
        capacity::lock_in_tx(tx, &flights).await?;
        let now = waitlist.clock.now();
        let load = wanted.load();
        let found = flights::find_all_in_tx(tx, &flights).await?;
        let embargoes = waitlist.embargoes.in_force_in_tx(tx).await?;
        let (origin, destination) = match (wanted.flight_ids.as_slice(), wanted.origin, wanted.destination) {
            ([], Some(origin), Some(destination)) => (origin, destination),
            ([], ..) => return Err(WaitlistError::NoItinerary),
            (named, ..) => waitlist.check(wanted, &shipment::in_order(named, found.clone())?, &embargoes)?,
        };
        let counted = waitlist.holds.caller(*caller, None);
        let mut asked = BooksRequest::default();
        asked.new_hold(&counted, &[], false);
        asked.read_in_tx(tx, now).await?.check_number(&counted, &waitlist.holds.limits(), now)?;
        // Also space that became free since the caller looked: a hold takes it, for minutes and not for a day.
        let found = holds::as_found_in_tx(tx, found, caller.organization_id, now).await?;
        if let Some(way) = waitlist.way_with_space(wanted, (origin, destination), &found, ways, &embargoes) {
            return Err(WaitlistError::NotFull(way));
        }
        let entry = Waiting {
            id: waitlist.ids.next(now),
            organization_id: caller.organization_id,
            created_by: caller.user_id,
            is_counted: !counted.subjects().is_empty(),
            status: WaitlistStatus::Waiting,
            origin,
            destination,
            flight_ids: wanted.flight_ids.clone(),
            departure_date: wanted.departure_date.filter(|_| wanted.flight_ids.is_empty()),
            space: load.space,
            volume_defaulted: load.volume_defaulted,
            dimensions: wanted.dimensions().cloned(),
            special_handling_codes: wanted.special_handling_codes.clone(),
            priority: ORDINARY,
            queued_at: now,
            passed_over: 0,
            offer: None,
            event_sequence: 1,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        repository::insert(tx, &entry, &flights).await?;
        let more: Vec<_> = flights.iter().map(|flight| (*flight, 1)).collect();
        capacity::await_in_tx(tx, &more).await?;
        write_messages_in_tx(tx, &[(&entry, WaitlistEventType::Waiting)]).await?;
        Ok(Placed::find_in_tx(tx, entry).await?)
    }

    async fn concluded(&mut self, outcome: Result<&Placed, &WaitlistError>) {
        if let Ok(Placed { entry, .. }) = outcome {
            tracing::info!(entry_id = %entry.id, "joined the waitlist");
            self.waitlist.look_at(self.flights());
        }
    }
}

impl Join {
    /// Returns the flights of all ways, in ascending order.
    fn flights(&self) -> Vec<FlightId> {
        let flights: BTreeSet<FlightId> = self.ways.iter().flatten().copied().collect();
        flights.into_iter().collect()
    }

    /// Returns all ways on the date that could carry the freight if they were empty.
    async fn on_the_date(&self) -> Result<Vec<Vec<FlightId>>, WaitlistError> {
        let JoinWaitlist { origin: Some(origin), destination: Some(destination), departure_date: Some(date), .. } =
            &self.wanted
        else {
            return Err(WaitlistError::NoItinerary);
        };
        let codes = &self.wanted.special_handling_codes;
        let ways = self.waitlist.ways((*origin, *destination), *date, codes).await?;
        let fit = Fit::of(self.wanted.dimensions(), &self.waitlist.reference);
        let (ways, obstacle) = large_enough(&ways, self.wanted.load().space, fit);
        if ways.is_empty() {
            return Err(obstacle.map_or(WaitlistError::NoItinerary, WaitlistError::from));
        }
        Ok(ways)
    }
}

/// Returns those ways that could carry the freight if they were empty, and why the first of the others could not.
pub(super) fn large_enough(
    ways: &[Vec<Flight>],
    space: Space,
    fit: Option<Fit<'_>>,
) -> (Vec<Vec<FlightId>>, Option<ItineraryError>) {
    let (mut large, mut obstacle) = (Vec::new(), None);
    for way in ways {
        let error = way.iter().find_map(|flight| too_small(flight, space));
        match error.or_else(|| shipment::check_fit(way, fit).err()) {
            None => large.push(way.iter().map(|flight| flight.id).collect()),
            Some(error) => obstacle = obstacle.or(Some(error)),
        }
    }
    (large, obstacle)
}

/// Returns the refusal of freight that the flight could not carry if it were empty.
fn too_small(flight: &Flight, space: Space) -> Option<ItineraryError> {
    let available = flight.space.capacity;
    let dimension = space.exceeds(available).next()?;
    Some(ItineraryError::Full {
        flight_id: flight.id,
        flight_number: flight.number,
        shortfall: Box::new(Shortfall { dimension, requested: space, available }),
    })
}

impl WaitlistService {
    /// Adds `alternatives` to a refusal where they may help.
    pub(super) async fn or_alternatives(
        &self,
        wanted: &JoinWaitlist,
        outcome: Result<Answer, Problem>,
    ) -> Result<Answer, Problem> {
        match outcome {
            Err(problem) if CURABLE.contains(&problem.code()) => {
                let JoinWaitlist { origin, destination, flight_ids, departure_date, .. } = wanted;
                let request =
                    Request::of(wanted.load().space, &wanted.special_handling_codes).sized(wanted.dimensions());
                let route = self.search.route_query((*origin, *destination), flight_ids, *departure_date, request);
                Err(problem.with("alternatives", self.search.alternatives_once(route).await))
            }
            outcome => outcome,
        }
    }

    /// Returns the ways on a date that are open, whatever space they have, in the order in which a booking tries them.
    pub(super) async fn ways(
        &self,
        (origin, destination): (AirportCode, AirportCode),
        date: chrono::NaiveDate,
        codes: &[loadmaster_kernel::HandlingCode],
    ) -> Result<Vec<Vec<Flight>>, WaitlistError> {
        let request = search::Request { special_handling_codes: codes.to_vec(), ..search::Request::default() };
        let found = self.search.candidates(origin, destination, Departing::On(date), &request).await?.bookable;
        Ok(found.iter().map(|way| way.legs().to_vec()).collect())
    }

    /// Returns the first of these ways on which the freight can be held now.
    fn way_with_space(
        &self,
        wanted: &JoinWaitlist,
        (origin, destination): (AirportCode, AirportCode),
        flights: &[Flight],
        ways: &[Vec<FlightId>],
        embargoes: &Embargoes,
    ) -> Option<Vec<FlightId>> {
        let demand = Demand {
            origin,
            destination,
            space: wanted.load().space,
            special_handling_codes: &wanted.special_handling_codes,
            inbound: None,
            fit: Fit::of(wanted.dimensions(), &self.reference),
            until: OpenUntil::Cutoff,
        };
        let (rules, now) = (self.flights.connections(), self.clock.now());
        let has_space = |way: &&Vec<FlightId>| {
            shipment::in_order(way, flights.to_vec()).is_ok_and(|flights| {
                shipment::check_itinerary(&flights, demand, embargoes, |airport| rules.minimum(airport), now).is_ok()
            })
        };
        ways.iter().find(has_space).cloned()
    }

    /// Checks the named flights; returns where they lead.
    fn check(
        &self,
        wanted: &JoinWaitlist,
        flights: &[Flight],
        embargoes: &Embargoes,
    ) -> Result<(AirportCode, AirportCode), WaitlistError> {
        let Some((first, last)) = flights.first().zip(flights.last()) else { return Err(WaitlistError::NoItinerary) };
        let origin = wanted.origin.unwrap_or(first.origin);
        let destination = wanted.destination.unwrap_or(last.destination);
        let demand = Demand {
            origin,
            destination,
            space: Space::default(),
            special_handling_codes: &wanted.special_handling_codes,
            inbound: None,
            fit: Fit::of(wanted.dimensions(), &self.reference),
            until: OpenUntil::Cutoff,
        };
        let rules = self.flights.connections();
        shipment::check_itinerary(flights, demand, embargoes, |airport| rules.minimum(airport), self.clock.now())?;
        match flights.iter().find_map(|flight| too_small(flight, wanted.load().space)) {
            Some(error) => Err(error.into()),
            None => Ok((origin, destination)),
        }
    }
}
