//! Shippers who pay for bookings, change them, and cancel them. They know the fee that must remain by a formula of their own.
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use chrono::TimeDelta;
use loadmaster_platform::clock::{Clock, SystemClock};
use reqwest::Method;
use serde_json::{Value, json};

use super::{
    bill::{Bill, Way},
    post,
};
use crate::{
    client::{Load, orders::two_holders},
    evidence::Promise,
    operation::{Actor, BOOKINGS, flight::FLIGHTS, path_of},
    random::{Random, choose},
    schedule::Flight,
    wire::{Answer, Delivery, Outcome, Refusal, Reply, Request},
};

/// The numbers of their clients start here.
const FIRST: u64 = 3_000_000;
/// The accounts among `crate::callers::Callers::payers`, and the cancellers that share each.
pub(super) const ACCOUNTS: [usize; 2] = [2, 3];
const OF_AN_ACCOUNT: u64 = 2;
/// What they pay in; nobody else does.
pub(super) const CURRENCY: &str = "GBP";
/// The tariff: a kilogram, and the least total. In minor units.
const NORMAL: i64 = 200;
const MINIMUM: i64 = 4000;
/// The hours that are left to the departure of flights, far from the ends of bands.
const HOURS: [i64; 3] = [6, 30, 80];
/// Flights are replaced by others after that.
const FLIGHTS_LAST: Duration = Duration::from_hours(2);
/// How long a request is repeated, and a capture or refund waited for.
const INSISTS_FOR: Duration = Duration::from_mins(1);
/// The positions that orders name. Those of a declined order are held for some time.
const NAMED: u64 = 40;
/// The refusals that an order may get: its positions are taken, its payment failed, the clock of a server is ahead.
const LEGAL: [&str; 3] = ["payment_declined", "position_taken", "quote_expired"];

/// What happens to a booking between its payment and its cancellation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// A later flight.
    Later,
    /// Less freight.
    Less,
    /// Its flight departs.
    Depart,
    /// Its flight departs without it, because it did not come.
    Miss,
    /// Its second flight departs, after it has missed the first.
    DepartSecond,
    /// The carrier cancels its flight.
    CancelFlight,
}

const SCRIPTS: [&[Step]; 10] = [
    &[],
    &[Step::Later],
    &[Step::Later],
    &[Step::Less],
    &[Step::Less, Step::Later],
    &[Step::Later, Step::Less],
    &[Step::Depart],
    &[Step::Miss, Step::Later],
    &[Step::Miss, Step::DepartSecond],
    &[Step::Less, Step::CancelFlight, Step::Later],
];

/// A booking that was paid, and how much of it must remain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    pub reference: String,
    /// In minor units; `None`: whether it was cancelled, or when, is not known.
    pub fee: Option<i64>,
    pub changes: usize,
}

/// What has become of the orders of a canceller.
#[derive(Debug, Default)]
pub(super) struct Cases {
    pub orders: usize,
    pub refused: usize,
    pub paid: Vec<Case>,
}

/// The final answer to a request that was repeated.
enum Final {
    Done(Value),
    Refused(Refusal),
    Open,
}

pub(super) struct Canceller {
    load: Arc<Load>,
    account: usize,
    number: u64,
    serial: u64,
    random: Random,
    /// One for each of `HOURS`, shared by the bookings of this canceller, and when they were made.
    flights: Vec<Flight>,
    made: Instant,
}

impl Canceller {
    /// Makes the tariff; returns the cancellers of all accounts.
    pub async fn of(load: &Arc<Load>, seed: u64) -> anyhow::Result<Vec<Self>> {
        let tariff = json!({
            "code": "TORTURE-FEES", "origin": "MEL", "destination": "AKL", "currency": CURRENCY, "minimum": money(MINIMUM),
            "normal": money(NORMAL), "valid_from": "2020-01-01",
        });
        super::made(load, post("/api/v1/tariffs", None, tariff)).await?;
        let all = ACCOUNTS.into_iter().flat_map(|account| (0..OF_AN_ACCOUNT).map(move |one| (account, one)));
        let canceller = |(number, (account, _)): (u64, (usize, u64))| Self {
            load: Arc::clone(load),
            account,
            number: FIRST + number,
            serial: 0,
            random: Random::of(seed, FIRST + number),
            flights: Vec::new(),
            made: Instant::now(),
        };
        Ok((0..).zip(all).map(canceller).collect())
    }

