//! A write that a client wants done: sent once or several times under one key, until it is known what became of it.
pub(super) mod flight;

use reqwest::Method;
use serde_json::{Value, json};

use self::flight::{Row, flight_in};
use super::{
    crew::Caller,
    evidence::{Evidence, Promise, Tally, frame_of, print_of},
    wire::{Answer, Refusal, Reply, Request, Said},
};

pub(super) const BOOKINGS: &str = "/api/v1/bookings";

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Book,
    Depart,
    Arrive,
    Deliver,
    Cancel,
    Amend,
    Reroute,
    FlightDepart,
    FlightArrive,
    FlightCancel,
    /// Other times of a flight.
    Retime,
    /// Another capacity of a flight.
    Resize,
    /// Takes bookings off a flight.
    Offload,
    /// A table of flights.
    Import,
    /// A table of flights that is only to be judged.
    DryRun,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Book => "create",
            Self::Depart => "depart",
            Self::Arrive => "arrive",
            Self::Deliver => "deliver",
            Self::Cancel => "cancel",
            Self::Amend => "amend",
            Self::Reroute => "reroute",
            Self::FlightDepart => "flight depart",
            Self::FlightArrive => "flight arrive",
            Self::FlightCancel => "flight cancel",
            Self::Retime => "flight retime",
            Self::Resize => "flight capacity",
            Self::Offload => "flight offload",
            Self::Import => "import",
            Self::DryRun => "import dry run",
        }
    }

    /// Whether it changes flights, and bookings only through them.
    pub const fn is_of_flights(self) -> bool {
        !matches!(
            self,
            Self::Book | Self::Depart | Self::Arrive | Self::Deliver | Self::Cancel | Self::Amend | Self::Reroute
        )
    }

    /// The event that tells of it in a booking's history.
    pub const fn event(self) -> &'static str {
        match self {
            Self::Book => "BOOKED",
            Self::Depart | Self::FlightDepart => "DEPARTED",
            Self::Arrive | Self::FlightArrive => "ARRIVED",
            Self::Deliver => "DELIVERED",
            Self::Cancel => "CANCELLED",
            // A reroute changes the description too; the flights may be those it has already.
            Self::Amend | Self::Reroute => "AMENDED",
            Self::FlightCancel => "FLIGHT_CANCELLED",
            Self::Retime => "FLIGHT_RETIMED",
            Self::Offload => "OFFLOADED",
            Self::Resize | Self::Import | Self::DryRun => "",
        }
    }
}

/// Who asks for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Shipper(usize),
    Staff,
}

/// What was acknowledged.
#[derive(Debug, Clone, Default)]
pub(super) struct Ack {
    pub call: u64,
    pub completed: u64,
    pub reference: String,
    pub version: u64,
    pub print: u64,
    pub frame: u64,
    pub weight_kg: Option<f64>,
    /// Of a flight's step: how many bookings got an event, and which were left behind.
    pub bookings_changed: Option<usize>,
    /// How many others get theirs later.
    pub bookings_pending: usize,
    pub left_behind: Vec<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Deed {
    pub kind: Kind,
    pub who: Who,
    /// Of the shipper whose booking it is.
    pub shipper: usize,
    /// `None` for a booking that is to be made.
    pub reference: Option<String>,
    /// Of a booking that is to be made.
    pub mark: Option<String>,
    /// The words that the events of this step bear, and no others.
    pub note: Option<String>,
    /// The flight that it changes.
    pub flight: Option<String>,
    /// Bookings to take off the flight.
    pub named: Vec<String>,
    /// Of a table of flights.
    pub rows: Vec<Row>,
    pub request: Request,
    pub tries: u32,
    /// How many tries ended without our knowing how.
    pub unknown: u32,
    /// How many answers said that they were no repetition.
    pub originals: u32,
    pub ack: Option<Ack>,
    pub refusal: Option<Refusal>,
}

impl Deed {
    pub fn new(kind: Kind, who: Who, shipper: usize, request: Request) -> Self {
        let path = request.path.strip_prefix(BOOKINGS).and_then(|rest| rest.strip_prefix('/'));
        let reference = path.and_then(|path| path.split('/').next()).map(str::to_owned);
        let body = request.body.as_ref().unwrap_or(&Value::Null);
        let text = |member: &str| body[member].as_str().map(str::to_owned);
        let (mark, note) = (text("customer_reference"), text("notes").or_else(|| text("reason")));
        let named =
            body["offload"].as_array().into_iter().flatten().filter_map(|named| Some(named.as_str()?.to_owned()));
        Self {
            kind,
            who,
            shipper,
            reference,
            mark,
            note,
            flight: flight_in(&request.path),
            named: named.collect(),
            rows: Vec::new(),
            request,
            tries: 0,
            unknown: 0,
            originals: 0,
            ack: None,
            refusal: None,
        }
    }

    /// Whether asking again could tell more.
    pub fn is_open(&self) -> bool {
        self.ack.is_none() && self.refusal.is_none() && self.request.key.is_some()
    }

    /// Whether it is certain that nothing was done.
    pub fn was_refused(&self) -> bool {
        self.ack.is_none() && self.unknown == 0
    }

    /// What there is to learn from replies to requests that were under way together.
    pub fn learn(&mut self, replies: &[Reply], caller: &Caller, evidence: &Evidence) {
        let known = self.ack.as_ref().map(|ack| ack.completed);
        self.tries += u32::try_from(replies.len()).unwrap_or_default();
        for reply in replies {
            evidence.outcome(self.kind.name(), &reply.said);
            match &reply.said {
                Said::Ok(answer) => self.done(reply, answer, caller, evidence),
                Said::Unknown(_) => self.unknown += 1,
                Said::Refused(refusal) => self.refused(reply, refusal, known, evidence),
            }
        }
        // A refusal says nothing of what was under way beside it.
        if replies.iter().any(|reply| matches!(reply.said, Said::Unknown(_))) {
            self.refusal = None;
        }
    }

