//! The contract's rules of holds, waiters, offers and allotments on two flights, in memory; weights in hundreds of kilograms, times in
//! seconds. Written from the documents; nothing here is the product's.
use super::steps::{Refusal, Step};

pub const FLIGHTS: usize = 2;
pub const CAPACITY: i64 = 10;
/// Time from the start to the cut-off of each flight.
pub const CUTOFF: i64 = 200 * 3600 - 3600;
/// The longest life of a hold: reached by a few extensions.
pub const LONGEST: i64 = 1000;
const OFFER: i64 = 24 * 3600;
/// Few, so that it happens.
pub const MOST_PASSED_OVER: u32 = 2;
const KEPT_UNTIL: i64 = 24 * 3600;
/// The longest time for which room is kept for an entry.
const KEPT_FOR: i64 = 6 * 3600;
const LAST_OFFERS: i64 = 1800;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Held {
    Active,
    Committed,
    Released,
    Expired,
}

#[derive(Debug, Clone)]
pub struct Hold {
    pub flight: usize,
    pub weight: i64,
    /// What of it comes from the allotment.
    pub drawn: i64,
    pub status: Held,
    pub expires: i64,
    pub latest: i64,
    /// The entry to which it is offered.
    pub entry: Option<usize>,
}

#[derive(Debug, Clone)]
pub struct Booking {
    pub flight: usize,
    pub weight: i64,
    /// What of it comes from the allotment.
    pub drawn: i64,
    pub in_force: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waits {
    Waiting,
    Offered,
    Booked,
    Declined,
    Expired,
    Cancelled,
}

#[derive(Debug, Clone)]
pub struct Entry {
    pub flight: usize,
    pub weight: i64,
    pub status: Waits,
    pub priority: i64,
    /// Its place among those of one priority.
    pub joined: usize,
    pub passed_over: u32,
    pub kept_since: Option<i64>,
    pub hold: Option<usize>,
}

#[derive(Debug, Clone, Copy)]
pub struct Allotment {
    pub freight: i64,
    /// What nobody has drawn yet.
    pub kept: i64,
    /// More than the freight, if that has become less.
    pub drawn: i64,
}

#[derive(Debug, Clone)]
pub struct Flight {
    pub capacity: i64,
    /// Kept for one who waits and was passed over.
    pub aside: i64,
    pub allotment: Option<Allotment>,
}

#[derive(Debug, Default)]
pub struct Model {
    pub now: i64,
    pub flights: Vec<Flight>,
    pub holds: Vec<Hold>,
    pub bookings: Vec<Booking>,
    pub entries: Vec<Entry>,
    /// By flight, the most that others may have found since the last step began: what becomes free is set aside before it is
    /// offered.
    pub most_open: [i64; FLIGHTS],
}

impl Model {
    pub fn new() -> Self {
        let flights = vec![Flight { capacity: CAPACITY, aside: 0, allotment: None }; FLIGHTS];
        Self { flights, ..Self::default() }
    }

    pub fn booked(&self, flight: usize) -> i64 {
        let on = self.bookings.iter().filter(|booking| booking.flight == flight && booking.in_force);
        on.map(|booking| booking.weight).sum()
    }

    /// What the allotment keeps.
    pub fn kept(&self, flight: usize) -> i64 {
        self.flights[flight].allotment.map_or(0, |allotment| allotment.kept)
    }

    /// By anybody, without what is set aside.
    pub fn held(&self, flight: usize) -> i64 {
        let on = self.holds.iter().filter(|hold| hold.flight == flight && hold.status == Held::Active);
        on.map(|hold| hold.weight).sum::<i64>() + self.kept(flight)
    }

    /// What anybody may take; the organization also what its allotment keeps.
    pub fn available(&self, flight: usize) -> i64 {
        self.flights[flight].capacity - self.booked(flight) - self.held(flight) - self.flights[flight].aside
    }

    /// Whether nobody waits on any flight: all that happens then happens at once.
    pub fn is_quiet(&self) -> bool {
        self.entries.iter().all(|entry| entry.status != Waits::Waiting)
    }

    fn is_awaited(&self, flight: usize) -> bool {
        self.now + LAST_OFFERS < CUTOFF
            && self.entries.iter().any(|entry| entry.flight == flight && entry.status == Waits::Waiting)
    }

