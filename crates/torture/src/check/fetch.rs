//! Reading everything back: each shipper's bookings, and the history of each of them.
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
    client::Load,
    crew::{NOBODY, PATIENCE},
    deed::{BOOKINGS, Who, path_of},
    evidence::{frame_of, print_of},
    wire::{Answer, Request, Said, Way},
};

/// Histories that are read at the same time.
const READERS: usize = 8;

/// A booking as it is at the end.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Found {
    pub shipper: usize,
    pub reference: String,
    pub mark: String,
    pub version: u64,
    pub print: u64,
    pub frame: u64,
    pub status: String,
    /// What was booked in the first place.
    pub booked_kg: Option<f64>,
    /// Where the legs in force, or that were when it was cancelled, lead, in order.
    pub way: Vec<[String; 2]>,
    pub ends: [String; 2],
    /// A leg was taken from it: its flight left without it, or was cancelled.
    pub lost_a_leg: bool,
    pub needs_rerouting: bool,
    /// Oldest first.
    pub events: Vec<Event>,
    /// Whether events are numbered from 1 on.
    pub gapless: bool,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Event {
    pub kind: String,
    pub flight: Option<String>,
    pub note: Option<String>,
}

impl Found {
    /// The kinds of its events.
    pub fn story(&self) -> Vec<&str> {
        self.events.iter().map(|event| event.kind.as_str()).collect()
    }

    pub fn last(&self) -> Last {
        Last { version: self.version, print: self.print }
    }
}

/// An answer of now, however long it takes; refusals are for the caller.
pub(super) async fn get(load: &Load, who: Who, path: &str, instance: usize) -> anyhow::Result<Option<Answer>> {
    let began = Instant::now();
    for add in 0.. {
        let way = Way { client: NOBODY, instance: instance + add, hang_up: None };
        let failed = match load.wire.send_quietly(way, load.caller(who), &Request::get(path.to_owned())).await {
            Said::Ok(answer) => return Ok(Some(answer)),
            Said::Refused(refusal) if refusal.code == "not_found" => return Ok(None),
            Said::Refused(refusal) if refusal.is_passing() => {
                load.crew.heed(&refusal, (instance + add) % load.wire.addresses.count().max(1));
                refusal.to_string()
            }
            Said::Refused(refusal) => bail!("{path}: {refusal}"),
            Said::Unknown(error) => error,
        };
        if began.elapsed() > PATIENCE {
            bail!("{path} cannot be read: {failed}");
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    bail!("{path} cannot be read")
}

/// All pages of a list.
pub(super) async fn list(load: &Load, who: Who, path: String) -> anyhow::Result<Vec<Value>> {
    let (mut entries, mut next) = (Vec::new(), Some(path));
    while let Some(path) = next {
        let Some(mut page) = get(load, who, &path, 0).await? else { bail!("there is no {path}") };
        entries.extend(page.body.as_array_mut().map(std::mem::take).unwrap_or_default());
        next = page.next;
    }
    Ok(entries)
}

/// The bookings of both shippers. One that is on the list and cannot be read is there without anything.
pub(super) async fn bookings(load: &Arc<Load>) -> anyhow::Result<Vec<Found>> {
    let mut waiting = VecDeque::new();
    for shipper in 0..2 {
        for booking in list(load, Who::Shipper(shipper), format!("{BOOKINGS}?limit=100")).await? {
            waiting.push_back((shipper, booking["ref_id"].as_str().unwrap_or_default().to_owned()));
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
                let history = history(&load, shipper, &reference, reader).await?;
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

/// All of it: the answer has the newest events, and leads to older ones.
async fn history(load: &Load, shipper: usize, reference: &str, reader: usize) -> anyhow::Result<Option<Value>> {
    let path = format!("{}/history", path_of(reference));
    let Some(Answer { mut body, mut previous, .. }) = get(load, Who::Shipper(shipper), &path, reader).await? else {
        return Ok(None);
    };
    while let Some(path) = previous {
        let Some(mut older) = get(load, Who::Shipper(shipper), &path, reader).await? else { break };
        if let (Some(older), Some(timeline)) = (older.body["timeline"].as_array_mut(), body["timeline"].as_array_mut())
        {
            timeline.splice(..0, std::mem::take(older));
        }
        previous = older.previous;
    }
    Ok(Some(body))
}

fn read(shipper: usize, history: &Value) -> Found {
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
        version: booking["version"].as_u64().unwrap_or_default(),
        print: print_of(booking),
        frame: frame_of(booking),
        status: text(&booking["status"]),
        booked_kg: events().next().and_then(|event| event["weight_kg"].as_f64()),
        way: legs.iter().map(|leg| [text(&leg["origin"]), text(&leg["destination"])]).collect(),
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
