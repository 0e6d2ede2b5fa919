//! The check after the load, with all faults healed: what was acknowledged is held against what is there.
mod audit;
mod bookings;
mod fetch;
mod flights;
mod versions;

use std::{collections::BTreeMap, sync::Arc};

pub(super) use self::{audit::audit, flights::oversold};
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
    let mut breaches = bookings::judge(&found, deeds, &load.run);
    let seen = std::mem::take(&mut load.evidence.get().seen);
    let found: BTreeMap<_, _> = found.into_iter().map(|found| (found.reference.clone(), found)).collect();
    for (reference, seen) in seen {
        breaches.extend(versions::judge(&reference, &seen, found.get(&reference)));
    }
    let flights = load.schedule.all();
    for flight in &flights {
        breaches.extend(flights::judge(load, flight).await?);
    }
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
