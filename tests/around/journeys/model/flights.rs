//! Flights that leave, land, are cancelled and are changed.
use super::{Booking, CARGO_AIRCRAFT_ONLY, Flight, Flown, LONGEST_FLIGHT, Model, Refusal};
use crate::journeys::steps::{Alteration, Caller, Change, Operation, Pick, Verb};

impl Flight {
    /// What is wrong with its times; afterwards they may be far from what was planned.
    fn judge_times(&self, before: &Self) -> Refusal {
        let longest = match before.status {
            "DEPARTED" => before.arrival.max(before.departure) - self.departure + LONGEST_FLIGHT,
            _ => LONGEST_FLIGHT,
        };
        let (duration, moved) = (self.arrival - self.departure, self.times() != before.times());
        Refusal::default().add("validation_failed", moved && (duration <= 0 || duration > longest))
    }

    const fn times(&self) -> (i64, i64) {
        (self.departure, self.arrival)
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Times { departure, arrival } => {
                self.departure += departure;
                self.arrival += arrival;
                self.cutoff += departure;
            }
            Change::Cutoff { minutes } => self.cutoff = self.departure - minutes,
            Change::Weight { weight } => self.capacity.weight = weight,
            Change::Capacity { weight, volume, positions } => {
                self.capacity = super::Space { weight, volume, positions };
            }
            Change::Aircraft { freighter } => self.freighter = freighter,
            Change::Nothing => {}
        }
    }

    fn fly(&mut self, verb: Verb, at: i64) {
        match verb {
            Verb::Depart | Verb::Next => {
                if at >= self.arrival {
                    self.arrival = at + (self.arrival - self.departure);
                }
                (self.status, self.departure, self.left) = ("DEPARTED", at, Some(at));
            }
            Verb::Arrive => (self.status, self.arrival, self.landed) = ("ARRIVED", at, Some(at)),
            _ => self.status = "CANCELLED",
        }
        self.version += 1;
    }
}

impl Booking {
    /// Whether it needs this flight to be a freighter.
    fn binds(&self, flight: usize) -> bool {
        let aboard = self.legs.iter().any(|leg| leg.flight == flight && ["BOOKED", "DEPARTED"].contains(&leg.status));
        aboard && self.status != "CANCELLED" && self.codes.contains(&CARGO_AIRCRAFT_ONLY)
    }

    fn fly(&mut self, flight: usize, verb: Verb, at: i64) {
        match verb {
            Verb::Depart | Verb::Next => self.depart(at),
            Verb::Arrive => self.arrive(at),
            _ => {
                self.on(flight, "BOOKED").expect("judged to be there").status = "CANCELLED";
                self.records("FLIGHT_CANCELLED");
            }
        }
    }
}

impl Change {
    /// Of a flight in the air only the arrival is still open.
    const fn is_of_arrival_only(self) -> bool {
        matches!(self, Self::Times { departure: 0, arrival: _ } | Self::Nothing)
    }
}

