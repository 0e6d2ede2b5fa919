//! Compares a flight with its bookings: its space, its status, and its versions.
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::bail;
use serde_json::Value;

use super::{
    fetch::{get, list},
    flight_requests::FlightRequests,
    lost,
    versions::{self, Last},
};
use crate::{
    callers::GIVE_UP_AFTER,
    client::Load,
    evidence::{Breach, Promise, Seen, flight_fingerprint_of},
    operation::{Actor, BOOKINGS, flight::FLIGHTS},
    schedule::Flight,
};

pub(super) const DIMENSIONS: [&str; 3] = ["weight_kg", "volume_m3", "positions"];

/// In thousandths: no quantity has more decimals.
#[allow(clippy::cast_possible_truncation, reason = "the API bounds every quantity far below this")]
pub(crate) fn thousandths(value: &Value) -> i64 {
    value.as_f64().map_or(0, |number| (number * 1000.0).round() as i64)
}

/// Describes a flight with more booked and held than its capacity, or with less than nothing.
pub(crate) fn oversold(availability: &Value) -> Option<String> {
    DIMENSIONS.into_iter().find_map(|dimension| {
        let figure = |part: &str| thousandths(&availability[part][dimension]);
        let (booked, held, capacity) = (figure("booked"), figure("held"), figure("capacity"));
        let wrong = booked < 0 || held < 0 || booked + held > capacity;
        wrong.then(|| format!("flight {} is oversold in {dimension}: {availability}", availability["flight_id"]))
    })
}

/// The space that the legs of these bookings take on the flight.
fn taken(bookings: &[Value], flight: &str) -> BTreeMap<&'static str, i64> {
    let legs = bookings.iter().flat_map(|booking| booking["legs"].as_array().into_iter().flatten());
    let holds = |leg: &&Value| {
        leg["flight_id"] == flight
            && leg["status"].as_str().is_some_and(|status| ["BOOKED", "DEPARTED", "ARRIVED"].contains(&status))
    };
    let mut sum: BTreeMap<_, _> = DIMENSIONS.map(|dimension| (dimension, 0)).into();
    for leg in legs.filter(holds) {
        for (dimension, sum) in &mut sum {
            *sum += thousandths(&leg[*dimension]);
        }
    }
    sum
}

/// A leg that contradicts the status of its flight. Cargo that was cancelled in the air stays there.
fn stranded(bookings: &[Value], flight: &str, status: &str) -> Option<String> {
    let impossible: &[&str] = match status {
        "DEPARTED" => &["BOOKED"],
        "ARRIVED" => &["BOOKED", "DEPARTED"],
        "CANCELLED" => &["BOOKED", "DEPARTED", "ARRIVED"],
        _ => &[],
    };
    bookings.iter().filter(|booking| booking["status"] != "CANCELLED").find_map(|booking| {
        let mut legs = booking["legs"].as_array().into_iter().flatten();
        let is_one = |leg: &&Value| {
            leg["flight_id"] == flight && leg["status"].as_str().is_some_and(|status| impossible.contains(&status))
        };
        let leg = legs.find(is_one)?;
        Some(format!("flight {flight} is {status}, but a leg of {} on it is {}", booking["ref_id"], leg["status"]))
    })
}

/// Checks everything that a flight shows at the end.
pub(super) async fn judge(
    load: &Load,
    flight: &Flight,
    flight_requests: &FlightRequests<'_>,
    seen: &[Seen],
) -> anyhow::Result<Vec<Breach>> {
    let id = flight.id.as_str();
    let mut breaches: Vec<Breach> = space(load, id).await?.into_iter().collect();
    let Some(now) = get(load, Actor::Staff, &format!("{FLIGHTS}/{id}"), 0).await? else { return Ok(breaches) };
    let (status, version) =
        (now.body["status"].as_str().unwrap_or_default(), now.body["version"].as_u64().unwrap_or_default());
    breaches.extend(versions::judge(id, seen, Some(Last { version, fingerprint: flight_fingerprint_of(&now.body) })));
    breaches.extend(flight_requests.contradiction(id, status));
    if version > flight.version + flight_requests.versions(id) {
        let what = format!(
            "flight {id} is at version {version}, but only {} calls may have changed it",
            flight_requests.versions(id)
        );
        breaches.push(Breach { promise: Promise::OneEffect, what });
    }
    let on_it = list(load, Actor::Staff, format!("{BOOKINGS}?flight_id={id}&limit=100")).await?;
    breaches.extend(stranded(&on_it, id, status).map(lost));
    Ok(breaches)
}

