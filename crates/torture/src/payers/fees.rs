//! Compares what cancelled bookings have cost with the fees that must remain, and both with the journal of the provider.
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use serde::Serialize;
use serde_json::Value;

use super::canceller::{ACCOUNTS, CURRENCY, Case, Cases, minor, money};
use crate::{
    check::list,
    client::Load,
    evidence::{Breach, Promise},
    operation::{Actor, BOOKINGS},
};

/// How long refunds that are under way at the end are waited for.
const SETTLES_WITHIN: Duration = Duration::from_mins(1);

/// What has become of the orders of all cancellers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Fees {
    pub orders: usize,
    pub refused: usize,
    pub cancelled: usize,
    /// Changes before a cancellation.
    pub changes: usize,
    /// Cancellations with a fee.
    pub with_fee: usize,
    /// Bookings of which the fee is not known, because a request was not answered in time.
    pub unknown: usize,
}

/// A booking at the end. In minor units.
#[derive(Debug, Clone, Default)]
struct Kept {
    reference: String,
    status: String,
    fee: i64,
    paid: i64,
    refunded: i64,
}

impl Kept {
    fn read(booking: &Value) -> Self {
        let text = |member: &str| booking[member].as_str().unwrap_or_default().to_owned();
        let amount = |member: &str| minor(&booking[member]);
        Self {
            reference: text("ref_id"),
            status: text("status"),
            fee: amount("cancellation_fee"),
            paid: amount("paid"),
            refunded: amount("refunded"),
        }
    }

    const fn rest(&self) -> i64 {
        self.paid - self.refunded
    }
}

impl Fees {
    fn of(all: &[Cases]) -> Self {
        let cases = || all.iter().flat_map(|cases| &cases.paid);
        let count = |which: fn(&Case) -> bool| cases().filter(|case| which(case)).count();
        Self {
            orders: all.iter().map(|cases| cases.orders).sum(),
            refused: all.iter().map(|cases| cases.refused).sum(),
            cancelled: count(|case| case.fee.is_some()),
            changes: cases().filter(|case| case.fee.is_some()).map(|case| case.changes).sum(),
            with_fee: count(|case| case.fee.is_some_and(|fee| fee > 0)),
            unknown: count(|case| case.fee.is_none()),
        }
    }
}