    fn done(&mut self, reply: &Reply, answer: &Answer, caller: &Caller, evidence: &Evidence) {
        let (call, name) = (reply.call, self.kind.name());
        self.show(reply, answer, evidence);
        if answer.replayed {
            evidence.count(Tally::Replayed);
            if self.tries == 1 {
                evidence.breach(
                    Promise::OneEffect,
                    format!("the first {name} under its key (call {call}) was answered as a repetition"),
                );
            }
        } else {
            self.originals += 1;
            if self.originals == 2 {
                evidence.breach(Promise::OneEffect, format!("the {name} of call {call} was done twice under one key"));
            }
        }
        let body = &answer.body;
        let wrong =
            if self.kind.is_of_flights() { self.flight_differences(body) } else { self.differences(body, caller) };
        for (promise, wrong) in wrong {
            evidence.breach(promise, format!("call {call} ({name}) was acknowledged, but {wrong}"));
        }
        let left = body["left_behind"].as_array().into_iter().flatten();
        let ack = Ack {
            call,
            completed: reply.completed,
            reference: body["ref_id"].as_str().unwrap_or_default().to_owned(),
            version: self.shown(body)["version"].as_u64().unwrap_or_default(),
            print: print_of(body),
            frame: frame_of(body),
            weight_kg: body["weight_kg"].as_f64(),
            bookings_changed: body["bookings_changed"].as_u64().and_then(|count| count.try_into().ok()),
            bookings_pending: body["bookings_pending"]
                .as_u64()
                .map_or(0, |count| count.try_into().unwrap_or(usize::MAX)),
            left_behind: left.filter_map(|left| Some(left["ref_id"].as_str()?.to_owned())).collect(),
        };
        match &self.ack {
            Some(first) if first.print != ack.print => evidence.breach(
                Promise::OneEffect,
                format!("calls {} and {call} are one {name} under one key, and were answered differently", first.call),
            ),
            Some(_) => {}
            None => self.ack = Some(ack),
        }
    }

    fn refused(&mut self, reply: &Reply, refusal: &Refusal, known: Option<u64>, evidence: &Evidence) {
        let (call, name) = (reply.call, self.kind.name());
        match refusal.code.as_str() {
            "idempotency_in_progress" => evidence.count(Tally::InProgress),
            "idempotency_key_reused" => evidence.breach(
                Promise::OneEffect,
                format!("call {call} repeats a {name} word for word, and was refused: {refusal}"),
            ),
            "not_found" => {
                let path = &self.request.path;
                let what = format!("call {call} ({name}) found nothing at {path}, which was acknowledged");
                evidence.breach(Promise::NothingLost, what);
                self.refusal = Some(refusal.clone());
            }
            _ if refusal.is_passing() => {}
            _ if known.is_some() => evidence.breach(
                Promise::OneEffect,
                format!("call {call} repeats a {name} that was done, and was refused: {refusal}"),
            ),
            _ => self.refusal = Some(refusal.clone()),
        }
    }

    /// Where an acknowledged booking is not what was asked for.
    fn differences(&self, booking: &Value, caller: &Caller) -> Vec<(Promise, String)> {
        let asked = self.request.body.as_ref().unwrap_or(&Value::Null);
        let mut found = Vec::new();
        for member in ["customer_reference", "description", "origin", "destination"] {
            if asked[member].is_string() && asked[member] != booking[member] {
                found.push((Promise::NothingLost, format!("{member} is {}, not {}", booking[member], asked[member])));
            }
        }
        if asked["weight_kg"].is_u64() && asked["weight_kg"].as_f64() != booking["weight_kg"].as_f64() {
            found.push((
                Promise::NothingLost,
                format!("it weighs {}, not {}", booking["weight_kg"], asked["weight_kg"]),
            ));
        }
        if let (Some(asked), Some(now)) = (asked["flight_ids"].as_array(), booking["flight_ids"].as_array())
            && !now.ends_with(asked)
        {
            found.push((Promise::NothingLost, format!("its flights are {}", booking["flight_ids"])));
        }
        let status = match self.kind {
            Kind::Amend | Kind::Reroute => None,
            step => Some(step.event()),
        };
        if status.is_some_and(|status| booking["status"] != status) {
            found.push((Promise::NothingLost, format!("its status is {}", booking["status"])));
        }
        if matches!(self.who, Who::Shipper(_)) && booking["organization_id"] != caller.organization.as_str() {
            found.push((Promise::NoForeignData, "it shows a booking of another organization".to_owned()));
        }
        if self.reference.as_ref().is_some_and(|reference| booking["ref_id"] != reference.as_str()) {
            found.push((Promise::NoForeignData, format!("it shows {}", booking["ref_id"])));
        }
        found
    }

    /// Without what is needed only to send it again.
    pub fn put_down(mut self) -> Self {
        self.request.body = None;
        self
    }
}

/// The address of a booking.
pub(super) fn path_of(reference: &str) -> String {
    format!("{BOOKINGS}/{reference}")
}

/// A step of a booking's journey, or calling it off.
pub(super) fn step(kind: Kind, reference: &str) -> Request {
    let path = format!("{}/{}", path_of(reference), kind.name());
    Request { method: Method::POST, path, body: Some(json!({})), ..Request::default() }
}
