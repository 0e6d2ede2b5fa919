//! Forwarders of two organizations who hold and book consolidations on the same small flights: of two that hold at once, one gets
//! room. Each plans, holds, then books, releases or cancels, and repeats each request under its key, at any server, until the
//! answer is final. After the load, what is there is compared with the answers: all holds of a request exist, or none.
mod judge;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use loadmaster_platform::clock::{Clock, SystemClock};
use reqwest::Method;
use serde_json::{Value, json};

pub(super) use self::judge::Consolidated;
use super::{
    check::answer,
    client::Load,
    evidence::{Breach, Promise},
    operation::Actor,
    random::Random,
    schedule::Flight,
    wire::{Delivery, Outcome, Refusal, Request},
};

const CONSOLIDATIONS: &str = "/api/v1/consolidations";
/// The numbers of their clients start here.
const FIRST: u64 = 4_000_000;
/// The accounts `super::callers::Callers::consolidators`, and the forwarders that share each.
const ACCOUNTS: usize = 2;
const OF_AN_ACCOUNT: usize = 2;
const ORIGINS: [&str; 3] = ["FRA", "HKG", "JFK"];
const DESTINATION: &str = "DXB";
/// A flight has room for one master.
const ROOM_KG: u64 = 1000;
const MASTER_KG: u64 = 600;
/// How long a request is repeated.
const INSISTS_FOR: Duration = Duration::from_mins(1);
/// How often a cancellation is sent again that another request has overtaken.
const CANCELS: usize = 3;
/// The refusals that a hold may get: the other forwarder has the room, or the clock of a server is ahead.
const LEGAL: [&str; 3] = ["capacity_exceeded", "hold_expired", "hold_limit_exceeded"];

/// What became of a request to hold masters.
#[derive(Debug, Clone, PartialEq, Eq)]
enum HoldOutcome {
    /// The hold of each origin.
    Held(BTreeMap<String, String>),
    Refused,
    /// Not answered in time, or refused after an attempt without an answer.
    Open,
}

/// A consolidation, and what its forwarder was answered.
#[derive(Debug, Clone)]
struct Case {
    account: usize,
    id: String,
    origins: BTreeSet<String>,
    hold: HoldOutcome,
    /// The booking of each origin.
    booked: BTreeMap<String, String>,
    is_cancelled: bool,
    /// When the hold was sent first and answered last, in microseconds since the run began.
    time: (u64, u64),
}

/// A master, as a consolidation shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Master {
    hold: String,
    booking: Option<String>,
    status: String,
}

/// The masters of a consolidation, by their origins.
fn masters_of(consolidation: &Value) -> BTreeMap<String, Master> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let master = |shown: &Value| {
        let booking = shown["booking_ref"].as_str().map(str::to_owned);
        (text(&shown["origin"]), Master { hold: text(&shown["hold_id"]), booking, status: text(&shown["status"]) })
    };
    consolidation["masters"].as_array().into_iter().flatten().map(master).collect()
}

/// The final answer to a request that was repeated.
enum Final {
    Done(Value),
    /// `is_sure`: each attempt was refused. One that got no answer may still be carried out, once the server has a connection.
    Refused {
        refusal: Refusal,
        is_sure: bool,
    },
    Open,
}

struct Consolidator {
    load: Arc<Load>,
    account: usize,
    number: u64,
    serial: u64,
    random: Random,
    /// One from each origin, shared by all.
    flights: Arc<Vec<Flight>>,
}

impl Consolidator {
    /// Makes the flights; returns the forwarders of all accounts.
    async fn of(load: &Arc<Load>, seed: u64) -> anyhow::Result<Vec<Self>> {
        let leaves = SystemClock.now() + TimeDelta::days(40);
        let mut flights = Vec::new();
        for origin in ORIGINS {
            let ends = [origin, DESTINATION];
            flights.push(load.schedule.create(&load.wire, &load.callers, ends, leaves, ROOM_KG).await?);
        }
        let flights = Arc::new(flights);
        let all = (0..ACCOUNTS).flat_map(|account| (0..OF_AN_ACCOUNT).map(move |_| account));
        let forwarder = |(number, account): (u64, usize)| Self {
            load: Arc::clone(load),
            account,
            number: FIRST + number,
            serial: 0,
            random: Random::of(seed, FIRST + number),
            flights: Arc::clone(&flights),
        };
        Ok((0..).zip(all).map(forwarder).collect())
    }

    /// Works until the run stops; returns what became of each consolidation.
    async fn work(mut self) -> Vec<Case> {
        let mut cases = Vec::new();
        while !self.load.stop.is_cancelled() {
            if let Some(case) = self.consolidate().await {
                cases.push(case);
            }
            tokio::time::sleep(Duration::from_millis(50 + self.random.below(200))).await;
        }
        cases
    }

