//! Plays journeys: each step becomes a call, and what it answers is compared with what the model says.
use std::collections::BTreeMap;

use chrono::TimeDelta;
use loadmaster_testkit::{
    Answer, Client, World,
    freight::{BOOKINGS, text, with},
};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    model::{CODES, Flown, Model, Named, PLANS, ROUTES, Refusal, Space, standard_volume},
    steps::{Alteration, Amendment, Call, Caller, Change, Operation, Order, Route, Step, Verb},
    told::{self, Words},
};

const FLIGHTS: &str = "/api/v1/flights";

/// How often each kind of step was taken or refused.
pub type Tally = BTreeMap<String, usize>;

/// A booking's name on the server.
struct Booked {
    reference: String,
}

/// One journey in one world.
struct Play<'a> {
    world: &'a World,
    anyone: Client,
    /// User and organization of each caller.
    people: Vec<(Uuid, Uuid)>,
    clients: Vec<Client>,
    words: Words,
    bookings: Vec<Booked>,
    model: Model,
    tally: Tally,
}

/// Plays a journey and compares what is there in the end; `case` is a number below 26 that no other journey in this
/// world has.
pub async fn play(world: &World, case: usize, steps: &[Step]) -> Tally {
    let mut play = Play::begin(world, case).await;
    for step in steps {
        play.step(*step).await;
    }
    play.compare().await;
    play.count_ends();
    play.tally
}

impl<'a> Play<'a> {
    async fn begin(world: &'a World, case: usize) -> Self {
        let mut people = Vec::new();
        for caller in Caller::ALL {
            let (user, organization) = (Uuid::new_v4(), Uuid::new_v4());
            world.caller_in(caller.role(), user, organization).await;
            people.push((user, organization));
        }
        let words = Words { start: world.now(), flights: Vec::new(), case };
        let (anyone, clients, bookings) = (world.anonymous(), Vec::new(), Vec::new());
        let (model, tally) = (Model::new(), Tally::new());
        let mut play = Self { world, anyone, people, clients, words, bookings, model, tally };
        play.log_in();
        for plan in &PLANS {
            let body = json!({
                "flight_number": play.words.number(plan.number), "origin": plan.origin, "destination": plan.destination,
                "departure_datetime": play.words.instant(plan.departure),
                "arrival_datetime": play.words.instant(plan.arrival),
                "aircraft_code": told::aircraft(plan.freighter), "capacity": told::space(plan.capacity),
            });
            let flight = play.client(Caller::Admin).post(FLIGHTS, body).await.expect(201);
            play.words.flights.push(text(&flight, "id").to_owned());
        }
        play
    }

    /// Tokens live for a quarter of an hour.
    fn log_in(&mut self) {
        let token = |(caller, (user, organization)): (&Caller, &(Uuid, Uuid))| {
            self.anyone.with_token(&self.world.token(caller.role(), *user, *organization))
        };
        self.clients = Caller::ALL.iter().zip(&self.people).map(token).collect();
    }

    fn client(&self, by: Caller) -> &Client {
        let index = Caller::ALL.iter().position(|caller| *caller == by).expect("one of them");
        &self.clients[index]
    }

    async fn send(&self, by: Caller, method: Method, path: &str, body: Option<Value>, stale: bool) -> Answer {
        let mut request = self.client(by).request(method, path);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        if stale {
            request = request.header("if-match", "\"0\"");
        }
        Answer::of(request).await
    }

    async fn step(&mut self, step: Step) {
        match step {
            Step::Wait(minutes) => {
                self.world.clock.advance(TimeDelta::minutes(minutes));
                self.model.now += minutes;
                self.log_in();
            }
            Step::Book(order) => self.book(&order).await,
            Step::Act(call) => self.act(&call).await,
            Step::Amend(amendment) => self.amend(&amendment).await,
            Step::Fly(operation) => self.fly(&operation).await,
            Step::Change(alteration) => self.change(&alteration).await,
        }
    }

    fn pick(&self, booking: usize) -> Option<usize> {
        booking.checked_rem(self.bookings.len())
    }

