//! Booking, moving, cancelling and amending.
use super::{Booking, CARGO_AIRCRAFT_ONLY, CODES, Leg, Model, ROUTES, Refusal, Space, Stop, connects, standard_volume};
use crate::journeys::steps::{Amendment, Call, Caller, Order, Patch, Route, To, Verb};

/// The flights that a patch names.
pub enum Named {
    /// In order; `None` does not exist.
    Flights(Vec<Option<usize>>),
    /// Left out, or as good as left out.
    Nothing,
    /// No list of one to four ids.
    Malformed,
}

/// A journey to be made: from where, after which landing, to where.
struct Way {
    from: &'static str,
    landing: Option<Stop>,
    to: &'static str,
    codes: &'static [&'static str],
    /// Past the cut-off nothing is to be had any more.
    until_cutoff: bool,
}

impl Booking {
    fn new(order: &Order, origin: &'static str, destination: &'static str, made: i64) -> Self {
        let freight = order.freight;
        let space = Space {
            weight: freight.weight,
            volume: freight.volume.unwrap_or(standard_volume(freight.weight)),
            positions: freight.positions,
        };
        Self {
            owner: order.by,
            origin,
            destination,
            pieces: freight.pieces,
            space,
            defaulted: freight.volume.is_none(),
            codes: CODES[order.codes],
            awb: order.awb,
            description: None,
            status: "BOOKED",
            made,
            legs: Vec::new(),
            history: vec![("BOOKED", None)],
        }
    }

    fn may_be_amended(&self, by: Caller, patch: &Patch, reroutes: bool) -> bool {
        let may_reroute = if by.is_staff() { !self.at_destination() } else { self.status == "BOOKED" };
        match self.status {
            "DELIVERED" | "CANCELLED" => false,
            status => (status == "BOOKED" || !patch.has_freight()) && (may_reroute || !reroutes),
        }
    }

    /// What only a booking that has not left may change.
    fn freight(&self) -> (i64, Space, bool, Option<usize>) {
        (self.pieces, self.space, self.defaulted, self.awb)
    }

    /// Takes over all but the flights.
    fn amend(&mut self, patch: &Patch) {
        let value = |to: To| if let To::Set(value) = to { Some(value) } else { None };
        let number = |to: To| value(to).map(|value| usize::try_from(value).expect("a number of a list"));
        self.pieces = patch.pieces.unwrap_or(self.pieces);
        self.space.weight = patch.weight.unwrap_or(self.space.weight);
        if let Some(to) = patch.volume {
            self.defaulted = value(to).is_none();
            self.space.volume = value(to).unwrap_or_default();
        }
        if self.defaulted {
            self.space.volume = standard_volume(self.space.weight);
        }
        self.space.positions = patch.positions.map_or(self.space.positions, |to| value(to).unwrap_or_default());
        self.awb = patch.awb.map_or(self.awb, number);
        self.description = patch.description.map_or(self.description, value);
        self.codes = patch.codes.map_or(self.codes, |to| CODES[number(to).unwrap_or_default()]);
    }

    /// The legs that are still to be flown carry what is booked now.
    fn load(&mut self) {
        let (pieces, space) = (self.pieces, self.space);
        for leg in self.legs.iter_mut().filter(|leg| leg.status == "BOOKED") {
            (leg.pieces, leg.space) = (pieces, space);
        }
    }
}

impl Patch {
    /// Whether it speaks of what only a booking that has not left may change.
    const fn has_freight(&self) -> bool {
        self.pieces.is_some()
            || self.weight.is_some()
            || self.volume.is_some()
            || self.positions.is_some()
            || self.awb.is_some()
    }
}

impl Model {
    /// The booking is then the last one.
    pub fn book(&mut self, order: &Order) -> Result<(), Refusal> {
        if order.by == Caller::Guest {
            return Err(Refusal::of("forbidden"));
        }
        let named = ROUTES[order.route];
        let (from, to) = self.ends(named);
        let mut booking = Booking::new(order, from, to, self.now);
        let flights: Vec<_> = named.iter().copied().map(Some).collect();
        let way = Way { from, landing: None, to, codes: booking.codes, until_cutoff: true };
        self.judge_way(&way, &flights).judge()?;
        booking.legs = self.legs_on(named, 0, &booking);
        let mut after = self.clone();
        after.bookings.push(booking);
        self.judge_awb(order.awb).or(after.judge_space("capacity_exceeded")).judge()?;
        *self = after;
        Ok(())
    }

