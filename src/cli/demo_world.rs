//! A world for demonstrations: invented companies whose shipments are in every state, and flights that depart and arrive
//! as time goes on. Everything happens through the API, as for any other caller, and only in a private database.
//!
//! The last two days are lived through when the database is new, with a clock that runs through them: every event has the
//! time at which it would have happened.
mod actor;
mod past;
mod people;
mod present;
mod shipments;
mod stations;

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use loadmaster_flights::FlightService;
use loadmaster_platform::{clock::ManualClock, room::Worker, shutdown::stopped_within};
use loadmaster_rates::RateService;
use tokio_util::sync::CancellationToken;

use super::demo_timetable;

use crate::app::{AppState, Resources};

use actor::Stage;
pub use people::SignIn;

/// How far the past goes back.
const PAST: TimeDelta = TimeDelta::hours(48);
/// How often the world goes on.
const TICK: Duration = Duration::from_mins(1);

/// Creates the people of the world, if they do not exist. Returns the sign-ins that this call created.
pub async fn people(state: &AppState) -> anyhow::Result<Vec<SignIn>> {
    people::create(state).await
}

/// Lives through the past if nothing has happened yet, then goes on. `parts` are those of the server.
pub(super) fn living(parts: Resources) -> Worker {
    Box::new(move |stop| {
        Box::pin(async move {
            if let Err(error) = Box::pin(live(parts, &stop)).await {
                tracing::error!(%error, "the demo stands still");
            }
        })
    })
}

async fn live(parts: Resources, stop: &CancellationToken) -> anyhow::Result<()> {
    let stage = Stage::open(parts.clone()).await?;
    match Box::pin(stations::describe(&stage)).await {
        Ok(stations) => tracing::debug!(stations, "stations of the demo were described"),
        Err(error) => tracing::warn!(%error, "the stations of the demo could not be described"),
    }
    if !present::has_begun(&stage).await? {
        let now = stage.state.clock.now();
        if let Err(error) = Box::pin(live_through(parts.clone(), now - PAST, now, stop)).await {
            tracing::warn!(%error, "the past of the demo could not be lived through");
        }
    }
    match Box::pin(invent_prices(parts)).await {
        Ok(lanes) => tracing::debug!(lanes, "a history of prices was invented"),
        Err(error) => tracing::warn!(%error, "no history of prices could be invented for the demo"),
    }
    while !stopped_within(stop, TICK).await {
        if let Err(error) = present::go_on(&stage).await {
            tracing::warn!(%error, "the demo could not go on");
        }
    }
    Ok(())
}

/// Invents what lanes cost before today. Returns the number of lanes.
pub async fn invent_prices(parts: Resources) -> anyhow::Result<usize> {
    let rates: RateService = Stage::open(parts).await?.state.service()?;
    Ok(Box::pin(rates.for_background().invent_history()).await?)
}

/// Describes some stations, each once: what was ever written about a station stays. Returns the number of those described.
pub async fn describe_stations(parts: Resources) -> anyhow::Result<usize> {
    let stage = Stage::open(parts).await?;
    Box::pin(stations::describe(&stage)).await
}

/// Lives through the time between two instants: schedules its flights, books shipments on them, lets them depart and
/// arrive, and delivers. `parts` are those of the server; its people must exist.
pub async fn live_through(
    parts: Resources,
    from: DateTime<Utc>,
    now: DateTime<Utc>,
    stop: &CancellationToken,
) -> anyhow::Result<()> {
    let clock = ManualClock::at(from);
    let stage = Stage::open(Resources { clock: Arc::new(clock.clone()), ..parts }).await?;
    let reference = stage.state.service()?;
    let days = u64::try_from((now - from).num_days()).unwrap_or_default() + 6;
    let flights = demo_timetable::timetable(&reference, from.date_naive(), days);
    let flights = flights.into_iter().filter(|flight| flight.departure >= from).collect();
    stage.state.service::<FlightService>()?.add_missing(flights).await?;
    past::live(&stage, &clock, now, stop).await
}
