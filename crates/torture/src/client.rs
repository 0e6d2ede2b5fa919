//! A client: does what its intents say, one after the other, and records the outcome.
pub(super) mod burst;
mod flights;
mod holds;
pub(super) mod orders;
pub(super) mod probe;
pub(super) mod quotes;
mod reading;
mod waitlist;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use self::{burst::Burst, holds::Visit, quotes::Quotes};
use super::{
    callers::{Caller, Callers, GIVE_UP_AFTER},
    evidence::{Counter, Evidence, Promise},
    held::{Entry, Hold, Shared},
    intent::{Action, Intent, Intents, Sending},
    operation::{Actor, BOOKINGS, Kind, Operation, path_of, step},
    random::choose,
    schedule::{Flight, Schedule, Season},
    shipment::{SharedShipments, Shipment},
    wire::{Delivery, Outcome, Reply, Request, Wire},
};

/// Bookings after which a client turns to the next flights.
const BOOKINGS_A_SEASON: u64 = 30;
/// Bookings of its own that a client keeps track of.
const FOLLOWED: usize = 12;
/// Answered operations that a client may repeat.
const REMEMBERED: usize = 20;

/// How long operations of unknown outcome are repeated once a breach was found.
const GIVE_UP_AFTER_BREACH: Duration = Duration::from_secs(10);

pub(super) struct Load {
    pub run: String,
    pub wire: Arc<Wire>,
    pub evidence: Evidence,
    pub callers: Arc<Callers>,
    pub schedule: Schedule,
    /// A flight that always has space.
    pub roomy: Flight,
    pub shared: SharedShipments,
    pub holds: Shared<Hold>,
    pub entries: Shared<Entry>,
    pub quotes: Quotes,
    pub stop: CancellationToken,
    pub burst: Burst,
}

impl Load {
    pub fn caller(&self, actor: Actor) -> Arc<Caller> {
        let caller = match actor {
            Actor::Staff => None,
            Actor::Shipper(number) => self.callers.shippers.get(number).cloned(),
            Actor::Payer(number) => self.callers.payers.get(number).cloned(),
            Actor::Consolidator(number) => self.callers.consolidators.get(number).cloned(),
            Actor::Guest(number) => self.callers.guest(number),
        };
        caller.unwrap_or_else(|| Arc::clone(&self.callers.staff))
    }

    /// Waits as a refusal asks, or has a token renewed.
    pub async fn back_off(&self, reply: &Reply) {
        let Outcome::Refused(refusal) = &reply.outcome else { return };
        self.callers.note_refusal(refusal, reply.instance);
        if refusal.status == 429 {
            let wait = refusal.wait.unwrap_or(Duration::from_secs(1)).min(Duration::from_mins(1));
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }
}

pub(super) struct Client {
    number: u64,
    shipper: usize,
    /// The guest that it is now and then.
    visit: Option<Visit>,
    load: Arc<Load>,
    /// Number of bookings and keys so far.
    serial: u64,
    own: VecDeque<Arc<Shipment>>,
    /// Operations of unknown outcome, to be repeated.
    open: Vec<Operation>,
    /// Operations that were answered under a key, and may be repeated.
    done: VecDeque<Operation>,
    settled: Vec<Operation>,
}

impl Client {
    pub fn new(number: u64, load: Arc<Load>) -> Self {
        let shipper = usize::from(number % 2 == 1);
        let (own, done) = (VecDeque::new(), VecDeque::new());
        Self { number, shipper, visit: None, load, serial: 0, own, open: Vec::new(), done, settled: Vec::new() }
    }

    /// Works until the run stops, then repeats all operations of unknown outcome. Returns all its operations.
    pub async fn work(mut self, intents: Intents) -> anyhow::Result<Vec<Operation>> {
        for intent in intents {
            if self.load.stop.is_cancelled() {
                break;
            }
            self.execute(&intent).await?;
            tokio::time::sleep(Duration::from_millis(intent.pause_ms)).await;
        }
        Ok(self.finish().await)
    }

