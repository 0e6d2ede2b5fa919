//! The check after the load, with all faults over: compares every operation with the state of the system.
mod audit;
mod bookings;
mod entries;
mod fetch;
mod flight_requests;
mod flights;
mod holds;
mod imports;
mod positions;
mod spaces;
mod versions;

use std::{collections::BTreeMap, sync::Arc};

use loadmaster_platform::clock::{Clock, SystemClock};

pub(super) use self::{
    audit::audit,
    fetch::{answer, list},
    flights::{oversold, thousandths},
    holds::Tally,
};

use self::{fetch::Found, flight_requests::FlightRequests};
use super::{
    client::Load,
    evidence::{Breach, Gathered, Promise},
    operation::Operation,
};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Checked {
    pub bookings: usize,
    pub events: usize,
    pub flights: usize,
    pub acknowledged: usize,
    pub refused: usize,
    pub unknown: usize,
    pub holds: Tally,
}

/// Compares all operations of the clients with what the servers show now.
pub(super) async fn check(load: &Arc<Load>, operations: &[Operation]) -> anyhow::Result<(Vec<Breach>, Checked)> {
    let held = holds::fetch(load, operations).await?;
    let found = fetch::bookings(load, held.bookings_of_others()).await?;
    let flight_requests = FlightRequests::of(operations);
    let mut breaches = bookings::judge(&found, operations, &flight_requests, &load.run);
    breaches.extend(flight_requests::judge(&found, operations));
    let (seen, mut seen_flights, seen_holds) = {
        let mut evidence = load.evidence.get();
        let Gathered { seen, flights, holds, .. } = &mut *evidence;
        (std::mem::take(seen), std::mem::take(flights), std::mem::take(holds))
    };
    let found: BTreeMap<_, _> = found.into_iter().map(|found| (found.reference.clone(), found)).collect();
    for (reference, seen) in seen {
        breaches.extend(versions::judge(&reference, &seen, found.get(&reference).map(Found::last)));
    }
    breaches.extend(holds::judge(&held, operations, &found, &seen_holds, SystemClock.now()));
    let flights = load.schedule.all();
    breaches.extend(positions::judge(load, &flights, &held, &found).await?);
    breaches.extend(spaces::judge(load, &flights).await?);
    breaches.extend(entries::passed_by(load, &held.entries).await?);
    for flight in &flights {
        let seen = seen_flights.remove(&flight.id).unwrap_or_default();
        breaches.extend(flights::judge(load, flight, &flight_requests, &seen).await?);
    }
    breaches.extend(imports::judge(load, operations).await?);
    let count = |which: fn(&Operation) -> bool| operations.iter().filter(|operation| which(operation)).count();
    let checked = Checked {
        bookings: found.len(),
        events: found.values().map(|found| found.events.len()).sum(),
        flights: flights.len(),
        acknowledged: count(|operation| operation.ack.is_some()),
        refused: count(Operation::was_refused),
        unknown: count(|operation| operation.ack.is_none() && !operation.was_refused()),
        holds: held.tally(),
    };
    Ok((breaches, checked))
}

fn lost(what: String) -> Breach {
    Breach { promise: Promise::NothingLost, what }
}
