//! Compares the operations on holds and on the waitlist with what there is at the end.
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    time::{Duration, Instant},
};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_platform::clock::{Clock, SystemClock};
use serde_json::Value;

use super::{
    entries::{self, FoundEntry},
    fetch::{Found, list},
    lost,
    versions::{self, Last},
};
use crate::{
    callers::GIVE_UP_AFTER,
    client::Load,
    evidence::{Breach, Promise, Seen, hold_fingerprint_of, hold_fixed_of},
    held::TTL_SECONDS,
    operation::{
        Actor, Kind, Operation,
        hold::{HOLDS, lives_too_long},
    },
};

/// By so much the clocks of a staging system may differ from that of the checker.
const SKEW: TimeDelta = TimeDelta::seconds(3);

/// A hold at the end of the run.
#[derive(Debug, Clone, Default)]
pub(super) struct FoundHold {
    pub id: String,
    pub organization: String,
    pub kind: String,
    pub status: String,
    pub end_reason: Option<String>,
    pub mark: String,
    pub version: u64,
    pub fingerprint: u64,
    pub fixed: u64,
    pub booking: Option<String>,
    /// The positions that it names, each with its flight.
    pub names: Vec<(String, String)>,
    pub expires_at: Option<DateTime<Utc>>,
    /// Keeps space for longer than it may.
    pub too_long: Option<String>,
}

/// Everything that the run has left of holds and the waitlist.
#[derive(Debug, Default)]
pub(super) struct State {
    pub holds: Vec<FoundHold>,
    pub entries: Vec<FoundEntry>,
    /// The organizations of the shippers.
    pub shippers: Vec<String>,
}

/// What the report says about them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub(crate) struct Tally {
    pub made: usize,
    pub committed: usize,
    pub released: usize,
    pub expired: usize,
    pub waitlist_entries: usize,
    pub offers: usize,
    pub offers_booked: usize,
    pub offers_declined: usize,
    pub entries_expired: usize,
    /// Entries that wait for several flights.
    pub over_flights: usize,
}

impl State {
    /// The references of the bookings that guests' and the carrier's holds have become.
    pub fn bookings_of_others(&self) -> Vec<String> {
        let others = self.holds.iter().filter(|hold| !self.shippers.contains(&hold.organization));
        others.filter_map(|hold| hold.booking.clone()).collect()
    }

    pub fn tally(&self) -> Tally {
        let own = |status: &str| self.holds.iter().filter(|hold| !hold.is_offer() && hold.status == status).count();
        let ended = |status: &str| self.entries.iter().filter(|entry| entry.status == status).count();
        Tally {
            made: self.holds.iter().filter(|hold| !hold.is_offer()).count(),
            committed: own("COMMITTED"),
            released: own("RELEASED"),
            expired: own("EXPIRED"),
            waitlist_entries: self.entries.len(),
            offers: self.holds.iter().filter(|hold| hold.is_offer()).count(),
            offers_booked: ended("BOOKED"),
            offers_declined: ended("DECLINED"),
            entries_expired: ended("EXPIRED"),
            over_flights: self.entries.iter().filter(|entry| entry.flights.len() > 1).count(),
        }
    }
}

impl FoundHold {
    fn read(hold: &Value) -> Self {
        let text = |member: &str| hold[member].as_str().unwrap_or_default().to_owned();
        Self {
            id: text("id"),
            organization: text("organization_id"),
            kind: text("kind"),
            status: text("status"),
            end_reason: hold["end_reason"].as_str().map(str::to_owned),
            mark: text("description"),
            version: hold["version"].as_u64().unwrap_or_default(),
            fingerprint: hold_fingerprint_of(hold),
            fixed: hold_fixed_of(hold),
            booking: hold["booking_ref"].as_str().map(str::to_owned),
            names: names_in(&hold["position_names"]),
            expires_at: hold["expires_at"].as_str().and_then(|time| time.parse().ok()),
            too_long: lives_too_long(hold),
        }
    }

    fn is_offer(&self) -> bool {
        self.kind == "OFFER"
    }

    fn is_reservation(&self) -> bool {
        self.kind == "RESERVATION"
    }

    fn last(&self) -> Last {
        Last { version: self.version, fingerprint: self.fingerprint }
    }
}

/// The positions in `{"<flight id>": ["P1"]}`, each with its flight.
fn names_in(names: &Value) -> Vec<(String, String)> {
    let of_flight = |(flight, names): (&String, &Value)| {
        let names = names.as_array().cloned().unwrap_or_default().into_iter();
        names.filter_map(|name| Some((flight.clone(), name.as_str()?.to_owned()))).collect::<Vec<_>>()
    };
    names.as_object().into_iter().flatten().flat_map(of_flight).collect()
}