    async fn execute(&mut self, intent: &Intent) -> anyhow::Result<()> {
        if intent.resolve
            && !self.open.is_empty()
            && let Ok(at) = usize::try_from(intent.pick % self.open.len() as u64)
        {
            let operation = self.open.swap_remove(at);
            self.perform(operation, intent.instance, Sending::Once).await;
            return Ok(());
        }
        match intent.action {
            Action::Hold => return self.hold(intent).await,
            Action::StepHold => return self.step_hold(intent).await,
            Action::Wait => return self.wait(intent).await,
            Action::Attend => return self.attend(intent).await,
            Action::Quote => return self.quote(intent).await,
            _ => {}
        }
        let Some(shipment) = self.shipment(intent).filter(|_| intent.action != Action::Book) else {
            return self.book(intent).await;
        };
        match intent.action {
            Action::Hold | Action::StepHold | Action::Wait | Action::Attend | Action::Quote => {}
            Action::Book | Action::Move => {
                let kind = if intent.wrong { other_step(intent.pick) } else { shipment.next_step() };
                self.change(intent, &shipment, kind, Actor::Staff, step(kind, &shipment.reference)).await;
            }
            Action::Cancel => self.cancel(intent, &shipment).await,
            Action::Amend | Action::Reroute => self.amend(intent, &shipment).await,
            Action::Operate => self.operate(intent).await?,
            Action::Import => self.import(intent).await?,
            Action::Repeat => self.repeat(intent).await,
            Action::Misuse => self.misuse(intent).await,
            Action::Read | Action::History => self.read(intent, &shipment).await,
            Action::Availability => self.availability(intent, &shipment).await,
            Action::Trespass => self.trespass(intent).await,
        }
        Ok(())
    }

    /// A booking of this client, or one that all clients of its shipper share.
    fn shipment(&mut self, intent: &Intent) -> Option<Arc<Shipment>> {
        // Completed bookings are asked about now and then, too.
        if !intent.pick.is_multiple_of(8) {
            self.own.retain(|shipment| !shipment.is_over());
        }
        let own = choose(self.own.make_contiguous(), intent.pick).cloned();
        own.filter(|_| intent.own).or_else(|| self.load.shared.pick(self.shipper, intent.pick))
    }

    /// The clients of the two shippers work in pairs with the same keys: a key is valid for one caller only.
    fn next_key(&mut self) -> (String, String) {
        self.serial += 1;
        let Self { number, serial, load, .. } = self;
        (format!("{}-{number}-{serial}", load.run), format!("{}-{}-{serial}", load.run, *number / 2))
    }

    /// The flights that this client books now, or those of some seasons earlier.
    async fn season(&self, before: usize) -> anyhow::Result<Arc<Season>> {
        let number = usize::try_from(self.serial / BOOKINGS_A_SEASON).unwrap_or_default();
        self.load.schedule.season(number.saturating_sub(before), &self.load.wire, &self.load.callers).await
    }

    /// Whether the given number of seasons came before this one.
    fn has_season(&self, before: usize) -> bool {
        self.serial / BOOKINGS_A_SEASON >= before as u64
    }

    async fn cancel(&mut self, intent: &Intent, shipment: &Shipment) {
        // Only the staff may cancel after departure.
        let left = shipment.state().status == "DEPARTED";
        let actor = if left || intent.pick.is_multiple_of(4) { Actor::Staff } else { Actor::Shipper(self.shipper) };
        let mut request = step(Kind::Cancel, &shipment.reference);
        if intent.pick.is_multiple_of(3) {
            request = Request { method: Method::DELETE, path: path_of(&shipment.reference), ..Request::default() };
        }
        self.change(intent, shipment, Kind::Cancel, actor, request).await;
    }

    /// Always with a description of its own, so that every amendment has an effect.
    async fn amend(&mut self, intent: &Intent, shipment: &Shipment) {
        let description = format!("Amended by client {}, {}", self.number, self.serial + 1);
        let (kind, member) = if intent.action == Action::Reroute {
            (Kind::Reroute, ("flight_ids", json!(shipment.other_itinerary(intent.flights))))
        } else {
            (Kind::Amend, ("weight_kg", json!(intent.weight_kg)))
        };
        let mut changes = json!({"description": description});
        // An amendment of text only is possible for longer.
        if kind == Kind::Reroute || intent.positions == 0 {
            changes[member.0] = member.1;
        }
        let booked = shipment.state().status == "BOOKED";
        let actor = if booked { Actor::Shipper(self.shipper) } else { Actor::Staff };
        let path = path_of(&shipment.reference);
        let request = Request { method: Method::PATCH, path, body: Some(changes), ..Request::default() };
        self.change(intent, shipment, kind, actor, request).await;
    }