impl Model {
    /// What this caller can do with a flight.
    fn allowed(&self, by: Caller, flight: usize) -> Vec<&'static str> {
        let on_it = |booking: &Booking| booking.legs.iter().any(|leg| leg.flight == flight && leg.has_left());
        match self.flights[flight].status {
            "SCHEDULED" if by == Caller::Admin && !self.bookings.iter().any(on_it) => vec!["depart", "cancel"],
            "SCHEDULED" => vec!["depart"],
            "DEPARTED" => vec!["arrive"],
            _ => Vec::new(),
        }
    }

    /// The number of the booking that is meant.
    pub fn picked(&self, flight: usize, pick: Pick) -> Option<usize> {
        let aboard: Vec<_> = (0..self.bookings.len()).filter(|&index| self.is_booked_on(index, flight)).collect();
        match pick {
            Pick::Aboard(number) => number.checked_rem(aboard.len()).map(|number| aboard[number]),
            Pick::Whichever(number) => number.checked_rem(self.bookings.len()),
        }
    }

    pub fn next_flight_verb(&self, flight: usize) -> Verb {
        if self.flights[flight].status == "DEPARTED" { Verb::Arrive } else { Verb::Depart }
    }

    /// `behind` are bookings' own numbers and the reasons told.
    pub fn fly(&mut self, operation: &Operation, behind: &[(usize, &'static str)]) -> Result<Flown, Refusal> {
        let Operation { by, flight, verb, at, stale, .. } = *operation;
        if by != Caller::Admin && (by != Caller::Operator || verb == Verb::Cancel) {
            return Err(Refusal::of("forbidden"));
        }
        let named_twice = matches!(behind, [(one, _), (other, _)] if one == other);
        if named_twice {
            return Err(Refusal::of("validation_failed"));
        }
        let moving = self.moving(flight, verb, behind);
        // Cancelling does not say when.
        let at = at.filter(|_| verb != Verb::Cancel);
        let latest = moving.iter().filter_map(|&index| self.bookings[index].earliest()).max();
        let latest = latest.max(self.flights[flight].left);
        let faulty = self.out_of_order(at, latest);
        if stale {
            Refusal::of("version_mismatch").add("validation_failed", faulty).judge()?;
        }
        let allowed = self.allowed(by, flight);
        if !allowed.contains(&verb.action()) {
            let refusal = Refusal::impossible(self.flights[flight].status, verb.action(), allowed);
            refusal.add("validation_failed", faulty).judge()?;
        }
        let absent = behind.iter().any(|&(index, _)| !self.is_booked_on(index, flight));
        Refusal::default().add("flight_mismatch", absent).add("validation_failed", faulty).judge()?;

        let at = self.happened(at, latest);
        self.flights[flight].fly(verb, at);
        let mut flown = Flown { changed: moving.len(), behind: Vec::new() };
        for index in 0..self.bookings.len() {
            let booking = &mut self.bookings[index];
            if moving.contains(&index) {
                booking.fly(flight, verb, at);
            } else if let (Verb::Depart, Some(leg)) = (verb, booking.on(flight, "BOOKED")) {
                let named = behind.iter().find(|(named, _)| *named == index);
                let reason = named.map_or("MISSED_CONNECTION", |(_, reason)| *reason);
                leg.offload(reason);
                booking.records("OFFLOADED");
                flown.changed += 1;
                flown.behind.push((index, reason));
            }
        }
        Ok(flown)
    }

    /// The bookings that this moves, or takes off the flight when it is cancelled.
    fn moving(&self, flight: usize, verb: Verb, behind: &[(usize, &str)]) -> Vec<usize> {
        let moves = |&index: &usize| {
            let booking = &self.bookings[index];
            match verb {
                Verb::Depart | Verb::Next => {
                    let is_here = booking.next_leg().is_some_and(|leg| leg.flight == flight);
                    is_here && behind.iter().all(|(named, _)| *named != index)
                }
                Verb::Arrive => {
                    let aboard = |leg: &super::Leg| leg.flight == flight && leg.status == "DEPARTED";
                    booking.status == "DEPARTED" && booking.legs.iter().any(aboard)
                }
                _ => self.is_booked_on(index, flight),
            }
        };
        (0..self.bookings.len()).filter(moves).collect()
    }

    fn is_booked_on(&self, index: usize, flight: usize) -> bool {
        self.bookings[index].booked_legs().any(|leg| leg.flight == flight)
    }

    /// `offload` is a booking's own number.
    pub fn change(&mut self, alteration: &Alteration, offload: Option<usize>) -> Result<(), Refusal> {
        let Alteration { by, flight, change, stale, .. } = *alteration;
        if by != Caller::Admin {
            return Err(Refusal::of("forbidden"));
        }
        let before = &self.flights[flight];
        let mut changed = before.clone();
        changed.change(change);
        let times = changed.judge_times(before);
        let faulty = !times.codes.is_empty();
        if stale {
            return Refusal::of("version_mismatch").add("validation_failed", faulty).judge();
        }
        let is_open = match before.status {
            "SCHEDULED" => true,
            "DEPARTED" => change.is_of_arrival_only() && offload.is_none(),
            _ => false,
        };
        if !is_open {
            let refusal = Refusal::impossible(before.status, "change", self.allowed(by, flight));
            return refusal.add("validation_failed", faulty).judge();
        }
        times.judge()?;
        let absent = offload.is_some_and(|index| !self.is_booked_on(index, flight));
        Refusal::default().add("flight_mismatch", absent).judge()?;

        let mut after = self.clone();
        if let Some(index) = offload {
            after.bookings[index].on(flight, "BOOKED").expect("judged to be there").offload("OFFLOADED");
            after.bookings[index].records("OFFLOADED");
        }
        let restricted = !changed.freighter && after.bookings.iter().any(|booking| booking.binds(flight));
        Refusal::default().add("itinerary_invalid", before.freighter && restricted).judge()?;
        if changed != *before {
            changed.version += 1;
        }
        let retimed = changed.times() != before.times();
        after.flights[flight] = changed;
        after.judge_space("capacity_below_booked").judge()?;
        if retimed {
            after.retime(flight);
        }
        *self = after;
        Ok(())
    }

    fn retime(&mut self, flight: usize) {
        let times = self.flights[flight].times();
        for booking in self.bookings.iter_mut().filter(|booking| booking.status != "CANCELLED") {
            let leg = booking
                .legs
                .iter_mut()
                .find(|leg| leg.flight == flight && ["BOOKED", "DEPARTED"].contains(&leg.status));
            if let Some(leg) = leg {
                (leg.departure, leg.arrival) = times;
                booking.records("FLIGHT_RETIMED");
            }
        }
    }
}
