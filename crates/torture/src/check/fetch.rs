//! Reads everything back: the bookings of each shipper and those that holds of others have become, with their histories.
use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::bail;
use serde_json::Value;
use tokio::task::JoinSet;

use super::versions::Last;
use crate::{
    callers::{GIVE_UP_AFTER, NO_CLIENT},
    client::Load,
    evidence::{fingerprint_of, fixed_of},
    operation::{Actor, BOOKINGS, path_of},
    wire::{Answer, Delivery, Outcome, Request},
};

const READERS: usize = 8;

/// A booking at the end of the run.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Found {
    /// `None` if it belongs to a guest or to the carrier.
    pub shipper: Option<usize>,
    pub reference: String,
    pub mark: String,
    /// The hold that it was made of.
    pub hold: Option<String>,
    pub version: u64,
    pub fingerprint: u64,
    pub fixed: u64,
    pub status: String,
    /// The weight that was booked originally.
    pub booked_kg: Option<f64>,
    /// Origin and destination of each leg in force, or in force at the cancellation, in order.
    pub sectors: Vec<[String; 2]>,
    pub ends: [String; 2],
    /// The flights of these legs.
    pub flights: Vec<String>,
    /// Whether a flight departed without it or was cancelled.
    pub lost_a_leg: bool,
    pub needs_rerouting: bool,
    pub events: Vec<Event>,
    /// Whether events are numbered from 1 without gaps.
    pub gapless: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Event {
    pub kind: String,
    pub flight: Option<String>,
    pub note: Option<String>,
}

impl Found {
    pub fn story(&self) -> Vec<&str> {
        self.events.iter().map(|event| event.kind.as_str()).collect()
    }

    pub fn last(&self) -> Last {
        Last { version: self.version, fingerprint: self.fingerprint }
    }
}

pub(super) async fn get(load: &Load, actor: Actor, path: &str, instance: usize) -> anyhow::Result<Option<Answer>> {
    answer(load, actor, &Request::get(path.to_owned()), instance).await
}

/// Retries until there is an answer; `None` when there is no such thing.
pub(crate) async fn answer(
    load: &Load,
    actor: Actor,
    request: &Request,
    instance: usize,
) -> anyhow::Result<Option<Answer>> {
    let (path, began) = (&request.path, Instant::now());
    for add in 0.. {
        let delivery = Delivery { client: NO_CLIENT, instance: instance + add, hang_up: None };
        let failed = match load.wire.send_unrecorded(delivery, &load.caller(actor), request).await {
            Outcome::Ok(answer) => return Ok(Some(answer)),
            Outcome::Refused(refusal) if refusal.code == "not_found" => return Ok(None),
            Outcome::Refused(refusal) if refusal.is_passing() => {
                load.callers.note_refusal(&refusal, (instance + add) % load.wire.addresses.count().max(1));
                refusal.to_string()
            }
            Outcome::Refused(refusal) => bail!("{path}: {refusal}"),
            Outcome::Unknown(error) => error,
        };
        if began.elapsed() > GIVE_UP_AFTER {
            bail!("{path} is not answered: {failed}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bail!("{path} is not answered")
}

pub(crate) async fn list(load: &Load, actor: Actor, path: String) -> anyhow::Result<Vec<Value>> {
    let (mut entries, mut next) = (Vec::new(), Some(path));
    while let Some(path) = next {
        let Some(mut page) = get(load, actor, &path, 0).await? else { bail!("{path} does not exist") };
        entries.extend(page.body.as_array_mut().map(std::mem::take).unwrap_or_default());
        next = page.next;
    }
    Ok(entries)
}

/// The bookings of both shippers, and these of guests and the carrier. A booking that is listed and cannot be read has no content.
pub(super) async fn bookings(load: &Arc<Load>, of_others: Vec<String>) -> anyhow::Result<Vec<Found>> {
    let mut waiting: VecDeque<_> = of_others.into_iter().map(|reference| (None, reference)).collect();
    for shipper in 0..2 {
        for booking in list(load, Actor::Shipper(shipper), format!("{BOOKINGS}?limit=100")).await? {
            waiting.push_back((Some(shipper), booking["ref_id"].as_str().unwrap_or_default().to_owned()));
        }
    }
    let waiting = Arc::new(Mutex::new(waiting));
    let mut readers = JoinSet::new();
    for reader in 0..READERS {
        let (load, waiting) = (Arc::clone(load), Arc::clone(&waiting));
        readers.spawn(async move {
            let mut found = Vec::new();
            let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            while let Some((shipper, reference)) = next() {
                let history = history(&load, shipper.map_or(Actor::Staff, Actor::Shipper), &reference, reader).await?;
                found.push(history.map_or_else(
                    || Found { shipper, reference, ..Found::default() },
                    |history| read(shipper, &history),
                ));
            }
            anyhow::Ok(found)
        });
    }
    let mut found = Vec::new();
    while let Some(read) = readers.join_next().await {
        found.extend(read??);
    }
    Ok(found)
}

/// The whole history: the first answer has the newest events, and links to older ones.
async fn history(load: &Load, actor: Actor, reference: &str, reader: usize) -> anyhow::Result<Option<Value>> {
    let path = format!("{}/history", path_of(reference));
    let Some(Answer { mut body, mut previous, .. }) = get(load, actor, &path, reader).await? else {
        return Ok(None);
    };
    while let Some(path) = previous {
        let Some(mut older) = get(load, actor, &path, reader).await? else { break };
        if let (Some(older), Some(timeline)) = (older.body["timeline"].as_array_mut(), body["timeline"].as_array_mut())
        {
            timeline.splice(..0, std::mem::take(older));
        }
        previous = older.previous;
    }
    Ok(Some(body))
}

fn read(shipper: Option<usize>, history: &Value) -> Found {
    let (booking, timeline) = (&history["booking"], &history["timeline"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let events = || timeline.as_array().into_iter().flatten();
    let mut legs: Vec<&Value> = booking["legs"].as_array().into_iter().flatten().collect();
    let was_taken = |leg: &&Value| leg["status"] == "OFFLOADED" || leg["status"] == "CANCELLED";
    let lost_a_leg = legs.iter().any(was_taken);
    legs.retain(|leg| leg["status"] != "REPLACED" && !was_taken(leg));
    legs.sort_by_key(|leg| leg["sequence"].as_u64());
    Found {
        shipper,
        reference: text(&booking["ref_id"]),
        mark: text(&booking["customer_reference"]),
        hold: booking["hold_id"].as_str().map(str::to_owned),
        version: booking["version"].as_u64().unwrap_or_default(),
        fingerprint: fingerprint_of(booking),
        fixed: fixed_of(booking),
        status: text(&booking["status"]),
        booked_kg: events().next().and_then(|event| event["weight_kg"].as_f64()),
        sectors: legs.iter().map(|leg| [text(&leg["origin"]), text(&leg["destination"])]).collect(),
        flights: legs.iter().map(|leg| text(&leg["flight_id"])).collect(),
        ends: [text(&booking["origin"]), text(&booking["destination"])],
        lost_a_leg,
        needs_rerouting: booking["needs_rerouting"] == true,
        events: events()
            .map(|event| Event {
                kind: text(&event["event_type"]),
                flight: event["flight_id"].as_str().map(str::to_owned),
                note: event["notes"].as_str().map(str::to_owned),
            })
            .collect(),
        gapless: events().zip(1..).all(|(event, number)| event["sequence"].as_u64() == Some(number)),
    }
}