    async fn change(&mut self, intent: &Intent, shipment: &Shipment, kind: Kind, actor: Actor, mut request: Request) {
        let (mark, key) = self.next_key();
        request.key = intent.keyed.then_some(key);
        // The mark in the event tells which request made it.
        let member = if matches!(kind, Kind::Cancel | Kind::Correct) { "reason" } else { "notes" };
        if let Some(body) = request.body.as_mut().filter(|_| !matches!(kind, Kind::Amend | Kind::Reroute)) {
            body[member] = mark.into();
        }
        request.if_match = intent.matched.then(|| shipment.state().version);
        let operation = Operation::new(kind, actor, self.shipper, request);
        if let Some(booking) = self.perform(operation, intent.instance, intent.sending).await {
            shipment.update(&booking);
        }
    }

    /// Sends an operation and evaluates the answer; returns the answer's body after success.
    async fn perform(&mut self, operation: Operation, instance: u64, sending: Sending) -> Option<Value> {
        let load = Arc::clone(&self.load);
        let caller = load.caller(operation.actor);
        let delivery = |add: u64, hang_up| {
            let instance = usize::try_from((instance % 1024) + add).unwrap_or_default();
            Delivery { client: self.number, instance, hang_up }
        };
        let send = |delivery| load.wire.send(delivery, &caller, &operation.request);
        let replies = match sending {
            Sending::Twice if operation.request.key.is_some() => {
                let (one, other) = tokio::join!(send(delivery(0, None)), send(delivery(1, None)));
                vec![one, other]
            }
            Sending::HangUp(moment) => {
                load.evidence.count(Counter::HangUps);
                vec![send(delivery(0, Some(Duration::from_micros(moment)))).await]
            }
            Sending::Once | Sending::Twice => vec![send(delivery(0, None)).await],
        };
        self.learn(operation, replies).await
    }

    /// Sends two operations at the same moment, to two servers where there are two.
    async fn perform_both(&mut self, operations: [Operation; 2], instance: u64) -> [Option<Value>; 2] {
        let load = Arc::clone(&self.load);
        let (client, instance) = (self.number, usize::try_from(instance % 1024).unwrap_or_default());
        let delivery = |add| Delivery { client, instance: instance + add, hang_up: None };
        let [one, other] = operations;
        let callers = [&one, &other].map(|operation| load.caller(operation.actor));
        let (first, second) = tokio::join!(
            load.wire.send(delivery(0), &callers[0], &one.request),
            load.wire.send(delivery(1), &callers[1], &other.request)
        );
        [self.learn(one, vec![first]).await, self.learn(other, vec![second]).await]
    }

    /// Evaluates the answers to an operation, and files it; returns the answer's body after success.
    async fn learn(&mut self, mut operation: Operation, mut replies: Vec<Reply>) -> Option<Value> {
        let load = Arc::clone(&self.load);
        let caller = load.caller(operation.actor);
        let was_unknown = operation.unknown > 0 && operation.ack.is_none();
        operation.learn(&replies, &caller, &load.evidence);
        if was_unknown && !operation.is_open() {
            load.evidence.count(if operation.ack.is_some() { Counter::UnknownDone } else { Counter::UnknownRefused });
        }
        let is_guest = matches!(operation.actor, Actor::Guest(_));
        self.file(operation);
        // A guest's quota lasts for an hour, and its token is not renewed.
        for reply in replies.iter().filter(|_| !is_guest) {
            load.back_off(reply).await;
        }
        let done = replies.iter().position(|reply| matches!(reply.outcome, Outcome::Ok(_)))?;
        match replies.swap_remove(done).outcome {
            Outcome::Ok(answer) => Some(answer.body),
            _ => None,
        }
    }

