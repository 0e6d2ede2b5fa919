//! With all faults over: the receiver is away while bookings change, and what happened meanwhile arrives in its order. Then it is
//! slow, and each subject has one request at a time.
use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::future::try_join_all;
use reqwest::Method;
use serde_json::json;

use super::{Hooks, phases::Phase, webhook};
use crate::{
    check::answer,
    client::Load,
    operation::{Actor, BOOKINGS, Kind, step},
    wire::Request,
};

const BOOKED: usize = 5;
const STEPS: [Kind; 3] = [Kind::Depart, Kind::Arrive, Kind::Deliver];
/// The webhooks that hear of it: the carrier's, and that of the payer who books.
const HEARING: [usize; 2] = [0, 3];
const PATIENCE: Duration = Duration::from_mins(1);

/// Returns what was wrong.
pub(super) async fn rehearse(hooks: &Hooks) -> anyhow::Result<Vec<String>> {
    turn(hooks, Phase::Failing(500));
    let references = changes(&hooks.load, "away").await?;
    let mut wrong = not_failing(hooks).await?;
    turn(hooks, Phase::Sound);
    wrong.extend(out_of_order(hooks, &references).await?);
    for endpoint in HEARING.into_iter().filter_map(|number| hooks.endpoint(number)) {
        endpoint.journal().watch_for_overlaps();
    }
    turn(hooks, Phase::Slow);
    let references = changes(&hooks.load, "slow").await?;
    wrong.extend(out_of_order(hooks, &references).await?);
    Ok(wrong)
}

fn turn(hooks: &Hooks, phase: Phase) {
    HEARING.into_iter().filter_map(|number| hooks.endpoint(number)).for_each(|endpoint| endpoint.turn(phase));
}

/// Takes some bookings from booking to delivery, side by side; returns their references.
async fn changes(load: &Load, why: &str) -> anyhow::Result<Vec<String>> {
    try_join_all((0..BOOKED).map(|number| change(load, why, number))).await
}

async fn change(load: &Load, why: &str, number: usize) -> anyhow::Result<String> {
    let (flight, mark) = (&load.roomy, format!("{}-{why}-{number}", load.run));
    let order = json!({
        "origin": flight.origin, "destination": flight.destination, "pieces": 1, "weight_kg": 1,
        "customer_reference": mark, "flight_ids": [flight.id],
    });
    let (path, body) = (BOOKINGS.to_owned(), Some(order));
    let book = Request { method: Method::POST, path, key: Some(mark.clone()), body, ..Request::default() };
    let booked = answer(load, Actor::Payer(0), &book, number).await?.context("a booking is made")?;
    let reference = booked.body["ref_id"].as_str().context("a booking has a reference")?.to_owned();
    for kind in STEPS {
        let request = Request { key: Some(format!("{mark}-{}", kind.name())), ..step(kind, &reference) };
        answer(load, Actor::Staff, &request, number).await?.context("a booking is there")?;
    }
    Ok(reference)
}

/// After five failures in a row a webhook rests. It has more than that to tell.
async fn not_failing(hooks: &Hooks) -> anyhow::Result<Vec<String>> {
    let began = Instant::now();
    loop {
        let mut wrong = Vec::new();
        for number in HEARING {
            let Some(subscription) = hooks.subscriptions.get(number) else { continue };
            let status = webhook(&hooks.load, &subscription.id).await?["status"].clone();
            if status != "FAILING" {
                wrong.push(format!("webhook {number}: it is {status}, although every attempt fails"));
            }
        }
        if wrong.is_empty() || began.elapsed() > PATIENCE {
            return Ok(wrong);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Waits until the events of these bookings have arrived; returns those that did not come by their sequence.
async fn out_of_order(hooks: &Hooks, references: &[String]) -> anyhow::Result<Vec<String>> {
    let (began, events) = (Instant::now(), hooks.truth.events().await?);
    let committed = |reference: &String| {
        let of_it = events.iter().filter(|event| event["subject"] == *reference);
        let mut sequences: Vec<u64> = of_it.filter_map(|event| event["sequence"].as_str()?.parse().ok()).collect();
        sequences.sort_unstable();
        sequences
    };
    loop {
        let (mut wrong, mut is_whole) = (Vec::new(), true);
        for (number, endpoint) in HEARING.into_iter().filter_map(|number| Some((number, hooks.endpoint(number)?))) {
            for reference in references {
                let (order, committed) = (endpoint.journal().order_of(reference), committed(reference));
                is_whole &= order.len() >= committed.len();
                if order != committed {
                    wrong.push(format!("webhook {number}: {reference} came as {order:?}; committed was {committed:?}"));
                }
            }
        }
        if is_whole || began.elapsed() > PATIENCE {
            return Ok(wrong);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