    /// Works until the run stops; returns what became of each order.
    pub async fn work(mut self) -> anyhow::Result<Cases> {
        let mut cases = Cases::default();
        tokio::time::sleep(super::IN_EFFECT_WITHIN).await;
        while !self.load.stop.is_cancelled() {
            if self.flights.is_empty() || self.made.elapsed() > FLIGHTS_LAST {
                self.flights.clear();
                for hours in HOURS {
                    let flight = self.flight(["MEL", "AKL"], hours).await?;
                    self.flights.push(flight);
                }
                self.made = Instant::now();
            }
            self.order(&mut cases).await?;
            tokio::time::sleep(Duration::from_millis(50 + self.random.below(200))).await;
        }
        Ok(cases)
    }

    async fn flight(&self, ends: [&str; 2], hours: i64) -> anyhow::Result<Flight> {
        let leaves = SystemClock.now() + TimeDelta::hours(hours);
        self.load.schedule.create(&self.load.wire, &self.load.callers, ends, leaves, 900_000).await
    }

    /// Orders a booking, or two at the same moment with one quote; pays, changes and cancels what is booked.
    async fn order(&mut self, cases: &mut Cases) -> anyhow::Result<()> {
        let script = choose(&SCRIPTS, self.random.any()).copied().unwrap_or_default();
        let hours = usize::from(self.random.percent(50));
        let has_own = script.iter().any(|step| !matches!(step, Step::Later | Step::Less));
        let way = match (has_own, self.flights.get(hours), HOURS[hours]) {
            (false, Some(shared), _) => vec![shared.clone()],
            _ if script.contains(&Step::DepartSecond) => {
                vec![self.flight(["MEL", "SYD"], HOURS[1]).await?, self.flight(["SYD", "AKL"], HOURS[1] + 8).await?]
            }
            (_, _, hours) => vec![self.flight(["MEL", "AKL"], hours).await?],
        };
        let weight_kg = 100 + i64::try_from(self.random.below(400)).unwrap_or_default();
        let mut wanted = json!({
            "origin": "MEL", "destination": "AKL", "weight_kg": weight_kg,
            "flight_ids": way.iter().map(|flight| &flight.id).collect::<Vec<_>>(),
        });
        let ask = post("/api/v1/quotes", None, wanted.clone());
        let Final::Done(quote) = self.insist(Actor::Payer(self.account), &ask).await else { return Ok(()) };
        wanted["pieces"] = 1.into();
        wanted["quote_id"] = quote["id"].clone();
        wanted["expected_total"] = json!({"amount": money(total_of(weight_kg)), "currency": CURRENCY});
        wanted["payment_token"] = if self.random.percent(10) { "tok_declined" } else { "tok_ok" }.into();
        if self.random.percent(40) {
            let name = format!("P{}", 1 + self.random.below(NAMED));
            let names = way.iter().map(|flight| (flight.id.clone(), json!([name])));
            wanted["position_names"] = names.collect::<serde_json::Map<_, _>>().into();
        }
        let count = if !has_own && self.random.percent(40) { 2 } else { 1 };
        let booked = self.book(&wanted, count, cases).await;
        for reference in booked {
            let bill = Bill::new(total_of(weight_kg), Way::Leaves(way[0].leaves));
            let case = self.run(reference, script, &way, bill, weight_kg).await;
            cases.paid.push(case);
        }
        Ok(())
    }

    /// Sends `count` equal orders concurrently; returns the references of the bookings.
    async fn book(&mut self, wanted: &Value, count: usize, cases: &mut Cases) -> Vec<String> {
        let orders: Vec<Request> = (0..count).map(|_| post(BOOKINGS, Some(self.key()), wanted.clone())).collect();
        let payer = Actor::Payer(self.account);
        let answers = futures_util::future::join_all(orders.iter().map(|order| self.insist(payer, order))).await;
        let mut booked = Vec::new();
        for answer in answers {
            cases.orders += 1;
            match answer {
                Final::Done(booking) => booked.push(booking["ref_id"].as_str().unwrap_or_default().to_owned()),
                Final::Refused(refusal) => {
                    cases.refused += 1;
                    self.judge_refusal(&refusal, wanted);
                }
                Final::Open => {}
            }
        }
        let references: Vec<&str> = booked.iter().map(String::as_str).collect();
        if let Some(what) = two_holders(&references, &wanted["position_names"]) {
            self.load.evidence.breach(Promise::OneHolder, what);
        }
        booked
    }

