//! What has arrived at one webhook, and what was wrong with it.
use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use loadmaster_platform::clock::{Clock, SystemClock};
use serde_json::Value;

const PREFIX: &str = "whsec_";
/// Receivers refuse what is older, or that far in the future.
const TOLERANCE_SECONDS: i64 = 300;

/// A request as it came.
#[derive(Debug, Default, Clone)]
pub(super) struct Arrival {
    pub method: String,
    pub path: String,
    /// Names are in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

/// A message that has arrived, however it was answered.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub body: Vec<u8>,
    pub event: Value,
    /// Its place among the first acceptances.
    pub accepted: Option<usize>,
    pub attempts: usize,
}

impl Message {
    pub fn subject(&self) -> &str {
        self.event["subject"].as_str().unwrap_or_default()
    }

    pub fn sequence(&self) -> Option<u64> {
        self.event["sequence"].as_str()?.parse().ok()
    }
}

#[derive(Default)]
pub(super) struct Journal {
    keys: Vec<Vec<u8>>,
    /// By `webhook-id`.
    pub messages: HashMap<String, Message>,
    accepted: usize,
    pub arrivals: usize,
    pub refused: usize,
    /// What was wrong, each kind once for each message.
    pub wrong: BTreeSet<String>,
    /// Subjects with a request in progress, while that is watched.
    in_progress: Option<BTreeSet<String>>,
}

impl Journal {
    /// The secret that requests are signed with.
    pub fn trust(&mut self, secret: &str) {
        let key = secret.strip_prefix(PREFIX).and_then(|secret| STANDARD.decode(secret).ok());
        match key {
            Some(key) if key.len() == 32 => self.keys.push(key),
            _ => _ = self.wrong.insert(format!("the secret {secret:?} is not {PREFIX} and base64 of 32 bytes")),
        }
    }

    /// From now on two requests for one subject at the same time are wrong.
    pub fn watch_for_overlaps(&mut self) {
        self.in_progress = Some(BTreeSet::new());
    }

    /// Takes a request in; returns the id of its message, if it has one that is signed.
    pub fn arrived(&mut self, arrival: Arrival) -> Option<String> {
        self.arrivals += 1;
        let Some(id) = arrival.headers.get("webhook-id").cloned() else {
            self.wrong.insert(format!("a request to {} has no webhook-id", arrival.path));
            return None;
        };
        for wrong in faults_of(&id, &arrival) {
            self.wrong.insert(format!("{id}: {wrong}"));
        }
        if !self.is_signed(&id, &arrival) {
            self.wrong.insert(format!("{id}: no signature is right"));
            return None;
        }
        let message = self.messages.entry(id.clone()).or_default();
        message.attempts += 1;
        if message.attempts == 1 {
            message.event = serde_json::from_slice(&arrival.body).unwrap_or_default();
            message.body = arrival.body;
            if message.event["id"] != *id || message.sequence().is_none() || message.subject().is_empty() {
                self.wrong.insert(format!("{id}: the body is {}", message.event));
            }
        } else if message.body != arrival.body {
            self.wrong.insert(format!("{id}: came with other bytes"));
        }
        let subject = message.subject().to_owned();
        if self.in_progress.as_mut().is_some_and(|subjects| !subjects.insert(subject)) {
            self.wrong.insert(format!("{id}: came while another message of its subject was being answered"));
        }
        Some(id)
    }

    /// It is answered 2xx: it was the receiver's last chance to forget it.
    pub fn accept(&mut self, id: &str) {
        let place = self.accepted;
        if let Some(message) = self.messages.get_mut(id)
            && message.accepted.is_none()
        {
            message.accepted = Some(place);
            self.accepted += 1;
        }
    }

    /// Its answer is about to be sent.
    pub fn answers(&mut self, id: &str) {
        if let (Some(subjects), Some(message)) = (&mut self.in_progress, self.messages.get(id)) {
            subjects.remove(message.subject());
        }
    }

    /// The sequences of this subject in the order in which they were first accepted.
    pub fn order_of(&self, subject: &str) -> Vec<u64> {
        let of_subject = self.messages.values().filter(|message| message.subject() == subject);
        let mut order: Vec<_> =
            of_subject.filter_map(|message| Some((message.accepted?, message.sequence()?))).collect();
        order.sort_unstable();
        order.into_iter().map(|(_, sequence)| sequence).collect()
    }

    pub fn has_accepted(&self, id: &str) -> bool {
        self.messages.get(id).is_some_and(|message| message.accepted.is_some())
    }

