//! An operation: a write that a client sends once or several times under one key, until its outcome is known.
pub(super) mod flight;
pub(super) mod hold;
mod kind;

use reqwest::Method;
use serde_json::{Value, json};

use self::{
    flight::{Row, flight_in},
    hold::{HOLDS, WAITLIST, id_in},
};
use super::{
    callers::Caller,
    evidence::{Counter, Evidence, Promise, fingerprint_of, fixed_of, hold_fixed_of},
    wire::{Answer, Outcome, Refusal, Reply, Request},
};

pub(super) use self::kind::{Kind, Subject};

pub(super) const BOOKINGS: &str = "/api/v1/bookings";

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Actor {
    Shipper(usize),
    /// A shipper who pays by token.
    Payer(usize),
    /// A forwarder who fills consolidations.
    Consolidator(usize),
    /// A caller without an account.
    Guest(usize),
    #[default]
    Staff,
}

/// The acknowledged result.
#[derive(Debug, Clone, Default)]
pub(super) struct Ack {
    pub call: u64,
    pub completed: u64,
    /// The reference of the booking, or the id of the flight, hold or entry.
    pub reference: String,
    /// The organization that it belongs to.
    pub organization: String,
    pub version: u64,
    pub fingerprint: u64,
    pub fixed: u64,
    pub weight_kg: Option<f64>,
    /// For a step of a flight: the number of bookings with an event, and the bookings left behind.
    pub bookings_changed: Option<usize>,
    /// The number of bookings that get their event later.
    pub bookings_pending: usize,
    pub left_behind: Vec<String>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Operation {
    pub kind: Kind,
    pub actor: Actor,
    /// The shipper that its booking belongs to; `None` if it belongs to a guest or to the carrier.
    pub shipper: Option<usize>,
    /// `None` for a new booking.
    pub reference: Option<String>,
    /// `None` for a new hold.
    pub hold: Option<String>,
    /// `None` for a new entry of the waitlist.
    pub entry: Option<String>,
    /// The mark of a new booking or hold.
    pub mark: Option<String>,
    /// The note that only the events of this operation have.
    pub note: Option<String>,
    pub flight: Option<String>,
    pub named: Vec<String>,
    /// A booking that is a hold and its commit at once: with a quote, or with positions by name.
    pub through_hold: bool,
    /// On a flight that always has space.
    pub has_space: bool,
    pub rows: Vec<Row>,
    pub request: Request,
    pub tries: u32,
    /// Number of tries whose outcome is unknown.
    pub unknown: u32,
    /// Number of answers that were not marked as replayed.
    pub originals: u32,
    pub ack: Option<Ack>,
    pub refusal: Option<Refusal>,
}

impl Operation {
    pub fn new(kind: Kind, actor: Actor, shipper: impl Into<Option<usize>>, request: Request) -> Self {
        let path = request.path.as_str();
        let body = request.body.as_ref().unwrap_or(&Value::Null);
        let text = |member: &str| body[member].as_str().map(str::to_owned);
        let mark = text(if kind == Kind::Hold { "description" } else { "customer_reference" });
        let named =
            body["offload"].as_array().into_iter().flatten().filter_map(|named| Some(named.as_str()?.to_owned()));
        Self {
            kind,
            actor,
            shipper: shipper.into(),
            reference: id_in(path, BOOKINGS),
            hold: id_in(path, HOLDS),
            entry: id_in(path, WAITLIST),
            mark,
            note: text("notes").or_else(|| text("reason")),
            flight: flight_in(path).filter(|_| kind.is_of_flights()),
            named: named.collect(),
            through_hold: kind == Kind::Book
                && ["quote_id", "position_names"].iter().any(|member| !body[member].is_null()),
            request,
            ..Self::default()
        }
    }

    /// Whether a repetition could tell the outcome.
    pub fn is_open(&self) -> bool {
        self.ack.is_none() && self.refusal.is_none() && self.request.key.is_some()
    }

    /// Whether it certainly had no effect.
    pub fn was_refused(&self) -> bool {
        self.ack.is_none() && self.unknown == 0
    }

    /// Evaluates the replies to requests that were in flight together.
    pub fn learn(&mut self, replies: &[Reply], caller: &Caller, evidence: &Evidence) {
        let known = self.ack.as_ref().map(|ack| ack.completed);
        self.tries += u32::try_from(replies.len()).unwrap_or_default();
        for reply in replies {
            evidence.count_outcome(self.kind.name(), &reply.outcome);
            match &reply.outcome {
                Outcome::Ok(answer) => self.done(reply, answer, caller, evidence),
                Outcome::Unknown(_) => self.unknown += 1,
                Outcome::Refused(refusal) => self.refused(reply, refusal, known, evidence),
            }
        }
        // A refusal says nothing about another request that is still in flight.
        if replies.iter().any(|reply| matches!(reply.outcome, Outcome::Unknown(_))) {
            self.refusal = None;
        }
    }

