//! The lanes of two processes at work on a simulated database, against a reference model: by seed, one action after the
//! other, with crashes between any two of them, commits that are slow, fail or stay unknown, rows locked by others,
//! requests that hang up, and clocks that jump.
mod books;
mod dice;
mod locks;
mod server;

use std::{
    cell::Cell,
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use loadmaster_accounts::{Credential, Principal, Role};
use loadmaster_capacity::{FlightCapacity, Space};
use loadmaster_flights::Flight;
use loadmaster_kernel::{BookingId, FlightId, Pieces, Positions, Volume, Weight};
use loadmaster_platform::{postgres::DbError, web::Precondition};
use loadmaster_shipment::{Load, Shipment, Texts};
use uuid::Uuid;

use super::{
    Movement, Operation, Verb,
    action::Next,
    home,
    lane::{LaneKind, Settled},
    order::{Arrival, Order},
};

use crate::{
    BookingError,
    cancel::Cancel,
    courtesy::Target,
    draw_up::{NewBooking, PlainBooking},
    dto::RecordMovement,
    model::Action,
    movement::Advance,
};
use books::{Books, Row, TxId};
use dice::Dice;
use server::{Around, Progress, Server, Ticket};

const THRESHOLD: Weight = Weight::from_hectograms(1_000);
const LANES: usize = 2;
const REQUESTS: usize = 60;

/// Defects that the simulation must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Defect {
    #[default]
    None,
    /// Acknowledges orders before they are committed.
    EarlyAnswer,
    /// Decides by the capacities as they were before the locks.
    StaleJudgement,
    /// Refuses a whole batch for an error of one order.
    SharedBlame,
}

/// The answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Done(BookingId),
    Refused,
    Unknown,
}

#[derive(Debug)]
struct Request {
    answer: Option<Answer>,
    ticket: Ticket,
    process: usize,
    /// It left before it was begun.
    has_no_effect: bool,
}

struct Process {
    /// The last one is for the last kilograms.
    lanes: Vec<Server>,
}

struct World {
    dice: Dice,
    books: Books,
    processes: Vec<Process>,
    requests: Vec<Request>,
    arrivals: u64,
    now: DateTime<Utc>,
    /// What the processes know of the capacities without a lock.
    known: BTreeMap<FlightId, FlightCapacity>,
    /// A transaction of another program, and the row that it has locked.
    foreign: Option<(TxId, Row)>,
    is_calm: bool,
    defect: Defect,
}

fn at(hour: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::hours(hour)
}

fn space(hectograms: i64) -> Space {
    Space { weight: Weight::from_hectograms(hectograms), volume: Volume::from_litres(1), positions: Positions::ZERO }
}

fn flight(number: u128, origin: &str, destination: &str, hour: i64) -> Flight {
    let id = FlightId::from(Uuid::from_u128(number));
    Flight {
        id,
        number: "AI101".parse().unwrap(),
        origin: origin.parse().unwrap(),
        destination: destination.parse().unwrap(),
        departure: at(hour),
        arrival: at(hour + 4),
        scheduled_departure: at(hour),
        scheduled_arrival: at(hour + 4),
        scheduled_date: NaiveDate::default(),
        actual_departure: None,
        actual_arrival: None,
        aircraft: None,
        is_freighter: true,
        also_sold_as: None,
        created_at: at(0),
        updated_at: at(0),
        space: FlightCapacity::opened(id, Space::from_columns(6_000, 100_000, 10), at(hour - 2)),
    }
}

/// The itineraries: origin, destination and flights.
const ITINERARIES: [(&str, &str, &[u128]); 5] =
    [("DEL", "LHR", &[1, 2]), ("DEL", "LHR", &[3]), ("DEL", "LHR", &[4]), ("DEL", "BOM", &[1]), ("BOM", "LHR", &[2])];