    async fn book(&mut self, order: &Order) {
        let Order { by, route, freight, codes, awb } = *order;
        let flights: Vec<_> = ROUTES[route].iter().map(|&flight| &self.words.flights[flight]).collect();
        let (first, last) = (&PLANS[ROUTES[route][0]], &PLANS[ROUTES[route][flights.len() - 1]]);
        let body = json!({
            "origin": first.origin, "destination": last.destination, "pieces": freight.pieces,
            "weight_kg": told::kilograms(freight.weight), "volume_m3": freight.volume.map(told::cubic_metres),
            "positions": freight.positions, "flight_ids": flights,
            "special_handling_codes": CODES[codes], "awb_number": awb.map(|awb| self.words.awb(awb)),
        });
        let answer = self.send(by, Method::POST, BOOKINGS, Some(body), false).await;
        let step = Step::Book(*order);
        let before = self.model.clone();
        match self.model.book(order) {
            Ok(()) => {
                assert_eq!(answer.status, 201, "{step:?}: {}", answer.text);
                let booked = |member| text(&answer.body, member).to_owned();
                self.bookings.push(Booked { reference: booked("ref_id") });
                self.agrees(step, &answer, self.bookings.len() - 1);
            }
            Err(refusal) => {
                self.refuses(step, &answer, &refusal);
                if answer.body["code"] == "capacity_exceeded" {
                    self.tells_what_is_left(&before, order, &answer.body);
                }
            }
        }
    }

    /// What a refused booking wanted and what there was.
    fn tells_what_is_left(&self, before: &Model, order: &Order, problem: &Value) {
        let flight = self.flight_numbered(&problem["flight_id"]);
        let left = told::space(before.available(flight));
        let dimension = text(problem, "dimension");
        assert_eq!(problem["available"], left[dimension], "{order:?}: {problem}");
        let wanted = match dimension {
            "weight_kg" => told::kilograms(order.freight.weight),
            "positions" => order.freight.positions.into(),
            _ => told::cubic_metres(order.freight.volume.unwrap_or(standard_volume(order.freight.weight))),
        };
        assert_eq!(problem["requested"], wanted, "{order:?}: {problem}");
    }

    fn flight_numbered(&self, id: &Value) -> usize {
        self.words.flights.iter().position(|flight| id == flight.as_str()).expect("one of the flights")
    }

    async fn act(&mut self, call: &Call) {
        let Some(booking) = self.pick(call.booking) else { return };
        let verb = if call.verb == Verb::Next { self.model.next_verb(booking) } else { call.verb };
        let call = &Call { verb, ..*call };
        let Call { by, at, stale, .. } = *call;
        let path = self.path(booking);
        let (method, path) = match verb {
            Verb::Delete => (Method::DELETE, path),
            _ => (Method::POST, format!("{path}/{}", verb.action())),
        };
        let at = at.filter(|_| verb.action() != "cancel");
        let body = at.map(|at| json!({"occurred_at": self.words.instant(self.model.now + at)}));
        let answer = self.send(by, method, &path, body, stale).await;
        let step = Step::Act(*call);
        match self.model.act(booking, call) {
            Ok(()) => self.agrees(step, &answer, booking),
            Err(refusal) => self.refuses(step, &answer, &refusal),
        }
    }

    async fn amend(&mut self, amendment: &Amendment) {
        let Amendment { by, patch, stale, .. } = *amendment;
        let Some(booking) = self.pick(amendment.booking) else { return };
        let mut body = self.words.patch(&patch);
        let id = |flight: Option<usize>| match flight {
            Some(flight) => self.words.flights[flight].clone().into(),
            None => json!(Uuid::now_v7()),
        };
        let flights = match (patch.flights, self.model.named(booking, patch.flights)) {
            (None, _) => None,
            (_, Named::Flights(flights)) => Some(flights.into_iter().map(id).collect()),
            (Some(Route::NoList), _) => Some(Value::Null),
            (Some(Route::NoId), _) => Some(json!(["AI101"])),
            (Some(Route::Five), _) => Some(json!(self.words.flights[..5])),
            (_, Named::Nothing | Named::Malformed) => Some(json!([])),
        };
        if let Some(flights) = flights {
            body = with(body, json!({"flight_ids": flights}));
        }
        let answer = self.send(by, Method::PATCH, &self.path(booking), Some(body), stale).await;
        let step = Step::Amend(*amendment);
        match self.model.amend(booking, amendment) {
            Ok(()) => self.agrees(step, &answer, booking),
            Err(refusal) => self.refuses(step, &answer, &refusal),
        }
    }