    /// Plans a consolidation, holds its masters, and books, releases or cancels them. `None` if it could not be planned.
    async fn consolidate(&mut self) -> Option<Case> {
        self.serial += 1;
        let mark = format!("{}-c{}-{}", self.load.run, self.number - FIRST, self.serial);
        let ways = self.ways();
        let (id, path) = self.plan(&mark, &ways).await?;
        let wanted = ways.iter().map(|(origin, flight)| json!({"origin": origin, "flight_ids": [flight]}));
        let wanted = json!({"ways": wanted.collect::<Vec<_>>()});
        let begun = self.load.wire.now();
        let answer = self.insist(&post(format!("{path}/hold"), format!("{mark}-h"), wanted)).await;
        let origins: BTreeSet<String> = ways.into_iter().map(|(origin, _)| origin).collect();
        let hold = self.outcome(&id, &origins, answer);
        let time = (begun, self.load.wire.now());
        let mut case =
            Case { account: self.account, id, origins, hold, booked: BTreeMap::new(), is_cancelled: false, time };
        let is_held = matches!(case.hold, HoldOutcome::Held(_));
        match self.random.below(100) {
            _ if case.hold == HoldOutcome::Refused => {}
            0..45 if is_held => {
                self.book(&mut case, &path, &mark).await;
                self.cancel(&mut case, &path, &mark).await;
            }
            45..80 if is_held => self.release(&path, &mark).await,
            _ => self.cancel(&mut case, &path, &mark).await,
        }
        Some(case)
    }

    /// Two or three origins in any order, each with its flight.
    fn ways(&mut self) -> Vec<(String, String)> {
        let mut ways: Vec<(String, String)> =
            self.flights.iter().map(|flight| (flight.origin.clone(), flight.id.clone())).collect();
        for end in (1..ways.len()).rev() {
            let other = usize::try_from(self.random.below(64)).unwrap_or_default() % (end + 1);
            ways.swap(end, other);
        }
        if self.random.percent(40) {
            ways.pop();
        }
        ways
    }

    /// Makes a consolidation with a part from each origin; returns its id and path.
    async fn plan(&mut self, mark: &str, ways: &[(String, String)]) -> Option<(String, String)> {
        let plan = json!({"name": mark, "destination": DESTINATION});
        let made = self.insist(&post(CONSOLIDATIONS.to_owned(), format!("{mark}-m"), plan)).await;
        let id = self.expect_done(made, "plan")?["id"].as_str()?.to_owned();
        let path = format!("{CONSOLIDATIONS}/{id}");
        for (origin, _) in ways {
            let part = json!({"origin": origin, "pieces": 1, "weight_kg": MASTER_KG, "status": "READY"});
            let added = self.insist(&post(format!("{path}/parts"), format!("{mark}-{origin}"), part)).await;
            self.expect_done(added, "part")?;
        }
        Some((id, path))
    }

    /// Judges the answer to a request to hold masters.
    fn outcome(&self, id: &str, origins: &BTreeSet<String>, answer: Final) -> HoldOutcome {
        match answer {
            Final::Done(shown) => {
                let masters = masters_of(&shown);
                let are_held = masters.values().all(|master| master.status == "HELD" && !master.hold.is_empty());
                if !are_held || !masters.keys().eq(origins) {
                    let what = format!("the hold of {id} from {origins:?} was acknowledged as {masters:?}");
                    self.breach(Promise::HeldTogether, what);
                }
                HoldOutcome::Held(masters.into_iter().map(|(origin, master)| (origin, master.hold)).collect())
            }
            Final::Refused { refusal, is_sure } => {
                if !LEGAL.contains(&refusal.code.as_str()) {
                    self.breach(Promise::Legal, format!("the hold of the consolidation {id} got {refusal}"));
                }
                if is_sure { HoldOutcome::Refused } else { HoldOutcome::Open }
            }
            Final::Open => HoldOutcome::Open,
        }
    }