/// The organizations of both shippers, of the staff, and of the guests that have held space.
fn organizations(load: &Load, operations: &[Operation]) -> BTreeSet<String> {
    let own = [Actor::Shipper(0), Actor::Shipper(1), Actor::Staff].map(|actor| load.caller(actor).organization.clone());
    let guests = operations.iter().filter(|operation| matches!(operation.actor, Actor::Guest(_)));
    let guests = guests.filter_map(|operation| Some(operation.ack.as_ref()?.organization.clone()));
    own.into_iter().chain(guests).filter(|organization| !organization.is_empty()).collect()
}

async fn holds(load: &Load, organizations: &BTreeSet<String>, status: &str) -> anyhow::Result<Vec<FoundHold>> {
    let mut found = Vec::new();
    for organization in organizations {
        let path = format!("{HOLDS}?limit=100&organization_id={organization}{status}");
        found.extend(list(load, Actor::Staff, path).await?.iter().map(FoundHold::read));
    }
    Ok(found)
}

/// Reads everything, after all holds that clients made have expired. Those that were made by a server whose clock was
/// wrong may last longer.
pub(super) async fn fetch(load: &Load, operations: &[Operation]) -> anyhow::Result<State> {
    let organizations = organizations(load, operations);
    let began = Instant::now();
    let longest = TimeDelta::seconds(i64::try_from(2 * TTL_SECONDS.1).unwrap_or_default());
    while began.elapsed() < GIVE_UP_AFTER {
        let now = SystemClock.now();
        let active = holds(load, &organizations, "&status=ACTIVE").await?;
        let ends = active.iter().filter(|hold| !hold.is_offer()).filter_map(|hold| hold.expires_at);
        let Some(last) = ends.filter(|end| *end > now - SKEW && *end < now + longest).max() else { break };
        tokio::time::sleep((last - now).to_std().unwrap_or_default() + Duration::from_millis(200)).await;
    }
    let mut found = holds(load, &organizations, "").await?;
    let staff = load.caller(Actor::Staff).organization.clone();
    // The staff of a staging system may have holds of its own.
    let reserved: BTreeSet<&str> = acknowledged(operations, Kind::Reserve).map(|(_, id)| id).collect();
    found.retain(|hold| {
        hold.organization != staff || hold.mark.starts_with(&load.run) || reserved.contains(hold.id.as_str())
    });
    let entries = entries::fetch(load).await?;
    let shippers = [0, 1].map(|number| load.caller(Actor::Shipper(number)).organization.clone());
    Ok(State { holds: found, entries, shippers: shippers.into() })
}

/// The acknowledged operations of a kind, with the ids or references that they were answered with.
fn acknowledged(operations: &[Operation], kind: Kind) -> impl Iterator<Item = (&Operation, &str)> {
    let done = operations.iter().filter(move |operation| operation.kind == kind);
    done.filter_map(|operation| Some((operation, operation.ack.as_ref()?.reference.as_str())))
}

/// Returns every breach that holds and entries show, together with the bookings.
pub(super) fn judge(
    state: &State,
    operations: &[Operation],
    bookings: &BTreeMap<String, Found>,
    seen: &HashMap<String, Vec<Seen>>,
    now: DateTime<Utc>,
) -> Vec<Breach> {
    let mut breaches = marks(state, operations);
    let mut asked: HashMap<&str, Vec<&Operation>> = HashMap::new();
    for operation in operations {
        if let Some(id) = &operation.hold {
            asked.entry(id).or_default().push(operation);
        }
    }
    let at_once = operations.iter().filter(|operation| operation.through_hold && !operation.was_refused());
    let at_once: HashSet<&str> = at_once.filter_map(|operation| operation.mark.as_deref()).collect();
    for hold in &state.holds {
        let asked = asked.get(hold.id.as_str()).map_or(&[][..], Vec::as_slice);
        breaches.extend(bounds(hold, now));
        breaches.extend(endings(hold, asked, at_once.contains(hold.mark.as_str())));
        let seen = seen.get(&hold.id).map_or(&[][..], Vec::as_slice);
        breaches.extend(versions::judge(&hold.id, seen, Some(hold.last())));
    }
    breaches.extend(one_booking_each(state, bookings));
    breaches.extend(entries::judge(&state.entries, operations));
    breaches
}

