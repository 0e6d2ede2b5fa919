//! Webhooks of the shippers and one of the carrier, with a receiver that fails, hangs, redirects and comes back during the load.
//! After it the receiver is sound, and what has arrived is compared with the outbox.
mod journal;
mod outage;
mod phases;
mod receiver;
mod truth;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};

pub(super) use self::truth::Truth;
use self::{
    journal::Journal,
    receiver::{Endpoint, Receiver},
    truth::without_source,
};
use super::{
    check::{answer, list},
    client::Load,
    evidence::{Breach, Promise},
    operation::{
        Actor, BOOKINGS,
        hold::{HOLDS, WAITLIST},
    },
    wire::{Answer, Request},
};

const WEBHOOKS: &str = "/api/v1/webhooks";
/// How long nothing may arrive of what is missing at the end, once the receiver is sound.
const STANDSTILL: Duration = Duration::from_secs(45);
/// The same after a breach: the run has its result.
const STANDSTILL_AFTER_BREACH: Duration = Duration::from_secs(10);
/// How long a webhook may take to be at rest when everything has arrived.
const RESTS_WITHIN: Duration = Duration::from_secs(30);
/// How long a webhook may take to be found once it was made.
const FOUND_WITHIN: Duration = Duration::from_secs(5);
/// Breaches of one kind that are reported.
const SHOWN: usize = 5;

/// What servers under test are told: the receiver is on this machine, and a run is shorter than the usual intervals.
pub(super) const SETTINGS: [&str; 2] =
    ["webhooks.trusted_networks=127.0.0.0/8", "webhooks.retry_seconds=1,1,2,2,3,3,4,4,5,5,5,5"];

/// The subscribers, each with the kinds of events that it subscribes to.
const WANTED: [(Actor, &[&str]); 4] = [
    (Actor::Staff, &["booking", "hold", "waitlist", "payment", "flight"]),
    (Actor::Shipper(0), &["booking"]),
    (Actor::Shipper(1), &["booking", "hold", "waitlist"]),
    (Actor::Payer(0), &["booking"]),
];

/// What has arrived.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Arrived {
    pub webhooks: usize,
    pub messages: usize,
    pub requests: usize,
    /// Requests that the receiver did not accept.
    pub refused: usize,
}

struct Subscription {
    id: String,
    actor: Actor,
    kinds: &'static [&'static str],
}

pub(super) struct Hooks {
    load: Arc<Load>,
    truth: Truth,
    receiver: Receiver,
    /// In the order of the receiver's places.
    subscriptions: Vec<Subscription>,
    /// Ids of events that are older than the webhooks.
    older: BTreeSet<String>,
}

/// What must have arrived at one webhook, and what may have.
struct Expected {
    due: BTreeMap<String, Value>,
    possible: BTreeMap<String, Value>,
}

impl Hooks {
    /// Makes the webhooks, and starts the receiver with its phases.
    pub async fn begin(load: &Arc<Load>, truth: Truth, seed: u64, time: Duration) -> anyhow::Result<Self> {
        let mut receiver = Receiver::open(WANTED.len()).await?;
        let mut subscriptions = Vec::new();
        for (number, ((actor, kinds), endpoint)) in WANTED.into_iter().zip(&*receiver.endpoints).enumerate() {
            let (id, secret) = subscribe(load, actor, kinds, &receiver.url(number)).await?;
            endpoint.journal().trust(&secret);
            subscriptions.push(Subscription { id, actor, kinds });
        }
        let older = truth.events().await?.iter().map(id_of).collect();
        receiver.begin_phases(seed, time);
        Ok(Self { load: Arc::clone(load), truth, receiver, subscriptions, older })
    }

    /// Lets the receiver be sound, and compares what has arrived once nothing waits.
    pub async fn judge(mut self) -> anyhow::Result<(Vec<Breach>, Arrived)> {
        self.receiver.end_phases().await;
        let mut wrong = self.missing().await?;
        if wrong.is_empty() {
            wrong.extend(self.still_waiting().await?);
            wrong.extend(outage::rehearse(&self).await?);
        }
        let mut arrived = Arrived { webhooks: self.subscriptions.len(), ..Arrived::default() };
        for number in 0..self.subscriptions.len() {
            wrong.extend(self.unexpected(number).await?);
            let Some(endpoint) = self.endpoint(number) else { continue };
            let journal = endpoint.journal();
            arrived.messages += journal.messages.len();
            arrived.requests += journal.arrivals;
            arrived.refused += journal.refused;
            wrong.extend(shown(journal.wrong.iter().map(|what| format!("webhook {number}: {what}"))));
        }
        self.receiver.close().await;
        let breach = |what| Breach { promise: Promise::Notified, what };
        Ok((wrong.into_iter().map(breach).collect(), arrived))
    }