    /// Whether one of the signatures is right, by the formula of Standard Webhooks.
    fn is_signed(&self, id: &str, arrival: &Arrival) -> bool {
        let header = |name: &str| arrival.headers.get(name).map_or("", String::as_str);
        let mut signed = format!("{id}.{}.", header("webhook-timestamp")).into_bytes();
        signed.extend_from_slice(&arrival.body);
        let signatures = header("webhook-signature").split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
        let tags: Vec<_> = signatures.filter_map(|signature| STANDARD.decode(signature).ok()).collect();
        self.keys.iter().any(|key| {
            let key = hmac::Key::new(hmac::HMAC_SHA256, key);
            tags.iter().any(|tag| hmac::verify(&key, &signed, tag).is_ok())
        })
    }
}

fn faults_of(id: &str, arrival: &Arrival) -> Vec<String> {
    let header = |name: &str| arrival.headers.get(name).map(String::as_str);
    let mut faults = Vec::new();
    if arrival.method != "POST" {
        faults.push(format!("came by {}", arrival.method));
    }
    if header("content-type") != Some("application/cloudevents+json") {
        faults.push(format!("its content type is {:?}", header("content-type")));
    }
    if header("accept-encoding").is_some_and(|encoding| encoding != "identity") {
        faults.push("asks for a compressed answer".to_owned());
    }
    for name in ["cookie", "authorization", "content-encoding"] {
        if header(name).is_some() {
            faults.push(format!("has the header {name}"));
        }
    }
    let timestamp = header("webhook-timestamp").and_then(|time| time.parse::<i64>().ok());
    if timestamp.is_none_or(|timestamp| (SystemClock.now().timestamp() - timestamp).abs() > TOLERANCE_SECONDS) {
        faults.push(format!("its timestamp is {:?}", header("webhook-timestamp")));
    }
    if id.is_empty() {
        faults.push("its id is empty".to_owned());
    }
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn journal() -> Journal {
        let mut journal = Journal::default();
        journal.trust(&format!("{PREFIX}{}", STANDARD.encode([5; 32])));
        journal
    }

    fn arrival(sequence: u64, data: &str) -> Arrival {
        arrival_at(sequence, data, SystemClock.now().timestamp())
    }

    fn arrival_at(sequence: u64, data: &str, timestamp: i64) -> Arrival {
        let id = format!("B-{sequence}");
        let body = json!({"id": id, "subject": "B", "sequence": sequence.to_string(), "data": data}).to_string();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[5; 32]);
        let tag = hmac::sign(&key, format!("{id}.{timestamp}.{body}").as_bytes());
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", timestamp.to_string()),
            ("webhook-signature", format!("v1,AAAA v1,{}", STANDARD.encode(tag.as_ref()))),
            ("content-type", "application/cloudevents+json".to_owned()),
        ];
        let headers = headers.map(|(name, value)| (name.to_owned(), value)).into();
        Arrival { method: "POST".to_owned(), path: "/hook/0".to_owned(), headers, body: body.into_bytes() }
    }

    #[test]
    fn what_is_signed_arrives_and_is_accepted_in_order() {
        let mut journal = journal();
        for sequence in [1, 3, 2] {
            let id = journal.arrived(arrival(sequence, "x")).expect("it is signed");
            assert!(!journal.has_accepted(&id));
            journal.accept(&id);
            journal.accept("B-1");
        }
        assert_eq!(journal.order_of("B"), [1, 3, 2]);
        assert!(journal.wrong.is_empty(), "{:?}", journal.wrong);
    }

    #[test]
    fn what_is_wrong_with_a_request_is_kept() {
        let mut journal = journal();
        assert!(journal.arrived(arrival(1, "x")).is_some());
        assert!(journal.arrived(arrival(1, "y")).is_some(), "signed, with other bytes");
        let mut forged = arrival(2, "x");
        forged.body[0] = b'[';
        assert!(journal.arrived(forged).is_none());
        let mut odd = arrival(3, "x");
        odd.headers.insert("cookie".to_owned(), "a=b".to_owned());
        odd.method = "GET".to_owned();
        journal.arrived(odd);
        journal.arrived(Arrival::default());
        journal.arrived(arrival_at(4, "x", 17));
        let expected = [
            "B-1: came with other bytes",
            "B-2: no signature is right",
            "B-3: came by GET",
            "B-3: has the header cookie",
            "B-4: its timestamp is Some(\"17\")",
            "a request to  has no webhook-id",
        ];
        assert_eq!(journal.wrong.iter().map(String::as_str).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn two_at_a_time_of_one_subject_are_seen() {
        let mut journal = journal();
        journal.watch_for_overlaps();
        journal.arrived(arrival(1, "x"));
        journal.answers("B-1");
        journal.arrived(arrival(2, "x"));
        assert!(journal.wrong.is_empty(), "{:?}", journal.wrong);
        journal.arrived(arrival(3, "x"));
        assert_eq!(journal.wrong.len(), 1);
    }
}