/// Between two reads of its space with the same result, the bookings on a flight must add up to it.
async fn space(load: &Load, flight: &str) -> anyhow::Result<Option<Breach>> {
    let path = format!("/api/v1/flights/{flight}/availability");
    let look = async || anyhow::Ok(get(load, Actor::Staff, &path, 0).await?.map(|answer| answer.body));
    let began = Instant::now();
    let mut differed = 0;
    loop {
        let Some(before) = look().await? else { return Ok(Some(lost(format!("lost: the flight {flight}")))) };
        if let Some(what) = oversold(&before) {
            return Ok(Some(Breach { promise: Promise::NoOversale, what }));
        }
        let on_it = list(load, Actor::Staff, format!("{BOOKINGS}?flight_id={flight}&limit=100")).await?;
        let booked = DIMENSIONS.map(|dimension| (dimension, thousandths(&before["booked"][dimension])));
        let taken = taken(&on_it, flight);
        if taken == booked.into() {
            return Ok(None);
        }
        // A request whose client hung up may still be running: only a lasting difference is a breach.
        differed += 1;
        if differed >= 5 && look().await?.is_some_and(|now| now["booked"] == before["booked"]) {
            let what = format!(
                "flight {flight} has {} booked, but its {} bookings take {taken:?} thousandths",
                before["booked"],
                on_it.len()
            );
            return Ok(Some(Breach { promise: Promise::BooksAgree, what }));
        }
        if began.elapsed() > GIVE_UP_AFTER {
            bail!("flight {flight} keeps changing");
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn more_than_there_is_or_less_than_nothing_is_oversold() {
        let space = |booked: f64| json!({"flight_id": "f", "capacity": {"weight_kg": 100}, "booked": {"weight_kg": booked}, "held": {"weight_kg": 0.5}});
        assert_eq!(oversold(&space(99.5)), None);
        assert!(oversold(&space(99.6)).is_some_and(|what| what.contains("weight_kg")));
        assert!(oversold(&space(-0.1)).is_some());
    }

    #[test]
    fn only_legs_in_force_on_the_flight_count() {
        let leg = |flight: &str, status: &str| json!({"flight_id": flight, "status": status, "weight_kg": 10.5, "positions": 1});
        let bookings = [
            json!({"legs": [leg("f", "BOOKED"), leg("g", "BOOKED")]}),
            json!({"legs": [leg("f", "ARRIVED"), leg("f", "REPLACED"), leg("f", "RELEASED")]}),
        ];
        let expected = [("weight_kg", 21_000), ("volume_m3", 0), ("positions", 2000)];
        assert_eq!(taken(&bookings, "f"), expected.into());
    }

    #[test]
    fn a_departed_or_cancelled_flight_has_no_leg_that_waits_for_it() {
        let booking = |status: &str, leg: &str| json!({"ref_id": "r", "status": status, "legs": [{"flight_id": "f", "status": leg}]});
        assert_eq!(stranded(&[booking("BOOKED", "BOOKED")], "f", "SCHEDULED"), None);
        assert!(stranded(&[booking("BOOKED", "BOOKED")], "f", "DEPARTED").is_some());
        assert_eq!(stranded(&[booking("BOOKED", "OFFLOADED"), booking("DEPARTED", "DEPARTED")], "f", "DEPARTED"), None);
        assert!(stranded(&[booking("DEPARTED", "DEPARTED")], "f", "ARRIVED").is_some());
        assert_eq!(stranded(&[booking("CANCELLED", "DEPARTED")], "f", "ARRIVED"), None);
        assert!(stranded(&[booking("ARRIVED", "ARRIVED")], "f", "CANCELLED").is_some());
    }
}