impl World {
    fn new(seed: u64, defect: Defect) -> Self {
        let flights = [
            flight(2, "BOM", "LHR", 110),
            flight(1, "DEL", "BOM", 100),
            flight(3, "DEL", "LHR", 100),
            flight(4, "DEL", "LHR", 120),
        ];
        let mut books = Books::default();
        for flight in flights {
            books.spaces.insert(flight.id, flight.space);
            books.flights.insert(flight.id, flight);
        }
        let processes = (0..2).map(|_| Process::new(defect)).collect();
        Self {
            dice: Dice::new(seed),
            known: books.spaces.clone(),
            books,
            processes,
            requests: Vec::new(),
            arrivals: 0,
            now: at(0),
            foreign: None,
            is_calm: false,
            defect,
        }
    }

    fn run(&mut self) {
        while self.requests.len() < REQUESTS {
            match self.dice.below(100) {
                0..12 => self.come(),
                12..15 => self.hang_up(),
                15..17 => self.jump(),
                17..22 => self.somebody_else(),
                22 => self.crash(),
                23..30 => self.known = self.books.spaces.clone(),
                _ => self.act(),
            }
        }
        self.is_calm = true;
        if let Some((tx, _)) = self.foreign.take() {
            self.books.roll_back(tx);
        }
        // Nobody starves: a request costs a few actions, however often it was passed on.
        for _ in 0..REQUESTS * 400 {
            self.act();
        }
        let waiting: Vec<_> = self.requests.iter().filter(|request| request.waits()).collect();
        assert!(waiting.is_empty(), "some wait for ever: {waiting:#?}");
        self.check_effects();
    }

    /// A request comes; its process decides which lane serves it.
    fn come(&mut self) {
        let Some(operation) = self.operation() else { return };
        let request = self.requests.len();
        let progress = Rc::new(Cell::new(Progress::Waits));
        let is_guilty = self.dice.one_in(25);
        let ticket = Ticket { request, progress, is_gone: Rc::default(), is_guilty };
        let process = self.dice.place(self.processes.len());
        let answer = None;
        self.requests.push(Request { answer, ticket: ticket.clone(), process, has_no_effect: false });
        let arrival = Arrival(self.arrivals);
        self.arrivals += 1;
        let lane = home(&operation, LANES);
        self.processes[process].lanes[lane].inbox.push(Order::new(arrival, operation, ticket));
    }

    fn operation(&mut self) -> Option<Operation> {
        let caller = Principal {
            user_id: Uuid::from_u128(u128::from(self.dice.below(6))).into(),
            organization_id: Uuid::nil().into(),
            role: Role::Operator,
            credential: Credential::Session(Uuid::nil().into()),
            is_console: false,
        };
        if self.dice.one_in(3) {
            let there: Vec<_> = self.books.bookings.keys().copied().collect();
            let id = *there.get(self.dice.place(there.len().max(1)))?;
            let precondition = Precondition::default();
            let target = Target { caller, reference: "ACB123456789".parse().unwrap(), precondition };
            let verb = match self.dice.below(3) {
                0 => Verb::Advance(Advance { action: Action::Depart, movement: RecordMovement::default() }),
                _ => Verb::Cancel(Cancel { reason: None, waived_by: None }),
            };
            return Some(Operation::step(Movement { target, verb, seen: self.books.bookings[&id].clone() }));
        }
        let (origin, destination, flights) = ITINERARIES[self.dice.place(ITINERARIES.len())];
        let most = if self.dice.one_in(5) { 3_000 } else { 600 };
        let weight = self.dice.below(most);
        let awb = self.dice.below(12);
        let shipment = Shipment {
            origin: origin.parse().unwrap(),
            destination: destination.parse().unwrap(),
            pieces: Pieces::from_count("1").unwrap(),
            load: Load::of(Weight::from_hectograms(1 + weight.cast_signed()), Some(Volume::from_litres(1)), None),
            dimensions: None,
            accepts_oversize: false,
            special_handling_codes: Vec::new(),
            awb_number: (awb < 4).then(|| awb_number(awb)),
            texts: Texts::default(),
        };
        let wanted = PlainBooking { shipment, flight_ids: Vec::new(), departure_date: None, contacts: Vec::new() };
        let flights = flights.iter().map(|number| Uuid::from_u128(*number).into()).collect();
        Some(Operation::book(NewBooking { caller, wanted: Arc::new(wanted), flights }))
    }

