//! Compares the space that is held on flights with the holds that keep it.
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    fetch::{get, list},
    flights::{DIMENSIONS, thousandths},
};
use crate::{
    client::Load,
    evidence::{Breach, Promise},
    operation::{
        Actor,
        flight::FLIGHTS,
        hold::{HOLDS, WAITLIST},
    },
    schedule::Flight,
};

/// The time within which space that was set aside for nobody is opened, also after a process died: a sweep every 30 s
/// mends that.
const OPENED_WITHIN: Duration = Duration::from_secs(40);
/// The same when the run has its result already.
const OPENED_WITHIN_AFTER_BREACH: Duration = Duration::from_secs(5);

type HeldSpace = BTreeMap<&'static str, i64>;

/// The space that these holds keep on the flight.
fn kept(holds: &[Value], flight: &str) -> HeldSpace {
    let mut sum: HeldSpace = DIMENSIONS.map(|dimension| (dimension, 0)).into();
    let open = holds.iter().filter(|hold| hold["status"] == "ACTIVE");
    let legs = open.flat_map(|hold| hold["legs"].as_array().into_iter().flatten());
    for leg in legs.filter(|leg| leg["flight_id"] == flight) {
        for (dimension, sum) in &mut sum {
            *sum += thousandths(&leg[*dimension]);
        }
    }
    sum
}

/// Describes space that is held by nobody, or holds without space. Where somebody waits, space may be set aside as well.
fn contradiction(availability: &Value, holds: &[Value], is_awaited: bool) -> Option<String> {
    let flight = availability["flight_id"].as_str().unwrap_or_default();
    let kept = kept(holds, flight);
    let held = |dimension: &str| thousandths(&availability["held"][dimension]);
    let fits = kept.iter().all(|(dimension, kept)| {
        let held = held(dimension);
        held == *kept || (is_awaited && held > *kept)
    });
    (!fits).then(|| {
        format!(
            "flight {flight} has {} held, but its {} open holds keep {kept:?} thousandths{}",
            availability["held"],
            holds.len(),
            if is_awaited { "" } else { ", and nobody waits for it" }
        )
    })
}

async fn examine(load: &Load, flight: &str) -> anyhow::Result<Option<String>> {
    let path = format!("{FLIGHTS}/{flight}/availability");
    let Some(before) = get(load, Actor::Staff, &path, 0).await? else { return Ok(None) };
    let holds = list(load, Actor::Staff, format!("{HOLDS}?flight_id={flight}&status=ACTIVE&limit=100")).await?;
    let waiting = list(load, Actor::Staff, format!("{WAITLIST}?flight_id={flight}&status=WAITING&limit=100")).await?;
    Ok(contradiction(&before.body, &holds, !waiting.is_empty()))
}

/// Checks the held space of each flight. Only a lasting contradiction is a breach: offers are being made.
pub(super) async fn judge(load: &Load, flights: &[Flight]) -> anyhow::Result<Vec<Breach>> {
    let has_result = !load.evidence.get().breaches.is_empty();
    let patience = if has_result { OPENED_WITHIN_AFTER_BREACH } else { OPENED_WITHIN };
    let began = Instant::now();
    let mut left: Vec<&str> = flights.iter().map(|flight| flight.id.as_str()).collect();
    loop {
        let mut wrong = Vec::new();
        for flight in left {
            wrong.extend(examine(load, flight).await?.map(|what| (flight, what)));
        }
        if wrong.is_empty() || began.elapsed() > patience {
            let breach = |(_, what)| Breach { promise: Promise::BooksAgree, what };
            return Ok(wrong.into_iter().map(breach).collect());
        }
        left = wrong.into_iter().map(|(flight, _)| flight).collect();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn held_space_is_that_of_open_holds_and_more_only_while_entries_wait() {
        let space = |held: f64| json!({"flight_id": "f", "held": {"weight_kg": held, "volume_m3": 0, "positions": 0}});
        let hold =
            |status: &str, flight: &str| json!({"status": status, "legs": [{"flight_id": flight, "weight_kg": 10.5}]});
        let holds = [hold("ACTIVE", "f"), hold("EXPIRED", "f"), hold("ACTIVE", "g")];
        assert_eq!(contradiction(&space(10.5), &holds, false), None);
        assert!(contradiction(&space(21.0), &holds, false).is_some_and(|what| what.contains("nobody waits")));
        assert_eq!(contradiction(&space(21.0), &holds, true), None);
        assert!(contradiction(&space(10.4), &holds, true).is_some());
    }
}