    fn done(&mut self, reply: &Reply, answer: &Answer, caller: &Caller, evidence: &Evidence) {
        let (call, name) = (reply.call, self.kind.name());
        self.show(reply, answer, evidence);
        if answer.replayed {
            evidence.count(Counter::Replayed);
            if self.tries == 1 {
                evidence.breach(
                    Promise::OneEffect,
                    format!("the first {name} with its key (call {call}) got the response of a repeated request"),
                );
            }
        } else {
            self.originals += 1;
            if self.originals == 2 {
                evidence.breach(Promise::OneEffect, format!("the {name} of call {call} was done twice with one key"));
            }
        }
        let body = &answer.body;
        let wrong = match self.kind.subject() {
            Subject::Flight => self.flight_differences(body),
            Subject::Booking => self.differences(body, caller),
            Subject::Hold | Subject::Entry => self.hold_differences(body, caller),
        };
        for (promise, wrong) in wrong {
            evidence.breach(promise, format!("call {call} ({name}) was acknowledged, but {wrong}"));
        }
        let left = body["left_behind"].as_array().into_iter().flatten();
        let ack = Ack {
            call,
            completed: reply.completed,
            reference: body["ref_id"].as_str().or(body["id"].as_str()).unwrap_or_default().to_owned(),
            organization: body["organization_id"].as_str().unwrap_or_default().to_owned(),
            version: self.shown(body)["version"].as_u64().unwrap_or_default(),
            fingerprint: fingerprint_of(body),
            fixed: if self.kind.subject() == Subject::Hold { hold_fixed_of(body) } else { fixed_of(body) },
            weight_kg: body["weight_kg"].as_f64(),
            bookings_changed: body["bookings_changed"].as_u64().and_then(|count| count.try_into().ok()),
            bookings_pending: body["bookings_pending"]
                .as_u64()
                .map_or(0, |count| count.try_into().unwrap_or(usize::MAX)),
            left_behind: left.filter_map(|left| Some(left["ref_id"].as_str()?.to_owned())).collect(),
        };
        match &self.ack {
            Some(first) if first.fingerprint != ack.fingerprint => evidence.breach(
                Promise::OneEffect,
                format!(
                    "calls {} and {call} are the same {name} with the same key, but got different responses",
                    first.call
                ),
            ),
            Some(_) => {}
            None => self.ack = Some(ack),
        }
    }

    fn refused(&mut self, reply: &Reply, refusal: &Refusal, known: Option<u64>, evidence: &Evidence) {
        let (call, name) = (reply.call, self.kind.name());
        match refusal.code.as_str() {
            "idempotency_in_progress" => evidence.count(Counter::InProgress),
            "idempotency_key_reused" => evidence.breach(
                Promise::OneEffect,
                format!("call {call} repeats a {name} exactly, but was refused: {refusal}"),
            ),
            "not_found" => {
                let path = &self.request.path;
                let what = format!("call {call} ({name}) got 404 for {path}, which was acknowledged");
                evidence.breach(Promise::NothingLost, what);
                self.refusal = Some(refusal.clone());
            }
            // A quota of guests lasts for an hour, and a guest gets no other token: that of a server whose clock is ahead is not
            // valid yet with the others. Nothing is repeated.
            "rate_limited" | "token_expired" | "unauthenticated"
                if matches!(self.actor, Actor::Guest(_)) && known.is_none() =>
            {
                self.refusal = Some(refusal.clone());
            }
            _ if refusal.is_passing() => {}
            _ if known.is_some() => evidence.breach(
                Promise::OneEffect,
                format!("call {call} repeats a {name} that was done, but was refused: {refusal}"),
            ),
            _ => {
                if let Some(what) = self.unexpected(refusal) {
                    evidence.breach(Promise::Legal, format!("call {call}: {what}"));
                }
                self.refusal = Some(refusal.clone());
            }
        }
    }

    /// The differences between an acknowledged booking and the request.
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
                format!("its weight is {} kg, not {} kg", booking["weight_kg"], asked["weight_kg"]),
            ));
        }
        let price = &booking["price"];
        for (member, now) in [("quote_id", &price["quote_id"]), ("expected_total", &price["total"])] {
            if !asked[member].is_null() && asked[member] != *now {
                found
                    .push((Promise::NothingLost, format!("the {member} of its price is {now}, not {}", asked[member])));
            }
        }
        if let (Some(asked), Some(now)) = (asked["flight_ids"].as_array(), booking["flight_ids"].as_array())
            && !now.ends_with(asked)
        {
            found.push((Promise::NothingLost, format!("its flights are {}", booking["flight_ids"])));
        }
        let status = match self.kind {
            // The booking has the status of before the step that was taken back.
            Kind::Amend | Kind::Reroute | Kind::Correct => None,
            step => Some(step.event()),
        };
        if status.is_some_and(|status| booking["status"] != status) {
            found.push((Promise::NothingLost, format!("its status is {}", booking["status"])));
        }
        if matches!(self.actor, Actor::Shipper(_)) && booking["organization_id"] != caller.organization.as_str() {
            found.push((Promise::NoForeignData, "it shows a booking of another organization".to_owned()));
        }
        if self.reference.as_ref().is_some_and(|reference| booking["ref_id"] != reference.as_str()) {
            found.push((Promise::NoForeignData, format!("it shows {}", booking["ref_id"])));
        }
        found
    }

    /// Drops what is needed only to send it again.
    pub fn without_body(mut self) -> Self {
        self.request.body = None;
        self
    }
}

pub(super) fn path_of(reference: &str) -> String {
    format!("{BOOKINGS}/{reference}")
}

/// The request for a step of a booking, or its cancellation.
pub(super) fn step(kind: Kind, reference: &str) -> Request {
    let path = format!("{}/{}", path_of(reference), kind.name());
    Request { method: Method::POST, path, body: Some(json!({})), ..Request::default() }
}