    fn hang_up(&mut self) {
        let Some(place) = self.requests.len().checked_sub(1) else { return };
        let place = self.dice.place(place + 1);
        let request = &mut self.requests[place];
        if request.waits() {
            request.ticket.is_gone.set(true);
            request.has_no_effect = request.ticket.progress.get() == Progress::Waits;
        }
    }

    fn jump(&mut self) {
        let hours = i64::try_from(self.dice.below(12)).unwrap();
        self.now =
            if self.dice.one_in(2) { self.now + TimeDelta::hours(hours) } else { self.now - TimeDelta::hours(hours) };
    }

    /// Another program locks a flight or claims an air waybill; later it gives space of the flight to others or takes it
    /// back, and gives the claim up.
    fn somebody_else(&mut self) {
        if let Some((tx, row)) = self.foreign.take() {
            if let Row::Flight(flight) = row {
                let capacity = self.books.spaces[&flight];
                let more = space(i64::try_from(self.dice.below(400)).unwrap());
                let fits = more.exceeds(capacity.available()).next().is_none();
                self.books.changes(tx).held =
                    Some((flight, if fits { capacity.held + more } else { Space::default() }));
                self.books.commit(tx);
            } else {
                self.books.roll_back(tx);
            }
            return;
        }
        let row = if self.dice.one_in(4) {
            Row::Awb(awb_number(self.dice.below(4)))
        } else {
            Row::Flight(Uuid::from_u128(1 + u128::from(self.dice.below(4))).into())
        };
        let tx = self.books.start();
        if self.books.try_lock(tx, row.clone()) {
            self.foreign = Some((tx, row));
        } else {
            self.books.roll_back(tx);
        }
    }

    /// A process dies, and another one starts in its place. Its requests get no answer.
    fn crash(&mut self) {
        let number = self.dice.place(self.processes.len());
        let dead = std::mem::replace(&mut self.processes[number], Process::new(self.defect));
        for server in dead.lanes {
            server.crash(&mut self.books);
        }
        for request in self.requests.iter_mut().filter(|request| request.process == number && request.waits()) {
            request.answer = Some(Answer::Unknown);
        }
    }

    /// One server takes its next action.
    fn act(&mut self) {
        let number = self.dice.place(self.processes.len());
        let Self { dice, books, processes, now, known, is_calm, .. } = self;
        let mut busy: Vec<&mut Server> =
            processes[number].lanes.iter_mut().filter(|server| !server.is_idle()).collect();
        if busy.is_empty() {
            return;
        }
        let place = dice.place(busy.len());
        let server = &mut *busy[place];
        match server.next {
            None => {
                for order in std::mem::take(&mut server.inbox) {
                    server.lane.arrive(order);
                }
                if *is_calm || dice.one_in(4) {
                    server.look(books);
                }
                server.lane.start(&server::rules(), |flight| known.get(&flight).copied());
                server.check_turns();
                server.next = (!server.lane.batch().is_empty()).then(|| server.lane.doing());
            }
            Some(Next::Settle) => server.next = None,
            Some(next) => server.act(next, &mut Around { dice, books, now: *now, is_calm: *is_calm }),
        }
        // The process may die between the end of a batch and its answers.
        if server.next != Some(Next::Settle) {
            let settled = server.lane.take_settled();
            for settled in settled {
                self.reply(number, settled);
            }
        }
    }