    fn judge_refusal(&self, refusal: &Refusal, wanted: &Value) {
        let is_legal = LEGAL.contains(&refusal.code.as_str())
            && (refusal.code != "position_taken" || wanted["position_names"].is_object());
        if !is_legal {
            self.load.evidence.breach(Promise::Legal, format!("the order {wanted} got {refusal}"));
        }
    }

    /// Pays, changes and cancels a booking.
    async fn run(&mut self, reference: String, script: &[Step], way: &[Flight], mut bill: Bill, weight: i64) -> Case {
        let mut case = Case { reference, fee: None, changes: 0 };
        if !self.is_paid(&case.reference).await {
            return case;
        }
        let mut weight = weight;
        for step in script {
            let before = SystemClock.now();
            let done = self.step(*step, &case.reference, way, (&mut weight, &bill)).await;
            // A fee that has changed meanwhile is not known.
            if !done || bill.steady_fee(before).is_none() {
                return case;
            }
            match step {
                Step::Later => bill.change(before, bill.total(), Way::Leaves(self.later(&bill).leaves)),
                Step::Less => bill.change(before, total_of(weight), bill.way()),
                Step::Depart | Step::Miss => bill.change(before, bill.total(), Way::HasLeft),
                Step::DepartSecond => {}
                Step::CancelFlight => bill.lose(),
            }
            case.changes += 1;
        }
        case.fee = self.cancel(&case.reference, &bill).await;
        case
    }

    /// The latest flight, or the one between.
    fn later(&self, bill: &Bill) -> &Flight {
        let is_near = |hours| matches!(bill.way(), Way::Leaves(at) if at < SystemClock.now() + TimeDelta::hours(hours));
        &self.flights[if is_near(HOURS[1] - 3) { 1 } else { 2 }]
    }