    async fn fly(&mut self, operation: &Operation) {
        let Operation { by, flight, at, behind, stale, .. } = *operation;
        let verb = if operation.verb == Verb::Next { self.model.next_flight_verb(flight) } else { operation.verb };
        let operation = &Operation { verb, ..*operation };
        let at = at.filter(|_| verb != Verb::Cancel);
        let named = behind.into_iter().flatten().filter(|_| verb == Verb::Depart);
        let named = named.filter_map(|one| Some((self.model.picked(flight, one.pick)?, one.reason())));
        let behind: Vec<_> = named.collect();
        let mut body = json!({});
        if let Some(at) = at {
            body["occurred_at"] = self.words.instant(self.model.now + at).into();
        }
        if !behind.is_empty() {
            body["left_behind"] = behind.iter().map(|one| self.left_behind(one)).collect();
        }
        let path = format!("{FLIGHTS}/{}/{}", self.words.flights[flight], verb.action());
        let answer = self.send(by, Method::POST, &path, Some(body), stale).await;
        let step = Step::Fly(*operation);
        match self.model.fly(operation, &behind) {
            Ok(flown) => self.has_flown(step, &answer, flight, &flown),
            Err(refusal) => self.refuses(step, &answer, &refusal),
        }
    }

    fn left_behind(&self, (booking, reason): &(usize, &str)) -> Value {
        json!({"ref_id": self.bookings[*booking].reference, "reason": reason})
    }

    fn has_flown(&mut self, step: Step, answer: &Answer, flight: usize, flown: &Flown) {
        assert_eq!(answer.status, 200, "{step:?}: {}", answer.text);
        self.count(step, "done");
        self.compare_flight(&format!("{step:?}"), &answer.body["flight"], flight);
        assert_eq!(answer.body["bookings_changed"], flown.changed, "{step:?}: {}", answer.text);
        let by_name = |entries: Vec<Value>| -> BTreeMap<String, Value> {
            entries.into_iter().map(|entry| (text(&entry, "ref_id").to_owned(), entry)).collect()
        };
        let told = answer.body["left_behind"].as_array().expect("who was left behind").clone();
        let expected = flown.behind.iter().map(|one| self.left_behind(one));
        assert_eq!(told.len(), flown.behind.len(), "{step:?}: {}", answer.text);
        assert_eq!(by_name(told), by_name(expected.collect()), "{step:?}");
    }

    async fn change(&mut self, alteration: &Alteration) {
        let Alteration { by, flight, change, offload, stale } = *alteration;
        let now = &self.model.flights[flight];
        let offload = offload.and_then(|pick| self.model.picked(flight, pick));
        let mut body = match change {
            Change::Times { departure, arrival } => {
                let mut times = json!({});
                if departure != 0 {
                    times["departure_datetime"] = self.words.instant(now.departure + departure).into();
                }
                if arrival != 0 {
                    times["arrival_datetime"] = self.words.instant(now.arrival + arrival).into();
                }
                times
            }
            Change::Cutoff { minutes } => json!({"cutoff_minutes": minutes}),
            Change::Weight { weight } => json!({"capacity": {"weight_kg": told::kilograms(weight)}}),
            Change::Capacity { weight, volume, positions } => {
                json!({"capacity": told::space(Space { weight, volume, positions })})
            }
            Change::Aircraft { freighter } => {
                json!({"aircraft_code": told::aircraft(freighter), "capacity": told::space(now.capacity)})
            }
            Change::Nothing => json!({}),
        };
        if let Some(booking) = offload {
            body["offload"] = json!([self.bookings[booking].reference]);
        }
        let path = format!("{FLIGHTS}/{}", self.words.flights[flight]);
        let answer = self.send(by, Method::PATCH, &path, Some(body), stale).await;
        let step = Step::Change(*alteration);
        match self.model.change(alteration, offload) {
            Ok(()) => {
                assert_eq!(answer.status, 200, "{step:?}: {}", answer.text);
                self.count(step, "done");
                self.compare_flight(&format!("{step:?}"), &answer.body, flight);
            }
            Err(refusal) => self.refuses(step, &answer, &refusal),
        }
    }

    fn path(&self, booking: usize) -> String {
        format!("{BOOKINGS}/{}", self.bookings[booking].reference)
    }

    fn count(&mut self, step: Step, outcome: &str) {
        let step = format!("{step:?}");
        let kind = step.split([' ', '(']).next().unwrap_or_default();
        *self.tally.entry(format!("{kind} {outcome}")).or_default() += 1;
    }

    /// How bookings and legs ended.
    fn count_ends(&mut self) {
        let mut ends = Vec::new();
        for booking in &self.model.bookings {
            ends.push(format!("booking {}", booking.status));
            ends.extend(booking.needs_rerouting().then(|| "booking needs rerouting".to_owned()));
            for leg in &booking.legs {
                ends.push(format!("leg {}", leg.offload_reason.unwrap_or(leg.status)));
            }
        }
        for end in ends {
            *self.tally.entry(end).or_default() += 1;
        }
    }