/// Each hold was asked for once, and each acknowledged one is there as it was acknowledged.
fn marks(state: &State, operations: &[Operation]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let by_id: HashMap<&str, &FoundHold> = state.holds.iter().map(|hold| (hold.id.as_str(), hold)).collect();
    for operation in operations.iter().filter(|operation| matches!(operation.kind, Kind::Hold | Kind::Reserve)) {
        let Some(ack) = &operation.ack else { continue };
        match by_id.get(ack.reference.as_str()) {
            None => breaches.push(lost(format!("lost: the hold {}, acknowledged by call {}", ack.reference, ack.call))),
            Some(hold) if hold.fixed != ack.fixed => {
                let what = format!("the hold {} differs from what call {} acknowledged", ack.reference, ack.call);
                breaches.push(lost(what));
            }
            Some(_) => {}
        }
    }
    let mut by_mark: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for hold in state.holds.iter().filter(|hold| !hold.is_offer() && !hold.is_reservation()) {
        by_mark.entry(&hold.mark).or_default().push(&hold.id);
    }
    for operation in operations.iter().filter(|operation| operation.kind == Kind::Hold || operation.through_hold) {
        let mark = operation.mark.as_deref().unwrap_or_default();
        let there = by_mark.remove(mark).unwrap_or_default();
        if there.len() > 1 {
            let what = format!("{mark} holds space {} times: {}", there.len(), there.join(", "));
            breaches.push(Breach { promise: Promise::OneEffect, what });
        }
        if operation.was_refused() && !there.is_empty() {
            breaches.push(lost(format!("{mark} was refused, but there is the hold {}", there.join(", "))));
        }
    }
    for (mark, there) in by_mark {
        let what = format!("{} ({mark}) is a hold that no client requested", there.join(", "));
        breaches.push(Breach { promise: Promise::OneEffect, what });
    }
    let reserved = operations.iter().filter(|o| o.kind == Kind::Reserve && !o.was_refused()).count();
    let there = state.holds.iter().filter(|hold| hold.is_reservation()).count();
    if there > reserved {
        let what = format!("there are {there} reservations, but {reserved} calls that were not refused requested one");
        breaches.push(Breach { promise: Promise::OneEffect, what });
    }
    breaches
}

/// No hold keeps space for longer than it may.
fn bounds(hold: &FoundHold, now: DateTime<Utc>) -> Option<Breach> {
    let still = || {
        let is_late = hold.status == "ACTIVE" && hold.expires_at.is_some_and(|end| end + SKEW < now);
        is_late.then(|| format!("the hold {} is ACTIVE, but its time is up", hold.id))
    };
    let what = hold.too_long.clone().or_else(still)?;
    Some(Breach { promise: Promise::BooksAgree, what })
}

/// A hold ends once, as an acknowledged operation says or by a flight or time; never by a refused one. `at_once`: an order made
/// and committed it.
fn endings(hold: &FoundHold, asked: &[&Operation], at_once: bool) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let ends = asked.iter().filter(|operation| matches!(operation.kind, Kind::Commit | Kind::Release));
    let acknowledged: Vec<_> = ends.clone().filter_map(|end| Some((end.kind, end.ack.as_ref()?))).collect();
    if let [(_, first), (_, second), ..] = acknowledged.as_slice() {
        let what = format!("the hold {} was ended twice, by calls {} and {}", hold.id, first.call, second.call);
        breaches.push(Breach { promise: Promise::OneEffect, what });
    }
    for (kind, ack) in &acknowledged {
        let is_there = match kind {
            Kind::Commit => hold.status == "COMMITTED" && hold.booking.as_ref() == Some(&ack.reference),
            _ => hold.status == "RELEASED",
        };
        if !is_there {
            let (name, call, status) = (kind.name(), ack.call, &hold.status);
            let what = format!("lost: the {name} of {}, acknowledged by call {call}; it is {status}", hold.id);
            breaches.push(lost(what));
        }
    }
    let possible = |kind: Kind| ends.clone().any(|end| end.kind == kind && !end.was_refused());
    // The offers of the waitlist end with their entries.
    let unasked = !hold.is_offer()
        && match (hold.status.as_str(), hold.end_reason.as_deref()) {
            ("COMMITTED", _) => !possible(Kind::Commit) && !at_once,
            ("RELEASED", Some("CALLER")) => !possible(Kind::Release),
            _ => false,
        };
    if unasked {
        let what = format!("the hold {} is {}, but every call that requested that was refused", hold.id, hold.status);
        breaches.push(Breach { promise: Promise::OneEffect, what });
    }
    if (hold.status == "COMMITTED") != hold.booking.is_some() {
        let what = format!("the hold {} is {} with the booking {:?}", hold.id, hold.status, hold.booking);
        breaches.push(lost(what));
    }
    breaches
}

/// A hold that was committed is one booking, and no other hold is.
fn one_booking_each(state: &State, bookings: &BTreeMap<String, Found>) -> Vec<Breach> {
    let mut made: HashMap<&str, Vec<&str>> = HashMap::new();
    for found in bookings.values() {
        if let Some(hold) = &found.hold {
            made.entry(hold).or_default().push(&found.reference);
        }
    }
    let mut breaches = Vec::new();
    for hold in &state.holds {
        let of_it = made.remove(hold.id.as_str()).unwrap_or_default();
        let expected: Vec<&str> = hold.booking.as_deref().into_iter().collect();
        if of_it != expected {
            let what = format!("the hold {} has the booking {:?}, but became {of_it:?}", hold.id, hold.booking);
            breaches.push(Breach { promise: Promise::OneEffect, what });
        }
    }
    for (hold, of_it) in made {
        breaches.push(lost(format!("{of_it:?} was made of the hold {hold}, which does not exist")));
    }
    breaches
}

#[cfg(test)]
mod tests;