    fn free(&mut self, flight: usize, weight: i64) {
        if weight > 0 && self.is_awaited(flight) {
            self.flights[flight].aside += weight;
        }
    }

    fn end(&mut self, hold: usize, status: Held) {
        let waits = match status {
            Held::Committed => Waits::Booked,
            Held::Released => Waits::Declined,
            Held::Active | Held::Expired => Waits::Expired,
        };
        self.end_as(hold, status, waits);
    }

    /// Ends a hold; its entry, if it is an offer, becomes this.
    fn end_as(&mut self, hold: usize, status: Held, waits: Waits) {
        let Hold { flight, weight, drawn, entry, .. } = self.holds[hold].clone();
        self.holds[hold].status = status;
        if let Some(entry) = entry {
            self.entries[entry].status = waits;
        }
        if status != Held::Committed {
            self.give_back(flight, weight, drawn);
        }
    }

    fn active(&self, hold: usize) -> Result<(), Refusal> {
        match self.holds[hold].status {
            Held::Active => Ok(()),
            Held::Expired => Err(Refusal("hold_expired")),
            Held::Committed | Held::Released => Err(Refusal("invalid_transition")),
        }
    }

    /// Takes of the allotment first; returns how much of it.
    fn take(&mut self, flight: usize, weight: i64) -> Result<i64, Refusal> {
        let drawn = weight.min(self.kept(flight));
        if weight - drawn > self.available(flight) {
            return Err(Refusal("capacity_exceeded"));
        }
        if let Some(allotment) = &mut self.flights[flight].allotment {
            allotment.kept -= drawn;
            allotment.drawn += drawn;
        }
        Ok(drawn)
    }

    /// Gives back, to the allotment first; returns how much of it is drawn no more. What was drawn beyond its present freight does
    /// not return to it.
    fn give_back(&mut self, flight: usize, weight: i64, drawn: i64) -> i64 {
        let undrawn = weight.min(drawn);
        let mut returned = 0;
        if let Some(allotment) = &mut self.flights[flight].allotment {
            let excess = (allotment.drawn - allotment.freight).max(0);
            returned = undrawn - undrawn.min(excess);
            allotment.kept += returned;
            allotment.drawn -= undrawn;
        }
        self.free(flight, weight - returned);
        undrawn
    }

    /// Changes what is taken from one weight to another; returns what is then drawn.
    fn retake(&mut self, flight: usize, before: i64, after: i64, drawn: i64) -> Result<i64, Refusal> {
        if after >= before {
            return Ok(drawn + self.take(flight, after - before)?);
        }
        Ok(drawn - self.give_back(flight, before - after, drawn))
    }

    fn offered(&self, entry: usize) -> Result<usize, Refusal> {
        match (self.entries[entry].status, self.entries[entry].hold) {
            (Waits::Offered, Some(hold)) => Ok(hold),
            (Waits::Expired, Some(_)) => Err(Refusal("hold_expired")),
            _ => Err(Refusal("invalid_transition")),
        }
    }

    fn waiting(&self, entry: usize) -> Result<(), Refusal> {
        if self.entries[entry].status == Waits::Waiting { Ok(()) } else { Err(Refusal("invalid_transition")) }
    }

    /// Does what a step asks for, or says why not; then time and those who wait have their effect.
    pub fn play(&mut self, step: &Step) -> Result<(), Refusal> {
        self.most_open = [0; FLIGHTS];
        self.note_open();
        let done = self.step(step);
        self.note_open();
        for flight in 0..FLIGHTS {
            self.serve(flight);
        }
        self.note_open();
        done
    }

