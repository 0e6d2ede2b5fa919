//! One client: does what its intentions say, one after the other, and notes what became of it.
pub(super) mod crowd;
mod looking;
mod operating;
pub(super) mod pulse;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use self::crowd::Crowd;
use super::{
    crew::{Caller, Crew, PATIENCE},
    deed::{BOOKINGS, Deed, Kind, Who, path_of, step},
    dice::at,
    evidence::{Evidence, Promise, Tally},
    intent::{Intent, Intents, Manner, What},
    schedule::{Flight, Schedule, Season},
    shipment::{Board, Shipment},
    wire::{Reply, Request, Said, Way, Wire},
};

/// Attempts to book until a client turns to the next flights.
const BOOKINGS_A_SEASON: u64 = 30;
/// Bookings of its own that a client follows.
const FOLLOWED: usize = 12;
/// Answered calls that a client may repeat.
const REMEMBERED: usize = 20;

/// How long open calls are insisted on once something was found.
const BRIEF_PATIENCE: Duration = Duration::from_secs(10);

/// What all clients share.
pub(super) struct Load {
    pub run: String,
    pub wire: Arc<Wire>,
    pub evidence: Evidence,
    pub crew: Arc<Crew>,
    pub schedule: Schedule,
    /// The flight that always has room.
    pub roomy: Flight,
    pub board: Board,
    pub stop: CancellationToken,
    pub crowd: Crowd,
}

impl Load {
    pub fn caller(&self, who: Who) -> &Caller {
        match who {
            Who::Staff => &self.crew.staff,
            Who::Shipper(number) => self.crew.shippers.get(number).unwrap_or(&self.crew.staff),
        }
    }