    fn endpoint(&self, number: usize) -> Option<&Endpoint> {
        self.receiver.endpoints.get(number)
    }

    /// Waits until everything has arrived that was committed, or nothing has for some time; returns what has not.
    async fn missing(&self) -> anyhow::Result<Vec<String>> {
        let (mut changed, mut before) = (Instant::now(), None);
        loop {
            let (mut missing, mut due, mut absent) = (Vec::new(), 0, 0);
            for (number, subscription) in self.subscriptions.iter().enumerate() {
                let expected = self.expected(subscription).await?;
                due += expected.due.len();
                let Some(endpoint) = self.endpoint(number) else { continue };
                let journal = endpoint.journal();
                absent += expected.due.keys().filter(|id| !journal.has_accepted(id)).count();
                missing.extend(missing_at(number, &journal, &expected));
            }
            if before != Some((due, absent)) {
                (before, changed) = (Some((due, absent)), Instant::now());
            } else if absent == 0 {
                return Ok(missing);
            }
            let has_breach = !self.load.evidence.get().breaches.is_empty();
            if changed.elapsed() > if has_breach { STANDSTILL_AFTER_BREACH } else { STANDSTILL } {
                return Ok(missing);
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    async fn expected(&self, subscription: &Subscription) -> anyhow::Result<Expected> {
        let own = own_subjects(&self.load, subscription).await?;
        let events = self.truth.events().await?;
        let of_kind = |event: &Value| {
            let kind = event["type"].as_str().and_then(|kind| kind.strip_prefix("loadmaster.")?.split('.').next());
            kind.is_some_and(|kind| subscription.kinds.contains(&kind))
        };
        let is_own = |event: &Value| {
            own.as_ref().is_none_or(|own| event["subject"].as_str().is_some_and(|subject| own.contains(subject)))
        };
        let wanted = events.iter().filter(|event| of_kind(event) && is_own(event));
        let possible: BTreeMap<_, _> = wanted.map(|event| (id_of(event), without_source(event))).collect();
        let due = possible.iter().filter(|(id, _)| !self.older.contains(*id));
        Ok(Expected { due: due.map(|(id, event)| (id.clone(), event.clone())).collect(), possible })
    }

    /// Webhooks that are not at rest, although everything has arrived.
    async fn still_waiting(&self) -> anyhow::Result<Vec<String>> {
        let began = Instant::now();
        loop {
            let mut found = Vec::new();
            for (number, subscription) in self.subscriptions.iter().enumerate() {
                let webhook = webhook(&self.load, &subscription.id).await?;
                let (status, waiting) = (&webhook["status"], &webhook["waiting"]);
                if *status != "ACTIVE" || *waiting != 0 {
                    found.push(format!("webhook {number}: all has arrived, but it is {status}, and {waiting} wait"));
                }
            }
            if found.is_empty() || began.elapsed() > RESTS_WITHIN {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// What has arrived at a webhook and was not committed so, or is not for it.
    async fn unexpected(&self, number: usize) -> anyhow::Result<Vec<String>> {
        let Some((subscription, endpoint)) = self.subscriptions.get(number).zip(self.endpoint(number)) else {
            return Ok(Vec::new());
        };
        // What has arrived was committed before: it must be in an outbox that is read later.
        let arrived: BTreeSet<String> = endpoint.journal().messages.keys().cloned().collect();
        let expected = self.expected(subscription).await?;
        Ok(surplus(number, &endpoint.journal(), &arrived, &expected))
    }
}

/// Events that were committed and never accepted.
fn missing_at(number: usize, journal: &Journal, expected: &Expected) -> Vec<String> {
    let absent = expected.due.iter().filter(|(id, _)| !journal.has_accepted(id));
    shown(absent.map(|(id, event)| {
        let attempts = journal.messages.get(id).map_or(0, |message| message.attempts);
        format!("webhook {number}: {} {id} was committed and has not arrived ({attempts} attempts)", event["type"])
    }))
}

/// Events that have arrived and are not in the outbox so, and more than one source.
fn surplus(number: usize, journal: &Journal, arrived: &BTreeSet<String>, expected: &Expected) -> Vec<String> {
    let mut found = Vec::new();
    let mut sources = BTreeSet::new();
    for (id, message) in arrived.iter().filter_map(|id| Some((id, journal.messages.get(id)?))) {
        sources.insert(message.event["source"].to_string());
        match expected.possible.get(id) {
            None => found.push(format!(
                "webhook {number}: {} {id} has arrived, but was not committed, or is not for it",
                message.event["type"]
            )),
            Some(committed) if *committed != without_source(&message.event) => {
                found.push(format!("webhook {number}: {id} arrived as {}, committed was {committed}", message.event));
            }
            Some(_) => {}
        }
    }
    if sources.len() > 1 {
        found.push(format!("webhook {number}: events have the sources {sources:?}"));
    }
    shown(found.into_iter())
}

/// The first of them, and how many more there are.
fn shown(mut found: impl Iterator<Item = String>) -> Vec<String> {
    let mut first: Vec<_> = found.by_ref().take(SHOWN).collect();
    let more = found.count();
    if more > 0 {
        first.push(format!("and {more} more like the one before"));
    }
    first
}

fn id_of(event: &Value) -> String {
    event["id"].as_str().unwrap_or_default().to_owned()
}

/// The subjects of an organization's events; `None`: those of everybody.
async fn own_subjects(load: &Load, subscription: &Subscription) -> anyhow::Result<Option<BTreeSet<String>>> {
    if matches!(subscription.actor, Actor::Staff) {
        return Ok(None);
    }
    let organization = &load.caller(subscription.actor).organization;
    let mut subjects = BTreeSet::new();
    for kind in subscription.kinds {
        let (path, member) = match *kind {
            "booking" => (format!("{BOOKINGS}?limit=100&organization_id={organization}"), "ref_id"),
            "hold" => (format!("{HOLDS}?limit=100&organization_id={organization}"), "id"),
            "waitlist" => (format!("{WAITLIST}?limit=100&organization_id={organization}"), "id"),
            _ => continue,
        };
        let listed = list(load, Actor::Staff, path).await?;
        subjects.extend(listed.iter().filter_map(|one| one[member].as_str().map(str::to_owned)));
    }
    Ok(Some(subjects))
}

/// Makes a webhook; returns its id and secret. Customers may not send to networks that operators trust, so the carrier changes
/// their addresses.
async fn subscribe(load: &Load, actor: Actor, kinds: &[&str], url: &str) -> anyhow::Result<(String, String)> {
    let is_staff = matches!(actor, Actor::Staff);
    let types: Vec<_> = kinds.iter().map(|kind| format!("loadmaster.{kind}.*")).collect();
    let (first, scope) = if is_staff { (url, "all") } else { ("https://receiver.example/", "organization") };
    let body = json!({"url": first, "types": types, "scope": scope});
    let request = Request { method: Method::POST, path: WEBHOOKS.to_owned(), body: Some(body), ..Request::default() };
    let Answer { body, .. } = answer(load, actor, &request, 0).await?.context("there are no webhooks")?;
    let text = |member: &str| body[member].as_str().map(str::to_owned).with_context(|| format!("no {member}"));
    let (id, secret) = (text("id")?, text("secret")?);
    let made = Instant::now();
    // A system that acknowledges too early is judged by its bookings.
    while webhook(load, &id).await.is_err() && made.elapsed() < FOUND_WITHIN {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    if !is_staff {
        let if_match = webhook(load, &id).await?["version"].as_u64();
        let (path, body) = (format!("{WEBHOOKS}/{id}"), Some(json!({"url": url})));
        let change = Request { method: Method::PATCH, path, if_match, body, ..Request::default() };
        answer(load, Actor::Staff, &change, 0).await?.context("an operator finds each webhook")?;
    }
    Ok((id, secret))
}

async fn webhook(load: &Load, id: &str) -> anyhow::Result<Value> {
    let request = Request::get(format!("{WEBHOOKS}/{id}"));
    Ok(answer(load, Actor::Staff, &request, 0).await?.context("a webhook is gone")?.body)
}

#[cfg(test)]
mod tests;