    /// A booking as answered is as the model has it.
    fn agrees(&mut self, step: Step, answer: &Answer, booking: usize) {
        assert!(answer.status.is_success(), "{step:?}: {}", answer.text);
        self.count(step, "done");
        let version = format!("\"{}\"", self.model.bookings[booking].version());
        assert_eq!(answer.header("etag"), Some(version.as_str()), "{step:?}: {}", answer.text);
        self.compare_booking(&format!("{step:?}"), &answer.body, booking);
    }

    fn refuses(&mut self, step: Step, answer: &Answer, refusal: &Refusal) {
        let code = answer.body["code"].as_str().unwrap_or_default();
        let got = if code.is_empty() { answer.status.as_str() } else { &answer.text };
        assert!(refusal.codes.contains(&code), "{step:?}: expected {:?}, got {got}", refusal.codes);
        self.count(step, code);
        let problem = answer.clone().expect_problem(status_of(code), code);
        if let ("invalid_transition", Some((from, action, allowed))) = (code, &refusal.transition) {
            let told = json!({"from": from, "action": action, "allowed": allowed});
            same_members(&format!("{step:?}"), &problem, &told);
        }
        if code == "capacity_exceeded" {
            let lacking = (self.flight_numbered(&problem["flight_id"]), text(&problem, "dimension"));
            assert!(refusal.full.contains(&lacking), "{step:?}: {problem}, full is {:?}", refusal.full);
        }
        if code == "capacity_below_booked" {
            let shortfalls = problem["shortfalls"].as_array().expect("shortfalls").iter();
            let told: Vec<_> = shortfalls.map(|shortfall| text(shortfall, "dimension")).collect();
            let expected: Vec<_> = refusal.full.iter().map(|(_, dimension)| *dimension).collect();
            assert_eq!(told, expected, "{step:?}: {problem}");
        }
    }

    fn compare_booking(&self, told: &str, answered: &Value, booking: usize) {
        let mut answered = answered.clone();
        let legs = answered["legs"].as_array_mut().expect("legs");
        assert!(legs.is_sorted_by_key(|leg| leg["sequence"].as_u64()), "{told}: {legs:?}");
        // Ids rise in the order in which legs were made.
        legs.sort_by_key(|leg| (leg["sequence"].as_u64(), leg["id"].to_string()));
        for leg in legs {
            leg.as_object_mut().expect("a leg").remove("id");
        }
        same_members(told, &answered, &self.words.booking(&self.model.bookings[booking]));
    }

    fn compare_flight(&self, told: &str, answered: &Value, flight: usize) {
        let planned = &Model::new().flights[flight];
        let expected = self.words.flight(&self.model.flights[flight], planned, self.model.available(flight));
        same_members(told, answered, &expected);
    }

    /// In the end everything is as the model has it.
    async fn compare(&self) {
        for (index, booking) in self.model.bookings.iter().enumerate() {
            let path = format!("{}?include=history", self.path(index));
            let found = self.client(booking.owner).get(&path).await.expect(200);
            self.compare_booking("in the end", &found, index);
            assert_eq!(told_history(&found["events"]), self.words.history(booking), "{found}");
        }
        for (index, id) in self.words.flights.iter().enumerate() {
            let found = self.client(Caller::Shipper).get(&format!("{FLIGHTS}/{id}")).await.expect(200);
            self.compare_flight("in the end", &found, index);
        }
    }
}

/// The types of these events, and when movements happened.
fn told_history(events: &Value) -> Value {
    let events = events.as_array().expect("events").iter();
    let told = events.map(|event| {
        let moves = ["DEPARTED", "ARRIVED", "DELIVERED"].contains(&text(event, "event_type"));
        json!([event["event_type"], moves.then(|| &event["occurred_at"])])
    });
    told.collect()
}

/// All that is expected stands there.
fn same_members(told: &str, found: &Value, expected: &Value) {
    for (member, value) in expected.as_object().expect("members") {
        assert_eq!(&found[member], value, "{told}: `{member}` in {found}");
    }
}

fn status_of(code: &str) -> u16 {
    match code {
        "validation_failed" => 400,
        "forbidden" => 403,
        "not_found" => 404,
        "version_mismatch" => 412,
        _ => 409,
    }
}