    /// Waits as long as a refusal asks for, or has a token renewed.
    pub async fn heed(&self, reply: &Reply) {
        if let Said::Refused(refusal) = &reply.said {
            self.crew.heed(refusal, reply.instance);
        }
        if let Said::Refused(refusal) = &reply.said
            && refusal.status == 429
        {
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
    load: Arc<Load>,
    /// How many bookings and keys it has made.
    serial: u64,
    own: VecDeque<Arc<Shipment>>,
    /// Outcome unknown, to be asked again.
    open: Vec<Deed>,
    /// Answered under a key, may be asked again.
    done: VecDeque<Deed>,
    settled: Vec<Deed>,
}

impl Client {
    pub fn new(number: u64, load: Arc<Load>) -> Self {
        let shipper = usize::from(number % 2 == 1);
        let (own, done) = (VecDeque::new(), VecDeque::new());
        Self { number, shipper, load, serial: 0, own, open: Vec::new(), done, settled: Vec::new() }
    }

    /// Until told to stop; then asks again whatever is open. Answers all that it has asked for.
    pub async fn work(mut self, intents: Intents) -> anyhow::Result<Vec<Deed>> {
        for intent in intents {
            if self.load.stop.is_cancelled() {
                break;
            }
            self.follow(&intent).await?;
            tokio::time::sleep(Duration::from_millis(intent.think_ms)).await;
        }
        Ok(self.finish().await)
    }

    async fn follow(&mut self, intent: &Intent) -> anyhow::Result<()> {
        if intent.settle
            && !self.open.is_empty()
            && let Ok(at) = usize::try_from(intent.pick % self.open.len() as u64)
        {
            let deed = self.open.swap_remove(at);
            self.perform(deed, intent.instance, Manner::Once).await;
            return Ok(());
        }
        let Some(shipment) = self.shipment(intent).filter(|_| intent.what != What::Book) else {
            return self.book(intent).await;
        };
        match intent.what {
            What::Book | What::Move => {
                let kind = if intent.wrong { other_step(intent.pick) } else { shipment.next_step() };
                self.change(intent, &shipment, kind, Who::Staff, step(kind, &shipment.reference)).await;
            }
            What::Cancel => self.cancel(intent, &shipment).await,
            What::Amend | What::Reroute => self.amend(intent, &shipment).await,
            What::Operate => self.operate(intent).await?,
            What::Import => self.import(intent).await?,
            What::Repeat => self.repeat(intent).await,
            What::Misuse => self.misuse(intent).await,
            What::Read | What::History => self.read(intent, &shipment).await,
            What::Availability => self.availability(intent, &shipment).await,
            What::Trespass => self.trespass(intent).await,
        }
        Ok(())
    }

    /// One that it follows, or one that all clients of its shipper know.
    fn shipment(&mut self, intent: &Intent) -> Option<Arc<Shipment>> {
        // What is over is asked about now and then, too.
        if !intent.pick.is_multiple_of(8) {
            self.own.retain(|shipment| !shipment.is_over());
        }
        let own = at(self.own.make_contiguous(), intent.pick).cloned();
        own.filter(|_| intent.own).or_else(|| self.load.board.pick(self.shipper, intent.pick))
    }

    /// Shippers' clients work in pairs that use the same keys: a key is good for one caller only.
    fn next_key(&mut self) -> (String, String) {
        self.serial += 1;
        let Self { number, serial, load, .. } = self;
        (format!("{}-{number}-{serial}", load.run), format!("{}-{}-{serial}", load.run, *number / 2))
    }

    async fn book(&mut self, intent: &Intent) -> anyhow::Result<()> {
        let (mark, key) = self.next_key();
        let season = self.season(0).await?;
        let way = season.way(intent.route, intent.flights);
        let [Some(first), Some(last)] = [way.first(), way.last()] else { return Ok(()) };
        let order = json!({
            "origin": first.origin, "destination": last.destination, "pieces": 1 + intent.pick % 9,
            "weight_kg": intent.weight_kg, "positions": intent.positions, "customer_reference": mark,
            "flight_ids": way.iter().map(|flight| &flight.id).collect::<Vec<_>>(),
        });
        let request = Request {
            method: Method::POST,
            path: BOOKINGS.to_owned(),
            key: intent.keyed.then_some(key),
            body: Some(order),
            ..Request::default()
        };
        let deed = Deed::new(Kind::Book, Who::Shipper(self.shipper), self.shipper, request);
        let Some(booked) = self.perform(deed, intent.instance, intent.manner).await else { return Ok(()) };
        let reference = booked["ref_id"].as_str().unwrap_or_default().to_owned();
        let shipment = Arc::new(Shipment::new(reference, self.shipper, season, intent.route));
        shipment.heard(&booked);
        self.load.board.put_up(&shipment);
        self.own.push_back(shipment);
        if self.own.len() > FOLLOWED {
            self.own.pop_front();
        }
        Ok(())
    }

    /// The flights that this client books at present, or those of some seasons before.
    async fn season(&self, before: usize) -> anyhow::Result<Arc<Season>> {
        let number = usize::try_from(self.serial / BOOKINGS_A_SEASON).unwrap_or_default();
        self.load.schedule.season(number.saturating_sub(before), &self.load.wire, &self.load.crew).await
    }

    async fn cancel(&mut self, intent: &Intent, shipment: &Shipment) {
        // Only the staff may cancel what has left.
        let left = shipment.state().status == "DEPARTED";
        let who = if left || intent.pick.is_multiple_of(4) { Who::Staff } else { Who::Shipper(self.shipper) };
        let mut request = step(Kind::Cancel, &shipment.reference);
        if intent.pick.is_multiple_of(3) {
            request = Request { method: Method::DELETE, path: path_of(&shipment.reference), ..Request::default() };
        }
        self.change(intent, shipment, Kind::Cancel, who, request).await;
    }

    /// Always with a description of its own, so that no amendment is without effect.
    async fn amend(&mut self, intent: &Intent, shipment: &Shipment) {
        let description = format!("Amended by client {}, {}", self.number, self.serial + 1);
        let (kind, member) = if intent.what == What::Reroute {
            (Kind::Reroute, ("flight_ids", json!(shipment.other_way(intent.flights))))
        } else {
            (Kind::Amend, ("weight_kg", json!(intent.weight_kg)))
        };
        let mut changes = json!({"description": description});
        // An amendment of words only is possible for longer.
        if kind == Kind::Reroute || intent.positions == 0 {
            changes[member.0] = member.1;
        }
        let booked = shipment.state().status == "BOOKED";
        let who = if booked { Who::Shipper(self.shipper) } else { Who::Staff };
        let path = path_of(&shipment.reference);
        let request = Request { method: Method::PATCH, path, body: Some(changes), ..Request::default() };
        self.change(intent, shipment, kind, who, request).await;
    }

    async fn change(&mut self, intent: &Intent, shipment: &Shipment, kind: Kind, who: Who, mut request: Request) {
        let (mark, key) = self.next_key();
        request.key = intent.keyed.then_some(key);
        // The event bears the mark, so that it is known whose step it tells of.
        let member = if kind == Kind::Cancel { "reason" } else { "notes" };
        if let Some(body) = request.body.as_mut().filter(|_| !matches!(kind, Kind::Amend | Kind::Reroute)) {
            body[member] = mark.into();
        }
        request.if_match = intent.matched.then(|| shipment.state().version);
        let deed = Deed::new(kind, who, self.shipper, request);
        if let Some(booking) = self.perform(deed, intent.instance, intent.manner).await {
            shipment.heard(&booking);
        }
    }

    /// Sends it and learns from the answer, which is the booking if it was done.
    async fn perform(&mut self, mut deed: Deed, instance: u64, manner: Manner) -> Option<Value> {
        let load = Arc::clone(&self.load);
        let caller = load.caller(deed.who);
        let way = |add: u64, hang_up| {
            let instance = usize::try_from((instance % 1024) + add).unwrap_or_default();
            Way { client: self.number, instance, hang_up }
        };
        let send = |way| load.wire.send(way, caller, &deed.request);
        let mut replies = match manner {
            Manner::Twin if deed.request.key.is_some() => {
                let (one, other) = tokio::join!(send(way(0, None)), send(way(1, None)));
                vec![one, other]
            }
            Manner::HangUp(moment) => {
                load.evidence.count(Tally::HangUps);
                vec![send(way(0, Some(Duration::from_micros(moment)))).await]
            }
            Manner::Once | Manner::Twin => vec![send(way(0, None)).await],
        };
        let was_unknown = deed.unknown > 0 && deed.ack.is_none();
        deed.learn(&replies, caller, &load.evidence);
        if was_unknown && !deed.is_open() {
            load.evidence.count(if deed.ack.is_some() { Tally::UnknownDone } else { Tally::UnknownRefused });
        }
        self.sort(deed);
        for reply in &replies {
            load.heed(reply).await;
        }
        let done = replies.iter().position(|reply| matches!(reply.said, Said::Ok(_)))?;
        match replies.swap_remove(done).said {
            Said::Ok(answer) => Some(answer.body),
            _ => None,
        }
    }

    fn sort(&mut self, deed: Deed) {
        if deed.is_open() {
            self.open.push(deed);
        } else if deed.ack.is_some() && deed.request.key.is_some() {
            self.done.push_back(deed);
            if self.done.len() > REMEMBERED {
                self.settled.extend(self.done.pop_front().map(Deed::put_down));
            }
        } else {
            if deed.ack.is_none() && deed.unknown > 0 && deed.refusal.is_none() {
                self.load.evidence.count(Tally::UnknownForGood);
            }
            self.settled.push(deed.put_down());
        }
    }

    async fn repeat(&mut self, intent: &Intent) {
        if self.done.is_empty() {
            return;
        }
        let place = usize::try_from(intent.pick % self.done.len() as u64).unwrap_or_default();
        if let Some(deed) = self.done.remove(place) {
            self.perform(deed, intent.instance, intent.manner).await;
        }
    }

    /// Another request under a key that has had its effect.
    async fn misuse(&mut self, intent: &Intent) {
        let Some(deed) = at(self.done.make_contiguous(), intent.pick) else { return };
        let mut request = deed.request.clone();
        let Some(body) = request.body.as_mut().and_then(Value::as_object_mut) else { return };
        let (member, other) = match deed.kind {
            Kind::Book => ("customer_reference", format!("{} with another's key", deed.mark.as_deref().unwrap_or(""))),
            Kind::Amend | Kind::Reroute => ("description", "Under a key that is not mine".to_owned()),
            Kind::Cancel | Kind::FlightCancel => ("reason", "Under a key that is not mine".to_owned()),
            Kind::FlightDepart | Kind::FlightArrive => ("occurred_at", "2020-01-01T00:00:00Z".to_owned()),
            Kind::Retime | Kind::Resize | Kind::Offload => ("arrival_datetime", "2020-01-01T00:00:00Z".to_owned()),
            _ => ("notes", "Under a key that is not mine".to_owned()),
        };
        body.insert(member.to_owned(), other.into());
        let way = Way { client: self.number, instance: usize::from(intent.own), hang_up: None };
        let reply = self.load.wire.send(way, self.load.caller(deed.who), &request).await;
        self.load.evidence.outcome("misuse of a key", &reply.said);
        match &reply.said {
            Said::Refused(refusal) if refusal.code == "idempotency_key_reused" => {
                self.load.evidence.count(Tally::KeyReused);
            }
            Said::Refused(refusal) if refusal.is_passing() => {}
            Said::Refused(refusal) => self.load.evidence.breach(
                Promise::OneEffect,
                format!("call {} uses a spent key for something else, and got {refusal}", reply.call),
            ),
            Said::Ok(_) => self.load.evidence.breach(
                Promise::OneEffect,
                format!("call {} uses a spent key for something else, and was accepted", reply.call),
            ),
            Said::Unknown(_) => {}
        }
        self.load.heed(&reply).await;
    }

    async fn finish(mut self) -> Vec<Deed> {
        let began = Instant::now();
        let mut instance = self.number;
        while let Some(deed) = self.open.pop() {
            // A run that has found something has its result: what is still open is not insisted on for long.
            let has_result = !self.load.evidence.get().breaches.is_empty();
            if began.elapsed() > if has_result { BRIEF_PATIENCE } else { PATIENCE } {
                let what = format!("a {} of client {} stays unsettled", deed.kind.name(), self.number);
                self.load.evidence.breach(Promise::Service, what);
                self.settled.push(deed);
                continue;
            }
            instance += 1;
            let open = self.open.len();
            self.perform(deed, instance, Manner::Once).await;
            if self.open.len() > open {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        self.settled.extend(self.done.drain(..).map(Deed::put_down));
        self.settled
    }
}

fn other_step(pick: u64) -> Kind {
    at(&[Kind::Depart, Kind::Arrive, Kind::Deliver], pick).copied().unwrap_or(Kind::Deliver)
}
