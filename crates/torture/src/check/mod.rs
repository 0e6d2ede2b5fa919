//! The check after the load, with all faults healed: what was acknowledged is held against what is there.
mod audit;
mod bookings;
mod fates;
mod fetch;
mod flights;
mod imports;
mod versions;

use std::{collections::BTreeMap, sync::Arc};

pub(super) use self::{audit::audit, flights::oversold};
use self::{fates::Fates, fetch::Found};
use super::{
    client::Load,
    deed::Deed,
    evidence::{Breach, Promise},
};

/// How much was looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub(super) struct Checked {
    pub bookings: usize,
    pub events: usize,
    pub flights: usize,
    pub acknowledged: usize,
    pub refused: usize,
    pub unknown: usize,
}

/// Holds all that the clients asked for against what the servers show now.
pub(super) async fn check(load: &Arc<Load>, deeds: &[Deed]) -> anyhow::Result<(Vec<Breach>, Checked)> {
    let found = fetch::bookings(load).await?;
    let fates = Fates::of(deeds);
    let mut breaches = bookings::judge(&found, deeds, &fates, &load.run);
    breaches.extend(fates::judge(&found, deeds));
    let (seen, mut seen_flights) = {
        let mut evidence = load.evidence.get();
        (std::mem::take(&mut evidence.seen), std::mem::take(&mut evidence.flights))
    };
    let found: BTreeMap<_, _> = found.into_iter().map(|found| (found.reference.clone(), found)).collect();
    for (reference, seen) in seen {
        breaches.extend(versions::judge(&reference, &seen, found.get(&reference).map(Found::last)));
    }
    let flights = load.schedule.all();
    for flight in &flights {
        let seen = seen_flights.remove(&flight.id).unwrap_or_default();
        breaches.extend(flights::judge(load, flight, &fates, &seen).await?);
    }
    breaches.extend(imports::judge(load, deeds).await?);
    let count = |which: fn(&Deed) -> bool| deeds.iter().filter(|deed| which(deed)).count();
    let checked = Checked {
        bookings: found.len(),
        events: found.values().map(|found| found.events.len()).sum(),
        flights: flights.len(),
        acknowledged: count(|deed| deed.ack.is_some()),
        refused: count(Deed::was_refused),
        unknown: count(|deed| deed.ack.is_none() && !deed.was_refused()),
    };
    Ok((breaches, checked))
}

fn lost(what: String) -> Breach {
    Breach { promise: Promise::NothingLost, what }
}
