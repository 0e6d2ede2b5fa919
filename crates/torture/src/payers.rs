//! Shippers who pay by token, on a flight of their own with a tariff of its own. Each holds space, then sends its commit to any
//! server, and repeats it under the same key until the answer is final. After the load, the bookings of the payers are compared
//! with the journal of the provider `test`, which only private servers have. Others, the cancellers, change and cancel what they
//! have paid.
mod bill;
mod canceller;
mod fees;

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context;
use chrono::TimeDelta;
use loadmaster_platform::clock::{Clock, SystemClock};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value, json};

use self::canceller::{Canceller, Cases};
pub(super) use self::fees::Fees;
use super::{
    callers::Caller,
    check::{answer, list},
    client::Load,
    evidence::{Breach, Promise},
    operation::{Actor, BOOKINGS, flight::FLIGHTS, hold::HOLDS},
    random::{Random, choose},
    wire::{Answer, Delivery, Outcome, Request},
};

/// The numbers of their clients start here.
const FIRST: u64 = 2_000_000;
/// The payers among `super::callers::Callers::payers`: the first ones.
const ACCOUNTS: usize = 2;
/// What the provider does with them is in `docs/payments.md`.
const TOKENS: [&str; 8] =
    ["tok_ok", "tok_ok", "tok_visa", "tok_slow", "tok_hang", "tok_lost", "tok_declined", "tok_declined"];
/// Everything that is booked costs this much: 10 kg at 2 USD.
const PRICE: &str = "20.00";
/// A tariff is in effect at every server within a second; with some time to spare.
const IN_EFFECT_WITHIN: Duration = Duration::from_secs(2);
/// How long a commit is repeated.
const INSISTS_FOR: Duration = Duration::from_secs(5);
/// How long captures that are under way at the end are waited for.
const SETTLES_WITHIN: Duration = Duration::from_secs(30);

/// What has become of the commits with a token.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Paid {
    pub commits: usize,
    pub booked: usize,
    pub declined: usize,
    /// Refused for another reason, or not decided within the time for which they were repeated.
    pub others: usize,
    pub fees: Fees,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum CommitOutcome {
    Booked(String),
    Declined,
    Other,
}

/// A commit of a hold, and its answer.
#[derive(Debug, Clone)]
struct Commit {
    hold: String,
    told: CommitOutcome,
}

/// A booking at the end.
#[derive(Debug, Clone, Default)]
struct Booking {
    reference: String,
    hold: Option<String>,
    payment_status: String,
    paid: String,
}

pub(super) struct Payer {
    load: Arc<Load>,
    caller: Arc<Caller>,
    number: u64,
    flight: String,
    random: Random,
}

impl Payer {
    /// Makes the flight and its tariff, and returns a payer for each account.
    async fn of(load: &Arc<Load>, seed: u64) -> anyhow::Result<Vec<Self>> {
        let leaves = SystemClock.now() + TimeDelta::days(60);
        let flight = json!({
            "flight_number": "QF9001", "origin": "SYD", "destination": "AKL", "departure_datetime": leaves,
            "arrival_datetime": leaves + TimeDelta::hours(3), "capacity": {"weight_kg": 9_000_000, "positions": 100},
        });
        let flight = made(load, post(FLIGHTS, None, flight)).await?;
        let flight = flight.body["id"].as_str().context("a flight has an id")?.to_owned();
        let tariff = json!({
            "code": "TORTURE", "origin": "SYD", "destination": "AKL", "currency": "USD", "minimum": "1.00", "normal": "2",
            "valid_from": "2020-01-01",
        });
        made(load, post("/api/v1/tariffs", None, tariff)).await?;
        let payer = |(number, caller): (u64, &Arc<Caller>)| Self {
            load: Arc::clone(load),
            caller: Arc::clone(caller),
            number: FIRST + number,
            flight: flight.clone(),
            random: Random::of(seed, FIRST + number),
        };
        Ok((0..).zip(load.callers.payers.iter().take(ACCOUNTS)).map(payer).collect())
    }

    /// Works until the run stops; returns what became of each commit.
    async fn work(mut self) -> Vec<Commit> {
        let mut commits = Vec::new();
        let mut serial = 0;
        tokio::select! {
            () = tokio::time::sleep(IN_EFFECT_WITHIN) => {}
            () = self.load.stop.cancelled() => {}
        }
        while !self.load.stop.is_cancelled() {
            serial += 1;
            let mark = format!("{}-p{}-{serial}", self.load.run, self.number - FIRST);
            if let Some(commit) = self.commit(&mark).await {
                commits.push(commit);
            }
            tokio::time::sleep(Duration::from_millis(50 + self.random.below(200))).await;
        }
        commits
    }