    fn note_open(&mut self) {
        for flight in 0..FLIGHTS {
            self.most_open[flight] = self.most_open[flight].max(self.available(flight));
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), Refusal> {
        match *step {
            Step::Hold { flight, weight, seconds } => {
                let drawn = self.take(flight, weight)?;
                let latest = (self.now + LONGEST).min(CUTOFF);
                let expires = (self.now + seconds).min(latest);
                self.holds.push(Hold { flight, weight, drawn, status: Held::Active, expires, latest, entry: None });
            }
            Step::AmendHold { hold, weight } => {
                self.active(hold)?;
                let Hold { flight, weight: before, drawn, entry, .. } = self.holds[hold];
                if entry.is_some() && weight > before {
                    return Err(Refusal("invalid_transition"));
                }
                self.holds[hold].drawn = self.retake(flight, before, weight, drawn)?;
                self.holds[hold].weight = weight;
            }
            Step::MoveHold { hold, flight } => {
                self.active(hold)?;
                let Hold { flight: before, weight, drawn, entry, .. } = self.holds[hold];
                if entry.is_some() && before != flight {
                    return Err(Refusal("invalid_transition"));
                }
                if before != flight {
                    self.holds[hold].drawn = self.take(flight, weight)?;
                    self.holds[hold].flight = flight;
                    self.give_back(before, weight, drawn);
                }
            }
            Step::Extend { hold, seconds } => {
                self.active(hold)?;
                let expires = (self.now + seconds).min(self.holds[hold].latest);
                if expires <= self.holds[hold].expires {
                    return Err(Refusal("hold_limit_exceeded"));
                }
                self.holds[hold].expires = expires;
            }
            Step::Release { hold } => {
                self.active(hold)?;
                self.end(hold, Held::Released);
            }
            Step::Commit { hold } => {
                self.active(hold)?;
                self.commit(hold);
            }
            Step::Book { flight, weight } => {
                let drawn = self.take(flight, weight)?;
                self.bookings.push(Booking { flight, weight, drawn, in_force: true });
            }
            Step::AmendBooking { booking, weight } => {
                let Booking { flight, weight: before, drawn, in_force } = self.bookings[booking];
                if !in_force {
                    return Err(Refusal("invalid_transition"));
                }
                self.bookings[booking].drawn = self.retake(flight, before, weight, drawn)?;
                self.bookings[booking].weight = weight;
            }
            Step::Cancel { booking } => {
                let Booking { flight, weight, drawn, in_force } = self.bookings[booking];
                if !in_force {
                    return Err(Refusal("invalid_transition"));
                }
                self.bookings[booking].in_force = false;
                self.give_back(flight, weight, drawn);
            }
            Step::Join { flight, weight } => {
                if weight > self.flights[flight].capacity {
                    return Err(Refusal("capacity_exceeded"));
                }
                if weight <= self.available(flight) + self.kept(flight) {
                    return Err(Refusal("not_full"));
                }
                let joined = self.entries.len();
                let waiting = Waits::Waiting;
                self.entries.push(Entry {
                    flight,
                    weight,
                    status: waiting,
                    priority: 5,
                    joined,
                    passed_over: 0,
                    kept_since: None,
                    hold: None,
                });
            }
            Step::Leave { entry } => {
                self.waiting(entry)?;
                self.entries[entry].status = Waits::Cancelled;
            }
            Step::Prefer { entry, priority } => {
                self.waiting(entry)?;
                self.entries[entry].priority = priority;
            }
            Step::BookOffer { entry } => {
                let hold = self.offered(entry)?;
                self.commit(hold);
            }
            Step::Decline { entry } => {
                let hold = self.offered(entry)?;
                self.end(hold, Held::Released);
            }
            Step::SetCapacity { flight, weight, releases } => self.set_capacity(flight, weight, releases)?,
            Step::Allot { flight, weight } => self.allot(flight, weight),
            Step::EndAllotment { flight } => {
                let kept = self.kept(flight);
                self.flights[flight].allotment = None;
                self.free(flight, kept);
                let holds = self.holds.iter_mut().filter(|hold| hold.flight == flight);
                holds.for_each(|hold| hold.drawn = 0);
                let bookings = self.bookings.iter_mut().filter(|booking| booking.flight == flight);
                bookings.for_each(|booking| booking.drawn = 0);
            }
            Step::Wait { seconds } => {
                self.now += seconds;
                for hold in 0..self.holds.len() {
                    if self.holds[hold].status == Held::Active && self.holds[hold].expires <= self.now {
                        self.end(hold, Held::Expired);
                    }
                }
            }
        }
        Ok(())
    }

    fn commit(&mut self, hold: usize) {
        let Hold { flight, weight, drawn, .. } = self.holds[hold];
        self.end(hold, Held::Committed);
        self.bookings.push(Booking { flight, weight, drawn, in_force: true });
    }

    /// Makes the allotment, or gives it another size. What was drawn stays drawn.
    fn allot(&mut self, flight: usize, weight: i64) {
        let (before, drawn) = self.flights[flight].allotment.map_or((0, 0), |all| (all.kept, all.drawn));
        let kept = (weight - drawn).max(0);
        self.flights[flight].allotment = Some(Allotment { freight: weight, kept, drawn });
        self.free(flight, before - kept);
    }

    fn set_capacity(&mut self, flight: usize, weight: i64, releases: bool) -> Result<(), Refusal> {
        let mut ended = Vec::new();
        if releases {
            // The newest first.
            let mut taken = self.booked(flight) + self.held(flight);
            for hold in (0..self.holds.len()).rev() {
                let is_on = self.holds[hold].flight == flight && self.holds[hold].status == Held::Active;
                if is_on && taken > weight {
                    taken -= self.holds[hold].weight;
                    ended.push(hold);
                }
            }
            if taken > weight {
                return Err(Refusal("capacity_below_booked"));
            }
        }
        let freed: i64 = ended.iter().map(|hold| self.holds[*hold].weight).sum();
        for hold in ended {
            let aside = self.flights[flight].aside;
            // Nobody has declined it.
            self.end_as(hold, Held::Released, Waits::Expired);
            self.flights[flight].aside = aside;
        }
        if self.booked(flight) + self.held(flight) > weight {
            return Err(Refusal("capacity_below_booked"));
        }
        // What is set aside is nobody's yet.
        let most = weight - self.booked(flight) - self.held(flight);
        self.flights[flight].aside = self.flights[flight].aside.min(most);
        let more = weight - self.flights[flight].capacity;
        self.flights[flight].capacity = weight;
        self.free(flight, more);
        // What the released holds leave over goes to those who wait.
        let rest = freed.min(self.available(flight));
        self.free(flight, rest);
        Ok(())
    }

    /// Those who wait for a flight, in order.
    pub fn order(&self, flight: usize) -> Vec<usize> {
        let is_in =
            |entry: &usize| self.entries[*entry].flight == flight && self.entries[*entry].status == Waits::Waiting;
        let mut order: Vec<usize> = (0..self.entries.len()).filter(is_in).collect();
        order.sort_by_key(|entry| (self.entries[*entry].priority, self.entries[*entry].joined));
        order
    }

    /// Whether room is kept for an entry that does not fit now.
    fn keeps_for(&self, entry: &Entry) -> bool {
        let could_fit = entry.weight <= self.flights[entry.flight].capacity - self.booked(entry.flight);
        let is_in_time = entry.kept_since.is_none_or(|since| self.now < since + KEPT_FOR);
        entry.passed_over >= MOST_PASSED_OVER && could_fit && is_in_time && self.now + KEPT_UNTIL < CUTOFF
    }

    /// Offers what is free in order, until nobody fits.
    fn serve(&mut self, flight: usize) {
        while self.now + LAST_OFFERS < CUTOFF {
            let free = self.available(flight) + self.flights[flight].aside;
            let order = self.order(flight);
            let mut passed = Vec::new();
            let (mut kept, mut keeps_for) = (0, Vec::new());
            let mut chosen = None;
            for entry in order {
                if self.entries[entry].weight <= free - kept {
                    chosen = Some(entry);
                    break;
                }
                if self.keeps_for(&self.entries[entry]) {
                    kept += self.entries[entry].weight;
                    keeps_for.push(entry);
                }
                passed.push(entry);
            }
            let Some(entry) = chosen else {
                self.flights[flight].aside = self.flights[flight].aside.min(kept);
                if self.flights[flight].aside > 0 {
                    for entry in keeps_for {
                        self.entries[entry].kept_since.get_or_insert(self.now);
                    }
                }
                return;
            };
            for other in passed {
                let passed_over = &mut self.entries[other].passed_over;
                *passed_over = MOST_PASSED_OVER.min(*passed_over + 1);
            }
            let weight = self.entries[entry].weight;
            self.flights[flight].aside -= self.flights[flight].aside.min(weight);
            let expires = self.now + OFFER.min((CUTOFF - self.now) / 2);
            self.holds.push(Hold {
                flight,
                weight,
                drawn: 0,
                status: Held::Active,
                expires,
                latest: expires,
                entry: Some(entry),
            });
            self.entries[entry].status = Waits::Offered;
            self.entries[entry].hold = Some(self.holds.len() - 1);
        }
        self.flights[flight].aside = 0;
    }
}