    /// Books all masters, and again what was not decided.
    async fn book(&mut self, case: &mut Case, path: &str, mark: &str) {
        let request = post(format!("{path}/book"), format!("{mark}-b"), json!({}));
        let began = Instant::now();
        while began.elapsed() < INSISTS_FOR {
            match self.insist(&request).await {
                Final::Done(booked) if self.is_decided(case, &booked) => return,
                Final::Done(_) => {}
                // By the clock of a server that is ahead, the holds have expired.
                Final::Refused { refusal, .. } if refusal.code == "hold_incomplete" => return,
                Final::Refused { refusal, .. } => {
                    return self.breach(Promise::Legal, format!("the booking of {} got {refusal}", case.id));
                }
                Final::Open => return,
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Notes what was booked; returns whether all masters are decided.
    fn is_decided(&self, case: &mut Case, booked: &Value) -> bool {
        let mut is_decided = true;
        for row in booked["results"].as_array().into_iter().flatten() {
            let origin = row["origin"].as_str().unwrap_or_default().to_owned();
            if let Some(reference) = row["booking_ref"].as_str() {
                let before = case.booked.insert(origin.clone(), reference.to_owned());
                if before.as_deref().is_some_and(|before| before != reference) {
                    let what =
                        format!("the master of {} from {origin} was booked as {before:?} and {reference}", case.id);
                    self.breach(Promise::OneEffect, what);
                }
                continue;
            }
            let problem = &row["problem"];
            match problem["code"].as_str() {
                Some("idempotency_in_progress" | "booking_locked") => is_decided = false,
                Some("hold_expired") => {}
                _ if problem["status"].as_u64() >= Some(500) => is_decided = false,
                _ => {
                    let what = format!("the booking of the master of {} from {origin} got {problem}", case.id);
                    self.breach(Promise::Legal, what);
                }
            }
        }
        is_decided
    }

    async fn release(&mut self, path: &str, mark: &str) {
        let released = self.insist(&post(format!("{path}/release"), format!("{mark}-r"), json!({}))).await;
        if let Some(shown) = self.expect_done(released, "release") {
            let held: Vec<_> = masters_of(&shown).into_iter().filter(|(_, master)| master.status == "HELD").collect();
            if !held.is_empty() {
                self.breach(Promise::NothingLost, format!("the release of {path} was acknowledged, but left {held:?}"));
            }
        }
    }

    async fn cancel(&mut self, case: &mut Case, path: &str, mark: &str) {
        for number in 0..CANCELS {
            let request = Request {
                method: Method::DELETE,
                path: path.to_owned(),
                key: Some(format!("{mark}-d{number}")),
                ..Request::default()
            };
            match self.insist(&request).await {
                Final::Done(_) => {
                    case.is_cancelled = true;
                    return;
                }
                // A request of before has cancelled it or a booking of it meanwhile.
                Final::Refused { refusal, .. } if refusal.code == "invalid_transition" => {}
                other => {
                    self.expect_done(other, "cancellation");
                    return;
                }
            }
        }
    }

    /// Returns what was done; a refusal is a breach.
    fn expect_done(&self, answer: Final, what: &str) -> Option<Value> {
        match answer {
            Final::Done(shown) => return Some(shown),
            Final::Refused { refusal, .. } => {
                self.breach(Promise::Legal, format!("a {what} of a consolidation got {refusal}"));
            }
            Final::Open => {}
        }
        None
    }

    fn breach(&self, promise: Promise, what: String) {
        self.load.evidence.breach(promise, what);
    }

    /// Repeats a request under its key until the answer is final. Some clients hang up.
    async fn insist(&mut self, request: &Request) -> Final {
        let began = Instant::now();
        let mut is_sure = true;
        while began.elapsed() < INSISTS_FOR {
            let hang_up = self.random.percent(10).then(|| Duration::from_millis(self.random.below(300)));
            let instance = usize::try_from(self.random.below(64)).unwrap_or_default();
            let delivery = Delivery { client: self.number, instance, hang_up };
            let caller = self.load.caller(Actor::Consolidator(self.account));
            let reply = self.load.wire.send(delivery, &caller, request).await;
            match &reply.outcome {
                Outcome::Ok(answer) => return Final::Done(answer.body.clone()),
                Outcome::Refused(refusal) if refusal.is_passing() => self.load.back_off(&reply).await,
                Outcome::Refused(refusal) => return Final::Refused { refusal: refusal.clone(), is_sure },
                Outcome::Unknown(_) => is_sure = false,
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Final::Open
    }
}

/// The forwarders of a run, at work.
#[derive(Default)]
pub(super) struct Consolidators(tokio::task::JoinSet<Vec<Case>>);

impl Consolidators {
    pub async fn begin(load: &Arc<Load>, seed: u64) -> anyhow::Result<Self> {
        let mut all = Self::default();
        for instance in 0..load.wire.addresses.count() {
            let list = Request::get(CONSOLIDATIONS.to_owned());
            if answer(load, Actor::Consolidator(0), &list, instance).await?.is_none() {
                // A server of a release before there were consolidations.
                return Ok(all);
            }
        }
        for forwarder in Consolidator::of(load, seed).await? {
            all.0.spawn(forwarder.work());
        }
        Ok(all)
    }

    /// Waits for all of them after the load, and compares. `windows` are the faults, see `super::answers::judge`.
    pub async fn judge(
        self,
        load: &Load,
        windows: Option<&[(u64, u64)]>,
    ) -> anyhow::Result<(Vec<Breach>, Consolidated)> {
        if self.0.is_empty() {
            return Ok((Vec::new(), Consolidated::default()));
        }
        let cases: Vec<Case> = self.0.join_all().await.into_iter().flatten().collect();
        judge::judge(load, &cases, windows).await
    }
}

fn post(path: String, key: String, body: Value) -> Request {
    Request { method: Method::POST, path, key: Some(key), body: Some(body), ..Request::default() }
}