    /// Holds space and commits it. `None` if it did not get a hold.
    async fn commit(&mut self, mark: &str) -> Option<Commit> {
        let wanted = json!({"flight_ids": [self.flight], "weight_kg": 10, "pieces": 1});
        let request = post(HOLDS, Some(format!("{mark}-h")), wanted);
        let CommitOutcome::Booked(hold) = self.insist(&request, "id").await else { return None };
        let token = choose(&TOKENS, self.random.any())?;
        let path = format!("{HOLDS}/{hold}/commit");
        let request = post(&path, Some(format!("{mark}-c")), json!({"payment_token": token}));
        let told = self.insist(&request, "ref_id").await;
        Some(Commit { hold, told })
    }

    /// Repeats a request under its key until the answer is final; returns this member of it.
    async fn insist(&mut self, request: &Request, member: &str) -> CommitOutcome {
        let began = Instant::now();
        while began.elapsed() < INSISTS_FOR {
            let hang_up = self.random.percent(15).then(|| Duration::from_millis(self.random.below(600)));
            let instance = usize::try_from(self.random.below(64)).unwrap_or_default();
            let delivery = Delivery { client: self.number, instance, hang_up };
            let reply = self.load.wire.send(delivery, &self.caller, request).await;
            match &reply.outcome {
                Outcome::Ok(Answer { status: 201, body, .. }) => {
                    return body[member]
                        .as_str()
                        .map_or(CommitOutcome::Other, |found| CommitOutcome::Booked(found.to_owned()));
                }
                Outcome::Refused(refusal) if refusal.is_passing() => self.load.back_off(&reply).await,
                Outcome::Refused(refusal) if refusal.status == 402 => return CommitOutcome::Declined,
                Outcome::Refused(_) => return CommitOutcome::Other,
                Outcome::Ok(_) | Outcome::Unknown(_) => {}
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        CommitOutcome::Other
    }
}

/// The payers of a run, at work.
#[derive(Default)]
pub(super) struct Payers {
    payers: tokio::task::JoinSet<Vec<Commit>>,
    cancellers: tokio::task::JoinSet<anyhow::Result<Cases>>,
}

impl Payers {
    pub async fn begin(load: &Arc<Load>, seed: u64) -> anyhow::Result<Self> {
        let mut all = Self::default();
        for payer in Payer::of(load, seed).await? {
            all.payers.spawn(payer.work());
        }
        for canceller in Canceller::of(load, seed).await? {
            all.cancellers.spawn(canceller.work());
        }
        Ok(all)
    }

    /// Waits for all of them after the load, and compares. `None` without payers.
    pub async fn judge(self, load: &Load) -> anyhow::Result<Option<(Vec<Breach>, Paid)>> {
        if self.payers.is_empty() {
            return Ok(None);
        }
        let commits: Vec<Commit> = self.payers.join_all().await.into_iter().flatten().collect();
        let cases = self.cancellers.join_all().await.into_iter().collect::<anyhow::Result<Vec<Cases>>>()?;
        let (before, bookings, after) = settled(load).await?;
        let mut breaches = compare(&commits, &bookings, (before, after));
        let (of_fees, fees) = fees::judge(load, &cases).await?;
        breaches.extend(of_fees);
        let count = |of: fn(&CommitOutcome) -> bool| commits.iter().filter(|commit| of(&commit.told)).count();
        let paid = Paid {
            commits: commits.len(),
            booked: count(|told| matches!(told, CommitOutcome::Booked(_))),
            declined: count(|told| *told == CommitOutcome::Declined),
            others: count(|told| *told == CommitOutcome::Other),
            fees,
        };
        Ok(Some((breaches, paid)))
    }
}

/// The payers' bookings, once no payment of them is under way, and the captures before and after reading them. At most some time
/// is waited for that.
async fn settled(load: &Load) -> anyhow::Result<(usize, Vec<Booking>, usize)> {
    let began = Instant::now();
    loop {
        let (before, mut bookings) = (captured(load).await?, Vec::new());
        for payer in 0..ACCOUNTS {
            let listed = list(load, Actor::Payer(payer), format!("{BOOKINGS}?limit=100")).await?;
            bookings.extend(listed.iter().map(Booking::read));
        }
        let is_open = bookings.iter().any(Booking::is_open);
        if !is_open || began.elapsed() > SETTLES_WITHIN {
            return Ok((before, bookings, captured(load).await?));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// How many captures the provider made of the price.
async fn captured(load: &Load) -> anyhow::Result<usize> {
    let entries = list(load, Actor::Staff, "/api/v1/test-payments/journal?limit=100".to_owned()).await?;
    let is_capture = |entry: &&Value| {
        let (amount, is_done) = (&entry["amount"], entry["outcome"] == "SUCCEEDED");
        entry["kind"] == "CAPTURE" && is_done && amount["amount"] == PRICE && amount["currency"] == "USD"
    };
    Ok(entries.iter().filter(is_capture).count())
}

impl Booking {
    fn read(booking: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self {
            reference: text(&booking["ref_id"]),
            hold: booking["hold_id"].as_str().map(str::to_owned),
            payment_status: text(&booking["payment_status"]),
            paid: text(&booking["paid"]["amount"]),
        }
    }

    fn is_open(&self) -> bool {
        self.payment_status == "PROCESSING"
    }
}

/// `before` and `after`: captures before and after the bookings were read.
fn compare(commits: &[Commit], bookings: &[Booking], (before, after): (usize, usize)) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut of_holds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for booking in bookings {
        of_holds.entry(booking.hold.as_deref().unwrap_or("no hold")).or_default().push(&booking.reference);
    }
    for (hold, own) in of_holds.iter().filter(|(_, own)| own.len() > 1) {
        breaches.push(Breach {
            promise: Promise::OneEffect,
            what: format!("the hold {hold} was paid as {}", own.join(", ")),
        });
    }
    for Commit { hold, told } in commits {
        let own = of_holds.get(hold.as_str()).map_or(&[][..], Vec::as_slice);
        let what = match told {
            CommitOutcome::Booked(reference) if !own.contains(&reference.as_str()) => {
                format!("lost: the booking {reference} of the paid hold {hold}; it is {own:?}")
            }
            CommitOutcome::Declined if !own.is_empty() => {
                format!("the payment of {hold} was declined, but it is booked as {own:?}")
            }
            _ => continue,
        };
        breaches.push(Breach { promise: Promise::NothingLost, what });
    }
    let (open, decided): (Vec<_>, Vec<_>) = bookings.iter().partition(|booking| booking.is_open());
    for booking in &decided {
        if booking.paid != PRICE {
            let what = format!(
                "the booking {} is {}, and {} was paid",
                booking.reference, booking.payment_status, booking.paid
            );
            breaches.push(Breach { promise: Promise::NothingLost, what });
        }
    }
    let paid = bookings.iter().filter(|booking| booking.paid == PRICE).count();
    // Nothing is captured without a booking. A capture under way may be made, and not be known.
    if after < paid || before > paid + open.len() {
        let what = format!(
            "the provider has captured {before} to {after} payments, but {paid} bookings are paid, and {} are being paid",
            open.len()
        );
        breaches.push(Breach { promise: Promise::OneEffect, what });
    }
    breaches
}

/// Has the staff make something, at any server.
async fn made(load: &Load, request: Request) -> anyhow::Result<Answer> {
    answer(load, Actor::Staff, &request, 0).await?.with_context(|| format!("there is no {}", request.path))
}

fn post(path: &str, key: Option<String>, body: Value) -> Request {
    Request { method: Method::POST, path: path.to_owned(), key, body: Some(body), ..Request::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn booking(reference: &str, hold: &str, payment_status: &str, paid: &str) -> Booking {
        let text = str::to_owned;
        Booking {
            reference: text(reference),
            hold: Some(text(hold)),
            payment_status: text(payment_status),
            paid: text(paid),
        }
    }

    fn commit(hold: &str, told: CommitOutcome) -> Commit {
        Commit { hold: hold.to_owned(), told }
    }

    fn found(commits: &[Commit], bookings: &[Booking], captured: usize) -> Vec<String> {
        compare(commits, bookings, (captured, captured)).into_iter().map(|breach| breach.what).collect()
    }

    #[test]
    fn bookings_and_captures_agree() {
        let commits = [
            commit("1", CommitOutcome::Booked("A".to_owned())),
            commit("2", CommitOutcome::Declined),
            commit("3", CommitOutcome::Other),
        ];
        let bookings = [booking("A", "1", "COMPLETED", PRICE), booking("B", "3", "PROCESSING", "0.00")];
        assert!(found(&commits, &bookings, 1).is_empty() && found(&commits, &bookings, 2).is_empty());
        for captured in [0, 3] {
            let told = format!(
                "the provider has captured {captured} to {captured} payments, but 1 bookings are paid, and 1 are being paid"
            );
            assert_eq!(found(&commits, &bookings, captured), [told]);
        }
    }

    #[test]
    fn what_is_lost_doubled_or_booked_unpaid_is_a_breach() {
        let paid = |reference, hold| booking(reference, hold, "COMPLETED", PRICE);
        let commits = [commit("1", CommitOutcome::Booked("A".to_owned()))];
        assert_eq!(found(&commits, &[], 0), ["lost: the booking A of the paid hold 1; it is []"]);
        assert_eq!(found(&commits, &[paid("A", "1"), paid("B", "1")], 2), ["the hold 1 was paid as A, B"]);
        let declined = [commit("1", CommitOutcome::Declined)];
        let told = "the payment of 1 was declined, but it is booked as [\"A\"]";
        assert_eq!(found(&declined, &[paid("A", "1")], 1), [told]);
        let unpaid = [booking("A", "1", "FAILED", "0.00")];
        assert_eq!(found(&commits, &unpaid, 0), ["the booking A is FAILED, and 0.00 was paid"]);
    }
}
