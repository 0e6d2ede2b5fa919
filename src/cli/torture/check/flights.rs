//! A flight's room against what is on it.
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::bail;
use serde_json::Value;

use super::{
    fetch::{get, list},
    lost,
};
use crate::cli::torture::{
    client::Load,
    crew::PATIENCE,
    deed::{BOOKINGS, Who},
    evidence::{Breach, Promise},
};

const DIMENSIONS: [&str; 3] = ["weight_kg", "volume_m3", "positions"];

/// In thousandths, as no quantity has more decimals.
#[allow(clippy::cast_possible_truncation, reason = "the API bounds every quantity far below this")]
fn thousandths(value: &Value) -> i64 {
    value.as_f64().map_or(0, |number| (number * 1000.0).round() as i64)
}

/// In words, if more is booked and held than there is, or less than nothing.
pub(in crate::cli::torture) fn oversold(availability: &Value) -> Option<String> {
    DIMENSIONS.into_iter().find_map(|dimension| {
        let figure = |part: &str| thousandths(&availability[part][dimension]);
        let (booked, held, capacity) = (figure("booked"), figure("held"), figure("capacity"));
        let wrong = booked < 0 || held < 0 || booked + held > capacity;
        wrong.then(|| format!("flight {} is oversold in {dimension}: {availability}", availability["flight_id"]))
    })
}

/// What the legs of these bookings take of a flight.
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

/// Between two looks at its room that show the same, the bookings on a flight must add up to it.
pub(super) async fn judge(load: &Load, flight: &str) -> anyhow::Result<Option<Breach>> {
    let path = format!("/api/v1/flights/{flight}/availability");
    let look = async || anyhow::Ok(get(load, Who::Staff, &path, 0).await?.map(|answer| answer.body));
    let began = Instant::now();
    let mut differed = 0;
    loop {
        let Some(before) = look().await? else { return Ok(Some(lost(format!("lost: the flight {flight}")))) };
        if let Some(what) = oversold(&before) {
            return Ok(Some(Breach { promise: Promise::NoOversale, what }));
        }
        let on_it = list(load, Who::Staff, format!("{BOOKINGS}?flight_id={flight}&limit=100")).await?;
        let booked = DIMENSIONS.map(|dimension| (dimension, thousandths(&before["booked"][dimension])));
        let taken = taken(&on_it, flight);
        if taken == booked.into() {
            return Ok(None);
        }
        // What hung up before the end may still be on its way: only what stays wrong is wrong.
        differed += 1;
        if differed >= 5 && look().await?.is_some_and(|now| now["booked"] == before["booked"]) {
            let what = format!(
                "flight {flight} has {} booked, and its {} bookings take {taken:?} thousandths",
                before["booked"],
                on_it.len()
            );
            return Ok(Some(Breach { promise: Promise::BooksAgree, what }));
        }
        if began.elapsed() > PATIENCE {
            bail!("flight {flight} does not come to rest");
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
        let room = |booked: f64| json!({"flight_id": "f", "capacity": {"weight_kg": 100}, "booked": {"weight_kg": booked}, "held": {"weight_kg": 0.5}});
        assert_eq!(oversold(&room(99.5)), None);
        assert!(oversold(&room(99.6)).is_some_and(|what| what.contains("weight_kg")));
        assert!(oversold(&room(-0.1)).is_some());
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
}