    fn reply(&mut self, process: usize, settled: Settled<Ticket, BookingId>) {
        let (ticket, answer) = match settled {
            Settled::Done(order, made, _) => (order.ticket, Answer::Done(made.expect("it was made"))),
            Settled::Refused(order, BookingError::Database(DbError::OutcomeUnknown(_)), made) => {
                assert!(made.is_some(), "what may have been made is not reported");
                (order.ticket, Answer::Unknown)
            }
            Settled::Refused(order, error, _) => {
                // Also by a panic, which has no code. Conflicts are not endless. Any statement may take too long.
                if let BookingError::Database(error) = &error {
                    let may_meet_all = matches!(error, DbError::Conflict) || error.is_timeout();
                    assert!(may_meet_all || order.ticket.is_guilty, "blamed for another's order: {error}");
                    assert!(!error.is_lock_timeout(), "refused for another's lock");
                }
                (order.ticket, Answer::Refused)
            }
            Settled::ToLastKilos(order) => return self.processes[process].lanes[LANES].inbox.push(order),
        };
        let request = &mut self.requests[ticket.request];
        assert!(request.answer.is_none(), "answered twice: {request:?}");
        request.answer = Some(answer);
        self.check_effects();
    }

    /// What was acknowledged is in the books, and what was refused is not.
    fn check_effects(&self) {
        for (number, request) in self.requests.iter().enumerate() {
            let effect = self.books.effects.get(&number);
            match request.answer {
                Some(Answer::Done(made)) => assert_eq!(effect, Some(&made), "an acknowledgement is lost: {request:?}"),
                Some(Answer::Refused) => assert_eq!(effect, None, "it was refused, and made: {request:?}"),
                Some(Answer::Unknown) | None => {}
            }
            assert!(!request.has_no_effect || effect.is_none(), "nobody waited for it: {request:?}");
        }
    }
}

impl Request {
    fn waits(&self) -> bool {
        self.answer.is_none() && !self.ticket.is_gone.get()
    }
}

impl Process {
    fn new(defect: Defect) -> Self {
        let lanes = (0..=LANES).map(|lane| if lane < LANES { LaneKind::Ordinary } else { LaneKind::LastKilos });
        Self { lanes: lanes.map(|kind| Server::new(kind, defect)).collect() }
    }
}

fn awb_number(number: u64) -> loadmaster_kernel::AwbNumber {
    let serial = 1_000_000 + number;
    format!("020-{serial}{}", serial % 7).parse().unwrap()
}

fn is_long() -> bool {
    std::env::var_os("LOADMASTER_TEST_LONG").is_some_and(|value| !value.is_empty())
}

fn seeds() -> std::ops::Range<u64> {
    if is_long() { 0..20_000 } else { 0..300 }
}

/// Returns whether the simulation finds a fault that it describes like this.
fn is_found(defect: Defect, description: &str) -> bool {
    (0..50).any(|seed| {
        let Err(found) = catch_unwind(AssertUnwindSafe(|| World::new(seed, defect).run())) else { return false };
        found.downcast_ref::<String>().is_some_and(|text| text.contains(description))
    })
}

// Over a second: it runs many seeds.
#[test]
fn no_seed_breaks_a_promise() {
    let mut effects = 0;
    for seed in seeds() {
        let mut world = World::new(seed, Defect::None);
        let run = catch_unwind(AssertUnwindSafe(|| world.run()));
        assert!(run.is_ok(), "seed {seed} breaks a promise");
        effects += world.books.effects.len();
    }
    assert!(effects > 1_000, "little happens: {effects}");
}

#[test]
fn an_answer_before_the_commit_is_found() {
    assert!(is_found(Defect::EarlyAnswer, "an acknowledgement is lost"));
}

#[test]
fn a_batch_that_fails_for_one_order_is_found() {
    assert!(is_found(Defect::SharedBlame, "blamed for another's order"));
}

#[test]
fn a_decision_by_what_was_known_before_the_locks_is_found() {
    assert!(is_found(Defect::StaleJudgement, "a wrong decision"));
}
