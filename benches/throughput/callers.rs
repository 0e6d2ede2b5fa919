//! What the clients of the bench ask.
use std::sync::{Arc, Mutex, PoisonError};

use crate::common::{
    load::{Caller, Question, find},
    network::{APART, get, send},
    site::Site,
};

/// The references of bookings, from those who make them to those who move them.
#[derive(Clone, Default)]
pub struct References(Arc<Mutex<Vec<String>>>);

impl References {
    pub fn push(&self, reference: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(reference);
    }

    pub fn pop(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    pub fn len(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

pub fn reference(body: &[u8]) -> String {
    let name = b"\"ref_id\":\"";
    let rest = &body[find(body, name).expect("a reference") + name.len()..];
    let end = rest.iter().position(|byte| *byte == b'"').unwrap();
    String::from_utf8(rest[..end].to_vec()).unwrap()
}

/// Books, each time another flight.
pub struct Booker {
    pub orders: Arc<Vec<Vec<u8>>>,
    pub at: usize,
    pub made: References,
}

impl Caller for Booker {
    fn next(&mut self) -> Option<Question<'_>> {
        // A step that has no divisor in common with the number of flights: the clients do not march side by side.
        self.at += 7;
        let request = &self.orders[self.at % self.orders.len()];
        Some(Question { kind: 0, request, status: 201, contains: b"\"ref_id\":\"ACB" })
    }

    fn answered(&mut self, body: &[u8]) {
        self.made.push(reference(body));
    }
}

pub const STEPS: [(&str, &str); 3] = [("depart", "DEPARTED"), ("arrive", "ARRIVED"), ("deliver", "DELIVERED")];

/// Takes booking after booking from departure to delivery.
pub struct Mover {
    pub token: String,
    pub from: References,
    reference: String,
    step: usize,
    request: Vec<u8>,
    contains: Vec<u8>,
}

impl Mover {
    pub fn new(site: &Site, from: &References) -> Self {
        let (token, from) = (site.token.clone(), from.clone());
        Self { token, from, reference: String::new(), step: 0, request: Vec::new(), contains: Vec::new() }
    }
}

impl Caller for Mover {
    fn next(&mut self) -> Option<Question<'_>> {
        if self.step.is_multiple_of(STEPS.len()) {
            self.reference = self.from.pop()?;
            self.step = 0;
        }
        let (verb, status) = STEPS[self.step];
        self.step += 1;
        self.request = step(&self.token, &self.reference, verb);
        self.contains = format!("\"ref_id\":\"{}\",\"status\":\"{status}\"", self.reference).into_bytes();
        Some(Question { kind: 0, request: &self.request, status: 200, contains: &self.contains })
    }
}

fn step(token: &str, reference: &str, verb: &str) -> Vec<u8> {
    send("POST", &format!("/api/v1/bookings/{reference}/{verb}"), Some(token), "{}")
}

pub fn show(token: &str, reference: &str) -> Vec<u8> {
    authorized(&format!("/api/v1/bookings/{reference}"), token)
}

pub fn authorized(path: &str, token: &str) -> Vec<u8> {
    with(get(path), &format!("Authorization: Bearer {token}"))
}

/// Adds a header.
pub fn with(request: Vec<u8>, header: &str) -> Vec<u8> {
    String::from_utf8(request).unwrap().replacen("\r\n\r\n", &format!("\r\n{header}\r\n\r\n"), 1).into_bytes()
}

/// A day of one client: a booking, then thirty readings with its three steps between them.
pub struct Day {
    pub orders: Arc<Vec<Vec<u8>>>,
    pub searches: Arc<Vec<Vec<u8>>>,
    pub completions: Arc<Vec<Vec<u8>>>,
    pub token: String,
    pub at: usize,
    turn: usize,
    kind: usize,
    own: String,
    request: Vec<u8>,
    contains: Vec<u8>,
}

/// The kinds of a day's questions.
pub const KINDS: [&str; 6] = ["create", "status change", "get", "history", "cached search", "autocomplete"];
const READS: usize = 30;
const TURNS: usize = 1 + STEPS.len() + READS;

impl Day {
    pub fn new(
        token: &str,
        orders: &Arc<Vec<Vec<u8>>>,
        searches: &Arc<Vec<Vec<u8>>>,
        completions: &Arc<Vec<Vec<u8>>>,
        at: usize,
    ) -> Self {
        Self {
            orders: orders.clone(),
            searches: searches.clone(),
            completions: completions.clone(),
            token: token.to_owned(),
            at,
            turn: 0,
            kind: 0,
            own: String::new(),
            request: Vec::new(),
            contains: Vec::new(),
        }
    }

    fn asks(&mut self, kind: usize, request: Vec<u8>, contains: &str) {
        self.request = request;
        self.contains = contains.as_bytes().to_vec();
        self.kind = kind;
    }
}

impl Caller for Day {
    fn next(&mut self) -> Option<Question<'_>> {
        let turn = self.turn % TURNS;
        self.turn += 1;
        self.at += 7;
        let own = self.own.clone();
        let (every, at) = (TURNS / STEPS.len(), self.at);
        if turn == 0 {
            let order = self.orders[at % APART].clone();
            self.asks(0, order, "\"ref_id\":\"ACB");
        } else if turn.is_multiple_of(every) && turn / every <= STEPS.len() {
            let (verb, status) = STEPS[turn / every - 1];
            let request = step(&self.token, &own, verb);
            self.asks(1, request, &format!("\"ref_id\":\"{own}\",\"status\":\"{status}\""));
        } else if turn % 5 < 2 {
            let request = show(&self.token, &own);
            self.asks(2, request, &format!("\"ref_id\":\"{own}\""));
        } else if turn % 5 == 2 {
            let request = authorized(&format!("/api/v1/bookings/{own}/history"), &self.token);
            self.asks(3, request, &format!("\"ref_id\":\"{own}\""));
        } else if turn % 5 == 3 {
            let search = self.searches[at % self.searches.len()].clone();
            self.asks(4, search, "\"route_type\"");
        } else {
            let completion = self.completions[at % self.completions.len()].clone();
            self.asks(5, completion, "[");
        }
        let status = if self.kind == 0 { 201 } else { 200 };
        Some(Question { kind: self.kind, request: &self.request, status, contains: &self.contains })
    }

    fn answered(&mut self, body: &[u8]) {
        if self.kind == 0 {
            self.own = reference(body);
        }
    }
}