    /// Waits until the booking is paid.
    async fn is_paid(&mut self, reference: &str) -> bool {
        let began = Instant::now();
        while began.elapsed() < INSISTS_FOR {
            let read = Request::get(path_of(reference));
            if let Final::Done(booking) = self.insist(Actor::Payer(self.account), &read).await
                && booking["payment_status"] == "COMPLETED"
            {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        false
    }

    /// Returns whether the step was made.
    async fn step(&mut self, step: Step, reference: &str, way: &[Flight], (weight, bill): (&mut i64, &Bill)) -> bool {
        let flight = |last: bool, verb: &str| {
            let flight = if last { way.last() } else { way.first() };
            format!("{FLIGHTS}/{}/{verb}", flight.map(|flight| flight.id.as_str()).unwrap_or_default())
        };
        let change = |body| Request { method: Method::PATCH, ..post(&path_of(reference), None, body) };
        let customer = Actor::Payer(self.account);
        let (actor, request) = match step {
            // Only the carrier changes flights when one has departed.
            Step::Later => {
                let actor = if bill.way() == Way::HasLeft { Actor::Staff } else { customer };
                (actor, change(json!({"flight_ids": [self.later(bill).id]})))
            }
            Step::Less => {
                *weight = 1 + i64::try_from(self.random.below(60)).unwrap_or_default();
                (customer, change(json!({"weight_kg": weight})))
            }
            Step::Depart => (Actor::Staff, post(&flight(false, "depart"), None, json!({}))),
            Step::Miss => {
                let left = json!({"left_behind": [{"ref_id": reference, "reason": "NO_SHOW"}]});
                (Actor::Staff, post(&flight(false, "depart"), None, left))
            }
            Step::DepartSecond => (Actor::Staff, post(&flight(true, "depart"), None, json!({}))),
            Step::CancelFlight => {
                (Actor::Staff, post(&flight(false, "cancel"), None, json!({"reason": "by the carrier"})))
            }
        };
        let request = Request { key: Some(self.key()), ..request };
        match self.insist(actor, &request).await {
            Final::Done(_) => true,
            Final::Refused(refusal) => {
                let what = format!("the step {step:?} of the paid booking {reference} got {refusal}");
                self.load.evidence.breach(Promise::Legal, what);
                false
            }
            Final::Open => false,
        }
    }

    /// Compares the fee that is shown with the one that must remain, and cancels; returns the latter. `None`: it is not known.
    async fn cancel(&mut self, reference: &str, bill: &Bill) -> Option<i64> {
        let fee = bill.steady_fee(SystemClock.now())?;
        let path = path_of(reference);
        let look = Request::get(format!("{path}/cancellation"));
        if let Final::Done(shown) = self.insist(Actor::Payer(self.account), &look).await
            && let Some(what) = other_fee(reference, "is shown as", &shown["fee"], (fee, bill))
        {
            self.load.evidence.breach(Promise::FeeKept, what);
        }
        let actor = if bill.way() == Way::HasLeft { Actor::Staff } else { Actor::Payer(self.account) };
        let request = post(&format!("{path}/cancel"), Some(self.key()), json!({}));
        match self.insist(actor, &request).await {
            Final::Done(booking) => {
                if let Some(what) = other_fee(reference, "was fixed as", &booking["cancellation_fee"], (fee, bill)) {
                    self.load.evidence.breach(Promise::FeeKept, what);
                }
            }
            Final::Refused(refusal) => {
                let what = format!("the cancellation of the paid booking {reference} got {refusal}");
                self.load.evidence.breach(Promise::Legal, what);
                return None;
            }
            Final::Open => return None,
        }
        bill.steady_fee(SystemClock.now())
    }

    fn key(&mut self) -> String {
        self.serial += 1;
        format!("{}-f{}-{}", self.load.run, self.number - FIRST, self.serial)
    }

    /// Repeats a request, under its key if it has one, until the answer is final. Some clients hang up.
    async fn insist(&self, actor: Actor, request: &Request) -> Final {
        let is_write = request.key.is_some();
        let own = request.key.iter().flat_map(|key| key.bytes());
        let own = own.fold(self.serial, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
        let (began, mut random) = (Instant::now(), Random::of(own, self.number));
        while began.elapsed() < INSISTS_FOR {
            let hang_up = (is_write && random.percent(10)).then(|| Duration::from_millis(random.below(300)));
            let instance = usize::try_from(random.below(64)).unwrap_or_default();
            let delivery = Delivery { client: self.number, instance, hang_up };
            let reply = self.load.wire.send(delivery, &self.load.caller(actor), request).await;
            match reply.outcome {
                // Not decided yet.
                Outcome::Ok(Answer { status: 202, .. }) | Outcome::Unknown(_) => {}
                Outcome::Ok(answer) => return Final::Done(answer.body),
                Outcome::Refused(refusal) if !refusal.is_passing() => return Final::Refused(refusal),
                Outcome::Refused(refusal) => {
                    let reply = Reply { outcome: Outcome::Refused(refusal), ..reply };
                    self.load.back_off(&reply).await;
                }
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Final::Open
    }
}

/// Describes a fee that is not the one that must remain.
fn other_fee(reference: &str, words: &str, amount: &Value, (fee, bill): (i64, &Bill)) -> Option<String> {
    let is_other = amount["amount"] != money(fee) || amount["currency"] != CURRENCY;
    is_other.then(|| format!("the fee of {reference} {words} {amount}, but must be {} by {bill:?}", money(fee)))
}

/// The total for this weight, in minor units.
fn total_of(weight_kg: i64) -> i64 {
    (weight_kg * NORMAL).max(MINIMUM)
}

/// An amount in minor units, as the API spells it.
pub(super) fn money(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

/// As minor units; none, if there is no amount.
pub(super) fn minor(amount: &Value) -> i64 {
    let digits = amount["amount"].as_str().map(|amount| amount.replace('.', ""));
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn a_fee_that_differs_from_the_formula_is_reported() {
        let bill = Bill::new(total_of(125), Way::HasLeft);
        let fee = |amount: &str, currency: &str| {
            let amount = json!({"amount": amount, "currency": currency});
            other_fee("A", "is shown as", &amount, (bill.fee(DateTime::UNIX_EPOCH), &bill)).is_some()
        };
        assert_eq!([fee("250.00", "GBP"), fee("0.00", "GBP"), fee("250.00", "USD")], [false, true, true]);
        assert!(other_fee("A", "was fixed as", &Value::Null, (25_000, &bill)).is_some());
        assert_eq!([total_of(1), total_of(20), total_of(21)], [4000, 4000, 4200]);
    }
}