/// Waits until all has gone back that must, then compares.
pub(super) async fn judge(load: &Load, all: &[Cases]) -> anyhow::Result<(Vec<Breach>, Fees)> {
    let began = Instant::now();
    let cases: Vec<&Case> = all.iter().flat_map(|cases| &cases.paid).collect();
    loop {
        let (before, kept) = (in_the_journal(load).await?, bookings(load).await?);
        let breaches = compare(&cases, &kept, [before, in_the_journal(load).await?]);
        let has_result = !load.evidence.get().breaches.is_empty();
        if breaches.is_empty() || began.elapsed() > if has_result { SETTLES_WITHIN / 4 } else { SETTLES_WITHIN } {
            return Ok((breaches, Fees::of(all)));
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// The bookings of all accounts.
async fn bookings(load: &Load) -> anyhow::Result<Vec<Kept>> {
    let mut kept = Vec::new();
    for account in ACCOUNTS {
        let listed = list(load, Actor::Payer(account), format!("{BOOKINGS}?limit=100")).await?;
        kept.extend(listed.iter().map(Kept::read));
    }
    Ok(kept)
}

/// What the provider has captured and not refunded.
async fn in_the_journal(load: &Load) -> anyhow::Result<i64> {
    let entries = list(load, Actor::Staff, "/api/v1/test-payments/journal?limit=100".to_owned()).await?;
    Ok(entries.iter().map(effect_of).sum())
}

/// What an entry of the journal adds to the amount that is kept.
fn effect_of(entry: &Value) -> i64 {
    let amount = &entry["amount"];
    match (entry["kind"].as_str(), amount["currency"] == CURRENCY && entry["outcome"] == "SUCCEEDED") {
        (Some("CAPTURE"), true) => minor(amount),
        (Some("REFUND"), true) => -minor(amount),
        _ => 0,
    }
}

/// `journal`: what the provider kept before and after the bookings were read.
fn compare(cases: &[&Case], kept: &[Kept], journal: [i64; 2]) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let mut must_remain = 0;
    let mut others: BTreeMap<&str, &Kept> = kept.iter().map(|kept| (kept.reference.as_str(), kept)).collect();
    for case in cases {
        let Some(kept) = others.get(case.reference.as_str()) else {
            let what = format!("lost: the paid booking {}", case.reference);
            breaches.push(Breach { promise: Promise::NothingLost, what });
            continue;
        };
        let Some(fee) = case.fee else { continue };
        must_remain += fee;
        if kept.status != "CANCELLED" {
            let what = format!("lost: the cancellation of {}; it is {}", kept.reference, kept.status);
            breaches.push(Breach { promise: Promise::NothingLost, what });
        }
        if kept.fee != fee || kept.rest() != fee {
            let what = format!(
                "of {} {} must remain after {} changes: its fee is {}, {} was paid and {} refunded",
                kept.reference,
                money(fee),
                case.changes,
                money(kept.fee),
                money(kept.paid),
                money(kept.refunded)
            );
            breaches.push(Breach { promise: Promise::FeeKept, what });
        }
        others.remove(case.reference.as_str());
    }
    // Of those whose fee is not known, what they show themselves.
    must_remain += others.values().map(|kept| kept.rest()).sum::<i64>();
    if !journal.contains(&must_remain) {
        let [before, after] = journal.map(money);
        let what = format!(
            "the provider has captured and not refunded {before} to {after} {CURRENCY}, but {} must remain",
            money(must_remain)
        );
        breaches.push(Breach { promise: Promise::FeeKept, what });
    }
    breaches
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn case(reference: &str, fee: Option<i64>) -> Case {
        Case { reference: reference.to_owned(), fee, changes: 1 }
    }

    fn kept(reference: &str, status: &str, [fee, paid, refunded]: [i64; 3]) -> Kept {
        Kept { reference: reference.to_owned(), status: status.to_owned(), fee, paid, refunded }
    }

    #[track_caller]
    fn expect(cases: &[Case], kept: &[Kept], journal: i64, expected: &[(Promise, &str)]) {
        let cases: Vec<&Case> = cases.iter().collect();
        let found = compare(&cases, kept, [journal, journal]);
        let fits = found.len() == expected.len()
            && found
                .iter()
                .zip(expected)
                .all(|(found, (promise, words))| found.promise == *promise && found.what.contains(words));
        assert!(fits, "{found:#?}");
    }

    #[test]
    fn what_remains_of_cancelled_bookings_is_their_fee() {
        let cases = [case("A", Some(25_000)), case("B", Some(0)), case("C", None)];
        let bookings = [
            kept("A", "CANCELLED", [25_000, 50_000, 25_000]),
            kept("B", "CANCELLED", [0, 20_000, 20_000]),
            kept("C", "BOOKED", [0, 30_000, 0]),
            // Its order was not answered.
            kept("D", "BOOKED", [0, 10_000, 0]),
        ];
        expect(&cases, &bookings, 65_000, &[]);
        let surplus = [(Promise::FeeKept, "captured and not refunded 650.01 to 650.01 GBP, but 650.00 must remain")];
        expect(&cases, &bookings, 65_001, &surplus);
    }

    #[test]
    fn a_fee_that_vanished_and_a_lost_cancellation_are_reported() {
        let cases = [case("A", Some(25_000))];
        let vanished = [kept("A", "CANCELLED", [0, 50_000, 50_000])];
        let words = "of A 250.00 must remain after 1 changes: its fee is 0.00, 500.00 was paid and 500.00 refunded";
        let journal = (Promise::FeeKept, "0.00 to 0.00 GBP, but 250.00 must remain");
        expect(&cases, &vanished, 0, &[(Promise::FeeKept, words), journal]);
        let twice = [kept("A", "CANCELLED", [25_000, 50_000, 50_000])];
        expect(&cases, &twice, 25_000, &[(Promise::FeeKept, "500.00 refunded")]);
        let open = [kept("A", "BOOKED", [25_000, 50_000, 25_000])];
        expect(&cases, &open, 25_000, &[(Promise::NothingLost, "lost: the cancellation of A; it is BOOKED")]);
        expect(&cases, &[], 0, &[(Promise::NothingLost, "lost: the paid booking A")]);
    }

    #[test]
    fn only_what_succeeded_in_its_currency_counts() {
        let entry = |kind: &str, outcome: &str, currency: &str| json!({"kind": kind, "outcome": outcome, "amount": {"amount": "12.50", "currency": currency}});
        let effects = [
            entry("CAPTURE", "SUCCEEDED", CURRENCY),
            entry("REFUND", "SUCCEEDED", CURRENCY),
            entry("CAPTURE", "SUCCEEDED", "USD"),
            entry("CAPTURE", "DECLINED", CURRENCY),
            entry("AUTHORIZE", "SUCCEEDED", CURRENCY),
        ];
        assert_eq!(effects.iter().map(effect_of).collect::<Vec<_>>(), [1250, -1250, 0, 0, 0]);
        assert_eq!([minor(&Value::Null), minor(&json!({"amount": "0.05"}))], [0, 5]);
        assert_eq!([money(5), money(123_456)], ["0.05", "1234.56"]);
    }
}