    /// What brings a booking on, or would if it could.
    pub fn next_verb(&self, index: usize) -> Verb {
        let next = self.bookings[index].next_actions();
        let verbs = [Verb::Depart, Verb::Arrive, Verb::Deliver];
        verbs.into_iter().find(|verb| next.contains(&verb.action())).unwrap_or(Verb::Depart)
    }

    /// `index` is the booking's number.
    pub fn act(&mut self, index: usize, call: &Call) -> Result<(), Refusal> {
        let Call { by, verb, stale, .. } = *call;
        let cancels = matches!(verb, Verb::Cancel | Verb::Delete);
        if !cancels && !by.is_staff() {
            return Err(Refusal::of("forbidden"));
        }
        let booking = self.visible(by, index)?;
        // Cancelling does not say when.
        let at = call.at.filter(|_| !cancels);
        let faulty = self.out_of_order(at, booking.earliest());
        if stale {
            return Refusal::of("version_mismatch").add("validation_failed", faulty).judge();
        }
        let allowed = booking.allowed(by);
        if !allowed.contains(&verb.action()) {
            let refusal = Refusal::impossible(booking.status, verb.action(), allowed);
            return refusal.add("validation_failed", faulty).judge();
        }
        Refusal::default().add("validation_failed", faulty).judge()?;
        let at = self.happened(at, booking.earliest());
        let booking = &mut self.bookings[index];
        match verb {
            Verb::Depart | Verb::Next => booking.depart(at),
            Verb::Arrive => booking.arrive(at),
            Verb::Deliver => booking.moves("DELIVERED", at),
            Verb::Cancel | Verb::Delete => booking.cancel(),
        }
        Ok(())
    }

    /// `index` is the booking's number.
    pub fn amend(&mut self, index: usize, amendment: &Amendment) -> Result<(), Refusal> {
        let Amendment { by, patch, stale, .. } = amendment;
        let (by, stale) = (*by, *stale);
        if by == Caller::Guest {
            return Err(Refusal::of("forbidden"));
        }
        let booking = self.visible(by, index)?;
        let flights = match self.named(index, patch.flights) {
            Named::Malformed => return Err(Refusal::of("validation_failed")),
            Named::Nothing => None,
            Named::Flights(flights) => Some(flights),
        };
        if stale {
            return Err(Refusal::of("version_mismatch"));
        }
        if !booking.may_be_amended(by, patch, flights.is_some()) {
            return Err(Refusal::impossible(booking.status, "amend", booking.allowed(by)));
        }
        let flights = flights.filter(|flights| booking.needs_rerouting() || !booking.is_on(flights));
        let mut after = self.clone();
        let amended = &mut after.bookings[index];
        amended.amend(patch);
        let reloads = amended.freight() != booking.freight();
        if reloads || (amended.description, amended.codes) != (booking.description, booking.codes) {
            amended.records("AMENDED");
        }
        let too_late = booking.booked_legs().any(|leg| self.now >= self.flights[leg.flight].cutoff);
        let concerns_flights = reloads || flights.is_some();
        let mut refusal = Refusal::default().add("flight_closed", too_late && concerns_flights && !by.is_staff());
        if let Some(flights) = &flights {
            let (from, landing, to) = (booking.place(), booking.last_flown().map(Leg::landing), booking.destination);
            let way = Way { from, landing, to, codes: amended.codes, until_cutoff: !by.is_staff() };
            refusal = refusal.or(self.judge_way(&way, flights));
        }
        let stays = |leg: &&Leg| leg.has_left() || (leg.status == "BOOKED" && flights.is_none());
        let on_freighters = booking.legs.iter().filter(stays).all(|leg| self.flights[leg.flight].freighter);
        let restricts = |booking: &Booking| booking.codes.contains(&CARGO_AIRCRAFT_ONLY);
        let refusal = refusal.add("itinerary_invalid", restricts(amended) && !restricts(booking) && !on_freighters);
        let claims = self.judge_awb(amended.awb.filter(|_| amended.awb != booking.awb));
        if !refusal.codes.is_empty() {
            return refusal.or(claims).judge();
        }
        if let Some(flights) = flights {
            after.reroute(index, &flights);
        }
        // Legs that were replaced keep the figures with which they were booked.
        after.bookings[index].load();
        claims.or(after.judge_space("capacity_exceeded")).judge()?;
        *self = after;
        Ok(())
    }