    fn file(&mut self, operation: Operation) {
        if operation.is_open() {
            self.open.push(operation);
        } else if operation.ack.is_some() && operation.request.key.is_some() {
            self.done.push_back(operation);
            if self.done.len() > REMEMBERED {
                self.settled.extend(self.done.pop_front().map(Operation::without_body));
            }
        } else {
            if operation.ack.is_none() && operation.unknown > 0 && operation.refusal.is_none() {
                self.load.evidence.count(Counter::UnknownForGood);
            }
            self.settled.push(operation.without_body());
        }
    }

    async fn repeat(&mut self, intent: &Intent) {
        if self.done.is_empty() {
            return;
        }
        let place = usize::try_from(intent.pick % self.done.len() as u64).unwrap_or_default();
        if let Some(operation) = self.done.remove(place) {
            self.perform(operation, intent.instance, intent.sending).await;
        }
    }

    /// Sends another request under a key that has had its effect.
    async fn misuse(&mut self, intent: &Intent) {
        let Some(operation) = choose(self.done.make_contiguous(), intent.pick) else { return };
        let mut request = operation.request.clone();
        let Some(body) = request.body.as_mut().and_then(Value::as_object_mut) else { return };
        let (member, other) = match operation.kind {
            Kind::Book => {
                ("customer_reference", format!("{} with another's key", operation.mark.as_deref().unwrap_or("")))
            }
            Kind::Amend | Kind::Reroute | Kind::Hold | Kind::HoldAmend | Kind::Commit | Kind::BookOffer => {
                ("description", "Another request under a spent key".to_owned())
            }
            Kind::Cancel | Kind::Correct | Kind::FlightCancel => {
                ("reason", "Another request under a spent key".to_owned())
            }
            Kind::FlightDepart | Kind::FlightArrive => ("occurred_at", "2020-01-01T00:00:00Z".to_owned()),
            Kind::Retime | Kind::Resize | Kind::Close | Kind::Offload => {
                ("arrival_datetime", "2020-01-01T00:00:00Z".to_owned())
            }
            // Their requests have nothing to change.
            kind if kind.is_of_holds() => return,
            _ => ("notes", "Another request under a spent key".to_owned()),
        };
        body.insert(member.to_owned(), other.into());
        let delivery = Delivery { client: self.number, instance: usize::from(intent.own), hang_up: None };
        let reply = self.load.wire.send(delivery, &self.load.caller(operation.actor), &request).await;
        self.load.evidence.count_outcome("misuse of a key", &reply.outcome);
        let wrong = match &reply.outcome {
            Outcome::Refused(refusal) if refusal.code == "idempotency_key_reused" => {
                self.load.evidence.count(Counter::KeyReused);
                None
            }
            Outcome::Refused(refusal) => (!refusal.is_passing()).then(|| format!("got {refusal}")),
            Outcome::Ok(_) => Some("was accepted".to_owned()),
            Outcome::Unknown(_) => None,
        };
        if let Some(wrong) = wrong {
            let what = format!("call {} reuses a spent key for another request and {wrong}", reply.call);
            self.load.evidence.breach(Promise::OneEffect, what);
        }
        self.load.back_off(&reply).await;
    }

    async fn finish(mut self) -> Vec<Operation> {
        let began = Instant::now();
        let mut instance = self.number;
        while let Some(operation) = self.open.pop() {
            // After a breach the run has its result: operations of unknown outcome are not repeated for long.
            let has_result = !self.load.evidence.get().breaches.is_empty();
            if began.elapsed() > if has_result { GIVE_UP_AFTER_BREACH } else { GIVE_UP_AFTER } {
                let what =
                    format!("a {} of client {} still has an unknown outcome", operation.kind.name(), self.number);
                self.load.evidence.breach(Promise::Service, what);
                self.settled.push(operation);
                continue;
            }
            instance += 1;
            let open = self.open.len();
            self.perform(operation, instance, Sending::Once).await;
            if self.open.len() > open {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        self.settled.extend(self.done.drain(..).map(Operation::without_body));
        self.settled
    }
}

fn other_step(pick: u64) -> Kind {
    choose(&[Kind::Depart, Kind::Arrive, Kind::Deliver, Kind::Correct], pick).copied().unwrap_or(Kind::Deliver)
}