    /// Which flights a route means for this booking.
    pub fn named(&self, index: usize, route: Option<Route>) -> Named {
        let booking = &self.bookings[index];
        let wanted = (booking.place(), booking.destination);
        let fitting: Vec<_> = ROUTES.iter().filter(|route| self.ends(route) == wanted).collect();
        let flights = match route {
            None | Some(Route::Empty) => return Named::Nothing,
            Some(Route::NoId | Route::NoList | Route::Five) => return Named::Malformed,
            Some(Route::NoSuchFlight) => return Named::Flights(vec![None]),
            Some(Route::Fitting(number)) if !fitting.is_empty() => fitting[number % fitting.len()],
            Some(Route::Fitting(number) | Route::Any(number)) => &ROUTES[number % ROUTES.len()],
        };
        Named::Flights(flights.iter().copied().map(Some).collect())
    }

    fn ends(&self, route: &[usize]) -> (&'static str, &'static str) {
        (self.flights[route[0]].origin, self.flights[route[route.len() - 1]].destination)
    }

    fn visible(&self, by: Caller, index: usize) -> Result<&Booking, Refusal> {
        let booking = &self.bookings[index];
        if by.is_staff() || by == booking.owner { Ok(booking) } else { Err(Refusal::of("not_found")) }
    }

    /// What is wrong with these flights as a way.
    fn judge_way(&self, way: &Way, flights: &[Option<usize>]) -> Refusal {
        let mut refusal = Refusal::default();
        let (mut place, mut landing, mut holds) = (way.from, way.landing, true);
        for number in flights {
            let Some(flight) = number.map(|number| &self.flights[number]) else {
                holds = false;
                continue;
            };
            holds &= flight.origin == place && connects(landing, (flight.number, flight.departure));
            holds &= flight.freighter || !way.codes.contains(&CARGO_AIRCRAFT_ONLY);
            let is_closed = match flight.status {
                "SCHEDULED" => way.until_cutoff && self.now >= flight.cutoff,
                status => status != "CANCELLED",
            };
            refusal = refusal.add("flight_closed", is_closed).add("flight_cancelled", flight.status == "CANCELLED");
            (place, landing) = (flight.destination, Some((flight.number, flight.arrival)));
        }
        refusal.add("itinerary_invalid", !holds || place != way.to)
    }

    /// A number may be used again once its booking is cancelled.
    fn judge_awb(&self, wanted: Option<usize>) -> Refusal {
        let holds = |booking: &Booking| booking.awb == wanted && booking.status != "CANCELLED";
        Refusal::default().add("already_exists", wanted.is_some() && self.bookings.iter().any(holds))
    }

    fn legs_on(&self, flights: &[usize], flown: usize, booking: &Booking) -> Vec<Leg> {
        let leg = |(index, &number): (usize, &usize)| {
            let flight = &self.flights[number];
            Leg {
                flight: number,
                number: flight.number,
                origin: flight.origin,
                destination: flight.destination,
                departure: flight.departure,
                arrival: flight.arrival,
                sequence: flown + 1 + index,
                status: "BOOKED",
                offload_reason: None,
                pieces: booking.pieces,
                space: booking.space,
            }
        };
        flights.iter().enumerate().map(leg).collect()
    }

    fn reroute(&mut self, index: usize, flights: &[Option<usize>]) {
        let flights: Vec<_> = flights.iter().map(|flight| flight.expect("judged to be there")).collect();
        let booking = &mut self.bookings[index];
        for leg in booking.legs.iter_mut().filter(|leg| leg.status == "BOOKED") {
            leg.status = "REPLACED";
        }
        let flown = booking.last_flown().map_or(0, |leg| leg.sequence);
        let legs = self.legs_on(&flights, flown, &self.bookings[index]);
        self.bookings[index].legs.extend(legs);
        self.bookings[index].records("REROUTED");
    }
}

impl Booking {
    fn is_on(&self, flights: &[Option<usize>]) -> bool {
        self.booked_legs().map(|leg| Some(leg.flight)).eq(flights.iter().copied())
    }

    pub(super) fn depart(&mut self, at: i64) {
        let place = self.place();
        let leg = self.legs.iter_mut().find(|leg| leg.status == "BOOKED" && leg.origin == place);
        leg.expect("a leg to leave on").status = "DEPARTED";
        self.moves("DEPARTED", at);
    }

    pub(super) fn arrive(&mut self, at: i64) {
        let leg = self.legs.iter_mut().find(|leg| leg.status == "DEPARTED");
        leg.expect("a leg in the air").status = "ARRIVED";
        self.moves("ARRIVED", at);
    }

    fn cancel(&mut self) {
        for leg in self.legs.iter_mut().filter(|leg| leg.status == "BOOKED") {
            leg.status = "RELEASED";
        }
        self.status = "CANCELLED";
        self.records("CANCELLED");
    }
}
